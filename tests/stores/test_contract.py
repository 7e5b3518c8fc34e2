"""Every store of ours keeps every sentence of the port."""

import pytest
from hypothesis import settings

from netpromoter.stores import MemoryStore, SqlStore
from netpromoter.testing import StoreContract


class OurStore(StoreContract):
    """A store of ours, for which `nox -s search` draws other histories each time."""

    derandomize = settings.default.derandomize


class TestMemoryStore(OurStore):
    """The store in memory."""

    @pytest.fixture
    def store(self):
        """A new one."""
        return MemoryStore()


class TestSqliteInMemory(OurStore):
    """SQLite without a file."""

    @pytest.fixture
    def store(self):
        """A new one."""
        store = SqlStore("sqlite://")
        yield store
        store.close()


class TestSqliteFile(OurStore):
    """SQLite in a file."""

    @pytest.fixture
    def store(self, reopen):
        """A new one."""
        return reopen()

    @pytest.fixture
    def reopen(self, opening, sqlite):
        """Open the file of this test."""
        with opening(sqlite) as reopen:
            yield reopen


class TestPostgresql(OurStore):
    """PostgreSQL, a database for each test."""

    @pytest.fixture
    def store(self, reopen):
        """A new one."""
        return reopen()

    @pytest.fixture
    def reopen(self, opening, postgresql):
        """Open the database of this test."""
        with opening(postgresql) as reopen:
            yield reopen
