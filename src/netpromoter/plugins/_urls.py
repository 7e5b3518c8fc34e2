"""URLs of stores: their scheme, and the password that nobody must see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from traceback import TracebackException, format_exception_only
from typing import Any
from urllib.parse import unquote, unquote_plus

from netpromoter.errors import InvalidArgument

__all__ = ["scheme_of", "without_password"]

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_RULE = "url must be text that begins with a scheme, such as 'sqlite:///nps.db'"
# As drivers read a URL, a password ends before the first @, whatever stands before it.
_TWO_ENDS = re.compile(r"[^:]*://[^:/@]*(?::[^@]*)?@[^/?#]*@")
# A password ends before the first @, or where it holds one and a slash before the last; without its @ it stands where
# a port should; or it is an option of the driver.
_PASSWORDS = tuple(
    re.compile(pattern)
    for pattern in (
        r"//[^:@]*:([^@]*)@",
        r"//[^:@]*:(.*)@",
        r"//[^:@/\[]*:(?!\d+(?:[/?#]|$))([^@/?#]+)",
        r"[?&][^=&]*(?i:pass)[^=&]*=([^&#]*)",
    )
)
_PIECES = re.compile(r"[@/]")


def scheme_of(url: Any) -> str:
    """Give what stands before the colon of a URL; what is no URL is not shown, for it may be a password."""
    if not isinstance(url, str):
        raise InvalidArgument(f"{_RULE} (got a {type(url).__name__})")
    scheme, colon, _ = url.partition(":")
    if not colon or not _SCHEME.fullmatch(scheme):
        raise InvalidArgument(f"{_RULE} (got text without one)")
    if _TWO_ENDS.match(url):
        raise InvalidArgument("url must have @ in a user or a password written as %40 (got two @ before the path)")
    return scheme


def without_password(error: Exception, url: str) -> tuple[str, bool]:
    """Say what an error says without the password of a URL, and whether a traceback of it would not say that either."""
    secrets = sorted(set(_passwords(url)), key=len, reverse=True)
    traceback = "".join(TracebackException.from_exception(error, limit=0).format())
    text = "".join(format_exception_only(error))
    for secret in secrets:
        text = text.replace(secret, "***")
    return " ".join(text.split()), not any(secret in traceback for secret in secrets)


def _passwords(url: str) -> Iterator[str]:
    for pattern in _PASSWORDS:
        for found in pattern.findall(url):
            # One that holds both @ and / is read in pieces: as a host, a port and a path.
            for each in (found, *(_PIECES.split(found) if "@" in found else ())):
                yield from filter(None, (each, unquote(each), unquote_plus(each)))
