"""Draws: the same tomorrow and beside others, uniform, and independent of one another."""

from functools import cache
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpromoter.model import Contact, Contacts
from netpromoter.rules import draws

MANY = 100_000
DRAWS = [
    ("sample", "nps/autumn"),
    ("sample", "nps/winter"),
    ("sample", "pulse/autumn"),
    ("drip", "nps/autumn"),
    ("arm", "nps/autumn"),
    ("first ask", "nps/autumn"),
    ("line", "nps/autumn"),
    ("sampl", "enps/autumn"),
]


@cache
def crowd():
    """Make a hundred thousand people with fixed ids."""
    return Contacts.of([Contact(id=f"c-{number}") for number in range(MANY)])


@cache
def drawn(purpose, seed):
    return draws(crowd(), purpose, seed)


@given(ids=st.lists(st.text(min_size=1).filter(str.strip), unique=True, min_size=1, max_size=8), data=st.data())
def test_a_draw_depends_on_the_person_alone(ids, data):
    """Other people beside somebody, and their order, change no draw."""
    some = data.draw(st.permutations(ids))[: data.draw(st.integers(1, len(ids)))]
    everybody = dict(zip(ids, draws(Contacts.of([Contact(id=each) for each in ids]), "arm", "s").tolist(), strict=True))
    few = draws(Contacts.of([Contact(id=each) for each in some]), "arm", "s").tolist()
    assert few == [everybody[each] for each in some]


@pytest.mark.parametrize(("purpose", "seed"), DRAWS)
def test_draws_are_uniform(purpose, seed):
    """A hundred cells are filled evenly, by the chi-squared distance of 99 degrees of freedom, and none is 0 to 1."""
    uniform = drawn(purpose, seed)
    assert ((uniform >= 0) & (uniform < 1)).all()
    counts = np.bincount((uniform * 100).astype(int), minlength=100)
    expected = MANY / 100
    assert 58 < ((counts - expected) ** 2 / expected).sum() < 149  # beyond which one in a thousand lies on each side
    assert len(np.unique(uniform)) == MANY


@pytest.mark.parametrize(("one", "other"), list(combinations(DRAWS, 2)))
def test_two_purposes_or_seeds_are_independent(one, other):
    """Draws of two purposes or seeds have no correlation, and fill the four quarters of a table evenly."""
    first, second = drawn(*one), drawn(*other)
    assert abs(np.corrcoef(first, second)[0, 1]) < 4 / MANY**0.5
    for share in (0.5, 0.1):
        both = int(((first < share) & (second < share)).sum())
        expected, spread = MANY * share**2, (MANY * share**2 * (1 - share) ** 2) ** 0.5
        margins = (first < share).mean() * (second < share).mean() * MANY
        assert abs(both - margins) < 4 * spread
        assert abs(both - expected) < 6 * (MANY * share**2 * (1 - share**2)) ** 0.5


def test_neighbors_are_independent():
    """Ids that differ in one digit have draws that do not tell of each other."""
    uniform = drawn("sample", "nps/autumn")
    for lag in (1, 2, 10, 100):
        assert abs(np.corrcoef(uniform[:-lag], uniform[lag:])[0, 1]) < 4 / MANY**0.5


def test_a_purpose_and_a_seed_do_not_run_into_each_other():
    """The border between purpose and seed is part of the draw."""
    assert (draws(crowd(), "a", "bc")[:50] != draws(crowd(), "ab", "c")[:50]).all()
    assert (draws(crowd(), "a\x00b", "c")[:50] != draws(crowd(), "a", "b\x00c")[:50]).all()


def test_draws_leave_the_ids_as_they_are():
    """Drawing twice gives the same twice, since the digests that all draws share are not touched."""
    before = crowd().digests.copy()
    assert (draws(crowd(), "arm", "x") == draws(crowd(), "arm", "x")).all()
    assert (crowd().digests == before).all()


def test_nobody_has_no_draws():
    """Of nobody there are no draws."""
    assert draws(Contacts.of([]), "sample", "s").tolist() == []
