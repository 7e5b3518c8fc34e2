"""Make `contacts.csv`: 3,000 people of a company that does not exist, with the rough edges of a real list."""

import csv
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np

PLACES = [
    ("US", "en", "America/New_York"),
    ("US", "en", "America/Los_Angeles"),
    ("FR", "fr", "Europe/Paris"),
    ("DE", "de", "Europe/Berlin"),
    ("BR", "pt-BR", "America/Sao_Paulo"),
    ("IN", "en", "Asia/Kolkata"),
    ("JP", "ja", "Asia/Tokyo"),
    ("AU", "en", "Australia/Sydney"),
]
SHARES = [0.28, 0.17, 0.14, 0.12, 0.08, 0.09, 0.07, 0.05]
HEAD = ["id", "email", "phone", "plan", "tier", "country", "locale", "time_zone", "account", "since"]


def person(number, rng):
    """Make one person."""
    country, locale, zone = PLACES[rng.choice(len(PLACES), p=SHARES)]
    paid = rng.random() < 0.2
    tier = "large" if paid and rng.random() < 0.15 else "small"
    account = f"a-{rng.integers(1, 40):03}" if tier == "large" else f"a-{rng.integers(100, 900):03}"
    since = date(2026, 9, 1) - timedelta(days=int(rng.exponential(500)))
    phone = f"+1555{number:07}" if rng.random() < 0.3 else ""
    plan = "" if rng.random() < 0.01 else "paid" if paid else "free"
    zone = "" if rng.random() < 0.05 else "Mars/Base" if rng.random() < 0.003 else zone
    return [f"c-{number:04}", f"{number:04}@example.com", phone, plan, tier, country, locale, zone, account, since]


def main():
    """Write the file; two ids in a hundred share a mailbox with the person before."""
    rng = np.random.default_rng(2026)
    people = [person(number, rng) for number in range(1, 3001)]
    for before, after in pairwise(people):
        if rng.random() < 0.02:
            after[1] = before[1].upper()
    with Path(__file__).with_name("contacts.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([HEAD, *people])


if __name__ == "__main__":
    main()
