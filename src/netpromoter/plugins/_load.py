"""From plugins to what they offer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pluggy

from netpromoter.errors import PluginError

from . import _builtin
from ._found import GROUP, Found, given, installed, said
from ._plugins import Listener, Offer, Plugins
from ._ports import Store
from ._validation import FACTS, manager_of

__all__ = ["load_plugins", "open_store"]

#: The hooks that ask what a plugin offers, the form of what it offers, and what that is called.
_OFFERS = {
    "netpromoter_register_channels": (re.compile(r"\w[\w.+-]*"), "names such as 'smtp'"),
    "netpromoter_register_stores": (re.compile(r"[a-z][a-z0-9+.-]*"), "schemes in lower case, such as 'sqlite',"),
}
_BUILTIN = Found(name=GROUP, origin=GROUP, plugin=_builtin)


def load_plugins(*extra: object, entry_points: bool = True) -> Plugins:
    """Find plugins, and ask each what it offers.

    Each call looks again, with a manager of its own: nothing is kept between calls.

    Parameters
    ----------
    *extra : module or object
        Plugins beside those that are installed. One that is installed too, or is given twice, counts once. Each is
        named after its module or class, and several of one class are numbered in their order. How far a program has
        told a plugin is kept under this name, so give those of one class in the same order each time.
    entry_points : bool, default True
        Whether to import what distributions name in the group ``netpromoter`` of their entry points.

    Returns
    -------
    Plugins
        What they offer. They are told what happens in this order: those that were given, those that are installed, by
        the names of their entry points, and what comes with the package. A hook that is marked ``tryfirst`` or
        ``trylast`` comes first or last.

    Raises
    ------
    PluginError
        If a plugin cannot be imported; if it implements no hook, one that does not exist, or one in a way that cannot
        be called; if it raises when it is asked; if it offers anything but a mapping of names to factories, or a name
        that another offers. The message names the plugin.

    Examples
    --------
    >>> from netpromoter.channels import OutboxChannel
    >>> from netpromoter.plugins import hookimpl
    >>> class Office:
    ...     @hookimpl
    ...     def netpromoter_register_channels(self):
    ...         return {"tray": OutboxChannel}
    >>> load_plugins(Office(), entry_points=False)
    Plugins(Office, netpromoter; 6 channels, 4 stores)
    """
    known = installed(_BUILTIN) if entry_points else [_BUILTIN]
    found = [*given(extra, known), *known]
    manager = manager_of(found)
    channels, stores = (_offers(manager, hook) for hook in _OFFERS)
    return Plugins(
        origins={one.name: one.origin for one in found},
        facts={hook: facts for hook, facts in FACTS.items() if hook not in _OFFERS},
        channels=channels,
        stores=stores,
        listeners={hook: tuple(_listeners(manager, hook)) for hook in FACTS if hook not in _OFFERS},
    )


def open_store(url: str, plugins: Plugins | None = None, **options: Any) -> Store:
    """Open the store that a URL names.

    Parameters
    ----------
    url : str
        ``memory:`` for a log that is gone at the end, or what begins with a scheme that a plugin offers, such as
        ``sqlite:///nps.db`` or ``postgresql://nps@db.example.com/nps``.
    plugins : Plugins, optional
        Who may offer the store; what `load_plugins` finds if None.
    **options
        What the store takes beside its URL.

    Returns
    -------
    Store
        Whoever opens it closes it.

    Raises
    ------
    InvalidArgument
        If the URL has no scheme, or one that no plugin offers; or if an @ of its password is not written as %40.
    PluginError
        If what a plugin opens is not a store, or if it cannot be opened. The message gives the reason without the
        password of the URL; the error of the driver is the cause unless it would show the password. Errors of
        netpromoter go through, and so does what Python says of an option that the store does not take.

    Examples
    --------
    >>> store = open_store("memory:")
    >>> list(store.entries())
    []
    """
    return (load_plugins() if plugins is None else plugins).store(url, **options)


def _implementations(manager: pluggy.PluginManager, hook: str) -> Iterator[pluggy.HookImpl]:
    yield from reversed(getattr(manager.hook, hook).get_hookimpls())


def _listeners(manager: pluggy.PluginManager, hook: str) -> Iterator[Listener]:
    for impl in _implementations(manager, hook):
        yield Listener(plugin=impl.plugin_name, function=impl.function, wanted=tuple(impl.argnames))


def _offers(manager: pluggy.PluginManager, hook: str) -> dict[str, Offer]:
    """Ask each plugin by itself, because pluggy would drop a None and not say whose it was."""
    found: dict[str, Offer] = {}
    for impl in _implementations(manager, hook):
        for name, factory in _asked(impl, hook).items():
            if name in found:
                both = f"{found[name].plugin!r} and {impl.plugin_name!r}"
                raise PluginError(f"{name!r} must be offered once by {hook} (got it from plugins {both})")
            found[name] = Offer(plugin=impl.plugin_name, factory=factory)
    return dict(sorted(found.items()))


def _asked(impl: pluggy.HookImpl, hook: str) -> Mapping[str, Callable[..., Any]]:
    form, names = _OFFERS[hook]
    rule = f"{hook} of plugin {impl.plugin_name!r} must return a mapping of {names} to factories"
    try:
        offered = impl.function()
        pairs: Any = list(offered.items()) if isinstance(offered, Mapping) else None
    except (Exception, SystemExit) as error:
        raise PluginError(f"{rule} (got {said(error)})") from error
    if pairs is None or not all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs):
        raise PluginError(f"{rule} (got a {type(offered).__name__})")
    for name, factory in pairs:
        if not (isinstance(name, str) and form.fullmatch(name)):
            raise PluginError(f"{rule} (got the name {name!r})")
        if not callable(factory):
            raise PluginError(f"{rule} (got a {type(factory).__name__} for {name!r})")
    return dict(pairs)
