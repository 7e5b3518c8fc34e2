"""The teletype keeps the contract of every channel, and punches capital letters."""

from datetime import UTC, datetime

import attrs
import pytest
from netpromoter_teletype import TeletypeChannel

from netpromoter.errors import ChannelDown
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


class TestContract(ChannelContract):
    """Every sentence that a channel promises."""

    @pytest.fixture
    def channel(self, tmp_path):
        """Give a teletype with a new tape."""
        return TeletypeChannel(tmp_path / "tape.txt")


def test_what_is_punched_is_in_capital_letters(tmp_path):
    """One message after the other stands on the tape."""
    tape = tmp_path / "tape.txt"
    teletype = TeletypeChannel(tape)
    assert [teletype.send(MESSAGE).accepted for _ in range(2)] == [True, True]
    page = "TO 23456 ACME D\nONE QUESTION\nHOW LIKELY ARE YOU TO RECOMMEND ACME, FROM 0 TO 10?\n"
    assert tape.read_text(encoding="ascii") == 2 * page


@pytest.mark.parametrize("text", [None, "Hätten Sie Zeit?", "tab\there", "Answer: https://nps.example.com/aB3"])
def test_what_cannot_be_punched_is_refused(tmp_path, text):
    """Nothing of such a message is on the tape."""
    tape = tmp_path / "tape.txt"
    receipt = TeletypeChannel(tape).send(attrs.evolve(MESSAGE, text=text))
    assert not receipt.accepted
    assert not receipt.permanent
    assert not tape.exists()


def test_without_a_tape_the_channel_is_down(tmp_path):
    """A folder is no tape, and the message was not sent."""
    with pytest.raises(ChannelDown, match="the tape cannot be opened"):
        TeletypeChannel(tmp_path).send(MESSAGE)


def test_it_is_found_where_it_is_installed(tmp_path):
    """The entry point leads to the channel."""
    plugins = load_plugins()
    assert plugins.channels["teletype"] == "teletype"
    assert plugins.channel("teletype", tape=tmp_path / "tape.txt").send(MESSAGE).accepted
