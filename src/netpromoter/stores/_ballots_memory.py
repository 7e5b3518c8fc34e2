"""A ballot box in memory: the one to try things with, and the one by which others are measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import RLock

import attrs

from netpromoter._checks import check_contact
from netpromoter.errors import StoreClosed
from netpromoter.model import Ballot, Poll, PollStatus, Protect, Release, ReleasedGroup, Table, Tally, Turnout

from ._ballots import (
    RandomBytes,
    Terms,
    check_ballot,
    check_closed,
    check_found,
    check_listed,
    check_open,
    check_poll,
    check_random_bytes,
    check_roster,
    check_unused,
    checked,
    fresh_token,
    known,
    released,
    revises,
    tally,
    terms,
    token_key,
    turnout,
)

__all__ = ["MemoryBallotBox"]


@attrs.define(kw_only=True)
class _Held:
    """What is kept of one poll; a ballot lies under the hash of its token, with its cell."""

    terms: Terms
    roster: dict[str, int] = attrs.field(factory=dict)
    status: PollStatus = "open"
    cast: set[str] = attrs.field(factory=set)
    ballots: dict[str, tuple[int, Ballot]] = attrs.field(factory=dict)
    release: Release | None = None

    def tally(self) -> Tally:
        """Count the ballots."""
        return tally(self.terms, Counter((cell, ballot.rating) for cell, ballot in self.ballots.values()))


class MemoryBallotBox:
    """A ballot box that lives as long as the program: for tests, rehearsals and first steps.

    It keeps every sentence of `netpromoter.plugins.BallotBox`, in the plainest way; durable is what is in memory.

    Parameters
    ----------
    random_bytes : callable
        What gives as many random bytes as it is asked for, such as ``secrets.token_bytes``. Tokens are made of them.

    Examples
    --------
    >>> from secrets import token_bytes
    >>> roster = {f"c-{number}": {"team": "sales" if number < 8 else "support"} for number in range(11)}
    >>> box = MemoryBallotBox(random_bytes=token_bytes)
    >>> box.open_poll(Poll(survey="enps", occasion="autumn", roster=roster))
    >>> token = box.cast("enps/autumn", "c-1", Ballot(rating=6))
    >>> box.cast("enps/autumn", "c-1", Ballot(rating=9), token=token) == token
    True
    >>> sorted(box.participated("enps/autumn"))
    ['c-1']
    """

    def __init__(self, *, random_bytes: RandomBytes) -> None:
        self._random_bytes = check_random_bytes(random_bytes)
        self._lock = RLock()
        self._is_open = True
        self._polls: dict[str, _Held] = {}

    def __repr__(self) -> str:
        return "MemoryBallotBox()"

    def open_poll(self, poll: Poll, /) -> None:
        """Open a poll, with its roster and its promises."""
        given, roster = terms(check_poll(poll))
        with self._opened():
            held = self._polls.setdefault(poll.id, _Held(terms=given, roster=roster))
            held.terms.check(given)
            if held.status == "open":
                check_roster(_cells(held.terms, held.roster), _cells(given, roster))

    def status(self, poll: str, /) -> PollStatus | None:
        """Say where a poll stands; None if it was never opened."""
        with self._opened():
            held = self._polls.get(poll)
            return None if held is None else held.status

    def cast(self, poll: str, participant: str, ballot: Ballot, /, *, token: str | None = None) -> str:
        """Take a ballot, and give the token with which alone it can be revised."""
        check_ballot(ballot)
        with self._while_open(poll) as held:
            check_listed(participant, is_listed=participant in held.roster)
            if revises(token, has_cast=participant in held.cast):
                return _revise(held, token, ballot)
            return _add(held, fresh_token(self._random_bytes), participant, ballot)

    def listed(self, poll: str, /) -> frozenset[str]:
        """Name those who may cast a ballot."""
        with self._while_open(poll) as held:
            return frozenset(held.roster)

    def participated(self, poll: str, /) -> frozenset[str]:
        """Name those who have cast a ballot."""
        with self._while_open(poll) as held:
            return frozenset(held.cast)

    def turnout(self, poll: str, /) -> tuple[Turnout, ...]:
        """Count those who have cast a ballot, by group."""
        with self._while_open(poll) as held:
            return turnout(held.terms, Counter(cell for cell, _ in held.ballots.values()))

    def close_poll(self, poll: str, protect: Protect, /) -> Release:
        """Close a poll for good, release what `protect` shows, and keep nothing else."""
        counted = self._begin_closing(poll)
        if counted is not None:
            self._empty(poll, counted, checked(counted, protect(counted)))
        return self.release(poll)

    def _begin_closing(self, poll: str) -> Tally | None:
        """Take no more ballots, and count those that were cast; None if that was done."""
        with self._held(poll) as held:
            if held.status == "closed":
                return None
            held.status = "closing"
            return held.tally()

    def _empty(self, poll: str, counted: Tally, groups: tuple[ReleasedGroup, ...]) -> None:
        with self._held(poll) as held:
            if held.status == "closing":
                comments = [(cell, each.comment) for cell, each in held.ballots.values() if each.comment]
                release = released(held.terms, counted, groups, comments)
                self._polls[poll] = _Held(terms=held.terms.emptied(), status="closed", release=release)

    def release(self, poll: str, /) -> Release:
        """Give what was released of a poll that is closed."""
        with self._held(poll) as held:
            check_closed(held.status)
            release: Release = known(poll, held.release)
            return release

    def forget(self, participant: str, /) -> int:
        """Take somebody out of the rosters; what they have cast stays, since nobody can tell which ballot it is."""
        check_contact(participant)
        with self._opened():
            found = [held for held in self._polls.values() if participant in held.roster]
            for held in found:
                del held.roster[participant]
                held.cast.discard(participant)
            return len(found)

    def close(self) -> None:
        """Let go of everything."""
        with self._lock:
            self._is_open = False

    @contextmanager
    def _opened(self) -> Iterator[None]:
        with self._lock:
            if not self._is_open:
                raise StoreClosed("the ballot box was closed")
            yield

    @contextmanager
    def _held(self, poll: str) -> Iterator[_Held]:
        with self._opened():
            yield known(poll, self._polls.get(poll))

    @contextmanager
    def _while_open(self, poll: str) -> Iterator[_Held]:
        with self._held(poll) as held:
            check_open(held.status)
            yield held


def _cells(terms: Terms, roster: Mapping[str, int]) -> dict[str, Table]:
    return {participant: terms.cells[cell] for participant, cell in roster.items()}


def _add(held: _Held, token: str, participant: str, ballot: Ballot) -> str:
    key = token_key(token)
    check_unused(is_used=key in held.ballots)
    held.ballots[key] = held.roster[participant], ballot
    held.cast.add(participant)
    return token


def _revise(held: _Held, token: str, ballot: Ballot) -> str:
    """Put another ballot in the place of one, in the cell of the first."""
    key = token_key(token)
    check_found(is_found=key in held.ballots)
    held.ballots[key] = held.ballots[key][0], ballot
    return token
