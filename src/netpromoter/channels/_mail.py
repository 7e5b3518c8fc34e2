"""A message as a mail: RFC 5322, the same bytes whenever it is written."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from functools import lru_cache
from typing import Any

import attrs

from netpromoter.model import Message

from ._address import Address, address
from ._encoded import unstructured
from ._refused import Refused

__all__ = ["Letter", "digest", "letter"]

_NAME = re.compile(r"[A-Za-z0-9-]{1,60}")
_VALUE = re.compile(r"[\x20-\x7e]{1,900}")
_OURS = re.compile(
    r"(?:from|sender|to|cc|bcc|subject|date|message-id|mime-version|return-path|received|content-.*|resent-.*)",
    re.IGNORECASE,
)
_DOT = re.compile(rb"(?m)^\.")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff]")
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class _Plain(EmailPolicy):
    """Writes the head as it was given: the standard library would decode it, and fold links into pieces."""

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        return name, value

    def header_fetch_parse(self, name: str, value: str) -> str:  # noqa: ARG002 -- as the standard library calls it
        return value

    def header_max_count(self, name: str) -> int | None:
        return _max_count(name)

    def fold_binary(self, name: str, value: str) -> bytes:
        return f"{name}: {value}\r\n".encode()


@lru_cache(maxsize=256)
def _max_count(name: str) -> int | None:
    """Say how often a field may stand in a head: the standard library makes a class to find out, each time."""
    return EmailPolicy().header_max_count(name)


_POLICY = _Plain(linesep="\r\n", cte_type="7bit")


@attrs.frozen(kw_only=True)
class Letter:
    """A mail in its envelope."""

    sender: Address
    to: Address
    data: bytes = attrs.field(repr=False)

    @property
    def international(self) -> bool:
        """Whether its head holds UTF-8 (RFC 6532)."""
        return self.sender.international or self.to.international

    @property
    def stuffed(self) -> bytes:
        """The mail as it goes over the line: a line that begins with a dot gets another, since a dot alone ends it."""
        return _DOT.sub(b"..", self.data)


def digest(*parts: str) -> str:
    """Give a name made of texts, the same for the same."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:40]


def letter(message: Message, sender: Address) -> Letter:
    """Write a message as a mail, or refuse what cannot be one."""
    to = address(message.to)
    mail = _body(message)
    for name, value in _head(message, sender, to):
        mail[name] = value
    return Letter(sender=sender, to=to, data=mail.as_bytes(policy=_POLICY))


def _body(message: Message) -> EmailMessage:
    mail = EmailMessage(policy=_POLICY)
    words = {"plain": message.text, "html": message.html}
    for kind, text in words.items():
        if text is not None:
            _write(mail, text, kind)
    if mail.is_multipart():
        mail.set_boundary(digest(message.id, *map(str, words.values())))
    elif not mail:
        raise Refused("the message has neither text nor HTML")
    return mail


def _write(mail: EmailMessage, text: str, kind: str) -> None:
    if _CONTROLS.search(text):
        raise Refused(f"the {'HTML' if kind == 'html' else 'text'} must hold no control characters")
    # an empty head is an empty mail: the first part is the mail itself
    write = mail.add_alternative if mail else mail.set_content
    write(text, subtype=kind)


def _head(message: Message, sender: Address, to: Address) -> Iterator[tuple[str, str]]:
    """Give the fields of the head, each of them checked here: the standard library lets a subject smuggle in more."""
    yield "From", sender.field
    yield "To", to.spec
    if message.subject is not None:
        yield "Subject", _subject(message.subject)
    yield "Date", format_datetime(message.due)
    yield "Message-ID", f"<{digest(message.id)}@{sender.domain}>"
    if "auto-submitted" not in map(str.lower, message.headers):
        yield "Auto-Submitted", "auto-generated"
    yield from map(_field, message.headers, message.headers.values())


def _subject(text: str) -> str:
    if _BREAKS.search(text):
        raise Refused("the subject must hold no control characters and no line breaks")
    return unstructured(text)


def _field(name: str, value: str) -> tuple[str, str]:
    if not _NAME.fullmatch(name) or _OURS.fullmatch(name):
        raise Refused("a header must have a name that mail allows, and that is not written by the channel itself")
    if not _VALUE.fullmatch(value):
        raise Refused(f"the header {name} must be one line of up to 900 printable ASCII characters")
    return name, value
