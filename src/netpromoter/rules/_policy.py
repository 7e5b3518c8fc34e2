"""Everything that decides whom a survey asks, and when, as one value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import attrs
from attrs.validators import optional

from netpromoter._checks import checked, refusal
from netpromoter.model import Survey

from ._audience import Audience, Census, Sample
from ._cadence import Cadence
from ._clocks import MinimumTenure, QuietPeriod, Quota
from ._fields import instance_of, names
from ._holds import Rule
from ._reminders import Reminders
from ._routes import Channels
from ._send_window import SendWindow, known_zone
from ._variants import Variants

__all__ = ["DEFAULT_RULES", "Policy"]

AnyRule: TypeAlias = Rule | Quota | SendWindow

#: What holds people back unless a policy says otherwise: 30 days between two invitations of any survey, 90 days after
#: an answer to a survey of this kind, 30 after a decline, 30 days of tenure, and weekday mornings from 5 to 10.
DEFAULT_RULES: tuple[AnyRule, ...] = (
    QuietPeriod(days=30, after="invited"),
    QuietPeriod(days=90, after="answered", scope="kind"),
    QuietPeriod(days=30, after="declined"),
    MinimumTenure(days=30),
    SendWindow(),
)


def _audience(value: Any) -> tuple[Audience, ...]:
    given = tuple(value) if isinstance(value, Sequence) else (value,)
    if not given or not all(isinstance(each, Census | Sample) for each in given):
        raise refusal("audience", "made of Census and Sample, one or more", value)
    if len({each.stratum for each in given}) < len({(each.stratum, each.where) for each in given}):
        raise refusal("audience", "of different names where the conditions differ", [each.stratum for each in given])
    return given


def _rules(value: Any) -> tuple[AnyRule, ...]:
    given = tuple(value) if isinstance(value, Sequence) else (value,)
    for each in given:
        if isinstance(each, type) or not (isinstance(each, SendWindow) or callable(each) or hasattr(each, "admit")):
            raise refusal("rules", "made of rules, each an instance of one", each)
    if sum(isinstance(each, SendWindow) for each in given) > 1:
        raise refusal("rules", "with one SendWindow at most", value)
    return given


def _channels(value: Any) -> Channels:
    if isinstance(value, Channels):
        return value
    return Channels(*(value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)))


def _keep(value: str | Sequence[str]) -> tuple[str, ...]:
    return names("keep", value)


def _cadence(name: str, value: Any) -> None:
    if isinstance(value, type) or not (hasattr(value, "readiness") and hasattr(value, "seed")):
        raise refusal(name, "a Wave, Waves, Continuous or a Trigger", value)


@attrs.frozen(kw_only=True)
class Policy:
    """Whom a survey asks, when, by which channel and with which words.

    Parameters
    ----------
    survey : Survey
        What is asked.
    cadence : Wave, Waves, Continuous or Trigger
        When the next occasion comes for each person.
    audience : sequence of Census and Sample, default everybody
        Who belongs. A person who meets several conditions is drawn if any of them draws.
    rules : sequence, default `DEFAULT_RULES`
        What holds people back: `QuietPeriod`, `MinimumTenure`, `AtMost`, `AccountLimit`, `DailyCap`, one `SendWindow`,
        and any callable of your own that is a `Rule`. The guard of 24 hours between two messages holds always.
    reminders : Reminders, optional
        Reminders after 3 and 7 days, unless you say otherwise; None for no reminders.
    channels : Channels or names, default "email"
        By which channel people are written to.
    variants : Variants, optional
        The arms of a test.
    time_zone : str, default "UTC"
        Of people whose own is missing.
    keep : sequence of str, default none
        The attributes that are stored with a message and its answer, as they were when it was planned.

    Examples
    --------
    >>> from netpromoter.model import Survey
    >>> from netpromoter.rules import Wave, field
    >>> policy = Policy(
    ...     survey=Survey("relationship", product="Acme"),
    ...     cadence=Wave("2026-autumn"),
    ...     audience=[Census(where=field("plan") == "paid"), Sample(share=0.1, where=field("plan") == "free")],
    ...     keep=["plan"],
    ... )
    >>> policy.reminders.max_messages
    3
    """

    survey: Survey = attrs.field(validator=instance_of(Survey, rule="a Survey"))
    cadence: Cadence = attrs.field(validator=checked(_cadence))
    audience: Sequence[Audience] = attrs.field(default=(Census(),), converter=_audience)
    rules: Sequence[AnyRule] = attrs.field(default=DEFAULT_RULES, converter=_rules)
    reminders: Reminders | None = attrs.field(
        factory=Reminders, validator=optional(instance_of(Reminders, rule="Reminders or None"))
    )
    channels: Channels = attrs.field(default=Channels("email"), converter=_channels)
    variants: Variants | None = attrs.field(
        default=None, validator=optional(instance_of(Variants, rule="Variants or None"))
    )
    time_zone: str = attrs.field(default="UTC", validator=checked(known_zone))
    keep: Sequence[str] = attrs.field(default=(), converter=_keep)

    @property
    def window(self) -> SendWindow | None:
        """When messages may leave; None for at any time."""
        return next((rule for rule in self.rules if isinstance(rule, SendWindow)), None)

    def holds(self, *, every_message: bool) -> tuple[Rule, ...]:
        """Return the rules that judge each person, for every message or for invitations alone."""
        rules = [rule for rule in self.rules if not isinstance(rule, SendWindow) and not hasattr(rule, "admit")]
        return tuple(rule for rule in rules if getattr(rule, "every_message", False) == every_message)

    @property
    def quotas(self) -> tuple[Quota, ...]:
        """The rules that limit how many may be written to, of everybody together."""
        return tuple(rule for rule in self.rules if hasattr(rule, "admit"))  # type: ignore[misc]
