"""The console: messages that a person reads and a terminal does not obey."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpromoter.channels import ConsoleChannel
from netpromoter.errors import InvalidArgument, Uncertain
from netpromoter.testing import ChannelContract, rendered_messages

RULE = "-" * 72


class TestConsoleChannel(ChannelContract):
    """The console keeps the contract; what it prints goes to the stream that it was given."""

    @pytest.fixture
    def stream(self):
        return io.StringIO()

    @pytest.fixture
    def channel(self, stream):
        return ConsoleChannel(stream)

    @pytest.fixture
    def delivered(self, stream):
        return lambda: [unescaped(text) for text in stream.getvalue().split(RULE)[:-1]]

    @pytest.fixture
    def recipients(self, stream):
        return lambda: re.findall("^To: (.*)", stream.getvalue(), re.MULTILINE)

    @pytest.fixture
    def down_channel(self):
        closed = io.StringIO()
        closed.close()
        return ConsoleChannel(closed)


def unescaped(text):
    return re.sub(r"\\u[0-9a-f]{4}", lambda found: found[0].encode().decode("unicode_escape"), text)


def printed(message, **options):
    stream = io.TextIOWrapper(io.BytesIO(), newline="", **options)
    assert ConsoleChannel(stream).send(message).accepted
    return stream.buffer.getvalue().decode(options["encoding"])


@given(message=rendered_messages(), hostile=st.text(st.characters(codec=None), min_size=1).filter(str.strip))
def test_nothing_steers_the_terminal(letter_to, message, hostile):
    """What is printed is printable, with line breaks and tabs alone, in any encoding."""
    for made in (message, letter_to(to=hostile, subject=hostile, text=hostile, headers={"X-One": hostile})):
        for encoding in ("utf-8", "ascii"):
            assert printed(made, encoding=encoding).replace("\n", "").replace("\t", "").isprintable()


def test_it_prints_on_the_standard_output_of_the_moment(letter_to, capsys):
    """A stream that is replaced later, as pytest does, is found."""
    ConsoleChannel().send(letter_to(headers={"List-Unsubscribe": "<https://example.com>"}, html="<p>1</p>"))
    head, _, rest = capsys.readouterr().out.partition("\n\n")
    assert head == "To: ann@example.com\nSubject: How likely?\nList-Unsubscribe: <https://example.com>"
    assert rest == f"Tell us.\n\n(and 8 characters of HTML)\n{RULE}\n"


def test_html_alone_is_shown_as_it_is_written(letter_to):
    """Nothing is left out silently."""
    assert "<p>Hi</p>" in printed(letter_to(text=None, html="<p>Hi</p>", subject=None), encoding="utf-8")


def test_a_message_without_words_is_refused(letter_to):
    """There is nothing to print."""
    receipt = ConsoleChannel(io.StringIO()).send(letter_to(text=None))
    assert (receipt.accepted, receipt.permanent) == (False, False)
    assert receipt.reason == "the message has neither text nor HTML"


def test_a_stream_that_fails_leaves_it_uncertain(letter_to):
    """Some of it may have been shown."""
    stream = io.StringIO()
    stream.close()
    with pytest.raises(Uncertain, match=r"^the stream did not take the message$"):
        ConsoleChannel(stream).send(letter_to())


@pytest.mark.parametrize("stream", ["out.txt", 5, b"", object()])
def test_a_stream_is_one(stream):
    """What nothing can be written to is refused before there is a message."""
    with pytest.raises(
        InvalidArgument, match=r"^stream must be a text stream, with the methods write and flush \(got "
    ):
        ConsoleChannel(stream)
