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
    from .model import Contact, Contacts, Survey, Touches
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
    "AppriseChannel",
    "AtMost",
    "Backtest",
    "Behavior",
    "Breakdown",
    "BusinessHours",
    "Capacity",
    "Census",
    "Channels",
    "ConsoleChannel",
    "Contact",
    "Contacts",
    "Continuous",
    "DailyCap",
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
    "Reminders",
    "Replay",
    "Route",
    "Routing",
    "Sample",
    "Score",
    "SendWindow",
    "Simulation",
    "SmtpChannel",
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

_HOMES = {
    "AppriseChannel": ".channels",
    "ConsoleChannel": ".channels",
    "OutboxChannel": ".channels",
    "SmtpChannel": ".channels",
    "WebhookChannel": ".channels",
    "Adoption": ".engine",
    "Backtest": ".engine",
    "Behavior": ".engine",
    "Dispatch": ".engine",
    "Links": ".engine",
    "Plan": ".engine",
    "Program": ".engine",
    "Replay": ".engine",
    "Simulation": ".engine",
    "Templates": ".engine",
    "adopt": ".engine",
    "backtest": ".engine",
    "plan": ".engine",
    "replay": ".engine",
    "simulate": ".engine",
    "Breakdown": ".frames",
    "score_by": ".frames",
    "Contact": ".model",
    "Contacts": ".model",
    "Survey": ".model",
    "Touches": ".model",
    "hookimpl": ".plugins",
    "load_plugins": ".plugins",
    "open_store": ".plugins",
    "AccountLimit": ".rules",
    "AtMost": ".rules",
    "BusinessHours": ".rules",
    "Capacity": ".rules",
    "Census": ".rules",
    "Channels": ".rules",
    "Continuous": ".rules",
    "DailyCap": ".rules",
    "FollowUp": ".rules",
    "MinimumTenure": ".rules",
    "Owner": ".rules",
    "Policy": ".rules",
    "Priority": ".rules",
    "QuietPeriod": ".rules",
    "Reminders": ".rules",
    "Route": ".rules",
    "Routing": ".rules",
    "Sample": ".rules",
    "SendWindow": ".rules",
    "Trigger": ".rules",
    "Variant": ".rules",
    "Variants": ".rules",
    "Wave": ".rules",
    "Waves": ".rules",
    "Within": ".rules",
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
_ROOMS = frozenset(
    {
        "channels",
        "engine",
        "errors",
        "formats",
        "frames",
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
