"""The failure table: everything that can go wrong with a mail, at every place, on a real connection."""

import re
import ssl
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from netpromoter.channels import SmtpChannel
from netpromoter.errors import ChannelDown, Uncertain
from netpromoter.model import Message
from scripted_smtp import FAULTS, LINES, PHASES, ScriptedServer

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "failures.md"
DUE = datetime(2026, 6, 1, 8, tzinfo=UTC)
WAITING = {"hang", "slow drip"}
LARGE = "A line of text that is long enough to be one.\n" * 150_000
AUTHORITY = trustme.CA()
CLIENT, SERVER = ssl.create_default_context(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
AUTHORITY.configure_trust(CLIENT)
AUTHORITY.issue_cert("127.0.0.1").configure_cert(SERVER)


def documented():
    """Read the table of the page: the outcome of each fault at each place."""
    rows = [re.split(r" *\| *", line.strip("| \n")) for line in PAGE.read_text().splitlines() if line.startswith("|")]
    head = next(row for row in rows if row[-1] == FAULTS[-1])
    body = [row for row in rows if len(row) == 7 and row[0] != "---"]
    return {(row[0], fault): cell for row in body for fault, cell in zip(head, row[1:], strict=True)}


def message(number=0, text="Tell us."):
    return Message(
        survey="nps",
        occasion="o",
        contact=f"c-{number}",
        step=0,
        channel="email",
        to="ann@example.com",
        due=DUE,
        subject="How likely?",
        text=text,
    )


def outcome(channel, sent):
    """Say in one word what a channel says."""
    try:
        receipt = channel.send(sent)
    except ChannelDown:
        return "channel down"
    except Uncertain:
        return "uncertain"
    return "sent" if receipt.accepted else "permanent" if receipt.permanent else "temporary"


def tried(cell):
    """Send a message into a failure and another one after it; give both outcomes and how many mails were taken."""
    phase, fault = cell
    implicit = phase == "connect"
    with ScriptedServer(SERVER, phase=phase, fault=fault, implicit=implicit) as server:
        channel = SmtpChannel(
            "127.0.0.1",
            port=server.port,
            security="tls" if implicit else "starttls",
            sender="care@example.com",
            username="acme",
            password="secret",  # noqa: S106 -- of a server in this process
            timeout=timedelta(seconds=1.2 if fault in WAITING else 20),
            context=CLIENT,
        )
        with channel:
            first = outcome(channel, message(0, LARGE if phase == "body" and fault not in LINES else "Tell us."))
            taken = len(server.taken)
            if phase == "QUIT":
                channel.__exit__(None, None, None)
            second = outcome(channel, message(1))
        return first, second, taken, len(server.taken), server.spent


@pytest.fixture(scope="module")
def results():
    """Try all cells, and those that wait side by side."""
    cells = [(phase, fault) for phase in PHASES for fault in FAULTS]
    slow = [cell for cell in cells if cell[1] in WAITING]
    with ThreadPoolExecutor(len(slow)) as pool:
        found = dict(zip(slow, pool.map(tried, slow), strict=True))
    return found | {cell: tried(cell) for cell in cells if cell not in found}


def test_the_table_has_a_cell_for_every_fault_at_every_place():
    """The page documents one outcome for each, and no other."""
    assert set(documented()) == {(phase, fault) for phase in PHASES for fault in FAULTS}
    assert set(documented().values()) == {"temporary", "permanent", "channel down", "uncertain", "sent"}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("phase", PHASES)
def test_every_failure_has_the_documented_outcome(results, phase, fault):
    """What the channel says is what the page says, it is true, and the next message is sent."""
    first, second, taken, both, spent = results[phase, fault]
    assert spent
    assert first == documented()[phase, fault]
    assert taken == (first == "sent") or first == "uncertain"
    assert (second, both) == ("sent", taken + 1)
