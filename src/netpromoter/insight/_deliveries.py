"""Which messages reached whom, and after which of them people answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import Any, TypeAlias

import attrs
from attrs.validators import optional

from netpromoter._checks import checked, count, refusal
from netpromoter.model import Response, instant
from netpromoter.stats import Share

from ._facts import Ask, Facts, made_of, reached
from ._measure import Measure

__all__ = ["Delivery", "Reach", "reach_of", "responses_by_step"]

_NEVER = datetime.max.replace(tzinfo=UTC)

#: When each step first reached each person, by occasion.
Steps: TypeAlias = Mapping[Ask, Mapping[int, datetime]]


def _text(name: str, value: Any) -> None:
    if not (isinstance(value, str) and value.strip()):
        raise refusal(name, "text that is not blank", value)


@attrs.frozen(kw_only=True)
class Delivery:
    """One message that was sent, and whether it came back.

    Parameters
    ----------
    occasion, contact : str
        On which occasion, and to whom.
    step : int, default 0
        0 for the invitation, 1 for the first reminder, and so on.
    attempt : int, default 0
        Which attempt at that step; what was sent again to another address is another message.
    at : datetime
        When it was sent, aware.
    bounced : datetime, optional
        When it came back, aware; None if it did not. What a channel refused for good came back at once.

    Raises
    ------
    InvalidArgument
        If a field breaks its rule.

    Examples
    --------
    >>> sent = Delivery(occasion="june", contact="c-1", step=1, at=datetime.fromisoformat("2026-06-04T08:00Z"))
    >>> sent.reached_by(datetime.fromisoformat("2026-06-05T08:00Z"))
    True
    """

    occasion: str = attrs.field(validator=checked(_text))
    contact: str = attrs.field(validator=checked(_text))
    step: int = attrs.field(default=0, validator=checked(count))
    attempt: int = attrs.field(default=0, validator=checked(count))
    at: datetime = attrs.field(validator=checked(instant))
    bounced: datetime | None = attrs.field(default=None, validator=optional(checked(instant)))

    def reached_by(self, at: datetime) -> bool:
        """Say whether it was delivered by an instant: sent, and not known then to have come back."""
        return self.at <= at and not self.bounced_by(at)

    def bounced_by(self, at: datetime) -> bool:
        """Say whether it had come back by an instant."""
        return self.bounced is not None and self.bounced <= at


@attrs.frozen(kw_only=True)
class Reach:
    """Whom messages had reached by an instant.

    Parameters
    ----------
    asks : set of Ask or None
        Who, and on which occasion; None if that is not known.
    steps : mapping of Ask to mapping of int to datetime, or None
        Which steps, and when first; None if they are not told apart.
    bounce_rate : Measure or None
        What came back, of what was sent; None if that is not known.
    """

    asks: AbstractSet[Ask] | None
    steps: Steps | None = None
    bounce_rate: Measure | None = None


def reach_of(
    deliveries: Iterable[Delivery] | None,
    delivered: Mapping[Ask, datetime] | None,
    *,
    at: datetime,
    since: datetime | None,
) -> Reach:
    """Settle whom messages had reached by an instant, of those whom the first one reached since another."""
    if deliveries is None:
        return Reach(asks=reached("delivered", delivered, at=at, since=since))
    if delivered is not None:
        raise refusal("delivered", "left out where deliveries are given", delivered)
    sent = _distinct(deliveries)
    steps = _steps_reached(sent, at=at, since=since)
    return Reach(asks=steps.keys(), steps=steps, bounce_rate=_bounce_rate(sent, at=at, since=since))


def _distinct(deliveries: Iterable[Delivery]) -> Collection[Delivery]:
    """Give each message once; of one that comes twice the one that came back, or came back first."""
    found: dict[Any, Delivery] = {}
    for each in made_of("deliveries", deliveries, Delivery):
        message = each.occasion, each.contact, each.step, each.attempt
        found[message] = min(found.get(message, each), each, key=lambda one: one.bounced or _NEVER)
    return found.values()


def _steps_reached(deliveries: Iterable[Delivery], *, at: datetime, since: datetime | None) -> Steps:
    found: dict[Ask, dict[int, datetime]] = {}
    for each in deliveries:
        if each.reached_by(at):
            theirs = found.setdefault((each.occasion, each.contact), {})
            theirs[each.step] = min(each.at, theirs.get(each.step, each.at))
    return {ask: theirs for ask, theirs in found.items() if since is None or min(theirs.values()) >= since}


def _bounce_rate(deliveries: Iterable[Delivery], *, at: datetime, since: datetime | None) -> Measure:
    sent = [each for each in deliveries if each.at <= at and (since is None or each.at >= since)]
    back = sum(each.bounced_by(at) for each in sent)
    return Measure(what="bounced", of="messages sent", share=Share(count=back, n=len(sent)))


def _step_answered(answer: Response, theirs: Mapping[int, datetime]) -> int | None:
    """Give the last step that had reached a person who answered; None if none had.

    A message whose link was used had arrived, though it may be recorded later, when somebody settled what became of it.
    """
    before = (step for step, then in theirs.items() if then <= answer.at or step == answer.step)
    return max(before, default=None)


def responses_by_step(found: Facts, steps: Steps | None) -> dict[str, Any]:
    """Count on how many occasions each step was delivered, and on how many an answer came before the next."""
    if steps is None:
        return {"primary_response": None, "reminder_response": None, "reminder_lift": {}}
    asks = steps.keys() & found.answers.keys()
    answered = Counter(_step_answered(found.answers[ask][0], steps[ask]) for ask in asks)
    delivered = Counter(step for theirs in steps.values() for step in theirs)
    late = sum(number for step, number in answered.items() if step)
    reminded = sum(any(theirs) for theirs in steps.values())
    reminders = {step: (answered[step], n) for step, n in sorted(delivered.items()) if step}
    return {
        "primary_response": _after("the invitation", "invitations delivered", answered[0], delivered[0]),
        "reminder_response": _after("a reminder", "occasions reminded", late, reminded),
        "reminder_lift": {
            step: _after(f"reminder {step}", f"deliveries of reminder {step}", *counts)
            for step, counts in reminders.items()
        },
    }


def _after(step: str, of: str, answered: int, n: int) -> Measure:
    return Measure(what=f"answered after {step}", of=of, share=Share(count=answered, n=n))
