"""What a team reads each morning or each week: the score, the new answers, the cases, and comments worth reading."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from netpromoter._checks import count, line, refusal
from netpromoter._html import escape
from netpromoter.engine import Program
from netpromoter.errors import NoRatings
from netpromoter.model import Case, Message, Response, fingerprint, in_utc
from netpromoter.ratings import category
from netpromoter.stats import DesignScore, Score, compare

__all__ = ["MOMENT", "Digest", "digest"]

_MOST_GROUPS = 20
#: The shortest span that a ledger knows.
MOMENT = timedelta(microseconds=1)
_ORDER = {"detractor": 0, "promoter": 1, "passive": 2}
_CELL = 'style="padding:4px 12px 4px 0;text-align:left;vertical-align:top;border-bottom:1px solid #cccccc"'
_FONT = "font-family:Helvetica,Arial,sans-serif;font-size:14px;line-height:20px;color:#1a1a1a"


@attrs.frozen(kw_only=True, repr=False)
class Digest:
    """What has happened in a program since an instant; `digest` makes it.

    Parameters
    ----------
    name : str
        What the program asks about.
    since, at : datetime
        From when on, and until when; in UTC.
    score, before : Score or DesignScore, optional
        Of the answers of this period, and of the period of equal length before it; None where nobody answered.
    answers : tuple of Response
        Of each person the last one in this period, in the order of time. Never shown.
    opened, closed : tuple of Case
        The cases that were opened and that were closed in this period, as they stand at its end.
    due, overdue : tuple of Case
        The open cases whose next promise is still to be kept, and those in which one is late, the most urgent first.
    codes : dict of str to list of str
        What comments are about, by the ids of their answers.
    most : int
        How many comments are read out at most.
    """

    name: str
    since: datetime
    at: datetime
    score: Score | DesignScore | None
    before: Score | DesignScore | None
    answers: tuple[Response, ...] = attrs.field(repr=False)
    opened: tuple[Case, ...]
    closed: tuple[Case, ...]
    due: tuple[Case, ...]
    overdue: tuple[Case, ...]
    codes: dict[str, list[str]] = attrs.field(hash=False)
    most: int

    def __repr__(self) -> str:
        return f"Digest({self.subject})"

    def _repr_html_(self) -> str:
        return self.html

    @property
    def change(self) -> tuple[float, float, float] | None:
        """By how many points the score changed since the period before, and its 95% interval; None if it is unknown.

        Between two plain scores it is the score interval of `netpromoter.stats.compare`. Where a score is by design,
        what the intervals of both leave open is squared and added: the change is never more certain than either score,
        and certain only where both are a census.

        References
        ----------
        Donner, A. and Zou, G. Y. (2012). Closed-form confidence intervals for functions of the normal mean and standard
        deviation. *Statistical Methods in Medical Research* 21(4), 347-359 (MOVER).
        """
        if self.score is None or self.before is None:
            return None
        if isinstance(self.score, Score) and isinstance(self.before, Score):
            found = compare(self.before, self.score)
            return (found.value, *found.interval())
        return _by_design(self.before, self.score)

    @property
    def comments(self) -> tuple[Response, ...]:
        """The comments worth reading: of detractors first, then of promoters, then of passives, the longest first."""
        said = [each for each in self.answers if line(each.comment or "")]
        return tuple(sorted(said, key=_worth)[: self.most])

    @property
    def subject(self) -> str:
        """What stands over it, in one line."""
        parts = [f"{self.name}: {'nobody answered' if self.score is None else f'NPS {self.score.value:+.1f}'}"]
        parts.append(_many(len(self.answers), "new answer"))
        parts += [f"{_many(len(self.overdue), 'case')} overdue"] if self.overdue else []
        return line(", ".join(parts))

    def divides(self, name: str) -> bool:
        """Say whether an attribute that is kept divides the answers into groups: names or flags, and not too many."""
        values = {each.snapshot.get(name) for each in self.answers}
        return len(values) <= _MOST_GROUPS and all(value is None or isinstance(value, str | bool) for value in values)

    # -- as data -------------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values: numbers, texts, None, lists and dicts, with instants as ISO 8601."""
        change = None if self.change is None else dict(zip(("value", "low", "high"), self.change, strict=True))
        cases = {name: [_facts(each) for each in getattr(self, name)] for name in _CASES}
        period: dict[str, Any] = {"since": self.since.isoformat(), "at": self.at.isoformat()}
        score = {"score": _scored(self.score), "before": _scored(self.before), "change": change}
        return {"name": self.name} | period | score | cases | {"answers": len(self.answers), "comments": self.rows()}

    def rows(self) -> list[dict[str, Any]]:
        """Give the comments worth reading as plain dicts."""
        return [
            {
                "response": each.id,
                "contact": each.contact,
                "rating": each.rating,
                "comment": each.comment,
                "codes": self.codes.get(each.id, []),
            }
            for each in self.comments
        ]

    # -- as a letter ---------------------------------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """The letter as plain text."""
        lines = [self.subject, f"{_day(self.since)} to {_day(self.at)}, UTC", "", *self._said()]
        for title, rows in self._tables():
            lines += ["", title, *("  " + "  ".join(row) for row in rows)]
        return "\n".join(lines) + "\n"

    @property
    def html(self) -> str:
        """The letter as HTML that mail programs show: one column, styles inline, and nothing from elsewhere."""
        said = "".join(f"<p>{escape(line)}</p>" for line in self._said())
        tables = "".join(f"<h3>{escape(title)}</h3>{_table(rows)}" for title, rows in self._tables())
        period = f"<p>{_day(self.since)} to {_day(self.at)}, UTC</p>"
        return f'<div style="{_FONT}"><h2>{escape(self.subject)}</h2>{period}{said}{tables}</div>'

    def message(self, *, to: str, channel: str = "email") -> Message:
        """Give the letter as a message, which any channel carries: ``channel.send(digest.message(to=...))``.

        Parameters
        ----------
        to : str
            The address.
        channel : str, default "email"
            The name of the channel.

        Returns
        -------
        Message
            Its id is the same for the same period and address, so that a channel can tell a repetition.
        """
        return Message(
            survey=self.name,
            occasion=f"digest {self.since.isoformat()} {self.at.isoformat()}",
            contact=f"reader {fingerprint(to):x}",
            step=0,
            channel=channel,
            to=to,
            due=self.at,
            template="digest",
            subject=self.subject,
            text=self.text,
            html=f"<!DOCTYPE html><html><body>{self.html}</body></html>",
        )

    def _said(self) -> Iterator[str]:
        if self.score is not None:
            yield f"{self.score}"
        if self.change is not None:
            value, low, high = self.change
            yield f"Since the period before: {value:+.1f} points (95% CI {low:+.1f} to {high:+.1f})."
        yield f"{_many(len(self.opened), 'case')} opened, {len(self.closed):,} closed."

    def _tables(self) -> Iterator[tuple[str, list[list[str]]]]:
        for title, cases in (("Overdue", self.overdue), ("Due", self.due)):
            if cases:
                yield f"{title}: {_many(len(cases), 'case')}", [_printed(_line(each)) for each in cases]
        if self.comments:
            yield "Worth reading", [_printed(_quoted(each, self.codes.get(each.id, []))) for each in self.comments]


def _by_design(before: Score | DesignScore, after: Score | DesignScore) -> tuple[float, float, float]:
    """Give the difference of two scores, and its limits by MOVER."""
    value = after.value - before.value
    (low_before, high_before), (low_after, high_after) = before.interval(), after.interval()
    down = math.hypot(after.value - low_after, high_before - before.value)
    up = math.hypot(high_after - after.value, before.value - low_before)
    return value, max(-200.0, value - down), min(200.0, value + up)


_CASES = ("opened", "closed", "due", "overdue")


def digest(program: Program, *, at: datetime, since: datetime, comments: int = 10) -> Digest:
    """Gather what has happened in a program.

    Parameters
    ----------
    program : Program
        Of customers; what employees answer is released by their poll alone.
    at, since : datetime
        Until when, and after when, aware: what happened at the very end of one period is not in the next. Where the
        period before would begin before the year 1, there is none.
    comments : int, default 10
        How many comments are read out at most.

    Returns
    -------
    Digest

    Raises
    ------
    InvalidArgument
        If `since` is not before `at`, or an argument breaks its rule.

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
    >>> wave = program.plan([Contact(id="c-1", addresses={"post": "12 High Street"})], at=noon)
    >>> _ = program.execute(wave, clock=lambda: noon)
    >>> _ = program.receive_answer("nps/summer/c-1/0/0", 9, at=noon, comment="It just works.")
    >>> digest(program, at=noon + timedelta(hours=1), since=noon - timedelta(days=1))
    Digest(Acme: NPS +100.0, 1 new answer)
    """
    if not isinstance(program, Program):
        raise refusal("program", "a Program", program)
    since, at = in_utc("since", since), in_utc("at", at)  # where a day has 24 hours
    if since >= at:
        raise refusal("since", f"before at, {at}", since)
    cases, first = program.cases.as_of(at), since + MOMENT
    late = [each for each in cases if each.is_overdue(at)]
    waiting = [each for each in cases if each.due is not None and not each.is_overdue(at)]
    return Digest(
        name=program.survey.product or program.survey.key,
        since=since,
        at=at,
        score=_known(lambda: program.score(since=first, at=at)),
        before=_score_before(program, since, at),
        answers=tuple(program.responses(since=first, at=at)),
        opened=tuple(each for each in cases if each.opened.at > since),
        closed=tuple(each for each in cases if not each.is_open and (each.last("closed") or since) > since),
        due=tuple(sorted(waiting, key=_urgency)),
        overdue=tuple(sorted(late, key=_urgency)),
        codes=program.codes(),
        most=count("comments", comments),
    )


def _score_before(program: Program, since: datetime, at: datetime) -> Score | DesignScore | None:
    """Score the period of equal length before one."""
    try:
        first = since - (at - since) + MOMENT
    except OverflowError:  # it would begin before the year 1
        return None
    return _known(lambda: program.score(since=first, at=since))


def _known(score: Callable[[], Score | DesignScore]) -> Score | DesignScore | None:
    try:
        return score()
    except NoRatings:
        return None


def _worth(answer: Response) -> tuple[int, int, str]:
    return _ORDER[category(answer.rating)], -len(answer.comment or ""), answer.id


def _urgency(case: Case) -> tuple[Any, ...]:
    return case.due or case.opened.at, -case.opened.priority, case.id


# -- words -------------------------------------------------------------------------------------------------------------


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"


def _line(case: Case) -> list[str]:
    until = f"by {_day(case.due)}" if case.due else ""
    return [until, case.contact, f"gave {case.rating}", case.owner or "nobody's", case.status]


def _quoted(answer: Response, codes: Sequence[str]) -> list[str]:
    about = f" [{', '.join(codes)}]" if codes else ""
    return [f"{answer.rating}", answer.contact, f"{answer.comment}{about}"]


def _printed(cells: Iterable[str]) -> list[str]:
    """Make each cell one line that a mail can carry, whatever somebody has written or is called."""
    return [line(cell) for cell in cells]


def _table(rows: Iterable[Iterable[str]]) -> str:
    body = "".join("<tr>" + "".join(f"<td {_CELL}>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<table role="presentation" style="border-collapse:collapse;{_FONT}"><tbody>{body}</tbody></table>'


def _facts(case: Case) -> dict[str, Any]:
    stands = {"status": case.status, "owner": case.owner, "resolution": case.resolution}
    due = case.due and case.due.isoformat()
    return {"case": case.id, "contact": case.contact, "rating": case.rating, "due": due} | stands


def _scored(score: Score | DesignScore | None) -> dict[str, Any] | None:
    if score is None:
        return None
    low, high = score.interval()
    return {"value": score.value, "low": low, "high": high, "n": score.n}
