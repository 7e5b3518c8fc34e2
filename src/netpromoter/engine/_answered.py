"""The rule by which nobody is written to about a poll that takes no first ballot of theirs."""

from __future__ import annotations

from contextlib import suppress
from typing import ClassVar

import attrs
import numpy as np

from netpromoter.errors import PollClosed
from netpromoter.model import NEVER, Message, Poll
from netpromoter.plugins import BallotBox
from netpromoter.rules import FOREVER, Cadence, Holds, People, Policy

from ._vetoes import Later, Never, Verdict

__all__ = ["Answered", "poll_id", "settled"]


def poll_id(survey: str, occasion: str) -> str:
    """Give the id of a poll, which does not depend on its roster."""
    return Poll(survey=survey, occasion=occasion, roster={"anybody": {}}).id


@attrs.frozen(kw_only=True)
class Answered:
    """Whoever has cast a ballot gets no further message of the wave, and whoever is not in the poll gets none.

    The ballot box is asked each time, since the ledger is told nothing of ballots.

    Parameters
    ----------
    ballots : BallotBox
        Where they are cast.
    survey : str
        The key of the survey.
    cadence : Wave or Waves
        Which poll it is at an instant.
    """

    every_message: ClassVar[bool] = True

    ballots: BallotBox
    survey: str
    cadence: Cadence

    def __call__(self, people: People, at: np.datetime64) -> Holds:
        """Hold for good who has cast a ballot or is not in the poll, and everybody while there is no open poll."""
        return self.asked(at)(people, at)

    def asked(self, at: np.datetime64) -> _Asked:
        """Ask the box about the poll of an instant, and judge by that from then on."""
        occasion = self.cadence.seed(at)
        cast, poll = self._cast(occasion), poll_id(self.survey, occasion)
        if cast is not None:
            with suppress(PollClosed):  # between the two calls
                return _Asked(listed=self.ballots.listed(poll), cast=cast, reason=f"not in the poll of {occasion}")
        return _Asked(reason=f"the poll of {occasion} is {self._status(occasion)}")

    def last_look(self, message: Message) -> Verdict:
        """Judge a message that is about to be taken.

        One of somebody who has cast a ballot since it was adopted is left where it is until the poll is closed, and
        then withheld as all others are: the ledger would give a time to what has none. That they are in the poll was
        looked at when it was adopted; nobody leaves a poll who is not forgotten by the ledger as well.
        """
        cast = self._cast(message.occasion)
        if cast is not None:
            return Later() if message.contact in cast else None
        status = self._status(message.occasion)
        return Never(f"the poll of {message.occasion} is closed") if status == "closed" else Later()

    def _cast(self, occasion: str) -> frozenset[str] | None:
        """Name those who have cast a ballot; None if the poll is not open."""
        poll = poll_id(self.survey, occasion)
        if self.ballots.status(poll) == "open":
            with suppress(PollClosed):  # between the two calls
                return self.ballots.participated(poll)
        return None

    def _status(self, occasion: str) -> str:
        return "not launched" if self.ballots.status(poll_id(self.survey, occasion)) is None else "closed"


@attrs.frozen(kw_only=True)
class _Asked:
    """Who may cast a ballot and who has, as a rule; nobody may where no poll is open."""

    every_message: ClassVar[bool] = True

    listed: frozenset[str] = frozenset()
    cast: frozenset[str] = frozenset()
    reason: str

    def __call__(self, people: People, _: np.datetime64, /) -> Holds:
        """Hold for good who has cast a ballot, and by the reason whoever may not."""
        ids, free = people.contacts.ids, self.listed - self.cast
        until = np.full(len(people), FOREVER)
        until[[each in free for each in ids]] = NEVER
        has_cast = np.array([each in self.cast for each in ids], np.intp)
        return Holds(until=until, reasons=(self.reason, "answered"), codes=has_cast)


def settled(policy: Policy, at: np.datetime64) -> Policy:
    """Ask ballot boxes now, once for all, and not while the ledger is locked, for which others would wait."""
    rules = (each.asked(at) if isinstance(each, Answered) else each for each in policy.rules)
    return attrs.evolve(policy, rules=tuple(rules))
