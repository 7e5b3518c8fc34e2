"""`netpromoter score`: the answers in a file, scored with a report of every row."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import attrs
import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from netpromoter import formats
from netpromoter._checks import harmless, shown
from netpromoter._figures import points, span
from netpromoter.errors import NoRatings, ScaleWarning
from netpromoter.frames import Breakdown
from netpromoter.ratings import Scale
from netpromoter.stats import Method, Score

from ._group import Refused, as_click_errors
from ._terminal import columns, drawn, picture, saved

__all__ = ["score"]

_LARGE = 200_000_000
_LIKELY = re.compile(r"nps|rating|score|recommend|likelihood|promoter", re.IGNORECASE)
_LEVEL = click.FloatRange(0, 1, min_open=True, max_open=True)
_METHOD_HELP = f"The method of the interval: {', '.join(get_args(Method))}."
_PLOT_HELP = "Draw the score, or the segments, into this file: svg, png, pdf."
_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "bar": "|"}


@attrs.frozen(kw_only=True)
class _Outcome:
    """All that is printed."""

    answers: formats.Answers
    method: Method
    confidence_level: float
    score: Score | None = None
    breakdown: Breakdown | None = None
    refused: str | None = None
    notes: tuple[str, ...] = ()


_refuse_or_drop = click.Choice(["refuse", "drop"])


@click.command(context_settings={"show_default": True}, short_help="Score the answers in a file.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--rating", metavar="COLUMN", help="The column of answers.")
@click.option("--by", metavar="COLUMN", multiple=True, help="A column of segments; may be given several times.")
@click.option("--missing", type=_refuse_or_drop, default="refuse", help="Stop at missing answers, or leave them out.")
@click.option("--invalid", type=_refuse_or_drop, default="refuse", help="Stop at what is no rating, or leave it out.")
@click.option("--scale", type=click.Choice(get_args(Scale)), default="0-10", help="The scale that the question showed.")
@click.option("--method", type=click.Choice(get_args(Method)), default="score", metavar="NAME", help=_METHOD_HELP)
@click.option("--confidence-level", type=_LEVEL, default=0.95, metavar="LEVEL", help="Between 0 and 1.")
@click.option("--minimum-group", type=click.IntRange(min=1), metavar="N", help="Withhold segments of fewer answers.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    help="What goes to standard output.",
)
@click.option("--plot", type=click.Path(dir_okay=False, writable=True), metavar="OUT", help=_PLOT_HELP)
@click.option(
    "--delimiter", metavar="CHAR", help="Of CSV: a character, or comma, semicolon, tab, bar. [default: found]"
)
@click.option("--encoding", metavar="NAME", help="Of CSV and JSON lines. [default: found]")
@click.option("--sheet", metavar="NAME", help="Of Excel. [default: the first]")
def score(file: str, rating: str | None, by: Sequence[str], form: str, plot: str | None, **options: Any) -> None:
    """Score the answers in FILE: CSV, Parquet, JSON lines or Excel; - reads standard input.

    Prints the Net Promoter Score with its confidence interval, a line for each segment, and a report of every row:
    how many were read, scored, missing and refused, and where the first of the refused ones are.

    \b
    Exit status:
      0  scored
      1  the data are refused: the row report says why
      2  wrong usage
    """  # noqa: D301 -- click takes the backspace as "keep these lines"
    with as_click_errors():
        if options["minimum_group"] and not by:
            raise click.UsageError("--minimum-group needs --by")
        picture(plot)
        reading = {name: options[name] for name in ("encoding", "sheet")}
        reading["delimiter"] = _DELIMITERS.get(options["delimiter"], options["delimiter"])
        source = sys.stdin.buffer if file == "-" else file
        if rating is None:
            raise click.UsageError(_which_column(formats.columns(source, **reading)))
        with _progress(file) as progress:
            answers = formats.answers(
                source, rating=rating, by=by, scale=options["scale"], progress=progress, **reading
            )
        outcome = _computed(answers, **{name: options[name] for name in _CHOICES})
        _FORMATS[form](outcome)
        if plot and outcome.score:
            _draw(outcome, plot)
    for note in outcome.notes:
        click.echo(f"Note: {note}", err=True)
    if outcome.refused:
        raise Refused(outcome.refused)


_CHOICES = ("missing", "invalid", "method", "confidence_level", "minimum_group")


@contextmanager
def _progress(file: str) -> Iterator[Callable[[int], object] | None]:
    """Show a bar on a terminal while a large file is read."""
    size = 0 if file == "-" else Path(file).stat().st_size
    console = Console(stderr=True)
    if size < _LARGE or not console.is_terminal:
        yield None
        return
    with Progress(BarColumn(), DownloadColumn(), TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task("", total=size)
        yield lambda done: bar.update(task, completed=done)


def _which_column(columns: Sequence[str]) -> str:
    likely = [column for column in columns if _LIKELY.search(column)]
    hint = f"{', '.join(map(shown, likely))} may be it; " if likely else ""
    return f"--rating must name the column of answers: {hint}the columns are {', '.join(map(shown, columns))}"


def _computed(
    answers: formats.Answers, *, missing: Any, invalid: Any, minimum_group: int | None, **how: Any
) -> _Outcome:
    problem = _problem(answers.rows, missing, invalid)
    if problem:
        return _Outcome(answers=answers, refused=problem, **how)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            score = answers.score(missing=missing, invalid=invalid)
            parts = (
                answers.breakdown(missing=missing, invalid=invalid, minimum_group=minimum_group) if answers.by else None
            )
        except NoRatings as problem:
            return _Outcome(answers=answers, refused=str(problem), **how)
    doubts = [str(each.message) for each in caught if issubclass(each.category, ScaleWarning)]
    notes = [doubt.replace('say scale="1-10"', "add --scale 1-10") for doubt in dict.fromkeys(doubts)]
    return _Outcome(answers=answers, score=score, breakdown=parts, notes=tuple(notes), **how)


def _problem(rows: formats.Rows, missing: str, invalid: str) -> str:
    """Say what stands in the way of a score, all at once, and which option removes it."""
    causes = (
        (rows.refused, invalid, "refused", "correct them, or score the rest with --invalid drop"),
        (rows.missing, missing, "missing", "leave them out with --missing drop"),
    )
    found = [
        f"{times:,} of {rows.read:,} answers {_are(times)} {what}: {way}"
        for times, policy, what, way in causes
        if times and policy == "refuse"
    ]
    return "; ".join(found)


def _are(times: int) -> str:
    return "is" if times == 1 else "are"


# -- what is printed ---------------------------------------------------------------------------------------------------


def _print_table(outcome: _Outcome) -> None:
    parts = ["\n".join(_report(outcome.answers))]
    if outcome.breakdown:
        parts.insert(0, drawn(_segments(outcome.breakdown, outcome)))
    if outcome.score:
        parts.insert(0, _headline(outcome.score, outcome))
    click.echo("\n\n".join(parts))


def _print_json(outcome: _Outcome) -> None:
    answers = outcome.answers
    told: dict[str, Any] = {"file": attrs.asdict(answers.file), "rows": attrs.asdict(answers.rows), "score": None}
    if outcome.score:
        how = {"method": outcome.method, "confidence_level": outcome.confidence_level}
        told["score"] = _score_row(outcome.score, outcome) | how | {"histogram": answers.histogram.counts}
    if outcome.breakdown:
        told["segments"] = _segment_rows(outcome.breakdown, outcome)
    told["notes"] = [*outcome.notes, *filter(None, [outcome.refused])]
    click.echo(json.dumps(told, indent=2, default=str))


def _print_csv(outcome: _Outcome) -> None:
    if outcome.score:
        total = _score_row(outcome.score, outcome)
        rows = _segment_rows(outcome.breakdown, outcome) if outcome.breakdown else [total]
        text = io.StringIO()
        writer = csv.DictWriter(text, [*outcome.answers.by, *total], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        cells = text.getvalue()
        click.echo("\n".join(map(harmless, cells.split("\n"))) if sys.stdout.isatty() else cells, nl=False)
        click.echo(_headline(outcome.score, outcome), err=True)
    click.echo("\n".join(_report(outcome.answers)), err=True)


_FORMATS: Mapping[str, Callable[[_Outcome], None]] = {"table": _print_table, "json": _print_json, "csv": _print_csv}


def _headline(score: Score, outcome: _Outcome) -> str:
    """Give the score in one line, as its repr does, with the refused beside the missing."""
    rows = outcome.answers.rows
    low, high = score.interval(method=outcome.method, confidence_level=outcome.confidence_level)
    counts = [f"n = {score.n:,}"]
    counts += [f"{times:,} {what}" for times, what in ((rows.missing, "missing"), (rows.refused, "refused")) if times]
    return f"NPS {points(score.value)} ({_level(outcome)} {span(low, high)}; {'; '.join(counts)})"


def _level(outcome: _Outcome) -> str:
    return f"{100 * outcome.confidence_level:.10g}% CI"


def _segments(breakdown: Breakdown, outcome: _Outcome) -> Table:
    table = columns([*breakdown.by, "NPS", _level(outcome), "n", "missing"], left=len(breakdown.by))
    for row in _segment_rows(breakdown, outcome):
        table.add_row(*(Text(_key(row[name])) for name in breakdown.by), *_estimates(row))
    return table


def _estimates(row: Mapping[str, Any]) -> tuple[str, ...]:
    if row["n"] is None:
        return "", "withheld", "", ""
    if not row["n"]:
        return "", "no answers", "0", f"{row['missing']:,}"
    return points(row["nps"]), span(row["low"], row["high"]), f"{row['n']:,}", f"{row['missing']:,}"


def _segment_rows(breakdown: Breakdown, outcome: _Outcome) -> list[dict[str, Any]]:
    return breakdown.rows(method=outcome.method, confidence_level=outcome.confidence_level)


def _score_row(score: Score, outcome: _Outcome) -> dict[str, Any]:
    low, high = score.interval(method=outcome.method, confidence_level=outcome.confidence_level)
    counts = {name: getattr(score, name) for name in ("n", "promoters", "passives", "detractors", "missing")}
    return {"nps": score.value, "low": low, "high": high} | counts


def _report(answers: formats.Answers) -> list[str]:
    """Say what the file was and what became of its rows."""
    file, rows = answers.file, answers.rows
    sheet = file.sheet and f"sheet {file.sheet!r}"
    found = ", ".join(filter(None, [file.encoding, _NAMES.get(file.delimiter or "", file.delimiter), sheet]))
    lines = [
        f"{harmless(file.name)}: {file.format}{f' ({found})' * bool(found)}",
        *(f"  {damage}" for damage in file.damage),
    ]
    lines.append(f"{rows.read:,} rows read, {rows.scored:,} scored, {rows.missing:,} missing, {rows.refused:,} refused")
    lines += [f"  {file.unit} {each.place:,}: {harmless(shown(each.value))} is {each.reason}" for each in rows.refusals]
    rest = rows.refused - len(rows.refusals)
    return lines + [f"  … and {rest:,} more"] * bool(rest)


_NAMES = {sign: name for name, sign in reversed(_DELIMITERS.items())}


def _key(key: object) -> str:
    return "(none)" if key is None else harmless(str(key))


# -- pictures ----------------------------------------------------------------------------------------------------------


def _draw(outcome: _Outcome, plot: str) -> None:
    from netpromoter import report

    how: Any = {"method": outcome.method, "confidence_level": outcome.confidence_level}
    if outcome.breakdown:
        saved(report.plot_breakdown(outcome.breakdown, **how), plot)
    elif outcome.score:
        saved(report.plot_score(outcome.score, **how), plot)
