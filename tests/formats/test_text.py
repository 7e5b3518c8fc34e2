"""Encodings, found and given, whole and broken."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpromoter.formats import answers
from netpromoter.formats._damage import Tallies
from netpromoter.formats._text import Text

LINES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\ufeff\x00"), max_size=20)


def read(data, *, encoding=None, size=1000):
    """Read all text, the encoding that was found and the damage."""
    damage = Tallies()
    text = Text.of("answers.csv", data[:100], encoding, damage)
    chunks = [data[start : start + size] for start in range(0, len(data), size)]
    return b"".join(text.lines(chunks)).decode(), text.encoding, damage.report()


@given(st.lists(LINES, min_size=1, max_size=5), st.integers(1, 9))
def test_utf_8_is_itself(lines, size):
    """Valid UTF-8 comes through unchanged, however it is cut, and is never taken for something else."""
    text = "id,nps\n" + "".join(line + "\n" for line in lines)
    assert read(text.encode(), size=size) == (text, "utf-8", ())


@given(st.sampled_from(["utf-16", "utf-16-le", "utf-16-be", "utf-32"]), st.integers(1, 9))
def test_wide_encodings_are_found(encoding, size):
    """UTF-16 and UTF-32 are found by their mark, and UTF-16 without one by its zero bytes."""
    text = "id,nps,plan\n1,9,été\n2,10,日本\n"
    got, found, damage = read(text.encode(encoding), size=size)
    assert (got, damage) == (text, ())
    assert found.startswith(encoding[:6])


def test_a_mark_of_utf_8_is_no_part_of_the_first_name():
    """The byte order mark of UTF-8 is dropped, whether the encoding is given or found."""
    for encoding in (None, "utf-8", "utf-8-sig"):
        assert read(b"\xef\xbb\xbfnps\n9\n", encoding=encoding)[0] == "nps\n9\n"


def test_each_line_is_judged_alone():
    """In a file of two encodings every line is read right, and both encodings are named."""
    data = "a\nété\n".encode() + "été\n".encode("windows-1252")
    assert read(data) == ("a\nété\nété\n", "utf-8 and windows-1252", ())


def test_bytes_that_no_encoding_has_are_replaced_and_counted():
    """Bytes that windows-1252 does not have become U+FFFD; they are counted and their lines named."""
    text, encoding, (damage,) = read(b"a\n\xe9\x81.\x8d\nb\n\x9d\n")
    assert (text, encoding) == ("a\né\ufffd.\ufffd\nb\n\ufffd\n", "windows-1252")
    assert (damage.kind, damage.lines, damage.times, damage.first) == ("undecodable", 2, 3, (2, 4))
    assert str(damage) == "2 lines hold bytes not valid in the encoding (3): 2, 4"


def test_a_given_encoding_is_kept_to():
    """A given encoding is used for every line, and what is not valid in it is counted."""
    assert read(b"\x82\n", encoding="cp850") == ("é\n", "cp850", ())
    text, encoding, (damage,) = read(b"\xe9t\xe9\n", encoding="UTF8")
    assert (text, encoding, damage.times) == ("\ufffdt\ufffd\n", "utf-8", 2)
    assert read("９\n".encode("shift-jis"), encoding="shift-jis")[0] == "９\n"


@pytest.mark.parametrize("encoding", ["klingon", "base64", "a\0b", ""])
def test_an_encoding_must_be_known(encoding):
    """What Python does not know as a text encoding is refused."""
    with pytest.raises(ValueError, match="encoding must be the name of a text encoding that Python knows"):
        read(b"a\n", encoding=encoding)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_endings_are_one(ending):
    """All three line endings end a line, also where a block ends between two of their bytes."""
    data = ending.join(["nps", "9", "10", ""]).encode()
    for size in (1, 2, 3, 4, 100):
        assert read(data, size=size)[0] == "nps\n9\n10\n"


def test_zero_bytes_are_signs_like_others():
    """A zero byte in a field does not end the file; a rating with one is refused."""
    found = answers(io.BytesIO(b"nps,plan\n9\x00,a\n10,b\x00c\n"), rating="nps", by="plan")
    assert (found.rows.refused, found.rows.refusals[0].value) == (1, "9\x00")
    assert list(found.breakdown(invalid="drop")) == ["a", "b\x00c"]
