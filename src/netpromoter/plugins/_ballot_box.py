"""The port of ballot boxes: what is promised to those who answer without a name, in sentences that are checked."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from netpromoter.model import Ballot, Poll, PollStatus, Protect, Release, Turnout

__all__ = ["BallotBox"]


@runtime_checkable
class BallotBox(Protocol):
    """Where people answer who must not be known by their answers: ballots go in, and what is safe to show comes out.

    1. `open_poll` fixes the roster, the tables and the minima of a poll. Opening it again with the same is nothing;
       with any other it raises `netpromoter.errors.InvalidArgument`, also after the poll was closed, so that no minimum
       is ever lowered. `status` says where a poll stands, and None of one that was never opened.
    2. `cast` takes a ballot of somebody in the roster, durably before it returns, and raises
       `netpromoter.errors.InvalidArgument` for anybody else and for a poll that was never opened.
    3. Each first ballot gives another token that nobody can guess. With it alone a ballot is revised, by who has cast
       one: without it `cast` raises `netpromoter.errors.Conflict`, with a wrong one `netpromoter.errors.InvalidToken`.
       A revision takes the place of the ballot, counts where that did, and gives the same token.
    4. `listed` names the roster, `participated` those of it who have cast a ballot, and `turnout` counts ballots, by
       every group of every declared table. None of them depends on what was cast, or in which order.
    5. There is no other way to a ballot: a box has the methods of this port alone, is not iterable, and its `repr`
       tells nothing of polls, people or ballots.
    6. Until a poll is closed `release` raises `netpromoter.errors.InvalidArgument`.
    7. `close_poll` first refuses all further ballots, for good: `cast`, `listed`, `participated` and `turnout` raise
       `netpromoter.errors.PollClosed`, also while `protect` works and after it raised. What was interrupted is finished
       by closing again.
    8. `protect` is given the ballots of each cell, exactly, and with them those who were invited and cast none.
    9. What `protect` gives is refused with `netpromoter.errors.InvalidArgument` unless it has every group of every
       declared table once and true to the ballots, shows no group of fewer ballots than the minimum, and, if it shows
       everybody, withholds as many ballots of each table as that, or none.
    10. Comments are released without ratings, and only if as many ballots were cast as their minimum; they name their
        group only if as many were cast in it, and as many or none in all the groups that are not named.
    11. A release depends on nothing but the ballots of each cell and what `protect` shows: not on who cast which, not
        on the order of the roster or of the ballots.
    12. Once a poll is closed, `release` gives the same always, and so does closing again, without asking `protect`. The
        roster, the ballots and the tokens are gone.
    13. `forget` takes somebody out of the rosters of all polls that are not closed, and says of how many. A ballot that
        they have cast still counts, since nobody can tell which it is, and how many were invited stays as it was.
    14. Several threads may use one box, and several processes may open what one URL names: of two first ballots of one
        person, one is taken.
    15. After `close`, everything raises `netpromoter.errors.StoreClosed`, but closing again does nothing.

    The attacker that a box withstands has one copy of what it keeps, made after a poll was closed. They know the
    roster, who took part, and when everybody was written to. They were not there while the poll was open.
    """

    def open_poll(self, poll: Poll, /) -> None:
        """Open a poll, with its roster and its promises."""
        ...

    def status(self, poll: str, /) -> PollStatus | None:
        """Say where a poll stands; None if it was never opened."""
        ...

    def cast(self, poll: str, participant: str, ballot: Ballot, /, *, token: str | None = None) -> str:
        """Take a ballot, and give the token with which alone it can be revised."""
        ...

    def listed(self, poll: str, /) -> frozenset[str]:
        """Name those who may cast a ballot."""
        ...

    def participated(self, poll: str, /) -> frozenset[str]:
        """Name those who have cast a ballot."""
        ...

    def turnout(self, poll: str, /) -> tuple[Turnout, ...]:
        """Count those who have cast a ballot, by group."""
        ...

    def close_poll(self, poll: str, protect: Protect, /) -> Release:
        """Close a poll for good, release what `protect` shows, and keep nothing else."""
        ...

    def release(self, poll: str, /) -> Release:
        """Give what was released of a poll that is closed."""
        ...

    def forget(self, participant: str, /) -> int:
        """Take somebody out of the rosters; what they have cast stays."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
