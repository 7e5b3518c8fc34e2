"""Simulated customers: what they think, when they answer, and what a call does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

import attrs

from netpromoter.model import Contact, Message

__all__ = ["OWNERS", "START", "Town"]

START = datetime(2026, 6, 1, 9, tzinfo=UTC)
OWNERS = ("Ada", "Ben", "Chi", "Dee")
_SAID = {
    "billing": ("The invoice was wrong again.", "I pay for seats that nobody uses.", "Why did the price change?"),
    "support": ("I waited a week for an answer.", "Support asked me the same thing three times."),
    "speed": ("Reports take minutes to load.", "It is slow on Mondays."),
    "quality": ("It just works.", "I never think about it, which is the best I can say.", "Solid."),
    "people": ("Your people are great.", "Somebody called me back within the hour!"),
}
_SAD, _GLAD = ("billing", "support", "speed"), ("quality", "people")
_ANSWERS = (0.30, 0.18, 0.12)
_COMMENTS, _AGAIN, _REACHED, _WON = 0.55, 0.6, 0.55, 2.6


@attrs.define
class _Customer:
    """One who thinks something, from 0 to 10, for a reason."""

    contact: Contact
    mood: float
    theme: str
    was_called: bool = False


class Town:
    """Customers of a made-up company; the same seed makes the same town."""

    def __init__(self, size: int, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 -- a simulation
        self._customers = {each.contact.id: each for each in map(self._customer, range(size))}

    @property
    def contacts(self) -> list[Contact]:
        """Everybody, as an address book has them."""
        return [each.contact for each in self._customers.values()]

    def _customer(self, number: int) -> _Customer:
        random = self._random
        plan = "paid" if random.random() < 0.4 else "free"
        tier = "large" if plan == "paid" and random.random() < 0.12 else "small"
        country = random.choices(("US", "FR", "DE", "JP"), (5, 2, 2, 1))[0]
        mood = min(10.0, max(0.0, random.gauss(8.0 if plan == "paid" else 7.2, 2.4)))
        contact = Contact(
            id=f"c-{number:04}",
            addresses={"email": f"customer{number:04}@example.com"},
            account=f"a-{number // 3:04}",
            since=START - timedelta(days=random.randrange(60, 1500)),
            attributes={"plan": plan, "tier": tier, "country": country, "revenue": self._revenue(plan, tier)},
        )
        return _Customer(contact, mood, random.choice(_GLAD if mood > 7 else _SAD))

    def _revenue(self, plan: str, tier: str) -> int:
        most = {"large": 60_000, "small": 4_000}[tier] if plan == "paid" else 0
        return round(self._random.uniform(0.3, 1) * most)

    def answers(self, messages: list[Message], at: datetime) -> Iterator[tuple[Message, int, str | None, datetime]]:
        """Say who answers some messages, with which rating, in which words, and when."""
        for message in messages:
            random, customer = self._random, self._customers[message.contact]
            again = message.survey.endswith("-recovery")
            if random.random() < (_AGAIN if again else _ANSWERS[message.step]):
                lift = _WON if again and customer.was_called else 0.0
                rating = min(10, max(0, round(customer.mood + lift + random.gauss(0, 0.9))))
                comment = random.choice(_SAID[customer.theme]) if random.random() < _COMMENTS else None
                yield message, rating, comment, at + timedelta(hours=random.expovariate(1 / 9) % 23)

    def picks_up(self, contact: str) -> bool:
        """Say whether somebody answers the telephone; a call changes what they think."""
        customer, reached = self._customers[contact], self._random.random() < _REACHED
        customer.was_called |= reached
        return reached

    def theme(self, contact: str) -> str:
        """Give what the conversation shows to be the cause."""
        return self._customers[contact].theme
