"""Places where stores can be opened, once and again."""

from contextlib import contextmanager

import pytest

from databases import empty_place, postgresql_server
from netpromoter.stores import SqlStore


@pytest.fixture(scope="session")
def server():
    """Give the URL of a PostgreSQL."""
    with postgresql_server() as url:
        yield url


@pytest.fixture
def postgresql(server):
    """Give the URL of an empty place in PostgreSQL."""
    return empty_place(server)


@pytest.fixture
def sqlite(tmp_path):
    """Give the URL of a file that is not there yet."""
    return f"sqlite:///{tmp_path}/nps.db"


@pytest.fixture
def opening():
    """Give what opens a URL any number of times, and closes all at the end."""

    @contextmanager
    def opening(url):
        opened = []

        def reopen():
            opened.append(SqlStore(url, key=b"secret"))
            return opened[-1]

        yield reopen
        for store in opened:
            store.close()

    return opening


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request):
    """Give the URL of an empty database, of each kind."""
    return request.getfixturevalue(request.param)
