"""What a program is made of: each part is refused where it is given, and not when it is first used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, get_args

import attrs

from netpromoter._checks import refusal
from netpromoter.errors import InvalidArgument
from netpromoter.model import Purpose, Survey
from netpromoter.plugins import Channel, Plugins, Store
from netpromoter.rules import FollowUp, Recovery

from ._links import Links
from ._templates import Templates

__all__ = ["check_parts"]


def _is_a(kind: type | tuple[type, ...], value: Any) -> bool:
    return isinstance(value, kind)


def _methods(port: type) -> list[str]:
    return [name for name, member in vars(port).items() if callable(member) and not name.startswith("_")]


def _is_like(port: type, value: Any) -> bool:
    """Say whether an object has the methods of a port, of whatever class it is."""
    return not isinstance(value, type) and all(callable(getattr(value, name, None)) for name in _methods(port))


def _are_some(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value)


def _are_policies(value: Any) -> bool:
    given = [value] if isinstance(value, FollowUp) else value
    return isinstance(given, Sequence) and all(isinstance(each, FollowUp) for each in given)


def _is_folder(value: Any) -> bool:
    return value is None or (isinstance(value, str | Path) and Path(value).is_dir())


@attrs.frozen
class _Part:
    """What a part must be; one that may hold a secret is not shown where it is refused."""

    rule: str
    fits: Callable[[Any], bool]
    is_secret: bool = attrs.field(default=False, kw_only=True)


_CHANNEL = "an object with send, or a callable that makes one"
_PARTS: Mapping[str, _Part] = {
    "survey": _Part("a Survey", partial(_is_a, Survey)),
    "store": _Part(
        f"an open store, as open_store gives one: an object with {', '.join(_methods(Store))}",
        partial(_is_like, Store),
        is_secret=True,
    ),
    "channels": _Part(
        f"a mapping of one name or more to channels, each {_CHANNEL}",
        _are_some,
        is_secret=True,
    ),
    "links": _Part("Links", partial(_is_a, Links), is_secret=True),
    "follow_up": _Part("a FollowUp or a sequence of them", _are_policies),
    "recovery": _Part("a Recovery or None", partial(_is_a, (Recovery, type(None)))),
    "purpose": _Part(f"one of {', '.join(map(repr, get_args(Purpose)))}", get_args(Purpose).__contains__),
    "templates": _Part('Templates, such as Templates("templates")', partial(_is_a, Templates)),
    "wording": _Part("a folder that exists, or None", _is_folder),
    "plugins": _Part("Plugins, as load_plugins gives them", partial(_is_a, Plugins)),
}


def check_parts(program: Any) -> None:
    """Refuse the first part of a program that cannot work."""
    for name, part in _PARTS.items():
        value = getattr(program, name)
        if not part.fits(value):
            raise _secret(name, part.rule, value) if part.is_secret else refusal(name, part.rule, value)
    for name, channel in program.channels.items():
        if not (_is_like(Channel, channel) or callable(channel)):
            raise _secret(f"channels[{name!r}]", _CHANNEL, channel)


def _secret(name: str, rule: str, value: object) -> InvalidArgument:
    return InvalidArgument(f"{name} must be {rule} (got a {type(value).__name__})")
