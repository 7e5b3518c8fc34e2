"""Contacts from CSV, where everything is text until all of a column says otherwise."""

import csv
import io
from datetime import UTC, datetime, timedelta, timezone

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpromoter import frames
from netpromoter.errors import InvalidArgument, UnreadableFile
from netpromoter.formats import contacts
from netpromoter.model import NEVER

#: Words that are neither numbers nor flags nor instants.
WORDS = st.text(st.sampled_from('abé ";,\n日'), min_size=1, max_size=5).filter(str.strip)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(-timedelta(hours=9, minutes=30))])
INSTANTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=ZONES)  # noqa: DTZ001
VALUES = {
    pl.String: WORDS,
    pl.Int64: st.integers(-(1 << 63), (1 << 63) - 1),
    pl.Float64: st.floats(allow_nan=False, allow_infinity=False),
    pl.Boolean: st.booleans(),
    pl.Datetime("us", "UTC"): INSTANTS,
}
ADDRESSES = st.sampled_from(["+33 6 12", "0612", "007", "ann@example.com", "true", "2026-06-01", None])


def written(value):
    """Write a value as CSV has it."""
    return "" if value is None else value.isoformat() if isinstance(value, datetime) else str(value)


def as_csv(columns, **style):
    text = io.StringIO(newline="")
    writer = csv.writer(text, **style)
    writer.writerow(columns)
    writer.writerows([map(written, row) for row in zip(*columns.values(), strict=True)])
    return io.BytesIO(text.getvalue().encode())


@st.composite
def tables(draw):
    """Draw columns of people, and the type of each."""
    size = draw(st.integers(1, 6))
    types = {f"x{place}": each for place, each in enumerate(draw(st.lists(st.sampled_from(list(VALUES)), max_size=3)))}
    types |= {"id": pl.String, "email": pl.String, "phone": pl.String, "account": pl.String}
    drawn = {name: st.none() | VALUES[dtype] for name, dtype in types.items()}
    drawn |= dict.fromkeys(("email", "phone", "account"), ADDRESSES)
    columns = {name: draw(st.lists(values, min_size=size, max_size=size)) for name, values in drawn.items()}
    columns["id"] = [f"{place:03}" for place in range(size)]
    return columns, types


def laid_out(found):
    return (
        found.ids.tolist(),
        {name: texts.tolist() for name, texts in found.addresses.items()},
        {
            name: (held.kind, held.values.dtype, held.values.tolist(), held.missing.tolist(), held.labels)
            for name, held in found.columns.items()
        },
    )


@given(tables(), st.sampled_from(",;\t"))
def test_a_file_gives_what_its_frame_gives(table, delimiter):
    """People written as CSV give the same columns as their dataframe, with every kind recognized."""
    columns, types = table
    frame = pl.DataFrame({name: pl.Series(values, dtype=types[name]) for name, values in columns.items()})
    found = contacts(as_csv(columns, delimiter=delimiter), delimiter=delimiter)
    assert laid_out(found) == laid_out(frames.contacts(frame))


def column_of(*texts, name="x"):
    """Read one column of a file."""
    return contacts(as_csv({"id": [f"i{place}" for place in range(len(texts))], name: texts})).columns[name]


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("texts", "kind", "values"),
    [
        (["1", " 2 ", ""], "number", [1, 2, None]),
        (["-1", "2.5", "1e3"], "number", [-1.0, 2.5, 1000.0]),
        (["1", "007"], "text", ["1", "007"]),
        (["1", "+33"], "text", ["1", "+33"]),
        (["1", "1,5"], "text", ["1", "1,5"]),
        (["1", "NA"], "text", ["1", "NA"]),
        (["1", "nan"], "text", ["1", "nan"]),
        (["1", "inf"], "text", ["1", "inf"]),
        (["1", "1e999"], "text", ["1", "1e999"]),
        (["1", "١"], "text", ["1", "١"]),
        (["9223372036854775807", "-9223372036854775808"], "number", [(1 << 63) - 1, -(1 << 63)]),
        (["1", "9223372036854775808"], "text", ["1", "9223372036854775808"]),
        (["0.5", "12345678901234567890"], "text", ["0.5", "12345678901234567890"]),
        (["true", "False", "TRUE", " "], "flag", [True, False, True, None]),
        (["true", "yes"], "text", ["true", "yes"]),
        (["true", "1"], "text", ["true", "1"]),
        (["2026-06-01", ""], "instant", [utc(2026, 6, 1), None]),
        (["2026-06-01", "2026-02-30"], "text", ["2026-06-01", "2026-02-30"]),
        (
            ["2026-06-01T10:00+02:00", "2026-06-01 08:00:00.5Z"],
            "instant",
            [utc(2026, 6, 1, 8), utc(2026, 6, 1, 8, 0, 0, 500_000)],
        ),
        (["2026-06-01T10:00:00-0930", "2026-06-01"], "instant", [utc(2026, 6, 1, 19, 30), utc(2026, 6, 1)]),
        (["2026-06-01T10:00"], "text", ["2026-06-01T10:00"]),
        (["2026-06-01T24:00Z"], "text", ["2026-06-01T24:00Z"]),
        (["2026-06-01T10:00:60Z"], "text", ["2026-06-01T10:00:60Z"]),
        (["0001-01-01T00:00+14:00"], "text", ["0001-01-01T00:00+14:00"]),
        (["9999-12-31T23:59-14:00"], "text", ["9999-12-31T23:59-14:00"]),
        (["0000-01-01"], "text", ["0000-01-01"]),
        (["", " "], "text", [None, None]),
        (["a ", " b"], "text", ["a ", " b"]),
    ],
)
def test_a_column_is_what_all_of_it_is(texts, kind, values):
    """A column is of numbers, flags or instants if each of its values that is not blank is one, and else of text."""
    held = column_of(*texts)
    assert (held.kind, [held[place] for place in range(len(held))]) == (kind, values)


@pytest.mark.parametrize("name", ["email", "phone", "locale", "time_zone", "account"])
def test_what_identifies_stays_text(name):
    """Ids, addresses, locales, time zones and accounts stay texts, whatever they look like."""
    data = as_csv({"id": ["007", "1e5"], name: ["007", "12"]})
    found = contacts(data, attributes=[name])
    assert found.ids.tolist() == ["007", "1e5"]
    assert found.attributes[name].labels == ("007", "12")


def test_what_is_named_as_what_identifies_stays_text():
    """A column that is named for an id, an address or an account stays text too."""
    data = as_csv({"key": ["007"], "mobile": ["0612"], "customer": ["42"], "seats": ["3"]})
    found = contacts(data, id="key", addresses={"sms": "mobile"}, account="customer")
    person = found["007"]
    assert (person.addresses, person.account, person.attributes) == ({"sms": "0612"}, "42", {"seats": 3})


@pytest.mark.parametrize("named", [None, "since", "joined"])
def test_a_beginning_is_a_date_or_an_instant(named):
    """The beginning of a relationship is read from dates and datetimes with an offset, or is not known."""
    texts = ["2026-06-01", "2026-06-01T10:00+02:00", ""]
    data = as_csv({"id": "abc", named or "since": texts})
    found = contacts(data, since=named)
    assert [found.at(place).since for place in range(3)] == [utc(2026, 6, 1), utc(2026, 6, 1, 8), None]
    assert "since" not in found.attributes


def test_a_file_without_a_beginning_knows_none():
    """Without a column for it, or with a blank one, nobody's beginning is known."""
    for columns in ({"id": "ab"}, {"id": "ab", "since": [" ", ""]}):
        assert contacts(as_csv(columns)).since.tolist() == [NEVER.item()] * 2


@pytest.mark.parametrize("empty", [";;", " ; ;", ""])
def test_a_row_that_holds_nothing_is_a_blank_line(empty):
    """Spreadsheets write such a row for one that was emptied; where an id alone is missing it is told."""
    found = contacts(io.BytesIO(f"id;email;plan\r\n1;a@x.c;p\r\n{empty}\r\n2;;\r\n{empty}\r\n".encode()))
    assert list(found.ids) == ["1", "2"]
    with pytest.raises(UnreadableFile, match=r"must give every contact an id \(got '' on line 3; 1 such in all\)$"):
        contacts(io.BytesIO(f"id;email;plan\r\n{empty}\r\n;a@x.c;p\r\n".encode()))


def test_a_file_of_nobody_gives_nobody():
    """A file with a header alone has no people."""
    found = contacts(io.BytesIO(b"id,email,since,plan\n"))
    assert len(found) == 0
    assert list(found.attributes) == ["plan"]


def test_encoding_and_delimiter_can_be_given(tmp_path):
    """A file is read from a path in the encoding and with the delimiter that are said."""
    path = tmp_path / "people.csv"
    path.write_bytes("id|name\na|Zoë\n".encode("cp1250"))
    assert contacts(path, encoding="cp1250", delimiter="|")["a"].attributes == {"name": "Zoë"}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            io.StringIO("id\na\n"),
            "source must give bytes, as a file does that is opened with 'rb' (got text of a StringIO)",
        ),
        (pl.DataFrame({"id": ["a"]}), "source must be a path, or a stream that gives bytes (got a DataFrame)"),
        (5, "source must be a path, or a stream that gives bytes (got a int)"),
    ],
)
def test_what_gives_no_bytes_is_refused(source, message):
    """A file that was opened as text, or a frame, is told from one that gives bytes."""
    with pytest.raises(InvalidArgument) as refused:
        contacts(source)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (b"id,x\na,1\n", {"id": "key"}, "id must be one of 'id', 'x' (got 'key')"),
        (b"id,x\na,1\n", {"since": "joined"}, "since must be one of 'id', 'x' (got 'joined')"),
        (b"id,x\na,1\n", {"delimiter": "--"}, "delimiter must be one ASCII character"),
        (b"id,x\na,1\n", {"encoding": "klingon"}, "encoding must be the name of a text encoding"),
        (b"id,x\na,1\n", {"addresses": "x"}, "addresses must be a mapping of channels to columns (got 'x')"),
        (b"id,account\na,2026\n", {"since": "account"}, "since must be a column of the kind 'instant' (got 'text')"),
    ],
)
def test_what_is_no_list_of_people_is_refused(data, options, message):
    """Columns that are not there and wrong options are refused."""
    with pytest.raises(InvalidArgument) as refused:
        contacts(io.BytesIO(data), **options)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("data", "rule", "got"),
    [
        (b"id,x\n ,1\nb,2\n,3\n", "give every contact an id", "' ' on line 2; 2"),
        (b'id,x\n\na,"1\n2"\n,\na,2\n', "give every contact an id of its own", "'a' again on line 6; 1"),
        (
            b"id,since\na,2026-06-01\n;,\n,\nb,2026-06-01 10:00\nc,soon\n",
            "have dates, or datetimes with an offset or Z, in its column 'since'",
            "'2026-06-01 10:00' on line 5; 2",
        ),
        (
            b"id,x\n" + b"".join(b"%d,1\n" % number for number in range(400_000)) + b"7,2\n",
            "give every contact an id of its own",
            "'7' again on line 400,002; 1",
        ),
    ],
    ids=["blank", "twice", "date", "long"],
)
def test_people_who_cannot_be_told_apart_are_refused_with_their_line(data, rule, got):
    """Lines are those that an editor counts, whatever was passed over before."""
    with pytest.raises(UnreadableFile) as refused:
        contacts(io.BytesIO(data))
    assert str(refused.value) == f"the stream must {rule} (got {got} such in all)"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the stream must hold a header (it is empty)"),
        (b"id,name\na,Ann, PhD\n", "the stream must be whole, and 1 line has more fields than"),
        (
            b"id,name\na\n",
            "must be whole, and 1 line has fewer fields than the header: 2",
        ),
        (
            b'id,name\na,"Ann" x\n',
            "the stream must be whole, and 1 row has a stray quotation mark",
        ),
        (b"id,name\na,\x81\xff\n", "the stream must be whole, and 1 line holds bytes not valid"),
        (
            b'{"id": "a"}\n',
            "the stream must be CSV, and it is JSON lines; netpromoter.frames.contacts takes a dataframe",
        ),
        (b"\x1f\x8b", "the stream must be CSV, Parquet, JSON lines or Excel, and it is gzip"),
    ],
)
def test_a_file_that_is_not_whole_is_refused(data, message):
    """What is not CSV, or has lines in which a value may stand in the wrong column, is refused."""
    with pytest.raises(UnreadableFile) as refused:
        contacts(io.BytesIO(data))
    assert message in str(refused.value)
