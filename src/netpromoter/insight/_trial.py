"""What calling changes: those whom a policy would call, compared with those whom chance kept from being called."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import attrs

from netpromoter._html import escape, table
from netpromoter.ratings import category
from netpromoter.stats import Difference, PairedDifference, RateDifference, Share, compare

from ._change import ChangeDifference
from ._facts import Ask, Facts, Wanted, paired

__all__ = ["Trial", "TrialArm", "trial"]


@attrs.frozen(kw_only=True, repr=False)
class TrialArm:
    """The detractors whom a policy would call, and those of them who were held out: one of the two.

    Parameters
    ----------
    assigned : int
        How many people were assigned to it.
    contacted : int
        How many of them somebody talked with, for whatever policy.
    asked : int or None
        How many of them were asked again; None if that is not known.
    change : PairedDifference or None
        The answer at the assignment and the one when asked again, of those who gave it; None if nobody did.

    Examples
    --------
    >>> from netpromoter.stats import compare_paired
    >>> arm = TrialArm(assigned=9, contacted=4, asked=8, change=compare_paired([2, 5, 6, 3], [4, 9, 7, 3]))
    >>> arm
    9 assigned, 4 contacted, 8 asked again, 4 answered: 2 no detractors any more, rating +1.8
    >>> arm.won_back, arm.won_back_of_assigned
    (50.0% (95% CI 15.0% to 85.0%; 2 of 4), 22.2% (95% CI 6.3% to 54.7%; 2 of 9))
    """

    assigned: int
    contacted: int = 0
    asked: int | None = None
    change: PairedDifference | None = None

    @property
    def answered(self) -> int:
        """How many answered when asked again."""
        return 0 if self.change is None else self.change.n

    @property
    def response(self) -> Share:
        """The share that answered again, of all assigned."""
        return Share(count=self.answered, n=self.assigned)

    @property
    def contact(self) -> Share:
        """The share that somebody talked with, of all assigned."""
        return Share(count=self.contacted, n=self.assigned)

    @property
    def won_back(self) -> Share:
        """The share that are no detractors any more, of those who answered again."""
        return Share(count=self._no_detractors, n=self.answered)

    @property
    def won_back_of_assigned(self) -> Share:
        """The same of all assigned: whoever did not answer again counts as not won back."""
        return Share(count=self._no_detractors, n=self.assigned)

    @property
    def mean_change(self) -> float | None:
        """By how much the mean rating changed, of those who answered again."""
        if self.change is None:
            return None
        return self.change.second.mean - self.change.first.mean

    @property
    def _no_detractors(self) -> int:
        return 0 if self.change is None else self.change.n - self.change.second.detractors

    def __repr__(self) -> str:
        """Give the counts and the change in one line."""
        asked = "" if self.asked is None else f", {self.asked:,} asked again"
        found = f"{self.assigned:,} assigned, {self.contacted:,} contacted{asked}, {self.answered:,} answered"
        if self.mean_change is None:
            return found
        return f"{found}: {self._no_detractors:,} no detractors any more, rating {self.mean_change:+z.1f}"


@attrs.frozen(kw_only=True, repr=False)
class Trial:
    """What calling detractors changes, by whom chance assigned to be called and not by who was reached.

    The arms are all detractors whom the policy wanted to call, whether there was capacity for them or not, and those of
    them who were held out. They differ by chance alone, so that what differs later is an effect of the policy. The
    change of those who were held out is what happens without a call: who gave a low rating gives a higher one next time
    on average, whatever anybody does (regression to the mean). The change of those who were called, alone, is therefore
    no effect of calling.

    Parameters
    ----------
    policy : str
        The name of the policy.
    called, held_out : TrialArm
        Those assigned to be called, and those assigned not to be. Each person counts once, at the first assignment.
    not_detractors : int, default 0
        How many others the policy wanted, who are not asked again.

    References
    ----------
    Gupta, S. K. (2011). Intention-to-treat concept: a review. *Perspectives in Clinical Research* 2, 109-112.
    Barnett, A. G., van der Pols, J. C. and Dobson, A. J. (2005). Regression to the mean: what it is and how to deal
    with it. *International Journal of Epidemiology* 34, 215-220.

    Examples
    --------
    >>> from netpromoter.stats import compare_paired
    >>> called = TrialArm(assigned=9, contacted=6, change=compare_paired([1, 6, 4, 3, 2, 5], [7, 9, 5, 8, 2, 10]))
    >>> held_out = TrialArm(assigned=7, change=compare_paired([2, 5, 6, 3, 0], [4, 5, 7, 3, 2]))
    >>> found = Trial(policy="recover", called=called, held_out=held_out)
    >>> found.rating_effect
    +2.3 in rating (95% CI -0.2 to +4.9), p = 0.069; +1.0 of 5 and +3.3 of 6
    >>> found.won_back_effect
    +46.7 percentage points (95% CI -14.8 to +81.8), p = 0.14
    >>> Trial(policy="recover", called=called, held_out=TrialArm(assigned=0))
    recover: what calling changes is not known: nobody was held out
    """

    policy: str
    called: TrialArm
    held_out: TrialArm
    not_detractors: int = 0

    @property
    def unanswerable(self) -> str | None:
        """Why nobody can say what calling changes, in a few words; None where one can."""
        checks = {
            "nobody was held out": self.held_out.assigned,
            "nobody was to be called": self.called.assigned,
            "nobody who was held out has answered again": self.held_out.answered,
            "nobody who was to be called has answered again": self.called.answered,
        }
        return next((reason for reason, number in checks.items() if not number), None)

    @property
    def _changes(self) -> tuple[PairedDifference, PairedDifference] | None:
        before, after = self.held_out.change, self.called.change
        return None if before is None or after is None else (before, after)

    @property
    def rating_effect(self) -> ChangeDifference | None:
        """How much more ratings changed where people were called, of those who answered again."""
        if self._changes is None:
            return None
        first, second = self._changes
        return ChangeDifference(first=first, second=second)

    @property
    def score_effect(self) -> Difference | None:
        """How much higher those who were called score, of those who answered again; all began at -100 points."""
        if self._changes is None:
            return None
        first, second = self._changes
        return compare(first.second, second.second)

    @property
    def won_back_effect(self) -> RateDifference | None:
        """How many more are no detractors any more where people were called, of those who answered again."""
        return self._rates("won_back")

    @property
    def won_back_of_assigned_effect(self) -> RateDifference | None:
        """The same of all assigned: whoever did not answer again counts as not won back."""
        return self._rates("won_back_of_assigned")

    @property
    def response_effect(self) -> RateDifference | None:
        """How many more answered again where people were called; far from 0, the other effects are in doubt."""
        return self._rates("response")

    def _rates(self, name: str) -> RateDifference | None:
        first, second = getattr(self.held_out, name), getattr(self.called, name)
        if not first.n or not second.n or not (self.held_out.answered or self.called.answered):
            return None
        return RateDifference(answered=(first.count, second.count), invited=(first.n, second.n))

    def __repr__(self) -> str:
        """Give the effect in one line, or say why there is none."""
        if self.unanswerable is not None or self.won_back_effect is None:
            return f"{self.policy}: what calling changes is not known: {self.unanswerable}"
        called, held_out = self.called, self.held_out
        again = f"{called.answered:,} of {called.assigned:,} called and {held_out.answered:,} of {held_out.assigned:,}"
        return f"{self.policy}: won back {self.won_back_effect!r}; {again} held out answered again"

    def _repr_html_(self) -> str:
        """Give a small table, for notebooks."""
        head = ("", "assigned", "contacted", "answered again", "won back", "change of rating")
        rows = [self._cells("to be called", self.called), self._cells("held out", self.held_out)]
        return table(head, rows, caption=escape(repr(self)))

    @staticmethod
    def _cells(name: str, arm: TrialArm) -> list[str]:
        change = "" if arm.mean_change is None else f"{arm.mean_change:+z.1f}"
        return [name, f"{arm.assigned:,}", repr(arm.contact), repr(arm.response), repr(arm.won_back), change]


def trial(policy: str, found: Facts, asked: Collection[Ask] | None) -> Trial:
    """Read the trial of a policy."""
    detractors: dict[str, tuple[Ask, Wanted]] = {}
    others = 0
    for ask, wanted in sorted(found.wanted[policy].items(), key=lambda item: (item[1][0].at, item[0])):
        if category(wanted[1].rating) == "detractor":
            detractors.setdefault(ask[1], (ask, wanted))
        else:
            others += 1
    held_out, called = (
        {ask: answer.rating for ask, (each, answer) in detractors.values() if (each.decision == "held out") == kept}
        for kept in (True, False)
    )
    arms = {"called": _arm(called, found, asked), "held_out": _arm(held_out, found, asked)}
    return Trial(policy=policy, not_detractors=others, **arms)


def _arm(assigned: Mapping[Ask, int], found: Facts, asked: Collection[Ask] | None) -> TrialArm:
    answered = _among(assigned, found.again)
    return TrialArm(
        assigned=len(assigned),
        contacted=len(_among(assigned, found.contacted)),
        asked=None if asked is None else len({*_among(assigned, asked), *answered}),
        change=paired([(assigned[ask], found.again[ask].rating) for ask in answered]),
    )


def _among(assigned: Iterable[Ask], others: Collection[Ask]) -> list[Ask]:
    return [ask for ask in assigned if ask in others]
