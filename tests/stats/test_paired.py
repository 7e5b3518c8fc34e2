"""The same people asked twice: figures of peers, an oracle for the score test, laws, and exact coverage."""

import math
import tracemalloc
from collections import Counter
from fractions import Fraction
from itertools import product

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.special import chdtrc, gammaln

from netpromoter.errors import InvalidArgument, InvalidRating, MissingRatings, NoHistogram, NoRatings, ScaleWarning
from netpromoter.stats import PairedDifference, Score, compare_paired, score
from netpromoter.stats._paired import _statistic
from reference_figures import figures

PAIRED = figures("paired_and_k_sample")["paired"]
INTERVALS = ["score", "mean_square", "wald"]
TESTS = [*INTERVALS, "sign_flip"]
CHANGES = (-2, -1, 0, 1, 2)
Z = 1.959963984540054


def difference(record):
    return PairedDifference(table=record["table_rows_wave1_det_pas_pro"])


def known(*path):
    """The records whose peer gives a number at the end of the path."""

    def figure(record):
        for name in path:
            record = record[name]
        return record

    return [pytest.param(r, id=r["name"]) for r in PAIRED if isinstance(figure(r), (int, float))]


def turned(table):
    return tuple(zip(*table, strict=True))


def tables(most=40):
    row = st.tuples(*[st.integers(0, most)] * 3)
    return st.tuples(row, row, row).filter(lambda cells: any(map(any, cells)))


pairs = tables().map(lambda table: PairedDifference(table=table))
answers = st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10)), min_size=1, max_size=30)


@pytest.mark.parametrize("record", PAIRED, ids=lambda r: r["name"])
def test_value_and_standard_error_are_those_of_the_peer(record):
    """Wave 2 minus wave 1, and the large-sample standard error."""
    found = difference(record)
    assert found.n == record["n"]
    assert found.value == pytest.approx(100 * record["diff"], abs=1e-8)
    assert found.standard_error == pytest.approx(100 * record["wald_se"], abs=1e-8)


@pytest.mark.parametrize("method", ["wald", "score"])
@pytest.mark.parametrize("record", known("contingencytables_wald", "z"))
def test_wald_and_mean_square_tests_are_those_of_the_peer(record, method):
    """Contingencytables gives wave 1 minus wave 2, and calls the test by the mean square a score test."""
    peer = record[f"contingencytables_{method}"]
    found = difference(record).test(method="wald" if method == "wald" else "mean_square")
    assert found.statistic == pytest.approx(-peer["z"], abs=1e-8)
    assert found.p_value == pytest.approx(peer["p"], abs=1e-8)


@pytest.mark.parametrize("record", PAIRED, ids=lambda r: r["name"])
def test_wald_interval_is_that_of_the_peer(record):
    """The limits of wave 1 minus wave 2 turn around; where all stay put there is no width."""
    low, high = difference(record).interval(method="wald")
    peer = record["contingencytables_wald"]["ci95"]
    assert (-high / 100, -low / 100) == pytest.approx(peer, abs=1e-8)


@pytest.mark.parametrize("record", PAIRED, ids=lambda r: r["name"])
def test_sign_flip_test_is_that_of_the_peer(record):
    """The exact p value is that of exactRankTests."""
    p = difference(record).test(method="sign_flip").p_value
    assert p == pytest.approx(record["sign_flip_exact_exactRankTests"]["p"], abs=1e-8)


@pytest.mark.parametrize("record", known("bowker_symmetry", "x2"))
def test_bowker_test_is_that_of_the_peer(record):
    """Statistic and p value are those of R's mcnemar.test, where it has any."""
    found = difference(record).movement_test(method="bowker")
    assert found.statistic == pytest.approx(record["bowker_symmetry"]["x2"], abs=1e-8)
    assert found.p_value == pytest.approx(record["bowker_symmetry"]["p"], abs=1e-8)


@pytest.mark.parametrize("record", PAIRED, ids=lambda r: r["name"])
def test_stuart_maxwell_test_is_that_of_the_peer(record):
    """Statistic and p value are the peer's; where all stay put it has no statistic and a p value of 1."""
    peer, found = record["stuart_marginal_homogeneity"], difference(record).movement_test()
    assert found.statistic == pytest.approx(peer["x2"] or 0, abs=1e-8)
    assert found.p_value == pytest.approx(peer["p"], abs=1e-8)


def most_likely(changes, gap):
    """The most likely distribution of changes with the mean `gap`, in forty digits."""
    n, low, high = sum(changes), -1 / (2 - gap), 1 / (2 + gap)

    def excess(multiplier):
        parts = (c * (d - gap) / (1 + multiplier * (d - gap)) for c, d in zip(changes, CHANGES, strict=True) if c)
        return sum(parts)

    for _ in range(110):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    shares = [c / (n * (1 + low * (d - gap))) if c else mpmath.mpf(0) for c, d in zip(changes, CHANGES, strict=True)]
    rest = 1 - sum(shares)
    if abs(rest) > mpmath.mpf(10) ** -30:
        shares[0 if low > 0 else 4] += rest
    return shares


@settings(max_examples=30)
@given(tables(9), st.integers(-39, 39), st.lists(st.integers(1, 50), min_size=5, max_size=5))
def test_score_statistic_is_that_of_the_most_likely_distribution(table, twentieths, others):
    """The variance is that of a distribution with the mean of the hypothesis, and no other with it is likelier."""
    changes = PairedDifference(table=table).changes
    with mpmath.workdps(40):
        gap = mpmath.mpf(twentieths) / 20
        shares = most_likely(changes, gap)
        assert min(shares) >= 0
        assert abs(sum(shares) - 1) < 1e-25
        assert abs(sum(p * d for p, d in zip(shares, CHANGES, strict=True)) - gap) < 1e-25
        variance = sum(p * (d - gap) ** 2 for p, d in zip(shares, CHANGES, strict=True))
        mean = mpmath.mpf(sum(c * d for c, d in zip(changes, CHANGES, strict=True))) / sum(changes)
        expected = float((mean - gap) / mpmath.sqrt(variance / sum(changes))) if mean != gap else 0.0
        assert likelihood(changes, rival(others, gap)) <= likelihood(changes, shares) + 1e-20
    columns = [np.array([float(c)]) for c in changes]
    assert _statistic(np.array([twentieths / 20]), *columns)[0] == pytest.approx(expected, rel=1e-7, abs=1e-7)


def likelihood(changes, shares):
    return sum(c * mpmath.log(p) if p else mpmath.ninf for c, p in zip(changes, shares, strict=True) if c)


def rival(weights, gap):
    """Another distribution with the mean `gap`: any weights, mixed with all of the mass on one far end."""
    shares = [mpmath.mpf(w) / sum(weights) for w in weights]
    mean = sum(p * d for p, d in zip(shares, CHANGES, strict=True))
    end = 2 if gap > mean else -2
    part = (gap - mean) / (end - mean)
    return [p * (1 - part) + (part if d == end else 0) for p, d in zip(shares, CHANGES, strict=True)]


@given(pairs, st.sampled_from([0.8, 0.95, 0.999]))
def test_score_statistic_at_the_limits_is_the_quantile(found, level):
    """A limit that is not an end is a hypothesis whose statistic is the normal quantile."""
    quantile = float(mpmath.sqrt(2) * mpmath.erfinv(level))
    columns = [np.array([float(c)]) for c in found.changes]
    for limit, sign in zip(found.interval(confidence_level=level), (1, -1), strict=True):
        if abs(limit) < 200 - 1e-6:
            assert _statistic(np.array([limit / 100]), *columns)[0] == pytest.approx(sign * quantile, rel=1e-6)


@given(pairs)
def test_mean_square_limits_solve_their_equation(found):
    """At a limit that is not an end the distance is the quantile in roots of the mean square about it."""
    for limit in found.interval(method="mean_square"):
        if abs(limit) < 200 and found.standard_error:
            square = sum(c * (100 * d - limit) ** 2 for c, d in zip(found.changes, CHANGES, strict=True)) / found.n
            assert abs(found.value - limit) == pytest.approx(Z * math.sqrt(square / found.n))


@settings(max_examples=60)
@given(pairs, st.sampled_from(INTERVALS), st.sampled_from([0.9, 0.95, 0.99]))
def test_interval_and_test_never_disagree(found, method, level):
    """The interval leaves 0 out exactly when the test of the same name rejects."""
    low, high = found.interval(method=method, confidence_level=level)
    p = found.test(method=method).p_value
    if abs(p - (1 - level)) > 1e-9:
        assert (low > 0 or high < 0) == (p < 1 - level)


@settings(max_examples=60)
@given(pairs, st.sampled_from(INTERVALS))
def test_interval_holds_the_difference_and_turns_with_the_waves(found, method):
    """The limits enclose the value within 200 points, and those of the turned table are their mirror image."""
    low, high = found.interval(method=method)
    back = PairedDifference(table=turned(found.table))
    assert -200 <= low <= found.value + 1e-9
    assert found.value - 1e-9 <= high <= 200
    assert back.interval(method=method) == pytest.approx((-high, -low), abs=1e-8)
    assert back.exact == -found.exact


@given(pairs, st.sampled_from(TESTS))
def test_turning_the_waves_swaps_the_sides(found, method):
    """What is greater one way is less the other way, and both are equally two-sided."""
    back = PairedDifference(table=turned(found.table))
    greater, less = found.test(method=method, alternative="greater"), back.test(method=method, alternative="less")
    assert greater.p_value == pytest.approx(less.p_value, abs=1e-9)
    assert 0 <= found.test(method=method).p_value <= 1
    assert back.test(method=method).p_value == pytest.approx(found.test(method=method).p_value, abs=1e-9)


@given(st.lists(st.sampled_from([-2, -1, 1, 2]), max_size=9), st.sampled_from(["two-sided", "less", "greater"]))
def test_sign_flip_is_the_share_of_all_signs(moves, alternative):
    """The p value is the share of the sign patterns whose sum is at least as far out."""
    times = Counter(moves)
    table = [[1, times[1], times[2]], [times[-1], 0, 0], [times[-2], 0, 0]]
    total = sum(moves)
    sums = [sum(s * m for s, m in zip(signs, moves, strict=True)) for signs in product((-1, 1), repeat=len(moves))]
    far = {"two-sided": lambda x: abs(x) >= abs(total), "less": lambda x: x <= total, "greater": lambda x: x >= total}
    expected = sum(map(far[alternative], sums)) / len(sums)
    found = PairedDifference(table=table).test(method="sign_flip", alternative=alternative)
    assert found.p_value == pytest.approx(expected, abs=1e-12)


def test_sign_flip_of_millions_is_near_its_normal_limit():
    """The exact test is quick at any size, and there equals the mean-square test to half a hundredth."""
    found = PairedDifference(table=[[10**6, 200_000, 40_000], [199_000, 10**6, 150_000], [39_900, 150_000, 10**6]])
    exact, normal = (found.test(method=method).p_value for method in ("sign_flip", "mean_square"))
    assert exact == pytest.approx(normal, rel=5e-3)


@pytest.mark.parametrize("moves", [400, 1_000, 10**4])
def test_sign_flip_of_far_moves_alone_is_a_coin(moves):
    """Where all move two categories, the p value is that of so many heads of a coin, counted in whole numbers."""
    up = moves // 2 + moves // 20
    found = PairedDifference(table=[[0, 0, up], [0, 0, 0], [moves - up, 0, 0]]).test(method="sign_flip")
    expected = Fraction(2 * sum(math.comb(moves, heads) for heads in range(up, moves + 1)), 2**moves)
    assert found.p_value == pytest.approx(float(expected), rel=1e-9)


def test_sign_flip_takes_little_room():
    """A billion people who move two categories take the room of a few standard deviations."""
    tracemalloc.start()
    found = PairedDifference(table=[[0, 0, 500_010_000], [0, 0, 0], [499_990_000, 0, 0]])
    exact, normal = (found.test(method=method).p_value for method in ("sign_flip", "mean_square"))
    assert tracemalloc.get_traced_memory()[1] < 2e8
    tracemalloc.stop()
    assert exact == pytest.approx(normal, rel=1e-2)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 60))
def test_tests_are_mcnemar_where_nobody_moves_two_categories(up, down, stay):
    """With moves of one category the mean square gives McNemar's test, and so does the score if the sides are near."""
    found = PairedDifference(table=[[stay, up, 0], [down, 0, 0], [0, 0, 0]])
    mcnemar = (up - down) ** 2 / (up + down)
    assert found.test(method="mean_square").statistic ** 2 == pytest.approx(mcnemar)
    squared = found.test().statistic ** 2
    near = max(up, down) <= 3 * min(up, down)
    assert squared == pytest.approx(mcnemar if near else abs(up - down) / 2, abs=1e-9)
    assert found.movement_test(method="bowker").statistic == pytest.approx(mcnemar)
    assert found.movement_test().statistic == pytest.approx(mcnemar)


@given(tables())
def test_stuart_maxwell_is_the_quadratic_form_of_the_margins(table):
    """The fraction for three categories equals Stuart's matrix form, with its rank as degrees of freedom."""
    cells = np.array(table, dtype=float)
    variance = -(cells + cells.T)
    np.fill_diagonal(variance, 0)
    np.fill_diagonal(variance, -variance.sum(axis=1))
    gain, rank = cells.sum(axis=0) - cells.sum(axis=1), int(np.linalg.matrix_rank(variance))
    expected = gain @ np.linalg.pinv(variance, rcond=1e-10, hermitian=True) @ gain
    found = PairedDifference(table=table).movement_test()
    assert found.statistic == pytest.approx(expected, abs=1e-9)
    assert found.p_value == pytest.approx(chdtrc(rank, expected) if rank else 1.0, abs=1e-9)


@given(tables())
def test_symmetric_movement_is_balanced(table):
    """As many there as back: every statistic is 0 and every p value 1."""
    both = PairedDifference(table=table) + PairedDifference(table=turned(table))
    for method in ("stuart_maxwell", "bowker"):
        assert both.movement_test(method=method).statistic == 0
        assert both.movement_test(method=method).p_value == 1
    assert [both.test(method=method).p_value for method in TESTS] == pytest.approx([1] * 4)


@given(answers)
def test_difference_is_that_of_the_two_scores(given_answers):
    """Both columns keep their own score and histogram, and the difference is between them."""
    first, second = map(list, zip(*given_answers, strict=True))
    found = compare_paired(first, second)
    assert found.first.histogram == score(first).histogram
    assert found.second.histogram == score(second).histogram
    assert found.exact == score(second).exact - score(first).exact
    assert found.improved + found.worsened == pytest.approx(found.n * (1 - found.agreement))


@given(pairs)
def test_categories_alone_know_both_scores(found):
    """The margins of the table are the two scores, and the changes give the difference of the two."""
    for margin, cells in ((found.first, found.table), (found.second, turned(found.table))):
        detractors, passives, promoters = map(sum, cells)
        assert margin == Score(promoters=promoters, passives=passives, detractors=detractors)
    assert found.exact == found.second.exact - found.first.exact


@given(answers)
def test_standard_error_and_correlation_are_those_of_the_people(given_answers):
    """Person by person: the spread of the changes, and Pearson's correlation of the ratings."""
    first, second = np.array(given_answers).T
    found = compare_paired(first, second)
    categories = [np.digitize(column, [7, 9]) for column in (first, second)]
    assert found.standard_error == pytest.approx(100 * (categories[1] - categories[0]).std() / math.sqrt(found.n))
    if first.std() == 0 or second.std() == 0:
        assert found.correlation is None
    else:
        assert found.correlation == pytest.approx(np.corrcoef(first, second)[0, 1], abs=1e-12)


@given(pairs)
def test_kappa_is_agreement_beyond_chance(found):
    """Kappa is 1 where all agree, and what the margins leave of the agreement otherwise."""
    cells = np.array(found.table) / found.n
    chance = float(cells.sum(axis=0) @ cells.sum(axis=1))
    assert found.agreement == pytest.approx(float(np.trace(cells)))
    if found.kappa is None:
        assert chance == pytest.approx(1)
    else:
        assert found.kappa == pytest.approx((found.agreement - chance) / (1 - chance))


@given(answers, answers)
def test_merging_is_counting_everybody(a, b):
    """The sum of two groups is what all their answers give."""
    *apart, together = (compare_paired(*map(list, zip(*group, strict=True))) for group in (a, b, a + b))
    assert apart[0] + apart[1] == together
    assert (apart[0] + apart[1]).ratings == together.ratings
    assert (apart[0] + PairedDifference(table=apart[1].table)).ratings is None


def test_only_pairs_merge_with_pairs():
    """Adding anything else is refused by Python."""
    with pytest.raises(TypeError):
        PairedDifference(table=np.eye(3, dtype=int)) + 1


@given(answers, st.sets(st.integers(0, 29)), st.sets(st.integers(0, 29)))
def test_people_with_a_missing_answer_are_left_out_and_counted(given_answers, no_first, no_second):
    """Dropping gives what the others give, and `missing` counts each person once."""
    whole = [pair for place, pair in enumerate(given_answers) if place not in no_first | no_second]
    assume(whole)
    first = [None if place in no_first else a for place, (a, _) in enumerate(given_answers)]
    second = [math.nan if place in no_second else b for place, (_, b) in enumerate(given_answers)]
    found = compare_paired(first, second, missing="drop")
    assert found == compare_paired(*map(list, zip(*whole, strict=True)))
    assert found.missing == len(given_answers) - len(whole)


def outcomes(n):
    """Every way in which n people can move, as columns of counts."""
    ways = np.indices((n + 1,) * 4).reshape(4, -1)
    ways = ways[:, ways.sum(axis=0) <= n]
    return np.vstack([ways, n - ways.sum(axis=0)]).astype(float)


def chances(moves, stay):
    """The probability of each outcome where a share stays put and the others answer anew."""
    first, second = np.array([0.2, 0.3, 0.5]), np.array([0.1, 0.2, 0.7])
    cells = (1 - stay) * np.outer(first, second) + stay * np.diag(first)
    shares = np.array([np.trace(cells, offset) for offset in CHANGES])
    n = moves.sum(axis=0)
    logs = gammaln(n + 1) - gammaln(moves + 1).sum(axis=0) + np.log(shares) @ moves
    return np.exp(logs), float(shares @ CHANGES)


@pytest.mark.parametrize("stay", [0, 0.3, 0.6, 0.9])
def test_exact_coverage_of_the_score_interval(stay):
    """Among twenty people the 95% interval holds the true change at least 94% of the time, however few move."""
    moves = outcomes(20)
    chance, truth = chances(moves, stay)
    held = np.abs(_statistic(np.full(moves.shape[1], truth), *moves)) <= Z
    assert chance.sum() == pytest.approx(1)
    assert chance @ held >= 0.94


def test_wald_and_mean_square_fail_where_few_move():
    """Where nine in ten of twenty stay put, the other two intervals hold the truth less than 80% of the time."""
    moves = outcomes(20)
    chance, truth = chances(moves, 0.9)
    mean, square = (np.array(CHANGES) ** power @ moves / 20 for power in (1, 2))
    wald = np.abs(mean - truth) <= Z * np.sqrt((square - mean**2) / 20)
    mean_square = np.abs(mean - truth) <= Z * np.sqrt((square - 2 * truth * mean + truth**2) / 20)
    assert chance @ wald < 0.8
    assert chance @ mean_square < 0.8


def test_ends_of_the_scale_are_limits():
    """Where everybody moves all the way, the limit on that side is the end of the scale."""
    low, high = PairedDifference(table=[[0, 0, 9], [0, 0, 0], [0, 0, 0]]).interval()
    assert high == 200
    assert low == pytest.approx(200 * (9 - Z * Z) / (9 + Z * Z))
    assert PairedDifference(table=[[0, 0, 0], [0, 0, 0], [3, 0, 0]]).interval(method="mean_square") == (-200, 200)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: compare_paired([9, 8], [9]),
            InvalidArgument,
            r"first and second must be of one length \(got \(2, 1\)",
        ),
        (lambda: compare_paired("98", [9, 8]), InvalidArgument, r"first: ratings must be a column of answers"),
        (lambda: compare_paired([9, 8], [9, 11]), InvalidRating, r"second: ratings must be .* \(got 11 at position 1"),
        (lambda: compare_paired([9, None], [9, 8]), MissingRatings, r"got 1 missing of 2, the first at position 1"),
        (lambda: compare_paired([9, None], [None, 8], missing="drop"), NoRatings, r"got none, and 2 missing"),
        (lambda: compare_paired([9], [8], missing="keep"), InvalidArgument, r"missing must be one of 'refuse', 'drop'"),
        (lambda: compare_paired([0], [8], scale="1-10"), InvalidRating, r"first: ratings must be whole numbers from 1"),
        (lambda: PairedDifference(table=[[1, 2], [3, 4]]), InvalidArgument, r"table must be 3 rows of 3 counts"),
        (lambda: PairedDifference(table=7), InvalidArgument, r"table must be 3 rows of 3 counts \(got 7\)"),
        (
            lambda: PairedDifference(table=[[1, 0, 0], [0, 0.5, 0], [0, 0, 0]]),
            InvalidArgument,
            r"table\[1\]\[1\] must be a whole number of at least 0 \(got 0.5\)",
        ),
        (lambda: PairedDifference(table=[[0] * 3] * 3, missing=4), NoRatings, r"got none, and 4 missing"),
        (
            lambda: PairedDifference(table=np.eye(3), ratings=np.eye(11)),
            InvalidArgument,
            r"ratings must be the counts that the table sums",
        ),
        (lambda: PairedDifference(table=np.eye(3), missing=-1), InvalidArgument, r"missing must be a whole number"),
        (lambda: waves().interval(method="tango"), InvalidArgument, r"method must be one of 'score', 'mean_square'"),
        (lambda: waves().interval(confidence_level=95), InvalidArgument, r"confidence_level must be a number strictly"),
        (lambda: waves().test(method="t"), InvalidArgument, r"method must be one of 'score', .* \(got 't'\)"),
        (lambda: waves().test(alternative="up"), InvalidArgument, r"alternative must be one of 'two-sided'"),
        (lambda: waves().movement_test(method="mcnemar"), InvalidArgument, r"method must be one of 'stuart_maxwell'"),
        (lambda: waves().correlation, NoHistogram, r"correlation needs the ratings"),
    ],
)
def test_bad_arguments_are_refused_by_name(call, error, message):
    """Each refusal names the argument or the column, the rule and the value."""
    with pytest.raises(error, match=message):
        call()


def waves():
    return PairedDifference(table=[[100, 80, 90], [3, 120, 60], [1, 5, 270]], missing=3)


def test_doubtful_scale_is_told_of_the_column():
    """A column that looks like another scale is named in the warning."""
    with pytest.warns(ScaleWarning, match=r"second: none of 40 answers is above 5"):
        compare_paired([9] * 40, [1, 2, 3, 5] * 10)


def test_pairs_show_themselves_in_one_line_and_as_a_table():
    """The text says who moved and who is missing; the table has a row for each category and the totals."""
    text = repr(waves())
    assert text.startswith("+42.5 points (95% CI +")
    assert text.endswith("p < 0.0001; 729 people asked twice, 230 moved up and 9 down; 3 missing")
    html = waves()._repr_html_()
    assert "p &lt; 0.0001" in html
    assert html.count("<tr>") == 5
    assert "missing" not in repr(PairedDifference(table=np.eye(3, dtype=int)))
