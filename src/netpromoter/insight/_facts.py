"""What is known at an instant of answers, decisions and cases: each once, and nothing of later."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, TypeAlias, TypeVar

import attrs
import numpy as np

from netpromoter._checks import refusal
from netpromoter.model import Case, FollowUpDecided, Response
from netpromoter.stats import PairedDifference

__all__ = ["Ask", "Facts", "Wanted", "facts", "made_of", "movement", "paired", "reached"]

#: One person on one occasion: the occasion and the id of the contact.
Ask: TypeAlias = tuple[str, str]
#: A decision, and the answer that it was about.
Wanted: TypeAlias = tuple[FollowUpDecided, Response]
_Fact = TypeVar("_Fact", Response, FollowUpDecided, Case)
_Value = TypeVar("_Value")

_ENDS = (0, 7, 9, 11)


@attrs.frozen(kw_only=True)
class Facts:
    """What is known at an instant.

    Parameters
    ----------
    at : datetime
        The instant.
    survey : str or None
        The key of the survey; None if nobody answered.
    answers : mapping of Ask to list of Response
        All answers, by person and occasion, the first first.
    asks : mapping of Ask to list of Response
        Those that were first given since the beginning.
    again : mapping of Ask to Response
        The last answer of those who were asked again.
    cases : mapping of Ask to list of Case
        As they stood, of those asks.
    wanted : mapping of str to mapping of Ask to (FollowUpDecided, Response)
        For each policy the first decision by which somebody was wanted: selected, held out, or over capacity; and the
        answer that it was about.
    selected : frozenset of Ask
        Whom any policy selected.
    """

    at: datetime
    survey: str | None
    answers: Mapping[Ask, Sequence[Response]]
    asks: Mapping[Ask, Sequence[Response]]
    again: Mapping[Ask, Response]
    cases: Mapping[Ask, Sequence[Case]]
    wanted: Mapping[str, Mapping[Ask, Wanted]]
    selected: frozenset[Ask]

    @property
    def people(self) -> set[str]:
        """Who answered."""
        return {contact for _, contact in self.asks}

    @property
    def contacted(self) -> set[Ask]:
        """Who was reached, and on which occasion."""
        return {ask for ask, cases in self.cases.items() if any(case.kept("contact") for case in cases)}


def facts(
    responses: Iterable[Response],
    decisions: Iterable[FollowUpDecided],
    cases: Iterable[Case],
    *,
    at: datetime,
    since: datetime | None,
) -> Facts:
    """Read what is known at an instant of those who first answered since another."""
    given = _distinct("responses", responses, Response)
    known = sorted((each for each in given if each.at <= at), key=lambda each: each.ordinal)
    survey = _survey(known)
    answers: dict[Ask, list[Response]] = {}
    again: dict[Ask, Response] = {}
    for each in known:
        if each.purpose == "recovery":
            again[_ask(each)] = each
        else:
            answers.setdefault(_ask(each), []).append(each)
    asks = {ask: each for ask, each in answers.items() if since is None or each[0].at >= since}
    wanted, selected = _decided(_distinct("decisions", decisions, FollowUpDecided), asks, at)
    opened = _opened(_distinct("cases", cases, Case), survey, asks, at)
    return Facts(
        at=at,
        survey=survey,
        answers=answers,
        asks=asks,
        again=again,
        cases=opened,
        wanted=wanted,
        selected=selected.union(opened),
    )


def _ask(fact: Any) -> Ask:
    return fact.occasion, fact.contact


def made_of(name: str, values: Iterable[_Value], kind: type[_Value]) -> Iterator[_Value]:
    """Give each of some values, or refuse what is none of this class, or nothing that holds any."""
    rule = f"made of {kind.__name__}"
    try:
        given = iter(values)
    except TypeError:
        raise refusal(name, rule, values) from None
    for value in given:
        if not isinstance(value, kind):
            raise refusal(name, rule, value)
        yield value


def _distinct(name: str, values: Iterable[_Fact], kind: type[_Fact]) -> list[_Fact]:
    """Give each fact once; of a case that comes twice the one that knows more moves."""
    found: dict[Any, _Fact] = {}
    identity = _IDENTITIES[kind]
    for value in made_of(name, values, kind):
        first = found.setdefault(identity(value), value)
        if len(getattr(value, "moves", ())) > len(getattr(first, "moves", ())):
            found[identity(value)] = value
    return list(found.values())


#: What tells a fact from others: what its id is made of, which takes longer to write.
_IDENTITIES: Mapping[type, Callable[[Any], Any]] = {
    Response: attrgetter("survey", "occasion", "contact", "ordinal"),
    FollowUpDecided: attrgetter("response", "policy"),
    Case: attrgetter("opened.survey", "opened.occasion", "opened.contact", "opened.policy"),
}


def _survey(responses: Iterable[Response]) -> str | None:
    keys = {(each.purpose, each.survey) for each in responses}
    first = [survey for purpose, survey in keys if purpose == "score"]
    again = {survey for purpose, survey in keys if purpose == "recovery"}
    if len(first) > 1 or (first and again - {f"{first[0]}-recovery"}):
        raise refusal("responses", "of one survey, and of its recovery", sorted({survey for _, survey in keys}))
    return first[0] if first else None


def _decided(
    decisions: Iterable[FollowUpDecided], asks: Mapping[Ask, Sequence[Response]], at: datetime
) -> tuple[dict[str, dict[Ask, Wanted]], frozenset[Ask]]:
    """Give the first decision of each policy by which somebody was wanted, and whom any policy selected."""
    known = [each for each in decisions if each.at <= at and each.decision != "not selected"]
    given = {answer.id: answer for answers in asks.values() for answer in answers} if known else {}
    wanted: dict[str, dict[Ask, Wanted]] = {}
    selected = set()
    for each in sorted(known, key=attrgetter("at", "response", "policy")):
        if (answer := given.get(each.response)) is not None:
            wanted.setdefault(each.policy, {}).setdefault(_ask(answer), (each, answer))
            if each.decision == "selected":
                selected.add(_ask(answer))
    return wanted, frozenset(selected)


def _opened(cases: Iterable[Case], survey: str | None, asks: Mapping[Ask, Any], at: datetime) -> dict[Ask, list[Case]]:
    found: dict[Ask, list[Case]] = {}
    for case in cases:
        if case.opened.at > at:
            continue
        if survey is not None and case.opened.survey != survey:
            raise refusal("cases", f"those of {survey!r}, as the responses are", case)
        if (ask := _ask(case.opened)) in asks:
            found.setdefault(ask, []).append(case.as_of(at))
    return found


def reached(
    name: str, places: Mapping[Ask, datetime] | None, *, at: datetime, since: datetime | None = None
) -> set[Ask] | None:
    """Give whom a message had reached by an instant, and on which occasion; None if that is not known."""
    if places is None:
        return None
    begun = datetime.min.replace(tzinfo=UTC) if since is None else since
    try:
        return {(occasion, contact) for (occasion, contact), then in places.items() if begun <= then <= at}
    except (AttributeError, TypeError, ValueError) as error:
        rule = "a mapping of (occasion, contact) to an instant with a time zone"
        raise refusal(name, rule, places) from error


def paired(ratings: Sequence[tuple[int, int]]) -> PairedDifference | None:
    """Count two ratings of each person, which are on the scale of 0 to 10 however low they are; None of nobody."""
    if not ratings:
        return None
    before, after = np.array(ratings).T
    counts = np.bincount(11 * before + after, minlength=121).reshape(11, 11)
    groups = np.add.reduceat(np.add.reduceat(counts, _ENDS[:3], axis=0), _ENDS[:3], axis=1)
    cells: Any = counts.tolist()
    return PairedDifference(table=groups.tolist(), ratings=cells)


def movement(found: Facts) -> PairedDifference | None:
    """Hold the last two occasions of each person against each other, where the later one is among the asks."""
    last: dict[str, list[tuple[datetime, Ask]]] = {}
    for ask, answers in found.answers.items():
        last.setdefault(ask[1], []).append((answers[0].at, ask))
    pairs = (sorted(occasions)[-2:] for occasions in last.values() if len(occasions) > 1)
    moved = [(before, after) for (_, before), (_, after) in pairs if after in found.asks]
    return paired([(found.answers[a][-1].rating, found.answers[b][-1].rating) for a, b in moved])
