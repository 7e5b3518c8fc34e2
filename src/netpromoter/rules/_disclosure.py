"""Which groups may be shown, so that nothing about fewer people than promised can be computed from what is shown.

The answers with one label for every attribute are a cell. A group is a sum of cells, and so is a row of ones and zeros.
Whoever sees the histograms of some groups can compute just the combinations of their rows. A release is safe when none
of those combinations depends on the answers of fewer than the minimum of people. That is decided exactly, over the
rational numbers; `Disclosure` says for which combinations.

References
----------
Cox, L. H. (1980). "Suppression methodology and statistical disclosure control", *Journal of the American Statistical
Association* 75, 377-385.
Hundepool, A. et al. (2012). *Statistical Disclosure Control*, chapter 4 (primary and secondary suppression, linked and
hierarchical tables, singletons).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import partial, reduce
from operator import add
from typing import Any, Literal, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter._checks import checked, count, one_of, refusal
from netpromoter.model import ReleasedGroup, Tally

from ._disclosure_ledger import Group, Labels, Released, Shown, answers, plain
from ._disclosure_merging import merged
from ._disclosure_spans import kept, light, recipes
from ._fields import names

__all__ = ["Disclosure", "Protected", "Recoverable", "released_groups"]

_Rows: TypeAlias = npt.NDArray[Any]
_Counts: TypeAlias = npt.NDArray[np.int64]

#: Of two people, each knows what the other said.
_LEAST = 3
#: What is shown of a group, and the field of `Disclosure` that holds its minimum.
_MINIMA = {"scores": "minimum", "comments": "comments"}

_whole = checked(partial(count, least=_LEAST))


@attrs.frozen(kw_only=True)
class Recoverable:
    """What can be computed from what is shown, though it depends on fewer answers than the minimum.

    Parameters
    ----------
    group : Group or None
        The group, if it is one that was asked about.
    answers : int
        On how many answers it depends.
    cells : tuple of tuples
        Their labels, one for each attribute.
    recipe : tuple of (Fraction, int, Group)
        How it is computed: so many times what was shown of a group in a release, summed up.
    """

    group: Group | None
    answers: int
    cells: tuple[Labels, ...]
    recipe: tuple[tuple[Fraction, int, Group], ...]

    def __str__(self) -> str:
        """Give the recipe in words."""
        terms = [f"{'-' if times < 0 else '+'} {_multiple(times)}{group}" for times, _, group in self.recipe]
        what = f"{self.answers} answer{'s' * (self.answers > 1)}"
        return f"{self.group or 'part of a group'} ({what}) = {' '.join(terms).removeprefix('+ ')}"


def _multiple(times: Fraction) -> str:
    return "" if abs(times) == 1 else f"{abs(times)} x "


@attrs.frozen(kw_only=True, repr=False)
class Protected:
    """Which groups are shown and which are withheld. ``group in protected`` says whether one is shown.

    Parameters
    ----------
    minimum : int
        How many answers a group must have.
    groups : tuple of Group
        All groups of all tables that were asked for.
    counts : tuple of int
        How many answers each has. Never show those of withheld groups; `rows` does not.
    shown : tuple of Group
        Those whose answers are shown.
    recoverable : tuple of Recoverable
        What the audit found. Empty, unless what was released before gives it away already.
    released : Released
        The account of this release and those before.
    """

    minimum: int
    groups: tuple[Group, ...]
    counts: tuple[int, ...] = attrs.field(repr=False)
    shown: tuple[Group, ...]
    recoverable: tuple[Recoverable, ...]
    released: Released
    _is_shown: frozenset[Group] = attrs.field(
        init=False, eq=False, default=attrs.Factory(lambda self: frozenset(self.shown), takes_self=True)
    )

    def __contains__(self, group: object) -> bool:
        """Say whether a group is shown."""
        return group in self._is_shown

    def __repr__(self) -> str:
        given_up = f", {len(self.given_up):,} given up" if self.given_up else ""
        return f"Protected({len(self.shown):,} of {len(self.groups):,} groups shown{given_up}, minimum {self.minimum})"

    @property
    def withheld(self) -> tuple[Group, ...]:
        """The groups that are not shown."""
        return tuple(group for group in self.groups if group not in self)

    @property
    def under_minimum(self) -> tuple[Group, ...]:
        """The groups with too few answers. To tell which these are tells more than to withhold them."""
        return tuple(group for group, n in zip(self.groups, self.counts, strict=True) if n < self.minimum)

    @property
    def given_up(self) -> tuple[Group, ...]:
        """The groups with enough answers that are withheld because they would give away others."""
        pairs = zip(self.groups, self.counts, strict=True)
        return tuple(group for group, n in pairs if n >= self.minimum and group not in self)

    def rows(self) -> list[dict[str, Any]]:
        """Give a dict for each group: its labels, None for all, and how many answers, None where withheld."""
        blank = dict.fromkeys(name for group in self.groups for name in group.table)
        pairs = zip(self.groups, self.counts, strict=True)
        return [
            {**blank, **dict(zip(group.table, group.labels, strict=True)), "n": n if group in self else None}
            for group, n in pairs
        ]


@attrs.frozen(kw_only=True)
class Disclosure:
    """The promise that no answer of fewer people than a minimum is shown, and none can be computed.

    What is proved, for all groups that are shown, in this release and in those before it that are given:

    - no group of a declared table with fewer answers than the minimum can be computed;
    - nor can what two shown groups differ in, or what is left of one without the shown groups of a table, if that is
      fewer answers than the minimum;
    - nor can any combination of cells with fewer answers than the minimum, with whatever factors, that touches up to
      four cells which the shown groups tell apart. For a minimum up to 5 that is every combination.

    Not covered is what follows from the answers themselves: if all in a group that is shown said the same, everybody
    knows what each of them said.

    Parameters
    ----------
    minimum : int, default 5
        How many answers a group must have for its score to be shown; 3 at least.
    comments : int, default 10
        How many for its comments.

    Examples
    --------
    >>> department = ["Sales"] * 12 + ["Support"] * 8 + ["Legal"] * 3
    >>> protected = Disclosure().protect({"department": department}, [(), "department"])
    >>> protected
    Protected(2 of 4 groups shown, 1 given up, minimum 5)
    >>> [str(group) for group in protected.withheld]
    ['department=Legal', 'department=Support']

    Without Support, Legal is what is left of everybody.

    >>> threshold = [Group(), Group("department", "Sales"), Group("department", "Support")]
    >>> print(*Disclosure().audit({"department": department}, threshold, ["department"]))
    department=Legal (3 answers) = everybody - department=Sales - department=Support
    """

    minimum: int = attrs.field(default=5, validator=_whole)
    comments: int = attrs.field(default=10, validator=_whole)

    def protect(
        self,
        columns: Mapping[str, Sequence[Any] | npt.NDArray[Any]],
        tables: Sequence[str | Sequence[str]],
        *,
        counts: npt.ArrayLike | None = None,
        released: Released | None = None,
        of: Literal["scores", "comments"] = "scores",
    ) -> Protected:
        """Choose the groups that are shown. No other could be shown beside them.

        Parameters
        ----------
        columns : mapping of str to array of shape (n,)
            The label of each answer for each attribute; None or NaN where it has none.
        tables : sequence of str or sequence of str
            By which attributes the answers are shown; ``()`` for all together.
        counts : array of int, shape (n,), optional
            How many answers each position stands for; 1 if it is left out.
        released : Released, optional
            What has been shown before of these answers.
        of : {"scores", "comments"}, default "scores"
            Which minimum counts. For comments, give the answers that have one.

        Raises
        ------
        InvalidArgument
            If columns, tables and counts do not fit each other, or what was released before.
        """
        minimum = self._minimum(of)
        table = _tabulation(columns, _tables(tables), counts, released)
        order = table.order(minimum)
        secrets = np.concatenate([table.secrets(minimum), _differences(table.all_rows(order), table.weights, minimum)])
        while True:
            chosen = np.sort(order[kept(table.rows[order], secrets, table.ledger.rows)])
            found = _missing(light(table.all_rows(chosen), table.weights, minimum), secrets)
            if not len(found):
                return table.protected(chosen, minimum)
            secrets = np.concatenate([secrets, found])

    def audit(
        self,
        columns: Mapping[str, Sequence[Any] | npt.NDArray[Any]],
        shown: Sequence[Group],
        tables: Sequence[str | Sequence[str]] = (),
        *,
        counts: npt.ArrayLike | None = None,
        released: Released | None = None,
        of: Literal["scores", "comments"] = "scores",
    ) -> tuple[Recoverable, ...]:
        """Say what can be computed from groups that somebody shows.

        Parameters
        ----------
        columns, counts, released, of
            As for `protect`.
        shown : sequence of Group
            The groups whose answers are shown.
        tables : sequence of str or sequence of str, optional
            Whose small groups are looked at by name.

        Returns
        -------
        tuple of Recoverable
            All groups of the tables that are recoverable, and then other combinations, though not each of them. It is
            empty only if there is none at all, as `Disclosure` says.

        Raises
        ------
        InvalidArgument
            If columns, tables and counts do not fit each other, or a group that is shown has no label in the columns.
        """
        asked = dict.fromkeys([*_tables(tables), *(group.table for group in shown)])
        table = _tabulation(columns, tuple(asked), counts, released)
        places = {group: place for place, group in enumerate(table.groups)}
        for group in shown:
            if group not in places:
                raise refusal("shown", "groups of the columns", group)
        chosen = np.array(sorted({places[group] for group in shown}), np.int64)
        return table.protected(chosen, self._minimum(of)).recoverable

    def _minimum(self, of: str) -> int:
        minimum: int = getattr(self, _MINIMA[one_of("of", of, _MINIMA)])
        return minimum


def _tables(value: Any) -> tuple[tuple[str, ...], ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise refusal("tables", "a sequence of attributes, or of sequences of them", value)
    tables = [tuple(sorted(names("each of tables", each))) for each in value]
    if len(set(tables)) < len(tables):
        raise refusal("tables", "different from each other", value)
    return tuple(tables)


@attrs.frozen(kw_only=True, eq=False)
class _Tabulation:
    """All groups of some tables: which, of which table, and which cells of the ledger they consist of."""

    groups: tuple[Group, ...]
    tables: _Counts
    rows: _Rows
    ledger: Released

    @property
    def weights(self) -> _Counts:
        return self.ledger.weights

    @property
    def sizes(self) -> _Counts:
        sizes: _Counts = self.rows @ self.weights
        return sizes

    def all_rows(self, chosen: _Counts) -> _Rows:
        """Give the rows of what was shown before, and of the chosen groups."""
        return np.concatenate([self.ledger.rows, self.rows[chosen]])

    def order(self, minimum: int) -> _Counts:
        """Order the groups that are large enough: tables of fewer attributes first, then the larger groups."""
        attributes = np.array([len(group.table) for group in self.groups], np.int64)
        order = np.lexsort((-self.sizes, attributes))
        return order[self.sizes[order] >= minimum]

    def secrets(self, minimum: int) -> _Rows:
        """Give the rows of small groups, and what is small of any group without the large ones of a table."""
        large = self.sizes >= minimum
        parts = [self.rows[~large]]
        for table in range(max(self.tables, default=-1) + 1):
            covered = self.rows[large & (self.tables == table)].sum(0)
            parts.append(self.all_rows(np.flatnonzero(large)) * (1 - covered))
        return _small(np.concatenate(parts), self.weights, minimum)

    def protected(self, chosen: _Counts, minimum: int) -> Protected:
        """Show the chosen groups, and audit that."""
        shown = [self.groups[place] for place in chosen]
        released = self.ledger.showing(shown, [frozenset(np.flatnonzero(row).tolist()) for row in self.rows[chosen]])
        return Protected(
            minimum=minimum,
            groups=self.groups,
            counts=tuple(self.sizes.tolist()),
            shown=tuple(shown),
            recoverable=tuple(self.recoverable(released, minimum)),
            released=released,
        )

    def recoverable(self, released: Released, minimum: int) -> list[Recoverable]:
        """List what the released groups give away, the groups of these tables first."""
        rows, weights = released.rows, released.weights
        small = (self.sizes > 0) & (self.sizes < minimum)
        named = {tuple(self.rows[place].tolist()): self.groups[place] for place in np.flatnonzero(small)}
        other = [self.secrets(minimum), _differences(rows, weights, minimum), light(rows, weights, minimum)]
        targets = list(dict.fromkeys([*named, *map(tuple, np.concatenate(other).tolist())]))
        found = recipes(rows[::-1], np.array(targets, np.int64).reshape(len(targets), rows.shape[1]))
        return [
            _recoverable(named.get(target), target, recipe[::-1], released)
            for target, recipe in zip(targets, found, strict=True)
            if recipe is not None
        ]


def _recoverable(
    group: Group | None, target: Sequence[int], recipe: Sequence[Fraction], released: Released
) -> Recoverable:
    cells = [cell for cell, times in zip(released.cells, target, strict=True) if times]
    terms = [_term(times, shown) for times, shown in zip(recipe, released.shown, strict=True) if times]
    return Recoverable(
        group=group,
        answers=sum(cell.answers for cell in cells),
        cells=tuple(dict.fromkeys(cell.labels for cell in cells)),
        recipe=tuple(sorted(terms, key=lambda term: (term[0] < 0, len(term[2].table)))),
    )


def _term(times: Fraction, shown: Shown) -> tuple[Fraction, int, Group]:
    return times, shown.release, shown.group


def _small(rows: _Rows, weights: _Counts, minimum: int) -> _Rows:
    """Keep each row once, whatever its sign, that touches some answers, and fewer than the minimum."""
    touched = (rows != 0) @ weights
    small = rows[(touched > 0) & (touched < minimum)]
    first = np.take_along_axis(small, (small != 0).argmax(axis=1)[:, None], axis=1) if len(small) else 1
    return np.unique(small * np.sign(first), axis=0)


def _differences(rows: _Rows, weights: _Counts, minimum: int) -> _Rows:
    """Give the differences of two rows that touch fewer answers than the minimum."""
    common = (rows * weights.astype(np.float64)) @ rows.T.astype(np.float64)
    sizes = common.diagonal()
    one, other = np.nonzero(np.triu(sizes[:, None] + sizes - 2 * common < minimum, 1))
    return _small(rows[one] - rows[other], weights, minimum)


def _missing(found: _Rows, secrets: _Rows) -> _Rows:
    """Keep the rows that are not among the secrets yet."""
    known = set(map(tuple, secrets.tolist()))
    return found[[tuple(row) not in known for row in found.tolist()]]


def _tabulation(
    columns: Any, tables: tuple[tuple[str, ...], ...], counts: Any, released: Released | None
) -> _Tabulation:
    codes, labels = _coded(columns)
    ledger = _continued(released or Released(), tuple(labels))
    for table in tables:
        if not labels.keys() >= set(table):
            raise refusal("tables", f"made of columns, {', '.join(map(repr, labels))}", table)
    cells, place = _crossed(codes)
    sizes = np.zeros(len(cells), np.int64)
    np.add.at(sizes, place, answers(counts, len(codes)))
    named = [tuple(labels[name][code] for name, code in zip(labels, cell, strict=True)) for cell in cells.tolist()]
    ledger = ledger.counted({cell: n for cell, n in zip(named, sizes.tolist(), strict=True) if n})
    places = {cell: place for place, cell in enumerate(named)}
    today = np.array([places[cell.labels] if cell.current else -1 for cell in ledger.cells], np.int64)
    return _grouped(tables, cells, labels, today, ledger)


def _crossed(codes: _Counts) -> tuple[_Counts, _Counts]:
    """Give the distinct rows of codes in order, and which of them each row is."""
    place = np.zeros(len(codes), np.int64)
    for column in codes.T:
        place = np.unique(place * (column.max(initial=0) + 1) + column, return_inverse=True)[1]
    _, first = np.unique(place, return_index=True)
    return codes[first], place


def _grouped(
    tables: tuple[tuple[str, ...], ...], cells: _Counts, labels: dict[str, list[Any]], today: _Counts, ledger: Released
) -> _Tabulation:
    """Sum cells to groups; `today` is the place of each cell of the ledger among these, -1 if it is gone."""
    groups: list[Group] = []
    numbers: list[int] = []
    rows = [np.zeros((0, len(today)), np.int64)]
    order = list(labels)
    for number, table in enumerate(tables):
        keys = cells[:, [order.index(name) for name in table]]
        found, group = np.unique(keys, axis=0, return_inverse=True) if table else (keys[:1], np.zeros(len(cells), int))
        made = [tuple(labels[name][code] for name, code in zip(table, key, strict=True)) for key in found.tolist()]
        whole = [place for place, key in enumerate(made) if None not in key]
        member = np.append(group.reshape(-1), -1)[today]
        rows.append((member == np.array(whole, np.int64)[:, None]).astype(np.int64))
        groups += [Group(table, made[place]) for place in whole]
        numbers += [number] * len(whole)
    return _Tabulation(
        groups=tuple(groups), tables=np.array(numbers, np.int64), rows=np.concatenate(rows), ledger=ledger
    )


def _continued(ledger: Released, attributes: tuple[str, ...]) -> Released:
    if ledger.releases and ledger.attributes != attributes:
        raise refusal("columns", f"those of the releases before, {', '.join(ledger.attributes)}", attributes)
    return attrs.evolve(ledger, attributes=attributes)


def _coded(columns: Any) -> tuple[_Counts, dict[str, list[Any]]]:
    """Give each label a code, a column for each attribute in the order of the alphabet, and the labels of the codes."""
    if not isinstance(columns, Mapping) or not columns:
        raise refusal("columns", "a mapping of at least one attribute to labels", columns)
    order = sorted(names("columns", tuple(columns)))
    coded = [_ranked(name, columns[name]) for name in order]
    for name, (codes, _) in zip(order, coded, strict=True):
        if len(codes) != len(coded[0][0]):
            raise refusal("columns", f"as long as each other, {len(coded[0][0]):,}", name)
    return np.stack([codes for codes, _ in coded], axis=1), {
        name: labels for name, (_, labels) in zip(order, coded, strict=True)
    }


def _ranked(name: str, values: Any) -> tuple[_Counts, list[Any]]:
    column = plain(f"columns[{name!r}]", values)
    try:
        found = sorted(set(column) - {None}, key=lambda label: (type(label).__name__, label))
    except TypeError:
        raise refusal(f"columns[{name!r}]", "made of labels that can be sorted, such as text", values) from None
    labels = [*found, None]
    places = {label: place for place, label in enumerate(labels)}
    return np.array([places[value] for value in column], np.int64), labels


def released_groups(tally: Tally, *, merge: Mapping[str, str | None] | None = None) -> tuple[ReleasedGroup, ...]:
    """Protect what was counted when a poll was closed, as the ballot box asks for.

    Parameters
    ----------
    tally : Tally
        What was counted. Its own minimum counts.
    merge : mapping of str to str or None, optional
        The attributes whose small groups are merged, each with the attribute within which that happens, such as
        ``{"team": "division"}``; None for everywhere.

    Returns
    -------
    tuple of ReleasedGroup
        All groups of all tables.
    """
    columns: dict[str, Sequence[Any]] = dict(tally.columns)
    for name, within in (merge or {}).items():
        around = None if within is None else tally.columns[_attribute(within, tally)]
        parted = merged(columns[_attribute(name, tally)], minimum=tally.minimum, counts=tally.n, within=around)
        columns[name] = parted.labels
    alike = {"all": ["all"] * len(tally.cells)}
    protected = Disclosure(minimum=tally.minimum).protect(columns or alike, tally.tables, counts=tally.n)
    return tuple(group for table in tally.tables for group in _of_table(table, tally, columns, protected))


def _attribute(name: str, tally: Tally) -> str:
    return one_of("each of merge", name, tally.attributes)


def _of_table(
    table: tuple[str, ...], tally: Tally, columns: Mapping[str, Sequence[Any]], protected: Protected
) -> Iterator[ReleasedGroup]:
    """Give the groups of a table under the names of the columns, each with the groups of the tally that it holds."""
    parts: dict[tuple[str, ...], dict[tuple[str, ...], None]] = {}
    for place in range(len(tally.cells)):
        own = tuple(tally.columns[name][place] for name in table)
        parts.setdefault(tuple(columns[name][place] for name in table), {})[own] = None
    counted = tally.by(table)
    for labels, held in parts.items():
        histogram = reduce(add, (counted[own] for own in held))
        yield ReleasedGroup(
            table=table,
            labels=labels,
            parts=tuple(held),
            invited=histogram.n + histogram.missing,
            histogram=histogram if Group(table, labels) in protected else None,
        )
