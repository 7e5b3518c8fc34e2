"""What the tests of channels share: a message, and certificates made for this run."""

import ssl
from datetime import UTC, datetime
from itertools import count

import pytest
import trustme

from netpromoter.model import Message

NUMBERS = count()


@pytest.fixture(scope="session")
def letter_to():
    """Make a message, each with an id of its own."""

    def make(to="ann@example.com", **more):
        given = {"subject": "How likely?", "text": "Tell us.", "contact": f"c-{next(NUMBERS)}", **more}
        due = datetime(2026, 6, 1, 8, tzinfo=UTC)
        return Message(survey="nps", occasion="o", step=0, channel="email", to=to, due=due, **given)

    return make


@pytest.fixture(scope="session")
def authority():
    """Make an authority that only these tests trust."""
    return trustme.CA()


@pytest.fixture(scope="session")
def client_context(authority):
    """Trust the authority."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture(scope="session")
def server_context(authority):
    """Show a certificate of the authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context
