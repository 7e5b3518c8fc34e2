"""Every figure of a trusted peer that concerns one sample, to the peer's own precision."""

from statistics import NormalDist

import numpy as np
import pytest
from scipy.special import stdtrit

from netpromoter.stats import Score, coverage, intervals
from netpromoter.stats._closed_forms import PSEUDO_OBSERVATIONS, closed_jeffreys_limits, newcombe_limits, wald_limits
from netpromoter.stats._tango import scas_limits, scas_statistic, score_limits, score_statistic
from reference_figures import counts, figures, label


def quantile(level):
    return -NormalDist().inv_cdf((1 - level) / 2)


def columns(record):
    return [np.array([float(count)]) for count in counts(record)]


def wald(*added):
    return lambda record, z: wald_limits(*columns(record), z, added=added)


def wald_by_square(*parts):
    return lambda record, z: wald_limits(*columns(record), z, added=tuple(part * z * z for part in parts))


#: What computes the figures of each method on [-1, 1], before anything is clipped.
RAW = {
    "wald": wald(0.0, 0.0, 0.0),
    "adjusted_wald_3T": wald(*PSEUDO_OBSERVATIONS["adjusted_wald"]),
    "adjusted_wald_3U": wald(*PSEUDO_OBSERVATIONS["adjusted_wald_uniform"]),
    "adjusted_wald_4T": wald(1.0, 2.0, 1.0),
    "adjusted_wald_z2T": wald_by_square(1 / 4, 1 / 2, 1 / 4),
    "adjusted_wald_z2U": wald_by_square(1 / 3, 1 / 3, 1 / 3),
    "agresti_min_untruncated": wald(*PSEUDO_OBSERVATIONS["agresti_min"]),
    "bonett_price_untruncated": wald(*PSEUDO_OBSERVATIONS["bonett_price"]),
    "newcombe_wilson": lambda record, z: newcombe_limits(*columns(record), z),
    "newcombe_jeffreys": lambda record, z: newcombe_limits(*columns(record), z, share_limits=closed_jeffreys_limits),
    "tango": lambda record, z: score_limits(*columns(record), z),
    "scas": lambda record, z: scas_limits(*columns(record), z),
    "scas_no_bcf": lambda record, z: scas_limits(*columns(record), z, unbiased=False),
}

#: The public name of each method whose peer clips its limits, or whose raw limits need no clipping.
PUBLIC = {
    "wald_truncated": "wald",
    "agresti_min": "agresti_min",
    "bonett_price": "bonett_price",
    "adjusted_wald_3T": "adjusted_wald",
    "adjusted_wald_3U": "adjusted_wald_uniform",
    "newcombe_wilson": "newcombe",
    "newcombe_jeffreys": "newcombe_jeffreys",
    "tango": "score",
    "scas": "scas",
}

ROOT_FINDERS = {
    "PropCIs::scoreci.mp": 1e-6,
    "NPS::nps_test_(test='iterative')": 1e-6,
    "contingencytables::Tango_asymptotic_score_CI_paired_2x2": 1e-7,
}

RECORDS = figures("intervals_r")["records"]
TESTED_OTHERWISE = {"t_on_scores", "tango_bcf"}


def drops_skewness(record):
    """Ratesci leaves its skewness term out where the third moment is below 1e-10, so at n = 10**6 it gives Tango's."""
    return record["method"].startswith("scas") and sum(counts(record)) >= 10**5


def named(records, *methods):
    chosen = [record for record in records if record["method"] in methods and not drops_skewness(record)]
    return [pytest.param(record, id=label(record)) for record in chosen]


def test_every_method_of_the_peers_is_tested():
    """No record of the file is left out."""
    methods = {record["method"] for record in RECORDS}
    assert methods == RAW.keys() | PUBLIC.keys() | TESTED_OTHERWISE


@pytest.mark.parametrize("record", named(RECORDS, *RAW))
def test_limits_equal_those_of_the_peer(record):
    """Each method gives the limits of its peer to the precision of the peer."""
    tolerance = ROOT_FINDERS.get(record["peer"], 1e-9)
    low, high = RAW[record["method"]](record, quantile(record["level"]))
    assert low[0] == pytest.approx(record["lower"], abs=tolerance)
    assert high[0] == pytest.approx(record["upper"], abs=tolerance)


@pytest.mark.parametrize("record", named(RECORDS, *PUBLIC))
def test_public_intervals_are_the_same_limits_in_points_within_bounds(record):
    """`intervals` gives the limits of the peer in points, clipped to -100 and 100."""
    low, high = intervals(*counts(record), method=PUBLIC[record["method"]], confidence_level=record["level"])
    tolerance = 100 * ROOT_FINDERS.get(record["peer"], 1e-9)
    assert low == pytest.approx(100 * max(-1, record["lower"]), abs=tolerance)
    assert high == pytest.approx(100 * min(1, record["upper"]), abs=tolerance)


def test_peer_without_skewness_is_tango():
    """Where the peer drops its skewness term it gives Tango's limits, and ours solve the equation with the term."""
    dropped = [record for record in RECORDS if drops_skewness(record)]
    assert dropped
    for record in dropped:
        z = quantile(record["level"])
        assert score_limits(*columns(record), z)[0][0] == pytest.approx(record["lower"], abs=1e-9)
        unbiased = record["method"] == "scas"
        low = scas_limits(*columns(record), z, unbiased=unbiased)[0]
        assert scas_statistic(low, *columns(record), unbiased=unbiased)[0] == pytest.approx(z, rel=1e-6)


@pytest.mark.parametrize("record", named(RECORDS, "tango_bcf"))
def test_peer_with_the_unbiased_variance_solves_our_equation(record):
    """The statistic at the limits of the peer, with its n - 1, is the normal quantile."""
    n = sum(counts(record))
    for limit, z in ((record["lower"], 1), (record["upper"], -1)):
        if abs(limit) < 1:
            statistic = score_statistic(np.array([limit]), *columns(record))[0] * np.sqrt((n - 1) / n)
            assert statistic == pytest.approx(z * quantile(record["level"]), rel=1e-4 if n > 10**5 else 1e-7)


@pytest.mark.parametrize("record", named(RECORDS, "t_on_scores"))
def test_standard_error_gives_the_t_interval_of_the_peer(record):
    """The t interval follows from the standard error with n - 1."""
    score = Score(promoters=record["promoters"], passives=record["passives"], detractors=record["detractors"])
    half = stdtrit(score.n - 1, (1 + record["level"]) / 2) * score.standard_error * np.sqrt(score.n / (score.n - 1))
    assert score.value - half == pytest.approx(100 * record["lower"], abs=1e-9)
    assert score.value + half == pytest.approx(100 * record["upper"], abs=1e-9)


@pytest.mark.parametrize(
    "record", [r for r in RECORDS if r["peer"].startswith("NPS::") and r["method"] == "wald"], ids=label
)
def test_value_standard_error_and_wald_test_equal_those_of_the_peer(record):
    """The score, its standard error and the Wald test against 0 are those of R's NPS package."""
    score = Score(promoters=record["promoters"], passives=record["passives"], detractors=record["detractors"])
    assert score.value == pytest.approx(100 * record["estimate"], abs=1e-9)
    assert score.standard_error == pytest.approx(100 * record["se"], abs=1e-9)
    if record["se"] > 0:
        assert score.test(method="wald").p_value == pytest.approx(record["p.value"], abs=1e-12)


@pytest.mark.parametrize("record", [r for r in RECORDS if "pval2sided" in r and not drops_skewness(r)], ids=label)
def test_scas_test_equals_that_of_the_peer(record):
    """The test with skewness against 0 is that of ratesci."""
    score = Score(promoters=record["promoters"], passives=record["passives"], detractors=record["detractors"])
    assert score.test(method="scas").p_value == pytest.approx(record["pval2sided"], abs=1e-9)


@pytest.mark.parametrize("record", figures("exact_fay_lumbard")["records"], ids=label)
def test_exact_interval_equals_that_of_the_peer(record):
    """The exact interval is Fay and Lumbard's to the 1e-4 of their root finder, and agrees with the sign test."""
    low, high = intervals(*counts(record), method="exact", confidence_level=record["level"])
    assert low / 100 == pytest.approx(record["lower"], abs=1e-4)
    assert high / 100 == pytest.approx(record["upper"], abs=1e-4)
    score = Score(promoters=record["promoters"], passives=record["passives"], detractors=record["detractors"])
    assert score.test(method="exact").p_value == pytest.approx(record["p_h0_zero"], rel=1e-9)


@pytest.mark.parametrize("record", figures("bayes")["records"], ids=lambda r: f"{r['prior']}-{label(r)}")
def test_credible_intervals_equal_those_of_the_peer(record):
    """Limits, and the posterior probability of a positive score, equal an independent quadrature."""
    method = f"bayes_{record['prior']}"
    low, high = intervals(*counts(record), method=method, confidence_level=record["level"])
    assert low / 100 == pytest.approx(record["lower"], abs=1e-7)
    assert high / 100 == pytest.approx(record["upper"], abs=1e-7)
    score = Score(promoters=record["promoters"], passives=record["passives"], detractors=record["detractors"])
    assert score.probability_above(prior=record["prior"]) == pytest.approx(record["prob_positive"], abs=1e-7)


@pytest.mark.parametrize("record", figures("bootstrap_shares")["bootstrap"], ids=label)
@pytest.mark.parametrize(
    ("method", "exact", "scipy"),
    [("bootstrap", "exact_percentile", "scipy_percentile"), ("bootstrap_bca", "exact_bca", "scipy_BCa")],
)
def test_bootstrap_is_the_exact_lattice_value_and_near_that_of_scipy(record, method, exact, scipy):
    """Bootstrap limits are what endless resampling gives; scipy's draws land within a step of the lattice."""
    limits = np.array(intervals(*counts(record), method=method, confidence_level=record["level"])) / 100
    assert limits == pytest.approx(record[exact], abs=1e-12)
    if np.isfinite(record[scipy]).all():
        assert limits == pytest.approx(record[scipy], abs=1 / sum(counts(record)) + 1e-12)


@pytest.mark.parametrize(
    "record", figures("effective_n")["records"], ids=lambda r: f"{r['n_eff']}-{r['p_pro']}-{r['level']}"
)
def test_score_interval_takes_effective_sizes(record):
    """The score interval on counts that are not whole equals that of PropCIs."""
    p, d, n = record["p_pro"], record["p_det"], record["n_eff"]
    low, high = intervals(n * p, n * (1 - p - d), n * d, confidence_level=record["level"])
    assert low / 100 == pytest.approx(record["lower"], abs=1e-6)
    assert high / 100 == pytest.approx(record["upper"], abs=1e-6)


SHARES = {"wilson": "wilson", "clopper_pearson": "beta", "jeffreys": "jeffreys", "agresti_coull": "agresti_coull"}


@pytest.mark.parametrize("record", figures("bootstrap_shares")["shares"], ids=label)
def test_share_intervals_equal_those_of_the_peer(record):
    """The limits of each share are those of statsmodels."""
    score = Score(promoters=record["promoters"], passives=record["passives"], detractors=record["detractors"])
    for method, name in SHARES.items():
        limits = score.share_intervals(method=method, confidence_level=record["level"])
        assert limits["promoters"] == pytest.approx(record[f"promoter_share_{name}"], abs=1e-9)
        assert limits["detractors"] == pytest.approx(record[f"detractor_share_{name}"], abs=1e-9)
    together = score.share_intervals(method="goodman", confidence_level=record["level"])
    assert np.array(list(together.values())) == pytest.approx(np.array(record["goodman"]), abs=1e-9)


@pytest.mark.parametrize("record", figures("bootstrap_shares")["mean_test"], ids=label)
def test_tests_against_zero_are_mcnemar_and_the_sign_test(record):
    """Against 0 the score test is McNemar's and the exact test the sign test."""
    score = Score(promoters=record["promoters"], passives=record["passives"], detractors=record["detractors"])
    mcnemar = record["score_test_h0_zero_is_mcnemar"]
    assert score.test().statistic ** 2 == pytest.approx(mcnemar["x2"], rel=1e-9)
    assert score.test().p_value == pytest.approx(mcnemar["p"], rel=1e-9)
    assert score.test(method="exact").p_value == pytest.approx(record["exact_sign_test_p"], rel=1e-9)
    assert score.test(method="exact").p_value == pytest.approx(record["exact_binom"], rel=1e-9)


COVERAGE_NAMES = {
    "wald": "wald",
    "agresti_min_(2,T)": "agresti_min",
    "adj_wald_(3,T)": "adjusted_wald",
    "adj_wald_(3,U)": "adjusted_wald_uniform",
    "bonett_price_(1,0,1)": "bonett_price",
    "newcombe_wilson": "newcombe",
    "newcombe_jeffreys": "newcombe_jeffreys",
    "tango": "score",
    "scas": "scas",
    "bayes_jeffreys_(1/2)": "bayes_jeffreys",
    "bayes_perks_(1/3)": "bayes_perks",
    "bayes_uniform_(1)": "bayes_uniform",
    "bootstrap_percentile": "bootstrap",
    "bootstrap_bca": "bootstrap_bca",
    "exact_fay_lumbard2020": "exact",
}
COVERAGE = {int(key.split("n=")[1]): value for key, value in figures("coverage_exact")["results"].items()}


@pytest.mark.parametrize("n", COVERAGE)
@pytest.mark.parametrize("name", COVERAGE_NAMES)
def test_coverage_equals_that_of_the_peer(n, name):
    """Exact coverage is that of an independent enumeration to its 5e-4, and widths to a twentieth of a point."""
    found, peer = coverage(COVERAGE_NAMES[name], n), COVERAGE[n][name]
    assert found.minimum == pytest.approx(peer["min"], abs=5e-4)
    assert found.mean == pytest.approx(peer["mean"], abs=5e-4)
    assert found.mean_width == pytest.approx(peer["mean_width_points"], abs=0.05)
