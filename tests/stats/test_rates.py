"""The difference of two response rates: published figures, an oracle in many digits, and laws."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netpromoter.errors import InvalidArgument
from netpromoter.stats import RateDifference
from netpromoter.stats._rates import homogeneity_test, wilson_interval

INTERVALS = ["score", "newcombe", "wald"]

#: Newcombe (1998), Statistics in Medicine 17, 873-890, table II: answered and invited of both groups, and the 95%
#: limits of the first minus the second by Wald (method 1), Miettinen and Nurminen (5) and Newcombe (10).
PUBLISHED = [
    ((56, 48), (70, 80), {"wald": (0.0575, 0.3425), "score": (0.0528, 0.3382), "newcombe": (0.0524, 0.3339)}),
    ((9, 3), (10, 10), {"wald": (0.2605, 0.9395), "score": (0.1700, 0.8406), "newcombe": (0.1705, 0.8090)}),
    ((10, 0), (10, 20), {"wald": (1.0, 1.0), "score": (0.7156, 1.0), "newcombe": (0.6791, 1.0)}),
]


@st.composite
def differences(draw):
    invited = draw(st.tuples(*[st.integers(1, 400)] * 2))
    return RateDifference(answered=tuple(draw(st.integers(0, n)) for n in invited), invited=invited)


def swapped(d):
    return RateDifference(answered=d.answered[::-1], invited=d.invited[::-1])


def oracle(d, gap):
    """Miettinen and Nurminen's statistic in fifty digits, its likelihood maximized by halving where it is steepest."""
    (x, y), (m, n) = d.answered, d.invited
    with mpmath.workdps(50):
        gap = mpmath.mpf(gap)
        low, high = max(mpmath.mpf(0), -gap), min(mpmath.mpf(1), 1 - gap)
        for _ in range(160):
            p = (low + high) / 2
            q = p + gap
            rises = x / p - (m - x) / (1 - p) + y / q - (n - y) / (1 - q) > 0
            low, high = (p, high) if rises else (low, p)
        variance = (p * (1 - p) / m + q * (1 - q) / n) * (m + n) / (m + n - 1)
        return float((mpmath.mpf(y) / n - mpmath.mpf(x) / m - gap) / mpmath.sqrt(variance))


@pytest.mark.parametrize(("answered", "invited", "limits"), PUBLISHED)
@pytest.mark.parametrize("method", INTERVALS)
def test_limits_are_the_published_ones(answered, invited, limits, method):
    """Each interval is that of Newcombe's table, which gives the first rate minus the second."""
    found = RateDifference(answered=answered[::-1], invited=invited[::-1]).interval(method=method)
    assert found == pytest.approx(limits[method], abs=5.1e-5)


@pytest.mark.parametrize("level", [0.9, 0.95, 0.999])
@pytest.mark.parametrize(
    ("answered", "invited"),
    [((48, 56), (80, 70)), ((3, 9), (10, 10)), ((0, 5), (40, 25)), ((1, 0), (3, 7)), ((210, 233), (10_000, 9_000))],
)
def test_score_statistic_at_the_limits_is_the_quantile(answered, invited, level):
    """At each limit that is not an end the statistic in fifty digits is the normal quantile."""
    d = RateDifference(answered=answered, invited=invited)
    quantile = float(mpmath.sqrt(2) * mpmath.erfinv(level))
    for limit, sign in zip(d.interval(confidence_level=level), (1, -1), strict=True):
        assert oracle(d, limit) == pytest.approx(sign * quantile, rel=1e-8)


@given(differences())
def test_score_test_is_the_pooled_test_with_its_factor(d):
    """Against equal rates the square is (N - 1) / N of Pearson's chi-squared."""
    pearson, total = homogeneity_test(d.answered, d.invited).statistic, sum(d.invited)
    assert d.test().statistic ** 2 == pytest.approx(pearson * (total - 1) / total, rel=1e-9, abs=1e-15)


@settings(max_examples=50)
@given(differences(), st.sampled_from(["score", "wald"]), st.sampled_from([0.9, 0.95, 0.99]))
def test_interval_and_test_never_disagree(d, method, level):
    """The interval leaves 0 out exactly when the test rejects."""
    low, high = d.interval(method=method, confidence_level=level)
    p = d.test(method=method).p_value
    if abs(p - (1 - level)) > 1e-9:
        assert (low > 0 or high < 0) == (p < 1 - level)


@settings(max_examples=40)
@given(differences(), st.sampled_from(INTERVALS))
def test_interval_holds_the_difference_and_swaps_with_the_groups(d, method):
    """The limits enclose the value within [-1, 1], and those of the swapped groups are its mirror image."""
    low, high = d.interval(method=method)
    assert -1 <= low <= d.value + 1e-12
    assert d.value - 1e-12 <= high <= 1
    assert swapped(d).interval(method=method) == pytest.approx((-high, -low), abs=1e-12)
    assert d.exact == -swapped(d).exact


@given(differences(), st.sampled_from(["score", "wald"]))
def test_one_sided_tests_share_one_probability(d, method):
    """Less and greater add to 1, and the smaller is half the two-sided p value."""
    less, greater, both = (d.test(method=method, alternative=a).p_value for a in ("less", "greater", "two-sided"))
    assert less + greater == pytest.approx(1)
    assert 2 * min(less, greater) == pytest.approx(both)


def test_interval_is_defined_at_any_level_and_size():
    """One person a side at an extreme level, and a billion people of whom one answers, have ordered limits."""
    low, high = RateDifference(answered=(0, 1), invited=(1, 1)).interval(confidence_level=1 - 1e-15)
    assert -1 < low < 1 == high
    low, high = RateDifference(answered=(0, 1), invited=(10**9, 10**9)).interval()
    assert -1e-8 < low < 1e-9 < high < 1e-8


@given(differences())
def test_value_rates_and_standard_error_are_those_of_the_shares(d):
    """The three are what their definitions say."""
    (p, q), (m, n) = d.rates, d.invited
    assert d.exact == Fraction(d.answered[1], n) - Fraction(d.answered[0], m)
    assert d.value == pytest.approx(q - p, abs=1e-12)
    assert d.standard_error == pytest.approx(math.sqrt(p * (1 - p) / m + q * (1 - q) / n), abs=1e-12)


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 200)), min_size=2, max_size=6))
def test_homogeneity_is_the_sum_over_observed_and_expected_cells(groups):
    """Pearson's statistic over both columns of the table; 0 where nobody or everybody answered."""
    answered, silent = np.array(groups).T
    invited, total = answered + silent, (answered + silent).sum()
    found = homogeneity_test(answered.tolist(), invited.tolist())
    cells = [(column, invited * column.sum() / total) for column in (answered, silent) if column.sum()]
    assert found.statistic == pytest.approx(sum(((o - e) ** 2 / e).sum() for o, e in cells), rel=1e-9, abs=1e-12)
    df = len(groups) - 1
    assert found.p_value == pytest.approx(float(mpmath.gammainc(df / 2, found.statistic / 2, regularized=True)))


@given(st.integers(0, 50), st.integers(1, 50))
def test_wilson_limits_are_the_rates_that_the_score_test_just_keeps(answered, silent):
    """At a limit strictly inside, the distance is the quantile in standard errors of that rate."""
    n = answered + silent
    for limit in wilson_interval(answered, n, 0.95):
        if 0 < limit < 1:
            error = math.sqrt(limit * (1 - limit) / n)
            assert abs(answered / n - limit) / error == pytest.approx(1.959963984540054)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: RateDifference(answered=(1, 2, 3), invited=(5, 5)),
            r"answered must be two counts, .* \(got \(1, 2, 3",
        ),
        (lambda: RateDifference(answered=(1, 2), invited="55"), r"invited must be two counts, .* \(got '55'\)"),
        (lambda: RateDifference(answered=3, invited=(5, 5)), r"answered must be two counts, .* \(got 3\)"),
        (
            lambda: RateDifference(answered=(1, 2.5), invited=(5, 5)),
            r"answered\[1\] must be a whole number of at least 0 \(got 2.5\)",
        ),
        (
            lambda: RateDifference(answered=(0, 0), invited=(5, 0)),
            r"invited\[1\] must be a whole number of at least 1 \(got 0\)",
        ),
        (
            lambda: RateDifference(answered=(6, 0), invited=(5, 5)),
            r"answered must be at most the number of the invited, \(5, 5\) \(got \(6, 0\)\)",
        ),
        (lambda: rate().interval(method="mee"), r"method must be one of 'score', 'newcombe', 'wald' \(got 'mee'\)"),
        (lambda: rate().interval(confidence_level=95), r"confidence_level must be a number strictly between 0 and 1"),
        (lambda: rate().test(method="exact"), r"method must be one of 'score', 'wald' \(got 'exact'\)"),
        (lambda: rate().test(alternative="more"), r"alternative must be one of 'two-sided', .* \(got 'more'\)"),
    ],
)
def test_bad_arguments_are_refused_by_name(call, message):
    """Each refusal names the argument, the rule and the value."""
    with pytest.raises(InvalidArgument, match=message):
        call()


def rate():
    return RateDifference(answered=(100, 400), invited=(1000, 1000))


def test_rates_show_themselves_in_one_line_and_as_a_table():
    """The text has the difference in percentage points; the table has a row for each group."""
    assert repr(rate()).startswith("+30.0 percentage points (95% CI +26.")
    html = rate()._repr_html_()
    assert "p &lt; 0.0001" in html
    assert html.count("<tr>") == 3
