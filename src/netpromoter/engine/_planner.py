"""The decision of a plan: everybody at once, on columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter._checks import refusal
from netpromoter.model import Column, Contacts, Instants
from netpromoter.rules import (
    FOREVER,
    GUARD,
    History,
    People,
    Policy,
    Reminders,
    Routes,
    Selection,
    draws,
    in_windows,
    selection,
)

from ._holding import Holding, Reasons
from ._messages import Coded, Labels, Messages

__all__ = ["NO_OCCASION", "Decision", "Planner"]

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
        for name in policy.keep if len(contacts) else ():
            if name not in contacts.columns:
                raise refusal("keep", f"names among {', '.join(map(repr, contacts.columns))}", name)
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


#: The reason of those who have no occasion that a reminder could belong to.
NO_OCCASION = "no open occasion"
_EPOCH = np.datetime64(0, "us")
_OTHER = "another message is due than was planned"


class _Turn:
    """One decision under way."""

    def __init__(self, planner: Planner, history: History, at: np.datetime64, by: np.datetime64) -> None:
        self.policy, self.contacts, self.history = planner.policy, planner.contacts, history
        self.at, self.by, self.seed = at, by, planner.seed(at)
        self.people = People(contacts=planner.contacts, history=history, survey=planner.policy.survey)
        self.drawn = planner.selection(self.seed)
        self.routes = Routes(self.policy.channels, self.contacts, history)
        self.reasons = Reasons()
        self.readiness = self.policy.cadence.readiness(self.people, at)
        self.reminders = self.policy.reminders or Reminders()
        occasions = history.occasions(self.people.surveys("survey") or ())
        self.open = np.flatnonzero(self.reminders.ends(occasions) > at)
        self.occasions = occasions.take(self.open)
        self.renewed = self.occasions.in_vain & (self.occasions.step == 0)

    # -- holds ---------------------------------------------------------------------------------------------------------

    def _common(self) -> Holding:
        """Find what holds every message: opt-outs, addresses, the guard, and the rules that spare no reminder."""
        holding, people = Holding(len(self.contacts), self.at, self.reasons), self.people
        guard = people.last("messaged") + np.timedelta64(GUARD, "us")
        holding.hold(guard, ("24 hours between any two messages",))
        if self.policy.reminders:
            holding.add(self.policy.reminders.cap(people, self.at))
        self._judge(holding, every_message=True)
        names = ", ".join(self.policy.channels.order)
        holding.close(self.routes.failed, f"every address for {names} has failed")
        holding.close(self.routes.first < 0, f"no address for {names}")
        holding.close(self.history.stands("opted_out"), "opted out")
        return holding

    def _judge(self, holding: Holding, *, every_message: bool) -> None:
        for rule in self.policy.holds(every_message=every_message):
            holding.add(rule(self.people, self.at), rule)

    def _ruled(self, common: Holding) -> Holding:
        """Find what holds invitations by the rules alone."""
        holding = common.copy()
        self._judge(holding, every_message=False)
        return holding

    def _invitable(self, ruled: Holding) -> Holding:
        """Find what holds invitations: the rules, the cadence and the send window, but not yet the draw."""
        holding, readiness = ruled.copy(), self.readiness
        holding.hold(readiness.ready, readiness.reasons, readiness.codes)
        self._into_window(holding, self.contacts.time_zone)
        holding.close(holding.until >= readiness.ends, readiness.over)
        return holding

    def _remindable(self, common: Holding, ruled: Holding) -> Holding:
        """Find what holds a further message of an occasion that is open; an invitation again where one came back."""
        holding, reminders = common.take(self.open), self.reminders
        again = np.flatnonzero(self.renewed)
        holding.put(again, ruled.take(self.open[again]))
        waits = reminders.readiness(self.occasions)
        lost = self.routes.lost(self.occasions, self.open)
        holding.hold(np.where(lost, self.at, waits.until), waits.reasons, waits.codes)
        for chosen, reason in self._closings(lost):
            holding.close(chosen, reason)
        self._into_window(holding, self.contacts.time_zone.take(self.open))
        holding.close(holding.until >= reminders.ends(self.occasions), "too late for a reminder")
        self._close_occasions(holding)
        everybody = Holding(len(self.contacts), FOREVER, self.reasons)
        everybody.refuse(slice(None), NO_OCCASION, FOREVER)
        everybody.put(self.open, holding)
        return everybody

    def _close_occasions(self, holding: Holding) -> None:
        """Leave out what would come after the end of its wave."""
        names, ends = list(self.readiness.closes), np.array([*self.readiness.closes.values(), FOREVER])
        wave = self.history.coded(self.occasions.row, "occasion", names)
        late = (holding.until < FOREVER) & (holding.until >= ends[wave])
        for code in np.unique(wave[late]).tolist():
            holding.refuse(late & (wave == code), f"{names[code]} is over", FOREVER)

    def _closings(self, lost: _Mask) -> list[tuple[_Mask, str]]:
        """Say for whom no further message of the occasion is to come, and why."""
        invited, last = self.occasions.invited, self.people.last
        off = self.history.stands("reminders_off")[self.open]
        return [
            (last("answered", scope="survey")[self.open] >= invited, "answered"),
            (last("declined", scope="survey")[self.open] >= invited, "declined"),
            (off & ~(lost & (self.occasions.step == 0)), "reminders switched off"),
            (self.reminders.spent(self.occasions), "all messages sent"),
            (~lost & np.asarray(self.policy.reminders is None), "no reminders in this policy"),
            (~lost & self.occasions.waits, "the message before has not left yet"),
        ]

    def _into_window(self, holding: Holding, time_zones: Column) -> None:
        """Move the end of each hold that ends in time into the send window of the person."""
        window = self.policy.window
        if window is None:
            return
        soon = np.flatnonzero(holding.until <= self.by)
        zones = time_zones.take(soon)
        openings, unknown = in_windows(window, zones, self.policy.time_zone, holding.until[soon])
        until = np.full(len(holding.until), self.at)
        until[soon] = openings
        holding.hold(until, (f"outside the send window {window.days} {window.hours}",))
        for code in np.unique(zones.values[unknown]).tolist():
            reason = f"time zone {zones.labels[code]!r} is unknown"
            holding.refuse(soon[unknown & (zones.values == code)], reason, FOREVER)

    # -- who is written to ---------------------------------------------------------------------------------------------

    def decision(self, proposed: tuple[Messages, Messages] | None) -> Decision:
        """Decide, and give the messages."""
        common = self._common()
        ruled = self._ruled(common)
        invited, reminded = self._invitable(ruled), self._remindable(common, ruled)
        eligible = invited.free(self.by) & self.drawn.member
        self._refuse_undrawn(invited)
        if proposed:
            invited.refuse(~self._same_invitation(proposed[0]) & invited.free(self.by), _OTHER)
            reminded.refuse(~self._same_reminder(proposed[1]) & reminded.free(self.by), _OTHER)
        first = invited.free(self.by)
        again = reminded.free(self.by) & ~first
        line = self._admitted(invited, reminded, first, again)
        first_line, again_line = line[first[line]], line[again[line]]
        return Decision(
            invitations=self._invitations(first_line, invited.until[first_line]),
            reminders=self._reminders(again_line, reminded.until[again_line]),
            invited=invited,
            reminded=reminded,
            reasons=self.reasons,
            selection=self.drawn,
            eligible=eligible,
            seed=self.seed,
        )

    def _same_invitation(self, messages: Messages) -> _Mask:
        """Say whose next occasion is the one of a message that was proposed."""
        names = map(self.readiness.occasion, messages.positions.tolist())
        return self._same(messages.positions, names, messages.each_occasion())

    def _same_reminder(self, messages: Messages) -> _Mask:
        """Say whose next message of the open occasion is the one that was proposed."""
        chosen = np.flatnonzero(np.isin(self.open, messages.positions))
        names = Labels(self.history, self.occasions.row[chosen], "occasion")
        facts = zip(names, *(values.tolist() for values in self._following(chosen)), strict=True)
        following = dict(zip(self.open[chosen].tolist(), facts, strict=True))
        proposed = zip(messages.each_occasion(), messages.step.tolist(), messages.attempt.tolist(), strict=True)
        return self._same(messages.positions, map(following.get, messages.positions.tolist()), proposed)

    def _same(self, positions: _Ints, names: Iterable[object], proposed: Iterable[object]) -> _Mask:
        same = [name == one for name, one in zip(names, proposed, strict=True)]
        marked = np.zeros(len(self.contacts), np.bool_)
        marked[positions] = same
        return marked

    def _following(self, chosen: Any) -> tuple[_Ints, _Ints]:
        """Give the step and the attempt of the next message: the same step again where an address was lost."""
        occasions = self.occasions.take(chosen)
        lost = self.routes.lost(occasions, self.open[chosen])
        return np.where(lost, occasions.step, occasions.step + 1), np.where(lost, occasions.attempt + 1, 0)

    def _refuse_undrawn(self, holding: Holding) -> None:
        """Put what concerns the audience before every other reason."""
        drawn = self.drawn
        holding.refuse(~drawn.member & (drawn.unknown < 0), "in no audience", FOREVER)
        for code, name in enumerate(drawn.fields):
            holding.refuse(drawn.unknown == code, f"{name} missing", FOREVER)
        for code, audience in enumerate(self.policy.audience):
            left = drawn.member & ~drawn.drawn & (drawn.audience == code)
            holding.refuse(left, f"not among {audience.draw}", FOREVER)

    def _admitted(self, invited: Holding, reminded: Holding, first: _Mask, again: _Mask) -> _Line:
        """Let in those for whom there is room: reminders first, then who has waited longest, then by a draw."""
        reminders, invitations = np.flatnonzero(again), np.flatnonzero(first)
        if not self.policy.quotas and not len(self.history.links[0]):
            return np.concatenate([reminders, invitations])
        place = draws(self.contacts, "line", self.seed)
        since = np.fmax(self.people.last("messaged")[reminders], _EPOCH)
        reminders = reminders[np.lexsort((place[reminders], since))]
        ready = np.maximum(self.readiness.ready[invitations], _EPOCH)
        invitations = invitations[np.lexsort((place[invitations], ready))]
        line = np.concatenate([reminders, invitations])
        line = self._kept(
            line, self._one_each(line), "another contact with this address is written to", invited, reminded
        )
        due, inviting = np.where(first, invited.until, reminded.until), first.copy()
        inviting[self.open[self.renewed]] = True
        for quota in self.policy.quotas:
            limited = line if quota.every_message else line[inviting[line]]
            admitted = np.ones(len(self.contacts), np.bool_)
            admitted[limited] = quota.admit(self.people, limited, np.append(due[limited], FOREVER).min())
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

    def _invitations(self, line: _Line, due: Instants) -> Messages:
        variants, drawn, occasions = self.policy.variants, self.drawn, self.readiness.occasions
        arms: Sequence[str | None] = [None]
        if variants:
            arms = Coded(variants.drawn(self.contacts.take(line), self.seed), [arm.name for arm in variants.arms])
        return self._messages(
            line,
            due,
            channel=self.routes.first[line],
            step=np.zeros(len(line), np.int16),
            attempt=np.zeros(len(line), np.int16),
            occasions=occasions if len(occasions) == 1 else [occasions[place] for place in line.tolist()],
            arms=arms,
            strata=Coded(drawn.stratum[line], drawn.strata),
            probability=drawn.probability[line],
        )

    def _reminders(self, line: _Line, due: Instants) -> Messages:
        chosen = np.searchsorted(self.open, line)
        step, attempt = self._following(chosen)
        rows = self.occasions.row[chosen]
        return self._messages(
            line,
            due,
            channel=self.routes.next(self.occasions.take(chosen), line),
            step=step,
            attempt=attempt,
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
