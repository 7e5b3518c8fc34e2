"""What every channel must do: a test for each sentence of the port."""

from __future__ import annotations

import gc
import logging
import traceback
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from typing import Any, ClassVar, TypeAlias

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netpromoter.errors import ChannelDown
from netpromoter.model import Message, Receipt
from netpromoter.plugins import Channel

__all__ = ["ChannelContract", "rendered_messages"]

Delivered: TypeAlias = Callable[[], Sequence[str]]

_AT = datetime(2026, 6, 1, 8, tzinfo=UTC)
_NUMBERS = count()
_ADDRESSES = (
    "",
    "@",
    "nobody",
    "ann@example.com\r\nBcc: eve@example.com",
    "ann@example.com\x00",
    "a b@c d",
    "\ud83d@x.y",
)
_LONG = " ".join(f"word-{number}" for number in range(500))


def rendered_messages(*, to: str = "ann@example.com") -> st.SearchStrategy[Message]:
    """Draw messages that are ready to be sent.

    Parameters
    ----------
    to : str, default "ann@example.com"
        The address of all of them.

    Returns
    -------
    strategy of Message
        With a subject, with text, HTML or both, and in every script; no two messages have one id.

    Examples
    --------
    >>> from hypothesis import given
    >>> @given(message=rendered_messages(to="bob@example.com"))
    ... def test(message):
    ...     assert message.to == "bob@example.com"
    ...     assert message.text or message.html
    >>> test()
    """
    signs = st.characters(categories=("L", "M", "N", "P", "S"))
    words = st.lists(st.text(signs, min_size=1, max_size=12), min_size=1, max_size=8).map(" ".join)
    html = words.map(lambda text: f"<p>{text.replace('&', '&amp;').replace('<', '&lt;')}</p>")
    bodies = st.tuples(words, html) | st.tuples(words, st.none()) | st.tuples(st.none(), html)
    return st.builds(lambda subject, body: _message(to, subject=subject, text=body[0], html=body[1]), words, bodies)


def _message(to: str, **words: Any) -> Message:
    given = {"subject": "How likely?", "text": "Tell us, please.", **words}
    number = next(_NUMBERS)
    return Message(
        survey="relationship", occasion="autumn", contact=f"c-{number}", step=0, channel="test", to=to, due=_AT, **given
    )


def _unsendable(address: str) -> list[Message]:
    """Give messages that hardly anything can carry."""
    wrong = [_message(to) for to in _ADDRESSES if to]
    return [*wrong, _message(address, text=None), _message(address, subject="Hi\r\nBcc: eve@example.com", text="\x00")]


def _squeezed(text: str) -> str:
    return "".join(text.split())


class ChannelContract:
    """A test for each sentence of `netpromoter.plugins.Channel`; inherit from it and give a fixture `channel`.

    More fixtures let it look closer; a test that needs one which is not there is skipped, and says so.

    - `address`: whom to write to; "ann@example.com" if it is not there.
    - `delivered`: a function that gives what has arrived through `channel`, each message as one text: its subject and
      its words as a person reads them.
    - `refusing_channel`: a channel whose service refuses every message.
    - `down_channel`: a channel whose service cannot be reached.

    Attributes
    ----------
    examples : int
        How many random messages are sent.

    Examples
    --------
    >>> import pytest
    >>> from netpromoter.channels import OutboxChannel
    >>> class TestMyChannel(ChannelContract):
    ...     @pytest.fixture
    ...     def channel(self, tmp_path):
    ...         return OutboxChannel(tmp_path)
    """

    examples: ClassVar[int] = 10

    @pytest.fixture
    def address(self) -> str:
        """Whom to write to."""
        return "ann@example.com"

    @pytest.fixture
    def delivered(self) -> Delivered | None:
        """Give what has arrived; None if that cannot be seen."""
        return None

    @pytest.fixture
    def refusing_channel(self) -> Channel | None:
        """A channel that is refused by its service; None if there is none."""
        return None

    @pytest.fixture
    def down_channel(self) -> Channel | None:
        """A channel without its service; None if there is none."""
        return None

    def test_01_receipt(self, channel: Channel, address: str) -> None:
        """`send` gives a `Receipt` that names the message it was given."""

        @settings(max_examples=self.examples, database=None, deadline=None, suppress_health_check=list(HealthCheck))
        @given(message=rendered_messages(to=address))
        def check(message: Message) -> None:
            receipt = channel.send(message)
            assert isinstance(receipt, Receipt)
            assert receipt.message == message.id

        check()

    def test_02_accepted(self, channel: Channel, address: str, delivered: Delivered | None) -> None:
        """An accepted receipt says that the message is out of the program's hands; whoever it is for will get it, as
        far as the channel can know.
        """
        arrived = _needed("delivered", delivered)
        for message in [_message(address), _message(address), *_unsendable(address)]:
            before, accepted = len(arrived()), False
            with suppress(Exception):
                accepted = channel.send(message).accepted
            assert len(arrived()) - before == accepted

    def test_03_refused(self, channel: Channel, address: str, refusing_channel: Channel | None) -> None:
        """A refused message is a failed receipt with a reason, never an exception: temporary, perhaps with the time
        after which to try again, or permanent where the address will refuse every other message too.
        """
        receipts = [channel.send(message) for message in _unsendable(address)]
        assert all(receipt.accepted or receipt.reason.strip() for receipt in receipts)
        if refusing_channel is not None:
            receipt = refusing_channel.send(_message(address))
            assert not receipt.accepted
            assert receipt.reason.strip()

    def test_04_down(self, down_channel: Channel | None, address: str, delivered: Delivered | None) -> None:
        """An exception means that the channel itself is down; then the message may or may not have been sent, unless
        the exception is `netpromoter.errors.ChannelDown`, which says that it was not.
        """
        down = _needed("down_channel", down_channel)
        before = _arrived(delivered)
        with pytest.raises(Exception) as caught:  # noqa: PT011 -- any exception says that the channel is down
            down.send(_message(address))
        if isinstance(caught.value, ChannelDown):
            assert _arrived(delivered) == before

    def test_05_whole(self, channel: Channel, address: str, delivered: Delivered | None) -> None:
        """What the channel cannot express it refuses; it never drops a part of a message silently."""
        arrived = _needed("delivered", delivered)
        parts: list[dict[str, Any]] = [{}, {"text": _LONG}, {"text": "Ünïcödé — 你好\n再见"}]
        parts += [{"text": None, "html": "<p>only-in-html</p>"}, {"text": "both", "html": "<p>both</p>"}]
        for each in parts:
            message = _message(address, **each)
            if channel.send(message).accepted:
                found = _squeezed(arrived()[-1])
                assert _squeezed(message.subject or "") in found
                assert _squeezed(message.text or "only-in-html") in found
        with suppress(Exception):
            assert not channel.send(_message(address, text=None)).accepted

    def test_06_nothing_kept(
        self,
        channel: Channel,
        address: str,
        refusing_channel: Channel | None,
        down_channel: Channel | None,
        *,
        capfd: pytest.CaptureFixture[str],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """A message is not changed, and nothing of it is kept, printed or logged; neither a receipt nor an exception
        holds its address.
        """
        caplog.set_level(logging.DEBUG)
        message = _message(address, subject="subject-4711", text="text-4711", headers={"X-Campaign": "header-4711"})
        before = attrs.asdict(message)
        told = [_told(each, message) for each in (channel, refusing_channel, down_channel) if each is not None]
        assert attrs.asdict(message) == before
        said = [*told, *capfd.readouterr(), caplog.text, repr(channel)]
        assert [text for text in said for secret in ("-4711", address) if secret in text] == []
        kept = weakref.ref(message)
        del message
        gc.collect()
        assert kept() is None

    def test_07_batches(self, channel: Channel, address: str) -> None:
        """A channel that is a context manager is opened before the first message of a batch and closed after the last;
        it can be opened again after it was closed.
        """
        batch: Any = channel
        if not hasattr(channel, "__enter__"):
            pytest.skip("the channel is no context manager")
        for size in (2, 1):
            with batch as opened:
                assert all(opened.send(_message(address)).accepted for _ in range(size))

    def test_08_idempotent(self, channel: Channel, address: str, delivered: Delivered | None) -> None:
        """A channel whose attribute `idempotent` is True may be given the same message twice, and delivers it once."""
        if not getattr(channel, "idempotent", False):
            pytest.skip("the channel is not idempotent")
        arrived, message = _needed("delivered", delivered), _message(address)
        before = len(arrived())
        assert all(channel.send(again).accepted for again in (message, attrs.evolve(message)))
        assert len(arrived()) == before + 1


def _told(channel: Channel, message: Message) -> str:
    """Give what a channel says of a message: a receipt, or an exception with all that a traceback of it would tell."""
    try:
        receipt = channel.send(message)
    except Exception as error:  # noqa: BLE001 -- whatever it raises is logged
        return "".join(traceback.format_exception(error, limit=0))
    return f"{receipt.reason} {receipt.reference}"


def _arrived(delivered: Delivered | None) -> int:
    return 0 if delivered is None else len(delivered())


def _needed(name: str, fixture: Any) -> Any:
    if fixture is None:
        pytest.skip(f"a fixture `{name}` would let the contract look at this")
    return fixture
