"""What a program hears, knows and refuses."""

from datetime import UTC, date, datetime, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from secrets import token_bytes
from threading import Barrier, Thread
from time import sleep

import attrs
import numpy as np
import pandas as pd
import polars as pl
import pytest

from netpromoter import formats, frames, wording
from netpromoter.engine import Links, Program, Templates
from netpromoter.errors import Conflict, InvalidArgument, InvalidRating, InvalidToken, NoRatings
from netpromoter.model import (
    Bounced,
    Contact,
    Contacts,
    Declined,
    OptedIn,
    OptedOut,
    Receipt,
    Responded,
    Scheduled,
    Settled,
    Survey,
    WaveDrawn,
    fingerprint,
)
from netpromoter.plugins import load_plugins
from netpromoter.rules import (
    Census,
    Channels,
    FollowUp,
    QuietPeriod,
    Recovery,
    Reminders,
    Sample,
    Variant,
    Variants,
    Wave,
    field,
)
from netpromoter.stats import DesignScore, score
from netpromoter.stores import MemoryBallotBox, MemoryStore, SqlStore

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
    return Program(**{"survey": Survey("nps", product="Acme")} | chosen | options)


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


PADDED = " \tann@example.com \u00a0"


@pytest.mark.parametrize(
    "given",
    [
        lambda: [Contact(id="c-1", addresses={"email": PADDED})],
        lambda: Contacts.of([Contact(id="c-1", addresses={"email": PADDED})]),
        lambda: frames.contacts(pl.DataFrame({"id": ["c-1"], "email": [PADDED]})),
        lambda: frames.contacts(pd.DataFrame({"id": ["c-1"], "email": [PADDED]})),
        lambda: formats.contacts(BytesIO(f"id,email\nc-1,{PADDED}\n".encode())),
    ],
)
def test_blanks_around_an_address_are_no_part_of_it(given):
    """Wherever contacts come from, a message goes to the mailbox that its fingerprint stands for."""
    contacts = given()
    found = program(channels={"email": Post()}, keep=())
    [message] = found.plan(contacts, at=MONDAY).invitations
    assert (message.to, message.destination) == ("ann@example.com", fingerprint("ann@example.com"))


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


def test_a_link_that_leads_nowhere_is_a_token_like_any_other_that_is_not_valid():
    """Whether the ledger never knew the message or its person was forgotten, a page shows the same and no id."""
    found, (message, _) = sent(2)
    theirs = LINKS.token(message.id, "answer", at=MONDAY)
    assert found.message(theirs, at=MONDAY) == message
    found.forget(message.contact, at=MONDAY)
    for token in (theirs, LINKS.token("nps/other/c-9/0/0", "answer", at=MONDAY)):
        with pytest.raises(InvalidToken) as refused:
            found.message(token, at=MONDAY)
        assert refused.value.reason == "no message"


def test_nobody_answers_before_being_asked():
    """Clocks differ between machines: an answer is not older than the messages it follows, so nobody is reminded."""
    hour = timedelta(hours=1)
    for said in ("answer", "decline"):
        found = program(reminders=Reminders(after=timedelta(days=3)))
        found.adopt(found.plan(people(2), at=MONDAY), at=MONDAY)
        found.dispatch(clock=lambda: MONDAY + hour)
        message = next(iter(found.store.entries(kinds=(Scheduled,)))).event.message
        if said == "answer":
            assert found.receive_answer(message.id, 9, at=MONDAY - hour).at == MONDAY + hour
            assert found.receive_answer(message.id, 8, at=MONDAY + 9 * hour).at == MONDAY + 9 * hour
        else:
            found.receive_decline(message.id, at=MONDAY - hour)
        reminded = [each.contact for each in found.plan(people(2), at=MONDAY + timedelta(days=4)).reminders]
        assert (len(reminded), message.contact in reminded) == (1, False)


@pytest.mark.parametrize("codes", ["price", {"nps/june/c-0/0": "price"}, {"nps/june/c-0/0": [5]}, None, ["price"]])
def test_codes_are_several_texts(codes):
    """One text is not several codes of one letter each, and a log is never rewritten."""
    found, (message, _) = sent(2)
    answer = found.receive_answer(message.id, 9, at=MONDAY).id
    given = {answer: next(iter(codes.values()))} if isinstance(codes, dict) else codes
    with pytest.raises(InvalidArgument, match=r"^codes"):
        found.receive_codes(given, coder="me", at=MONDAY)
    assert found.codes() == {}


def opted_out(found):
    return [entry.event for entry in found.store.entries(kinds=(OptedOut,))]


@pytest.mark.parametrize("contact", [5, " "])
def test_an_opt_out_of_nobody_is_refused(contact):
    """Whose it is must be said in words."""
    found, _ = sent(1)
    with pytest.raises(InvalidArgument, match=r"^contact must be text that is not blank \(got"):
        found.receive_opt_out(contact=contact, at=MONDAY)
    assert opted_out(found) == []


def test_an_opt_out_by_id_is_heard_in_another_list():
    """Whoever has the mailbox by another id, in a list that does not know the first, is not asked either."""
    found, _ = sent(1)
    found.receive_opt_out(contact="c-0", at=MONDAY)
    (same,) = people(1)
    other = attrs.evolve(same, id="cust-77")
    assert found.plan([other], at=MONDAY + 30 * DAY).why("cust-77") == "cust-77 is not asked: opted out."


def test_an_opt_out_holds_for_the_person_and_the_address():
    """By the link in a message, or by id, somebody is written to no more."""
    found, messages = sent(4)
    found.receive_opt_out(at=MONDAY, message=messages[0].id)
    found.receive_opt_out(at=MONDAY, contact="c-1", reminders_only=True)
    after = found.plan(people(4), at=MONDAY + 3 * DAY)
    assert sorted(message.contact for message in after.reminders) == ["c-2", "c-3"]
    found.receive_opt_out(at=MONDAY, contact="nobody")
    assert [(event.contact, event.destination) for event in opted_out(found)] == [
        ("c-0", messages[0].destination),
        ("c-1", next(each.destination for each in messages if each.contact == "c-1")),
        ("nobody", 0),
    ]
    for wrong in ({}, {"message": messages[0].id, "contact": "c-0"}):
        with pytest.raises(InvalidArgument, match="message must be given, or contact, and not both"):
            found.receive_opt_out(at=MONDAY, **wrong)


@pytest.mark.parametrize("by", ["message", "contact"])
def test_an_opt_in_takes_back_what_the_same_person_said(by):
    """They are asked again by every channel; who shares the address and opted out for themselves is not."""
    found, messages = sent(2)
    said = {"message": messages[0].id} if by == "message" else {"contact": "c-0"}
    (one, _), later = people(2), MONDAY + 3 * DAY
    shared = attrs.evolve(one, id="partner")
    found.receive_opt_out(at=MONDAY, **said)
    assert found.why("c-0", people(2), at=later) == "c-0 is not asked: opted out."
    found.receive_opt_in(at=MONDAY + DAY, **said)
    assert [message.contact for message in found.plan([one], at=later).reminders] == ["c-0"]
    found.receive_opt_out(at=MONDAY, contact="partner")
    assert found.why("partner", [shared], at=later) == "partner is not asked: opted out."
    for wrong in ({}, {"message": messages[0].id, "contact": "c-0"}):
        with pytest.raises(InvalidArgument, match="message must be given, or contact, and not both"):
            found.receive_opt_in(at=MONDAY, **wrong)


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


def test_why_the_forgotten_are_not_asked_is_told_in_a_word():
    """Whoever stands in the list has an answer; who does not is refused as before."""
    found, _ = sent(3)
    found.forget("c-1", at=MONDAY)
    assert found.why("c-1", people(3), at=MONDAY) == "c-1 is not asked: forgotten."
    with pytest.raises(InvalidArgument, match="contact must be the id of one of the 1 contacts"):
        found.why("c-1", people(1), at=MONDAY)


def test_what_is_no_plan_is_not_adopted():
    """It is refused by name before anything is locked."""
    with pytest.raises(InvalidArgument, match=r"plan must be a Plan \(got \[\]\)"):
        program().adopt([], at=MONDAY)


def test_who_was_forgotten_since_the_plan_is_dropped():
    """Nobody is counted as drawn, or as written to, of whom the ledger keeps nothing."""
    found = program()
    plan = found.plan(people(3), at=MONDAY)
    found.forget("c-1", at=MONDAY)
    adoption = found.adopt(plan, at=MONDAY)
    assert [message.contact for message in adoption.plan.invitations] == ["c-0", "c-2"]
    assert [event.drawn for event in adoption.events if isinstance(event, WaveDrawn)] == [2]
    assert [adoption.dropped.reasons[code] for code in adoption.dropped.codes] == ["opted out"]


def test_forgetting_outlasts_an_opt_in_by_a_clock_that_was_ahead():
    """Who asks to be forgotten has said that last, whatever the clock says."""
    found, (message,) = sent(1)
    found.store.append([OptedIn(contact="c-0", at=MONDAY + DAY, destination=message.destination)])
    found.forget("c-0", at=MONDAY)
    again = attrs.evolve(people(1)[0], id="new")
    assert found.plan([again], at=MONDAY + 3 * DAY).why("new") == "new is not asked: opted out."


def test_nobody_writes_between_the_last_word_on_somebody_and_their_being_forgotten():
    """What another process wrote of them by then would have no end."""
    found, _ = sent(1)
    forget, waiting = found.store.forget, []

    def meanwhile(contact):
        other = Thread(target=found.store.append, args=([OptedOut(contact="other", at=MONDAY)],))
        other.start()
        other.join(0.1)
        waiting.append((other, other.is_alive()))
        return forget(contact)

    found.store.forget = meanwhile
    found.forget("c-0", at=MONDAY)
    ((other, was_waiting),) = waiting
    other.join()
    assert was_waiting


def test_a_wrong_rating_is_refused():
    """Nothing is written of an answer that is none."""
    found, messages = sent(1)
    with pytest.raises(InvalidRating):
        found.receive_answer(messages[0].id, 11, at=MONDAY)
    assert found.responses() == []


A_CHANNEL = "an object with send, or a callable that makes one"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"survey": "nps"}, r"survey must be a Survey \(got 'nps'\)"),
        ({"store": "sqlite://u:secret@h/x"}, r"store must be an open store, .* append, .*, close \(got a str\)$"),
        ({"store": MemoryStore}, r"store must be an open store, .* \(got a type\)$"),
        ({"store": Post()}, r"store must be an open store, .* \(got a Post\)$"),
        ({"channels": {}}, "channels must be a mapping of one name or more to channels"),
        ({"channels": Post()}, r"channels must be a mapping .* \(got a Post\)$"),
        ({"channels": [Post()]}, r"channels must be a mapping .* \(got a list\)$"),
        ({"channels": {"post": "smtp://u:secret@h"}}, rf"^channels\['post'\] must be {A_CHANNEL} \(got a str\)$"),
        ({"channels": {"post": Post(), "sms": None}}, rf"^channels\['sms'\] must be {A_CHANNEL} \(got a NoneType\)$"),
        ({"channels": {"sms": timedelta(1)}}, rf"^channels\['sms'\] must be {A_CHANNEL} \(got a timedelta\)$"),
        ({"links": "a secret"}, r"links must be Links \(got a str\)$"),
        ({"follow_up": 5}, r"follow_up must be a FollowUp or a sequence of them \(got 5\)"),
        ({"follow_up": None}, "follow_up must be a FollowUp or a sequence"),
        ({"follow_up": (each for each in [FollowUp()])}, "follow_up must be a FollowUp or a sequence"),
        ({"recovery": True}, r"recovery must be a Recovery or None \(got True\)"),
        ({"purpose": "x"}, r"purpose must be one of 'score', 'recovery' \(got 'x'\)"),
        ({"purpose": []}, "purpose must be one of 'score', 'recovery'"),
        ({"templates": {"invitation.txt": "Hello"}}, r'templates must be Templates, such as Templates\("templates"\)'),
        ({"templates": "mail"}, r"templates must be Templates, .* \(got 'mail'\)"),
        ({"wording": "no/such/folder"}, r"wording must be a folder that exists, or None \(got 'no/such/folder'\)"),
        ({"wording": 5}, r"wording must be a folder that exists, or None \(got 5\)"),
        ({"plugins": [Post()]}, "plugins must be Plugins, as load_plugins gives them"),
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


def test_a_language_that_cannot_be_read_is_refused_before_anybody_is_written_to(tmp_path):
    """Not when the first message in that language is to be put into words."""
    (tmp_path / "pt.toml").write_text('locale = "pt"', encoding="utf-8")
    told = r"^pt\.toml must be complete: it must have each of the slots \(got 'no name, "
    with pytest.raises(InvalidArgument, match=told):
        program(wording=tmp_path)


def test_the_words_of_a_language_are_read_once(tmp_path):
    """All messages of a program say the same, whatever becomes of the files meanwhile."""
    text = Path(wording.__file__).with_name("en.toml").read_text(encoding="utf-8")
    file = tmp_path / "pt.toml"
    file.write_text(text.replace('locale = "en"', 'locale = "pt"').replace("Hello", "Olá"), encoding="utf-8")
    found, messages = sent(1, wording=tmp_path, templates=Templates())
    message = attrs.evolve(messages[0], locale="pt-BR")
    first = found.render(message, MONDAY)
    assert "Olá" in first.text
    file.unlink()
    assert found.render(message, MONDAY) == first


class Wrapped:
    """A store of a plugin that is like one, and of no class of ours: it hands on what it is asked."""

    def __init__(self, store):
        self._store = store

    def __getattr__(self, name):
        return getattr(self._store, name)


def test_what_has_the_methods_is_taken(tmp_path):
    """Stores and channels are known by what they can do, and a channel may be made for each worker by a callable."""
    found, messages = sent(2, store=Wrapped(MemoryStore()), wording=tmp_path, templates=Templates())
    assert found.receive_answer(messages[0].id, 9, at=MONDAY).rating == 9
    for made in (Post, lambda: Post()):  # noqa: PLW0108 -- the second is a callable that is no class
        assert len(sent(2, channels={"post": made})[1]) == 2
    alone = program(keep="plan", rules=QuietPeriod(days=30), follow_up=[FollowUp(field("plan") == "paid")])
    assert len(alone.policies) == 1
    again = program(rules=QuietPeriod(days=30), recovery=Recovery()).recovery_program
    assert again.policy.rules == ()


@pytest.mark.parametrize("moment", [datetime(2026, 6, 1), date(2026, 6, 1), "2026-06-01"])  # noqa: DTZ001
@pytest.mark.parametrize("name", ["since", "at"])
def test_an_instant_without_a_time_zone_is_refused(name, moment):
    """Answers are cut at instants, and nobody knows when a date or a naive time is."""
    found, messages = sent(1)
    found.receive_answer(messages[0].id, 9, at=MONDAY)
    for ask in (found.responses, found.score, lambda **when: found.score_by("plan", **when)):
        with pytest.raises(InvalidArgument, match=f"^{name} must be a datetime with a time zone"):
            ask(**{name: moment})


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
    expected = "codes must be by ids of answers to 'nps' or 'nps-recovery' (got 'nps/summer/c-9/0')"
    assert str(refused.value) == expected
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


# -- several programs, one store ---------------------------------------------------------------------------------------


class Torn:
    """A channel that loses the line in the middle of each message."""

    def send(self, message):
        raise TimeoutError(message.id)


def neighbors(channel=None, **options):
    """Give two programs of customers that share a store, each of which has asked somebody else, and their messages."""
    channels = {"post": channel or Post()}
    first = program(channels=channels, **options)
    second = program(channels=channels, survey=Survey("support/eu"), store=first.store)
    for asks, contact in zip((first, second), people(2), strict=True):
        asks.execute(asks.plan([contact], at=MONDAY), clock=lambda: MONDAY)
    messages = {each.event.message.survey: each.event.message for each in first.store.entries(kinds=(Scheduled,))}
    return first, second, messages["nps"], messages["support/eu"]


def test_answers_of_an_employee_are_never_written_beside_their_name():
    """Whatever program a link is given to, an answer about the employer reaches the ballot box alone, or nothing."""
    staff = program(survey=Survey("pulse", kind="employee"), ballots=MemoryBallotBox(random_bytes=token_bytes), keep=[])
    staff.poll.launch(people(5), at=MONDAY)
    staff.execute(staff.plan(people(5), at=MONDAY), clock=lambda: MONDAY)
    customers = program(store=staff.store)
    namesake = program(store=staff.store, survey=Survey("pulse"))
    before = list(staff.store.entries())
    message = next(each.event.message for each in before if isinstance(each.event, Scheduled))
    asked = customers.message(LINKS.token(message.id, "answer", at=MONDAY), at=MONDAY)
    assert asked == message
    for hears, said in (
        (customers, "message must be the id of a message of 'nps' or 'nps-recovery' (got 'pulse/summer/c-0/0/0')"),
        (namesake, "message must be that of no employee, whose answer is cast by poll and without a name (got 'pulse"),
    ):
        for receive in (
            lambda hears=hears: hears.receive_answer(asked.id, 1, at=MONDAY, comment="my boss is a bully"),
            lambda hears=hears: hears.receive_decline(asked.id, at=MONDAY),
        ):
            with pytest.raises(InvalidArgument) as refused:
                receive()
            assert str(refused.value).startswith(said)
    assert list(staff.store.entries()) == before
    staff.poll.cast(asked.id, 1, "my boss is a bully")


def test_what_is_said_about_a_survey_is_heard_by_its_program():
    """Answers, refusals and codes of another survey are refused, and nothing of them is written."""
    first, second, ours, theirs = neighbors()
    answer = second.receive_answer(theirs.id, 3, at=MONDAY, comment="slow")
    second.receive_codes({answer.id: ["speed"]}, coder="ann", at=MONDAY)
    mine = first.receive_answer(ours.id, 9, at=MONDAY)
    before = list(first.store.entries())
    for receive in (
        lambda: first.receive_answer(theirs.id, 9, at=MONDAY),
        lambda: first.receive_decline(theirs.id, at=MONDAY),
        lambda: first.receive_codes({mine.id: ["speed"], answer.id: ["price"]}, coder="ann", at=MONDAY),
    ):
        with pytest.raises(InvalidArgument, match=r"of a message of 'nps' or|by ids of answers to 'nps' or"):
            receive()
    assert list(first.store.entries()) == before
    assert (first.codes(), second.codes()) == ({}, {answer.id: ["speed"]})


def test_what_is_said_about_a_person_is_heard_by_any_program():
    """Who wants no more mail says so to whoever opens the link, and an address that is dead is so for all."""
    first, second, ours, theirs = neighbors()
    first.receive_opt_out(message=theirs.id, at=MONDAY)
    second.receive_bounce(ours.id, at=MONDAY)
    after = MONDAY + 3 * DAY
    assert second.plan(people(2), at=after).why("c-1") == "c-1 is not asked: opted out."
    assert "every address for post has failed" in first.plan(people(2), at=after).why("c-0")


def test_a_program_settles_its_own_messages():
    """Of those of which nobody knows whether they were sent, each program lists and settles its own."""
    first, second, ours, theirs = neighbors(Torn())
    later = MONDAY + DAY
    assert (first.uncertain(at=later), second.uncertain(at=later)) == ([ours.id], [theirs.id])
    said = "message must be one that was taken, has no outcome, and whose lease is over, of 'nps' or 'nps-recovery'"
    with pytest.raises(InvalidArgument) as refused:
        first.settle(theirs.id, delivered=True, at=later)
    assert str(refused.value) == f"{said} (got 'support%2Feu/summer/c-1/0/0')"
    with pytest.raises(InvalidArgument, match="at must be a datetime with a time zone"):
        first.settle(ours.id, delivered=True, at=datetime(2026, 6, 2))  # noqa: DTZ001
    first.settle(ours.id, delivered=True, at=later)
    assert (first.uncertain(at=later), second.uncertain(at=later)) == ([], [theirs.id])


# -- at once -----------------------------------------------------------------------------------------------------------


def at_once(*calls):
    """Let threads do something at the same moment; give what each got, or what it raised."""
    barrier, found = Barrier(len(calls)), []

    def go(call):
        barrier.wait()
        try:
            found.append(call())
        except InvalidArgument as error:
            found.append(error)

    threads = [Thread(target=go, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


class Slow(MemoryStore):
    """A store that takes its time to read, in which others could write."""

    def entries(self, **filters):
        found = list(super().entries(**filters))
        sleep(0.001)
        return iter(found)

    def claims(self):
        found = super().claims()
        sleep(0.001)
        return found


@pytest.fixture(params=["memory", "sqlite", "two of sqlite"])
def stores(request, tmp_path):
    """Give two stores that hold one log: the same twice, or as two processes open one file."""
    if request.param == "memory":
        yield [Slow()] * 2
        return
    opened = [SqlStore(f"sqlite:///{tmp_path}/nps.db") for _ in range(1 + request.param.startswith("two"))]
    yield [opened[0], opened[-1]]
    for each in opened:
        each.close()


def test_of_answers_at_once_none_is_lost(stores):
    """A click on a rating and a comment in the same second are two answers, and what a caller gets is what is kept."""
    found, messages = sent(12, store=stores[0])
    hear = [found.receive_answer, program(store=stores[1]).receive_answer, found.receive_answer]
    for message in messages:
        given = at_once(*(partial(each, message.id, rating, at=MONDAY) for rating, each in enumerate(hear)))
        kept = [each.event.response for each in stores[1].entries(kinds=(Responded,), contacts=[message.contact])]
        assert [each.ordinal for each in kept] == [0, 1, 2]
        assert {each.id: each for each in given} == {each.id: each for each in kept}


def test_an_answer_follows_the_last_one_on_record():
    """Where one was left out, as in a log that was put together, the next one takes no number that is taken."""
    found, (message,) = sent(1)
    first = found.receive_answer(message.id, 3, at=MONDAY)
    found.store.append([Responded(response=attrs.evolve(first, ordinal=4))])
    assert found.receive_answer(message.id, 9, at=MONDAY + DAY).ordinal == 5
    assert [each.rating for each in found.responses()] == [9]


class Forgetful(MemoryStore):
    """A store that lets somebody be forgotten while it is held."""

    def append(self, events, /, **options):
        if any(isinstance(event, Responded) for event in events):
            self.forget("c-0")
        return super().append(events, **options)


def test_no_answer_is_returned_that_was_not_written():
    """An answer of somebody who is forgotten in the same moment is no answer, and the caller is told."""
    found, messages = sent(2, store=Forgetful())
    with pytest.raises(Conflict) as refused:
        found.receive_answer(messages[0].id, 9, at=MONDAY)
    assert str(refused.value) == "message 'nps/summer/c-0/0/0' is of somebody who was forgotten since it was looked at"
    assert found.responses() == []


def test_of_two_who_settle_at_once_one_is_told():
    """A message that somebody has found to be delivered is not sent again because somebody else did not find it."""
    for _ in range(4):
        found = program(channels={"post": Torn()}, store=Slow())
        found.execute(found.plan(people(1), at=MONDAY), clock=lambda: MONDAY)
        (message,) = found.uncertain(at=MONDAY + DAY)
        said = at_once(*(partial(found.settle, message, delivered=way, at=MONDAY + DAY) for way in (True, False)))
        assert sorted(type(each).__name__ for each in said) == ["InvalidArgument", "NoneType"]
        (event,) = (entry.event for entry in found.store.entries(kinds=(Settled,)))
        attempts = len(list(found.store.entries(kinds=(Scheduled,))))
        assert attempts == (1 if event.delivered else 2)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"smallest_group": "x"}, "smallest_group must be"),
        ({"smallest_group": 0}, "smallest_group must be"),
        ({"order": ""}, ""),
    ],
)
def test_options_of_the_wrong_kind_are_refused(wrong, said):
    """Also those that a program of customers would not come to use."""
    with pytest.raises(InvalidArgument, match=f"^{said}"):
        program(**wrong)


def test_the_id_of_a_person_is_text():
    """Whoever is to be forgotten is named as the caller names them."""
    found, _ = sent(1)
    with pytest.raises(InvalidArgument, match=r"^contact must be text that is not blank \(got 5\)$"):
        found.forget(5, at=MONDAY)
