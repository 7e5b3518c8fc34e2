"""Where pluggy lives: the ports, the hooks and the manager."""

from ._ballot_box import BallotBox
from ._hookspecs import hookimpl
from ._load import load_plugins, open_store
from ._plugins import Failure, Plugins
from ._ports import Channel, Store

__all__ = ["BallotBox", "Channel", "Failure", "Plugins", "Store", "hookimpl", "load_plugins", "open_store"]
