"""A program in a process of its own, for tests that kill it: ``python wave.py URL PORT WORKERS COUNT [idempotent]``."""

import sys
from datetime import UTC, datetime, timedelta

from netpromoter.channels import SmtpChannel
from netpromoter.engine import Links, Program
from netpromoter.model import Contact, Survey
from netpromoter.plugins import load_plugins, open_store
from netpromoter.rules import Wave

START = datetime(2026, 6, 1, 8, tzinfo=UTC)
LEASE = timedelta(seconds=2)


class Idempotent:
    """An SMTP channel in front of a mailbox that throws away what it has had already."""

    idempotent = True

    def __init__(self, channel):
        self.channel = channel

    def __enter__(self):
        self.channel.__enter__()
        return self

    def __exit__(self, *reasons):
        return self.channel.__exit__(*reasons)

    def send(self, message):
        """Carry a message."""
        return self.channel.send(message)


def people(count):
    """Make contacts with an address each."""
    return [Contact(id=f"c-{number}", addresses={"email": f"{number}@example.com"}) for number in range(count)]


def program(url, port, *, idempotent=False):
    """Make the program."""

    def smtp():
        return SmtpChannel("127.0.0.1", port=port, security="none", sender="care@example.com")

    return Program(
        survey=Survey("nps", product="Acme"),
        store=open_store(url, load_plugins(entry_points=False)),
        channels={"email": (lambda: Idempotent(smtp())) if idempotent else smtp()},
        links=Links("https://nps.example.com", keys=["a secret that nobody can guess"]),
        cadence=Wave("summer"),
        rules=[],
        lease=LEASE,
        backoff=timedelta(0),
        plugins=load_plugins(entry_points=False),
    )


def now():
    """Give the present instant."""
    return datetime.now(UTC)


if __name__ == "__main__":
    found = program(sys.argv[1], int(sys.argv[2]), idempotent=sys.argv[4:] == ["idempotent"])
    print("ready", flush=True)
    print(found.dispatch(clock=now, workers=int(sys.argv[3])), flush=True)
