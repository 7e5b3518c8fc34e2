"""The difference of two independent scores: figures of peers, laws, and the exact size of its tests."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import stdtr

from netpromoter.errors import InvalidArgument
from netpromoter.stats import Difference, Score, compare
from netpromoter.stats._coverage import outcomes_of, probabilities
from netpromoter.stats._profile import profile_limits, profile_statistic
from reference_figures import figures

TWO_SAMPLE = figures("two_sample")
INTERVALS = ["score", "mover", "wald", "adjusted_wald", "welch"]
TESTS = ["score", "likelihood_ratio", "wald", "adjusted_wald", "welch", "permutation"]


def score_of(counts):
    promoters, passives, detractors = counts
    return Score(promoters=promoters, passives=passives, detractors=detractors)


def difference(record):
    """The peers give a minus b, and we give after minus before: so b comes before."""
    return compare(score_of(record["b"]), score_of(record["a"]))


def pair(record):
    return f"{record['a']}-{record['b']}".replace(" ", "")


scores = st.tuples(*[st.integers(0, 60)] * 3).filter(lambda counts: sum(counts) >= 2).map(score_of)


@pytest.mark.parametrize("record", TWO_SAMPLE["tests"], ids=pair)
def test_value_is_that_of_the_peer(record):
    """The difference is that of the two scores."""
    assert difference(record).value == pytest.approx(100 * record["diff"], abs=1e-9)


@pytest.mark.parametrize("record", TWO_SAMPLE["tests"], ids=pair)
def test_score_and_likelihood_ratio_tests_are_those_of_the_peer(record):
    """Both tests from the profile equal the peer, whose optimizer stops within 1e-7 of the statistic."""
    found, peer = difference(record), record["score_test_profile"]
    assert found.test().statistic == pytest.approx(peer["z"], abs=1e-7)
    assert found.test().p_value == pytest.approx(peer["p"], abs=1e-8)
    ratio = found.test(method="likelihood_ratio")
    assert ratio.statistic**2 == pytest.approx(peer["lrt_x2"], abs=1e-8)
    assert ratio.p_value == pytest.approx(peer["lrt_p"], abs=1e-8)


@pytest.mark.parametrize("record", TWO_SAMPLE["tests"], ids=pair)
def test_wald_test_and_interval_are_those_of_the_peer(record):
    """The peer gives the interval of the absolute difference, not clipped."""
    found, peer = difference(record), record["NPS_nps.test_wald"]
    assert found.standard_error == pytest.approx(100 * peer["se"], abs=1e-9)
    assert found.test(method="wald").p_value == pytest.approx(peer["p"], abs=1e-12)
    sign = 1 if record["diff"] >= 0 else -1
    limits = sorted(sign * 100 * limit for limit in peer["int_of_abs_delta"])
    assert found.interval(method="wald") == pytest.approx([max(-200, limits[0]), min(200, limits[1])], abs=1e-9)


@pytest.mark.parametrize("record", TWO_SAMPLE["tests"], ids=pair)
def test_adjusted_wald_test_and_interval_are_those_of_the_peer(record):
    """Test and interval are about the difference of the adjusted scores."""
    found, peer = difference(record), record["NPS2_adjusted_wald_3T"]
    assert found.test(method="adjusted_wald").p_value == pytest.approx(peer["p"], abs=1e-12)
    low, high = found.interval(method="adjusted_wald")
    assert abs(low + high) / 2 == pytest.approx(100 * peer["abs_delta"], abs=1e-9)
    assert (high - low) / 2 == pytest.approx(100 * np.ptp(peer["int_of_abs_delta"]) / 2, abs=1e-9)


@pytest.mark.parametrize("record", [r for r in TWO_SAMPLE["tests"] if "welch_t" in r], ids=pair)
def test_welch_test_and_interval_are_those_of_the_peer(record):
    """Welch's t is that of R's t.test; its interval is clipped to 200 points."""
    found, peer = difference(record), record["welch_t"]
    assert found.test(method="welch").statistic == pytest.approx(peer["t"], abs=1e-9)
    assert found.test(method="welch").p_value == pytest.approx(peer["p"], abs=1e-9)
    limits = np.clip(100 * np.array(peer["ci95"]), -200, 200)
    assert found.interval(method="welch") == pytest.approx(limits, abs=1e-8)


@pytest.mark.parametrize("record", TWO_SAMPLE["tests"], ids=pair)
def test_permutation_test_is_that_of_the_peer(record):
    """The p value is exact where the peers give one, and the normal limit where they give no other."""
    found = difference(record).test(method="permutation")
    assert found.statistic == pytest.approx(record["permutation_asymptotic_coin"]["z"], abs=1e-9)
    names = [name for name in ("permutation_exact_coin", "permutation_exact_exactRankTests") if name in record]
    for name in names or ["permutation_asymptotic_coin"]:
        assert found.p_value == pytest.approx(record[name]["p"], abs=1e-9)


@pytest.mark.parametrize("record", TWO_SAMPLE["profile_score_limits"], ids=pair)
def test_limits_are_those_of_the_peer(record):
    """Profile limits equal the peer to 1e-6, square-and-add limits to 1e-9."""
    found = difference(record)
    low, high = found.interval(confidence_level=record["level"])
    assert (low / 100, high / 100) == pytest.approx((record["score_lower"], record["score_upper"]), abs=1e-6)
    mover = np.array(found.interval(method="mover", confidence_level=record["level"])) / 100
    assert mover == pytest.approx(record["mover_tango"], abs=1e-9)
    assert mover == pytest.approx(record["mover_from_R"], abs=1e-9)


@given(scores, scores, st.sampled_from(INTERVALS))
def test_swapping_the_samples_turns_the_interval_around(a, b, method):
    """The interval of a minus b is that of b minus a, with both limits negated and swapped."""
    low, high = compare(a, b).interval(method=method)
    back_low, back_high = compare(b, a).interval(method=method)
    assert (low, high) == pytest.approx((-back_high, -back_low), abs=1e-8)


@given(scores, scores, st.sampled_from(TESTS))
def test_swapping_the_samples_swaps_the_sides(a, b, method):
    """What is greater one way is less the other way, and both ways are equally two-sided."""
    forward, back = compare(a, b), compare(b, a)
    greater, less = forward.test(method=method, alternative="greater"), back.test(method=method, alternative="less")
    assert greater.p_value == pytest.approx(less.p_value, abs=1e-9)
    assert forward.test(method=method).p_value == pytest.approx(back.test(method=method).p_value, abs=1e-9)


@given(scores, scores, st.sampled_from(["score", "wald", "adjusted_wald", "welch"]), st.sampled_from([0.9, 0.95, 0.99]))
def test_interval_and_test_never_disagree(a, b, method, level):
    """The interval leaves 0 out exactly when the test rejects."""
    found = compare(a, b)
    low, high = found.interval(method=method, confidence_level=level)
    p = found.test(method=method).p_value
    if abs(p - (1 - level)) > 1e-9:
        assert (low > 0 or high < 0) == (p < 1 - level)


@given(scores, scores, st.sampled_from(["score", "mover", "wald", "welch"]))
def test_interval_holds_the_difference(a, b, method):
    """Low, value and high are in order and within 200 points."""
    found = compare(a, b)
    low, high = found.interval(method=method)
    assert -200 <= low <= found.value + 1e-9
    assert found.value - 1e-9 <= high <= 200


@given(scores, scores, st.sampled_from(TESTS))
def test_p_values_are_probabilities(a, b, method):
    """No test gives NaN or leaves 0 to 1, also when everybody is in one category."""
    for alternative in ("two-sided", "less", "greater"):
        assert 0 <= compare(a, b).test(method=method, alternative=alternative).p_value <= 1


@given(scores, st.sampled_from(TESTS))
def test_equal_samples_do_not_differ(a, method):
    """A sample does not differ from itself: value 0, statistic 0, p = 1."""
    found = compare(a, a)
    assert found.exact == 0
    assert found.test(method=method).statistic == pytest.approx(0, abs=1e-12)
    assert found.test(method=method).p_value == pytest.approx(1)


def null_pairs():
    """Pairs of truths with one score and all kinds of spread: (score, share of the decided before, after)."""
    for theta in np.round(np.arange(0, 0.91, 0.1), 2):
        spreads = sorted({theta + part * (1 - theta) for part in (0, 0.1, 0.25, 0.5, 0.75, 1)} - {0.0})
        yield from ((theta, before, after) for before in spreads for after in spreads)


def size(rejected, before, after):
    """The highest probability, over the null pairs, of a rejection."""
    grid = np.asarray(rejected, dtype=float).reshape(before.shape[1], after.shape[1])
    return max((chances(before, theta, s) @ grid @ chances(after, theta, t)).item() for theta, s, t in null_pairs())


def chances(outcomes, theta, decided):
    return probabilities(outcomes, np.array([[(decided + theta) / 2, (decided - theta) / 2]]))[0]


def every_pair(n_before, n_after):
    before, after = outcomes_of(n_before), outcomes_of(n_after)
    first, second = np.indices((before.shape[1], after.shape[1])).reshape(2, -1)
    return before, after, tuple(before[:, first]), tuple(after[:, second])


def moments(sample):
    promoters, passives, detractors = sample
    n = promoters + passives + detractors
    mean = (promoters - detractors) / n
    return n, mean, (promoters + detractors) / n - mean**2


def wald_and_welch_rejections(before, after):
    (n, mean, variance), (m, other, spread) = moments(before), moments(after)
    gap = other - mean
    u, v = variance / (n - 1), spread / (m - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        wald = np.where(gap == 0, 0, np.abs(gap) / np.sqrt(variance / n + spread / m)) > 1.959964
        df = (u + v) ** 2 / (u**2 / (n - 1) + v**2 / (m - 1))
        p = 2 * stdtr(df, -np.abs(gap) / np.sqrt(u + v))
    return wald, np.where(u + v == 0, gap != 0, p < 0.05)


@pytest.mark.parametrize(("n_before", "n_after"), [(10, 10), (10, 30)])
def test_exact_size_of_the_score_test_stays_near_its_level(n_before, n_after):
    """At a level of 5% the score test rejects a true hypothesis at most 6.7% of the time."""
    before, after, first, second = every_pair(n_before, n_after)
    z = profile_statistic(first, second, np.zeros(first[0].shape))
    assert size(np.abs(z) > 1.959964, before, after) <= 0.067


def test_wald_and_welch_fail_where_the_sizes_differ():
    """With samples of 10 and 30, Wald and Welch reject a true hypothesis more than 29% of the time."""
    before, after, first, second = every_pair(10, 30)
    wald, welch = wald_and_welch_rejections(first, second)
    assert size(wald, before, after) >= 0.29
    assert size(welch, before, after) >= 0.28


def test_exact_coverage_of_the_profile_interval():
    """With ten answers a side the 95% interval holds the true difference at least 93% of the time."""
    before, after, first, second = every_pair(10, 10)
    low, high = profile_limits(first, second, 0.95)
    covered = []
    for p, d, q, e in [(0.5, 0.2, 0.3, 0.4), (0.8, 0.1, 0.6, 0.2), (0.9, 0.05, 0.9, 0.05), (0.33, 0.33, 0.6, 0.3)]:
        gap = (q - e) - (p - d)
        held = ((low <= gap + 1e-9) & (gap - 1e-9 <= high)).reshape(before.shape[1], after.shape[1]).astype(float)
        truth = (probabilities(sample, np.array([shares]))[0] for sample, shares in ((before, (p, d)), (after, (q, e))))
        covered.append(next(truth) @ held @ next(truth))
    assert min(covered) >= 0.93


def test_welch_refuses_a_sample_of_one():
    """One answer has no variance, so Welch's method says so."""
    one, ten = score_of((1, 0, 0)), score_of((5, 3, 2))
    rule = r'before and after must be samples of at least 2 answers for method="welch" \(got \(1, 10\)\)'
    with pytest.raises(InvalidArgument, match=rule):
        compare(one, ten).interval(method="welch")


def test_permutation_of_lopsided_samples_is_quiet_and_exact():
    """One answer against three thousand: the one detractor is equally likely to be anybody."""
    found = compare(score_of((0, 0, 1)), score_of((3000, 0, 0))).test(method="permutation")
    assert found.p_value == pytest.approx(1 / 3001)


def test_permutation_of_two_answers_is_defined():
    """One answer against one has a p value of 1: the two tables are equally far out."""
    assert compare(score_of((1, 0, 0)), score_of((0, 0, 1))).test(method="permutation").p_value == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d: compare(40.0, d.after), r"before must be a Score \(got 40.0\)"),
        (lambda d: compare(d.before, None), r"after must be a Score \(got None\)"),
        (lambda d: d.interval(method="tango"), r"method must be one of 'score', 'mover', .* \(got 'tango'\)"),
        (lambda d: d.test(method="t"), r"method must be one of 'score', 'likelihood_ratio', .* \(got 't'\)"),
        (lambda d: d.test(alternative="more"), r"alternative must be one of 'two-sided', .* \(got 'more'\)"),
        (
            lambda d: d.interval(confidence_level=95),
            r"confidence_level must be a number strictly between 0 and 1 \(got 95\)",
        ),
    ],
)
def test_bad_arguments_are_refused_by_name(call, message):
    """Each refusal names the argument, the rule and the value."""
    with pytest.raises(InvalidArgument, match=message):
        call(compare(score_of((5, 3, 2)), score_of((6, 3, 1))))


def test_difference_shows_itself_in_one_line_and_as_a_table():
    """The text has value, interval and p value; the table has both scores."""
    found = Difference(before=score_of((480, 300, 220)), after=score_of((550, 300, 150)))
    assert repr(found) == "+14.0 points (95% CI +7.3 to +20.7), p < 0.0001"
    html = found._repr_html_()
    assert "p &lt; 0.0001" in html
    assert html.count("<tr>") == 4


def test_wald_statistic_of_a_difference_without_error_is_infinite():
    """Where everybody agrees on each side, Wald divides by 0 and says infinity, not NaN."""
    found = compare(score_of((0, 0, 3)), score_of((3, 0, 0))).test(method="wald")
    assert (found.statistic, found.p_value) == (math.inf, 0.0)
