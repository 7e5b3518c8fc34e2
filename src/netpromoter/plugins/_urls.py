"""URLs of stores: their scheme, and the password that nobody must see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from traceback import TracebackException, format_exception_only
from typing import Any
from urllib.parse import unquote, unquote_plus

from netpromoter.errors import InvalidArgument

__all__ = ["SCHEME", "scheme_of", "without_password"]

SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_RULE = "url must be text that begins with a scheme, such as 'sqlite:///nps.db'"
# A password ends before the first @, or where it holds one itself before the last; or it is an option of the driver.
_PASSWORDS = tuple(
    re.compile(pattern) for pattern in (r"//[^:@]*:([^@]*)@", r"//[^:@]*:(.*)@", r"[?&][^=&]*(?i:pass)[^=&]*=([^&#]*)")
)


def scheme_of(url: Any) -> str:
    """Give what stands before the colon of a URL; what is no URL is not shown, for it may be a password."""
    if not isinstance(url, str):
        raise InvalidArgument(f"{_RULE} (got a {type(url).__name__})")
    scheme, colon, _ = url.partition(":")
    if not colon or not SCHEME.fullmatch(scheme):
        raise InvalidArgument(f"{_RULE} (got text without one)")
    return scheme


def without_password(error: Exception, url: str) -> str | None:
    """Say what an error says without the password of a URL; None if a traceback of it would not say the password."""
    secrets = sorted(set(_passwords(url)), key=len, reverse=True)
    traceback = "".join(TracebackException.from_exception(error, limit=0).format())
    if not any(secret in traceback for secret in secrets):
        return None
    text = "".join(format_exception_only(error))
    for secret in secrets:
        text = text.replace(secret, "***")
    return " ".join(text.split())


def _passwords(url: str) -> Iterator[str]:
    for pattern in _PASSWORDS:
        for found in pattern.findall(url):
            yield from filter(None, (found, unquote(found), unquote_plus(found)))
