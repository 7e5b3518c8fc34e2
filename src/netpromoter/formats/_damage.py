"""What was wrong with a file and did not stop it: kinds, counts and first lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import attrs

from netpromoter.errors import UnreadableFile

__all__ = ["FIRST", "Damage", "Tallies", "unreadable"]

#: How many places of one kind a report names.
FIRST = 5
_NAMED = 3

KINDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "undecodable": ("line holds", "bytes not valid in the encoding"),
        "short": ("line has", "fewer fields than the header"),
        "long": ("line has", "more fields than the header"),
        "quoting": ("row has", "a stray quotation mark"),
    }
)
_MANY = {"line holds": "lines hold", "line has": "lines have", "row has": "rows have"}


def unreadable(name: str, rule: str, line: int | None = None) -> UnreadableFile:
    """Word the refusal of a file."""
    where = f" (see line {line:,})" if line else ""
    return UnreadableFile(f"{name} must {rule}{where}")


@attrs.frozen(kw_only=True)
class Damage:
    """One kind of damage that was met in a file and did not stop it.

    Parameters
    ----------
    kind : {"undecodable", "short", "long", "quoting"}
        Bytes that are not valid in the encoding and became U+FFFD; lines with fewer or with more fields than the
        header, whose fields are taken from the left; rows with a quotation mark where none may stand.
    lines : int
        How many lines (for quoting: rows) have it.
    first : tuple of int
        The line numbers of the first few.
    times : int
        How many times it occurs in all: for ``"undecodable"`` the count of bad characters.
    """

    kind: str
    lines: int
    first: tuple[int, ...]
    times: int

    def __str__(self) -> str:
        """Say it in one phrase."""
        who, what = KINDS[self.kind]
        times = f" ({self.times:,})" if self.times > self.lines else ""
        places = ", ".join(f"{line:,}" for line in self.first[:_NAMED]) + ", …" * (self.lines > _NAMED)
        return f"{self.lines:,} {who if self.lines == 1 else _MANY[who]} {what}{times}: {places}"


@attrs.define
class Tallies:
    """Damage as it is being counted."""

    _found: dict[str, tuple[int, int, list[int]]] = attrs.Factory(dict)

    def add(self, kind: str, line: int, times: int = 1) -> None:
        """Count one line, unless it has nothing of the kind."""
        if times:
            self.extend(kind, [line], 1, times)

    def extend(self, kind: str, first: Iterable[int], lines: int, times: int | None = None) -> None:
        """Count many lines of which the first few are named."""
        if lines:
            so_far, in_all, named = self._found.get(kind, (0, 0, []))
            named.extend(first)
            self._found[kind] = so_far + lines, in_all + (lines if times is None else times), named[:FIRST]

    def report(self) -> tuple[Damage, ...]:
        """Freeze what was counted, in the order of `KINDS`."""
        found = ((kind, self._found[kind]) for kind in KINDS if kind in self._found)
        return tuple(
            Damage(kind=kind, lines=lines, times=times, first=tuple(first)) for kind, (lines, times, first) in found
        )
