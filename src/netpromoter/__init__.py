"""The Net Promoter System: a score you can defend, by segment, from any column of 0 to 10 answers.

>>> import netpromoter as nps
>>> nps.score([10, 9, 9, 8, 7, 3])
NPS +33.3 (95% CI -31.1 to +75.4; n = 6)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .frames import Breakdown, score_by
    from .stats import Difference, Score, compare, score

__version__ = "0.1.0"
__all__ = ["Breakdown", "Difference", "Score", "__version__", "compare", "score", "score_by"]

_HOMES = {
    "Breakdown": ".frames",
    "Difference": ".stats",
    "Score": ".stats",
    "compare": ".stats",
    "score": ".stats",
    "score_by": ".frames",
}
_ROOMS = frozenset({"errors", "formats", "frames", "ratings", "report", "stats"})


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(import_module(_HOMES[name], __name__), name)
        globals()[name] = value
        return value
    if name in _ROOMS:
        return import_module(f".{name}", __name__)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_ROOMS})
