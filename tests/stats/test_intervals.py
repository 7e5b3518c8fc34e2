"""Laws of every interval method."""

import json
import pickle
import re
from fractions import Fraction
from math import comb
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mpmath import betainc, mp, mpf, quad
from scipy.special import betainc as betainc_array
from scipy.special import betaincinv, xlogy

from netpromoter.errors import InvalidArgument, NoRatings
from netpromoter.stats import METHODS, Method, Score, coverage, intervals
from netpromoter.stats._beta_product import probability_below
from netpromoter.stats._tango import restricted_shares, score_statistic
from reference_figures import FOLDER

CLOSED = [
    "wald",
    "adjusted_wald",
    "adjusted_wald_uniform",
    "agresti_min",
    "bonett_price",
    "newcombe",
    "newcombe_jeffreys",
]
REAL = [*CLOSED, "score", "scas", "bayes_jeffreys", "bayes_perks", "bayes_uniform"]
WHOLE = ["exact", "bootstrap", "bootstrap_bca"]
#: Adding pseudo-observations or a prior draws the interval toward 0, away from a score of 100; BCa can move off too.
MAY_MISS_ESTIMATE = {"adjusted_wald", "adjusted_wald_uniform", "agresti_min", "bonett_price", "bootstrap_bca"}
MAY_MISS_ESTIMATE |= {"bayes_jeffreys", "bayes_perks", "bayes_uniform"}

methods = st.sampled_from(list(METHODS))
levels = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99, 0.999])
triples = st.tuples(*[st.integers(0, 80)] * 3).filter(any)


@given(triples, methods, levels)
def test_limits_are_ordered_and_within_bounds(counts, method, level):
    """Every interval lies within -100 and 100 points, its low limit below its high one, and never NaN."""
    low, high = intervals(*counts, method=method, confidence_level=level)
    assert -100 <= low <= high <= 100


@given(triples, st.sampled_from(sorted(set(METHODS) - MAY_MISS_ESTIMATE)), st.sampled_from([0.9, 0.95, 0.99]))
def test_interval_holds_the_estimate(counts, method, level):
    """A method that adds nothing to the counts gives an interval that holds the observed score."""
    promoters, _, detractors = counts
    estimate = 100 * (promoters - detractors) / sum(counts)
    low, high = intervals(*counts, method=method, confidence_level=level)
    assert low <= estimate + 1e-9
    assert high >= estimate - 1e-9


@given(triples, methods, levels)
def test_swapping_promoters_and_detractors_mirrors_the_interval(counts, method, level):
    """The interval of the mirrored counts is the mirrored interval."""
    promoters, passives, detractors = counts
    low, high = intervals(*counts, method=method, confidence_level=level)
    mirrored = intervals(detractors, passives, promoters, method=method, confidence_level=level)
    assert (-mirrored[1], -mirrored[0]) == pytest.approx((low, high), abs=1e-9)


@given(triples, methods)
def test_a_higher_level_gives_an_interval_no_narrower(counts, method):
    """What 90% holds, 99% holds."""
    low, high = intervals(*counts, method=method, confidence_level=0.9)
    wider = intervals(*counts, method=method, confidence_level=0.99)
    assert wider[0] <= low + 1e-9
    assert wider[1] >= high - 1e-9


@given(st.lists(triples, min_size=1, max_size=30), methods)
def test_many_at_once_are_the_same_as_one_by_one(rows, method):
    """A vectorized pass gives exactly the limits of each row by itself."""
    low, high = intervals(*np.array(rows).T, method=method)
    single = [intervals(*row, method=method) for row in rows]
    assert low.tolist() == pytest.approx([limits[0].item() for limits in single], abs=1e-12)
    assert high.tolist() == pytest.approx([limits[1].item() for limits in single], abs=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_blocks_leave_no_seam(method):
    """More rows than fit one block are computed like the same rows shuffled."""
    rng = np.random.default_rng(7)
    rows = rng.integers(0, 4, (3, 20_000)) + np.array([[0], [1], [0]])
    order = rng.permutation(20_000)
    straight = np.array(intervals(*rows, method=method))
    shuffled = np.array(intervals(*rows[:, order], method=method))
    assert np.abs(straight[:, order] - shuffled).max() <= 1e-11


def test_shapes_broadcast():
    """Counts of different shapes give limits of the common shape, and single numbers give limits without one."""
    low, high = intervals([[5], [6]], [1, 2, 3], 4)
    assert low.shape == high.shape == (2, 3)
    assert intervals(5, 1, 4)[0].shape == ()
    assert intervals([], [], [])[0].shape == (0,)


@given(triples.filter(lambda counts: max(counts) < sum(counts)), st.sampled_from([0.8, 0.95, 0.99]))
def test_score_limits_solve_the_equation_of_the_test(counts, level):
    """Tango's statistic at the limits is the normal quantile, to a millionth, unless the limit is an end."""
    columns = [np.array([float(count)]) for count in counts]
    for limit in intervals(*columns, confidence_level=level):
        if abs(limit[0]) < 100 - 1e-9:
            p = Score(promoters=counts[0], passives=counts[1], detractors=counts[2]).test(against=limit[0]).p_value
            assert p == pytest.approx(1 - level, rel=1e-6)


@given(triples, st.floats(-0.999, 0.999))
def test_restricted_shares_maximize_the_likelihood(counts, theta):
    """No other pair of shares whose difference is `theta` makes the counts more likely."""
    columns = [np.array([float(count)]) for count in counts]
    p, d = (share[0] for share in restricted_shares(np.array([theta]), *columns))
    assert p - d == pytest.approx(theta, abs=1e-12)

    def log_likelihood(lesser):
        shares = np.array([lesser + max(theta, 0), 1 - 2 * lesser - abs(theta), lesser + max(-theta, 0)])
        if (shares < -1e-12).any():
            return -np.inf
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.array(counts) * np.log(np.maximum(shares, 0))
        return np.where(np.array(counts) > 0, terms, 0).sum()

    best = log_likelihood(min(p, d))
    for step in (1e-3, -1e-3, 1e-2, -1e-2):
        assert best >= log_likelihood(min(p, d) + step) - 1e-9


@pytest.mark.parametrize("n", [1, 2, 5, 30, 1_000, 10**6, 10**9, 10**12])
def test_closed_forms_of_the_score_interval(n):
    """All promoters, all passives, and as many promoters as detractors have limits in closed form, at any n."""
    square = 1.959963984540054**2
    low, high = intervals(n, 0, 0)
    assert low == pytest.approx(100 * (n - square) / (n + square), abs=1e-11)
    assert high == 100
    assert intervals(0, n, 0) == pytest.approx((-100 * square / (n + square), 100 * square / (n + square)), rel=1e-12)
    half = 100 * np.sqrt(square) * np.sqrt(2 * n + square) / (3 * n + square)
    assert intervals(n, n, n) == pytest.approx((-half, half), rel=1e-11)


@pytest.mark.parametrize("counts", [(10**6, 1, 0), (10**6 - 1, 0, 1), (10**8, 10**8, 1), (1, 10**8, 0), (10**12, 5, 1)])
def test_huge_and_lopsided_counts_keep_their_digits(counts):
    """Where the quartic closed form fails, the statistic at the limits is still the quantile."""
    columns = [np.array([float(count)]) for count in counts]
    low, high = intervals(*columns)
    for limit, sign in ((low, 1), (high, -1)):
        statistic = score_statistic(limit / 100, *columns)[0]
        room = min(1 - abs(limit[0]) / 100, abs(limit[0] - 100 * (counts[0] - counts[2]) / sum(counts)) / 100)
        assert statistic == pytest.approx(sign * 1.959963984540054, rel=1e-13 + 1e-15 / room)


@pytest.mark.parametrize("method", METHODS)
def test_one_answer_has_an_interval(method):
    """One person is enough for every method."""
    low, high = intervals([1, 0, 0], [0, 1, 0], [0, 0, 1], method=method)
    assert np.isfinite([low, high]).all()


@pytest.mark.parametrize("method", METHODS)
def test_no_limit_is_less_than_zero_by_its_sign_alone(method):
    """A limit of 0 is written without a sign."""
    assert not any(np.copysign(1, limit) < 0 for limit in intervals(0, 5, 0, method=method) if limit == 0)


@pytest.mark.parametrize("method", ["wald", "bootstrap", "bootstrap_bca"])
def test_known_fault_no_width_where_all_agree(method):
    """Wald and the bootstraps claim certainty from five promoters, as their documentation says."""
    assert intervals(5, 0, 0, method=method) == (100, 100)


def test_known_fault_adjusted_wald_leaves_the_observed_score_out():
    """The untruncated (3, T) interval of one promoter is -48.5 to 98.5: it misses the observed 100."""
    low, high = intervals(1, 0, 0, method="adjusted_wald")
    assert high < 100
    assert low == pytest.approx(-48.5, abs=0.05)


@pytest.mark.parametrize("method", REAL)
def test_sizes_that_are_not_whole_are_taken(method):
    """Effective sample sizes lie between the whole ones on both sides."""
    smaller, between, larger = (intervals(k * 5, k * 3, k * 2, method=method) for k in (1, 1.37, 2))
    widths = [high - low for low, high in (smaller, between, larger)]
    assert widths[0] > widths[1] > widths[2]


@pytest.mark.parametrize("method", WHOLE)
def test_sizes_that_are_not_whole_are_refused_by_name(method):
    """Exact and bootstrap intervals count people, and say so."""
    rule = re.escape(f'passives must be whole numbers for method="{method}" (got 2.5)')
    with pytest.raises(InvalidArgument, match=rule):
        intervals([5, 5], [3, 2.5], [2, 2], method=method)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((-1, 2, 3), {}, InvalidArgument, r"promoters must be finite numbers of at least 0 \(got -1.0\)"),
        ((1, np.nan, 3), {}, InvalidArgument, r"passives must be finite numbers of at least 0 \(got nan\)"),
        ((1, 2, np.inf), {}, InvalidArgument, r"detractors must be finite numbers of at least 0 \(got inf\)"),
        (("many", 2, 3), {}, InvalidArgument, r"promoters must be numbers of at least 0 \(got 'many'\)"),
        ((True, 2, 3), {}, InvalidArgument, r"promoters must be numbers of at least 0 \(got True\)"),
        (([[1], [1, 2]], 2, 3), {}, InvalidArgument, r"promoters must be numbers of at least 0"),
        ((np.ones(10**5, dtype=bool), 2, 3), {}, InvalidArgument, r"numbers of at least 0 \(got array.{0,80}\)$"),
        ((1e-300, 1e-300, 1e-300), {}, InvalidArgument, r"detractors must be at least 1e-09 \(got 3e-300\)"),
        ((1e15, 2, 3), {}, InvalidArgument, r"must be at most 1e\+15 \(got 1000000000000005.0\)"),
        ((1, 2, 3), {"confidence_level": 10**400}, InvalidArgument, r"strictly between 0 and 1"),
        ((1, 2, 3), {"confidence_level": Fraction(10**20 - 1, 10**20)}, InvalidArgument, r"strictly between 0 and 1"),
        (([1, 2], [1, 2, 3], 0), {}, InvalidArgument, r"must be of shapes that broadcast \(got \(2,\), \(3,\), \(\)\)"),
        ((0, 0, 0), {}, NoRatings, r"must add to more than 0 \(got 0, 0, 0\)"),
        ((1, 2, 3), {"method": "t"}, InvalidArgument, r"method must be one of 'score', .*'bootstrap_bca' \(got 't'\)"),
        ((1, 2, 3), {"method": ["score"]}, InvalidArgument, r"method must be one of .* \(got \['score'\]\)"),
        ((1, 2, 3), {"confidence_level": 1}, InvalidArgument, r"strictly between 0 and 1 \(got 1\)"),
        ((1, 2, 3), {"confidence_level": 95}, InvalidArgument, r"strictly between 0 and 1 \(got 95\)"),
        ((1, 2, 3), {"confidence_level": np.nan}, InvalidArgument, r"strictly between 0 and 1 \(got nan\)"),
        ((1, 2, 3), {"confidence_level": "95%"}, InvalidArgument, r"strictly between 0 and 1 \(got '95%'\)"),
    ],
)
def test_bad_arguments_are_refused_by_name(arguments, options, error, message):
    """Each refusal names the argument, the rule and the value."""
    with pytest.raises(error, match=message):
        intervals(*arguments, **options)


@pytest.mark.parametrize("added", [1 / 3, 1 / 2, 1])
@pytest.mark.parametrize(
    ("counts", "theta"), [((1, 0, 0), 0.4), ((3, 1, 1), -0.2), ((0, 0, 5), -0.9), ((4, 9, 2), 0.05)]
)
def test_posterior_probability_is_that_of_arbitrary_precision(counts, theta, added):
    """Our quadrature equals that of 20 digits to 1e-12, singular ends included."""
    promoters, passives, detractors = (count + added for count in counts)
    arrays = [np.array([v]) for v in (theta, promoters + detractors, passives, promoters, detractors)]
    exact = by_many_digits(theta, promoters, passives, detractors)
    assert probability_below(*arrays)[0] == pytest.approx(exact, abs=1e-12)


@pytest.mark.parametrize(
    "counts",
    [
        (10458, 3987688, 6001854),
        (990, 9714, 9989296),
        (500000, 499000, 1000),
        (70000, 29500, 500),
        (649, 43052, 56299),
        (0, 10**7, 3),
    ],
)
def test_posterior_probability_of_millions_is_that_of_a_plain_sum(counts):
    """At large n, with few promoters beside many detractors, the quadrature equals a fine sum of the posterior."""
    promoters, passives, detractors = (count + 0.5 for count in counts)
    low, high = intervals(*counts, method="bayes_jeffreys")
    for limit, expected in ((low / 100, 0.025), (high / 100, 0.975)):
        assert by_plain_sum(limit, promoters, passives, detractors) == pytest.approx(expected, abs=1e-5)


def by_plain_sum(theta, promoters, passives, detractors):
    """Add up a million slices of the share of the decided, between its far quantiles, with weights that add to one."""
    a, b = promoters + detractors, passives
    t = np.linspace(betaincinv(a, b, 1e-16), 1 - betaincinv(b, a, 1e-16), 1_000_001)
    density = np.exp(xlogy(a - 1, t / (a / (a + b))) + xlogy(b - 1, (1 - t) / (b / (a + b))))
    inner = betainc_array(promoters, detractors, np.clip((theta / t + 1) / 2, 0, 1))
    return float((density * inner).sum() / density.sum())


def by_many_digits(theta, promoters, passives, detractors):
    """Integrate over u = (1 - t)**passives, which takes the singular end away."""
    with mp.workdps(20):
        a, b = mpf(promoters) + mpf(detractors), mpf(passives)

        def integrand(u):
            t = 1 - u ** (1 / b)
            share = min(mpf(1), max(mpf(0), (theta / t + 1) / 2))
            return t ** (a - 1) * betainc(promoters, detractors, 0, share, regularized=True)

        whole = quad(integrand, [0, (1 - mpf(abs(theta))) ** b]) / b / mp.beta(a, b)
        return float(whole + (betainc(a, b, 0, theta, regularized=True) if theta > 0 else 0))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("counts", [(0, 0, 5), (5, 0, 0), (0, 5, 0), (69, 1, 0), (98, 1, 1), (1, 999, 0), (1, 1, 0)])
def test_extreme_counts_and_levels_keep_every_law(counts, method):
    """Near one category, at levels from a millionth to all but a billionth: ordered, bounded, nested and mirrored."""
    before = None
    for level in (1e-6, 0.05, 0.5, 0.95, 0.999, 1 - 1e-9):
        low, high = intervals(*counts, method=method, confidence_level=level)
        mirrored = intervals(*counts[::-1], method=method, confidence_level=level)
        assert -100 <= low <= high <= 100
        assert mirrored == pytest.approx((-high, -low), abs=1e-9)
        if before:
            assert low <= before[0] + 1e-7
            assert high >= before[1] - 1e-7
        before = (low, high)


def test_rows_of_the_table_can_be_pickled():
    """Each method survives a trip to another process."""
    for name, row in METHODS.items():
        again = pickle.loads(pickle.dumps(row))  # noqa: S301 -- our own bytes
        counts = [np.array([count]) for count in (6.0, 3.0, 1.0)]
        assert again.limits(*counts, 0.95)[0] == row.limits(*counts, 0.95)[0], name


@pytest.mark.parametrize("method", ["bootstrap", "bootstrap_bca"])
def test_bootstrap_of_a_hundred_million_is_near_wald(method):
    """The window of the convolution holds the law at 10**8 answers, where all methods agree."""
    counts = (5 * 10**7, 3 * 10**7, 2 * 10**7)
    limits = np.array(intervals(*counts, method=method))
    assert limits == pytest.approx(np.array(intervals(*counts, method="wald")), abs=1e-4)


@given(st.tuples(*[st.integers(0, 6)] * 3).filter(any))
def test_bootstrap_law_is_that_of_enumeration(counts):
    """The percentile limits are those of all resamples, listed with their multinomial probabilities."""
    n = sum(counts)
    shares = np.array(counts) / n
    law = {}
    for p in range(n + 1):
        for d in range(n + 1 - p):
            chance = comb(n, p) * comb(n - p, d) * shares[0] ** p * shares[1] ** (n - p - d) * shares[2] ** d
            law[p - d] = law.get(p - d, 0.0) + chance
    sums = sorted(law)
    below = np.cumsum([law[value] for value in sums])
    low = next(value for value, mass in zip(sums, below, strict=True) if mass >= 0.025 - 1e-12)
    high = next(value for value, mass in zip(sums, below, strict=True) if mass >= 0.975 - 1e-12)
    assert intervals(*counts, method="bootstrap") == pytest.approx((100 * low / n, 100 * high / n))


def test_the_table_and_its_type_name_the_same_methods():
    """The `Literal` type of the method names lists exactly the table."""
    assert list(get_args(Method)) == list(METHODS)


def test_documentation_names_every_method():
    """The docstring of `intervals` describes each method by its name."""
    assert [name for name in METHODS if f'"{name}"' not in (intervals.__doc__ or "")] == []


class TestCoverage:
    """Exact coverage by enumeration."""

    def test_probabilities_add_to_one(self):
        """Covered, wholly below and wholly above are all that can happen."""
        found = coverage("newcombe", 7)
        assert found.covered + found.below + found.above == pytest.approx(np.ones(found.covered.size))

    def test_a_truth_is_judged_as_by_hand(self):
        """For one answer and Wald, the interval is a point, which holds the truth only where the truth is a score."""
        found = coverage("wald", 1, truths=[[0.5, 0.5], [0.2, 0.3], [1.0, 0.0]])
        assert found.covered == pytest.approx([0.0, 0.0, 1.0])
        assert found.widths == pytest.approx([0, 0, 0])

    def test_the_exact_method_keeps_its_level(self):
        """Fay and Lumbard's interval covers at least 95% at every truth of the grid."""
        for n in (1, 2, 3, 5, 8, 13, 25):
            assert coverage("exact", n).minimum >= 0.95

    def test_simulation_agrees(self):
        """Drawing samples at random finds the coverage that was computed."""
        shares = (0.6, 0.25, 0.15)
        found = coverage("score", 20, truths=[[shares[0], shares[2]]]).covered[0]
        draws = np.random.default_rng(3).multinomial(20, shares, size=200_000)
        low, high = intervals(*draws.T)
        truth = 100 * (shares[0] - shares[2])
        assert np.mean((low <= truth + 1e-9) & (truth <= high + 1e-9)) == pytest.approx(found, abs=0.003)

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda: coverage("t", 5), r"method must be one of .* \(got 't'\)"),
            (lambda: coverage("score", 0), r"n must be a whole number of at least 1 \(got 0\)"),
            (lambda: coverage("score", 2.5), r"n must be a whole number of at least 1 \(got 2.5\)"),
            (lambda: coverage("score", 5, confidence_level=0), r"confidence_level must be .* \(got 0\)"),
            (lambda: coverage("score", 5, truths=[0.5, 0.2]), r"truths must be pairs of shares, of shape \(t, 2\)"),
            (lambda: coverage("score", 5, truths="x"), r"truths must be pairs of shares, .* \(got 'x'\)"),
            (
                lambda: coverage("score", 5, truths=[[0.5], 2]),
                r"truths must be pairs of shares, .* \(got \[\[0.5\], 2\]\)",
            ),
            (lambda: coverage("score", 1, population=1), r"population must be a whole number of at least 2 \(got 1\)"),
            (lambda: coverage("score", 5, truths=[[0.7, 0.4]]), r"add to at most 1 \(got \(0.7, 0.4\)\)"),
        ],
    )
    def test_bad_arguments_are_refused_by_name(self, call, message):
        """Each refusal names the argument, the rule and the value."""
        with pytest.raises(InvalidArgument, match=message):
            call()

    def test_it_shows_itself_in_one_line(self):
        """The text has the method, the sample size and the three summaries."""
        text = "Coverage(score, n = 10, 95%: minimum 0.900, mean 0.964, mean width 79.8 points)"
        assert repr(coverage("score", 10)) == text


def test_reference_folder_says_where_its_figures_are_from():
    """Every file of figures is named in the README beside it."""
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    files = sorted(path.name for path in FOLDER.glob("*.json"))
    assert files
    assert [name for name in files if name not in text] == []
    assert all(json.loads((FOLDER / name).read_text(encoding="utf-8")) for name in files)
