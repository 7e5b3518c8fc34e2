"""Audiences: who belongs, who is drawn, and with which probability."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netpromoter.errors import InvalidArgument
from netpromoter.model import Contact, Contacts
from netpromoter.rules import Census, Sample, draws, field, selection

MANY = 20_000
PAID, FREE = field("plan") == "paid", field("plan") == "free"


@cache
def crowd():
    """Make people with fixed ids: every tenth without a plan, a third paying, in five countries."""
    return Contacts.of(
        [
            Contact(
                id=f"c-{number}",
                attributes={
                    "plan": None if number % 10 == 0 else "paid" if number % 3 == 0 else "free",
                    "country": None if number % 7 == 0 else "ABCDE"[number % 5],
                    "tier": "large" if number % 11 == 0 else "small",
                },
            )
            for number in range(MANY)
        ]
    )


def of(*audiences, seed="nps/autumn", people=None):
    return selection(audiences, crowd() if people is None else people, seed)


def truly(condition):
    return condition.evaluate(crowd().columns, MANY)


def test_a_census_draws_everybody_who_meets_its_condition():
    """Members are those of whom it is true, each with probability 1; who is unknown is not selected, and says why."""
    found, truth = of(Census(where=PAID, name="paying")), truly(PAID)
    assert (found.drawn == truth.true).all()
    assert (found.member == truth.true).all()
    assert (found.probability == truth.true).all()
    assert [found.fields[code] for code in np.unique(found.unknown[truth.unknown])] == ["plan"]
    assert (found.unknown[~truth.unknown] == -1).all()
    assert found.strata == ("paying",)
    assert ((found.stratum == 0) == truth.true).all()
    assert ((found.audience == 0) == truth.true).all()


def test_a_census_without_a_condition_is_everybody():
    """Without a condition all belong to one stratum."""
    found = of(Census())
    assert found.drawn.all()
    assert found.strata == ("everybody",)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 1.0, 1])
def test_a_share_is_drawn_with_its_probability(share):
    """The part that is drawn is the probability that is given, within five standard errors; of a whole it is all."""
    found = of(Sample(share=share))
    assert (found.probability == share).all()
    assert abs(found.drawn.mean() - share) <= 5 * (share * (1 - share) / MANY) ** 0.5


@given(shares=st.lists(st.floats(0.001, 1), min_size=2, max_size=4).map(sorted))
def test_samples_are_nested_when_the_share_grows(shares):
    """Who is in a smaller share is in every larger one."""
    drawn = [of(Sample(share=share)).drawn for share in shares]
    for small, large in pairwise(drawn):
        assert not (small & ~large).any()


@pytest.mark.parametrize("by", [(), "country", ("country", "tier")])
@pytest.mark.parametrize("size", [1, 40, 3000])
def test_a_sample_of_a_size_has_exactly_so_many_of_each_stratum(by, size):
    """Each stratum gives the smaller of its population and the size, also that of those without a value."""
    found = of(Sample(size=size, where=PAID | FREE, by=by, name="all"))
    assert (found.drawn <= found.member).all()
    seen = 0
    for code, _ in enumerate(found.strata):
        here = found.stratum == code
        population = int((found.member & here).sum())
        assert int((found.drawn & here).sum()) == min(size, population)
        assert set(found.probability[here].tolist()) <= {min(1, size / max(population, 1))}
        seen += population
    assert seen == int(truly(PAID | FREE).true.sum())
    assert any("(none)" in name for name in found.strata) == bool(by)


@settings(max_examples=25)
@given(sizes=st.lists(st.integers(1, 9000), min_size=2, max_size=3).map(sorted))
def test_samples_are_nested_when_the_size_grows(sizes):
    """Who is in a smaller sample is in every larger one, stratum by stratum."""
    drawn = [of(Sample(size=size, by="country")).drawn for size in sizes]
    for small, large in pairwise(drawn):
        assert not (small & ~large).any()


def test_strata_are_named_by_their_values():
    """A stratum is called by its audience and the values of its columns."""
    people = Contacts.of(
        [
            Contact(id="a", attributes={"x": "1", "y": "2"}),
            Contact(id="b", attributes={"x": "3"}),
            Contact(id="c", attributes={"y": "2"}),
        ]
    )
    found = of(Sample(size=5, by=("x", "y"), name="n"), people=people)
    assert [found.strata[code] for code in found.stratum.tolist()] == ["n/1/2", "n/3/(none)", "n/(none)/2"]


def test_the_union_of_audiences_has_the_largest_probability():
    """Who meets several conditions is drawn if any of them draws: with the largest probability, from its stratum."""
    audiences = (
        Sample(share=0.1, name="any"),
        Sample(share=0.3, where=FREE, name="free"),
        Census(where=field("tier") == "large"),
    )
    found = of(*audiences)
    free, large = truly(FREE).true, truly(field("tier") == "large").true
    expected = np.where(large, 1, np.where(free, 0.3, 0.1))
    assert (found.probability == expected).all()
    assert (found.audience == np.where(large, 2, np.where(free, 1, 0))).all()
    assert (found.drawn == np.any([of(each).drawn for each in audiences], axis=0)).all()
    assert (found.drawn == (draws(crowd(), "sample", "nps/autumn") < expected)).all()


def test_the_order_of_audiences_changes_nobody():
    """The order of audiences changes neither who is drawn nor the probability."""
    audiences = [
        Sample(share=0.2, where=FREE),
        Sample(size=900, where=PAID | FREE),
        Census(where=field("tier") == "large"),
    ]
    one, other = of(*audiences), of(*audiences[::-1])
    assert (one.drawn == other.drawn).all()
    assert (one.probability == other.probability).all()


def test_each_seed_draws_anew():
    """Samples of two waves are independent."""
    one, other = of(Sample(share=0.5), seed="a").drawn, of(Sample(share=0.5), seed="b").drawn
    assert abs((one & other).mean() - 0.25) < 5 * (0.1875 / MANY) ** 0.5


def test_who_is_unknown_to_one_audience_may_belong_to_another():
    """Somebody of whom one condition is unknown is not said to miss a field where another audience takes them."""
    found = of(Census(where=PAID), Census(where=field("tier") == "large"))
    assert (found.unknown[found.member] == -1).all()
    assert (found.unknown >= 0).sum() == (truly(PAID).unknown & ~found.member).sum()


@pytest.mark.parametrize("audience", [Census(), Sample(share=0.5), Sample(size=3, by="country"), Census(where=PAID)])
def test_nobody_is_drawn_from_nobody(audience):
    """Of nobody nothing is known, so that no field is refused."""
    found = of(audience, people=Contacts.of([]))
    assert len(found.drawn) == len(found.probability) == 0


@pytest.mark.parametrize(
    ("audience", "stratum", "draw"),
    [
        (Census(), "everybody", "everybody"),
        (Census(name="x"), "x", "all of x"),
        (Census(where=PAID), 'field("plan") == "paid"', 'all of field("plan") == "paid"'),
        (Sample(share=0.125), "everybody", "a random 12.5% of everybody"),
        (Sample(size=1200, by="tier", name="x"), "x", "a random 1,200 of x in each tier"),
        (
            Sample(size=1, where=PAID, by=["a", "b"]),
            'field("plan") == "paid"',
            'a random 1 of field("plan") == "paid" in each a and b',
        ),
    ],
)
def test_an_audience_says_who_it_is(audience, stratum, draw):
    """A stratum has the name that it was given, or else that of its condition, and the draw is told in words."""
    assert audience.stratum == stratum
    assert audience.draw == draw


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Census(where="paid"),
            r"where must be a condition such as field\(\"plan\"\) == \"paid\" \(got 'paid'\)",
        ),
        (lambda: Census(name=" "), r"name must be text that is not blank \(got ' '\)"),
        (Sample, r"share must be given, or size, and not both \(got None\)"),
        (lambda: Sample(share=0.1, size=3), r"share must be given, or size, and not both \(got 0.1\)"),
        (lambda: Sample(share=0), r"share must be a number above 0, and 1 at most \(got 0\)"),
        (lambda: Sample(share=1.01), "share must be a number above 0, and 1 at most"),
        (lambda: Sample(share=float("nan")), "share must be a number above 0, and 1 at most"),
        (lambda: Sample(share=True), "share must be a number above 0, and 1 at most"),
        (lambda: Sample(share="1"), "share must be a number above 0, and 1 at most"),
        (lambda: Sample(size=0), r"size must be a whole number of at least 1 \(got 0\)"),
        (lambda: Sample(size=3, by=""), r"by must be text that is not blank, once or several times \(got ''\)"),
        (lambda: Sample(size=3, by=3), "by must be text that is not blank, once or several times"),
        (lambda: Sample(size=3, by=["a", "a"]), r"by must be different names \(got \['a', 'a'\]\)"),
        (
            lambda: of(Sample(size=3, by="region")),
            r"by must be columns of text, known of some contact \(got 'region'\)",
        ),
        (lambda: of(Sample(size=3, by="since")), "by must be columns of text"),
        (lambda: of(Sample(size=3, by="locale")), "by must be columns of text"),
        (lambda: of(Census(where=field("region") == "x")), "region"),
    ],
)
def test_what_is_no_audience_is_refused(make, message):
    """A wrong share, size, condition, name or column is refused in words that name it."""
    with pytest.raises(InvalidArgument, match=message):
        make()
