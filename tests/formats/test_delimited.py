"""Delimited text, against Python's own reader."""

import csv
import io

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from netpromoter.errors import UnreadableFile
from netpromoter.formats import columns
from netpromoter.formats._delimited import Delimited
from netpromoter.formats._source import Source

SIGNS = st.text(st.sampled_from('ab9 ";,|\té日😀\u2028\ufeff\x00'), max_size=4)
CELLS = st.one_of(SIGNS, st.lists(SIGNS, min_size=2, max_size=3).map("\n".join))
SCRAPS = st.lists(
    st.sampled_from(["a", '"', ",", "\n", "9", " ", ";", "é", "\r\n", "\r", '"a"', '""', '"x,y"', "\n\n", "'"]),
    max_size=25,
).map("".join)
BLOCKS = st.sampled_from([1, 2, 3, 7, 20, 1000])


def read(data, *, block=1000, delimiter=",", encoding=None, head=20):
    """Read all columns: the rows, the line of each, and what was found."""
    source = Source(name="answers.csv", stream=io.BytesIO(data[head:]), head=data[:head])
    table = Delimited.of(source, delimiter=delimiter, encoding=encoding, block=block)
    rows, lines = [], []
    for piece in table.pieces(range(len(table.columns))):
        rows += piece.frame.rows()
        lines += piece.places(range(piece.frame.height))
    return rows, lines, table.file()


def by_python(text):
    """Read rows and lines with the csv module; None where a quotation mark is never closed."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    given_lines = (text if text.endswith("\n") else text + "\n").split("\n")[:-1]
    at_the_end = []

    def feed():
        yield from (line + "\n" for line in given_lines)
        at_the_end.append(True)

    reader, rows, lines, before = csv.reader(feed()), [], [], 0
    for fields in reader:
        if at_the_end:
            return None
        if fields:
            rows.append(fields)
            lines.append(before + 1)
        before = reader.line_num
    return rows, lines


@st.composite
def tables(draw):
    """Draw a rectangular table, a delimiter, a line ending and a quoting style of the csv module."""
    width = draw(st.integers(1, 4))
    rows = draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=8))
    ending = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    # With "\r" the writer of some Pythons leaves a "\n" in a cell without quotation marks.
    quoting = csv.QUOTE_ALL if ending == "\r" else draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    style = {"delimiter": draw(st.sampled_from(",;\t|")), "lineterminator": ending, "quoting": quoting}
    return [f"c{place}" for place in range(width)], rows, style


@given(tables(), BLOCKS, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]))
def test_what_python_writes_is_read_back(table, block, encoding):
    """Every table that the csv module writes is read back as it was, however it is cut and encoded."""
    header, rows, style = table
    text = io.StringIO(newline="")
    writer = csv.writer(text, **style)
    writer.writerow(header)
    writer.writerows(rows)
    got, lines, file = read(text.getvalue().encode(encoding), block=block, delimiter=style["delimiter"])
    assert got == [tuple(row) for row in rows]
    assert lines == sorted(lines)
    assert not file.damage


@given(st.integers(1, 4), SCRAPS, BLOCKS)
@example(1, '\'a""x,y"\r\n', 1)
@example(2, '9"\n', 1000)
@example(2, '\n\n"a\nb"c,9\n', 3)
def test_broken_tables_are_read_as_python_reads_them(width, body, block):
    """Stray quotation marks, ragged and blank lines give the rows and line numbers of the csv module, however cut."""
    text = ",".join("abcd"[:width]) + "\n" + body
    expected = by_python(text)
    if expected is None:
        with pytest.raises(UnreadableFile, match=r"answers\.csv must close every quotation mark that it opens"):
            read(text.encode(), block=block)
        return
    rows, lines, file = read(text.encode(), block=block)
    assert rows == [tuple((fields + [""] * width)[:width]) for fields in expected[0][1:]]
    assert lines == expected[1][1:]
    ragged = {"short": 0, "long": 0} | {damage.kind: damage.lines for damage in file.damage}
    assert ragged["short"] == sum(len(fields) < width for fields in expected[0][1:])
    assert ragged["long"] == sum(len(fields) > width for fields in expected[0][1:])


@given(SCRAPS, BLOCKS, st.lists(st.binary(max_size=3), min_size=1, max_size=4))
def test_the_result_does_not_depend_on_the_blocks(body, block, junk):
    """Rows, line numbers, encoding and damage are the same for every block size, also where bytes are broken."""
    data = b"a,b\n" + junk[0].join(part.encode() for part in body.partition("9")) + b"\xe9\n".join(junk)
    try:
        whole = read(data)
    except UnreadableFile as problem:
        with pytest.raises(UnreadableFile, match=str(problem).partition(" (")[0]):
            read(data, block=block)
    else:
        assert read(data, block=block) == whole


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("id,nps\n1,9\n", ","),
        ("id;nps;note\n1;9;a,b,c\n2;8;1,5\n", ";"),
        ("id\tnps\n1\t9, at most\n", "\t"),
        ("id|nps\n1|9\n", "|"),
        ('"How likely, on a scale, is it?";"b, c"\n9;x\n', ";"),
        ("nps\n9\n8\n", ","),
        ("sep=;\nid;nps\n1;9\n", ";"),
    ],
)
def test_the_delimiter_is_found(text, delimiter):
    """The delimiter is the character that divides the rows as it divides the header; a comma where none does."""
    rows, _, file = read(text.encode(), delimiter=None, head=1000)
    assert file.delimiter == delimiter
    assert all(len(row) == len(rows[0]) for row in rows)


@given(
    st.lists(st.sampled_from(['1,"x\ny"\n', '2,5" wide\n', '3,"a"b\n', "4,z\n", "\n"]), max_size=30), st.integers(0, 20)
)
def test_a_mark_astray_slows_down_only_its_neighbors(lines, few):
    """Well quoted rows before and behind a mark astray are laid out as ever, and the rows are the same."""
    data = b"a,b\n" + "".join(lines).encode()
    whole = read(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("netpromoter.formats._records.FEW", few)
        assert read(data) == whole
    assert whole[0] == [tuple(fields) for fields in by_python(data.decode())[0][1:]]


def test_what_polars_refuses_is_read_by_python(monkeypatch):
    """Where polars sees something else in a block, or fails, the csv module has the word."""
    data = b'a,b\n1,"x\ny"\n\n2\n'
    whole = read(data)

    def fail(*_, **__):
        raise pl.exceptions.ComputeError

    for stand_in in (fail, lambda *_, **__: pl.DataFrame({"0": ["1"], "1": ["2"]})):
        monkeypatch.setattr(pl, "read_csv", stand_in)
        assert read(data) == whole


def test_a_byte_order_mark_within_a_file_is_a_sign_like_others():
    """A row that begins with U+FEFF keeps it, also where a block begins with that row."""
    for block in (1, 100):
        assert read("a\n\ufeffx\n".encode(), block=block)[0] == [("\ufeffx",)]


def test_the_line_that_tells_excel_the_delimiter_is_no_header():
    """A first line "sep=;" names the delimiter and is skipped, and the lines are still counted from it."""
    assert columns(io.BytesIO(b"sep=;\nid;nps\n1;9\n")) == ("id", "nps")
    assert read(b"sep=;\nid;nps\n1;9\n", delimiter=None)[:2] == ([("1", "9")], [3])


def test_no_name_stands_for_two_columns():
    """Equal names are all numbered, the first too, and empty names are called by their place."""
    assert columns(io.BytesIO(b"\nnps,, nps ,id\n")) == ("nps (1)", "column 2", "nps (2)", "id")


def test_damage_says_what_how_often_and_where():
    """Each kind of damage is counted and its first lines are named."""
    data = b'a,b\n1\n1,2,3\n\n"x"y,2\n1,2\n1\n1\n1\n'
    found = {damage.kind: str(damage) for damage in read(data)[2].damage}
    assert found == {
        "short": "4 lines have fewer fields than the header: 2, 7, 8, …",
        "long": "1 line has more fields than the header: 3",
        "quoting": "1 row has a stray quotation mark: 5",
    }


@pytest.mark.parametrize("data", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(data):
    """A file without a header cannot be read."""
    with pytest.raises(UnreadableFile, match=r"answers\.csv must hold a header \(it is empty\)"):
        read(data)


def test_an_open_quotation_mark_is_refused_at_its_line():
    """A quotation mark that is never closed would swallow the rest of the file, and is refused with its line."""
    with pytest.raises(UnreadableFile, match=r"close every quotation mark that it opens \(see line 3\)"):
        read(b'a,b\n1,2\n3,"4\n5,6\n')


def test_a_field_too_long_for_python_is_refused():
    """A field that the csv module gives up on is refused with its line."""
    data = b'a,b\n1,x"y\n1,"' + b"\n" * 140_000 + b'"x\n'
    with pytest.raises(
        UnreadableFile, match=r"readable as CSV: field larger than field limit \(131072\) \(see line 3\)"
    ):
        read(data, block=1 << 20)


def test_lines_without_end_are_refused(monkeypatch):
    """Bytes that hold no line break do not fill the memory."""
    monkeypatch.setattr("netpromoter.formats._text.LONGEST", 100)
    with pytest.raises(UnreadableFile, match="have lines of at most 100 bytes"):
        read(b"a,b\n" + b"x" * 200, block=50)


def test_rows_without_end_are_refused(monkeypatch):
    """A quoted field that goes on and on does not fill the memory."""
    monkeypatch.setattr("netpromoter.formats._records.LONGEST", 100)
    with pytest.raises(UnreadableFile, match=r"have rows of at most 100 bytes \(see line 2\)"):
        read(b'a,b\n1,"' + b"x\n" * 200, block=50)


@pytest.mark.parametrize("delimiter", ["", "ab", '"', "\n", "é"])
def test_a_delimiter_is_one_ascii_sign(delimiter):
    """Anything but one ASCII character is refused as a delimiter."""
    with pytest.raises(ValueError, match="delimiter must be one ASCII character other than a quotation mark or a"):
        read(b"a,b\n", delimiter=delimiter)
