"""The conformance kit for those who write plugins: what a port promises, as tests to inherit from."""

from ._ballot_box import BallotBoxContract
from ._channel import ChannelContract, rendered_messages
from ._store import StoreContract

__all__ = ["BallotBoxContract", "ChannelContract", "StoreContract", "rendered_messages"]
