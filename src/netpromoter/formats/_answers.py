"""The answers in a file, counted as they are read."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TypeAlias, cast, get_args

import attrs

from netpromoter import ratings
from netpromoter._checks import count, one_of, refusal, refuse_missing, shown, warn
from netpromoter.errors import InvalidArgument, InvalidRating, ScaleWarning
from netpromoter.frames import Breakdown, Origin
from netpromoter.ratings import Histogram, MissingPolicy, Scale
from netpromoter.stats import Score

from ._columnar import Parquet, Sheet
from ._damage import FIRST, unreadable
from ._delimited import Delimited
from ._lines_of_json import JsonLines
from ._source import Source, opened
from ._table import File, Piece, Places, Table, polars, position

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Answers", "InvalidPolicy", "Refusal", "Rows", "answers", "columns"]

InvalidPolicy: TypeAlias = Literal["refuse", "drop"]
FileLike: TypeAlias = "str | os.PathLike[str] | BinaryIO"

_POLICIES: tuple[InvalidPolicy, ...] = ("refuse", "drop")
_REFUSED = -2
RATING, TIMES = "0", "times"
_KNOWN = 1 << 16
_GROUPS = {
    "promoters": (9, 10),
    "passives": (7, 8),
    "detractors": (0, 6),
    "missing": (ratings.MISSING, ratings.MISSING),
}
_TAKEN = frozenset({"nps", "low", "high", "n", *_GROUPS})
_NOT_TABLES: Mapping[bytes, str] = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstandard",
    b"%PDF": "PDF",
}


@attrs.frozen(kw_only=True)
class Refusal:
    """One answer that is neither a rating nor missing.

    Parameters
    ----------
    place : int
        The number of its line, or of its row where the file has no lines (`File.unit`).
    value : object
        The answer as the file has it.
    reason : str
        The rule that it breaks.
    """

    place: int
    value: object
    reason: str


@attrs.frozen(kw_only=True)
class Rows:
    """What became of every row of a file: each was scored, or is missing, or was refused.

    Parameters
    ----------
    read, scored, missing, refused : int
        ``read == scored + missing + refused``.
    refusals : tuple of Refusal
        The first few that were refused.
    """

    read: int
    scored: int
    missing: int
    refused: int
    refusals: tuple[Refusal, ...] = ()


@attrs.frozen(kw_only=True)
class Answers:
    """The answers in one file: counts by segment, and a report of every row. Made by `answers`.

    Parameters
    ----------
    file : File
        What the file turned out to be, and its damage.
    rows : Rows
        How many rows were read, scored, missing and refused.
    histogram : Histogram
        The eleven counts of all rows, and the count of missing answers.
    by : tuple of str
        The columns of the segments.
    scale : {"0-10", "1-10"}
        The scale that the question showed.
    """

    file: File
    rows: Rows
    histogram: Histogram
    by: tuple[str, ...] = ()
    scale: Scale = "0-10"
    _counts: Any = attrs.field(default=None, repr=False, eq=False)

    def score(self, *, missing: MissingPolicy = "refuse", invalid: InvalidPolicy = "refuse") -> Score:
        """Give the score of all rows.

        Parameters
        ----------
        missing : {"refuse", "drop"}, default "refuse"
            What to do with missing answers: refuse them with their count, or leave them out and keep the count.
        invalid : {"refuse", "drop"}, default "refuse"
            What to do with answers that are neither a rating nor missing: refuse them, or leave them out; their count
            stays in `rows`.

        Raises
        ------
        InvalidRating
            If answers were refused and `invalid` is ``"refuse"``.
        MissingRatings
            If answers are missing and `missing` is ``"refuse"``.
        NoRatings
            If no row has a rating.

        Warns
        -----
        ScaleWarning
            If the answers look like those of another scale: `netpromoter.ratings.scale_doubt` says when.
        """
        self._refuse(missing, invalid)
        answered = [rating for rating, times in enumerate(self.histogram.counts) if times]
        doubt = ratings.scale_doubt(self.histogram.n, answered[0], answered[-1], scale=self.scale)
        if doubt:
            warn(doubt, ScaleWarning)
        return Score.from_histogram(self.histogram)

    def breakdown(
        self, *, missing: MissingPolicy = "refuse", invalid: InvalidPolicy = "refuse", minimum_group: int | None = None
    ) -> Breakdown:
        """Give the score of each segment.

        Parameters
        ----------
        missing, invalid
            As in `score`.
        minimum_group : int, optional
            Withhold segments in which fewer people answered.

        Returns
        -------
        Breakdown
            Sorted by key, numbers in texts by their value and before words; an empty text is the missing key, None,
            which comes last. A segment in which nobody answered stays, without a score.

        Raises
        ------
        InvalidArgument
            If the answers were read without `by`.
        InvalidRating, MissingRatings, NoRatings
            As in `score`.

        Warns
        -----
        ScaleWarning
            As in `score`.
        """
        if not self.by:
            raise refusal("by", "given when the answers are read, for a breakdown", self.by)
        least = None if minimum_group is None else count("minimum_group", minimum_group, least=1)
        total = self.score(missing=missing, invalid=invalid)
        groups = _by_segment(self._counts, least)
        keys = groups.columns[: len(self.by)]
        return Breakdown(
            by=self.by,
            labels=tuple(tuple(groups[key].to_list()) for key in keys),
            promoters=groups["promoters"].to_numpy(),
            passives=groups["passives"].to_numpy(),
            detractors=groups["detractors"].to_numpy(),
            missing=groups["missing"].to_numpy(),
            total=total,
            minimum_group=least,
            origin=Origin(library="polars", eager="polars"),
        )

    def _refuse(self, missing: MissingPolicy, invalid: InvalidPolicy) -> None:
        one_of("missing", missing, _POLICIES)
        if one_of("invalid", invalid, _POLICIES) == "refuse" and self.rows.refused:
            first = self.rows.refusals[0]
            rule = f"ratings must be whole numbers from {self.scale.replace('-', ' to ')}"
            where = f"{self.file.unit} {first.place:,}; {self.rows.refused:,} such in all"
            message = f"{rule} (got {shown(first.value)} on {where})"
            raise InvalidRating(message)
        refuse_missing(self.rows.missing, self.rows.read - self.rows.refused, missing, None)


def answers(
    source: FileLike,
    *,
    rating: str,
    by: str | Sequence[str] = (),
    delimiter: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    scale: Scale = "0-10",
    progress: Callable[[int], object] | None = None,
) -> Answers:
    r"""Read the answers of a file: CSV, Parquet, JSON lines or Excel.

    CSV is read as text throughout, block by block, so that a file of any size takes bounded memory, apart from what
    the segments need. Blank lines are no rows. Where a line has fewer or more fields than the header, fields count
    from the left and those that are not there are empty; such lines are reported in `File.damage`, as are bytes that
    are not valid in the encoding and stray quotation marks. Of a file of mixed encodings, lines that are valid UTF-8
    are read as such and all others as windows-1252.

    Parameters
    ----------
    source : path or binary stream
        The file. What it holds is judged by its first bytes, not by its name.
    rating : str
        The column of answers.
    by : str or sequence of str, default ()
        The columns of the segments.
    delimiter : str, optional
        One ASCII character. Found among comma, semicolon, tab and bar if not given. Of CSV only.
    encoding : str, optional
        Any text encoding that Python knows. Found if not given. Of CSV and JSON lines only.
    sheet : str, optional
        The sheet of an Excel workbook; the first if not given.
    scale : {"0-10", "1-10"}, default "0-10"
        The scale that the question showed.
    progress : callable, optional
        Called now and then with the count of bytes that have been read.

    Returns
    -------
    Answers
        From which a score and a breakdown come.

    Raises
    ------
    InvalidArgument
        If a column does not exist, or an option is wrong or does not fit the format.
    UnreadableFile
        If the file is not a table, or a quotation mark is never closed.
    OSError
        If the file cannot be opened.

    Examples
    --------
    >>> import io
    >>> found = answers(io.BytesIO(b"plan;nps\npro;10\nfree;NA\nfree;9\n"), rating="nps", by="plan")
    >>> found.rows
    Rows(read=3, scored=2, missing=1, refused=0, refusals=())
    >>> found.score(missing="drop").value
    100.0
    """
    by = _segments(by)
    with opened(source) as origin:
        table = _table(origin, delimiter=delimiter, encoding=encoding, sheet=sheet)
        wanted = [position(table.columns, rating, argument="rating", file=origin.name)]
        wanted += [position(table.columns, name, argument="by", file=origin.name) for name in by]
        tally = _Tally(cast(Scale, one_of("scale", scale, get_args(Scale))))
        for piece in table.pieces(wanted):
            tally.add(piece)
            if progress:
                progress(origin.done)
    return Answers(
        file=table.file(), rows=tally.rows(), histogram=tally.histogram(), by=by, scale=scale, counts=tally.counts
    )


def columns(
    source: FileLike, *, delimiter: str | None = None, encoding: str | None = None, sheet: str | None = None
) -> tuple[str, ...]:
    r"""Give the names of the columns of a file.

    A column without a name is called by its place, and each of several with one name gets a number.

    Parameters
    ----------
    source, delimiter, encoding, sheet
        As in `answers`.

    Examples
    --------
    >>> import io
    >>> columns(io.BytesIO(b"id,nps,,nps\n1,9,,10\n"))
    ('id', 'nps (1)', 'column 3', 'nps (2)')
    """
    with opened(source) as origin:
        return tuple(_table(origin, delimiter=delimiter, encoding=encoding, sheet=sheet).columns)


def _segments(by: str | Sequence[str]) -> tuple[str, ...]:
    names = (by,) if isinstance(by, str) else tuple(by)
    if len(set(names)) < len(names) or _TAKEN.intersection(names):
        rule = (
            f"columns that are named once and not {', '.join(map(repr, sorted(_TAKEN)))}, which the result has itself"
        )
        raise refusal("by", rule, names)
    return names


def _table(source: Source, **options: str | None) -> Table:
    """Open a file as what its first bytes say that it is."""
    head = source.head
    for magic, what in _NOT_TABLES.items():
        if head.startswith(magic):
            raise unreadable(source.name, f"be CSV, Parquet, JSON lines or Excel, and it is {what}")
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    opener = next(opener for opener in _OPENERS if start.startswith(opener.magic))
    for name, value in options.items():
        if value is not None and name not in opener.options:
            raise refusal(name, f"left out of {opener.format}", value)
    return opener.table(source, **{name: options[name] for name in opener.options})


@attrs.frozen
class _Opener:
    """One format: how its first bytes look, what opens it, and which options it has."""

    format: str
    magic: tuple[bytes, ...]
    table: Callable[..., Table]
    options: tuple[str, ...]


_OPENERS = (
    _Opener("Parquet", (b"PAR1",), Parquet.of, ()),
    _Opener("Excel", (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"), Sheet.of, ("sheet",)),
    _Opener("JSON lines", (b"{",), JsonLines.of, ("encoding",)),
    _Opener("CSV", (b"",), Delimited.of, ("delimiter", "encoding")),
)


@attrs.define
class _Tally:
    """Counts of codes by segment, as pieces come in; a raw answer is judged once."""

    scale: Scale
    counts: pl.DataFrame | None = None
    _known: dict[object, int] = attrs.Factory(dict)
    _refusals: list[Refusal] = attrs.Factory(list)

    def add(self, piece: Piece) -> None:
        """Count the rows of a piece."""
        pl = polars()
        frame = piece.frame.with_columns(_judgeable(piece.frame[RATING]))
        groups = frame.group_by(frame.columns).len(TIMES)
        answers_ = groups[RATING].to_list()
        found = [self._code(answer) for answer in answers_]
        counts = groups.with_columns(pl.Series(RATING, found, dtype=pl.Int8))
        both = counts if self.counts is None else pl.concat([self.counts, counts])
        self.counts = both.group_by(frame.columns).agg(pl.col(TIMES).sum())
        refused = [answer for answer, code in zip(answers_, found, strict=True) if code == _REFUSED]
        if refused and len(self._refusals) < FIRST:
            self._remember(piece.places, frame[RATING].is_in(refused).arg_true().head(FIRST).to_list(), frame[RATING])

    def histogram(self) -> Histogram:
        """Give the counts of all rows."""
        return Histogram(counts=[self._times(code) for code in range(11)], missing=self._times(ratings.MISSING))

    def rows(self) -> Rows:
        """Give the report of all rows."""
        missing, refused = self._times(ratings.MISSING), self._times(_REFUSED)
        scored = self.histogram().n
        refusals = tuple(self._refusals[:FIRST])
        return Rows(read=scored + missing + refused, scored=scored, missing=missing, refused=refused, refusals=refusals)

    def _code(self, answer: object) -> int:
        code = self._known.get(answer)
        if code is None:
            code = self._judged(answer)
            if len(self._known) < _KNOWN:
                self._known[answer] = code
        return code

    def _judged(self, answer: object) -> int:
        try:
            rating = ratings.parse(answer, scale=self.scale)
        except InvalidRating:
            return _REFUSED
        return ratings.MISSING if rating is None else rating

    def _remember(self, places: Places, positions: Sequence[int], column: pl.Series) -> None:
        for place, at in zip(places(positions), positions, strict=True):
            value = column[at]
            self._refusals.append(Refusal(place=place, value=value, reason=_reason(value, self.scale)))

    def _times(self, code: int) -> int:
        if self.counts is None:
            return 0
        return int(self.counts.filter(polars().col(RATING) == code)[TIMES].sum())


def _by_segment(counts: pl.DataFrame, least: int | None) -> pl.DataFrame:
    """Give a row per segment: its keys, then the three counts and the missing, 0 where fewer than `least` answered."""
    pl = polars()
    keys = [name for name in counts.columns if name not in {RATING, TIMES}]
    texts = [name for name in keys if counts.schema[name] == pl.String]
    code, times = pl.col(RATING), pl.col(TIMES).cast(pl.Int64)
    sums = {name: times.filter(code.is_between(*codes)).sum() for name, codes in _GROUPS.items()}
    segments = counts.with_columns(pl.col(name).replace("", None) for name in texts).group_by(keys).agg(**sums)
    enough = pl.sum_horizontal(list(_GROUPS)[:3]) >= (least or 0)
    order = [
        part
        for name in keys
        for part in (*[pl.col(name).cast(pl.Float64, strict=False)] * (name in texts), pl.col(name))
    ]
    return segments.with_columns(pl.when(enough).then(pl.col(name)).otherwise(0) for name in sums).sort(
        order, nulls_last=True
    )


def _judgeable(column: pl.Series) -> pl.Series:
    """Turn what is neither number nor text into text; refuse what holds several values."""
    pl = polars()
    if column.dtype.is_nested() or column.dtype in {pl.Object, pl.Binary}:
        message = f"rating must be a column of numbers or text (got {column.dtype})"
        raise InvalidArgument(message)
    return column if column.dtype.is_numeric() or column.dtype == pl.String else column.cast(pl.String)


def _reason(value: object, scale: Scale) -> str:
    """Say which part of the rule an answer breaks."""
    lowest = scale.partition("-")[0]
    try:
        number = float(str(value))
    except ValueError:
        return "not a number"
    outside = ((number < float(lowest), f"below {lowest}"), (number > 10, "above 10"))
    return next((reason for broken, reason in outside if broken), "not a whole number")
