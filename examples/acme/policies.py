"""A wave, two cadences to choose between, and how people are assumed to react.

The wave follows what SendGrid tells of its Net Promoter System: all paying customers, a random part of the free ones,
three messages at most, and a test of two subjects.
"""

from datetime import UTC, datetime, timedelta

import netpromoter as nps

SURVEY = nps.Survey("relationship", product="Acme")
START = datetime(2026, 10, 5, tzinfo=UTC)
AUDIENCE = [
    nps.Census(where=nps.field("plan") == "paid", name="paying"),
    nps.Sample(share=0.1, where=nps.field("plan") == "free", name="free"),
]
RULES = [
    nps.QuietPeriod(days=30, after="invited"),
    nps.QuietPeriod(days=90, after="answered", scope="kind"),
    nps.QuietPeriod(days=30, after="declined"),
    nps.MinimumTenure(days=30),
    nps.AtMost(3, per=timedelta(days=60)),
    nps.SendWindow("Mon-Fri", "08:00-11:00"),
]
SUBJECTS = nps.Variants(
    nps.Variant("plain", subject="How are we doing?"),
    nps.Variant("personal", subject="One question about Acme"),
)


def policy(cadence):
    """Make the policy of one cadence; all else is the same."""
    return nps.Policy(
        survey=SURVEY,
        cadence=cadence,
        audience=AUDIENCE,
        rules=RULES,
        reminders=nps.Reminders(after=[timedelta(days=3), timedelta(days=7)], max_messages=3),
        channels=["email"],
        variants=SUBJECTS,
        keep=["plan", "tier", "country"],
    )


wave = policy(nps.Wave("2026-autumn", opens=START))
cadences = {
    "two waves": policy(
        nps.Waves([nps.Wave("autumn", opens=START), nps.Wave("spring", opens=START + timedelta(days=182))])
    ),
    "continuous": policy(nps.Continuous(every=timedelta(days=182), start=START)),
}
behavior = nps.Behavior(
    response=(0.14, 0.07, 0.04),
    segments={
        nps.field("plan") == "free": nps.Behavior(
            response=(0.08, 0.04, 0.02), ratings=(4, 1, 2, 3, 4, 9, 8, 14, 20, 15, 20)
        )
    },
)
follow_up = (nps.field("tier") == "large") | ((nps.field("plan") == "paid") & nps.field("rating").is_in(8, 6, 2, 1, 0))
