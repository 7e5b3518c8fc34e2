"""Text in the head of a mail: encoded words of RFC 2047, made here and never read."""

from __future__ import annotations

import re
from email.charset import SHORTEST, Charset
from email.header import Header

__all__ = ["encoded", "unstructured"]

_LONGEST = 900
_PLAIN = re.compile(r"[!-~](?:[ -~]*[!-~])?")
# one of our own: libraries change the one that all share, and the bytes of a mail would depend on what is imported
_UTF_8 = Charset("utf-8")
_UTF_8.header_encoding = SHORTEST


def encoded(text: str) -> str:
    """Write text as encoded words, folded."""
    return Header(text, _UTF_8, header_name="Subject").encode(linesep="\r\n")


def unstructured(text: str) -> str:
    """Write text as it is where every reader of mail will show it so, and as encoded words elsewhere."""
    plain = _PLAIN.fullmatch(text) and "=?" not in text and len(text) <= _LONGEST
    return text if plain else encoded(text)
