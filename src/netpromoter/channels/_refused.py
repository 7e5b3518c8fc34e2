"""What a channel will not carry, and the words for it."""

from __future__ import annotations

import re
from datetime import timedelta

from netpromoter.model import Message, Receipt

__all__ = ["Refused", "harmless", "spoken"]

_LONGEST = 200
_ADDRESS = re.compile(r"[^\s<>@:;,\"'()]+@[^\s<>@:;,\"'()]+")
_SPACES = re.compile(r"\s+")


class Refused(Exception):
    """A message is refused: by the channel itself, or by the service that was to carry it."""

    def __init__(self, reason: str, *, permanent: bool = False, retry_after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.permanent = permanent
        self.retry_after = retry_after

    def receipt(self, message: Message) -> Receipt:
        """Say it of a message."""
        return Receipt.failed(message, self.reason, permanent=self.permanent, retry_after=self.retry_after)


def harmless(text: str, keep: str = "") -> str:
    """Escape what could steer a terminal: control signs, changes of direction, halves of signs."""
    return "".join(sign if sign.isprintable() or sign in keep else _visible(sign) for sign in text)


def _visible(sign: str) -> str:
    return " " if sign.isspace() and sign > "\x80" else sign.encode("unicode_escape").decode()


def spoken(answer: bytes | str) -> str:
    """Give what a service said in one short line, without addresses: it is kept in the log."""
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    line = harmless(_SPACES.sub(" ", _ADDRESS.sub("(address)", text[: 10 * _LONGEST])).strip())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
