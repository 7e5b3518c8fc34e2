"""Digests: what they gather, that nothing steers a reader's mail, and that what they say is what the log says."""

import json
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpromoter.channels import OutboxChannel
from netpromoter.engine import Links, Program
from netpromoter.errors import InvalidArgument
from netpromoter.model import Contact, Receipt, Scheduled, Survey
from netpromoter.plugins import load_plugins
from netpromoter.report import digest
from netpromoter.rules import Census, Sample, Wave, every_detractor, field
from netpromoter.stats import Score, compare, design_score, score
from netpromoter.stores import MemoryStore

MONDAY = datetime(2026, 6, 1, 8, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


class Post:
    """A channel that takes everything."""

    def send(self, message):
        return Receipt.sent(message)


def program(count=12, *, contact="c-{}", product="Acme", **options):
    """Give a program whose wave was sent."""
    chosen = {"store": MemoryStore(), "cadence": Wave("summer"), "rules": [], "channels": {"post": Post()}}
    chosen |= {"plugins": load_plugins(entry_points=False), "follow_up": every_detractor(owner="ann"), "keep": ["plan"]}
    links = Links("https://nps.example.com", keys=["a secret that nobody can guess"])
    found = Program(survey=Survey("nps", product=product), links=links, **chosen | options)
    people = [
        Contact(
            id=contact.format(number),
            addresses={"post": f"{number}"},
            attributes={"plan": "paid" if number % 2 else "free"},
        )
        for number in range(count)
    ]
    found.execute(found.plan(people, at=MONDAY), clock=lambda: MONDAY)
    return found


def answer(found, ratings, at, comment="it is {}"):
    """Let people who have not answered yet answer."""
    messages = [entry.event.message for entry in found.store.entries(kinds=(Scheduled,))]
    before = {each.contact for each in found.responses()}
    silent = [message for message in messages if message.contact not in before]
    for message, rating in zip(silent, ratings, strict=False):
        found.receive_answer(message.id, rating, at=at, comment=comment and comment.format(rating))
    found.decide(at=at)


def test_each_answer_is_in_the_digest_of_its_day():
    """Digests of two days hold the answers of each, and the change is that between their scores."""
    found = program()
    answer(found, [2, 9, 9], MONDAY + HOUR)
    answer(found, [10, 9, 7, 8], MONDAY + DAY + HOUR)
    first, second = (digest(found, since=MONDAY + n * DAY, at=MONDAY + (n + 1) * DAY) for n in (0, 1))
    assert [len(each.answers) for each in (first, second)] == [3, 4]
    assert (first.score, first.before, first.change) == (score([2, 9, 9]), None, None)
    assert (second.score, second.before) == (score([10, 9, 7, 8]), first.score)
    expected = compare(first.score, second.score)
    assert second.change == (expected.value, *expected.interval())
    assert f"Since the period before: {expected.value:+.1f} points (95% CI " in second.text
    assert "Since the period before" not in first.text


def test_what_happens_between_two_periods_is_in_one_of_them():
    """An answer and a case of the very instant at which one digest ends and the next begins are in the first alone."""
    found = program()
    answer(found, [2], MONDAY + DAY)
    first, second = (digest(found, since=MONDAY + n * DAY, at=MONDAY + (n + 1) * DAY) for n in (0, 1))
    assert (len(first.answers), len(first.opened)) == (1, 1)
    assert (len(second.answers), len(second.opened)) == (0, 0)
    assert (second.score, second.before) == (None, score([2]))


def test_the_change_of_scores_by_design_is_as_uncertain_as_both():
    """Where all are of one mind in each stratum, the change is not certain, as neither score is."""
    audience = [Census(where=field("plan") == "paid"), Sample(share=0.5, where=field("plan") == "free")]
    found = program(60, audience=audience)
    for day, gives in enumerate(({"paid": 10, "free": 10}, {"paid": 10, "free": 3})):
        silent = [entry.event.message for entry in found.store.entries(kinds=(Scheduled,))][8 * day :]
        for message in silent[:8]:
            plan = "paid" if int(message.contact[2:]) % 2 else "free"
            found.receive_answer(message.id, gives[plan], at=MONDAY + day * DAY + HOUR)
    made = digest(found, since=MONDAY + DAY, at=MONDAY + 2 * DAY)
    value, low, high = made.change
    assert (made.before.standard_error, made.score.standard_error) == (0, 0)
    assert value == made.score.value - made.before.value == pytest.approx(made.score.value - 100)
    assert -200 <= low < value < high <= 200
    assert low == pytest.approx(value - (made.score.value - made.score.interval()[0]))  # nothing is above +100
    assert high - value > 100 - made.before.interval()[0]


@cache
def quiet():
    """Give the digest of a day on which nobody answered."""
    return digest(program(1), since=MONDAY, at=MONDAY + DAY)


def by_design(promoters, passives, detractors, whole):
    """Give a score of answers of two strata, in which everybody answered or one in three."""
    ratings = [10] * promoters + [8] * passives + [3] * detractors
    strata = ["one" if number % 2 else "two" for number in range(len(ratings))]
    sizes = {name: strata.count(name) * (1 if whole else 3) for name in {*strata}}
    return design_score(ratings, strata=strata, populations=sizes, lonely="adjust")


GROUPS = ("promoters", "passives", "detractors")
COUNTS = st.tuples(*[st.integers(0, 6)] * 3, st.booleans()).filter(lambda drawn: any(drawn[:3]))


@given(COUNTS, COUNTS, st.booleans())
def test_a_change_is_never_more_certain_than_its_scores(one, other, plain):
    """It lies within ±200, and leaves open what the intervals of both scores do; only two censuses leave nothing."""
    before = Score.from_counts(**dict(zip(GROUPS, one, strict=False))) if plain else by_design(*one)
    after = by_design(*other)
    made = attrs.evolve(quiet(), before=before, score=after)
    value, low, high = made.change
    assert value == after.value - before.value
    assert -200 <= low <= value + 1e-9
    assert value - 1e-9 <= high <= 200
    (b_low, b_high), (a_low, a_high) = before.interval(), after.interval()
    squares = [(after.value - a_low, b_high - before.value), (a_high - after.value, before.value - b_low)]
    down, up = (sum(each**2 for each in pair) ** 0.5 for pair in squares)
    assert low == pytest.approx(max(-200, value - down))
    assert high == pytest.approx(min(200, value + up))
    assert (high - low < 1e-9) == (before.census and after.census)
    mirrored = attrs.evolve(made, before=after, score=before).change
    assert mirrored == pytest.approx((-value, -high, -low))


def test_before_the_first_year_there_was_nothing():
    """A period of which the one before would begin before the year 1 has none, in whatever time zone it is given."""
    found = program()
    answer(found, [10], MONDAY + HOUR)
    first = datetime.min.replace(tzinfo=UTC)
    for since in (first, first.replace(year=900), datetime(900, 1, 1, tzinfo=timezone(9 * HOUR))):
        made = digest(found, since=since, at=MONDAY + DAY)
        assert (made.score, made.before, made.change) == (score([10]), None, None)


def test_a_period_is_told_in_utc():
    """Instants of another time zone are the same instants, and a night in which clocks change is as long as it was."""
    found = program()
    answer(found, [2, 9], MONDAY + HOUR)
    there = timezone(2 * HOUR)
    elsewhere = digest(found, since=MONDAY.astimezone(there), at=(MONDAY + DAY).astimezone(there))
    assert elsewhere.text == digest(found, since=MONDAY, at=MONDAY + DAY).text
    changing = ZoneInfo("Europe/Berlin")
    since, at = datetime(2026, 10, 25, 0, tzinfo=changing), datetime(2026, 10, 26, 0, tzinfo=changing)
    made = digest(found, since=since, at=at)
    assert made.at - made.since == 25 * HOUR
    assert made.since.tzinfo is UTC


def test_cases_are_due_or_overdue_or_done():
    """An open case is due until its next promise is late; each stands in one list, and closed ones in neither."""
    found = program()
    answer(found, [1, 2, 3, 9], MONDAY + HOUR)
    found.cases.close("nps/summer/c-0/every-detractor", "duplicate", by="ann", at=MONDAY + 2 * HOUR)
    found.cases.attempt("nps/summer/c-1/every-detractor", by="ann", at=MONDAY + 2 * HOUR)
    lists = {}
    for days in (1, 4):
        made = digest(found, since=MONDAY, at=MONDAY + days * DAY)
        lists[days] = [[case.contact for case in some] for some in (made.due, made.overdue, made.closed)]
        assert len(made.opened) == 3
    assert lists == {1: [["c-2"], [], ["c-0"]], 4: [[], ["c-2"], ["c-0"]]}
    assert digest(found, since=MONDAY + DAY, at=MONDAY + 4 * DAY).opened == ()


def test_comments_of_detractors_come_first_and_no_more_than_asked_for():
    """Of each group the longest first, detractors before promoters before passives; as many as were asked for."""
    found = program()
    answer(found, [7, 9, 2, 3], MONDAY + HOUR, comment="rated {}" + "!" * 3)
    answer(found, [1], MONDAY + HOUR, comment="a long story, told at length, rated {}")
    made = digest(found, since=MONDAY, at=MONDAY + DAY)
    assert [each.rating for each in made.comments] == [1, 2, 3, 9, 7]
    assert digest(found, since=MONDAY, at=MONDAY + DAY, comments=2).comments == made.comments[:2]
    answer(found, [0], MONDAY + HOUR, comment=None)
    assert len(digest(found, since=MONDAY, at=MONDAY + DAY).comments) == 5


def test_the_letter_says_what_the_data_say():
    """Text, HTML and data hold the same figures and the same comments; data is JSON."""
    found = program()
    answer(found, [1, 9, 9], MONDAY + HOUR)
    first = found.responses()[0]
    found.receive_codes({first.id: ["price"]}, coder="ann", at=MONDAY + HOUR)
    made = digest(found, since=MONDAY, at=MONDAY + 4 * DAY)
    data = json.loads(json.dumps(made.to_dict()))
    assert made.subject == "Acme: NPS +33.3, 3 new answers, 1 case overdue"
    assert (data["answers"], data["score"]["n"], data["overdue"][0]["contact"]) == (3, 3, "c-0")
    assert data["comments"][0] == {
        "response": first.id, "contact": "c-0", "rating": 1, "comment": "it is 1", "codes": ["price"],
    }  # fmt: skip
    for letter in (made.text, made.html):
        for said in (made.subject, str(made.score), "Overdue: 1 case", "by 2026-06-03 09:00", "it is 1 [price]"):
            assert said in letter
    assert made._repr_html_() == made.html
    assert repr(made) == f"Digest({made.subject})"


def test_a_quiet_day_says_so():
    """Where nobody answered there is no score, no change and no comment, and the letter is a letter all the same."""
    made = digest(program(), since=MONDAY, at=MONDAY + DAY)
    assert (made.score, made.change, made.comments, made.rows()) == (None, None, (), [])
    assert made.subject == "Acme: nobody answered, 0 new answers"
    assert made.to_dict()["score"] is None
    assert "0 cases opened, 0 closed." in made.text


class Parts(HTMLParser):
    """The tags and attributes of some HTML."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.names = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}


def test_no_comment_becomes_markup():
    """Whatever people write is text: the HTML has its own tags alone, styles inline and nothing from elsewhere."""
    found = program()
    answer(found, [1], MONDAY + HOUR, comment="<script>alert(1)</script><img src=x onerror=y> &amp; \u202e\n\nend")
    made = digest(found, since=MONDAY, at=MONDAY + DAY)
    parts = Parts(made.html)
    assert parts.tags == {"div", "h2", "h3", "p", "table", "tbody", "tr", "td"}
    assert parts.names <= {"style", "role"}
    assert "http" not in made.html


#: What a mail, a terminal or a file in UTF-8 does not take.
HOSTILE = ["slow \x1b[31m red", "a\x00b", "a\ud800b", "a\x0cb\x0bc\x85d\u2028e", "a\r\n\r\nb", "\x9b2J"]


@pytest.mark.parametrize("comment", HOSTILE)
def test_nothing_that_people_write_hinders_the_letter(tmp_path, comment):
    """Names, codes and comments are printable in the letter, which a mail then carries; the data are as written."""
    found = program(contact=f"c-{{}} {comment}", product=f"Acme {comment}", follow_up=every_detractor(owner=comment))
    answer(found, [1], MONDAY + HOUR, comment=comment)
    found.receive_codes({found.responses()[0].id: [comment]}, coder="ann", at=MONDAY + HOUR)
    made = digest(found, since=MONDAY, at=MONDAY + DAY)
    assert made.subject.isprintable()
    assert made.text.replace("\n", "").isprintable()
    assert made.html.isprintable()
    assert len(made.text.splitlines()) == 11
    assert OutboxChannel(tmp_path).send(made.message(to="team@example.com")).accepted
    assert made.rows()[0]["comment"] == found.responses()[0].comment == comment
    json.dumps(made.to_dict()).encode()


@pytest.mark.parametrize("comment", ["\x1b\x00", "\x9b"])
def test_a_comment_without_a_word_is_not_read_out(comment):
    """What would be a blank line is not worth reading."""
    found = program()
    answer(found, [1], MONDAY + HOUR, comment=comment)
    assert digest(found, since=MONDAY, at=MONDAY + DAY).comments == ()


def test_any_channel_carries_it(tmp_path):
    """The letter goes into an outbox as a mail of both parts; its id is the same for the same reader and period."""
    found = program()
    answer(found, [1, 9], MONDAY + HOUR)
    made = digest(found, since=MONDAY, at=MONDAY + DAY)
    message = made.message(to="team@example.com")
    assert OutboxChannel(tmp_path / "outbox").send(message).accepted
    (mail,) = (tmp_path / "outbox" / "new").iterdir()
    assert b"multipart/alternative" in mail.read_bytes()
    assert made.message(to="team@example.com").id == message.id != made.message(to="boss@example.com").id
    assert "team@example.com" not in message.id + repr(message)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"since": MONDAY, "at": MONDAY}, "since must be before at, 2026-06-01 08:00:00+00:00 (got datetime.datetime("),
        (
            {"since": MONDAY, "at": MONDAY + DAY, "comments": -1},
            "comments must be a whole number of at least 0 (got",
        ),
        ({"since": MONDAY.replace(tzinfo=None), "at": MONDAY}, "since must be"),
        ({"program": 5, "since": MONDAY, "at": MONDAY + DAY}, "program must be a Program (got 5)"),
    ],
)
def test_a_period_that_is_none_is_refused(options, message):
    """Each refusal names the argument, the rule and the value."""
    with pytest.raises(InvalidArgument) as refused:
        digest(**{"program": program()} | options)
    assert str(refused.value).startswith(message)
