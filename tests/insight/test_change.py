"""How much more one group changed than another, held against SciPy."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import stdtrit

from netpromoter.errors import InvalidArgument
from netpromoter.insight import ChangeDifference
from netpromoter.stats import PairedDifference, compare_paired

PAIRS = st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10)), min_size=1, max_size=12)


def paired(pairs):
    counts = np.zeros((11, 11), int)
    for before, after in pairs:
        counts[before, after] += 1
    ends = [0, 7, 9]
    table = np.add.reduceat(np.add.reduceat(counts, ends, 0), ends, 1)
    return PairedDifference(table=table.tolist(), ratings=counts.tolist())


def changes(pairs):
    return [after - before for before, after in pairs]


def is_welch(first, second):
    return min(len(first), len(second)) > 1 and np.var(changes(first)) > 0 < np.var(changes(second))


@pytest.mark.filterwarnings("ignore:Precision loss:RuntimeWarning")  # of SciPy, where a group changed alike
@settings(max_examples=50)  # SciPy takes its time
@given(PAIRS, PAIRS)
def test_the_interval_and_the_test_are_those_of_welch(first, second):
    """Where both groups are of two or more and somebody differs in each, SciPy gives the same figures."""
    d = ChangeDifference(first=paired(first), second=paired(second))
    assert d.value == pytest.approx(np.mean(changes(second)) - np.mean(changes(first)))
    assert d.means == pytest.approx((np.mean(changes(first)), np.mean(changes(second))))
    if not is_welch(first, second):
        assert d.standard_error is None
        return
    a, b = changes(first), changes(second)
    from scipy.stats import ttest_ind  # noqa: TID251 -- a test may take a second

    for alternative in ("two-sided", "less", "greater"):
        theirs = ttest_ind(b, a, equal_var=False, alternative=alternative)
        ours = d.test(alternative=alternative)
        assert (ours.statistic, ours.p_value) == pytest.approx((theirs.statistic, theirs.pvalue), abs=1e-12)
    limits = ttest_ind(b, a, equal_var=False).confidence_interval(0.9)
    expected = max(-20, limits.low), min(20, limits.high)
    assert d.interval(confidence_level=0.9) == pytest.approx(expected)
    assert d.standard_error == pytest.approx((limits.high - limits.low) / 2 / stdtrit(theirs.df, 0.95))


@given(PAIRS, PAIRS)
def test_swapping_the_groups_mirrors_everything(first, second):
    """The groups the other way round give the difference, its limits and its tests mirrored."""
    d = ChangeDifference(first=paired(first), second=paired(second))
    mirrored = ChangeDifference(first=d.second, second=d.first)
    low, high = d.interval()
    assert mirrored.interval() == pytest.approx((-high, -low))
    assert mirrored.exact == -d.exact
    assert mirrored.test(alternative="less").p_value == pytest.approx(d.test(alternative="greater").p_value)


@pytest.mark.parametrize(("m", "n"), [(1, 1), (1, 900), (900, 1), (90, 80)])
def test_where_nobody_differs_the_bound_of_hoeffding_holds(m, n):
    """Groups of one, or of people who all changed alike, claim no certainty; test and interval agree."""
    d = ChangeDifference(first=paired([(3, 3)] * m), second=paired([(3, 8)] * n))
    half = 20 * math.sqrt(math.log(2 / 0.05) / 2 * (1 / m + 1 / n))
    assert d.standard_error is None
    assert d.interval() == pytest.approx((max(-20, 5 - half), min(20, 5 + half)))
    found = d.test()
    assert (found.method, found.statistic) == ("hoeffding", 5)
    assert (found.p_value < 0.05) == (d.interval()[0] > 0)
    level = 1 - found.p_value
    assert found.p_value == 1 or d.interval(confidence_level=level)[0] == pytest.approx(0, abs=1e-6)
    assert d.test(alternative="less").p_value == 1
    assert ChangeDifference(first=d.first, second=d.first).test(alternative="greater").p_value == 1


@pytest.mark.parametrize("few", [2, 5, 10])
@pytest.mark.parametrize(("chance", "change"), [(0.05, 8), (0.3, 5)])
def test_a_few_who_happen_to_agree_are_not_certain(few, chance, change):
    """Where both groups change alike by chance, the interval of every outcome holds 0 nearly as often as it says."""
    many, covered = 50, 0.0

    def outcomes(n):
        for moved in range(n + 1):
            yield (
                paired([(1, 1 + change)] * moved + [(1, 1)] * (n - moved)),
                math.comb(n, moved) * chance**moved * (1 - chance) ** (n - moved),
            )

    for (first, p), (second, q) in product(outcomes(few), outcomes(many)):
        low, high = ChangeDifference(first=first, second=second).interval()
        covered += p * q * (low <= 0 <= high)
    assert covered > 0.94


def test_ratings_must_be_known():
    """Categories alone do not say by how much a rating changed."""
    known = compare_paired([3], [4])
    for wrong in (3, PairedDifference(table=[[1, 0, 0], [0, 0, 0], [0, 0, 0]])):
        with pytest.raises(InvalidArgument, match="second must be a PairedDifference that knows the ratings"):
            ChangeDifference(first=known, second=wrong)


def test_options_are_refused_by_name():
    """A level or an alternative that is none is refused."""
    d = ChangeDifference(first=compare_paired([3, 4], [4, 4]), second=compare_paired([3], [4]))
    with pytest.raises(InvalidArgument, match="confidence_level must be a number strictly between 0 and 1"):
        d.interval(confidence_level=95)
    with pytest.raises(InvalidArgument, match="alternative must be one of 'two-sided', 'less', 'greater'"):
        d.test(alternative="more")


def test_a_notebook_shows_both_groups():
    """The table has a line for each group, and the difference above."""
    d = ChangeDifference(
        first=compare_paired([3, 4] * 30, [4, 4] * 30), second=compare_paired([3, 1] * 30, [9, 8] * 30)
    )
    assert "p &lt; 0.0001" in d._repr_html_()
    assert d._repr_html_().count("<tr>") == 3
