"""Survey files of other tools: what `answers` reads, and how it reports what it met; and lists of contacts.

CSV and its kin, Parquet, JSON lines and Excel are told apart by their first bytes. Needs ``netpromoter[cli]``.
"""

from ._answers import Answers, InvalidPolicy, Refusal, Rows, answers, columns
from ._contacts import contacts
from ._damage import Damage
from ._table import File

__all__ = [
    "Answers",
    "Damage",
    "File",
    "InvalidPolicy",
    "Refusal",
    "Rows",
    "answers",
    "columns",
    "contacts",
]
