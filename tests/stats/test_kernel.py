"""Counts by group, against the same counts made one answer at a time."""

import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from breakdown_oracle import category
from netpromoter.errors import InvalidArgument, InvalidRating
from netpromoter.ratings import codes
from netpromoter.stats import _kernel
from netpromoter.stats._kernel import tally

NAMES = ("detractors", "passives", "promoters", "missing")
INTEGERS = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64, ">i2", ">u4"]


@st.composite
def columns(draw):
    """Draw codes of answers, and groups of any integer type that begin anywhere in it."""
    dtype = np.dtype(draw(st.sampled_from(INTEGERS)))
    limits = np.iinfo(dtype)
    k = draw(st.integers(1, 60))
    first = draw(st.integers(int(limits.min), int(limits.max) - k + 1))
    size = draw(st.integers(0, 300))
    groups = draw(st.lists(st.integers(first, first + k - 1), min_size=size, max_size=size))
    answers = draw(st.lists(st.integers(-1, 10), min_size=size, max_size=size))
    return np.array(answers, np.int8), np.array(groups, dtype), k, first


def counted(answers, groups, k, first):
    counts = Counter(
        (int(group) - first, category(None if rating < 0 else rating))
        for rating, group in zip(answers.tolist(), groups.tolist(), strict=True)
    )
    return [[counts[group, name] for name in NAMES] for group in range(k)]


@given(columns())
def test_counts_are_those_of_a_counter(drawn):
    """Any integer type and any first code give the counts of a plain count."""
    answers, groups, k, first = drawn
    assert tally(answers, groups, k, first=first).counts.tolist() == counted(answers, groups, k, first)


@given(columns(), st.integers(1, 7))
def test_blocks_add_up(drawn, block):
    """Where the column is cut into blocks makes no difference."""
    answers, groups, k, first = drawn
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_kernel, "_BLOCK", block)
        assert tally(answers, groups, k, first=first).counts.tolist() == counted(answers, groups, k, first)


@given(columns(), columns())
def test_parts_add_to_the_whole(one, other):
    """The counts of two columns, one after the other, are the sums of their counts."""
    k = max(one[2], other[2])
    parts = [
        (answers, (groups - groups.dtype.type(first)).astype(np.int64)) for answers, groups, _, first in (one, other)
    ]
    whole = tally(*(np.concatenate(column) for column in zip(*parts, strict=True)), k)
    assert (whole.counts == sum(tally(*part, k).counts for part in parts)).all()


@given(columns())
def test_lowest_and_highest_are_those_of_the_answers(drawn):
    """The extremes leave missing answers out, and are None where nobody answered."""
    answers, groups, k, first = drawn
    given_ = answers[answers >= 0].tolist()
    found = tally(answers, groups, k, first=first)
    assert (found.lowest, found.highest) == ((min(given_), max(given_)) if given_ else (None, None))


@pytest.mark.parametrize("k", [1, 3, 16_384, 16_385, 200_000])
def test_narrow_and_wide_keys_agree_over_many_blocks(k):
    """Keys of 16 and of 32 bits count the same, in sorted columns as in shuffled ones."""
    rng = np.random.default_rng(1)
    answers = rng.integers(-1, 11, 300_000).astype(np.int8)
    groups = rng.integers(0, k, answers.size)
    category_of = np.select([answers < 0, answers > 8, answers > 6], [3, 2, 1], 0)
    expected = np.bincount(groups * 4 + category_of, minlength=4 * k).reshape(k, 4)
    assert (tally(answers, groups, k).counts == expected).all()
    order = np.argsort(groups, kind="stable")
    assert (tally(answers[order], groups[order], k).counts == expected).all()


def test_columns_need_not_be_contiguous():
    """A column of a table, with a stride, counts like its copy."""
    table = np.random.default_rng(2).integers(0, 5, (1000, 3), dtype=np.int8)
    strided = tally(table[:, 0], table[:, 1], 5)
    assert (strided.counts == tally(table[:, 0].copy(), table[:, 1].copy(), 5).counts).all()


@pytest.mark.parametrize("wrong", [[11, 3, 11], [4, 10, -2, -1], [-1, 127, 2]])
def test_invalid_ratings_are_refused_in_the_words_of_ratings(wrong):
    """A code off the scale is refused with its first value, position and count; a missing one is not."""
    answers = np.array([*wrong, *[0] * 70_000, *wrong], np.int8)
    with pytest.raises(InvalidRating) as expected:
        codes(np.ma.masked_equal(answers, -1))
    with pytest.raises(InvalidRating, match=f"^{re.escape(str(expected.value))}$"):
        tally(answers, np.zeros(answers.size, int), 1)


def test_zero_is_refused_on_the_scale_from_1_to_10():
    """The scale that the question showed decides what is valid."""
    message = r"^ratings must be whole numbers from 1 to 10 \(got 0 at position 1; 1 such in all\)$"
    with pytest.raises(InvalidRating, match=message):
        tally(np.array([5, 0, -1], np.int8), np.array([0, 1, 0]), 2, scale="1-10")


@pytest.mark.parametrize(("groups", "got"), [([0, 2], "2"), ([-1, 5], "-1")])
def test_groups_out_of_bounds_are_refused(groups, got):
    """A group that has no place is refused, never counted elsewhere."""
    with pytest.raises(InvalidArgument, match=rf"^groups must be whole numbers from 0 to 1 \(got {got}\)$"):
        tally(np.array([1, 2], np.int8), np.array(groups), 2)


def test_columns_of_different_lengths_are_refused():
    """Each answer has one group."""
    with pytest.raises(InvalidArgument, match=r"^groups must be as many as the ratings, 2 \(got 3\)$"):
        tally(np.array([1, 2], np.int8), np.zeros(3, int), 2)
