"""What a message says, filled in just before it leaves."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import Any

import attrs

from netpromoter._checks import line, refusal
from netpromoter.model import Message, Survey
from netpromoter.wording import SLOTS, Words

from ._links import Links
from ._templates import Templates

__all__ = ["render"]

#: A name to greet by: nothing that a mail program makes into a link, such as t.co, nor an essay.
_NAME = re.compile(r"(?!.*[^\W_]\.[^\W_]{2})[^/:@<>]{1,60}")


def render(
    message: Message,
    survey: Survey,
    words: Words,
    links: Links,
    *,
    templates: Templates,
    at: datetime,
    smallest_group: int = 5,
) -> Message:
    """Fill in what a message says.

    Parameters
    ----------
    message : Message
        Of this survey. Its subject is a template too, if it has one.
    survey : Survey
        What is asked.
    words : Words
        In the language of the message.
    links : Links
        What makes its links.
    templates : Templates
        What it is made from.
    at : datetime
        From when its links are valid, with a time zone.
    smallest_group : int, default 5
        How many answers of employees a group must have to be shown, for those words that promise it.

    Returns
    -------
    Message
        The same, with subject, text and HTML, and with the headers by which mail programs offer to unsubscribe in one
        click (RFC 2369 and RFC 8058).

    Raises
    ------
    InvalidArgument
        If the message is of another survey, or a template goes wrong; the message names the template and the line, and
        shows nothing of the person.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from netpromoter.wording import words
    >>> at = datetime(2026, 6, 1, 8, tzinfo=UTC)
    >>> message = Message(
    ...     survey="relationship", occasion="autumn", contact="c-1", step=0, channel="email", to="ann@example.com",
    ...     due=at,
    ... )
    >>> links = Links("https://nps.example.com", keys=["a secret that nobody can guess"])
    >>> mail = render(
    ...     message, Survey("relationship", product="Acme"), words("en"), links, templates=Templates(), at=at
    ... )
    >>> mail.subject, mail.id == message.id
    ('One question about Acme', True)
    """
    if message.survey != survey.key:
        raise refusal("message", f"of the survey {survey.key!r}", message.survey)
    context = _context(message, survey, words, smallest_group) | _links_of(message, links, at)
    subject, text, html = templates.fill(message, context)
    headers = {
        **message.headers,
        "List-Unsubscribe": f"<{context['unsubscribe_url']}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    return attrs.evolve(message, subject=subject, text=text, html=html, headers=headers)


def _context(message: Message, survey: Survey, words: Words, smallest_group: int) -> dict[str, Any]:
    product = line(survey.product or "") or None
    name = _name(message.snapshot.get("name"))
    said = _said(words, product, smallest_group) | {"greeting": words.say("greeting", name=name)}
    return {
        "words": said,
        "question": said["question_employee" if message.kind == "employee" else "question"],
        "opening": said[("invitation", "reminder", "reminder_later")[min(message.step, 2)]],
        "product": product,
        "name": name,
        "locale": words.locale,
        "direction": words.direction,
        "survey": message.survey,
        "kind": message.kind,
        "step": message.step,
        "arm": message.arm,
        "snapshot": dict(message.snapshot),
    }


def _links_of(message: Message, links: Links, at: datetime) -> dict[str, Any]:
    """Make the links: templates see the URLs, never what signs them."""
    urls = links.ratings(message.id, at=at)
    return {
        "ratings": [{"rating": rating, "url": url} for rating, url in enumerate(urls)],
        "answer_url": urls[0].partition("?")[0],
        "unsubscribe_url": links.unsubscribe(message.id, at=at),
        "view_url": links.view(message.id, at=at),
    }


@lru_cache(maxsize=256)
def _said(words: Words, product: str | None, minimum: int) -> dict[str, str]:
    return {slot: words.say(slot, product=product, minimum=minimum) for slot in SLOTS}


def _name(value: Any) -> str | None:
    name = line(value) if isinstance(value, str) else ""
    return name if _NAME.fullmatch(name) else None
