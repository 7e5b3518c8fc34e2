"""What sums give away: exact elimination over the whole numbers, never floating point.

A sum over some cells is a row of zeros and ones, a column for each cell. What can be computed from some sums is the
span of their rows over the rational numbers. Rows are only ever multiplied by whole numbers, and divided by what
divides all their entries, so nothing is rounded; where 64 bits might not hold a product, Python's integers do.

The lightest combination of rows is the word of least weight of a linear code. It is looked for as there: whoever
touches few columns touches few pivots of at least one of several reduced forms.

References
----------
Cox, L. H. (1980). "Suppression methodology and statistical disclosure control", *Journal of the American Statistical
Association* 75, 377-385 (a withheld cell is safe when it is not in the span of the published ones).
Zimmermann, K.-H. (1996). *Integral Hecke modules, integral generalized Reed-Muller codes, and linear codes*, and
Grassl, M. (2006). "Searching for linear codes with large minimum distance", section 2 (several information sets).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

__all__ = ["SUPPORT", "kept", "light", "recipes"]

#: Whole numbers: int64, or Python's where those would not hold them.
Rows: TypeAlias = npt.NDArray[Any]
_Mask: TypeAlias = npt.NDArray[np.bool_]
_Places: TypeAlias = npt.NDArray[np.int64]

#: In so many cells that the shown groups tell apart, the search for a light combination is complete.
SUPPORT = 4
#: Entries below this have products, and sums of two products, within 64 bits.
_SAFE = 2**30
#: So many reduced forms are tried before the search branches.
_FORMS = 12


def kept(candidates: Rows, secrets: Rows, given: Rows) -> list[int]:
    """Choose rows, in order, so that together with the given ones they never span a secret that those do not span.

    Returns
    -------
    list of int
        The places of the candidates that are kept. None of the others could be added.
    """
    rows = _primitive(np.concatenate([given, candidates, secrets]))
    first, end = len(given), len(given) + len(candidates)
    chosen = []
    for place in range(end):
        filled = np.flatnonzero(rows[place])
        if len(filled) and place >= first and _parallel(rows[place], rows[end:], filled[0]):
            continue
        if len(filled):
            rows = _cleared(rows, place, filled[0], start=place + 1)
        chosen.append(place - first)
    return [place for place in chosen if place >= 0]


def recipes(shown: Rows, targets: Rows) -> list[tuple[Fraction, ...] | None]:
    """Say for each target with which multiples of the shown rows it is computed; None where it cannot be."""
    width, size = shown.shape[1], len(shown)
    marks = np.zeros((len(targets), size + 1), np.int64)
    marks[:, -1] = 1
    rows = np.block([[shown, np.eye(size, size + 1, dtype=np.int64)], [targets, marks]])
    for place in range(size):
        filled = np.flatnonzero(rows[place, :width])
        if len(filled):
            rows = _cleared(rows, place, filled[0], start=place + 1)
    return [None if row[:width].any() else _multiples(row[width:]) for row in rows[size:]]


def _multiples(row: Rows) -> tuple[Fraction, ...]:
    *others, own = row.tolist()
    return tuple(Fraction(-each, own) for each in others)


def light(shown: Rows, weights: _Places, least: int) -> Rows:
    """Find combinations of rows that touch cells of less than a weight in total.

    Parameters
    ----------
    shown : ndarray, shape (g, m)
        Zeros and ones.
    weights : ndarray of int64, shape (m,)
        Of each cell, above 0.
    least : int
        The weight that is enough.

    Returns
    -------
    ndarray, shape (found, m)
        None only if there is none that touches at most `SUPPORT` distinct columns.
    """
    columns, cell = np.unique(shown, axis=1, return_inverse=True)
    cell = cell.reshape(-1)
    together = np.zeros(columns.shape[1], np.int64)
    np.add.at(together, cell, weights)
    rows, pivots = _echelon(columns, np.argsort(-together, kind="stable"))
    small = together < least
    code = _Code(rows=rows[[row for row, column in pivots if small[column]]], weights=together, least=least)
    found = code.light(least - 1, small)
    return found[:, cell]


@attrs.frozen(kw_only=True, eq=False)
class _Code:
    """Rows that touch only cells under the weight, whatever is added to them."""

    rows: Rows
    weights: _Places
    least: int

    def light(self, support: int, free: _Mask) -> Rows:
        """Find light combinations of the free columns: all that touch up to `SUPPORT`, and most up to `support`.

        In each reduced form all combinations of one row and of two are tried. What is missed has three or more pivots
        of every form, so that it leaves out at most its size less 3 of its columns in each. Once these have been left
        out more often than that, whichever they are, there is no such combination.
        """
        rows, outside = self.rows, np.zeros(len(self.weights), np.int64)
        for forms in range(1, _FORMS + 1):
            order = np.argsort(-outside, kind="stable")
            rows, pivots = _echelon(rows, order[free[order]])
            found = self._of_two(rows)
            outside += 1
            outside[[column for _, column in pivots]] -= 1
            if len(found) or _complete(outside[free], forms, support):
                return found
        sure = min(support, SUPPORT)
        if _complete(outside[free], _FORMS, sure):
            return found
        return self._branched(sure, free, int(np.flatnonzero(free)[np.argmin(outside[free])]))

    def _branched(self, support: int, free: _Mask, column: int) -> Rows:
        """Look apart at the combinations that touch a column, and at those that do not."""
        others = free.copy()
        others[column] = False
        found = self.light(support - 1, others)
        if len(found):
            return found
        rows, _ = _echelon(self.rows, [column])
        return attrs.evolve(self, rows=rows[rows[:, column] == 0]).light(support, others)

    def _of_two(self, rows: Rows) -> Rows:
        filled = (rows != 0).astype(np.float64)
        common = (filled * self.weights) @ filled.T
        touched = common.diagonal()
        apart = touched[:, None] + touched - 2 * common
        found = {tuple(row.tolist()) for row in rows[touched < self.least]}
        for one, other in np.argwhere(np.triu(apart < self.least, 1)):
            found.update(self._canceled(rows[one], rows[other]))
        return np.array(sorted(found), rows.dtype).reshape(len(found), rows.shape[1])

    def _canceled(self, one: Rows, other: Rows) -> Iterator[tuple[int, ...]]:
        for column in np.flatnonzero((one != 0) & (other != 0)):
            row = _primitive((one * other[column] - other * one[column])[None])[0]
            if (row != 0) @ self.weights < self.least:
                yield tuple((row * np.sign(row[row != 0][0])).tolist())


def _complete(outside: _Places, forms: int, support: int) -> bool:
    fewest = np.sort(outside)
    return all(fewest[:size].sum() > forms * (size - 3) for size in range(3, min(support, len(fewest)) + 1))


def _echelon(rows: Rows, order: Sequence[int] | _Places) -> tuple[Rows, list[tuple[int, int]]]:
    """Reduce rows, taking pivots from the columns in this order; give them with the row and column of each pivot."""
    rows, pivots = rows.copy(), []
    waiting = np.ones(len(rows), np.bool_)
    for column in order:
        able = np.flatnonzero(waiting & (rows[:, column] != 0))
        if len(able):
            row = able[np.argmin((rows[able] != 0).sum(1))]
            rows = _cleared(rows, row, column)
            waiting[row] = False
            pivots.append((int(row), int(column)))
    return rows, pivots


def _cleared(rows: Rows, place: int, column: int, start: int = 0) -> Rows:
    """Clear a column of all rows from `start` on, except the one at `place`, with whole multiples of that."""
    others = start + np.flatnonzero(rows[start:, column])
    others = others[others != place]
    pivot = rows[place]
    changed = _primitive(rows[others] * pivot[column] - rows[others, column, None] * pivot)
    if rows.dtype != object and np.abs(changed).max(initial=0) >= _SAFE:
        rows, changed = rows.astype(object), changed.astype(object)
    rows[others] = changed
    return rows


def _primitive(rows: Rows) -> Rows:
    """Divide each row by what divides all its entries."""
    common = np.gcd.reduce(rows, axis=1)
    return rows // np.where(common == 0, 1, common)[:, None]


def _parallel(row: Rows, others: Rows, column: int) -> bool:
    """Say whether one of the others is a multiple of a row; all of them have no common divisors."""
    able = others[others[:, column] != 0]
    return bool((able * np.sign(able[:, [column]]) == row * np.sign(row[column])).all(1).any())
