"""What every channel must do: a test for each sentence of the port."""

from __future__ import annotations

import copy
import gc
import hashlib
import logging
import traceback
import unicodedata
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import UTC, datetime
from itertools import count
from threading import Barrier, BrokenBarrierError
from types import FrameType, FunctionType, ModuleType
from typing import Any, ClassVar, TypeAlias
from urllib.parse import quote

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netpromoter.errors import ChannelDown
from netpromoter.model import Message, Receipt
from netpromoter.plugins import Channel

__all__ = ["ChannelContract", "rendered_messages"]

Delivered: TypeAlias = Callable[[], Sequence[str]]
Heads: TypeAlias = Callable[[], Sequence[Mapping[str, str]]]

_AT = datetime(2026, 6, 1, 8, tzinfo=UTC)
_LONG_AGO, _FAR_AHEAD = _AT.replace(year=2001), _AT.replace(year=2101)
_NUMBERS = count()
_MARK = "-4711"
_ADDRESSES = (
    "@",
    f"nobody{_MARK}",
    f"ann{_MARK}@example.com\r\nBcc: eve@example.com",
    f"ann{_MARK}@example.com\x00",
    f"a b{_MARK}@c d",
    f"\ud83d{_MARK}@x.y",
)
#: Letters with accents, in one character and in two; other scripts, and a mark of their direction; characters beyond
#: the first 65,536, alone and joined.
_SIGNS = (
    "Ünïcödé — 你好\n再见",
    "Ame\u0301lie und A\u0308nne",
    "\u05e9\u05dc\u05d5\u05dd\u200f! \u0645\u0631\u062d\u0628\u0627",
    "thank you \U0001f642",
    "\U0001f469\u200d\U0001f680 and \U0001f1eb\U0001f1f7",
)
#: More than a text message takes, than the line of a head, and than a chat.
_LENGTHS = tuple(" ".join(f"word-{number}" for number in range(size)) for size in (30, 300, 3_000))
_BREAKS = st.sampled_from([" ", "\n", "\r\n", "\n\n"])
_UNSUBSCRIBE = {
    "List-Unsubscribe": f"<https://nps.example.com/u/{'x7Aq_-' * 30}>",  # as long as a link with a token
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
}
_HEADERS = st.sampled_from([{}, _UNSUBSCRIBE])
_ENOUGH = 20
_WORKERS = 4


def rendered_messages(*, to: str = "ann@example.com") -> st.SearchStrategy[Message]:
    """Draw messages that are ready to be sent.

    Parameters
    ----------
    to : str, default "ann@example.com"
        The address of all of them.

    Returns
    -------
    strategy of Message
        Invitations and reminders, with a subject, with text, HTML or both, with headers of mail or without; in every
        script, of a word or of several lines. Two that differ have different ids.

    Examples
    --------
    >>> from hypothesis import given
    >>> @given(message=rendered_messages(to="bob@example.com"))
    ... def test(message):
    ...     assert message.to == "bob@example.com"
    ...     assert message.text or message.html
    >>> test()
    """
    signs = st.characters(categories=("L", "M", "N", "P", "S", "Cf"))
    word = st.builds(str.__add__, st.characters(categories=("L", "N", "P", "S")), st.text(signs, max_size=11))
    words = st.lists(word | st.sampled_from(" ".join(_SIGNS).split()), min_size=1, max_size=8)
    text = st.builds(lambda breaks, words, times: breaks.join(words * times), _BREAKS, words, st.sampled_from([1, 20]))
    html = text.map(lambda text: f"<p>{text.replace('&', '&amp;').replace('<', '&lt;')}</p>")
    bodies = st.tuples(text, html) | st.tuples(text, st.none()) | st.tuples(st.none(), html)
    return st.builds(
        lambda body, **facts: _identified(_message(to, text=body[0], html=body[1], **facts)),
        bodies,
        subject=words.map(" ".join),
        headers=_HEADERS,
        step=st.integers(0, 3),
    )


def _message(to: str, **facts: Any) -> Message:
    number = next(_NUMBERS)
    given: dict[str, Any] = {"contact": f"c-{number}", "step": 0, "due": _AT, "subject": "How likely?"}
    given |= {"text": "Tell us, please.", **facts}
    return Message(survey="relationship", occasion="autumn", channel="test", to=to, **given)


def _identified(message: Message) -> Message:
    """Give a message an id that comes of all that it says."""
    said = repr(attrs.astuple(attrs.evolve(message, contact="c")))
    return attrs.evolve(message, contact=f"c-{hashlib.sha256(said.encode()).hexdigest()[:16]}")


def _odd(address: str) -> list[Message]:
    """Give messages that hardly anything can carry, to an address that is not to blame."""
    return [
        _message(address, text=None, subject=f"subject{_MARK}"),
        _message(address, text=f"text{_MARK}\x00", subject=f"subject{_MARK}\r\nBcc: eve@example.com"),
    ]


def _misaddressed() -> list[Message]:
    """Give messages to what is hardly an address."""
    return [_message(to) for to in _ADDRESSES]


def _parts(address: str) -> Iterator[tuple[str, Message]]:
    """Give words, each time with a message that has them in one part."""
    for words in _SIGNS + _LENGTHS:
        yield words, _message(address, text=words)
        yield words, _message(address, text=None, html=f"<p>{words}</p>")
        yield words, _message(address, subject=" ".join(words.split()))
    yield "both", _message(address, text="both", html="<p>both</p>")


def _squeezed(text: str) -> str:
    """Give words as a person reads them: however lines are broken, and whether an accent is a character of its own."""
    return unicodedata.normalize("NFC", "".join(text.split()))


class ChannelContract:
    """A test for each sentence of `netpromoter.plugins.Channel`; inherit from it and give a fixture `channel`.

    More fixtures let it look closer. What needs one is a test of its own, which is skipped and names the fixture where
    that is not there. Services that are made up for the test must bear several workers at once.

    - `delivered`: a function that gives what has arrived through `channel`, each message as one text: its subject and
      its words as a person reads them.
    - `recipients`: a function that gives the address that each of them has arrived at, in the same order.
    - `headers`: of a channel of mail, a function that gives the headers of each of them, in any order.
    - `refusing_channel`: a channel whose service refuses every message.
    - `down_channel`: a channel whose service cannot be reached.

    Others have a default, which you may replace.

    - `address`: whom to write to, "ann@example.com"; and `another_address`, somebody else, "bob@example.com".
    - `second_channel`: `channel` once more, with the same service, as another process would make it; by default a copy
      as a program makes it for a worker.

    Attributes
    ----------
    examples : int
        How many random messages are sent, the same in each run.

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
    def another_address(self) -> str:
        """Whom else to write to."""
        return "bob@example.com"

    @pytest.fixture
    def delivered(self) -> Delivered | None:
        """Give what has arrived; None if that cannot be seen."""
        return None

    @pytest.fixture
    def recipients(self) -> Delivered | None:
        """Give where it has arrived; None if that cannot be seen."""
        return None

    @pytest.fixture
    def headers(self) -> Heads | None:
        """Give the headers of what has arrived; None if the channel is none of mail, or they cannot be seen."""
        return None

    @pytest.fixture
    def second_channel(self, channel: Channel) -> Channel:
        """Give the channel as another process has it."""
        return _made_anew(channel)

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
        with _opened(channel) as opened:

            @settings(
                max_examples=self.examples,
                derandomize=True,
                database=None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            )
            @given(message=rendered_messages(to=address))
            def check(message: Message) -> None:
                receipt = opened.send(message)
                assert isinstance(receipt, Receipt)
                assert receipt.message == message.id

            check()

    def test_02_accepted(self, channel: Channel, address: str, delivered: Delivered | None) -> None:
        """An accepted receipt says that the message is out of the program's hands; whoever it is for will get it, and
        nobody else, as far as the channel can know.
        """
        arrived = _needed("delivered", delivered)
        with _opened(channel) as opened:
            for message in [_message(address), _message(address), *_odd(address), *_misaddressed()]:
                before = len(arrived())
                accepted = _accepts(opened, message)
                assert len(arrived()) - before == accepted

    def test_02_accepted_with_recipients(
        self, channel: Channel, address: str, another_address: str, recipients: Delivered | None
    ) -> None:
        """Each message arrives at its own address."""
        reached = _needed("recipients", recipients)
        with _opened(channel) as opened:
            for to in (address, another_address, address):
                assert not _accepts(opened, _message(to)) or reached()[-1] == to

    def test_03_refused(self, channel: Channel, address: str) -> None:
        """A refused message is a failed receipt with a reason, never an exception: temporary, perhaps with the time
        after which to try again, or permanent where the address will refuse every other message too.
        """
        with _opened(channel) as opened:
            odd = [opened.send(message) for message in _odd(address)]
            receipts = [*odd, *(opened.send(message) for message in _misaddressed())]
        assert all(receipt.accepted or receipt.reason.strip() for receipt in receipts)
        assert not any(receipt.permanent for receipt in odd)

    def test_03_refused_with_refusing_channel(self, refusing_channel: Channel | None, address: str) -> None:
        """What the service refuses is a failed receipt with a reason."""
        with _opened(_needed("refusing_channel", refusing_channel)) as opened:
            receipt = opened.send(_message(address))
        assert not receipt.accepted
        assert receipt.reason.strip()

    def test_04_down(self, down_channel: Channel | None, address: str) -> None:
        """An exception means that the channel itself is down; then the message may or may not have been sent, unless
        the exception is `netpromoter.errors.ChannelDown`, which says that it was not.
        """
        _raised(_needed("down_channel", down_channel), address)

    def test_04_down_with_delivered(
        self, down_channel: Channel | None, address: str, delivered: Delivered | None
    ) -> None:
        """Nothing has arrived of a message that was not sent."""
        down, arrived = _needed("down_channel", down_channel), _needed("delivered", delivered)
        before = len(arrived())
        is_unsent = isinstance(_raised(down, address), ChannelDown)
        assert not is_unsent or len(arrived()) == before

    def test_05_whole(self, channel: Channel, address: str, delivered: Delivered | None) -> None:
        """What the channel cannot express it refuses; it never drops a part of a message silently. Headers are for
        mail: a channel of mail carries them, another need not.
        """
        arrived = _needed("delivered", delivered)
        with _opened(channel) as opened:
            for words, message in _parts(address):
                if opened.send(message).accepted:
                    found = _squeezed(arrived()[-1])
                    assert _squeezed(message.subject or "") in found
                    assert _squeezed(words) in found
            assert not _accepts(opened, _message(address, text=None))

    def test_05_whole_with_headers(self, channel: Channel, address: str, headers: Heads | None) -> None:
        """Mail arrives with its headers, such as that by which one unsubscribes."""
        heads, given = _needed("headers", headers), {**_UNSUBSCRIBE, "X-Campaign": "autumn"}
        with _opened(channel) as opened:
            plain, accepted = (opened.send(_message(address, headers=head)).accepted for head in ({}, given))
        assert accepted == plain
        assert not accepted or given in [{name: head.get(name) for name in given} for head in heads()]

    def test_06_nothing_kept(
        self, channel: Channel, address: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
    ) -> None:
        """A message is not changed, and nothing of it is kept, printed or logged; neither a receipt nor an exception
        holds its address or its words.
        """
        _check_discretion(channel, address, capfd, caplog)

    def test_06_nothing_kept_with_refusing_channel(
        self,
        refusing_channel: Channel | None,
        address: str,
        capfd: pytest.CaptureFixture[str],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """What the service refuses is told to nobody."""
        _check_discretion(_needed("refusing_channel", refusing_channel), address, capfd, caplog)

    def test_06_nothing_kept_with_down_channel(
        self,
        down_channel: Channel | None,
        address: str,
        capfd: pytest.CaptureFixture[str],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """What cannot be sent is told to nobody."""
        _check_discretion(_needed("down_channel", down_channel), address, capfd, caplog)

    def test_06_nothing_kept_with_delivered(self, channel: Channel, address: str, delivered: Delivered | None) -> None:
        """What the channel holds afterwards has arrived, and is kept by the service."""
        arrived, held = _needed("delivered", delivered), _held(channel)
        for message in [_marked(address), *_odd(address), *_misaddressed()]:
            _told(channel, message)
        new = _new_texts(channel, held, arrived)
        assert [text for text in new if any(each in text for each in _secrets(address))] == []

    def test_07_batches(self, channel: Channel, address: str) -> None:
        """A channel that is a context manager is given messages only while it is open: it is opened before the first
        message of a batch and closed after the last; it can be opened again after it was closed.
        """
        batch: Any = channel
        if not hasattr(channel, "__enter__"):
            pytest.skip("the channel is no context manager")
        accepted = []
        for size in (2, 1):
            with batch as opened:
                accepted += [opened.send(_message(address)).accepted for _ in range(size)]
        assert len(set(accepted)) == 1

    def test_08_idempotent(
        self, channel: Channel, second_channel: Channel, address: str, delivered: Delivered | None
    ) -> None:
        """A channel whose attribute `idempotent` is True may be given the same message twice, here and in another
        process, and delivers it once; a message with another id is another, also to the same person.
        """
        if not getattr(channel, "idempotent", False):
            pytest.skip("the channel is not idempotent")
        arrived, message = _needed("delivered", delivered), _message(address)
        before = len(arrived())
        with _opened(channel) as opened:
            accepted = [opened.send(attrs.evolve(message)).accepted for _ in range(2)]
        with _opened(second_channel) as opened:
            accepted.append(opened.send(attrs.evolve(message)).accepted)
            assert len(set(accepted)) == 1
            assert len(arrived()) == before + accepted[0]
            for other in ({"step": 1}, {"attempt": 1}, {"occasion": "winter"}, {"survey": "onboarding"}):
                before = len(arrived())
                assert opened.send(attrs.evolve(message, **other)).accepted == len(arrived()) - before

    def test_09_ordinary(self, channel: Channel, address: str) -> None:
        """A short message in plain words is accepted as long as the service takes it, however many came before it and
        whenever it is due: a channel has no clock, no retries and no rates of its own; those are the engine's.
        """
        with _opened(channel) as opened:
            for due in (_AT, _LONG_AGO, _FAR_AHEAD):
                assert all(opened.send(_message(address, due=due)).accepted for _ in range(_ENOUGH))

    def test_10_workers(self, channel: Channel, address: str) -> None:
        """One instance serves one worker, and need not be safe for threads. Of a channel that it was given, a program
        makes another for each worker, by ``attrs.evolve``, or by ``copy.copy`` where its class is not of attrs; they
        are used at once, and what one of them opens is its own.
        """
        assert len(set(_worked(channel, address))) == 1

    def test_10_workers_with_delivered(self, channel: Channel, address: str, delivered: Delivered | None) -> None:
        """Whatever one of them was given has arrived, once."""
        arrived = _needed("delivered", delivered)
        before = len(arrived())
        accepted = sum(_worked(channel, address))
        assert len(arrived()) == before + accepted


def _opened(channel: Channel) -> AbstractContextManager[Channel]:
    """Open a channel for a batch, if it is to be opened."""
    batch: Any = channel
    return batch if hasattr(channel, "__enter__") else nullcontext(channel)


def _made_anew(channel: Any) -> Channel:
    """Make another channel with the same options, as a program does for each worker."""
    made: Channel = attrs.evolve(channel) if attrs.has(type(channel)) else copy.copy(channel)
    return made


def _accepts(channel: Channel, message: Message) -> bool:
    with suppress(Exception):
        return channel.send(message).accepted
    return False


def _raised(down: Channel, address: str) -> Exception:
    """Give what a channel raises that is down: any exception says so."""
    with pytest.raises(Exception) as caught, _opened(down) as opened:  # noqa: PT011
        opened.send(_message(address))
    return caught.value


def _worked(channel: Channel, address: str) -> list[bool]:
    """Let workers send at once, each with a channel of its own, and say which messages were accepted."""
    start = Barrier(_WORKERS)

    def work(mine: Channel) -> list[bool]:
        try:
            with _opened(mine) as opened:
                with suppress(BrokenBarrierError):
                    start.wait()  # until all are open
                return [opened.send(_message(address)).accepted for _ in range(_ENOUGH)]
        finally:
            start.abort()  # nobody waits for one that failed

    with ThreadPoolExecutor(_WORKERS) as pool:
        found = pool.map(work, [_made_anew(channel) for _ in range(_WORKERS)])
        return [each for mine in found for each in mine]


def _marked(address: str) -> Message:
    """Give a message each part of which can be told again."""
    headers = {"X-Campaign": f"header{_MARK}"}
    return _message(address, subject=f"subject{_MARK}", text=f"text{_MARK}", headers=headers)


def _secrets(address: str) -> tuple[str, ...]:
    return _MARK, address, quote(address, safe="")


def _check_discretion(
    channel: Channel, address: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Look for messages in all that a channel tells of them, and see that they are let go, and as they were."""
    caplog.set_level(logging.DEBUG)
    message = _marked(address)
    before = attrs.asdict(message)
    told = [_told(channel, one) for one in (message, *_odd(address), *_misaddressed())]
    said = [*told, *capfd.readouterr(), caplog.text, repr(channel)]
    assert [text for text in said for secret in _secrets(address) if secret in text] == []
    assert attrs.asdict(message) == before
    kept = weakref.ref(message)
    del message, before
    gc.collect()
    assert kept() is None


def _told(channel: Channel, message: Message) -> str:
    """Give what a channel says of a message: a receipt, or an exception with all that a traceback of it would tell."""
    try:
        with _opened(channel) as opened:
            receipt = opened.send(message)
    except Exception as error:  # noqa: BLE001 -- whatever it raises is logged
        return "".join(traceback.format_exception(error, limit=0))
    return f"{receipt.reason} {receipt.reference}"


def _new_texts(channel: Channel, before: dict[int, object], delivered: Delivered) -> list[str]:
    """Give the texts that a channel holds and did not hold before, without what has arrived, which a service holds."""
    found = _held(channel)
    new = found.keys() - before.keys() - _held(delivered).keys()
    return [str(found[each]) for each in new if isinstance(found[each], str | bytes | bytearray)]


def _held(root: object) -> dict[int, object]:
    """Give whatever an object leads to, but for modules and what is in them."""
    found: dict[int, object] = {}
    rest = [root]
    while rest:
        each = rest.pop()
        if id(each) not in found and not isinstance(each, ModuleType | FrameType):
            found[id(each)] = each
            rest += (each.__closure__ or ()) if isinstance(each, FunctionType) else gc.get_referents(each)
    return found


def _needed(name: str, fixture: Any) -> Any:
    if fixture is None:
        pytest.skip(f"a fixture `{name}` would let the contract look at this")
    return fixture
