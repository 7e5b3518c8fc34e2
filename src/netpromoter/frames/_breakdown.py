"""A score for each group, in columns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter._checks import one_of, refusal, shown
from netpromoter._figures import points, span
from netpromoter._html import bar, escape, table
from netpromoter.errors import InvalidArgument
from netpromoter.stats import Method, Score, intervals

from ._built import LIBRARIES, Library, series
from ._labels import Columns, Counts, identities, identity, plain, ranked

if TYPE_CHECKING:
    import narwhals.stable.v2 as nw

__all__ = ["RESULT_COLUMNS", "Breakdown", "Origin"]

Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]

_ESTIMATES = ("nps", "low", "high")
_COUNTS = ("promoters", "passives", "detractors", "missing")
_MEASURES = ("nps", "n", *_COUNTS)
_SHOWN = 8

#: What `Breakdown.rows` adds to the keys.
RESULT_COLUMNS = (*_ESTIMATES, "n", *_COUNTS)


@attrs.frozen(kw_only=True)
class Origin:
    """Where answers came from, for `Breakdown.to_frame`: their library, one in memory to build with, and key types."""

    library: str | None = None
    eager: str | None = None
    lazy: bool = False
    key_types: tuple[Any, ...] = ()

    def orders(self, keys: int) -> list[Sequence[object]]:
        """Give the declared order of each key: that of an Enum, or of ordered categories, and otherwise none."""
        kinds: tuple[Any, ...] = self.key_types or (None,) * keys
        return [kind.categories if type(kind).__name__ == "Enum" else () for kind in kinds]


def _kept(values: npt.ArrayLike) -> Counts:
    kept = np.array(values, dtype=np.int64)
    kept.flags.writeable = False
    return kept


#: A column of counts: read-only, compared as a whole, and too long to hash.
_COLUMN: dict[str, Any] = {"converter": _kept, "eq": attrs.cmp_using(eq=np.array_equal), "hash": False}


@attrs.frozen(kw_only=True, repr=False)
class Breakdown:
    """A score for each group, in columns.

    Make one with `score_by`. ``by["pro", "FR"]`` gives the `Score` of a group, iteration gives the keys in order, and
    ``len(by)`` their number. Two breakdowns are equal when their keys and counts are.

    Parameters
    ----------
    by : tuple of str
        What the answers are grouped by.
    labels : tuple of tuples
        One column of keys for each name in `by`, as plain Python values; None where the key is missing.
    promoters, passives, detractors, missing : ndarray of int64, shape (k,)
        The counts of each group; 0 where they are withheld.
    total : Score
        Everybody together, those in groups that are withheld too.
    minimum_group : int, optional
        Groups in which fewer people answered are withheld.

    Examples
    --------
    >>> from netpromoter.frames import score_by
    >>> by = score_by([10, 9, 3, 8, 10, 7], by={"plan": ["pro", "pro", "free", "free", "free", "pro"]})
    >>> by
    Breakdown by plan: 2 groups, NPS +33.3 (n = 6)
    plan    NPS          95% CI  n
    free   +0.0  -69.2 to +69.2  3
    pro   +66.7  -26.9 to +93.9  3
    >>> by["pro"].value
    66.66666666666667
    """

    by: tuple[str, ...]
    labels: Columns
    promoters: Counts = attrs.field(**_COLUMN)
    passives: Counts = attrs.field(**_COLUMN)
    detractors: Counts = attrs.field(**_COLUMN)
    missing: Counts = attrs.field(**_COLUMN)
    total: Score
    minimum_group: int | None = None
    _origin: Origin = attrs.field(factory=Origin, eq=False)

    @property
    def n(self) -> Counts:
        """How many people answered in each group; 0 where that is withheld."""
        return self.promoters + self.passives + self.detractors

    @property
    def withheld(self) -> int:
        """How many groups are withheld because fewer than `minimum_group` people answered."""
        return int(self._hidden.sum())

    @property
    def _hidden(self) -> Flags:
        return np.less(self.n, self.minimum_group or 0)

    @cached_property
    def _places(self) -> dict[object, int]:
        return {key: place for place, key in enumerate(zip(*map(identities, self.labels), strict=True))}

    def __len__(self) -> int:
        """Give the number of groups, those withheld included."""
        return len(self.labels[0])

    def __iter__(self) -> Iterator[Any]:
        """Give the keys in order: plain values where `by` has one name, and otherwise tuples."""
        return iter(self.labels[0]) if len(self.by) == 1 else zip(*self.labels, strict=True)

    def __contains__(self, key: object) -> bool:
        """Say whether there is a group with this key."""
        return self._place(key) is not None

    def __getitem__(self, key: object) -> Score:
        """Give the score of one group.

        Parameters
        ----------
        key : object
            A value where `by` has one name, and otherwise a tuple of them; None where the key is missing.

        Raises
        ------
        InvalidArgument
            If there is no such group, or it is withheld.
        NoRatings
            If nobody in the group answered.
        """
        place = self._place(key)
        if place is None:
            raise refusal("key", f"a group of the breakdown by {', '.join(self.by)}, which list() gives", key)
        if self._hidden[place]:
            message = f"group {key!r} is withheld: fewer than {self.minimum_group} people answered"
            raise InvalidArgument(message)
        return Score.from_counts(**{name: int(getattr(self, name)[place]) for name in _COUNTS})

    def _place(self, key: object) -> int | None:
        parts = key if isinstance(key, tuple) and len(self.by) > 1 else (key,)
        known = tuple(identity(plain(part)) for part in parts)
        try:
            return self._places.get(known)
        except TypeError:
            return None

    def intervals(self, *, confidence_level: float = 0.95, method: Method = "score") -> tuple[Floats, Floats]:
        """Compute the confidence intervals of all groups in one pass.

        Parameters
        ----------
        confidence_level : float, default 0.95
            Strictly between 0 and 1, for each group by itself.
        method : str, default "score"
            Any name of `netpromoter.stats.intervals`.

        Returns
        -------
        low, high : ndarray of float, shape (k,)
            The limits in points; NaN, in these two arrays alone, where a group has no score.
        """
        low, high = np.full(len(self), np.nan), np.full(len(self), np.nan)
        known = self.n > 0
        if known.any():
            counts = (column[known] for column in (self.promoters, self.passives, self.detractors))
            low[known], high[known] = intervals(*counts, method=method, confidence_level=confidence_level)
        return low, high

    def rows(self, *, confidence_level: float = 0.95, method: Method = "score") -> list[dict[str, Any]]:
        """Give one plain dict for each group.

        Parameters
        ----------
        confidence_level : float, default 0.95
            Strictly between 0 and 1, for each group by itself.
        method : str, default "score"
            Any name of `netpromoter.stats.intervals`.

        Returns
        -------
        list of dict
            The keys by name, then ``nps``, ``low`` and ``high`` in points (None where nobody answered), ``n``,
            ``promoters``, ``passives``, ``detractors`` and ``missing``. All are None where a group is withheld.

        Examples
        --------
        >>> from netpromoter.frames import score_by
        >>> rows = score_by([10, 9, 3], by={"plan": ["pro", "pro", "free"]}).rows()
        >>> [(row["plan"], row["nps"], row["n"]) for row in rows]
        [('free', -100.0, 1), ('pro', 100.0, 2)]
        """
        columns = dict(zip(self.by, self.labels, strict=True)) | self._results(confidence_level, method)
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def to_frame(
        self, *, confidence_level: float = 0.95, method: Method = "score", library: Library | None = None
    ) -> Any:
        """Give the rows as a dataframe of the library that the answers came from.

        Parameters
        ----------
        confidence_level : float, default 0.95
            Strictly between 0 and 1, for each group by itself.
        method : str, default "score"
            Any name of `netpromoter.stats.intervals`.
        library : {"pandas", "polars", "pyarrow"}, optional
            Another library to use. Answers that came as plain arrays have none of their own.

        Returns
        -------
        dataframe
            The columns of `rows`, with nulls for None; lazy where the answers were (polars, DuckDB, Ibis, Dask and
            PySpark). Integers with nulls are of a nullable type in pandas.

        Raises
        ------
        InvalidArgument
            If the answers came as plain arrays and `library` is not given.
        """
        import narwhals.stable.v2 as nw

        own = self._origin
        eager: Any = library or own.eager
        if library or eager is None:
            one_of("library", eager, LIBRARIES)
        types = dict(zip(self.by, self._origin.key_types, strict=False))
        types |= dict.fromkeys(_ESTIMATES, nw.Float64()) | dict.fromkeys(RESULT_COLUMNS[3:], nw.Int64())
        columns: dict[str, Sequence[object]] = dict(zip(self.by, self.labels, strict=True))
        columns |= self._results(confidence_level, method)
        first, *others = (series(name, values, types.get(name), eager) for name, values in columns.items())
        frame = first.to_frame().with_columns(*others)
        return _lazy(frame, own.library) if own.lazy and not library else frame.to_native()

    def _results(self, confidence_level: float, method: Method) -> dict[str, list[Any]]:
        low, high = self.intervals(confidence_level=confidence_level, method=method)
        scored, known = self.n > 0, ~self._hidden
        estimates = {"nps": self._values(), "low": low, "high": high}
        found = {name: _optional(values, scored) for name, values in estimates.items()}
        return found | {name: _optional(getattr(self, name), known) for name in RESULT_COLUMNS[3:]}

    def _values(self) -> Floats:
        n = self.n
        found = np.full(n.shape, np.nan)
        np.divide(100 * (self.promoters - self.detractors), n, out=found, where=n > 0)
        return found

    def sorted(self, by: str = "nps", *, descending: bool = False) -> Breakdown:
        """Give the same groups in another order.

        Parameters
        ----------
        by : str, default "nps"
            ``"nps"``, ``"n"``, ``"promoters"``, ``"passives"``, ``"detractors"``, ``"missing"``, or a name in the
            breakdown's own `by`.
        descending : bool, default False
            Whether the highest come first. Groups without what is asked for come last either way.

        Returns
        -------
        Breakdown
            Equal groups keep the order that they have.
        """
        one_of("by", by, (*_MEASURES, *self.by))
        values, absent = self._key_order(by) if by in self.by else self._measure(by)
        order = np.lexsort((-values if descending else values, absent))
        return self._taken(order)

    def _key_order(self, name: str) -> tuple[Floats, Flags]:
        place = self.by.index(name)
        labels, order = self.labels[place], self._origin.orders(len(self.by))[place]
        return ranked(labels, order)[0].astype(np.float64), np.array([label is None for label in labels])

    def _measure(self, name: str) -> tuple[Floats, Flags]:
        if name == "nps":
            return self._values(), self.n == 0
        return np.asarray(getattr(self, name), dtype=np.float64), self._hidden

    def _taken(self, places: npt.NDArray[np.integer[Any]]) -> Breakdown:
        labels = tuple(tuple(column[place] for place in places) for column in self.labels)
        return attrs.evolve(self, labels=labels, **{name: getattr(self, name)[places] for name in _COUNTS})

    def __repr__(self) -> str:
        """Give one line about the whole, and a table of the first groups."""
        head, body = [*self.by, "NPS", "95% CI", "n"], [cells for cells, _ in self._first_rows()]
        widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
        lines = [_line(cells, widths, left=len(self.by)) for cells in (head, *body)]
        return "\n".join([self._title(), *lines, *self._rest()])

    def _repr_html_(self) -> str:
        """Give a table of the first groups with a bar of the three categories each, for notebooks."""
        head = [*map(escape, self.by), "NPS", "95% CI", "n", "detractors, passives, promoters"]
        body = [[*map(escape, cells), groups] for cells, groups in self._first_rows()]
        return table(head, body, caption=escape("; ".join([self._title(), *self._rest()])))

    def _first_rows(self) -> Iterator[tuple[list[str], str]]:
        """Give the cells of the first groups and their bars, computing no interval but theirs."""
        for row in self._taken(np.arange(min(len(self), _SHOWN))).rows():
            groups = bar(row["promoters"], row["passives"], row["detractors"]) if row["n"] else ""
            yield [*(_shown_label(row[name]) for name in self.by), *_shown_result(row)], groups

    def _title(self) -> str:
        withheld = f", {self.withheld:,} withheld" if self.withheld else ""
        missing = f"; {self.total.missing:,} missing" if self.total.missing else ""
        groups = f"{len(self):,} group{'s' * (len(self) != 1)}{withheld}"
        total = f"NPS {points(self.total.value)} (n = {self.total.n:,}{missing})"
        return f"Breakdown by {', '.join(self.by)}: {groups}, {total}"

    def _rest(self) -> list[str]:
        return [f"… and {len(self) - _SHOWN:,} more"] if len(self) > _SHOWN else []


def _optional(values: npt.NDArray[Any], known: Flags) -> list[Any]:
    found = values.tolist()
    return found if known.all() else [value if there else None for value, there in zip(found, known, strict=True)]


def _shown_label(label: object) -> str:
    if isinstance(label, dt.date | dt.time):
        return str(label)
    return label if isinstance(label, str) and label.isprintable() else shown(label, 40)


def _shown_result(row: dict[str, Any]) -> list[str]:
    if row["n"] is None:
        return ["withheld", "", ""]
    if not row["n"]:
        return ["", "", "0"]
    return [points(row["nps"]), span(row["low"], row["high"]), f"{row['n']:,}"]


def _line(cells: list[str], widths: list[int], *, left: int) -> str:
    pairs = enumerate(zip(cells, widths, strict=True))
    padded = [cell.ljust(width) if place < left else cell.rjust(width) for place, (cell, width) in pairs]
    return "  ".join(padded).rstrip()


def _lazy(frame: nw.DataFrame[Any], library: Any) -> Any:
    """Hand a small frame to the engine that the answers came from."""
    import narwhals.stable.v2 as nw

    engine = nw.Implementation.from_backend(library)
    session = engine.to_native_namespace().SparkSession.active() if engine.is_spark_like() else None
    return frame.lazy(library, session=session).to_native()
