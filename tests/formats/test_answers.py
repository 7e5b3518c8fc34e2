"""The answers in files of every format."""

import io
import json
import math
from datetime import date
from decimal import Decimal
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from netpromoter import score
from netpromoter.errors import InvalidArgument, InvalidRating, MissingRatings, NoRatings, ScaleWarning, UnreadableFile
from netpromoter.formats import Refusal, Rows, answers, columns
from netpromoter.formats._delimited import Delimited

EXAMPLES = Path(__file__).parents[2] / "examples"
GARDEN = EXAMPLES / "garden_centre" / "nps.csv"
TABLE = {
    "nps": ["10", "9", "7", "3", None, "10", "0"],
    "plan": ["pro", "pro", "free", "free", "free", None, "pro"],
    "country": ["FR", "DE", "FR", "FR", "FR", "FR", "DE"],
}


def csv_file(frame):
    return io.BytesIO(frame.write_csv(separator=";").encode())


def parquet_file(frame):
    file = io.BytesIO()
    frame.write_parquet(file)
    file.seek(0)
    return file


def json_file(frame):
    return io.BytesIO("".join(json.dumps(row) + "\n" for row in frame.rows(named=True)).encode())


def excel_file(frame):
    book = openpyxl.Workbook()
    for row in [frame.columns, *frame.rows()]:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    file.seek(0)
    return file


FORMATS = {"CSV": csv_file, "Parquet": parquet_file, "JSON lines": json_file, "Excel": excel_file}
ANY_FORMAT = pytest.mark.parametrize("form", FORMATS)


#: JSON has no decimals.
TYPED = [(form, kind) for form in FORMATS for kind in (pl.String, pl.Int8, pl.Float64, pl.Decimal(4, 1))]
TYPED.remove(("JSON lines", pl.Decimal(4, 1)))


@pytest.mark.parametrize(("form", "kind"), TYPED)
def test_one_table_gives_one_breakdown_from_every_format(form, kind):
    """The same table gives the same counts by segment in every format, and for every type of numbers."""
    frame = pl.DataFrame(TABLE).with_columns(pl.col("nps").cast(pl.Float64).cast(kind))
    found = answers(FORMATS[form](frame), rating="nps", by=["plan", "country"])
    assert (found.file.format, found.rows) == (form, Rows(read=7, scored=6, missing=1, refused=0))
    breakdown = found.breakdown(missing="drop")
    assert list(breakdown) == [("free", "FR"), ("pro", "DE"), ("pro", "FR"), (None, "FR")]
    assert breakdown.detractors.tolist() == [1, 1, 0, 0]
    assert breakdown.missing.tolist() == [1, 0, 0, 0]
    assert found.score(missing="drop") == breakdown.total == score([10, 9, 7, 3, 10, 0])
    assert found.score(missing="drop").mean == 6.5


def test_the_garden_centre_survey():
    """The published survey, neither UTF-8 nor clean Windows-1252, gives its published counts."""
    found = answers(GARDEN, rating="nps")
    assert (found.rows.read, found.rows.missing, found.rows.refused) == (13_954, 342, 0)
    assert (found.file.encoding, found.file.delimiter) == ("windows-1252", ",")
    assert [(damage.kind, damage.lines, damage.times) for damage in found.file.damage] == [("undecodable", 10, 17)]
    with pytest.warns(ScaleWarning, match="none of 13,612 answers is 0"):
        whole = found.score(missing="drop")
    assert (whole.promoters, whole.passives, whole.detractors) == (8465, 3953, 1194)
    assert answers(GARDEN, rating="nps", scale="1-10").score(missing="drop").missing == 342


@pytest.mark.parametrize("block", [1 << 10, 1 << 14, 1 << 20])
def test_the_garden_centre_survey_in_blocks(block, monkeypatch):
    """Real comments, with quotation marks and line breaks, give the same segments however the file is cut."""
    monkeypatch.setattr(Delimited.of.__func__, "__kwdefaults__", {"block": block, "delimiter": None, "encoding": None})
    cut = answers(GARDEN, rating="nps", by=["satisfaction", "explication"], scale="1-10")
    monkeypatch.undo()
    whole = answers(GARDEN, rating="nps", by=["satisfaction", "explication"], scale="1-10")
    assert (cut.file, cut.rows) == (whole.file, whole.rows)
    assert cut.breakdown(missing="drop") == whole.breakdown(missing="drop")


def test_the_carpentries_events():
    """The published training survey gives its counts, and the conference its segments."""
    training = answers(EXAMPLES / "carpentries" / "instructor_training_post_2016_2018.csv", rating="LikelyToRecommend")
    assert training.rows == Rows(read=967, scored=889, missing=78, refused=0)
    conference = answers(EXAMPLES / "carpentries" / "carpentrycon_at_home_2020.csv", rating="nps", by="country")
    breakdown = conference.breakdown(minimum_group=5)
    assert (breakdown.total.n, breakdown["Germany"].n, breakdown.withheld) == (124, 12, len(breakdown) - 5)


def test_words_in_the_column_of_answers_are_refused_with_their_lines():
    """Rows are numbered by their line in the file, also behind comments that run over several lines."""
    data = b'note,nps\n"two\nlines",9\n\nx,9.5\ny,eleven\nz,11\nz,-1\nz,NA\n'
    found = answers(io.BytesIO(data), rating="nps")
    assert found.rows == Rows(
        read=6,
        scored=1,
        missing=1,
        refused=4,
        refusals=(
            Refusal(place=5, value="9.5", reason="not a whole number"),
            Refusal(place=6, value="eleven", reason="not a number"),
            Refusal(place=7, value="11", reason="above 10"),
            Refusal(place=8, value="-1", reason="below 0"),
        ),
    )
    with pytest.raises(
        InvalidRating, match=r"ratings must be whole numbers from 0 to 10 \(got '9.5' on line 5; 4 such in all\)"
    ):
        found.score(missing="drop")
    with pytest.raises(
        MissingRatings, match=r'ratings must not be missing unless missing="drop" \(got 1 missing of 2\)'
    ):
        found.score(invalid="drop")
    assert found.score(missing="drop", invalid="drop").n == 1


def test_only_the_first_few_refusals_are_kept():
    """Of a million refused rows the report names the first five, from whichever blocks they are in."""
    data = b"nps\n" + b"9\n" * 10 + b"x\n" + b"9\n" * 2_000_000 + b"y\n" * 20
    found = answers(io.BytesIO(data), rating="nps")
    assert found.rows.refused == 21
    assert [refusal.place for refusal in found.rows.refusals] == [12, *range(2_000_013, 2_000_017)]


@pytest.mark.parametrize(("answer", "reason"), [("0", "below 1"), ("11", "above 10")])
def test_the_scale_decides_what_is_refused(answer, reason):
    """On the scale from 1 to 10 a 0 is refused."""
    found = answers(io.BytesIO(f"nps\n9\n{answer}\n".encode()), rating="nps", scale="1-10")
    assert found.rows.refusals[0].reason == reason
    with pytest.raises(InvalidRating, match="from 1 to 10"):
        found.score()


def test_json_values_keep_their_types():
    """True is no rating, 9.0 is one, null and an absent key are missing, and a line that is no object is refused."""
    lines = ['{"nps": true}', '{"nps": 9.0, "a": [1]}', '{"nps": null}', "", "{}", "9", '{"nps": 9', '{"nps": NaN}']
    found = answers(io.BytesIO("\n".join(lines).encode()), rating="nps", by="a")
    assert (found.rows.scored, found.rows.missing, found.rows.refused) == (1, 3, 3)
    assert [(each.place, each.value) for each in found.rows.refusals] == [
        (1, "true"),
        (6, "not a JSON object: 9"),
        (7, 'not a JSON object: {"nps": 9'),
    ]
    assert list(found.breakdown(missing="drop", invalid="drop")) == ["[1]", None]


def test_rows_of_a_sheet_are_numbered_as_excel_does():
    """Blank rows are no rows but count, and the header is the first row that is not blank."""
    book = openpyxl.Workbook()
    rows = [
        [],
        ["id", "nps", None],
        [1, 9],
        [],
        [2, 9.5],
        [3, "10 - Extremely likely"],
        [4, date(2024, 1, 2)],
        [5, True],
    ]
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.create_sheet("Other").append(["x"])
    book.save(file)
    found = answers(io.BytesIO(file.getvalue()), rating="nps")
    assert (found.file.unit, found.file.sheet, found.rows.scored) == ("row", "Sheet", 2)
    assert [each.place for each in found.rows.refusals] == [5, 7, 8]
    assert columns(io.BytesIO(file.getvalue()), sheet="Other") == ("x",)
    with pytest.raises(InvalidArgument, match=r"sheet must be one of 'Sheet', 'Other' \(got 'Third'\)"):
        columns(io.BytesIO(file.getvalue()), sheet="Third")


def test_types_of_parquet_that_are_no_numbers(tmp_path):
    """Truth values and dates are refused row by row, columns of lists as a whole, and categories are read as text."""
    frame = pl.DataFrame(
        {
            "flag": [True, None],
            "day": [date(2024, 1, 2), None],
            "word": pl.Series(["9", None], dtype=pl.Categorical),
            "float": [math.nan, 9.5],
            "money": [Decimal("9.0"), Decimal("9.5")],
            "list": [[9], [10]],
        }
    )
    path = tmp_path / "answers.parquet"
    frame.write_parquet(path)
    counts = {name: answers(path, rating=name).rows for name in ("flag", "day", "word", "float", "money")}
    found = {name: (rows.scored, rows.missing, rows.refused) for name, rows in counts.items()}
    assert found == {"flag": (0, 1, 1), "day": (0, 1, 1), "word": (1, 1, 0), "float": (0, 1, 1), "money": (1, 0, 1)}
    assert counts["float"].refusals == (Refusal(place=2, value=9.5, reason="not a whole number"),)
    with pytest.raises(InvalidArgument, match=r"rating must be a column of numbers or text \(got List\(Int64\)\)"):
        answers(path, rating="list")


def test_segments_are_in_order():
    """Numbers in texts are ordered by value and before words, and an empty text is the missing key, at the end."""
    data = b"plan,nps\n10,9\n9,9\n,9\nNA,9\n2,9\n"
    breakdown = answers(io.BytesIO(data), rating="nps", by="plan").breakdown()
    assert list(breakdown) == ["2", "9", "10", "NA", None]


def test_small_segments_are_withheld_and_segments_of_nobody_stay():
    """A segment below the minimum gives no counts, and one whose answers were all refused has no score."""
    data = b"plan,nps\na,9\na,10\na,0\nb,9\nc,x\n"
    found = answers(io.BytesIO(data), rating="nps", by="plan")
    assert found.breakdown(invalid="drop").n.tolist() == [3, 1, 0]
    assert [row["n"] for row in found.breakdown(invalid="drop", minimum_group=2).rows()] == [3, None, None]


def test_a_breakdown_needs_segments():
    """Without `by` there is no breakdown, and without rows there is no score."""
    with pytest.raises(
        InvalidArgument, match=r"by must be given when the answers are read, for a breakdown \(got \(\)\)"
    ):
        answers(io.BytesIO(b"nps\n9\n"), rating="nps").breakdown()
    with pytest.raises(NoRatings):
        answers(io.BytesIO(b"nps\n"), rating="nps").score()
    with pytest.raises(NoRatings):
        answers(io.BytesIO(b"nps,a\n"), rating="nps", by="a").breakdown()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"rating": "NPs"},
            r"column of the stream \(got 'NPs'\); did you mean 'nps'\? Its columns are 'id', 'nps', 'plan'",
        ),
        (
            {"rating": "qqqq"},
            r"rating must be a column of the stream \(got 'qqqq'\); Its columns are 'id', 'nps', 'plan'",
        ),
        (
            {"rating": "nps", "by": ["plan", "plam"]},
            r"by must be a column of the stream \(got 'plam'\); did you mean 'plan'",
        ),
        ({"rating": "nps", "by": ["plan", "plan"]}, "by must be columns that are named once"),
        ({"rating": "nps", "by": "n"}, "by must be columns that are named once and not 'detractors'"),
        ({"rating": "nps", "scale": "1-5"}, r"scale must be one of '0-10', '1-10' \(got '1-5'\)"),
        ({"rating": "nps", "sheet": "x"}, r"sheet must be left out of CSV \(got 'x'\)"),
    ],
)
def test_wrong_arguments_are_refused(options, message):
    """What is wrong with the call is said with the name of the argument, the rule and the value."""
    with pytest.raises(InvalidArgument, match=message):
        answers(io.BytesIO(b"id,nps,plan\n1,9,pro\n"), **options)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x1f\x8b\x08", "be CSV, Parquet, JSON lines or Excel, and it is gzip"),
        (b"%PDF-1.7", "and it is PDF"),
        (b"PAR1junk", "be readable as Parquet"),
        (b"PK\x03\x04junk", "be readable as Excel"),
        (b'{"nps": 9', r"hold one JSON object a line \(see line 1\)"),
    ],
)
def test_what_is_no_table_is_refused(data, message):
    """Archives, documents and damaged files are refused by what they are."""
    with pytest.raises(UnreadableFile, match=message):
        answers(io.BytesIO(data), rating="nps")


def test_an_empty_sheet_is_refused():
    """A sheet without a cell has no header."""
    with pytest.raises(UnreadableFile, match=r"hold a header on sheet 'Sheet' \(it is empty\)"):
        answers(excel_file(pl.DataFrame()), rating="nps")


@ANY_FORMAT
def test_progress_ends_with_all_bytes(form):
    """The count of bytes never falls, and ends at the size of the file."""
    file = FORMATS[form](pl.DataFrame(TABLE))
    seen = []
    answers(file, rating="nps", progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == file.seek(0, io.SEEK_END)


def test_memory_does_not_grow_with_the_column_of_answers():
    """A wrong column with as many values as rows is refused without keeping them all."""
    data = "nps\n" + "".join(f"0.{place}\n" for place in range(1, 200_001))
    found = answers(io.BytesIO(data.encode()), rating="nps")
    assert (found.rows.refused, len(found.rows.refusals)) == (200_000, 5)
