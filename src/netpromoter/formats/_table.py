"""What every format gives: named columns, and the wanted ones piece by piece as frames of polars."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from types import ModuleType
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

import attrs

from netpromoter._checks import require
from netpromoter.errors import InvalidArgument

from ._damage import Damage

if TYPE_CHECKING:
    import polars as pl

__all__ = ["File", "Piece", "Places", "Table", "chosen", "labels", "names", "polars", "position"]

Frame = TypeVar("Frame", "pl.DataFrame", "pl.LazyFrame")

#: From positions in a piece to line or row numbers in the file.
Places: TypeAlias = Callable[[Sequence[int]], Sequence[int]]


@attrs.frozen(kw_only=True)
class File:
    """What a file turned out to be.

    Parameters
    ----------
    name : str
        The name without its folder.
    format : {"CSV", "JSON lines", "Parquet", "Excel"}
        What it holds, judged by its first bytes, never by its name.
    unit : {"line", "row"}
        What `Refusal.place` counts, from 1: lines of a text, or rows, of a sheet as Excel numbers them.
    encoding, delimiter, sheet : str or None
        As found or given, where the format has them.
    damage : tuple of Damage
        What was wrong and did not stop the reading.
    """

    name: str
    format: str
    unit: str
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    damage: tuple[Damage, ...] = ()


@attrs.frozen(kw_only=True)
class Piece:
    """Some rows: the wanted columns under `labels`, and where the rows stand in the file."""

    frame: pl.DataFrame
    places: Places


class Table(Protocol):
    """An open file."""

    @property
    def columns(self) -> Sequence[str]:
        """The names of the columns, each once."""

    def pieces(self, wanted: Sequence[int]) -> Iterator[Piece]:
        """Give the columns at some positions, in rows from the first to the last."""

    def file(self) -> File:
        """Say what was found; complete once all pieces have been given."""


def polars() -> ModuleType:
    """Import polars, on first need."""
    return require("polars", user="reading files", extra="cli")


def labels(size: int) -> list[str]:
    """Name columns by their place among the wanted ones, so that no name of the file can clash."""
    return [str(place) for place in range(size)]


def chosen(frame: Frame, columns: Sequence[str]) -> Frame:
    """Give columns of a frame under `labels`."""
    column = polars().col
    return frame.select(column(name).alias(label) for name, label in zip(columns, labels(len(columns)), strict=True))


def names(header: Sequence[str | None]) -> list[str]:
    """Make each name of a header one of a kind: ``"column 3"`` for none, ``"nps (2)"`` for the second of two.

    Every one of several equal names gets its number, the first too, so that none of them can be meant by accident.
    """
    given = [(name or "").strip() or f"column {place}" for place, name in enumerate(header, start=1)]
    times, seen = Counter(given), Counter[str]()
    seen_names = []
    for name in given:
        seen[name] += 1
        seen_names.append(name if times[name] == 1 else f"{name} ({seen[name]})")
    return seen_names


def position(columns: Sequence[str], name: str, *, argument: str, file: str) -> int:
    """Find a column, or refuse with the columns that there are and the closest of them."""
    if name in columns:
        return list(columns).index(name)
    folded = {column.casefold(): column for column in reversed(columns)}
    close = [folded[match] for match in get_close_matches(str(name).casefold(), folded, n=3, cutoff=0.5)]
    hint = f"did you mean {' or '.join(map(repr, close))}? " if close else ""
    message = (
        f"{argument} must be a column of {file} (got {name!r}); {hint}Its columns are {', '.join(map(repr, columns))}"
    )
    raise InvalidArgument(message)
