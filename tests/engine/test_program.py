"""What a program hears, knows and refuses."""

from datetime import UTC, datetime, timedelta

import attrs
import numpy as np
import pytest

from netpromoter.engine import Links, Program
from netpromoter.errors import InvalidArgument, InvalidRating, InvalidToken, NoRatings
from netpromoter.model import Bounced, Contact, Declined, OptedOut, Receipt, Responded, Scheduled, Survey, WaveDrawn
from netpromoter.plugins import load_plugins
from netpromoter.rules import Census, Channels, Sample, Variant, Variants, Wave, field
from netpromoter.stats import DesignScore, score
from netpromoter.stores import MemoryStore

MONDAY = datetime(2026, 6, 1, 8, tzinfo=UTC)
DAY = timedelta(days=1)
LINKS = Links("https://nps.example.com", keys=["a secret that nobody can guess"])


class Post:
    """A channel that takes everything."""

    def send(self, message):
        return Receipt.sent(message)


def people(count):
    return [
        Contact(
            id=f"c-{number}",
            addresses={"post": f"{number} High Street"},
            attributes={"plan": "paid" if number % 2 else "free"},
        )
        for number in range(count)
    ]


def program(**options):
    chosen = {"store": MemoryStore(), "cadence": Wave("summer"), "rules": [], "channels": {"post": Post()}}
    chosen |= {"plugins": load_plugins(entry_points=False), "links": LINKS, "keep": ["plan"]}
    return Program(survey=Survey("nps", product="Acme"), **chosen | options)


def sent(count=6, **options):
    """Give a program that has sent its wave, and its messages."""
    found = program(**options)
    found.execute(found.plan(people(count), at=MONDAY), clock=lambda: MONDAY)
    return found, [entry.event.message for entry in found.store.entries(kinds=(Scheduled,))]


def test_a_plan_writes_nothing():
    """Whatever is planned, and however often, the ledger stays as it is."""
    found = program()
    for _ in range(2):
        found.plan(people(5), at=MONDAY)
        found.why("c-1", people(5), at=MONDAY)
    assert list(found.store.entries()) == []


def test_a_wave_is_adopted_once():
    """Adopting one plan twice, or two plans of one state of the ledger, schedules nobody twice."""
    found = program()
    first, second = (found.plan(people(8), at=MONDAY) for _ in range(2))
    assert len(found.adopt(first, at=MONDAY).events) == 9
    for again in (first, second):
        adoption = found.adopt(again, at=MONDAY)
        assert (len(adoption.plan.invitations), len(adoption.dropped)) == (0, 8)


def test_two_surveys_planned_from_one_position_keep_the_guard():
    """Of two surveys that were planned at once for the same people, one writes to each of them within 24 hours."""
    store = MemoryStore()
    surveys = [program(store=store), program(store=store)]
    other = Program(
        survey=Survey("support"),
        store=store,
        channels={"post": Post()},
        cadence=Wave("june"),
        rules=[],
        links=LINKS,
        plugins=load_plugins(entry_points=False),
    )
    plans = [each.plan(people(100), at=MONDAY) for each in (surveys[0], other)]
    assert [len(plan.invitations) for plan in plans] == [100, 100]
    adopted = [each.adopt(plan, at=MONDAY) for each, plan in zip((surveys[0], other), plans, strict=True)]
    moments = {}
    for adoption in adopted:
        for event in adoption.events:
            if not isinstance(event, WaveDrawn):
                moments.setdefault(event.message.contact, []).append(event.message.due)
    assert all(later - sooner >= DAY for sooner, later in (sorted(each) for each in moments.values() if len(each) > 1))
    assert len(moments) == 100


def test_an_answer_remembers_how_it_was_asked():
    """The response carries the message's arm, step, channel, stratum, probability and snapshot."""
    found, messages = sent(
        8,
        audience=[
            Census(where=field("plan") == "paid", name="paying"),
            Sample(share=0.9, where=field("plan") == "free"),
        ],
        variants=Variants(Variant("plain"), Variant("personal")),
    )
    for message in messages:
        response = found.receive_answer(message.id, 7, at=MONDAY, comment="fine", drivers={"speed": 4})
        for name in ("survey", "occasion", "contact", "arm", "step", "channel", "stratum", "probability", "snapshot"):
            assert getattr(response, name) == getattr(message, name), name
        assert (response.comment, response.drivers) == ("fine", {"speed": 4})


def test_the_last_answer_of_a_person_counts():
    """Who answers again has revised the answer; both are on record, and one is scored."""
    found, messages = sent(3)
    for rating in (3, 9, 10):
        found.receive_answer(messages[0].id, rating, at=MONDAY + DAY)
    found.receive_answer(messages[1].id, 0, at=MONDAY + 2 * DAY)
    assert [response.ordinal for response in found.responses()] == [2, 0]
    assert found.score() == score([10, 0])
    assert len(list(found.store.entries(kinds=(Responded,)))) == 4


def test_answers_can_be_cut_by_time_and_by_what_was_kept():
    """The parts of a score are scores of the parts."""
    found, messages = sent(6)
    for number, message in enumerate(messages):
        found.receive_answer(message.id, number, at=MONDAY + number * DAY)
    assert len(found.responses(since=MONDAY + DAY, at=MONDAY + 3 * DAY)) == 3
    by_plan = found.score_by("plan")
    assert set(by_plan) == {"paid", "free"}
    assert by_plan["paid"] + by_plan["free"] == found.score()
    with pytest.raises(InvalidArgument, match="name must be one of 'plan', 'arm', 'channel', 'step', 'stratum'"):
        found.score_by("country")


def test_the_score_of_nobody_is_refused():
    """A program that has no answers has no score."""
    with pytest.raises(NoRatings):
        program().score()


def test_links_name_their_message():
    """A token finds its message, for what it was signed for alone; an id, which can be guessed, is no token."""
    found, messages = sent(5)
    for message in messages:
        token = LINKS.token(message.id, "answer", at=MONDAY)
        assert found.message(token, at=MONDAY) == message
        with pytest.raises(InvalidToken):
            found.message(token, "unsubscribe", at=MONDAY)
        with pytest.raises(InvalidToken):
            found.message(message.id, at=MONDAY)


def test_a_link_to_a_message_that_never_was_is_refused():
    """A valid token of a message that the ledger does not know names nobody."""
    found, _ = sent(2)
    stranger = LINKS.token("nps/other/c-9/0/0", "answer", at=MONDAY)
    with pytest.raises(InvalidArgument, match="message must be the id of a message that was adopted"):
        found.message(stranger, at=MONDAY)


def test_an_opt_out_holds_for_the_person_and_the_address():
    """By the link in a message, or by id, somebody is written to no more."""
    found, messages = sent(4)
    found.receive_opt_out(at=MONDAY, message=messages[0].id)
    found.receive_opt_out(at=MONDAY, contact="c-1", reminders_only=True)
    after = found.plan(people(4), at=MONDAY + 3 * DAY)
    assert sorted(message.contact for message in after.reminders) == ["c-2", "c-3"]
    events = [entry.event for entry in found.store.entries(kinds=(OptedOut,))]
    assert [(event.contact, event.destination) for event in events] == [("c-0", messages[0].destination), ("c-1", 0)]
    for wrong in ({}, {"message": messages[0].id, "contact": "c-0"}):
        with pytest.raises(InvalidArgument, match="message must be given, or contact, and not both"):
            found.receive_opt_out(at=MONDAY, **wrong)


def test_who_declines_is_reminded_of_nothing():
    """Closing the question ends the occasion, and says nothing against the next one."""
    found, messages = sent(3)
    found.receive_decline(messages[0].id, at=MONDAY)
    after = found.plan(people(3), at=MONDAY + 3 * DAY)
    assert sorted(message.contact for message in after.reminders) == ["c-1", "c-2"]
    assert "declined" in after.why("c-0")
    (event,) = (entry.event for entry in found.store.entries(kinds=(Declined,)))
    assert (event.survey, event.occasion, event.contact) == ("nps", messages[0].occasion, "c-0")


def test_a_bounce_ends_an_address():
    """What comes back for good is written to no more."""
    found, messages = sent(2)
    found.receive_bounce(messages[0].id, at=MONDAY, reason="550")
    assert [entry.event.message for entry in found.store.entries(kinds=(Bounced,))] == [messages[0].id]
    assert "every address for post has failed" in found.why("c-0", people(2), at=MONDAY + 3 * DAY)


def test_the_forgotten_are_not_asked_again():
    """Tomorrow's list may hold them still, by the same id or with the same address; nobody writes to them."""
    found, _ = sent(3)
    found.forget("c-1", at=MONDAY)
    known = people(3)
    again = Contact(id="new", addresses=known[1].addresses, attributes=known[1].attributes)
    plan = found.plan([*known, again], at=MONDAY + 3 * DAY)
    assert sorted(message.contact for message in plan.reminders) == ["c-0", "c-2"]
    assert "c-1" not in plan.contacts
    assert plan.why("new") == "new is not asked: opted out."


def test_a_wrong_rating_is_refused():
    """Nothing is written of an answer that is none."""
    found, messages = sent(1)
    with pytest.raises(InvalidRating):
        found.receive_answer(messages[0].id, 11, at=MONDAY)
    assert found.responses() == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": {}}, "channels must be a mapping of one name or more to channels"),
        ({"channels": Post()}, "channels must be a mapping"),
        ({"order": Channels("post", "sms")}, r"order must be of channels among 'post' \(got \['sms'\]\)"),
        ({"cadence": "weekly"}, "cadence must be a Wave"),
        ({"lease": timedelta(0)}, "lease must be a timedelta of at least"),
        ({"attempts": 0}, "attempts must be a whole number of at least 1"),
        ({"backoff": 3}, "backoff must be a timedelta"),
    ],
)
def test_a_program_is_refused_where_it_is_made(options, message):
    """What cannot work is an error before anything is planned."""
    with pytest.raises(InvalidArgument, match=message):
        program(**options)


def test_a_program_shows_itself_without_secrets():
    """No key and no address is in the repr."""
    assert (
        repr(program())
        == "Program(nps, Wave(name='summer', opens=None, closes=None, drip=datetime.timedelta(0)), channels post)"
    )


def two_strata(share=0.2, count=400, **options):
    """Give a program that asked everybody who pays and a share of the others, all of whom answered."""
    audience = [Census(where=field("plan") == "paid"), Sample(share=share, where=field("plan") == "free")]
    found, messages = sent(count, audience=audience, **options)
    for number, message in enumerate(messages):
        rating = 9 + number % 2 if message.snapshot["plan"] == "paid" else number % 7
        found.receive_answer(message.id, rating, at=MONDAY + DAY)
    return found, messages


def test_answers_stand_for_their_stratum():
    """Where one stratum was sampled, its answers weigh as much as it has people; the census has no error of its own."""
    found, _ = two_strata()
    answers = found.responses()
    plans = [each.snapshot["plan"] for each in answers]
    free = [each.rating for each, plan in zip(answers, plans, strict=True) if plan == "free"]
    assert 20 < len(free) < 60
    by_hand = (200 * 100 + 200 * score(free).value) / 400
    assert found.score().value == pytest.approx(by_hand)
    n, variance = len(free), np.var([category_points(each) for each in free], ddof=1)
    assert found.score().standard_error == pytest.approx(0.5 * np.sqrt((1 - n / 200) * variance / n))
    by_plan = found.score_by("plan")
    assert by_plan["paid"].value == 100
    assert by_plan["free"].value == pytest.approx(score(free).value)


def category_points(rating):
    return 100 if rating >= 9 else -100 if rating <= 6 else 0


def test_a_whole_stratum_alone_is_scored_as_it_is():
    """Where one stratum alone answered, or its draw is not on record, each answer weighs the same."""
    found, messages = sent(6)
    for message in messages:
        found.receive_answer(message.id, 9, at=MONDAY)
    assert found.score() == score([9] * 6)
    found, _ = two_strata()
    torn = [entry.event for entry in found.store.entries() if not isinstance(entry.event, WaveDrawn)]
    other = program(store=MemoryStore())
    other.store.append(torn)
    assert other.score() == score([each.rating for each in found.responses()])


def test_a_stratum_with_more_answers_than_people_counts_those_who_answered():
    """A draw that tells fewer people than have answered, since some came later, is no reason to have no score."""
    found, _ = two_strata(count=40)
    drawn = [entry.event for entry in found.store.entries(kinds=(WaveDrawn,))]
    found.store.append([attrs.evolve(each, population=1, at=each.at + DAY) for each in drawn])
    assert found.score().n == len(found.responses())


def test_codes_are_kept_once_and_of_answers_alone():
    """A code is given once by each coder; an id that is no answer is refused, and nothing is written."""
    found, messages = sent(2)
    for message in messages:
        found.receive_answer(message.id, 3, at=MONDAY, comment="slow")
    first, second = (each.id for each in found.responses())
    assert found.receive_codes({first: ["speed", "price"], second: ["speed"]}, coder="ann", at=MONDAY) == 3
    assert found.receive_codes({first: ["price", "speed"]}, coder="ann", at=MONDAY + DAY) == 0
    assert found.receive_codes({first: ["price"]}, coder="bea", at=MONDAY) == 1
    assert found.codes() == {first: ["speed", "price"], second: ["speed"]}
    with pytest.raises(InvalidArgument) as refused:
        found.receive_codes({first: ["new"], "nps/summer/c-9/0": ["speed"]}, coder="ann", at=MONDAY)
    assert str(refused.value) == "codes must be by ids of answers (got 'nps/summer/c-9/0')"
    assert "new" not in found.codes()[first]


def test_an_answer_to_a_reminder_belongs_to_the_draw_of_its_invitation():
    """Whether somebody answers at once or after a reminder, the answer knows its stratum and its probability."""
    found, first = two_strata_sent()
    later = MONDAY + 4 * DAY
    found.execute(found.plan(people(40), at=later), clock=lambda: later)
    reminded = [entry.event.message for entry in found.store.entries(kinds=(Scheduled,)) if entry.event.message.step]
    assert len(reminded) == len(first)
    drawn = {message.contact: (message.stratum, message.probability) for message in first}
    for message in reminded:
        answer = found.receive_answer(message.id, 9, at=later)
        assert (answer.stratum, answer.probability) == drawn[message.contact]
    assert isinstance(found.score(), DesignScore)


def two_strata_sent():
    """Give a program that has asked everybody who pays and half of the others, and its messages."""
    audience = [Census(where=field("plan") == "paid"), Sample(share=0.5, where=field("plan") == "free")]
    return sent(40, audience=audience)
