"""Rules: whom to ask, and when, decided on columns and able to say why."""

from ._audience import Audience, Census, Sample, Selection, selection
from ._cadence import Cadence, Continuous, Readiness, Trigger, Wave, Waves
from ._clocks import GUARD, AccountLimit, AtMost, DailyCap, MinimumTenure, QuietPeriod, Quota
from ._conditions import Condition, Field, Truth, field
from ._draws import draws
from ._history import History, Occasions, among
from ._holds import FOREVER, Holds, Rule
from ._people import CLOCKS, SCOPES, Clock, People, Scope
from ._per_contact import Hold, per_contact
from ._policy import DEFAULT_RULES, Policy
from ._reminders import Reminders
from ._routes import Channels, Routes
from ._send_window import SendWindow, in_windows, zone
from ._variants import Variant, Variants

__all__ = [
    "CLOCKS",
    "DEFAULT_RULES",
    "FOREVER",
    "GUARD",
    "SCOPES",
    "AccountLimit",
    "AtMost",
    "Audience",
    "Cadence",
    "Census",
    "Channels",
    "Clock",
    "Condition",
    "Continuous",
    "DailyCap",
    "Field",
    "History",
    "Hold",
    "Holds",
    "MinimumTenure",
    "Occasions",
    "People",
    "Policy",
    "QuietPeriod",
    "Quota",
    "Readiness",
    "Reminders",
    "Routes",
    "Rule",
    "Sample",
    "Scope",
    "Selection",
    "SendWindow",
    "Trigger",
    "Truth",
    "Variant",
    "Variants",
    "Wave",
    "Waves",
    "among",
    "draws",
    "field",
    "in_windows",
    "per_contact",
    "selection",
    "zone",
]
