"""The same people asked twice: how far the score moved, and who moved where."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from fractions import Fraction
from statistics import NormalDist
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import attrs
import numpy as np

from netpromoter._checks import between, count, nobody, one_of, refusal, refuse_missing, warn
from netpromoter._figures import points, span
from netpromoter._html import table
from netpromoter.errors import InvalidArgument, InvalidRating, NoHistogram, ScaleWarning
from netpromoter.ratings import MISSING, MissingPolicy, Scale, codes, scale_doubt

from ._rates import chi_squared_test
from ._roots import Floats, roots
from ._score import Score
from ._significance import ALTERNATIVES, Alternative, SignificanceTest, p_value, ratio, shown_p_value

__all__ = ["MovementTest", "PairedDifference", "PairedInterval", "PairedTest", "compare_paired"]

PairedInterval: TypeAlias = Literal["score", "mean_square", "wald"]
PairedTest: TypeAlias = Literal["score", "mean_square", "wald", "sign_flip"]
MovementTest: TypeAlias = Literal["stuart_maxwell", "bowker"]
Table: TypeAlias = tuple[tuple[int, ...], ...]

_CATEGORIES = ("detractors", "passives", "promoters")
_GROUPS = (slice(0, 7), slice(7, 9), slice(9, 11))
#: What one person can move the sum of promoters minus detractors by.
_CHANGES = np.arange(-2.0, 3.0)
_TOLERANCE = 1e-13


def _square(name: str, cells: Any, size: int) -> Table:
    try:
        rows = tuple(tuple(row) for row in cells)
    except TypeError:
        rows = ()
    if [len(row) for row in rows] != [size] * size:
        raise refusal(name, f"{size} rows of {size} counts", cells)
    return tuple(tuple(count(f"{name}[{i}][{j}]", cell) for j, cell in enumerate(row)) for i, row in enumerate(rows))


def _movements(cells: Any) -> Table:
    return _square("table", cells, 3)


def _answers(cells: Any) -> Table | None:
    return None if cells is None else _square("ratings", cells, 11)


def _missing(value: Any) -> int:
    return count("missing", value)


def _grouped(cells: Table) -> Table:
    """Sum the 11 by 11 counts of ratings into the 3 by 3 counts of categories."""
    return tuple(tuple(sum(map(sum, (row[to] for row in cells[start]))) for to in _GROUPS) for start in _GROUPS)


@attrs.frozen(kw_only=True, repr=False)
class PairedDifference:
    """How far the score of the same people moved between two answers of each.

    Make one with `compare_paired`. Two are equal when their tables are; ``a + b`` merges disjoint people.

    Parameters
    ----------
    table : 3 rows of 3 int
        How many people moved from each category to each: rows are the first answer and columns the second, of
        detractors, passives and promoters in this order. At least one person must have answered twice.
    ratings : 11 rows of 11 int, optional
        The same for the ratings from 0 to 10, where they are known. It does not enter ``==``.
    missing : int, default 0
        People of whom an answer is missing. They are in no count, and do not enter ``==``.

    Examples
    --------
    >>> d = PairedDifference(table=[[10, 4, 2], [3, 12, 6], [1, 5, 27]])
    >>> d
    +5.7 points (95% CI -10.5 to +22.7), p = 0.46; 70 people asked twice, 12 moved up and 9 down
    >>> d.first.value, d.second.value
    (24.2..., 30.0)
    """

    table: Table = attrs.field(converter=_movements)
    ratings: Table | None = attrs.field(default=None, eq=False, converter=_answers)
    missing: int = attrs.field(default=0, eq=False, converter=_missing)

    def __attrs_post_init__(self) -> None:
        if not self.n:
            raise nobody(self.missing)
        if self.ratings is not None and _grouped(self.ratings) != self.table:
            raise refusal("ratings", "the counts that the table sums", self.ratings)

    @property
    def n(self) -> int:
        """How many people answered twice."""
        return sum(map(sum, self.table))

    @property
    def first(self) -> Score:
        """The score of the first answers."""
        return self._margin(self.table, self.ratings)

    @property
    def second(self) -> Score:
        """The score of the second answers."""
        return self._margin(_turned(self.table), None if self.ratings is None else _turned(self.ratings))

    def _margin(self, categories: Table, answers: Table | None) -> Score:
        if answers is not None:
            return Score.from_histogram(list(map(sum, answers)))
        return Score.from_counts(**dict(zip(_CATEGORIES, map(sum, categories), strict=True)))

    @property
    def changes(self) -> tuple[int, int, int, int, int]:
        """How many people moved by -2, -1, 0, 1 and 2 categories."""
        (stay, up, far_up), (down, stay_too, up_too), (far_down, down_too, stay_up) = self.table
        return far_down, down + down_too, stay + stay_too + stay_up, up + up_too, far_up

    @property
    def improved(self) -> int:
        """How many people moved to a higher category."""
        return sum(self.changes[3:])

    @property
    def worsened(self) -> int:
        """How many people moved to a lower category."""
        return sum(self.changes[:2])

    @property
    def exact(self) -> Fraction:
        """The second score minus the first in points as an exact fraction, from -200 to 200."""
        return Fraction(100 * _sum(self), self.n)

    @property
    def value(self) -> float:
        """The second score minus the first in points, from -200 to 200."""
        return float(self.exact)

    @property
    def standard_error(self) -> float:
        r"""The large-sample standard error in points, :math:`100 \sqrt{(\overline{D^2} - \bar D^2) / n}`.

        D is what one person moves, from -2 to 2.
        """
        return float(100 * Fraction(self.n * _sum_of_squares(self) - _sum(self) ** 2, self.n**3) ** 0.5)

    @property
    def correlation(self) -> float | None:
        """Pearson's correlation of the two ratings, or None where either is the same for everybody.

        Raises
        ------
        NoHistogram
            If only the table of categories is known.
        """
        if self.ratings is None:
            message = "correlation needs the ratings, and this was made from categories: use compare_paired"
            raise NoHistogram(message)
        cells = [(i, j, cell) for i, row in enumerate(self.ratings) for j, cell in enumerate(row)]
        x, y, xx, xy, yy = (
            sum(cell * i**a * j**b for i, j, cell in cells) for a, b in ((1, 0), (0, 1), (2, 0), (1, 1), (0, 2))
        )
        spread = (self.n * xx - x * x) * (self.n * yy - y * y)
        return (self.n * xy - x * y) / math.sqrt(spread) if spread else None

    @property
    def agreement(self) -> float:
        """The share of people who were in the same category twice, from 0 to 1."""
        return self.changes[2] / self.n

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa: the agreement beyond chance, at most 1; None where all are in one category twice.

        References
        ----------
        Cohen, J. (1960). A coefficient of agreement for nominal scales. *Educational and Psychological Measurement*
        20, 37-46.
        """
        margins = zip(map(sum, self.table), map(sum, _turned(self.table)), strict=True)
        by_chance = sum(row * column for row, column in margins)
        if by_chance == self.n**2:
            return None
        return (self.n * self.changes[2] - by_chance) / (self.n**2 - by_chance)

    def interval(self, *, confidence_level: float = 0.95, method: PairedInterval = "score") -> tuple[float, float]:
        """Give a confidence interval for the difference, had everyone been asked twice.

        Parameters
        ----------
        confidence_level : float, default 0.95
            Strictly between 0 and 1.
        method : {"score", "mean_square", "wald"}, default "score"
            The differences that the test of the same name does not reject. ``"mean_square"`` and ``"wald"`` have no
            width where everybody moves alike, and fall to a coverage of 0.7 among thirty people of whom few move.

        Returns
        -------
        low, high : float
            The limits in points, within [-200, 200].

        Examples
        --------
        >>> low, high = PairedDifference(table=[[5, 0, 0], [0, 5, 0], [0, 0, 5]]).interval()
        >>> round(low, 1), round(high, 1)
        (-40.8, 40.8)
        """
        limits = _INTERVALS[one_of("method", method, _INTERVALS)]
        level = between("confidence_level", confidence_level, 0, 1)
        low, high = limits(self, -NormalDist().inv_cdf((1 - level) / 2))
        return max(-200.0, low), min(200.0, high)

    def test(self, *, method: PairedTest = "score", alternative: Alternative = "two-sided") -> SignificanceTest:
        """Test whether the two scores are equal.

        Parameters
        ----------
        method : str, default "score"
            - ``"score"``: the variance is that of the most likely distribution of changes whose mean is 0, as in the
              other score tests of this library. It is careful where nobody yet moved two categories.
            - ``"mean_square"``: the variance is the mean square of the changes; McNemar's test where nobody moves two
              categories. R's contingencytables calls it the score test of marginal mean scores.
            - ``"wald"``: from `standard_error`.
            - ``"sign_flip"``: exact, at any size; it tests that each change is as likely as its opposite, of which
              ``"mean_square"`` is the normal limit, and can reject when the scores are equal.
        alternative : {"two-sided", "less", "greater"}, default "two-sided"
            Whether the second score may be another, a lower or a higher one.

        Returns
        -------
        SignificanceTest

        References
        ----------
        Fagerland, M. W., Lydersen, S. and Laake, P. (2017). *Statistical Analysis of Contingency Tables*. Chapman and
        Hall/CRC, chapter 9 (Wald and score tests of marginal mean scores).

        Examples
        --------
        >>> PairedDifference(table=[[2, 1, 0], [0, 3, 2], [0, 0, 5]]).test(method="sign_flip")
        SignificanceTest(sign_flip: statistic = 1.73, p = 0.25, two-sided)
        """
        test = _TESTS[one_of("method", method, _TESTS)]
        statistic, p = test(self, one_of("alternative", alternative, ALTERNATIVES))
        return SignificanceTest(statistic=statistic, p_value=p, method=method, alternative=alternative)

    def movement_test(self, *, method: MovementTest = "stuart_maxwell") -> SignificanceTest:
        """Test whether the movements between the categories balance.

        Parameters
        ----------
        method : {"stuart_maxwell", "bowker"}, default "stuart_maxwell"
            - ``"stuart_maxwell"``: each category keeps its share. The scores can be equal where the shares are not.
            - ``"bowker"``: as many people move from any category to any other as back.

        Returns
        -------
        SignificanceTest
            Its statistic is a chi-squared. Categories between which nobody moved take their degree of freedom away.

        References
        ----------
        Stuart, A. (1955). A test for homogeneity of the marginal distributions in a two-way classification.
        *Biometrika* 42, 412-416.
        Maxwell, A. E. (1970). Comparing the classification of subjects by two independent judges. *British Journal of
        Psychiatry* 116, 651-655.
        Bowker, A. H. (1948). A test for symmetry in contingency tables. *Journal of the American Statistical
        Association* 43, 572-574.

        Examples
        --------
        >>> PairedDifference(table=[[10, 4, 2], [3, 12, 6], [1, 5, 27]]).movement_test(method="bowker")
        SignificanceTest(bowker: statistic = 0.57, p = 0.90, two-sided)
        """
        statistic, df = _MOVEMENT_TESTS[one_of("method", method, _MOVEMENT_TESTS)](self.table)
        return chi_squared_test(statistic, df, method)

    def __add__(self, other: PairedDifference) -> PairedDifference:
        """Merge two disjoint groups of people."""
        if not isinstance(other, PairedDifference):
            return NotImplemented
        return PairedDifference(
            table=_added(self.table, other.table),
            ratings=_added(self.ratings, other.ratings) if self.ratings and other.ratings else None,
            missing=self.missing + other.missing,
        )

    def __repr__(self) -> str:
        """Give the difference, its interval, the p value and the people in one line."""
        low, high = self.interval()
        missing = f"; {self.missing:,} missing" if self.missing else ""
        people = f"{self.n:,} people asked twice, {self.improved:,} moved up and {self.worsened:,} down{missing}"
        p = shown_p_value(self.test().p_value)
        return f"{points(self.value)} points (95% CI {span(low, high)}), {p}; {people}"

    def _repr_html_(self) -> str:
        """Give the table of movements with its margins, for notebooks."""
        totals = tuple(map(sum, _turned(self.table)))
        lines = zip((*_CATEGORIES, "second"), (*self.table, totals), strict=True)
        cells = [[name, *(f"{cell:,}" for cell in (*row, sum(row)))] for name, row in lines]
        return table(["from, to", *_CATEGORIES, "first"], cells, caption=repr(self).replace("<", "&lt;"))


def compare_paired(
    first: Any, second: Any, *, missing: MissingPolicy = "refuse", scale: Scale = "0-10"
) -> PairedDifference:
    """Compare two answers of the same people: the second minus the first.

    Parameters
    ----------
    first, second : iterable, shape (n,)
        Answers from 0 to 10, as `score` takes them; those at one position are of one person. They may be two waves of
        a panel, or a proxy survey and the outcome survey that it stands for.
    missing : {"refuse", "drop"}, default "refuse"
        What to do with people of whom either answer is missing: refuse them with their count, or leave them out and
        keep the count in `PairedDifference.missing`.
    scale : {"0-10", "1-10"}, default "0-10"
        The scale that both questions showed.

    Returns
    -------
    PairedDifference
        Its value, interval and tests, the movement between the categories, and how far the answers agree.

    Raises
    ------
    InvalidArgument
        If the two are not columns of one length.
    InvalidRating
        If any answer is not a whole number on the scale.
    MissingRatings
        If answers are missing and `missing` is ``"refuse"``.
    NoRatings
        If nobody answered twice.

    Warns
    -----
    ScaleWarning
        If the answers of a column look like those of another scale.

    Examples
    --------
    >>> d = compare_paired([10, 9, 7, 3, None], [9, 10, 9, 8, 10], missing="drop")
    >>> d.value, d.improved, d.missing
    (50.0, 2, 1)
    >>> d.table
    ((0, 1, 0), (0, 0, 1), (0, 0, 2))
    """
    one_of("missing", missing, ("refuse", "drop"))
    before, after = _read("first", first, scale), _read("second", second, scale)
    if before.size != after.size:
        raise refusal("first and second", "of one length", (before.size, after.size))
    absent = (before == MISSING) | (after == MISSING)
    refuse_missing(int(absent.sum()), absent.size, missing, lambda: int(absent.argmax()))
    before, after = before[~absent], after[~absent]
    _doubt("first", before, scale)
    _doubt("second", after, scale)
    counts = np.bincount(11 * before.astype(np.intp) + after, minlength=121).reshape(11, 11)
    cells = tuple(map(tuple, counts.tolist()))
    return PairedDifference(table=_grouped(cells), ratings=cells, missing=int(absent.sum()))


def _read(name: str, answers: Any, scale: Scale) -> Any:
    try:
        return codes(answers, scale=scale)
    except (InvalidArgument, InvalidRating) as error:
        raise type(error)(f"{name}: {error}") from None


def _doubt(name: str, answers: Any, scale: Scale) -> None:
    doubt = scale_doubt(answers.size, int(answers.min()), int(answers.max()), scale=scale)
    if doubt:
        warn(f"{name}: {doubt}", ScaleWarning)


def _turned(cells: Table) -> Table:
    return tuple(zip(*cells, strict=True))


def _added(a: Table, b: Table) -> Table:
    return tuple(tuple(map(sum, zip(*rows, strict=True))) for rows in zip(a, b, strict=True))


def _sum(d: PairedDifference) -> int:
    return sum(change * times for change, times in enumerate(d.changes, -2))


def _sum_of_squares(d: PairedDifference) -> int:
    return sum(change**2 * times for change, times in enumerate(d.changes, -2))


def _columns(d: PairedDifference) -> list[Floats]:
    return [np.array([float(times)]) for times in d.changes]


def _multiplier(difference: Floats, *counts: Floats) -> Floats:
    r"""Give Lagrange's multiplier of the most likely distribution of changes with the mean `difference`.

    The distribution is :math:`c_j / (n (1 + \lambda (j - \delta)))` for j from -2 to 2. Where the multiplier stops at
    an end of its range, a change of 2 that nobody made takes the rest.

    References
    ----------
    Owen, A. B. (1988). Empirical likelihood ratio confidence intervals for a single functional. *Biometrika* 75,
    237-249 (eq. 2.5 to 2.7).
    """

    def excess(multiplier: Floats, difference: Floats, *counts: Floats) -> Floats:
        gaps = [change - difference for change in _CHANGES]
        with np.errstate(all="ignore"):
            parts = [np.where(c > 0, c * gap / (1 + multiplier * gap), 0) for c, gap in zip(counts, gaps, strict=True)]
        return np.nan_to_num(sum(parts), nan=0.0, posinf=1e300, neginf=-1e300)

    return roots(excess, -1 / (2 - difference), 1 / (2 + difference), difference, *counts)


def _statistic(difference: Floats, *counts: Floats) -> Floats:
    """Give the score statistic of the hypothesis that the mean change is `difference`.

    Its variance under the hypothesis is the distance of the observed mean divided by the multiplier, as the sum of the
    likelihood equations shows. Where nobody can move two categories it would be Tango's.

    References
    ----------
    Rao, C. R. (1948). Large sample tests of statistical hypotheses concerning several parameters with applications to
    problems of estimation. *Mathematical Proceedings of the Cambridge Philosophical Society* 44, 50-57.
    Tango, T. (1998). Equivalence test and confidence interval for the difference in proportions for the paired-sample
    design. *Statistics in Medicine* 17, 891-908.
    """
    n, mean = _mean(counts)
    gap = mean - difference
    square = n * _multiplier(difference, *counts) * gap
    z: Floats = np.sign(gap) * np.sqrt(np.maximum(square, 0))
    return z


def _mean(counts: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Give how many people there are, and the mean of their changes."""
    n: Floats = np.sum(counts, axis=0)
    return n, np.tensordot(_CHANGES, counts, 1) / n


def _score_lower(counts: Sequence[Floats], z: float) -> float:
    mean = _mean(counts)[1]
    if mean.item() == -2:
        return -2.0
    low = np.full(1, -2.0)
    return roots(lambda x, *c: _statistic(x, *c) - z, low, mean, *counts, tolerance=_TOLERANCE).item()


def _score_interval(d: PairedDifference, z: float) -> tuple[float, float]:
    counts = _columns(d)
    return 100 * _score_lower(counts, z), -100 * _score_lower(counts[::-1], z)


def _mean_square_interval(d: PairedDifference, z: float) -> tuple[float, float]:
    """Invert the test whose variance is the mean square about the hypothesis: its limits are the roots of a square."""
    half = z * d.standard_error * math.sqrt(d.n / (d.n - z * z)) if d.n > z * z else math.inf
    return d.value - half, d.value + half


def _wald_interval(d: PairedDifference, z: float) -> tuple[float, float]:
    return d.value - z * d.standard_error, d.value + z * d.standard_error


def _score_test(d: PairedDifference, alternative: Alternative) -> tuple[float, float]:
    z = _statistic(np.zeros(1), *_columns(d)).item()
    return z, p_value(z, alternative)


def _mean_square_test(d: PairedDifference, alternative: Alternative) -> tuple[float, float]:
    z = ratio(_sum(d), math.sqrt(_sum_of_squares(d)))
    return z, p_value(z, alternative)


def _wald_test(d: PairedDifference, alternative: Alternative) -> tuple[float, float]:
    z = ratio(d.value, d.standard_error)
    return z, p_value(z, alternative)


def _sign_flip_test(d: PairedDifference, alternative: Alternative) -> tuple[float, float]:
    """Give the exact probability of the sum of the changes, had each the sign of a fair coin.

    References
    ----------
    Fisher, R. A. (1935). *The Design of Experiments*. Oliver and Boyd, section 21.
    """
    total = _sum(d)
    far_down, down, _, up, far_up = d.changes
    at_least, at_most = (_flipped(down + up, far_down + far_up, side) for side in (total, -total))
    tails = {"less": at_most, "greater": at_least, "two-sided": min(1.0, 2 * min(at_least, at_most))}
    return ratio(total, math.sqrt(_sum_of_squares(d))), tails[alternative]


def _flipped(one: int, two: int, total: int) -> float:
    """Give the probability that so many ones and twos with random signs add to at least `total`.

    The sum runs over how many twos are positive, 40 standard deviations to either side: what is beyond has a chance
    below the smallest float, and the room taken grows with the root of their number.
    """
    from scipy.special import betainc, gammaln

    reach = 20 * math.isqrt(two) + 20
    up = np.arange(max(0, two // 2 - reach), min(two, two // 2 + reach) + 1.0)
    logs = -gammaln(up + 1) - gammaln(two - up + 1)
    chance = np.exp(logs - logs.max())
    chance /= chance.sum()
    needed = (total + one + 2 * two) // 2 - 2 * up
    inside = np.clip(needed, 1, max(one, 1))
    tail = np.where(needed > one, 0.0, betainc(inside, np.maximum(one - inside, 0) + 1, 0.5))
    return float(chance @ np.where(needed <= 0, 1.0, tail))


def _pairs(cells: Table) -> list[tuple[int, int]]:
    """Give how many went there and back, of each two categories; the third is at the place of the pair."""
    return [(cells[i][j], cells[j][i]) for i, j in ((1, 2), (0, 2), (0, 1))]


def _stuart_maxwell(cells: Table) -> tuple[float, int]:
    """Give Stuart's quadratic form, which for three categories is a fraction.

    References
    ----------
    Fleiss, J. L. and Everitt, B. S. (1971). Comparing the marginal totals of square contingency tables. *British
    Journal of Mathematical and Statistical Psychology* 24, 117-123.
    """
    squares = [(sum(row) - sum(column)) ** 2 for row, column in zip(cells, _turned(cells), strict=True)]
    a, b, c = moved = [there + back for there, back in _pairs(cells)]
    df = min(2, sum(map(bool, moved)))
    if df == 2:
        return sum(map(operator.mul, moved, squares)) / (a * b + a * c + b * c), df
    return sum(squares) / (2 * max(1, sum(moved))), df


def _bowker(cells: Table) -> tuple[float, int]:
    parts = [Fraction((there - back) ** 2, there + back) for there, back in _pairs(cells) if there + back]
    return float(sum(parts)), len(parts)


_INTERVALS: MappingProxyType[str, Callable[[PairedDifference, float], tuple[float, float]]] = MappingProxyType(
    {"score": _score_interval, "mean_square": _mean_square_interval, "wald": _wald_interval}
)

_TESTS: MappingProxyType[str, Callable[[PairedDifference, Alternative], tuple[float, float]]] = MappingProxyType(
    {"score": _score_test, "mean_square": _mean_square_test, "wald": _wald_test, "sign_flip": _sign_flip_test}
)

_MOVEMENT_TESTS: MappingProxyType[str, Callable[[Table], tuple[float, int]]] = MappingProxyType(
    {"stuart_maxwell": _stuart_maxwell, "bowker": _bowker}
)
