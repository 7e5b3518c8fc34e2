"""The score of a program, by the design that its log has recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import Any, TypeAlias

import numpy as np

from netpromoter.model import Response, WaveDrawn
from netpromoter.stats import DesignScore, Score, design_score, score

__all__ = ["AnyScore", "Design"]

AnyScore: TypeAlias = "Score | DesignScore"
_Stratum: TypeAlias = "tuple[str, str]"


class Design:
    """What was drawn from which stratum, and how many people each had.

    Answers of several strata stand each for its stratum: a stratum of which one in ten was asked weighs as much as it
    has people, not as it has answers. Where there is one stratum alone, or a draw is not on record, each answer weighs
    the same.
    """

    def __init__(self, drawn: Iterable[WaveDrawn]) -> None:
        self._populations: dict[_Stratum, int] = {}
        self._last: dict[str, _Stratum] = {}
        for each in drawn:
            self._last[each.stratum] = each.occasion, each.stratum
            self._populations[each.occasion, each.stratum] = each.population

    def score(self, answers: Sequence[Response]) -> AnyScore:
        """Score some answers."""
        return next(iter(self.score_by(answers, [None] * len(answers)).values()), None) or score([])

    def score_by(self, answers: Sequence[Response], keys: Sequence[Hashable]) -> dict[Any, AnyScore]:
        """Score answers by a key that each has; a group is a part of the whole design."""
        ratings, strata = [each.rating for each in answers], [self._stratum(each) for each in answers]
        known = [each for each in strata if each is not None]
        groups: dict[Hashable, list[int]] = {}
        for place, key in enumerate(keys):
            groups.setdefault(key, []).append(place)
        if len(set(known)) < 2 or len(known) < len(strata):
            return {key: score([ratings[place] for place in places]) for key, places in groups.items()}
        options: dict[str, Any] = {"strata": strata, "populations": self._sizes(known), "lonely": "adjust"}
        return {
            key: design_score(ratings, where=np.isin(np.arange(len(ratings)), places), **options)
            for key, places in groups.items()
        }

    def _stratum(self, answer: Response) -> _Stratum | None:
        """Find the draw of an answer: of its wave, or where occasions are not waves the last one of its stratum."""
        own = answer.occasion, answer.stratum or ""
        return own if own in self._populations else self._last.get(answer.stratum or "")

    def _sizes(self, strata: Iterable[_Stratum]) -> dict[_Stratum, int]:
        """Say how many people each stratum has: not fewer than have answered, of whom some came later."""
        return {stratum: max(self._populations[stratum], count) for stratum, count in Counter(strata).items()}
