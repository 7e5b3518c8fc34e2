"""Plans: who is invited, who is reminded, who is held, and why, for everybody and in every order."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from random import Random

import attrs
import narwhals.stable.v2 as nw
import numpy as np
import polars as pl
import pytest

from netpromoter.engine import plan
from netpromoter.engine._plan import planned
from netpromoter.engine._planner import Planner
from netpromoter.errors import InvalidArgument
from netpromoter.model import (
    Bounced,
    Contact,
    Contacts,
    Declined,
    Message,
    OptedIn,
    OptedOut,
    Responded,
    Response,
    Scheduled,
    Survey,
    Touches,
    Triggered,
    fingerprint,
)
from netpromoter.rules import (
    AccountLimit,
    AtMost,
    Census,
    Channels,
    Continuous,
    DailyCap,
    History,
    Hold,
    Holds,
    MinimumTenure,
    Policy,
    QuietPeriod,
    Reminders,
    Sample,
    SendWindow,
    Trigger,
    Variant,
    Variants,
    Wave,
    field,
    per_contact,
)

AT = datetime(2026, 6, 1, 6, tzinfo=UTC)  # a Monday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ZONES = ["Europe/Paris", "America/New_York", "Asia/Kolkata", "Mars/Base", None]
NPS = Survey("nps", revision=4)


# People and logs


def somebody(number, random, *, shared=True):
    """Make a contact, of whom this and that is not known."""
    mailbox = f"{number // 3 if shared and number % 3 == 0 else number}@example.com"
    addresses = {"email": mailbox, "sms": f"+1 555 {number:04}"}
    return Contact(
        id=f"c-{number}",
        addresses={name: text for name, text in addresses.items() if random.random() < 0.9},
        locale=random.choice(["de", "pt-BR", None]),
        time_zone=random.choice(ZONES),
        account=random.choice(["A", "B", None]),
        since=random.choice([AT - 400 * DAY, AT - 9 * DAY, None]),
        attributes={"plan": random.choice(["paid", "free", None]), "seats": random.choice([1, 20, None])},
    )


def message(contact, hours, *, step=0, survey="nps", occasion="spring", arm=None, number=0):
    """Schedule a message, so many hours before the plan."""
    made = Message(
        survey=survey,
        occasion=occasion,
        contact=contact.id,
        step=step,
        channel="email",
        to="x",
        destination=fingerprint(contact.addresses.get("email", f"lost-{number}@example.com")),
        due=AT - hours * HOUR,
        arm=arm,
    )
    return Scheduled(message=made, at=AT - 900 * HOUR)


def history(people, random):
    """Make what happened, at whole hours, so that much happens at once."""
    log = []
    for number, person in enumerate(people):
        place = {"survey": "nps", "occasion": "spring", "contact": person.id}
        if random.random() < 0.5:
            log.append(
                message(person, random.choice((60, 80, 200)), arm=random.choice(("bold", "gone", None)), number=number)
            )
        if random.random() < 0.3:
            log.append(message(person, random.choice((-5, 10, 30, 500)), survey="pulse", occasion="p", number=number))
        ago = AT - random.choice((1, 20, 40)) * HOUR
        happens = {
            0: lambda: Responded(response=Response(**place, rating=3, at=ago)),  # noqa: B023 -- called at once
            1: lambda: Declined(**place, at=ago),  # noqa: B023
            2: lambda: OptedOut(contact=person.id, at=ago, reminders_only=random.random() < 0.5),  # noqa: B023
            3: lambda: OptedIn(contact=person.id, at=ago),  # noqa: B023
            4: lambda: Bounced(contact=person.id, destination=0, at=ago, channel="email"),  # noqa: B023
        }
        log += [happens[each]() for each in happens if random.random() < 0.12]
        log += [
            Triggered(event=f"e-{number}-{each}", touchpoint="visit", contact=person.id, at=ago)
            for each in range(random.choice((0, 1, 3)))
        ]
    return log


ARMS = Variants(Variant("plain"), Variant("bold", subject="Hello!", template="loud"))
AUDIENCE = [
    Census(where=field("plan") == "paid", name="paying"),
    Sample(share=0.5, where=field("plan") == "free", name="free"),
]
CADENCES = [
    Wave("spring"),
    Wave("summer", opens=AT - 2 * DAY, closes=AT + 9 * DAY, drip=4 * DAY),
    Continuous(every=9 * DAY, start=AT - 30 * DAY),
    Trigger("visit", delay=2 * HOUR),
]
RULES = [
    (),
    (QuietPeriod(days=3, after="invited"), MinimumTenure(days=30), SendWindow("Mon-Sun", "08:00-11:00")),
    (AtMost(1, per=3 * DAY), QuietPeriod(days=1), SendWindow()),
]
QUOTAS = [(), (DailyCap(7),), (AccountLimit(2, per=9 * DAY), DailyCap(4))]


@cache
def scenario(seed, *, shared=True, quotas=True):
    """Make people, touches and a policy that differ with the seed."""
    random = Random(seed)  # noqa: S311 -- people, not a secret
    people = tuple(somebody(number, random, shared=shared) for number in range(40))
    policy = Policy(
        survey=NPS,
        cadence=CADENCES[seed % 4],
        audience=AUDIENCE,
        rules=(*RULES[seed % 3], *(QUOTAS[seed // 2 % 3] if quotas else ())),
        reminders=[Reminders(), Reminders(after=DAY, per=9 * DAY, max_messages=2), None][seed // 4 % 3],
        channels=Channels("email", "sms", after_silence="next"),
        variants=ARMS,
        keep=["plan", "account"],
    )
    return people, Touches.of(history(people, random)), policy


def made(seed, **options):
    people, touches, policy = scenario(seed, **options)
    return plan(people, touches, policy, at=AT)


def outcomes(found):
    """Give what becomes of each person, by id, without the order."""
    return {row["contact"]: row for row in found.rows()}


SEEDS = range(24)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_plan_is_the_same_for_every_order(seed):
    """The order of contacts, and that of touches of one instant, changes nothing, and planning twice plans the same."""
    people, touches, policy = scenario(seed)
    expected = outcomes(made(seed))
    assert outcomes(plan(people, touches, policy, at=AT)) == expected
    random = Random(seed + 1)  # noqa: S311 -- an order, not a secret
    for _ in range(3):
        others = random.sample(people, len(people))
        keys = np.array([random.random() for _ in range(len(touches))])
        mixed = touches.where(np.lexsort((keys, touches.at)))
        assert outcomes(plan(others, mixed, policy, at=AT)) == expected


@pytest.mark.parametrize("seed", SEEDS)
def test_everybody_is_invited_reminded_or_held_and_knows_why(seed):
    """Each contact is in exactly one part; `why` names the person and the reason, and rows tell of everybody once."""
    people, _, policy = scenario(seed)
    found = made(seed)
    parts = [*found.invitations.ids, *found.reminders.ids, *(row["contact"] for row in found.held.rows())]
    assert sorted(parts) == sorted(person.id for person in people)
    assert sum(found.held.counts.values()) == len(found.held)
    rows = outcomes(found)
    assert Counter(row["reason"] for row in rows.values() if row["action"] == "hold") == found.held.counts
    for person in people:
        why, row = found.why(person.id), rows[person.id]
        assert why.startswith(f"{person.id} ")
        assert why.endswith(".")
        if row["action"] == "hold":
            assert row["reason"]
            assert row["reason"] in why
            assert "is held until" in why or "is not asked" in why
            assert row["until"] is None or row["until"] > AT + DAY
        else:
            assert ("is invited to" if row["action"] == "invite" else "is reminded of") in why
            assert AT <= row["due"] <= AT + DAY
            assert row["channel"] in policy.channels.order


@pytest.mark.parametrize("seed", SEEDS)
def test_deciding_for_one_is_deciding_for_all(seed):
    """Where nothing is limited in number, each person gets alone what they get among all."""
    people, touches, policy = scenario(seed, shared=False, quotas=False)
    anchor = Contact(
        id="anchor",
        addresses={"email": "z@example.com"},
        since=AT - 9 * DAY,
        account="Z",
        attributes={"plan": "free", "seats": 1},
    )
    among = made(seed, shared=False, quotas=False)
    expected = outcomes(among)
    messages = {each.contact: each for each in (*among.invitations, *among.reminders)}
    for person in people:
        alone = plan([person, anchor], touches, policy, at=AT)
        assert outcomes(alone)[person.id] == expected[person.id]
        mine = [each for each in (*alone.invitations, *alone.reminders) if each.contact == person.id]
        assert mine == [each for each in [messages.get(person.id)] if each]


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_drawn_is_eligible_and_what_is_eligible_belongs(seed):
    """Each stratum drew no more than were eligible, of no more than belong to it; together they are the invitations."""
    found = made(seed)
    for each in found.drawn:
        assert 0 < each.drawn <= each.eligible <= each.population
        assert each.probability == {"paying": 1, "free": 0.5}[each.stratum]
        assert each.occasion == found.policy.cadence.seed(None)
        assert each.at == AT
    assert sum(each.drawn for each in found.drawn) == len(found.invitations)
    assert {(each.stratum, each.probability) for each in found.invitations} == {
        (each.stratum, each.probability) for each in found.drawn
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_a_message_carries_what_is_known_of_its_person(seed):
    """Address, locale, zone, snapshot, arm, words and revision are those of the person, the policy and the step."""
    people, touches, _ = scenario(seed)
    found = made(seed)
    known, arms = {person.id: person for person in people}, dict(zip(touches.contacts, [None] * 99, strict=False))
    for row in touches.rows():
        if row["kind"] in ("invited", "reminded") and row["survey"] == "nps":
            arms[row["contact"]] = row["arm"]
    for each in (*found.invitations, *found.reminders):
        person = known[each.contact]
        assert (each.survey, each.kind, each.revision) == ("nps", "relationship", 4)
        assert each.to == person.addresses[each.channel]
        assert each.destination == fingerprint(each.to)
        assert (each.locale, each.time_zone) == (person.locale, person.time_zone)
        assert each.snapshot == {"plan": person.attributes.get("plan"), "account": person.account}
        first = each.step == each.attempt == 0
        assert each.arm == arms[each.contact] if not first else each.arm in ("plain", "bold")
        assert each.subject == ("Hello!" if each.arm == "bold" else None)
        expected = "reminder" if each.step else "loud" if each.arm == "bold" else "invitation"
        assert each.template == expected
        assert (each.probability is None) == (each.stratum is None) == (not first)


MISSING = ("nan", "NaT", "<NA>", "None")


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_a_frame_has_the_rows(library):
    """A frame of every library has the rows, with None where it does not apply."""
    found = made(1)
    frame = found.to_frame(library)
    records = {"pandas": "to_dict", "polars": "to_dicts", "pyarrow": "to_pylist"}[library]
    rows = getattr(frame, records)(**({"orient": "records"} if library == "pandas" else {}))
    told = [{name: None if str(value) in MISSING else value for name, value in row.items()} for row in rows]
    assert told == list(found.rows())


# Single people


def ann(**facts):
    given = {"id": "ann", "addresses": {"email": "ann@example.com"}, "attributes": {"plan": "paid"}}
    return Contact(**given | facts)


def why(people=(), log=(), cadence=None, *, of="ann", at=AT, horizon=DAY, **options):
    """Say what becomes of Ann."""
    policy = Policy(**{"survey": Survey("nps"), "cadence": cadence or Wave("spring"), "rules": []} | options)
    return plan([*people] or [ann()], log, policy, at=at, horizon=horizon).why(of)


REMINDED, MONDAY = "ann is reminded of nps (spring)", "Mon 2026-06-01 06:00 UTC"
PAYING = Census(where=field("plan") == "paid")
BACK = Bounced(contact="ann", destination=fingerprint("ann@example.com"), at=AT - 70 * HOUR)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (why, "ann is invited to nps (spring) by email on Mon 2026-06-01 06:00 UTC: everybody."),
        (
            lambda: why([ann(time_zone="Asia/Kolkata")], variants=Variants(Variant("a", weight=1e9), Variant("b"))),
            "ann is invited to nps (spring) by email on Mon 2026-06-01 11:30 Asia/Kolkata, arm a: everybody.",
        ),
        (
            lambda: why(log=[message(ann(), 80)]),
            f"{REMINDED} by email on {MONDAY}: message 2 of the occasion, not answered yet.",
        ),
        (
            lambda: why(
                [ann(addresses={"email": "ann@example.com", "sms": "1"})],
                [message(ann(), 80), BACK],
                channels=["email", "sms"],
            ),
            f"ann is invited again to nps (spring) by sms on {MONDAY}: the address of the last message has failed.",
        ),
        (
            lambda: why([ann(attributes={"plan": "free"})], audience=PAYING),
            'ann is not asked: in no audience (plan is "free", not "paid").',
        ),
        (
            lambda: why([ann(attributes={}), ann(id="bob", addresses={})], audience=PAYING),
            "ann is not asked: plan missing.",
        ),
        (
            lambda: why(audience=Sample(share=1e-9, name="all")),
            "ann is not asked: not among a random 1e-07% of all.",
        ),
        (
            lambda: why(log=[message(ann(), 30, survey="pulse"), message(ann(), -40, survey="pulse", occasion="q")]),
            "ann is held until Wed 2026-06-03 22:00 UTC: 24 hours between any two messages.",
        ),
        (
            lambda: why(log=[message(ann(), 30)]),
            "ann is held until Wed 2026-06-03 00:00 UTC: waiting for the next reminder.",
        ),
        (
            lambda: why(log=[message(ann(), 30)], reminders=None),
            "ann is not asked: asked in spring already.",
        ),
        (
            lambda: why(log=[message(ann(), 80), OptedOut(contact="ann", at=AT - DAY, reminders_only=True)]),
            "ann is not asked: asked in spring already, and no reminder follows: reminders switched off.",
        ),
        (
            lambda: why(log=[message(ann(), 9999)]),
            "ann is not asked: asked in spring already.",
        ),
        (
            lambda: why([ann(addresses={}), ann(id="bob")]),
            "ann is not asked: no address for email.",
        ),
        (
            lambda: why(log=[message(ann(), 80), BACK]),
            "ann is not asked: every address for email has failed.",
        ),
        (
            lambda: why([ann(time_zone="Mars/Base")], rules=SendWindow()),
            "ann is not asked: time zone 'Mars/Base' is unknown.",
        ),
        (
            lambda: why(rules=SendWindow("Sat-Sun", "05:00-10:00")),
            "ann is held until Sat 2026-06-06 05:00 UTC: outside the send window Sat-Sun 05:00-10:00.",
        ),
        (
            lambda: why(rules=SendWindow("Mon-Fri", "05:00-10:00"), time_zone="Asia/Tokyo", horizon=timedelta(0)),
            "ann is held until Tue 2026-06-02 05:00 Asia/Tokyo: outside the send window Mon-Fri 05:00-10:00.",
        ),
        (lambda: why(cadence=Wave("spring", closes=AT - DAY)), "ann is not asked: spring is over."),
        (
            lambda: why(cadence=Wave("spring", opens=AT + 9 * DAY)),
            "ann is held until Wed 2026-06-10 06:00 UTC: spring is not open yet.",
        ),
        (
            lambda: why([ann(time_zone="Mars/Base")], cadence=Wave("spring", opens=AT + 9 * DAY)),
            "ann is held until Wed 2026-06-10 06:00 UTC: spring is not open yet.",
        ),
        (
            lambda: why(cadence=Wave("spring", opens=AT + 9 * DAY, drip=DAY)).partition(": ")[2],
            "place in the drip of spring.",
        ),
        (
            lambda: why([ann(since=datetime(9999, 12, 31, tzinfo=UTC))], rules=MinimumTenure(days=30)),
            "ann is not asked: 30 days of tenure.",
        ),
        (
            lambda: why([ann(id="bob"), ann()], [message(ann(), 80)], of="bob"),
            "bob is not asked: another contact with this address was asked in spring.",
        ),
        (lambda: why(cadence=Trigger("visit")), "ann is not asked: no visit yet."),
        (lambda: why(log=[OptedOut(contact="ann", at=AT - DAY)]), "ann is not asked: opted out."),
        (
            lambda: why(rules=per_contact(lambda *_: Hold("a renewal", until=AT + 50 * HOUR))),
            "ann is held until Wed 2026-06-03 08:00 UTC: a renewal.",
        ),
        (
            lambda: why(
                [ann(), ann(id="bob")],
                of=max(("ann", "bob"), key=lambda of: "another" in why([ann(), ann(id="bob")], of=of)),
            ),
            "another contact with this address is written to.",
        ),
    ],
)
def test_why_is_told_in_one_sentence(asked, sentence):
    """Each reason has its sentence, with its end on the person's own wall clock."""
    assert asked().endswith(sentence) if sentence.startswith("another") else asked() == sentence


def test_who_has_left_the_audience_and_waits_for_a_reminder_is_told_of_the_reminder():
    """A reminder belongs to the occasion, so that the audience of today is no reason against it."""
    people = [ann(attributes={"plan": "free"}), ann(id="bob", addresses={})]
    assert why(people, [message(ann(), 30)], audience=PAYING) == (
        "ann is held until Wed 2026-06-03 00:00 UTC: waiting for the next reminder."
    )
    assert "is reminded" in why(people, [message(ann(), 80)], audience=PAYING)


def test_a_reminder_without_room_says_so():
    """Who waits for room under a cap is told of the cap, not that they were asked already."""
    people = [ann(id=f"c-{number}", addresses={"email": f"{number}@example.com"}) for number in range(4)]
    log = [message(person, 80 + number) for number, person in enumerate(people)]
    policy = Policy(survey=Survey("nps"), cadence=Wave("spring"), rules=[DailyCap(2)])
    found = plan(people, log, policy, at=AT)
    assert found.reminders.ids == ["c-3", "c-2"]  # the longest silence comes first
    assert found.held.counts == {"at most 2 messages of this survey in 24 hours": 2}
    assert "at most 2 messages" in found.why("c-0")
    assert {row["until"] for row in found.held.rows()} == {None}


def test_reminders_come_before_invitations_and_then_who_has_waited_longest():
    """Under a cap reminders are first in line, then those who were ready first."""
    people = [ann(id=f"c-{number}", addresses={"email": f"{number}@example.com"}) for number in range(9)]
    log = [message(people[5], 80, occasion="e-5")]
    log += [Triggered(event=f"e-{n}", touchpoint="visit", contact=f"c-{n}", at=AT - (90 + n) * HOUR) for n in range(9)]
    found = plan(people, log, Policy(survey=Survey("nps"), cadence=Trigger("visit"), rules=[DailyCap(4)]), at=AT)
    assert found.reminders.ids == ["c-5"]
    assert found.invitations.ids == ["c-8", "c-7", "c-6"]


def test_two_contacts_with_one_address_get_one_message():
    """Of several contacts that share addresses, in a chain, no two neighbors are written to at once."""
    boxes = [("a", "1"), ("b", "1"), ("b", "2"), ("c", "2"), ("c", "3")]
    people = [
        Contact(id=f"c-{n}", addresses={"email": f"{box}@example.com", "sms": number})
        for n, (box, number) in enumerate(boxes)
    ]
    for seed in range(12):
        policy = Policy(survey=Survey(f"nps-{seed}"), cadence=Wave("spring"), rules=[], channels=["email", "sms"])
        found = plan(people, [], policy, at=AT)
        chosen = sorted(found.invitations.positions.tolist())
        assert all(later - sooner > 1 for sooner, later in pairwise(chosen))
        left = set(range(5)) - set(chosen)
        assert all({each - 1, each + 1} & set(chosen) for each in left)
        assert set(found.held.counts) == {"another contact with this address is written to"}


@pytest.mark.parametrize("hours", [0, 5, 24])
def test_nothing_is_planned_beyond_the_horizon(hours):
    """A message that may leave by the horizon is planned for its time, and a later one is not."""
    cadence = Wave("spring", opens=AT + 5 * HOUR)
    policy = Policy(survey=Survey("nps"), cadence=cadence, rules=[])
    found = plan([ann()], [], policy, at=AT, horizon=hours * HOUR)
    assert [each.due for each in found.invitations] == [AT + 5 * HOUR] * (hours >= 5)


def test_nobody_is_planned_for_where_there_is_nobody():
    """A plan of nobody is empty, whatever the policy asks for."""
    for _, touches, policy in map(scenario, range(12)):
        found = plan([], touches, policy, at=AT)
        assert len(found.invitations) == len(found.reminders) == len(found.held) == 0
        assert list(found.rows()) == []
        assert found.drawn == ()


def test_a_plan_shows_its_numbers():
    """The representation has the numbers, and the table the reasons, escaped."""
    people = [ann(), ann(id="<b>", addresses={"email": "b@example.com"}, attributes={"plan": "<free>"})]
    policy = Policy(
        survey=Survey("nps"),
        cadence=Wave("spring"),
        rules=[per_contact(lambda who, *_: Hold("<i>") if who.id == "ann" else None)],
    )
    found = plan(Contacts.of(people), Touches.of([]), policy, at=AT)
    assert repr(found) == "Plan(nps at 2026-06-01 06:00 UTC: 1 invitation, 0 reminders, 1 held)"
    assert repr(found.held) == "Held(1)"
    assert "&lt;i&gt;" in found._repr_html_()
    assert "<i>" not in found._repr_html_()


def test_some_of_the_held_are_chosen_by_mask():
    """A part of those who are held has their reasons."""
    held = made(0).held
    mask = np.arange(len(held)) % 2 == 0
    assert list(held.where(mask).rows()) == list(held.rows())[::2]


class _Wrong:
    """A rule that answers in the wrong shape."""

    def __init__(self, until):
        self.until = until

    def __repr__(self):
        return "Wrong()"

    def __call__(self, _people, _at):
        return Holds(until=self.until, reasons=("x",))


def refused(**options):
    given = {"survey": Survey("nps"), "cadence": Wave("spring"), "rules": []} | options
    return plan([ann()], [], Policy(**given), at=AT)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: plan([ann()], [], "policy", at=AT), r"policy must be a Policy \(got 'policy'\)"),
        (
            lambda: plan([ann()], [], made(0).policy, at=AT.replace(tzinfo=None)),
            "at must be a datetime with a time zone",
        ),
        (
            lambda: plan([ann()], [], made(0).policy, at=AT, horizon=-DAY),
            "horizon must be a timedelta of at least 0:00:00",
        ),
        (lambda: plan([ann(), ann()], [], made(0).policy, at=AT), "ids must be different from one another"),
        (lambda: plan(3, [], made(0).policy, at=AT), r"contacts must be Contacts, .* \(got 3\)"),
        (lambda: plan([ann()], 3, made(0).policy, at=AT), r"touches must be Touches or events \(got 3\)"),
        (lambda: plan(["ann"], [], made(0).policy, at=AT), r"contacts must be made of contacts .*\(got 'ann'\)"),
        (lambda: plan([ann()], ["x"], made(0).policy, at=AT), r"events must be made of events \(got 'x'\)"),
        (lambda: plan([ann()], "log", made(0).policy, at=AT), r"touches must be Touches or events \(got 'log'\)"),
        (lambda: refused(audience=Census(where=field("region") == "x")), "region"),
        (lambda: refused(keep="region"), r"keep must be names among 'locale', .*'plan' \(got 'region'\)"),
        (lambda: refused(channels="fax"), r"channels must be among those of the contacts, 'email' \(got 'fax'\)"),
        (lambda: refused(rules=MinimumTenure(days=1)), "since must be given for MinimumTenure"),
        (lambda: refused(rules=AccountLimit(1, per=DAY)), "account must be given for AccountLimit"),
        (
            lambda: refused(rules=_Wrong(np.array([], "datetime64[us]"))),
            r"what Wrong\(\) returns must be Holds whose until is an array of datetime64, shape \(1,\) \(got Holds",
        ),
        (lambda: refused(rules=_Wrong(np.array([0]))), r"what Wrong\(\) returns must be Holds"),
        (lambda: made(0).why("nobody"), r"contact must be the id of one of the 40 contacts, as text \(got 'nobody'\)"),
        (lambda: made(0).to_frame("duckdb"), "library must be one of"),
    ],
)
def test_what_cannot_be_planned_is_refused(make, message):
    """Wrong arguments, fields that no contact has, and rules that answer in the wrong shape are refused by name."""
    with pytest.raises(InvalidArgument, match=message):
        make()


def test_a_rule_of_ones_own_may_answer_with_and_without_codes():
    """A rule is any callable; NaT does not hold, and several reasons go by their codes."""
    people = [ann(id=f"c-{number}", addresses={"email": f"{number}@example.com"}) for number in range(3)]
    until = np.array(["NaT", "2026-07-01", "2026-08-01"], "datetime64[us]")

    def rule(_people, _at):
        return Holds(until=until, reasons=("one", "two"), codes=np.array([0, 0, 1]))

    policy = Policy(survey=Survey("nps"), cadence=Wave("spring"), rules=[rule])
    found = plan(people, [], policy, at=AT)
    assert found.invitations.ids == ["c-0"]
    assert [(row["contact"], row["reason"]) for row in found.held.rows()] == [("c-1", "one"), ("c-2", "two")]


def test_a_plan_does_not_change_what_it_was_given():
    """Planning twice on one set of contacts and touches gives equal plans, after the arrays of the first were used."""
    people, touches, policy = scenario(5)
    contacts = Contacts.of(people)
    before = attrs.evolve(touches, at=touches.at.copy(), kind=touches.kind.copy())
    first = outcomes(plan(contacts, touches, policy, at=AT))
    assert outcomes(plan(contacts, touches, policy, at=AT)) == first
    assert (before.at == touches.at).all()
    assert (before.kind == touches.kind).all()


def test_contacts_are_taken_in_every_form(tmp_path):
    """Single contacts, columns, a dataframe and a file of the same people give one plan."""
    path = tmp_path / "people.csv"
    path.write_text("id,email,plan\nann,ann@example.com,paid\nbob,bob@example.com,free\n")
    people = [ann(), ann(id="bob", addresses={"email": "bob@example.com"}, attributes={"plan": "free"})]
    frame = pl.read_csv(path)
    policy = Policy(survey=Survey("nps"), cadence=Wave("spring"), rules=[], audience=PAYING, keep="plan")
    forms = [people, iter(people), Contacts.of(people), frame, path, str(path)]
    found = [plan(form, [], policy, at=AT) for form in forms]
    assert [list(each.rows()) for each in found] == [list(found[0].rows())] * len(forms)
    assert {each.invitations[0].snapshot["plan"] for each in found} == {"paid"}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_planner_decides_at_every_instant_as_a_plan_does(seed):
    """One planner, whose draws are made once, decides at many instants what a plan of each instant decides."""
    people, touches, policy = scenario(seed)
    contacts = Contacts.of(people)
    planner, known = Planner(policy, contacts), History(contacts, touches)
    for hours in (0, 5, 30, 5):
        at = AT + hours * HOUR
        found = planned(planner, known, np.datetime64(at.replace(tzinfo=None), "us"), DAY)
        assert outcomes(found) == outcomes(plan(contacts, touches, policy, at=at))


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_half_a_character_is_shown_as_a_log_writes_it(library):
    """An id with a lone surrogate, which no dataframe holds, is escaped; the others are as they are."""
    strange = [Contact(id=each, addresses={"email": f"{place}@example.com"}) for place, each in enumerate("\ud83dé")]
    made = plan(strange, [], Policy(survey=Survey("nps"), cadence=Wave("spring"), rules=[]), at=AT)
    frame = nw.from_native(made.to_frame(library), eager_only=True)
    assert frame["contact"].to_list() == ["\\ud83d", "é"]
    assert [row["contact"] for row in made.rows()] == ["\ud83d", "é"]


def test_a_wave_whose_end_was_moved_forward_has_no_further_message():
    """Who was invited after the end that is in force now, by a policy before it, is not reminded."""
    people = [Contact(id="c-1", addresses={"email": "1@example.com"})]
    before, after = (
        Policy(survey=Survey("nps"), cadence=Wave("spring", opens=AT, closes=AT + days * timedelta(days=1)), rules=[])
        for days in (20, 1)
    )
    late = AT + timedelta(days=2)
    log = [Scheduled(message=each, at=late) for each in plan(people, [], before, at=late).invitations]
    found = plan(people, log, after, at=late + timedelta(days=5))
    assert len(log) == 1
    assert len(found.reminders) == 0
    assert len(plan(people, log, before, at=late + timedelta(days=5)).reminders) == 1
