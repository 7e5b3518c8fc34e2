"""The people whom a rule judges, and what has happened to them."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs
import numpy as np

from netpromoter._checks import count, one_of
from netpromoter.model import Contacts, Instants, Survey

from ._history import History

__all__ = ["CLOCKS", "SCOPES", "Clock", "People", "Scope"]

Clock: TypeAlias = Literal["invited", "messaged", "shown", "answered", "declined", "opted_out", "bounced"]
Scope: TypeAlias = Literal["any", "survey", "kind"]

#: What starts each clock: an invitation is the first message of an occasion, and "messaged" counts every one. What came
#: back has reached nobody and starts none, and the repeat of an invitation invites.
CLOCKS: dict[Clock, tuple[str, ...]] = {
    "invited": ("invited",),
    "messaged": ("invited", "reminded"),
    "shown": ("shown",),
    "answered": ("answered",),
    "declined": ("declined",),
    "opted_out": ("opted_out",),
    "bounced": ("bounced",),
}
#: Of which surveys a clock takes notice: any, the one that is planned, or those of its kind.
SCOPES: tuple[Scope, ...] = ("any", "survey", "kind")


@attrs.frozen(kw_only=True, eq=False)
class People:
    """Everybody whom a plan may consider, with their clocks, as a rule sees them.

    Parameters
    ----------
    contacts : Contacts
        Of n people.
    history : History
        What has happened to them; a message that is scheduled counts from the instant at which it is to leave, unless a
        bounce says that it has come back.
    survey : Survey
        The survey that is planned.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from netpromoter.model import Contact, Declined, Touches
    >>> contacts = Contacts.of([Contact(id="c-1"), Contact(id="c-2")])
    >>> when = datetime(2026, 6, 1, 8, tzinfo=UTC)
    >>> log = Touches.of([Declined(survey="shop", occasion="spring", contact="c-2", at=when)])
    >>> people = People(contacts=contacts, history=History(contacts, log), survey=Survey("shop"))
    >>> people.last("declined")
    array([                       'NaT', '2026-06-01T08:00:00.000000'],
          dtype='datetime64[us]')
    """

    contacts: Contacts
    history: History
    survey: Survey

    def __len__(self) -> int:
        """Return how many people there are."""
        return len(self.contacts)

    def last(self, clock: Clock, *, scope: Scope = "any") -> Instants:
        """Return when a clock of each person was last started.

        Parameters
        ----------
        clock : str
            A name of `CLOCKS`.
        scope : {"any", "survey", "kind"}
            Whether every survey starts it, this one alone, or those of its kind. Opting out and bouncing belong to no
            survey, so that they are known to "any" alone.

        Returns
        -------
        array of datetime64[us], shape (n,)
            In UTC; NaT for never, which is before nothing and after nothing. A person who shares a destination with
            somebody reads the later of both clocks.

        Raises
        ------
        InvalidArgument
            If there is no such clock or scope.
        """
        kinds = CLOCKS[one_of("clock", clock, CLOCKS)]
        return self.history.last(kinds, self.surveys(scope))

    def nth_last(self, n: int, clock: Clock, *, scope: Scope = "any", after: np.datetime64 | None = None) -> Instants:
        """Return when a clock of each person was started for the n-th time from the end.

        Parameters
        ----------
        n : int
            1 for the last time, 2 for the one before.
        clock, scope : str
            As in `last`; opting out, which holds at several destinations at once, has no number.
        after : datetime64, optional
            From when on it matters, which is quicker: what was before may be left out of the count.

        Returns
        -------
        array of datetime64[us], shape (n,)
            In UTC; NaT where it was started fewer than n times.

        Raises
        ------
        InvalidArgument
            If n is not a whole number of at least 1, or if there is no such clock or scope.
        """
        kinds = CLOCKS[one_of("clock", clock, [each for each in CLOCKS if each != "opted_out"])]
        since = {} if after is None else {"after": after}
        return self.history.nth_last(count("n", n, least=1), kinds, self.surveys(scope), **since)

    def surveys(self, scope: Scope) -> tuple[int, ...] | None:
        """Return the codes, in the history, of the surveys in a scope; None for all."""
        if one_of("scope", scope, SCOPES) == "any":
            return None
        which = {"key": self.survey.key} if scope == "survey" else {"kind": self.survey.kind}
        return self.history.codes(**which)
