"""The plan: whom to invite and whom to remind, who is held, and why."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import chain
from typing import Any, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter import formats, frames
from netpromoter._checks import refusal
from netpromoter._html import escape, table
from netpromoter.frames import Library, frame
from netpromoter.model import (
    NEVER,
    Contact,
    Contacts,
    Event,
    Instants,
    Touches,
    WaveDrawn,
    aware,
    datetimes,
    instant,
    span,
)
from netpromoter.rules import FOREVER, Audience, History, Policy
from netpromoter.rules import zone as known_zone

from ._holding import Holding
from ._messages import Messages
from ._planner import NO_OCCASION, Decision, Planner

__all__ = ["Held", "Plan", "plan"]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Held:
    """Those who get no message now, each with a reason and, where there is one, its end.

    Parameters
    ----------
    contacts : Contacts
        Everybody who was considered.
    positions : array of int, shape (h,)
        Who is held, as positions among the contacts.
    until : array of datetime64[us], shape (h,)
        When the hold of each ends, in UTC; NaT where that depends on others, and `FOREVER` where it does not end by
        itself.
    codes : array of int, shape (h,)
        Codes into `reasons`.
    reasons : sequence of str
        The reasons, as they complete "held because ...".
    """

    contacts: Contacts
    positions: npt.NDArray[np.intp]
    until: Instants
    codes: npt.NDArray[np.int32]
    reasons: tuple[str, ...]

    def __len__(self) -> int:
        """Return how many are held."""
        return len(self.positions)

    def __repr__(self) -> str:
        return f"Held({len(self):,})"

    def where(self, chosen: npt.NDArray[np.bool_]) -> Held:
        """Return some of them, by mask."""
        parts = {name: getattr(self, name)[chosen] for name in ("positions", "until", "codes")}
        return attrs.evolve(self, **parts)

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many are held for each reason, the most frequent first."""
        times = np.bincount(self.codes, minlength=len(self.reasons))
        order = np.argsort(-times, kind="stable")
        return {self.reasons[code]: int(times[code]) for code in order if times[code]}

    def rows(self) -> Iterator[dict[str, Any]]:
        """Give each as a plain dict; `until` is None where the hold has no known end."""
        columns = self.columns()
        yield from (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))

    def columns(self) -> dict[str, list[Any]]:
        """Give them as plain columns, as `rows` does one by one."""
        return {
            "contact": self.contacts.ids[self.positions].tolist(),
            "until": datetimes(np.where(self.until >= FOREVER, NEVER, self.until)),
            "reason": [self.reasons[code] for code in self.codes.tolist()],
        }


def _end(until: np.datetime64) -> datetime | None:
    return None if until >= FOREVER else aware(until)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Plan:
    """Whom to invite and whom to remind, and everybody else with the reason why not.

    A plan only reads: look at it, print it, throw it away. `plan` makes one.

    Parameters
    ----------
    policy : Policy
        What it was planned by.
    contacts : Contacts
        Everybody who was considered.
    at : datetime
        The instant for which it was planned, in UTC.
    horizon : timedelta
        How far ahead messages were planned.
    invitations : Messages
        The first messages of an occasion.
    reminders : Messages
        Further messages of an occasion that is open: reminders, and repeats at another address of a message whose own
        has failed for good.
    held : Held
        Everybody else.
    drawn : tuple of WaveDrawn
        What was drawn from each stratum, so that the answers can be weighted: its population, those of it whom no rule
        holds, and those who are invited now.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from netpromoter.model import Contact, Survey
    >>> from netpromoter.rules import Census, Policy, Wave, field
    >>> people = [Contact(id=f"c-{n}", addresses={"email": f"{n}@example.com"}, attributes={"plan": plan})
    ...           for n, plan in enumerate(["paid", "free", "paid"])]
    >>> policy = Policy(survey=Survey("nps"), cadence=Wave("spring"), audience=Census(where=field("plan") == "paid"),
    ...                 rules=[])
    >>> p = plan(people, [], policy, at=datetime(2026, 3, 2, 8, tzinfo=UTC))
    >>> p
    Plan(nps at 2026-03-02 08:00 UTC: 2 invitations, 0 reminders, 1 held)
    >>> p.why("c-1")
    'c-1 is not asked: in no audience (plan is "free", not "paid").'
    """

    policy: Policy
    contacts: Contacts
    at: datetime
    horizon: timedelta
    invitations: Messages
    reminders: Messages
    held: Held
    drawn: tuple[WaveDrawn, ...]
    _decision: Decision = attrs.field(alias="decision")

    def __repr__(self) -> str:
        parts = (_numbered(len(part), name) for name, part in self._parts.items())
        return f"Plan({self.policy.survey.key} at {self.at:%Y-%m-%d %H:%M} UTC: {', '.join(parts)})"

    @property
    def _parts(self) -> Mapping[str, Messages | Held]:
        return {"invitations": self.invitations, "reminders": self.reminders, "held": self.held}

    def _repr_html_(self) -> str:
        head = (name for name in ("", "contacts"))
        rows = [[name, f"{len(part):,}"] for name, part in self._parts.items()]
        rows += [[f"&emsp;{escape(reason)}", f"{times:,}"] for reason, times in self.held.counts.items()]
        caption = f"{escape(self.policy.survey.key)}, {self.at:%Y-%m-%d %H:%M} UTC"
        return table(head, rows, caption=caption)

    def why(self, contact: str) -> str:
        """Say in one sentence what becomes of somebody, and why.

        Parameters
        ----------
        contact : str
            The id of one of the contacts.

        Returns
        -------
        str

        Raises
        ------
        InvalidArgument
            If there is no such contact.
        """
        position = self.contacts.position(contact)
        for messages in (self.invitations, self.reminders):
            places = np.flatnonzero(messages.positions == position)
            if len(places):
                return _written(contact, messages, int(places[0]), self._draw(position))
        return f"{contact} {self._held(position)}."

    def _draw(self, position: int) -> str:
        audience: Audience = self.policy.audience[self._decision.selection.audience[position]]
        return audience.draw

    def _held(self, position: int) -> str:
        decision = self._decision
        holding = _nearer(decision, position)
        reason = tuple(decision.reasons)[holding.code[position]]
        until = _end(holding.until[position])
        what = f"is held until {_local(until, self._zone(position))}" if until else "is not asked"
        return f"{what}: {reason}{self._detail(position)}"

    def _detail(self, position: int) -> str:
        """Add what the reason alone does not tell: the condition that fails, or why no reminder follows."""
        decision = self._decision
        if _nearer(decision, position) is decision.reminded:
            return ""
        if not decision.selection.member[position] and decision.selection.unknown[position] < 0:
            values = {name: column[position] for name, column in self.contacts.columns.items()}
            wheres = [each.where for each in self.policy.audience if each.where is not None]
            return f" ({'; '.join(dict.fromkeys(where.explain(values) for where in wheres))})"
        reminder = tuple(decision.reasons)[decision.reminded.code[position]]
        differs = decision.reminded.code[position] != decision.invited.code[position]
        if differs and self.policy.reminders and reminder != NO_OCCASION:
            return f", and no reminder follows: {reminder}"
        return ""

    def _zone(self, position: int) -> str:
        return str(self.contacts.time_zone[position] or self.policy.time_zone)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Give everybody as a plain dict: invitations, reminders, then those who are held.

        Yields
        ------
        dict
            "contact", "action" ("invite", "remind" or "hold"), "due", "channel", "occasion", "step", "arm", "stratum",
            "probability", "until" and "reason"; None where it does not apply. No address.
        """
        empty = dict.fromkeys(_COLUMNS)
        for action, messages in (("invite", self.invitations), ("remind", self.reminders)):
            for row in messages.rows():
                yield empty | {"action": action} | {name: row[name] for name in row if name in empty}
        for row in self.held.rows():
            yield empty | {"action": "hold"} | row

    def to_frame(self, library: Library) -> Any:
        r"""Give the rows as a dataframe.

        Parameters
        ----------
        library : {"pandas", "polars", "pyarrow"}
            Of which library.

        Returns
        -------
        dataframe
            The columns of `rows`. Text with a lone surrogate, which no library holds, is escaped, as in ``\ud83d``.
        """
        parts = [*self._columns()]
        columns = {name: list(chain.from_iterable(part[name] for part in parts)) for name in _COLUMNS}
        return frame(columns, _TYPES, library)

    def _columns(self) -> Iterator[dict[str, list[Any]]]:
        """Give the columns of invitations, reminders and those who are held."""
        for action, part in (("invite", self.invitations), ("remind", self.reminders), ("hold", self.held)):
            empty: dict[str, list[Any]] = dict.fromkeys(_COLUMNS, [None] * len(part))
            yield empty | {"action": [action] * len(part)} | part.columns()


_TYPES = {
    "contact": str,
    "action": str,
    "due": datetime,
    "channel": str,
    "occasion": str,
    "step": int,
    "arm": str,
    "stratum": str,
    "probability": float,
    "until": datetime,
    "reason": str,
}
_COLUMNS = tuple(_TYPES)


def _numbered(number: int, name: str) -> str:
    return f"{number:,} {name.removesuffix('s') if number == 1 else name}"


def _nearer(decision: Decision, position: int) -> Holding:
    """Choose the hold that ends first: that of an invitation, or that of a reminder."""
    return decision.reminded if _sooner(decision, position) else decision.invited


def _sooner(decision: Decision, positions: Any) -> Any:
    """Say whose hold of a reminder ends first; one that depends on others may end at any time."""
    reminded, invited = decision.reminded.until[positions], decision.invited.until[positions]
    return (np.isnat(reminded) & ~np.isnat(invited)) | (reminded < np.minimum(invited, FOREVER))


def _written(contact: str, messages: Messages, place: int, draw: str) -> str:
    message = messages[place]
    when = _local(message.due, message.time_zone or messages.policy.time_zone)
    arm = f", arm {message.arm}" if message.arm else ""
    by = f"by {message.channel} on {when}{arm}"
    what = f"{message.survey} ({message.occasion})"
    if not message.step and not message.attempt:
        return f"{contact} is invited to {what} {by}: {draw}."
    if not message.step:
        return f"{contact} is invited again to {what} {by}: the address of the last message has failed."
    again = f", attempt {message.attempt + 1}" if message.attempt else ""
    return f"{contact} is reminded of {what} {by}: message {message.step + 1} of the occasion{again}, not answered yet."


def _local(moment: datetime, zone: str) -> str:
    """Say an instant on the wall clock of a person."""
    place = known_zone(zone)
    local = moment.astimezone(place or UTC)
    return f"{local:%a %Y-%m-%d %H:%M} {place.key if place else 'UTC'}"


#: What contacts may be given as: columns, single contacts, any dataframe, or the path of a CSV file.
AnyContacts: TypeAlias = "Contacts | Iterable[Contact] | str | os.PathLike[str] | Any"


def as_contacts(contacts: Any) -> Contacts:
    """Take contacts as columns, or make columns of a file, of a dataframe or of single contacts."""
    if isinstance(contacts, Contacts):
        return contacts
    if isinstance(contacts, str | os.PathLike):
        return formats.contacts(contacts)
    if hasattr(type(contacts), "columns"):
        return frames.contacts(contacts)
    if not isinstance(contacts, Iterable):
        raise refusal("contacts", "Contacts, single contacts, a dataframe or the path of a CSV file", contacts)
    return Contacts.of(contacts)


def as_touches(touches: Touches | Iterable[Event]) -> Touches:
    """Take touches as columns, or fold events into them, of which each message left when it was due."""
    given: Any = touches
    if not isinstance(given, Touches | Iterable) or isinstance(given, str):
        raise refusal("touches", "Touches or events", given)
    if isinstance(touches, Touches):
        return touches
    return all_left(Touches.of(touches))


def all_left(touches: Touches) -> Touches:
    """Let no message wait: each has left, or leaves, when it was due."""
    return attrs.evolve(touches, waits=np.zeros(len(touches), np.bool_))


def plan(
    contacts: AnyContacts,
    touches: Touches | Iterable[Event],
    policy: Policy,
    *,
    at: datetime,
    horizon: timedelta = timedelta(days=1),
) -> Plan:
    """Decide whom to invite and whom to remind.

    Nothing is sent and nothing is written. The same arguments give the same plan.

    Parameters
    ----------
    contacts : Contacts, iterable of Contact, dataframe or path
        Everybody who may be asked. `netpromoter.frames.contacts` says how a dataframe is read, and
        `netpromoter.formats.contacts` how a CSV file is; both have options for other names of columns.
    touches : Touches or iterable of Event
        What has happened, to them and to others. Of events alone, each message counts as one that left when it was due.
    policy : Policy
        Whom to ask, and when.
    at : datetime
        The instant of the plan, aware.
    horizon : timedelta, default 1 day
        How far ahead messages are planned: one that cannot leave by then, because of a send window or a hold, is left
        for a later plan. Zero plans what can leave at once.

    Returns
    -------
    Plan

    Raises
    ------
    InvalidArgument
        If the policy asks for what no contact has, if two contacts have one id, or if an argument breaks its rule.
    """
    people, history = as_contacts(contacts), as_touches(touches)
    if not isinstance(policy, Policy):
        raise refusal("policy", "a Policy", policy)
    moment = instant("at", at)
    span("horizon", horizon)
    return planned(Planner(policy, people), History(people, history), moment, horizon)


def planned(
    planner: Planner,
    history: History,
    at: np.datetime64,
    horizon: timedelta,
    proposed: tuple[Messages, Messages] | None = None,
) -> Plan:
    """Make a plan with what is prepared."""
    decision = planner.decide(history, at, at + np.timedelta64(horizon, "us"), proposed)
    moment: Any = aware(at)
    return Plan(
        policy=planner.policy,
        contacts=planner.contacts,
        at=moment,
        horizon=horizon,
        invitations=decision.invitations,
        reminders=decision.reminders,
        held=_left(planner.contacts, decision),
        drawn=tuple(_drawn(planner.policy, decision, moment, at)),
        decision=decision,
    )


def _left(contacts: Contacts, decision: Decision) -> Held:
    held = np.ones(len(contacts), np.bool_)
    for messages in (decision.invitations, decision.reminders):
        held[messages.positions] = False
    positions = np.flatnonzero(held)
    sooner = _sooner(decision, positions)
    reminded, invited = decision.reminded, decision.invited
    return Held(
        contacts=contacts,
        positions=positions,
        until=np.where(sooner, reminded.until[positions], invited.until[positions]),
        codes=np.where(sooner, reminded.code[positions], invited.code[positions]),
        reasons=tuple(decision.reasons),
    )


def _drawn(policy: Policy, decision: Decision, moment: datetime, at: np.datetime64) -> Iterator[WaveDrawn]:
    """Record what was drawn from each stratum from which anybody is invited."""
    drawn, invited = decision.selection, decision.invitations.positions
    size = len(drawn.strata)
    population = np.bincount(drawn.stratum[drawn.member], minlength=size)
    eligible = np.bincount(drawn.stratum[decision.eligible], minlength=size)
    chosen = np.bincount(drawn.stratum[invited], minlength=size)
    probability = np.zeros(size)
    probability[drawn.stratum[drawn.member]] = drawn.probability[drawn.member]
    for code in np.flatnonzero(chosen).tolist():
        yield WaveDrawn(
            survey=policy.survey.key,
            occasion=policy.cadence.seed(at),
            stratum=drawn.strata[code],
            population=int(population[code]),
            eligible=int(eligible[code]),
            drawn=int(chosen[code]),
            probability=float(probability[code]),
            seed=decision.seed,
            at=moment,
        )


def check_plan(value: Any) -> None:
    """Refuse what is no plan."""
    if not isinstance(value, Plan):
        raise refusal("plan", "a Plan", value)
