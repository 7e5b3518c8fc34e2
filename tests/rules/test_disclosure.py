"""Disclosure control: nothing about fewer answers than promised can be computed from what is shown."""

import json
from collections import Counter
from fractions import Fraction
from functools import partial
from itertools import combinations, product

import attrs
import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from netpromoter.errors import InvalidArgument
from netpromoter.model import Tally
from netpromoter.ratings import Histogram
from netpromoter.rules import Disclosure, Group, Released, merged, released_groups
from netpromoter.rules._disclosure_spans import kept, light, recipes

NAMES = ("a", "b", "c")
TABLES = tuple(table for size in range(4) for table in combinations(NAMES, size))
EVERYBODY = Group()


def rank(rows):
    """Give the rank of rows, over fractions: the textbook's elimination, and none of the code under test."""
    rows, found = [list(map(Fraction, row)) for row in rows], 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((place for place in range(found, len(rows)) if rows[place][column]), None)
        if pivot is None:
            continue
        rows[found], rows[pivot] = rows[pivot], rows[found]
        for place in range(found + 1, len(rows)):
            factor = rows[place][column] / rows[found][column]
            rows[place] = [one - factor * other for one, other in zip(rows[place], rows[found], strict=True)]
        found += 1
    return found


def spans(rows, target):
    return rank([*rows, target]) == rank(rows)


def touched(rows, weights, least):
    """Give every set of columns of less weight in all that some combination of the rows touches alone, the brute way.

    There is one if, without these columns, the rows have a lower rank.
    """
    whole, size = rank(rows), len(weights)
    found = set()
    for number in range(1, min(size, least - 1) + 1):
        for columns in combinations(range(size), number):
            others = [column for column in range(size) if column not in columns]
            if sum(weights[column] for column in columns) < least:
                below = rank([[row[column] for column in others] for row in rows]) if others else 0
                found |= {columns} if below < whole else set()
    return found


def cells(columns):
    return Counter(zip(*(columns[name] for name in sorted(columns)), strict=True))


def row_of(group, columns, counted):
    places = [sorted(columns).index(name) for name in group.table]
    return [int(tuple(cell[place] for place in places) == group.labels) for cell in counted]


def groups_of(columns, tables):
    """Give the groups of all tables with their sizes, by counting."""
    found = Counter()
    for table in tables:
        labels = zip(*(columns[name] for name in table), strict=True) if table else [()] * len(columns["a"])
        found.update(Group(table, each) for each in labels if None not in each)
    return found


def answers_of(sizes, labels=3):
    """Make answers with labels for each attribute, some without."""
    label = st.sampled_from(["x", "y", "z", "w"][:labels])
    answer = st.tuples(label, label, st.one_of(label, st.none()))
    return st.lists(answer, **sizes).map(
        lambda answers: {name: [each[place] for each in answers] for place, name in enumerate(NAMES)}
    )


some_tables = st.lists(st.sampled_from(TABLES), min_size=1, max_size=6, unique=True)
few = answers_of({"min_size": 1, "max_size": 16}, labels=2)
more = answers_of({"min_size": 1, "max_size": 60})


@settings(deadline=None, max_examples=80)
@given(columns=few, tables=some_tables, minimum=st.integers(3, 5))
def test_no_combination_of_what_is_shown_depends_on_fewer_answers(columns, tables, minimum):
    """Up to a minimum of 5, no set of cells with fewer answers is touched alone by anything that can be computed."""
    protected = Disclosure(minimum=minimum).protect(columns, tables)
    counted = cells(columns)
    rows = [row_of(group, columns, counted) for group in protected.shown]
    assert not touched(rows, list(counted.values()), minimum)
    assert protected.recoverable == ()


@settings(deadline=None, max_examples=60)
@given(columns=more, tables=some_tables, minimum=st.integers(3, 12))
def test_no_small_group_is_in_the_span_of_the_shown_ones(columns, tables, minimum):
    """Whatever the minimum, no group of a table with fewer answers is a combination of shown groups."""
    protected = Disclosure(comments=minimum).protect(columns, tables, of="comments")
    counted = cells(columns)
    rows = [row_of(group, columns, counted) for group in protected.shown]
    sizes = groups_of(columns, tables)
    assert dict(zip(protected.groups, protected.counts, strict=True)) == sizes
    assert {*protected.shown, *protected.withheld} == sizes.keys()
    for group, n in sizes.items():
        assert n >= minimum or not spans(rows, row_of(group, columns, counted))


@settings(deadline=None, max_examples=60)
@given(columns=more, tables=some_tables)
def test_nothing_is_given_up_for_nothing(columns, tables):
    """No group that is large enough and withheld could be shown beside the shown ones."""
    control = Disclosure()
    protected = control.protect(columns, tables)
    for group in protected.given_up:
        assert control.audit(columns, [*protected.shown, group], tables)


@settings(deadline=None, max_examples=60)
@given(columns=few, tables=some_tables, minimum=st.integers(3, 5), data=st.data())
def test_an_audit_finds_every_group_that_is_recoverable(columns, tables, minimum, data):
    """The audit of any release names the small groups that the oracle finds, and is empty only if the oracle is."""
    sizes = groups_of(columns, tables)
    assume(sizes)
    shown = data.draw(st.lists(st.sampled_from(sorted(sizes, key=str)), unique=True))
    found = Disclosure(minimum=minimum).audit(columns, shown, tables)
    counted = cells(columns)
    rows = [row_of(group, columns, counted) for group in shown]
    small = {group for group, n in sizes.items() if n < minimum and spans(rows, row_of(group, columns, counted))}
    assert {tuple(row_of(each.group, columns, counted)) for each in found if each.group} == {
        tuple(row_of(group, columns, counted)) for group in small
    }
    assert bool(found) == bool(touched(rows, list(counted.values()), minimum))


@settings(deadline=None, max_examples=60)
@given(columns=few, tables=some_tables)
def test_a_recipe_computes_what_it_says(columns, tables):
    """The shown groups, each as many times as the recipe says, sum up to the group, for any answers."""
    large = [group for group, n in groups_of(columns, tables).items() if n >= 3]
    counted = cells(columns)
    for found in Disclosure(minimum=3).audit(columns, large, tables):
        total = [Fraction(0)] * len(counted)
        for times, release, group in found.recipe:
            assert release == 1
            total = [one + times * other for one, other in zip(total, row_of(group, columns, counted), strict=True)]
        own = [cell for cell, times in zip(counted, total, strict=True) if times]
        assert set(own) == set(found.cells)
        assert sum(counted[cell] for cell in own) == found.answers < 3
        assert found.group is None or total == row_of(found.group, columns, counted)


@given(columns=more, tables=some_tables, seed=st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=40)
def test_the_order_of_answers_does_not_matter(columns, tables, seed):
    """Shuffled answers, and counted cells, give the same release; what is shown tells nothing about their order."""
    protected = Disclosure().protect(columns, tables)
    order = list(range(len(columns["a"])))
    seed.shuffle(order)
    shuffled = {name: np.array(column, object)[order] for name, column in reversed(columns.items())}
    assert Disclosure().protect(shuffled, tables) == protected
    counted = sorted(cells(columns).items(), key=str)
    crossed = {name: [cell[place] for cell, _ in counted] for place, name in enumerate(NAMES)}
    assert Disclosure().protect(crossed, tables, counts=[n for _, n in counted]) == protected


def test_the_withheld_departments_of_a_company():
    """Two small departments and a third are withheld, since the small ones together are fewer than the minimum."""
    columns = {"department": ["Sales"] * 20 + ["Support"] * 9 + ["Legal"] * 3 + ["Press"]}
    protected = Disclosure().protect(columns, [(), "department"])
    assert protected.shown == (EVERYBODY, Group("department", "Sales"))
    assert protected.given_up == (Group("department", "Support"),)
    assert protected.under_minimum == (Group("department", "Legal"), Group("department", "Press"))
    assert protected.rows() == [
        {"department": None, "n": 33},
        {"department": "Legal", "n": None},
        {"department": "Press", "n": None},
        {"department": "Sales", "n": 20},
        {"department": "Support", "n": None},
    ]
    assert Group("department", "Nobody") not in protected
    assert repr(protected) == "Protected(2 of 5 groups shown, 1 given up, minimum 5)"


def test_a_small_group_is_safe_along_the_hierarchy():
    """A department of three is not what a division is without its other departments."""
    columns = {
        "division": ["Field"] * 30 + ["Office"] * 15,
        "department": ["North"] * 14 + ["South"] * 16 + ["Finance"] * 12 + ["Legal"] * 3,
    }
    tables = [(), "division", "department"]
    protected = Disclosure().protect(columns, tables)
    assert protected.given_up == (Group("department", "Finance"),)
    (found,) = Disclosure().audit(columns, [*protected.shown, *protected.given_up], tables)
    assert str(found) == "department=Legal (3 answers) = division=Office - department=Finance"


def test_answers_without_a_label_are_protected_too():
    """Who has no department is what everybody is without the departments."""
    columns = {"department": [None] * 2 + ["Sales"] * 9 + ["Support"] * 8 + [float("nan")]}
    (found,) = Disclosure().audit(columns, [EVERYBODY, Group("department", "Sales"), Group("department", "Support")])
    assert (found.group, found.answers, found.cells) == (None, 3, ((None,),))
    assert str(found) == "part of a group (3 answers) = everybody - department=Sales - department=Support"
    assert len(Disclosure().protect(columns, [(), "department"]).shown) == 2


def test_many_small_groups_that_are_small_together_are_protected():
    """What is left of everybody without the large groups is not shown, however many groups that is."""
    columns = {"team": ["large"] * 30 + ["second"] * 14 + [f"team {number}" for number in range(8)]}
    protected = Disclosure().protect(columns, ["team", ()], of="comments")
    assert protected.given_up == (Group("team", "second"),)


def test_what_follows_from_more_than_differences_is_found():
    """Half a sum is a leak as well: with every two of three groups shown, each is known."""
    pairs = np.array([[1, 1, 0], [1, 0, 1], [0, 1, 1]])
    assert (recipes(pairs, np.array([[1, 0, 0], [1, 1, 1], [2, 0, 0]]))) == [
        (Fraction(1, 2), Fraction(1, 2), Fraction(-1, 2)),
        (Fraction(1, 2),) * 3,
        (1, 1, -1),
    ]
    assert kept(pairs, np.array([[1, 0, 0]]), np.zeros((0, 3), int)) == [0, 1]
    columns = {"a": ["x", "x", "y"] * 2, "b": ["x", "y", "x"] * 2, "c": ["y", "x", "x"] * 2}
    found = Disclosure(minimum=3).audit(columns, [Group(name, "x") for name in NAMES])
    assert {str(each).partition(" = ")[2] for each in found} > {"1/2 x a=x + 1/2 x b=x - 1/2 x c=x"}


# Whole tables: enumerated


def consistent(rows, table, highest):
    """Give every table of whole numbers up to a highest one that shows what this one shows."""
    shown = np.array(rows) @ table
    others = np.array(list(product(range(highest + 1), repeat=len(table))))
    return others[(others @ np.transpose(rows) == shown).all(axis=1)].tolist()


@settings(deadline=None, max_examples=40)
@given(columns=answers_of({"min_size": 5, "max_size": 24}, labels=2), data=st.data())
def test_another_table_shows_the_same(columns, data):
    """Where no cell is at its bounds, there is another table of whole numbers with another sum for a small group."""
    columns = {name: columns[name] for name in "ab"}
    counted = cells(columns)
    tables = [(), ("a",), ("b",), ("a", "b")]
    protected = Disclosure().protect(columns, tables)
    rows = [row_of(group, columns, counted) for group in protected.shown] or [[0] * len(counted)]
    table = data.draw(st.lists(st.integers(1, 4), min_size=len(counted), max_size=len(counted)))
    others = consistent(rows, table, 6)
    for group in protected.under_minimum:
        assert len({int(np.dot(row_of(group, columns, counted), other)) for other in others}) > 1


def test_what_follows_from_bounds_is_left_out():
    """If nobody of a shown group is a promoter, nobody of a small one within it is: that is no sum."""
    columns = {"department": ["Sales"] * 6 + ["Legal"] * 3}
    protected = Disclosure().protect(columns, [(), "department"])
    assert protected.shown == (EVERYBODY,)
    assert consistent([[1, 1]], [0, 0], 6) == [[0, 0]]


# Over time


def individuals(releases):
    """Give the rows of all that was shown, over single answers, and how many answers there are."""
    everybody = sorted({who for present, *_ in releases for who in present})
    rows = []
    for present, columns, protected in releases:
        for group in protected.shown:
            inside = {
                who
                for place, who in enumerate(present)
                if tuple(columns[name][place] for name in group.table) == group.labels
            }
            rows.append([int(who in inside) for who in everybody])
    return rows, len(everybody)


@settings(deadline=None, max_examples=60)
@given(data=st.data(), minimum=st.integers(3, 4))
def test_releases_over_time_give_nothing_away_together(data, minimum):
    """Answers come and go; over single answers, nothing that can be computed from all releases is of fewer."""
    people = data.draw(st.lists(st.sampled_from("xy"), min_size=6, max_size=14))
    spells = [
        (data.draw(st.integers(0, 2)), data.draw(st.integers(1, 3)), label, who) for who, label in enumerate(people)
    ]
    ledger, releases = Released(), []
    for number in range(3):
        present = [spell for spell in spells if spell[0] <= number < spell[0] + spell[1]]
        columns = {"a": [label for *_, label, _ in present], "batch": [start for start, *_ in present]}
        protected = Disclosure(minimum=minimum).protect(columns, [(), "a"], released=ledger)
        assert protected.recoverable == ()
        ledger = Released.from_dict(json.loads(json.dumps(protected.released.to_dict())))
        assert ledger == protected.released
        releases.append(([who for *_, who in present], columns, protected))
    rows, size = individuals(releases)
    distinct = Counter(zip(*rows, strict=True)) if rows else {}
    together = [list(column) for column in distinct]
    assert not touched([list(row) for row in zip(*together, strict=True)], list(distinct.values()), minimum)
    assert size == sum(distinct.values()) or not rows


def test_an_interim_release_is_remembered():
    """After 9 of Sales have been shown, 11 are not: that would be the answers of two."""
    first = {"department": ["Sales"] * 9 + ["Support"] * 12}
    interim = Disclosure().protect(first, [(), "department"])
    assert len(interim.shown) == 3
    last = {"department": ["Sales"] * 11 + ["Support"] * 18}
    final = Disclosure().protect(last, [(), "department"], released=interim.released)
    assert final.shown == (EVERYBODY,)
    assert len(Disclosure().protect(last, [(), "department"]).shown) == 3
    found = Disclosure().audit(last, [Group("department", "Sales")], released=interim.released)
    assert [str(each) for each in found] == ["part of a group (2 answers) = department=Sales - department=Sales"]
    assert found[0].recipe == ((1, 2, Group("department", "Sales")), (-1, 1, Group("department", "Sales")))
    assert repr(final.released) == "Released(2 releases)"


def test_what_has_been_given_away_before_is_told():
    """If an earlier release leaks, the next one cannot help it, and says so."""
    columns = {"department": ["Sales"] * 9 + ["Legal"] * 3}
    leaky = {
        "attributes": ["department"],
        "releases": 1,
        "cells": [[["Legal"], 3, True], [["Sales"], 9, True]],
        "shown": [[[], [], 1, [0, 1]], [["department"], ["Sales"], 1, [1]]],
    }
    protected = Disclosure().protect(columns, [(), "department"], released=Released.from_dict(leaky))
    assert [each.group for each in protected.recoverable] == [Group("department", "Legal")]


def test_a_revised_answer_is_another_one():
    """Where one answer is revised, a column says so, and the group is not shown again until enough have changed."""
    columns = {"team": ["a"] * 8, "batch": [1] * 8}
    first = Disclosure().protect(columns, ["team"])
    one = Disclosure().protect({"team": ["a"] * 8, "batch": [1] * 7 + [2]}, ["team"], released=first.released)
    assert one.shown == ()
    three = Disclosure().protect({"team": ["a"] * 8, "batch": [1] * 5 + [2] * 3}, ["team"], released=one.released)
    assert three.shown == (Group("team", "a"),)


def test_all_answers_of_some_cells_may_go():
    """A rolling window forgets a whole batch, though it came in parts."""
    first = Disclosure().protect({"batch": [1] * 6}, [()])
    second = Disclosure().protect({"batch": [1] * 12}, [()], released=first.released)
    third = Disclosure().protect({"batch": [2] * 5}, [()], released=second.released)
    assert third.shown == (EVERYBODY,)
    with pytest.raises(InvalidArgument, match=r"columns must be with a column that tells answers of several releases"):
        Disclosure().protect({"batch": [1] * 7}, [()], released=second.released)


# The lightest combinations


def lightest(rows, weights, least):
    """Say whether the search finds a light combination, after checking that what it finds is one."""
    rows = np.array(rows, np.int64)
    found = light(rows, np.array(weights, np.int64), least)
    for row in found.tolist():
        assert 0 < sum(weight for weight, times in zip(weights, row, strict=True) if times) < least
        assert spans(rows.tolist(), row)
    return len(found) > 0


matrices = st.integers(4, 9).flatmap(
    lambda width: st.lists(
        st.lists(st.integers(-2, 2), min_size=width, max_size=width), min_size=1, max_size=min(width, 6)
    )
)


@settings(deadline=None, max_examples=80)
@given(rows=matrices, data=st.data(), least=st.integers(3, 5))
@example(rows=[[1, -1, 2, -2, 0], [2, 1, 0, 1, 1]], data=None, least=5)
def test_the_search_is_as_good_as_trying_all_sets_of_columns(rows, data, least):
    """A light combination is found if and only if there is one, also with factors other than 1."""
    size = len(rows[0])
    weights = data.draw(st.lists(st.integers(1, 3), min_size=size, max_size=size)) if data else [1] * size
    columns = list(zip(*rows, strict=True))
    distinct = {
        column: sum(w for each, w in zip(columns, weights, strict=True) if each == column) for column in columns
    }
    together = [list(row) for row in zip(*distinct, strict=True)]
    assert lightest(rows, weights, least) == bool(touched(together, list(distinct.values()), least))


@pytest.mark.parametrize("forms", [1, 12])
@pytest.mark.parametrize("planted", [(), (9, 2, 5, 7), (12, 6, 8, 10)])
@pytest.mark.parametrize("rank_left", [4, 5])
def test_the_search_is_complete_where_its_forms_do_not_suffice(rank_left, planted, forms, monkeypatch):
    """Rows of nearly full rank, so that any two sets of pivots overlap: all combinations of four columns are seen.

    Powers of different numbers make any four columns of the checks independent; one that is planted is dependent.
    """
    monkeypatch.setattr("netpromoter.rules._disclosure_spans._FORMS", forms)
    size = 19
    checks = [[(column + 1) ** power for column in range(size)] for power in range(rank_left)]
    if planted:
        for check in checks:
            check[planted[0]] = sum(times * check[place] for times, place in zip((1, -2, 3), planted[1:], strict=True))
    rows = null_space(checks)
    assert lightest(rows, [1] * size, 5) == bool(planted)
    assert rank(rows) == size - rank_left


def null_space(checks):
    """Give whole rows that all checks take to zero, a basis of them, by Cramer's rule on the first columns."""
    size, width = len(checks), len(checks[0])
    rows = []
    for column in range(size, width):
        solved = solve([check[:size] for check in checks], [-check[column] for check in checks])
        common = int(np.lcm.reduce([value.denominator for value in solved]))
        row = [int(value * common) for value in solved] + [0] * (width - size)
        row[column] = common
        rows.append(row)
    return rows


def solve(matrix, right):
    """Solve a square system over fractions."""
    rows = [[Fraction(value) for value in (*row, last)] for row, last in zip(matrix, right, strict=True)]
    for place in range(len(rows)):
        pivot = next(number for number in range(place, len(rows)) if rows[number][place])
        rows[place], rows[pivot] = rows[pivot], rows[place]
        rows[place] = [value / rows[place][place] for value in rows[place]]
        for number in set(range(len(rows))) - {place}:
            factor = rows[number][place]
            rows[number] = [one - factor * other for one, other in zip(rows[number], rows[place], strict=True)]
    return [row[-1] for row in rows]


@settings(deadline=None, max_examples=40)
@given(
    rows=st.lists(st.lists(st.integers(-(2**29), 2**29), min_size=6, max_size=6), min_size=2, max_size=5),
    data=st.data(),
)
def test_numbers_beyond_64_bits_stay_exact(rows, data):
    """With entries whose products do not fit, spans are those of fractions."""
    factors = data.draw(st.lists(st.integers(-5, 5), min_size=len(rows), max_size=len(rows)))
    inside = [sum(times * row[column] for times, row in zip(factors, rows, strict=True)) for column in range(6)]
    assume(max(map(abs, inside)) < 2**40)
    beside = [*inside[:-1], inside[-1] + 1]
    for target, recipe in zip((inside, beside), recipes(np.array(rows), np.array([inside, beside])), strict=True):
        assert (recipe is not None) == spans(rows, target)
        for column in range(6) if recipe else ():
            assert sum(times * row[column] for times, row in zip(recipe, rows, strict=True)) == target[column]
    assert kept(np.array(rows), np.array([[0, 0, 0, 0, 0, 1]]), np.zeros((0, 6), int)) == first_kept(rows)
    assert lightest(rows, [1, 2, 1, 1, 2, 1], 4) == bool(touched(rows, [1, 2, 1, 1, 2, 1], 4)) or same_columns(rows)


def same_columns(rows):
    return len(set(zip(*rows, strict=True))) < 6


def first_kept(rows):
    """Keep rows one after the other, as long as the last unit vector is not spanned."""
    shown = []
    for place, row in enumerate(rows):
        if not spans([*(rows[each] for each in shown), row], [0, 0, 0, 0, 0, 1]):
            shown.append(place)
    return shown


# Merging

teams = st.lists(st.sampled_from(["a", "b", "c", "d", "e", None]), max_size=40)


@given(labels=teams, minimum=st.integers(1, 12), data=st.data(), name=st.sampled_from([None, "others"]))
def test_merging_makes_groups_large_enough_where_it_can(labels, minimum, data, name):
    """Parts are whole groups of one parent; a group that is still small is all that its parent has."""
    division = {label: data.draw(st.sampled_from("xy")) for label in "abcde"}
    within = [division.get(label) for label in labels]
    found = merged(labels, minimum=minimum, within=within, name=name)
    sizes, before = Counter(found.labels), Counter(labels)
    assert [label is None for label in found.labels] == [label is None for label in labels]
    for made, parts in found.parts.items():
        assert sizes[made] == sum(before[part] for part in parts) >= minimum
        assert len({division[part] for part in parts}) == 1 < len(parts)
        assert any(before[part] < minimum for part in parts)
        assert made == (f"{division[parts[0]]}: others" if name else " + ".join(parts) + " (merged)")
    for label in set(found.labels) - {None, *found.parts}:
        alone = sum(n for other, n in before.items() if other and division[other] == division[label])
        assert sizes[label] == before[label]
        assert sizes[label] >= minimum or alone < minimum or alone == sizes[label]


def test_merging_counts_what_a_position_stands_for():
    """Counted cells merge as answers do, and the joined group can then be shown."""
    team, n = np.array(["Sales", "Legal", "Finance", "Press"]), np.array([9, 3, 3, 4])
    found = merged(team, counts=n)
    assert found == merged(np.repeat(team, n)).__class__(labels=found.labels, parts=found.parts)
    assert found.parts == {"Finance + Legal + Press (merged)": ("Finance", "Legal", "Press")}
    assert merged(np.repeat(team, n)).parts == found.parts
    assert len(Disclosure().protect({"team": found.labels}, ["team", ()], counts=n).shown) == 3


# The ballot box


def tally(teams, minimum=5, tables=((), ("team",), ("site", "team"))):
    """Make a tally of teams, each with its division, site and ratings."""
    return Tally(
        poll="enps/autumn",
        minimum=minimum,
        tables=tables,
        attributes=("division", "site", "team"),
        cells=tuple((division, site, team) for division, site, team, _ in teams),
        histograms=tuple(Histogram(counts={8: n}, missing=2) for *_, n in teams),
    )


def test_a_tally_is_protected_group_by_group():
    """Each group of each table is there once, with what was counted where it is shown and without where it is not."""
    counted = tally([("Field", "Rome", "North", 9), ("Field", "Oslo", "South", 8), ("Office", "Oslo", "Legal", 3)])
    groups = released_groups(counted)
    assert [(each.table, each.labels, each.n) for each in groups] == [
        ((), (), 20),
        (("team",), ("North",), 9),
        (("team",), ("South",), None),
        (("team",), ("Legal",), None),
        (("site", "team"), ("Rome", "North"), 9),
        (("site", "team"), ("Oslo", "South"), None),
        (("site", "team"), ("Oslo", "Legal"), None),
    ]
    assert [each.invited for each in groups[:4]] == [26, 11, 10, 5]
    assert groups[1].histogram == counted.histograms[0]


@pytest.mark.parametrize(("ballots", "shown"), [(5, 5), (4, None), (0, None)])
def test_a_tally_without_attributes_is_everybody(ballots, shown):
    """Where nobody is told apart, all together are shown, if they are enough."""
    histogram = Histogram(counts={8: ballots}, missing=2)
    whole = attrs.evolve(tally([]), tables=((),), attributes=(), cells=((),), histograms=(histogram,))
    (group,) = released_groups(whole)
    assert (group.table, group.labels, group.parts, group.invited) == ((), (), ((),), ballots + 2)
    assert (group.n, group.histogram) == (shown, shown and histogram)
    with pytest.raises(InvalidArgument, match=r"^each of merge must be one of "):
        released_groups(whole, merge={"team": None})


def test_a_tally_is_merged_upward():
    """Small teams of one division are released together, with their parts named."""
    teams = [("Field", "Rome", "North", 9), ("Office", "Rome", "Legal", 3), ("Office", "Rome", "Press", 4)]
    groups = released_groups(tally(teams, tables=((), ("team",))), merge={"team": "division"})
    assert [(each.labels, each.parts, each.n) for each in groups] == [
        ((), ((),), 16),
        (("North",), (("North",),), 9),
        (("Legal + Press (merged)",), (("Legal",), ("Press",)), 7),
    ]
    assert released_groups(tally(teams), merge={"team": None})[2].invited == 11


# Companies


def companies(number):
    """Make companies of 50 to 300 people: skewed departments with a mix of sites each, 60 to 80 percent answer."""
    rng = np.random.default_rng(7)
    for _ in range(number):
        size = int(np.exp(rng.uniform(np.log(50), np.log(300))))
        departments, sites = max(3, round(size**0.42)), max(2, round(size**0.25))
        shares = 1 / np.arange(1, departments + 1) ** 0.9
        department = rng.choice(departments, size, p=shares / shares.sum())
        mix = rng.dirichlet(4 / np.arange(1, sites + 1), departments).cumsum(1)
        site = np.minimum((rng.random((size, 1)) > mix[department]).sum(1), sites - 1)
        here = rng.random(size) < rng.uniform(0.6, 0.8)
        yield {"a": department[here], "b": site[here], "c": rng.integers(0, 5, size)[here]}


def test_a_hundred_companies():
    """Nothing is recoverable, at most a quarter of the large groups is given up, and a threshold alone leaks."""
    control, tables = Disclosure(), [table for table in TABLES if len(table) < 3]
    large = given_up = small = leaks = 0
    for columns in companies(100):
        protected = control.protect(columns, tables)
        assert protected.recoverable == ()
        large += len(protected.shown) + len(protected.given_up)
        given_up += len(protected.given_up)
        small += len(protected.under_minimum)
        found = control.audit(columns, [*protected.shown, *protected.given_up], tables)
        leaks += sum(each.group is not None for each in found)
    assert 0 < given_up <= 0.25 * large
    assert leaks > 0.1 * small


def test_the_comments_of_companies():
    """With the minimum of comments, too, the audit is empty, and no small group is in the span of the shown ones."""
    for columns in companies(3):
        protected = Disclosure().protect(columns, TABLES[:7], of="comments")
        assert (protected.minimum, protected.recoverable) == (10, ())
        assert min(n for group, n in zip(protected.groups, protected.counts, strict=True) if group in protected) >= 10
        counted = cells(columns)
        rows = [row_of(group, columns, counted) for group in protected.shown]
        assert not any(spans(rows, row_of(group, columns, counted)) for group in protected.under_minimum[:3])


# Edges


def test_nobody_has_answered():
    """Without answers every group is withheld, those of empty cells too, and nothing is recoverable."""
    none = Disclosure().protect({"a": []}, [(), "a"])
    assert (none.groups, none.shown, none.recoverable) == ((), (), ())
    empty = Disclosure().protect({"a": ["x", "y"]}, ["a", ()], counts=[0, 0])
    assert empty.counts == (0, 0, 0)
    assert empty.shown == ()
    one = Disclosure().protect({"a": ["x"]}, [])
    assert (one.groups, one.recoverable, len(one.released.cells)) == ((), (), 1)


def test_labels_of_any_library_are_read():
    """Labels of numpy, pandas and polars are those of lists, missing ones included."""
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    plain = ["x"] * 6 + ["y"] * 7 + [None]
    expected = Disclosure().protect({"a": plain}, ["a"])
    for column in (
        np.array(plain, object),
        pandas.Series(plain),
        pandas.array(plain),
        polars.Series(plain),
        iter(plain),
    ):
        assert Disclosure().protect({"a": column}, ["a"]) == expected
    mixed = Disclosure().protect({"a": ["x"] * 6 + [1] * 7 + [np.int64(1)], "b": [float("nan")] * 14}, ["a", "b"])
    assert mixed.groups == (Group("a", (1,)), Group("a", "x"))
    assert mixed.counts == (8, 6)


def test_a_group_is_known_by_its_labels():
    """The order of attributes does not matter."""
    assert Group(("b", "a"), ("y", "x")) == Group(("a", "b"), ("x", "y"))
    assert Group("a", 3) == Group(["a"], [3])


protect = partial(Disclosure().protect, {"a": ["x"] * 9})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Disclosure(minimum=2), r"minimum must be a whole number of at least 3 \(got 2\)"),
        (lambda: Disclosure(comments=True), "comments must be a whole number of at least 3"),
        (lambda: protect("a"), r"tables must be a sequence of attributes, or of sequences of them \(got 'a'\)"),
        (lambda: protect(3), "tables must be a sequence of attributes"),
        (lambda: protect([("a", "a")]), "each of tables must be different names"),
        (lambda: protect(["a", ("a",)]), "tables must be different from each other"),
        (lambda: protect(["b"]), r"tables must be made of columns, 'a' \(got \('b',\)\)"),
        (lambda: protect([()], of="all"), "of must be one of 'scores', 'comments'"),
        (lambda: protect([()], counts=[1]), r"counts must be whole numbers of at least 0, one for each of 9 labels"),
        (lambda: protect([()], counts=[1.0] * 9), "counts must be whole numbers"),
        (lambda: protect([()], counts=[-1] * 9), "counts must be whole numbers"),
        (lambda: Disclosure().protect({}, []), "columns must be a mapping of at least one attribute to labels"),
        (lambda: Disclosure().protect(["a"], []), "columns must be a mapping"),
        (lambda: Disclosure().protect({"a": "xyz"}, []), r"columns\['a'\] must be a column of labels \(got 'xyz'\)"),
        (lambda: Disclosure().protect({"a": 3}, []), r"columns\['a'\] must be a column of labels"),
        (lambda: Disclosure().protect({"a": [[1]]}, []), r"columns\['a'\] must be made of labels that can be sorted"),
        (lambda: Disclosure().protect({"a": [1j, 2j]}, []), r"columns\['a'\] must be made of labels that can be"),
        (
            lambda: Disclosure().protect({"a": [1], "b": []}, []),
            r"columns must be as long as each other, 1 \(got 'b'\)",
        ),
        (
            lambda: (
                protect([()], released=protect([()]).released)
                and Disclosure().protect({"b": ["x"]}, [], released=protect([()]).released)
            ),
            r"columns must be those of the releases before, a \(got \('b',\)\)",
        ),
        (lambda: Disclosure().audit({"a": ["x"]}, [Group("a", "y")]), "shown must be groups of the columns"),
        (lambda: Group("a"), r"labels must be one for each attribute of the table \(got \(\)\)"),
        (lambda: Group("a", [None]), "labels must be one for each attribute of the table"),
        (lambda: Group(3, "x"), "table must be text that is not blank"),
        (lambda: Released.from_dict({}), r"values must be what Released.to_dict gave \(got {}\)"),
        (lambda: Released.from_dict(protect([()]).released.to_dict() | {"cells": []}), "values must be what Released"),
        (lambda: Released.from_dict(protect([()]).released.to_dict() | {"shown": [1]}), "values must be what Released"),
        (lambda: merged(["a"], minimum=0), r"minimum must be a whole number of at least 1 \(got 0\)"),
        (lambda: merged(["a"], counts=[1, 2]), "counts must be whole numbers of at least 0, one for each of 1 labels"),
        (lambda: merged(["a"], within=[]), "within must be one for each of 1 labels"),
        (
            lambda: merged(["a", "a"], within=["x", "y"]),
            r"within must be the same for all answers of a group \(got 'a'\)",
        ),
        (lambda: merged(["a", "b"], minimum=2, name="b"), r"name must be one that no other group has \(got 'b'\)"),
        (
            lambda: released_groups(tally([("x", "y", "z", 5)]), merge={"sex": None}),
            "each of merge must be one of 'div",
        ),
        (lambda: released_groups(tally([("x", "y", "z", 5)]), merge={"team": "sex"}), "each of merge must be one of"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    """Wrong terms, columns, tables, groups and ledgers are refused in words that name them."""
    with pytest.raises(InvalidArgument, match=message):
        call()
