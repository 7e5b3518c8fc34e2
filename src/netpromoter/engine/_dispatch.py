"""Dispatching: what was adopted is taken, sent and recorded, by any number of workers in any number of processes.

A message is taken by appending an intent. Of all who try, one gets it: the id of an intent is the message and the turn,
and a log takes an id once. The intent is durable before the channel is called, and its outcome is durable before the
next message is sent, in one commit with the next intent. So a worker that dies leaves at most one intent without an
outcome; when the lease of that intent has run out, the message is uncertain and is listed, never sent again by itself.

Between adoption and sending a person may have answered or opted out, or the same mailbox may have had another mail. An
intent is appended on the condition that nothing has happened to the person, nor to anybody who shares the address,
since the message was adopted; where something has, their log is judged.
"""

from __future__ import annotations

import copy
import logging
import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Literal, TypeAlias

import attrs

from netpromoter._checks import count, one_of, raised, refusal, spoken, where_raised
from netpromoter.errors import ChannelDown, Conflict, InvalidArgument, NetPromoterError, Uncertain
from netpromoter.model import (
    Contacts,
    Entry,
    Event,
    Failed,
    Message,
    Receipt,
    Scheduled,
    Sending,
    Sent,
    Settled,
    Touches,
    Withheld,
    instant,
    span,
)
from netpromoter.plugins import Channel, Store
from netpromoter.rules import History, People, Policy

from ._desk import Desk, Dry
from ._due import Due, Task, drawn
from ._rates import Rate, check_rates, paces
from ._vetoes import End, Later, Verdict, judged

__all__ = ["Clock", "Delivery", "Dispatch", "Dispatcher", "check_clock"]

Clock: TypeAlias = Callable[[], datetime]
_Outcome: TypeAlias = Literal["sent", "failed", "retried", "withheld", "uncertain", "postponed", "broken"]

_LOG = logging.getLogger("netpromoter.dispatch")
_PATIENCE = 0.2  # seconds between two looks whether there was an interrupt
_STRIKES = 3  # how often in a row a channel may be down before the dispatch does without it
_REASONS = 100  # how many different reasons are told, each with its count
_OTHERS = "for other reasons"
_DAY = timedelta(days=1)
_DOUBLED = 100  # how often a wait is doubled, at most
_MOST = 1_000  # how many attempts a message has, however often its channel was down
#: Begins the reason of a failure that is no refusal of the message.
_OUTAGE = "it counts as no attempt, since the channel was down: "


@attrs.frozen(kw_only=True, repr=False)
class Dispatch:
    """What one call of `dispatch` did.

    Parameters
    ----------
    sent : int
        Messages that a channel took.
    failed : int
        Messages that were refused for good, or too often.
    retried : int
        Attempts that failed and were put off to a later attempt.
    withheld : int
        Messages that were not sent after all, since the person had answered, declined, opted out or lost the address.
    postponed : int
        Messages that are due, but must wait: for their send window, or for the 24 hours after another message.
    uncertain : int
        Messages of which nobody knows whether they were sent.
    broken : int
        Messages that could not be put into words; the log says why, and they wait.
    interrupted : bool
        Whether it was stopped before there was nothing left to do.
    down : mapping of str to str
        Channels that could not carry anything, or nothing more in the end, with the last error of each.
    reasons : mapping of str to int
        Why messages failed, were put off to a later attempt or could not be put into words, without addresses, and how
        many of them for each reason; the most frequent first.
    """

    sent: int = 0
    failed: int = 0
    retried: int = 0
    withheld: int = 0
    postponed: int = 0
    uncertain: int = 0
    broken: int = 0
    interrupted: bool = False
    down: Mapping[str, str] = attrs.field(factory=dict, hash=False)
    reasons: Mapping[str, int] = attrs.field(factory=dict, hash=False)

    def __repr__(self) -> str:
        told = (f"{name}={value!r}" for name, value in attrs.asdict(self).items() if value)
        return f"Dispatch({', '.join(told)})"


@attrs.frozen(kw_only=True)
class Delivery:
    """How messages are carried: the channels, the leases, and when to try again.

    Parameters
    ----------
    channels : mapping of str to Channel or callable
        A callable makes a channel for each worker; a channel is copied for each.
    lease : timedelta
        For how long a message that was taken is nobody else's.
    attempts : int
        How often one step may be refused for now, at most.
    backoff : timedelta
        The wait before the second attempt is drawn below this; it doubles with each further one.
    rates : mapping of str to Rate
        How many messages each channel is given in a span of time, by all who are given the same `Rate`.
    """

    channels: Mapping[str, Channel | Callable[[], Channel]]
    lease: timedelta = timedelta(minutes=15)
    attempts: int = 5
    backoff: timedelta = timedelta(minutes=10)
    rates: Mapping[str, Rate] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        span("lease", self.lease, least=timedelta(seconds=1))
        span("backoff", self.backoff)
        count("attempts", self.attempts, least=1)
        for name in check_rates(self.rates):
            one_of("rates", name, self.channels)

    def turn(self, name: str, clock: Clock, stop: threading.Event) -> bool:
        """Wait until a channel may be given a message; False if the dispatch is to stop meanwhile."""
        return name not in self.rates or paces(self.rates[name])[0].turn(clock, stop.wait)

    def keep_apart(self, name: str, clock: Clock, stop: threading.Event) -> None:
        """Wait where messages whose turn has come were held up since, and would leave together; not after a stop."""
        if name in self.rates:
            paces(self.rates[name])[1].turn(clock, stop.wait)

    def channel(self, name: str) -> Channel:
        """Make a channel for one worker."""
        offered: Any = self.channels[name]
        is_channel = hasattr(offered, "send") and not isinstance(offered, type)
        made: Channel = _made_anew(offered) if is_channel else offered()
        return made

    def idempotent(self, name: str) -> bool:
        """Whether a channel may be given a message again."""
        return name in self.channels and _is_idempotent(self.channel(name))

    def again(self, message: Message, receipt: Receipt, at: datetime) -> Message:
        """Give the next attempt of a message that failed for now.

        The wait is drawn evenly below a bound that doubles (full jitter), by a hash of the message, and is never
        shorter than what the channel asks for. The bound grows to a day at most, and no further than so many attempts
        can take it: there are more of them only where a channel was down.

        References
        ----------
        Brooker, M. (2015). Exponential backoff and jitter. AWS Architecture Blog.
        """
        grown = self.backoff.total_seconds() * 2.0 ** min(message.attempt, self.attempts - 1, _DOUBLED)
        bound = min(grown, max(self.backoff, _DAY).total_seconds())
        wait = max(timedelta(seconds=bound * (drawn(message.id) / 2**56)), receipt.retry_after or timedelta(0))
        return attrs.evolve(message, attempt=message.attempt + 1, due=at + wait)


@attrs.frozen(kw_only=True)
class _Prepared:
    """A message to send, and the same in words."""

    task: Task
    rendered: Message


class Dispatcher:
    """One dispatch under way: a queue, a tally, and the workers that share them."""

    def __init__(
        self,
        *,
        store: Store,
        policy: Policy,
        delivery: Delivery,
        render: Callable[[Message, datetime], Message],
        clock: Clock,
        limit: int | None = None,
        progress: Callable[[int], object] | None = None,
        stop: threading.Event | None = None,
        last_look: Callable[[Message], Verdict] | None = None,
    ) -> None:
        _check(clock=clock, limit=limit, progress=progress, stop=stop)
        self.store, self.policy, self.delivery, self.render = store, policy, delivery, render
        self.clock = _in_utc(clock)
        self.progress, self.stop = progress, stop or threading.Event()
        self.last_look = last_look or (lambda _: None)
        self.due = Due(store, policy.survey.key, clock=self.clock, may_repeat=self._may_repeat)
        self.tally: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.down: dict[str, str] = {}
        self.strikes: dict[str, list[str]] = {}
        self.end = _end(policy, self.clock())
        self._left = limit
        self._lock = threading.Lock()
        self._failure: BaseException | None = None

    def run(self, workers: int, name: str) -> Dispatch:
        """Let so many workers drain the queue; an interrupt lets each finish the message in hand."""
        count("workers", workers, least=1)
        each = {f"{name}/{number}": partial(self._work, f"{name}/{number}") for number in range(workers)}
        desk = Desk(self.store, self._prepared, workers=each, stop=self.stop)
        interrupted = self._work_at(desk)
        facts: dict[str, Any] = {**self.tally, "interrupted": interrupted or self.stop.is_set()}
        struck = {name: errors[-1] for name, errors in self.strikes.items()}
        done = Dispatch(**facts, down=struck | self.down, reasons=dict(self.reasons.most_common()))
        failure = desk.failure if self._failure is None else self._failure
        if failure is not None:
            failure.add_note(f"so far: {done!r}")
            raise failure
        return done

    def _work_at(self, desk: Desk[_Prepared]) -> bool:
        """Open a desk and wait for its end; say whether there was an interrupt, which stops the workers.

        Whatever else a handler of a signal raises here stops them too, and is raised once they have ended: who sends
        must not go on when nobody waits for it any more.
        """
        raised_here: list[BaseException] = []
        is_open = False
        while True:
            try:
                if not is_open:
                    desk.open()
                    is_open = True
                while not desk.wait(_PATIENCE):
                    pass
            except BaseException as problem:  # noqa: BLE001 -- it is raised again
                self.stop.set()
                raised_here.append(problem)
            else:
                break
        for other in raised_here:
            if not isinstance(other, KeyboardInterrupt):
                raise other
        return bool(raised_here)

    def _work(self, name: str, desk: Desk[_Prepared]) -> None:
        try:
            with ExitStack() as opened:
                _Worker(self, desk, name, opened).drain()
        except BaseException as problem:  # noqa: BLE001 -- a thread has nobody above it: `run` raises it again
            self._failure = problem
            self.stop.set()

    def _prepared(self) -> _Prepared | None:
        """Put the next message into words; None if it may not leave. Raises `Dry` if there is none, or to stop."""
        if self.stop.is_set() or self._left == 0:
            raise Dry
        task = self.due.next()
        if not self.is_up(task.message.channel) or isinstance(self.judged(task, ()), Later):
            self.note("postponed")
            return None
        rendered = self._rendered(task.message)
        if rendered is None:
            return None
        self._count(-1)
        return _Prepared(task=task, rendered=rendered)

    def _rendered(self, message: Message) -> Message | None:
        """Put a message into words; one that cannot be is left, and hinders no other."""
        try:
            return self.render(message, self.clock())
        except NetPromoterError as problem:
            told = spoken(str(problem), address=message.to)
            if told not in self.reasons:
                _LOG.error("message %s, and perhaps others, cannot be put into words: %s", message.id, told)
            self.note("broken", told)
            return None

    def _may_repeat(self, name: str) -> bool:
        """Say whether a channel may be given a message again; not while it cannot be made."""
        try:
            return self.delivery.idempotent(name)
        except InvalidArgument:
            raise
        except Exception as problem:  # noqa: BLE001 -- whatever it is, nothing was sent
            _log(f"channel {name} cannot be opened", raised(problem), problem)
            self.down[name] = raised(problem)
            return False

    def is_up(self, name: str) -> bool:
        """Say whether there is a channel of a name, and nobody has found that it is down."""
        if name not in self.delivery.channels:
            self.down[name] = "the program has no channel of this name"
        return name not in self.down

    def judged(self, task: Task, entries: Collection[Entry]) -> Verdict:
        """Judge a message by the clock, and by what has happened to its person and at its address."""
        when: Any = {"window": self.policy.window, "time_zone": self.policy.time_zone, "end": self.end}
        return judged(task.message, entries, self.clock(), **when)

    def give_back(self) -> None:
        """Let another message be taken in the place of one that was not."""
        self._count(1)

    def _count(self, more: int) -> None:
        with self._lock:
            if self._left is not None:
                self._left += more

    def note(self, outcome: _Outcome, reason: str = "") -> None:
        """Count what became of a message, and why; whoever words each reason in another way fills no memory."""
        with self._lock:
            self.tally[outcome] += 1
            if reason:
                self.reasons[reason if reason in self.reasons or len(self.reasons) < _REASONS else _OTHERS] += 1
            if self.progress:
                self.progress(sum(self.tally.values()))


class _Worker:
    """One worker: it takes a message, sends it, and writes the outcome together with the next intent."""

    def __init__(self, dispatcher: Dispatcher, desk: Desk[_Prepared], name: str, opened: ExitStack) -> None:
        self._all, self._desk, self._name, self._opened = dispatcher, desk, name, opened
        self._channels: dict[str, Channel] = {}
        self._pending: list[Event] = []

    def drain(self) -> None:
        """Send until there is nothing left, and record the last outcome."""
        try:
            while (prepared := self._desk.next()) is not None and not self._all.stop.is_set():
                if not self._is_carried(prepared):
                    self._all.give_back()
        finally:
            self._write()

    def _is_carried(self, prepared: _Prepared) -> bool:
        """Take a message and hand it to its channel; False if it was not taken."""
        message = prepared.task.message
        channel = self._channel(message.channel)
        if channel is None:
            self._all.note("postponed")
            return False
        if message.channel in self._all.delivery.rates:
            self._write()  # an outcome is not kept waiting
        if not self._all.delivery.turn(message.channel, self._all.clock, self._all.stop):
            return False
        if not self._take(prepared.task):
            return False
        self._send(prepared.task, prepared.rendered, channel)
        return True

    def _write(self, *more: Event, expecting: Mapping[str | int, int] | None = None) -> set[str]:
        """Append what is pending and more; give the ids that were new."""
        events = [*self._pending, *more]
        new = self._desk.append(events, expecting) if events else set()
        self._pending = []
        return new

    def _take(self, task: Task) -> bool:
        """Append the intent, unless something has happened to the person or at the address that speaks against it."""
        message, entries = task.message, list[Entry]()
        # who adopts a further attempt may not have looked at what had happened since the one before
        position = 0 if message.attempt else task.position
        while (decided := self._decided(task, entries)) is not None:
            try:
                new = self._write(decided, expecting=_whose(message, position))
            except Conflict:
                self._write()
                known, entries = position, self._log_of(message)
                if any(_ends(task, entry.event) for entry in entries):
                    return self._lose(message)
                position = max((entry.position for entry in entries), default=known)
                if position == known:  # forgotten meanwhile, or the store shows nothing that is in conflict
                    break
            else:
                if decided.id not in new:
                    return self._lose(message)
                self._all.due.taken(message)
                if isinstance(decided, Withheld):
                    self._all.note("withheld")
                return isinstance(decided, Sending)
        self._all.note("postponed")
        return False

    def _lose(self, message: Message) -> Literal[False]:
        """Leave a message to whoever was faster, and for good if the store offers it again and again."""
        if not self._all.due.lost(message):
            self._all.note("postponed")
        return False

    def _log_of(self, message: Message) -> list[Entry]:
        """Give the log of a person and of those who share the address; nothing if the person was forgotten."""
        own = list(self._all.store.entries(contacts=[message.contact]))
        shared = self._all.store.entries(destinations=[message.destination]) if own else ()
        found = {entry.position: entry for entry in [*own, *shared]}
        return [found[position] for position in sorted(found)]

    def _decided(self, task: Task, entries: Collection[Entry]) -> Sending | Withheld | None:
        """Give the intent, or why there is none; None leaves the message as it is."""
        verdict = self._all.last_look(task.message) or self._all.judged(task, entries)
        if verdict is None:
            return self._intent(task)
        if isinstance(verdict, Later) or task.turn:
            return None
        return Withheld(message=task.message.id, at=self._all.clock(), reason=verdict.reason)

    def _intent(self, task: Task) -> Sending:
        at = self._all.clock()
        until = at + self._all.delivery.lease
        return Sending(message=task.message.id, worker=self._name, at=at, until=until, turn=task.turn)

    def _send(self, task: Task, rendered: Message, channel: Channel) -> None:
        """Hand a message to its channel, and keep the outcome for the next append."""
        message = task.message
        self._all.delivery.keep_apart(message.channel, self._all.clock, self._all.stop)
        try:
            receipt = _checked(channel.send(rendered), message)
        except ChannelDown as problem:
            told = raised(problem, address=message.to)
            self._strike(message.channel, told)
            self._refused(task, Receipt.failed(message, told), channel, is_outage=True)
        except Exception as problem:  # noqa: BLE001 -- whatever a channel raises, the message may have left
            told = raised(problem, address=message.to)
            _log(f"channel {message.channel} raised, and message {message.id} is uncertain", told, problem)
            self._close(message.channel, told)
            self._all.note("uncertain")
        else:
            if receipt.accepted:
                self._sent(receipt, message)
            else:
                self._refused(task, receipt, channel)

    def _sent(self, receipt: Receipt, message: Message) -> None:
        self._all.strikes.pop(message.channel, None)
        self._pending.append(Sent(message=message.id, at=self._all.clock(), reference=receipt.reference))
        self._all.note("sent")

    def _refused(self, task: Task, receipt: Receipt, channel: Channel, *, is_outage: bool = False) -> None:
        """Note that a message was not taken, and the next attempt if there is to be one."""
        message, at = task.message, self._all.clock()
        reason = f"{_OUTAGE}{receipt.reason}" if is_outage else receipt.reason
        events: list[Event] = [Failed(message=message.id, at=at, reason=reason, permanent=receipt.permanent)]
        is_over = receipt.permanent or self._is_spent(message, is_outage=is_outage)
        if not is_over:
            events.append(Scheduled(message=self._all.delivery.again(message, receipt, at), at=at))
        if not _is_idempotent(channel):
            self._pending += events
        elif not self._is_recorded(task, events):
            self._all.due.leave(message)
            self._all.note("uncertain")
            return
        self._all.note("failed" if is_over else "retried", spoken(receipt.reason, address=message.to))

    def _is_spent(self, message: Message, *, is_outage: bool) -> bool:
        """Say whether a message was refused for now as often as it may be; where the channel was down, it was not."""
        attempts = self._all.delivery.attempts
        if message.attempt + 1 < (max(attempts, _MOST) if is_outage else attempts):
            return False
        failures = self._all.store.entries(contacts=[message.contact], kinds=(Failed,))
        return is_outage or 1 + sum(_is_refusal(entry.event, message) for entry in failures) >= attempts

    def _is_recorded(self, task: Task, events: Sequence[Event]) -> bool:
        """Write that a message was refused, unless it may have been carried in another turn, before this one or since.

        Its id is what the channel knows it by, so that it is given again under no other: as another attempt it could
        arrive twice.
        """
        if task.turn:
            return False
        known = 0
        while entries := self._log_of(task.message):  # unless forgotten meanwhile
            last = max(entry.position for entry in entries)
            if last == known or any(_is_later(task, entry.event) for entry in entries):
                return False
            try:
                self._write(*events, expecting=_whose(task.message, last))
            except Conflict:
                known = last
            else:
                break
        return True

    def _channel(self, name: str) -> Channel | None:
        """Open a channel, once for this worker; None if it cannot be opened, or is down."""
        if not self._all.is_up(name):
            return None
        if name not in self._channels:
            try:
                channel: Any = self._all.delivery.channel(name)
                opened = self._entered(name, channel) if hasattr(channel, "__enter__") else channel
                self._channels[name] = _able(name, opened)
            except InvalidArgument:
                raise
            except Exception as problem:  # noqa: BLE001 -- whatever it is, nothing was sent
                _log(f"channel {name} cannot be opened", raised(problem), problem)
                self._close(name, raised(problem))
                return None
        return self._channels[name]

    def _entered(self, name: str, channel: Any) -> Any:
        """Enter a channel, to be left at the end; what it raises then, or hides, is not the end of others."""
        entered = ExitStack()
        opened = entered.enter_context(channel)

        def leave(*reason: Any) -> None:
            try:
                entered.__exit__(*reason)
            except Exception as problem:  # noqa: BLE001 -- what it carried is recorded
                if problem is reason[1]:
                    return
                _log(f"channel {name} cannot be left", raised(problem), problem)
                self._all.down.setdefault(name, raised(problem))

        self._opened.push(leave)
        return opened

    def _strike(self, name: str, told: str) -> None:
        """Open the channel anew for the next message, unless it was down several times in a row."""
        self._channels.pop(name, None)
        errors = self._all.strikes.setdefault(name, [])
        errors.append(told)
        if len(errors) >= _STRIKES:
            self._close(name, told)

    def _close(self, name: str, told: str) -> None:
        """Do without a channel for the rest of this dispatch."""
        self._channels.pop(name, None)
        self._all.down[name] = told


def check_clock(clock: Any) -> Clock:
    """Return a clock, or refuse what is none, such as an instant."""
    if not callable(clock):
        raise refusal("clock", "a callable that gives the present, with a time zone", clock)
    found: Clock = clock
    return found


def _in_utc(clock: Clock) -> Clock:
    """Give a clock in UTC: where clocks are put forward, an hour after is two of a zone's own hours."""

    def now() -> datetime:
        found = clock()
        instant("clock()", found)
        return found.astimezone(UTC)

    return now


def _check(*, clock: Any, limit: Any, progress: Any, stop: Any) -> None:
    check_clock(clock)
    if limit is not None:
        count("limit", limit)
    if progress is not None and not callable(progress):
        raise refusal("progress", "a callable that is told how many are done", progress)
    if stop is not None and not isinstance(stop, threading.Event):
        raise refusal("stop", "a threading.Event", stop)


def _ends(task: Task, event: Event) -> bool:
    """Say whether an event ends what was to be done: somebody took the message in this turn, or it has an outcome."""
    if isinstance(event, Sending):
        return (event.message, event.turn) == (task.message.id, task.turn)
    return isinstance(event, Sent | Failed | Withheld | Settled) and event.message == task.message.id


def _is_later(task: Task, event: Event) -> bool:
    """Say whether an event is the intent of a later turn, or an outcome that somebody else has written."""
    if isinstance(event, Sending):
        return event.message == task.message.id and event.turn > task.turn
    return _ends(task, event)


def _is_refusal(event: Event, message: Message) -> bool:
    """Say whether an event is a refusal of a message, or of an earlier attempt of it."""
    if not isinstance(event, Failed) or event.reason.startswith(_OUTAGE):
        return False
    return event.message.rpartition("/")[0] == message.id.rpartition("/")[0]


def _is_idempotent(channel: Channel) -> bool:
    return bool(getattr(channel, "idempotent", False))


def _whose(message: Message, position: int) -> Mapping[str | int, int]:
    """Say up to where one knows what has happened to a person, and at an address."""
    return {message.contact: position} | ({message.destination: position} if message.destination else {})


def _able(name: str, opened: Any) -> Channel:
    """Return a channel that is open, or refuse what has come of it."""
    if not callable(getattr(opened, "send", None)):
        raise refusal(f"channel {name!r}", "something with a method send, also once it is entered or made", opened)
    channel: Channel = opened
    return channel


def _end(policy: Policy, at: datetime) -> End:
    """Ask the cadence when it is too late for what was adopted; that depends on nobody."""
    nobody = Contacts.of(())
    people = People(contacts=nobody, history=History(nobody, Touches.of(())), survey=policy.survey)
    found = policy.cadence.readiness(people, instant("at", at))
    return End(closes=found.closes, within=found.within, over=found.over)


def _made_anew(channel: Any) -> Any:
    """Make another channel with the same options: what is open is one worker's, and a plain copy would share it."""
    return attrs.evolve(channel) if attrs.has(type(channel)) else copy.copy(channel)


def _log(what: str, told: str, problem: Exception) -> None:
    """Log where something was raised; a traceback would tell it with the addresses in it."""
    where = "" if isinstance(problem, Uncertain) else f"\n{where_raised(problem)}"
    _LOG.error("%s: %s%s", what, told, where)


def _checked(receipt: Any, message: Message) -> Receipt:
    if isinstance(receipt, Receipt) and receipt.message == message.id:
        return receipt
    raise refusal(f"what channel {message.channel!r} returns", f"a Receipt for {message.id}", receipt)
