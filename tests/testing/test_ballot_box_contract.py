"""The contract of ballot boxes: a box that breaks one sentence fails the test of that sentence, and no other."""

# ruff: noqa: ARG002 -- broken boxes do not look at what they are given

import copy
import inspect
import re
import threading
from functools import partial
from secrets import token_bytes

import attrs
import pytest

from netpromoter.errors import Conflict, InvalidArgument, InvalidToken, StoreClosed
from netpromoter.model import Release, ReleasedComment
from netpromoter.plugins import BallotBox
from netpromoter.stores import MemoryBallotBox
from netpromoter.stores._ballots import token_key
from netpromoter.testing import BallotBoxContract

SENTENCES = {int(name[5:7]): name for name in dir(BallotBoxContract) if re.match(r"test_\d\d_", name)}


class Box(MemoryBallotBox):
    """The box in memory; what breaks it overrides a method."""

    def __init__(self):
        super().__init__(random_bytes=token_bytes)


def is_alone():
    return threading.current_thread() is threading.main_thread()


# -- 1 and 2 -----------------------------------------------------------------------------------------------------------


class LowersTheMinimum(Box):
    """It takes the minimum of whoever comes last, as long as the poll is open."""

    def open_poll(self, poll, /):
        held = self._polls.get(poll.id)
        if held and held.status == "open":
            held.terms = attrs.evolve(held.terms, minimum=poll.minimum)
        super().open_poll(poll)


class LowersItAfterTheClose(Box):
    """It does not look at a poll that is closed."""

    def open_poll(self, poll, /):
        if self.status(poll.id) != "closed":
            super().open_poll(poll)


class LetsPeopleJoin(Box):
    """It does not compare rosters."""

    def open_poll(self, poll, /):
        try:
            super().open_poll(poll)
        except InvalidArgument as error:
            if not str(error).startswith("roster"):
                raise


class KnowsEveryPoll(Box):
    """It says that a poll is open of which it never heard."""

    def status(self, poll, /):
        return super().status(poll) or "open"


class TakesStrangers(Box):
    """It takes the ballot of somebody who was not invited."""

    def cast(self, poll, participant, ballot, /, *, token=None):
        if participant == "stranger" and poll in self._polls:
            self._polls[poll].roster[participant] = 0
        return super().cast(poll, participant, ballot, token=token)


class IsLate(Box):
    """It keeps the first ballot in its own memory, where nobody finds it who opens the box anew."""

    def __copy__(self):
        other = Box()
        other.__dict__.update(self.__dict__)
        if any(len(held.ballots) == 1 for held in self._polls.values()):
            other._polls = copy.deepcopy(self._polls)
            for held in other._polls.values():
                held.ballots.clear()
                held.cast.clear()
        return other


# -- 3 -----------------------------------------------------------------------------------------------------------------


class TakesSecondBallots(Box):
    """It takes another ballot of somebody who gives no token."""

    def cast(self, poll, participant, ballot, /, *, token=None):
        try:
            return super().cast(poll, participant, ballot, token=token)
        except Conflict:
            if is_alone():
                return "0" * 32
            raise


class TakesAnyToken(Box):
    """It takes every token for the right one."""

    def cast(self, poll, participant, ballot, /, *, token=None):
        try:
            return super().cast(poll, participant, ballot, token=token)
        except InvalidToken:
            if participant in self._polls[poll].roster:
                return token
            raise


class LetsOthersRevise(Box):
    """It lets somebody revise who has cast nothing."""

    def cast(self, poll, participant, ballot, /, *, token=None):
        held = self._polls.get(poll)
        if held and token and participant in held.roster and held.status == "open":
            held.cast.add(participant)
        return super().cast(poll, participant, ballot, token=token)


class AddsRevisions(Box):
    """It counts a revised ballot twice."""

    def cast(self, poll, participant, ballot, /, *, token=None):
        before = dict(self._polls[poll].ballots) if token and poll in self._polls else {}
        given = super().cast(poll, participant, ballot, token=token)
        if token:
            self._polls[poll].ballots["another"] = before[token_key(token)]
        return given


class RevisesElsewhere(Box):
    """It counts a revised ballot where the one who revises it belongs."""

    def cast(self, poll, participant, ballot, /, *, token=None):
        given = super().cast(poll, participant, ballot, token=token)
        held = self._polls[poll]
        held.ballots[token_key(given)] = held.roster[participant], ballot
        return given


class GivesShortTokens(Box):
    """It gives tokens that can be tried out."""

    def cast(self, poll, participant, ballot, /, *, token=None):
        given = super().cast(poll, participant, ballot, token=token)
        held = self._polls[poll]
        held.ballots[token_key(given[:6])] = held.ballots.pop(token_key(given))
        return given[:6]


# -- 4 to 6 ------------------------------------------------------------------------------------------------------------


class NamesThemInOrder(Box):
    """It names participants in the order in which they came."""

    def participated(self, poll, /):
        super().participated(poll)
        return list(self._polls[poll].cast)


class NamesThoseWhoAreLeft(Box):
    """It takes who has cast a ballot off the list."""

    def listed(self, poll, /):
        return super().listed(poll) - super().participated(poll)


class RoundsUp(Box):
    """It counts no group as smaller than three."""

    def turnout(self, poll, /):
        found = super().turnout(poll)
        return tuple(attrs.evolve(each, invited=max(each.invited, 3)) for each in found)


class LeavesOutTheSilent(Box):
    """It does not count groups of which nobody took part."""

    def turnout(self, poll, /):
        return tuple(each for each in super().turnout(poll) if each.participants != 0)


class CountsTheContent(Box):
    """It counts those alone who gave more than nothing."""

    def turnout(self, poll, /):
        held, found = self._polls[poll], super().turnout(poll)
        lost = sum(not ballot.rating for _, ballot in held.ballots.values())
        return (attrs.evolve(found[0], participants=found[0].participants - lost), *found[1:])


class CanBeIterated(Box):
    """It gives ballots to whoever iterates."""

    def __iter__(self):
        return iter([ballot for held in self._polls.values() for ballot in held.ballots.values()])


class HasAnotherMethod(Box):
    """It has a method that the port does not know."""

    def ballots(self, poll):
        return list(self._polls[poll].ballots.values())


class SaysHowMany(Box):
    """It shows how many ballots there are."""

    def __repr__(self):
        return f"Box({sum(len(held.ballots) for held in self._polls.values())} ballots)"


class ReleasesEarly(Box):
    """It gives a release of nothing while the poll is open."""

    def release(self, poll, /):
        if self.status(poll) == "open":
            return Release(poll=poll, minimum=5, comments_minimum=10, groups=(), comments=())
        return super().release(poll)


class ReleasesHalf(Box):
    """It gives a release of nothing while the poll is being closed."""

    def release(self, poll, /):
        if self.status(poll) == "closing":
            return Release(poll=poll, minimum=5, comments_minimum=10, groups=(), comments=())
        return super().release(poll)


# -- 7 to 9 ------------------------------------------------------------------------------------------------------------


class OpensAgain(Box):
    """It takes ballots again when `protect` raised."""

    def close_poll(self, poll, protect, /):
        try:
            return super().close_poll(poll, protect)
        except ZeroDivisionError:
            self._polls[poll].status = "open"
            raise


class TakesLateBallots(Box):
    """It takes ballots while `protect` works."""

    def cast(self, poll, participant, ballot, /, *, token=None):
        held = self._polls.get(poll)
        if held and held.status == "closing" and token:
            return token
        return super().cast(poll, participant, ballot, token=token)


class TellsWhoTookPart(Box):
    """It names participants after the close."""

    def participated(self, poll, /):
        self.status(poll)
        return frozenset(self._polls[poll].cast)


class TellsWhoCould(Box):
    """It names the roster while the poll is being closed."""

    def listed(self, poll, /):
        held = self._polls.get(poll)
        return frozenset(held.roster) if held and held.status == "closing" else super().listed(poll)


class TurnsAttributes(Box):
    """It tells attributes in another order."""

    def _begin_closing(self, poll):
        counted = super()._begin_closing(poll)
        if counted is None:
            return None
        cells = tuple(cell[::-1] for cell in counted.cells)
        return attrs.evolve(counted, attributes=counted.attributes[::-1], cells=cells)


class TellsAnotherMinimum(Box):
    """It asks for no more than 3."""

    def _begin_closing(self, poll):
        counted = super()._begin_closing(poll)
        return None if counted is None else attrs.evolve(counted, minimum=3)


class TrustsEverybody(Box):
    """It releases what it is given."""

    def close_poll(self, poll, protect, /):
        counted = self._begin_closing(poll)
        if counted is not None:
            self._empty(poll, counted, tuple(protect(counted)))
        return self.release(poll)


class CannotSubtract(Box):
    """It lets a small group be found by what is missing to all."""

    def close_poll(self, poll, protect, /):
        given = []
        try:
            return super().close_poll(poll, lambda tally: given.extend(protect(tally)) or given)
        except InvalidArgument as error:
            if not str(error).startswith("protect must be a function that withholds 5 ballots of a table"):
                raise
            self._empty(poll, self._begin_closing(poll), tuple(given))
            return self.release(poll)


# -- 10 to 12 ----------------------------------------------------------------------------------------------------------


class Comments(Box):
    """It makes comments anew from cells and texts."""

    def _empty(self, poll, counted, groups):
        held = self._polls[poll]
        told = [(counted.cells[cell], ballot.comment) for cell, ballot in held.ballots.values()]
        super()._empty(poll, counted, groups)
        emptied = self._polls[poll]
        emptied.release = attrs.evolve(emptied.release, comments=tuple(self._comments(emptied.release, held, told)))


class TellsCommentsOfFew(Comments):
    """It releases comments of fewer people than was promised."""

    def _comments(self, release, held, told):
        return release.comments or [ReleasedComment(text=text) for _, text in told]


class NamesEveryGroup(Comments):
    """It names the group of each comment."""

    def _comments(self, release, held, told):
        place = 0 if held.terms.comments_by else None
        named = {text: None if place is None else cell[place] for cell, text in told}
        is_told = len(named) == len(told)
        return [attrs.evolve(each, group=named[each.text]) if is_told else each for each in release.comments]


class NamesNoGroup(Comments):
    """It names no groups."""

    def _comments(self, release, held, told):
        return [attrs.evolve(each, group=None) for each in release.comments]


class LosesSilentTexts(Comments):
    """It loses a comment."""

    def _comments(self, release, held, told):
        return (
            release.comments[:-1] if len(release.comments) < 13 and held.terms.comments_by is None else release.comments
        )


class KeepsTheOrder(Comments):
    """It releases comments in the order in which they came."""

    def _comments(self, release, held, told):
        texts = [text for _, text in told]
        return sorted(release.comments, key=lambda each: texts.index(each.text))


class AsksAgain(Box):
    """It asks `protect` whenever a poll is closed."""

    def close_poll(self, poll, protect, /):
        if self.status(poll) == "closed":
            protect(None)
        return super().close_poll(poll, protect)


class ReleasesAnew(Box):
    """It gives comments in another order each time."""

    def release(self, poll, /):
        held = self._polls.get(poll)
        found = super().release(poll)
        held.release = attrs.evolve(found, comments=found.comments[::-1])
        return found


class KeepsTheRoster(Box):
    """It knows the people of a poll after the close."""

    def _empty(self, poll, counted, groups):
        roster = dict(self._polls[poll].roster)
        super()._empty(poll, counted, groups)
        if poll == "enps/autumn":
            self._polls[poll].roster.update(roster)


# -- 13 to 15 ----------------------------------------------------------------------------------------------------------


class ForgetsBallots(Box):
    """It knows whose a ballot is, and forgets it."""

    def forget(self, participant, /):
        found = super().forget(participant)
        for held in self._polls.values():
            if found and held.ballots:
                held.ballots.popitem()
        return found


class ForgetsThatTheyWereInvited(Box):
    """It counts somebody who was forgotten as never invited."""

    def forget(self, participant, /):
        found = super().forget(participant)
        for held in self._polls.values():
            if found and held.status == "open":
                held.terms = attrs.evolve(held.terms, invited=(held.terms.invited[0] - 1, *held.terms.invited[1:]))
        return found


class ForgetsOnePoll(Box):
    """It takes somebody out of the first roster alone."""

    def forget(self, participant, /):
        return min(super().forget(participant), 1)


class RemembersWhoTookPart(Box):
    """It leaves the mark of somebody who was forgotten."""

    def forget(self, participant, /):
        marked = [held for held in self._polls.values() if participant in held.cast]
        found = super().forget(participant)
        for held in marked:
            held.cast.add(participant)
        return found


class StillListsThem(Box):
    """It lists somebody who was forgotten."""

    _gone = frozenset()

    def listed(self, poll, /):
        return super().listed(poll) | self._gone

    def forget(self, participant, /):
        found = super().forget(participant)
        self._gone |= frozenset([participant] if found else [])
        return found


class RacesWithItself(Box):
    """It takes two first ballots of one person if they come at once."""

    def cast(self, poll, participant, ballot, /, *, token=None):
        try:
            return super().cast(poll, participant, ballot, token=token)
        except Conflict:
            if is_alone():
                raise
            return "0" * 32


class CannotBeShared(Box):
    """It works in the thread that made it alone."""

    def cast(self, poll, participant, ballot, /, *, token=None):
        if not is_alone():
            message = "made in another thread"
            raise RuntimeError(message)
        return super().cast(poll, participant, ballot, token=token)


class StaysOpen(Box):
    """It works on after it was closed."""

    def close(self):
        """Do nothing."""


class ClosesOnce(Box):
    """It cannot be closed twice."""

    _was_closed = False

    def close(self):
        if self._was_closed:
            raise StoreClosed("the store was closed")
        self._was_closed = True
        super().close()


class AnswersAfterClosing(Box):
    """It says where a poll stands after it was closed."""

    def status(self, poll, /):
        try:
            return super().status(poll)
        except StoreClosed:
            return None


BROKEN = {
    1: [LowersTheMinimum, LowersItAfterTheClose, LetsPeopleJoin, KnowsEveryPoll],
    2: [TakesStrangers, IsLate],
    3: [TakesSecondBallots, TakesAnyToken, LetsOthersRevise, AddsRevisions, RevisesElsewhere, GivesShortTokens],
    4: [NamesThemInOrder, NamesThoseWhoAreLeft, RoundsUp, LeavesOutTheSilent, CountsTheContent],
    5: [CanBeIterated, HasAnotherMethod, SaysHowMany],
    6: [ReleasesEarly, ReleasesHalf],
    7: [OpensAgain, TakesLateBallots, TellsWhoTookPart, TellsWhoCould],
    8: [TurnsAttributes, TellsAnotherMinimum],
    9: [TrustsEverybody, CannotSubtract],
    10: [TellsCommentsOfFew, NamesEveryGroup, NamesNoGroup, LosesSilentTexts],
    11: [KeepsTheOrder],
    12: [AsksAgain, ReleasesAnew, KeepsTheRoster],
    13: [ForgetsBallots, ForgetsThatTheyWereInvited, ForgetsOnePoll, RemembersWhoTookPart, StillListsThem],
    14: [RacesWithItself, CannotBeShared],
    15: [StaysOpen, AnswersAfterClosing, ClosesOnce],
}
EVERY = [(number, broken) for number, boxes in BROKEN.items() for broken in boxes]


def failures(make):
    """Say which sentences a box breaks."""
    found = []
    for number, name in SENTENCES.items():
        box = make()
        given = {"box": box, "reopen": lambda box=box: copy.copy(box)}
        test = getattr(BallotBoxContract(), name)
        try:
            test(**{each: given[each] for each in inspect.signature(test).parameters})
        except (Exception, pytest.fail.Exception):  # noqa: BLE001 -- it may fail in any way
            found.append(number)
    return found


@pytest.mark.parametrize(("number", "broken"), EVERY, ids=[broken.__name__ for _, broken in EVERY])
def test_a_broken_box_fails_the_sentence_that_it_breaks(number, broken):
    """A box that breaks one sentence fails the test of that sentence, and passes those of all others."""
    assert failures(broken) == [number]


def test_a_box_that_is_not_broken_fails_nothing():
    """The box in memory passes, with one instance and with several."""
    assert failures(Box) == []


def test_there_is_a_test_for_each_sentence():
    """The tests bear the numbers of the sentences of the port, and say them word for word."""
    port = " ".join(inspect.getdoc(BallotBox).split())
    assert sorted(SENTENCES) == sorted(BROKEN) == list(range(1, 16))
    for number, name in SENTENCES.items():
        assert f"{number}. {' '.join(inspect.getdoc(getattr(BallotBoxContract, name)).split())}" in port


def test_who_cannot_open_a_box_again_is_told_what_is_not_looked_at():
    """The skipped test names the fixture, and each sentence that would look through it."""
    through = [number for number, name in SENTENCES.items() if "reopen" in parameters(name)]
    *first, last = map(str, through)
    told = f"a fixture `reopen` would .* what is durable, .*: sentences {', '.join(first)} and {last}$"
    with pytest.raises(pytest.skip.Exception, match=told):
        BallotBoxContract().test_reopen(Box(), None)


def test_a_box_that_is_opened_again_is_another():
    """What gives the box itself back would show nothing."""
    box = Box()
    BallotBoxContract().test_reopen(box, partial(copy.copy, box))
    with pytest.raises(AssertionError):
        BallotBoxContract().test_reopen(box, lambda: box)


def parameters(name):
    return inspect.signature(getattr(BallotBoxContract, name)).parameters
