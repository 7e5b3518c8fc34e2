"""The decision of a plan: everybody at once, on columns."""

from __future__ import annotations

from typing import Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter.model import Contacts, Instants
from netpromoter.rules import (
    FOREVER,
    GUARD,
    History,
    Occasions,
    People,
    Policy,
    Readiness,
    Reminders,
    Routes,
    Selection,
    draws,
    in_windows,
    selection,
)

from ._holding import Holding, Reasons
from ._messages import Labels, Messages

__all__ = ["Decision", "Planner"]

_Ints: TypeAlias = npt.NDArray[np.integer[Any]]
_Mask: TypeAlias = npt.NDArray[np.bool_]
_Line: TypeAlias = npt.NDArray[np.intp]


@attrs.frozen(kw_only=True, eq=False)
class Decision:
    """What was decided about everybody: messages for some, and for each of the others until when and why not."""

    invitations: Messages
    reminders: Messages
    invited: Holding
    reminded: Holding
    reasons: Reasons
    selection: Selection
    eligible: _Mask
    seed: str


class Planner:
    """Decides for the same contacts and policy at many instants; draws are made once."""

    def __init__(self, policy: Policy, contacts: Contacts) -> None:
        self.policy, self.contacts = policy, contacts
        self._selections: dict[str, Selection] = {}

    def seed(self, at: np.datetime64) -> str:
        """Name the draw in force."""
        return f"{self.policy.survey.key}/{self.policy.cadence.seed(at)}"

    def decide(
        self,
        history: History,
        at: np.datetime64,
        by: np.datetime64,
        proposed: tuple[Messages, Messages] | None = None,
    ) -> Decision:
        """Decide for messages that leave from `at` on and not after `by`; of those proposed alone, where any are."""
        return _Turn(self, history, at, by).decision(proposed)

    def selection(self, seed: str) -> Selection:
        """Draw who belongs, once for each seed."""
        if seed not in self._selections:
            self._selections[seed] = selection(self.policy.audience, self.contacts, seed)
        return self._selections[seed]


_OTHER = "another message than the one that was planned"


class _Turn:
    """One decision under way."""

    def __init__(self, planner: Planner, history: History, at: np.datetime64, by: np.datetime64) -> None:
        self.policy, self.contacts, self.history = planner.policy, planner.contacts, history
        self.at, self.by, self.seed = at, by, planner.seed(at)
        self.people = People(contacts=planner.contacts, history=history, survey=planner.policy.survey)
        self.drawn = planner.selection(self.seed)
        self.routes = Routes(self.policy.channels, self.contacts, history)
        self.reasons = Reasons()
        self.common = self._common()

    # -- holds ---------------------------------------------------------------------------------------------------------

    def _common(self) -> Holding:
        """Find what holds every message: opt-outs, addresses, the guard, and the rules that spare no reminder."""
        holding, people = Holding(len(self.contacts), self.at, self.reasons), self.people
        out, back = people.last("opted_out"), self.history.last(("opted_in",))
        holding.hold(np.where(out < back, self.at, _forever(~np.isnat(out))), ("opted out",))
        unreached = self.routes.first() < 0
        codes = self.routes.failed.astype(np.int8)
        names = ", ".join(self.policy.channels.order)
        holding.hold(_forever(unreached), (f"no address for {names}", f"every address for {names} has failed"), codes)
        guard = people.last("messaged") + np.timedelta64(GUARD, "us")
        holding.hold(guard, ("24 hours between any two messages",))
        if self.policy.reminders:
            holding.add(self.policy.reminders.cap(people))
        self._judge(holding, every_message=True)
        return holding

    def _judge(self, holding: Holding, *, every_message: bool) -> None:
        for rule in self.policy.holds(every_message=every_message):
            holding.add(rule(self.people, self.at), rule)

    def _invitable(self, readiness: Readiness) -> Holding:
        """Find what holds invitations: the rules, the cadence and the send window, but not yet the draw."""
        holding = self.common.copy()
        self._judge(holding, every_message=False)
        holding.hold(readiness.ready, readiness.reasons, readiness.codes)
        self._into_window(holding)
        over = (holding.until >= readiness.ends) & (holding.until < FOREVER)
        holding.hold(_forever(over), (readiness.over,))
        return holding

    def _remindable(self, occasions: Occasions, reminders: Reminders | None) -> Holding:
        """Find what holds a further message of an occasion that is open."""
        holding = self.common.copy()
        for until, reason in self._closings(occasions):
            holding.hold(_forever(until), (reason,))
        lost = self.routes.lost(occasions)
        if reminders is None:
            holding.hold(_forever(~lost), ("no reminders in this policy",))
        else:
            waits = reminders.readiness(occasions)
            off = self.history.last(("reminders_off",))
            waits.until[~(off < self.history.last(("opted_in",))) & ~np.isnat(off)] = FOREVER
            holding.hold(np.where(lost, self.at, waits.until), waits.reasons, waits.codes)
            holding.hold(_forever(reminders.spent(occasions)), ("all messages sent",))
        self._into_window(holding)
        if reminders is not None:
            late = (holding.until >= reminders.ends(occasions)) & (holding.until < FOREVER)
            holding.hold(_forever(late), ("too late for a reminder",))
        return holding

    def _closings(self, occasions: Occasions) -> list[tuple[_Mask, str]]:
        """Say whose occasion is closed, or was never open."""
        last = self.people.last
        return [
            (np.isnat(occasions.invited), "not invited yet"),
            (last("answered", scope="survey") >= occasions.invited, "answered"),
            (last("declined", scope="survey") >= occasions.invited, "declined"),
        ]

    def _into_window(self, holding: Holding) -> None:
        """Move the end of each hold that ends in time into the send window of the person."""
        window = self.policy.window
        if window is None:
            return
        soon = np.flatnonzero(holding.until <= self.by)
        zones = self.contacts.time_zone.take(soon)
        openings, unknown = in_windows(window, zones, self.policy.time_zone, holding.until[soon])
        until = np.full(len(self.contacts), self.at)
        until[soon] = openings
        holding.hold(until, (f"outside the send window {window.days} {window.hours}",))
        if unknown.any():
            reasons = [f"time zone {label!r} is unknown" for label in zones.labels]
            for code in np.unique(zones.values[unknown]).tolist():
                holding.refuse(soon[unknown & (zones.values == code)], reasons[code], FOREVER)

    # -- who is written to ---------------------------------------------------------------------------------------------

    def decision(self, proposed: tuple[Messages, Messages] | None) -> Decision:
        """Decide, and give the messages."""
        occasions = self.history.occasions(self.people.surveys("survey") or ())
        readiness = self.policy.cadence.readiness(self.people, self.at)
        invited, reminded = self._invitable(readiness), self._remindable(occasions, self.policy.reminders)
        eligible = invited.free(self.by) & self.drawn.member
        self._refuse_undrawn(invited)
        if proposed:
            invited.refuse(~self._same_invitation(proposed[0], readiness) & invited.free(self.by), _OTHER)
            reminded.refuse(~self._same_reminder(proposed[1], occasions) & reminded.free(self.by), _OTHER)
        first = invited.free(self.by)
        again = reminded.free(self.by) & ~first
        line = self._admitted(invited, reminded, first, again, readiness)
        first_line, again_line = line[first[line]], line[again[line]]
        return Decision(
            invitations=self._invitations(first_line, invited.until[first_line], readiness),
            reminders=self._reminders(again_line, reminded.until[again_line], occasions),
            invited=invited,
            reminded=reminded,
            reasons=self.reasons,
            selection=self.drawn,
            eligible=eligible,
            seed=self.seed,
        )

    def _same_invitation(self, messages: Messages, readiness: Readiness) -> _Mask:
        """Say whose next occasion is the one of a message that was proposed."""
        names = map(readiness.occasion, messages.positions.tolist())
        return self._marked(
            messages, [name == proposed for name, proposed in zip(names, messages.each_occasion(), strict=True)]
        )

    def _same_reminder(self, messages: Messages, occasions: Occasions) -> _Mask:
        """Say whose next message of the open occasion is the one that was proposed."""
        people = messages.positions
        step, attempt = self._following(occasions)
        same = (step[people] == messages.step) & (attempt[people] == messages.attempt)
        names = Labels(self.history, occasions.row[people], "occasion")
        named = [name == one for name, one in zip(names, messages.each_occasion(), strict=True)]
        return self._marked(messages, same & np.array(named, np.bool_))

    def _marked(self, messages: Messages, chosen: Any) -> _Mask:
        marked = np.zeros(len(self.contacts), np.bool_)
        marked[messages.positions] = chosen
        return marked

    def _following(self, occasions: Occasions) -> tuple[_Ints, _Ints]:
        """Give the step and the attempt of the next message: the same step again where an address was lost."""
        lost = self.routes.lost(occasions)
        return np.where(lost, occasions.step, occasions.step + 1), np.where(lost, occasions.attempt + 1, 0)

    def _refuse_undrawn(self, holding: Holding) -> None:
        """Put what concerns the audience before every other reason."""
        drawn = self.drawn
        holding.refuse(~drawn.member & (drawn.unknown < 0), "in no audience", FOREVER)
        for code, name in enumerate(drawn.fields):
            holding.refuse(drawn.unknown == code, f"{name} missing", FOREVER)
        for code, audience in enumerate(self.policy.audience):
            left = drawn.member & ~drawn.drawn & (drawn.audience == code)
            holding.refuse(left, f"not drawn: {audience.draw}", FOREVER)

    def _admitted(self, invited: Holding, reminded: Holding, first: _Mask, again: _Mask, readiness: Readiness) -> _Line:
        """Let in those for whom there is room: reminders first, then who has waited longest, then by a draw."""
        reminders, invitations = np.flatnonzero(again), np.flatnonzero(first)
        place = draws(self.contacts, "line", self.seed)
        ready = np.maximum(readiness.ready[invitations], np.datetime64(0, "us"))
        invitations = invitations[np.lexsort((place[invitations], ready))]
        line = np.concatenate([reminders, invitations])
        line = self._kept(
            line, self._one_each(line), "another contact with this address is written to", invited, reminded
        )
        for quota in self.policy.quotas:
            limited = line if quota.every_message else line[first[line]]
            admitted = np.zeros(len(self.contacts), np.bool_)
            admitted[limited] = quota.admit(self.people, limited, self.at)
            admitted[again & ~np.asarray(quota.every_message)] = True
            line = self._kept(line, admitted[line], quota.reason, invited, reminded)
        return line

    def _kept(self, line: _Line, kept: _Mask, reason: str, *holdings: Holding) -> _Line:
        for holding in holdings:
            holding.refuse(line[~kept & holding.free(self.by)[line]], reason)
        return line[kept]

    def _one_each(self, line: _Line) -> _Mask:
        """Say who comes first at each address that several contacts share."""
        rank = np.full(len(self.contacts), len(line))
        rank[line] = np.arange(len(line))
        holders, shared = self.history.links
        waiting = rank[holders] < len(line)
        holders, shared = holders[waiting], shared[waiting]
        kept = np.ones(len(line), np.bool_)
        while len(holders):
            best = np.full(int(shared.max()) + 1, len(line))
            np.minimum.at(best, shared, rank[holders])
            beaten = np.zeros(len(self.contacts), np.bool_)
            beaten[holders[best[shared] < rank[holders]]] = True
            won = ~beaten[holders]
            lost = np.isin(shared, shared[won]) & ~won
            out = np.unique(holders[lost])
            kept[rank[out]] = False
            left = ~won & ~np.isin(holders, out)
            holders, shared = holders[left], shared[left]
        return kept

    # -- messages ------------------------------------------------------------------------------------------------------

    def _invitations(self, line: _Line, due: Instants, readiness: Readiness) -> Messages:
        variants, drawn = self.policy.variants, self.drawn
        occasions = readiness.occasions
        arms: list[str | None] = [None]
        if variants:
            codes = variants.drawn(self.contacts.take(line), self.seed)
            arms = [variants.arms[code].name for code in codes.tolist()]
        return self._messages(
            line,
            due,
            channel=self.routes.first()[line],
            step=np.zeros(len(line), np.int16),
            attempt=np.zeros(len(line), np.int16),
            occasions=occasions if len(occasions) == 1 else [occasions[place] for place in line.tolist()],
            arms=arms,
            strata=[drawn.strata[code] for code in drawn.stratum[line].tolist()],
            probability=drawn.probability[line],
        )

    def _reminders(self, line: _Line, due: Instants, occasions: Occasions) -> Messages:
        step, attempt = self._following(occasions)
        rows = occasions.row[line]
        return self._messages(
            line,
            due,
            channel=self.routes.next(occasions)[line],
            step=step[line],
            attempt=attempt[line],
            occasions=Labels(self.history, rows, "occasion"),
            arms=Labels(self.history, rows, "arm"),
            strata=[None],
        )

    def _messages(self, line: _Line, due: Instants, channel: _Ints, **facts: Any) -> Messages:
        return Messages(
            policy=self.policy,
            contacts=self.contacts,
            positions=line,
            due=due,
            channel=channel,
            destination=self.routes.destinations(channel, line),
            **facts,
        )


def _forever(chosen: _Mask) -> Instants:
    """Give an end that never comes to those chosen, and none to the others."""
    return np.where(chosen, FOREVER, np.datetime64("NaT", "us"))
