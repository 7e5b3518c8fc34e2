"""The score: exact values, laws, and how it shows itself."""

import copy
import math
import pickle
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import netpromoter
from netpromoter.errors import InvalidArgument, MissingRatings, NoHistogram, NoRatings
from netpromoter.ratings import Histogram
from netpromoter.stats import Score, score

triples = st.tuples(*[st.integers(0, 500)] * 3).filter(any)
scores = triples.map(lambda c: Score.from_counts(promoters=c[0], passives=c[1], detractors=c[2]))
ratings = st.lists(st.integers(0, 10), min_size=1)


def test_the_garden_centre_survey_by_hand():
    """8,465 promoters, 3,953 passives and 1,194 detractors are 53.4 points."""
    s = Score.from_counts(promoters=8465, passives=3953, detractors=1194)
    assert s.n == 13_612
    assert s.exact == Fraction(100 * 7271, 13612)
    assert s.value == pytest.approx(53.42, abs=0.005)


@given(scores)
def test_value_is_the_float_nearest_the_exact_fraction(s):
    """The value loses nothing but the last bit, and lies within -100 and 100."""
    assert s.exact == Fraction(100 * (s.promoters - s.detractors), s.n)
    assert s.value == float(s.exact)
    assert -100 <= s.value <= 100


@given(scores)
def test_shares_add_to_one_and_give_the_score(s):
    """The three shares part the answers, and the first minus the last is the score."""
    assert s.promoter_share + s.passive_share + s.detractor_share == pytest.approx(1)
    assert 100 * (s.promoter_share - s.detractor_share) == pytest.approx(s.value, abs=1e-9)


@given(scores)
def test_standard_error_is_that_of_the_mean_of_the_recoded_answers(s):
    """Recoded as 100, 0 and -100, the answers have the score as mean, and its standard error."""
    answers = np.repeat([100, 0, -100], [s.promoters, s.passives, s.detractors])
    assert answers.mean() == pytest.approx(s.value)
    assert answers.std() / np.sqrt(s.n) == pytest.approx(s.standard_error, abs=1e-9)


@given(scores, scores)
def test_scores_of_parts_add_to_the_score_of_the_whole(a, b):
    """The merged score is the mean of both, weighted by their sizes, and order does not matter."""
    assert (a + b).exact == (a.exact * a.n + b.exact * b.n) / (a.n + b.n)
    assert a + b == b + a
    assert sum([a, b, a]) == a + b + a


@given(scores)
def test_swapping_promoters_and_detractors_negates_the_value(s):
    """The mirrored score is the negative one, with the mirrored interval."""
    mirrored = Score.from_counts(promoters=s.detractors, passives=s.passives, detractors=s.promoters)
    assert mirrored.exact == -s.exact
    low, high = s.interval()
    assert mirrored.interval() == pytest.approx((-high, -low), abs=1e-9)


@given(ratings)
def test_score_counts_every_answer(answers):
    """The score of a column is that of its histogram, and of the counts by hand."""
    s = score(answers)
    assert s == Score.from_histogram([answers.count(rating) for rating in range(11)])
    assert s.promoters == sum(answer >= 9 for answer in answers)
    assert s.detractors == sum(answer <= 6 for answer in answers)
    assert s.mean == pytest.approx(np.mean(answers))


@given(ratings, st.integers(0, 5))
def test_missing_answers_change_no_figure_but_their_own_count(answers, missing):
    """People who did not answer are counted beside the score, and never in a denominator."""
    s, complete = score(answers + [None] * missing, missing="drop"), score(answers)
    assert s == complete
    assert s.n == len(answers)
    assert s.interval() == complete.interval()
    assert s.missing == missing


@given(scores)
def test_scores_are_values(s):
    """Equal counts are equal, hash alike, and survive pickling and copying; nothing can be assigned."""
    again = Score.from_counts(promoters=s.promoters, passives=s.passives, detractors=s.detractors, missing=7)
    assert s == again
    assert hash(s) == hash(again)
    assert pickle.loads(pickle.dumps(s)) == copy.deepcopy(s) == s  # noqa: S301 -- our own bytes
    with pytest.raises(AttributeError):
        s.promoters = 1


def test_histograms_ride_along_as_far_as_they_are_known():
    """Two histograms give a histogram; a histogram and three counts give counts."""
    known = score([10, 9, 0])
    counted = Score.from_counts(promoters=1, passives=0, detractors=0, missing=2)
    assert (known + known).histogram == Histogram(counts=[2, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2])
    assert (known + counted).histogram is None
    assert (known + counted).missing == 2
    with pytest.raises(NoHistogram, match="mean needs the eleven counts"):
        _ = (known + counted).mean


def test_counts_of_numpy_and_pandas_are_taken_as_whole_numbers():
    """Counts come out as int, whatever whole number went in."""
    s = Score.from_counts(promoters=np.int64(3), passives=2.0, detractors=pd.Series([1]).sum())
    assert [type(count) for count in (s.promoters, s.passives, s.detractors)] == [int, int, int]
    assert type(s.value) is type(s.standard_error) is type(s.interval()[0]) is float


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: Score.from_counts(promoters=0, passives=0, detractors=0),
            NoRatings,
            r"at least one answer \(got none",
        ),
        (lambda: Score.from_histogram([0] * 11, missing=4), NoRatings, r"\(got none, and 4 missing\)"),
        (
            lambda: Score.from_counts(promoters=-1, passives=0, detractors=0),
            InvalidArgument,
            r"promoters must .*\(got -1\)",
        ),
        (lambda: Score.from_counts(promoters=1, passives=0.5, detractors=0), InvalidArgument, r"passives must .*0.5"),
        (
            lambda: Score.from_counts(promoters=1, passives=0, detractors=True),
            InvalidArgument,
            r"detractors must .*True",
        ),
        (lambda: Score.from_counts(promoters=float("nan"), passives=0, detractors=1), InvalidArgument, r"\(got nan\)"),
        (lambda: Score.from_histogram([1, 2, 3]), InvalidArgument, r"counts must be eleven counts"),
        (lambda: score([None, 9]), MissingRatings, r"1 missing of 2"),
        (lambda: score([9]).interval(method="t"), InvalidArgument, r"method must be one of"),
        (
            lambda: score([9]).share_intervals(method="wald"),
            InvalidArgument,
            r"method must be one of 'wilson', .*'wald'",
        ),
        (
            lambda: score([9]).share_intervals(confidence_level=2),
            InvalidArgument,
            r"confidence_level must be .*\(got 2\)",
        ),
        (
            lambda: score([9]).probability_above(100),
            InvalidArgument,
            r"points must be .* between -100 and 100 \(got 100\)",
        ),
        (
            lambda: score([9]).probability_above(prior="flat"),
            InvalidArgument,
            r"prior must be one of 'jeffreys', .*'flat'",
        ),
        (lambda: score([9]).test(against=100), InvalidArgument, r"against must be .* between -100 and 100 \(got 100\)"),
        (
            lambda: score([9]).test(against=5, method="exact"),
            InvalidArgument,
            r'against must be zero for method="exact"',
        ),
        (
            lambda: score([9]).test(method="t"),
            InvalidArgument,
            r"method must be one of 'score', 'scas', 'wald', 'exact'",
        ),
        (
            lambda: Score(promoters=10**16, passives=1, detractors=1),
            InvalidArgument,
            r"promoters \+ passives \+ detractors must be at most 1e\+15 \(got 10000000000000002\)",
        ),
        (
            lambda: Score(promoters=10**400, passives=1, detractors=1),
            InvalidArgument,
            r"promoters \+ passives \+ detractors must be at most 1e\+15 \(got 10{78}…\)",
        ),
        (
            lambda: score([9], population=10**16),
            InvalidArgument,
            r"population must be at most 1e\+15 \(got 10000000000000000\)",
        ),
        (lambda: score([9]).test(alternative="more"), InvalidArgument, r"alternative must be one of 'two-sided'"),
    ],
)
def test_bad_arguments_are_refused_by_name(call, error, message):
    """Each refusal names the argument, the rule and the value."""
    with pytest.raises(error, match=message):
        call()


def test_a_histogram_must_be_that_of_the_counts():
    """Counts and eleven counts that contradict one another are refused, and so are two counts of missing answers."""
    with pytest.raises(InvalidArgument, match="histogram must be one of the counts of the score"):
        Score(promoters=5, passives=0, detractors=0, histogram=Histogram(counts=[5] + [0] * 10))
    with pytest.raises(InvalidArgument, match="histogram must be a Histogram"):
        Score(promoters=5, passives=0, detractors=0, histogram="5")
    with pytest.raises(InvalidArgument, match="missing must be 0 beside a Histogram"):
        Score.from_histogram(Histogram(counts=[5] * 11, missing=3), missing=5)
    for count in (np.timedelta64(5, "ns"), np.True_):
        with pytest.raises(InvalidArgument, match="promoters must be a whole number"):
            Score(promoters=count, passives=0, detractors=0)


@pytest.mark.parametrize("half", [3, 10**6, 10**8, 10**10])
def test_the_sign_test_is_exact_at_any_size(half):
    """As many promoters as detractors: half of the rest and the middle are at most what was seen."""
    log_middle = math.lgamma(2 * half + 1) - 2 * math.lgamma(half + 1) - 2 * half * math.log(2)
    middle = math.exp(log_middle) if half < 10**6 else 1 / math.sqrt(math.pi * half)
    s = Score(promoters=half, passives=0, detractors=half)
    assert s.test(method="exact", alternative="less").p_value == pytest.approx(0.5 + middle / 2, abs=1e-7)
    assert s.test(method="exact").p_value == 1


def test_the_sign_test_knows_its_sides():
    """Three promoters of three: greater has one chance in eight, less is certain."""
    s = Score(promoters=3, passives=9, detractors=0)
    assert s.test(method="exact", alternative="greater").p_value == pytest.approx(1 / 8)
    assert s.test(method="exact", alternative="less").p_value == 1


def test_far_tails_keep_their_digits():
    """A probability far below the spacing of floats near 1 is still a number, not 0."""
    s = Score(promoters=100, passives=0, detractors=0)
    assert s.test(alternative="greater").p_value == pytest.approx(7.62e-24, rel=0.01)
    assert 0 < Score(promoters=0, passives=0, detractors=100).probability_above() < 1e-30


def test_scores_add_only_to_scores():
    """Adding something else is a type error, and only the 0 of `sum` is let pass."""
    for other in (1, 40.0, None, "9"):
        with pytest.raises(TypeError):
            _ = score([9]) + other
    with pytest.raises(TypeError):
        _ = 1 + score([9])


@given(scores, st.floats(-99, 99), st.sampled_from(["score", "scas", "wald"]))
def test_one_sided_p_values_add_to_one(s, against, method):
    """The two one-sided tests share one statistic, and the two-sided one doubles the smaller tail."""
    less, greater = (s.test(against=against, method=method, alternative=side).p_value for side in ("less", "greater"))
    assert less + greater == pytest.approx(1)
    assert s.test(against=against, method=method).p_value == pytest.approx(2 * min(less, greater))


@given(triples.filter(lambda c: sum(c) > 1), st.sampled_from(["score", "scas"]), st.sampled_from([0.9, 0.95, 0.99]))
def test_test_and_interval_never_disagree(counts, method, level):
    """The interval leaves 0 out exactly when the test against 0 rejects."""
    s = Score.from_counts(promoters=counts[0], passives=counts[1], detractors=counts[2])
    low, high = s.interval(method=method, confidence_level=level)
    p = s.test(method=method).p_value
    if abs(p - (1 - level)) > 1e-6:
        assert (low > 0 or high < 0) == (p < 1 - level)


@given(triples)
def test_posterior_probability_and_credible_limit_agree(counts):
    """The posterior puts 2.5% below the low 95% limit."""
    s = Score.from_counts(promoters=counts[0], passives=counts[1], detractors=counts[2])
    low, _ = s.interval(method="bayes_jeffreys")
    assert s.probability_above(low) == pytest.approx(0.975, abs=1e-6)


def test_it_shows_itself_in_one_line():
    """The text has the score, its interval, the sample and what is missing, with no negative zero."""
    assert repr(Score.from_counts(promoters=1, passives=0, detractors=1)).startswith("NPS +0.0 (95% CI -")
    s = Score.from_counts(promoters=8465, passives=3953, detractors=1194, missing=342)
    assert repr(s) == "NPS +53.4 (95% CI +52.3 to +54.5; n = 13,612; 342 missing)"


def test_it_shows_itself_as_a_table_with_a_bar():
    """The table has the same figures, and a bar whose three parts are as wide as their shares."""
    html = Score.from_counts(promoters=50, passives=30, detractors=20)._repr_html_()
    assert "<b>+30.0</b>" in html
    assert [f"width:{width:.1f}px" in html for width in (80, 48, 32)] == [True, True, True]


def test_a_category_without_answers_has_no_bar():
    """An empty category draws nothing."""
    html = Score.from_counts(promoters=5, passives=0, detractors=0)._repr_html_()
    assert html.count("inline-block") == 1


def test_the_root_face_names_what_most_people_need():
    """Everything in `__all__` is there, once, and is what its home defines."""
    assert netpromoter.score is score
    assert netpromoter.Score is Score
    assert all(hasattr(netpromoter, name) for name in netpromoter.__all__)
    assert set(netpromoter.__all__) <= set(dir(netpromoter))


def test_the_root_face_knows_no_other_name():
    """A mistyped name is an attribute error that names it."""
    with pytest.raises(AttributeError, match="has no attribute 'nps'"):
        _ = netpromoter.nps
