"""The conformance kit for those who write plugins: what a port promises, as tests, and what to give to tests."""

from netpromoter.errors import MissingDependency

try:
    import pytest

    # before they are imported, so that a failure shows both sides of what should have been equal
    pytest.register_assert_rewrite(
        *(f"{__name__}.{name}" for name in ("_ballot_box", "_channel", "_histories", "_store"))
    )

    from ._ballot_box import BallotBoxContract
    from ._channel import ChannelContract, rendered_messages
    from ._store import StoreContract
    from ._values import values
except ModuleNotFoundError as error:
    if error.name not in {"hypothesis", "pytest"}:
        raise
    raise MissingDependency(f"netpromoter.testing needs {error.name}: install netpromoter[testing]") from error

__all__ = ["BallotBoxContract", "ChannelContract", "StoreContract", "rendered_messages", "values"]
