"""Mail: complete, safe whatever it is filled with, and made from the most particular template there is."""

import re
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from html.parser import HTMLParser
from itertools import product
from urllib.parse import parse_qs, urlsplit

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netpromoter import _checks
from netpromoter.engine._links import Links
from netpromoter.engine._render import render
from netpromoter.engine._templates import Templates
from netpromoter.errors import InvalidArgument, MissingDependency
from netpromoter.model import Message, Survey, to_dict
from netpromoter.rules import Policy, Reminders, Variant, Variants, Wave
from netpromoter.wording import words
from strategies import TEXTS, messages

AT = datetime(2026, 6, 1, 8, tzinfo=UTC)
LINKS = Links("https://nps.example.com", keys=["a secret that nobody can guess"])
ACME = Survey("relationship", product="Acme")
OURS = Templates()
LOUD = Templates({"invitation.txt": "x", "invitation.subject": "<{{ snapshot.x }}>&\n\n.html"})
ENGLISH = words("en")
HOSTILE = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>'",
    "{{ 7 * 7 }} {% raw %} {7}",
    "Acme\r\nBcc: everybody@example.com",
    "A\u2028B\x85C\x0bD\x00E",
    "\ud83d half",
    "& &amp; &lt;",
]
HARMLESS = {"html", "head", "meta", "title", "body", "table", "tr", "td", "p", "div", "a", "b"}
VOID = {"meta", "img", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """A page read strictly: each element is closed, in order."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.elements, self.words, self.comments = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        """Open an element, whose attributes are named once."""
        assert len(dict(attributes)) == len(attributes)
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        """Close the element that was opened last."""
        assert self.open.pop() == tag

    def handle_data(self, data):
        """Keep the words."""
        self.words.append(data)

    def handle_comment(self, data):
        """Keep the comments."""
        self.comments.append(data)

    @property
    def text(self):
        """The words, with single spaces."""
        return " ".join(" ".join(self.words).split())

    def attributes(self, name):
        """Give the values of an attribute, wherever it stands."""
        return [held[name] for _, held in self.elements if name in held]


def message(**changes):
    """Make a message of the relationship survey."""
    given_ = {"survey": "relationship", "occasion": "autumn", "contact": "c-1", "step": 0, "channel": "email"}
    return Message(**{**given_, "to": "ann@example.com", "due": AT, **changes})


def rendered(source=None, *, survey=ACME, said=ENGLISH, **changes):
    """Render a message from templates."""
    templates = OURS if source is None else Templates(source)
    return render(message(**changes), survey, said, LINKS, templates=templates, at=AT)


def pair(stem, text, **others):
    """Give the text and the HTML of one template."""
    return {f"{stem}.txt": text, f"{stem}.html": text, **others}


def styles(page):
    """Give each style as a mapping."""
    for held in page.attributes("style"):
        yield dict(part.strip().split(":", 1) for part in held.split(";") if part.strip())


def luminance(color):
    """Compute the relative luminance of a color, as WCAG 2.2 defines it."""
    shares = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """Compute the contrast of two colors, as WCAG 2.2 defines it."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    ("step", "direction", "kind"), list(product(range(4), ("ltr", "rtl"), ("relationship", "employee")))
)
def test_the_default_mail_is_complete(step, direction, kind):
    """It asks the question of the survey, names both ends, and has eleven links and a way out, as text and as HTML."""
    survey, said = Survey("relationship", kind=kind, product="Acme"), attrs.evolve(ENGLISH, direction=direction)
    mail = rendered(survey=survey, said=said, step=step, kind=kind, template="reminder" if step else "invitation")
    page = Page(mail.html)
    question = said.say("question_employee" if kind == "employee" else "question", product="Acme")
    opening = said.say(["invitation", "reminder", "reminder_later", "reminder_later"][step])
    for text in (page.text, " ".join(mail.text.split())):
        assert all(each in text for each in (question, opening, said.say("lowest"), said.say("highest"), "Hello,"))
    links = [*LINKS.ratings(mail.id, at=AT), LINKS.unsubscribe(mail.id, at=AT)]
    assert page.attributes("href") == links
    assert re.findall(r"https?://[^\s)]+", mail.text) == links
    assert page.elements[0] == ("html", {"lang": "en", "dir": direction})
    assert mail.subject == said.say("subject_reminder" if step else "subject", product="Acme")


def test_each_link_is_for_its_purpose():
    """The scores answer, each with its rating, and the way out unsubscribes; none does the other's work."""
    mail = rendered()
    *answers, way_out = map(urlsplit, Page(mail.html).attributes("href"))
    assert [parse_qs(each.query) for each in answers] == [{"rating": [str(rating)]} for rating in range(11)]
    for purpose, links in (("answer", answers), ("unsubscribe", [way_out])):
        for each in links:
            _, named, token = each.path.split("/")
            assert named == purpose
            assert LINKS.read(token, purpose, at=AT).value == LINKS.reference(mail.id)


def test_the_heads_offer_one_click():
    """RFC 8058: the link in angle brackets, and what is posted; other headers stay."""
    assert rendered(headers={"X-Campaign": "autumn"}).headers == {
        "X-Campaign": "autumn",
        "List-Unsubscribe": f"<{LINKS.unsubscribe(message().id, at=AT)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def test_nothing_is_fetched_or_run():
    """The mail has no image, script, style sheet or form, and no address but its links."""
    mail = rendered()
    page = Page(mail.html)
    assert {tag for tag, _ in page.elements} <= {
        "html",
        "head",
        "meta",
        "title",
        "body",
        "table",
        "tr",
        "td",
        "p",
        "div",
        "a",
        "b",
    }
    assert not re.search(r"url\(|@import|@media|<style|javascript:", mail.html)
    assert not [name for _, held in page.elements for name in held if name in {"src", "background", "srcset"}]
    assert set(re.findall(r"https?://[^\s\"<>/]+", mail.html)) == {"https://nps.example.com"}
    assert all(re.match(r"\[if mso\]|\[endif\]", each) or each.startswith("[if mso]>") for each in page.comments)


def test_it_is_small():
    """Gmail cuts a mail at 102 kB; this one, the longest product and name included, is a tenth of it."""
    mail = rendered(survey=Survey("relationship", product="P" * 200), snapshot={"name": "N" * 60})
    assert len(mail.html.encode()) < 12_000
    assert len(mail.text.encode()) < 3_000


def test_it_fits_a_narrow_screen():
    """No fixed width is above what 320 pixels leave, and each score is a target of 44 pixels."""
    page = Page(rendered().html)
    fixed = [held["width"] for held in styles(page) if "width" in held]
    assert fixed == ["44px"] * 11
    assert all(width.endswith("%") for width in page.attributes("width"))
    targets = [held for held in styles(page) if held.get("width") == "44px"]
    assert all((held["line-height"], held["display"]) == ("44px", "block") for held in targets)
    assert all(int(held["max-width"].removesuffix("px")) <= 600 for held in styles(page) if "max-width" in held)


def test_colors_have_contrast_in_light_and_in_dark():
    """Text on its own ground passes AA; what has no ground of its own takes the color of the client."""
    pairs = {(held.get("color"), held.get("background-color")) for held in styles(Page(rendered().html))} - {
        (None, None)
    }
    assert pairs == {("#ffffff", "#1d66be"), (None, "#1d66be"), ("inherit", None)}
    assert contrast("#ffffff", "#1d66be") >= 4.5
    assert all(contrast("#1d66be", ground) >= 3 for ground in ("#ffffff", "#121212"))
    schemes = [held["content"] for _, held in Page(rendered().html).elements if "color-scheme" in held.get("name", "")]
    assert schemes == ["light dark", "light dark"]


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_words_are_words(value):
    """Whatever a product or a name contains is text, never markup, another header or a template."""
    mail = rendered(survey=Survey("relationship", product=value), snapshot={"name": value}, step=0)
    shown = " ".join(re.sub("[\x00-\x1f\x7f-\x9f\u2028]", " ", value).replace("\ud83d", "\ufffd").split())
    page = Page(mail.html)
    assert ENGLISH.say("question", product=shown) in page.text
    assert {tag for tag, _ in page.elements} == {tag for tag, _ in Page(rendered().html).elements}
    assert mail.subject == ENGLISH.say("subject", product=shown)
    assert ENGLISH.say("question", product=shown) in mail.text


@settings(deadline=None)
@given(messages(kinds=st.just("relationship")), TEXTS, st.dictionaries(st.just("name"), TEXTS))
def test_any_message_is_rendered_so_that_mail_can_carry_it(base, product_, snapshot):
    """The subject is one line, the parts are what a mail may hold, and the message is otherwise the same."""
    base = attrs.evolve(base, template="reminder", subject=None, snapshot=snapshot)
    survey = Survey(base.survey, product=product_)
    mail = render(base, survey, words(base.locale), LINKS, templates=OURS, at=AT)
    carried = EmailMessage()
    carried["Subject"], carried["List-Unsubscribe"] = mail.subject, mail.headers["List-Unsubscribe"]
    carried.set_content(mail.text)
    carried.add_alternative(mail.html, subtype="html")
    assert carried.as_bytes()
    assert len(mail.subject.splitlines()) == 1
    assert attrs.evolve(mail, subject=None, text=None, html=None, headers={}) == base
    assert Page(mail.html).attributes("href")


def test_what_is_filled_in_is_not_stored_or_shown():
    """Text, HTML and headers stay out of the log and of what is printed."""
    mail = rendered(snapshot={"name": "Ann"})
    assert {"text", "html", "headers"} & set(to_dict(mail)) == set()
    assert "Hello Ann" in mail.text
    assert "Hello" not in repr(mail)


@pytest.mark.parametrize(
    ("name", "greeting"),
    [
        ("Ann", "Hello Ann,"),
        ('Ann\r\n O\'Neil-Łoś "Q"', 'Hello Ann O\'Neil-Łoś "Q",'),
        ("see https://evil.example", "Hello,"),
        ("a@b.example", "Hello,"),
        ("www.evil.example", "Hello,"),
        ("Ann evil.example now", "Hello,"),
        ("пример.рф", "Hello,"),
        ("t.co", "Hello,"),
        ("J. R. O'Neil Jr.", "Hello J. R. O'Neil Jr.,"),
        ("J.R. O'Neil", "Hello J.R. O'Neil,"),
        ("x" * 61, "Hello,"),
        ("<b>", "Hello,"),
        ("\x00", "Hello,"),
        (7, "Hello,"),
        (None, "Hello,"),
    ],
)
def test_a_person_is_greeted_by_a_name_alone(name, greeting):
    """What would become a link, or is no name, is left out."""
    assert greeting in Page(rendered(snapshot={"name": name}).html).words
    assert rendered(snapshot={"name": name}).text.startswith(f"{greeting}\n")


def test_a_survey_without_a_product_asks_about_us():
    """The question does without the name."""
    mail = rendered(survey=Survey("relationship"))
    assert "recommend us to" in mail.text
    assert mail.subject == "One question for you"


STEMS = [
    f"{place}invitation{arm}{tongue}"
    for place in ("relationship/", "")
    for arm in (".bold", "")
    for tongue in (".pt-BR", ".pt", "", ".en")
]


@given(st.sets(st.sampled_from(STEMS)))
@settings(deadline=None, max_examples=30)
def test_the_most_particular_text_is_taken(there):
    """Of those that exist, the first in the documented order: survey before arm before language."""
    source = {key: value for stem in there for key, value in pair(stem, stem).items()}
    expected = next((stem for stem in STEMS if stem in there), "netpromoter:invitation")
    assert Templates(source).find("invitation", survey="relationship", arm="bold", locale="pt_BR") == expected
    mail = rendered(source, arm="bold", locale="pt-br")
    assert (mail.text == expected) == (mail.html == expected) == bool(there)


def test_what_is_of_others_is_not_taken():
    """Another survey, arm or language has its own."""
    others = [
        "other/invitation",
        "invitation.plain",
        "invitation.de",
        "reminder",
        "relationship/reminder",
        "Invitation2",
    ]
    templates = Templates({key: value for stem in others for key, value in pair(stem, "x").items()})
    assert templates.find("invitation", survey="relationship", arm="bold", locale="pt") == "netpromoter:invitation"
    assert Templates({"INVITATION.PT-br.txt": "x"}).find("invitation", survey="a", locale="pt-BR") == "INVITATION.PT-br"


def test_the_language_of_a_text_is_told():
    """`locale` is what the name of the text says, else that of the words."""
    source = pair("invitation.de", "{{ locale }}") | pair("invitation", "{{ locale }}")
    assert [rendered(source, locale=locale).text for locale in ("de-AT", "fr", None)] == ["de", "en", "en"]


def test_a_text_alone_is_plain_mail():
    """Where the text stands there is no HTML from elsewhere."""
    mail = rendered({"invitation.txt": "Rate us: {{ answer_url }} {{ view_url }}"})
    assert mail.html is None
    assert mail.text == f"Rate us: {LINKS.answer(mail.id, at=AT)} {LINKS.view(mail.id, at=AT)}"


def test_subjects_are_looked_up_by_themselves():
    """That of the message goes first, then that of a file, then ours: also for a template that is not ours."""
    source = {"invitation.bold.subject": "File for {{ product }}", "pitch.txt": "x"}
    assert rendered(source, subject="Hers, {{ name }}", snapshot={"name": "Ann"}, arm="bold").subject == "Hers, Ann"
    assert rendered(source, arm="bold").subject == "File for Acme"
    assert rendered(source, arm="plain").subject == "One question about Acme"
    assert rendered(source, template="pitch").subject == "One question about Acme"
    assert rendered(source, template="pitch", step=1).subject == "Reminder: one question about Acme"


@given(st.text(st.characters(codec=None), max_size=20))
def test_a_subject_is_one_line_and_not_html(value):
    """No line break gets through, and nothing is escaped."""
    mail = render(message(snapshot={"x": value}), ACME, ENGLISH, LINKS, templates=LOUD, at=AT)
    assert len(mail.subject.splitlines()) == 1
    assert mail.subject.startswith("<")
    assert mail.subject.endswith(">& .html")


def test_a_subject_that_looks_like_a_file_is_not_html():
    """What a subject ends in does not make it escaped."""
    assert rendered(subject="{{ product }}.html", survey=Survey("relationship", product="R&D")).subject == "R&D.html"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{{ ''.__class__ }}", r"access to attribute '__class__' of 'str' object is unsafe"),
        ("{{ words.__init__ }}", "is unsafe"),
        ("{{ ratings.append(1) }}", "is unsafe|not safely callable"),
        ("{{ snapshot.nme }}", r"'dict object' has no attribute 'nme'"),
        ("{{ arm }}", r"a value that is printed is None"),
        ("\n{{ 1 / 0 }}", r"a ZeroDivisionError"),
        ("{{ snapshot.age | int + 'x' }}", r"a TypeError"),
        ("{{ range(1000000) | list }}", "a OverflowError"),
    ],
)
@pytest.mark.parametrize("kind", ["txt", "html", "subject"])
def test_a_template_that_goes_wrong_is_named(text, complaint, kind):
    """The message says which template, which line and what, and shows nothing of the person."""
    source = {"invitation.txt": "", f"invitation.{kind}": text}
    with pytest.raises(InvalidArgument, match=complaint) as caught:
        rendered(source, snapshot={"age": "secret"})
    line = 1 + text.count("\n")
    rule = f"line {line} of template 'invitation.{kind}' must be such that it can be filled (got "
    assert str(caught.value).startswith(rule)
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_the_template_that_goes_wrong_is_the_one_that_is_used():
    """Where one template uses another, the fault is told where it is."""
    source = {"invitation.txt": "{% include 'part.txt' %}", "part.txt": "\n\n{{ snapshot.x }}"}
    with pytest.raises(InvalidArgument, match=r"^line 3 of template 'part\.txt' must be such that it can be filled"):
        rendered(source)
    with pytest.raises(InvalidArgument, match=r"^line 1 of subject must be such that it can be filled"):
        rendered(subject="{{ snapshot.x }}")


@pytest.mark.parametrize(
    ("source", "words_"),
    [
        (
            {"invitation.txt": "{{ prodcut }}"},
            r"template 'invitation.txt' must be free of variables that do not exist \(got 'prodcut'\)",
        ),
        ({"invitation.txt": "\n{% if %}"}, "line 2 of template 'invitation.txt' must be Jinja"),
        (
            {"invitation.txt": "\n{{ product|shout }}"},
            r"line 2 of template 'invitation.txt' must be Jinja \(got \"No filter named 'shout'.\"\)",
        ),
        ({"invitation.txt": "{{ product is loud }}"}, "line 1 of template 'invitation.txt' must be Jinja"),
        (
            {"invitation.txt": "{% include 'x.txt' %}"},
            r"source must be free of templates that do not exist \(got 'x.txt'\)",
        ),
        (
            {"invitation.html": "x"},
            r"source must be complete: a text must stand beside each HTML \(got 'invitation.html'\)",
        ),
        (
            {"a.subject": "Hi {name}"},
            r"template 'a.subject' must be written with double braces, as in .* \(got '\{name\}'\)",
        ),
        (
            {"invitation.md": "x"},
            r"source must be a mapping of names that end in .html, .txt, .subject to texts \(got 'invi",
        ),
        ({"netpromoter:mail.txt": "x"}, r"source must be a mapping of names that end"),
        ({"invitation.txt": 7}, r"source must be a mapping of names that end"),
        ({7: "x"}, r"source must be a mapping of names that end"),
        (7, r"source must be a folder, or a mapping of names to texts \(got 7\)"),
        ("nonesuch", r"source must be a folder that exists \(got 'nonesuch'\)"),
    ],
)
def test_wrong_templates_are_refused_at_once(source, words_):
    """Before any message is rendered."""
    with pytest.raises(InvalidArgument, match=f"^{words_}"):
        Templates(source)


def test_what_a_template_declares_it_may_use():
    """Its own variables, macros and imports count, in blocks too, and templates may be named at run time."""
    source = {
        "own.txt": "{% macro shout(text) %}{{ text | upper }}!{% endmacro %}",
        "invitation.txt": """{% extends "netpromoter:mail.txt" %}
{% from "own.txt" import shout as loud %}{% from "own.txt" import shout %}{% import "own.txt" as own %}
{% set greeting = words.greeting %}
{% block content %}{% for each in ratings %}{{ each.rating }}{% endfor %}
{{ loud(greeting) }}{{ own.shout("x") }}{{ shout("y") }}{% include [snapshot.part] ignore missing %}{% endblock %}""",
    }
    text = rendered(source, snapshot={"part": "nonesuch.txt"}).text
    assert text.startswith("012345678910\nHELLO,!X!Y!")
    assert "Unsubscribe" in text


def test_html_is_escaped_and_text_is_not():
    """Whatever the template."""
    mail = rendered(pair("invitation", "{{ snapshot.x }}"), snapshot={"x": "<b>&"})
    assert (mail.text, mail.html) == ("<b>&", "&lt;b&gt;&amp;")


def test_a_folder_is_read_once(tmp_path):
    """Subfolders are surveys, other files are not looked at, and what changes later does not count."""
    (tmp_path / "relationship").mkdir()
    (tmp_path / "relationship" / "invitation.txt").write_text("Grüße", encoding="utf-8")
    (tmp_path / "README.md").write_text("{% if %}", encoding="utf-8")
    templates = Templates(tmp_path)
    (tmp_path / "relationship" / "invitation.txt").write_text("changed", encoding="utf-8")
    assert render(message(), ACME, ENGLISH, LINKS, templates=templates, at=AT).text == "Grüße"
    assert templates == Templates({"relationship/invitation.txt": "Grüße"}) != Templates(str(tmp_path))
    assert repr(templates) == "Templates(1 of one's own)"
    assert hash(templates) == hash(Templates({"relationship/invitation.txt": "Grüße"}))


def policy(*arms, **options):
    """Make a policy with a test of variants."""
    return Policy(survey=ACME, cadence=Wave("autumn"), variants=Variants(*arms) if arms else None, **options)


def test_a_policy_is_checked_before_anybody_is_asked():
    """Variants and reminders must name what there is."""
    templates = Templates({"bold.txt": "x"})
    good = Variant("plain", subject="About {{ product }}"), Variant("bold", template="bold")
    assert templates.check(policy(*good)) is None
    assert templates.check(policy(reminders=None)) is None
    for wrong, complaint in [
        (policy(good[0], Variant("b", template="blod")), "^template must be one that there is, .* 'blod'"),
        (policy(reminders=Reminders(after=timedelta(3), templates="nudge")), "^template must be one that there is"),
        (
            policy(good[0], Variant("b", subject="{{ prodcut }}")),
            "^subject must be free of variables that do not exist",
        ),
        (policy(good[0], Variant("b", subject="A question, {name}")), r"^subject must be written with double braces"),
        (policy(good[0], Variant("b", subject="{{ product")), "^line 1 of subject must be Jinja"),
    ]:
        with pytest.raises(InvalidArgument, match=complaint):
            templates.check(wrong)


def test_a_template_or_subject_that_does_not_work_is_refused_when_it_is_used():
    """Also where nobody checked before."""
    with pytest.raises(InvalidArgument, match=r"^template must be one that there is, .* \(got 'nudge'\)$"):
        rendered(template="nudge")
    with pytest.raises(InvalidArgument, match=r"^subject must be free of variables that do not exist \(got 'who'\)$"):
        rendered(subject="{{ who }}")
    with pytest.raises(InvalidArgument, match=r"^subject must be text that is not blank"):
        rendered(subject="{% if arm %}x{% endif %}")


def test_a_message_of_another_survey_is_refused():
    """The message names both."""
    with pytest.raises(InvalidArgument, match=r"^message must be of the survey 'relationship' \(got 'other'\)$"):
        render(message(survey="other"), ACME, ENGLISH, LINKS, templates=OURS, at=AT)


def test_templates_know_no_keys():
    """What is secret is not among the variables."""
    seen = {}
    render(message(), ACME, ENGLISH, LINKS, templates=Spy(seen), at=AT)
    assert "secret" not in repr(seen)
    assert not any(isinstance(each, Links | Message) for each in seen.values())


@attrs.frozen
class Spy:
    """Templates that note what they are filled with."""

    seen: dict

    def fill(self, _, context):
        """Note what there is, and fill nothing."""
        self.seen.update(context)
        return "subject", "text", None


def test_jinja_is_asked_for_where_it_is_missing(monkeypatch):
    """The message names the extra."""

    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(_checks.importlib, "import_module", missing)
    with pytest.raises(MissingDependency, match=r"^Templates needs jinja2: install netpromoter\[program\]$"):
        Templates()
