"""Every store of ours keeps every sentence of the port."""

import pytest

from netpromoter.stores import MemoryStore, SqlStore
from netpromoter.testing import StoreContract


class TestMemoryStore(StoreContract):
    """The store in memory."""

    @pytest.fixture
    def store(self):
        """A new one."""
        return MemoryStore()


class TestSqliteInMemory(StoreContract):
    """SQLite without a file."""

    @pytest.fixture
    def store(self):
        """A new one."""
        store = SqlStore("sqlite://")
        yield store
        store.close()


class TestSqliteFile(StoreContract):
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


class TestPostgresql(StoreContract):
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
