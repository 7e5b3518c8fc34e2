"""The coding sheet: comments go out to be read by people, and codes come back in."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Mapping

from netpromoter._checks import printable
from netpromoter.errors import InvalidArgument
from netpromoter.model import Response
from netpromoter.ratings import category

from ._answers import FileLike
from ._contacts import read_texts
from ._source import opened

__all__ = ["coding_sheet", "comment_codes"]

_COLUMNS = ("response", "answered", "rating", "category", "comment", "codes")
_BETWEEN = ";"
#: With these a spreadsheet begins a formula; an apostrophe stands before them, and before another one.
_GUARDED = ("=", "+", "-", "@", "\t", "\r", "'")


def coding_sheet(responses: Iterable[Response], codes: Mapping[str, Collection[str]] | None = None) -> str:
    r"""Write the comments of some answers as CSV, for people to put codes beside them.

    Each row has the id of its answer, by which `comment_codes` knows it again, however the sheet was sorted. A comment
    that a spreadsheet would take for a formula gets an apostrophe before it. Controls and lone surrogates are
    replaced, since no text may hold them.

    Parameters
    ----------
    responses : iterable of Response
        Those without a comment are left out.
    codes : mapping of str to collection of str, optional
        The codes that answers have already, by the ids of answers.

    Returns
    -------
    str
        CSV with the columns response, answered, rating, category, comment and codes; several codes stand with ";"
        between them.

    Raises
    ------
    InvalidArgument
        If a code holds a ";".

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> answer = Response(
    ...     survey="nps", occasion="june", contact="c-1", rating=9, comment="It just works.",
    ...     at=datetime(2026, 6, 2, tzinfo=UTC),
    ... )
    >>> print(coding_sheet([answer], {answer.id: ["quality"]}))
    response,answered,rating,category,comment,codes
    nps/june/c-1/0,2026-06-02T00:00:00+00:00,9,promoter,It just works.,quality
    <BLANKLINE>
    """
    text, known = io.StringIO(newline=""), codes or {}
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for each in responses:
        if each.comment is not None:
            found = _joined(known.get(each.id, ()))
            row = [each.id, each.at.isoformat(), each.rating, category(each.rating), each.comment, found]
            writer.writerow([_plain(printable(str(cell))) for cell in row])
    return text.getvalue()


def _plain(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_GUARDED) else cell


def _read(cell: str | None) -> str:
    text = (cell or "").strip()
    return text[1:] if text.startswith("'") and text[1:].startswith(_GUARDED) else text


def _joined(codes: Collection[str]) -> str:
    for code in codes:
        if _BETWEEN in code:
            raise InvalidArgument(f"codes must be without {_BETWEEN!r}, which stands between two (got {code!r})")
    return f"{_BETWEEN} ".join(codes)


def comment_codes(
    source: FileLike, *, encoding: str | None = None, delimiter: str | None = None
) -> dict[str, tuple[str, ...]]:
    r"""Read the codes of a coding sheet that comes back.

    Parameters
    ----------
    source : path or file
        CSV with the columns response and codes, in any order and among others.
    encoding, delimiter : str, optional
        As in `netpromoter.formats.answers`.

    Returns
    -------
    dict of str to tuple of str
        The codes of each answer, by its id; answers without a code are left out.

    Raises
    ------
    UnreadableFile
        If it is not CSV, or damaged.
    InvalidArgument
        If a column is missing, a row names no answer, or two rows name one.

    Examples
    --------
    >>> comment_codes(io.BytesIO(b"response,codes\nnps/june/c-1/0,quality; price\nnps/june/c-2/0,\n"))
    {'nps/june/c-1/0': ('quality', 'price')}
    """
    with opened(source) as origin:
        frame = read_texts(origin, encoding, delimiter)
    for name in ("response", "codes"):
        if name not in frame.columns:
            raise InvalidArgument(f"source must have the columns response and codes (got {', '.join(frame.columns)})")
    found: dict[str, tuple[str, ...]] = {}
    for place, row in enumerate(frame.select("response", "codes").iter_rows()):
        response, text = map(_read, row)
        if not response or response in found:
            rule = "name an answer in each row, and none twice"
            raise InvalidArgument(f"source must {rule} (got {response!r} at position {place:,})")
        found[response] = tuple(filter(None, (each.strip() for each in text.split(_BETWEEN))))
    return {response: given for response, given in found.items() if given}
