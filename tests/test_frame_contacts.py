"""Contacts from dataframes: the same people, whichever library holds them."""

from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netpromoter.errors import InvalidArgument
from netpromoter.frames import contacts
from netpromoter.model import Contacts, fingerprint
from strategies import crowds

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=6).filter(str.strip)
VALUES = {
    "text": WORDS,
    "whole": st.integers(-(1 << 63), (1 << 63) - 1),
    "number": st.floats(allow_nan=False, allow_infinity=False),
    "flag": st.booleans(),
    "instant": st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
}
PANDAS = {"whole": "Int64", "number": "Float64", "flag": "boolean", "instant": "datetime64[us, UTC]", "text": None}


def kind_of(values):
    """Name the kind of a column of Python values."""
    kinds = {type(value) for value in values} - {type(None)}
    return {str: "text", int: "whole", float: "number", bool: "flag", datetime: "instant"}[
        kinds.pop() if kinds else str
    ]


def as_polars(columns):
    return pl.DataFrame(columns, strict=False)


def as_arrow(columns):
    types = {"text": pa.string(), "instant": pa.timestamp("us", "UTC")}
    return pa.table({name: pa.array(values, types.get(kind_of(values))) for name, values in columns.items()})


def as_pandas(columns):
    return pd.DataFrame({name: pd.Series(values, dtype=PANDAS[kind_of(values)]) for name, values in columns.items()})


def as_objects(columns):
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})


def as_categories(columns):
    texts = {name: "category" for name, values in columns.items() if kind_of(values) == "text"}
    return as_pandas(columns).astype(texts)


def as_arrow_dictionaries(columns):
    coded = {name for name, values in columns.items() if kind_of(values) == "text"}
    table = as_arrow(columns)
    return pa.table({name: table[name].dictionary_encode() if name in coded else table[name] for name in columns})


def as_polars_categories(columns):
    texts = [name for name, values in columns.items() if kind_of(values) == "text"]
    return as_polars(columns).with_columns(pl.col(name).cast(pl.String).cast(pl.Categorical) for name in texts)


MAKERS = {
    "polars": as_polars,
    "polars-lazy": lambda columns: as_polars(columns).lazy(),
    "polars-categories": as_polars_categories,
    "pyarrow": as_arrow,
    "pyarrow-dictionaries": as_arrow_dictionaries,
    "pandas": as_pandas,
    "pandas-objects": as_objects,
    "pandas-categories": as_categories,
}


def columns_of(people):
    """Lay people out as columns of Python values, under the names that are found without being named."""
    names = sorted({name for person in people for name in person.attributes})
    own = {
        "id": [person.id for person in people],
        "email": [person.addresses.get("email") for person in people],
        "phone": [person.addresses.get("sms") for person in people],
        "locale": [person.locale for person in people],
        "time_zone": [person.time_zone for person in people],
        "account": [person.account for person in people],
        "since": [person.since for person in people],
    }
    return own | {f"x{name}": [person.attributes.get(name) for person in people] for name in names}


def laid_out(found):
    """Give every array of contacts as lists; channels and attributes of nobody do not count."""
    columns = {name: held for name, held in found.columns.items() if not held.missing.all()}
    return (
        found.ids.tolist(),
        {name: texts.tolist() for name, texts in found.addresses.items() if any(texts)},
        {
            name: (held.kind, held.values.dtype, held.values.tolist(), held.missing.tolist(), held.labels)  # noqa: PD011
            for name, held in columns.items()
        },
    )


def renamed(people):
    """Give people whose attributes have the names that they have in a frame."""
    made = Contacts.of(people)
    return laid_out(
        Contacts(
            ids=made.ids,
            addresses=made.addresses,
            locale=made.locale,
            time_zone=made.time_zone,
            account=made.account,
            since=made.since,
            attributes={f"x{name}": held for name, held in made.attributes.items()},
        )
    )


@pytest.mark.parametrize("library", MAKERS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(people=crowds(texts=WORDS, values=VALUES))
def test_the_same_people_give_the_same_columns(library, people):
    """The same people give equal arrays from a frame of any library and from single contacts."""
    columns = columns_of(people)
    found = contacts(MAKERS[library](columns))
    assert laid_out(found) == renamed(people)
    assert set(found.attributes) == {name for name in columns if name.startswith("x")}


FRAME = pl.DataFrame(
    {
        "id": ["a", "b"],
        "email": ["ann@example.com", " "],
        "mobile": [None, "+33 6 12"],
        "account": [7, None],
        "since": [date(2026, 6, 1), None],
        "plan": ["", "paid"],
    }
)


def test_a_frame_of_duckdb_is_collected():
    """A relation of DuckDB gives what the frame behind it gives."""
    relation = duckdb.from_arrow(FRAME.to_arrow())
    assert laid_out(contacts(relation)) == laid_out(contacts(FRAME))


def test_columns_go_by_the_names_that_are_given():
    """Every column can be named, and what is named is no attribute unless asked for."""
    found = contacts(
        FRAME,
        id="id",
        addresses={"push": "mobile"},
        account="plan",
        since="since",
        attributes=["email", "mobile"],
        key=b"k",
    )
    assert found.addresses.keys() == {"push"}
    assert [found.at(place).account for place in range(2)] == [None, "paid"]
    assert [dict(found.at(place).attributes) for place in range(2)] == [
        {"email": "ann@example.com"},
        {"mobile": "+33 6 12"},
    ]
    assert found.fingerprints["push"].tolist() == [0, fingerprint("+33 6 12", b"k")]


def test_columns_are_found_by_their_names():
    """Without names, the columns of the usual names are what they say, and all others are attributes."""
    found = contacts(FRAME)
    assert list(found.addresses) == ["email"]
    assert list(found.attributes) == ["mobile", "plan"]
    assert found["a"].account == "7"
    assert found["a"].since == datetime(2026, 6, 1, tzinfo=UTC)
    assert found["b"].addresses == {}


def test_a_column_that_was_named_is_not_found_again():
    """A column that is named for one thing is not taken for another because of its name."""
    frame = pl.DataFrame({"account": ["a", "b"], "plan": ["x", "y"]})
    assert contacts(frame, id="account").account.absent


@pytest.mark.parametrize("maker", [pd.DataFrame, pl.DataFrame, pa.table])
def test_whole_numbers_are_ids(maker):
    """Ids that are whole numbers become texts."""
    assert contacts(maker({"id": [3, 1, 2]})).ids.tolist() == ["3", "1", "2"]


def test_ids_of_mixed_objects_are_texts():
    """A column of objects may hold texts and whole numbers as ids."""
    frame = pd.DataFrame({"id": pd.Series(["a", 3, np.int64(4)], dtype=object)})
    assert contacts(frame).ids.tolist() == ["a", "3", "4"]


def one_column(*values, dtype=None):
    return contacts(pl.DataFrame({"id": range(len(values)), "x": pl.Series(values, dtype=dtype)})).attributes["x"]


@pytest.mark.parametrize(
    ("values", "dtype", "found"),
    [
        ([1, None], pl.Int8, ("number", [1, None])),
        ([1, (1 << 63) + 2048], pl.UInt64, ("number", [1.0, 2.0**63 + 2048])),
        ([1, None], pl.UInt64, ("number", [1, None])),
        ([1, None], pl.Int128, ("number", [1, None])),
        ([Decimal("1.5"), None], pl.Decimal(10, 2), ("number", [1.5, None])),
        ([1.5, float("nan")], pl.Float32, ("number", [1.5, None])),
        ([date(1, 1, 1), date(9999, 12, 31)], pl.Date, ("instant", [date(1, 1, 1), date(9999, 12, 31)])),
        (["a", "b"], pl.Enum(["b", "a", "c"]), ("text", ["a", "b"])),
        ([None, None], pl.Enum(["b"]), ("text", [None, None])),
        ([None, None], pl.Null, ("text", [None, None])),
        ([None, None], pl.Float64, ("text", [None, None])),
        ([" ", None], pl.String, ("text", [None, None])),
    ],
)
def test_every_type_of_polars_has_its_kind(values, dtype, found):
    """Numbers, decimals, dates and enumerations of any width are of the kind that they mean, and missing where null."""
    held = one_column(*values, dtype=dtype)
    back = [value.date() if isinstance(value, datetime) else value for value in map(held.__getitem__, range(len(held)))]
    assert (held.kind, back) == found


@pytest.mark.parametrize("zone", ["UTC", "Europe/Paris", "Asia/Kathmandu"])
@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_datetimes_of_any_unit_and_zone_are_instants(unit, zone):
    """A datetime with a time zone is the same instant whatever its unit, zone and library."""
    frame = pl.DataFrame({"id": [1, 2], "x": [datetime(2026, 6, 1, 8, tzinfo=UTC), None]})
    frame = frame.with_columns(pl.col("x").cast(pl.Datetime(unit, "UTC")).dt.convert_time_zone(zone))
    for each in (frame, frame.to_arrow(), frame.to_pandas()):
        assert contacts(each)["1"].attributes == {"x": datetime(2026, 6, 1, 8, tzinfo=UTC)}


def test_categories_of_numbers_are_numbers():
    """A category of pandas is of the kind of its labels."""
    frame = pd.DataFrame({"id": [1, 2, 3], "x": pd.Series([5, None, 7], dtype="category")})
    held = contacts(frame).attributes["x"]
    assert (held.kind, [held[0], held[1], held[2]]) == ("number", [5, None, 7])


def test_a_category_in_many_chunks_is_one_column():
    """Chunks of pyarrow with dictionaries of their own give one table of labels."""
    parts = [pa.array(["b", "a"]).dictionary_encode(), pa.array(["c", None, "a"]).dictionary_encode()]
    table = pa.table({"id": list("vwxyz"), "x": pa.chunked_array(parts)})
    held = contacts(table).attributes["x"]
    assert held.labels == ("b", "a", "c")
    assert [held[place] for place in range(5)] == ["b", "a", "c", None, "a"]


TWO = pl.DataFrame({"id": ["a", "b"], "x": [1, 2]})


def with_x(*values, dtype=None):
    return pl.DataFrame({"id": range(len(values)), "x": pl.Series(values, dtype=dtype)})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: contacts([1, 2]), "frame must be a dataframe (got a list)"),
        (
            lambda: contacts(pd.DataFrame([[1, 2]], columns=["id", "id"])),
            "frame must be of columns with different names",
        ),
        (
            lambda: contacts(pa.Table.from_arrays([pa.array([1])] * 2, names=["id", "id"])),
            "frame must be of columns with different names (got ['id', 'id'])",
        ),
        (lambda: contacts(TWO, id="key"), "id must be one of 'id', 'x' (got 'key')"),
        (lambda: contacts(TWO, addresses={"sms": "phone"}), "addresses['sms'] must be one of 'id', 'x' (got 'phone')"),
        (lambda: contacts(TWO, addresses="x"), "addresses must be a mapping of channels to columns (got 'x')"),
        (lambda: contacts(TWO, locale="lang"), "locale must be one of 'id', 'x' (got 'lang')"),
        (lambda: contacts(TWO, attributes="x"), "attributes must be a sequence of columns (got 'x')"),
        (lambda: contacts(TWO, attributes=5), "attributes must be a sequence of columns (got 5)"),
        (lambda: contacts(TWO, attributes=["y"]), "attributes must be one of 'id', 'x' (got 'y')"),
        (
            lambda: contacts(TWO, attributes=["x", "x"]),
            "attributes must be different from one another (got ['x', 'x'])",
        ),
        (lambda: contacts(TWO, key="k"), "key must be bytes, 64 at most (got a value of type str)"),
        (
            lambda: contacts(pl.DataFrame({"id": ["a", None, " "]})),
            "ids must be neither missing nor blank (got None at position 1; 2 such in all)",
        ),
        (
            lambda: contacts(pl.DataFrame({"id": ["a", "b", "a"]})),
            "ids must be different from one another (got 'a' again at position 2; 1 such in all)",
        ),
        (
            lambda: contacts(pl.DataFrame({"id": [1.0, 2.0]})),
            "ids must be made of texts or whole numbers (got a value of",
        ),
        (
            lambda: contacts(pl.DataFrame({"id": [True]})),
            "ids must be made of texts or whole numbers (got a value of typ",
        ),
        (
            lambda: contacts(pd.DataFrame({"id": [1.0, None]})),
            "ids must be made of texts or whole numbers (got a value of type float)",
        ),
        (
            lambda: contacts(pl.DataFrame({"id": ["a"], "phone": [33612]})),
            "addresses['sms'] must be made of texts (got a value of type int)",
        ),
        (
            lambda: contacts(pl.DataFrame({"id": ["a"], "locale": [1]})),
            "locale must be a column of the kind 'text' (got 'number')",
        ),
        (
            lambda: contacts(pl.DataFrame({"id": ["a"], "since": ["2026-06-01"]})),
            "since must be a column of the kind 'instant' (got 'text')",
        ),
        (
            lambda: contacts(pl.DataFrame({"id": ["a"], "since": [datetime(2026, 6, 1)]})),  # noqa: DTZ001
            "since must be dates, or datetimes with a time zone (got a column of Datetime(",
        ),
        (
            lambda: contacts(with_x(datetime(2026, 6, 1))),  # noqa: DTZ001
            "attributes['x'] must be dates, or datetimes with a time zone (got a column of Datetime(",
        ),
        (
            lambda: contacts(with_x(4_000_000, dtype=pl.Int32).with_columns(pl.col("x").cast(pl.Date))),
            "attributes['x'] must be between the years 1 and 9999 (got '12921-",
        ),
        (
            lambda: contacts(with_x(1.0, float("inf"), float("-inf"))),
            "attributes['x'] must be made of finite numbers (got inf at position 1; 2 such in all)",
        ),
        (
            lambda: contacts(with_x([1])),
            "attributes['x'] must be text, a number, a flag, a date or a datetime with a tim",
        ),
        (
            lambda: contacts(with_x(b"a")),
            "attributes['x'] must be text, a number, a flag, a date or a datetime with a ti",
        ),
        (
            lambda: contacts(pd.DataFrame({"id": [1, 2], "x": pd.Series([1, "a"], dtype=object)})),
            "attributes['x'] must be of one kind in every contact (got 'number and text')",
        ),
    ],
)
def test_what_is_no_list_of_people_is_refused(make, message):
    """Columns that are not there, ids that do not tell people apart and columns of no kind are refused by name."""
    with pytest.raises(InvalidArgument) as refused:
        make()
    assert message in str(refused.value)


def test_a_refused_address_is_not_shown():
    """The refusal of a column of addresses shows none of them."""
    with pytest.raises(InvalidArgument) as refused:
        contacts(pl.DataFrame({"id": ["a"], "phone": [33612]}))
    assert "33612" not in str(refused.value)
