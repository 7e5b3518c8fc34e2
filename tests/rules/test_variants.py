"""Variants: everybody sees one arm, with its share, and the same tomorrow."""

import numpy as np
import pytest

from netpromoter.errors import InvalidArgument
from netpromoter.model import Contact, Contacts
from netpromoter.rules import Variant, Variants

MANY = 30_000
PEOPLE = Contacts.of([Contact(id=f"c-{number}") for number in range(MANY)])


@pytest.mark.parametrize("weights", [(1, 1), (1, 2, 7), (0.5, 0.25, 0.25), (1000, 1)])
def test_each_arm_gets_its_share(weights):
    """The people of an arm are its weight over all weights, within four standard errors."""
    test = Variants(*(Variant(f"arm {number}", weight=weight) for number, weight in enumerate(weights)))
    counts = np.bincount(test.drawn(PEOPLE, "nps/autumn"), minlength=len(weights))
    shares = np.array(weights) / sum(weights)
    assert (np.abs(counts - MANY * shares) <= 4 * (MANY * shares * (1 - shares)) ** 0.5).all()


def test_an_arm_is_kept_among_other_people():
    """Who sees which arm depends on the person and the seed alone."""
    test = Variants(Variant("a"), Variant("b"), Variant("c"))
    every = test.drawn(PEOPLE, "s")
    some = np.arange(0, MANY, 7)[::-1]
    assert (test.drawn(PEOPLE.take(some), "s") == every[some]).all()
    assert abs((test.drawn(PEOPLE, "t") == every).mean() - 1 / 3) < 0.02


def test_arms_are_found_by_name():
    """An arm has its name; of none, or of one that is gone, there is none."""
    bold = Variant("bold", subject="!", template="loud")
    test = Variants(Variant("plain"), bold)
    assert test.named("bold") is bold
    assert test.named("gone") is test.named(None) is None
    assert len(test.drawn(Contacts.of([]), "s")) == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Variants(Variant("a"), "b"), r"arms must be made of variants \(got 'b'\)"),
        (Variants, r"arms must be two or more, of different names \(got \[\]\)"),
        (lambda: Variants(Variant("a")), r"arms must be two or more, of different names \(got \['a'\]\)"),
        (lambda: Variants(Variant("a"), Variant("a")), "arms must be two or more, of different names"),
        (lambda: Variants(Variant("a"), Variant("b"), Variant("a")), "arms must be two or more, of different names"),
        (lambda: Variant(""), "name must be text that is not blank"),
        (lambda: Variant("a", subject=3), r"subject must be text that is not blank \(got 3\)"),
        (lambda: Variant("a", template=" "), "template must be text that is not blank"),
        (lambda: Variant("a", weight=0), r"weight must be a finite number above 0 \(got 0\)"),
        (lambda: Variant("a", weight=float("inf")), "weight must be a finite number above 0"),
        (lambda: Variant("a", weight=float("nan")), "weight must be a finite number above 0"),
        (lambda: Variant("a", weight=True), "weight must be a finite number above 0"),
        (lambda: Variant("a", weight="1"), "weight must be a finite number above 0"),
    ],
)
def test_what_is_no_variant_is_refused(make, message):
    """Wrong names, subjects and weights are refused in words that name them."""
    with pytest.raises(InvalidArgument, match=message):
        make()
