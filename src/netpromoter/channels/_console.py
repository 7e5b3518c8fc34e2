"""Messages for the eye."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, TextIO

import attrs
from attrs.validators import optional

from netpromoter._checks import checked, harmless, refusal
from netpromoter.errors import Uncertain
from netpromoter.model import Message, Receipt

from ._refused import Refused

__all__ = ["ConsoleChannel"]


def _text_stream(name: str, value: Any) -> None:
    if not callable(getattr(value, "write", None)) or not callable(getattr(value, "flush", None)):
        raise refusal(name, "a text stream, with the methods write and flush", value)


@attrs.frozen
class ConsoleChannel:
    """Prints every message, and sends none.

    What could steer a terminal is shown escaped. Text is shown as it is; the source of HTML is shown where there is no
    text, and its length where there is.

    Parameters
    ----------
    stream : text stream, optional
        Where to print; None for the standard output of the moment.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from netpromoter.model import Message
    >>> message = Message(
    ...     survey="relationship", occasion="autumn", contact="c-1", step=0, channel="email", to="ann@example.com",
    ...     due=datetime(2026, 6, 1, 8, tzinfo=UTC), subject="How likely ...?", text="Tell us.",
    ... )
    >>> ConsoleChannel().send(message).accepted
    To: ann@example.com
    Subject: How likely ...?
    <BLANKLINE>
    Tell us.
    ------------------------------------------------------------------------
    True
    """

    stream: TextIO | None = attrs.field(default=None, repr=False, validator=optional(checked(_text_stream)))

    def send(self, message: Message, /) -> Receipt:
        """Print one message.

        Parameters
        ----------
        message : Message
            With its words.

        Returns
        -------
        Receipt
            Without a reference.

        Raises
        ------
        Uncertain
            If the stream does not take it.
        """
        try:
            self._print("\n".join([*_lines(message), "-" * 72, ""]))
        except Refused as refused:
            return refused.receipt(message)
        return Receipt.sent(message)

    def _print(self, text: str) -> None:
        stream = sys.stdout if self.stream is None else self.stream
        encoding = getattr(stream, "encoding", None) or "utf-8"
        try:
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
            stream.flush()
        except (OSError, ValueError) as error:
            raise Uncertain("the stream did not take the message") from error


def _lines(message: Message) -> Iterator[str]:
    fields = {"To": message.to, "Subject": message.subject, **message.headers}
    yield from (f"{harmless(name)}: {harmless(value)}" for name, value in fields.items() if value is not None)
    yield ""
    yield harmless(_words(message), keep="\n\t")


def _words(message: Message) -> str:
    if message.text is None:
        if message.html is None:
            raise Refused("the message has neither text nor HTML")
        return message.html
    return message.text if message.html is None else f"{message.text}\n\n(and {len(message.html):,} characters of HTML)"
