"""The conformance kit for those who write plugins: what a port promises, as tests to inherit from."""

from netpromoter.errors import MissingDependency

try:
    from ._ballot_box import BallotBoxContract
    from ._channel import ChannelContract, rendered_messages
    from ._store import StoreContract
except ModuleNotFoundError as error:
    if error.name not in {"hypothesis", "pytest"}:
        raise
    raise MissingDependency(f"netpromoter.testing needs {error.name}: install netpromoter[testing]") from error

__all__ = ["BallotBoxContract", "ChannelContract", "StoreContract", "rendered_messages"]
