"""Counts by group, as both paths give them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import attrs
import numpy as np

from netpromoter._checks import refusal
from netpromoter.ratings import MISSING, Codes, Scale
from netpromoter.stats import tally

from ._breakdown import RESULT_COLUMNS, Origin
from ._coding import Coded, crossed
from ._labels import Counts

__all__ = ["Found", "counted", "named"]


@attrs.frozen(kw_only=True, eq=False)
class Found:
    """Counts by group in no particular order, as `netpromoter.stats` names them; keys may come twice."""

    by: tuple[str, ...]
    labels: Sequence[Sequence[object]]
    counts: Counts
    lowest: int | None
    highest: int | None
    origin: Origin
    first_missing: Callable[[], int] | None = None


def named(names: Collection[Any]) -> tuple[str, ...]:
    """Return the names to group by, or refuse what cannot head the columns of a result."""
    if not names:
        raise refusal("by", "at least one name", names)
    for name in names:
        if not isinstance(name, str):
            raise refusal("by", "made of names", name)
        if name in RESULT_COLUMNS:
            raise refusal("by", "other names than those of the result, " + ", ".join(map(repr, RESULT_COLUMNS)), name)
    if len(set(names)) < len(names):
        raise refusal("by", "names that differ from one another", list(names))
    return tuple(names)


def counted(by: tuple[str, ...], answers: Codes, keys: Sequence[Coded], scale: Scale, origin: Origin) -> Found:
    """Count columns in memory, by the kernel."""
    grouping = crossed(keys)
    found = tally(answers, grouping.groups, grouping.size, first=grouping.first, scale=scale)
    present = np.flatnonzero(found.counts.any(axis=1))
    return Found(
        by=by,
        labels=grouping.labels(present),
        counts=found.counts[present],
        lowest=found.lowest,
        highest=found.highest,
        origin=origin,
        first_missing=lambda: int((answers == MISSING).argmax()),
    )
