"""How many messages a channel is given in a span of time, evenly."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import attrs

from netpromoter._checks import count, refusal
from netpromoter.model import span

__all__ = ["Pace", "Rate", "check_rates", "paces"]

_RATES = "a mapping of channels to a Rate"
_NONE, _MICROSECOND = timedelta(0), timedelta(microseconds=1)


@attrs.frozen
class Rate:
    """At most so many messages within any span of a given length.

    They leave evenly, one after each equal part of the span: a burst is what servers refuse. All programs and channels
    that are given the same object keep to it together; two objects are two rates, although they are equal.

    Parameters
    ----------
    messages : int
        How many, at least 1.
    per : timedelta
        The length of the span, which may begin at any instant.

    Examples
    --------
    >>> Rate(14, per=timedelta(seconds=1)).gap
    datetime.timedelta(microseconds=71429)
    """

    messages: int
    per: timedelta = attrs.field(kw_only=True)
    _paces: tuple[Pace, Pace] = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        count("messages", self.messages, least=1)
        span("per", self.per, least=_MICROSECOND)
        object.__setattr__(self, "_paces", (Pace(self.gap), Pace(self.gap)))

    @property
    def gap(self) -> timedelta:
        """How long after one message the next may leave, rounded up to a microsecond."""
        return -(-self.per // self.messages)


def paces(rate: Rate) -> tuple[Pace, Pace]:
    """Give what keeps messages to a rate: one where their turn comes, the other where they leave."""
    return rate._paces  # noqa: SLF001 -- a rate shows nothing of them


def check_rates(value: Any) -> Mapping[str, Rate]:
    """Take a mapping of channels to rates."""
    if not isinstance(value, Mapping):
        raise refusal("rates", _RATES, value)
    for rate in value.values():
        if not isinstance(rate, Rate):
            raise refusal("rates", _RATES, rate)
    return value


class Pace:
    """Keeps the workers of a process to the gap of a rate, one after the other; a copy has not begun.

    What has passed is read off the given clock. One that stands still or is set back has not passed anything, so that
    the whole gap is waited for.
    """

    def __init__(self, gap: timedelta) -> None:
        self._gap = gap
        self._last: datetime | None = None
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[Pace], tuple[timedelta]]:
        return Pace, (self._gap,)

    def turn(self, clock: Callable[[], datetime], wait: Callable[[float], bool]) -> bool:
        """Wait for the next turn; False if `wait`, which waits for so many seconds, was told to stop."""
        with self._lock:
            now, last = clock(), self._last
            left = _NONE if last is None else self._gap - min(max(now - last, _NONE), self._gap)
            if left and wait(left / timedelta(seconds=1)):
                return False
            self._last = max(now + left, clock())
            return True
