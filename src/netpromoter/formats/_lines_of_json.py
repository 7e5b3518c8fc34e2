"""JSON lines: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from ._damage import Tallies, unreadable
from ._source import Source
from ._table import File, Piece, labels, polars
from ._text import Text

__all__ = ["JsonLines"]

BLOCK = 1 << 22


@attrs.define
class JsonLines:
    """An open file of JSON lines; its columns are the keys of the objects in its first 64 kB."""

    name: str
    columns: list[str]
    _text: Text
    _source: Source
    _damage: Tallies
    _block: int

    @classmethod
    def of(cls, source: Source, *, encoding: str | None, block: int = BLOCK) -> JsonLines:
        """Find the keys."""
        damage = Tallies()
        text = Text.of(source.name, source.head, encoding, damage)
        sample = text.sample(source.head).split("\n")
        columns = list(dict.fromkeys(key for line in sample for key in _object(line) or ()))
        if not columns:
            raise unreadable(source.name, "hold one JSON object a line", 1)
        return cls(source.name, columns, text, source, damage, block)

    def pieces(self, wanted: Sequence[int]) -> Iterator[Piece]:
        """Give the wanted keys, all as text; a line that holds no object gives a rating that will be refused."""
        pl = polars()
        keys = [self.columns[at] for at in wanted]
        schema = dict.fromkeys(labels(len(wanted)), pl.String)
        start = 1
        for text in self._text.lines(self._source.chunks(self._block)):
            lines = text.decode().split("\n")[:-1]
            filled = [(start + at, line) for at, line in enumerate(lines) if line.strip()]
            found = [_values(line, keys) for _, line in filled]
            numbers = [number for number, _ in filled]
            yield Piece(
                frame=pl.DataFrame(found, schema=schema, orient="row"),
                places=lambda positions, numbers=numbers: [numbers[at] for at in positions],  # type: ignore[misc]
            )
            start += len(lines)

    def file(self) -> File:
        """Say what was found."""
        encoding, damage = self._text.encoding, self._damage.report()
        return File(name=self.name, format="JSON lines", unit="line", encoding=encoding, damage=damage)


def _values(line: str, keys: Sequence[str]) -> list[str | None]:
    found = _object(line)
    if found is None:
        return [f"not a JSON object: {line}"] + [None] * (len(keys) - 1)
    return [_text(found.get(key)) for key in keys]


def _object(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
