"""Mails: what is written is what is read, and nothing else gets into the head."""

import email
import email.charset
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import getaddresses

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netpromoter._checks import harmless, spoken
from netpromoter.channels import OutboxChannel, SmtpChannel
from netpromoter.channels._address import address, sender
from netpromoter.channels._mail import letter
from netpromoter.channels._refused import Refused
from netpromoter.errors import InvalidArgument
from netpromoter.model import Message

HEAD = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted"]
ACME = sender("Acme <care@example.com>")
DUE = datetime(2026, 6, 1, 8, tzinfo=UTC)
#: What ends a line somewhere: in a mail, or in what Python or Unicode call a line.
BREAKS = ["\r\n", "\r", "\n", "\x00", "\x0b", "\x0c", "\x1b", "\x1c", "\x7f", "\x85", "\u2028", "\u2029", "\ud800"]
SMUGGLED = "Hi =?utf-8?q?a=0D=0ABcc=3A_eve=40example=2Ecom?="
SIGNS = st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp"))
LINES = st.text(SIGNS, min_size=1, max_size=200).filter(str.strip)
TEXTS = st.lists(st.text(SIGNS, max_size=120), min_size=1, max_size=12).map("\n".join).filter(str.strip)


def message(**more):
    given = {"to": "ann@example.com", "subject": "How likely?", "text": "Tell us.", **more}
    return Message(survey="nps", occasion="o", contact="c-1", step=0, channel="email", due=DUE, **given)


def written(made, by=ACME):
    return letter(made, by).data


def read(data):
    return email.message_from_bytes(data, policy=email.policy.default)


def names(data):
    """Give the names of the fields, as a reader finds them who does not decode anything."""
    head = data.partition(b"\r\n\r\n")[0]
    return [line.partition(b":")[0].decode() for line in head.split(b"\r\n") if line[:1] not in {b" ", b"\t"}]


def body(mail, kind):
    """Give the words of one kind, with what a mail adds at their end taken off."""
    return mail.get_body([kind]).get_content().replace("\r\n", "\n").rstrip("\n")


@settings(max_examples=40)
@given(subject=LINES, text=TEXTS, html=st.none() | TEXTS)
def test_what_is_written_is_read(subject, text, html):
    """Subject, text and HTML of every script come back, and the head has the fields that it must have."""
    data = written(message(subject=subject, text=text, html=html))
    mail = read(data)
    assert mail["Subject"] == subject or "=?" in subject
    assert body(mail, "plain") == text.rstrip("\n")
    assert html is None or body(mail, "html") == html.rstrip("\n")
    assert sorted(set(names(data)) - {"Content-Type", "Content-Transfer-Encoding", "MIME-Version"}) == sorted(HEAD)


@settings(max_examples=40)
@given(subject=LINES, text=TEXTS, html=st.none() | TEXTS, name=LINES)
def test_a_mail_passes_every_server(subject, text, html, name):
    """A mail is ASCII, its lines end with CR LF and nothing else, and none is longer than 998 characters."""
    data = written(message(subject=subject, text=text, html=html), attrs.evolve(ACME, name=name))
    assert data.isascii()
    assert b"\x00" not in data
    assert data.count(b"\r") == data.count(b"\n") == data.count(b"\r\n")
    assert max(map(len, data.split(b"\r\n"))) <= 998


def test_text_and_html_are_alternatives():
    """A mail with both says the same twice: the text first, for those who cannot show HTML."""
    mail = read(written(message(html="<p>Tell us.</p>")))
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert read(written(message(text=None, html="<p>Hi</p>"))).get_content_type() == "text/html"


def test_the_same_message_gives_the_same_bytes():
    """Nothing in a mail is random or of the moment, and another id gives another Message-ID."""
    one = message(html="<p>x</p>")
    assert written(one) == written(attrs.evolve(one))
    assert read(written(one))["Message-ID"] != read(written(attrs.evolve(one, attempt=1)))["Message-ID"]
    assert read(written(one))["Message-ID"].endswith("@example.com>")


def test_libraries_that_change_the_way_mail_is_encoded_change_nothing(monkeypatch):
    """Some set how UTF-8 is written for the whole process, as Apprise does."""
    one = message(subject="Müller", text="é" * 200)
    before = written(one, sender("Müller <care@example.com>"))
    monkeypatch.setitem(email.charset.CHARSETS, "utf-8", (email.charset.QP, email.charset.QP, "utf-8"))
    assert written(one, sender("Müller <care@example.com>")) == before


def test_the_date_is_when_it_was_due():
    """The field Date is the instant from which the message may leave."""
    assert read(written(message()))["Date"].datetime == DUE


def test_headers_of_the_message_are_written_as_they_are():
    """The links of RFC 8058 stay whole however long they are, and a mail may say itself how it was sent."""
    link = f"<https://example.com/{'u' * 400}>"
    headers = {"List-Unsubscribe": link, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click", "auto-submitted": "no"}
    data = written(message(headers=headers))
    assert f"\r\nList-Unsubscribe: {link}\r\n".encode() in data
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in data
    assert [name for name in names(data) if name.lower() == "auto-submitted"] == ["auto-submitted"]


def test_the_standard_library_is_not_trusted_with_subjects():
    """An encoded word that holds a line break is shown as it is written; if decoded, it would be a field of its own."""
    naive = EmailMessage(policy=email.policy.SMTP)
    naive["Subject"] = SMUGGLED
    data = written(message(subject=SMUGGLED))
    assert "Bcc" not in names(data)
    assert b"eve@" not in data
    assert email.header.decode_header(read_raw(data)["Subject"])[0][0].decode() == SMUGGLED


def read_raw(data):
    return email.message_from_bytes(data, policy=email.policy.compat32)


@pytest.mark.parametrize("sign", BREAKS)
def test_nothing_is_smuggled_into_the_head(sign):
    """Control characters and line breaks of every kind are refused in subjects, headers, addresses and senders."""
    smuggled = f"x{sign}Bcc: eve@example.com"
    for made in (
        message(subject=smuggled),
        message(headers={"X-One": smuggled}),
        message(headers={smuggled: "x"}),
        message(to=f"ann@example.com{sign}Bcc: eve@example.com"),
        message(to=f"a{sign}nn@example.com"),
    ):
        with pytest.raises(Refused) as refused:
            written(made)
        assert refused.value.permanent == (made.to != "ann@example.com")
    with pytest.raises(Refused):
        address(f"ann@example.com{sign}")
    for wrong in (f"Ac{sign}me <care@example.com>", f"care{sign}@example.com"):
        with pytest.raises(InvalidArgument, match=r"^sender must be an address such as "):
            sender(wrong)


@pytest.mark.parametrize(
    "name", ["Bcc", "to", "FROM", "Subject", "Content-Type", "Resent-To", "a b", "a:", "é", "x" * 61]
)
def test_headers_that_the_channel_writes_are_refused(name):
    """A message cannot add receivers, or fields that are there already, or what is no name."""
    with pytest.raises(Refused, match=r"^a header must have a name that mail allows"):
        written(message(headers={name: "x"}))


@pytest.mark.parametrize("value", ["é", "x" * 901])
def test_headers_are_short_and_ascii(value):
    """What would have to be encoded or folded is refused: a link would not survive it."""
    with pytest.raises(Refused, match=r"^the header X-One must be one line of up to 900 printable ASCII characters$"):
        written(message(headers={"X-One": value}))


def test_what_is_no_mail_is_refused():
    """A mail needs words, and words without control characters."""
    for made, reason in (
        (message(text=None), "the message has neither text nor HTML"),
        (message(text="\x00"), "the text must hold no control characters"),
        (message(html="\ud800"), "the HTML must hold no control characters"),
    ):
        with pytest.raises(Refused, match=f"^{reason}$") as refused:
            written(made)
        assert not refused.value.permanent


def test_a_mail_without_a_subject_has_none():
    """A subject that is not there is not made up."""
    assert "Subject" not in names(written(message(subject=None)))


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("ann@example.com", "ann@example.com"),
        ("a.b+c=d@sub.example.com", "a.b+c=d@sub.example.com"),
        ("a..b.@docomo.example", "a..b.@docomo.example"),
        ("ann@localhost", "ann@localhost"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("änn@bücher.example", "änn@xn--bcher-kva.example"),
        ("ann@例え.テスト", "ann@xn--r8jz45g.xn--zckzah"),
    ],
)
def test_addresses_are_read(text, spec):
    """An address is kept as it is, but for its domain, which is written as the name service has it."""
    found = address(text)
    assert found.spec == found.field == spec
    assert found.international == (not spec.isascii())


@pytest.mark.parametrize(
    "text",
    [
        *("ann", "@example.com", "ann@", "a b@example.com", "<ann@example.com>", "ann@example.com, eve@example.com"),
        *("ann@-a.example", "ann@a..b", "ann@a_b.example", "ann@example.com.", "+1 555 0100", '"a b"@example.com'),
        *(
            "ann@[127.0.0.1]",
            f"{'a' * 65}@example.com",
            f"ann@{'a' * 64}.example",
            f"ann@{'a.' * 125}com",
            "a\u200bb@x.y",
        ),
        *(
            "ann@straße.example",
            "ann@ς.example",
            "ann@STRA\u1e9eE.example",
            "ann@a\u200db.example",
            f"ann@{'é' * 64}.com",
        ),
    ],
)
def test_what_is_no_address_is_refused_for_ever(text):
    """What is no address will never be one; a domain that older rules write as another one is refused, not guessed."""
    with pytest.raises(Refused, match=r"^the address is not one that mail can be sent to$") as refused:
        address(text)
    assert refused.value.permanent
    assert text not in refused.value.reason


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("care@example.com", "care@example.com"),
        ("<care@example.com>", "care@example.com"),
        ("Acme <care@example.com>", "Acme <care@example.com>"),
        ('"Acme, Inc." <care@example.com>', '"Acme, Inc." <care@example.com>'),
        ("Acme, Inc. <care@example.com>", '"Acme, Inc." <care@example.com>'),
        ("Müller, Söhne <care@example.com>", "=?utf-8?b?TcO8bGxlciwgU8O2aG5l?= <care@example.com>"),
    ],
)
def test_senders_may_have_a_name(text, field):
    """A name is quoted or encoded where it must be, and its comma makes no second sender."""
    assert sender(text).field == field
    held = read_raw(written(message(), sender(text)))["From"]
    assert [spec for _, spec in getaddresses([held])] == ["care@example.com"]


@pytest.mark.parametrize("wrong", [b"care@example.com", "", "Acme", "Acme <care>", "a@b.c <d@e.f> g", None, 7])
def test_a_sender_is_an_address(wrong):
    """Both channels that write mail say it at once, when they are made."""
    for make in (lambda: OutboxChannel("x", sender=wrong), lambda: SmtpChannel("localhost", sender=wrong)):
        with pytest.raises(InvalidArgument, match=r'^sender must be an address such as "care@example.com" or "Acme '):
            make()


@given(st.text(st.characters(codec=None), max_size=300))
def test_what_services_say_is_made_harmless(text):
    """What is kept of an answer is one line of printable characters, at most 200, without addresses."""
    found = spoken(f"{text} <Ann.Smith@Example.com> {text}")
    assert found.isprintable()
    assert len(found) <= 200
    assert "@Example" not in found
    assert harmless(text).isprintable()


def test_bytes_that_are_no_text_are_shown_anyway():
    """An answer in an unknown encoding does not hide what is wrong."""
    assert spoken(b"no \xff\x1b[31m mailbox ann@example.com") == "no \ufffd\\x1b[31m mailbox (address)"


@pytest.mark.parametrize("address", ["+1 555 0100", "ann@example.com", "23456 acme d"])
def test_an_address_that_is_known_is_not_repeated(address):
    """Whoever knows whom a message was for drops that address too, of whatever kind it is."""
    assert spoken(f"cannot reach {address}!", address=address) == "cannot reach (address)!"
