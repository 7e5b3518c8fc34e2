"""A teletype: it punches surveys into a paper tape, in capital letters."""

from __future__ import annotations

from pathlib import Path
from string import ascii_lowercase, ascii_uppercase

import attrs

from netpromoter.errors import ChannelDown
from netpromoter.model import Message, Receipt
from netpromoter.plugins import hookimpl

__all__ = ["TeletypeChannel"]

# As Unix does on a terminal without small letters (stty xcase): a backslash marks a letter that is a capital one, and
# stands in for signs that are missing. So links survive.
SIGNS = {letter: letter.upper() for letter in ascii_lowercase}
SIGNS |= {letter: f"\\{letter}" for letter in ascii_uppercase}
SIGNS |= {"{": r"\(", "}": r"\)", "|": r"\!", "~": r"\^", "`": r"\'", "\\": r"\\"}
SIGNS |= {sign: sign for sign in "\n !\"#$%&'()*+,-./0123456789:;<=>?@[]^_"}


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
        words = "\n".join([f"to {message.to}", message.subject or "", message.text, "nnnn", ""])  # as telegrams end
        if not set(words) <= SIGNS.keys():
            return Receipt.failed(message, "the message needs a sign that a teletype does not have")
        try:
            tape = self.tape.open("a", encoding="ascii", newline="\n")
        except OSError as error:
            raise ChannelDown(f"the tape cannot be opened: {error.strerror}") from None
        with tape:
            tape.write("".join(SIGNS[sign] for sign in words))
        return Receipt.sent(message)


@hookimpl
def netpromoter_register_channels() -> dict[str, type[TeletypeChannel]]:
    """Offer the teletype."""
    return {"teletype": TeletypeChannel}
