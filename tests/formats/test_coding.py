"""Coding sheets: what goes out comes back, whatever a spreadsheet did to the order of rows and columns."""

import csv
import io
from datetime import UTC, datetime, timedelta
from unicodedata import category

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from netpromoter.errors import InvalidArgument, UnreadableFile
from netpromoter.formats import coding_sheet, comment_codes
from netpromoter.model import Response

MONDAY = datetime(2026, 6, 1, 8, tzinfo=UTC)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=8).filter(str.strip)
CODES = TEXTS.filter(lambda text: ";" not in text).map(str.strip)


def answer(number, comment, rating=7):
    """Make an answer of one person."""
    at = MONDAY + timedelta(minutes=number)
    return Response(survey="nps", occasion="june", contact=f"c/{number}", rating=rating, at=at, comment=comment)


@st.composite
def sheets(draw):
    """Draw answers, some of them with comments and codes."""
    comments = draw(st.lists(st.none() | TEXTS, max_size=5))
    answers = [answer(number, comment) for number, comment in enumerate(comments)]
    given = {each.id: draw(st.lists(CODES, unique=True, max_size=3)) for each in answers if each.comment}
    return answers, given


@given(sheets(), st.randoms(), st.sampled_from(",;\t"))
def test_codes_come_back_in_whatever_order(sheet, random, delimiter):
    """Sorted anew, with other columns between and another delimiter, a sheet gives the codes that it was given."""
    answers, known = sheet
    rows = list(csv.DictReader(io.StringIO(coding_sheet(answers, known))))
    random.shuffle(rows)
    columns = ["codes", "more", "response", "comment"]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, extrasaction="ignore", restval="x", delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    found = comment_codes(io.BytesIO(text.getvalue().encode()), delimiter=delimiter)
    assert found == {each: tuple(given) for each, given in known.items() if given}


@pytest.mark.parametrize("code", ["=", "'=", "''=", "'", "-x", "price"])
def test_a_code_comes_back_whatever_it_begins_with(code):
    """What stands guarded against spreadsheets is read as it was."""
    fine = answer(1, "fine")
    sheet = coding_sheet([fine], {fine.id: [code, "more"]})
    assert comment_codes(io.BytesIO(sheet.encode())) == {fine.id: (code, "more")}


@given(sheets())
def test_every_comment_stands_in_one_row(sheet):
    """Each answer with a comment has one row, with its rating, and the others have none."""
    answers, _ = sheet
    rows = list(csv.DictReader(io.StringIO(coding_sheet(answers))))
    assert [row["response"] for row in rows] == [each.id for each in answers if each.comment]
    assert {row["category"] for row in rows} <= {"passive"}
    assert [row["answered"] for row in rows] == [each.at.isoformat() for each in answers if each.comment]


@pytest.mark.parametrize("comment", ["=1+1", "+1", "-1", "@sum(a1)"])
def test_no_comment_becomes_a_formula(comment):
    """What a spreadsheet would compute stands as text, with an apostrophe before it."""
    (row,) = csv.DictReader(io.StringIO(coding_sheet([answer(1, comment)])))
    assert row["comment"] == f"'{comment}"


@given(st.text(min_size=1).filter(str.strip), st.text().map(lambda text: text.replace(";", "")))
@example("a\ud800b", "a\rb")
@example("slow \x1b[31m\r\x00red", "\ud800")
def test_a_sheet_comes_back_whatever_people_wrote(comment, code):
    """Controls and halves of characters neither keep a sheet from a file, nor end a row of it, nor steer a reader."""
    first, second = answer(1, comment), answer(2, "fine")
    sheet = coding_sheet([first, second], {first.id: [code], second.id: ["price"]})
    assert {sign for sign in sheet if not sign.isprintable() and category(sign) == "Cc"} <= {"\n", "\t"}
    assert comment_codes(io.BytesIO(sheet.encode()))[second.id] == ("price",)
    first_row, second_row = csv.DictReader(io.StringIO(sheet))
    assert (first_row["response"], second_row["comment"]) == (first.id, "fine")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("response,code\na,b\n", "source must have the columns response and codes (got response, code)"),
        ("response,codes\n,b\n", "source must name an answer in each row, and none twice (got "),
        (
            "response,codes\na,b\na,c\n",
            "source must name an answer in each row, and none twice (got 'a' at",
        ),
    ],
)
def test_a_sheet_that_lost_its_ids_is_refused(text, message):
    """Without the id of each answer nothing is read; the message says what is missing, and where."""
    with pytest.raises(InvalidArgument) as refused:
        comment_codes(io.BytesIO(text.encode()))
    assert str(refused.value).startswith(message)


def test_a_code_that_would_be_two_is_refused():
    """A code with a semicolon could not be read back, and is not written."""
    with pytest.raises(InvalidArgument) as refused:
        coding_sheet([answer(1, "fine")], {answer(1, "fine").id: ["a;b"]})
    assert str(refused.value) == "codes must be without ';', which stands between two (got 'a;b')"


def test_a_sheet_must_be_csv(tmp_path):
    """Another format is refused by its name."""
    pl.DataFrame({"response": ["a"], "codes": ["b"]}).write_parquet(tmp_path / "sheet.parquet")
    with pytest.raises(UnreadableFile, match="be CSV, and it is Parquet"):
        comment_codes(tmp_path / "sheet.parquet")
