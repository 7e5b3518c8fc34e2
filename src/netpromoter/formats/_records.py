"""Where the rows of delimited text begin and end, found for whole blocks at a time.

A block whose quotation marks all stand where RFC 4180 lets them is laid out with numpy and handed on as it is.
Any other block is read by Python's `csv` module, whose reading of stray marks is the one that people know; the
two agree on every block that the first accepts.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from ._damage import unreadable

__all__ = ["Block", "Row", "blocks", "count_newlines", "rows"]

Offsets: TypeAlias = npt.NDArray[np.int64]

LONGEST = 1 << 24
FEW = 1 << 18
_NEWLINE, _QUOTE = ord("\n"), ord('"')


@attrs.frozen(kw_only=True)
class Row:
    """One row as the `csv` module reads it; `line` is its first line in the file, `after` the line behind it."""

    line: int
    after: int
    fields: list[str]
    stray: bool


@attrs.frozen(kw_only=True)
class Block:
    """Whole rows of a file.

    `ends` and `widths` are the offset of the newline and the count of fields of each row; both are None where
    quotation marks stand astray, and then `rows` holds what the `csv` module reads.
    """

    text: bytes
    line: int
    ends: Offsets | None = None
    widths: Offsets | None = None
    rows: list[Row] = attrs.Factory(list)

    def lines(self, starts: Offsets) -> list[int]:
        """Give the lines in the file on which rows begin that begin at these offsets."""
        newlines = np.flatnonzero(np.frombuffer(self.text, dtype=np.uint8) == _NEWLINE)
        found: list[int] = (self.line + np.searchsorted(newlines, starts)).tolist()
        return found

    def behind(self, row: Row) -> Block:
        """Give what follows a row."""
        newlines = np.flatnonzero(np.frombuffer(self.text, dtype=np.uint8) == _NEWLINE)
        cut = int(newlines[row.after - self.line - 1]) + 1
        text, line = self.text[cut:], row.after
        if self.ends is None or self.widths is None:
            return Block(text=text, line=line, rows=[each for each in self.rows if each.line >= line])
        left = self.ends >= cut
        return Block(text=text, line=line, ends=self.ends[left] - cut, widths=self.widths[left])


def blocks(name: str, texts: Iterable[bytes], delimiter: str) -> Iterator[Block]:
    """Cut text made of whole lines into blocks of whole rows."""
    rest, line = b"", 1
    for text in texts:
        rest += text
        while block := rest and _first_block(name, rest, line, delimiter):
            yield block
            line += count_newlines(block.text)
            rest = rest[len(block.text) :]
        if len(rest) > LONGEST:
            raise unreadable(name, f"have rows of at most {LONGEST:,} bytes", line)
    if rest:
        raise unreadable(name, "close every quotation mark that it opens", line)


def rows(name: str, text: bytes, line: int, delimiter: str) -> Iterator[Row]:
    """Read as many rows as the text holds whole with the `csv` module; a blank line gives a row without fields."""
    lines = text.decode().split("\n")[:-1]
    well_quoted = _well_quoted(delimiter)
    out_of_lines: list[bool] = []

    def feed() -> Iterator[str]:
        for each in lines:
            yield each + "\n"
        out_of_lines.append(True)

    reader = csv.reader(feed(), delimiter=delimiter)
    start = 0
    try:
        for fields in reader:
            if out_of_lines:
                return
            raw = "\n".join(lines[start : reader.line_num])
            stray = '"' in raw and not well_quoted(raw)
            yield Row(line=line + start, after=line + reader.line_num, fields=fields, stray=stray)
            start = reader.line_num
    except csv.Error as error:
        raise unreadable(name, f"be readable as CSV: {error}", line + start) from error


def count_newlines(text: bytes) -> int:
    """Count the lines of a text."""
    return int(np.count_nonzero(np.frombuffer(text, dtype=np.uint8) == _NEWLINE))


def _first_block(name: str, text: bytes, line: int, delimiter: str) -> Block | None:
    """Take the rows off a text that are laid out well, or else a few by the `csv` module, which is slower."""
    few = text[: text.find(b"\n", FEW) + 1]
    return (
        _laid_out(text, line, ord(delimiter))
        or _astray(name, few, line, delimiter)
        or _astray(name, text, line, delimiter)
    )


def _laid_out(text: bytes, line: int, delimiter: int) -> Block | None:
    """Lay out the rows of a text up to the first mark astray, or None if not even one is whole."""
    data = np.frombuffer(text, dtype=np.uint8)
    marks = np.flatnonzero((data == delimiter) | (data == _NEWLINE) | (data == _QUOTE))
    kinds = data[marks]
    quotes = kinds == _QUOTE
    outside = ~(np.logical_xor.accumulate(quotes) | quotes)
    newlines = np.flatnonzero(kinds[outside] == _NEWLINE)
    ends = marks[outside][newlines]
    whole = np.searchsorted(ends, _first_astray(data, marks[quotes], delimiter))
    if not whole:
        return None
    return Block(
        text=text[: ends[whole - 1] + 1], line=line, ends=ends[:whole], widths=np.diff(newlines, prepend=-1)[:whole]
    )


def _first_astray(data: npt.NDArray[np.uint8], quotes: Offsets, delimiter: int) -> int:
    """Find the first mark that does not open after, or close before, a delimiter, a newline or another mark."""
    neighbor = np.zeros(256, dtype=np.bool_)
    neighbor[[delimiter, _NEWLINE, _QUOTE]] = True
    opening, closing = quotes[0::2], quotes[1::2]
    opening, closing = opening[opening > 0], closing[closing + 1 < data.size]
    astray = np.concatenate([opening[~neighbor[data[opening - 1]]], closing[~neighbor[data[closing + 1]]]])
    return int(astray.min(initial=data.size))


def _astray(name: str, text: bytes, line: int, delimiter: str) -> Block | None:
    """Read the rows of a text as far as they are whole, or None if not even one is."""
    found = list(rows(name, text, line, delimiter))
    if not found:
        return None
    newlines = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == _NEWLINE)
    end = int(newlines[found[-1].after - line - 1]) + 1
    return Block(text=text[:end], line=line, rows=found)


def _well_quoted(delimiter: str) -> Callable[[str], object]:
    sign = re.escape(delimiter)
    field = rf'(?:"(?:[^"]++|"")*+"|[^"\n{sign}]*+)'
    return re.compile(rf"{field}(?:{sign}{field})*+").fullmatch
