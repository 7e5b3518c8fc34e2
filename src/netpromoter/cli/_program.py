"""The commands of a program: plan, adopt, run, why, uncertain, tell, forget; and plugins."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import attrs
import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from netpromoter._checks import harmless, shown
from netpromoter.engine import Adoption, Dispatch, Plan, Program
from netpromoter.model import Contacts
from netpromoter.plugins import load_plugins

from ._group import Refused, as_click_errors
from ._named import named
from ._people import contacts as people
from ._terminal import columns, drawn

__all__ = [
    "adopt",
    "at_instant",
    "forget",
    "found_program",
    "moment",
    "plan",
    "plugins",
    "program",
    "run",
    "tell",
    "uncertain",
    "why",
]

_PROGRAM = "MODULE:ATTRIBUTE"
_INTERRUPTED = 130

program = click.argument("program", metavar=_PROGRAM)
contacts = click.option(
    "--contacts", "file", required=True, metavar="FILE", help="The contacts, as CSV; - reads standard input."
)
identity = click.option(
    "--id", "identity", default="id", show_default=True, metavar="COLUMN", help="The column of ids."
)
address = click.option(
    "--address", multiple=True, metavar="CHANNEL=COLUMN", help="A column of addresses. [default: email, phone]"
)
_INSTANT = click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"])
moment = click.option("--at", type=_INSTANT, metavar="INSTANT", help="In UTC. [default: now]")
form = click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)


def _now() -> datetime:
    return datetime.now(UTC)


def at_instant(value: datetime | None) -> datetime:
    """Take an instant that was given as UTC, and the present for none."""
    return _now() if value is None else value.replace(tzinfo=UTC)


def found_program(value: str) -> Program:
    """Find a program by its name, or refuse what is none."""
    found = named(_PROGRAM, value)
    if isinstance(found, Program):
        return found
    raise click.UsageError(f"{_PROGRAM} must name a Program (got {harmless(shown(found))})")


@click.command(short_help="Show whom a program would write to, and why not the others.")
@program
@contacts
@identity
@address
@moment
@form
def plan(program: str, at: datetime | None, form: str, **source: Any) -> None:
    """Plan what the program named MODULE:ATTRIBUTE would send, and print it. Nothing is written and nothing is sent."""
    with as_click_errors():
        made = found_program(program).plan(people(**source), at=at_instant(at))
        click.echo(json.dumps(_facts(made), indent=2, default=str) if form == "json" else _planned(made))


@click.command(short_help="Plan, and write what is to be sent.")
@program
@contacts
@identity
@address
@moment
def adopt(program: str, at: datetime | None, **source: Any) -> None:
    """Plan, and adopt the plan: from then on its messages are to be sent, by `run`."""
    with as_click_errors():
        click.echo(_adopted(_adoption(found_program(program), people(**source), at_instant(at))))


def _adoption(program: Program, people: Contacts, at: datetime) -> Adoption:
    return program.adopt(program.plan(people, at=at), at=at)


@click.command(short_help="Send what was adopted; with --contacts, plan and adopt first.")
@program
@click.option("--contacts", "file", metavar="FILE", help="The contacts, as CSV, to plan and adopt first.")
@identity
@address
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="How many send at once.")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="Stop after so many messages.")
@click.option(
    "--at", type=_INSTANT, metavar="INSTANT", help="Take this for the present, in UTC: for rehearsals into an outbox."
)
def run(
    program: str, at: datetime | None, file: str | None, identity: str, address: Sequence[str], **limits: Any
) -> None:
    """Send the messages that were adopted and are due.

    Any number of processes may run at once. Ctrl-C and SIGTERM finish the messages in hand, record them and stop. Why
    messages failed or are tried again is told with the number of them.

    \b
    Exit status:
      0    done
      1    a channel is down, messages are uncertain or cannot be put into words, or the store fails
      2    wrong usage
      130  stopped
    """  # noqa: D301 -- click takes the backspace as "keep these lines"
    with as_click_errors():
        found, clock = found_program(program), _now if at is None else lambda: at_instant(at)
        if file is not None:
            click.echo(_adopted(_adoption(found, people(file, identity, address), clock())))
        with _asked_to_stop() as stop, _progress(limits["limit"]) as progress:
            worker = f"{socket.gethostname()}/{os.getpid()}"
            done = found.dispatch(clock=clock, progress=progress, stop=stop, worker=worker, **limits)
        click.echo(_dispatched(done, limits["limit"]))
        in_doubt = found.uncertain(at=clock())
        if in_doubt:
            click.echo(f"{_many(len(in_doubt), 'message')} in doubt that nobody is sending: see netpromoter uncertain")
        if done.interrupted:
            sys.exit(_INTERRUPTED)
        if done.down or done.uncertain or done.broken or in_doubt:
            sys.exit(1)


@click.command(short_help="Say why somebody is written to, or not.")
@click.argument("contact")
@program
@contacts
@identity
@address
@moment
def why(contact: str, program: str, at: datetime | None, **source: Any) -> None:
    """Say in one sentence what the program would do with CONTACT now, and why."""
    with as_click_errors():
        click.echo(harmless(found_program(program).why(contact, people(**source), at=at_instant(at))))


@click.command(short_help="List the messages of which nobody knows whether they were sent.")
@program
@moment
@click.option("--settle", "message", metavar="ID", help="Record what somebody found out about one of them.")
@click.option(
    "--delivered/--not-delivered",
    default=None,
    help="What it was: one that was not is tried again, unless its reminder was adopted since.",
)
def uncertain(program: str, at: datetime | None, message: str | None, delivered: bool | None) -> None:  # noqa: FBT001 -- click gives flags by name
    """List the ids of messages that were taken and have no outcome, once nobody can be sending them any more."""
    with as_click_errors():
        found = found_program(program)
        if (message is None) != (delivered is None):
            raise click.UsageError("--settle needs --delivered or --not-delivered, and they need --settle")
        if message is not None and delivered is not None:
            found.settle(message, delivered=delivered, at=at_instant(at))
        for each in found.uncertain(at=at_instant(at)):
            click.echo(harmless(each))


@click.command(short_help="Tell every plugin what has happened since it was last told.")
@program
@moment
def tell(program: str, at: datetime | None) -> None:
    """Tell the plugins of the program what was sent and answered, and which cases are late; print how many facts.

    Ends with 1 if an alert was refused, for now or for good, or if a plugin raised: it is told the same the next time.
    """
    with as_click_errors():
        told = found_program(program).tell(at=at_instant(at))
        click.echo(f"Told {_many(told.facts, 'fact')}.")
        put_off = [f"{alert}; it is tried again" for alert in told.put_off]
        raised = [f"plugin {name} is told again the next time: {error}" for name, error in told.failed.items()]
        if problems := [*told.refused, *put_off, *raised]:
            raise Refused("\n  ".join(map(harmless, problems)))


@click.command(short_help="Delete what is personal of somebody, for good.")
@program
@click.argument("contact")
@moment
@click.option("--yes", is_flag=True, help="Do not ask whether it is meant.")
def forget(program: str, contact: str, at: datetime | None, yes: bool) -> None:  # noqa: FBT001 -- click gives flags by name
    """Delete id, addresses, comments and kept attributes of CONTACT, who is never written to again; ratings stay."""
    with as_click_errors():
        found = found_program(program)
        if not yes and not click.confirm(f"Forget {harmless(contact)}? It cannot be undone.", err=True):
            raise Refused("Nobody was forgotten.")
        gone = found.forget(contact, at=at_instant(at))
        click.echo(f"Forgot {harmless(contact)}.")
        click.echo(f"  deleted: addresses {gone.addresses:,}, comments {gone.comments:,}")
        click.echo(f"  kept without a name: {_many(gone.events, 'event')}")


@click.command(short_help="List the plugins that are installed, and what they offer.")
def plugins() -> None:
    """List the plugins that are installed, with the channels and stores that each offers."""
    with as_click_errors():
        rows = load_plugins().rows()
        table = columns(list(rows[0]), left=len(rows[0]))
        for row in rows:
            table.add_row(*(Text(harmless(value)) for value in row.values()))
        click.echo(drawn(table))


# -- what is printed ---------------------------------------------------------------------------------------------------


def _facts(made: Plan) -> dict[str, Any]:
    counts = {"invitations": len(made.invitations), "reminders": len(made.reminders), "held": made.held.counts}
    return {"survey": made.policy.survey.key, "at": made.at} | counts | {"contacts": list(made.rows())}


def _planned(made: Plan) -> str:
    lines = [repr(made), *(f"  {times:,}: {harmless(reason)}" for reason, times in made.held.counts.items())]
    return "\n".join(lines)


def _adopted(adoption: Adoption) -> str:
    plan = adoption.plan
    written = f"{_many(len(plan.invitations), 'invitation')} and {_many(len(plan.reminders), 'reminder')}"
    dropped = [f"  dropped {times:,}: {harmless(reason)}" for reason, times in adoption.dropped.counts.items()]
    return "\n".join([f"Adopted {written}.", *dropped])


def _many(times: int, what: str) -> str:
    return f"{times:,} {what}{'s' * (times != 1)}"


def _dispatched(done: Dispatch, limit: int | None) -> str:
    counts = {name: times for name, times in attrs.asdict(done).items() if type(times) is int and times}
    nothing = "Nothing was sent." if limit == 0 else "Nothing to send."
    lines = [", ".join(f"{times:,} {name}" for name, times in counts.items()) or nothing]
    told = {reason: times for reason, times in done.reasons.items() if reason not in done.down.values()}
    lines += [f"  {times:,}: {harmless(reason)}" for reason, times in told.items()]
    lines += [f"  channel {harmless(name)} is down: {harmless(problem)}" for name, problem in done.down.items()]
    return "\n".join(lines + ["Stopped. Run it again to send the rest."] * done.interrupted)


@contextmanager
def _progress(limit: int | None) -> Iterator[Callable[[int], object] | None]:
    """Count messages on a terminal; how many there will be is known where there is a limit alone."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = BarColumn(), TextColumn("{task.completed:,} messages"), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=limit)
        yield lambda done: bar.update(task, completed=done)


@contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    """Let Ctrl-C and SIGTERM ask for the end, so that the messages in hand are finished and recorded."""
    stop = threading.Event()

    def ask(*_: object) -> None:
        if not stop.is_set():
            os.write(2, b"\nstopping once the messages in hand are recorded\n")
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
