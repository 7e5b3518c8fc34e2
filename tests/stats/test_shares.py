"""A share of so many: the equations of its intervals, laws, and the share of nobody."""

import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import bdtr, ndtri

from netpromoter.errors import InvalidArgument
from netpromoter.stats import Score, Share, share

METHODS = ["wilson", "jeffreys", "clopper_pearson", "agresti_coull"]

shares = st.integers(0, 400).flatmap(lambda n: st.builds(share, st.integers(0, n), st.just(n)))
levels = st.floats(0.5, 0.999)


@given(shares.filter(lambda s: s.n), levels)
def test_wilsons_limits_are_just_not_rejected(s, level):
    """At each limit the share lies so many standard errors of the limit away, as Wilson's equation says."""
    z = -ndtri((1 - level) / 2)
    for limit in s.interval(confidence_level=level):
        assert (s.value - limit) ** 2 == pytest.approx(z**2 * limit * (1 - limit) / s.n, abs=1e-9)


@given(shares.filter(lambda s: s.n), levels)
def test_exact_limits_leave_the_tails_that_they_promise(s, level):
    """At each limit of Clopper and Pearson the binomial law leaves half of what the level leaves."""
    low, high = s.interval(method="clopper_pearson", confidence_level=level)
    tail = (1 - level) / 2
    assert low == 0 if s.count == 0 else 1 - bdtr(s.count - 1, s.n, low) == pytest.approx(tail, abs=1e-9)
    assert high == 1 if s.count == s.n else bdtr(s.count, s.n, high) == pytest.approx(tail, abs=1e-9)


@given(st.tuples(*[st.integers(0, 200)] * 3).filter(any), st.sampled_from(METHODS))
def test_the_share_of_promoters_is_a_share(counts, method):
    """A share has the interval that a score gives for its promoters."""
    s = Score(promoters=counts[0], passives=counts[1], detractors=counts[2])
    expected = s.share_intervals(method=method)["promoters"]
    assert share(s.promoters, s.n).interval(method=method) == pytest.approx(expected, abs=1e-12)


@given(shares, st.sampled_from(METHODS), levels)
def test_counting_the_others_mirrors_the_interval(s, method, level):
    """The share of those who have not is what is left, and so are its limits."""
    low, high = s.interval(method=method, confidence_level=level)
    others = share(s.n - s.count, s.n).interval(method=method, confidence_level=level)
    assert others == pytest.approx((1 - high, 1 - low), abs=1e-9)
    assert 0 <= low <= high <= 1


@given(shares, shares)
def test_shares_of_parts_add_to_the_share_of_the_whole(a, b):
    """Two disjoint groups are one group with both counts."""
    assert a + b == b + a == sum([a, b]) == share(a.count + b.count, a.n + b.n)
    if a.n and b.n:
        assert (a + b).exact == (a.exact * a.n + b.exact * b.n) / (a.n + b.n)
    with pytest.raises(TypeError):
        _ = a + 0.5
    with pytest.raises(TypeError):
        _ = 1 + a


@given(shares)
def test_shares_are_values(s):
    """Equal counts are equal, hash alike and survive pickling; the value is the float nearest the fraction."""
    again = share(np.int64(s.count), float(s.n))
    assert again == s
    assert hash(again) == hash(s)
    assert type(again.n) is int
    assert pickle.loads(pickle.dumps(s)) == s  # noqa: S301 -- our own bytes
    assert s.value == (None if s.exact is None else float(s.exact))


def test_nobody_has_a_share_that_is_not_known():
    """A share of nobody is a value: it has no figure, and could be anything."""
    nobody = share(0, 0)
    assert nobody.value is nobody.exact is None
    assert all(nobody.interval(method=method) == (0, 1) for method in METHODS)
    assert repr(nobody) == "not known (of nobody)"
    assert "0.0% to 100.0%" in nobody._repr_html_()
    assert nobody + share(1, 2) == share(1, 2)


def test_it_shows_itself():
    """One line holds the share, its interval and both counts."""
    assert repr(share(52, 126)) == "41.3% (95% CI 33.1% to 50.0%; 52 of 126)"
    assert repr(share(1_200, 3_600)) == "33.3% (95% CI 31.8% to 34.9%; 1,200 of 3,600)"
    assert "<b>41.3%</b>" in share(52, 126)._repr_html_()
    assert share(1, 3).exact == Fraction(1, 3)
    assert isinstance(share(1, 3), Share)


@pytest.mark.parametrize(
    ("count", "n", "message"),
    [
        (3, 2, r"count must be at most n, 2 \(got 3\)"),
        (-1, 2, r"count must be a whole number of at least 0 \(got -1\)"),
        (0.5, 2, r"count must be a whole number of at least 0 \(got 0.5\)"),
        (True, 2, r"count must be a whole number of at least 0 \(got True\)"),
        (0, None, r"n must be a whole number of at least 0 \(got None\)"),
    ],
)
def test_counts_are_checked(count, n, message):
    """Counts are whole numbers, the first at most the second."""
    with pytest.raises(InvalidArgument, match=f"^{message}$"):
        share(count, n)


def test_options_are_checked():
    """A method that is for three shares at once, and a level in percent, are refused, of nobody too."""
    for s in (share(1, 2), share(0, 0)):
        with pytest.raises(InvalidArgument, match=r"^method must be one of 'wilson', .* \(got 'goodman'\)$"):
            s.interval(method="goodman")
        with pytest.raises(InvalidArgument, match=r"^confidence_level must be a number strictly between 0 and 1"):
            s.interval(confidence_level=95)
