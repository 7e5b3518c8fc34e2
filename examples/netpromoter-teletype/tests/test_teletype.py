"""The teletype keeps the contract of every channel, and punches capital letters."""

import re
from datetime import UTC, datetime

import attrs
import pytest
from netpromoter_teletype import SIGNS, TeletypeChannel

from netpromoter.model import Message
from netpromoter.plugins import load_plugins
from netpromoter.testing import ChannelContract

MESSAGE = Message(
    survey="relationship",
    occasion="autumn",
    contact="c-1",
    step=0,
    channel="teletype",
    to="23456 acme d",
    due=datetime(2026, 9, 7, 8, tzinfo=UTC),
    subject="One question",
    text="How likely are you to recommend Acme, from 0 to 10?",
)


def read(tape):
    """Give the messages on a tape as somebody reads them who knows what the backslash stands for."""
    text = tape.read_text(encoding="ascii") if tape.is_file() else ""
    letters = {punched: sign for sign, punched in SIGNS.items()}
    words = "".join(letters[punched] for punched in re.findall(r"\\.|[^\\]", text))
    return words.split("\nnnnn\n")[:-1]


class TestContract(ChannelContract):
    """Every sentence that a channel promises; all fixtures but the first are optional, and let it look closer.

    A tape refuses nobody and has no headers, so the tests of `refusing_channel` and `headers` are skipped.
    """

    @pytest.fixture
    def channel(self, tmp_path):
        """Give a teletype with a new tape."""
        return TeletypeChannel(tmp_path / "tape.txt")

    @pytest.fixture
    def delivered(self, channel):
        """Give what reads the tape."""
        return lambda: read(channel.tape)

    @pytest.fixture
    def recipients(self, channel):
        """Give whom each message on the tape is for: it stands in the first line."""
        return lambda: [text.partition("\n")[0].removeprefix("to ") for text in read(channel.tape)]

    @pytest.fixture
    def down_channel(self, tmp_path):
        """Give a teletype that is out of order: a folder is no tape."""
        return TeletypeChannel(tmp_path)


def test_what_is_punched_is_in_capital_letters(tmp_path):
    """One message after the other stands on the tape, and a backslash marks what was a capital letter before."""
    tape = tmp_path / "tape.txt"
    teletype = TeletypeChannel(tape)
    assert [teletype.send(MESSAGE).accepted for _ in range(2)] == [True, True]
    page = "TO 23456 ACME D\n\\ONE QUESTION\n\\HOW LIKELY ARE YOU TO RECOMMEND \\ACME, FROM 0 TO 10?\nNNNN\n"
    assert tape.read_text(encoding="ascii") == 2 * page


def test_every_sign_of_ascii_can_be_read_back():
    """No two signs are punched alike, and all in the 64 signs that a teletype has."""
    assert SIGNS.keys() == {"\n", *map(chr, range(0x20, 0x7F))}
    assert set("".join(SIGNS.values())) == {"\n", *map(chr, range(0x20, 0x60))}
    assert len(set(SIGNS.values())) == len(SIGNS)


@pytest.mark.parametrize("text", [None, "Hätten Sie Zeit?", "tab\there", "bell\a"])
def test_what_cannot_be_punched_is_refused(tmp_path, text):
    """Nothing of such a message is on the tape."""
    tape = tmp_path / "tape.txt"
    receipt = TeletypeChannel(tape).send(attrs.evolve(MESSAGE, text=text))
    assert not receipt.accepted
    assert not receipt.permanent
    assert not tape.exists()


def test_it_is_found_where_it_is_installed(tmp_path):
    """The entry point leads to the channel."""
    plugins = load_plugins()
    assert plugins.channels["teletype"] == "teletype"
    assert plugins.channel("teletype", tape=tmp_path / "tape.txt").send(MESSAGE).accepted
