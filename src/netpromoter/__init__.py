"""The Net Promoter System: a score you can defend, and rules that say whom to ask, and when.

>>> import netpromoter as nps
>>> nps.score([10, 9, 9, 8, 7, 3])
NPS +33.3 (95% CI -31.1 to +75.4; n = 6)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .engine import Adoption, Behavior, Plan, Replay, Simulation, adopt, plan, replay, simulate
    from .frames import Breakdown, score_by
    from .model import Contact, Contacts, Survey, Touches
    from .rules import (
        AccountLimit,
        AtMost,
        Census,
        Channels,
        Continuous,
        DailyCap,
        MinimumTenure,
        Policy,
        QuietPeriod,
        Reminders,
        Sample,
        SendWindow,
        Trigger,
        Variant,
        Variants,
        Wave,
        Waves,
        field,
    )
    from .stats import (
        Difference,
        PairedDifference,
        RateDifference,
        Score,
        VariantComparison,
        compare,
        compare_paired,
        compare_variants,
        score,
    )

__version__ = "0.1.0"
__all__ = [
    "AccountLimit",
    "Adoption",
    "AtMost",
    "Behavior",
    "Breakdown",
    "Census",
    "Channels",
    "Contact",
    "Contacts",
    "Continuous",
    "DailyCap",
    "Difference",
    "MinimumTenure",
    "PairedDifference",
    "Plan",
    "Policy",
    "QuietPeriod",
    "RateDifference",
    "Reminders",
    "Replay",
    "Sample",
    "Score",
    "SendWindow",
    "Simulation",
    "Survey",
    "Touches",
    "Trigger",
    "Variant",
    "VariantComparison",
    "Variants",
    "Wave",
    "Waves",
    "__version__",
    "adopt",
    "compare",
    "compare_paired",
    "compare_variants",
    "field",
    "plan",
    "replay",
    "score",
    "score_by",
    "simulate",
]

_HOMES = {
    "Adoption": ".engine",
    "Behavior": ".engine",
    "Plan": ".engine",
    "Replay": ".engine",
    "Simulation": ".engine",
    "adopt": ".engine",
    "plan": ".engine",
    "replay": ".engine",
    "simulate": ".engine",
    "Breakdown": ".frames",
    "score_by": ".frames",
    "Contact": ".model",
    "Contacts": ".model",
    "Survey": ".model",
    "Touches": ".model",
    "AccountLimit": ".rules",
    "AtMost": ".rules",
    "Census": ".rules",
    "Channels": ".rules",
    "Continuous": ".rules",
    "DailyCap": ".rules",
    "MinimumTenure": ".rules",
    "Policy": ".rules",
    "QuietPeriod": ".rules",
    "Reminders": ".rules",
    "Sample": ".rules",
    "SendWindow": ".rules",
    "Trigger": ".rules",
    "Variant": ".rules",
    "Variants": ".rules",
    "Wave": ".rules",
    "Waves": ".rules",
    "field": ".rules",
    "Difference": ".stats",
    "PairedDifference": ".stats",
    "RateDifference": ".stats",
    "Score": ".stats",
    "VariantComparison": ".stats",
    "compare": ".stats",
    "compare_paired": ".stats",
    "compare_variants": ".stats",
    "score": ".stats",
}
_ROOMS = frozenset({"engine", "errors", "formats", "frames", "model", "ratings", "report", "rules", "stats"})


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
