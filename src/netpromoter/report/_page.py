"""A page that tells how a program stands, in one file that opens anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from netpromoter._html import DETRACTOR, PASSIVE, PROMOTER, bar, escape, table
from netpromoter.engine import Program, compare_arms
from netpromoter.errors import NetPromoterError
from netpromoter.ratings import category

from ._digest import MOMENT, Digest, digest

__all__ = ["page"]

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 Helvetica, Arial, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
table { border-collapse: collapse; margin: 0.5rem 0; } caption { padding-bottom: 0.3rem; }
th, td { padding: 0.25rem 1rem 0.25rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
.headline { font-size: 1.3rem; } .bars { display: flex; align-items: flex-end; gap: 4px; height: 10rem; }
.bars div { flex: 1; text-align: center; font-size: 0.8rem; }
.bars span { display: block; min-height: 1px; } .wide { overflow-x: auto; }
"""
_COLORS = {"promoter": PROMOTER, "passive": PASSIVE, "detractor": DETRACTOR}
_HEIGHT = 7.0


def page(program: Program, *, at: datetime, since: datetime) -> str:
    """Write a page about a program: score, answers, segments, arms, cases, what the loop achieved, and comments.

    Parameters
    ----------
    program : Program
        Of customers.
    at, since : datetime
        Until when, and from when on, aware.

    Returns
    -------
    str
        HTML in one piece: no scripts, and nothing from elsewhere.

    Raises
    ------
    InvalidArgument
        If `since` is not before `at`.

    Examples
    --------
    >>> from datetime import UTC, timedelta
    >>> from netpromoter.engine import Links
    >>> from netpromoter.model import Contact, Receipt, Survey
    >>> from netpromoter.plugins import open_store
    >>> from netpromoter.rules import Wave
    >>> class Postcard:
    ...     def send(self, message):
    ...         return Receipt.sent(message)
    >>> noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    >>> program = Program(
    ...     survey=Survey("nps", product="Acme"), store=open_store("memory:"), channels={"post": Postcard()},
    ...     links=Links("https://nps.example.com", keys=["a secret that nobody can guess"]),
    ...     cadence=Wave("summer"), rules=[],
    ... )
    >>> page(program, at=noon, since=noon - timedelta(days=1)).count("nobody answered")
    3
    """
    found = digest(program, at=at, since=since, comments=20)
    parts = [_headline(found), *(_section(title, make) for title, make in _sections(program, found))]
    title = escape(found.subject)
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    body = f"<body>{''.join(parts)}</body>"
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}<style>{_STYLE}</style></head>{body}</html>\n'


def _headline(found: Digest) -> str:
    period = f"{found.since:%Y-%m-%d %H:%M} to {found.at:%Y-%m-%d %H:%M} UTC"
    score = escape(str(found.score)) if found.score else "nobody answered"
    return f'<h1>{escape(found.subject)}</h1><p>{period}</p><p class="headline">{score}</p>'


def _sections(program: Program, found: Digest) -> Iterator[tuple[str, Callable[[], str]]]:
    if found.answers:
        yield "Answers", lambda: _distribution(found)
    if found.answers:
        for name in filter(found.divides, program.keep):
            yield f"By {name}", lambda name=name: _segments(program, found, name)  # type: ignore[misc]
    if program.variants is not None:
        yield "Arms", lambda: _shown(compare_arms(program.store.touches(), program.survey.key))
    if program.policies:
        yield "Closing the loop", lambda: _shown(program.loop(at=found.at, since=found.since))
    yield "Cases", lambda: _cases(found)
    if found.comments:
        yield "Comments", lambda: _comments(found)


def _section(title: str, make: Callable[[], str]) -> str:
    """Write a section, or why there is none: of few answers not everything can be said."""
    try:
        body = make()
    except NetPromoterError as problem:
        body = f"<p>{escape(str(problem))}</p>"
    return f'<h2>{escape(title)}</h2><div class="wide">{body}</div>'


def _distribution(found: Digest) -> str:
    counts = [sum(each.rating == rating for each in found.answers) for rating in range(11)]
    most = max(counts)
    columns = "".join(_column(rating, number, most) for rating, number in enumerate(counts))
    return f'<div class="bars">{columns}</div>'


def _column(rating: int, number: int, most: int) -> str:
    height, color = _HEIGHT * number / most, _COLORS[category(rating)]
    return f'<div>{number}<span style="height:{height:.2f}rem;background:{color}"></span>{rating}</div>'


def _segments(program: Program, found: Digest, name: str) -> str:
    scores = program.score_by(name, since=found.since + MOMENT, at=found.at)
    rows = []
    for key, score in sorted(scores.items(), key=lambda item: str(item[0])):
        low, high = score.interval()
        of = [each.rating for each in found.answers if each.snapshot.get(name) == key]
        groups = [sum(category(rating) == group for rating in of) for group in ("promoter", "passive", "detractor")]
        interval = f"{score.value:+.1f} ({low:+.1f} to {high:+.1f})"
        rows.append([escape(str(key)), interval, f"{score.n:,}", bar(*groups)])
    return table([escape(name), "NPS (95% CI)", "answers", "detractors, passives, promoters"], rows)


def _shown(value: Any) -> str:
    """Show a value as a notebook does."""
    return str(value._repr_html_())


def _cases(found: Digest) -> str:
    said = f"<p>{len(found.opened):,} opened, {len(found.closed):,} closed, {len(found.overdue):,} overdue.</p>"
    rows = [
        [
            escape(case.contact),
            str(case.rating),
            case.status,
            escape(case.owner or "nobody"),
            f"{case.due:%Y-%m-%d %H:%M}",
        ]
        for case in (*found.overdue, *found.due)
    ]
    return said + (table(["contact", "rating", "status", "owner", "promised (UTC)"], rows) if rows else "")


def _comments(found: Digest) -> str:
    rows = [
        [str(each.rating), escape(each.comment or ""), escape(", ".join(found.codes.get(each.id, [])))]
        for each in found.comments
    ]
    return table(["rating", "comment", "codes"], rows)
