"""A poll among people who are promised anonymity: what is fixed at its launch, what is cast, and what is released."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Literal, TypeAlias

import attrs
from attrs.validators import optional

from netpromoter._checks import count, refusal
from netpromoter.ratings import Histogram

from ._fields import hidden, settled, text
from ._ids import joined
from ._response import rating_given

__all__ = [
    "Ballot",
    "Poll",
    "PollStatus",
    "Protect",
    "Release",
    "ReleasedComment",
    "ReleasedGroup",
    "Table",
    "Tally",
    "Turnout",
]

#: Attributes by which answers are told apart; none for all answers together. Also the labels of one group.
Table: TypeAlias = "tuple[str, ...]"
#: Where a poll stands: it takes ballots; it takes none, and is not yet counted and cleared; it is.
PollStatus: TypeAlias = Literal["open", "closing", "closed"]

#: Of two people, each knows what the other said.
_LEAST = 3


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _tables(name: str, value: Any) -> tuple[Table, ...]:
    """Settle tables, with the one of everybody before all others."""
    rule = "a tuple of tuples of different attributes"
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise refusal(name, rule, value)
    found = [() if each == () else _table(f"each of {name}", each) for each in value]
    if len({frozenset(each) for each in found}) < len(found):
        raise refusal(name, "different from each other, whatever the order of their attributes", value)
    return ((), *(each for each in found if each))


def _table(name: str, value: Any) -> Table:
    is_table = isinstance(value, tuple | list) and all(map(_is_text, value)) and len(set(value)) == len(value)
    if not is_table:
        raise refusal(name, 'a tuple of different attributes, such as ("team", "site")', value)
    return tuple(value)


def _roster(name: str, value: Any) -> dict[str, dict[str, str]]:
    if not isinstance(value, Mapping) or not value:
        raise refusal(name, "a mapping of at least one participant to groups", value)
    return {_participant(name, each): _groups(f"{name}[{each!r}]", groups) for each, groups in value.items()}


def _participant(name: str, value: Any) -> str:
    if _is_text(value):
        return str(value)
    raise refusal(f"each key of {name}", "text that is not blank", value)


def _groups(name: str, value: Any) -> dict[str, str]:
    if isinstance(value, Mapping) and all(map(_is_text, (*value, *value.values()))):
        return dict(value)
    raise refusal(name, "a mapping of attributes to labels, none of them blank", value)


@attrs.frozen(kw_only=True)
class Poll:
    """What is promised to those who take part, and fixed when a poll is opened.

    Parameters
    ----------
    survey, occasion : str
        The key of the survey, and the name of the wave.
    roster : mapping of str to mapping of str to str
        Who may take part, and the groups of each: a label for every attribute. It is a snapshot; nobody joins, leaves
        or changes groups later. Never shown.
    tables : tuple of tuple of str, default ((),)
        By which attributes the scores will be released: ``("team",)``, or ``("team", "site")`` for both together. The
        table of everybody, ``()``, is always the first.
    comments_by : str, optional
        The attribute by which comments will be told apart; None if they are released together.
    minimum : int, default 5
        How many ballots a group must have for its score to be shown; 3 at least.
    comments_minimum : int, default 10
        How many for its comments; not fewer than `minimum`.

    Raises
    ------
    InvalidArgument
        If a field breaks its rule.

    Examples
    --------
    >>> poll = Poll(survey="enps", occasion="2026/autumn", roster={"ann": {"team": "sales"}}, tables=[("team",)])
    >>> poll.id, poll.tables, poll.attributes
    ('enps/2026%2Fautumn', ((), ('team',)), ('team',))
    """

    survey: str = attrs.field(validator=text)
    occasion: str = attrs.field(validator=text)
    tables: tuple[Table, ...] = attrs.field(default=((),), validator=settled(_tables))
    comments_by: str | None = attrs.field(default=None, validator=optional(text))
    minimum: int = attrs.field(default=5, validator=settled(partial(count, least=_LEAST)))
    comments_minimum: int = attrs.field(default=10, validator=settled(count))
    roster: Mapping[str, Mapping[str, str]] = attrs.field(validator=settled(_roster), repr=False, hash=False)

    def __attrs_post_init__(self) -> None:
        if self.comments_minimum < self.minimum:
            raise refusal("comments_minimum", f"{self.minimum} at least, as minimum is", self.comments_minimum)
        asked = self.attributes
        for participant, groups in self.roster.items():
            if not groups.keys() >= set(asked):
                lacking = next(each for each in asked if each not in groups)
                raise refusal(f"roster[{participant!r}]", f"groups with a label for {lacking!r}", groups)

    @property
    def id(self) -> str:
        """The id of the poll: survey and occasion."""
        return joined(self.survey, self.occasion)

    @property
    def attributes(self) -> Table:
        """All attributes by which anything is told apart, each once."""
        told = [] if self.comments_by is None else [self.comments_by]
        return tuple(dict.fromkeys([each for table in self.tables for each in table] + told))

    def cell(self, participant: str) -> Table:
        """Give the labels of somebody, one for each of `attributes`."""
        groups = self.roster[participant]
        return tuple(groups[each] for each in self.attributes)


@attrs.frozen(kw_only=True)
class Ballot:
    """What somebody casts. Nothing of it is ever shown.

    Parameters
    ----------
    rating : int
        From 0 to 10; text is read as in `netpromoter.ratings.parse`.
    comment : str, optional
        What the person wrote; None if nothing.

    Raises
    ------
    InvalidArgument
        If the comment is no text, or blank.
    InvalidRating
        If the rating is not a whole number from 0 to 10.

    Examples
    --------
    >>> Ballot(rating=9, comment="Everybody helps.")
    Ballot()
    """

    rating: int = attrs.field(converter=rating_given, repr=False)
    comment: str | None = attrs.field(default=None, validator=optional(hidden), repr=False)


@attrs.frozen(kw_only=True)
class Turnout:
    """How many of a group have cast a ballot, while the poll is open.

    Parameters
    ----------
    table : tuple of str
        The attributes.
    labels : tuple of str
        The group: a label for each.
    invited : int
        How many of the roster belong to it.
    participants : int
        How many have cast a ballot.

    Examples
    --------
    >>> Turnout(table=("team",), labels=("sales",), invited=12, participants=9).share
    0.75
    """

    table: Table
    labels: Table
    invited: int
    participants: int

    @property
    def share(self) -> float:
        """The share of the invited who have cast a ballot, from 0 to 1."""
        return self.participants / self.invited


@attrs.frozen(kw_only=True)
class Tally:
    """What was counted when a poll was closed: given to what protects it, and kept nowhere.

    Parameters
    ----------
    poll : str
        The id of the poll.
    minimum : int
        How many ballots a group must have to be shown.
    tables : tuple of tuple of str
        What will be released.
    attributes : tuple of str
        All attributes of the poll.
    cells : tuple of tuple of str
        The finest groups: a label for each attribute, in the order of the alphabet. Those without ballots are there.
    histograms : tuple of Histogram
        The ballots of each cell; those who were invited and cast none are its missing ones. Never shown.

    Examples
    --------
    >>> tally = Tally(
    ...     poll="enps/autumn",
    ...     minimum=5,
    ...     tables=((), ("team",)),
    ...     attributes=("team",),
    ...     cells=(("sales",), ("support",)),
    ...     histograms=(Histogram(counts={9: 6}, missing=1), Histogram(counts={3: 2})),
    ... )
    >>> tally
    Tally(poll='enps/autumn', minimum=5, tables=((), ('team',)))
    >>> tally.columns, tally.n
    ({'team': ('sales', 'support')}, (6, 2))
    >>> tally.by(())[()].n
    8
    """

    poll: str
    minimum: int
    tables: tuple[Table, ...]
    attributes: Table = attrs.field(repr=False)
    cells: tuple[Table, ...] = attrs.field(repr=False)
    histograms: tuple[Histogram, ...] = attrs.field(repr=False)

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """The labels of the cells, by attribute."""
        return {name: tuple(cell[place] for cell in self.cells) for place, name in enumerate(self.attributes)}

    @property
    def n(self) -> tuple[int, ...]:
        """How many ballots each cell has."""
        return tuple(each.n for each in self.histograms)

    def by(self, table: Table) -> dict[Table, Histogram]:
        """Give the histogram of each group of a table, by its labels."""
        places = [self.attributes.index(name) for name in table]
        found: dict[Table, Histogram] = {}
        for cell, histogram in zip(self.cells, self.histograms, strict=True):
            labels = tuple(cell[place] for place in places)
            found[labels] = found[labels] + histogram if labels in found else histogram
        return found


def _parts(group: ReleasedGroup) -> tuple[Table, ...]:
    return (group.labels,)


@attrs.frozen(kw_only=True)
class ReleasedGroup:
    """A group whose answers are shown, or one that is named as withheld.

    Parameters
    ----------
    table : tuple of str
        The attributes.
    labels : tuple of str
        What the group is called: a label for each.
    parts : tuple of tuple of str, default (labels,)
        The groups of which it consists, where several were merged.
    invited : int
        How many of the roster belong to it.
    histogram : Histogram or None
        Its answers, the invited who gave none as missing; None where withheld.

    Examples
    --------
    >>> ReleasedGroup(table=("team",), labels=("support",), invited=3, histogram=None).n is None
    True
    """

    table: Table
    labels: Table
    parts: tuple[Table, ...] = attrs.field(default=attrs.Factory(_parts, takes_self=True))
    invited: int
    histogram: Histogram | None

    @property
    def n(self) -> int | None:
        """How many ballots; None where withheld."""
        return None if self.histogram is None else self.histogram.n


@attrs.frozen(kw_only=True, order=False)
class ReleasedComment:
    """What somebody wrote, without their rating.

    Parameters
    ----------
    text : str
        The comment.
    group : str or None
        The label of the group that it came from; None where that is not told.
    """

    text: str = attrs.field(repr=False)
    group: str | None = None


@attrs.frozen(kw_only=True)
class Release:
    """All that remains of a poll.

    Parameters
    ----------
    poll : str
        The id of the poll.
    minimum, comments_minimum : int
        What was promised at the launch.
    groups : tuple of ReleasedGroup
        Every group of every declared table.
    comments : tuple of ReleasedComment
        In the order of the alphabet, since any other could tell something.

    Examples
    --------
    >>> everybody = ReleasedGroup(table=(), labels=(), invited=8, histogram=Histogram(counts={9: 6}, missing=2))
    >>> release = Release(poll="enps/autumn", minimum=5, comments_minimum=10, groups=(everybody,), comments=())
    >>> release.group().n
    6
    """

    poll: str
    minimum: int
    comments_minimum: int
    groups: tuple[ReleasedGroup, ...]
    comments: tuple[ReleasedComment, ...]

    def group(self, table: Table = (), labels: Table = ()) -> ReleasedGroup:
        """Give one group of a table, by what it is called."""
        for group in self.groups:
            if (group.table, group.labels) == (tuple(table), tuple(labels)):
                return group
        raise refusal("table and labels", "those of a group of the release", (table, labels))


#: What decides which groups are shown: it is given what was counted, once, and gives every group of every table.
Protect: TypeAlias = Callable[[Tally], Iterable[ReleasedGroup]]
