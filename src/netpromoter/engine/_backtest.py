"""What a follow-up policy would have asked of everybody, day by day, had it been switched on before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeAlias, get_args

import attrs

from netpromoter._checks import refusal
from netpromoter._html import escape, table
from netpromoter.frames import Library, frame
from netpromoter.model import CaseMoved, CaseOpened, FollowUpDecision, Response, Value
from netpromoter.rules import Decision, Decisions, FollowUp, Load, decide

from ._known import Known

__all__ = ["Backtest", "backtest"]

_Facts: TypeAlias = Mapping[str, Mapping[str, Value]]
_Values: TypeAlias = Mapping[str, Collection[Value]]
_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)
_DECISIONS: Sequence[FollowUpDecision] = get_args(FollowUpDecision)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Backtest:
    """What a follow-up policy would have decided about past answers; `backtest` makes one.

    Parameters
    ----------
    policy : FollowUp
        Which policy.
    decisions : tuple of Decision
        One for each answer, day by day.
    """

    policy: FollowUp
    decisions: tuple[Decision, ...]

    def __repr__(self) -> str:
        days = self._days
        when = f"{days[0]} to {days[-1]}: " if days else ""
        peak = max(self._per_day.values(), default=0)
        return (
            f"Backtest({self.policy.name} {self.policy.version}, {when}{len(self.decisions):,} answers, "
            f"{len(self.cases):,} cases, {peak:,} a day at most, {len(self.unowned):,} without owner)"
        )

    def _repr_html_(self) -> str:
        rows = [[escape(decision), f"{number:,}"] for decision, number in self.counts.items()]
        rows += [[escape(f"cases of {owner}"), f"{number:,}"] for owner, number in self.owners.items()]
        rows.append(["cases of nobody", f"{len(self.unowned):,}"])
        return table(["", "number"], rows, caption=escape(repr(self)))

    @property
    def counts(self) -> dict[FollowUpDecision, int]:
        """How many answers there are of each decision."""
        return _counted(self.decisions)

    @property
    def cases(self) -> tuple[Decision, ...]:
        """The decisions that would have opened a case."""
        return tuple(each for each in self.decisions if each.decision == "selected")

    @property
    def unowned(self) -> tuple[Decision, ...]:
        """The cases that nobody would have got; the reason of each says why."""
        return tuple(each for each in self.cases if each.owner is None)

    @property
    def owners(self) -> dict[str, int]:
        """How many cases each owner would have got, those with the most first."""
        return dict(Counter(each.owner for each in self.cases if each.owner is not None).most_common())

    @property
    def peak_day(self) -> date | None:
        """The first of the days with the most cases; None if there are none."""
        per_day = self._per_day
        return min(per_day, key=lambda day: (-per_day[day], day)) if per_day else None

    @property
    def _per_day(self) -> Counter[date]:
        return Counter(map(self._day, self.cases))

    def _day(self, decision: Decision) -> date:
        return decision.at.astimezone(self.policy.zone).date()

    @property
    def _days(self) -> list[date]:
        """Every day from the first decision to the last."""
        decided = {self._day(each) for each in self.decisions}
        if not decided:
            return []
        first, last = min(decided), max(decided)
        return [first + _DAY * number for number in range((last - first).days + 1)]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Give each day as a plain dict: its answers, the decisions on them, and the cases that nobody gets."""
        by_day: dict[date, list[Decision]] = {day: [] for day in self._days}
        for each in self.decisions:
            by_day[self._day(each)].append(each)
        for day, made in by_day.items():
            counts = {decision.replace(" ", "_"): number for decision, number in _counted(made).items()}
            nobody = sum(each.decision == "selected" and each.owner is None for each in made)
            yield {"day": day.isoformat(), "answers": len(made), **counts, "without_owner": nobody}

    def owner_rows(self) -> Iterator[dict[str, Any]]:
        """Give the cases of each owner on each day on which they would have got any; those of None are nobody's."""
        found = Counter((self._day(each), each.owner) for each in self.cases)
        for (day, owner), number in sorted(found.items(), key=lambda item: (item[0][0], item[0][1] or "")):
            yield {"day": day.isoformat(), "owner": owner, "cases": number}

    def to_frame(self, library: Library) -> Any:
        """Give the rows as a dataframe.

        Parameters
        ----------
        library : {"pandas", "polars", "pyarrow"}
            Of which library.

        Returns
        -------
        dataframe
            One row for each day.
        """
        rows = list(self.rows())
        names = ("answers", *(decision.replace(" ", "_") for decision in _DECISIONS), "without_owner")
        types = {"day": str, **dict.fromkeys(names, int)}
        return frame({name: [row[name] for row in rows] for name in types}, types, library)


def _counted(decisions: Iterable[Decision]) -> dict[FollowUpDecision, int]:
    found = Counter(each.decision for each in decisions)
    return {decision: found[decision] for decision in _DECISIONS}


def backtest(
    policy: FollowUp,
    responses: Iterable[Response],
    *,
    load: Load | None = None,
    facts: _Facts | None = None,
    known: Collection[str] | _Values = (),
) -> Backtest:
    """Try a follow-up policy on past answers, before it is switched on.

    It decides at the end of each day of the policy's time zone on the answers of that day. A case counts as open until
    the last of its promises falls due, or until the end of its day if nothing is promised.

    Parameters
    ----------
    policy : FollowUp
        Which policy.
    responses : iterable of Response
        The answers, in any order.
    load : Load, optional
        What was under way before the first of them.
    facts, known
        As in `netpromoter.rules.decide`.

    Returns
    -------
    Backtest

    Raises
    ------
    InvalidArgument
        As in `netpromoter.rules.decide`: a policy is refused if it can read no value of a field in all the answers, and
        not for a day on which it can read none.

    Examples
    --------
    >>> from netpromoter.rules import field
    >>> noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    >>> answers = [
    ...     Response(survey="nps", occasion="1", contact=f"c-{n}", rating=n, at=noon + n * timedelta(hours=5))
    ...     for n in range(11)
    ... ]
    >>> tried = backtest(FollowUp(field("rating") <= 6, owner="ann"), answers)
    >>> tried
    Backtest(follow-up 1, 2026-06-01 to 2026-06-03: 11 answers, 7 cases, 4 a day at most, 0 without owner)
    >>> [(row["day"], row["cases"]) for row in tried.owner_rows()]
    [('2026-06-01', 3), ('2026-06-02', 4)]
    """
    answers = list(responses)
    if not all(isinstance(each, Response) for each in answers):
        raise refusal("responses", "made of Response", answers)
    seen = _seen(answers, facts or {}, known)
    if answers:
        policy.check(seen)
    run = _Run(policy, Load() if load is None else load, facts or {}, seen)
    days: dict[date, list[Response]] = {}
    for each in answers:
        days.setdefault(each.at.astimezone(policy.zone).date(), []).append(each)
    made = [run.decide(days[day], _end(day, policy)) for day in sorted(days)]
    return Backtest(policy=policy, decisions=tuple(each for decisions in made for each in decisions))


def _seen(answers: Iterable[Response], facts: _Facts, known: Collection[str] | _Values) -> _Values:
    """Say what any of the answers have, as deciding on all of them at once would."""
    found = Known(known)
    for each in answers:
        found.add(dict.fromkeys(each.drivers))  # what people say themselves proves no policy wrong
        found.add({**each.snapshot, **facts.get(each.id, {})})
    return found.values


def _end(day: date, policy: FollowUp) -> datetime:
    """Give the last instant of a day."""
    if day == date.max:
        return datetime.max.replace(tzinfo=UTC)
    return datetime.combine(day + _DAY, time(), policy.zone).astimezone(UTC) - _MICROSECOND


class _Run:
    """The days one after the other: what one decides is the load of the next."""

    def __init__(self, policy: FollowUp, load: Load, facts: _Facts, known: _Values) -> None:
        self._policy, self._load, self._facts, self._known = policy, load, facts, known
        self._due: dict[str, datetime] = {}

    def decide(self, answers: Sequence[Response], at: datetime) -> Decisions:
        load = self._load.after(self._closed(at))
        made = decide(self._policy, answers, at=at, load=load, facts=self._facts, known=self._known)
        events = made.events
        for each in events:
            if isinstance(each, CaseOpened):
                self._due[each.case] = max((deadline.due for deadline in each.deadlines), default=at)
        self._load = load.after(events)
        return made

    def _closed(self, at: datetime) -> list[CaseMoved]:
        over = [case for case, due in self._due.items() if due <= at]
        shared: Any = {"number": 0, "to": "closed", "by": "backtest", "resolution": "no action", "at": at}
        for case in over:
            del self._due[case]
        return [CaseMoved(case=case, **shared) for case in over]
