"""How many answers can be followed up, which of them come first, and what is under way already."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import attrs
from attrs.validators import optional

from netpromoter._checks import is_number, refusal
from netpromoter.model import CaseMoved, CaseOpened, Event, FollowUpDecided, Value, survey_of

from ._conditions import Condition, Field, Unlike
from ._fields import share, whole

__all__ = ["Assignment", "Capacity", "Load", "Priority", "Term", "is_first"]

_DAYS, _MONTHS = timedelta(days=3), timedelta(days=34)  # longer than any
_LARGEST = 1.7976931348623157e308
_CENTIMILLIONTH = 10**8

_Policy: TypeAlias = "tuple[str, str]"  # the key of a survey, and the name of a policy about its answers


# -- how many ----------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Capacity:
    """How many answers to a survey a policy can follow up.

    Each survey is counted by itself: what a policy of the same name does elsewhere takes nothing away. Callers who work
    for several have their quotas across all of them, see `Owner`.

    Parameters
    ----------
    per_day : int, optional
        So many on each calendar day of the policy's time zone.
    share : float, optional
        This part, above 0 and at most 1, of all answers to the survey on which the policy has decided so far. Of the
        answers of one person on one occasion one counts. What is not used today can be used tomorrow.

    Raises
    ------
    InvalidArgument
        If neither is given, or one breaks its rule.

    Notes
    -----
    What is over capacity stays so. Decide once a day rather than after every answer, so that there is something to
    choose from.

    Examples
    --------
    >>> Capacity(share=1 / 3).left(answers=100, cases=30, today=5)
    3
    >>> str(Capacity(per_day=20))
    '20 a day'
    """

    per_day: int | None = attrs.field(default=None, validator=optional(whole))
    share: float | None = attrs.field(default=None, validator=optional(share))

    def __attrs_post_init__(self) -> None:
        if self.per_day is None and self.share is None:
            raise refusal("per_day", "given, or share, or both", None)

    def __str__(self) -> str:
        each = f"{self.per_day:,} a day" if self.per_day is not None else None
        part = f"{100 * self.share:.3g}% of the answers" if self.share is not None else None
        return " and ".join(filter(None, (each, part)))

    def left(self, *, answers: int, cases: int, today: int) -> int:
        """Say how many more can be followed up.

        Parameters
        ----------
        answers : int
            On how many the policy has decided, those of now among them.
        cases : int
            How many cases it has opened before.
        today : int
            How many of them on this day.

        Returns
        -------
        int
        """
        limits = []
        if self.per_day is not None:
            limits.append(self.per_day - today)
        if self.share is not None:
            # the fraction that was meant: as a float, 0.29 of 100 is less than 29
            limits.append(math.floor(Fraction(self.share).limit_denominator(_CENTIMILLIONTH) * answers) - cases)
        return max(min(limits), 0)


# -- which first -------------------------------------------------------------------------------------------------------

#: What adds to a priority: a field that holds a number or a condition, and how much it weighs.
Term: TypeAlias = "tuple[Field | Condition, float]"


def _term(value: Any) -> tuple[str | Condition, float]:
    pair: Any = value if isinstance(value, tuple) else (value, 1)
    what, weight = pair if len(pair) == 2 else (value, math.nan)
    if not _is_finite(weight) or not isinstance(what, Field | Condition):
        raise refusal("terms", 'pairs such as (field("seats"), 2) or (field("tier") == "large", 100)', value)
    return what.name if isinstance(what, Field) else what, float(weight)


def _is_finite(value: Any) -> bool:
    return is_number(value) and math.isfinite(value)


def _factor(value: Any) -> str | None:
    if value is not None and not isinstance(value, Field):
        raise refusal("times", 'a field such as field("revenue"), or None', value)
    return None if value is None else value.name


def _number(name: str, value: Value, unlike: Unlike) -> float:
    if isinstance(value, int | float):
        return float(value)
    if value is not None and unlike == "refuse":
        raise refusal(f"what {Field(name)} holds in a priority", "a number, or True or False", value)
    return 0.0


@attrs.frozen(init=False)
class Priority:
    """Which answers come first: a sum of weighted terms, the higher the sooner.

    Parameters
    ----------
    *terms : Field, or pair of a Field or Condition and a number
        A field adds its number times the weight; a condition adds the weight where it is true. A field alone weighs 1.
        What is missing or unknown adds nothing.
    start : float, default 0
        What the sum starts from.
    times : Field, optional
        A number by which the sum is multiplied; 0 where it is missing.

    Raises
    ------
    InvalidArgument
        If a term is not made so.

    Examples
    --------
    >>> from netpromoter.rules import field
    >>> first = Priority((field("tier") == "large", 100), (field("rating"), -1))
    >>> first.of({"tier": "large", "rating": 2})
    98.0
    """

    terms: tuple[tuple[str | Condition, float], ...]
    start: float
    times: str | None

    def __init__(self, *terms: Field | Term, start: float = 0.0, times: Field | None = None) -> None:
        if not _is_finite(start):
            raise refusal("start", "a finite number", start)
        self.__attrs_init__(tuple(map(_term, terms)), float(start), _factor(times))

    @property
    def fields(self) -> frozenset[str]:
        """The names of the fields that it asks about."""
        found = {self.times} - {None}
        for what, _ in self.terms:
            found |= what.fields if isinstance(what, Condition) else {what}
        return frozenset(name for name in found if name is not None)

    def of(self, values: Mapping[str, Value], *, unlike: Unlike = "refuse") -> float:
        """Return the priority of one answer.

        Parameters
        ----------
        values : mapping of str to value
            What is known, by name; what is not there is missing.
        unlike : {"refuse", "unknown"}, default "refuse"
            What becomes of a field that holds no number, or is of another kind than it is compared with.

        Returns
        -------
        float
            Finite: a sum that is too large is the largest number.

        Raises
        ------
        InvalidArgument
            If a value is of another kind, and is not to be unknown.
        """
        return self.of_each([values], unlike=unlike)[0]

    def of_each(self, answers: Sequence[Mapping[str, Value]], *, unlike: Unlike = "refuse") -> list[float]:
        """Return the priority of each of n answers; see `of`."""
        sums = [self.start] * len(answers)
        for what, weight in self.terms:
            amounts = map(_amount(what, unlike), answers)
            sums = [found + weight * amount for found, amount in zip(sums, amounts, strict=True)]
        if self.times is not None:
            factors = map(_amount(self.times, unlike), answers)
            sums = [found * factor for found, factor in zip(sums, factors, strict=True)]
        return [0.0 if math.isnan(found) else min(max(found, -_LARGEST), _LARGEST) for found in sums]


def _amount(what: str | Condition, unlike: Unlike) -> Callable[[Mapping[str, Value]], float]:
    """Make what reads the amount of a term; answers that are alike in a condition are judged once."""
    if isinstance(what, str):
        return lambda values: _number(what, values.get(what), unlike)
    names, judged = sorted(what.fields), dict[tuple[Any, ...], float]()

    def amount(values: Mapping[str, Value]) -> float:
        alike = tuple((values.get(name), type(values.get(name))) for name in names)
        if alike not in judged:
            judged[alike] = float(what.matches(values, unlike=unlike) is True)
        return judged[alike]

    return amount


# -- what is under way -------------------------------------------------------------------------------------------------


@attrs.frozen
class Assignment:
    """A case, as a load knows it: of which survey and policy, whose since when, opened when, whether it is open."""

    policy: _Policy
    owner: str | None
    since: datetime
    opened: datetime
    is_open: bool


@attrs.frozen(kw_only=True, repr=False)
class Load:
    """What was decided and opened before, as capacity and quotas count it.

    Capacity is that of a policy for the answers to one survey, and is counted so, although policies of several surveys
    have one name. The cases of an owner are counted across all of them.

    Parameters
    ----------
    decided : mapping of (str, str) to frozenset of str
        By the key of a survey and the name of a policy, the ids of the answers on which it has decided.
    asked : mapping of (str, str) to int
        On how many of them, of the answers of one person on one occasion counting one.
    cases : mapping of str to Assignment
        The cases that were opened, by id.

    Examples
    --------
    >>> from datetime import UTC
    >>> at = datetime(2026, 6, 3, tzinfo=UTC)
    >>> opened = CaseOpened(survey="nps", occasion="1", contact="c-1", policy="recover", rating=2, owner="ann", at=at)
    >>> load = Load.of([opened])
    >>> load
    Load(0 answers decided, 1 case, 1 open)
    >>> load.open_cases
    {'ann': 1}
    """

    decided: Mapping[_Policy, frozenset[str]] = attrs.field(factory=dict, hash=False)
    asked: Mapping[_Policy, int] = attrs.field(factory=dict, hash=False)
    cases: Mapping[str, Assignment] = attrs.field(factory=dict, hash=False)

    @classmethod
    def of(cls, events: Iterable[Event]) -> Load:
        """Count the events of a log, in any order; those that tell of no case and no decision are passed over."""
        return cls().after(events)

    def __repr__(self) -> str:
        answers, cases = sum(map(len, self.decided.values())), len(self.cases)
        counted = [f"{answers:,} answer{'s' * (answers != 1)} decided", f"{cases:,} case{'s' * (cases != 1)}"]
        return f"Load({', '.join(counted)}, {sum(self.open_cases.values()):,} open)"

    def after(self, events: Iterable[Event]) -> Load:
        """Return the load after some more events.

        Parameters
        ----------
        events : iterable of Event
            Among themselves in any order; moves of cases that were never opened are passed over.

        Returns
        -------
        Load
        """
        decided: dict[_Policy, set[str]] = {}
        cases = dict(self.cases)
        moves = []
        for event in events:
            if isinstance(event, FollowUpDecided):
                decided.setdefault((survey_of(event.response), event.policy), set()).add(event.response)
            elif isinstance(event, CaseOpened):
                policy = event.survey, event.policy
                cases.setdefault(event.case, Assignment(policy, event.owner, event.at, event.at, is_open=True))
            elif isinstance(event, CaseMoved):
                moves.append(event)
        for move in sorted(moves, key=lambda each: each.number):
            if move.case in cases:
                cases[move.case] = _moved(cases[move.case], move)
        return Load(**self._with(decided), cases=cases)

    def _with(self, decided: Mapping[_Policy, set[str]]) -> dict[str, Any]:
        """Add answers to those that were decided before, and count which were new."""
        everything, asked = dict(self.decided), dict(self.asked)
        for policy, ids in decided.items():
            before = self.decided.get(policy, frozenset())
            everything[policy] = before | ids
            asked[policy] = asked.get(policy, 0) + sum(map(is_first, ids - before))
        return {"decided": everything, "asked": asked}

    @property
    def open_cases(self) -> dict[str | None, int]:
        """How many cases are open, by owner; those of None are nobody's."""
        return dict(Counter(assigned.owner for assigned in self.cases.values() if assigned.is_open))

    def is_decided(self, policy: str, response: str) -> bool:
        """Say whether a policy has decided on an answer, of this id."""
        return response in self.decided.get((survey_of(response), policy), ())

    def opened(self, survey: str, policy: str) -> set[str]:
        """Give the person and occasion of each case of a policy for a survey, as the ids of answers begin."""
        theirs = survey, policy
        return {case.rpartition("/")[0] for case, assigned in self.cases.items() if assigned.policy == theirs}

    def opened_on(self, survey: str, policy: str, at: datetime, where: ZoneInfo) -> int:
        """Count the cases that a policy opened for a survey on the day of an instant, on one wall clock."""
        theirs, day = (survey, policy), at.astimezone(where).date()
        recent = (each.opened for each in self.cases.values() if each.policy == theirs and at - each.opened < _DAYS)
        return sum(opened.astimezone(where).date() == day for opened in recent)

    def taken(self, at: datetime, where: ZoneInfo) -> tuple[Counter[str | None], Counter[str | None]]:
        """Count the cases of all surveys that each owner got on the day and in the month of an instant."""
        today = at.astimezone(where).date()
        recent = [assigned for assigned in self.cases.values() if at - assigned.since < _MONTHS]
        days = [(assigned.owner, assigned.since.astimezone(where).date()) for assigned in recent]
        monthly = Counter(owner for owner, day in days if (day.year, day.month) == (today.year, today.month))
        return Counter(owner for owner, day in days if day == today), monthly


def is_first(response: str) -> bool:
    """Say whether an answer, of this id, is the first of its person on its occasion."""
    return response.endswith("/0")


def _moved(assigned: Assignment, move: CaseMoved) -> Assignment:
    owner, since = assigned.owner, assigned.since
    if move.owner is not None and move.owner != owner:
        owner, since = move.owner, move.at
    return Assignment(assigned.policy, owner, since, assigned.opened, is_open=move.to != "closed")
