"""Figures as people read them: laws of what is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpromoter._figures import basis, percent, points, span
from netpromoter.stats import Score, SignificanceTest

SCORES = st.floats(-200, 200).map(lambda value: value + 0.0) | st.floats(-0.1, 0.1)
SHARES = st.floats(0, 1) | st.floats(0, 1e-3) | st.floats(0.999, 1)


@given(SCORES)
def test_what_looks_like_zero_is_zero(value):
    """A score has the sign that it shows, and one decimal unless that would hide it."""
    shown = points(value)
    assert (float(shown) == 0) == (abs(value) < 1e-8) or abs(value) < 1e-8
    assert abs(float(shown) - value) <= 0.05 + 1e-12
    if float(shown):
        assert (float(shown) > 0) == (value > 0)
    if abs(value) > 0.06:
        assert shown == f"{value:+.1f}"


@given(SCORES, st.floats(0, 100) | st.floats(0, 0.1))
def test_limits_that_look_alike_are_alike(low, width):
    """Two limits that differ are seen to differ."""
    first, last = map(float, span(low, low + width).split(" to "))
    assert first < last or width < 1e-8


@given(SHARES)
def test_a_share_looks_like_none_or_all_only_where_it_is(share):
    """One decimal, and more where 0% or 100% would not be true."""
    shown = percent(share)
    assert (shown in {"0.0%", "100.0%"}) == (share in {0, 1}) or min(share, 1 - share) < 1e-8
    assert abs(float(shown[:-1]) / 100 - share) <= 0.0005 + 1e-12
    if 0.001 < share < 0.999:
        assert shown == f"{share:.1%}"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "95% CI -0.03 to +12.4; n = 1,200"),
        ({"population": 4000, "level": "90% CI"}, "90% CI -0.03 to +12.4; n = 1,200 of 4,000"),
        ({"population": 1200, "missing": 2}, "census of 1,200: no sampling error; 2 missing"),
    ],
)
def test_it_is_said_what_a_score_rests_on(options, words):
    """The interval and how many answered of how many, unless all did."""
    assert basis((-0.03, 12.4), 1200, **options) == words


@given(st.floats(1e-4, 0.0999) | st.floats(0.04, 0.06) | st.sampled_from([0.04999, 0.05, 0.0501]))
def test_a_p_value_is_seen_on_its_side_of_the_usual_level(p):
    """A p value below 0.05 looks it; next to 0.05 three digits are shown."""
    line = repr(SignificanceTest(statistic=2, p_value=p, method="score", alternative="two-sided"))
    shown = float(line.split("p = ")[1].split(",")[0])
    assert (shown < 0.05) == (p < 0.05)
    assert abs(shown - p) <= (0.00005 if 0.045 <= p < 0.055 else 0.0005) + 1e-12


def test_a_small_limit_keeps_its_sign():
    """Three hundred million answers leave an interval that is no point, and whose limits are on two sides of 0."""
    s = Score(promoters=10**8, passives=10**8, detractors=10**8)
    assert repr(s) == "NPS +0.0 (95% CI -0.01 to +0.01; n = 300,000,000)"
