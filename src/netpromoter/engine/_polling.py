"""Polls among employees: launched, cast and counted beside the ledger, which is told nothing of any answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import attrs
import numpy as np

from netpromoter._checks import count, line, printable, refusal
from netpromoter.errors import InvalidArgument
from netpromoter.model import (
    Ballot,
    Contacts,
    Message,
    Poll,
    PollStatus,
    ReleasedGroup,
    Scheduled,
    Survey,
    Table,
    Tally,
    Value,
    instant,
)
from netpromoter.plugins import BallotBox, Store
from netpromoter.rules import (
    Audience,
    Cadence,
    Census,
    Disclosure,
    Group,
    Wave,
    Waves,
    merged,
    released_groups,
    selection,
)

from ._answered import Answered, poll_id
from ._plan import AnyContacts, as_contacts
from ._poll_scores import RESERVED, PollScores, PollTurnout

__all__ = ["Polling", "protected"]

_UNKNOWN = "(not known)"


def _check_survey(_: object, __: object, survey: Survey) -> None:
    if survey.kind != "employee":
        raise refusal("survey", "of kind 'employee', for ballots to be cast", survey.kind)
    if survey.drivers:
        raise refusal("survey", "without drivers, for which a ballot has no room", survey.drivers)


def _check_box(_: object, __: object, ballots: Any) -> None:
    if isinstance(ballots, type) or not isinstance(ballots, BallotBox):
        raise refusal("ballots", "a BallotBox, for a survey of kind 'employee'", ballots)


def _check_cadence(_: object, __: object, cadence: Any) -> None:
    if not isinstance(cadence, Wave | Waves):
        raise refusal("cadence", "a Wave or Waves, for a survey of kind 'employee'", cadence)
    for sooner, later in pairwise(cadence.waves if isinstance(cadence, Waves) else ()):
        if sooner.end > later.beginning:
            raise refusal("closes", f"given, and not after {later.name!r} opens", sooner)


def _audiences(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, Sequence) else (value,)


def _check_audience(_: object, __: object, audience: Sequence[Any]) -> None:
    for each in audience:
        if not isinstance(each, Census):
            raise refusal("audience", "made of Census, for a survey of kind 'employee'", each)


def _check_smallest(_: object, __: object, smallest: Any) -> None:
    count("smallest_group", smallest, least=3)


@attrs.frozen(kw_only=True, repr=False, eq=False)
class Polling:
    """The polls of a survey of employees, one for each wave. `Program.poll` makes one.

    What somebody answers goes into a ballot box, and comes out as the score of a group that is large enough, once the
    poll is closed. Nothing of it is written to the ledger, and no plugin is told. `at` is any instant of the wave: it
    says which poll is meant, and is stored nowhere.

    Parameters
    ----------
    survey : Survey
        What is asked; of kind "employee".
    store : Store
        The ledger, which knows who was written to.
    ballots : BallotBox
        Where answers are cast.
    cadence : Wave or Waves
        Of several waves each must close before the next one opens.
    audience : sequence of Census
        Who belongs.
    smallest_group : int
        How many answers a group must have at least to be shown, as the messages promise.

    Examples
    --------
    >>> from datetime import UTC
    >>> from secrets import token_bytes
    >>> from netpromoter.model import Contact
    >>> from netpromoter.stores import MemoryBallotBox, MemoryStore
    >>> monday = datetime(2026, 10, 5, 8, tzinfo=UTC)
    >>> people = [Contact(id=f"e-{n}", attributes={"team": "Sales" if n < 8 else "Legal"}) for n in range(11)]
    >>> store = MemoryStore()
    >>> _ = store.append(
    ...     Scheduled(
    ...         message=Message(
    ...             survey="culture", kind="employee", occasion="autumn", contact=each.id, step=0, channel="email",
    ...             to="somebody@example.com", due=monday,
    ...         ),
    ...         at=monday,
    ...     )
    ...     for each in people
    ... )
    >>> polling = Polling(
    ...     survey=Survey("culture", kind="employee"), store=store, ballots=MemoryBallotBox(random_bytes=token_bytes),
    ...     cadence=Wave("autumn"), audience=[Census()], smallest_group=5,
    ... )
    >>> polling.launch(people, tables=[("team",)], at=monday)
    'culture/autumn'
    >>> tokens = [polling.cast(f"culture/autumn/e-{n}/0/0", 9 if n < 5 else 3) for n in range(10)]
    >>> polling.turnout(at=monday)
    PollTurnout(culture/autumn: 10 of 11, 90.9%)
    >>> polling.close(at=monday)
    PollScores(culture/autumn: NPS +0.0 (95% CI -9.1 to +9.1; n = 10 of 11; 1 missing); 1 of 3 groups shown, 0 comments)
    """

    survey: Survey = attrs.field(validator=_check_survey)
    store: Store
    ballots: BallotBox = attrs.field(validator=_check_box)
    cadence: Cadence = attrs.field(validator=_check_cadence)
    audience: Sequence[Audience] = attrs.field(converter=_audiences, validator=_check_audience)
    smallest_group: int = attrs.field(validator=_check_smallest)

    def __repr__(self) -> str:
        return f"Polling({self.survey.key})"

    @property
    def answered(self) -> Answered:
        """The rule that spares those who have cast a ballot."""
        return Answered(ballots=self.ballots, survey=self.survey.key, cadence=self.cadence)

    def status(self, *, at: datetime) -> PollStatus | None:
        """Say where the poll stands: "open", "closing" or "closed"; None before its launch."""
        return self.ballots.status(self._id(at))

    def _id(self, at: datetime) -> str:
        return poll_id(self.survey.key, self.cadence.seed(instant("at", at)))

    # -- while it is open ----------------------------------------------------------------------------------------------

    def launch(
        self,
        contacts: AnyContacts,
        *,
        at: datetime,
        tables: Sequence[Sequence[str]] = (),
        comments_by: str | None = None,
        minimum: int | None = None,
        comments_minimum: int = 10,
        merge: Mapping[str, str | None] | None = None,
    ) -> str:
        """Open the poll of the wave: who belongs, their groups and what will be shown are fixed from now on.

        Calling it again with the same does nothing. Anything else is refused, also another list of people, since those
        who join, leave or move do not change a poll; ask `status` before.

        Parameters
        ----------
        contacts : Contacts, iterable of Contact, dataframe or path
            Everybody, as for `Program.plan`. Those in the audience may take part.
        at : datetime
            An instant of the wave, aware.
        tables : sequence of sequence of str, default ()
            By which attributes scores will be told apart: ``[("team",), ("team", "site")]``. Everybody together is
            always shown, if enough have answered.
        comments_by : str, optional
            The attribute by which comments will be told apart; None if they are shown together.
        minimum : int, optional
            How many answers a group must have for its score to be shown; `smallest_group`, or more.
        comments_minimum : int, default 10
            How many for its comments.
        merge : mapping of str to str or None, optional
            The attributes of which small groups are joined, as "Marketing + Sales (merged)", each with the attribute
            within which that may happen: ``{"team": "division"}``; None for anywhere. Small is fewer people than twice
            the minimum, so that half of them may be silent; where no such group can be made, than the minimum.

        Returns
        -------
        str
            The id of the poll.

        Raises
        ------
        InvalidArgument
            If the poll is open already, with anything different; or if an argument breaks its rule.

        Notes
        -----
        Which groups are joined depends on how many people they have, and not on how many answered: that a group
        shows up as merged tells nothing about its answers.
        """
        roster = _Roster(contacts=self._belonging(contacts, at), least=self._least(minimum), merge=merge or {})
        asked = _tables(tables)
        attributes = dict.fromkeys(name for table in (*asked, (comments_by,)) for name in table if name is not None)
        poll = Poll(
            survey=self.survey.key,
            occasion=self.cadence.seed(instant("at", at)),
            roster=roster.of(tuple(attributes)),
            tables=asked,
            comments_by=comments_by,
            minimum=roster.least,
            comments_minimum=comments_minimum,
        )
        self.ballots.open_poll(poll)
        return poll.id

    def _least(self, minimum: int | None) -> int:
        least = self.smallest_group if minimum is None else count("minimum", minimum)
        if least < self.smallest_group:
            raise refusal(
                "minimum", f"{self.smallest_group} at least, the smallest_group that messages promise", minimum
            )
        return least

    def _belonging(self, contacts: AnyContacts, at: datetime) -> Contacts:
        """Give those in the audience, without those who were forgotten."""
        given = as_contacts(contacts)
        people = given.take(np.flatnonzero(selection(self.audience, given, self._id(at)).member))
        gone = self.store.forgotten(people.ids.tolist())
        people = people.take(np.flatnonzero([each not in gone for each in people.ids]))
        if not len(people):
            raise refusal("contacts", "at least one person of the audience", given)
        return people

    def cast(self, message: str, rating: int, comment: str | None = None, *, token: str | None = None) -> str:
        """Put somebody's ballot into the box.

        Parameters
        ----------
        message : str
            The id of a message to them; `Program.message` finds it by the token of a link. Whoever knows an id can cast
            by it, so that it is not for the outside world.
        rating : int
            From 0 to 10.
        comment : str, optional
            The reason; a blank one is none.
        token : str, optional
            What came back when they cast for the first time, to revise that. They alone have it.

        Returns
        -------
        str
            The token, for the respondent and for nobody else: keep it nowhere.

        Raises
        ------
        InvalidArgument
            If there is no such message of this survey, or its person was not there at the launch.
        InvalidRating
            If the rating is not one.
        Conflict
            If they have cast already, and there is no token.
        InvalidToken
            If it is not that of a ballot.
        PollClosed
            If the poll is closed.
        """
        asked = self._asked(message)
        ballot = Ballot(rating=rating, comment=_said(comment))
        return self.ballots.cast(poll_id(asked.survey, asked.occasion), asked.contact, ballot, token=token)

    def _asked(self, message: str) -> Message:
        entry = next(iter(self.store.entries(ids=[f"scheduled/{message}"])), None)
        if entry is None or not isinstance(entry.event, Scheduled) or entry.event.message.survey != self.survey.key:
            raise refusal("message", f"the id of a message of {self.survey.key!r} that was adopted", message)
        return entry.event.message

    def turnout(self, *, at: datetime) -> PollTurnout:
        """Count who has cast a ballot, by group; of fewer people than `smallest_group` it is not told.

        Raises
        ------
        InvalidArgument
            If the poll was not launched.
        PollClosed
            If it is closed: what is shown then is in `release`.
        """
        poll = self._id(at)
        return PollTurnout.of(poll, self.ballots.turnout(poll), smallest_group=self.smallest_group)

    # -- when it is closed ---------------------------------------------------------------------------------------------

    def close(self, *, at: datetime) -> PollScores:
        """Close the poll for good: count, release what may be shown, and forget everything else.

        What was interrupted is finished by closing again. Of a poll that is closed the same scores come back.

        Raises
        ------
        InvalidArgument
            If the poll was not launched; or if the answers of a small group could be computed from what would be
            released, which is a defect: then nothing is.
        """
        return PollScores.of(self.ballots.close_poll(self._id(at), protected))

    def release(self, *, at: datetime) -> PollScores:
        """Give the scores of the poll.

        Raises
        ------
        InvalidArgument
            If it is not closed.
        """
        return PollScores.of(self.ballots.release(self._id(at)))


def _said(comment: str | None) -> str | None:
    """Give a comment without what no database takes; None for a blank one."""
    if not isinstance(comment, str):
        return comment
    return printable(comment).strip() or None


# -- groups ------------------------------------------------------------------------------------------------------------


def _tables(value: Any) -> tuple[Table, ...]:
    """Settle tables; one attribute alone may stand for a table."""
    if _is_list(value) and all(isinstance(each, str) or _is_list(each) for each in value):
        tables = tuple((each,) if isinstance(each, str) else tuple(each) for each in value)
        if all(isinstance(name, str) for table in tables for name in table):
            return tables
    raise refusal("tables", 'a sequence of attributes, as [("team",), ("team", "site")]', value)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


@attrs.frozen(kw_only=True)
class _Roster:
    """Who belongs to which group."""

    contacts: Contacts
    least: int
    merge: Mapping[str, str | None]

    def of(self, attributes: Sequence[str]) -> dict[str, dict[str, str]]:
        """Give everybody a label for each attribute."""
        for name in self.merge:
            if name not in attributes:
                raise refusal("merge", f"of attributes by which something is told apart, {_listed(attributes)}", name)
        columns = {name: self._joined(name) for name in attributes}
        rows = zip(*columns.values(), strict=True) if columns else [()] * len(self.contacts)
        return {
            each: dict(zip(columns, row, strict=True))
            for each, row in zip(self.contacts.ids.tolist(), rows, strict=True)
        }

    def _joined(self, name: str) -> Sequence[str]:
        """Label everybody, small groups under one name."""
        if name in RESERVED:
            raise refusal("tables", f"without attributes of a name that results have, {_listed(RESERVED)}", name)
        labels: Sequence[str] = self._labels(name)
        if name not in self.merge:
            return labels
        within = self.merge[name]
        around = None if within is None else self._labels(within)
        for size in (2 * self.least, self.least):
            labels = merged(labels, minimum=size, within=around).labels
        return labels

    def _labels(self, name: str) -> list[str]:
        column = self.contacts.columns.get(name)
        if column is None:
            raise refusal("tables", f"of attributes of contacts, {_listed(self.contacts.columns)}", name)
        return [_label(column[place]) for place in range(len(column))]


def _label(value: Value) -> str:
    """Make one line of text of an attribute: the name of a group."""
    return _UNKNOWN if value is None else line(str(value)) or _UNKNOWN


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


# -- what is shown -----------------------------------------------------------------------------------------------------


def protected(tally: Tally) -> tuple[ReleasedGroup, ...]:
    """Choose the groups that are shown, and prove that nothing else can be computed from them.

    The proof does not rely on how they were chosen: it is given each table as it would be released.

    Parameters
    ----------
    tally : Tally
        What was counted.

    Returns
    -------
    tuple of ReleasedGroup
        All groups of all tables.

    Raises
    ------
    InvalidArgument
        If something can be computed. The message names a group, and no number.
    """
    groups = released_groups(tally)
    columns = {f"{table} as released": _places(tally, table, groups) for table in tally.tables}
    shown = [
        Group(name, place)
        for name, places in columns.items()
        for place in dict.fromkeys(places)
        if groups[int(place)].histogram is not None
    ]
    found = Disclosure(minimum=tally.minimum).audit(columns, shown, tuple(columns), counts=tally.n)
    if found:
        labels = next(
            (groups[int(each.group.labels[0])].labels for each in found if each.group), ("a part of a group",)
        )
        raise InvalidArgument(f"what is released must not give away a small group (got a way to {', '.join(labels)})")
    return groups


def _places(tally: Tally, table: Table, groups: Sequence[ReleasedGroup]) -> list[str]:
    """Say of each cell which of the groups it is released in, by table."""
    place_of = {part: str(place) for place, each in enumerate(groups) if each.table == table for part in each.parts}
    attributes = [tally.attributes.index(name) for name in table]
    return [place_of[tuple(cell[each] for each in attributes)] for cell in tally.cells]
