"""What is known of a poll: while it is open how many take part, and once it is closed the scores that may be shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import attrs

from netpromoter._checks import between, refusal, texts
from netpromoter._html import bar, escape, table
from netpromoter.frames import Library, frame
from netpromoter.model import Release, ReleasedComment, ReleasedGroup, Table, Turnout
from netpromoter.stats import Method, Score, compare

__all__ = ["RESERVED", "GroupScore", "GroupTurnout", "PollScores", "PollTurnout"]

_RESULTS = {
    "invited": int,
    "n": int,
    "response_rate": float,
    "nps": float,
    "low": float,
    "high": float,
    "promoters": int,
    "passives": int,
    "detractors": int,
}
_TURNOUT = {"invited": int, "participants": int, "response_rate": float}
_CHANGES = {"nps_before": float, "nps": float, "change": float, "low": float, "high": float, "p_value": float}

#: Names of columns in rows, which no attribute of a table may have.
RESERVED = tuple(dict.fromkeys([*_RESULTS, *_TURNOUT, *_CHANGES]))


@attrs.frozen(kw_only=True)
class GroupTurnout:
    """How many of a group have taken part so far, or the name of one of which that is not told.

    Parameters
    ----------
    table : tuple of str
        The attributes by which groups are told apart.
    labels : tuple of str
        What the group is called, by attribute; nothing for everybody.
    invited : int
        How many people belong to it.
    participants : int or None
        How many have cast a ballot; None where withheld.

    Examples
    --------
    >>> GroupTurnout(table=("team",), labels=("Sales",), invited=12, participants=9).response_rate
    0.75
    """

    table: Table
    labels: Table
    invited: int
    participants: int | None

    @property
    def response_rate(self) -> float | None:
        """The share of the invited who have cast a ballot, from 0 to 1; None where withheld."""
        return None if self.participants is None else self.participants / self.invited


@attrs.frozen(kw_only=True, repr=False)
class PollTurnout:
    """Who takes part in a poll that is open, by group.

    Parameters
    ----------
    poll : str
        The id of the poll.
    groups : tuple of GroupTurnout
        Every group of every declared table, everybody first.

    Examples
    --------
    >>> sales, legal = (Turnout(table=("team",), labels=(name,), invited=n, participants=n - 2)
    ...                 for name, n in [("Sales", 12), ("Legal", 8)])
    >>> everybody = Turnout(table=(), labels=(), invited=23, participants=17)
    >>> board = Turnout(table=("team",), labels=("Board",), invited=3, participants=1)
    >>> turnout = PollTurnout.of("culture/autumn", [everybody, sales, legal, board], smallest_group=5)
    >>> turnout
    PollTurnout(culture/autumn: 17 of 23, 73.9%)
    >>> [(row["team"], row["participants"]) for row in turnout.rows()]
    [(None, 17), ('Sales', 10), ('Legal', None), ('Board', None)]
    """

    poll: str
    groups: tuple[GroupTurnout, ...]

    @classmethod
    def of(cls, poll: str, counted: Iterable[Turnout], *, smallest_group: int) -> PollTurnout:
        """Withhold what is told of fewer people than the smallest group.

        In each table as many people are withheld as that, or none, so that no small group is what is missing to all.
        """
        groups = list(counted)
        tables = dict.fromkeys(each.table for each in groups)
        told = {each for table in tables for each in _told(table, groups, smallest_group)}
        return cls(poll=poll, groups=tuple(_group(each, is_told=each in told) for each in groups))

    def __repr__(self) -> str:
        everybody = self.groups[0]
        part = "" if everybody.participants is None else f"{everybody.participants:,} of "
        return f"PollTurnout({self.poll}: {part}{everybody.invited:,}{_percent(everybody.response_rate, before=', ')})"

    def _repr_html_(self) -> str:
        head = ["group", "invited", "participants", "response rate"]
        return table(head, map(_turnout_cells, self.groups), caption=escape(self.poll))

    def rows(self) -> list[dict[str, Any]]:
        """Give a dict for each group.

        Returns
        -------
        list of dict
            Its labels by attribute, None for all; then ``invited``, ``participants`` and ``response_rate``, from 0 to
            1, the last two None where withheld.
        """
        blank = _blank(self.groups)
        return [_labeled(blank, each) | {name: getattr(each, name) for name in _TURNOUT} for each in self.groups]

    def to_frame(self, library: Library) -> Any:
        """Give the rows as a dataframe of "pandas", "polars" or "pyarrow"."""
        return _framed(self.rows(), _blank(self.groups), _TURNOUT, library)


def _told(table: Table, groups: Iterable[Turnout], smallest: int) -> list[Turnout]:
    """Give the groups of a table of which it is told how many took part."""
    of_table = sorted((each for each in groups if each.table == table), key=lambda each: (each.invited, each.labels))
    told = [each for each in of_table if each.invited >= smallest]
    rest = sum(each.invited for each in of_table[: len(of_table) - len(told)])
    while told and 0 < rest < smallest:
        rest += told.pop(0).invited
    return told


def _group(counted: Turnout, *, is_told: bool) -> GroupTurnout:
    return GroupTurnout(
        table=counted.table,
        labels=counted.labels,
        invited=counted.invited,
        participants=counted.participants if is_told else None,
    )


def _turnout_cells(group: GroupTurnout) -> Iterator[str]:
    yield from (_name_html(group), f"{group.invited:,}")
    yield "withheld" if group.participants is None else f"{group.participants:,}"
    yield _percent(group.response_rate)


@attrs.frozen(kw_only=True)
class GroupScore:
    """The score of a group in a poll, or the name of one that is withheld.

    Parameters
    ----------
    table : tuple of str
        The attributes by which answers are told apart.
    labels : tuple of str
        What the group is called, by attribute; nothing for everybody.
    invited : int
        How many people belong to it.
    score : Score or None
        Of those who answered, as a sample of a population of as many as were invited. None where withheld.

    Examples
    --------
    >>> GroupScore(table=("team",), labels=("Legal",), invited=3, score=None).response_rate is None
    True
    """

    table: Table
    labels: Table
    invited: int
    score: Score | None

    @classmethod
    def of(cls, group: ReleasedGroup) -> GroupScore:
        """Score a group that was released."""
        found = group.histogram
        score = None if found is None else Score.from_histogram(found, population=group.invited)
        return cls(table=group.table, labels=group.labels, invited=group.invited, score=score)

    @property
    def n(self) -> int | None:
        """How many answered; None where withheld."""
        return None if self.score is None else self.score.n

    @property
    def response_rate(self) -> float | None:
        """The share of the invited who answered, from 0 to 1; None where withheld."""
        return None if self.score is None else self.score.n / self.invited


@attrs.frozen(kw_only=True, repr=False)
class PollScores:
    """The scores of a poll that was closed: of all groups that can be shown without giving away a small one.

    Parameters
    ----------
    poll : str
        The id of the poll.
    minimum, comments_minimum : int
        What was fixed at the launch: how many answers a group must have for its score, and for its comments.
    groups : tuple of GroupScore
        Every group of every declared table, everybody first.
    comments : tuple of ReleasedComment
        What people wrote, without their ratings.

    Examples
    --------
    >>> everybody = GroupScore(table=(), labels=(), invited=10, score=Score.from_histogram({9: 6, 3: 2}, population=10))
    >>> legal = GroupScore(table=("team",), labels=("Legal",), invited=3, score=None)
    >>> scores = PollScores(
    ...     poll="culture/autumn", minimum=5, comments_minimum=10, groups=(everybody, legal), comments=()
    ... )
    >>> scores
    PollScores(culture/autumn: NPS +50.0 (95% CI +20.0 to +60.0; n = 8 of 10); 1 of 2 groups shown, 0 comments)
    >>> scores.group(("team",), ("Legal",)).score is None
    True
    """

    poll: str
    minimum: int
    comments_minimum: int
    groups: tuple[GroupScore, ...]
    comments: tuple[ReleasedComment, ...]

    @classmethod
    def of(cls, release: Release) -> PollScores:
        """Score all groups of a release."""
        return cls(
            poll=release.poll,
            minimum=release.minimum,
            comments_minimum=release.comments_minimum,
            groups=tuple(map(GroupScore.of, release.groups)),
            comments=release.comments,
        )

    def __repr__(self) -> str:
        score = "everybody withheld" if self.overall is None else repr(self.overall)
        shown, comments = f"{len(self.shown):,} of {len(self.groups):,} groups shown", len(self.comments)
        return f"PollScores({self.poll}: {score}; {shown}, {comments:,} comment{'s' * (comments != 1)})"

    def _repr_html_(self) -> str:
        head = ["group", "invited", "n", "response rate", "NPS", "95% CI", ""]
        caption = f"{escape(self.poll)}: groups of {self.minimum} answers and more"
        return table(head, [_cells(each) for each in self.groups], caption=caption)

    @property
    def overall(self) -> Score | None:
        """The score of everybody; None if too few answered."""
        return self.group().score

    @property
    def shown(self) -> tuple[GroupScore, ...]:
        """The groups that have a score."""
        return tuple(each for each in self.groups if each.score is not None)

    @property
    def withheld(self) -> tuple[GroupScore, ...]:
        """The groups that are named without one: too small, or such that a small one could be computed from them."""
        return tuple(each for each in self.groups if each.score is None)

    def group(self, table: Table = (), labels: Table = ()) -> GroupScore:
        """Give one group, by the attributes of its table and its labels.

        Raises
        ------
        InvalidArgument
            If there is none, or what is to name it are not several texts.
        """
        wanted = tuple(texts("table", table)), tuple(texts("labels", labels))
        for each in self.groups:
            if (each.table, each.labels) == wanted:
                return each
        raise refusal("table and labels", "those of a group of the poll", (table, labels))

    def rows(self, *, confidence_level: float = 0.95, method: Method = "score") -> list[dict[str, Any]]:
        """Give a dict for each group.

        Parameters
        ----------
        confidence_level : float, default 0.95
            Strictly between 0 and 1, for each group by itself.
        method : str, default "score"
            Any name of `netpromoter.stats.intervals`.

        Returns
        -------
        list of dict
            Its labels by attribute, None for all; then ``invited``, ``n``, ``response_rate`` (from 0 to 1), ``nps``,
            ``low``, ``high`` (in points), ``promoters``, ``passives`` and ``detractors``. All of these are None where
            the group is withheld.
        """
        blank = _blank(self.groups)
        return [_labeled(blank, each) | _results(each, confidence_level, method) for each in self.groups]

    def to_frame(self, library: Library, *, confidence_level: float = 0.95, method: Method = "score") -> Any:
        """Give the rows as a dataframe of "pandas", "polars" or "pyarrow"; the rest as for `rows`."""
        rows = self.rows(confidence_level=confidence_level, method=method)
        return _framed(rows, _blank(self.groups), _RESULTS, library)

    def changes(self, earlier: PollScores, *, confidence_level: float = 0.95) -> list[dict[str, Any]]:
        """Compare each group with the group of the same name in an earlier poll.

        The two polls are taken as samples of what people might have answered, of whom the company is one draw: a score
        of everybody has no sampling error, but the next poll of the same mood would not give the same number. Who
        answered twice is not known, so that nothing is gained from their answers going together; the interval is wider
        than one of pairs would be.

        Parameters
        ----------
        earlier : PollScores
            Of a poll that was closed before.
        confidence_level : float, default 0.95
            Strictly between 0 and 1, for each group by itself: of twenty groups in which nothing has changed, one is
            expected to look as if it had.

        Returns
        -------
        list of dict
            Its labels by attribute, None for all; then ``nps_before``, ``nps``, ``change``, ``low``, ``high`` (in
            points) and ``p_value``, as of `netpromoter.compare`. A score is None where it is withheld, and
            ``nps_before`` where there was no such group; then the rest is None too.

        Examples
        --------
        >>> spring, autumn = (
        ...     PollScores(poll=f"culture/{name}", minimum=5, comments_minimum=10, comments=(), groups=(
        ...         GroupScore(table=(), labels=(), invited=40, score=Score.from_histogram(counts, population=40)),
        ...     ))
        ...     for name, counts in [("spring", {9: 10, 3: 20}), ("autumn", {9: 25, 3: 10})]
        ... )
        >>> [(row["nps_before"], row["nps"], row["change"]) for row in autumn.changes(spring)]
        [(-33.333333333333336, 42.857142857142854, 76.19047619047619)]
        """
        if not isinstance(earlier, PollScores):
            raise refusal("earlier", "the PollScores of a poll", earlier)
        before = {(each.table, each.labels): each.score for each in earlier.groups}
        blank = _blank(self.groups)
        return [
            _labeled(blank, each) | _changed(before.get((each.table, each.labels)), each.score, confidence_level)
            for each in self.groups
        ]


def _results(group: GroupScore, confidence_level: float, method: Method) -> dict[str, Any]:
    if group.score is None:
        return dict.fromkeys(_RESULTS)
    score = group.score
    limits = score.interval(confidence_level=confidence_level, method=method)
    counts = score.promoters, score.passives, score.detractors
    values = (group.invited, score.n, group.response_rate, score.value, *limits, *counts)
    return dict(zip(_RESULTS, values, strict=True))


def _changed(before: Score | None, after: Score | None, confidence_level: float) -> dict[str, Any]:
    between("confidence_level", confidence_level, 0, 1)
    found: dict[str, Any] = dict.fromkeys(_CHANGES)
    found |= {name: each.value for name, each in (("nps_before", before), ("nps", after)) if each is not None}
    if before is not None and after is not None:
        difference = compare(before, after)
        low, high = difference.interval(confidence_level=confidence_level)
        found |= {"change": difference.value, "low": low, "high": high, "p_value": difference.test().p_value}
    return found


def _cells(group: GroupScore) -> Iterator[str]:
    yield _name_html(group)
    if group.score is None:
        yield from ("", "", "", "withheld", "", "")
        return
    score = group.score
    low, high = score.interval()
    yield from (f"{group.invited:,}", f"{score.n:,}", _percent(group.response_rate), f"<b>{score.value:+z.1f}</b>")
    yield "census" if score.census else f"{low:+z.1f} to {high:+z.1f}"
    yield bar(score.promoters, score.passives, score.detractors)


def _blank(groups: Iterable[GroupTurnout | GroupScore]) -> dict[str, Any]:
    return dict.fromkeys(name for each in groups for name in each.table)


def _labeled(blank: dict[str, Any], group: GroupTurnout | GroupScore) -> dict[str, Any]:
    return blank | dict(zip(group.table, group.labels, strict=True))


def _name_html(group: GroupTurnout | GroupScore) -> str:
    return escape(", ".join(_cut(each) for each in group.labels) or "everybody")


def _cut(label: str, limit: int = 60) -> str:
    return label if len(label) <= limit else f"{label[: limit - 1]}…"


def _percent(share: float | None, *, before: str = "") -> str:
    return "" if share is None else f"{before}{share:.1%}"


def _framed(rows: Sequence[dict[str, Any]], blank: dict[str, Any], types: dict[str, type], library: Library) -> Any:
    kinds = dict.fromkeys(blank, str) | types
    return frame({name: [row[name] for row in rows] for name in kinds}, kinds, library)
