"""Stores: where a program keeps what happened; a log in memory, and one in SQLite or PostgreSQL."""

from ._memory import MemoryStore
from ._sql import SqlStore

__all__ = ["MemoryStore", "SqlStore"]
