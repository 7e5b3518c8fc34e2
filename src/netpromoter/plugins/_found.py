"""Which plugins there are: those that are given, and those that distributions bring."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import EntryPoint
from importlib.metadata import entry_points as named_in
from itertools import count
from traceback import format_exception_only
from types import ModuleType
from typing import Any

import attrs

from netpromoter.errors import PluginError

__all__ = ["GROUP", "Found", "given", "installed", "said"]

#: The group of entry points that names plugins.
GROUP = "netpromoter"


@attrs.frozen(kw_only=True)
class Found:
    """A plugin, its name and where it comes from."""

    name: str
    origin: str
    plugin: Any


def installed(builtin: Found) -> list[Found]:
    """Import what entry points name, in the order of their names, and put what is built in behind."""
    found = [builtin]
    for point in sorted(named_in(group=GROUP), key=lambda point: (point.name, _origin(point))):
        one = _imported(point)
        twins = [other.origin for other in found if other.name == one.name]
        if twins:
            raise PluginError(f"plugin must have a name of its own (got {one.name!r} from {twins[0]} and {one.origin})")
        if not _among(found, one.plugin):
            found.append(one)
    return [*found[1:], builtin]


def given(plugins: Iterable[object], known: Sequence[Found]) -> list[Found]:
    """Name those that are not known after their module or class, and number those of one name."""
    found: list[Found] = []
    for plugin in plugins:
        if not _among([*known, *found], plugin):
            taken = {one.name for one in (*known, *found)}
            first = plugin.__name__ if isinstance(plugin, ModuleType | type) else type(plugin).__name__
            name = next(name for name in _numbered(first) if name not in taken)
            found.append(Found(name=name, origin="given", plugin=plugin))
    return found


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name} ({number})" for number in count(2))


def _among(found: Iterable[Found], plugin: object) -> bool:
    return any(one.plugin is plugin for one in found)


def _imported(point: EntryPoint) -> Found:
    try:
        return Found(name=point.name, origin=_origin(point), plugin=point.load())
    except (Exception, SystemExit) as error:
        text = f"plugin {point.name!r} from {_origin(point)} must be importable (got {said(error)})"
        raise PluginError(text) from error


def _origin(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value


def said(error: BaseException) -> str:
    """Give an error on one line, even one that cannot show itself."""
    return " ".join("".join(format_exception_only(error)).split())
