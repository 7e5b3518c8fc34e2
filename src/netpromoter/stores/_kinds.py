"""The classes of events, and the code of each kind of fact among them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from netpromoter._checks import refusal
from netpromoter.model import (
    Bounced,
    CaseAlerted,
    CaseMoved,
    CaseNoted,
    CaseOpened,
    Coded,
    Declined,
    Event,
    Failed,
    FollowUpDecided,
    OptedIn,
    OptedOut,
    Responded,
    Scheduled,
    Sending,
    Sent,
    Settled,
    Shown,
    Triggered,
    WaveDrawn,
    Withheld,
)

__all__ = ["CODES", "CODE_OF", "Outcome", "check_events", "check_kinds", "code"]

#: What may stand in a log, by code. The order is that of the databases that were written, so new ones go to the end.
CODES = (
    "wave_drawn",
    "triggered",
    "scheduled",
    "sending",
    "sent",
    "failed",
    "failed_for_good",
    "withheld",
    "settled",
    "settled_undelivered",
    "shown",
    "responded",
    "declined",
    "opted_out",
    "reminders_off",
    "opted_in",
    "bounced",
    "coded",
    "follow_up_decided",
    "case_opened",
    "case_moved",
    "case_noted",
    "case_alerted",
)
CODE_OF: Mapping[str, int] = {name: number for number, name in enumerate(CODES)}
#: After these, nobody waits for news of a message.
Outcome: TypeAlias = Sent | Failed | Withheld | Settled
_NAMES: Mapping[type, tuple[str, ...]] = {
    WaveDrawn: ("wave_drawn",),
    Triggered: ("triggered",),
    Scheduled: ("scheduled",),
    Sending: ("sending",),
    Sent: ("sent",),
    Failed: ("failed", "failed_for_good"),
    Withheld: ("withheld",),
    Settled: ("settled", "settled_undelivered"),
    Shown: ("shown",),
    Responded: ("responded",),
    Declined: ("declined",),
    OptedOut: ("opted_out", "reminders_off"),
    OptedIn: ("opted_in",),
    Bounced: ("bounced",),
    Coded: ("coded",),
    FollowUpDecided: ("follow_up_decided",),
    CaseOpened: ("case_opened",),
    CaseMoved: ("case_moved",),
    CaseNoted: ("case_noted",),
    CaseAlerted: ("case_alerted",),
}
_IS_SECOND: Mapping[type, Callable[[Any], bool]] = {
    Failed: lambda event: event.permanent,
    Settled: lambda event: not event.delivered,
    OptedOut: lambda event: event.reminders_only,
}


def code(event: Event) -> int:
    """Give the code of an event."""
    names = _NAMES[type(event)]
    return CODE_OF[names[len(names) > 1 and _IS_SECOND[type(event)](event)]]


def check_events(events: Any) -> list[Event]:
    """Return a list of events, or refuse what is none."""
    if not isinstance(events, Iterable) or isinstance(events, Mapping):
        raise refusal("events", "a sequence of events", events)
    found = list(events)
    for event in found:
        if type(event) not in _NAMES:
            raise refusal("events", "made of events", event)
    return found


def check_kinds(kinds: Any) -> list[int] | None:
    """Return the codes of some classes of events, or refuse what is no such class; None is all of them."""
    if kinds is None:
        return None
    if not isinstance(kinds, Iterable):
        raise refusal("kinds", "a sequence of classes of events", kinds)
    kinds = list(kinds)
    for kind in kinds:
        if kind not in _NAMES:
            raise refusal("kinds", "classes of events", kind)
    return sorted({CODE_OF[name] for kind in kinds for name in _NAMES[kind]})
