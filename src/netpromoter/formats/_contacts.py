"""Contacts from a CSV file, where everything is text until all of a column says otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from netpromoter import frames
from netpromoter._checks import one_of, shown
from netpromoter.errors import UnreadableFile
from netpromoter.model import Contacts

from ._answers import FileLike, _table
from ._damage import unreadable
from ._source import Source, opened
from ._table import labels, polars

if TYPE_CHECKING:
    import polars as pl

__all__ = ["contacts", "read_texts"]

_STAY_TEXT = ("email", "phone", "locale", "time_zone", "account")
_WHOLE = "^-?(?:0|[1-9][0-9]*)$"
_NUMBER = r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$"
_INSTANT = (
    "^([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[T ]((?:[01][0-9]|2[0-3]):[0-5][0-9])(:[0-5][0-9](?:\.[0-9]{1,6})?)?"
    "(?:[Zz]|([+-])([01][0-9]|2[0-3]):?([0-5][0-9])))?$"
)


def contacts(
    source: FileLike,
    *,
    id: str = "id",  # noqa: A002 -- what everybody calls it
    addresses: Mapping[str, str] | None = None,
    locale: str | None = None,
    time_zone: str | None = None,
    account: str | None = None,
    since: str | None = None,
    attributes: Sequence[str] | None = None,
    key: bytes = b"",
    encoding: str | None = None,
    delimiter: str | None = None,
) -> Contacts:
    r"""Read contacts from a CSV file.

    Ids, addresses, locales, time zones and accounts stay the texts that they are: the id ``007`` and the telephone
    number ``+33 6 12`` lose nothing. Every other column is of one kind if each of its values that is not blank is:

    - numbers such as ``12``, ``-3.5`` and ``1e6``; not ``007`` and ``+33``, which would lose signs, nor whole numbers
      of more than 64 bits;
    - flags, ``true`` and ``false`` in any case;
    - instants: dates such as ``2026-06-01``, which are their midnight in UTC, and datetimes of ISO 8601 with an offset
      or ``Z``;
    - else text. Words such as ``NA`` are texts; only blank is missing.

    A row of which every field is blank is passed over, as a blank line is.

    Parameters
    ----------
    source : path or binary stream
        The file; encoding and delimiter are found as in `answers`.
    id, addresses, locale, time_zone, account, attributes, key
        As in `netpromoter.frames.contacts`.
    since : str, optional
        The column of dates or datetimes with an offset; without a name, a column that is called so, if there is one.
        A datetime without an offset is refused, for it names no instant.
    encoding, delimiter : str, optional
        As in `answers`.

    Returns
    -------
    Contacts
        In the order of the rows.

    Raises
    ------
    InvalidArgument
        If a column is not there, or an option is wrong.
    UnreadableFile
        If the file is not CSV, an id is blank or given twice, or a date is none; the message says on which line. And if
        the file is damaged: a line with more or fewer fields than the header, a stray quotation mark
        or a byte that is not valid in the encoding may mean that a message goes to somebody else.
    OSError
        If the file cannot be opened.

    Examples
    --------
    >>> import io
    >>> people = contacts(io.BytesIO(b"id;email;plan;seats\n007;ann@example.com;paid;12\n008;;free;\n"))
    >>> people
    Contacts(2 people; email; plan, seats)
    >>> people["007"].attributes
    {'plan': 'paid', 'seats': 12}
    """
    with opened(source) as origin:
        rows = _filled(_read(origin, encoding, delimiter))
    frame = rows.frame
    moment = ("since" if "since" in frame.columns else None) if since is None else one_of("since", since, frame.columns)
    reached = addresses.values() if isinstance(addresses, Mapping) else ()
    texts = (id, *reached, *_STAY_TEXT, locale, time_zone, account)
    typed = frame.with_columns(_typed(frame[name]) for name in frame.columns if name not in texts)
    if id in frame.columns:
        _check_ids(rows, frame[id])
    if moment is not None and moment not in texts:
        _check_since(rows, frame[moment], typed[moment])
    return frames.contacts(
        typed,
        id=id,
        addresses=addresses,
        locale=locale,
        time_zone=time_zone,
        account=account,
        since=since,
        attributes=attributes,
        key=key,
    )


@attrs.frozen(kw_only=True)
class _Rows:
    """All columns of a file as text, and on which line of it a row begins."""

    frame: pl.DataFrame
    name: str
    line: Callable[[int], int]

    def check(self, rule: str, column: pl.Series, astray: pl.Series, again: str = "") -> None:
        """Refuse the file if some values of a column are astray."""
        places = astray.arg_true()
        if len(places):
            first = f"{shown(column[places[0]])}{again} on line {self.line(places[0]):,}"
            raise UnreadableFile(f"{self.name} must {rule} (got {first}; {len(places):,} such in all)")


def read_texts(origin: Source, encoding: str | None, delimiter: str | None) -> pl.DataFrame:
    """Read all columns as text."""
    return _read(origin, encoding, delimiter).frame


def _read(origin: Source, encoding: str | None, delimiter: str | None) -> _Rows:
    table = _table(origin, encoding=encoding, delimiter=delimiter)
    file = table.file()
    if file.format != "CSV":
        raise unreadable(file.name, f"be CSV, and it is {file.format}; netpromoter.frames.contacts takes a dataframe")
    columns = list(table.columns)
    reader = polars()
    nobody = reader.DataFrame(schema=dict.fromkeys(labels(len(columns)), reader.String))
    pieces = list(table.pieces(range(len(columns))))
    frame: pl.DataFrame = reader.concat([nobody, *(piece.frame for piece in pieces)])
    damage = table.file().damage
    if damage:
        raise unreadable(file.name, f"be whole, and {'; '.join(map(str, damage))}")

    def line(row: int) -> int:
        for piece in pieces:
            if row < len(piece.frame):
                break
            row -= len(piece.frame)
        return piece.places([row])[0]

    return _Rows(frame=frame.rename(dict(zip(frame.columns, columns, strict=True))), name=file.name, line=line)


def _filled(rows: _Rows) -> _Rows:
    """Leave out rows that hold nothing, which spreadsheets write where somebody has emptied them."""
    pl = polars()
    kept = rows.frame.select(pl.any_horizontal(pl.all().str.strip_chars() != "")).to_series()
    places = kept.arg_true()
    return _Rows(frame=rows.frame.filter(kept), name=rows.name, line=lambda row: rows.line(places[row]))


def _typed(texts: pl.Series) -> pl.Series:
    """Give a column as what all of it is: whole numbers, other numbers, flags, instants or text."""
    held = texts.str.strip_chars().replace("", None)
    count = len(held) - held.null_count()
    read = (reader(held) for reader in _READERS) if count else ()
    return next((found for found in read if len(found) - found.null_count() == count), texts)


def _whole(held: pl.Series) -> pl.Series:
    pl = polars()
    return _where(held, _WHOLE).cast(pl.Int64, strict=False)


def _number(held: pl.Series) -> pl.Series:
    pl = polars()
    wide = held.str.contains(_WHOLE) & held.cast(pl.Int64, strict=False).is_null()
    found = _where(held, _NUMBER).cast(pl.Float64, strict=False)
    return found.set(wide | found.is_infinite(), None)


def _flag(held: pl.Series) -> pl.Series:
    pl = polars()
    return held.str.to_lowercase().replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean)


def _instant(held: pl.Series) -> pl.Series:
    """Read dates and datetimes with an offset; what is out of the years 1 to 9999 in UTC is no instant."""
    pl = polars()
    parts = held.str.extract_groups(_INSTANT).struct.unnest()
    day, clock, second, sign, hours, minutes = (pl.col(name) for name in parts.columns)
    local = pl.concat_str(day, pl.lit("T"), clock.fill_null("00:00"), second.fill_null(":00"))
    offset = pl.duration(hours=hours.cast(pl.Int64).fill_null(0), minutes=minutes.cast(pl.Int64).fill_null(0))
    naive = local.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us", strict=False)
    utc = pl.when(sign == "-").then(naive + offset).otherwise(naive - offset)
    found = parts.select(pl.when(utc.dt.year().is_between(1, 9999)).then(utc).dt.replace_time_zone("UTC"))
    return found.to_series().rename(held.name)


def _where(held: pl.Series, pattern: str) -> pl.Series:
    return held.set(~held.str.contains(pattern), None)


_READERS: Sequence[Callable[[pl.Series], pl.Series]] = (_whole, _number, _flag, _instant)


def _check_ids(rows: _Rows, ids: pl.Series) -> None:
    rows.check("give every contact an id", ids, ids.str.strip_chars() == "")
    rows.check("give every contact an id of its own", ids, ~ids.is_first_distinct(), " again")


def _check_since(rows: _Rows, texts: pl.Series, typed: pl.Series) -> None:
    pl = polars()
    if not isinstance(typed.dtype, pl.Datetime):
        held = texts.str.strip_chars().replace("", None)
        rule = f"have dates, or datetimes with an offset or Z, in its column {shown(texts.name)}"
        rows.check(rule, texts, held.is_not_null() & _instant(held).is_null())
