"""Finding plugins, and refusing those that break their contract before anything depends on them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from importlib.metadata import EntryPoint
from importlib.metadata import entry_points as installed
from itertools import count
from typing import Any

import attrs
import pluggy

from netpromoter.errors import PluginError

from . import _builtin, _hookspecs
from ._plugins import Listener, Offer, Plugins
from ._ports import Store
from ._urls import SCHEME

__all__ = ["load_plugins", "open_store"]

_GROUP = "netpromoter"
_HOOKS = {
    name: tuple(inspect.signature(hook).parameters)
    for name, hook in vars(_hookspecs).items()
    if name.startswith("netpromoter_")
}
_OFFERS = ("netpromoter_register_channels", "netpromoter_register_stores")


@attrs.frozen(kw_only=True)
class _Found:
    """A plugin, its name and where it comes from."""

    name: str
    origin: str
    plugin: Any


def load_plugins(*extra: object, entry_points: bool = True) -> Plugins:
    """Find plugins, and ask each what it offers.

    Each call looks again, with a manager of its own: nothing is kept between calls.

    Parameters
    ----------
    *extra : module or object
        Plugins beside those that are installed. One that is installed too counts once.
    entry_points : bool, default True
        Whether to load what installed distributions name in the entry point group ``netpromoter``.

    Returns
    -------
    Plugins
        What they offer. They are told of events in this order: those that were given, those that are installed, by the
        names of their entry points, and what comes with the package; a hook that is marked `tryfirst` or `trylast` goes
        before or after.

    Raises
    ------
    PluginError
        If a plugin cannot be imported, implements a hook that does not exist, or one wrongly, or none; if it raises
        when it is asked; if it offers what is no mapping of names to factories, or a name that another plugin offers.
        The message names the plugin.

    Examples
    --------
    >>> class Printer:
    ...     def send(self, message):
    ...         print(message.text)
    ...         return Receipt.sent(message)
    >>> class Office:
    ...     @hookimpl
    ...     def netpromoter_register_channels(self):
    ...         return {"printer": Printer}
    >>> load_plugins(Office(), entry_points=False)
    Plugins(Office, netpromoter; 6 channels, 4 stores)
    """
    found = [*_installed(entry_points=entry_points), _Found(name=_GROUP, origin=_GROUP, plugin=_builtin)]
    found = [*_given(extra, found), *found]
    manager = pluggy.PluginManager(_GROUP)
    manager.add_hookspecs(_hookspecs)
    for one in reversed(found):  # pluggy asks the last first
        _register(manager, one)
    _refuse_unknown(manager)
    for one in found:
        _refuse_broken(manager, one)
    return Plugins(
        origins={one.name: one.origin for one in found},
        facts={hook: facts for hook, facts in _HOOKS.items() if hook not in _OFFERS},
        channels=_offers(manager, _OFFERS[0], "channel"),
        stores=_offers(manager, _OFFERS[1], "store"),
        listeners={hook: _listeners(manager, hook) for hook in _HOOKS if hook not in _OFFERS},
    )


def open_store(url: str, plugins: Plugins | None = None, **options: Any) -> Store:
    """Open the store that a URL names.

    Parameters
    ----------
    url : str
        ``memory:`` for a log that is gone at the end, or what begins with a scheme that a plugin offers, such as
        ``sqlite:///nps.db`` or ``postgresql://nps@db.example.com/nps``.
    plugins : Plugins, optional
        Who may offer it; what `load_plugins` finds if None.
    **options
        What the store takes beside its URL.

    Returns
    -------
    Store
        Whoever opens it closes it.

    Raises
    ------
    InvalidArgument
        If the URL has no scheme, or one that no plugin offers.
    PluginError
        If what the plugin opens is not a store, or its error would show the password of the URL. Other errors of the
        plugin go through.

    Examples
    --------
    >>> store = open_store("memory:")
    >>> list(store.entries())
    []
    """
    return (load_plugins() if plugins is None else plugins).store(url, **options)


def _given(extra: Iterable[object], known: Sequence[_Found]) -> list[_Found]:
    """Name plugins after their module or class, and number those of one name."""
    found: list[_Found] = []
    for plugin in extra:
        taken = [one.name for one in (*known, *found)]
        first = getattr(plugin, "__name__", type(plugin).__name__)
        name = next(name for name in _numbered(first) if name not in taken)
        if not any(one.plugin is plugin for one in (*known, *found)):
            found.append(_Found(name=name, origin="given", plugin=plugin))
    return found


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name} ({number})" for number in count(2))


def _installed(*, entry_points: bool) -> list[_Found]:
    found: dict[str, _Found] = {}
    for point in sorted(installed(group=_GROUP), key=_origin) if entry_points else ():
        one = _imported(point)
        if point.name in {*found, _GROUP}:
            other = found[point.name].origin if point.name in found else _GROUP
            raise PluginError(f"plugin must have a name of its own (got {point.name!r} from {other} and {one.origin})")
        if not any(other.plugin is one.plugin for other in found.values()):
            found[one.name] = one
    return [found[name] for name in sorted(found)]


def _origin(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value


def _imported(point: EntryPoint) -> _Found:
    try:
        return _Found(name=point.name, origin=_origin(point), plugin=point.load())
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise PluginError(f"plugin {point.name!r} from {_origin(point)} must be importable (got {said})") from error


def _register(manager: pluggy.PluginManager, one: _Found) -> None:
    try:
        if manager.register(one.plugin, one.name) is None:
            raise PluginError(f"plugin {one.name!r} must be a module or an object (got {one.plugin!r})")
    except pluggy.PluginValidationError as error:
        said = " ".join(str(error).split())
        raise PluginError(f"hooks of plugin {one.name!r} must be as they are specified (got: {said})") from error
    except ValueError as error:
        raise PluginError(f"plugin {one.name!r} must differ from the others (got one that equals another)") from error


def _refuse_unknown(manager: pluggy.PluginManager) -> None:
    """Refuse a mistyped hook, which pluggy would never call."""
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        callers = [caller for caller in manager.get_hookcallers(error.plugin) or () if not caller.has_spec()]
        impls = [impl for caller in callers for impl in caller.get_hookimpls() if impl.plugin is error.plugin]
        ...


def _refuse_broken(manager: pluggy.PluginManager, one: _Found) -> None:
    """Refuse what pluggy would pass over in silence, or notice when it is too late."""
    callers = {caller.name: caller for caller in manager.get_hookcallers(one.plugin) or ()}
    for hook in _HOOKS:
        if hook not in callers and inspect.isroutine(inspect.getattr_static(one.plugin, hook, None)):
            raise PluginError(f"{hook} of plugin {one.name!r} must be marked with @hookimpl (got a plain function)")
    if not callers:
        raise PluginError(f"plugin {one.name!r} must implement a hook (got {shown(one.plugin)} with none)")
    for hook in callers.keys() & _HOOKS.keys():
        for impl in callers[hook].get_hookimpls():
            if impl.plugin is one.plugin:
                _refuse_uncallable(f"{hook} of plugin {one.name!r}", impl)


def _refuse_uncallable(named: str, impl: pluggy.HookImpl) -> None:
    kinds = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    if any(kind(impl.function) for kind in kinds):
        raise PluginError(f"{named} must be a plain function (got a coroutine or a generator, which nobody would run)")
    signature = inspect.signature(impl.function)
    try:
        signature.bind(*impl.argnames)
    except TypeError as error:
        raise PluginError(f"{named} must be callable by position with ...") from error
