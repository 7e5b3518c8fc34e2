"""Arms of a survey: figures of peers, laws, and what is said where nobody answered."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netpromoter.errors import InvalidArgument
from netpromoter.stats import RateDifference, Score, VariantComparison, compare, compare_variants
from netpromoter.stats._rates import homogeneity_test
from netpromoter.stats._variants import _holm
from reference_figures import figures

GROUPS = figures("paired_and_k_sample")["k_sample"]


def score_of(counts):
    promoters, passives, detractors = counts
    return Score(promoters=promoters, passives=passives, detractors=detractors)


def arms_of(groups, invited=500):
    scores = {f"arm {place}": score_of(group) for place, group in enumerate(groups)}
    return compare_variants(dict.fromkeys(scores, invited), scores)


def named(record):
    return str(record["groups"]).replace(" ", "")


counts = st.tuples(*[st.integers(0, 60)] * 3).filter(any)
arms = st.lists(counts, min_size=2, max_size=5).map(arms_of)


@pytest.mark.parametrize("record", GROUPS, ids=named)
def test_heterogeneity_of_scores_is_that_of_the_peer(record):
    """Q and its p value are those of metafor's fixed-effect model."""
    peer, found = record["wald_heterogeneity_metafor_FE"], arms_of(record["groups"]).score_test()
    assert found.statistic == pytest.approx(peer["Q"], abs=1e-8)
    assert found.p_value == pytest.approx(peer["p"], abs=1e-8)
    assert found.method == "cochran"


@pytest.mark.parametrize("record", GROUPS, ids=named)
def test_holm_adjustment_is_that_of_the_peer(record):
    """The adjusted p values are those of R's p.adjust."""
    peer = record["pairwise_z"]
    assert _holm(peer["p"]) == pytest.approx(peer["holm"], abs=1e-12)


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_keeps_the_order_and_only_raises(p_values):
    """An adjusted value is at least the raw one, at most its multiple, and the order stays."""
    adjusted = _holm(p_values)
    assert all(p <= q <= min(1, len(p_values) * p) for p, q in zip(p_values, adjusted, strict=True))
    assert all(low[1] <= high[1] for low, high in pairwise(sorted(zip(p_values, adjusted, strict=True))))


@given(arms)
def test_every_two_arms_are_compared_later_minus_earlier(found):
    """Each pair has the difference that its two arms have by themselves."""
    by_arm = {arm: (n, score) for arm, n, score in zip(found.arms, found.invited, found.scores, strict=True)}
    assert len(found.rate_differences) == len(found.arms) * (len(found.arms) - 1) // 2
    assert found.rate_differences.keys() == found.score_differences.keys()
    for first, second in found.rate_differences:
        (m, s), (n, t) = by_arm[first], by_arm[second]
        assert found.rate_differences[first, second] == RateDifference(answered=(s.n, t.n), invited=(m, n))
        assert found.score_differences[first, second] == compare(s, t)


@given(counts, counts)
def test_two_arms_are_tested_by_their_one_difference(a, b):
    """With two arms the tests are those of the difference itself."""
    found, pair = arms_of([a, b]), ("arm 0", "arm 1")
    assert found.rate_test() == found.rate_differences[pair].test()
    assert found.score_test() == compare(score_of(a), score_of(b)).test()


@given(st.lists(counts, min_size=3, max_size=5))
def test_many_arms_are_tested_for_homogeneity_in_any_order(groups):
    """The order of the arms changes neither test, and the rates are held against Pearson's chi-squared."""
    found, turned = arms_of(groups), arms_of(groups[::-1])
    assert found.rate_test() == homogeneity_test([sum(group) for group in groups], [500] * len(groups))
    assert turned.rate_test() == found.rate_test()
    assert turned.score_test().statistic == pytest.approx(found.score_test().statistic, abs=1e-9)


@given(counts, st.integers(3, 5))
def test_equal_arms_do_not_differ(group, k):
    """Arms with the same counts have statistics of 0 and p values of 1."""
    found = arms_of([group] * k)
    assert found.rate_test().statistic == 0
    assert found.score_test().p_value == pytest.approx(1)


def test_arm_without_spread_takes_the_variance_of_the_adjusted_counts():
    """Where everybody is a promoter, Q weighs by what (3/4, 3/2, 3/4) more answers say."""
    p, a, d, n = 10.75, 1.5, 0.75, 13
    variances = [(p + d - (p - d) ** 2 / n) / n**2, 0.6 / 20, 0.6 / 20]
    scores = [1.0, 0.0, 0.0]
    mean = sum(s / v for s, v in zip(scores, variances, strict=True)) / sum(1 / v for v in variances)
    expected = sum((s - mean) ** 2 / v for s, v in zip(scores, variances, strict=True))
    assert a == n - p - d
    found = arms_of([(10, 0, 0), (6, 8, 6), (6, 8, 6)]).score_test()
    assert found.statistic == pytest.approx(expected)


@given(arms, st.sampled_from([0.8, 0.95]))
def test_rows_say_what_the_arms_say(found, level):
    """Each row has the rate of its arm inside its limits, and the interval of its score."""
    for row, arm, score in zip(found.rows(confidence_level=level), found.arms, found.scores, strict=True):
        assert row["arm"] == arm
        assert row["answered"] == score.n == found.answered[arm]
        assert row["rate_low"] <= row["rate"] == found.rates[arm] <= row["rate_high"]
        assert (row["nps"], (row["low"], row["high"])) == (score.value, score.interval(confidence_level=level))


@settings(max_examples=8)
@given(st.lists(counts, min_size=2, max_size=3).map(arms_of))
def test_pairs_are_differences_with_adjusted_p_values(found):
    """Each pair has the value and limits of its difference, and Holm's p value among all pairs."""
    raw = _holm([d.test().p_value for d in found.rate_differences.values()])
    for row, p in zip(found.pairs(), raw, strict=True):
        pair = row["first"], row["second"]
        rate, score = found.rate_differences[pair], found.score_differences[pair]
        assert (row["rate"], row["rate_low"], row["rate_high"]) == (rate.value, *rate.interval())
        assert (row["nps"], row["low"], row["high"]) == (score.value, *score.interval())
        assert row["rate_p_value"] == p
        assert row["p_value"] >= score.test().p_value


def test_arm_that_nobody_answered_has_a_rate_and_no_score():
    """The rates are compared all the same, and why the scores are not is said."""
    found = compare_variants({"A": 50, "B": 50}, {"B": None, "A": score_of((9, 3, 1))})
    assert found.rates == {"A": 0.26, "B": 0.0}
    assert found.rate_test().p_value < 0.001
    assert found.score_test() is None
    assert found.score_differences == {}
    assert found.unanswerable == "nobody answered in 'B'"
    assert repr(found).endswith("NPS not comparable, nobody answered in 'B'")
    assert [row["nps"] for row in found.rows()] == [pytest.approx(61.5, abs=0.1), None]
    assert [row["p_value"] for row in found.pairs()] == [None]


def test_other_arms_are_still_compared_beside_a_silent_one():
    """Of three arms with one silent, the two that answered have a difference of scores."""
    score = score_of((9, 3, 1))
    found = compare_variants({"A": 50, "B": 50, "C": 50}, {"A": score, "B": None, "C": score})
    assert list(found.score_differences) == [("A", "C")]
    assert found.score_test() is None
    assert "NPS not comparable, nobody answered in 'B'" in repr(found)


def test_arms_without_any_answer_do_not_differ():
    """Where nobody answered anywhere the rates are equal, whatever the number of arms."""
    for names in ("AB", "ABC"):
        found = compare_variants(dict.fromkeys(names, 20), dict.fromkeys(names))
        assert found.rate_test().p_value == 1
        assert "nobody answered in 'A', 'B'" in repr(found)


def test_comparison_shows_itself_in_one_line_and_as_a_table():
    """Two arms show their differences, more show the tests, and names are escaped."""
    two = compare_variants({"<a>": 1000, "b": 1000}, {"<a>": score_of((90, 60, 30)), "b": None})
    assert repr(two).startswith("'b' minus '<a>': response rate -18.0 percentage points")
    assert "<a>" not in two._repr_html_()
    assert two._repr_html_().count("<tr>") == 3
    three = arms_of([(55, 30, 15), (48, 30, 22), (60, 25, 15)])
    assert repr(three) == "3 arms: response rates chi-squared = 0.00, p = 1.00; NPS Q = 3.23, p = 0.20"


def test_equal_comparisons_are_equal_and_hash_alike():
    """Whole numbers of any type are the same counts."""
    scores = {"A": score_of((5, 3, 2)), "B": score_of((6, 3, 1))}
    first, second = compare_variants({"A": 20, "B": 30.0}, scores), compare_variants({"A": 20, "B": 30}, scores)
    assert first == second
    assert hash(first) == hash(second)
    assert type(first.invited[1]) is int


S = score_of((5, 3, 2))


@pytest.mark.parametrize(
    ("invited", "scores", "message"),
    [
        ({"A": 20}, {"A": S}, r"arms must be at least two, each named once, .* \(got \('A',\)\)"),
        ({"A": 20, "B": 20}, {"A": S}, r"scores must be of the arms in invited, .* \(got \['B'\]\)"),
        ({"A": 20, "B": 20}, {"A": S, "B": S, "C": S}, r"scores must be of the arms in invited, .* \(got \['C'\]\)"),
        ({"A": 9, "B": 20}, {"A": S, "B": S}, r"invited\['A'\] must be at least the 10 who answered \(got 9\)"),
        ({"A": 20.5, "B": 20}, {"A": S, "B": S}, r"invited\['A'\] must be a whole number of at least 1 \(got 20.5\)"),
        ({"A": 20, "B": 0}, {"A": S, "B": None}, r"invited\['B'\] must be a whole number of at least 1 \(got 0\)"),
        ({"A": 20, "B": 20}, {"A": S, "B": 40.0}, r"scores\['B'\] must be a Score, or None .* \(got 40.0\)"),
        ([20, 20], {"A": S, "B": S}, r"invited must be a mapping of arms \(got \[20, 20\]\)"),
        ({"A": 20, "B": 20}, [S, S], r"scores must be a mapping of arms \(got "),
    ],
)
def test_bad_arms_are_refused_by_name(invited, scores, message):
    """Each refusal names the argument or the arm, the rule and the value."""
    with pytest.raises(InvalidArgument, match=message):
        compare_variants(invited, scores)


@pytest.mark.parametrize("names", [("A", "A"), ("A", "B", "C")])
def test_arms_are_named_once_and_have_one_count_each(names):
    """Columns of other lengths, and a name that comes twice, are refused."""
    with pytest.raises(InvalidArgument, match="arms must be at least two, each named once"):
        VariantComparison(arms=names, invited=(20, 20), scores=(S, S))


def test_confidence_level_is_checked_before_any_work():
    """Rows and pairs refuse a level that is none."""
    for call in (arms_of([(5, 3, 2), (6, 3, 1)]).rows, arms_of([(5, 3, 2), (6, 3, 1)]).pairs):
        with pytest.raises(InvalidArgument, match="confidence_level must be a number strictly between 0 and 1"):
            call(confidence_level=95)
