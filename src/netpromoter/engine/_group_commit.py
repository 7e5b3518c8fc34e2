"""One commit for all that the workers of a process have to write at a time.

A durable append waits for the disk, whether it holds one event or many. So a worker that finds another one writing puts
its events beside those of the others that wait, and the next to write takes them all along.

References
----------
DeWitt, D. J. and others (1984). Implementation techniques for main memory database systems. *SIGMOD*, 1-8, section 5.2
(group commit).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence

import attrs

from netpromoter.errors import Conflict
from netpromoter.model import Event
from netpromoter.plugins import Store

__all__ = ["GroupCommit"]


@attrs.define(eq=False)
class _Request:
    """What one worker has to write, and what became of it."""

    events: Sequence[Event]
    expecting: Mapping[str | int, int]
    new: set[str] = attrs.field(factory=set)
    error: BaseException | None = None
    is_done: bool = False
    #: Held until another worker has written it, or leaves the writing to this one.
    turn: threading.Lock = attrs.field(factory=threading.Lock)


class GroupCommit:
    """Appends to a store, together with whoever else appends at the time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._requests: list[_Request] = []
        self._is_writing = False

    def append(self, events: Sequence[Event], expecting: Mapping[str | int, int] | None = None) -> set[str]:
        """Write events, all or none, and give the ids of those that were new; raises what the store raises."""
        request = _Request(events, expecting or {})
        request.turn.acquire()
        with self._lock:
            self._requests.append(request)
            is_first, self._is_writing = not self._is_writing, True
        if not is_first:
            request.turn.acquire()
        if not request.is_done:
            self._write_all()
        if request.error is not None:
            raise request.error
        return request.new

    def _write_all(self) -> None:
        """Write what waits, and leave what has come meanwhile to the first of those who brought it."""
        with self._lock:
            requests, self._requests = self._requests, []
        try:
            self._write(requests)
        except BaseException as error:  # noqa: BLE001 -- each worker raises it for itself
            for request in requests:
                if not request.is_done:
                    request.error, request.is_done = error, True
        with self._lock:
            following = self._requests[:1]
            self._is_writing = bool(following)
        for request in following + requests:
            request.turn.release()

    def _write(self, requests: Sequence[_Request]) -> None:
        expected = [who for request in requests for who in request.expecting]
        together = len(requests) > 1 and len(set(expected)) == len(expected)
        if not together or not self._written(requests):
            for request in requests:
                self._write_alone(request)

    def _written(self, requests: Iterable[_Request]) -> bool:
        """Write several requests in one append; if any of them is in conflict, none is written."""
        events = [event for request in requests for event in request.events]
        expecting = {who: at for request in requests for who, at in request.expecting.items()}
        try:
            new = {event.id for event in self._store.append(events, expecting=expecting)}
        except Conflict:
            return False
        for request in requests:
            request.new, request.is_done = {event.id for event in request.events} & new, True
        return True

    def _write_alone(self, request: _Request) -> None:
        try:
            new = self._store.append(request.events, expecting=request.expecting)
        except Exception as error:  # noqa: BLE001 -- the worker raises it for itself
            request.error = error
        else:
            request.new = {event.id for event in new}
        request.is_done = True
