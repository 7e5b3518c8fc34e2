"""Polls: what is fixed at the launch, what is hidden, and what remains."""

import pickle

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpromoter.errors import InvalidArgument, InvalidRating
from netpromoter.model import Ballot, Poll, Release, ReleasedComment, ReleasedGroup, Tally, Turnout
from netpromoter.ratings import Histogram

ROSTER = {"ann": {"team": "sales", "site": "rome"}, "bob": {"team": "legal", "site": "rome"}}


def poll(**more):
    return Poll(**{"survey": "enps", "occasion": "autumn", "roster": ROSTER} | more)


REFUSED = {
    "roster must be a mapping of at least one participant to groups (got {})": {"roster": {}},
    "roster must be a mapping of at least one participant to groups (got ['ann'])": {"roster": ["ann"]},
    "each key of roster must be text that is not blank (got 7)": {"roster": {7: {}}},
    "roster['ann'] must be a mapping of attributes to labels, none of them blank (got {'team': ' '})": {
        "roster": {"ann": {"team": " "}}
    },
    "roster['ann'] must be a mapping of attributes to labels, none of them blank (got 'sales')": {
        "roster": {"ann": "sales"}
    },
    "roster['ann'] must be groups with a label for 'team' (got {'site': 'rome'})": {
        "roster": {"ann": {"site": "rome"}},
        "tables": [("site", "team")],
    },
    "roster['bob'] must be groups with a label for 'sex' (got {'team': 'legal', 'site': 'rome'})": {
        "roster": ROSTER | {"ann": ROSTER["ann"] | {"sex": "-"}},
        "comments_by": "sex",
    },
    "tables must be a tuple of tuples of different attributes (got 'team')": {"tables": "team"},
    "tables must be a tuple of tuples of different attributes (got 7)": {"tables": 7},
    'each of tables must be a tuple of different attributes, such as ("team", "site") (got \'team\')': {
        "tables": ("team",)
    },
    "each of tables must be a tuple of different attributes, such as (\"team\", \"site\") (got ('team', 'team'))": {
        "tables": [("team", "team")]
    },
    "tables must be different from each other, whatever the order of their attributes (got [('team', 'site'), ('site', "
    "'team')])": {"tables": [("team", "site"), ("site", "team")]},
    "minimum must be a whole number of at least 3 (got 2)": {"minimum": 2},
    "comments_minimum must be 5 at least, as minimum is (got 4)": {"comments_minimum": 4},
    "comments_by must be text that is not blank (got '')": {"comments_by": ""},
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_promised_is_refused_by_name(message):
    """Every refusal names the argument, the rule and the value."""
    with pytest.raises(InvalidArgument) as caught:
        poll(**REFUSED[message])
    assert str(caught.value) == message


def test_a_poll_has_the_table_of_everybody_first_and_shows_nobody():
    """Whatever is declared, everybody is a table; the roster is in no representation."""
    found = poll(tables=[["team"], ()], comments_by="site")
    assert found.tables == ((), ("team",))
    assert found.attributes == ("team", "site")
    assert found.cell("ann") == ("sales", "rome")
    assert "ann" not in repr(found)
    assert pickle.loads(pickle.dumps(found)) == found  # noqa: S301 -- it was made a moment ago
    assert hash(found) == hash(poll(tables=[("team",)], comments_by="site"))


def test_a_ballot_shows_nothing():
    """Neither the rating nor the comment is in a representation or in a refusal."""
    assert repr(Ballot(rating="9", comment="I am Ann")) == "Ballot()"
    assert Ballot(rating="9") == Ballot(rating=9)
    with pytest.raises(InvalidArgument, match=r"^comment must be text that is not blank \(got blank text\)$"):
        Ballot(rating=9, comment=" ")
    with pytest.raises(InvalidRating, match=r"^rating must be a whole number from 0 to 10 \(got None\)$"):
        Ballot(rating=None)
    assert "I am Ann" not in repr(ReleasedComment(text="I am Ann"))


def test_the_share_of_participants_runs_from_zero_to_one():
    """Nobody is a share of 0, and everybody one of 1."""
    assert Turnout(table=(), labels=(), invited=4, participants=4).share == 1
    assert Turnout(table=(), labels=(), invited=4, participants=0).share == 0


CELLS = st.dictionaries(
    st.tuples(st.sampled_from("ab"), st.sampled_from("xyz")),
    st.tuples(st.lists(st.integers(0, 9), min_size=11, max_size=11), st.integers(0, 9)),
    min_size=1,
)


@given(CELLS)
def test_the_groups_of_each_table_add_up_to_everybody(cells):
    """By whichever attributes ballots are told apart, together they are all of them, and so are the missing."""
    found = Tally(
        poll="enps/autumn",
        minimum=5,
        tables=((), ("one",), ("two", "one")),
        attributes=("one", "two"),
        cells=tuple(cells),
        histograms=tuple(Histogram(counts=counts, missing=missing) for counts, missing in cells.values()),
    )
    everybody = found.by(())[()]
    assert everybody.n == sum(found.n)
    for table in found.tables:
        groups = found.by(table)
        first, *rest = groups.values()
        assert sum(rest, first) == everybody
        assert set(groups) == set(zip(*(found.columns[name] for name in table), strict=True) if table else [()])


def test_a_release_is_asked_by_what_groups_are_called():
    """A group is found by its table and labels, and what is not there is refused."""
    histogram = Histogram(counts={9: 6})
    groups = (
        ReleasedGroup(table=(), labels=(), invited=6, histogram=histogram),
        ReleasedGroup(table=("team",), labels=("a + b",), parts=(("a",), ("b",)), invited=6, histogram=None),
    )
    found = Release(poll="enps/autumn", minimum=5, comments_minimum=10, groups=groups, comments=())
    assert found.group() == groups[0]
    assert found.group(["team"], ["a + b"]) == groups[1]
    assert (groups[0].parts, groups[0].n, groups[1].n) == (((),), 6, None)
    with pytest.raises(InvalidArgument, match=r"^table and labels must be those of a group of the release \(got "):
        found.group(("team",), ("a",))
    assert attrs.evolve(found) == found
