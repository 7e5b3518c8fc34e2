"""The messages that are due, in the order in which one dispatcher takes them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import blake2b

import attrs

from netpromoter.model import Message
from netpromoter.plugins import Store

from ._desk import Dry

__all__ = ["Due", "Task", "drawn"]

_BATCH = 200
#: Of how many messages that were fetched one must have been tried before it is worth it to fetch anew.
_WORTH = 50


@attrs.frozen(kw_only=True)
class Task:
    """A message to send, with the position at which it was adopted, and how often it was taken before."""

    message: Message
    position: int
    turn: int = 0


class Due:
    """What is due of one survey: each message once, what has been due the longest first.

    Where other dispatchers are at work, that order would be theirs too, and each message would be tried by all, by all
    but one in vain. So whoever finds that another was faster goes on in an order of its own.

    Parameters
    ----------
    store : Store
        Where messages wait.
    survey : str
        The key of the survey.
    clock : callable
        Gives the present instant.
    may_repeat : callable
        Whether a channel may be given a message again.
    """

    def __init__(
        self, store: Store, survey: str, *, clock: Callable[[], datetime], may_repeat: Callable[[str], bool]
    ) -> None:
        self._store, self._survey, self._clock, self._may_repeat = store, survey, clock, may_repeat
        self._queue: deque[Task] = deque()
        self._given: set[str] = set()
        self._lost: set[str] = set()
        self._fetched = self._tried = 0
        self._last_won = ""
        self._is_behind = self._is_mixed = False

    def next(self) -> Task:
        """Give the next message; raises `Dry` if there is none."""
        if self._is_behind:
            self._look_elsewhere()
        if not self._queue:
            self._fetch()
        if not self._queue:
            raise Dry
        self._tried += 1
        return self._queue.popleft()

    def taken(self, message: Message) -> None:
        """Forget a message that the store will not offer again; any worker may say so."""
        self._given.discard(message.id)
        self._last_won = message.id

    def lost(self, message: Message) -> bool:
        """Forget a message that somebody else has taken; False if it was lost before, and so is given no more."""
        self._is_behind = True
        is_first = message.id not in self._lost
        if is_first:
            self._lost.add(message.id)
            self._given.discard(message.id)
        return is_first

    def leave(self, message: Message) -> None:
        """Give a message no more, although it may be due again before the end."""
        self._given.add(message.id)

    def _look_elsewhere(self) -> None:
        """Fetch what is left, unless that is more work than to try in vain, and mix it.

        The order is that of a hash with what this dispatcher took last, which no other took. It is the same for all
        messages to one person, so that these stay in their order.
        """
        self._is_behind = False
        if _WORTH * self._tried >= self._fetched:
            self._given.difference_update(task.message.id for task in self._queue)
            self._queue.clear()
            self._fetch()
        if self._last_won and not self._is_mixed:
            salt = self._last_won.encode("utf-8", "surrogatepass")[-64:]
            self._queue = deque(sorted(self._queue, key=lambda task: drawn(task.message.contact, salt)))
            self._is_mixed = True

    def _fetch(self) -> None:
        """Fetch what is due and new to this dispatch, and what an idempotent channel may be given again."""
        now = self._clock()
        self._tried = self._fetched = 0
        self._is_mixed = False
        fresh = self._fresh(now) or list(self._again(now))
        self._given.update(task.message.id for task in fresh)
        self._queue.extend(fresh)

    def _fresh(self, now: datetime) -> list[Task]:
        """Fetch messages of this survey; those that have to wait stand before the others, and are passed over."""
        limit, waiting = 2 * len(self._given) + _BATCH, None
        fresh: list[Task] = []
        while not fresh and (waiting is None or len(waiting) == limit // 2):
            waiting = self._store.waiting(now, limit=limit)
            self._fetched += len(waiting)
            mine = {place: each for place, each in waiting.items() if self._is_new(each)}
            fresh = [Task(message=each, position=place) for place, each in mine.items()]
            limit *= 2
        return fresh

    def _again(self, now: datetime) -> Iterator[Task]:
        for claim in self._store.claims():
            message, intent = claim.message, claim.intent
            if intent.until <= now and self._is_new(message) and self._may_repeat(message.channel):
                yield Task(message=message, position=0, turn=intent.turn + 1)

    def _is_new(self, message: Message) -> bool:
        return message.survey == self._survey and message.id not in self._given


def drawn(text: str, key: bytes = b"") -> int:
    """Draw a whole number below 2^56."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=7, key=key).digest(), "big")
