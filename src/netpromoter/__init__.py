"""The Net Promoter System: a score you can defend, and rules that say whom to ask, and when.

>>> import netpromoter as nps
>>> nps.score([10, 9, 9, 8, 7, 3])
NPS +33.3 (95% CI -31.1 to +75.4; n = 6)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .channels import AppriseChannel, ConsoleChannel, OutboxChannel, SmtpChannel, WebhookChannel
    from .engine import (
        Adoption,
        Backtest,
        Behavior,
        CaseAlerts,
        Dispatch,
        Links,
        Plan,
        Program,
        Rate,
        Replay,
        Simulation,
        Templates,
        adopt,
        backtest,
        plan,
        replay,
        simulate,
    )
    from .frames import Breakdown, score_by
    from .model import Case, Contact, Contacts, Survey, Touches
    from .plugins import hookimpl, load_plugins, open_store
    from .rules import (
        AccountLimit,
        AtMost,
        BusinessHours,
        Capacity,
        Census,
        Channels,
        Continuous,
        DailyCap,
        FollowUp,
        MinimumTenure,
        Owner,
        Policy,
        Priority,
        QuietPeriod,
        Recovery,
        Reminders,
        Route,
        Routing,
        Sample,
        SendWindow,
        Trigger,
        Variant,
        Variants,
        Wave,
        Waves,
        Within,
        field,
    )
    from .stats import (
        DesignScore,
        Difference,
        PairedDifference,
        RateDifference,
        Score,
        VariantComparison,
        compare,
        compare_paired,
        compare_variants,
        design_score,
        score,
    )
    from .stores import SqlBallotBox

__version__ = "0.1.0"
__all__ = [
    "AccountLimit",
    "Adoption",
    "AppriseChannel",
    "AtMost",
    "Backtest",
    "Behavior",
    "Breakdown",
    "BusinessHours",
    "Capacity",
    "Case",
    "CaseAlerts",
    "Census",
    "Channels",
    "ConsoleChannel",
    "Contact",
    "Contacts",
    "Continuous",
    "DailyCap",
    "DesignScore",
    "Difference",
    "Dispatch",
    "FollowUp",
    "Links",
    "MinimumTenure",
    "OutboxChannel",
    "Owner",
    "PairedDifference",
    "Plan",
    "Policy",
    "Priority",
    "Program",
    "QuietPeriod",
    "Rate",
    "RateDifference",
    "Recovery",
    "Reminders",
    "Replay",
    "Route",
    "Routing",
    "Sample",
    "Score",
    "SendWindow",
    "Simulation",
    "SmtpChannel",
    "SqlBallotBox",
    "Survey",
    "Templates",
    "Touches",
    "Trigger",
    "Variant",
    "VariantComparison",
    "Variants",
    "Wave",
    "Waves",
    "WebhookChannel",
    "Within",
    "__version__",
    "adopt",
    "backtest",
    "compare",
    "compare_paired",
    "compare_variants",
    "design_score",
    "field",
    "hookimpl",
    "load_plugins",
    "open_store",
    "plan",
    "replay",
    "score",
    "score_by",
    "simulate",
]

#: The face that each name comes from.
_FACE_OF = {
    name: face
    for face, names in {
        "channels": "AppriseChannel ConsoleChannel OutboxChannel SmtpChannel WebhookChannel",
        "engine": (
            "Adoption Backtest Behavior CaseAlerts Dispatch Links Plan Program Rate Replay Simulation Templates "
            "adopt backtest plan replay simulate"
        ),
        "frames": "Breakdown score_by",
        "model": "Case Contact Contacts Survey Touches",
        "plugins": "hookimpl load_plugins open_store",
        "rules": (
            "AccountLimit AtMost BusinessHours Capacity Census Channels Continuous DailyCap FollowUp "
            "MinimumTenure Owner Policy Priority QuietPeriod Recovery Reminders Route Routing Sample SendWindow "
            "Trigger Variant Variants Wave Waves Within field"
        ),
        "stats": (
            "DesignScore Difference PairedDifference RateDifference Score VariantComparison compare "
            "compare_paired compare_variants design_score score"
        ),
        "stores": "SqlBallotBox",
    }.items()
    for name in names.split()
}
_FACES = frozenset(
    {
        "channels",
        "engine",
        "errors",
        "formats",
        "frames",
        "insight",
        "model",
        "plugins",
        "ratings",
        "report",
        "rules",
        "stats",
        "stores",
        "wording",
    }
)


def __getattr__(name: str) -> Any:
    if name in _FACE_OF:
        value = getattr(import_module(f".{_FACE_OF[name]}", __name__), name)
        globals()[name] = value
        return value
    if name in _FACES:
        return import_module(f".{name}", __name__)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_FACES})
