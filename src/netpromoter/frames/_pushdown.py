"""Counts by group from a dataframe, by the engine that holds it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import numpy as np

from netpromoter._checks import one_of, refusal, shown
from netpromoter.errors import InvalidArgument, InvalidRating
from netpromoter.ratings import Scale, codes

from ._breakdown import Origin
from ._coding import coded_column, coded_series, fits
from ._found import Found, counted, named
from ._labels import plain

if TYPE_CHECKING:
    import narwhals.stable.v2 as nw

    Frame: TypeAlias = nw.DataFrame[Any] | nw.LazyFrame[Any]

Schema: TypeAlias = Mapping[str, Any]

__all__ = ["found_in_frame", "is_frame"]

_HIGHEST = 10
#: The library in memory that an engine's results come in, where it is not pyarrow.
_COLLECTED = {"dask": "pandas", "polars": "polars"}


def is_frame(data: Any) -> bool:
    """Say whether this is a dataframe, without loading narwhals for plain columns."""
    if isinstance(data, np.ndarray | list | tuple):
        return False
    import narwhals.stable.v2 as nw

    return isinstance(nw.from_native(data, allow_series=True, pass_through=True), nw.DataFrame | nw.LazyFrame)


def found_in_frame(data: Any, rating: str, by: Any, scale: Scale) -> Found:
    """Count the answers of a dataframe by group."""
    import narwhals.stable.v2 as nw

    frame, schema = _opened(data)
    names = _checked(rating, by, schema)
    lazy, library = isinstance(frame, nw.LazyFrame), str(frame.implementation)
    eager = _COLLECTED.get(library, "pyarrow") if lazy else library
    key_types = tuple(schema[name] for name in names)
    origin = Origin(library=library, eager=eager, lazy=lazy, key_types=key_types)
    if isinstance(frame, nw.LazyFrame):
        _refuse_other_kinds(schema, rating)
    else:
        text = not schema[rating].is_numeric()
        columns = map(frame.get_column, names)
        keys = [coded_column("by", key.to_native(), len(frame)) if text else coded_series(key) for key in columns]
        known = [key for key in keys if key]
        if text or (len(known) == len(keys) and fits(known)):
            return counted(names, codes(frame.get_column(rating), scale=scale), known, scale, origin)
    return _pushed_down(frame, schema, rating, names, scale=scale, origin=origin)


def _opened(data: Any) -> tuple[Frame, Schema]:
    import narwhals.stable.v2 as nw
    from narwhals.exceptions import DuplicateError

    try:
        frame: Frame = nw.from_native(data)
        return frame, frame.collect_schema()
    except DuplicateError as error:
        message = f"data must have columns of different names (got {data.columns.tolist()!r})"
        raise InvalidArgument(message) from error
    except TypeError as error:
        kind = type(data).__name__
        message = f"data must be a dataframe where rating names its column (got a {kind})"
        raise InvalidArgument(message) from error


def _checked(rating: str, by: Any, schema: Schema) -> tuple[str, ...]:
    """Return the names to group by, or refuse what cannot be counted before any work."""
    if not isinstance(rating, str):
        raise refusal("rating", "the name of a column, as text", rating)
    one_of("rating", rating, schema)
    if not isinstance(by, str | Iterable) or isinstance(by, np.ndarray):
        raise refusal("by", "the name of a column or a list of them", by)
    names = named([by] if isinstance(by, str) else list(by))
    for name in names:
        one_of("by", name, schema)
        if name == rating:
            raise refusal("by", "other columns than the rating", name)
        if schema[name].is_nested():
            raise refusal("by", "columns of single values", f"{name}, a column of {schema[name]}")
    return names


def _refuse_other_kinds(schema: Schema, rating: str) -> None:
    """Refuse answers that an engine cannot hold against numbers."""
    kind = _other_kind(schema[rating])
    if kind:
        message = f"ratings must be numbers where the frame is not in memory (got {kind} in column {rating!r})"
        raise InvalidRating(message)


def _other_kind(dtype: Any) -> str | None:
    """Say what a column holds if it is not numbers, in the same words for all engines."""
    import narwhals.stable.v2 as nw

    if dtype.is_numeric():
        return None
    if isinstance(dtype, nw.String | nw.Categorical | nw.Enum):
        return "text"
    if dtype.is_temporal():
        return "dates or times"
    return "True and False" if dtype == nw.Boolean else "neither numbers nor text"


def _pushed_down(
    frame: Frame, schema: Schema, rating: str, by: tuple[str, ...], *, scale: Scale, origin: Origin
) -> Found:
    lowest = int(scale.partition("-")[0])
    answers = _answers(frame, schema, rating, by)
    found = _query(answers, len(by), whole=not schema[rating].is_integer()).collect()
    low, high = plain(found.get_column("lowest").min()), plain(found.get_column("highest").max())
    count = {name: _integers(found, name) for name in found.columns if name not in {"lowest", "highest", *_keys(by)}}
    answered, promoters, detractors = count["answered"], count["promoters"], count["detractors"]
    if low is not None and (low < lowest or high > _HIGHEST or (count.get("whole", answered) < answered).any()):
        _refuse(frame, answers, lowest, scale)
    return Found(
        by=by,
        labels=[found.get_column(key).to_list() for key in _keys(by)],
        counts=np.stack([detractors, answered - promoters - detractors, promoters, count["rows"] - answered], axis=1),
        lowest=None if low is None else int(low),
        highest=None if high is None else int(high),
        origin=origin,
    )


def _keys(by: tuple[str, ...]) -> list[str]:
    return [f"key{place}" for place in range(len(by))]


def _answers(frame: Frame, schema: Schema, rating: str, by: tuple[str, ...]) -> nw.LazyFrame[Any]:
    """Select the columns that matter by position, under names of our own: theirs may be anything."""
    import narwhals.stable.v2 as nw

    columns = list(schema)
    frame = _renamed(frame, len(columns))
    place = columns.index(rating)
    answer = nw.nth(place)
    if schema[rating].is_float() and not _nan_is_null(frame, place):
        answer = nw.when(~answer.is_nan()).then(answer)
    keys = (nw.nth(columns.index(name)).alias(key) for name, key in zip(by, _keys(by), strict=True))
    return frame.lazy().select(*keys, answer.alias("answer"))


def _renamed(frame: Frame, columns: int) -> Frame:
    """Name the columns by their position in the engines that read a name as syntax: a star, and in Spark a dot too."""
    import narwhals.stable.v2 as nw

    names = [f"column{place}" for place in range(columns)]
    native: Any = frame.to_native()
    if frame.implementation.is_spark_like():
        native = native.toDF(*names)
    elif frame.implementation.is_duckdb():
        native = native.project(", ".join(f"#{place} AS {name}" for place, name in enumerate(names, start=1)))
    renamed: Frame = nw.from_native(native)
    return renamed


def _nan_is_null(frame: Frame, place: int) -> bool:
    """Say whether a column of floats has one kind of missing, as those of numpy in pandas and Dask."""
    library = frame.implementation
    return (library.is_pandas() or library.is_dask()) and isinstance(frame.to_native().dtypes.iloc[place], np.dtype)


def _query(answers: nw.LazyFrame[Any], keys: int, *, whole: bool) -> nw.LazyFrame[Any]:
    """Ask for everything at once: the counts, and what shows whether every answer is on the scale."""
    import narwhals.stable.v2 as nw

    answer = nw.col("answer")
    flags = {"promoters": answer > 8, "detractors": answer < 7}
    if whole:
        flags["whole"] = _is_whole(answer, answers)
    if not answers.implementation.is_dask():
        # Spark cannot add up booleans, and pyarrow is slower at it; Dask cannot cast a null.
        flags = {name: flag.cast(nw.Int8) for name, flag in flags.items()}
    names = [f"key{place}" for place in range(keys)]
    return (
        answers.with_columns(**flags)
        .group_by(*names)
        .agg(
            nw.len().alias("rows"),
            answer.count().alias("answered"),
            *(nw.col(name).sum() for name in flags),
            answer.min().alias("lowest"),
            answer.max().alias("highest"),
        )
    )


def _is_whole(answer: nw.Expr, frame: Frame) -> nw.Expr:
    """Ask whether an answer is a whole number; the faster way fails for infinity where `floor` gives an integer."""
    engine = frame.implementation
    return answer % 1 == 0 if engine.is_ibis() or engine.is_spark_like() else answer == answer.floor()


def _integers(found: nw.DataFrame[Any], name: str) -> Any:
    import narwhals.stable.v2 as nw

    return found.get_column(name).cast(nw.Int64).to_numpy()


def _refuse(frame: Frame, answers: nw.LazyFrame[Any], lowest: int, scale: Scale) -> NoReturn:
    """Name the first answer that is not on the scale where the rows have an order, and otherwise the lowest."""
    import narwhals.stable.v2 as nw

    if isinstance(frame, nw.DataFrame) or frame.implementation.is_polars():
        codes(answers.select("answer").collect().get_column("answer").to_native(), scale=scale)
    answer = nw.col("answer")
    on_scale = (answer >= lowest) & (answer <= _HIGHEST) & _is_whole(answer, answers)
    faulty = answers.filter(~on_scale & ~answer.is_null()).select(
        answer.count().alias("n"), answer.min().alias("value")
    )
    value, n = (plain(faulty.collect().get_column(name).to_list()[0]) for name in ("value", "n"))
    rule = f"ratings must be whole numbers from {lowest} to 10"
    message = f"{rule} (got {shown(value)}; {n:,} such in all)"
    raise InvalidRating(message)
