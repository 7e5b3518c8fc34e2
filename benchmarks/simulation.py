"""A simulated year: its time, how that grows with contacts, days and rules, and the memory for each contact."""

import argparse
from datetime import UTC, datetime, timedelta

import numpy as np
from planning import contacts, prepare
from timing import extra_megabytes, medians, row, seconds

from netpromoter.engine import Behavior, replay, simulate
from netpromoter.model import Survey
from netpromoter.rules import AtMost, Continuous, MinimumTenure, Policy, QuietPeriod, SendWindow

AT = datetime(2026, 7, 1, 3, tzinfo=UTC)
RULES = [
    QuietPeriod(days=30, after="invited"),
    QuietPeriod(days=90, after="answered", scope="kind"),
    QuietPeriod(days=30, after="declined"),
    MinimumTenure(days=30),
    AtMost(3, per=timedelta(days=30)),
    SendWindow(),
]


def policy(rules=None):
    """Make a policy that asks everybody once a quarter, by the first few rules or all."""
    cadence = Continuous(every=timedelta(days=90), start=AT)
    return Policy(survey=Survey("relationship"), cadence=cadence, rules=RULES[:rules])


def simulated(people, days, rules=None):
    """Simulate; the same every time."""
    return simulate(policy(rules), people, behavior=Behavior(), at=AT, days=days, rng=np.random.default_rng(1))


def crowd(size):
    """Make contacts with all that is kept with them."""
    people = contacts(np.random.default_rng(1), size)
    prepare(people)
    return people


def grown(what, by, less, more, factor, *, rounds):
    """Print how the time grows where one thing grows by a factor."""
    found = medians({"less": less, "more": more}, rounds=rounds)
    ratio = f"{found['more'] / found['less']:.1f}x"
    target = f"at most {factor:g}x"
    row(what, seconds(found["more"]), against=f"{by}, {seconds(found['less'])}", ratio=ratio, target=target)


def main():
    """Measure, after checking that a replay of the log gives the same messages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=10**5)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    many, some = crowd(options.contacts), crowd(options.contacts // 10)
    days, few, rounds = options.days, options.days // 4, options.rounds
    small = simulated(some, few)
    again = replay(policy(), some, small.touches, start=AT, end=AT + timedelta(days=few))
    assert (again.messages_saved, again.answered) == (0, small.totals["answers"])
    what = f"`simulate`, {len(many):,} contacts, {days:,} days, five rules and a window"
    year = medians({"year": lambda: simulated(many, days)}, rounds=1)["year"]
    each = f"{1e6 * year / len(many) / days:.2f} µs for each contact and day"
    row(what, seconds(year), against="the clock", ratio=each, target="at most 60 s")
    few_people = f"{len(some):,} contacts"
    grown(
        f"the same, {few:,} days",
        few_people,
        lambda: simulated(some, few),
        lambda: simulated(many, few),
        10,
        rounds=rounds,
    )
    grown(
        f"the same, {few_people}",
        f"{few:,} days",
        lambda: simulated(some, few),
        lambda: simulated(some, days),
        5,
        rounds=rounds,
    )
    grown(
        f"the same, {few_people}, {few:,} days",
        "no rule, no window",
        lambda: simulated(some, few, 0),
        lambda: simulated(some, few),
        2,
        rounds=rounds,
    )
    memory = extra_megabytes(lambda: simulated(some, days))
    against = f"memory beyond the contacts; {1024 * memory / len(some):,.1f} kB a contact, its log included"
    row(
        f"the same, {few_people}, {days:,} days",
        f"{memory:,.0f} MB",
        against=against,
        ratio=f"{memory:,.0f} MB",
        target="stated",
    )


if __name__ == "__main__":
    main()
