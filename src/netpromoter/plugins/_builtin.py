"""The plugin that comes with the package: its own channels and stores, through the hooks that all others use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from netpromoter._checks import refusal

from ._hookspecs import hookimpl

__all__ = ["netpromoter_register_channels", "netpromoter_register_stores"]


def _later(face: str, name: str) -> Callable[..., Any]:
    """Give a factory that imports what it makes when it is called."""

    def factory(*arguments: Any, **options: Any) -> Any:
        return getattr(import_module(face), name)(*arguments, **options)

    return factory


@hookimpl
def netpromoter_register_channels() -> Mapping[str, Callable[..., Any]]:
    """Offer the channels of `netpromoter.channels`."""
    names = ("apprise", "console", "outbox", "smtp", "webhook")
    return {name: _later("netpromoter.channels", f"{name.capitalize()}Channel") for name in names}


def _memory(url: str, **options: Any) -> Any:
    if url != "memory:":
        raise refusal("url", "'memory:', with nothing after the colon", "text with more")
    return _later("netpromoter.stores", "MemoryStore")(**options)


@hookimpl
def netpromoter_register_stores() -> Mapping[str, Callable[..., Any]]:
    """Offer the stores of `netpromoter.stores`."""
    sql = _later("netpromoter.stores", "SqlStore")
    return {"memory": _memory, "sqlite": sql, "postgresql": sql, "postgresql+psycopg": sql}
