"""Ids: parts joined by slashes, each percent-encoded, so that no other parts give the same id."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

__all__ = ["joined", "quoted", "survey_of", "unquoted"]

_UNRESERVED = re.compile(r"[\w.~-]*", re.ASCII)
_RESERVED = {code: f"%{code:02X}" for code in range(128) if not _UNRESERVED.fullmatch(chr(code))}


def joined(*parts: object) -> str:
    """Join parts into an id that no other parts give, whatever they contain."""
    return "/".join(map(quoted, map(str, parts)))


def quoted(text: str) -> str:
    """Write one part of an id: percent-encoded in ASCII, whatever it contains.

    Parameters
    ----------
    text : str
        Such as the id of a contact.

    Returns
    -------
    str
        Letters, digits and ``_.-~`` as they are, and all else by its bytes in UTF-8 (RFC 3986), even a lone surrogate.

    Examples
    --------
    >>> quoted("2026/autumn")
    '2026%2Fautumn'
    """
    if not text.isascii():
        return quote(text, safe="", errors="surrogatepass")
    is_plain = text.isalnum() or _UNRESERVED.fullmatch(text)  # the first is told fastest
    return text if is_plain else text.translate(_RESERVED)


def unquoted(part: str) -> str:
    """Read a part of an id that `quoted` has written.

    Parameters
    ----------
    part : str
        As it stands between the slashes.

    Returns
    -------
    str

    Examples
    --------
    >>> unquoted("2026%2Fautumn")
    '2026/autumn'
    """
    return unquote(part, errors="surrogatepass") if "%" in part else part


def survey_of(identity: str) -> str:
    """Give the key of the survey in the id of a message, an answer or a case, which begins with it.

    Parameters
    ----------
    identity : str
        The id.

    Returns
    -------
    str

    Examples
    --------
    >>> survey_of("relationship/autumn/c-1/0")
    'relationship'
    """
    return unquoted(identity.partition("/")[0])
