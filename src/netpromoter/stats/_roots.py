"""Roots of many functions of one variable at once, each kept inside its bracket."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Floats", "roots"]

Floats: TypeAlias = npt.NDArray[np.float64]

_STEPS = 200
_PATIENCE = 4
_SPACINGS = 4 * 2.0**-53


def roots(
    function: Callable[..., Floats],
    low: Floats,
    high: Floats,
    *args: Floats,
    guess: Floats | None = None,
    ends: tuple[Floats, Floats] | None = None,
    tolerance: float = 2e-15,
) -> Floats:
    """Find where each function changes sign.

    Parameters
    ----------
    function : callable
        ``function(x, *args)`` on arrays of one shape, element by element; not negative at `low`, not positive at
        `high`. It is not called at the ends, where it may have a second root.
    low, high : ndarray, shape (k,)
        The brackets, within [-2, 2].
    *args : ndarray, shape (k,)
        Further arguments, one per bracket.
    guess : ndarray, shape (k,), optional
        Where to look first, strictly inside the brackets; else in their middle.
    ends : pair of ndarray, shape (k,), optional
        The values at `low` and `high`.
    tolerance : float, default 2e-15
        How far from the root the result may lie, beyond four spacings of floats.

    Returns
    -------
    ndarray, shape (k,)

    Notes
    -----
    A secant through the ends of the bracket, weighted by Anderson and Björck's rule when one end stays; a bracket
    that did not shrink to an eighth in four steps is halved.

    References
    ----------
    Anderson, N. and Björck, Å. (1973). A new high order method of regula falsi type for computing a root of an
    equation. *BIT* 13, 253-264.
    """
    found = np.empty(low.shape)
    place, columns = np.arange(low.size), list(args)
    a, b = low.copy(), high.copy()
    fa, fb = (np.full(low.shape, np.nan) for _ in range(2)) if ends is None else (end.copy() for end in ends)
    x = (a + b) / 2 if guess is None else guess
    before, rose = b - a, np.zeros(low.shape, dtype=bool)
    for step in range(1, _STEPS):
        fx = function(x, *columns)
        rises = fx > 0
        falls = ~rises
        with np.errstate(all="ignore"):
            weight = 1 - fx / np.where(rises, fa, fb)
        np.copyto(weight, 0.5, where=~(weight > 0))
        again = rises == rose
        np.multiply(fa, weight, out=fa, where=again & falls)
        np.multiply(fb, weight, out=fb, where=again & rises)
        for value, left, right in ((fx, fa, fb), (x, a, b)):
            np.copyto(left, value, where=rises)
            np.copyto(right, value, where=falls)
        width = b - a
        slack = _SPACINGS * np.maximum(np.abs(a), np.abs(b)) + tolerance
        done = (width <= 2 * slack) | (fx == 0)
        finished = int(np.count_nonzero(done))
        if 4 * finished >= done.size:
            found[place[done]] = np.where(fx == 0, x, (a + b) / 2)[done]
            if finished == done.size:
                break
            keep = np.flatnonzero(~done)
            place, columns = place[keep], [column[keep] for column in columns]
            a, b, fa, fb, width, slack, before = (values[keep] for values in (a, b, fa, fb, width, slack, before))
            rises = rises[keep]
        rose = rises
        with np.errstate(all="ignore"):
            x = b - fb * (width / (fb - fa))
        usable = (x >= a) & (x <= b)
        if step % _PATIENCE == 0:
            usable &= width < before / 8
            before = width
        np.copyto(x, a + width / 2, where=~usable)
        x = np.clip(x, a + slack, b - slack)
    return found
