"""The ledger of what was released: which answers each shown group was made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter._checks import count, refusal

from ._fields import names

__all__ = ["Group", "Labels", "Released", "Shown", "answers", "plain"]

#: A label for each attribute; None where the answers have none.
Labels: TypeAlias = tuple[Any, ...]


def plain(name: str, values: Any) -> list[Any]:
    """Give a column of labels as plain values, None where there is none."""
    listed = values.tolist() if hasattr(values, "tolist") else values
    if isinstance(listed, str | bytes | Mapping) or not isinstance(listed, Iterable):
        raise refusal(name, "a column of labels", values)
    return [_label(value) for value in listed]


def _label(value: Any) -> Any:
    missing = value is None or type(value).__name__ in {"NAType", "NaTType"}
    if missing or (isinstance(value, float) and value != value):  # noqa: PLR0124
        return None
    return value.item() if isinstance(value, np.generic) else value


def answers(counts: Any, size: int) -> npt.NDArray[np.int64]:
    """Settle how many answers each position stands for, 1 where that is not given."""
    if counts is None:
        return np.ones(size, np.int64)
    array = np.asarray(counts) if size else np.zeros(0, np.int64)
    if array.shape != (size,) or array.dtype.kind not in "iu" or (array < 0).any():
        raise refusal("counts", f"whole numbers of at least 0, one for each of {size:,} labels", counts)
    return array.astype(np.int64)


def _table(value: Any) -> tuple[str, ...]:
    return names("table", value)


def _labels(value: Any) -> Labels:
    return (value,) if isinstance(value, str) or not isinstance(value, Sequence) else tuple(value)


@attrs.frozen
class Group:
    """A group of answers: those with some labels.

    Parameters
    ----------
    table : str or sequence of str, default ()
        The attributes. Their order does not matter; they are kept in that of the alphabet.
    labels : sequence, default ()
        A label for each. Without any, the group is everybody.

    Examples
    --------
    >>> str(Group(("site", "department"), ("Paris", "Sales")))
    'department=Sales, site=Paris'
    >>> str(Group())
    'everybody'
    """

    table: tuple[str, ...] = attrs.field(default=(), converter=_table)
    labels: Labels = attrs.field(default=(), converter=_labels)

    def __attrs_post_init__(self) -> None:
        if len(self.table) != len(self.labels) or None in self.labels:
            raise refusal("labels", "one for each attribute of the table", self.labels)
        pairs = sorted(zip(self.table, self.labels, strict=True), key=lambda pair: pair[0])
        object.__setattr__(self, "table", tuple(name for name, _ in pairs))
        object.__setattr__(self, "labels", tuple(label for _, label in pairs))

    def __str__(self) -> str:
        """Give the labels, each with its attribute."""
        pairs = zip(self.table, self.labels, strict=True)
        return ", ".join(f"{name}={label}" for name, label in pairs) or "everybody"


@attrs.frozen(kw_only=True)
class Shown:
    """A group that was shown, in which release, and which cells of the ledger it was made of."""

    group: Group
    release: int
    cells: frozenset[int]


@attrs.frozen(kw_only=True)
class _Cell:
    """Answers with the same labels that have been released together, always."""

    labels: Labels
    answers: int
    current: bool = True


@attrs.frozen(kw_only=True, repr=False)
class Released:
    """What has been shown so far of some answers: an account to keep as long as any of them will be shown again.

    It begins as ``Released()``, and `Protected.released` gives the next. It holds how many answers each combination of
    labels has, and which groups were shown, but no answer. Delete it when nothing more will be released.

    Of answers with the same labels as many as possible are taken for those of the release before: if there are more,
    the others are new, and if there are fewer, the others have gone. Where that is not so, because one has come as
    another went, or because an answer was revised, a column must tell them apart, such as the number of the release
    before which each was given.

    Examples
    --------
    >>> Released()
    Released(0 releases)
    >>> Released.from_dict(Released().to_dict()) == Released()
    True
    """

    attributes: tuple[str, ...] = ()
    releases: int = 0
    cells: tuple[_Cell, ...] = ()
    shown: tuple[Shown, ...] = ()

    def __repr__(self) -> str:
        return f"Released({self.releases} release{'s' * (self.releases != 1)})"

    @property
    def weights(self) -> npt.NDArray[np.int64]:
        """The number of answers of each cell."""
        return np.array([cell.answers for cell in self.cells], np.int64)

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """Give the shown groups as rows of ones and zeros, a column for each cell."""
        rows = np.zeros((len(self.shown), len(self.cells)), np.int64)
        for row, shown in zip(rows, self.shown, strict=True):
            row[list(shown.cells)] = 1
        return rows

    def counted(self, counts: Mapping[Labels, int]) -> Released:
        """Take over how many answers each combination of labels has now."""
        current: dict[Labels, list[int]] = {}
        for place, cell in enumerate(self.cells):
            if cell.current:
                current.setdefault(cell.labels, []).append(place)
        before = {labels: sum(self.cells[place].answers for place in places) for labels, places in current.items()}
        more = {labels: answers - before.get(labels, 0) for labels, answers in counts.items()}
        ledger = self
        for labels, places in current.items():
            ledger = ledger._left(places, min(counts.get(labels, 0), before[labels]))
        new = [_Cell(labels=labels, answers=answers) for labels, answers in more.items() if answers > 0]
        return attrs.evolve(ledger, cells=(*ledger.cells, *new))

    def showing(self, groups: Sequence[Group], members: Sequence[frozenset[int]]) -> Released:
        """Add a release of some groups."""
        release = self.releases + 1
        added = [Shown(group=group, release=release, cells=cells) for group, cells in zip(groups, members, strict=True)]
        return attrs.evolve(self, releases=release, shown=(*self.shown, *added))

    def _left(self, places: Sequence[int], left: int) -> Released:
        """Let all answers of some cells go, but for those that are left."""
        cells = list(self.cells)
        if left == sum(cells[place].answers for place in places):
            return self
        if left and len(places) > 1:
            rule = "a column that tells answers of several releases apart, where some have gone"
            raise refusal("columns", f"with {rule}", cells[places[0]].labels)
        for place in places:
            cells[place] = attrs.evolve(cells[place], current=False)
        parted = attrs.evolve(self, cells=tuple(cells))
        return _split(parted, places[0], left) if left else parted

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain values, for JSON wherever the labels are such."""
        return {
            "attributes": list(self.attributes),
            "releases": self.releases,
            "cells": [[list(cell.labels), cell.answers, cell.current] for cell in self.cells],
            "shown": [
                [list(each.group.table), list(each.group.labels), each.release, sorted(each.cells)]
                for each in self.shown
            ],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Released:
        """Take it back from `to_dict`.

        Raises
        ------
        InvalidArgument
            If that is not what was given.
        """
        try:
            return cls(
                attributes=names("attributes", values["attributes"]),
                releases=count("releases", values["releases"]),
                cells=tuple(_cell(*each) for each in values["cells"]),
                shown=tuple(_shown(len(values["cells"]), *each) for each in values["shown"]),
            )
        except (KeyError, TypeError, ValueError):
            raise refusal("values", "what Released.to_dict gave", values) from None


def _cell(labels: Sequence[Any], answers: int, current: Any) -> _Cell:
    return _Cell(labels=tuple(labels), answers=count("answers", answers, least=1), current=bool(current))


def _shown(size: int, table: Sequence[str], labels: Sequence[Any], release: int, cells: Sequence[int]) -> Shown:
    if not set(cells) <= set(range(size)):
        raise refusal("cells", "numbers of cells", cells)
    return Shown(group=Group(table, labels), release=count("release", release, least=1), cells=frozenset(cells))


def _split(ledger: Released, place: int, left: int) -> Released:
    """Give the answers that are left of a cell a cell of their own, wherever that was shown."""
    gone, own = ledger.cells[place], {len(ledger.cells)}
    cells = [*ledger.cells, attrs.evolve(gone, answers=left, current=True)]
    cells[place] = attrs.evolve(gone, answers=gone.answers - left)
    shown = [attrs.evolve(each, cells=each.cells | own) if place in each.cells else each for each in ledger.shown]
    return attrs.evolve(ledger, cells=tuple(cells), shown=tuple(shown))
