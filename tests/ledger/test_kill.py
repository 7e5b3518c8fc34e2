"""Dispatchers that are killed at random instants send nothing twice and lose nothing silently.

What arrived is counted by the server that took it. The full size is a session of its own, `nox -s kill`.
"""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from wave import people, program

import pytest
from kill import WAVE, killed
from sink import listening

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
    """Four processes with two connections each send each of the messages once."""
    url, count = empty_place(postgresql), 400
    with listening(0.002) as (sink, port):
        found = program(url, port)
        start = datetime.now(UTC)
        found.adopt(found.plan(people(count), at=start), at=start)
        command = [sys.executable, WAVE, url, str(port), "2"]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: subprocess.run(command, check=True, stdout=subprocess.PIPE), range(4)))
        found.store.close()
    assert set(sink.delivered.values()) == {1}
    assert len(sink.delivered) == count
