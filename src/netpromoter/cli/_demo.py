"""The whole process on simulated customers: wave, reminders, answers, cases, calls, recovery, digest, report."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import attrs
import click

from netpromoter._checks import harmless
from netpromoter.channels import OutboxChannel
from netpromoter.engine import Links, Program
from netpromoter.formats import coding_sheet
from netpromoter.model import Scheduled, Survey
from netpromoter.plugins import Store, load_plugins, open_store
from netpromoter.report import digest, page
from netpromoter.rules import (
    Census,
    FollowUp,
    Owner,
    Recovery,
    Reminders,
    Routing,
    Sample,
    Variant,
    Variants,
    Wave,
    Within,
    field,
    high_value_low_score,
    sendgrid,
)

from ._demo_town import OWNERS, START, Town
from ._group import as_click_errors

__all__ = ["demo"]

_DAY = timedelta(days=1)
_DAYS = 36
_CALLS_A_DAY = 3


@click.command(short_help="Run the whole process on simulated customers, into a new folder.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default="netpromoter-demo")
@click.option(
    "--customers", type=click.IntRange(50, 20_000), default=900, show_default=True, help="How many there are."
)
@click.option("--seed", type=int, default=11, show_default=True, help="Of everything that chance decides.")
def demo(folder: Path, customers: int, seed: int) -> None:
    """Run five weeks of a Net Promoter program on simulated customers, in a moment.

    All paying customers and a fifth of the others are asked, and reminded twice; large accounts and paying customers
    who gave 8, 6, 2, 1 or 0 are called within 48 hours, but for a random quarter that is held out; detractors are asked
    again three weeks later. FOLDER, which must be new or empty, gets the ledger, the mails and a report.
    """
    if folder.exists() and any(folder.iterdir()):
        raise click.UsageError(f"FOLDER must be new or empty (got {harmless(str(folder))!r})")
    with as_click_errors():
        folder.mkdir(parents=True, exist_ok=True)
        store = open_store(f"sqlite:///{folder / 'nps.db'}")
        try:
            for line in _Story(_program(store, folder), Town(customers, seed), folder).told():
                click.echo(harmless(line))
        finally:
            store.close()


def _program(store: Store, folder: Path) -> Program:
    return Program(
        survey=Survey("relationship", product="Acme"),
        store=store,
        channels={"email": OutboxChannel(folder / "outbox", sender="care@example.com")},
        links=Links("https://nps.example.com", keys=["only for this demonstration, and no secret"]),
        cadence=Wave("2026-06"),
        audience=[
            Census(where=field("plan") == "paid", name="paying"),
            Sample(share=0.20, where=field("plan") == "free", name="free"),
        ],
        rules=[],
        reminders=Reminders(after=[timedelta(days=3), timedelta(days=7)], max_messages=3),
        variants=Variants(Variant("plain", subject="About Acme"), Variant("short", subject="One question")),
        keep=["plan", "tier", "country", "revenue"],
        follow_up=_call_back(),
        recovery=Recovery(),
        plugins=load_plugins(entry_points=False),
    )


def _call_back() -> FollowUp:
    calls = Within("attempt", timedelta(hours=48), notice_after=timedelta(hours=24), escalate_after=timedelta(hours=72))
    return sendgrid(
        holdout=0.25,
        within=[calls, Within("close", timedelta(days=14))],
        priority=high_value_low_score("revenue"),
        owner=Routing(owners=[Owner(name) for name in OWNERS]),
        name="call-back",
    )


@attrs.define
class _Story:
    """Five weeks, day by day."""

    program: Program
    town: Town
    folder: Path
    _seen: int = 0
    _waiting: list[tuple[datetime, str, int, str | None]] = attrs.field(factory=list)

    def told(self) -> Iterator[str]:
        """Live through every day, and tell what happens on those that matter."""
        yield f"{len(self.town.contacts):,} simulated customers from {START:%Y-%m-%d} on; nothing leaves {self.folder}."
        for number in range(_DAYS):
            at = START + number * _DAY
            yield from self._written(at)
            self._hear(at + _DAY - timedelta(hours=1))
            yield from self._cared_for(at + _DAY - timedelta(minutes=30), number)
        yield from self._end(START + _DAYS * _DAY)

    def _written(self, at: datetime) -> Iterator[str]:
        """Ask, remind, and ask again who was lost."""
        for program, what in ((self.program, "wave"), (self.program.recovery_program, "recovery")):
            plan = program.plan(self.town.contacts, at=at, horizon=timedelta(0))
            done = program.execute(plan, clock=lambda: at)
            if done.sent:
                said = f"{len(plan.invitations):,} invited, {len(plan.reminders):,} reminded"
                yield f"{at:%b %d}  {what}: {said}"
        new = list(self.program.store.entries(kinds=(Scheduled,), after=self._seen))
        self._seen = new[-1].position if new else self._seen
        messages = [entry.event.message for entry in new if isinstance(entry.event, Scheduled)]
        found = self.town.answers(messages, at)
        self._waiting += [(when, message.id, rating, comment) for message, rating, comment, when in found]

    def _hear(self, until: datetime) -> None:
        """Receive the answers of a day."""
        self._waiting.sort()
        while self._waiting and self._waiting[0][0] <= until:
            when, message, rating, comment = self._waiting.pop(0)
            self.program.receive_answer(message, rating, at=when, comment=comment)

    def _cared_for(self, at: datetime, number: int) -> Iterator[str]:
        """Decide who is called, tell what is late, and call them."""
        chosen = sum(made.counts["selected"] for made in self.program.decide(at=at))
        self.program.tell(at=at)
        reached, closed = self._called(at)
        if chosen or number % 7 == 0:
            told = [(alert.promise, alert.alert) for case in self.program.cases for alert in case.alerts]
            late = f"{told.count(('attempt', 'overdue'))} first attempts late so far"
            yield f"{at:%b %d}  cases: {chosen} opened, {reached} reached, {closed} closed; {late}"

    def _called(self, at: datetime) -> tuple[int, int]:
        """Let every owner call those who wait longest, and close what was resolved."""
        cases, reached, closed = self.program.cases, 0, 0
        left = dict.fromkeys(OWNERS, _CALLS_A_DAY)
        for case in cases:
            owner = case.owner or OWNERS[0]
            if case.status in {"assigned", "attempted"} and left[owner]:
                left[owner] -= 1
                if self.town.picks_up(case.contact):
                    case = cases.contact(case, by=owner, at=at, root_cause=self.town.theme(case.contact))  # noqa: PLW2901
                    cases.resolve(case, "recovered" if case.rating <= 6 else "acknowledged", by=owner, at=at)
                    reached += 1
                else:
                    cases.attempt(case, by=owner, at=at)
            elif case.status == "resolved":
                cases.close(case, by=owner, at=at)
                closed += 1
        return reached, closed

    def _end(self, at: datetime) -> Iterator[str]:
        """Say what came of it, and write the report."""
        program, folder = self.program, self.folder
        coded = {each.id: [self.town.theme(each.contact)] for each in program.responses() if each.comment}
        program.receive_codes(coded, coder="demo", at=at)
        letter = digest(program, at=at, since=START)
        (folder / "digest.txt").write_text(letter.text, encoding="utf-8")
        (folder / "report.html").write_text(page(program, at=at, since=START), encoding="utf-8")
        (folder / "coding.csv").write_text(coding_sheet(program.responses(), program.codes()), encoding="utf-8")
        yield ""
        yield f"{program.score()}"
        yield from self._achieved(at)
        yield ""
        yield f"Open {folder / 'report.html'}. Beside it: the mails in outbox/new, digest.txt, coding.csv, nps.db."

    def _achieved(self, at: datetime) -> Iterator[str]:
        loop = self.program.loop(at=at)
        yield from (f"{each}" for each in (loop.response_rate, loop.contacted, loop.closed) if each)
        yield f"a first attempt within 48 hours: {loop.promises['attempt'].share}"
        yield from (f"{trial}" for trial in loop.trials.values())
