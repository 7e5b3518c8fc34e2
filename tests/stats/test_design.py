"""The score of a survey by design: every figure of R's survey package, exact enumeration, laws, and what is refused."""

import csv
import math
import pickle
from itertools import combinations

import attrs
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import stdtrit

from netpromoter.errors import InvalidArgument, InvalidRating, MissingRatings, NoRatings, ScaleWarning
from netpromoter.stats import DesignScore, Score, design_score, intervals, score
from reference_figures import FOLDER, figures

STRATIFIED = figures("survey_design")["designs"]
TWO_STAGE = figures("survey_two_stage")


def table(name):
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {column: [row[column] for row in rows] for column in rows[0]}


def whole(column):
    return [int(value) for value in column]


def mapping(labels, values):
    return dict(zip(labels, whole(values), strict=True))


CENSUS, PARTIAL = table("survey_strat_census"), table("survey_strat_nonresponse")
ACCOUNTS, LONELY = table("survey_two_stage"), table("survey_lonely")
STRATA = mapping(ACCOUNTS["stratum"], ACCOUNTS["N_accounts"])
PEOPLE = mapping(ACCOUNTS["account"], ACCOUNTS["N_people"])
WEIGHTS = [
    math.prod(whole(pair[:2])) / math.prod(whole(pair[2:]))
    for pair in zip(*(ACCOUNTS[name] for name in ("N_accounts", "N_people", "n_accounts", "n_people")), strict=True)
]

#: Each design of the peer: the data, the arguments, and the figures.
DESIGNS = {
    "A": (
        CENSUS,
        {"strata": CENSUS["plan"], "populations": mapping(CENSUS["plan"], CENSUS["N_stratum"])},
        STRATIFIED["A_census_plus_srs"]["nps"]
        | {name: STRATIFIED["A_census_plus_srs"][name] for name in ("by_plan", "by_region", "by_tenure")},
    ),
    "A without populations": (
        CENSUS,
        {"strata": CENSUS["plan"], "weights": [float(weight) for weight in CENSUS["weight"]]},
        STRATIFIED["A_census_plus_srs"]["no_fpc"],
    ),
    "A without strata": (
        CENSUS,
        {"probabilities": [1 / float(weight) for weight in CENSUS["weight"]]},
        STRATIFIED["A_census_plus_srs"]["no_strata_weights_only"],
    ),
    "B": (
        PARTIAL,
        {"strata": PARTIAL["plan"], "populations": mapping(PARTIAL["plan"], PARTIAL["N_stratum"])},
        STRATIFIED["B_nonresponse"]["nps"]
        | {name: STRATIFIED["B_nonresponse"][name] for name in ("by_plan", "by_region")},
    ),
    "C": (
        ACCOUNTS,
        {
            "strata": ACCOUNTS["stratum"],
            "populations": STRATA,
            "clusters": ACCOUNTS["account"],
            "cluster_populations": PEOPLE,
        },
        TWO_STAGE["two_stage"]["two_stage_fpc"],
    ),
    "C one stage": (
        ACCOUNTS,
        {"strata": ACCOUNTS["stratum"], "populations": STRATA, "clusters": ACCOUNTS["account"], "weights": WEIGHTS},
        TWO_STAGE["two_stage"]["one_stage_fpc"],
    ),
    "C whole clusters": (
        ACCOUNTS,
        {"strata": ACCOUNTS["stratum"], "populations": STRATA, "clusters": ACCOUNTS["account"]},
        TWO_STAGE["two_stage"]["one_stage_whole_clusters"],
    ),
    "C ultimate clusters": (
        ACCOUNTS,
        {"strata": ACCOUNTS["stratum"], "clusters": ACCOUNTS["account"], "weights": WEIGHTS},
        TWO_STAGE["two_stage"]["ultimate_cluster"],
    ),
    "C without clusters": (
        ACCOUNTS,
        {"strata": ACCOUNTS["stratum"], "weights": WEIGHTS},
        TWO_STAGE["two_stage"]["ignoring_clusters"],
    ),
    "C weights": (ACCOUNTS, {"weights": WEIGHTS}, TWO_STAGE["two_stage"]["weights_only"]),
    "C unweighted clusters": (
        ACCOUNTS,
        {"clusters": ACCOUNTS["account"]},
        TWO_STAGE["two_stage"]["unweighted_clusters"],
    ),
} | {
    f"D {lonely}": (
        LONELY,
        {
            "strata": LONELY["stratum"],
            "populations": mapping(LONELY["stratum"], LONELY["N_stratum"]),
            "lonely": lonely,
        },
        TWO_STAGE["lonely"][lonely],
    )
    for lonely in ("adjust", "certainty")
}

MARGINS = {
    "region": (PARTIAL["region"], STRATIFIED["B_nonresponse"]["population_margins_region"]),
    "tenure": (PARTIAL["tenure"], STRATIFIED["B_nonresponse"]["population_margins_tenure"]),
}
DESIGNS |= {
    "B post-stratified": (
        PARTIAL,
        DESIGNS["B"][1] | {"margins": [MARGINS["region"]]},
        STRATIFIED["B_nonresponse"]["post_stratified_region"],
    ),
    "B raked": (
        PARTIAL,
        DESIGNS["B"][1] | {"margins": [*MARGINS.values()]},
        STRATIFIED["B_nonresponse"]["calibrated_raking"],
    ),
    "B without strata, post-stratified": (
        PARTIAL,
        {"weights": [float(weight) for weight in PARTIAL["weight"]], "margins": [MARGINS["region"]]},
        STRATIFIED["B_nonresponse"]["post_stratified_unstratified_design"],
    ),
}

FIGURES = [pytest.param(name, None, None, peer, id=name) for name, (_, _, peer) in DESIGNS.items()] + [
    pytest.param(name, key.removeprefix("by_"), group["group"], group, id=f"{name}, {group['group']}")
    for name, (_, _, peer) in DESIGNS.items()
    for key, groups in peer.items()
    if key.startswith("by_")
    for group in groups
]


def estimate(name, **options):
    data, design, _ = DESIGNS[name]
    return design_score(whole(data["rating"]), **design, **options)


@pytest.mark.parametrize(("name", "column", "group", "peer"), FIGURES)
def test_figures_are_those_of_the_peer(name, column, group, peer):
    """Estimates, standard errors, degrees of freedom, design effects and t intervals are those of R's survey."""
    data = DESIGNS[name][0]
    where = None if column is None else [value == group for value in data[column]]
    s = estimate(name, where=where)
    assert s.value == pytest.approx(peer["estimate"], abs=1e-9)
    assert s.standard_error == pytest.approx(peer["se"], abs=1e-9)
    if "degf" in peer:
        assert s.degrees_of_freedom == peer["degf"]
        assert s.interval(method="t") == pytest.approx(peer["ci95_t"], abs=1e-9)
    if isinstance(peer.get("deff"), float):
        assert s.design_effect == pytest.approx(peer["deff"], abs=1e-9)
    if "ci90_t" in peer:
        assert s.interval(method="t", confidence_level=0.9) == pytest.approx(peer["ci90_t"], abs=1e-9)
        assert s.n == peer["n"]


def test_effective_size_of_the_peer():
    """Unequal weights leave the effective size of Kish, and where it is the smaller one it is the one that counts."""
    s = estimate("B")
    assert s.n_kish == pytest.approx(STRATIFIED["B_nonresponse"]["kish_neff"], abs=1e-9)
    assert s.n_effective == s.n_kish


def test_a_census_stratum_adds_nothing():
    """The stratum of which everybody answered has no error, and the effective size is that of the variance."""
    paying = estimate("A", where=[plan == "paying" for plan in CENSUS["plan"]])
    assert paying.census
    assert paying.standard_error == 0
    assert paying.interval() == paying.interval(method="t") == (paying.value, paying.value)
    s, free = estimate("A"), estimate("A", where=[plan != "paying" for plan in CENSUS["plan"]])
    assert s.n_kish == pytest.approx(free.n_kish * (12_400 / 12_000) ** 2, rel=1e-12)


def test_one_person_known_with_certainty_lifts_no_bound():
    """A stratum of one adds hardly anything to what clusters that happen to be alike say of a million."""
    answers, clusters = [8, *[9, 3, 8, 10, 2, 7] * 10], [place // 6 for place in range(61)]
    options = {"strata": ["many"] * 61, "populations": {"many": 10**6}, "clusters": clusters}
    alone = design_score(answers, **options)
    both = design_score(
        [*answers, 9],
        strata=[*options["strata"], "one"],
        populations={"many": 10**6, "one": 1},
        clusters=[*clusters, 99],
    )
    assert alone.n_effective == alone.n_kish
    assert both.n_effective == pytest.approx(alone.n_effective, rel=1e-4)
    assert both.interval() == pytest.approx(alone.interval(), abs=0.01)


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_the_score_interval_is_tangos_at_the_effective_size(name, level):
    """The limits are those of Tango's interval at a level that gives the quantile of Student's t."""
    s = estimate(name)
    t = -stdtrit(s.degrees_of_freedom, (1 - level) / 2)
    same = math.erf(t / math.sqrt(2))
    counts = [s.n_effective * share for share in (s.promoter_share, s.passive_share, s.detractor_share)]
    low, high = intervals(*counts, confidence_level=same)
    assert s.interval(confidence_level=level) == pytest.approx((float(low), float(high)), abs=1e-8)


@pytest.mark.parametrize(("people", "n"), [([9, 10, 3, 8, 7, 2, 10, 9], 3), ([10, 0, 10, 0, 7, 7], 4)])
def test_the_variance_is_unbiased_over_every_sample(people, n):
    """In two strata the mean of the variances over all samples is the variance of the scores."""
    drawn = [
        design_score([*first, *second], strata=[0] * n + [1] * 2, populations={0: len(people), 1: 4})
        for first in combinations(people, n)
        for second in combinations([10, 9, 6, 8], 2)
    ]
    assert np.mean([s.variance for s in drawn]) == pytest.approx(np.var([s.value for s in drawn]), rel=1e-9)


ratings = st.lists(st.integers(0, 10), min_size=2, max_size=60)
designs = ratings.flatmap(
    lambda answers: st.tuples(
        st.just(answers),
        st.lists(st.floats(0.01, 100), min_size=len(answers), max_size=len(answers)),
        st.lists(st.booleans(), min_size=len(answers), max_size=len(answers)),
    )
)


@given(ratings)
def test_equal_weights_are_a_plain_score(answers):
    """Without a design the score, its shares and its effective size are those of the plain score."""
    s, plain = design_score(answers), score(answers)
    assert s.value == pytest.approx(plain.value, abs=1e-12)
    assert s.standard_error == pytest.approx(plain.standard_error * math.sqrt(s.n / (s.n - 1)), abs=1e-9)
    assert s.n_kish == pytest.approx(s.n)
    assert s.passive_share == pytest.approx(plain.passive_share, abs=1e-12)
    if s.standard_error == 0:
        assert s.n_effective == pytest.approx(s.n)


@given(ratings, st.integers(0, 100))
def test_a_simple_random_sample_knows_its_population(answers, others):
    """A simple random sample of a known population has the effective size that `score` gives it, but for n - 1."""
    population = len(answers) + others
    s, plain = design_score(answers, populations=population), score(answers, population=population)
    assert s.census == plain.census
    if s.census:
        assert s.interval() == (s.value, s.value)
    else:
        effective = s.n * (population - 1) / (population - s.n)
        assert s.n_kish == pytest.approx(effective)
        assert 0.5 * effective * (1 - 1 / population) <= s.n_effective * (1 + 1e-9)
        assert s.n_effective <= effective * (1 + 1e-9)
        assert s.standard_error == pytest.approx(
            plain.standard_error * math.sqrt(s.n / (s.n - 1) * (population - 1) / population), abs=1e-9
        )


@given(designs, st.floats(1e-3, 1e3))
def test_the_unit_of_the_weights_does_not_matter(design, factor):
    """Weights that are all so many times as large give the same score, error and interval."""
    answers, weights, _ = design
    s, scaled = design_score(answers, weights=weights), design_score(answers, weights=[factor * w for w in weights])
    assert scaled.value == pytest.approx(s.value, abs=1e-9)
    assert scaled.standard_error == pytest.approx(s.standard_error, abs=1e-9)
    assert scaled.interval() == pytest.approx(s.interval(), abs=1e-6)


@given(designs)
def test_swapping_promoters_and_detractors_mirrors_the_interval(design):
    """The mirrored answers have the negative score and the mirrored limits of both methods."""
    answers, weights, _ = design
    mirror = [0 if answer >= 9 else 10 if answer <= 6 else answer for answer in answers]
    s, mirrored = (design_score(each, weights=weights) for each in (answers, mirror))
    assert mirrored.value == pytest.approx(-s.value, abs=1e-9)
    for method in ("score", "t"):
        low, high = s.interval(method=method)
        assert mirrored.interval(method=method) == pytest.approx((-high, -low), abs=1e-6)
        assert -100 <= low <= s.value + 1e-9
        assert s.value - 1e-9 <= high <= 100


@given(designs)
def test_test_and_interval_agree(design):
    """What lies within the interval is not rejected at its level, and what lies outside is."""
    answers, weights, _ = design
    s = design_score(answers, weights=weights)
    for method in ("score", "t"):
        for limit, sign in zip(s.interval(method=method, confidence_level=0.9), (1, -1), strict=True):
            for step, kept in ((0.01, True), (-0.01, False)):
                point = limit + sign * step
                if abs(point) < 99.9 and sign * (s.value - point) > 0.02:
                    assert (s.test(against=point, method=method).p_value > 0.1) == kept


@given(designs)
def test_a_domain_of_all_is_the_whole(design):
    """A domain that holds everybody is no domain, and two domains weigh together as the whole."""
    answers, weights, inside = design
    s = design_score(answers, weights=weights)
    assert design_score(answers, weights=weights, where=[True] * len(answers)) == s
    if 0 < sum(inside) < len(inside):
        parts = [design_score(answers, weights=weights, where=mask) for mask in (inside, [not each for each in inside])]
        shares = [sum(w for w, each in zip(weights, inside, strict=True) if each == side) for side in (True, False)]
        assert np.average([part.value for part in parts], weights=shares) == pytest.approx(s.value, abs=1e-9)
        assert sum(part.n for part in parts) == s.n


@pytest.mark.parametrize("library", [list, np.array, pd.Series, pl.Series, pa.array, iter, tuple])
def test_columns_come_from_any_library(library):
    """Columns of every library give the figures of plain lists."""
    answers, plans = [9, 10, 3, 8, 10, 0, 7, 9], ["paid"] * 4 + ["free"] * 4
    weights, mask, codes = [1.5] * 4 + [20] * 4, [True] * 6 + [False] * 2, [1, 1, 2, 2, 3, 3, 4, 4]
    expected = design_score(answers, weights=weights, strata=plans, clusters=codes, where=mask)
    found = design_score(
        library(answers), weights=library(weights), strata=library(plans), clusters=library(codes), where=library(mask)
    )
    assert found == expected
    if library is not list:
        assert design_score(answers, strata=pd.Categorical(plans)) == design_score(answers, strata=plans)


def test_missing_answers_are_no_part_of_the_sample():
    """Who did not answer is counted, and the sample is the others; whoever is outside the domain is not counted."""
    options = {"strata": ["a", "a", "a", "b", "b", "c"], "populations": {"a": 9, "b": 5, "c": 7}, "missing": "drop"}
    s = design_score([9, None, 3, 8, 10, None], **options)
    answered = design_score([9, 3, 8, 10], strata=["a", "a", "b", "b"], populations=options["populations"])
    assert s == attrs.evolve(answered, missing=2)
    assert (s.n, s.missing, s.uncovered) == (4, 2, 7)
    assert design_score([9, None, 3, 8, 10, None], where=[1, 0, 1, 1, 0, 1], **options).missing == 1
    assert repr(s).endswith("; 2 missing; 7 in strata without answers)")


def test_strata_without_answers_are_told():
    """People in strata where nobody answered are counted; populations that are not known add nothing."""
    s = design_score([9, 3, 8], strata=["a"] * 3, populations={"a": 9, "b": 50, "c": None})
    assert s.uncovered == 50
    assert repr(s).endswith("; 50 in strata without answers)")


def test_it_shows_itself():
    """One line holds the score, its interval and both sizes; a census says so."""
    s = estimate("B")
    assert repr(s).startswith("NPS +16.8 (95% CI +")
    assert repr(s).endswith("; n = 410, effective 160.1)")
    assert "<td" in s._repr_html_()
    assert "2.62" in s._repr_html_()
    everybody = design_score([10, 9, 8, 3], populations=4)
    assert repr(everybody) == "NPS +25.0 (census of 4: no sampling error)"
    assert ">census<" in everybody._repr_html_()
    assert everybody.n_effective == math.inf
    assert everybody.test(against=25).p_value == 1
    assert everybody.test(against=24).p_value == 0
    assert "<td" in design_score([10, 10])._repr_html_()


def test_it_is_a_value():
    """Equal figures are equal, hash alike and survive pickling; two cannot be added; nothing can be assigned."""
    s = estimate("A")
    again = pickle.loads(pickle.dumps(s))  # noqa: S301 -- our own bytes
    assert isinstance(s, DesignScore)
    assert again == s
    assert hash(again) == hash(s)
    with pytest.raises(TypeError):
        _ = s + s
    with pytest.raises(AttributeError):
        s.variance = 0


def test_one_answer_tells_no_variance():
    """A lonely answer has no degree of freedom: its interval is the scale, and nothing is rejected."""
    s = design_score([10], lonely="adjust")
    assert (s.degrees_of_freedom, s.interval(), s.interval(method="t")) == (0, (-100, 100), (-100, 100))
    assert s.test(against=-99).p_value == 1
    assert s.design_effect is None
    assert design_score([10], populations=1).census


def test_unanimous_answers_keep_an_interval():
    """Where all say the same the variance is 0, and the score interval stays as wide as that of so many answers."""
    s = design_score([10] * 30, weights=[1.0] * 20 + [3.0] * 10)
    assert s.standard_error == 0
    assert s.n_effective == s.n_kish < 30
    assert s.interval(method="t") == (100, 100)
    assert s.interval()[0] < Score(promoters=30, passives=0, detractors=0).interval()[0]
    with_census = design_score([10] * 30, strata=["a"] * 5 + ["b"] * 25, populations={"a": 5, "b": 900})
    assert with_census.n_effective == with_census.n_kish


def test_counts_come_from_a_series():
    """A Series of pandas, as `value_counts` gives, says how many there are like a mapping does."""
    answers, strata, plans = [9, 10, 3, 8, 10, 0], ["a"] * 3 + ["b"] * 3, list("xyxyxx")
    people, margin = {"a": 5, "b": 9}, {"x": 8, "y": 6}
    expected = design_score(answers, strata=strata, populations=people, margins=[(plans, margin)])
    found = design_score(answers, strata=strata, populations=pd.Series(people), margins=[(plans, pd.Series(margin))])
    assert found == expected


def test_margins_may_hold_the_strata_without_answers():
    """Where nobody answered in a stratum, what is known of everybody may count it or not; other sums are refused."""
    options = {"strata": ["a"] * 4, "populations": {"a": 9, "b": 6}}
    for rest in (4, 10):
        s = design_score([9, 10, 3, 8], margins=[(list("xxyy"), {"x": 5, "y": rest})], **options)
        assert s.uncovered == 6
    with pytest.raises(InvalidArgument, match=r"^margins must be of the 9 people in populations \(got 10\)$"):
        design_score([9, 10, 3, 8], margins=[(list("xxyy"), {"x": 5, "y": 5})], **options)


def test_answers_from_another_scale_are_doubted():
    """A survey by design is warned of like any other, whoever of it the score is of."""
    with pytest.warns(ScaleWarning, match="none of 40 answers is above 5"):
        design_score([1, 2, 4, 5] * 10, where=[True] * 4 + [False] * 36)


@given(st.data())
def test_no_limit_goes_beyond_what_the_unseen_can_change(data):
    """With known strata the limits lie within the scores that remain possible, and what is outside is rejected."""
    answers, strata, populations, unseen = [], [], {}, 0
    for name in "abc"[: data.draw(st.integers(1, 3))]:
        found = data.draw(st.lists(st.integers(0, 10), min_size=2, max_size=8))
        populations[name] = len(found) + data.draw(st.integers(0, 4))
        unseen += populations[name] - len(found)
        answers, strata = answers + found, strata + [name] * len(found)
    people = sum(populations.values())
    seen = sum((rating > 8) - (rating < 7) for rating in answers)
    s = design_score(answers, strata=strata, populations=populations)
    least, most = (100 * (seen + change) / people for change in (-unseen, unseen))
    assert s.possible == pytest.approx((least, most), abs=1e-9)
    for method in ("score", "t"):
        low, high = s.interval(method=method, confidence_level=0.999)
        assert least - 1e-9 <= low <= s.value + 1e-9
        assert s.value - 1e-9 <= high <= most + 1e-9
        for outside, side in ((least - 0.01, math.inf), (most + 0.01, -math.inf)):
            if abs(outside) < 100:
                test = s.test(against=outside, method=method)
                assert (test.statistic, test.p_value) == (side, 0)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"weights": [2] * 4},
        {"populations": 9, "where": [1, 1, 1, 0]},
        {"populations": 9, "margins": [(list("aabb"), {"a": 4, "b": 5})]},
        {"populations": 5, "clusters": [1, 1, 2, 2]},
    ],
)
def test_whoever_is_not_counted_may_change_everything(options):
    """Without known numbers of people, all of whom the score is of, every score remains possible."""
    assert design_score([9, 10, 3, 8], **options).possible == (-100, 100)


ANSWERS = [9, 10, 3, 8]
REFUSED = [
    ({"weights": [1, 1, 1]}, r"weights must be as long as the other columns, 4 \(got '3 values'\)"),
    (
        {"weights": [1, 0, 1, -1]},
        r"weights must be numbers above 1e-15, below 1e\+15 \(got 0 at position 1; 2 such in all\)",
    ),
    ({"weights": [1, 1, math.nan, 1]}, r"weights must be numbers .* \(got nan at position 2; 1 such in all\)"),
    ({"weights": [1, 1, 1e300, 1]}, r"weights must be numbers .* \(got 1e\+300 at position 2; 1 such in all\)"),
    ({"weights": ["1", 1, 1, 1]}, r"weights must be numbers .* \(got '1' at position 0; 1 such in all\)"),
    (
        {"probabilities": [0.5, 1.2, 0, 1]},
        r"probabilities must be numbers above 1e-15, at most 1 \(got 1.2 at position 1; 2 .*",
    ),
    (
        {"weights": [1] * 4, "probabilities": [1] * 4},
        r"weights must be absent beside probabilities \(got \[1, 1, 1, 1\]\)",
    ),
    ({"strata": ["a", None, "b", "b"]}, r"strata must be known of everybody \(got None at position 1; 1 such in all\)"),
    (
        {"strata": ["a", "a", math.nan, "b"]},
        r"strata must be known of everybody \(got nan at position 2; 1 such in all\)",
    ),
    ({"strata": [["a"], ["a"], ["b"], ["b"]]}, r"strata must be labels that can be keys of a mapping \(got \['a'\]\)"),
    ({"strata": "aabb"}, r"strata must be a column \(got 'aabb'\)"),
    ({"strata": ["a", "b", "b", "b"]}, r"strata must each hold at least 2, .* \(got 1 in 'a'; 1 such in all\)"),
    ({"populations": 3}, r"populations must be a whole number of at least 4 \(got 3\)"),
    ({"populations": {"a": 9}}, r"populations must be a whole number of at least 4 \(got {'a': 9}\)"),
    ({"strata": list("aabb"), "populations": 9}, r"populations must be a mapping of labels to whole numbers \(got 9\)"),
    ({"strata": list("aabb"), "populations": {"a": 9}}, r"populations must name every label \(got none for 'b'; 1 .*"),
    ({"strata": list("aabb"), "populations": {"a": 9, "b": 1}}, r"populations\['b'\] must be a whole .* 2 \(got 1\)"),
    (
        {"strata": list("aabb"), "populations": {"a": 9, "b": None}},
        r"populations must be known in every stratum, unless there are weights or probabilities \(got {'b': None}\)",
    ),
    (
        {"strata": list("aabb"), "populations": {"a": 9, "b": 9, "c": -3}},
        r"populations\['c'\] must be a whole number of at least 0 \(got -3\)",
    ),
    (
        {"strata": list("aabb"), "clusters": [1, 2, 2, 3]},
        r"clusters must each lie within one stratum \(got 2 in 'a' and 'b'\)",
    ),
    ({"clusters": [1, 1, 1, 1]}, r"strata must each hold at least 2, .* \(got 1 in 'all'; 1 such in all\)"),
    ({"cluster_populations": {1: 5}}, r"cluster_populations must be given only beside clusters and populations .*"),
    (
        {"clusters": [1, 1, 2, 2], "populations": 9, "cluster_populations": {1: 5}},
        r"cluster_populations must name every label \(got none for 2; 1 such in all\)",
    ),
    (
        {"clusters": [1, 1, 1, 2], "populations": 9, "cluster_populations": {1: 5, 2: 4}},
        r"clusters must each hold at least 2, .* \(got 1 in 2; 1 such in all\)",
    ),
    ({"margins": 5}, r"margins must be pairs of a column of labels and a mapping .* \(got 5\)"),
    ({"margins": {"a": 5}}, r"margins must be pairs of a column of labels and a mapping .* \(got {'a': 5}\)"),
    ({"margins": [(list("aabb"), 5)]}, r"margins must be pairs of a column .*"),
    (
        {"margins": [(list("aabb"), {"a": 5, "c": 5})]},
        r"margins\[0\] must name the labels of those who answered, and no others \(got 'b'; 2 such in all\)",
    ),
    (
        {"margins": [(list("aabb"), {"a": 5, "b": 1})]},
        r"margins\[0\]\['b'\] must be a whole .* of at least 2 \(got 1\)",
    ),
    (
        {"populations": 40, "margins": [(list("aabb"), {"a": 5, "b": 5})]},
        r"margins must be of the 40 people in populations \(got 10\)",
    ),
    ({"weights": [5e-324] * 4}, r"weights must be numbers above 1e-15, .* \(got 5e-324 at position 0; 4 such in all\)"),
    (
        {"margins": [(list("aabb"), {"a": 5, "b": 5}), (list("cdcd"), {"c": 5, "d": 6})]},
        r"margins must be of as many people each \(got \[10, 11\]\)",
    ),
    (
        {"margins": [(list("aabb"), {"a": 5, "b": 5}), (list("ccdd"), {"c": 4, "d": 6})]},
        r"margins must agree with one another and with the answers \(got no weights that do in 1,000 rounds\)",
    ),
    ({"where": ["yes"] * 4}, r"where must be True or False, or 1 or 0 \(got 'yes' at position 0; 4 such in all\)"),
    ({"lonely": "average"}, r"lonely must be one of 'error', 'adjust', 'certainty' \(got 'average'\)"),
    ({"missing": "ignore"}, r"missing must be one of 'refuse', 'drop' \(got 'ignore'\)"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_what_is_no_design_is_refused(options, message):
    """What breaks a rule is refused by name, with where it is and how often."""
    with pytest.raises(InvalidArgument, match=f"^{message}$"):
        design_score(ANSWERS, **options)


def test_answers_are_refused_as_everywhere():
    """What is no answer, what is missing and a domain of nobody are refused."""
    with pytest.raises(InvalidRating, match=r"got 11 at position 1; 1 such in all"):
        design_score([10, 11])
    with pytest.raises(MissingRatings, match=r"got 1 missing of 2, the first at position 1"):
        design_score([10, None])
    for nothing in ([], [None]):
        with pytest.raises(NoRatings):
            design_score(nothing, missing="drop")
    with pytest.raises(NoRatings, match=r"got none, and 1 missing"):
        design_score([10, 9, None], where=[False, False, True], missing="drop")


def test_options_of_intervals_and_tests_are_checked():
    """A method, a level, a point and an alternative that are none are refused by name."""
    s = estimate("A")
    for ask in (s.interval, s.test):
        with pytest.raises(InvalidArgument, match=r"^method must be one of 'score', 't' \(got 'wald'\)$"):
            ask(method="wald")
    with pytest.raises(InvalidArgument, match=r"^confidence_level must be a number strictly between 0 and 1"):
        s.interval(confidence_level=95)
    with pytest.raises(InvalidArgument, match=r"^against must be a number strictly between -100 and 100"):
        s.test(against=100)
    with pytest.raises(InvalidArgument, match=r"^alternative must be one of"):
        s.test(alternative="more")


def test_a_million_rows():
    """A million answers in twenty strata and a hundred thousand accounts give the shares of their law."""
    rng = np.random.default_rng(5)
    strata = rng.integers(0, 20, 10**6)
    accounts = 20 * rng.integers(0, 5000, 10**6) + strata
    answers = rng.choice(np.array([10, 8, 0], dtype=np.int8), 10**6, p=[0.5, 0.3, 0.2])
    s = design_score(answers, strata=strata, clusters=accounts, populations=dict.fromkeys(range(20), 10**5))
    assert s.value == pytest.approx(30, abs=0.5)
    assert s.degrees_of_freedom == np.unique(accounts).size - 20
    assert s.design_effect == pytest.approx(1, abs=0.1)
