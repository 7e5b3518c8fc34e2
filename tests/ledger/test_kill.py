"""Dispatchers that are killed at random instants send nothing twice and lose nothing silently.

What arrived is counted by the server that took it. The full size is a session of its own, `nox -s kill`.
"""

import pytest
from kill import killed
from race import raced

from databases import empty_place, postgresql_server


@pytest.fixture(scope="module")
def postgresql():
    """Give the URL of a real PostgreSQL server."""
    with postgresql_server() as url:
        yield url


@pytest.fixture
def database(request, tmp_path):
    """Give the URL of an empty store."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    return empty_place(request.getfixturevalue("postgresql"))


@pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
@pytest.mark.parametrize("workers", [1, 8])
def test_nothing_is_sent_twice_and_nothing_is_lost_silently(database, workers):
    """Every message arrives once, or is listed as uncertain; there are at most as many as kills and connections."""
    outcome = killed(database, kills=4, messages=200, workers=workers)
    assert (outcome.duplicates, outcome.lost) == (0, [])
    assert outcome.uncertain <= outcome.most
    assert outcome.delivered + outcome.uncertain >= 200


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_with_an_idempotent_channel_nothing_is_uncertain(database):
    """Where the other side throws away what it has had already, every message arrives."""
    outcome = killed(database, kills=4, messages=150, workers=4, idempotent=True)
    assert (outcome.delivered, outcome.uncertain) == (150, 0)


def test_dispatcher_processes_share_one_postgresql(postgresql):
    """Four processes with two connections send each message once, also where leases run out meanwhile."""
    outcome, slowed = raced(empty_place(postgresql), processes=4, messages=400, every=100)
    assert slowed == 4
    assert (outcome.delivered, outcome.duplicates, outcome.lost, outcome.uncertain) == (400, 0, [], 0)
