"""What a log of events gives beside the events themselves."""

from __future__ import annotations

import attrs

from ._events import Event, Sending
from ._message import Message

__all__ = ["Claim", "Entry", "Forgotten"]


@attrs.frozen(kw_only=True)
class Entry:
    """One event in a log, and its place.

    Parameters
    ----------
    position : int
        From 1 on, in the order in which events became durable.
    event : Event
        What happened.
    """

    position: int
    event: Event


@attrs.frozen(kw_only=True)
class Claim:
    """A message that was taken, and of which no outcome is known.

    Parameters
    ----------
    message : Message
        The message.
    intent : Sending
        Who took it last, and until when.
    """

    message: Message
    intent: Sending


@attrs.frozen(kw_only=True)
class Forgotten:
    """What was deleted of a person.

    Parameters
    ----------
    events : int
        How many events of theirs the log holds, now without anything personal.
    addresses, comments : int
        How many of each were deleted.
    """

    events: int
    addresses: int
    comments: int
