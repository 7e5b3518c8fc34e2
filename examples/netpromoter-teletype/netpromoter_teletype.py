"""A teletype: it punches surveys into a paper tape, in capital letters."""

from __future__ import annotations

from pathlib import Path

import attrs

from netpromoter.errors import ChannelDown
from netpromoter.model import Message, Receipt
from netpromoter.plugins import hookimpl

__all__ = ["TeletypeChannel"]

SIGNS = {"\n", *map(chr, range(0x20, 0x60))}  # what a Model 33 has on its type wheel


@attrs.frozen
class TeletypeChannel:
    """Punches messages into a tape.

    Parameters
    ----------
    tape : path
        The file that stands for the tape. It grows.
    """

    tape: Path = attrs.field(converter=Path)

    def send(self, message: Message, /) -> Receipt:
        """Punch one message."""
        if message.text is None:
            return Receipt.failed(message, "a teletype carries text, and the message has none")
        if "://" in message.text:
            return Receipt.failed(message, "a link does not survive capital letters")
        words = "\n".join([f"To {message.to}", message.subject or "", message.text, ""]).upper()
        if not set(words) <= SIGNS:
            return Receipt.failed(message, "the message needs a sign that a teletype does not have")
        try:
            tape = self.tape.open("a", encoding="ascii", newline="\n")
        except OSError as error:
            raise ChannelDown(f"the tape cannot be opened: {error.strerror}") from error
        with tape:
            tape.write(words)
        return Receipt.sent(message)


@hookimpl
def netpromoter_register_channels() -> dict[str, type[TeletypeChannel]]:
    """Offer the teletype."""
    return {"teletype": TeletypeChannel}
