"""Contacts from any dataframe, column by column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter._checks import one_of, refusal, shown
from netpromoter.errors import InvalidArgument
from netpromoter.model import NEVER, Column, Contacts, Instants, Kind, column

from ._coding import coded_series

if TYPE_CHECKING:
    import narwhals.stable.v2 as nw

    Series: TypeAlias = nw.Series[Any]

__all__ = ["contacts"]

_Values: TypeAlias = npt.NDArray[Any]

_ADDRESSES: Mapping[str, str] = {"email": "email", "sms": "phone"}
_FACTS = ("locale", "time_zone", "account", "since")
_FIRST, _LAST = np.array(["0001-01-01", "9999-12-31T23:59:59.999999"], "datetime64[us]").astype(np.int64)


def contacts(
    frame: Any,
    *,
    id: str = "id",  # noqa: A002 -- what everybody calls it
    addresses: Mapping[str, str] | None = None,
    locale: str | None = None,
    time_zone: str | None = None,
    account: str | None = None,
    since: str | None = None,
    attributes: Sequence[str] | None = None,
    key: bytes = b"",
) -> Contacts:
    """Read contacts from a dataframe.

    Parameters
    ----------
    frame : dataframe
        Of pandas, polars (eager or lazy), pyarrow, DuckDB, Ibis, Dask or PySpark, with a row per person; one that is
        not in memory is collected.
    id : str, default "id"
        The column of ids: texts or whole numbers, which become texts.
    addresses : mapping of str to str, optional
        The column of addresses of each channel, which must be text: a number has lost its plus sign and leading zeros.
        Without it, ``email`` by the column "email" and ``sms`` by the column "phone", where there are such columns.
    locale, time_zone, account, since : str, optional
        The columns of what `Contact` calls so, account also of whole numbers; without a name, a column that is called
        so, if there is one. `since` holds dates, which are their midnight in UTC, or datetimes with a time zone; one
        without is refused, for it names no instant.
    attributes : sequence of str, optional
        The columns of everything else that conditions may ask for; without it, all others. Text, numbers, flags, dates
        or datetimes with a time zone.
    key : bytes, default b""
        The key of the fingerprints of addresses.

    Returns
    -------
    Contacts
        In the order of the rows. Null, NaN, NA, NaT and blank text are missing.

    Raises
    ------
    InvalidArgument
        If a column is not there or of a wrong type, an id is missing, blank or given twice, or a number is infinite.

    Examples
    --------
    >>> import polars as pl
    >>> frame = pl.DataFrame({"id": [1, 2], "email": ["ann@example.com", None], "plan": ["paid", "free"]})
    >>> contacts(frame)
    Contacts(2 people; email; plan)
    >>> contacts(frame, addresses={}, attributes=["email"])["1"].attributes
    {'email': 'ann@example.com'}
    """
    table = _Table.of(frame)
    named = {"locale": locale, "time_zone": time_zone, "account": account, "since": since}
    roles = _Roles.of(table.names, id, addresses, named, attributes)
    size = len(table.frame)
    facts = {name: table.read(name, roles.facts.get(name), _text, size) for name in _FACTS[:2]}
    return Contacts(
        ids=_ids(table.series(roles.id)),
        addresses={name: _addresses(f"addresses[{name!r}]", table.series(held)) for name, held in roles.addresses},
        account=table.read("account", roles.facts.get("account"), _name, size),
        since=_since(table.read("since", roles.facts.get("since"), _instant, size)),
        attributes={name: _column(f"attributes[{name!r}]", table.series(name)) for name in roles.attributes},
        key=key,
        **facts,
    )


@attrs.frozen
class _Table:
    """A dataframe in memory."""

    frame: nw.DataFrame[Any]

    @classmethod
    def of(cls, data: Any) -> _Table:
        import narwhals.stable.v2 as nw
        from narwhals.exceptions import DuplicateError

        try:
            frame: nw.DataFrame[Any] | nw.LazyFrame[Any] = nw.from_native(data)
        except DuplicateError:
            names = list(getattr(data, "column_names", data.columns))
            raise refusal("frame", "of columns with different names", names) from None
        except TypeError:
            raise InvalidArgument(f"frame must be a dataframe (got a {type(data).__name__})") from None
        return cls(frame.collect() if isinstance(frame, nw.LazyFrame) else frame)

    @property
    def names(self) -> list[str]:
        return self.frame.columns

    def series(self, name: str) -> Series:
        return self.frame.get_column(name)

    def read(self, name: str, held: str | None, reader: Callable[[str, Series], Column], size: int) -> Column:
        return _nothing(size) if held is None else reader(name, self.series(held))


@attrs.frozen(kw_only=True)
class _Roles:
    """Which column is what."""

    id: str
    addresses: Sequence[tuple[str, str]]
    facts: Mapping[str, str]
    attributes: Sequence[str]

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        id_: str,
        addresses: Mapping[str, str] | None,
        facts: Mapping[str, str | None],
        attributes: Iterable[str] | None,
    ) -> _Roles:
        one_of("id", id_, names)
        channels = _channels(names, addresses)
        taken = {id_, *channels.values(), *(name for name in facts.values() if name is not None)}
        known = {fact: _fact(names, fact, name, taken) for fact, name in facts.items()}
        used = {fact: name for fact, name in known.items() if name is not None}
        others = [name for name in names if name not in taken | set(used.values())]
        chosen = others if attributes is None else _chosen(names, attributes)
        return cls(id=id_, addresses=list(channels.items()), facts=used, attributes=chosen)


def _channels(names: Sequence[str], addresses: Mapping[str, str] | None) -> dict[str, str]:
    if addresses is None:
        return {channel: name for channel, name in _ADDRESSES.items() if name in names}
    if not isinstance(addresses, Mapping):
        raise refusal("addresses", "a mapping of channels to columns", addresses)
    return {channel: one_of(f"addresses[{channel!r}]", name, names) for channel, name in addresses.items()}


def _fact(names: Sequence[str], fact: str, name: str | None, taken: set[str]) -> str | None:
    if name is not None:
        return one_of(fact, name, names)
    return fact if fact in names and fact not in taken else None


def _chosen(names: Sequence[str], attributes: Iterable[str]) -> list[str]:
    if isinstance(attributes, str) or not isinstance(attributes, Iterable):
        raise refusal("attributes", "a sequence of columns", attributes)
    chosen = [one_of("attributes", name, names) for name in attributes]
    if len(set(chosen)) < len(chosen):
        raise refusal("attributes", "different from one another", chosen)
    return chosen


# -- texts, one for each person ----------------------------------------------------------------------------------------


def _ids(series: Series) -> npt.NDArray[np.object_]:
    texts = _texts("ids", series, whole=True)
    nobody = np.fromiter((text is None or not text.strip() for text in texts), np.bool_, len(texts))
    if nobody.any():
        first = int(nobody.argmax())
        got = f"{shown(texts[first])} at position {first:,}; {int(nobody.sum()):,} such in all"
        raise InvalidArgument(f"ids must be neither missing nor blank (got {got})")
    return _objects(texts)


def _addresses(name: str, series: Series) -> npt.NDArray[np.object_]:
    texts = _texts(name, series, whole=False)
    return _objects([None if text is None or not text.strip() else text for text in texts])


def _texts(name: str, series: Series, *, whole: bool) -> list[str | None]:
    """Give a column of text, or of whole numbers where they may stand for text, as a list."""
    import narwhals.stable.v2 as nw

    held = _plain_values(series)
    if series.dtype == nw.String and set(map(type, held)) <= {str, type(None)}:
        return held
    if whole and series.dtype.is_integer():
        return [None if value is None else str(int(value)) for value in held]
    return [_as_text(name, value, whole=whole) for value in held]


def _plain_values(series: Series) -> list[Any]:
    """Give the values of a column, and None where there is none."""
    values = series.to_list()
    missing = series.is_null().to_numpy()
    for place in np.flatnonzero(missing).tolist():
        values[place] = None
    return values


def _as_text(name: str, value: Any, *, whole: bool) -> str | None:
    if value is None or (isinstance(value, float) and value != value):  # noqa: PLR0124 -- NaN alone differs
        return None
    if isinstance(value, str):
        return str.__str__(value)
    if whole and isinstance(value, int | np.integer) and not isinstance(value, bool | np.timedelta64):
        return str(int(value))
    rule = "made of texts or whole numbers" if whole else "made of texts"
    raise InvalidArgument(f"{name} must be {rule} (got a value of type {type(value).__name__})")


def _objects(texts: Sequence[str | None]) -> npt.NDArray[np.object_]:
    held = np.empty(len(texts), object)
    held[:] = texts
    return held


# -- columns -----------------------------------------------------------------------------------------------------------


def _nothing(size: int) -> Column:
    return column("", [None] * size)


def _text(name: str, series: Series) -> Column:
    return _of_kind(name, "text", _column(name, series))


def _name(name: str, series: Series) -> Column:
    """Read texts, or whole numbers as texts."""
    if series.dtype.is_integer():
        return column(name, _texts(name, series, whole=True))
    return _text(name, series)


def _instant(name: str, series: Series) -> Column:
    return _of_kind(name, "instant", _column(name, series))


def _of_kind(name: str, kind: str, found: Column) -> Column:
    if found.kind == kind or found.missing.all():
        return found
    raise refusal(name, f"a column of the kind {kind!r}", found.kind)


def _since(found: Column) -> Instants:
    return found.values if found.kind == "instant" else np.full(len(found), NEVER)


def _column(name: str, series: Series) -> Column:
    """Read a column of any type; one in which all is missing is one of text."""
    found = _read(name, series)
    return _nothing(len(found)) if found.missing.all() else found


def _read(name: str, series: Series) -> Column:
    import narwhals.stable.v2 as nw

    dtype = series.dtype
    if isinstance(dtype, nw.String | nw.Categorical | nw.Enum):
        return _coded(name, series)
    if dtype.is_float() or dtype.is_decimal():
        return _number(name, series.cast(nw.Float64).to_numpy())
    readers: Sequence[tuple[bool, Callable[[str, Series], _Values]]] = (
        (dtype == nw.Boolean, _flags),
        (dtype.is_integer() and dtype not in {nw.Int128, nw.UInt128}, _whole),
        (isinstance(dtype, nw.Date | nw.Datetime), _moments),
    )
    reader = next((reader for applies, reader in readers if applies), None)
    return _from_objects(name, series) if reader is None else _scattered(name, series, reader)


def _from_objects(name: str, series: Series) -> Column:
    return column(name, _plain_values(series))


def _scattered(name: str, series: Series, reader: Callable[[str, Series], _Values]) -> Column:
    """Read the values that there are, and put them where they belong."""
    missing = series.is_null().to_numpy()
    present = reader(name, series.drop_nulls())
    filled = np.full(len(missing), NEVER if present.dtype == NEVER.dtype else 0, present.dtype)
    filled[~missing] = present
    return Column(kind=_KINDS[present.dtype.kind], values=filled, missing=missing)


def _flags(_: str, present: Series) -> _Values:
    return present.to_numpy().astype(np.bool_)


def _whole(_: str, present: Series) -> _Values:
    values: _Values = present.to_numpy()
    fits = values.dtype != np.uint64 or not len(values) or values.max() <= np.iinfo(np.int64).max
    return values.astype(np.int64 if fits else np.float64)


def _moments(name: str, present: Series) -> _Values:
    if getattr(present.dtype, "time_zone", "UTC") is None:
        raise InvalidArgument(f"{name} must be dates, or datetimes with a time zone (got a column of {present.dtype})")
    values: _Values = present.dt.timestamp("us").to_numpy().astype(np.int64)
    astray = (values < _FIRST) | (values > _LAST)
    if astray.any():
        raise refusal(name, "between the years 1 and 9999", f"{values[astray][0].astype(NEVER.dtype)}")
    return values.astype(NEVER.dtype)


def _number(name: str, values: _Values) -> Column:
    infinite = np.isinf(values)
    if infinite.any():
        first = int(infinite.argmax())
        got = f"{float(values[first])} at position {first:,}; {int(infinite.sum()):,} such in all"
        raise InvalidArgument(f"{name} must be made of finite numbers (got {got})")
    missing = np.isnan(values)
    return Column(kind="number", values=np.where(missing, 0, values), missing=missing)


def _coded(name: str, series: Series) -> Column:
    """Read a column of labels by what is distinct in it, in the order in which it first comes."""
    coded = coded_series(_as_dictionary(series))
    if coded is None:
        return _from_objects(name, series)
    codes = coded.codes.astype(np.int64) - coded.first
    first = np.full(coded.size, len(codes))
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    seen = np.argsort(first, kind="stable")[: np.count_nonzero(first < len(codes))]
    places = np.empty(coded.size, np.int64)
    places[seen] = np.arange(len(seen))
    labels = column(name, [coded.label(code) for code in (seen + coded.first).tolist()])
    return labels.take(places[codes])


def _as_dictionary(series: Series) -> Series:
    """Code a column of text; in polars, categories of no declared set are kept for the life of the process."""
    import narwhals.stable.v2 as nw

    if series.dtype != nw.String:
        return series
    if not series.implementation.is_polars():
        return series.cast(nw.Categorical)
    return series.cast(nw.Enum(series.drop_nulls().unique(maintain_order=True).to_list()))


_KINDS: Mapping[str, Kind] = {"b": "flag", "i": "number", "f": "number", "M": "instant"}
