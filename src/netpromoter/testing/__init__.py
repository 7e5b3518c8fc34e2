"""The conformance kit for those who write plugins: what a channel and a store must do, as tests to inherit from."""

from ._channel import ChannelContract, rendered_messages
from ._store import StoreContract

__all__ = ["ChannelContract", "StoreContract", "rendered_messages"]
