"""Follow-up policies: whom to call after an answer, who calls, and by when; every answer gets a decision.

What is random is a keyed hash of the person, the occasion and the name of the policy. The holdout is drawn before
priority and capacity, of all whom the policy would call, so that those who are called and those who are not differ by
chance alone.

References
----------
Imbens, G. W. and Rubin, D. B. (2015). *Causal Inference for Statistics, Social, and Biomedical Sciences*, section 4.2
(Bernoulli trials: each unit is assigned by a draw of its own).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, TypeAlias, get_args
from zoneinfo import ZoneInfo

import attrs
import numpy as np
import numpy.typing as npt
from attrs.validators import optional

from netpromoter._checks import checked, is_number, refusal, shown
from netpromoter._html import escape, table
from netpromoter.errors import InvalidArgument
from netpromoter.frames import Library, frame
from netpromoter.model import (
    NEVER,
    CaseOpened,
    Contacts,
    Deadline,
    FollowUpDecided,
    FollowUpDecision,
    Response,
    Value,
    column,
    instant,
)
from netpromoter.ratings import category

from ._capacity import Capacity, Load, Priority
from ._conditions import Condition, Field
from ._draws import draws
from ._fields import condition, instance_of, named, whole
from ._promises import Promised, deadlines, promises
from ._routing import Desk, Routing, routing
from ._send_window import known_zone

__all__ = ["ANSWER_FIELDS", "Decision", "Decisions", "FollowUp", "decide"]

_Facts: TypeAlias = Mapping[str, Mapping[str, Value]]
_Known: TypeAlias = Collection[str] | Mapping[str, Collection[Value]]
_Values: TypeAlias = dict[str, Value]

#: What a policy can ask of any answer, besides kept attributes and the keys of drivers; and how it is found.
_OF_ANSWERS: Mapping[str, Callable[[Response], Value]] = {
    "rating": lambda response: response.rating,
    "category": lambda response: category(response.rating).value,
    "has_comment": lambda response: response.comment is not None,
    "survey": lambda response: response.survey,
    "kind": lambda response: response.kind,
    "occasion": lambda response: response.occasion,
    "channel": lambda response: response.channel,
    "arm": lambda response: response.arm,
    "step": lambda response: response.step,
    "stratum": lambda response: response.stratum,
    "purpose": lambda response: response.purpose,
}
#: The fields that a policy can ask about of any answer; beside them, the kept attributes and the keys of drivers.
ANSWER_FIELDS: tuple[str, ...] = tuple(_OF_ANSWERS)
_ANY: Any = dict.fromkeys(("survey", "occasion", "contact", "arm", "channel", "stratum"), "any")
#: An answer that has a value of every field, to see of which kind each is.
_EXAMPLE = Response(rating=0, step=0, at=datetime(2026, 1, 1, tzinfo=UTC), **_ANY)
_RECOVERY = "the answer is one of a recovery"
_HAS_CASE = "a case was opened for another answer of this person and occasion"
_REVISED = "the answer was revised"


# -- the policy --------------------------------------------------------------------------------------------------------


def _holdout(name: str, value: Any) -> None:
    if not is_number(value) or not 0 <= value < 1:
        raise refusal(name, "a number from 0 to below 1", value)


def _priority(value: Any) -> Priority | None:
    if value is None or isinstance(value, Priority):
        return value
    if isinstance(value, Field):
        return Priority(value)
    raise refusal("priority", "a Priority, a field that holds a number, or None", value)


def _is_given(value: Value) -> bool:
    return value is not None and value == value and not (isinstance(value, str) and not value.strip())  # noqa: PLR0124


def _refused(read: Callable[[_Values], object], name: str, value: Value) -> InvalidArgument | None:
    """Give what is said against one value by whatever reads it."""
    try:
        read({name: value})
    except InvalidArgument as error:
        return error
    return None


@attrs.frozen
class FollowUp:
    """Whom to call after an answer, who calls and by when.

    Parameters
    ----------
    where : Condition, optional
        Whom: a condition on `ANSWER_FIELDS`, kept attributes and the answers to drivers, by their keys; everybody if it
        is left out. Somebody of whom it is unknown is not selected.
    within : timedelta, Within, SameDay or several of these, default 48 hours
        What is promised. A span is that of the first attempt: the owner is told when half of it is over, and somebody
        else when all of it is.
    owner : str, Field or Routing, optional
        Who calls: somebody, whoever a field names, or as `Routing` says. Nobody if it is left out: the cases are new
        until somebody assigns them.
    capacity : Capacity, optional
        How many; without a limit if it is left out.
    holdout : float, default 0
        The part, from 0 to below 1, of those who would be called that is not, drawn by chance. A smaller part is
        contained in a larger one.
    priority : Priority or Field, optional
        Which of them first; drawn by chance if it is left out, as among equals.
    name : str, default "follow-up"
        What the policy is called; its draws go by it, and its cases are told by it.
    version : int, default 1
        Its version, from 1, which is stored with each decision and changes no draw.
    time_zone : str, default "UTC"
        Where days and months are counted, and business hours that have no place of their own.

    Raises
    ------
    InvalidArgument
        If an argument breaks its rule.

    Examples
    --------
    SendGrid's: all large accounts, and paying customers who gave 8, 6, 2, 1 or 0, within 48 hours.

    >>> from netpromoter.rules import field
    >>> large, paying = field("tier") == "large", field("plan") == "paid"
    >>> policy = FollowUp(large | (paying & field("rating").is_in(8, 6, 2, 1, 0)), within=timedelta(hours=48))
    >>> sorted(policy.fields)
    ['plan', 'rating', 'tier']
    """

    where: Condition | None = attrs.field(default=None, validator=optional(condition))
    within: Sequence[Promised] = attrs.field(default=timedelta(hours=48), converter=promises, kw_only=True)
    owner: Routing | None = attrs.field(default=None, converter=routing, kw_only=True)
    capacity: Capacity | None = attrs.field(
        default=None, validator=optional(instance_of(Capacity, rule="Capacity or None")), kw_only=True
    )
    holdout: float = attrs.field(default=0.0, validator=checked(_holdout), kw_only=True)
    priority: Priority | None = attrs.field(default=None, converter=_priority, kw_only=True)
    name: str = attrs.field(default="follow-up", validator=named, kw_only=True)
    version: int = attrs.field(default=1, validator=whole, kw_only=True)
    time_zone: str = attrs.field(default="UTC", validator=checked(known_zone), kw_only=True)

    def __attrs_post_init__(self) -> None:
        self.reads({name: find(_EXAMPLE) for name, find in _OF_ANSWERS.items()})

    @property
    def fields(self) -> frozenset[str]:
        """The names of all that it asks about."""
        parts = (self.where, self.priority, self.owner, *self.within)
        return frozenset().union(*(part.fields for part in parts if part is not None))

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which its days are counted."""
        return known_zone("time_zone", self.time_zone)

    def check(self, known: _Known) -> None:
        """Refuse a field that no answer will have, or of which the policy can read no value.

        Parameters
        ----------
        known : collection of str, or mapping of str to values
            What answers can have besides `ANSWER_FIELDS`: the kept attributes, and the keys of drivers. As a mapping
            also values that some answers have.

        Raises
        ------
        InvalidArgument
            If the policy asks about another field, which is named; or if all values of a field are of another kind than
            the policy compares or counts them with.

        Examples
        --------
        >>> from netpromoter.rules import field
        >>> FollowUp(field("plna") == "paid").check(["plan"])
        Traceback (most recent call last):
        netpromoter.errors.InvalidArgument: follow-up must ask about what answers have: ... did you mean 'plan'?)
        """
        present = [*ANSWER_FIELDS, *known]
        for name in sorted(self.fields - set(present)):
            near = get_close_matches(name, present, 1)
            hint = f"did you mean {near[0]!r}?" if near else "it is no kept attribute and no driver"
            rule = f"must ask about what answers have: {', '.join(map(repr, present[:24]))}"
            raise InvalidArgument(f"{self.name} {rule} (got {shown(name)}; {hint})")
        if isinstance(known, Mapping):
            for name in sorted(self.fields & known.keys() - _OF_ANSWERS.keys()):
                self._check_values(name, known[name])

    def _check_values(self, name: str, values: Iterable[Value]) -> None:
        kinds = {type(value): value for value in values if _is_given(value)}
        refused = [error for value in kinds.values() if (error := _refused(self.reads, name, value)) is not None]
        if refused and len(refused) == len(kinds):
            raise refused[0]

    def deadlines(self, response: Response, facts: Mapping[str, Value] | None = None) -> tuple[Deadline, ...]:
        """Say until when each promise is to be kept for an answer, or would have been for one that was held out.

        Parameters
        ----------
        response : Response
            The answer.
        facts : mapping of str to value, optional
            What is known of it besides.

        Returns
        -------
        tuple of Deadline
        """
        return _promised(self, _Answers(self, [response], Load(), {response.id: facts or {}}), [0])[0]

    def reads(self, values: Mapping[str, Value]) -> None:
        """Refuse values of another kind than those with which the policy compares or counts them."""
        if self.where is not None:
            self.where.matches(values)
        if self.priority is not None:
            self.priority.of(values)


# -- what is decided ---------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Decision:
    """What a policy decided about one answer, and why.

    Parameters
    ----------
    response : Response
        The answer.
    policy : str
        The name of the policy.
    version : int
        Its version.
    decision : {"selected", "held out", "over capacity", "not selected"}
        What was decided.
    reason : str
        Why; of somebody who is selected and whom nobody can call also why not.
    at : datetime
        When.
    owner : str, optional
        Who is to call; None if nobody is.
    priority : float, default 0
        The higher, the sooner.
    deadlines : tuple of Deadline, default ()
        What is promised, and until when; of an answer that is held out, what would have been.
    """

    response: Response
    policy: str
    version: int
    decision: FollowUpDecision
    reason: str
    at: datetime
    owner: str | None = None
    priority: float = 0.0
    deadlines: tuple[Deadline, ...] = ()

    @property
    def events(self) -> tuple[FollowUpDecided | CaseOpened, ...]:
        """The events that say so: the decision, and of somebody who is selected the case."""
        answer = self.response
        shared: Any = {"policy": self.policy, "policy_version": self.version, "at": self.at}
        decided = FollowUpDecided(response=answer.id, decision=self.decision, reason=self.reason, **shared)
        if self.decision != "selected":
            return (decided,)
        asked = {name: getattr(answer, name) for name in ("survey", "occasion", "contact", "ordinal", "rating")}
        opened = CaseOpened(owner=self.owner, priority=self.priority, deadlines=self.deadlines, **asked, **shared)
        return decided, opened


_COLUMNS = {
    "response": str,
    "rating": int,
    "decision": str,
    "reason": str,
    "owner": str,
    "priority": float,
    "due": datetime,
}


@attrs.frozen(kw_only=True, repr=False)
class Decisions:
    """What a policy decided about some answers; `decide` makes them.

    Parameters
    ----------
    policy : FollowUp
        Which policy.
    at : datetime
        When, in UTC.
    made : tuple of Decision
        One for each answer, in the order of the answers.
    """

    policy: FollowUp
    at: datetime
    made: tuple[Decision, ...]

    def __len__(self) -> int:
        """Return how many answers were decided on."""
        return len(self.made)

    def __iter__(self) -> Iterator[Decision]:
        return iter(self.made)

    def __repr__(self) -> str:
        counts = ", ".join(f"{number:,} {decision}" for decision, number in self.counts.items())
        return f"Decisions({self.policy.name} {self.policy.version}, {self.at:%Y-%m-%d %H:%M} UTC: {counts})"

    def _repr_html_(self) -> str:
        rows = [[escape(decision), f"{number:,}"] for decision, number in self.counts.items()]
        return table(["decision", "answers"], rows, caption=escape(repr(self)))

    @property
    def counts(self) -> dict[FollowUpDecision, int]:
        """How many there are of each decision."""
        found = Counter(each.decision for each in self.made)
        return {decision: found[decision] for decision in get_args(FollowUpDecision)}

    @property
    def selected(self) -> tuple[Decision, ...]:
        """Those who are to be called, the most urgent first."""
        chosen = [each for each in self.made if each.decision == "selected"]
        return tuple(sorted(chosen, key=lambda each: -each.priority))

    @property
    def events(self) -> list[FollowUpDecided | CaseOpened]:
        """The events that say so, for a log."""
        return [event for each in self.made for event in each.events]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Give each decision as a plain dict; "due" is the first of its deadlines."""
        for each in self.made:
            due = min((deadline.due for deadline in each.deadlines), default=None)
            found = {name: getattr(each, name) for name in ("decision", "reason", "owner", "priority")}
            yield {"response": each.response.id, "rating": each.response.rating, **found, "due": due}

    def to_frame(self, library: Library) -> Any:
        """Give the rows as a dataframe.

        Parameters
        ----------
        library : {"pandas", "polars", "pyarrow"}
            Of which library.

        Returns
        -------
        dataframe
            The columns of `rows`.
        """
        rows = list(self.rows())
        return frame({name: [row[name] for row in rows] for name in _COLUMNS}, _COLUMNS, library)


# -- deciding ----------------------------------------------------------------------------------------------------------


def decide(
    policy: FollowUp,
    responses: Iterable[Response],
    *,
    at: datetime,
    load: Load | None = None,
    facts: _Facts | None = None,
    known: _Known = (),
) -> Decisions:
    """Decide on some answers whether somebody calls, who does and by when.

    Parameters
    ----------
    policy : FollowUp
        By what is decided.
    responses : iterable of Response
        The answers, in any order, which changes nothing. Those on which the policy has decided before are left out.
    at : datetime
        When, aware.
    load : Load, optional
        What was decided and opened before, by this policy and by others that share its owners.
    facts : mapping of str to mapping of str to value, optional
        What is known of an answer besides, by its id: its theme, or something of its account.
    known : collection of str, or mapping of str to values, default none
        Names of fields that answers can have, although none of these does: the kept attributes and the drivers. As a
        mapping also some of the values that other answers have.

    Returns
    -------
    Decisions
        One for each answer that had none.

    Raises
    ------
    InvalidArgument
        If two answers have one id, if no answer has a field of the policy that is not known either, or if all values of
        a kept attribute, here and in `known`, are of another kind than the policy compares or counts them with.

    Notes
    -----
    A value of another kind than the policy asks for is unknown, of that answer alone, and the reason says so. Neither
    an answer in words nor one odd attribute stops the decisions on all others.

    Each survey has the capacity of the policy for itself.

    A person who revises an answer is called once: of the answers of one person and occasion the last is judged, and
    none once a case was opened for them. An answer of a recovery is not selected, unless the policy asks about
    "purpose".

    Examples
    --------
    >>> from datetime import UTC
    >>> from netpromoter.rules import field
    >>> at = datetime(2026, 6, 3, 8, tzinfo=UTC)
    >>> answers = [
    ...     Response(survey="nps", occasion="1", contact=f"c-{rating}", rating=rating, at=at) for rating in (2, 6, 9)
    ... ]
    >>> made = decide(FollowUp(field("rating") <= 6, owner="ann"), answers, at=at)
    >>> made
    Decisions(follow-up 1, 2026-06-03 08:00 UTC: 2 selected, 0 held out, 0 over capacity, 1 not selected)
    >>> [each.reason for each in made]
    ['rating is 2, at most 6', 'rating is 6, at most 6', 'rating is 9, not at most 6']
    >>> made.selected[0].deadlines[0].due - at
    datetime.timedelta(days=2)
    """
    instant("at", at)
    before = Load() if load is None else load
    answers = _Answers(policy, responses, before, facts or {})
    if len(answers.given):
        policy.check(answers.known(known))
    return _Deciding(policy, answers, at, before).decisions()


class _Answers:
    """The answers on which there is no decision yet, with what the policy asks about them."""

    def __init__(self, policy: FollowUp, responses: Iterable[Response], load: Load, facts: _Facts) -> None:
        everything = list(responses)
        if not all(isinstance(each, Response) for each in everything):
            raise refusal("responses", "made of Response", everything)
        ids = [each.id for each in everything]
        if len(set(ids)) < len(ids):
            raise refusal("responses", "of different ids", next(each for each, n in Counter(ids).items() if n > 1))
        fresh = [place for place, each in enumerate(ids) if not load.is_decided(policy.name, each)]
        self.given = [everything[place] for place in fresh]
        self.ids = [ids[place] for place in fresh]
        self.asks = [each.rpartition("/")[0] for each in self.ids]
        self._policy, self._facts = policy, facts
        self._names = sorted(policy.fields)
        self._priority = Priority() if policy.priority is None else policy.priority
        self._ranked_by = sorted(self._priority.fields)
        self._counted: dict[tuple[str, type], bool] = {}
        self._judged: dict[tuple[Any, ...], tuple[bool, str]] = {}
        self._judged_by = sorted(policy.where.fields) if policy.where is not None else []
        self.values = [self._read(each, answer) for each, answer in zip(self.ids, self.given, strict=True)]

    def known(self, before: _Known) -> dict[str, list[Value]]:
        """Name what any of them, or others, can have, with the values of what is not somebody's own words."""
        names = {*before, *(name for each in self.given for name in (*each.snapshot, *each.drivers))}
        found: dict[str, list[Value]] = {name: [] for name in names.union(*map(self._facts_of, self.ids))}
        for name, values in before.items() if isinstance(before, Mapping) else ():
            found[name] += values
        for each, answer in zip(self.ids, self.given, strict=True):
            held = {**answer.snapshot, **self._facts_of(each)}
            for name in found.keys() & self._names:
                found[name].append(held.get(name))
        return found

    def _read(self, response: str, answer: Response) -> _Values:
        facts = self._facts_of(response)
        return {name: self._value(name, answer, facts) for name in self._names}

    def _facts_of(self, response: str) -> Mapping[str, Value]:
        return self._facts.get(response, {})

    def _value(self, name: str, answer: Response, facts: Mapping[str, Value]) -> Value:
        if name in _OF_ANSWERS:
            return _OF_ANSWERS[name](answer)
        held = next((each for each in (facts, answer.snapshot, answer.drivers) if name in each), {})
        return held.get(name)

    def uncounted(self, row: int) -> list[str]:
        """Name the fields of which the priority of an answer can make nothing."""
        return [name for name in self._ranked_by if not self._is_counted(name, self.values[row][name])]

    def _is_counted(self, name: str, value: Value) -> bool:
        key = name, type(value)
        if key not in self._counted:
            self._counted[key] = _refused(self._priority.of, name, value) is None
        return self._counted[key]

    def judge(self, row: int) -> tuple[bool, str]:
        """Say whether the condition selects an answer, and why; answers that are alike in it are judged once."""
        where = self._policy.where
        if where is None:
            return True, "everybody is selected"
        values = self.values[row]
        alike = tuple((values[name], type(values[name])) for name in self._judged_by)
        if alike not in self._judged:
            self._judged[alike] = _verdict(where, tuple(self._judged_by), alike)
        return self._judged[alike]

    def column(self, name: str, rows: Sequence[int]) -> list[Value]:
        """Give the values of one field, of some answers."""
        return [self.values[row][name] for row in rows]


@lru_cache(8192)
def _verdict(where: Condition, names: tuple[str, ...], alike: tuple[tuple[Value, type], ...]) -> tuple[bool, str]:
    """Say whether a condition is true of some values, and why; their types tell 1 from True."""
    values = {name: value for name, (value, _) in zip(names, alike, strict=True)}
    return where.matches(values, unlike="unknown") is True, where.explain(values, unlike="unknown")


class _Deciding:
    """One decision under way, of all answers."""

    def __init__(self, policy: FollowUp, answers: _Answers, at: datetime, load: Load) -> None:
        self._policy, self._answers, self._at, self._load = policy, answers, at, load
        surveys = {each.survey for each in answers.given}
        self._opened = {survey: load.opened(survey, policy.name) for survey in surveys}
        size = len(answers.given)
        self._decision: list[FollowUpDecision] = ["not selected"] * size
        self._reason = [""] * size
        self._owner: list[str | None] = [None] * size
        self._priority = [0.0] * size
        self._deadlines: list[tuple[Deadline, ...]] = [()] * size

    def decisions(self) -> Decisions:
        """Select, hold out, rank, cut and route, in this order."""
        selected = self._in_capacity(self._ranked(self._called(self._wanted(self._judged()))))
        self._route(selected)
        self._promise()
        made = tuple(map(self._made, range(len(self._reason))))
        return Decisions(policy=self._policy, at=self._at.astimezone(UTC), made=made)

    def _made(self, row: int) -> Decision:
        return Decision(
            response=self._answers.given[row],
            policy=self._policy.name,
            version=self._policy.version,
            decision=self._decision[row],
            reason=self._reason[row],
            at=self._at,
            owner=self._owner[row],
            priority=self._priority[row],
            deadlines=self._deadlines[row],
        )

    def _judged(self) -> Iterator[int]:
        """Pass over answers of people who have a case, those that were revised, and those of a recovery."""
        last = self._last_ordinals()
        recovery = "purpose" in self._policy.fields
        for row, (ask, answer) in enumerate(zip(self._answers.asks, self._answers.given, strict=True)):
            if ask in self._opened[answer.survey]:
                self._reason[row] = _HAS_CASE
            elif answer.ordinal < last[ask] or self._load.is_decided(self._policy.name, f"{ask}/{answer.ordinal + 1}"):
                self._reason[row] = _REVISED
            elif answer.purpose == "recovery" and not recovery:
                self._reason[row] = _RECOVERY
            else:
                yield row

    def _last_ordinals(self) -> dict[str, int]:
        last: dict[str, int] = {}
        for ask, answer in zip(self._answers.asks, self._answers.given, strict=True):
            last[ask] = max(last.get(ask, 0), answer.ordinal)
        return last

    def _wanted(self, rows: Iterable[int]) -> list[int]:
        """Say whom the condition selects, and of everybody why."""
        judged = {row: self._answers.judge(row) for row in rows}
        for row, (_, reason) in judged.items():
            self._reason[row] = reason
        return [row for row, (wanted, _) in judged.items() if wanted]

    def _drawn(self, purpose: str, rows: Sequence[int]) -> npt.NDArray[np.float64]:
        return draws(_people([self._answers.asks[row] for row in rows]), f"follow-up {purpose}", self._policy.name)

    def _called(self, rows: Sequence[int]) -> list[int]:
        """Draw who is held out, of all who would be called."""
        share = self._policy.holdout
        held = (self._drawn("holdout", rows) < share).tolist() if share else [False] * len(rows)
        for row, out in zip(rows, held, strict=True):
            if out:
                self._decision[row] = "held out"
                self._reason[row] = f"drawn into the holdout of {100 * share:.3g}%; {self._reason[row]}"
        return [row for row, out in zip(rows, held, strict=True) if not out]

    def _ranked(self, rows: Sequence[int]) -> list[int]:
        """Order by priority, and equals by chance."""
        if self._policy.priority is not None:
            found = self._policy.priority.of_each([self._answers.values[row] for row in rows], unlike="unknown")
            for row, priority in zip(rows, found, strict=True):
                self._priority[row] = priority
                if uncounted := self._answers.uncounted(row):
                    self._reason[row] += f"; the priority can make nothing of {' and '.join(uncounted)}"
        line = dict(zip(rows, self._drawn("line", rows).tolist(), strict=True))
        return sorted(rows, key=lambda row: (-self._priority[row], line[row], self._answers.asks[row]))

    def _in_capacity(self, ranked: Sequence[int]) -> list[int]:
        """Cut where the capacity of each survey ends."""
        capacity, selected = self._policy.capacity, list[int]()
        left = Counter({each: len(ranked) if capacity is None else self._left(each, capacity) for each in self._opened})
        for row in ranked:
            survey = self._answers.given[row].survey
            left[survey] -= 1
            if left[survey] >= 0:
                self._decision[row] = "selected"
                selected.append(row)
            else:
                self._decision[row] = "over capacity"
                self._reason[row] = f"beyond the capacity of {capacity}; {self._reason[row]}"
        return selected

    def _left(self, survey: str, capacity: Capacity) -> int:
        name = self._policy.name
        new = sum(each.survey == survey and each.ordinal == 0 for each in self._answers.given)
        return capacity.left(
            answers=self._load.asked.get((survey, name), 0) + new,
            cases=len(self._opened[survey]),
            today=self._load.opened_on(survey, name, self._at, self._policy.zone),
        )

    def _route(self, rows: Iterable[int]) -> None:
        """Give each case to somebody, the most urgent first."""
        if self._policy.owner is None:
            return
        desk = Desk(self._policy.owner, self._load, self._at, self._policy.zone)
        for row in rows:
            self._owner[row], why = desk.take(self._answers.values[row])
            if why is not None:
                self._reason[row] += f"; {why}"

    def _promise(self) -> None:
        """Say until when those who are called are to be, and until when the others who were wanted would have been."""
        rows = [row for row, decision in enumerate(self._decision) if decision != "not selected"]
        for row, until in zip(rows, _promised(self._policy, self._answers, rows), strict=True):
            self._deadlines[row] = until


def _promised(policy: FollowUp, answers: _Answers, rows: Sequence[int]) -> list[tuple[Deadline, ...]]:
    names = {name for each in policy.within for name in each.fields}
    given = np.array([instant("at", answers.given[row].at) for row in rows], NEVER.dtype)
    return deadlines(policy.within, given, {name: answers.column(name, rows) for name in names}, policy.zone)


def _people(ids: Sequence[str]) -> Contacts:
    """Make contacts of people of whom nothing is known but an id, for draws."""
    names, nothing = np.empty(len(ids), object), column("nothing", [None] * len(ids))
    names[:] = ids
    never = np.full(len(ids), NEVER)
    return Contacts(
        ids=names, addresses={}, locale=nothing, time_zone=nothing, account=nothing, since=never, attributes={}
    )
