"""The contract of channels: it passes what keeps it, and fails what breaks one sentence exactly there."""

import re
from inspect import getdoc
from unicodedata import combining

import pytest
from hypothesis import Phase, find, given, settings

from netpromoter.plugins import Channel
from netpromoter.testing import ChannelContract, rendered_messages

pytest_plugins = ["pytester"]

SENTENCES = {
    int(number): " ".join(words.split())
    for number, words in re.findall(r"^(\d+)\. (.*?)(?=^\d+\.|\n\n|\Z)", getdoc(Channel), re.MULTILINE | re.DOTALL)
}
NAMES = [name for name in dir(ChannelContract) if name.startswith("test_")]
TESTS = {int(name[5:7]): getattr(ChannelContract, name) for name in NAMES if "_with_" not in name}

PROGRAM = '''
import gc
import logging
from unicodedata import combining, normalize
from urllib.parse import quote

import pytest

from netpromoter.errors import ChannelDown
from netpromoter.model import Receipt
from netpromoter.testing import ChannelContract


class Good:
    """Carries into a dictionary, and keeps the contract."""

    idempotent = True

    def __init__(self, mailbox, mode="up"):
        self.mailbox, self.mode = mailbox, mode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def send(self, message):
        if self.mode == "down":
            return self.down(message)
        if self.mode == "refusing" or self.unsendable(message):
            return self.refused(message)
        if self.key(message) not in self.mailbox:
            self.deliver(message)
        return Receipt.sent(message)

    def unsendable(self, message):
        return not message.to.isprintable() or message.text == message.html == None or "\\0" in (message.text or "")

    def refused(self, message):
        return Receipt.failed(message, "refused")

    def down(self, message):
        raise ChannelDown("the line is cut")

    def key(self, message):
        return message.id

    def deliver(self, message):
        self.mailbox[self.key(message)] = message.to, self.words(message), self.head(message)

    def words(self, message):
        return f"{message.subject} {message.text} {message.html}"

    def head(self, message):
        return dict(message.headers)


class Loud(Good):
    idempotent = False

    def key(self, message):
        return object()


class Closed(Good):
    """Takes messages only while it is open, and is opened once."""

    is_open = False

    def __enter__(self):
        assert not self.is_open
        self.is_open = True
        return self

    def __exit__(self, *_):
        self.is_open = False

    def send(self, message):
        assert self.is_open
        return super().send(message)


class Composes(Good):
    """Writes each letter with its accents as one sign, as Unicode allows everybody."""

    def words(self, message):
        return normalize("NFC", super().words(message))


class Names1(Good):
    def send(self, message):
        receipt = super().send(message)
        return Receipt(message="another", accepted=receipt.accepted, reason=receipt.reason)


class Loses2(Good):
    def deliver(self, message):
        if "@" in message.to:
            super().deliver(message)


class First2(Good):
    def deliver(self, message):
        to, *_ = next(iter(self.mailbox.values()), [message.to])
        self.mailbox[message.id] = to, self.words(message), self.head(message)


class Raises3(Good):
    def refused(self, message):
        raise ValueError("refused")


class Reasonless3(Good):
    def refused(self, message):
        return Receipt.failed(message, " ")


class Forever3(Good):
    def refused(self, message):
        return Receipt.failed(message, "refused", permanent=True)


class Accepts4(Good):
    def down(self, message):
        return Receipt.failed(message, "the line is cut")


class Lies4(Good):
    def down(self, message):
        self.deliver(message)
        raise ChannelDown("the line is cut")


class Cuts5(Good):
    def words(self, message):
        return f"{message.subject} {(message.text or '')[:160]} {message.html}"


class Pages5(Good):
    def words(self, message):
        return super().words(message)[:10_000]


class Subjectless5(Good):
    def words(self, message):
        return f"{message.text} {message.html}"


class Htmlless5(Good):
    def words(self, message):
        return f"{message.subject} {message.text}"


class Narrow5(Good):
    def words(self, message):
        return "".join(sign if sign < "\\U00010000" else "?" for sign in super().words(message))


class Bare5(Good):
    def words(self, message):
        return "".join(sign for sign in super().words(message) if not combining(sign))


class Unjoined5(Good):
    def words(self, message):
        return super().words(message).replace("\\u200d", "")


class Headless5(Good):
    def head(self, message):
        return {}


class Folds5(Good):
    def head(self, message):
        return {name: value[:78] for name, value in message.headers.items()}


class Empty5(Good):
    def unsendable(self, message):
        return not message.to.isprintable() or "\\0" in (message.text or "")


class Changes6(Good):
    def deliver(self, message):
        message.headers["X-Sent"] = "yes"
        super().deliver(message)


class Keeps6(Good):
    def deliver(self, message):
        self.last = message
        super().deliver(message)


class Notes6(Good):
    def deliver(self, message):
        self.last = f"{message.text} to {message.to}"
        super().deliver(message)


class Diary6(Good):
    kept = []

    def deliver(self, message):
        self.kept.append({"body": message.text.encode()} if message.text else {})
        super().deliver(message)


class Prints6(Good):
    def deliver(self, message):
        print("sent to", message.to)
        super().deliver(message)


class Logs6(Good):
    def deliver(self, message):
        logging.getLogger("broken").debug("sent %s", message.text)
        super().deliver(message)


class Quotes6(Good):
    def refused(self, message):
        return Receipt.failed(message, f"no mailbox {message.to}")


class Explains6(Good):
    def refused(self, message):
        return Receipt.failed(message, "refused" if self.mode == "refusing" else f"no address: {message.to!r}")


class Recites6(Good):
    def refused(self, message):
        return Receipt.failed(message, "refused" if self.mode == "refusing" else f"no text: {message.text!r}")


class Refers6(Good):
    def send(self, message):
        receipt = super().send(message)
        return Receipt.sent(message, f"to {message.to}") if receipt.accepted else receipt


class Says6(Good):
    def down(self, message):
        raise ChannelDown(f"cannot reach {message.to}")


class Posts6(Good):
    def down(self, message):
        raise ChannelDown(f"cannot reach /send?to={quote(message.to, safe='')}")


class Chains6(Good):
    def down(self, message):
        try:
            raise OSError(f"cannot reach {message.to}")
        except OSError as error:
            raise ChannelDown("the line is cut") from error


class Once7(Good):
    def __exit__(self, *_):
        self.mode = "down"


class Tired7(Good):
    def __exit__(self, *_):
        self.mode = "refusing"


class Twice8(Good):
    def key(self, message):
        return object()


class Forgets8(Good):
    def __init__(self, mailbox, mode="up"):
        super().__init__(mailbox, mode)
        self.seen = ()

    def key(self, message):
        return object()

    def deliver(self, message):
        if message.id not in self.seen:
            self.seen = *self.seen, message.id
            super().deliver(message)


class Remembers8(Good):
    def __init__(self, mailbox, mode="up"):
        super().__init__(mailbox, mode)
        self.seen = {}

    def key(self, message):
        return self.seen.setdefault(message.id, object())


class Invites8(Good):
    def key(self, message):
        return message.survey, message.occasion, message.contact


class Retries8(Good):
    def key(self, message):
        return message.id.rpartition("/")[0]


class Refuses9(Good):
    def unsendable(self, message):
        return True


class Late9(Good):
    def unsendable(self, message):
        return super().unsendable(message) or message.due.year < 2020


class Early9(Good):
    def unsendable(self, message):
        return super().unsendable(message) or message.due.year > 2050


class Rations9(Good):
    taken = 0

    def send(self, message):
        self.taken += 1
        return super().send(message) if self.taken < 50 else Receipt.failed(message, "that is enough")


class Shares10(Good):
    def __init__(self, mailbox, mode="up"):
        super().__init__(mailbox, mode)
        self.line = {}

    def __enter__(self):
        if self.line.setdefault("user", self) is not self:
            raise OSError("the line is busy")
        return self

    def __exit__(self, *_):
        self.line.clear()


def contract(kind):
    class Contract(ChannelContract):
        examples = 2

        @pytest.fixture
        def mailbox(self):
            return {}

        @pytest.fixture
        def channel(self, mailbox):
            return kind(mailbox)

        @pytest.fixture
        def delivered(self, mailbox):
            return lambda: [words for _, words, _ in mailbox.values()]

        @pytest.fixture
        def recipients(self, mailbox):
            return lambda: [to for to, *_ in mailbox.values()]

        @pytest.fixture
        def headers(self, mailbox):
            return lambda: [head for *_, head in mailbox.values()]

        @pytest.fixture
        def refusing_channel(self, mailbox):
            return kind(mailbox, "refusing")

        @pytest.fixture
        def down_channel(self, mailbox):
            return kind(mailbox, "down")

    return Contract


for kind in [Good, *Good.__subclasses__()]:
    globals()[f"Test{kind.__name__}"] = contract(kind)


class TestRemembers8(contract(Remembers8)):
    @pytest.fixture
    def second_channel(self, mailbox):
        return Remembers8(mailbox)


class TestAlone(ChannelContract):
    @pytest.fixture
    def channel(self):
        return Good({})


class TestThrough(TestAlone):
    @pytest.fixture
    def delivered(self, channel):
        return lambda: [words for _, words, _ in channel.mailbox.values()]
'''
BROKEN = {name: int(number) for name, number in re.findall(r"^class (\w+?(\d+))\(Good\)", PROGRAM, re.MULTILINE)}


FOUND = {}


@pytest.fixture
def outcomes(pytester):
    """Run the contract on all of these channels, once; give what became of each test, and why it was skipped."""
    return FOUND or ran(pytester)


def ran(pytester):
    pytester.makepyfile(PROGRAM)
    for report in pytester.inline_run("-p", "no:cacheprovider", "-q").getreports("pytest_runtest_logreport"):
        if report.when == "call" or report.skipped:
            _, kind, test = report.nodeid.split("::")
            why = report.longrepr[2].removeprefix("Skipped: ") if report.skipped else None
            FOUND.setdefault(kind.removeprefix("Test"), {})[test] = report.outcome, why
    return FOUND


def skipped(found):
    """Give why each test was skipped that was."""
    return {test: why for test, (outcome, why) in found.items() if outcome == "skipped"}


def test_each_sentence_of_the_port_has_its_test():
    """The numbered tests carry the words of the sentences of the port, and none is without one."""
    assert {number: " ".join(test.__doc__.split()) for number, test in TESTS.items()} == SENTENCES
    assert len(SENTENCES) == 10


def test_a_channel_fails_exactly_at_the_sentence_that_it_breaks(outcomes):
    """What keeps the contract passes; what breaks one sentence fails there and nowhere else."""
    failed = {
        kind: sorted({int(test[5:7]) for test, (outcome, _) in found.items() if outcome == "failed"})
        for kind, found in outcomes.items()
    }
    keeping = ["Good", "Loud", "Closed", "Composes", "Alone", "Through"]
    assert failed == {name: [number] for name, number in BROKEN.items()} | {name: [] for name in keeping}
    assert set(BROKEN.values()) == set(SENTENCES)


def test_what_cannot_be_looked_at_is_skipped_and_names_the_fixture(outcomes):
    """Each fixture beside `channel` has tests of its own, so that none passes without having looked."""
    missing = dict.fromkeys(("test_02_accepted", "test_05_whole", "test_08_idempotent"), "delivered")
    missing |= {"test_04_down": "down_channel", "test_04_down_with_delivered": "down_channel"}
    closer = {name: name.partition("_with_")[2] for name in NAMES if "_with_" in name}
    assert set(closer.values()) == {"delivered", "recipients", "headers", "refusing_channel", "down_channel"}
    assert skipped(outcomes["Alone"]) == {
        name: f"a fixture `{fixture}` would let the contract look at this"
        for name, fixture in (closer | missing).items()
    }


def test_with_all_fixtures_nothing_is_skipped_that_a_channel_promises(outcomes):
    """A channel that is no context manager, or not idempotent, promises less."""
    assert {outcome for outcome, _ in outcomes["Good"].values()} == {"passed"}
    assert set(outcomes["Good"]) == set(NAMES)
    assert skipped(outcomes["Loud"]) == {"test_08_idempotent": "the channel is not idempotent"}


@given(one=rendered_messages(), other=rendered_messages())
def test_the_id_of_a_drawn_message_comes_of_what_it_says(one, other):
    """What is drawn again has its id again, and what differs has another."""
    assert (one.id == other.id) == (one == other)


DRAWN = {
    "a long text": lambda message: len(message.text or "") > 200,
    "a line end of mail": lambda message: "\r\n" in (message.text or ""),
    "a sign that joins": lambda message: "\u200d" in (message.text or ""),
    "a sign that turns": lambda message: "\u200f" in (message.text or ""),
    "an accent of its own": lambda message: any(map(combining, message.text or "")),
    "an emoji": lambda message: any(sign > "\uffff" for sign in message.text or ""),
    "HTML alone": lambda message: message.text is None,
    "text alone": lambda message: message.html is None,
    "headers of mail": lambda message: "List-Unsubscribe" in message.headers,
    "a reminder": lambda message: message.step > 0,
}


@pytest.mark.parametrize("what", DRAWN)
def test_messages_are_drawn_in_all_their_kinds(what):
    """Each kind of message that a channel may be given is drawn."""
    generated = settings(phases=[Phase.generate], database=None, derandomize=True)
    assert DRAWN[what](find(rendered_messages(), DRAWN[what], settings=generated))
