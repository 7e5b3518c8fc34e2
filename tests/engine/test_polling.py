"""Polls among employees: what they promise, what they show, and that nothing else of an answer is anywhere."""

import random
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpromoter.engine import GroupScore, GroupTurnout, Links, Polling, PollScores, PollTurnout, Program
from netpromoter.engine import _polling as polling
from netpromoter.errors import Conflict, InvalidArgument, InvalidRating, InvalidToken, PollClosed
from netpromoter.model import (
    Contact,
    Driver,
    Receipt,
    ReleasedComment,
    Scheduled,
    Survey,
    Tally,
    Turnout,
    Withheld,
    to_dict,
)
from netpromoter.plugins import hookimpl, load_plugins
from netpromoter.ratings import Histogram
from netpromoter.rules import AtMost, Census, FollowUp, Recovery, Sample, Trigger, Wave, Waves, field
from netpromoter.stats import compare, score
from netpromoter.stores import MemoryBallotBox, MemoryStore, SqlBallotBox, SqlStore

MONDAY = datetime(2026, 10, 5, 8, tzinfo=UTC)
DAY = timedelta(days=1)
LINKS = Links("https://nps.example.com", keys=["a secret that nobody can guess"])


class Post:
    """A channel that takes everything."""

    def __init__(self):
        self.taken = []

    def send(self, message):
        self.taken.append(message)
        return Receipt.sent(message)


def source():
    """Give bytes that differ each time, the same in every run."""
    numbers = count(1)
    return lambda size: next(numbers).to_bytes(size, "big")


def box():
    return MemoryBallotBox(random_bytes=source())


def person(number, **groups):
    return Contact(id=f"e-{number}", addresses={"post": f"{number} High Street"}, attributes=groups)


def staff(**teams):
    """Give people, so many in each team."""
    names = [name for name, size in teams.items() for _ in range(size)]
    return [person(number, team=name) for number, name in enumerate(names)]


def program(**options):
    chosen = {"store": MemoryStore(), "cadence": Wave("autumn"), "rules": [], "channels": {"post": Post()}}
    chosen |= {"plugins": load_plugins(entry_points=False), "links": LINKS, "ballots": box()}
    return Program(**{"survey": Survey("culture", kind="employee", product="Acme")} | chosen | options)


def sent(people, **options):
    """Give a program whose poll is launched, and whose wave is sent."""
    launching = {name: options.pop(name) for name in ("minimum", "comments_by", "merge") if name in options}
    found = program(**options)
    found.poll.launch(people, at=MONDAY, tables=["team"], **launching)
    found.execute(found.plan(people, at=MONDAY), clock=lambda: MONDAY)
    return found


def cast(found, ratings, **options):
    """Cast a ballot for each of the first people."""
    return [found.poll.cast(f"culture/autumn/e-{who}/0/0", each, **options) for who, each in enumerate(ratings)]


# -- what a program of employees is ------------------------------------------------------------------------------------

AUTUMN = Wave("autumn", opens=MONDAY, closes=MONDAY + 20 * DAY)
WINTER = Wave("winter", opens=MONDAY + 30 * DAY, closes=MONDAY + 60 * DAY)


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        ({"ballots": None}, r"^ballots must be a BallotBox, for a survey of kind 'employee' \(got None\)$"),
        ({"ballots": MemoryBallotBox}, r"^ballots must be a BallotBox, for .* \(got <class "),
        ({"ballots": MemoryStore()}, r"^ballots must be a BallotBox"),
        (
            {"survey": Survey("nps")},
            r"^survey must be of kind 'employee', for ballots to be cast \(got 'relationship'\)$",
        ),
        (
            {"survey": Survey("culture", kind="employee", drivers=(Driver(key="pay", question="And the pay?"),))},
            r"^survey must be without drivers, for which a ballot has no room",
        ),
        (
            {"follow_up": FollowUp()},
            r"^follow_up must be left out where nobody may know who answered what \(got Follow",
        ),
        ({"recovery": Recovery()}, r"^recovery must be left out where nobody may know who answered what \(got Recov"),
        (
            {"cadence": Trigger("hired")},
            r"^cadence must be a Wave or Waves, for a survey of kind 'employee' \(got Trig",
        ),
        (
            {"cadence": Waves([attrs.evolve(AUTUMN, closes=None), WINTER])},
            r"^closes must be given, and not after 'winter' opens \(got Wave",
        ),
        (
            {"cadence": Waves([attrs.evolve(AUTUMN, closes=MONDAY + 31 * DAY), WINTER])},
            r"^closes must be given, and not after 'winter' opens \(got Wave",
        ),
        (
            {"audience": [Sample(share=0.5)]},
            r"^audience must be made of Census, for a survey of kind 'employee' \(got S",
        ),
        ({"smallest_group": 2}, r"^smallest_group must be a whole number of at least 3 \(got 2\)$"),
    ],
)
def test_what_cannot_be_promised_is_refused_at_once(options, refusal):
    """A program of employees has a ballot box, and nothing that would need to know who answered what."""
    with pytest.raises(InvalidArgument, match=refusal):
        program(**options)


def test_other_programs_have_no_poll():
    """A customer's answer is no ballot."""
    found = program(survey=Survey("nps"), ballots=None)
    with pytest.raises(InvalidArgument, match=r"^survey must be of kind 'employee'"):
        found.poll  # noqa: B018


ASKED = {
    "receive_answer": lambda found: found.receive_answer("culture/autumn/e-1/0/0", 9, at=MONDAY),
    "receive_decline": lambda found: found.receive_decline("culture/autumn/e-1/0/0", at=MONDAY),
    "responses": lambda found: found.responses(),
    "score": lambda found: found.score(),
    "score_by": lambda found: found.score_by("team"),
    "decide": lambda found: found.decide(at=MONDAY),
    "cases": lambda found: found.cases,
    "loop": lambda found: found.loop(at=MONDAY),
}


@pytest.mark.parametrize("name", ASKED)
def test_no_other_way_leads_to_ballots(name):
    """Whatever reads or writes answers in the ledger is refused by its name."""
    rule = "of a survey that is not of kind 'employee': such answers are cast by poll, and released by it alone"
    found = sent(staff(Sales=6))
    before = found.store.entries()
    with pytest.raises(InvalidArgument) as caught:
        ASKED[name](found)
    assert str(caught.value) == f"{name} must be {rule} (got 'culture')"
    assert list(found.store.entries()) == list(before)


def test_a_program_says_what_it_is():
    """Neither a box nor a ballot shows in it."""
    found = program()
    assert repr(found.poll) == "Polling(culture)"
    assert isinstance(found.poll, Polling)


# -- launching ---------------------------------------------------------------------------------------------------------


def test_nobody_is_written_to_before_the_launch():
    """A link that leads nowhere is never sent."""
    found, people = program(), staff(Sales=6)
    assert found.poll.status(at=MONDAY) is None
    assert found.why("e-1", people, at=MONDAY) == "e-1 is not asked: the poll of autumn is not launched."
    found.poll.launch(people, at=MONDAY)
    assert found.poll.status(at=MONDAY) == "open"
    assert len(found.plan(people, at=MONDAY).invitations) == 6


def test_who_moves_after_the_launch_stays_in_their_group():
    """The groups are those of the launch, whatever the list says later."""
    found = sent(staff(Sales=6, Support=6))
    moved = [attrs.evolve(each, attributes={"team": "Support"}) for each in staff(Sales=6, Support=6)]
    cast(found, [9] * 12)
    assert not found.plan(moved, at=MONDAY + 5 * DAY).reminders
    invited = {each.labels: each.invited for each in found.poll.close(at=MONDAY).groups}
    assert invited == {(): 12, ("Sales",): 6, ("Support",): 6}


@pytest.mark.parametrize(
    ("options", "name"),
    [({"minimum": 6}, "minimum"), ({"comments_minimum": 20}, "comments_minimum"), ({"tables": []}, "tables")],
)
def test_what_was_promised_at_the_launch_is_never_changed(options, name):
    """The same launch is nothing, another one is refused, also after the close."""
    found, people = sent(staff(Sales=6, Support=6)), staff(Sales=6, Support=6)
    same = {"at": MONDAY, "tables": [("team",)]}
    assert found.poll.launch(people, **same) == "culture/autumn"
    for _ in range(2):
        with pytest.raises(InvalidArgument, match=f"^{name} must be .* as it was when the poll was opened"):
            found.poll.launch(people, **same | options)
        found.poll.close(at=MONDAY)
    assert found.poll.launch(people[1:], **same) == "culture/autumn"


def test_another_list_of_people_is_refused_while_the_poll_is_open():
    """Nobody is pushed into a group of their own."""
    found = sent(staff(Sales=6, Support=6))
    with pytest.raises(InvalidArgument, match=r"^roster must be the one with which the poll was opened"):
        found.poll.launch(staff(Sales=5, Support=7), at=MONDAY, tables=["team"])


def test_who_came_after_the_launch_gets_no_mail():
    """Neither an invitation nor a reminder, whatever plan they were in; `why` tells the reason."""
    people = staff(Sales=6)
    later = [*people, person(6, team="Sales")]
    found = sent(people)
    elsewhere = program()
    elsewhere.poll.launch(later, at=MONDAY)
    cast(found, [9, 9])
    for at in (MONDAY + DAY, MONDAY + 4 * DAY):
        assert found.plan(later, at=at).held.counts["not in the poll of autumn"] == 1
        assert found.why("e-6", later, at=at) == "e-6 is not asked: not in the poll of autumn."
        found.execute(found.plan(later, at=at), clock=lambda at=at: at)
    adoption = found.adopt(attrs.evolve(elsewhere, store=found.store).plan(later, at=MONDAY), at=MONDAY + 5 * DAY)
    assert adoption.dropped.counts["not in the poll of autumn"] == 1
    told = [entry.event.message.contact for entry in found.store.entries(kinds=(Scheduled,))]
    assert sorted(told) == sorted([*(each.id for each in people), "e-2", "e-3", "e-4", "e-5"])
    assert len(found.channels["post"].taken) == len(told)


def test_who_came_after_the_launch_cannot_cast():
    """By whichever message: they are told, and nobody else's ballot is touched."""
    found, people = program(), staff(Sales=7)
    found.poll.launch(people[:6], at=MONDAY)
    elsewhere = attrs.evolve(found, ballots=box())
    elsewhere.poll.launch(people, at=MONDAY)
    elsewhere.adopt(elsewhere.plan(people, at=MONDAY), at=MONDAY)
    with pytest.raises(InvalidArgument, match=r"^participant must be one of the roster \(got 'e-6'\)$"):
        cast(found, [9] * 7)
    assert found.poll.turnout(at=MONDAY).groups[0].participants == 6


def test_who_comes_between_two_waves_is_asked_in_the_next():
    """A poll is of those who were there at its launch, and of no other poll's."""
    people, found = staff(Sales=7), program(cadence=Waves([AUTUMN, WINTER]))
    for wave, invited in ((AUTUMN, 6), (WINTER, 7)):
        found.poll.launch(people[:invited], at=wave.opens)
        assert len(found.plan(people, at=wave.opens).invitations) == invited
        found.poll.close(at=wave.opens)


def test_the_audience_is_who_belongs():
    """People outside of it are in no group, and neither are those who were forgotten."""
    people = [*staff(Sales=7), person(7, team="Temps"), person(8, team="Sales")]
    found = program(audience=Census(where=field("team") == "Sales"))
    found.forget("e-8", at=MONDAY)
    found.poll.launch(people, at=MONDAY, tables=["team"])
    assert [(each.labels, each.invited) for each in found.poll.turnout(at=MONDAY).groups] == [((), 7), (("Sales",), 7)]


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        ({"tables": "team"}, r"""^tables must be a sequence of attributes, as .* \(got 'team'\)$"""),
        ({"tables": [7]}, r"^tables must be a sequence of attributes, as .* \(got \[7\]\)$"),
        ({"tables": [("team", 7)]}, r"^tables must be a sequence of attributes"),
        ({"tables": ["taem"]}, r"^tables must be of attributes of contacts, .*'team'.* \(got 'taem'\)$"),
        ({"comments_by": "taem"}, r"^tables must be of attributes of contacts, .* \(got 'taem'\)$"),
        ({"tables": ["n"]}, r"^tables must be without attributes of a name that results have, .* \(got 'n'\)$"),
        ({"tables": ["team", ("team",)]}, r"^tables must be different from each other"),
        ({"minimum": 4}, r"^minimum must be 5 at least, the smallest_group that messages promise \(got 4\)$"),
        ({"minimum": 11}, r"^comments_minimum must be 11 at least, as minimum is \(got 10\)$"),
        ({"merge": {"site": None}}, r"^merge must be of attributes by which something is told apart, .*\(got 'site'\)"),
        ({"tables": ["team"], "merge": {"team": "division"}}, r"^tables must be of attributes of contacts, "),
    ],
)
def test_a_launch_that_makes_no_sense_is_refused(options, refusal):
    """Nothing is opened then."""
    found = program()
    with pytest.raises(InvalidArgument, match=refusal):
        found.poll.launch([person(1, team="Sales", n=1)], at=MONDAY, **options)
    assert found.poll.status(at=MONDAY) is None


@pytest.mark.parametrize("people", [[], [person(1, team="Temps")]])
def test_a_poll_of_nobody_is_refused(people):
    """There must be somebody in the audience."""
    found = program(audience=[Census(where=field("team") == "Sales")] if people else [Census()])
    with pytest.raises(InvalidArgument, match=r"^contacts must be at least one person of the audience"):
        found.poll.launch(people, at=MONDAY, tables=["team"])


def test_small_groups_are_joined_by_their_size_and_named_so():
    """Teams of fewer than twice the minimum are joined within their division, before anybody has answered."""
    sizes = {("Sales", "Front"): 12, ("Shops", "Front"): 4, ("Fairs", "Front"): 7, ("Legal", "Office"): 3}
    names = [name for name, size in sizes.items() for _ in range(size)]
    people = [person(number, team=team, division=division) for number, (team, division) in enumerate(names)]
    found = program()
    found.poll.launch(people, at=MONDAY, tables=["team"], merge={"team": "division"}, comments_by="team")
    invited = {each.labels: each.invited for each in found.poll.turnout(at=MONDAY).groups}
    assert invited == {(): 26, ("Sales",): 12, ("Fairs + Shops (merged)",): 11, ("Legal",): 3}


def test_small_groups_are_joined_to_what_is_possible():
    """Where not even all together are twice the minimum, those under the minimum are joined alone."""
    found = program()
    found.poll.launch(staff(Sales=3, Legal=6), at=MONDAY, tables=["team"], merge={"team": None})
    assert {each.labels: each.invited for each in found.poll.turnout(at=MONDAY).groups} == {
        (): 9,
        ("Legal + Sales (merged)",): 9,
    }


def test_small_groups_may_be_joined_anywhere():
    """Without a parent, all small groups are candidates."""
    found = program()
    found.poll.launch(staff(Sales=12, Legal=3, Fairs=7), at=MONDAY, tables=["team"], merge={"team": None})
    assert {each.labels for each in found.poll.turnout(at=MONDAY).groups} == {
        (),
        ("Sales",),
        ("Fairs + Legal (merged)",),
    }


HOSTILE = [
    None,
    "",
    " ",
    "a" * 5000,
    "Sales/Support, \"North\" + 'South' (merged)",
    "<script>alert(1)</script>",
    "line\nbreak\ttab\x00nul",
    "half \ud800 a character",
    "销售 🚀",
    "{team}",
    "%2F",
]


@pytest.mark.parametrize("open_box", [box, partial(SqlBallotBox, "sqlite://", random_bytes=source())])
def test_any_label_makes_a_group(open_box):
    """Whatever stands in a list of staff is one line of text, and comes back as the name of a group."""
    people = [person(number, team=HOSTILE[number % len(HOSTILE)]) for number in range(7 * len(HOSTILE))]
    found = sent(people, ballots=open_box(), comments_by="team")
    cast(found, [9] * len(people), comment="half \ud800 a\x00 character\r\nand a line")
    scores = found.poll.close(at=MONDAY)
    labels = [each.labels[0] for each in scores.groups[1:]]
    assert all(len(label.splitlines()) == 1 and label.isprintable() for label in labels)
    assert {each.n for each in scores.groups[1:]} == {7, 21}
    assert scores.group(("team",), ("(not known)",)).n == 21
    assert {each.text for each in scores.comments} == {"half \ufffd a  character \nand a line"}
    assert "<script>" not in scores._repr_html_() + found.poll.release(at=MONDAY)._repr_html_()
    assert "a" * 61 not in scores._repr_html_()
    assert [row["team"] for row in scores.rows()] == [None, *labels]


def test_numbers_and_flags_are_groups_too():
    """A label is the text of the value."""
    people = [person(number, floor=number % 2, remote=number % 3 == 0) for number in range(30)]
    found = program()
    found.poll.launch(people, at=MONDAY, tables=["floor", ("remote", "floor")])
    labels = {each.labels for each in found.poll.turnout(at=MONDAY).groups}
    assert labels >= {(), ("0",), ("1",), ("True", "0"), ("False", "1")}


# -- casting -----------------------------------------------------------------------------------------------------------


def test_a_link_leads_to_a_ballot():
    """What stands in the mail is enough to cast, and it is one ballot, however many mails one got."""
    people = staff(Sales=6)
    found = sent(people, reminders=attrs.evolve(program().reminders, after=(3 * DAY,)))
    found.execute(found.plan(people, at=MONDAY + 4 * DAY), clock=lambda: MONDAY + 4 * DAY)
    mails = [each.text for each in found.channels["post"].taken]
    assert len(mails) == 12
    for text in (mails[0], next(each for each in mails[6:] if each)):
        token = text.partition("/answer/")[2].partition("?")[0]
        asked = found.message(token, at=MONDAY + 4 * DAY)
        if asked.step == 0:
            found.poll.cast(asked.id, 9)
    with pytest.raises(Conflict):
        found.poll.cast("culture/autumn/e-0/1/0", 9)


def test_only_the_respondents_token_revises():
    """Without it, and with another's, the second ballot is refused; with it the last one counts."""
    found = sent(staff(Sales=6))
    own, other, *_ = cast(found, [0, 9, 9, 9, 9, 9])
    message = "culture/autumn/e-0/0/0"
    with pytest.raises(Conflict):
        found.poll.cast(message, 9)
    with pytest.raises(InvalidToken):
        found.poll.cast(message, 9, token="made up")  # noqa: S106
    assert own != other
    assert found.poll.cast(message, 9, comment="  ", token=own) == own
    scores = found.poll.close(at=MONDAY)
    assert (scores.overall.promoters, scores.comments) == (6, ())
    with pytest.raises(PollClosed):
        found.poll.cast(message, 9, token=own)


def test_what_is_no_ballot_is_refused():
    """A rating, a message of this survey, and text."""
    found = sent(staff(Sales=6))
    for message in ("culture/autumn/e-99/0/0", "nonsense", None):
        with pytest.raises(
            InvalidArgument, match=r"^message must be the id of a message of 'culture' that was adopted"
        ):
            found.poll.cast(message, 9)
    with pytest.raises(InvalidRating):
        found.poll.cast("culture/autumn/e-1/0/0", 11)
    with pytest.raises(InvalidArgument, match=r"^comment must be"):
        found.poll.cast("culture/autumn/e-1/0/0", 9, comment=7)
    assert found.poll.turnout(at=MONDAY).groups[0].participants == 0


def test_a_message_of_another_survey_casts_nothing():
    """Surveys that share a ledger do not share links."""
    store, people = MemoryStore(), staff(Sales=6)
    sent(people, store=store)
    other = program(store=store, survey=Survey("pulse", kind="employee"))
    other.poll.launch(people, at=MONDAY)
    with pytest.raises(InvalidArgument, match=r"^message must be the id of a message of 'pulse'"):
        other.poll.cast("culture/autumn/e-1/0/0", 9)


# -- reminders ---------------------------------------------------------------------------------------------------------


def test_who_has_cast_is_reminded_of_nothing():
    """The plan says so, and reminds the others."""
    people = staff(Sales=6)
    found = sent(people)
    cast(found, [9, 9])
    later = found.plan(people, at=MONDAY + 4 * DAY)
    assert [each.contact for each in later.reminders] == ["e-2", "e-3", "e-4", "e-5"]
    assert later.held.counts == {"answered": 2}
    assert found.why("e-0", people, at=MONDAY + 4 * DAY) == "e-0 is not asked: answered."


def test_who_casts_between_plan_and_adoption_is_dropped():
    """The adoption asks the box again."""
    people = staff(Sales=6)
    found = sent(people)
    later = found.plan(people, at=MONDAY + 4 * DAY)
    cast(found, [9, 9])
    adoption = found.adopt(later, at=MONDAY + 4 * DAY)
    assert (len(adoption.plan.reminders), adoption.dropped.counts) == (4, {"answered": 2})


def test_who_casts_after_the_adoption_gets_no_mail_and_leaves_no_trace():
    """The ledger learns nothing while the poll is open; once it is closed, what waits is withheld as for anybody."""
    people = staff(Sales=6)
    found, at = sent(people), MONDAY + 4 * DAY
    found.adopt(found.plan(people, at=at), at=at)
    cast(found, [9, 9])
    assert found.dispatch(clock=lambda: at, limit=4).sent + found.dispatch(clock=lambda: at).sent == 4
    assert not list(found.store.entries(kinds=(Withheld,)))
    found.poll.close(at=at)
    assert found.dispatch(clock=lambda: at).withheld == 2
    assert {entry.event.reason for entry in found.store.entries(kinds=(Withheld,))} == {"the poll of autumn is closed"}
    assert len(found.channels["post"].taken) == 10


def test_nothing_is_sent_of_a_poll_that_a_box_does_not_know():
    """Messages wait, should somebody have opened the wrong box."""
    people = staff(Sales=6)
    found = sent(people)
    found.adopt(found.plan(people, at=MONDAY + 4 * DAY), at=MONDAY + 4 * DAY)
    wrong = attrs.evolve(found, ballots=box())
    assert wrong.dispatch(clock=lambda: MONDAY + 4 * DAY).postponed == 6


def test_nobody_is_reminded_of_a_poll_that_is_closed():
    """Everybody is held, for a reason that tells nothing of anybody."""
    people = staff(Sales=6)
    found = sent(people)
    cast(found, [9, 9])
    found.poll.close(at=MONDAY)
    later = found.plan(people, at=MONDAY + 4 * DAY)
    assert later.held.counts == {"the poll of autumn is closed": 6}
    assert found.why("e-3", people, at=MONDAY + 4 * DAY) == "e-3 is not asked: the poll of autumn is closed."


@pytest.mark.parametrize("name", ["participated", "listed"])
def test_a_poll_that_closes_while_it_is_asked_is_closed(name):
    """Between two calls of a box anything may happen."""

    class Closing(MemoryBallotBox):
        def status(self, poll, /):
            found, self.asked = super().status(poll), self.__dict__.get("asked", 0) + 1
            return "closed" if found and self.asked % 2 == 0 else found

    def closed(_, poll, /):
        raise PollClosed(poll)

    setattr(Closing, name, closed)
    found, people = program(ballots=Closing(random_bytes=source())), staff(Sales=6)
    found.poll.launch(people, at=MONDAY)
    assert found.plan(people, at=MONDAY).held.counts == {"the poll of autumn is closed": 6}


def test_each_wave_is_a_poll_of_its_own():
    """Who cast in one wave is asked in the next, and both are released."""
    people = staff(Sales=6)
    found = program(cadence=Waves([AUTUMN, WINTER]), rules=AtMost(9, per=DAY))
    for wave, occasion in ((AUTUMN, "autumn"), (WINTER, "winter")):
        at = wave.opens
        assert found.poll.launch(people, at=at) == f"culture/{occasion}"
        found.execute(found.plan(people, at=at), clock=lambda at=at: at)
        for who in range(6):
            found.poll.cast(f"culture/{occasion}/e-{who}/0/0", 9 if wave is AUTUMN else 3)
        assert not found.plan(people, at=at + 5 * DAY).reminders
        found.poll.close(at=at)
    assert [found.poll.release(at=wave.opens).overall.value for wave in (AUTUMN, WINTER)] == [100.0, -100.0]


def test_a_plan_of_nobody_is_no_error():
    """An empty list holds nobody."""
    found = sent(staff(Sales=6))
    assert not found.plan([], at=MONDAY + 4 * DAY).held


# -- who takes part ----------------------------------------------------------------------------------------------------


def test_small_groups_show_no_turnout():
    """Nor does a larger one, if the small ones were what is missing to all."""
    found = sent(staff(Sales=12, Support=8, Legal=3))
    cast(found, [9] * 14)
    shown = {each.labels: each.response_rate for each in found.poll.turnout(at=MONDAY).groups}
    assert shown == {(): 14 / 23, ("Sales",): 1.0, ("Support",): None, ("Legal",): None}


@given(st.lists(st.integers(1, 12), min_size=1, max_size=8), st.integers(3, 9))
def test_of_each_table_so_many_people_are_withheld_or_none(sizes, smallest):
    """What is missing to everybody is never fewer people than the smallest group, and no shown group is."""
    counted = [Turnout(table=(), labels=(), invited=sum(sizes), participants=1)]
    counted += [
        Turnout(table=("team",), labels=(str(place),), invited=size, participants=size)
        for place, size in enumerate(sizes)
    ]
    groups = PollTurnout.of("p", counted, smallest_group=smallest).groups
    hidden = sum(each.invited for each in groups if each.table and each.participants is None)
    assert hidden == 0 or hidden >= min(smallest, sum(sizes))
    assert all(each.invited >= smallest for each in groups if each.participants is not None)
    assert [each.labels for each in groups] == [each.labels for each in counted]


def test_turnout_in_a_table():
    """Rows, frames and notebooks show the same."""
    found = sent(staff(Sales=12, Support=8))
    cast(found, [9] * 10)
    turnout = found.poll.turnout(at=MONDAY)
    assert repr(turnout) == "PollTurnout(culture/autumn: 10 of 20, 50.0%)"
    assert turnout.rows()[1] == {"team": "Sales", "invited": 12, "participants": 10, "response_rate": 10 / 12}
    assert turnout.to_frame("polars").to_dicts() == turnout.rows()
    assert "<td" in turnout._repr_html_()
    assert "83.3%" in turnout._repr_html_()


def test_turnout_of_a_tiny_company_is_withheld():
    """Neither its line nor its table tells anything."""
    tiny = PollTurnout.of("p", [Turnout(table=(), labels=(), invited=4, participants=2)], smallest_group=5)
    assert repr(tiny) == "PollTurnout(p: 4)"
    assert "withheld" in tiny._repr_html_()
    assert tiny.groups == (GroupTurnout(table=(), labels=(), invited=4, participants=None),)


# -- what is released --------------------------------------------------------------------------------------------------


def company(seed, size=200):
    """Give the staff of a company, and what each of them answers, if anything."""
    luck = random.Random(seed)  # noqa: S311
    people, answers = [], {}
    for number in range(size):
        team = luck.choices(["Sales", "Support", "Product", "Legal", "Board"], [8, 6, 5, 1, 0.4])[0]
        people.append(person(number, team=team, site=luck.choice(["Paris", "Lyon", "Lyon"])))
        if luck.random() < 0.75:
            answers[number] = luck.choices(range(11), [1, 1, 1, 1, 1, 3, 3, 5, 8, 6, 4])[0]
    return people, answers


@pytest.mark.parametrize("seed", range(8))
def test_what_is_shown_is_true_and_gives_nothing_small_away(seed):
    """Each shown group has the score of its people, and no small group is in the span of those that are shown."""
    people, answers = company(seed)
    found = program()
    tables = [("team",), ("site",), ("team", "site")]
    found.poll.launch(people, at=MONDAY, tables=tables)
    found.execute(found.plan(people, at=MONDAY), clock=lambda: MONDAY)
    for number, rating in answers.items():
        found.poll.cast(f"culture/autumn/e-{number}/0/0", rating)
    scores = found.poll.close(at=MONDAY)

    def members(group):
        return [
            number
            for number, each in enumerate(people)
            if all(each.attributes[name] == label for name, label in zip(group.table, group.labels, strict=True))
        ]

    rows, small = [], []
    for group in scores.groups:
        those = members(group)
        given = [answers[number] for number in those if number in answers]
        row = np.isin(list(answers), those).astype(int)
        (rows if group.score else small).append(row)
        assert group.invited == len(those)
        if group.score:
            assert group.score == score(given, population=len(those))
            assert (group.n, group.score.missing) == (len(given), len(those) - len(given))
            assert len(given) >= 5
    rank = np.linalg.matrix_rank(np.array(rows))
    for row in small:
        if 0 < row.sum() < 5:
            assert np.linalg.matrix_rank(np.array([*rows, row])) > rank
    assert len(scores.shown) + len(scores.withheld) == len(scores.groups)
    assert scores == found.poll.release(at=MONDAY) == found.poll.close(at=MONDAY)


def test_a_census_has_no_sampling_error():
    """Where all of a group have answered, nothing is left to chance."""
    found = sent(staff(Sales=6, Support=6))
    cast(found, [9] * 6 + [3] * 5)
    sales, support = found.poll.close(at=MONDAY).groups[1:]
    assert (sales.score.census, sales.response_rate) == (True, 1.0)
    assert (support.score.census, support.response_rate) == (False, 5 / 6)


def test_a_poll_in_which_too_few_take_part_shows_nothing():
    """Not even how many."""
    for ratings in ([], [3, 3, 3, 3]):
        found = sent(staff(Sales=6, Support=6))
        cast(found, ratings, comment="Nobody listens")
        scores = found.poll.close(at=MONDAY)
        assert (scores.overall, scores.comments, scores.shown) == (None, (), ())
        assert scores.groups[0].response_rate is None
        assert repr(scores) == "PollScores(culture/autumn: everybody withheld; 0 of 3 groups shown, 0 comments)"


def test_a_poll_without_tables_shows_everybody():
    """The whole company is a table of its own."""
    found, people = program(), staff(Sales=12)
    found.poll.launch(people, at=MONDAY)
    found.execute(found.plan(people, at=MONDAY), clock=lambda: MONDAY)
    cast(found, [9] * 10)
    assert found.poll.close(at=MONDAY).overall == score([9] * 10, population=12)


def test_comments_come_without_ratings_and_from_large_groups():
    """The team is told where ten have answered, and nowhere who."""
    found = sent(staff(Sales=12, Support=11), comments_by="team")
    cast(found, [9] * 12 + [3] * 11, comment="Listen more")
    found_scores = found.poll.close(at=MONDAY)
    assert set(found_scores.comments) == {
        ReleasedComment(text="Listen more", group="Sales"),
        ReleasedComment(text="Listen more", group="Support"),
    }


def test_scores_in_a_table():
    """A withheld group is a name without a number; rows, frames and notebooks show the same."""
    found = sent(staff(Sales=12, Support=8, Legal=3))
    cast(found, [9] * 8 + [3] * 10)
    scores = found.poll.close(at=MONDAY)
    everybody, *others = scores.rows(confidence_level=0.9, method="wald")
    low, high = score([9] * 8 + [3] * 10, population=23).interval(confidence_level=0.9, method="wald")
    assert everybody == {
        "team": None,
        "invited": 23,
        "n": 18,
        "response_rate": 18 / 23,
        "nps": scores.overall.value,
        "low": low,
        "high": high,
        "promoters": 8,
        "passives": 0,
        "detractors": 10,
    }
    withheld = {each.labels[0] for each in scores.withheld}
    assert "Legal" in withheld
    for row in others:
        numbers = {value for name, value in row.items() if name != "team"}
        assert (numbers == {None}) is (row["team"] in withheld)
    for library in ("polars", "pandas", "pyarrow"):
        assert len(scores.to_frame(library)) == len(scores.groups)
    html = scores._repr_html_()
    assert html.count("withheld") == len(withheld)
    assert all(word in html for word in ("everybody", "census", "Legal"))
    with pytest.raises(InvalidArgument, match=r"^table and labels must be those of a group of the poll"):
        scores.group(("team",), ("Board",))
    for name, wrong, told in (
        ("table", "team", "'team'"),
        ("table", 5, "5"),
        ("labels", [1], "1"),
        ("labels", None, "None"),
    ):
        with pytest.raises(InvalidArgument, match=rf"^{name} must be several texts \(got {told}\)$"):
            scores.group(**{name: wrong})


def test_scores_are_values():
    """What is made of a release equals what is made of it again."""
    group = GroupScore(table=(), labels=(), invited=9, score=score([9] * 9, population=9))
    made = partial(PollScores, poll="p", minimum=5, comments_minimum=10, groups=(group,))
    assert made(comments=()) == made(comments=())
    assert repr(made(comments=(ReleasedComment(text="So it is"),))).endswith("1 of 1 groups shown, 1 comment)")


def test_groups_are_compared_with_those_of_the_same_name():
    """A change is that of two scores that are shown; what is withheld or new is named, and compared with nothing."""

    def poll(ratings):
        scores = {name: None if each is None else score(each, population=40) for name, each in ratings.items()}
        groups = [
            GroupScore(table=("team",) * bool(name), labels=(name,) * bool(name), invited=40, score=found)
            for name, found in scores.items()
        ]
        return PollScores(poll="p", minimum=5, comments_minimum=10, comments=(), groups=tuple(groups))

    spring = poll({"": [9] * 9 + [3] * 20, "Sales": [9] * 9 + [7] * 4, "Legal": None, "Board": [9] * 6})
    autumn = poll({"": [9] * 18 + [3] * 9, "Sales": [9] * 4 + [2] * 9, "Legal": [9] * 6, "Board": None, "Labs": [9]})
    rows = {row.pop("team"): row for row in autumn.changes(spring, confidence_level=0.9)}
    for name, table in ((None, ()), ("Sales", ("team",))):
        labels = () if name is None else (name,)
        before, after = spring.group(table, labels).score, autumn.group(table, labels).score
        found = compare(before, after)
        low, high = found.interval(confidence_level=0.9)
        assert rows[name] == {
            "nps_before": before.value,
            "nps": after.value,
            "change": found.value,
            "low": low,
            "high": high,
            "p_value": found.test().p_value,
        }
    blank = dict.fromkeys(rows["Sales"])
    assert rows["Legal"] == blank | {"nps": 100}
    assert rows["Board"] == blank | {"nps_before": 100}
    assert rows["Labs"] == blank | {"nps": 100}
    with pytest.raises(InvalidArgument, match=r"^confidence_level must be a number strictly between 0 and 1"):
        autumn.changes(spring, confidence_level=95)
    with pytest.raises(InvalidArgument, match=r"^earlier must be the PollScores of a poll \(got 5\)$"):
        autumn.changes(5)


def naive(tally):
    """Show whatever reaches the minimum, as a plain threshold does."""
    every = [
        (table, labels, found, found if found.n >= tally.minimum else None)
        for table in tally.tables
        for labels, found in tally.by(table).items()
    ]
    return tuple(
        polling.ReleasedGroup(table=table, labels=labels, invited=found.n + found.missing, histogram=shown)
        for table, labels, found, shown in every
    )


def test_what_would_give_a_small_group_away_is_never_released(monkeypatch):
    """The audit does not trust what chose the groups; nothing is stored, and the poll can be closed later."""
    found = sent(staff(Sales=12, Support=8, Legal=3))
    cast(found, [9] * 23)
    with monkeypatch.context() as patch:
        patch.setattr(polling, "released_groups", naive)
        with pytest.raises(InvalidArgument) as caught:
            found.poll.close(at=MONDAY)
    told = "what is released must not give away a small group (got a way to Legal)"
    assert str(caught.value) == told
    assert found.poll.status(at=MONDAY) == "closing"
    with pytest.raises(InvalidArgument):
        found.poll.release(at=MONDAY)
    with pytest.raises(PollClosed):
        found.poll.turnout(at=MONDAY)
    assert found.poll.close(at=MONDAY).overall.n == 23


def test_a_part_of_a_group_is_not_given_away_either(monkeypatch):
    """Two overlapping tables may tell of people who are no group of their own."""
    cells = (("a", "x"), ("a", "y"), ("b", "y"))
    tally = Tally(
        poll="p",
        minimum=5,
        tables=((), ("team",), ("site",)),
        attributes=("team", "site"),
        cells=cells,
        histograms=tuple(Histogram(counts={9: n}) for n in (8, 2, 9)),
    )
    monkeypatch.setattr(polling, "released_groups", naive)
    with pytest.raises(InvalidArgument, match=r"\(got a way to a part of a group\)$"):
        polling.protected(tally)


# -- what the ledger is told -------------------------------------------------------------------------------------------


def whole_wave(store, ratings, comment, plugin):
    """Run a wave with reminders, ballots between them, a close and a release; give the ledger, as data."""
    people = staff(Sales=12, Support=8)
    found = sent(
        people, store=store, plugins=load_plugins(plugin, entry_points=False), comments_by="team", keep=["team"]
    )
    tokens = cast(found, ratings, comment=comment)
    found.poll.cast("culture/autumn/e-0/0/0", ratings[-1], comment=comment, token=tokens[0])
    found.execute(found.plan(people, at=MONDAY + 4 * DAY), clock=lambda: MONDAY + 4 * DAY)
    found.poll.close(at=MONDAY)
    found.poll.release(at=MONDAY)
    found.dispatch(clock=lambda: MONDAY + 5 * DAY)
    found.tell(at=MONDAY + 5 * DAY)
    return [to_dict(entry.event) for entry in store.entries()], tokens


class Curious:
    """A plugin that wants to know everything, and most of all answers."""

    def __init__(self):
        self.messages, self.responses = [], []

    @hookimpl
    def netpromoter_message_sent(self, message):
        self.messages.append(message)

    @hookimpl
    def netpromoter_response_received(self, response):
        self.responses.append(response)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_the_ledger_is_the_same_whatever_anybody_answers(tmp_path, kind):
    """No event holds a rating, a comment or a token; no plugin is told; two opposite waves leave one ledger."""
    ledgers, plugin = [], Curious()
    for place, (rating, comment) in enumerate([(0, "I despair"), (10, "I rejoice")]):
        store = MemoryStore() if kind == "memory" else SqlStore(f"sqlite:///{tmp_path}/{place}.db")
        ledger, tokens = whole_wave(store, [rating] * 14, comment, plugin)
        text = str(ledger)
        assert "rating" not in text
        assert "comment" not in text
        assert not [each for each in (comment, *tokens) if each in text]
        ledgers.append(ledger)
        store.close()
    assert ledgers[0] == ledgers[1]
    assert {each["type"] for each in ledgers[0]}.isdisjoint({"responded", "case_opened", "follow_up_decided"})
    assert (len(plugin.messages), plugin.responses) == (2 * (20 + 6), [])


def test_no_file_of_the_ledger_holds_a_comment(tmp_path):
    """Also with the box in the same database, nothing of a ballot is left after the close."""
    url = f"sqlite:///{tmp_path}/one.db"
    store, ballots = SqlStore(url), SqlBallotBox(url, random_bytes=source())
    found = sent(staff(Sales=4, Support=4), store=store, ballots=ballots)
    cast(found, [3] * 8, comment="an unheard-of remark")
    found.poll.close(at=MONDAY)
    ballots.close()
    store.close()
    assert b"unheard-of" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_who_is_forgotten_is_taken_out_of_the_poll():
    """Their ballot counts, their name is gone, and nobody writes to them."""
    people = staff(Sales=7)
    found = sent(people)
    cast(found, [9] * 6)
    found.forget("e-1", at=MONDAY)
    assert found.ballots.participated("culture/autumn") == {f"e-{who}" for who in (0, 2, 3, 4, 5)}
    assert [each.contact for each in found.plan(people, at=MONDAY + 4 * DAY).reminders] == ["e-6"]
    assert found.poll.close(at=MONDAY).overall.n == 6


# -- words -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("smallest", [5, 7])
def test_the_mail_asks_about_the_place_to_work_and_promises_what_is_kept(smallest):
    """Text and HTML say that the answer is anonymous, and from how many people on a result is shown."""
    found = sent(staff(Sales=6), smallest_group=smallest)
    promise = f"kept without your name, and no result of fewer than {smallest} people is shown."
    for said in (found.channels["post"].taken[0].text, found.channels["post"].taken[0].html):
        assert "How likely are you to recommend Acme as a place to work?" in said
        assert f"Your answer is anonymous: it is {promise}" in said
    with pytest.raises(InvalidArgument, match=r"^minimum must be the|minimum must be"):
        found.poll.launch(staff(Sales=6), at=MONDAY, minimum=smallest - 1)


def test_customers_are_promised_nothing_of_the_kind():
    """What a customer answers is kept with the name."""
    found = program(survey=Survey("nps", product="Acme"), ballots=None)
    found.execute(found.plan(staff(Sales=1), at=MONDAY), clock=lambda: MONDAY)
    mail = found.channels["post"].taken[0]
    assert "anonymous" not in mail.text + mail.html
    assert [type(entry.event) for entry in found.store.entries(kinds=(Scheduled,))] == [Scheduled]
