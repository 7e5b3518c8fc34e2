"""Reading answers: what is a rating, what is missing, and what is refused."""

import warnings
from collections import Counter
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpromoter.errors import InvalidArgument, InvalidRating, MissingRatings, NoRatings, ScaleWarning
from netpromoter.ratings import MISSING, Category, Histogram, category, codes, histogram, parse, scale_doubt

RATINGS = st.integers(0, 10)
ABSENT = [None, float("nan"), np.nan, pd.NA, pd.NaT, np.ma.masked, Decimal("NaN"), "", "  ", "NA", "N/A", "n/a"]
ABSENT += ["None", "none", "NULL", "nan", "NaN", "<NA>", "#N/A", "\u00a0", "\ufeff"]
REFUSED = [8.5, 11, -1, 10.01, 1e30, 10**30, float("inf"), Decimal("9.5"), Fraction(19, 2), True, False, np.True_, 9j]
REFUSED += ["10/10", "9.5", "9,5", "11", "-1", "- 1", "+9", "1e1", "1_0", "010", "7 of 10", "9-10", "7 - 8", "0 to 10"]
REFUSED += [
    "ten",
    "10 -",
    "9 stars 8",
    "½",
    "⁹",
    "九",
    "10%",
    "1 0",
    "0x9",
    "9\x00",
    "missing",
    b"9",
    [9],
    (9,),
    ...,
]
REFUSED += ["1\u200b0", "007", "9.", "9-Oct", "7-août", "8-Jul.", "9 - ½", "9 (²)", 10**400, Fraction(10**400, 3)]
REFUSED += [np.timedelta64(9, "ns"), np.datetime64(9, "ns"), bytearray(b"9")]


@pytest.mark.parametrize("rating", range(11))
@pytest.mark.parametrize(
    "written",
    [
        lambda r: r,
        float,
        np.int8,
        np.float32,
        Decimal,
        Fraction,
        str,
        lambda r: f"{r}.0",
        lambda r: f"{r}.00",
        lambda r: f" {r}\t",
        lambda r: f"\u00a0{r}\ufeff",
        lambda r: f"{r} - Extremely likely",
        lambda r: f"{r} = not at all",
        lambda r: f"{r}: sehr wahrscheinlich",
        lambda r: f"{r} – très probable",
        lambda r: f"{r} (Extremely likely)",
        lambda r: f"{r}. Extremely likely",
        lambda r: f"{r}＝非常に高い",
        lambda r: f"{r}（とても）",
        lambda r: f"\u200e{r} − likely",
        lambda r: str(r).translate(str.maketrans("0123456789", "０１２３４５６７８９")),
        lambda r: str(r).translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")),
    ],
)
def test_a_rating_is_read_however_it_is_written(rating, written):
    """Numbers of any type, text with spaces, zeros, labels and full-width digits all give the rating."""
    assert parse(written(rating)) == rating


@pytest.mark.parametrize("answer", ABSENT, ids=repr)
def test_words_and_values_for_no_answer_are_missing(answer):
    """None, NaN, NA and the words for them are missing, never a 0."""
    assert parse(answer) is None


@pytest.mark.parametrize("answer", REFUSED, ids=repr)
def test_nothing_is_guessed(answer):
    """What is neither a rating nor missing is refused, and the message shows it."""
    with pytest.raises(InvalidRating, match=r"rating must be a whole number from 0 to 10 \(got "):
        parse(answer)


@given(st.text(max_size=8))
def test_text_is_read_as_a_rating_only_if_it_begins_with_one(text):
    """Whatever the text, a rating that is read stands at its start, and all its digits are that rating."""
    try:
        rating = parse(text)
    except InvalidRating:
        return
    digits = "".join(sign for sign in text if sign.isdecimal())
    assert (rating is None) == (digits == "")
    if rating is not None:
        assert int(digits.rstrip("0٠０") or "0") in {rating, rating // 10, 0} or int(digits) == rating


@pytest.mark.parametrize("zero", [0, 0.0, "0", "0.0", np.int8(0), Decimal(0)])
def test_a_zero_is_an_answer(zero):
    """0 is the lowest rating, not a missing one."""
    assert parse(zero) == 0
    assert histogram([zero]).detractors == 1


def test_categories_part_the_scale():
    """Each of the eleven ratings is in exactly one category: detractors 0-6, passives 7-8, promoters 9-10."""
    assert Counter(category(rating) for rating in range(11)) == {
        Category.DETRACTOR: 7,
        Category.PASSIVE: 2,
        Category.PROMOTER: 2,
    }
    assert [category(rating) for rating in (6, 7, 8, 9)] == ["detractor", "passive", "passive", "promoter"]


@pytest.mark.parametrize("rating", [None, 11, "10/10", True])
def test_only_a_rating_has_a_category(rating):
    """A missing or refused answer has no category."""
    with pytest.raises(InvalidRating, match="rating must be a whole number from 0 to 10"):
        category(rating)


COLUMNS = {
    "list": list,
    "tuple": tuple,
    "iterator": iter,
    "generator": lambda values: (value for value in values),
    "list of floats": lambda values: [np.nan if value is None else float(value) for value in values],
    "list of text": lambda values: [None if value is None else str(value) for value in values],
    "numpy floats": lambda values: np.array([np.nan if value is None else value for value in values], dtype=float),
    "numpy half floats": lambda values: np.array([np.nan if v is None else v for v in values], dtype=np.float16),
    "numpy objects": lambda values: np.array([*values, None], dtype=object)[:-1],
    "numpy text": lambda values: np.array(["NA" if value is None else str(value) for value in values], dtype=str),
    "masked": lambda values: np.ma.array([v or 0 for v in values], mask=[v is None for v in values], dtype=np.int64),
    "pandas floats": lambda values: pd.Series(values, dtype="float64"),
    "pandas Int64": lambda values: pd.Series(values, dtype="Int64"),
    "pandas Int8 array": lambda values: pd.array(values, dtype="Int8"),
    "pandas objects": lambda values: pd.Series(values, dtype="object"),
    "pandas text": lambda values: pd.Series([None if v is None else str(v) for v in values], dtype="str"),
    "pandas category": lambda values: pd.Series(values, dtype="category"),
    "pandas arrow": lambda values: pd.Series(values, dtype="int64[pyarrow]"),
    "pandas odd index": lambda values: pd.Series(values, dtype="Int64", index=range(5, 5 + len(values))[::-1]),
    "polars": lambda values: pl.Series(values, dtype=pl.Int8),
    "polars unsigned": lambda values: pl.Series(values, dtype=pl.UInt64),
    "polars floats": lambda values: pl.Series([np.nan if v is None else v for v in values], dtype=pl.Float64),
    "polars decimal": lambda values: pl.Series(values, dtype=pl.Decimal(10, 2)),
    "polars text": lambda values: pl.Series([None if v is None else str(v) for v in values], dtype=pl.String),
    "polars categories": lambda values: pl.Series(
        [None if v is None else str(v) for v in values], dtype=pl.Categorical
    ),
    "pyarrow array": lambda values: pa.array(values, type=pa.int8()),
    "pyarrow chunks": lambda values: pa.chunked_array([values[:2], values[2:]], type=pa.int64()),
    "pyarrow dictionary": lambda values: pa.array([None if v is None else str(v) for v in values]).dictionary_encode(),
}


@pytest.mark.parametrize("column", COLUMNS)
@given(values=st.lists(st.none() | RATINGS, min_size=1, max_size=12))
def test_every_kind_of_column_gives_the_same_codes(column, values):
    """A list, numpy, pandas, polars and pyarrow column of the same answers give the same codes."""
    expected = [MISSING if value is None else value for value in values]
    found = codes(COLUMNS[column](values))
    assert found.dtype == np.int8
    assert found.tolist() == expected


@given(st.lists(st.none() | RATINGS, min_size=1).filter(lambda answers: any(a is not None for a in answers)))
def test_histogram_counts_each_answer_once(answers):
    """The eleven counts are those of a plain count, and the missing ones are beside them."""
    found = histogram(answers, missing="drop")
    tally = Counter(answers)
    assert found.counts == tuple(tally[rating] for rating in range(11))
    assert found.missing == tally[None]
    assert found.n == found.promoters + found.passives + found.detractors == len(answers) - tally[None]
    assert found.mean == pytest.approx(np.mean([answer for answer in answers if answer is not None]))


@given(st.lists(RATINGS, min_size=1), st.lists(RATINGS, min_size=1))
def test_histograms_of_parts_add_to_that_of_the_whole(first, second):
    """Merging two samples is adding their counts."""
    assert histogram(first) + histogram(second) == histogram(first + second)


def test_long_columns_are_counted_across_blocks():
    """More answers than fit a block are counted, with the faulty ones found past the first block."""
    answers = np.arange(200_000) % 11
    assert histogram(answers).n == 200_000
    assert histogram(answers.astype(float)).counts == histogram(answers.astype(np.int8)).counts
    answers[150_000] = 12
    with pytest.raises(InvalidRating, match=r"\(got 12 at position 150,000; 1 such in all\)"):
        histogram(answers)


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([10, 11, 5, 12], r"ratings must be whole numbers from 0 to 10 \(got 11 at position 1; 2 such in all\)"),
        ([9, 8.5], r"\(got 8.5 at position 1; 1 such in all\)"),
        ([9, True], r"\(got True at position 1; 1 such in all\)"),
        (["9", "10/10", "9.5"], r"\(got '10/10' at position 1; 2 such in all\)"),
        (np.array([1, -1, 300]), r"\(got -1 at position 1; 2 such in all\)"),
        (np.array([1.0, np.inf]), r"\(got inf at position 1; 1 such in all\)"),
        (np.array([True, False]), r"\(got True at position 0; 2 such in all\)"),
        (np.array(["2020-01-01"], dtype="datetime64[D]"), r"\(got datetime.date\(2020, 1, 1\) at position 0"),
        (np.ma.array([1, 99, 99], mask=[0, 1, 0]), r"\(got 99 at position 2; 1 such in all\)"),
        (np.ma.array([1.5, 99.5], mask=[1, 0]), r"\(got 99.5 at position 1; 1 such in all\)"),
        (pd.Series([True, None]), r"\(got True at position 0; 1 such in all\)"),
        (pl.Series([3, 77], dtype=pl.Int64), r"\(got 77 at position 1; 1 such in all\)"),
        ([10**40, 9], r"at position 0; 1 such in all\)"),
        ([9, 10**400, 8.0], r"at position 1; 1 such in all\)"),
        (np.array([9, 10], dtype="datetime64[ns]"), r"at position 0; 2 such in all\)"),
        (np.array([9, 10], dtype="timedelta64[ns]"), r"at position 0; 2 such in all\)"),
        (pl.Series([9, 12], dtype=pl.Int128), r"\(got 12 at position 1; 1 such in all\)"),
        (["x" * 10_000], r"\(got 'x{78}… at position 0; 1 such in all\)"),
    ],
)
def test_refused_answers_are_shown_with_position_and_count(answers, message):
    """The message gives the first refused value, its position and how many there are."""
    with pytest.raises(InvalidRating, match=message):
        codes(answers)


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ("10", r"ratings must be a column of answers \(got '10'\)"),
        (b"10", r"ratings must be a column of answers \(got b'10'\)"),
        (9, r"ratings must be a column of answers \(got 9\)"),
        (None, r"ratings must be a column of answers \(got None\)"),
        ({9: 1}, r"ratings must be a column of answers \(got \{9: 1\}\)"),
        ({9, 10}, r"ratings must be a column of answers"),
        (np.zeros((2, 2)), r"ratings must be one column of answers \(got .*shape \(2, 2\)"),
        (np.array(5), r"ratings must be one column of answers \(got .*shape \(\)"),
        (pd.DataFrame({"a": [1]}), r"ratings must be one column of answers \(got .*DataFrame"),
        (pd.DataFrame([[9, 8]], columns=["a", "a"])["a"], r"ratings must be one column of answers \(got .*DataFrame"),
        (bytearray(b"\t"), r"ratings must be a column of answers"),
        (pl.DataFrame({"a": [1]}), r"ratings must be one column of answers \(got .*DataFrame"),
    ],
)
def test_what_is_not_a_column_is_refused(answers, message):
    """A single answer, a mapping, a set, a table: none is a column of answers."""
    with pytest.raises(InvalidArgument, match=message):
        codes(answers)


def test_missing_answers_are_refused_with_their_count():
    """Without missing="drop" the message says how many are missing, of how many, and where the first is."""
    message = r'ratings must not be missing unless missing="drop" \(got 2 missing of 4, the first at position 1\)'
    with pytest.raises(MissingRatings, match=message):
        histogram([9, None, "NA", 3])


@pytest.mark.parametrize("policy", ["refuse", "drop"])
@pytest.mark.parametrize("answers", [[], [None], ["NA", ""], np.array([]), np.array([np.nan])])
def test_nobody_is_an_error(answers, policy):
    """A column without an answer is refused whatever the policy."""
    with pytest.raises(NoRatings, match=r"ratings must hold at least one answer \(got none, and \d missing\)"):
        histogram(answers, missing=policy)


def test_valid_small_integers_are_not_copied():
    """An int8 column without a fault comes back as it is."""
    answers = np.array([0, 5, 10], dtype=np.int8)
    assert codes(answers) is answers


def test_the_callers_array_is_left_alone():
    """Reading a masked column does not write into it."""
    answers = np.ma.array([9, 8, 7], mask=[0, 1, 0], dtype=np.int8)
    codes(answers)
    assert answers.data.tolist() == [9, 8, 7]


def test_scale_from_one_refuses_a_zero_and_keeps_the_categories():
    """On a scale of 1 to 10 a 0 is refused, and 9 is still a promoter."""
    assert histogram([1, 9, 10], scale="1-10").promoters == 2
    with pytest.raises(InvalidRating, match=r"whole numbers from 1 to 10 \(got 0 at position 1; 1 such in all\)"):
        codes([1, 0], scale="1-10")
    with pytest.raises(InvalidRating, match=r"a whole number from 1 to 10 \(got '0'\)"):
        parse("0", scale="1-10")


@pytest.mark.parametrize(
    ("answers", "scale", "message"),
    [
        (
            [1, 10] * 500,
            "0-10",
            r'none of 1,000 answers is 0: the scale may have been 1 to 10 \(if so, say scale="1-10"\)',
        ),
        ([1, 5] * 500, "0-10", "none of 1,000 answers is above 5: the scale may not have been 0 to 10"),
        ([0, 5] * 500, "0-10", "none of 1,000 answers is above 5"),
        ([1, 5] * 15, "0-10", "none of 30 answers is above 5"),
        ([10] * 1_000, "0-10", "none of 1,000 answers is 0: the scale may not have been 0 to 10"),
        ([2, 10] * 500, "1-10", "none of 1,000 answers is 1: the scale may not have been 1 to 10"),
    ],
)
def test_a_thousand_answers_from_another_scale_are_doubted(answers, scale, message):
    """Many answers without the lowest one or with none above 5, or like five stars, give a warning at the caller."""
    with pytest.warns(ScaleWarning, match=message) as caught:
        histogram(answers, scale=scale)
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    "answers", [[1, 10] * 499, [0, 10] * 5_000, [5] * 999, [0, 5] * 499, [1, 5] * 14, [0, 6] * 5_000]
)
def test_fewer_answers_or_the_whole_scale_are_not_doubted(answers):
    """Below a thousand answers, or with a 0 and a 6, nothing is said, unless they run from 1 to 5."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert histogram(answers).n == len(answers)


def test_a_scale_from_one_with_a_one_is_not_doubted():
    """On 1 to 10 the missing 0 is as it should be."""
    assert scale_doubt(5_000, 1, 10, scale="1-10") is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: histogram([9], missing="keep"), r"missing must be one of 'refuse', 'drop' \(got 'keep'\)"),
        (lambda: histogram([9], scale="1-5"), r"scale must be one of '0-10', '1-10' \(got '1-5'\)"),
        (lambda: parse(9, scale=None), r"scale must be one of '0-10', '1-10' \(got None\)"),
        (lambda: Histogram(counts=[1] * 10), r"counts must be eleven counts, of the answers 0 to 10 \(got \(1, "),
        (lambda: Histogram(counts=[1] * 10 + [-1]), r"counts\[10\] must be a whole number of at least 0 \(got -1\)"),
        (lambda: Histogram(counts=[1] * 11, missing=1.5), r"missing must be a whole number of at least 0 \(got 1.5\)"),
    ],
)
def test_bad_options_are_refused_by_name(call, message):
    """Each refusal names the argument, the rule and the value."""
    with pytest.raises(InvalidArgument, match=message):
        call()


def test_the_mean_of_nobody_is_an_error():
    """An empty histogram has no mean."""
    with pytest.raises(NoRatings, match=r"got none, and 3 missing"):
        _ = Histogram(counts=[0] * 11, missing=3).mean


@pytest.mark.parametrize(
    "tally", [Counter, lambda answers: pd.Series(answers).value_counts(), lambda a: dict(Counter(a))]
)
@given(answers=st.lists(RATINGS, min_size=1))
def test_counts_by_rating_are_read_by_rating(tally, answers):
    """A Counter, a dict and pandas' value_counts, in whatever order, are counts of ratings, not eleven numbers."""
    assert Histogram(counts=tally(answers)) == histogram(answers)
    assert Histogram(counts={9: 2, "9 - likely": 3}).counts[9] == 5


@pytest.mark.parametrize(
    ("counts", "error", "message"),
    [
        ({11: 1}, InvalidRating, r"rating must be a whole number from 0 to 10 \(got 11\)"),
        (
            {float("nan"): 1, 9: 2},
            InvalidArgument,
            r"counts must be counts of the answers 0 to 10, .* missing= \(got 'a count of missing answers'\)",
        ),
        (set(range(11)), InvalidArgument, r"counts must be eleven counts"),
        (5, InvalidArgument, r"counts must be eleven counts, of the answers 0 to 10 \(got 5\)"),
        (None, InvalidArgument, r"counts must be eleven counts"),
        ("12345678901", InvalidArgument, r"counts must be eleven counts"),
        ([10**400] + [0] * 9, InvalidArgument, r"counts must be eleven counts"),
    ],
)
def test_what_is_not_eleven_counts_is_refused(counts, error, message):
    """A set has no order, a number is not eleven, and 11 is no rating."""
    with pytest.raises(error, match=message):
        Histogram(counts=counts)


def test_histograms_add_only_to_histograms():
    """Adding something else is a type error."""
    with pytest.raises(TypeError):
        _ = Histogram(counts=[1] * 11) + 1
