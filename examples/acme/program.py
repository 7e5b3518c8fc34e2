"""The wave as a program: an embedded SQLite file, and a local outbox instead of a mail server.

    netpromoter run program:program --contacts contacts.csv --at 2026-10-05T12:00

writes the mails into the folder `outbox`, where any mail reader of the Maildir format shows them.
"""

import os
from datetime import timedelta

from policies import AUDIENCE, RULES, SUBJECTS, SURVEY

import netpromoter as nps

program = nps.Program(
    survey=SURVEY,
    store=nps.open_store(os.environ.get("NPS_STORE", "sqlite:///nps.db")),
    channels={"email": nps.OutboxChannel("outbox", sender="care@example.com")},
    links=nps.Links("https://nps.example.com", keys=[os.environ.get("NPS_KEY", "only for this example, not a secret")]),
    cadence=nps.Wave("2026-autumn"),
    audience=AUDIENCE,
    rules=[rule for rule in RULES if not isinstance(rule, nps.SendWindow)],  # so that one run sends the whole wave
    reminders=nps.Reminders(after=[timedelta(days=3), timedelta(days=7)], max_messages=3),
    variants=SUBJECTS,
    keep=["plan", "tier", "country"],
)
