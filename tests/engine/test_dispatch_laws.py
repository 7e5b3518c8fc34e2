"""The laws of a program that sends: whatever happens between, and while, messages are in hand.

Two surveys share a store, a mailbox and people. Histories are random: waves are adopted, messages are sent, refused,
lost or come back, people opt out and in, answer, decline and are forgotten, operators settle, and any of it may happen
while a channel has a message. The oracle sits in the channel. It knows what was said before it was given a message, and
nothing of ledgers.
"""

from datetime import UTC, datetime, timedelta

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from netpromoter.engine import Links, Program
from netpromoter.errors import ChannelDown
from netpromoter.model import (
    Contact,
    Failed,
    OptedIn,
    Receipt,
    Scheduled,
    Sent,
    Settled,
    Survey,
    Withheld,
)
from netpromoter.plugins import load_plugins
from netpromoter.rules import Channels, Reminders, Wave
from netpromoter.stores import MemoryStore, SqlStore

START = datetime(2026, 6, 1, 8, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LEASE, ATTEMPTS = HOUR, 4
LINKS = Links("https://nps.example.com", keys=["a secret that nobody can guess"])
SURVEYS = ("nps", "pulse")
PEOPLE = [
    Contact(id="ann", addresses={"post": "1 High Street"}),
    Contact(id="bob", addresses={"post": "1 High Street", "mail": "bob@example.com"}),
    Contact(id="cem", addresses={"post": "3 High Street", "mail": "cem@example.com"}),
]
OUTCOMES = ("sent", "refused", "refused for good", "down", "lost")
DEEDS = ("opt out", "stop reminders", "opt in", "decline", "answer", "bounce", "settle", "forget", "adopt", "dispatch")

numbers = st.integers(0, 7)
deeds = st.tuples(st.sampled_from(DEEDS), numbers, st.booleans())
#: What becomes of the messages of a dispatch, one after the other, and what happens meanwhile.
scripts = st.lists(st.tuples(st.sampled_from(OUTCOMES), st.none() | deeds), min_size=1, max_size=5)


@attrs.define(eq=False)
class Given:
    """A message that a channel was given, and what became of it."""

    message: object
    at: datetime
    #: "may have arrived", "arrived", "did not arrive" or "came back"
    fate: str = "may have arrived"
    turns: int = 0

    @property
    def counts(self):
        """Whether somebody was, or may have been, written to."""
        return self.fate in {"arrived", "may have arrived"}


@attrs.frozen
class Choice:
    """Somebody wants messages, or reminders, or no more of them."""

    contact: str
    destination: int
    out: bool
    reminders_only: bool = False


class Carrier:
    """A channel that hands everything to the world."""

    def __init__(self, world, *, idempotent):
        self.world, self.idempotent = world, idempotent

    def __copy__(self):
        return self

    def send(self, message):
        return self.world.carry(message, idempotent=self.idempotent)


class World(RuleBasedStateMachine):
    """What happens, and what was said of it."""

    opened = staticmethod(MemoryStore)

    def __init__(self):
        super().__init__()
        self.now, self.store = START, self.opened()
        self.given, self.choices, self.script, self.broken = [], [], [], []
        self.heard, self.dead, self.forgotten = set(), set(), set()

    @initialize(idempotent=st.booleans())
    def begin(self, idempotent):
        """Make two programs that share everything but the survey."""
        shared = {
            "store": self.store,
            "channels": {name: Carrier(self, idempotent=idempotent) for name in ("post", "mail")},
            "order": Channels("post", "mail"),
            "links": LINKS,
            "cadence": Wave("june"),
            "rules": [],
            "reminders": Reminders(after=3 * DAY),
            "lease": LEASE,
            "attempts": ATTEMPTS,
            "backoff": HOUR,
            "plugins": load_plugins(entry_points=False),
        }
        self.programs = [Program(survey=Survey(key, product="Acme"), **shared) for key in SURVEYS]
        self.do("adopt", 0, flag=False)

    def clock(self):
        """Give the present."""
        return self.now

    # -- what happens --------------------------------------------------------------------------------------------------

    @rule(hours=st.sampled_from([1, 5, 23, 25, 73]), number=numbers, script=scripts)
    def send_later(self, hours, number, script):
        """Let time pass, and dispatch a survey."""
        self.now += hours * HOUR
        self.send(number, script)

    @rule(number=numbers, script=scripts)
    def adopt_and_send(self, number, script):
        """Adopt what a survey plans for the next day, and dispatch it."""
        self.do("adopt", number, flag=False)
        self.send(number, script)

    @rule(deed=deeds)
    def happen(self, deed):
        """Let something happen."""
        self.do(*deed)

    def send(self, number, script):
        """Dispatch a survey."""
        self.script = list(script)
        self.do("dispatch", number, flag=False)

    def do(self, name, number, flag):
        """Let something happen to one of the people, surveys or messages."""
        self.now += timedelta(microseconds=1)
        program = self.programs[number % 2]
        if name == "dispatch":
            program.dispatch(clock=self.clock, worker=f"w-{len(self.given)}")
        elif name == "adopt":
            self.adopt(program)
        elif name == "settle":
            self.settle(number, delivered=flag)
        elif name == "opt in":
            self.choose(OptedIn(contact=PEOPLE[number % 3].id, at=self.now))
        elif name == "forget":
            self.forget(PEOPLE[number % 3].id)
        elif known := [each for each in self.given if each.message.contact not in self.forgotten]:
            self.say(name, known[number % len(known)])

    def adopt(self, program):
        """Adopt what a program plans; all of it is new to the log."""
        known = len(list(self.store.entries(kinds=(Scheduled,))))
        found = program.adopt(program.plan(PEOPLE, at=self.now), at=self.now).plan
        new = len(list(self.store.entries(kinds=(Scheduled,)))) - known
        if new < len(found.invitations) + len(found.reminders):
            self.broken.append(f"adopted what was adopted before: {found} at {self.now}")

    def say(self, name, given):
        """Let somebody say something about a message that was given."""
        message = given.message
        program = self.programs[SURVEYS.index(message.survey)]
        if name in {"opt out", "stop reminders"}:
            only = name == "stop reminders"
            program.receive_opt_out(message=message.id, reminders_only=only, at=self.now)
            self.choices.append(Choice(message.contact, message.destination, out=True, reminders_only=only))
        elif name == "bounce":
            program.receive_bounce(message.id, at=self.now)
            self.dead.add(message.destination)
            given.fate = "came back"
        else:
            said = program.receive_answer if name == "answer" else program.receive_decline
            said(message.id, **({"rating": 9} if name == "answer" else {}), at=self.now)
            self.heard.add((message.survey, message.occasion, message.contact))

    def choose(self, event):
        """Let somebody opt in as a person."""
        if event.contact not in self.forgotten:
            self.store.append([event])
            self.choices.append(Choice(event.contact, event.destination, out=False))

    def settle(self, number, *, delivered):
        """Let an operator say what became of a message whose lease is over."""
        self.now += LEASE
        program = self.programs[number % 2]
        if found := program.uncertain(at=self.now):
            chosen = found[number % len(found)]
            program.settle(chosen, delivered=delivered, at=self.now)
            (given,) = (each for each in self.given[::-1] if each.message.id == chosen)
            given.fate = "arrived" if delivered else "did not arrive"

    def forget(self, contact):
        """Forget somebody."""
        reached = {each.message.destination for each in self.given if each.message.contact == contact}
        self.programs[0].forget(contact, at=self.now)
        self.choices += [Choice(contact, each, out=True) for each in reached]
        self.forgotten.add(contact)

    # -- what a channel sees -------------------------------------------------------------------------------------------

    def carry(self, message, *, idempotent):
        """Take a message, as the script has it."""
        self.judge(message, idempotent=idempotent)
        outcome, meanwhile = self.script.pop(0) if self.script else ("sent", None)
        given = next((each for each in self.given if each.message.id == message.id), None)
        if given is None:
            given = Given(message, self.now)
            self.given.append(given)
        given.at = self.now
        turns = given.turns = given.turns + 1
        if meanwhile:
            self.do(*meanwhile)
        is_known = (turns, given.fate) == (1, "may have arrived") or not idempotent
        return self.end(outcome, given, is_known=is_known)

    def end(self, outcome, given, *, is_known):
        """Do what the script has for a message; of one that may have arrived before a refusal says nothing."""
        message = given.message
        if outcome == "lost":
            raise OSError("the connection was lost")
        if outcome == "sent":
            given.fate = given.fate if given.fate == "came back" else "arrived"
            return Receipt.sent(message)
        if is_known and given.fate != "came back":
            given.fate = "did not arrive"
        if outcome == "down":
            raise ChannelDown("closed today")
        if is_known and outcome == "refused for good":
            self.dead.add(message.destination)
        return Receipt.failed(message, outcome, permanent=outcome == "refused for good")

    def judge(self, message, *, idempotent):
        """Find the laws that are broken where a message is given to a channel now."""
        before = [each for each in self.given if each.counts and each.message.id != message.id]
        near = [
            each
            for each in before
            if each.message.contact == message.contact or each.message.destination == message.destination
        ]
        step = message.id.rpartition("/")[0]
        same = [each for each in before if each.message.id.rpartition("/")[0] == step and self.is_alive(each.message)]
        ids = [each.message.id for each in self.given]
        place = message.id.split("/")[:3]
        occasion = [each for each in before if each.message.id.split("/")[:3] == place]
        sooner = [each.at for each in occasion if each.message.step < message.step]
        # what an idempotent channel may have carried already is given to it again at any time
        laws = {
            "somebody who opted out": self.is_out(message),
            "after an answer or a decline": (message.survey, message.occasion, message.contact) in self.heard,
            "an address that has failed": not self.is_alive(message),
            "somebody who was forgotten": message.contact in self.forgotten,
            "twice within a day": any(self.now < each.at + DAY for each in near),
            "the same step twice": bool(same),
            "a step after a later one": not idempotent and any(each.message.step > message.step for each in occasion),
            "a reminder too soon": not idempotent and self.now < max(sooner, default=START - 3 * DAY) + 3 * DAY,
            "the same message twice": message.id in ids and not idempotent,
        }
        self.broken += [f"{law}: {message.id} at {self.now}" for law, is_broken in laws.items() if is_broken]

    def is_alive(self, message):
        """Say whether the address of a message has not failed since: what went there may be repeated elsewhere."""
        return message.destination not in self.dead

    def is_out(self, message):
        """Say whether the last word of the person, or that on the address, is no."""
        last = dict.fromkeys(("person", "address"), False)
        for choice in self.choices:
            if choice.reminders_only and not message.step:
                continue
            is_own = choice.contact == message.contact
            if is_own:
                last["person"] = choice.out
            if is_own or choice.destination == message.destination or self.holds(choice.contact, message.to):
                last["address"] = choice.out
        return any(last.values())

    def holds(self, contact, address):
        """Say whether somebody, who was not forgotten, has an address."""
        known = {each.id: each for each in PEOPLE if each.id not in self.forgotten}
        return contact in known and address in known[contact].addresses.values()

    # -- what holds ----------------------------------------------------------------------------------------------------

    @invariant()
    def no_law_is_broken(self):
        """Nobody is written to against what was said before."""
        assert not self.broken, self.broken

    @invariant()
    def nothing_is_lost(self):
        """Of each message that was adopted it is known whether it waits, is in hand or uncertain, or is over."""
        if self.broken:
            return
        entries = [entry.event for entry in self.store.entries()]
        adopted = {event.message.id for event in entries if isinstance(event, Scheduled)}
        over = {event.message for event in entries if isinstance(event, Sent | Failed | Withheld | Settled)}
        waiting = {message.id for message in self.store.waiting(self.now + 1000 * DAY, limit=1000).values()}
        claimed = {claim.message.id for claim in self.store.claims()}
        gone = {each for each in adopted if each.split("/")[2].startswith("forgotten-")}
        assert adopted - gone == (over | waiting | claimed) - gone
        assert not waiting & claimed
        assert not (waiting | claimed) & over

    def teardown(self):
        """Whatever has happened, the program goes on once nothing goes wrong any more."""
        self.script = []
        if not self.broken:
            for day in range(14):
                for number in range(2):
                    if day < 10:
                        self.do("adopt", number, flag=False)
                    self.do("dispatch", number, flag=False)
                self.now += DAY + HOUR
            self.no_law_is_broken()
            self.nothing_is_lost()
            assert self.store.waiting(self.now, limit=1000) == {}
            for survey in SURVEYS:
                for contact in PEOPLE:
                    self.check_asked(survey, contact)
        self.store.close()

    def check_asked(self, survey, person):
        """Whoever said nothing, and has an address that works, was asked, unless another was at that address."""
        messages = [each for each in self.given if each.message.survey == survey]
        theirs = [each for each in messages if each.message.to in person.addresses.values()]
        tries = sum(each.fate == "did not arrive" for each in theirs)
        heard = any(
            self.holds(who, to) for key, _, who in self.heard if key == survey for to in person.addresses.values()
        )
        if self.choices or self.dead or self.forgotten or heard or tries >= ATTEMPTS:
            return
        assert any(each.counts and each.message.step == 0 for each in theirs), f"{person.id} was never asked"


class WorldOnSqlite(World):
    """The same with a database."""

    opened = staticmethod(lambda: SqlStore("sqlite://"))


@pytest.mark.parametrize("world", [World, WorldOnSqlite])
def test_whatever_happens_meanwhile_nobody_is_written_to_against_what_was_said(world):
    """In random histories, with anything at any point where another process could have done it."""
    run_state_machine_as_test(world, settings=settings(max_examples=40, stateful_step_count=15))
