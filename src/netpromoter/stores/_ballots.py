"""What every ballot box does alike: keys, terms, counting, and what may be kept once a poll is closed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, TypeAlias, TypeGuard

import attrs

from netpromoter._checks import refusal
from netpromoter.errors import Conflict, InvalidArgument, InvalidToken, PollClosed
from netpromoter.model import (
    Ballot,
    Poll,
    PollStatus,
    Release,
    ReleasedComment,
    ReleasedGroup,
    Table,
    Tally,
    Turnout,
)
from netpromoter.ratings import Histogram

__all__ = [
    "RandomBytes",
    "Terms",
    "check_ballot",
    "check_closed",
    "check_found",
    "check_listed",
    "check_open",
    "check_poll",
    "check_random_bytes",
    "check_roster",
    "check_unused",
    "checked",
    "fresh_token",
    "known",
    "read_release",
    "release_text",
    "released",
    "revises",
    "tally",
    "terms",
    "token_key",
    "turnout",
]

RandomBytes: TypeAlias = Callable[[int], bytes]

#: No one guesses a token of so many bytes.
_TOKEN_SIZE = 16


@attrs.frozen(kw_only=True)
class Terms:
    """What a box keeps of a poll beside its roster. Of a poll that is closed it keeps no cells."""

    poll: str
    minimum: int
    comments_minimum: int
    tables: tuple[Table, ...]
    comments_by: str | None
    attributes: Table
    cells: tuple[Table, ...] = ()
    invited: tuple[int, ...] = ()

    def check(self, other: Terms) -> None:
        """Refuse other terms for the same poll."""
        for name in ("minimum", "comments_minimum", "tables", "comments_by"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine != theirs:
                raise refusal(name, f"{mine!r}, as it was when the poll was opened", theirs)

    def as_text(self) -> str:
        """Write them for a database."""
        return json.dumps(attrs.asdict(self))

    def emptied(self) -> Terms:
        """Give what is kept of them when the poll is closed."""
        return attrs.evolve(self, cells=(), invited=())

    @classmethod
    def of_text(cls, text: str) -> Terms:
        """Read them from a database."""
        return cls(**{name: _tuples(value) for name, value in json.loads(text).items()})


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


# -- opening -----------------------------------------------------------------------------------------------------------


def check_poll(poll: Any) -> Poll:
    """Return a poll if it is one."""
    if isinstance(poll, Poll):
        return poll
    raise refusal("poll", "a Poll", poll)


def terms(poll: Poll) -> tuple[Terms, dict[str, int]]:
    """Give the terms of a poll, and the cell of each participant."""
    cell_of = {each: poll.cell(each) for each in poll.roster}
    invited = Counter(cell_of.values())
    cells = sorted(invited)
    places = {cell: place for place, cell in enumerate(cells)}
    names = ("minimum", "comments_minimum", "tables", "comments_by", "attributes")
    kept = Terms(
        poll=poll.id,
        cells=tuple(cells),
        invited=tuple(invited[cell] for cell in cells),
        **{name: getattr(poll, name) for name in names},
    )
    return kept, {each: places[cell] for each, cell in cell_of.items()}


def check_roster(kept: Mapping[str, Table], given: Mapping[str, Table]) -> None:
    """Refuse another roster for a poll that is open."""
    differ = {each for each in kept.keys() | given.keys() if kept.get(each) != given.get(each)}
    if differ:
        rule = "the one with which the poll was opened, which never changes"
        raise refusal("roster", rule, f"another for {min(differ)!r}; {len(differ)} such in all")


# -- casting -----------------------------------------------------------------------------------------------------------


def known(poll: Any, kept: Any) -> Any:
    """Return what is kept of a poll, if anything is."""
    if kept is None:
        raise refusal("poll", "the id of a poll that was opened", poll)
    return kept


def check_ballot(ballot: Any) -> Ballot:
    """Return a ballot if it is one; what it is instead is not shown."""
    if isinstance(ballot, Ballot):
        return ballot
    raise refusal("ballot", "a Ballot", type(ballot))


def check_open(status: PollStatus) -> None:
    """Refuse what may be done only while ballots are taken."""
    if status != "open":
        raise PollClosed(f"the poll must be open (got one that is {status})")


def revises(token: str | None, *, has_cast: bool) -> TypeGuard[str]:
    """Say whether somebody revises a ballot, who may do so."""
    if token is None and has_cast:
        raise Conflict("who has cast a ballot can cast another only with the token that the first one gave")
    check_found(is_found=token is None or has_cast)
    return token is not None


def check_random_bytes(random_bytes: Any) -> RandomBytes:
    """Return a source of tokens if it can be called."""
    if not callable(random_bytes):
        raise refusal("random_bytes", "a function, such as secrets.token_bytes", random_bytes)
    found: RandomBytes = random_bytes
    return found


def fresh_token(random_bytes: RandomBytes) -> str:
    """Draw a token."""
    drawn: Any = random_bytes(_TOKEN_SIZE)
    if isinstance(drawn, bytes) and len(drawn) == _TOKEN_SIZE:
        return drawn.hex()
    raise refusal("random_bytes", f"a function that gives as many bytes as one asks for ({_TOKEN_SIZE})", type(drawn))


def check_unused(*, is_used: bool) -> None:
    """Refuse a source of tokens that repeats itself."""
    if is_used:
        raise refusal("random_bytes", "a function that gives other bytes each time", "bytes that it gave before")


def token_key(token: Any) -> str:
    """Give the key under which a ballot lies; it tells nothing of the token."""
    if isinstance(token, str):
        return sha256(token.encode(errors="surrogatepass")).hexdigest()
    raise InvalidToken("malformed")


def check_found(*, is_found: bool) -> None:
    """Refuse a token under which there is no ballot."""
    if not is_found:
        raise InvalidToken("unknown key")


def check_listed(participant: str, *, is_listed: bool) -> None:
    """Refuse somebody who is not in the roster."""
    if not is_listed:
        raise refusal("participant", "one of the roster", participant)


# -- counting ----------------------------------------------------------------------------------------------------------


def turnout(kept: Terms, cast: Mapping[int, int]) -> tuple[Turnout, ...]:
    """Count those who took part, by every group."""
    counted = tally(kept, {(cell, 0): times for cell, times in cast.items()})
    return tuple(
        Turnout(table=table, labels=labels, invited=_size(found), participants=found.n)
        for table in kept.tables
        for labels, found in counted.by(table).items()
    )


def _size(histogram: Histogram) -> int:
    return histogram.n + histogram.missing


def tally(kept: Terms, times: Mapping[tuple[int, int], int]) -> Tally:
    """Count ballots, given how many there are of each cell and rating."""
    counts = [[times.get((cell, rating), 0) for rating in range(11)] for cell in range(len(kept.cells))]
    return Tally(
        poll=kept.poll,
        minimum=kept.minimum,
        tables=kept.tables,
        attributes=kept.attributes,
        cells=kept.cells,
        histograms=tuple(
            Histogram(counts=each, missing=invited - sum(each))
            for each, invited in zip(counts, kept.invited, strict=True)
        ),
    )


# -- what is released --------------------------------------------------------------------------------------------------


def checked(counted: Tally, groups: Iterable[Any]) -> tuple[ReleasedGroup, ...]:
    """Return what shall be released, if it is true and complete, and shows or gives away no group that is too small."""
    found = tuple(groups)
    if not all(isinstance(each, ReleasedGroup) and each.table in counted.tables for each in found):
        raise _unprotected("gives a ReleasedGroup for each group of the poll's tables", "something else")
    for table in counted.tables:
        theirs = [each for each in found if each.table == table]
        _check_table(table, counted.by(table), theirs, counted.minimum)
        if any(not each.table and each.histogram for each in found):
            _check_rest(table, counted, theirs)
    return found


def _unprotected(rule: str, value: str) -> Exception:
    """Word the refusal of a release, which must not show what it refuses."""
    return InvalidArgument(f"protect must be a function that {rule} (got {value})")


def _check_table(table: Table, truth: Mapping[Table, Histogram], groups: Sequence[ReleasedGroup], minimum: int) -> None:
    parts = Counter(part for each in groups for part in each.parts)
    if parts != Counter(truth.keys()) or len({each.labels for each in groups}) < len(groups):
        raise _unprotected("gives each group of a table once", f"another number of some in the table {table}")
    for each in groups:
        _check_group(each, sum((truth[part] for part in each.parts), Histogram(counts=[0] * 11)), minimum)


def _check_group(group: ReleasedGroup, truth: Histogram, minimum: int) -> None:
    if not group.parts or group.invited != _size(truth) or group.histogram not in {None, truth}:
        raise _unprotected("gives the counts of the tally", f"others for {group.labels} in the table {group.table}")
    if group.histogram is not None and truth.n < minimum:
        raise _unprotected(f"withholds groups of fewer than {minimum} ballots", f"{group.labels} shown")


def _check_rest(table: Table, counted: Tally, groups: Sequence[ReleasedGroup]) -> None:
    """Refuse a table in which what is withheld is what is missing to all, and too small."""
    rest = sum(counted.n) - sum(each.n or 0 for each in groups)
    if 0 < rest < counted.minimum:
        raise _unprotected(f"withholds {counted.minimum} ballots of a table, or none", f"fewer in the table {table}")


def released(
    kept: Terms, counted: Tally, groups: tuple[ReleasedGroup, ...], comments: Iterable[tuple[int, str]]
) -> Release:
    """Give all that remains of a poll, which nothing but what is released determines."""
    return Release(
        poll=kept.poll,
        minimum=kept.minimum,
        comments_minimum=kept.comments_minimum,
        groups=groups,
        comments=_comments(kept, counted, comments) if sum(counted.n) >= kept.comments_minimum else (),
    )


def _comments(kept: Terms, counted: Tally, comments: Iterable[tuple[int, str]]) -> tuple[ReleasedComment, ...]:
    """Give comments without ratings, in an order that does not depend on how they came."""
    named = _named(kept, counted)
    labels = counted.columns[kept.comments_by] if kept.comments_by else ("",) * len(kept.cells)
    told = sorted((text, labels[cell] if labels[cell] in named else "") for cell, text in comments)
    return tuple(ReleasedComment(text=text, group=label or None) for text, label in told)


def _named(kept: Terms, counted: Tally) -> set[str]:
    """Give the groups that comments may name, so that those which name none come from enough people as well."""
    if kept.comments_by is None:
        return set()
    sizes = {labels[0]: found.n for labels, found in counted.by((kept.comments_by,)).items()}
    by_size = sorted(sizes, key=lambda label: (sizes[label], label))
    named = [label for label in by_size if sizes[label] >= kept.comments_minimum]
    rest = sum(sizes.values()) - sum(sizes[label] for label in named)
    while named and 0 < rest < kept.comments_minimum:
        rest += sizes[named.pop(0)]
    return set(named)


def release_text(release: Release) -> str:
    """Write a release for a database."""
    return json.dumps(attrs.asdict(release))


def check_closed(status: PollStatus) -> None:
    """Refuse to release anything of a poll that is not closed."""
    if status != "closed":
        raise refusal("poll", "closed before anything is released of it", f"one that is {status}")


def read_release(text: str) -> Release:
    """Read a release from a database."""
    found = json.loads(text)
    groups = tuple(map(_read_group, found.pop("groups")))
    comments = tuple(ReleasedComment(**each) for each in found.pop("comments"))
    return Release(groups=groups, comments=comments, **found)


def _read_group(found: dict[str, Any]) -> ReleasedGroup:
    histogram = found.pop("histogram")
    settled = None if histogram is None else Histogram(**histogram)
    return ReleasedGroup(histogram=settled, **{name: _tuples(value) for name, value in found.items()})
