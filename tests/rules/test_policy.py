"""Policies: everything that decides, as one value that refuses what cannot decide."""

from datetime import UTC, datetime, timedelta

import pytest

from netpromoter.errors import InvalidArgument
from netpromoter.model import Survey
from netpromoter.rules import (
    DEFAULT_RULES,
    AccountLimit,
    AtMost,
    Census,
    Channels,
    Continuous,
    DailyCap,
    MinimumTenure,
    Policy,
    QuietPeriod,
    Reminders,
    Sample,
    SendWindow,
    Trigger,
    Variant,
    Variants,
    Wave,
    Waves,
    field,
)

DAY = timedelta(days=1)
START = datetime(2026, 6, 1, tzinfo=UTC)


def policy(**options):
    return Policy(**{"survey": Survey("nps"), "cadence": Wave("spring")} | options)


def test_a_policy_sorts_its_rules():
    """Each rule judges every message, invitations alone, everybody together, or the time of day, and none is lost."""
    rules = [QuietPeriod(days=1), DailyCap(3), SendWindow(), AtMost(1, per=DAY), AccountLimit(1, per=DAY), print]
    made = policy(rules=rules)
    assert made.holds(every_message=True) == (rules[3],)
    assert made.holds(every_message=False) == (rules[0], print)
    assert made.quotas == (rules[1], rules[4])
    assert made.window is rules[2]
    assert policy(rules=[]).window is None


def test_the_defaults_are_those_that_practice_agrees_on():
    """Unless one says otherwise: 30 days between invitations, 90 after an answer, 30 after a decline, 30 of tenure."""
    made = policy()
    assert made.rules == DEFAULT_RULES
    assert made.audience == (Census(),)
    assert made.channels == Channels("email")
    assert made.reminders == Reminders()
    assert (made.variants, made.time_zone, tuple(made.keep)) == (None, "UTC", ())
    assert (
        QuietPeriod(days=30, after="invited"),
        QuietPeriod(days=90, after="answered", scope="kind"),
        QuietPeriod(days=30, after="declined"),
        MinimumTenure(days=30),
        SendWindow("Mon-Fri", "05:00-10:00"),
    ) == DEFAULT_RULES


@pytest.mark.parametrize(
    ("one", "several"),
    [
        ({"audience": Sample(share=0.5)}, {"audience": [Sample(share=0.5)]}),
        ({"rules": AtMost(1, per=DAY)}, {"rules": (AtMost(1, per=DAY),)}),
        ({"channels": "sms"}, {"channels": ["sms"]}),
        ({"channels": Channels("sms")}, {"channels": ("sms",)}),
        ({"keep": "plan"}, {"keep": ["plan"]}),
    ],
)
def test_one_stands_for_a_list_of_one(one, several):
    """A single audience, rule, channel or name may stand without a list, and policies are values."""
    assert policy(**one) == policy(**several)


@pytest.mark.parametrize(
    "cadence", [Wave("w"), Waves([Wave("w", opens=START)]), Continuous(every=DAY, start=START), Trigger("visit")]
)
def test_every_cadence_fits(cadence):
    """Each cadence can stand in a policy."""
    assert policy(cadence=cadence).cadence is cadence


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"survey": "nps"}, r"survey must be a Survey \(got 'nps'\)"),
        ({"cadence": "weekly"}, r"cadence must be a Wave, Waves, Continuous or a Trigger \(got 'weekly'\)"),
        ({"cadence": Wave}, "cadence must be a Wave, Waves, Continuous or a Trigger"),
        ({"audience": []}, r"audience must be made of Census and Sample, one or more \(got \[\]\)"),
        ({"audience": "all"}, "audience must be made of Census and Sample"),
        ({"audience": [Census(), 3]}, "audience must be made of Census and Sample"),
        (
            {"audience": [Census(name="x"), Sample(share=0.5, where=field("plan") == "free", name="x")]},
            r"audience must be of different names where the conditions differ \(got \['x', 'x'\]\)",
        ),
        ({"rules": [3]}, r"rules must be made of rules, each an instance of one \(got 3\)"),
        ({"rules": None}, r"rules must be made of rules, each an instance of one \(got None\)"),
        ({"rules": [QuietPeriod]}, "rules must be made of rules, each an instance of one"),
        ({"rules": [SendWindow()] * 2}, "rules must be with one SendWindow at most"),
        ({"reminders": 3}, r"reminders must be Reminders or None \(got 3\)"),
        ({"channels": 3}, r"order must be text that is not blank, once or several times \(got \(3,\)\)"),
        ({"channels": []}, "order must be one or more different names"),
        ({"variants": ["a"]}, r"variants must be Variants or None \(got \['a'\]\)"),
        ({"time_zone": "Mars"}, r"time_zone must be the name of a time zone in the IANA database \(got 'Mars'\)"),
        ({"time_zone": None}, "time_zone must be the name of a time zone"),
        ({"keep": ["a", "a"]}, r"keep must be different names \(got \['a', 'a'\]\)"),
        ({"keep": [3]}, "keep must be text that is not blank"),
    ],
)
def test_what_cannot_decide_is_refused(options, message):
    """Whatever is no part of a policy is refused in words that name it."""
    with pytest.raises(InvalidArgument, match=message):
        policy(**options)


def test_audiences_of_one_condition_may_have_one_name():
    """Two samples of the same people are one stratum."""
    both = [Sample(share=0.1), Sample(size=100)]
    assert policy(audience=both).audience == tuple(both)


def test_variants_stand_in_a_policy():
    """A test of arms is part of the policy."""
    arms = Variants(Variant("a"), Variant("b"))
    assert policy(variants=arms).variants is arms
