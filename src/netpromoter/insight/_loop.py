"""What the loop achieved: who was called after an answer, how soon, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, get_args

import attrs
import numpy as np

from netpromoter._checks import refusal
from netpromoter._figures import percent, points
from netpromoter._html import escape, table
from netpromoter.frames import Library, frame
from netpromoter.model import Case, FollowUpDecided, Promise, Response, in_utc
from netpromoter.stats import PairedDifference, Survival, survival

from ._caseload import Caseload, CaseloadMeasure, Ranking, caseloads, ranking
from ._covered import RevenueMeasure, covered
from ._deliveries import Delivery, Reach, reach_of, responses_by_step
from ._facts import Ask, Facts, facts, movement, reached
from ._measure import Measure, measure
from ._trial import Trial, trial
from ._within_promise import WithinPromise, is_duplicate, within_promise

__all__ = ["Loop", "loop"]

_PROMISES: tuple[Promise, ...] = get_args(Promise)
_NOTHING, _HOUR = timedelta(0), timedelta(hours=1)
_COLUMNS: Mapping[str, type] = MappingProxyType(
    {
        "measure": str,
        "of": str,
        "policy": str,
        "unit": str,
        "value": float,
        "low": float,
        "high": float,
        "count": int,
        "n": int,
    }
)


@attrs.frozen(kw_only=True, repr=False)
class Loop:
    """What came of an answer: decisions, calls, promises, and whether people were won back.

    Make one with `loop`, or with `netpromoter.engine.Program.loop`. What is counted is an answer, of one person on one
    occasion however often it was revised, unless the denominator says people or cases.

    Parameters
    ----------
    at : datetime
        At which instant, in UTC; nothing of later is in it.
    since : datetime or None
        The answers that were first given from then on are in it; None for all.
    survey : str or None
        The key of the survey; None if nobody answered.
    answers, people : int
        How many answers there are, and of how many people.
    duplicates : int
        How many selected answers are left out of contacted and closed, as all their cases were closed as duplicates.
    response_rate : Measure or None
        People who answered, of people to whom a message was delivered; None where that is not known.
    answer_rate : Measure or None
        The same by occasion: answers, of occasions on which a message was delivered to somebody.
    primary_response, reminder_response : Measure or None
        Answers that came after the invitation and before any reminder, of invitations delivered; those that came after
        a reminder, of occasions on which one was delivered. None where the steps are not known.
    reminder_lift : mapping of int to Measure
        For each reminder, from 1, the answers that came after it and before the next, of those that were delivered.
    decline_rate, opt_out_rate : Measure or None
        Occasions on which somebody declined, or wanted no more messages (or reminders), of occasions on which a message
        was delivered to somebody. None where that is not known.
    bounce_rate : Measure or None
        Messages that came back, of messages that were sent, each attempt by itself. None where that is not known.
    completion : Measure
        Answers with a comment, as they were last given, of answers.
    coverage : Measure
        People contacted, of people who answered.
    contacts : tuple of Measure
        Contacts asked and contacts that answered, of all contacts, where accounts are known.
    accounts : tuple of Measure
        Accounts asked and accounts that answered, of all accounts; accounts contacted, of accounts that answered.
        Empty where accounts are not known.
    revenue : tuple of RevenueMeasure
        The revenue of the accounts that were asked, that answered and that were contacted, of the revenue of all
        accounts. Empty where it is not known.
    selected, contacted, closed : Measure
        Answers selected, of answers; answers contacted and closed, of selected answers. An answer is contacted when
        somebody talked with the person, or the person did not want to; it is closed while each of its cases is.
    contacted_of_all, closed_of_all : Measure
        The same, of all answers.
    promises : mapping of str to WithinPromise
        How often "attempt", "contact" and "close" were kept in time.
    times : mapping of str to Survival
        How long each of them took from the answer. Cases in which it has not happened are censored at `at`, also where
        they were closed without it: nobody gets faster by giving up.
    trials : mapping of str to Trial
        What calling changes, for each policy that wanted somebody.
    movement : PairedDifference or None
        The last two occasions of each person, where the later is in the loop: who moved between which categories.
    caseloads : mapping of str or None to Caseload
        The cases of each owner; those of None are nobody's. A case is its last owner's, and duplicates are left out.
    """

    at: datetime
    since: datetime | None
    survey: str | None
    answers: int
    people: int
    duplicates: int
    response_rate: Measure | None
    answer_rate: Measure | None
    primary_response: Measure | None
    reminder_response: Measure | None
    reminder_lift: Mapping[int, Measure] = attrs.field(hash=False)
    decline_rate: Measure | None
    opt_out_rate: Measure | None
    bounce_rate: Measure | None
    completion: Measure
    coverage: Measure
    contacts: tuple[Measure, ...]
    accounts: tuple[Measure, ...]
    revenue: tuple[RevenueMeasure, ...]
    selected: Measure
    contacted: Measure
    contacted_of_all: Measure
    closed: Measure
    closed_of_all: Measure
    promises: Mapping[Promise, WithinPromise] = attrs.field(hash=False)
    times: Mapping[Promise, Survival] = attrs.field(hash=False)
    trials: Mapping[str, Trial] = attrs.field(hash=False)
    movement: PairedDifference | None
    caseloads: Mapping[str | None, Caseload] = attrs.field(hash=False)

    @property
    def measures(self) -> tuple[Measure | RevenueMeasure, ...]:
        """All shares that are known, each with its denominator."""
        by_step = (self.primary_response, self.reminder_response, *self.reminder_lift.values())
        tired = (self.decline_rate, self.opt_out_rate, self.bounce_rate)
        asked = (self.response_rate, self.answer_rate, *by_step, *tired)
        covered: tuple[Measure | RevenueMeasure, ...] = (*self.contacts, *self.accounts, *self.revenue)
        of_both = (self.selected, self.contacted, self.contacted_of_all, self.closed, self.closed_of_all)
        promised = (each.measure for each in self.promises.values())
        known = (each for each in asked if each is not None)
        return (*known, self.completion, self.coverage, *covered, *of_both, *promised)

    def by_owner(
        self, what: CaseloadMeasure = "closed", *, minimum: int = 10, confidence_level: float = 0.95
    ) -> Ranking:
        """Order the owners of cases by a share of theirs, and say how far that order can be trusted.

        Parameters
        ----------
        what : str, default "closed"
            "contacted" and "closed" are of all cases, "attempt within promise", "contact within promise" and "close
            within promise" of those that are due.
        minimum : int, default 10
            Who has fewer is listed and not ranked.
        confidence_level : float, default 0.95
            Strictly between 0 and 1, for all who are ranked together.

        Returns
        -------
        Ranking
        """
        return ranking(self.caseloads, what, minimum, confidence_level)

    def by_team(
        self,
        teams: Mapping[str, str],
        what: CaseloadMeasure = "closed",
        *,
        minimum: int = 10,
        confidence_level: float = 0.95,
    ) -> Ranking:
        """Order teams as `by_owner` orders owners.

        Parameters
        ----------
        teams : mapping of str to str
            The team of each owner; those of no team, and the cases of nobody, are listed under None.
        what, minimum, confidence_level
            As in `by_owner`.

        Returns
        -------
        Ranking
        """
        _check_teams(teams)
        found: dict[str | None, Caseload] = {}
        for owner, caseload in self.caseloads.items():
            team = None if owner is None else teams.get(owner)
            found[team] = found.get(team, Caseload()) + caseload
        return ranking(found, what, minimum, confidence_level)

    def rows(self, *, confidence_level: float = 0.95) -> list[dict[str, Any]]:
        """Give one plain dict for each figure.

        Parameters
        ----------
        confidence_level : float, default 0.95
            Strictly between 0 and 1, for each figure by itself.

        Returns
        -------
        list of dict
            ``measure``; ``of``, the denominator; ``policy``, of a trial; ``unit``: "share", "hours", "rating" or
            "points"; ``value``, ``low`` and ``high``, None where they are not known, or where a census leaves nothing
            to chance; ``count`` and ``n``, of accounts for shares of revenue, None for effects.
        """
        found = [*self._shares(confidence_level), *self._spans(confidence_level)]
        if self.movement is not None:
            limits = self.movement.interval(confidence_level=confidence_level)
            found.append(_row("change of score", "people asked twice", "points", self.movement.value, *limits))
            found[-1]["n"] = self.movement.n
        for each in self.trials.values():
            found += _of_trial(each, confidence_level)
        return found

    def _shares(self, level: float) -> Iterator[dict[str, Any]]:
        for each in self.measures:
            yield {**_row("", "", "share"), **each.row(confidence_level=level)}

    def _spans(self, level: float) -> Iterator[dict[str, Any]]:
        for promise, found in self.times.items():
            for name, share in (("median", 0.5), ("90th percentile", 0.9)):
                limits = found.quantile_interval(share, confidence_level=level)
                numbers = map(_hours, (found.quantile(share), *limits))
                row = _row(f"time to {promise}, {name}", "cases", "hours", *numbers)
                yield {**row, "count": found.events, "n": found.n}

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
        rows = self.rows()
        return frame({name: [row[name] for row in rows] for name in _COLUMNS}, _COLUMNS, library)

    def __repr__(self) -> str:
        """Give the main counts in one line."""
        shares = (
            f"{name} {measure.count:,}" for name, measure in (("contacted", self.contacted), ("closed", self.closed))
        )
        late = sum(each.late + each.unmet for each in self.promises.values())
        counts = f"{self.answers:,} answers, {self.selected.count:,} selected, {', '.join(shares)}"
        when = f"{self.survey or 'nothing'}, {self.at:%Y-%m-%d %H:%M} UTC"
        return f"Loop({when}: {counts}, promises not kept in time {late:,})"

    def _repr_html_(self) -> str:
        """Give a table of all figures, for notebooks."""
        rows = [_cells(row) for row in self.rows()]
        return table(["", "of", "policy", "", "95% CI", "counts"], rows, caption=escape(repr(self)))


def loop(
    responses: Iterable[Response],
    decisions: Iterable[FollowUpDecided] = (),
    cases: Iterable[Case] = (),
    *,
    at: datetime,
    since: datetime | None = None,
    delivered: Mapping[tuple[str, str], datetime] | None = None,
    asked_again: Mapping[tuple[str, str], datetime] | None = None,
    deliveries: Iterable[Delivery] | None = None,
    declined: Mapping[tuple[str, str], datetime] | None = None,
    opted_out: Mapping[tuple[str, str], datetime] | None = None,
    accounts: Mapping[str, str | None] | None = None,
    revenue: Mapping[str, float] | None = None,
    value: str = "revenue",
) -> Loop:
    """Count what came of answers by an instant.

    Nothing that happened after `at` counts, so that the same call gives the same in a year, whatever was done since.

    Parameters
    ----------
    responses : iterable of Response
        The answers to one survey and to its recovery, every revision; the last one counts. An answer of purpose
        "recovery" belongs to the first answer of that person and occasion.
    decisions : iterable of FollowUpDecided
        What policies decided about them; those about other answers are passed over.
    cases : iterable of Case
        The cases of that survey, with all their moves.
    at : datetime
        The instant, aware.
    since : datetime, optional
        Which answers: those that were first given from then on. The rates of response are of those to whom the first
        message was delivered from then on.
    delivered, asked_again : mapping of (occasion, contact) to datetime, optional
        When the first message of the survey, or of its recovery, was delivered; what bounced was not.
    deliveries : iterable of Delivery, optional
        Instead of `delivered`, every message of the survey that was sent, with the reminders and with what bounced.
    declined, opted_out : mapping of (occasion, contact) to datetime, optional
        When somebody said that they will not answer, or asked not to be written to, on being asked; only those count to
        whom a message was delivered.
    accounts : mapping of str to str or None, optional
        The account of each contact there is; None where there is none. Leave out who was forgotten: the log knows them
        by another id, so that they would count as never asked.
    revenue : mapping of str to float, optional
        What each account brings, in one currency and for one span, such as a year: from 0 to 1e15, known of each
        account that a contact has. Accounts without a contact belong to the whole too, as nobody can be asked there.
    value : str, default "revenue"
        What the figures call it, such as "ARR".

    Returns
    -------
    Loop

    Raises
    ------
    InvalidArgument
        If the answers are of several surveys, the cases of another, an argument is of another kind, `delivered` and
        `deliveries` are both given, or the revenue of an account is not.

    Examples
    --------
    >>> from netpromoter.model import CaseOpened, Deadline
    >>> at = datetime.fromisoformat("2026-06-01T08:00Z")
    >>> answers = [
    ...     Response(survey="nps", occasion="june", contact=f"c-{n}", rating=rating, at=at)
    ...     for n, rating in enumerate([2, 10, 6, 9, 8])
    ... ]
    >>> due = Deadline(promise="attempt", due=at + timedelta(hours=48))
    >>> cases = [
    ...     Case(opened=CaseOpened(
    ...         survey="nps", occasion="june", contact=contact, policy="call", rating=rating, owner="ann", at=at,
    ...         deadlines=(due,),
    ...     ))
    ...     for contact, rating in (("c-0", 2), ("c-2", 6))
    ... ]
    >>> called = cases[0].move("contacted", by="ann", at=at + timedelta(hours=5))
    >>> cases[0] = Case(opened=cases[0].opened, moves=(called,))
    >>> found = loop(answers, cases=cases, at=at + timedelta(days=3))
    >>> found
    Loop(nps, 2026-06-04 08:00 UTC: 5 answers, 2 selected, contacted 1, closed 0, promises not kept in time 1)
    >>> found.contacted, found.contacted_of_all
    (contacted, of selected answers: 50.0% (95% CI 9.5% to 90.5%; 1 of 2),
     contacted, of answers: 20.0% (95% CI 3.6% to 62.4%; 1 of 5))
    >>> found.promises["attempt"]
    attempt within promise, of cases that are due: 50.0% (95% CI 9.5% to 90.5%; 1 of 2); 0 late, 1 unmet, 0 not due yet
    >>> loop(answers, cases=cases, at=at + timedelta(hours=4)).contacted.count
    0
    """
    now, start = in_utc("at", at), None if since is None else in_utc("since", since)
    found = facts(responses, decisions, cases, at=now, since=start)
    reach = reach_of(deliveries, delivered, at=now, since=start)
    again = reached("asked_again", asked_again, at=now)
    own = [case for each in found.cases.values() for case in each if not is_duplicate(case, now)]
    return Loop(
        at=now,
        since=start,
        survey=found.survey,
        answers=len(found.asks),
        people=len(found.people),
        promises={promise: within_promise(promise, _all(found), now) for promise in _PROMISES},
        times=_times(own, found),
        trials={policy: trial(policy, found, again) for policy in sorted(found.wanted)},
        movement=movement(found),
        caseloads=caseloads(own, now),
        bounce_rate=reach.bounce_rate,
        decline_rate=_refused("declined", declined, reach, now),
        opt_out_rate=_refused("opted_out", opted_out, reach, now),
        **_rates(found, reach.asks),
        **responses_by_step(found, reach.steps),
        **covered(found, reach.asks, accounts, revenue, value),
        **_looped(found),
    )


def _all(found: Facts) -> list[Case]:
    return [case for cases in found.cases.values() for case in cases]


def _rates(found: Facts, delivered: AbstractSet[Ask] | None) -> dict[str, Any]:
    if delivered is None:
        return {"response_rate": None, "answer_rate": None}
    answered = delivered & found.answers.keys()
    people, who = ({contact for _, contact in asks} for asks in (delivered, answered))
    return {
        "response_rate": measure("answered", "people delivered to", who, people),
        "answer_rate": measure("answered", "occasions delivered", answered, delivered),
    }


def _refused(name: str, places: Mapping[Ask, datetime] | None, reach: Reach, at: datetime) -> Measure | None:
    known, asked = reached(name, places, at=at), reach.asks
    if known is None or asked is None:
        return None
    return measure(name.replace("_", " "), "occasions delivered", known, asked)


def _looped(found: Facts) -> dict[str, Any]:
    """Count who gave a reason, and who was selected, contacted and closed, of the selected and of all."""
    everybody, contacted = set(found.asks), found.contacted
    talked_with = {contact for _, contact in contacted}
    duplicates = {ask for ask, cases in found.cases.items() if all(is_duplicate(case, found.at) for case in cases)}
    closed = {ask for ask, cases in found.cases.items() if not any(case.is_open for case in cases)}
    reasoned = {ask for ask, answers in found.asks.items() if answers[-1].comment is not None}
    chosen = set(found.selected) - duplicates
    measures: dict[str, Measure] = {
        "completion": measure("with a comment", "answers", reasoned, everybody),
        "coverage": measure("contacted", "people who answered", talked_with, found.people),
        "selected": measure("selected", "answers", set(found.selected), everybody),
    }
    for name, counted in (("contacted", contacted - duplicates), ("closed", closed - duplicates)):
        measures[name] = measure(name, "selected answers", counted, chosen)
        measures[f"{name}_of_all"] = measure(name, "answers", counted, everybody)
    return {"duplicates": len(duplicates), **measures}


def _times(cases: Sequence[Case], found: Facts) -> dict[Promise, Survival]:
    """Estimate how long each promise took; clocks of two machines may differ, so that a call seems to come first."""
    begun = [_begun(case, found) for case in cases]
    times = {}
    for promise in _PROMISES:
        ended = [case.kept(promise) for case in cases]
        spent = [max((end or found.at) - start, _NOTHING) for start, end in zip(begun, ended, strict=True)]
        times[promise] = survival(np.array(spent, "timedelta64[us]"), [end is not None for end in ended])
    return times


def _begun(case: Case, found: Facts) -> datetime:
    """Give when the answer was given for which a case was opened; where it is not known, when the case was."""
    opened = case.opened
    answers = found.asks[opened.occasion, opened.contact]
    return next((each.at for each in answers if each.ordinal == opened.ordinal), opened.at)


def _hours(span: Any) -> float | None:
    return None if span is None else span / _HOUR


def _row(measure: str, of: str, unit: str, *numbers: float | None) -> dict[str, Any]:
    """Make a row of a value and its limits, if there are any."""
    limits = dict(zip(("value", "low", "high"), numbers or (None, None, None), strict=True))
    return {"measure": measure, "of": of, "policy": None, "unit": unit, **limits, "count": None, "n": None}


def _of_trial(found: Trial, level: float) -> Iterator[dict[str, Any]]:
    """Give the shares of both arms, and what differs between them."""
    arms = {"detractors to be called": found.called, "detractors held out": found.held_out}
    for of, arm in arms.items():
        for what, share in (("answered again", arm.response), ("won back", arm.won_back)):
            whole = of if what == "answered again" else f"{of} who answered again"
            measure = Measure(what=what, of=whole, share=share)
            yield {**_row("", "", "share"), **measure.row(confidence_level=level), "policy": found.policy}
    effects: dict[str, Any] = {
        "won back, called minus held out": ("share", found.won_back_effect),
        "change of rating, called minus held out": ("rating", found.rating_effect),
        "score, called minus held out": ("points", found.score_effect),
    }
    for what, (unit, effect) in effects.items():
        limits = () if effect is None else (effect.value, *effect.interval(confidence_level=level))
        yield {**_row(what, "detractors who answered again", unit, *limits), "policy": found.policy}


def _check_teams(teams: Any) -> None:
    rule = "a mapping of owners to teams, both of them text"
    if not isinstance(teams, Mapping):
        raise refusal("teams", rule, teams)
    for owner, team in teams.items():
        if not (isinstance(owner, str) and isinstance(team, str)):
            raise refusal("teams", rule, {owner: team})


_SHOWN: Mapping[str, Callable[[float], str]] = MappingProxyType(
    {
        "share": percent,
        "hours": lambda value: f"{value:,.1f} h",
        "rating": points,
        "points": lambda value: f"{points(value)} points",
    }
)


def _cells(row: Mapping[str, Any]) -> list[str]:
    show = _SHOWN[row["unit"]]
    value, low, high = ("not known" if row[name] is None else show(row[name]) for name in ("value", "low", "high"))
    census = row["unit"] == "share" and row["low"] is None and row["value"] is not None
    limits = "census" if census else f"{low} to {high}"
    counts = "" if row["count"] is None else f"{row['count']:,} of {row['n']:,}"
    return [escape(row["measure"]), escape(row["of"]), escape(row["policy"] or ""), value, limits, counts]
