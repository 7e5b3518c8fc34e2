"""Labels of groups as plain Python values, and their order."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Columns", "Counts", "arranged", "identities", "identity", "plain", "plain_values", "ranked"]

Counts: TypeAlias = npt.NDArray[np.int64]
Columns: TypeAlias = tuple[tuple[object, ...], ...]

_PLAIN = {int, str, bool, bytes, type(None), Decimal}
_PLAIN |= {dt.date, dt.datetime, dt.time, dt.timedelta}
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
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


def identity(label: object) -> Any:
    """Give what tells a plain label from others: of an aware time the instant, as some hours come twice in a year.

    Python takes two times of one zone for equal where they differ only in `fold`.
    """
    if not isinstance(label, dt.datetime) or (offset := label.utcoffset()) is None:
        return label
    return (label.replace(tzinfo=dt.UTC, fold=0) - _EPOCH - offset,)


def identities(labels: Sequence[object]) -> Sequence[Any]:
    """Give what tells a column of plain labels from one another."""
    times = any(issubclass(kind, dt.datetime) for kind in set(map(type, labels)))
    return list(map(identity, labels)) if times else labels


def ranked(labels: Sequence[object], order: Sequence[object] = ()) -> tuple[npt.NDArray[np.int64], list[Any]]:
    """Give the rank of each plain label among the distinct ones, and those in order.

    Labels of a declared `order` come as declared, others by value, None last.
    """
    keys = identities(labels)
    known: dict[Any, Any] = {}
    for key, label in zip(keys, labels, strict=True):
        known.setdefault(key, label)
    declared = [key for key in identities(order) if key in known]
    others = list(known.keys() - {None, *declared})
    try:
        others.sort()
    except TypeError:
        others.sort(key=lambda key: (type(known[key]).__name__, str(known[key])))
    distinct = [*declared, *others, *[None] * (None in known)]
    places = {key: place for place, key in enumerate(distinct)}
    return np.fromiter(map(places.__getitem__, keys), np.int64, len(keys)), [known[key] for key in distinct]


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
