"""Rules about time: quiet after something, tenure, and so many messages in a rolling window."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar, Literal, Protocol, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter._checks import refusal

from ._fields import days, option, period, whole
from ._holds import FOREVER, Holds
from ._people import CLOCKS, SCOPES, Clock, People, Scope

__all__ = ["GUARD", "AccountLimit", "AtMost", "DailyCap", "MinimumTenure", "QuietPeriod", "Quota", "spoken"]

#: Between any two messages to one person or one destination, whatever the rules are.
GUARD = timedelta(hours=24)

_DAY = timedelta(days=1)
_Positions: TypeAlias = npt.NDArray[np.integer[Any]]


class Quota(Protocol):
    """Says how many of those who could be written to now may be, of everybody together."""

    @property
    def reason(self) -> str:
        """Why somebody is left out, as it completes "held because ..."."""
        ...

    @property
    def every_message(self) -> bool:
        """Whether reminders count and are left out too; otherwise invitations alone."""
        ...

    def admit(self, people: People, candidates: _Positions, at: np.datetime64, /) -> npt.NDArray[np.bool_]:
        """Say who of these people, the first in line first, may be written to; no message of theirs leaves before."""
        ...


def spoken(value: timedelta) -> str:
    """Say a span of time in the largest unit that holds it whole."""
    for unit, size in (("day", _DAY), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1))):
        if value and not value % size:
            return f"{value // size:,} {unit}{'s' * (value != size)}"
    return f"{value.total_seconds():,.10g} seconds"


@attrs.frozen(kw_only=True)
class QuietPeriod:
    """Nobody is invited until so many days after something happened.

    It holds invitations, not the reminders of one that is out. The days are counted from the person's own clock, so
    that no turn of a month or a quarter shortens them.

    Parameters
    ----------
    days : float
        For how long, in days of 24 hours.
    after : str, default "answered"
        Which clock: "invited", "messaged", "shown", "answered", "declined", "opted_out" or "bounced".
    scope : {"any", "survey", "kind"}, default "any"
        Whether every survey starts the clock, the one that is planned, or those of its kind. Opt-outs and bounces
        belong to no survey, so that they take "any" alone.

    Examples
    --------
    >>> QuietPeriod(days=90, after="answered", scope="kind").reason
    '90 days of quiet after an answer to a survey of this kind'
    """

    every_message: ClassVar[bool] = False

    days: float = attrs.field(validator=days)
    after: Clock = attrs.field(default="answered", validator=option(CLOCKS))
    scope: Scope = attrs.field(default="any", validator=option(SCOPES))

    def __attrs_post_init__(self) -> None:
        if self.after in _OF_NO_SURVEY and self.scope != "any":
            raise refusal("scope", f'"any" after {_AFTER[self.after]}, which belongs to no survey', self.scope)

    @property
    def reason(self) -> str:
        """Why somebody is held, as it completes "held because ..."."""
        of = _OF[self.scope].format("to" if self.after in ("invited", "answered") else "of")
        return f"{spoken(timedelta(days=self.days))} of quiet after {_AFTER[self.after]}{of}"

    def __call__(self, people: People, at: np.datetime64) -> Holds:
        """Hold everybody whose clock was started less than so many days ago."""
        until = people.last(self.after, scope=self.scope) + np.timedelta64(timedelta(days=self.days), "us")
        return Holds(until=until, reasons=(self.reason,))


_AFTER: dict[Clock, str] = {
    "invited": "an invitation",
    "messaged": "a message",
    "shown": "a showing",
    "answered": "an answer",
    "declined": "a decline",
    "opted_out": "an opt-out",
    "bounced": "a bounce",
}
_OF: dict[Scope, str] = {"any": "", "survey": " {} this survey", "kind": " {} a survey of this kind"}
_OF_NO_SURVEY: tuple[Clock, ...] = ("opted_out", "bounced")


@attrs.frozen(kw_only=True)
class MinimumTenure:
    """Nobody is invited before so many days after the relationship began.

    Parameters
    ----------
    days : float
        For how long, in days of 24 hours after `Contact.since`. Somebody whose beginning is unknown is held.

    Examples
    --------
    >>> MinimumTenure(days=30).reasons
    ('30 days of tenure', 'tenure unknown')
    """

    every_message: ClassVar[bool] = False

    days: float = attrs.field(validator=days)

    @property
    def reasons(self) -> tuple[str, str]:
        """Why somebody is held: too new, or of unknown tenure."""
        return f"{spoken(timedelta(days=self.days))} of tenure", "tenure unknown"

    def __call__(self, people: People, at: np.datetime64) -> Holds:
        """Hold everybody who is too new, and those of whom that is not known."""
        since = people.contacts.since
        unknown = np.isnat(since)
        if len(unknown) and unknown.all():
            rule = "given for MinimumTenure: say since when each contact is one, or leave the rule out"
            raise refusal("since", rule, "none in any contact")
        until = since + np.timedelta64(timedelta(days=self.days), "us")
        until[unknown] = FOREVER
        return Holds(until=until, reasons=self.reasons, codes=unknown.astype(np.int8))


@attrs.frozen
class AtMost:
    """Nobody gets more than so many messages within any span of a given length, reminders counted.

    Parameters
    ----------
    messages : int
        How many, at least 1.
    per : timedelta
        The length of the window, which rolls: it ends at every instant, not at midnight or at the end of a month.
    scope : {"any", "survey", "kind"}, default "any"
        Whether messages of every survey count, of this one, or of its kind.

    Examples
    --------
    >>> AtMost(3, per=timedelta(days=90)).reason
    'at most 3 messages in 90 days'
    """

    every_message: ClassVar[bool] = True

    messages: int = attrs.field(validator=whole)
    per: timedelta = attrs.field(validator=period, kw_only=True)
    scope: Scope = attrs.field(default="any", validator=option(SCOPES), kw_only=True)

    @property
    def reason(self) -> str:
        """Why somebody is held, as it completes "held because ..."."""
        return f"at most {_counted(self.messages, 'message')} in {spoken(self.per)}{_FROM[self.scope]}"

    def __call__(self, people: People, at: np.datetime64) -> Holds:
        """Hold everybody whose n-th last message left less than the length of the window ago."""
        per = np.timedelta64(self.per, "us")
        until = people.nth_last(self.messages, "messaged", scope=self.scope, after=at - per) + per
        return Holds(until=until, reasons=(self.reason,))


_FROM: dict[Scope, str] = {"any": "", "survey": " of this survey", "kind": " of surveys of this kind"}


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


@attrs.frozen
class AccountLimit:
    """No account gets more than so many invitations within any span of a given length.

    Contacts without an account are not limited. An invitation counts for the account that its contact has now; one to
    somebody who is no longer among the contacts belongs to no account that is known.

    Parameters
    ----------
    invitations : int
        How many, at least 1.
    per : timedelta
        The length of the rolling window.
    scope : {"any", "survey", "kind"}, default "any"
        Whether invitations to every survey count, to this one, or to those of its kind.

    Examples
    --------
    >>> AccountLimit(5, per=timedelta(days=90)).reason
    'at most 5 invitations to one account in 90 days'
    """

    every_message: ClassVar[bool] = False

    invitations: int = attrs.field(validator=whole)
    per: timedelta = attrs.field(validator=period, kw_only=True)
    scope: Scope = attrs.field(default="any", validator=option(SCOPES), kw_only=True)

    @property
    def reason(self) -> str:
        """Why somebody is held, as it completes "held because ..."."""
        return f"at most {_counted(self.invitations, 'invitation')} to one account in {spoken(self.per)}"

    def admit(self, people: People, candidates: _Positions, at: np.datetime64) -> npt.NDArray[np.bool_]:
        """Admit the first of each account, as far as earlier invitations leave room."""
        account = people.contacts.account
        if account.absent:
            raise refusal("account", "given for AccountLimit: name it, or leave the rule out", "none in any contact")
        codes = np.where(account.missing, -1, account.values)
        kinds, surveys = CLOCKS["invited"], people.surveys(self.scope)
        earlier = people.history.recent(kinds, surveys, at - np.timedelta64(self.per, "us"))
        spent = codes[earlier[earlier >= 0]]
        used = np.bincount(spent[spent >= 0], minlength=len(account.labels))
        asked = codes[candidates]
        return (asked < 0) | (_rank(asked) < self.invitations - np.append(used, 0)[asked])


def _rank(groups: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int64]:
    """Number the members of each group in the order in which they stand."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    ranks = np.empty(len(groups), np.int64)
    ranks[order] = np.arange(len(groups)) - np.searchsorted(ordered, ordered)
    return ranks


@attrs.frozen
class DailyCap:
    """A survey sends so many messages a day, or stops inviting for the day after so many answers.

    A day is any span of 24 hours, not a date. A message that is scheduled for later counts already, and there is room
    for the next when 24 hours have passed since it left. So where messages of one plan wait for the mornings of several
    time zones, a plan once a day does not fill the cap. One every hour with a `horizon` of an hour does, but then those
    whose morning comes first take it, day after day. Those who are left out stay first in line for when there is room
    again. Answers cannot be stopped once people are invited, so that a cap on them is overshot by those that are still
    to come.

    Parameters
    ----------
    number : int
        How many, at least 1.
    of : {"messages", "answers"}, default "messages"
        Messages count reminders, and reminders are left out too. Answers hold back invitations alone.

    Examples
    --------
    >>> DailyCap(50).reason
    'at most 50 messages of this survey in 24 hours'
    """

    number: int = attrs.field(validator=whole)
    of: Literal["messages", "answers"] = attrs.field(
        default="messages", validator=option(("messages", "answers")), kw_only=True
    )

    @property
    def every_message(self) -> bool:
        """Whether reminders are left out too."""
        return self.of == "messages"

    @property
    def reason(self) -> str:
        """Why somebody is held, as it completes "held because ..."."""
        return f"at most {_counted(self.number, self.of[:-1])} {_CAPPED[self.of]} this survey in 24 hours"

    def admit(self, people: People, candidates: _Positions, at: np.datetime64) -> npt.NDArray[np.bool_]:
        """Admit the first ones, as far as the last 24 hours leave room."""
        kinds = CLOCKS["messaged" if self.every_message else "answered"]
        recent = people.history.recent(kinds, people.surveys("survey"), at - np.timedelta64(_DAY, "us"))
        room = self.number - len(recent)
        if self.every_message:
            return np.arange(len(candidates)) < room
        return np.full(len(candidates), room > 0)


_CAPPED = {"messages": "of", "answers": "to"}
