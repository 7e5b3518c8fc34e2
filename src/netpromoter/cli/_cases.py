"""The commands of cases: deciding who is called, listing them, and moving one."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any, get_args

import click
from rich.text import Text

from netpromoter._checks import harmless
from netpromoter.engine import Program
from netpromoter.errors import InvalidArgument
from netpromoter.model import Case, CaseMoved, CaseNoted, CaseStatus, Resolution

from ._group import as_click_errors
from ._program import at_instant, found_program, moment, program
from ._terminal import columns, drawn

__all__ = ["cases"]

form = click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
case = click.argument("case")
note = click.option("--note", metavar="TEXT", help="What is to be remembered.")
cause = click.option("--root-cause", metavar="CODE", help="What the conversation showed to be the cause.")
resolution = click.option("--resolution", type=click.Choice(get_args(Resolution)), help="What came of it.")


def _by(function: Callable[..., None]) -> Callable[..., None]:
    help_ = "Who does it. [default: the name of the user]"
    return click.option("--by", metavar="NAME", default=_user, help=help_)(function)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, ImportError, OSError) as error:  # in this order: before Python 3.13, on Windows, since then
        raise click.UsageError("--by must be given where the user of the machine has no name") from error


@click.group(short_help="List the cases of a program, and move them: who is to be called, and by when.")
def cases() -> None:
    """Show who is to be called after an answer, and record what was done.

    A CASE is named by its id, or by the id of its contact where that has one case alone.
    """


@cases.command("decide", short_help="Decide about every new answer, and open cases.")
@program
@moment
def decide(program: str, at: datetime | None) -> None:
    """Decide by the policies of the program which new answers are followed up, and open cases for them."""
    with as_click_errors():
        for made in found_program(program).decide(at=at_instant(at)):
            counts = ", ".join(f"{number:,} {decision}" for decision, number in made.counts.items())
            click.echo(harmless(f"{made.policy.name} {made.policy.version}: {counts}"))


@cases.command("list", short_help="List cases, the most urgent first.")
@program
@click.option("--owner", metavar="NAME", help="Those of one owner alone; an empty name is nobody.")
@click.option("--status", type=click.Choice(get_args(CaseStatus)), help="Those that stand here alone.")
@click.option("--late", is_flag=True, help="Those alone that are overdue.")
@click.option("--all", "everything", is_flag=True, help="Closed ones too.")
@moment
@form
def listed(program: str, at: datetime | None, form: str, **chosen: Any) -> None:
    """List the cases that are open, the most urgent first: whom, what they gave, whose, and by when."""
    with as_click_errors():
        now = at_instant(at)
        known = found_program(program).cases.as_of(now if at else None)
        found = sorted((each for each in known if _is_chosen(each, now, **chosen)), key=_urgency)
        if form == "json":
            click.echo(json.dumps([_facts(each, now) for each in found], indent=2, default=str))
        else:
            click.echo(_table(found, now) if found else "No cases.")


@cases.command("show", short_help="Show one case, with everything that was done.")
@program
@case
@moment
@form
def show(program: str, case: str, at: datetime | None, form: str) -> None:
    """Show CASE: the answer, what was promised, and everything that was done."""
    with as_click_errors():
        now, shop = at_instant(at), found_program(program)
        found = _found(shop, case)
        found = found.as_of(now) if at else found
        lines = json.dumps(_facts(found, now), indent=2, default=str) if form == "json" else _story(shop, found, now)
        click.echo(lines)


@cases.command("assign", short_help="Make a case somebody's.")
@program
@case
@click.argument("owner")
@note
@_by
@moment
def assign(program: str, case: str, owner: str, at: datetime | None, **more: Any) -> None:
    """Make CASE the case of OWNER."""
    _moved(program, case, at, lambda desk, seen, at: desk.assign(seen, owner, at=at, **more))


@cases.command("attempt", short_help="Record that somebody tried to reach the person, and did not.")
@program
@case
@note
@_by
@moment
def attempt(program: str, case: str, at: datetime | None, **more: Any) -> None:
    """Record that somebody tried to reach the person of CASE, and did not."""
    _moved(program, case, at, lambda desk, seen, at: desk.attempt(seen, at=at, **more))


@cases.command("contact", short_help="Record that somebody talked with the person.")
@program
@case
@cause
@note
@_by
@moment
def contact(program: str, case: str, at: datetime | None, **more: Any) -> None:
    """Record that somebody talked with the person of CASE."""
    _moved(program, case, at, lambda desk, seen, at: desk.contact(seen, at=at, **more))


@cases.command("resolve", short_help="Record what came of the conversation.")
@program
@case
@click.argument("resolution", type=click.Choice(get_args(Resolution)))
@cause
@note
@_by
@moment
def resolve(program: str, case: str, resolution: Resolution, at: datetime | None, **more: Any) -> None:
    """Record RESOLUTION as what came of the conversation of CASE."""
    _moved(program, case, at, lambda desk, seen, at: desk.resolve(seen, resolution, at=at, **more))


@cases.command("close", short_help="Record that nothing more is to be done.")
@program
@case
@resolution
@cause
@note
@_by
@moment
def close(program: str, case: str, resolution: Resolution | None, at: datetime | None, **more: Any) -> None:
    """Record that nothing more is to be done about CASE."""
    _moved(program, case, at, lambda desk, seen, at: desk.close(seen, resolution, at=at, **more))


@cases.command("escalate", short_help="Hand a case to those who can do more.")
@program
@case
@click.option("--owner", metavar="NAME", help="Whose it is from now on.")
@_by
@moment
def escalate(program: str, case: str, at: datetime | None, **more: Any) -> None:
    """Hand CASE to those who can do more."""
    _moved(program, case, at, lambda desk, seen, at: desk.escalate(seen, at=at, **more))


@cases.command("give-up", short_help="Record that the person cannot be reached.")
@program
@case
@note
@_by
@moment
def give_up(program: str, case: str, at: datetime | None, **more: Any) -> None:
    """Record that the person of CASE cannot be reached."""
    _moved(program, case, at, lambda desk, seen, at: desk.give_up(seen, at=at, **more))


@cases.command("decline", short_help="Record that the person does not want to talk.")
@program
@case
@note
@_by
@moment
def decline(program: str, case: str, at: datetime | None, **more: Any) -> None:
    """Record that the person of CASE does not want to talk."""
    _moved(program, case, at, lambda desk, seen, at: desk.decline(seen, at=at, **more))


@cases.command("reopen", short_help="Take up a case that was resolved or closed.")
@program
@case
@note
@_by
@moment
def reopen(program: str, case: str, at: datetime | None, **more: Any) -> None:
    """Take up CASE again."""
    _moved(program, case, at, lambda desk, seen, at: desk.reopen(seen, at=at, **more))


@cases.command("note", short_help="Remember something about a case.")
@program
@case
@click.argument("text")
@_by
@moment
def noted(program: str, case: str, text: str, by: str, at: datetime | None) -> None:
    """Remember TEXT about CASE."""
    _moved(program, case, at, lambda desk, seen, at: desk.note(seen, text, by=by, at=at))


def _moved(program: str, case: str, at: datetime | None, move: Callable[..., Case]) -> None:
    with as_click_errors():
        found = found_program(program)
        click.echo(_short(move(found.cases, _found(found, case), at_instant(at))))


def _found(program: Program, case: str) -> Case:
    """Find a case by its id, or by its contact, which may look like one."""
    with suppress(InvalidArgument):
        return program.cases.get(case)
    found = [each for each in program.cases if each.contact == case]
    if len(found) == 1:
        return found[0]
    rule = "the id of a case, or of a contact with one case"
    of = f"; {case} has {', '.join(each.id for each in found)}" if found else ""
    raise click.UsageError(harmless(f"CASE must be {rule} (got {case!r}{of})"))


# -- what is printed ---------------------------------------------------------------------------------------------------


def _urgency(case: Case) -> tuple[bool, Any, float, str]:
    return case.due is None, case.due, -case.opened.priority, case.id


def _is_chosen(
    case: Case, now: datetime, *, owner: str | None, status: str | None, late: bool, everything: bool
) -> bool:
    named = owner is None or owner == (case.owner or "")
    here = case.status == status if status else case.is_open or everything
    return named and here and (not late or case.is_overdue(now))


def _facts(case: Case, now: datetime) -> dict[str, Any]:
    opened = case.opened
    asked = {"case": case.id, "contact": case.contact, "rating": case.rating, "policy": opened.policy}
    stands = {"status": case.status, "owner": case.owner, "resolution": case.resolution, "root_cause": case.root_cause}
    return asked | stands | {"opened": opened.at, "due": case.due, "late": case.is_overdue(now)}


def _table(found: list[Case], now: datetime) -> str:
    """Lay out cases; without ids, which stand in `show`, so that a line has room in 80 columns."""
    table = columns(["contact", "policy", "status", "owner", "rating", "due (UTC)", ""], left=4)
    for each in found:
        due = each.due
        row = [each.contact, each.opened.policy, each.status, each.owner or "-", str(each.rating)]
        row += [f"{due:%Y-%m-%d %H:%M}" if due else "-", "late" if each.is_overdue(now) else ""]
        table.add_row(*(Text(harmless(value)) for value in row))
    return drawn(table)


def _short(case: Case) -> str:
    return harmless(f"{case.id}: {case.status}{f' to {case.owner}' if case.owner else ''}")


def _story(program: Program, case: Case, now: datetime) -> str:
    return "\n".join(map(harmless, _told(program, case, now)))


def _told(program: Program, case: Case, now: datetime) -> Iterator[str]:
    yield _short(case)
    known = next(iter(program.store.entries(ids=[f"responded/{case.opened.response}"])), None)
    answer = getattr(known and known.event, "response", None)
    given = f" on {_day(answer.at)}" if answer else ""
    yield f"  gave {case.rating}{given}, priority {case.opened.priority:g}"
    if answer and answer.comment:
        yield f"  said: {answer.comment}"
    for each in case.deadlines:
        yield f"  {each.promise} by {_day(each.due)}: {_kept(case, each.promise, each.due, now)}"
    done: list[CaseMoved | CaseNoted] = [*case.moves, *case.notes]
    told = sorted(done, key=lambda event: event.at)
    yield from (f"  {_day(event.at)}  {_said(event)}" for event in told)


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _kept(case: Case, promise: Any, due: datetime, now: datetime) -> str:
    kept = case.kept(promise)
    if kept is not None:
        return f"{'kept' if kept <= due else 'late'}, {_day(kept)}"
    return "open" if due > now else "overdue" if case.is_open else "not kept"


def _said(event: CaseMoved | CaseNoted) -> str:
    more = [event.owner, event.resolution, event.root_cause] if isinstance(event, CaseMoved) else []
    facts = [each for each in (*more, event.note) if each is not None]
    what = event.to if isinstance(event, CaseMoved) else "noted"
    return f"{what} by {event.by}" + (f": {', '.join(facts)}" if facts else "")
