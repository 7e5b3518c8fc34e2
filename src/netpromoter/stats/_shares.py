"""Shares and their intervals: of promoters, passives and detractors, and of anything that can be counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from statistics import NormalDist
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import attrs
import numpy as np

from netpromoter._checks import between, one_of, refusal
from netpromoter._checks import count as whole
from netpromoter._figures import percent
from netpromoter._html import table

from ._closed_forms import jeffreys_limits, wilson_limits
from ._finite import correction
from ._roots import Floats

__all__ = ["SHARE_METHODS", "Share", "ShareInterval", "ShareMethod", "finite_share_limits", "share", "share_limits"]

ShareInterval: TypeAlias = Literal["wilson", "jeffreys", "clopper_pearson", "agresti_coull"]
ShareMethod: TypeAlias = Literal[ShareInterval, "goodman"]
Pair: TypeAlias = tuple[Floats, Floats]

_ALONE: tuple[ShareInterval, ...] = ("wilson", "jeffreys", "clopper_pearson", "agresti_coull")


def _count(value: Any) -> int:
    return whole("count", value)


def _n(value: Any) -> int:
    return whole("n", value)


@attrs.frozen(kw_only=True, repr=False)
class Share:
    """A share of so many, such as of cases that were closed in time, with what is needed to defend it.

    Make one with `share`. A share of nobody is a value too, one that is not known; ``a + b`` merges the shares of
    disjoint groups.

    Parameters
    ----------
    count : int
        How many have what is counted.
    n : int
        Of how many; 0 is nobody.

    Examples
    --------
    >>> closed = share(52, 126)
    >>> closed
    41.3% (95% CI 33.1% to 50.0%; 52 of 126)
    >>> closed.value, share(0, 0).value
    (0.412..., None)
    >>> closed + share(3, 4)
    42.3% (95% CI 34.2% to 50.9%; 55 of 130)
    """

    count: int = attrs.field(converter=_count)
    n: int = attrs.field(converter=_n)

    def __attrs_post_init__(self) -> None:
        if self.count > self.n:
            raise refusal("count", f"at most n, {self.n:,}", self.count)

    @property
    def exact(self) -> Fraction | None:
        """The share as an exact fraction from 0 to 1; None of nobody."""
        return Fraction(self.count, self.n) if self.n else None

    @property
    def value(self) -> float | None:
        """The share from 0 to 1; None of nobody."""
        return self.count / self.n if self.n else None

    def interval(self, *, confidence_level: float = 0.95, method: ShareInterval = "wilson") -> tuple[float, float]:
        """Give a confidence interval for the share.

        Parameters
        ----------
        confidence_level : float, default 0.95
            Strictly between 0 and 1.
        method : {"wilson", "jeffreys", "clopper_pearson", "agresti_coull"}, default "wilson"
            - ``"wilson"``: the score interval; on average close to its level at any size.
            - ``"jeffreys"``: the equal-tailed posterior interval under the prior Beta(1/2, 1/2).
            - ``"clopper_pearson"``: the exact one, which never falls below its level, and is the widest.
            - ``"agresti_coull"``: a wider form of Wilson's around the same center.

        Returns
        -------
        low, high : float
            The limits from 0 to 1; 0 and 1 of nobody.

        Examples
        --------
        >>> low, high = share(0, 10).interval()
        >>> low, round(high, 3)
        (0.0, 0.278)
        """
        one_of("method", method, _ALONE)
        level = between("confidence_level", confidence_level, 0, 1)
        if not self.n:
            return 0.0, 1.0
        low, high = share_limits((self.count, self.n - self.count), method, level)
        return float(low[0]), float(high[0])

    def __add__(self, other: Share) -> Share:
        """Merge the shares of two disjoint groups."""
        if not isinstance(other, Share):
            return NotImplemented
        return Share(count=self.count + other.count, n=self.n + other.n)

    def __radd__(self, other: Any) -> Share:
        """Let `sum` begin at its 0."""
        return self if other == 0 else NotImplemented

    def __repr__(self) -> str:
        """Give the share, its interval and both counts in one line."""
        if self.value is None:
            return "not known (of nobody)"
        low, high = self.interval()
        return f"{percent(self.value)} (95% CI {percent(low)} to {percent(high)}; {self.count:,} of {self.n:,})"

    def _repr_html_(self) -> str:
        """Give a small table, for notebooks."""
        low, high = self.interval()
        shown = "" if self.value is None else f"<b>{percent(self.value)}</b>"
        return table(
            ["share", "95% CI", "count", "n"],
            [[shown, f"{percent(low)} to {percent(high)}", f"{self.count:,}", f"{self.n:,}"]],
        )


def share(count: int, n: int) -> Share:
    """Give the share that `count` is of `n`, with its interval.

    Parameters
    ----------
    count : int
        How many have what is counted.
    n : int
        Of how many; 0 is nobody, whose share is not known.

    Returns
    -------
    Share

    Raises
    ------
    InvalidArgument
        If either is not a whole number of at least 0, or `count` is above `n`.

    Examples
    --------
    >>> share(9, 10), share(0, 0)
    (90.0% (95% CI 59.6% to 98.2%; 9 of 10), not known (of nobody))
    """
    return Share(count=count, n=n)


def share_limits(counts: Sequence[float], method: ShareMethod, confidence_level: float) -> Pair:
    """Give the limits of each share, from 0 to 1."""
    low, high = SHARE_METHODS[method](np.array(counts, dtype=np.float64), confidence_level)
    return np.clip(low, 0, 1), np.clip(high, 0, 1)


def finite_share_limits(
    counts: tuple[int, int, int], population: int | None, method: ShareMethod, confidence_level: float
) -> Pair:
    """Give the limits of each share of a population, none beyond what those who did not answer can still change.

    Clopper and Pearson's take whole counts, as of an infinite population, and so stay exact.
    """
    if population is None:
        return share_limits(counts, method, confidence_level)
    scale = 1.0 if method == "clopper_pearson" else correction(sum(counts), population)
    low, high = share_limits([scale * count for count in counts], method, confidence_level)
    least, most = np.array(counts) / population, (np.array(counts) + population - sum(counts)) / population
    return np.clip(low, least, most), np.clip(high, least, most)


def _quantile(confidence_level: float, *, claims: int = 1) -> float:
    return -NormalDist().inv_cdf((1 - confidence_level) / (2 * claims))


def _wilson(counts: Floats, confidence_level: float) -> Pair:
    return wilson_limits(counts, counts.sum(), _quantile(confidence_level))


def _jeffreys(counts: Floats, confidence_level: float) -> Pair:
    return jeffreys_limits(counts, counts.sum(), _quantile(confidence_level))


def _clopper_pearson(counts: Floats, confidence_level: float) -> Pair:
    """Give the exact limits.

    References
    ----------
    Clopper, C. J. and Pearson, E. S. (1934). The use of confidence or fiducial limits illustrated in the case of the
    binomial. *Biometrika* 26, 404-413.
    """
    from scipy.special import betaincinv

    rest, tail = counts.sum() - counts, (1 - confidence_level) / 2
    low = np.where(counts == 0, 0.0, betaincinv(np.maximum(counts, 1), rest + 1, tail))
    return low, np.where(rest == 0, 1.0, 1 - betaincinv(np.maximum(rest, 1), counts + 1, tail))


def _agresti_coull(counts: Floats, confidence_level: float) -> Pair:
    """Give the adjusted Wald limits.

    References
    ----------
    Agresti, A. and Coull, B. A. (1998). Approximate is better than "exact" for interval estimation of binomial
    proportions. *The American Statistician* 52(2), 119-126.
    """
    square = _quantile(confidence_level) ** 2
    n = counts.sum() + square
    center = (counts + square / 2) / n
    half = np.sqrt(square * center * (1 - center) / n)
    return center - half, center + half


def _goodman(counts: Floats, confidence_level: float) -> Pair:
    """Give simultaneous limits: Wilson's, at a level shared by the three claims.

    References
    ----------
    Goodman, L. A. (1965). On simultaneous confidence intervals for multinomial proportions. *Technometrics* 7,
    247-254.
    """
    return wilson_limits(counts, counts.sum(), _quantile(confidence_level, claims=counts.size))


#: Every interval for shares by name; the last holds for all three shares at once.
SHARE_METHODS: MappingProxyType[ShareMethod, Callable[[Floats, float], Pair]] = MappingProxyType(
    {
        "wilson": _wilson,
        "jeffreys": _jeffreys,
        "clopper_pearson": _clopper_pearson,
        "agresti_coull": _agresti_coull,
        "goodman": _goodman,
    }
)
