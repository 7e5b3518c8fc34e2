"""The law of plans: whatever is planned and adopted, in any order, nobody is written to against a rule in force.

A small world is run through random histories; the messages of each adoption are judged by an oracle that reads the list
of all facts, knows nothing of columns, and takes the rules one person at a time.
"""

from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from netpromoter.engine import _planner as planner_module
from netpromoter.engine import adopt, plan
from netpromoter.model import (
    Bounced,
    Contact,
    Contacts,
    Declined,
    OptedIn,
    OptedOut,
    Responded,
    Response,
    Scheduled,
    Survey,
    Triggered,
    fingerprint,
)
from netpromoter.rules import (
    AccountLimit,
    AtMost,
    Continuous,
    DailyCap,
    Holds,
    MinimumTenure,
    Policy,
    QuietPeriod,
    Reminders,
    SendWindow,
    Trigger,
    Wave,
    Waves,
)
from netpromoter.rules import _history as history_module

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
KINDS = {"nps": "relationship", "pulse": "relationship", "case": "transactional"}
SURVEYS = {key: Survey(key, kind=kind) for key, kind in KINDS.items()}
CADENCES = {
    "nps": [
        Waves([Wave(f"w-{n}", opens=START + n * 20 * DAY, closes=START + (n * 20 + 15) * DAY) for n in range(30)]),
        Waves([Wave(f"w-{n}", opens=START + n * 20 * DAY, drip=6 * DAY) for n in range(30)]),
    ],
    "pulse": [Continuous(every=every * DAY, start=START - 30 * DAY) for every in (10, 30)],
    "case": [
        Trigger("case closed", delay=2 * HOUR),
        Trigger("case closed", delay=5 * DAY, within=3 * DAY),
        Trigger("case closed"),
    ],
}
WINDOWS = [
    (SendWindow("Mon-Fri", "08:00-11:00"), range(5), 8, 11),
    (SendWindow("Mon-Sun", "00:00-24:00"), range(7), 0, 24),
    (SendWindow("Sat-Tue", "20:00-22:00"), (5, 6, 0, 1), 20, 22),
]
RULES = [
    (),
    (QuietPeriod(days=30, after="invited"), QuietPeriod(days=90, scope="kind"), MinimumTenure(days=30)),
    (QuietPeriod(days=5, after="messaged"), QuietPeriod(days=20, after="answered", scope="survey")),
    (AtMost(2, per=10 * DAY),),
    (AtMost(1, per=3 * DAY, scope="survey"), QuietPeriod(days=10, after="declined")),
    (AtMost(3, per=30 * DAY, scope="kind"), DailyCap(2)),
    (DailyCap(1), AccountLimit(1, per=7 * DAY)),
    (AccountLimit(2, per=30 * DAY, scope="survey"), DailyCap(1, of="answers"), QuietPeriod(days=2.5, after="invited")),
]
REMINDERS = [
    None,
    Reminders(),
    Reminders(after=[1 * DAY, 2 * DAY, 4 * DAY], max_messages=3),
    Reminders(after=[2 * DAY, 3 * DAY, 5 * DAY], max_messages=2, per=6 * DAY, within=9 * DAY),
]
PEOPLE = (
    Contact(
        id="c-1",
        addresses={"email": "shared@example.com"},
        time_zone="Europe/Paris",
        account="A",
        since=START - 60 * DAY,
    ),
    Contact(
        id="c-2",
        addresses={"email": "shared@example.com"},
        time_zone="America/New_York",
        account="A",
        since=START + 20 * DAY,
    ),
    Contact(id="c-3", addresses={"email": "c@example.com", "sms": "+1 555 0103"}, account="A", since=START - 9 * DAY),
    Contact(
        id="c-4",
        addresses={"email": "d@example.com"},
        time_zone="Australia/Lord_Howe",
        account="B",
        since=START - 400 * DAY,
    ),
    Contact(id="c-5", addresses={"sms": "+1 555 0105"}, time_zone="Asia/Kolkata", since=START + 60 * DAY),
)
MAILBOXES = ("shared@example.com", "c@example.com", "d@example.com", "e@example.com")


def policy(survey, cadence=0, rules=1, reminders=1, window=0):
    """Make a policy of the tables above."""
    chosen = CADENCES[survey]
    windows = () if window is None else (WINDOWS[window % len(WINDOWS)][0],)
    return Policy(
        survey=SURVEYS[survey],
        cadence=chosen[cadence % len(chosen)],
        rules=(*RULES[rules % len(RULES)], *windows),
        reminders=REMINDERS[reminders % len(REMINDERS)],
        channels=("email", "sms"),
    )


@attrs.frozen(kw_only=True)
class _Fact:
    """One thing that happened, as the oracle knows it."""

    kind: str
    at: datetime
    contact: str
    destination: int = 0
    survey: str = ""
    occasion: str = ""
    step: int = 0
    attempt: int = 0
    channel: str = ""
    id: str = ""

    @property
    def message(self):
        return self.kind in {"invited", "reminded"}


def held(contact):
    """Give the fingerprints of somebody's addresses."""
    return {fingerprint(address) for address in contact.addresses.values()}


class _World:
    """People, a log, policies in force, and plans that wait to be adopted."""

    def __init__(self, *, trusting=False):
        self.now, self.log, self.facts = START, [], []
        self.people = {person.id: person for person in PEOPLE}
        self.policies = {survey: policy(survey) for survey in SURVEYS}
        self.plans = []
        self.trusting = trusting

    # What happens

    def wait(self, hours):
        self.now += hours * HOUR

    def plan(self, survey, *, back=0, horizon=1):
        seen = max(0, len(self.log) - back)
        made = plan(
            Contacts.of(self.people.values()),
            self.log[:seen],
            self.policies[survey],
            at=self.now,
            horizon=horizon * DAY,
        )
        self.plans.append((made, seen))

    def adopt(self, number):
        made, seen = self.plans[number % len(self.plans)]
        force = self.policies[made.policy.survey.key]
        known = self.log[:seen] if self.trusting else self.log
        adoption = adopt(made, known, at=self.now, policy=force)
        new = [self.fact(event.message) for event in adoption.events if isinstance(event, Scheduled)]
        _Judge(self, made.contacts, force, new).judge()
        self.log += adoption.events
        self.facts += new
        if not self.trusting:
            again = adopt(made, self.log, at=self.now, policy=force)
            assert not again.events, "adopting twice adds a message"
            assert set(again.dropped.positions) == {*made.invitations.positions, *made.reminders.positions}

    def fact(self, message):
        return _Fact(
            kind="reminded" if message.step else "invited",
            at=message.due,
            contact=message.contact,
            destination=message.destination,
            survey=message.survey,
            occasion=message.occasion,
            step=message.step,
            attempt=message.attempt,
            channel=message.channel,
            id=message.id,
        )

    def delivered(self, number):
        """Choose a message that has left."""
        gone = [fact for fact in self.facts if fact.message and fact.at <= self.now]
        return gone[-1 - number % len(gone)] if gone else None

    def note(self, event, **facts):
        self.log.append(event)
        self.facts.append(_Fact(at=self.now, **facts))

    def answer(self, number):
        message = self.delivered(number)
        if message:
            given = {"survey": message.survey, "occasion": message.occasion, "contact": message.contact}
            facts = given | {"destination": message.destination}
            answer = Response(
                **facts, kind=KINDS[message.survey], ordinal=len(self.log), rating=number % 11, at=self.now
            )
            self.note(Responded(response=answer), kind="answered", **facts)

    def decline(self, number):
        message = self.delivered(number)
        place = message and (message.survey, message.occasion, message.contact)
        same = [fact for fact in self.facts if (fact.survey, fact.occasion, fact.contact) == place]
        if message and all(fact.kind != "declined" for fact in same):
            given = {"survey": message.survey, "occasion": message.occasion, "contact": message.contact}
            last = [fact for fact in same if fact.message][-1].destination
            event = Declined(**given, kind=KINDS[message.survey], at=self.now)
            self.note(event, kind="declined", destination=last, **given)

    def opt_out(self, number, *, reminders_only=False, at_address=False):
        who, destination = self.somebody(number, at_address=at_address)
        event = OptedOut(contact=who, destination=destination, reminders_only=reminders_only, at=self.now)
        self.note(event, kind="reminders_off" if reminders_only else "opted_out", contact=who, destination=destination)

    def opt_in(self, number, *, at_address=False):
        who, destination = self.somebody(number, at_address=at_address)
        event = OptedIn(contact=who, destination=destination, at=self.now)
        self.note(event, kind="opted_in", contact=who, destination=destination)

    def somebody(self, number, *, at_address):
        person = PEOPLE[number % len(PEOPLE)]
        return person.id, min(held(self.people.get(person.id, person)), default=0) if at_address else 0

    def bounce(self, number, *, known=True, named=True):
        message = self.delivered(number)
        if message:
            facts = {"contact": message.contact, "destination": message.destination if known else 0}
            facts["channel"] = message.channel
            name = message.id if named else None
            event = Bounced(**facts, message=name, at=self.now)
            facts["destination"] = message.destination if known or named else 0
            self.note(event, kind="bounced", id=name or "", **facts)

    def close_case(self, number):
        who, event = PEOPLE[number % len(PEOPLE)].id, f"e-{len(self.log)}"
        happened = Triggered(event=event, touchpoint="case closed", contact=who, at=self.now)
        self.note(happened, kind="triggered", contact=who, occasion=event)

    def change(self, number, what):
        person = PEOPLE[number % len(PEOPLE)]
        now = self.people.get(person.id, person)
        if what == "gone":
            self.people.pop(person.id, None)
        elif what == "moved":
            mailbox = MAILBOXES[number % len(MAILBOXES)]
            self.people[person.id] = attrs.evolve(now, addresses={**now.addresses, "email": mailbox})
        elif what == "away":
            self.people[person.id] = attrs.evolve(now, time_zone=PEOPLE[number // 5 % 5].time_zone)
        else:
            self.people[person.id] = attrs.evolve(now, account=[None, "A", "B"][number % 3])
        self.people.setdefault("c-4", PEOPLE[3])

    def govern(self, survey, **choices):
        self.policies[survey] = policy(survey, **choices)


class _Judge:
    """Judges the messages of one adoption by the rules in force."""

    def __init__(self, world, contacts, force, new):
        self.world, self.contacts, self.force, self.new = world, contacts, force, new
        self.people = {person.id: person for person in contacts}
        returned = {fact.id for fact in world.facts if fact.kind == "bounced"}
        self.in_vain = [fact for fact in world.facts if fact.message and fact.id in returned]
        self.before = world.facts
        self.all = [*world.facts, *new]
        self.reached = [fact for fact in self.all if fact not in self.in_vain]

    def judge(self):
        ids = [fact.id for fact in self.all if fact.message]
        assert len(ids) == len(set(ids)), "a message id comes twice"
        invited = [place_of(fact) for fact in self.reached if fact.kind == "invited" and not self.repeats(fact)]
        assert len(invited) == len(set(invited)), "somebody is invited twice to one occasion"
        for message in self.new:
            assert message.at >= self.world.now, "a message is due before it is decided on"
            self.guard(message)
            self.consent(message)
            self.address(message)
            self.window(message)
            self.occasion(message)
            for each in self.force.rules:
                check = _CHECKS.get(type(each))
                if check:
                    check(self, each, message)
        self.reminders()

    def concerns(self, fact, message):
        """Say whether a fact starts the clocks of who gets a message."""
        person = self.people[message.contact]
        if fact.contact == message.contact or fact.destination in held(person):
            return True
        other = self.people.get(fact.contact)
        choice = fact.kind in {"opted_out", "reminders_off", "opted_in"}
        return choice and other is not None and bool(held(other) & held(person))

    def repeats(self, message):
        """Say whether a message follows one of the same step that has not come back, but whose address is dead."""
        same = [fact for fact in self.all if place_of(fact) == place_of(message) and fact.step == message.step]
        before = [fact for fact in same if fact.message and fact.attempt == message.attempt - 1]
        dead = {fact.destination for fact in self.before if fact.kind == "bounced"}
        lost = {(fact.contact, fact.channel) for fact in self.before if fact.kind == "bounced" and not fact.destination}
        for fact in before:
            assert fact.destination in dead or (fact.contact, fact.channel) in lost, "a repeat for no reason"
        return any(fact not in self.in_vain for fact in before)

    def known(self, message, kinds, scope="any", facts=None):
        wanted = {
            "any": lambda fact: True,
            "survey": lambda fact: fact.survey == message.survey,
            "kind": lambda fact: KINDS.get(fact.survey) == KINDS[message.survey],
        }[scope]
        rows = self.reached if facts is None else facts
        return [fact for fact in rows if fact.kind in kinds and wanted(fact) and self.concerns(fact, message)]

    def guard(self, message):
        for fact in self.reached:
            alike = fact.contact == message.contact or fact.destination == message.destination
            if fact.message and fact is not message and alike:
                assert abs(fact.at - message.at) >= DAY, "two messages within 24 hours"

    def consent(self, message):
        own = [fact for fact in self.before if fact.contact == message.contact]
        shared = [
            [fact for fact in self.before if fact.destination == each or self.holds(fact.contact, each)]
            for each in held(self.people[message.contact])
        ]
        for said in (own, *shared):
            last = {fact.kind: fact.at for fact in sorted(said, key=lambda fact: fact.at)}
            back = last.get("opted_in", datetime.min.replace(tzinfo=UTC))
            assert "opted_out" not in last or back > last["opted_out"], "a message after an opt-out"
            off = last.get("reminders_off") if message.step else None
            assert off is None or back > off, "a reminder to somebody who switched them off"

    def holds(self, contact, destination):
        return contact in self.people and destination in held(self.people[contact])

    def address(self, message):
        for fact in self.before:
            if fact.kind == "bounced":
                assert fact.destination != message.destination, "a message to a dead address"
                lost = (fact.destination, fact.contact, fact.channel) == (0, message.contact, message.channel)
                assert not lost, "a message on a channel that failed"
        address = self.people[message.contact].addresses[message.channel]
        assert fingerprint(address) == message.destination, "a message elsewhere than to the person's address"

    def window(self, message):
        for window, days, opening, closing in WINDOWS:
            if self.force.window is window:
                local = message.at.astimezone(ZoneInfo(self.people[message.contact].time_zone or "UTC"))
                inside = local.weekday() in days and opening <= local.hour < closing
                assert inside, "a message outside the send window"

    def occasion(self, message):
        for wave in getattr(self.force.cadence, "waves", ()):
            closed = wave.name == message.occasion and wave.closes and message.at >= wave.closes
            assert not closed, "a message of a wave that is closed"
        same = [fact for fact in self.all if place_of(fact) == place_of(message) and fact.message]
        reminders = self.force.reminders
        if reminders and reminders.per == "occasion":
            count = sum(fact not in self.in_vain for fact in same)
            assert count <= reminders.max_messages, "too many messages in an occasion"
        if message.step or message.attempt:
            opened = same[0]
            assert opened.kind == "invited", "a reminder without an invitation"
            for fact in self.known(message, {"answered", "declined"}, "survey", self.before):
                assert fact.at < opened.at, "a reminder after an answer"
            assert reminders or message.attempt, "a reminder in a policy without them"
            if reminders:
                assert message.at < opened.at + reminders.within, "a reminder too late"

    def reminders(self):
        each = self.force.reminders
        if each and each.per != "occasion":
            for message in self.new:
                self.at_most(AtMost(each.max_messages, per=each.per), message)

    def invites(self, message):
        """Say whether rules for invitations hold a message: an invitation, also one after another that came back."""
        return message.kind == "invited" and not self.repeats(message)

    def quiet(self, each, message):
        if self.invites(message):
            kinds = {"messaged": {"invited", "reminded"}}.get(each.after, {each.after})
            for fact in self.known(message, kinds, each.scope):
                early = fact is not message and message.at < fact.at + each.days * DAY
                assert not early, "an invitation within a quiet period"

    def tenure(self, each, message):
        if self.invites(message):
            since = self.people[message.contact].since
            assert message.at >= since + each.days * DAY, "an invitation before its tenure"

    def at_most(self, each, message):
        known = sorted(fact.at for fact in self.known(message, {"invited", "reminded"}, each.scope))
        assert crowded(known, message.at, each.per) <= each.messages, "too many messages in a rolling window"

    def account_limit(self, each, message):
        mine = self.people[message.contact].account
        if self.invites(message) and mine is not None:
            wanted = {
                "any": KINDS,
                "survey": [message.survey],
                "kind": [key for key in KINDS if KINDS[key] == KINDS[message.survey]],
            }
            times = sorted(
                fact.at
                for fact in self.reached
                if fact.kind == "invited"
                and fact.survey in wanted[each.scope]
                and getattr(self.people.get(fact.contact), "account", None) == mine
            )
            assert crowded(times, message.at, each.per) <= each.invitations, "too many invitations to an account"

    def daily_cap(self, each, message):
        if each.of == "messages":
            times = sorted(fact.at for fact in self.reached if fact.message and fact.survey == message.survey)
            assert crowded(times, message.at, DAY) <= each.number, "too many messages in a day"
        elif self.invites(message):
            answers = [fact for fact in self.before if fact.kind == "answered" and fact.survey == message.survey]
            recent = [fact for fact in answers if fact.at > message.at - DAY]
            assert len(recent) < each.number, "an invitation on a day with enough answers"


_CHECKS = {
    QuietPeriod: _Judge.quiet,
    MinimumTenure: _Judge.tenure,
    AtMost: _Judge.at_most,
    AccountLimit: _Judge.account_limit,
    DailyCap: _Judge.daily_cap,
}


def place_of(fact):
    """Give the occasion of somebody."""
    return fact.survey, fact.occasion, fact.contact


def crowded(times, moment, length):
    """Count the most instants in any window of a length, half open, that holds a moment."""
    starts = [time for time in times if moment - length < time <= moment]
    return max(sum(start <= time < start + length for time in times) for start in starts)


# The machine

NUMBERS = st.integers(0, 59)
WHICH = st.sampled_from(sorted(SURVEYS))


class _Laws(RuleBasedStateMachine):
    """Everything that can happen, in any order."""

    @initialize(
        choices=st.fixed_dictionaries(
            {
                survey: st.fixed_dictionaries(dict.fromkeys(("cadence", "rules", "reminders", "window"), NUMBERS))
                for survey in sorted(SURVEYS)
            }
        )
    )
    def begin(self, choices):
        self.world = _World()
        for survey, chosen in choices.items():
            self.world.govern(survey, **chosen)

    @rule(hours=st.integers(1, 72) | st.integers(1, 500))
    def wait(self, hours):
        self.world.wait(hours)

    @rule(survey=WHICH, back=st.just(0) | st.integers(0, 9), horizon=st.sampled_from([0, 1, 1, 3]))
    def plan(self, survey, back, horizon):
        self.world.plan(survey, back=back, horizon=horizon)

    @rule(surveys=st.permutations(sorted(SURVEYS)), hours=st.integers(0, 48))
    def run(self, surveys, hours):
        """Plan all surveys on one state of the log, and adopt them one after the other, somewhat later."""
        for survey in surveys:
            self.world.plan(survey)
        self.world.wait(hours)
        for back in range(len(surveys)):
            self.world.adopt(len(self.world.plans) - 1 - back)

    @rule(number=st.integers(0, 9))
    def adopt(self, number):
        if self.world.plans:
            self.world.adopt(-1 - number)

    @rule(number=NUMBERS, what=st.sampled_from(["answer", "decline", "bounce", "close_case", "close_case"]))
    def happen(self, number, what):
        getattr(self.world, what)(number)

    @rule(number=NUMBERS, known=st.booleans(), named=st.booleans())
    def bounce_somewhere(self, number, known, named):
        self.world.bounce(number, known=known, named=named)

    @rule(number=NUMBERS, reminders_only=st.booleans(), at_address=st.booleans())
    def opt_out(self, number, reminders_only, at_address):
        self.world.opt_out(number, reminders_only=reminders_only, at_address=at_address)

    @rule(number=NUMBERS, at_address=st.booleans())
    def opt_in(self, number, at_address):
        self.world.opt_in(number, at_address=at_address)

    @rule(number=NUMBERS, what=st.sampled_from(["gone", "moved", "away", "account"]))
    def change(self, number, what):
        self.world.change(number, what)

    @rule(survey=WHICH, cadence=NUMBERS, rules=NUMBERS, reminders=NUMBERS, window=st.none() | NUMBERS)
    def govern(self, survey, **choices):
        self.world.govern(survey, **choices)


def test_no_history_leads_to_a_message_against_a_rule():
    """Whatever is planned from whatever is known, and adopted in any order, every message obeys every rule in force."""
    chosen = settings(max_examples=100, stateful_step_count=50, deadline=None, derandomize=True, database=None)
    run_state_machine_as_test(_Laws, settings=chosen)


# A walk: the same world without Hypothesis, long and cheap


def walk(world, seed, steps=200):
    """Let a world run, mostly by plans and their adoption."""
    random = Random(seed)  # noqa: S311 -- a walk, not a secret
    surveys = sorted(SURVEYS)
    for survey in surveys:
        govern(world, random, survey)
    for _ in range(steps):
        what = random.choices(tuple(_STEPS), weights=[weight for weight, _ in _STEPS.values()])[0]
        _STEPS[what][1](world, random)
    return sum(fact.message for fact in world.facts)


def walks(world, first):
    """Let worlds run, one after the other."""
    for seed in (first, *range(20)):
        walk(world(), seed)


def govern(world, random, survey=None):
    """Put another policy in force."""
    chosen = {name: random.randrange(60) for name in ("cadence", "rules", "reminders", "window")}
    world.govern(survey or random.choice(sorted(SURVEYS)), **chosen)


def run(world, random):
    """Plan all surveys, and adopt them later in another order."""
    surveys = random.sample(sorted(SURVEYS), 3)
    for survey in surveys:
        world.plan(survey, horizon=random.choice((0, 1, 3)))
    world.wait(random.choice((0, 0, 5, 30)))
    for back in range(3):
        world.adopt(len(world.plans) - 1 - back)


_STEPS = {
    "wait": (6, lambda world, random: world.wait(random.choice((1, 7, 24, 24, 30, 100)))),
    "run": (6, run),
    "old plan": (1, lambda world, random: world.plan(random.choice(sorted(SURVEYS)), back=random.randrange(9))),
    "old adoption": (1, lambda world, random: world.plans and world.adopt(random.randrange(60))),
    "answer": (1, lambda world, random: world.answer(random.randrange(4))),
    "decline": (0.3, lambda world, random: world.decline(random.randrange(4))),
    "bounce": (0.3, lambda world, random: world.bounce(random.randrange(4), named=random.random() < 0.7)),
    "case": (3, lambda world, random: world.close_case(random.randrange(5))),
    "out": (0.2, lambda world, random: world.opt_out(random.randrange(5), at_address=random.random() < 0.5)),
    "off": (0.2, lambda world, random: world.opt_out(random.randrange(5), reminders_only=True)),
    "in": (0.6, lambda world, random: world.opt_in(random.randrange(5), at_address=random.random() < 0.5)),
    "change": (
        0.7,
        lambda world, random: world.change(random.randrange(60), random.choice(("moved", "away", "account", "gone"))),
    ),
    "govern": (0.5, govern),
}


@pytest.mark.parametrize("seed", range(4))
def test_a_long_walk_obeys_every_rule(seed):
    """In a year of plans, answers, changes of mind and of policy every message obeys every rule in force."""
    assert walk(_World(), seed) > 20


# The oracle can fail


def shorter(days):
    """Make quiet periods that are too short."""

    def call(self, people, _):
        until = people.last(self.after, scope=self.scope) + np.timedelta64(timedelta(days=self.days - days), "us")
        return Holds(until=until, reasons=(self.reason,))

    return call


def invitations_alone(self, people, candidates, at):
    """Count invitations alone against a daily cap."""
    recent = people.history.recent(("invited",), people.surveys("survey"), at - np.timedelta64(24, "h"))
    return np.arange(len(candidates)) < self.number - len(recent)


def one_zone(original, window, time_zones, default, instants):
    """Judge everybody on the wall clock of the policy."""
    nowhere = attrs.evolve(time_zones, missing=np.ones_like(time_zones.missing))
    return original(window, nowhere, default, instants)


def nothing(*_, **__):
    """Share no destination."""
    return np.empty(0, np.uint64)


def alike(self, names):
    """Take every message to an address that has failed for one that came back."""
    gone = np.array([name[-1] for name in names], np.uint64)
    return np.flatnonzero(self.which(("invited", "reminded"), None) & np.isin(self.touches.destination, gone))


def nobody(self, _):
    """Say that no choice stands."""
    return np.zeros(len(self.contacts), bool)


FAULTS = {
    "the guard is off": (
        lambda patch: patch.setattr(planner_module, "GUARD", timedelta(0)),
        "two messages within 24 hours",
    ),
    "a quiet period is a day short": (
        lambda patch: patch.setattr(QuietPeriod, "__call__", shorter(1)),
        "an invitation within a quiet period",
    ),
    "a quiet period is a second short": (
        lambda patch: patch.setattr(QuietPeriod, "__call__", shorter(1 / 86_400)),
        "an invitation within a quiet period",
    ),
    "reminders are exempt from AtMost": (
        lambda patch: patch.setattr(AtMost, "every_message", False),
        "too many messages in a rolling window",
    ),
    "destinations have no clocks": (
        lambda patch: [
            patch.setattr(history_module.History, name, nothing) for name in ("_with_own_clock", "_foreign")
        ],
        "two messages within 24 hours|a message after an opt-out",
    ),
    "a cap counts invitations only": (
        lambda patch: patch.setattr(DailyCap, "admit", invitations_alone),
        "too many messages in a day",
    ),
    "a window takes no notice of the zone": (
        lambda patch: patch.setattr(planner_module, "in_windows", partial(one_zone, planner_module.in_windows)),
        "a message outside the send window",
    ),
    "opt-outs are overlooked": (
        lambda patch: patch.setattr(history_module.History, "stands", nobody),
        "a message after an opt-out|a reminder to somebody who switched them off",
    ),
    "answers do not end reminders": (
        lambda patch: patch.setattr(planner_module._Turn, "_closings", lambda self, lost: []),
        "a reminder after an answer|switched them off|too many messages in an occasion|without them",
    ),
    "what reached somebody is in vain once their address fails": (
        lambda patch: patch.setattr(history_module._Rows, "lost", alike),
        "within 24 hours|a quiet period|twice|rolling window|in a day|too many invitations",
    ),
    "accounts are not limited": (
        lambda patch: patch.setattr(
            AccountLimit, "admit", lambda self, people, candidates, at: np.ones(len(candidates), bool)
        ),
        "too many invitations to an account",
    ),
    "tenure is not judged": (
        lambda patch: patch.setattr(
            MinimumTenure, "__call__", lambda self, people, at: Holds(until=people.contacts.since, reasons=("tenure",))
        ),
        "an invitation before its tenure",
    ),
}


#: The walk that finds each fault soonest is tried first.
SEEDS = {
    "the guard is off": 1,
    "a quiet period is a day short": 2,
    "a quiet period is a second short": 2,
    "reminders are exempt from AtMost": 1,
    "destinations have no clocks": 0,
    "a cap counts invitations only": 4,
    "a window takes no notice of the zone": 0,
    "opt-outs are overlooked": 3,
    "answers do not end reminders": 0,
    "what reached somebody is in vain once their address fails": 23,
    "accounts are not limited": 12,
    "tenure is not judged": 4,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_walk_finds_a_seeded_fault(fault, monkeypatch):
    """A program with one rule broken is found out by the oracle, by the law that is broken."""
    apply, broken = FAULTS[fault]
    apply(monkeypatch)
    with pytest.raises(AssertionError, match=broken):
        walks(_World, SEEDS[fault])


def test_a_walk_finds_an_adoption_that_trusts_its_plan():
    """Who adopts a plan by what was known when it was made writes twice within a day, or twice the same message."""
    with pytest.raises(AssertionError, match=r"24 hours|twice"):
        walks(partial(_World, trusting=True), 0)


# Nobody starves


@pytest.mark.parametrize("survey", sorted(SURVEYS))
@pytest.mark.parametrize("seed", range(3))
def test_no_survey_is_held_by_another_whose_messages_are_a_day_old(survey, seed):
    """Where the rules of a survey have its own scope, messages and answers of others, a day old, change no hold."""
    rules = [
        QuietPeriod(days=30, after="invited", scope="survey"),
        QuietPeriod(days=60, after="answered", scope="survey"),
        QuietPeriod(days=9, after="declined", scope="survey"),
        AtMost(2, per=20 * DAY, scope="survey"),
        AccountLimit(2, per=9 * DAY, scope="survey"),
        DailyCap(3),
        DailyCap(3, of="answers"),
    ]
    world = _World()
    walk(world, seed)
    chosen = attrs.evolve(policy(survey), rules=rules)
    names = {name for name in SURVEYS if name != survey}
    mine = [event for event in world.log if not names & of_survey(event)]
    recent = max((fact.at for fact in world.facts if fact.message), default=world.now)
    at = max(world.now, recent) + DAY
    people = Contacts.of(world.people.values())
    alone, among = (list(plan(people, log, chosen, at=at).rows()) for log in (mine, world.log))
    assert len(mine) < len(world.log)
    assert alone == among


def of_survey(event):
    """Give the survey that an event is of, if it is of one."""
    inner = getattr(event, "message", None) if isinstance(event, Scheduled) else getattr(event, "response", event)
    return {getattr(inner, "survey", None)}
