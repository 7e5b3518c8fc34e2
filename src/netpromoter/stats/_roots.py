"""Roots of many functions of one variable at once, each kept inside its bracket."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    brackets = _Brackets(low, high, ends, args, tolerance)
    x = (low + high) / 2 if guess is None else guess
    for step in range(1, _STEPS):
        brackets.shrink(x, function(x, *brackets.args))
        if not brackets.place.size:
            break
        x = brackets.next_points(halve_slow=step % _PATIENCE == 0)
    return brackets.found


class _Brackets:
    """The brackets that are still open, with the values at their ends, and the roots of those that are closed."""

    def __init__(
        self, low: Floats, high: Floats, ends: tuple[Floats, Floats] | None, args: Sequence[Floats], tolerance: float
    ) -> None:
        unknown = np.full(low.shape, np.nan)
        fa, fb = (unknown, unknown) if ends is None else ends
        self.found = np.empty(low.shape)
        self.place, self.args, self._tolerance = np.arange(low.size), list(args), tolerance
        self._a, self._b, self._fa, self._fb = low.copy(), high.copy(), fa.copy(), fb.copy()
        self._rose, self._before = np.zeros(low.shape, dtype=bool), high - low

    def shrink(self, x: Floats, fx: Floats) -> None:
        """Move one end of each bracket to `x`, and weigh the value at the other if it stays once more."""
        rises = fx > 0
        falls = ~rises
        with np.errstate(all="ignore"):
            weight = 1 - fx / np.where(rises, self._fa, self._fb)
        np.copyto(weight, 0.5, where=~(weight > 0))
        again = rises == self._rose
        np.multiply(self._fa, weight, out=self._fa, where=again & falls)
        np.multiply(self._fb, weight, out=self._fb, where=again & rises)
        for value, left, right in ((fx, self._fa, self._fb), (x, self._a, self._b)):
            np.copyto(left, value, where=rises)
            np.copyto(right, value, where=falls)
        self._rose, self._width = rises, self._b - self._a
        self._slack = _SPACINGS * np.maximum(np.abs(self._a), np.abs(self._b)) + self._tolerance
        self._close((self._width <= 2 * self._slack) | (fx == 0), np.where(fx == 0, x, (self._a + self._b) / 2))

    def _close(self, done: npt.NDArray[np.bool_], root: Floats) -> None:
        """Take closed brackets out, once they are enough to be worth it: staying in does them no harm."""
        if 4 * int(np.count_nonzero(done)) < done.size:
            return
        self.found[self.place[done]] = root[done]
        keep = np.flatnonzero(~done)
        self.args = [column[keep] for column in self.args]
        for name in ("place", "_a", "_b", "_fa", "_fb", "_rose", "_before", "_width", "_slack"):
            setattr(self, name, getattr(self, name)[keep])

    def next_points(self, *, halve_slow: bool) -> Floats:
        """Give where to look next: where the secant crosses 0, or the middle of a bracket that did not shrink."""
        with np.errstate(all="ignore"):
            x = self._b - self._fb * (self._width / (self._fb - self._fa))
        usable = (x >= self._a) & (x <= self._b)
        if halve_slow:
            usable &= self._width < self._before / 8
            self._before = self._width
        np.copyto(x, self._a + self._width / 2, where=~usable)
        return np.clip(x, self._a + self._slack, self._b - self._slack)
