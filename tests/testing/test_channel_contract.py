"""The contract of channels: it passes what keeps it, and fails what breaks one sentence exactly there."""

import re
from inspect import getdoc

import pytest

from netpromoter.plugins import Channel
from netpromoter.testing import ChannelContract

pytest_plugins = ["pytester"]

SENTENCES = {
    int(number): " ".join(words.split())
    for number, words in re.findall(r"^(\d+)\. (.*?)(?=^\d+\.|\n\n)", getdoc(Channel), re.MULTILINE | re.DOTALL)
}
TESTS = {int(name[5:7]): getattr(ChannelContract, name) for name in dir(ChannelContract) if name.startswith("test_")}

PROGRAM = '''
import gc
import logging

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
        if message.id not in self.mailbox or not self.idempotent:
            self.deliver(message)
        return Receipt.sent(message)

    def unsendable(self, message):
        return not message.to.isprintable() or message.text == message.html == None or "\\0" in (message.text or "")

    def refused(self, message):
        return Receipt.failed(message, "refused")

    def down(self, message):
        raise ChannelDown("the line is cut")

    def deliver(self, message):
        self.mailbox[message.id] = f"{message.subject} {message.text} {message.html}"


class Loud(Good):
    idempotent = False

    def deliver(self, message):
        self.mailbox[len(self.mailbox)] = f"{message.subject} {message.text} {message.html}"


class Names1(Good):
    def send(self, message):
        receipt = super().send(message)
        return Receipt(message="another", accepted=receipt.accepted, reason=receipt.reason)


class Loses2(Good):
    def deliver(self, message):
        if "please" not in str(message.text) or len(self.mailbox) != 1:
            super().deliver(message)


class Raises3(Good):
    def refused(self, message):
        raise ValueError("refused")


class Reasonless3(Good):
    def refused(self, message):
        return Receipt.failed(message, " ")


class Accepts4(Good):
    def down(self, message):
        return Receipt.failed(message, "the line is cut")


class Lies4(Good):
    def down(self, message):
        self.deliver(message)
        raise ChannelDown("the line is cut")


class Cuts5(Good):
    def deliver(self, message):
        self.mailbox[message.id] = f"{message.subject} {(message.text or '')[:160]} {message.html}"


class Subjectless5(Good):
    def deliver(self, message):
        self.mailbox[message.id] = f"{message.text} {message.html}"


class Htmlless5(Good):
    def deliver(self, message):
        self.mailbox[message.id] = f"{message.subject} {message.text}"


class Changes6(Good):
    def deliver(self, message):
        message.headers["X-Sent"] = "yes"
        super().deliver(message)


class Keeps6(Good):
    def deliver(self, message):
        self.last = message
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


class Refers6(Good):
    def send(self, message):
        receipt = super().send(message)
        return Receipt.sent(message, f"to {message.to}") if receipt.accepted else receipt


class Says6(Good):
    def down(self, message):
        raise ChannelDown(f"cannot reach {message.to}")


class Chains6(Good):
    def down(self, message):
        try:
            raise OSError(f"cannot reach {message.to}")
        except OSError as error:
            raise ChannelDown("the line is cut") from error


class Once7(Good):
    def __exit__(self, *_):
        self.mode = "down"


class Twice8(Good):
    def deliver(self, message):
        self.mailbox[message.id, len(self.mailbox)] = f"{message.subject} {message.text} {message.html}"

    def send(self, message):
        if not self.unsendable(message) and self.mode == "up":
            self.deliver(message)
            return Receipt.sent(message)
        return super().send(message)


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
            return lambda: list(mailbox.values())

        @pytest.fixture
        def refusing_channel(self, mailbox):
            return kind(mailbox, "refusing")

        @pytest.fixture
        def down_channel(self, mailbox):
            return kind(mailbox, "down")

    return Contract


for kind in [Good, *Good.__subclasses__()]:
    globals()[f"Test{kind.__name__}"] = contract(kind)


class TestAlone(ChannelContract):
    @pytest.fixture
    def channel(self):
        return Good({})
'''
BROKEN = [name for name in re.findall(r"^class (\w+)\(Good\)", PROGRAM, re.MULTILINE) if name[-1].isdigit()]


FOUND = {}


@pytest.fixture
def outcomes(pytester):
    """Run the contract on all of these channels, once; give what became of each sentence."""
    return FOUND or ran(pytester)


def ran(pytester):
    pytester.makepyfile(PROGRAM)
    for report in pytester.inline_run("-p", "no:cacheprovider", "-q").getreports("pytest_runtest_logreport"):
        if report.when == "call" or report.skipped:
            _, kind, test = report.nodeid.split("::")
            FOUND.setdefault(kind.removeprefix("Test"), {})[int(test[5:7])] = report.outcome
    return FOUND


def test_each_sentence_of_the_port_has_its_test():
    """The numbered tests carry the words of the sentences of the port, and none is without one."""
    assert {number: " ".join(test.__doc__.split()) for number, test in TESTS.items()} == SENTENCES
    assert len(SENTENCES) == 8


def test_a_channel_fails_exactly_at_the_sentence_that_it_breaks(outcomes):
    """What keeps the contract passes; what breaks one sentence fails there and nowhere else."""
    failed = {kind: [number for number in found if found[number] == "failed"] for kind, found in outcomes.items()}
    expected = {name: [int(name[-1])] for name in BROKEN} | {"Good": [], "Loud": [], "Alone": []}
    assert failed == expected
    assert {int(name[-1]) for name in BROKEN} == set(SENTENCES)


def test_what_cannot_be_looked_at_is_skipped(outcomes):
    """Without more fixtures than `channel` the contract looks at what it can, and says what it leaves out."""
    assert set(outcomes["Good"].values()) == {"passed"}
    assert {number for number, outcome in outcomes["Alone"].items() if outcome == "skipped"} == {2, 4, 5, 8}
    assert outcomes["Loud"][8] == "skipped"
