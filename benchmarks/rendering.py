"""Mail: rendering one against building the same mail by hand, and signing a link against a bare HMAC."""

import argparse
import hmac
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP

from timing import medians, row

from netpromoter.engine import Links, Templates, render
from netpromoter.model import Message, Survey
from netpromoter.wording import words

AT = datetime(2026, 6, 1, 8, tzinfo=UTC)
SURVEY = Survey("relationship", product="Acme")
LINKS = Links("https://nps.example.com", keys=["a secret that nobody can guess"])
TEMPLATES = Templates()


def messages(size):
    """Make messages to so many people, each with a name."""
    return [
        Message(
            survey="relationship",
            occasion="autumn",
            contact=f"c-{number}",
            step=0,
            channel="email",
            to=f"{number}@example.com",
            due=AT,
            snapshot={"name": f"Customer {number}"},
        )
        for number in range(size)
    ]


def rendered(each):
    """Render a message in English, from the templates of the package."""
    return render(each, SURVEY, words("en"), LINKS, templates=TEMPLATES, at=AT)


def by_hand(each):
    """Build the mail of a rendered message, as whoever sends it must do in any case."""
    mail = EmailMessage(policy=SMTP)
    mail["To"], mail["From"], mail["Subject"] = each.to, "care@example.com", each.subject
    for name, value in each.headers.items():
        mail[name] = value
    mail.set_content(each.text)
    mail.add_alternative(each.html, subtype="html")
    return mail.as_bytes()


def main():
    """Measure both on the same messages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    plain = messages(options.messages)
    ready = [rendered(each) for each in plain]
    ids = [each.id for each in plain]
    assert all(f"Customer {number}," in each.html for number, each in enumerate(ready))
    key, signed = b"k" * 32, b"answer\x00" + b"b" * 14
    runs = {
        "render": lambda: [rendered(each) for each in plain],
        "hand": lambda: [by_hand(each) for each in ready],
        "link": lambda: [LINKS.answer(each, 9, at=AT) for each in ids],
        "hmac": lambda: [hmac.digest(key, signed, "sha256") for _ in ids],
    }
    found = {name: seconds / len(plain) for name, seconds in medians(runs, rounds=options.rounds).items()}
    size = len(ready[0].html) + len(ready[0].text)
    row(
        f"rendering a mail with thirteen links, {size / 1e3:.0f} kB of text and HTML",
        f"{1 / found['render']:,.0f} a second",
        against=f"building the same `EmailMessage` by hand, {1 / found['hand']:,.0f} a second",
        ratio=f"{found['render'] / found['hand']:.2f}x",
        target="at most 1x",
    )
    row(
        "signing a link, with the reference to its message",
        f"{1e6 * found['link']:.0f} µs",
        against=f"one bare `hmac.digest`, {1e6 * found['hmac']:.1f} µs",
        ratio=f"{found['link'] / found['hmac']:.0f}x",
        target="",
    )


if __name__ == "__main__":
    main()
