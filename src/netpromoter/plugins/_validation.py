"""Registering plugins with pluggy, and refusing what pluggy would pass over in silence."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import pluggy

from netpromoter.errors import PluginError

from . import _hookspecs
from ._found import GROUP, Found

__all__ = ["FACTS", "manager_of"]

#: The hooks, and what each is told.
FACTS: Mapping[str, tuple[str, ...]] = {
    name: tuple(inspect.signature(hook).parameters)
    for name, hook in vars(_hookspecs).items()
    if name.startswith("netpromoter_")
}
_KINDS = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)


def manager_of(found: Sequence[Found]) -> pluggy.PluginManager:
    """Make a manager that holds these plugins, all of them sound, and asks them in this order."""
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(_hookspecs)
    for one in reversed(found):  # pluggy asks the last first
        _register(manager, one)
    _refuse_unknown(manager)
    for one in found:
        _refuse_unheard(manager, one)
    return manager


def _register(manager: pluggy.PluginManager, one: Found) -> None:
    try:
        name = manager.register(one.plugin, one.name)
    except pluggy.PluginValidationError as error:
        said = " ".join(str(error).split())
        raise PluginError(f"hooks of plugin {one.name!r} must be as specified (got: {said})") from error
    except Exception as error:
        said = type(error).__name__
        raise PluginError(f"plugin {one.name!r} must be unlike the others, and show its hooks (got {said})") from error
    if name is None:
        raise PluginError(f"plugin {one.name!r} must be a module or an object with hooks (got {one.plugin!r})")


def _refuse_unknown(manager: pluggy.PluginManager) -> None:
    """Refuse a mistyped hook, which nobody would ever call."""
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        callers = [caller for caller in manager.get_hookcallers(error.plugin) or () if not caller.has_spec()]
        hook = next(caller.name for caller in callers if not all(impl.optionalhook for impl in caller.get_hookimpls()))
        near = get_close_matches(hook, FACTS, 1, 0)[0]
        name = manager.get_name(error.plugin)
        raise PluginError(f"hooks of plugin {name!r} must exist (got {hook!r}, perhaps for {near!r})") from error


def _refuse_unheard(manager: pluggy.PluginManager, one: Found) -> None:
    callers = {caller.name: caller for caller in manager.get_hookcallers(one.plugin) or ()}
    for hook in FACTS:
        if hook in callers:
            impls = [impl for impl in callers[hook].get_hookimpls() if impl.plugin is one.plugin]
            _refuse_uncallable(f"{hook} of plugin {one.name!r}", impls)
        elif inspect.isroutine(inspect.getattr_static(one.plugin, hook, None)):
            raise PluginError(f"{hook} of plugin {one.name!r} must be marked with @hookimpl (got it without)")
    if not callers:
        raise PluginError(f"plugin {one.name!r} must implement a hook (got a {type(one.plugin).__name__} with none)")


def _refuse_uncallable(named: str, impls: Sequence[pluggy.HookImpl]) -> None:
    for impl in impls:
        if any(kind(impl.function) for kind in _KINDS):
            raise PluginError(f"{named} must be a plain function (got a generator or a coroutine)")
        try:
            inspect.signature(impl.function).bind(*impl.argnames)
        except TypeError as error:
            if inspect.isclass(impl.plugin):
                text = f"{named} must be that of an instance, also in an entry point (got a class: call it)"
                raise PluginError(text) from error
            raise PluginError(f"{named} must take its arguments by position (got {_signature(impl)})") from error


def _signature(impl: Any) -> str:
    return str(inspect.signature(impl.function))
