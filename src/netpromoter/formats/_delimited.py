"""Delimited text: CSV and its kin, read as text throughout and in bounded memory."""

from __future__ import annotations

import csv
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from typing import TYPE_CHECKING

import attrs
import numpy as np

from netpromoter._checks import refusal

from ._damage import FIRST, Tallies, unreadable
from ._records import Block, Row, blocks, rows
from ._source import Source
from ._table import File, Piece, chosen, labels, names, polars
from ._text import Text

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Delimited"]

BLOCK = 1 << 22
DELIMITERS = ",;\t|"
_NOT_DELIMITERS = '"\r\n'
_SAMPLE_ROWS = 100


@attrs.define
class Delimited:
    """An open file of delimited text; it can be read once."""

    name: str
    columns: list[str]
    delimiter: str
    _text: Text
    _blocks: Iterator[Block]
    _damage: Tallies

    @classmethod
    def of(cls, source: Source, *, delimiter: str | None, encoding: str | None, block: int = BLOCK) -> Delimited:
        """Find encoding and delimiter where they are not given, and read the header."""
        damage = Tallies()
        text = Text.of(source.name, source.head, encoding, damage)
        delimiter = _delimiter(text.sample(source.head)) if delimiter is None else _sign(delimiter)
        all_blocks = _ahead(blocks(source.name, text.lines(source.chunks(block)), delimiter))
        header, rest = _header(source.name, all_blocks, delimiter)
        return cls(source.name, names(header), delimiter, text, rest, damage)

    def pieces(self, wanted: Sequence[int]) -> Iterator[Piece]:
        """Give the wanted columns of each block, all as text; a field that is not there is empty."""
        for block in self._blocks:
            yield self._at_once(block, wanted) or self._row_by_row(block, wanted)

    def file(self) -> File:
        """Say what was found."""
        return File(
            name=self.name,
            format="CSV",
            unit="line",
            encoding=self._text.encoding,
            delimiter=self.delimiter,
            damage=self._damage.report(),
        )

    def _at_once(self, block: Block, wanted: Sequence[int]) -> Piece | None:
        """Let polars read a laid out block; None where there is none, or polars sees other rows in it."""
        if block.ends is None or block.widths is None or block.text.startswith(BOM_UTF8):  # polars would drop the mark
            return None
        frame = self._parsed(block.text, wanted)
        if frame is None or frame.height != block.ends.size:
            return None
        blank = (block.widths == 1) & (np.diff(block.ends, prepend=-1) == 1)
        starts = np.concatenate([[0], block.ends[:-1] + 1])
        width = len(self.columns)
        for kind, astray in (("short", block.widths < width), ("long", block.widths > width)):
            found = np.flatnonzero(astray & ~blank)
            if found.size:
                self._damage.extend(kind, block.lines(starts[found[:FIRST]]), found.size)
        frame = frame.filter(~blank) if blank.any() else frame
        return Piece(frame=frame, places=lambda positions: block.lines(starts[~blank][list(positions)]))

    def _parsed(self, text: bytes, wanted: Sequence[int]) -> pl.DataFrame | None:
        reader = polars()
        columns = labels(len(self.columns))
        try:
            frame: pl.DataFrame = reader.read_csv(
                text,
                has_header=False,
                separator=self.delimiter,
                schema=dict.fromkeys(columns, reader.String),
                columns=sorted(set(wanted)),
                missing_columns="insert",
                extra_columns="ignore",
                empty_string_is_null=False,
                raise_if_empty=False,
            )
        except reader.exceptions.PolarsError:
            return None
        return chosen(frame, [columns[at] for at in wanted])

    def _row_by_row(self, block: Block, wanted: Sequence[int]) -> Piece:
        found = block.rows or rows(self.name, block.text, block.line, self.delimiter)
        filled = [row for row in found if row.fields]
        for row in filled:
            self._look_at(row)
        data = [[row.fields[at] if at < len(row.fields) else "" for row in filled] for at in wanted]
        pl = polars()
        frame = pl.DataFrame(data, schema=dict.fromkeys(labels(len(wanted)), pl.String), orient="col")
        return Piece(frame=frame, places=lambda positions: [filled[at].line for at in positions])

    def _look_at(self, row: Row) -> None:
        excess = len(row.fields) - len(self.columns)
        if excess:
            self._damage.add("long" if excess > 0 else "short", row.line)
        if row.stray:
            self._damage.add("quoting", row.line)


def _ahead(all_blocks: Iterator[Block]) -> Iterator[Block]:
    """Prepare each block in a second thread while polars reads the one before."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        coming = pool.submit(next, all_blocks, None)
        while (block := coming.result()) is not None:
            coming = pool.submit(next, all_blocks, None)
            yield block


def _header(name: str, all_blocks: Iterator[Block], delimiter: str) -> tuple[list[str], Iterator[Block]]:
    """Take the first row that is not blank off the blocks, and the line before it that tells Excel the delimiter."""
    for block in all_blocks:
        for row in rows(name, block.text, block.line, delimiter):
            if row.fields and row.fields != ["sep=", ""]:
                rest = block.behind(row)
                return row.fields, chain([rest] if rest.text else [], all_blocks)
    raise unreadable(name, "hold a header (it is empty)")


def _delimiter(sample: str) -> str:
    """Find the character that divides the most rows into as many fields as the header, or the first of `DELIMITERS`."""
    first = sample.partition("\n")[0]
    if first[:4] == "sep=" and first[4:] in set(DELIMITERS):
        return first[4:]
    return max(DELIMITERS, key=lambda sign: _fit(sample, sign))


def _fit(sample: str, sign: str) -> tuple[float, int]:
    reader = csv.reader((line + "\n" for line in sample.split("\n")), delimiter=sign)
    widths = [len(fields) for fields in islice(reader, _SAMPLE_ROWS) if fields]
    if not widths or widths[0] == 1:
        return 0.0, 0
    return widths.count(widths[0]) / len(widths), widths[0]


def _sign(delimiter: str) -> str:
    if len(delimiter) == 1 and delimiter.isascii() and delimiter not in _NOT_DELIMITERS:
        return delimiter
    raise refusal("delimiter", "one ASCII character other than a quotation mark or a newline", delimiter)
