"""Let ``netpromoter``, and ``python -m netpromoter``, be the command line."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; an interrupt ends it quietly with 130 while it is loaded, as it does later."""
    try:
        from .cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
