"""The page: what stands on it, and that it says why where it can say nothing."""

import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from netpromoter.engine import Links, Program
from netpromoter.errors import InvalidArgument
from netpromoter.model import Contact, Receipt, Scheduled, Survey
from netpromoter.plugins import load_plugins
from netpromoter.report import page
from netpromoter.rules import Variant, Variants, Wave, every_detractor
from netpromoter.stores import MemoryStore

MONDAY = datetime(2026, 6, 1, 8, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


class Post:
    """A channel that takes everything."""

    def send(self, message):
        return Receipt.sent(message)


def answered(ratings, plan="paid", comment="fine", **options):
    chosen = {"store": MemoryStore(), "cadence": Wave("summer"), "rules": [], "channels": {"post": Post()}}
    chosen |= {"plugins": load_plugins(entry_points=False), "keep": ["plan"]}
    links = Links("https://nps.example.com", keys=["a secret that nobody can guess"])
    found = Program(survey=Survey("nps", product="Acme <&>"), links=links, **chosen | options)
    people = [
        Contact(id=f"c-{number}", addresses={"post": f"{number}"}, attributes={"plan": plan})
        for number in range(len(ratings))
    ]
    found.execute(found.plan(people, at=MONDAY), clock=lambda: MONDAY)
    messages = [entry.event.message for entry in found.store.entries(kinds=(Scheduled,))]
    for message, rating in zip(messages, ratings, strict=True):
        found.receive_answer(message.id, rating, at=MONDAY + HOUR, comment=comment)
    found.decide(at=MONDAY + 2 * HOUR)
    return found


class Tags(HTMLParser):
    """Checks that every tag that is opened is closed."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, text):
        super().__init__()
        self.open = []
        self.feed(text)

    def handle_starttag(self, tag, _attrs):
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_every_rating_has_its_bar():
    """The bars are as high as the answers are many, and their numbers are those of the answers."""
    text = page(answered([0, 0, 7, 10]), since=MONDAY, at=MONDAY + DAY)
    bars = re.findall(r'<div>(\d+)<span style="height:([\d.]+)rem;background:#\w+"></span>(\d+)</div>', text)
    assert [(int(number), int(rating)) for number, _, rating in bars] == [
        ({0: 2, 7: 1, 10: 1}.get(rating, 0), rating) for rating in range(11)
    ]
    assert [float(height) for _, height, _ in bars] == [3.5 * int(number) for number, _, _ in bars]


def test_no_text_of_anybody_becomes_markup():
    """Names, segments and comments are text, whatever stands in them."""
    hostile = '<script>alert("x")</script></table>'
    text = page(answered([3, 9], plan=hostile, comment=hostile), since=MONDAY, at=MONDAY + DAY)
    assert "<script" not in text
    assert text.count("&lt;script&gt;") == 3
    assert Tags(text).open == []


@pytest.mark.parametrize("written", ["slow \x1b[31m red", "a\x00b", "a\ud800b", "a\x9b2J\x85\u2028b"])
def test_nothing_that_people_write_hinders_the_page(written):
    """Names, segments and comments are printable in the page, which then goes into a file of UTF-8."""
    found = answered([3, 9], plan=written, comment=written, follow_up=every_detractor(owner=written))
    text = page(found, since=MONDAY, at=MONDAY + DAY)
    assert text.replace("\n", "").isprintable()
    assert text.encode()
    assert {each.comment for each in found.responses()} == {written}


def test_where_too_few_answered_the_section_says_so():
    """A section that cannot say anything says why; the page is a page all the same."""
    arms = Variants(Variant("a"), Variant("b"))
    text = page(answered([9], variants=arms), since=MONDAY, at=MONDAY + DAY)
    assert "survey must be one that was sent in two arms or more" in text
    assert Tags(text).open == []


def test_the_sections_are_those_of_the_program():
    """Segments for what is kept, the loop where there are policies, cases with their promises."""
    found = answered([2, 9], follow_up=every_detractor(owner="ann"))
    text = page(found, since=MONDAY, at=MONDAY + DAY)
    assert re.findall(r"<h2>(.*?)</h2>", text) == ["Answers", "By plan", "Closing the loop", "Cases", "Comments"]
    assert "1 opened, 0 closed, 0 overdue." in text
    assert "2026-06-03 09:00" in text
    found.cases.attempt("nps/summer/c-0/every-detractor", by="ann", at=MONDAY + 3 * HOUR)
    assert "2026-06-03 09:00" not in page(found, since=MONDAY, at=MONDAY + DAY)


@pytest.mark.parametrize(("plan", "shown"), [("paid", 1), (True, 1), (None, 1), (7, 0)])
def test_numbers_are_no_segments(plan, shown):
    """Answers are divided by names and flags; a number that is different for everybody divides nothing."""
    text = page(answered([9, 2], plan=plan), since=MONDAY, at=MONDAY + DAY)
    assert text.count("<h2>By plan</h2>") == shown


def test_a_page_of_nobody_says_so():
    """Without answers there are no segments and no comments."""
    text = page(answered([]), since=MONDAY, at=MONDAY + DAY)
    assert re.findall(r"<h2>(.*?)</h2>", text) == ["Cases"]
    assert "nobody answered" in text


def test_a_period_must_be_one():
    """The beginning is before the end."""
    with pytest.raises(InvalidArgument, match="since must be before at"):
        page(answered([9]), since=MONDAY, at=MONDAY)
