"""A plan for a million contacts with three million touches, against one pass of numpy over the log."""

import argparse
from datetime import UTC, datetime, timedelta

import numpy as np
from timing import extra_megabytes, medians, row, seconds

from netpromoter.engine import plan
from netpromoter.model import KINDS, Column, Contacts, Survey, Touches
from netpromoter.rules import AtMost, Census, MinimumTenure, Policy, QuietPeriod, Sample, SendWindow, Wave, field

START = np.datetime64("2024-01-01", "us")
AT = datetime(2026, 7, 1, 3, tzinfo=UTC)
ZONES = ("America/New_York", "America/Sao_Paulo", "Asia/Kolkata", "Asia/Tokyo", "Europe/Paris", "UTC")
POLICY = Policy(
    survey=Survey("relationship"),
    cadence=Wave("2026-summer"),
    audience=[Census(where=field("plan") == "paid"), Sample(share=0.1, where=field("plan") == "free")],
    rules=[
        QuietPeriod(days=30, after="invited"),
        QuietPeriod(days=90, after="answered", scope="kind"),
        QuietPeriod(days=30, after="declined"),
        MinimumTenure(days=30),
        AtMost(3, per=timedelta(days=90)),
        SendWindow(),
    ],
)


def text(rng, size, labels):
    """Make a column of text."""
    codes = rng.integers(0, len(labels), size).astype(np.int32)
    return Column(kind="text", values=codes, missing=np.zeros(size, np.bool_), labels=labels)


def contacts(rng, size):
    """Make contacts of several plans and time zones."""
    ids, mail = np.empty(size, object), np.empty(size, object)
    ids[:] = [f"c-{number}" for number in range(size)]
    mail[:] = [f"{number}@example.com" for number in range(size)]
    return Contacts(
        ids=ids,
        addresses={"email": mail},
        locale=text(rng, size, ("en", "fr")),
        time_zone=text(rng, size, ZONES),
        account=text(rng, size, tuple(f"a-{number}" for number in range(1 + size // 10))),
        since=START + rng.integers(0, 900, size).astype("timedelta64[D]"),
        attributes={"plan": text(rng, size, ("free", "paid"))},
    )


def touches(rng, people, size):
    """Make a log of two and a half years, in the order of time, of two surveys."""
    contact = rng.integers(0, len(people), size).astype(np.int32)
    often = [KINDS.index(kind) for kind in ("invited", "invited", "reminded", "answered", "declined", "shown")]
    none = np.full(size, -1, np.int16)
    return Touches(
        contact=contact,
        kind=rng.choice(often, size).astype(np.uint8),
        at=START + np.sort(rng.integers(0, 910 * 86_400, size)).astype("timedelta64[s]"),
        survey=rng.integers(0, 2, size).astype(np.int16),
        occasion=rng.integers(0, 10, size).astype(np.int32),
        step=np.zeros(size, np.int16),
        attempt=np.zeros(size, np.int16),
        channel=np.zeros(size, np.int16),
        destination=people.fingerprints["email"][contact],
        arm=none,
        touchpoint=none,
        rating=np.full(size, -1, np.int8),
        contacts=people.ids,
        surveys=(("relationship", "relationship"), ("support", "transactional")),
        occasions=tuple(f"w-{number}" for number in range(10)),
        channels=("email",),
    )


def prepare(people):
    """Compute what is kept with contacts and serves every plan: digests, fingerprints, positions."""
    return people.digests, people.destinations, people.index


def one_pass(log, size):
    """Find when each person was last touched, as one pass of numpy over the log."""
    clock = np.full(size, np.iinfo(np.int64).min)
    np.maximum.at(clock, log.contact, log.at.view(np.int64))
    return clock


def main():
    """Measure the plan, after checking that the pass agrees with the clock of a rule."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=10**6)
    parser.add_argument("--touches", type=int, default=3 * 10**6)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    rng = np.random.default_rng(1)
    people = contacts(rng, options.contacts)
    log = touches(rng, people, options.touches)
    prepared = medians({"prepare": lambda: prepare(people.take(np.arange(len(people))))}, rounds=1)["prepare"]
    prepare(people)
    made = plan(people, log, POLICY, at=AT)
    assert len(made.invitations) + len(made.reminders) + len(made.held) == len(people)
    runs = {"plan": lambda: plan(people, log, POLICY, at=AT), "pass": lambda: one_pass(log, len(people))}
    found = medians(runs, rounds=options.rounds)
    what = (
        f"`plan`, {len(people) / 1e6:g} million contacts, {len(log) / 1e6:g} million touches, five rules and a window"
    )
    against = f"one `numpy.maximum.at` over the log, {seconds(found['pass'])}"
    row(
        what,
        seconds(found["plan"]),
        against=against,
        ratio=f"{found['plan'] / found['pass']:.0f}x",
        target="at most 30x",
    )
    memory = extra_megabytes(runs["plan"])
    against = f"memory beyond contacts and log; {1024**2 * memory / len(people):,.0f} bytes a contact"
    row(what, f"{memory:,.0f} MB", against=against, ratio=f"{memory:,.0f} MB", target="stated")
    against = f"the plan, {seconds(found['plan'])}"
    ratio = f"{prepared / found['plan']:.1f}x"
    row(
        "hashing ids and addresses, once for any number of plans",
        seconds(prepared),
        against=against,
        ratio=ratio,
        target="",
    )


if __name__ == "__main__":
    main()
