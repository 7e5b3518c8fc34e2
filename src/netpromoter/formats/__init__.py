"""Survey files of other tools, lists of contacts, and coding sheets: what they read, and what they report.

CSV and its kin, Parquet, JSON lines and Excel are told apart by their first bytes. Needs ``netpromoter[cli]``.
"""

from ._answers import Answers, InvalidPolicy, Refusal, Rows, answers, columns
from ._coding import coding_sheet, comment_codes
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
    "coding_sheet",
    "columns",
    "comment_codes",
    "contacts",
]
