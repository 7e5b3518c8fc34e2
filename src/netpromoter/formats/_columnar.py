"""Parquet and Excel: formats that say themselves where their rows are."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import attrs

from netpromoter._checks import one_of, require

from ._damage import unreadable
from ._source import Source
from ._table import File, Piece, chosen, names, polars

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Parquet", "Sheet"]

ROWS = 1 << 20
_PLACE = "row number"


@attrs.define
class Parquet:
    """An open Parquet file; values keep their types."""

    name: str
    columns: list[str]
    _scan: pl.LazyFrame

    @classmethod
    def of(cls, source: Source) -> Parquet:
        """Read the footer."""
        pl = polars()
        try:
            scan = pl.scan_parquet(source.path or io.BytesIO(source.whole()), glob=False)
            columns = scan.collect_schema().names()
        except pl.exceptions.PolarsError as error:
            raise unreadable(source.name, "be readable as Parquet") from error
        return cls(source.name, columns, scan)

    def pieces(self, wanted: Sequence[int]) -> Iterator[Piece]:
        """Give the wanted columns a million rows at a time."""
        columns = [self.columns[at] for at in wanted]
        start = 1
        for frame in chosen(self._scan, columns).collect_batches(chunk_size=ROWS):
            yield Piece(frame=frame, places=lambda positions, start=start: [start + at for at in positions])  # type: ignore[misc]
            start += frame.height

    def file(self) -> File:
        """Say what was found."""
        return File(name=self.name, format="Parquet", unit="row")


@attrs.define
class Sheet:
    """An open sheet of an Excel workbook, its first row that is not blank being the header."""

    name: str
    columns: list[str]
    sheet: str
    _cells: pl.DataFrame

    @classmethod
    def of(cls, source: Source, *, sheet: str | None) -> Sheet:
        """Read all cells of one sheet as text; the first sheet if none is named."""
        fastexcel = require("fastexcel", user="reading Excel files", extra="cli")
        try:
            book = fastexcel.read_excel(source.whole())
        except fastexcel.FastExcelError as error:
            raise unreadable(source.name, "be readable as Excel") from error
        title = book.sheet_names[0] if sheet is None else one_of("sheet", sheet, book.sheet_names)
        cells = book.load_sheet(title, header_row=None, skip_rows=0, dtypes="string").to_polars()
        cells = cells.with_row_index(_PLACE, offset=1).filter(
            ~polars().all_horizontal(polars().all().exclude(_PLACE).is_null())
        )
        if not cells.height:
            raise unreadable(source.name, f"hold a header on sheet {title!r} (it is empty)")
        return cls(source.name, names(cells.row(0)[1:]), title, cells[1:])

    def pieces(self, wanted: Sequence[int]) -> Iterator[Piece]:
        """Give the wanted columns at once, all as text."""
        frame = chosen(self._cells, [self._cells.columns[at + 1] for at in wanted])
        rows = self._cells[_PLACE]
        yield Piece(frame=frame, places=lambda positions: rows[list(positions)].to_list())

    def file(self) -> File:
        """Say what was found."""
        return File(name=self.name, format="Excel", unit="row", sheet=self.sheet)
