"""The command, its errors and its end."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from netpromoter._checks import harmless, raised
from netpromoter.errors import InvalidArgument, MissingDependency, NetPromoterError

__all__ = ["Refused", "as_click_errors", "cli", "main"]


class Refused(click.ClickException):
    """The data are refused."""

    exit_code = 1


class _Missing(click.ClickException):
    exit_code = 2


def main() -> None:
    """Run the command line; an interrupt ends it quietly with 130, and a reader that goes away with 141."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        sys.exit(cli.main(prog_name="netpromoter", standalone_mode=False))
    except click.ClickException as problem:
        problem.show()
        sys.exit(problem.exit_code)
    except click.Abort:
        sys.exit(130)


@click.group()
@click.version_option(package_name="netpromoter", prog_name="netpromoter")
def cli() -> None:
    """Net Promoter Scores that you can defend, and surveys tried before anybody is asked."""


@contextmanager
def as_click_errors() -> Iterator[None]:
    """Let wrong usage end with 2 and refused data with 1."""
    try:
        yield
    except InvalidArgument as problem:
        raise click.UsageError(harmless(str(problem))) from problem
    except MissingDependency as problem:
        raise _Missing(str(problem)) from problem
    except NetPromoterError as problem:
        raise Refused(_with_notes(str(problem), problem)) from problem
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise click.exceptions.Exit(141) from None
    except OSError as problem:
        if problem.filename is not None:  # a file that was named
            raise click.UsageError(harmless(str(problem))) from problem
        raise Refused(_with_notes(raised(problem), problem)) from problem
    except Exception as problem:
        if not _is_of_a_database(problem):
            raise
        raise Refused(_with_notes(f"the store raised {raised(problem)}", problem)) from problem


def _with_notes(said: str, problem: Exception) -> str:
    return "\n  ".join(map(harmless, [said, *getattr(problem, "__notes__", ())]))


def _is_of_a_database(problem: Exception) -> bool:
    """Say whether an error is one of a driver, all of which are below its `Error` (PEP 249)."""
    drivers = filter(None, map(sys.modules.get, ("sqlite3", "psycopg")))
    return isinstance(problem, tuple(driver.Error for driver in drivers))
