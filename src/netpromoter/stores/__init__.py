"""Stores: where a program keeps what happened; a log in memory, and one in SQLite or PostgreSQL; and ballot boxes."""

from ._ballots_memory import MemoryBallotBox
from ._ballots_sql import SqlBallotBox
from ._memory import MemoryStore
from ._sql import SqlStore

__all__ = ["MemoryBallotBox", "MemoryStore", "SqlBallotBox", "SqlStore"]
