"""The ports: what a channel and a store promise, in sentences that `netpromoter.testing` checks one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol, runtime_checkable

from netpromoter.model import Claim, Entry, Event, Forgotten, Message, Receipt, Touches

__all__ = ["Channel", "Store"]


@runtime_checkable
class Channel(Protocol):
    """What carries a message: one method.

    1. `send` gives a `Receipt` that names the message it was given.
    2. An accepted receipt says that the message is out of the program's hands; whoever it is for will get it, and
       nobody else, as far as the channel can know.
    3. A refused message is a failed receipt with a reason, never an exception: temporary, perhaps with the time after
       which to try again, or permanent where the address will refuse every other message too.
    4. An exception means that the channel itself is down; then the message may or may not have been sent, unless the
       exception is `netpromoter.errors.ChannelDown`, which says that it was not.
    5. What the channel cannot express it refuses; it never drops a part of a message silently. Headers are for
       mail: a channel of mail carries them, another need not.
    6. A message is not changed, and nothing of it is kept, printed or logged; neither a receipt nor an exception holds
       its address or its words.
    7. A channel that is a context manager is given messages only while it is open: it is opened before the first
       message of a batch and closed after the last; it can be opened again after it was closed.
    8. A channel whose attribute `idempotent` is True may be given the same message twice, here and in another process,
       and delivers it once; a message with another id is another, also to the same person.
    9. A short message in plain words is accepted as long as the service takes it, however many came before it and
       whenever it is due: a channel has no clock, no retries and no rates of its own; those are the engine's.
    10. One instance serves one worker, and need not be safe for threads. Of a channel that it was given, a program
        makes another for each worker, by ``attrs.evolve``, or by ``copy.copy`` where its class is not of attrs; they
        are used at once, and what one of them opens is its own.
    """

    def send(self, message: Message, /) -> Receipt:
        """Carry one message."""
        ...


@runtime_checkable
class Store(Protocol):
    """A log of events, durable and append-only; everything else is a fold of it.

    1. `append` is all or nothing, and durable before it returns.
    2. An event whose id is in the log already is skipped; `append` gives those that were new, in their order.
    3. With `expecting`, a mapping of contacts and destinations to positions, `append` raises
       `netpromoter.errors.Conflict` and writes nothing if the log holds an event of such a contact after its position,
       or of whoever shares such a destination.
    4. Positions rise, and a reader who has seen position n has seen every entry before it: none turns up later.
    5. `entries` gives what was appended, equal to it, in the order of positions; each filter leaves out what it does
       not name, and filters combine. Whoever reads them may append and move cursors meanwhile; what is appended then is
       not given.
    6. `touches` is the fold of `entries`, of the same contacts and after the same position.
    7. `waiting` gives the messages that are due, that were adopted and not taken, and that have no outcome, the
       earliest first, `limit` at most, each by the position of its adoption; none of a person who was forgotten.
    8. `claims` gives the messages that were taken and have no outcome, with the last intent of each; none of a person
       who was forgotten.
    9. While one holds `exclusive`, nobody else appends; what is appended within becomes durable at its end, all or
       nothing, and is read back within. A `Conflict` that is caught within undoes nothing else. Somebody may be
       forgotten within.
    10. `cursor` gives what `move_cursor` last set for a name, 0 at first; it is durable before `move_cursor` returns.
    11. `forget` deletes the id, the addresses, the comments and the snapshots of a person everywhere, and whatever else
        is personal, and leaves the ratings: the log then knows them by another id, theirs alone, that nobody can trace.
        Opt-outs and opt-ins keep their destinations, and so stand under an id that leads to nothing else. Of others
        nothing changes but the id, where they name it. An event that is appended for the forgotten id later is skipped,
        but for an opt-out; `forgotten` knows the ids by their keyed hashes alone. All of it is durable before `forget`
        returns.
    12. Several threads may use one store, and several processes may open what one URL names.
    13. After `close`, everything raises `netpromoter.errors.StoreClosed`, but closing again does nothing.

    The contact of an event is its own, that of its message or of its response; `WaveDrawn` and `Coded` have none. What
    refers to a message, a response or a case by an id, such as `Sent` or `CaseNoted`, belongs to the contact in it: the
    third part, percent-encoded. A destination is the fingerprint of an address, a whole number. Those share it who have
    an event that names it, itself or in its message or response; nobody shares 0.

    Personal are ``to`` and ``destination``, ``subject``, ``locale``, ``time_zone`` and ``snapshot``, ``comment``,
    ``note``, ``reason`` and ``reference``, and what is text among the ``drivers``.
    """

    def append(
        self, events: Sequence[Event], /, *, expecting: Mapping[str | int, int] | None = None
    ) -> Sequence[Event]:
        """Write events, all or none, and give those that were new."""
        ...

    def exclusive(self) -> AbstractContextManager[None]:
        """Keep everybody else from appending."""
        ...

    def entries(
        self,
        *,
        contacts: Sequence[str] | None = None,
        destinations: Sequence[int] | None = None,
        ids: Sequence[str] | None = None,
        kinds: Sequence[type] | None = None,
        after: int | None = None,
    ) -> Iterator[Entry]:
        """Give the log, or some of it.

        Of these contacts, of those who share one of these destinations, with these ids, of these classes, after this
        position.
        """
        ...

    def touches(self, *, contacts: Sequence[str] | None = None, after: int | None = None) -> Touches:
        """Give the log as columns."""
        ...

    def waiting(self, at: datetime, /, *, limit: int) -> Mapping[int, Message]:
        """Give messages that are due at an instant and that nobody has taken, by their positions."""
        ...

    def claims(self) -> Sequence[Claim]:
        """Give messages that were taken and have no outcome."""
        ...

    def cursor(self, name: str, /) -> int:
        """Say how far somebody has read."""
        ...

    def move_cursor(self, name: str, position: int, /) -> None:
        """Note how far somebody has read."""
        ...

    def forget(self, contact: str, /) -> Forgotten:
        """Delete what is personal of somebody."""
        ...

    def forgotten(self, contacts: Iterable[str], /) -> set[str]:
        """Give those ids under which somebody was forgotten."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
