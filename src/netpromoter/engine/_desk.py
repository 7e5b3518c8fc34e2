"""The desk of a dispatch: one thread that does what needs the processor, for all workers that carry messages.

Workers wait for what carries their messages; to put a message into words, and to write to a log, is work. Of threads
that share an interpreter one works at a time, and each change from one to another costs. So one thread works for all:
while they wait it prepares messages, as many as there are workers, and what they have to write by then goes into one
commit, since a durable append waits for the disk whether it holds one event or many.

References
----------
DeWitt, D. J. and others (1984). Implementation techniques for main memory database systems. *SIGMOD*, 1-8, section 5.2
(group commit).
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from queue import SimpleQueue
from typing import Generic, TypeVar

import attrs

from netpromoter.errors import Conflict
from netpromoter.model import Event
from netpromoter.plugins import Store

__all__ = ["Desk", "Dry"]

T = TypeVar("T")


class Dry(Exception):
    """There is nothing to prepare at present."""


@attrs.define(eq=False)
class _Request:
    """What a worker waits for, and the error that it gets in its place."""

    error: BaseException | None = None
    is_done: bool = False
    _turn: threading.Lock = attrs.field(factory=threading.Lock, init=False)

    def __attrs_post_init__(self) -> None:
        self._turn.acquire()

    def done(self, error: BaseException | None = None) -> None:
        """Let the worker go on."""
        self.error, self.is_done = error, True
        self._turn.release()

    def wait(self) -> None:
        """Wait until it is done; raises the error."""
        self._turn.acquire()
        if self.error is not None:
            raise self.error


@attrs.define(eq=False)
class _Ask(_Request, Generic[T]):
    """A worker asks for the next message."""

    found: T | None = None


@attrs.define(eq=False, kw_only=True)
class _Append(_Request):
    """A worker has something to write."""

    events: Sequence[Event]
    expecting: Mapping[str | int, int]
    new: set[str] = attrs.field(factory=set)


class Desk(Generic[T]):
    """Prepares messages and appends to a store, for some workers.

    It starts them, and ends when the last of them has. None of this is done in the thread of whoever opens it, which an
    interrupt may strike anywhere, and of whose threads Python then believes that they have ended.

    Parameters
    ----------
    store : Store
        What is written to.
    prepare : callable
        Gives the next message, or None if that one is not to be sent; raises `Dry` if there is none.
    workers : mapping of str to callable
        What each worker does, in a thread of this name. So many messages are prepared before somebody asks for them.
    stop : threading.Event
        Is set where a worker cannot be started.
    """

    def __init__(
        self,
        store: Store,
        prepare: Callable[[], T | None],
        *,
        workers: Mapping[str, Callable[[Desk[T]], object]],
        stop: threading.Event,
    ) -> None:
        self._store, self._prepare, self._workers, self._stop = store, prepare, workers, stop
        self._requests: SimpleQueue[_Ask[T] | _Append | None] = SimpleQueue()
        self._asks: deque[_Ask[T]] = deque()
        self._appends: list[_Append] = []
        self._ready: deque[T] = deque()
        self._problem: BaseException | None = None
        self._is_dry = True
        self._is_passing_over = False
        self._present = 0
        self._turn = threading.Lock()  # whoever has it is the desk
        self._ended = threading.Event()
        #: Why not all workers were started.
        self.failure: BaseException | None = None

    def open(self) -> None:
        """Begin, unless it has begun or ended; what cannot begin has ended. Who is not sure may open it again."""
        if self._ended.is_set():
            return
        try:
            threading.Thread(target=self._run, name="netpromoter-desk").start()
        except BaseException:
            if self._turn.acquire(blocking=False):
                self._ended.set()
            raise

    def wait(self, seconds: float) -> bool:
        """Wait until it has ended, but not longer; say whether it has."""
        return self._ended.wait(seconds)

    # -- what workers call ---------------------------------------------------------------------------------------------

    def next(self) -> T | None:
        """Give the next message, None if there is none; raises what preparing it has raised."""
        try:
            return self._ready.popleft()
        except IndexError:
            ask: _Ask[T] = _Ask()
            self._requests.put(ask)
            ask.wait()
            return ask.found

    def append(self, events: Sequence[Event], expecting: Mapping[str | int, int] | None = None) -> set[str]:
        """Write events, all or none, and give the ids of those that were new; raises what the store raises."""
        request = _Append(events=events, expecting=expecting or {})
        self._requests.put(request)
        request.wait()
        return request.new

    # -- the thread ----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        if not self._turn.acquire(blocking=False):
            return
        try:
            self._begin()
            while self._receive():
                self._do_next()
        except BaseException as problem:  # noqa: BLE001 -- whoever waits for the end, or for an answer, is told
            self._give_up(problem)
        finally:
            self._ended.set()

    def _do_next(self) -> None:
        if self._asks and self._is_served(self._asks[0]):
            self._asks.popleft()
        elif self._appends and self._is_time_to_write:
            requests, self._appends = self._appends, []
            self._write(requests)
        else:
            self._fill()

    def _give_up(self, problem: BaseException) -> None:
        """Refuse whatever workers ask for, until the last of them has ended."""
        self.failure = problem
        self._stop.set()
        for held in (*self._asks, *self._appends):
            if not held.is_done:
                held.done(problem)
        while self._present:
            request = self._requests.get()
            if request is None:
                self._present -= 1
            else:
                request.done(problem)

    def _begin(self) -> None:
        for name, work in self._workers.items():
            try:
                threading.Thread(target=self._carry, name=name, args=(work,)).start()
            except BaseException as problem:  # noqa: BLE001 -- whoever waits for the end is told
                self.failure = problem
                self._stop.set()
                return
            self._present += 1

    def _carry(self, work: Callable[[Desk[T]], object]) -> None:
        try:
            work(self)
        finally:
            self._requests.put(None)

    def _receive(self) -> bool:
        """Take what workers have asked for, and wait where there is nothing to do; False when all have ended."""
        is_idle = not (self._asks or self._appends or self._is_short)
        while self._present and (is_idle or not self._requests.empty()):
            request = self._requests.get()
            is_idle = False
            if request is None:
                self._present -= 1
            elif isinstance(request, _Append):
                self._appends.append(request)
            else:
                self._asks.append(request)
                self._is_dry = self._problem is not None
        return self._present > 0

    @property
    def _is_short(self) -> bool:
        return not self._is_dry and len(self._ready) < len(self._workers)

    @property
    def _is_time_to_write(self) -> bool:
        """Whether nothing better is to be done meanwhile, nor anybody else to be expected."""
        return not self._is_short or self._is_passing_over or len(self._appends) >= len(self._workers)

    def _is_served(self, ask: _Ask[T]) -> bool:
        """Hand over a message, or what went wrong, or nothing; False if that is not known yet."""
        try:
            ask.found = self._ready.popleft()  # unless a worker was faster
        except IndexError:
            if not self._is_dry:
                return False
            problem, self._problem = self._problem, None
            ask.done(problem)
        else:
            ask.done()
        return True

    def _fill(self) -> None:
        """Prepare one message; what goes wrong is told to the first who asks when nothing is left."""
        found = None
        try:
            found = self._prepare()
        except Dry:
            self._is_dry = True
        except BaseException as problem:  # noqa: BLE001 -- a worker raises it
            self._problem, self._is_dry = problem, True
        if found is not None:
            self._ready.append(found)
        self._is_passing_over = found is None

    def _write(self, requests: Sequence[_Append]) -> None:
        """Write together what several workers have brought, or one after the other where that is not possible."""
        expected = [who for request in requests for who in request.expecting]
        together = len(requests) > 1 and len(set(expected)) == len(expected)
        try:
            if not together or not self._written(requests):
                for request in requests:
                    self._write_alone(request)
        except BaseException as error:  # noqa: BLE001 -- each worker raises it for itself
            for request in requests:
                if not request.is_done:
                    request.done(error)

    def _written(self, requests: Iterable[_Append]) -> bool:
        """Write several requests in one append; if any of them is in conflict, none is written."""
        events = [event for request in requests for event in request.events]
        expecting = {who: at for request in requests for who, at in request.expecting.items()}
        try:
            new = {event.id for event in self._store.append(events, expecting=expecting)}
        except Conflict:
            return False
        for request in requests:
            request.new = {event.id for event in request.events} & new
            request.done()
        return True

    def _write_alone(self, request: _Append) -> None:
        try:
            request.new = {event.id for event in self._store.append(request.events, expecting=request.expecting)}
        except Exception as error:  # noqa: BLE001 -- the worker raises it for itself
            request.done(error)
        else:
            request.done()
