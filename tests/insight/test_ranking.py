"""Owners and teams in an order, and what chance leaves open of it."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpromoter.errors import InvalidArgument
from netpromoter.insight import Caseload, Ranking, WithinPromise, loop
from netpromoter.model import Case, CaseOpened, Response
from netpromoter.stats import Share, share

START = datetime(2026, 6, 1, 8, tzinfo=UTC)
SHARES = st.integers(0, 40).flatmap(lambda n: st.integers(0, n).map(lambda count: share(count, n)))
GROUPS = st.dictionaries(st.none() | st.sampled_from("abcdefgh"), SHARES, max_size=9)


def owned(owners):
    """Make a loop of cases by owner: how many there are, and how many of them are closed."""
    answers, cases = [], []
    for owner, (number, closed) in owners.items():
        for place in range(number):
            who = f"{owner}-{place}"
            answers.append(Response(survey="nps", occasion="june", contact=who, rating=2, at=START))
            opened = CaseOpened(survey="nps", occasion="june", contact=who, policy="p", rating=2, owner=owner, at=START)
            shut = Case(opened=opened).move("closed", by="cy", at=START, resolution="no action")
            cases.append(Case(opened=opened, moves=(shut,) if place < closed else ()))
    return loop(answers, cases=cases, at=START + timedelta(days=1))


@given(GROUPS, st.integers(1, 20))
def test_every_group_is_listed_and_the_small_are_not_ranked(shares, minimum):
    """Each group has one row; ranks follow the shares, and a group of fewer than the minimum has none."""
    rows = Ranking(what="closed", shares=shares, minimum=minimum).rows()
    assert {row["group"] for row in rows} == set(shares)
    assert len(rows) == len(shares)
    ranked = [row for row in rows if row["rank"] is not None]
    assert rows[: len(ranked)] == ranked
    assert {row["group"] for row in ranked} == {group for group, each in shares.items() if each.n >= minimum}
    for row in ranked:
        assert row["rank"] == 1 + sum(other["value"] > row["value"] for other in ranked)
        assert 1 <= row["rank_low"] <= row["rank"] <= row["rank_high"] <= len(ranked)
        assert row["low"] <= row["value"] <= row["high"]
    assert [row["value"] for row in ranked] == sorted((row["value"] for row in ranked), reverse=True)


def test_order_among_equals_is_mostly_left_open():
    """Of 300 rankings of 8 equal owners, the ranges of ranks tell one from another in no more than 5 %."""
    chance = random.Random(11)  # noqa: S311
    told = 0
    for _ in range(300):
        shares = {str(owner): share(sum(chance.random() < 0.7 for _ in range(40)), 40) for owner in range(8)}
        told += any(row["rank_low"] > 1 or row["rank_high"] < 8 for row in Ranking(what="closed", shares=shares).rows())
    assert told / 300 <= 0.05


def test_clear_differences_are_told():
    """Groups whose intervals do not meet have ranks of their own, however many they are."""
    shares = {"ann": share(390, 400), "bea": share(200, 400), "cy": share(10, 400)}
    found = Ranking(what="closed", shares=shares)
    assert [(row["rank_low"], row["rank_high"]) for row in found.rows()] == [(1, 1), (2, 2), (3, 3)]
    assert found.level == pytest.approx(1 - 0.05 / 3)


def test_by_owner_and_by_team():
    """Owners are ranked by what they closed, teams by what their owners did, and the cases of nobody stay nobody's."""
    found = owned({"ann": (12, 12), "bea": (12, 3), "cy": (3, 3), None: (11, 0)})
    assert list(found.caseloads) == ["ann", "bea", "cy", None]
    assert [row["group"] for row in found.by_owner().rows()] == ["ann", "bea", None, "cy"]
    teams = found.by_team({"ann": "east", "cy": "east", "bea": "west"}, minimum=5)
    assert {row["group"]: (row["count"], row["n"]) for row in teams.rows()} == {
        "east": (15, 15),
        "west": (3, 12),
        None: (0, 11),
    }
    assert found.by_owner("contacted", minimum=13).ranked == []
    assert found.by_owner("attempt within promise").shares["ann"] == share(0, 0)
    assert found.by_owner().to_frame("polars").rows(named=True) == found.by_owner().rows()


def test_a_case_is_its_last_owners():
    """Who took over a case answers for it."""
    opened = CaseOpened(survey="nps", occasion="june", contact="a", policy="p", rating=2, owner="ann", at=START)
    moved = Case(opened=opened).move("assigned", by="cy", at=START, owner="bea")
    answer = Response(survey="nps", occasion="june", contact="a", rating=2, at=START)
    found = loop([answer], cases=[Case(opened=opened, moves=(moved,))], at=START)
    assert list(found.caseloads) == ["bea"]


def test_caseloads_add_up():
    """Caseloads of different cases are merged."""
    kept = WithinPromise(promise="attempt", kept=2, unmet=1)
    promises = {"attempt": kept, "contact": WithinPromise(promise="contact"), "close": WithinPromise(promise="close")}
    both = Caseload(cases=4, contacted=3, closed=1, promises=promises) + Caseload(cases=2, closed=2)
    assert (both.cases, both.contacted, both.closed, both.promises["attempt"]) == (6, 3, 3, kept)
    assert both.measure("attempt within promise").share == Share(count=2, n=3)
    assert both.measure().share == share(3, 6)
    assert repr(both) == "Caseload(6 cases, 3 contacted, 3 closed)"
    with pytest.raises(TypeError, match="unsupported operand"):
        both + 1


def test_options_are_refused_by_name():
    """A minimum, a level or a share that is none is refused."""
    found = owned({"ann": (2, 1)})
    with pytest.raises(InvalidArgument, match="what must be one of 'contacted', 'closed', 'attempt within promise'"):
        found.by_owner("open")
    with pytest.raises(InvalidArgument, match="what must be one of"):
        Caseload().measure("open")
    with pytest.raises(InvalidArgument, match="minimum must be a whole number of at least 1"):
        found.by_owner(minimum=0)
    with pytest.raises(InvalidArgument, match="confidence_level must be a number strictly between 0 and 1"):
        found.by_team({}, confidence_level=95)
    for wrong, shown in ((5, "5"), ({"ann": ["east"]}, r"{'ann': \['east'\]}"), ({5: "east"}, "{5: 'east'}")):
        with pytest.raises(InvalidArgument, match=rf"teams must be a mapping of owners to teams, .* \(got {shown}\)"):
            found.by_team(wrong)


def test_a_notebook_shows_the_ranking():
    """The table says who is whose, escapes names, and leaves out what is not known."""
    shown = Ranking(what="closed", shares={"<b>": share(9, 20), None: share(0, 0)})._repr_html_()
    assert "<b>9" not in shown
    assert "&lt;b&gt;" in shown
    assert "nobody" in shown
    assert "all intervals hold at once with 95%" in shown
    assert repr(Ranking(what="closed", shares={"ann": share(9, 20)})) == "Ranking(closed: 1 groups ranked)"
