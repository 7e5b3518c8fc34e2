"""Counts by group in one pass over two columns of small integers, in blocks that stay in the cache."""

from __future__ import annotations

from typing import Any, ClassVar, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter._checks import one_of, refusal
from netpromoter.ratings import MISSING, Scale, codes

__all__ = ["Tally", "tally"]

Integers: TypeAlias = npt.NDArray[np.integer[Any]]
Counts: TypeAlias = npt.NDArray[np.int64]

_INTEGERS = tuple(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
_BLOCK = 1 << 16
_HIGHEST = 10
_LOWEST_MISSING = 1 << 8


@attrs.frozen(kw_only=True, eq=False)
class Tally:
    """What `tally` counts.

    Parameters
    ----------
    counts : ndarray of int64, shape (k, 4)
        Detractors, passives, promoters and missing answers of each group, as ``COLUMNS`` names them.
    lowest, highest : int or None
        The lowest and the highest answer, or None where nobody answered.
    """

    COLUMNS: ClassVar[tuple[str, ...]] = ("detractors", "passives", "promoters", "missing")

    counts: Counts
    lowest: int | None
    highest: int | None


def tally(ratings: npt.NDArray[np.int8], groups: Integers, k: int, *, first: int = 0, scale: Scale = "0-10") -> Tally:
    """Count detractors, passives, promoters and missing answers by group.

    Parameters
    ----------
    ratings : ndarray of int8, shape (n,)
        Ratings from 0 to 10, and -1 where there is no answer, as `netpromoter.ratings.codes` gives them.
    groups : ndarray of integers, shape (n,)
        The group of each answer, from `first` to ``first + k - 1``.
    k : int
        How many groups there are.
    first : int, default 0
        The code of the first group.
    scale : {"0-10", "1-10"}, default "0-10"
        The scale that the question showed.

    Returns
    -------
    Tally

    Raises
    ------
    InvalidRating
        If a rating is neither on the scale nor -1.
    InvalidArgument
        If a group is out of bounds, or the two columns are not equally long.

    Notes
    -----
    The category of an answer is the sum of three comparisons, which are SIMD instructions in numpy; with the group it
    makes a key of 16 bits, or 32 where they do not fit, and one `numpy.bincount` counts a block of keys. A block that
    lies in one group, as in a sorted column, is counted without keys: there `bincount` waits for its own last write.

    Examples
    --------
    >>> import numpy as np
    >>> tally(np.array([10, 9, 3, -1, 8], np.int8), np.array([0, 1, 0, 1, 1]), 2).counts
    array([[1, 0, 1, 0],
           [0, 1, 1, 1]])
    """
    one_of("scale", scale, ("0-10", "1-10"))
    for name, column, kinds in (("ratings", ratings, ("int8",)), ("groups", groups, _INTEGERS)):
        if type(column) is not np.ndarray or column.ndim != 1 or column.dtype.name not in kinds:
            raise refusal(name, f"one numpy array of {' or '.join(kinds)}", getattr(column, "dtype", column))
    if groups.shape != ratings.shape:
        raise refusal("groups", f"as many as the ratings, {ratings.size:,}", groups.size)
    counter = _Counter(k, first, rows=ratings.size)
    lowest, highest = _LOWEST_MISSING, MISSING
    for start in range(0, ratings.size, counter.block):
        answers = ratings[start : start + counter.block]
        low, high = _extremes(answers)
        lowest, highest = min(lowest, low), max(highest, high)
        counter.add(answers.view(np.uint8), groups[start : start + counter.block])
    if highest > _HIGHEST or lowest < int(scale.partition("-")[0]):
        codes(np.ma.masked_equal(ratings, MISSING), scale=scale)
    answered = highest != MISSING
    return Tally(
        counts=counter.counts.reshape(k, 4), lowest=lowest if answered else None, highest=highest if answered else None
    )


def _extremes(answers: npt.NDArray[np.int8]) -> tuple[int, int]:
    """Give the lowest and highest answer of a block: 255 and -1 where all are missing."""
    low = int(answers.min())
    return (int(answers.view(np.uint8).min()) if low == MISSING else low), int(answers.max())


class _Counter:
    """Counts of keys, and the buffers that its blocks share."""

    def __init__(self, k: int, first: int, rows: int) -> None:
        # The longer of the two, so that adding a block's counts never costs more than counting them.
        self.block = min(max(_BLOCK, 4 * k), max(rows, 1))
        self.counts = np.zeros(4 * k, dtype=np.int64)
        self._first, self._last = first, first + k - 1
        key = np.dtype(np.uint16 if 4 * k <= 1 << 16 else np.uint32)
        self._origin = key.type(-4 * first % (1 << 8 * key.itemsize))
        self._keys = np.empty(self.block, key)
        self._category = np.empty(self.block, np.uint8)
        self._over = np.empty(self.block, np.bool_)

    def add(self, answers: npt.NDArray[np.uint8], groups: Integers) -> None:
        low, high = int(groups.min()), int(groups.max())
        if low < self._first or high > self._last:
            outside = low if low < self._first else high
            raise refusal("groups", f"whole numbers from {self._first} to {self._last}", outside)
        if low == high:
            start = 4 * (low - self._first)
            self.counts[start : start + 4] += _categories_of_one_group(answers)
        else:
            self.counts += np.bincount(self._keyed(answers, groups), minlength=self.counts.size)

    def _keyed(self, answers: npt.NDArray[np.uint8], groups: Integers) -> npt.NDArray[Any]:
        """Give ``4 * (group - first) + category``, in arithmetic modulo the width of a key."""
        keys = self._keys[: groups.size]
        if groups.dtype.isnative and groups.itemsize == keys.itemsize:
            np.multiply(groups.view(keys.dtype), 4, out=keys)
        else:
            np.copyto(keys, groups, casting="unsafe")
            np.multiply(keys, 4, out=keys)
        if self._origin:
            np.add(keys, self._origin, out=keys)
        np.add(keys, self._categories(answers), out=keys)
        return keys

    def _categories(self, answers: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        category, over = self._category[: answers.size], self._over[: answers.size]
        np.greater(answers, 6, out=category.view(np.bool_))
        for bound in (8, 10):
            np.greater(answers, bound, out=over)
            np.add(category, over.view(np.uint8), out=category)
        return category


def _categories_of_one_group(answers: npt.NDArray[np.uint8]) -> Counts:
    above = [np.count_nonzero(answers > bound) for bound in (10, 8, 6)]
    return np.diff([0, *above, answers.size])[::-1]
