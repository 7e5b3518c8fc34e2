"""`netpromoter simulate`: policies tried on simulated people before anybody is asked."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click
import numpy as np
from rich.text import Text

from netpromoter._checks import harmless, shown
from netpromoter._figures import points, span
from netpromoter.engine import Behavior, Simulation
from netpromoter.engine import simulate as simulated
from netpromoter.rules import Condition, Policy

from ._group import as_click_errors
from ._named import named
from ._people import contacts
from ._terminal import columns, drawn, picture, saved

__all__ = ["simulate"]

_POLICY = "must name a Policy, several in a list, or alternatives in a dict of names"


@click.command(context_settings={"show_default": True}, short_help="Try policies on simulated people.")
@click.argument("policy", metavar="MODULE:ATTRIBUTE")
@click.option("--contacts", "file", required=True, metavar="FILE", help="The contacts, as CSV; - reads standard input.")
@click.option("--id", "identity", default="id", metavar="COLUMN", help="The column of ids.")
@click.option(
    "--address", multiple=True, metavar="CHANNEL=COLUMN", help="A column of addresses. [default: email, phone]"
)
@click.option(
    "--column",
    multiple=True,
    metavar="FACT=COLUMN",
    help="Where locale, time_zone, account or since is. [default: columns of these names]",
)
@click.option("--days", type=click.IntRange(min=1), default=365, metavar="N", help="For how long.")
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="The first day. [default: today]")
@click.option("--seed", type=click.IntRange(min=0), default=1, metavar="N", help="Of all chance; the same for all.")
@click.option("--behavior", metavar="MODULE:ATTRIBUTE", help="How people react. [default: Behavior(), an assumption]")
@click.option("--follow-up", metavar="MODULE:ATTRIBUTE", help="The condition that opens a case.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    help="What goes to standard output; csv has a line for each day.",
)
@click.option("--plot", type=click.Path(dir_okay=False, writable=True), metavar="OUT", help="Draw it: svg, png, pdf.")
def simulate(policy: str, file: str, form: str, plot: str | None, **options: Any) -> None:
    """Simulate what MODULE:ATTRIBUTE would ask of the people in a file, and what would come of it.

    The attribute is a Policy; a list of policies, whose surveys share one history; or a dict of names, each with a
    policy or a list, which are alternatives to be compared. Nothing is sent. How people react is an assumption, which
    --behavior states.

    \b
    Exit status:
      0  simulated
      1  the data are refused, or the module raised
      2  wrong usage
    """  # noqa: D301 -- click takes the backspace as "keep these lines"
    with as_click_errors():
        picture(plot)
        alternatives = _alternatives(named("MODULE:ATTRIBUTE", policy))
        behavior = _of("--behavior", options["behavior"], Behavior) or Behavior()
        follow_up = _of("--follow-up", options["follow_up"], Condition)
        people = contacts(file, options["identity"], options["address"], options["column"])
        found = {
            name: simulated(
                each,
                people,
                behavior=behavior,
                at=options["start"].replace(tzinfo=UTC) if options["start"] else _today(),
                rng=np.random.default_rng(options["seed"]),
                days=options["days"],
                follow_up=follow_up,
            )
            for name, each in alternatives.items()
        }
        _FORMATS[form](found)
        if plot:
            from netpromoter import report

            saved(report.plot_simulation(found if len(found) > 1 else next(iter(found.values())))[0], plot)
    if options["behavior"] is None:
        click.echo("Note: how people react is an assumption; state your own with --behavior", err=True)


def _today() -> datetime:
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _alternatives(value: Any) -> dict[str, Any]:
    """Take one alternative, or several by name."""
    given = {str(name): each for name, each in value.items()} if isinstance(value, Mapping) else {"policy": value}
    for each in given.values():
        several = each if isinstance(each, Sequence) and each else (each,)
        if not all(isinstance(one, Policy) for one in several):
            raise click.UsageError(f"MODULE:ATTRIBUTE {_POLICY} (got {harmless(shown(each))})")
    if not given:
        raise click.UsageError(f"MODULE:ATTRIBUTE {_POLICY} (got {{}})")
    return given


def _of(option: str, value: str | None, kind: type) -> Any:
    found = None if value is None else named(option, value)
    if found is None or isinstance(found, kind):
        return found
    raise click.UsageError(f"{option} must name a {kind.__name__} (got {harmless(shown(found))})")


# -- what is printed ---------------------------------------------------------------------------------------------------


def _facts(simulation: Simulation) -> dict[str, Any]:
    """Sum up one simulation."""
    totals = simulation.totals
    messages = simulation.by_day.count("messages")
    scored: dict[str, float | None] = {"nps": None, "low": None, "high": None}
    if totals["answers"]:
        score = simulation.score
        low, high = score.interval()
        scored = {"nps": score.value, "low": low, "high": high}
    busiest = {"messages_on_the_busiest_day": int(messages.max())}
    facts: dict[str, Any] = totals | scored | busiest | {"never_asked": len(simulation.never_asked)}
    return facts


_SHOWN: Mapping[str, Callable[[dict[str, Any]], str]] = {
    "messages": lambda facts: f"{facts['messages']:,}",
    "answers": lambda facts: f"{facts['answers']:,}",
    "NPS": lambda facts: "none" if facts["nps"] is None else points(facts["nps"]),
    "95% CI": lambda facts: "" if facts["nps"] is None else span(facts["low"], facts["high"]),
    "peak day": lambda facts: f"{facts['messages_on_the_busiest_day']:,}",
    "unasked": lambda facts: f"{facts['never_asked']:,}",
    "cases": lambda facts: f"{facts['cases']:,}",
}


def _print_table(found: Mapping[str, Simulation]) -> None:
    table = columns(["policy", *_SHOWN], left=1)
    for name, simulation in found.items():
        facts = _facts(simulation)
        table.add_row(Text(harmless(name)), *(show(facts) for show in _SHOWN.values()))
    click.echo(drawn(table))
    for name, simulation in found.items():
        if simulation.never_asked.counts:
            click.echo("\n" + "\n".join(_why_never(name, simulation)))


def _why_never(name: str, simulation: Simulation) -> Iterator[str]:
    yield f"Never asked by {harmless(name)}:"
    for reason, times in simulation.never_asked.counts.items():
        yield f"  {times:,}: {harmless(reason)}"


def _print_json(found: Mapping[str, Simulation]) -> None:
    told = {
        name: _facts(simulation)
        | {"never_asked_because": simulation.never_asked.counts, "weeks": simulation.intervals()}
        for name, simulation in found.items()
    }
    click.echo(json.dumps(told, indent=2, default=str))


def _print_csv(found: Mapping[str, Simulation]) -> None:
    text = io.StringIO()
    rows = ({"policy": name} | row for name, simulation in found.items() for row in simulation.rows())
    first = next(rows)
    writer = csv.DictWriter(text, list(first), lineterminator="\n")
    writer.writeheader()
    writer.writerow(first)
    writer.writerows(rows)
    click.echo(text.getvalue(), nl=False)


_FORMATS: Mapping[str, Callable[[Mapping[str, Simulation]], None]] = {
    "table": _print_table,
    "json": _print_json,
    "csv": _print_csv,
}
