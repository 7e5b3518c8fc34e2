"""How much more the ratings of one group of people changed than those of another."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, get_args

import attrs

from netpromoter._checks import between, one_of, refusal
from netpromoter._figures import points, span
from netpromoter._html import table
from netpromoter.stats import Alternative, PairedDifference, SignificanceTest

__all__ = ["ChangeDifference"]

#: A rating changes by -10 to 10, so that two means of changes differ by at most as much as this.
_RANGE = 20


def _with_ratings(_: object, field: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, PairedDifference) or value.ratings is None:
        raise refusal(field.name, "a PairedDifference that knows the ratings", value)


def _moments(d: PairedDifference) -> tuple[int, Fraction, Fraction | None]:
    """Give how many people answered twice, the mean of their changes, and the sample variance where there is one."""
    cells = [(j - i, times) for i, row in enumerate(d.ratings or ()) for j, times in enumerate(row) if times]
    total, squares = (sum(times * change**power for change, times in cells) for power in (1, 2))
    spread = Fraction(d.n * squares - total**2, d.n * (d.n - 1)) if d.n > 1 else None
    return d.n, Fraction(total, d.n), spread


def _welch_half(error: float, freedom: float, tail: float) -> float:
    from scipy.special import stdtrit

    return -float(stdtrit(freedom, tail)) * error


@attrs.frozen(kw_only=True, repr=False)
class ChangeDifference:
    """How much more the ratings of the second group changed than those of the first, two groups of different people.

    Parameters
    ----------
    first, second : PairedDifference
        The two answers of each person of each group, with their ratings.

    References
    ----------
    Welch, B. L. (1947). The generalization of "Student's" problem when several different population variances are
    involved. *Biometrika* 34, 28-35.
    Hoeffding, W. (1963). Probability inequalities for sums of bounded random variables. *Journal of the American
    Statistical Association* 58, 13-30 (the corollary to theorem 1).

    Examples
    --------
    >>> from netpromoter.stats import compare_paired
    >>> held_out = compare_paired([2, 5, 6, 3, 0], [4, 5, 7, 3, 2])
    >>> called = compare_paired([1, 6, 4, 3, 2, 5], [7, 9, 5, 8, 2, 10])
    >>> ChangeDifference(first=held_out, second=called)
    +2.3 in rating (95% CI -0.2 to +4.9), p = 0.069; +1.0 of 5 and +3.3 of 6
    """

    first: PairedDifference = attrs.field(validator=_with_ratings)
    second: PairedDifference = attrs.field(validator=_with_ratings)

    @property
    def means(self) -> tuple[float, float]:
        """The mean change of rating in each group, from -10 to 10."""
        return float(_moments(self.first)[1]), float(_moments(self.second)[1])

    @property
    def exact(self) -> Fraction:
        """The second mean change minus the first as an exact fraction."""
        return _moments(self.second)[1] - _moments(self.first)[1]

    @property
    def value(self) -> float:
        """The second mean change minus the first, from -20 to 20."""
        return float(self.exact)

    @property
    def standard_error(self) -> float | None:
        """Welch's standard error; None where a group is of one, or everybody in a group changed alike."""
        welch = self._welch()
        return None if welch is None else welch[0]

    def interval(self, *, confidence_level: float = 0.95) -> tuple[float, float]:
        """Give a confidence interval for the difference.

        Parameters
        ----------
        confidence_level : float, default 0.95
            Strictly between 0 and 1.

        Returns
        -------
        low, high : float
            Welch's limits, within [-20, 20]. Where `standard_error` is None they say nothing, or take a few who happen
            to agree for certain (and were right 22% of the time where one in twenty changes, five people beside 200);
            Hoeffding's, which hold for whatever is bounded, take their place.

        Examples
        --------
        >>> from netpromoter.stats import compare_paired
        >>> one = compare_paired([3], [5])
        >>> ChangeDifference(first=one, second=one).interval()
        (-20.0, 20.0)
        """
        tail = (1 - between("confidence_level", confidence_level, 0, 1)) / 2
        welch, value = self._welch(), self.value
        half = _welch_half(*welch, tail) if welch else math.sqrt(-math.log(tail) / self._sharpness)
        return max(-20.0, value - half), min(20.0, value + half)

    def test(self, *, alternative: Alternative = "two-sided") -> SignificanceTest:
        """Test whether both groups changed alike, by the method that `interval` inverts.

        Parameters
        ----------
        alternative : {"two-sided", "less", "greater"}, default "two-sided"
            Whether the second group may have changed otherwise, less or more.

        Returns
        -------
        SignificanceTest
            The statistic is Welch's t; where there is none, the difference itself.

        Examples
        --------
        >>> from netpromoter.stats import compare_paired
        >>> first, second = compare_paired([3, 4], [3, 5]), compare_paired([3, 4, 5], [6, 8, 10])
        >>> ChangeDifference(first=first, second=second).test()
        SignificanceTest(welch: statistic = 4.58, p = 0.021, two-sided)
        """
        one_of("alternative", alternative, get_args(Alternative))
        welch = self._welch()
        statistic, less, greater = self._welch_tails(*welch) if welch else self._hoeffding_tails()
        p = {"less": less, "greater": greater, "two-sided": min(1.0, 2 * min(less, greater))}[alternative]
        method = "welch" if welch else "hoeffding"
        return SignificanceTest(statistic=statistic, p_value=p, method=method, alternative=alternative)

    def _welch(self) -> tuple[float, float] | None:
        """Give the standard error and the degrees of freedom, or None where they say nothing."""
        (m, _, first), (n, _, second) = _moments(self.first), _moments(self.second)
        if not first or not second:
            return None
        parts = first / m, second / n
        freedom = sum(parts) ** 2 / (parts[0] ** 2 / (m - 1) + parts[1] ** 2 / (n - 1))
        return math.sqrt(sum(parts)), float(freedom)

    def _welch_tails(self, error: float, freedom: float) -> tuple[float, float, float]:
        from scipy.special import stdtr

        t = self.value / error
        return t, float(stdtr(freedom, t)), float(stdtr(freedom, -t))

    @property
    def _sharpness(self) -> float:
        """What the square of a difference is multiplied by in the exponent of Hoeffding's bound."""
        return 2 / ((1 / self.first.n + 1 / self.second.n) * _RANGE**2)

    def _hoeffding_tails(self) -> tuple[float, float, float]:
        bound = math.exp(-self._sharpness * self.value**2)
        return self.value, bound if self.value < 0 else 1.0, bound if self.value > 0 else 1.0

    def __repr__(self) -> str:
        """Give the difference, its interval, the p value and both changes in one line."""
        low, high = self.interval()
        first, second = (
            f"{points(mean)} of {group.n:,}" for mean, group in zip(self.means, (self.first, self.second), strict=True)
        )
        p = repr(self.test()).split(", ")[1]
        return f"{points(self.value)} in rating (95% CI {span(low, high)}), {p}; {first} and {second}"

    def _repr_html_(self) -> str:
        """Give a small table, for notebooks."""
        groups = zip(("first", "second"), self.means, (self.first.n, self.second.n), strict=True)
        rows = [[name, f"{mean:+z.2f}", f"{n:,}"] for name, mean, n in groups]
        return table(["", "mean change", "n"], rows, caption=repr(self).replace("<", "&lt;"))
