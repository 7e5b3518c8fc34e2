"""Samples of a known number of people: exact coverage, laws, and the census."""

import math
import pickle
from fractions import Fraction
from itertools import product
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netpromoter.errors import InvalidArgument
from netpromoter.stats import METHODS, Score, _predictive, compare, compare_variants, coverage, intervals, score

WHOLE = [name for name, method in METHODS.items() if method.whole_counts]
BAYES = [name for name, method in METHODS.items() if method.prior is not None]
SCALED = [name for name in METHODS if name not in {*WHOLE, *BAYES}]


@st.composite
def samples(draw, most=60):
    """A score of some of a population."""
    promoters, passives, detractors = draw(st.tuples(*[st.integers(0, most)] * 3).filter(any))
    n = promoters + passives + detractors
    population = draw(st.integers(n, 3 * n + 2))
    return Score(promoters=promoters, passives=passives, detractors=detractors, population=population)


def endless(s):
    return Score(promoters=s.promoters, passives=s.passives, detractors=s.detractors)


def draws(people, n):
    """Every sample of n people with its probability as an exact fraction, counted one by one."""
    for drawn in product(*(range(min(there, n) + 1) for there in people)):
        if sum(drawn) == n:
            ways = math.prod(comb(there, taken) for there, taken in zip(people, drawn, strict=True))
            yield drawn, Fraction(ways, comb(sum(people), n))


@pytest.mark.parametrize(("people", "n"), [((6, 3, 3), 5), ((10, 0, 2), 7), ((4, 4, 4), 11), ((1, 9, 2), 4)])
def test_variance_is_that_of_drawing_without_replacement(people, n):
    """Over every sample of a population the score has the variance that so many effective answers have."""
    population = sum(people)
    truth = Fraction(people[0] - people[2], population)
    variance = sum(chance * (Fraction(p - d, n) - truth) ** 2 for (p, _, d), chance in draws(people, n))
    spread = Fraction(people[0] + people[2], population) - truth**2
    assert variance == spread / n * Fraction(population - n, population - 1)


@pytest.mark.parametrize(("n", "population"), [(5, 12), (10, 20), (20, 30), (30, 40), (36, 40), (30, 60)])
def test_mean_coverage_of_the_score_interval_is_near_its_level(n, population):
    """Over everything that a population can be, the score interval is right about as often as it says."""
    found = coverage("score", n, population=population)
    assert len(found.covered) == (population + 1) * (population + 2) // 2 - 3
    assert 0.94 <= found.mean <= 0.975
    assert found.mean_width < coverage("score", n).mean_width
    assert found.covered + found.below + found.above == pytest.approx(1)


@pytest.mark.parametrize("population", [10, 11, 15, 30])
def test_the_exact_interval_keeps_its_level(population):
    """The exact interval takes whole counts, and so keeps its level in every population."""
    assert coverage("exact", 10, population=population).minimum >= 0.95


@pytest.mark.parametrize(("people", "n"), [((6, 3, 3), 5), ((1, 9, 2), 9)])
def test_coverage_is_the_sum_over_every_sample(people, n):
    """The coverage at one truth is that of going through every sample and asking each for its interval."""
    population = sum(people)
    truth = 100 * (people[0] - people[2]) / population
    covered = Fraction(0)
    for (p, a, d), chance in draws(people, n):
        low, high = Score(promoters=p, passives=a, detractors=d, population=population).interval()
        covered += chance if low - 1e-9 <= truth <= high + 1e-9 else 0
    shares = [(people[0] / population, people[2] / population)]
    assert coverage("score", n, population=population, truths=shares).covered == pytest.approx([float(covered)])


@given(samples(), st.sampled_from(SCALED), st.floats(0.5, 0.99))
def test_the_interval_is_that_of_the_effective_size_within_what_is_possible(s, method, level):
    """The limits are those of n (N - 1) / (N - n) answers, cut to what the others could still make of the score."""
    low, high = s.interval(method=method, confidence_level=level)
    unseen = s.population - s.n
    least, most = (100 * (s.promoters - s.detractors + change) / s.population for change in (-unseen, unseen))
    scale = (s.population - 1) / unseen if unseen else 1.0
    counts = [scale * count for count in (s.promoters, s.passives, s.detractors)]
    wide = intervals(*counts, method=method, confidence_level=level)
    assert (low, high) == pytest.approx(tuple(np.clip(wide, least, most)), abs=1e-9)


@given(samples(most=12), st.sampled_from([name for name in METHODS if name not in BAYES]))
def test_a_population_never_widens_an_interval(s, method):
    """Whoever knows how many there are knows at least as much, and the limits stay around the score."""
    low, high = s.interval(method=method)
    wide_low, wide_high = endless(s).interval(method=method)
    assert high - low <= wide_high - wide_low + 1e-9
    if method in {"score", "exact", "scas"}:
        assert low - 1e-9 <= s.value <= high + 1e-9


@given(samples(), st.sampled_from(["score", "exact", *BAYES]))
def test_swapping_promoters_and_detractors_mirrors_the_interval(s, method):
    """The mirrored score of the same population has the mirrored interval."""
    mirrored = Score(promoters=s.detractors, passives=s.passives, detractors=s.promoters, population=s.population)
    low, high = s.interval(method=method)
    assert mirrored.interval(method=method) == pytest.approx((-high, -low), abs=1e-9)


@given(samples())
def test_standard_error_shrinks_by_the_correction(s):
    """The standard error is that of endlessly many times the root of (N - n) / (N - 1)."""
    left = (s.population - s.n) / (s.population - 1) if s.population > 1 else 0
    assert s.standard_error == pytest.approx(endless(s).standard_error * math.sqrt(left), abs=1e-12)


@given(samples().filter(lambda s: not s.census), st.sampled_from(["score", "scas", "wald"]))
def test_the_test_is_that_of_the_effective_size(s, method):
    """The square of the statistic grows by the correction, at scores that are still possible."""
    scale = (s.population - 1) / (s.population - s.n)
    against = max(-99.0, min(99.0, s.value / 2 + 50 * (s.promoters - s.detractors) / s.population))
    plain, found = endless(s).test(method="score", against=against), s.test(method="score", against=against)
    assert found.statistic == pytest.approx(plain.statistic * math.sqrt(scale), rel=1e-6, abs=1e-6)
    assert s.test(method=method, against=against).p_value <= 1


@given(samples().filter(lambda s: not s.census), st.sampled_from(["score", "scas", "wald", "exact"]), st.data())
def test_what_is_not_possible_is_rejected(s, method, data):
    """A score that the others cannot make any more is rejected with a p value of 0, as the interval ends before it."""
    least, most = (
        100 * (s.promoters - s.detractors + change) / s.population
        for change in (s.n - s.population, s.population - s.n)
    )
    against = 0.0 if method == "exact" else data.draw(st.floats(-99.9, 99.9))
    low, high = s.interval(method=method)
    found = s.test(against=against, method=method)
    if not least <= against <= most:
        side = 1 if against < least else -1
        assert (found.statistic, found.p_value) == (side * math.inf, 0)
        assert s.test(against=against, method=method, alternative="greater").p_value == (side < 0)
        assert s.test(against=against, method=method, alternative="less").p_value == (side > 0)
    if abs(found.p_value - 0.05) > 1e-6:
        assert (found.p_value > 0.05) == (low <= against <= high)


@given(samples())
def test_shares_know_the_population_too(s):
    """The limits of each share hold it, and none lies beyond what those who did not answer can still change."""
    for method in ("wilson", "jeffreys", "clopper_pearson", "agresti_coull", "goodman"):
        limits = s.share_intervals(method=method)
        for name, share in (("promoters", s.promoters), ("passives", s.passives), ("detractors", s.detractors)):
            low, high = limits[name]
            assert share / s.population - 1e-12 <= low <= high <= (share + s.population - s.n) / s.population + 1e-12
            if s.census:
                assert low == high == share / s.n
            if method in {"wilson", "clopper_pearson"}:
                assert low - 1e-12 <= share / s.n <= high + 1e-12


def urn(s, prior):
    """The possible scores in order, each with its posterior probability by Pólya's urn, as exact fractions."""
    found, unseen = {}, s.population - s.n
    parameters = [count + prior for count in (s.promoters, s.passives, s.detractors)]

    def rising(x, times):
        return math.prod((x + k for k in range(times)), start=Fraction(1))

    for said in product(range(unseen + 1), repeat=3):
        if sum(said) == unseen:
            ways = math.factorial(unseen) // math.prod(map(math.factorial, said))
            chance = ways * math.prod(map(rising, parameters, said)) / rising(sum(parameters), unseen)
            score = Fraction(100 * (s.promoters + said[0] - s.detractors - said[2]), s.population)
            found[score] = found.get(score, 0) + chance
    return dict(sorted(found.items()))


PRIORS = {"jeffreys": Fraction(1, 2), "perks": Fraction(1, 3), "uniform": Fraction(1)}
SOON_WHOLE = samples(most=8).filter(lambda s: s.population - s.n <= 9)


@given(SOON_WHOLE, st.sampled_from([*PRIORS]), st.data())
def test_the_posterior_is_that_of_the_unseen_people(s, prior, data):
    """The probability of a score above a point is that of the answers of Pólya's urn, also at a possible score."""
    law = urn(s, PRIORS[prior])
    assert sum(law.values()) == 1
    inside = [float(score) for score in law if abs(score) < 100]
    points = data.draw(st.sampled_from(inside) if inside else st.just(0.0)) + data.draw(st.sampled_from([0.0, 1e-3]))
    above = sum(chance for score, chance in law.items() if float(score) > points)
    assert s.probability_above(points, prior=prior) == pytest.approx(float(above), abs=1e-12)


@given(SOON_WHOLE, st.sampled_from([*PRIORS]), st.floats(0.3, 0.999))
def test_a_credible_limit_is_the_last_score_that_cannot_be_left_out(s, prior, level):
    """Each limit is a possible score; what lies beyond it has half of the rest at most, and with it more than that."""
    law, tail = urn(s, PRIORS[prior]), (1 - level) / 2
    low, high = s.interval(method=f"bayes_{prior}", confidence_level=level)
    assert {low, high} <= {float(score) for score in law}
    for within, beyond in ((low, lambda a, b: a < b), (high, lambda a, b: a > b)):
        out = sum(chance for score, chance in law.items() if beyond(float(score), within))
        at = sum(chance for score, chance in law.items() if float(score) == within)
        assert float(out) <= tail * (1 + 1e-9)
        assert float(out + at) > tail * (1 - 1e-9)


@pytest.mark.parametrize(("n", "population"), [(1, 2), (5, 8), (10, 20), (20, 21)])
def test_credible_limits_hold_over_all_populations(n, population):
    """Where every make-up of the population is as likely as any other, the uniform prior keeps its level."""
    everything = [(p / population, d / population) for p in range(population + 1) for d in range(population + 1 - p)]
    for level in (0.5, 0.8, 0.95):
        found = coverage("bayes_uniform", n, population=population, truths=everything, confidence_level=level)
        assert found.mean >= level - 1e-9


def test_one_person_decides():
    """Of 20 promoters of 21 people the last one is a promoter with 20.5 / 21.5, and both end scores remain possible."""
    s = Score(promoters=20, passives=0, detractors=0, population=21)
    assert s.probability_above(99) == pytest.approx(41 / 43)
    assert s.interval(method="bayes_jeffreys") == (float(Fraction(2000, 21)), 100)


@pytest.mark.parametrize("counts", [(20, 5, 4), (0, 1, 0), (40, 0, 0), (300, 10, 300)])
@pytest.mark.parametrize("prior", PRIORS)
def test_few_of_many_are_as_of_endlessly_many(counts, prior):
    """Of a hundred million people the posterior is that of endlessly many, for the interval and for the probability."""
    few = Score(promoters=counts[0], passives=counts[1], detractors=counts[2])
    many = Score(promoters=counts[0], passives=counts[1], detractors=counts[2], population=10**8)
    method = f"bayes_{prior}"
    assert many.interval(method=method) == pytest.approx(few.interval(method=method), abs=1e-3)
    assert many.probability_above(23.4, prior=prior) == pytest.approx(
        few.probability_above(23.4, prior=prior), abs=1e-5
    )


@pytest.mark.parametrize("counts", [(55, 30, 15), (20, 1, 0), (3, 1, 1), (0, 20, 0), (400, 300, 200)])
def test_the_continuous_law_follows_the_sum(counts, monkeypatch):
    """Where the sum is too long, the law in its place gives probabilities within 0.0015, and limits within a step."""
    s = Score(promoters=counts[0], passives=counts[1], detractors=counts[2], population=sum(counts) + 1500)
    points = np.linspace(*s.interval(method="bayes_jeffreys", confidence_level=0.999), 9)[1:-1]
    limits, chances = [], []
    for cells in (10**8, 0):
        monkeypatch.setattr(_predictive, "_CELLS", cells)
        limits.append(s.interval(method="bayes_jeffreys"))
        chances.append([*map(s.probability_above, points)])
    assert chances[0] == pytest.approx(chances[1], abs=0.0015)
    assert limits[0] == pytest.approx(limits[1], abs=101 / s.population)


@settings(max_examples=20)
@given(samples().filter(lambda s: s.value != 10))
def test_what_is_not_above_is_below(s):
    """The probability that the score is above a point that it cannot be, and that its mirror image is, add to 1."""
    points = 50 / s.population
    mirrored = Score(promoters=s.detractors, passives=s.passives, detractors=s.promoters, population=s.population)
    assert s.probability_above(points) + mirrored.probability_above(-points) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_a_census_has_no_sampling_error(method):
    """Where everybody answered, the limits of every method at every level are the score itself."""
    s = score([10] * 90 + [8] * 43 + [3] * 67, population=200)
    assert s.census
    assert s.interval(method=method, confidence_level=0.999) == (s.value, s.value)
    assert s.standard_error == 0
    assert repr(s) == "NPS +11.5 (census of 200: no sampling error)"
    assert "<td" in s._repr_html_()
    assert "census" in s._repr_html_()


def test_a_census_tests_without_doubt():
    """Against its own score a census says nothing; against any other it rejects, on the right side."""
    s = Score(promoters=6, passives=2, detractors=2, population=10)
    assert s.test(against=40).p_value == 1
    assert s.test(against=39).p_value == 0
    assert s.test(against=39, alternative="less").p_value == 1
    assert s.test(against=39, alternative="greater", method="wald").p_value == 0
    assert s.probability_above(39) == 1
    assert s.probability_above(40) == 0


def test_the_sign_test_keeps_to_whole_counts():
    """The exact test of a part of a population is that of endlessly many."""
    s = Score(promoters=9, passives=2, detractors=2, population=20)
    assert s.test(method="exact") == endless(s).test(method="exact")


def test_it_shows_of_how_many():
    """One line and the table say how many of the population answered, and how many are missing."""
    s = score([10] * 90 + [8] * 40 + [3] * 50 + [None] * 3, population=1200, missing="drop")
    assert repr(s) == "NPS +22.2 (95% CI +10.5 to +33.3; n = 180 of 1,200; 3 missing)"
    assert ">180 of 1,200</td>" in s._repr_html_()
    assert repr(Score(promoters=1, passives=0, detractors=0, missing=2, population=1)).endswith("error; 2 missing)")


def test_populations_are_part_of_the_value():
    """Scores that give other intervals are not equal; the population survives pickling; those of parts add."""
    a = Score.from_counts(promoters=3, passives=2, detractors=1, population=10)
    b = Score.from_histogram([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2], population=5)
    assert a != endless(a)
    assert a == Score.from_counts(promoters=3, passives=2, detractors=1, population=np.int64(10))
    assert pickle.loads(pickle.dumps(a)).population == 10  # noqa: S301 -- our own bytes
    assert (a + b).population == sum([a, b]).population == 15
    assert (a + endless(b)).population is (endless(a) + b).population is None
    everybody = Score(promoters=3, passives=2, detractors=1, population=6)
    assert (everybody + everybody).census


@pytest.mark.parametrize(
    ("population", "message"),
    [
        (2, r"population must be at least the 3 who answered \(got 2\)"),
        (-1, r"population must be a whole number of at least 0 \(got -1\)"),
        (3.5, r"population must be a whole number of at least 0 \(got 3.5\)"),
        ("200", r"population must be a whole number of at least 0 \(got '200'\)"),
        (True, r"population must be a whole number of at least 0 \(got True\)"),
        (math.nan, r"population must be a whole number of at least 0 \(got nan\)"),
    ],
)
def test_a_population_is_checked(population, message):
    """A population is a whole number of at least those who answered."""
    with pytest.raises(InvalidArgument, match=f"^{message}$"):
        score([10, 9, 3], population=population)


def test_comparisons_do_not_narrow():
    """Two censuses differ by chance too: a comparison asks for what made their people answer so."""
    counts = ((48, 30, 22), (55, 30, 15))
    plain = [Score(promoters=p, passives=a, detractors=d) for p, a, d in counts]
    known = [Score(promoters=p, passives=a, detractors=d, population=p + a + d) for p, a, d in counts]
    assert compare(*known).standard_error == compare(*plain).standard_error
    for method in ("score", "mover", "wald", "adjusted_wald", "welch"):
        assert compare(*known).interval(method=method) == compare(*plain).interval(method=method)
    names, sizes = ("a", "b", "c"), dict.fromkeys("abc", 400)
    both = [
        compare_variants(sizes, dict(zip(names, (*scores, scores[0]), strict=True))).score_test()
        for scores in (plain, known)
    ]
    assert both[0] == both[1]


def test_truths_are_of_whole_people():
    """The coverage in a population is that at shares of whole people, and of at least the sample."""
    with pytest.raises(InvalidArgument, match=r"^truths must be shares of 20 whole people \(got \(0.51, 0.2\)\)$"):
        coverage("score", 10, population=20, truths=[(0.5, 0.2), (0.51, 0.2)])
    with pytest.raises(InvalidArgument, match=r"^population must be a whole number of at least 10 \(got 9\)$"):
        coverage("score", 10, population=9)
    assert repr(coverage("score", 10, population=20)).startswith("Coverage(score, n = 10 of 20, 95%: minimum 0.9")
