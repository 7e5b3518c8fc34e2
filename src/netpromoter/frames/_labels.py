"""Labels of groups as plain Python values, and their order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Columns", "Counts", "arranged", "plain", "plain_values", "ranked"]

Counts: TypeAlias = npt.NDArray[np.int64]
Columns: TypeAlias = tuple[tuple[object, ...], ...]

_PLAIN = {int, str, bool, bytes, type(None), Decimal}
_PLAIN |= {dt.date, dt.datetime, dt.time, dt.timedelta}
_MISSING_TYPES = frozenset({"NAType", "NaTType", "MaskedConstant"})


def plain(label: object) -> Any:
    """Give a label as a plain Python value: None for every kind of missing, no scalar of numpy or pandas."""
    if isinstance(label, np.generic):
        label = label.item()
    if type(label).__name__ in _MISSING_TYPES or (isinstance(label, float) and label != label):  # noqa: PLR0124
        return None
    if hasattr(label, "to_pydatetime"):
        return label.to_pydatetime(warn=False)
    return label.to_pytimedelta() if hasattr(label, "to_pytimedelta") else label


def plain_values(labels: Sequence[object]) -> Sequence[object]:
    """Give a column of labels as plain Python values."""
    return labels if set(map(type, labels)) <= _PLAIN else list(map(plain, labels))


def ranked(labels: Sequence[object], order: Sequence[object] = ()) -> tuple[npt.NDArray[np.int64], list[Any]]:
    """Give the rank of each plain label among the distinct ones, and those in order.

    Labels of a declared `order` come as declared, others by value, None last.
    """
    found = set(labels) - {None}
    declared = [label for label in order if label in found]
    others: list[Any] = list(found.difference(declared))
    try:
        others.sort()
    except TypeError:
        others.sort(key=lambda label: (type(label).__name__, str(label)))
    distinct = [*declared, *others, *[None] * (None in labels)]
    places = {label: place for place, label in enumerate(distinct)}
    return np.fromiter(map(places.__getitem__, labels), np.int64, len(labels)), distinct


def arranged(
    labels: Sequence[Sequence[object]], counts: Counts, orders: Sequence[Sequence[object]]
) -> tuple[Columns, Counts]:
    """Sort groups by key, and merge those whose keys are equal, such as null and NaN, or 0.0 and -0.0."""
    columns = zip(map(plain_values, labels), orders, strict=True)
    ranks, distinct = zip(*(ranked(column, order) for column, order in columns), strict=True)
    order = np.lexsort(ranks[::-1])
    ordered = [rank[order] for rank in ranks]
    changed = np.any([rank[1:] != rank[:-1] for rank in ordered], axis=0)
    starts = np.flatnonzero(np.concatenate([[True], changed]))
    pairs = zip(distinct, ordered, strict=True)
    keys = tuple(tuple(known[place] for place in rank[starts].tolist()) for known, rank in pairs)
    return keys, np.add.reduceat(counts[order], starts, axis=0)
