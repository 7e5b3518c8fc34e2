"""What every ballot box must do: a test for each sentence of the port."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from threading import Thread
from typing import Any, TypeAlias

import attrs
import pytest

from netpromoter.errors import Conflict, InvalidArgument, InvalidToken, PollClosed, StoreClosed
from netpromoter.model import Ballot, Poll, Protect, Release, ReleasedGroup, Tally
from netpromoter.plugins import BallotBox
from netpromoter.ratings import Histogram

__all__ = ["BallotBoxContract"]

Reopen: TypeAlias = Callable[[], BallotBox]

_UNSEEN = "what is durable, and at two who use one box: sentences 1, 2, 12 and 14"
_ID = "enps/autumn"
_SALES = [f"s-{number:02}" for number in range(11)]
_SUPPORT = [f"t-{number:02}" for number in range(12)]
_LEGAL = ["l-00", "l-01"]
_TEAM_OF = {"s": "sales", "t": "support", "l": "legal"}
_ROSTER = {
    name: {"team": _TEAM_OF[name[0]], "site": "rome" if name[-1] in "02468" else "paris"}
    for name in (*_SALES, *_SUPPORT, *_LEGAL)
}
_TABLES = ((), ("team",), ("team", "site"))


def _poll(occasion: str = "autumn", **changes: Any) -> Poll:
    fixed: dict[str, Any] = {"roster": _ROSTER, "tables": _TABLES, "comments_by": "team"}
    return Poll(survey="enps", occasion=occasion, **fixed | changes)


def _cast_all(box: BallotBox, names: Iterable[str], poll: str = _ID, **comments: str) -> dict[str, str]:
    """Let people cast a 9 each, with a comment of theirs, and give their tokens."""
    return {
        name: box.cast(poll, name, Ballot(rating=9, comment=comments.get(name, f"comment of {name}"))) for name in names
    }


def _groups(tally: Tally, shown: Callable[[Histogram], bool] = lambda found: found.n >= 5) -> list[ReleasedGroup]:
    """Give every group of every table, some of them withheld."""
    return [
        ReleasedGroup(
            table=table,
            labels=labels,
            invited=found.n + found.missing,
            histogram=found if shown(found) else None,
        )
        for table in tally.tables
        for labels, found in tally.by(table).items()
    ]


def _protect(tally: Tally) -> list[ReleasedGroup]:
    """Show everybody alone, if there are enough."""
    everybody = tally.by(())[()]
    return _groups(tally, lambda found: found == everybody and found.n >= tally.minimum)


def _count(box: BallotBox, poll: str = _ID) -> Tally:
    """Close a poll, and give what was counted."""
    tallies: list[Tally] = []

    def protect(tally: Tally) -> list[ReleasedGroup]:
        tallies.append(tally)
        return _protect(tally)

    box.close_poll(poll, protect)
    assert len(tallies) == 1
    return tallies[0]


def _ratings(tally: Tally, labels: tuple[str, ...] = ()) -> dict[int, int]:
    """Give how often each rating was cast, by a team or by everybody."""
    counts = tally.by(("team",) if labels else ())[labels].counts
    return {rating: times for rating, times in enumerate(counts) if times}


def _fails(tally: Tally) -> list[ReleasedGroup]:
    raise ZeroDivisionError(tally)


def _comments(release: Release) -> Mapping[str, str | None]:
    return {each.text: each.group for each in release.comments}


class BallotBoxContract:
    """A test for each sentence of `netpromoter.plugins.BallotBox`; inherit from it and give a fixture `box`.

    The fixture gives a new, empty box for each test. A box that outlives the process has another fixture `reopen`: a
    function that opens once more what the box of this test was opened on. Without it, one test is skipped and says what
    is not looked at.

    No test can show that nothing else is kept. Play the attacker against your box, as
    :doc:`the explanation </explanation/anonymity>` does.

    Examples
    --------
    >>> from secrets import token_bytes
    >>> import pytest
    >>> from netpromoter.stores import MemoryBallotBox
    >>> class TestMyBox(BallotBoxContract):
    ...     @pytest.fixture
    ...     def box(self):
    ...         return MemoryBallotBox(random_bytes=token_bytes)
    """

    @pytest.fixture
    def reopen(self) -> Reopen | None:
        """Open once more what the box of this test was opened on; None if that cannot be done."""
        return None

    def test_01_open_poll(self, box: BallotBox, reopen: Reopen | None) -> None:
        """`open_poll` fixes the roster, the tables and the minima of a poll. Opening it again with the same is nothing;
        with any other it raises `netpromoter.errors.InvalidArgument`, also after the poll was closed, so that no
        minimum is ever lowered. `status` says where a poll stands, and None of one that was never opened.
        """
        assert box.status(_ID) is None
        box.open_poll(_poll())
        again = box if reopen is None else reopen()
        again.open_poll(_poll())
        assert (again.status(_ID), again.status("enps/winter")) == ("open", None)
        moved = _ROSTER | {"s-00": {"team": "support", "site": "rome"}}
        changes: list[dict[str, Any]] = [{"minimum": 3}, {"comments_minimum": 5}, {"tables": ()}, {"comments_by": None}]
        rosters = [{name: _ROSTER[name] for name in _SALES}, moved, _ROSTER | {"new": _ROSTER["s-00"]}]
        for change in [*changes, *({"roster": roster} for roster in rosters)]:
            with pytest.raises(InvalidArgument):
                again.open_poll(_poll(**change))
        box.close_poll(_ID, _protect)
        box.open_poll(_poll())
        assert box.status(_ID) == "closed"
        for change in changes:
            with pytest.raises(InvalidArgument):
                box.open_poll(_poll(**change))

    def test_02_cast(self, box: BallotBox, reopen: Reopen | None) -> None:
        """`cast` takes a ballot of somebody in the roster, durably before it returns, and raises
        `netpromoter.errors.InvalidArgument` for anybody else and for a poll that was never opened.
        """
        box.open_poll(_poll())
        box.cast(_ID, "s-00", Ballot(rating=3, comment="é \ud83d \x00"))
        for poll, name in ((_ID, "stranger"), (_ID, "\x00"), ("enps/winter", "s-00"), ("\x00", "s-00")):
            with pytest.raises(InvalidArgument):
                box.cast(poll, name, Ballot(rating=9))
        again = box if reopen is None else reopen()
        assert set(again.participated(_ID)) == {"s-00"}
        assert _ratings(_count(again)) == {3: 1}

    def test_03_tokens(self, box: BallotBox) -> None:
        """Each first ballot gives another token that nobody can guess. With it alone a ballot is revised, by who has
        cast one: without it `cast` raises `netpromoter.errors.Conflict`, with a wrong one
        `netpromoter.errors.InvalidToken`. A revision takes the place of the ballot, counts where that did, and gives
        the same token.
        """
        box.open_poll(_poll())
        tokens = _cast_all(box, _SALES)
        assert len(set(tokens.values())) == len(_SALES)
        assert min(map(len, tokens.values())) >= 16
        with pytest.raises(Conflict):
            box.cast(_ID, "s-00", Ballot(rating=0))
        box.cast(_ID, "t-00", Ballot(rating=8))
        for name, token in (("s-00", "00" * 16), ("s-00", ""), ("s-00", "s-00"), ("t-01", tokens["s-00"])):
            with pytest.raises(InvalidToken):
                box.cast(_ID, name, Ballot(rating=0), token=token)
        for rating in (4, 5):
            assert box.cast(_ID, "t-00", Ballot(rating=rating), token=tokens["s-00"]) == tokens["s-00"]
        tally = _count(box)
        assert _ratings(tally, ("sales",)) == {5: 1, 9: 10}
        assert _ratings(tally, ("support",)) == {8: 1}

    def test_04_participated(self, box: BallotBox) -> None:
        """`listed` names the roster, `participated` those of it who have cast a ballot, and `turnout` counts ballots,
        by every group of every declared table. None of them depends on what was cast, or in which order.
        """
        names = [*_SALES[:7], *_LEGAL]
        for occasion, order, rating in (("autumn", names, 9), ("winter", names[::-1], 0)):
            box.open_poll(_poll(occasion))
            for name in order:
                box.cast(f"enps/{occasion}", name, Ballot(rating=rating))
        assert box.listed(_ID) == box.listed("enps/winter") == set(_ROSTER)
        assert box.participated(_ID) == box.participated("enps/winter") == set(names)
        assert box.turnout(_ID) == box.turnout("enps/winter")
        found = {(each.table, each.labels): (each.invited, each.participants) for each in box.turnout(_ID)}
        teams = [(("team",), (team,)) for team in sorted(_TEAM_OF.values())]
        assert [key for key in found if len(key[0]) <= 1] == [((), ()), *teams]
        assert found[(), ()] == (25, 9)
        assert found[("team",), ("sales",)] == (11, 7)
        assert found[("team",), ("support",)] == (12, 0)
        assert found[("team",), ("legal",)] == (2, 2)
        assert found[("team", "site"), ("sales", "paris")] == (5, 3)

    def test_05_no_other_way(self, box: BallotBox) -> None:
        """There is no other way to a ballot: a box has the methods of this port alone, is not iterable, and its `repr`
        tells nothing of polls, people or ballots.
        """
        before = repr(box)
        box.open_poll(_poll())
        _cast_all(box, _SALES)
        assert repr(box) == before
        port = {name for name in dir(BallotBox) if not name.startswith("_")}
        assert {name for name in dir(box) if not name.startswith("_")} == port
        assert not {"__iter__", "__len__", "__getitem__", "__contains__"} & set(dir(box))

    def test_06_release(self, box: BallotBox) -> None:
        """Until a poll is closed `release` raises `netpromoter.errors.InvalidArgument`."""
        box.open_poll(_poll())
        _cast_all(box, _SALES)
        with pytest.raises(InvalidArgument):
            box.release(_ID)
        with pytest.raises(ZeroDivisionError):
            box.close_poll(_ID, _fails)
        with pytest.raises(InvalidArgument):
            box.release(_ID)
        with pytest.raises(InvalidArgument):
            box.release("enps/winter")

    def test_07_close_poll(self, box: BallotBox) -> None:
        """`close_poll` first refuses all further ballots, for good: `cast`, `listed`, `participated` and `turnout`
        raise `netpromoter.errors.PollClosed`, also while `protect` works and after it raised. What was interrupted is
        finished by closing again.
        """
        box.open_poll(_poll())
        token = _cast_all(box, _SALES)["s-00"]

        def nothing_goes() -> None:
            with pytest.raises(PollClosed):
                box.cast(_ID, "t-00", Ballot(rating=0))
            with pytest.raises(PollClosed):
                box.cast(_ID, "s-00", Ballot(rating=0), token=token)
            for ask in (box.listed, box.participated, box.turnout):
                with pytest.raises(PollClosed):
                    ask(_ID)

        def protect(tally: Tally) -> list[ReleasedGroup]:
            nothing_goes()
            assert box.status(_ID) == "closing"
            return _fails(tally)

        with pytest.raises(ZeroDivisionError):
            box.close_poll(_ID, protect)
        assert box.status(_ID) == "closing"
        nothing_goes()
        assert box.close_poll(_ID, _protect).group().n == len(_SALES)
        assert box.status(_ID) == "closed"
        nothing_goes()

    def test_08_tally(self, box: BallotBox) -> None:
        """`protect` is given the ballots of each cell, exactly, and with them those who were invited and cast none."""
        box.open_poll(_poll(minimum=4))
        for place, name in enumerate([*_SALES, *_LEGAL]):
            box.cast(_ID, name, Ballot(rating=place % 11))
        tally = _count(box)
        assert (tally.poll, tally.minimum, tally.tables) == (_ID, 4, _TABLES)
        assert tally.attributes == ("team", "site")
        expected: dict[tuple[str, ...], list[int]] = {
            (groups["team"], groups["site"]): [0] * 12 for groups in _ROSTER.values()
        }
        for name, groups in _ROSTER.items():
            place = [*_SALES, *_LEGAL].index(name) % 11 if name in {*_SALES, *_LEGAL} else 11
            expected[groups["team"], groups["site"]][place] += 1
        assert tally.cells == tuple(sorted(expected))
        assert [[*each.counts, each.missing] for each in tally.histograms] == [expected[each] for each in tally.cells]

    def test_09_protected(self, box: BallotBox) -> None:
        """What `protect` gives is refused with `netpromoter.errors.InvalidArgument` unless it has every group of every
        declared table once and true to the ballots, shows no group of fewer ballots than the minimum, and, if it shows
        everybody, withholds as many ballots of each table as that, or none.
        """
        box.open_poll(_poll(tables=(("team",),)))
        _cast_all(box, [*_SALES, *_SUPPORT, *_LEGAL])
        for wrong in _LIES:
            with pytest.raises(InvalidArgument):
                box.close_poll(_ID, wrong)
            assert box.status(_ID) == "closing"
        release = box.close_poll(_ID, _merges)
        assert [(each.labels, each.n) for each in release.groups] == [((), 25), (("other",), 13), (("support",), 12)]

    def test_10_comments(self, box: BallotBox) -> None:
        """Comments are released without ratings, and only if as many ballots were cast as their minimum; they name
        their group only if as many were cast in it, and as many or none in all the groups that are not named.
        """
        cases: list[tuple[list[str], dict[str, Any], set[str | None]]] = [
            (_SUPPORT[:9], {}, set()),
            ([*_SALES, *_SUPPORT], {}, {"sales", "support"}),
            ([*_SALES, *_SUPPORT, *_LEGAL], {}, {"support", None}),
            ([*_SALES[:10], *_LEGAL], {}, {None}),
            ([*_SALES[:6], *_SUPPORT[:6]], {"comments_minimum": 6}, {"sales", "support"}),
            (_SALES, {"comments_by": None}, {None}),
        ]
        for number, (names, changes, groups) in enumerate(cases):
            poll = _poll(f"w{number}", **changes)
            box.open_poll(poll)
            _cast_all(box, names, poll.id)
            found = _comments(box.close_poll(poll.id, _protect))
            assert set(found.values()) == groups
            assert set(found) == ({f"comment of {name}" for name in names} if groups else set())
            told = {text: group for text, group in found.items() if group}
            assert told == {text: _TEAM_OF[text[-4]] for text in told}

    def test_11_history(self, box: BallotBox) -> None:
        """A release depends on nothing but the ballots of each cell and what `protect` shows: not on who cast which,
        not on the order of the roster or of the ballots.
        """
        ballots = {name: Ballot(rating=place % 11, comment=f"{place % 7}") for place, name in enumerate(_ROSTER)}
        rome = [name for name in _SALES if _ROSTER[name]["site"] == "rome"]
        swapped = ballots | dict(zip(rome, [ballots[name] for name in rome[::-1]], strict=True))
        for occasion, cast in (("autumn", ballots), ("winter", dict(reversed(swapped.items())))):
            box.open_poll(_poll(occasion, roster={name: _ROSTER[name] for name in cast}))
            for name, ballot in cast.items():
                box.cast(f"enps/{occasion}", name, ballot)
        releases = [box.close_poll(f"enps/{occasion}", _protect) for occasion in ("autumn", "winter")]
        assert len(releases[0].comments) == len(_ROSTER)
        assert attrs.evolve(releases[1], poll=_ID) == releases[0]

    def test_12_closed(self, box: BallotBox, reopen: Reopen | None) -> None:
        """Once a poll is closed, `release` gives the same always, and so does closing again, without asking `protect`.
        The roster, the ballots and the tokens are gone.
        """
        box.open_poll(_poll())
        _cast_all(box, _SALES)
        release = box.close_poll(_ID, _protect)
        assert (release.poll, release.minimum, release.comments_minimum) == (_ID, 5, 10)
        again = box if reopen is None else reopen()
        assert again.release(_ID) == box.release(_ID) == box.close_poll(_ID, _fails) == release
        assert again.forget("s-00") == 0
        assert again.release(_ID) == release

    def test_13_forget(self, box: BallotBox) -> None:
        """`forget` takes somebody out of the rosters of all polls that are not closed, and says of how many. A ballot
        that they have cast still counts, since nobody can tell which it is, and how many were invited stays as it was.
        """
        for occasion in ("spring", "autumn", "winter"):
            box.open_poll(_poll(occasion))
        token = _cast_all(box, _SALES)["s-00"]
        box.close_poll("enps/spring", _protect)
        assert (box.forget("s-00"), box.forget("s-00"), box.forget("stranger")) == (2, 0, 0)
        assert "s-00" not in box.listed(_ID)
        assert set(box.participated(_ID)) == set(_SALES[1:])
        for more in ({}, {"token": token}):
            with pytest.raises(InvalidArgument):
                box.cast(_ID, "s-00", Ballot(rating=0), **more)
        assert (box.turnout(_ID)[0].invited, box.turnout(_ID)[0].participants) == (25, 11)
        assert box.close_poll(_ID, _protect).group().histogram == Histogram(counts={9: 11}, missing=14)

    def test_14_at_once(self, box: BallotBox, reopen: Reopen | None) -> None:
        """Several threads may use one box, and several processes may open what one URL names: of two first ballots of
        one person, one is taken.
        """
        box.open_poll(_poll())
        boxes = [box if reopen is None or number % 2 else reopen() for number in range(4)]
        taken: list[str] = []
        wrong: list[BaseException] = []

        def cast(mine: BallotBox) -> None:
            for name in _SALES:
                try:
                    mine.cast(_ID, name, Ballot(rating=9))
                    taken.append(name)
                except Conflict:
                    pass
                except BaseException as error:  # noqa: BLE001 -- it is raised where the test sees it
                    wrong.append(error)

        threads = [Thread(target=cast, args=(each,)) for each in boxes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert sorted(taken) == _SALES
        assert _ratings(_count(box)) == {9: len(_SALES)}

    def test_15_close(self, box: BallotBox) -> None:
        """After `close`, everything raises `netpromoter.errors.StoreClosed`, but closing again does nothing."""
        box.open_poll(_poll())
        box.open_poll(_poll("winter"))
        box.close_poll("enps/winter", _protect)
        box.close()
        uses: list[Callable[[], object]] = [
            lambda: box.open_poll(_poll()),
            lambda: box.status(_ID),
            lambda: box.cast(_ID, "s-00", Ballot(rating=9)),
            lambda: box.listed(_ID),
            lambda: box.participated(_ID),
            lambda: box.turnout(_ID),
            lambda: box.close_poll(_ID, _protect),
            lambda: box.release("enps/winter"),
            lambda: box.forget("s-00"),
        ]
        for use in uses:
            with pytest.raises(StoreClosed):
                use()
        box.close()

    def test_reopen(self, box: BallotBox, reopen: Reopen | None) -> None:
        """What is opened once more is another box, on the same polls: so the tests of sentences see what is durable."""
        if reopen is None:
            pytest.skip(f"a fixture `reopen` would let the contract look at {_UNSEEN}")
        again = reopen()
        assert again is not box
        box.open_poll(_poll())
        assert again.status(_ID) == "open"


def _merges(tally: Tally) -> list[ReleasedGroup]:
    """Show the two small teams as one."""
    everybody, legal, sales, support = _groups(tally, lambda _: True)
    histogram = tally.by(("team",))["legal",] + tally.by(("team",))["sales",]
    other = attrs.evolve(
        sales,
        labels=("other",),
        parts=(*legal.parts, *sales.parts),
        invited=legal.invited + sales.invited,
        histogram=histogram,
    )
    return [everybody, other, support]


def _lie(change: Callable[[list[ReleasedGroup]], Any]) -> Protect:
    return lambda tally: change(_merges(tally))


#: What `protect` may not give: each breaks sentence 9 in another way.
_LIES: list[Protect] = [
    lambda tally: _groups(tally, lambda _: True),
    _groups,
    _lie(lambda groups: groups[:-1]),
    _lie(lambda groups: [*groups, groups[-1]]),
    _lie(lambda groups: [*groups, attrs.evolve(groups[1], table=("site",))]),
    _lie(lambda groups: [*groups[:-1], attrs.evolve(groups[-1], labels=("other",))]),
    _lie(lambda groups: [*groups[:-1], attrs.evolve(groups[-1], invited=99)]),
    _lie(lambda groups: [*groups[:-1], attrs.evolve(groups[-1], histogram=Histogram(counts={9: 13}))]),
    _lie(lambda groups: [*groups, attrs.evolve(groups[-1], labels=("nobody",), parts=(), invited=0, histogram=None)]),
    _lie(lambda groups: [each.histogram for each in groups]),
]
