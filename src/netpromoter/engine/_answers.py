"""From a history to the comparisons of the statistics: the arms of a test, and a proxy beside its outcome."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from netpromoter._checks import refusal
from netpromoter.model import KINDS, Event, Survey, Touches
from netpromoter.stats import PairedDifference, Score, VariantComparison, compare_paired, compare_variants, score

from ._plan import as_touches

__all__ = ["compare_arms", "compare_proxy"]

_Rows: TypeAlias = npt.NDArray[np.intp]


def compare_arms(touches: Touches | Iterable[Event], survey: str, *, occasion: str | None = None) -> VariantComparison:
    """Compare the arms of a survey: how many answered, and whether the arm shifted the score.

    A person counts once for each occasion. Who was invited at an address that failed for good, and did not answer, was
    not reached and does not count.

    Parameters
    ----------
    touches : Touches or iterable of Event
        What has happened.
    survey : str
        The key of the survey.
    occasion : str, optional
        One wave alone; every occasion if it is left out.

    Returns
    -------
    VariantComparison
        Of the arms in the order in which they were first used.

    Raises
    ------
    InvalidArgument
        If the survey was not sent in two arms or more.
    """
    log = as_touches(touches)
    here = _of_survey(log, survey) & (log.arm >= 0)
    if occasion is not None:
        here &= _named(log.occasion, log.occasions, occasion)
    asked = {kind: _asks(log, np.flatnonzero(here & _is(log, kind))) for kind in ("invited", "answered", "bounced")}
    lost = set(asked["bounced"]) - set(asked["answered"])
    arm_of = {ask: int(log.arm[row]) for ask, row in asked["invited"].items()}
    invited: dict[str, int] = {log.arms[arm]: 0 for arm in dict.fromkeys(arm_of.values())}
    if len(invited) < 2:
        raise refusal("survey", "one that was sent in two arms or more", survey)
    ratings: dict[str, list[int]] = {name: [] for name in invited}
    for ask, arm in arm_of.items():
        invited[log.arms[arm]] += ask not in lost
        if ask in asked["answered"]:
            ratings[log.arms[arm]].append(int(log.rating[asked["answered"][ask]]))
    scores: dict[str, Score | None] = {name: score(found) if found else None for name, found in ratings.items()}
    return compare_variants(invited, scores)


def compare_proxy(touches: Touches | Iterable[Event], proxy: Survey) -> PairedDifference:
    """Compare the answers to a proxy survey with those to the outcome survey that it stands for.

    Of each person the last answer to the outcome counts, beside the last answer to the proxy before it.

    Parameters
    ----------
    touches : Touches or iterable of Event
        What has happened.
    proxy : Survey
        The proxy, whose `stands_for` is the key of the outcome survey.

    Returns
    -------
    PairedDifference
        Outcome minus proxy, of those who answered both.

    Raises
    ------
    InvalidArgument
        If the survey stands for no other, or if nobody answered both.
    """
    outcome = getattr(proxy, "stands_for", None)
    if outcome is None:
        raise refusal("proxy", "a Survey that names in stands_for the survey it stands for", proxy)
    log = as_touches(touches)
    answered = _is(log, "answered")
    first, second = (np.flatnonzero(answered & _of_survey(log, key)) for key in (proxy.key, outcome))
    pairs = _paired(log, first, second)
    if not len(pairs):
        raise refusal("touches", f"with somebody who answered {proxy.key!r} and then {outcome!r}", log)
    return compare_paired(log.rating[pairs[:, 0]], log.rating[pairs[:, 1]])


def _paired(log: Touches, first: _Rows, second: _Rows) -> npt.NDArray[np.intp]:
    """Pair the last row of each person in `second` with the last one in `first` before it."""
    before: dict[int, int] = {}
    pairs: dict[int, tuple[int, int]] = {}
    is_first = np.isin(np.arange(len(log)), first)
    rows = np.concatenate([first, second])
    for row in rows[np.argsort(log.at[rows], kind="stable")].tolist():
        person = int(log.contact[row])
        if is_first[row]:
            before[person] = row
        elif person in before:
            pairs[person] = before[person], row
    return np.array(list(pairs.values()), np.intp).reshape(-1, 2)


def _asks(log: Touches, rows: _Rows) -> dict[tuple[int, int], int]:
    """Give the row of each contact and occasion."""
    return {(int(log.contact[row]), int(log.occasion[row])): row for row in rows.tolist()}


def _is(log: Touches, kind: str) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = log.kind == KINDS.index(kind)
    return found


def _of_survey(log: Touches, key: str) -> npt.NDArray[np.bool_]:
    return np.isin(log.survey, [code for code, survey in enumerate(log.surveys) if survey[0] == key])


def _named(codes: npt.NDArray[np.integer[Any]], labels: Iterable[str], name: str) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = np.isin(codes, [code for code, label in enumerate(labels) if label == name])
    return found
