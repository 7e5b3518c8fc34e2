"""Ids: one for each list of parts, whatever these contain."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netpromoter.model import quoted, survey_of, unquoted
from netpromoter.model._ids import joined

TEXTS = st.text(st.characters(), max_size=12)


@given(text=TEXTS)
def test_a_part_is_percent_encoded_as_the_standard_says(text):
    assert quoted(text) == quote(text, safe="", errors="surrogatepass")


@pytest.mark.parametrize("code", range(256))
def test_each_character_of_one_byte_is_written_as_the_standard_says(code):
    assert quoted(chr(code)) == quote(chr(code), safe="")


@given(text=TEXTS)
def test_a_part_is_read_as_it_was_written(text):
    assert unquoted(quoted(text)) == text


@given(parts=st.lists(TEXTS, min_size=1, max_size=4))
def test_an_id_has_the_parts_it_was_made_of(parts):
    identity = joined(*parts)
    assert [unquoted(part) for part in identity.split("/")] == parts
    assert survey_of(identity) == parts[0]
