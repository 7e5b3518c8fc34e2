"""Rules: whom to ask, and when, decided on columns and able to say why."""

from ._audience import Audience, Census, Sample, Selection, selection
from ._cadence import Cadence, Continuous, Readiness, Trigger, Wave, Waves
from ._capacity import Assignment, Capacity, Load, Priority, Term
from ._clocks import GUARD, AccountLimit, AtMost, DailyCap, MinimumTenure, QuietPeriod, Quota
from ._conditions import Condition, Field, Truth, field
from ._disclosure import Disclosure, Protected, Recoverable, released_groups
from ._disclosure_ledger import Group, Released
from ._disclosure_merging import Merged, merged
from ._draws import draws
from ._follow_up import ANSWER_FIELDS, Decision, Decisions, FollowUp, decide
from ._history import History, Occasions, among
from ._holds import FOREVER, Holds, Rule
from ._people import CLOCKS, SCOPES, Clock, People, Scope
from ._per_contact import Hold, per_contact
from ._plays import (
    DETRACTORS,
    LEVER_SCORES,
    PROMOTERS,
    WITH_COMMENT,
    asked_for_contact,
    every_detractor,
    high_value_low_score,
    promoter_referrals,
    sendgrid,
)
from ._policy import DEFAULT_RULES, Policy
from ._promises import BusinessHours, Promised, SameDay, Within
from ._recovery import Recovery
from ._reminders import Reminders
from ._routes import Channels, Routes
from ._routing import Owner, Route, Routing
from ._send_window import SendWindow, in_windows, zone
from ._variants import Variant, Variants

__all__ = [
    "ANSWER_FIELDS",
    "CLOCKS",
    "DEFAULT_RULES",
    "DETRACTORS",
    "FOREVER",
    "GUARD",
    "LEVER_SCORES",
    "PROMOTERS",
    "SCOPES",
    "WITH_COMMENT",
    "AccountLimit",
    "Assignment",
    "AtMost",
    "Audience",
    "BusinessHours",
    "Cadence",
    "Capacity",
    "Census",
    "Channels",
    "Clock",
    "Condition",
    "Continuous",
    "DailyCap",
    "Decision",
    "Decisions",
    "Disclosure",
    "Field",
    "FollowUp",
    "Group",
    "History",
    "Hold",
    "Holds",
    "Load",
    "Merged",
    "MinimumTenure",
    "Occasions",
    "Owner",
    "People",
    "Policy",
    "Priority",
    "Promised",
    "Protected",
    "QuietPeriod",
    "Quota",
    "Readiness",
    "Recoverable",
    "Recovery",
    "Released",
    "Reminders",
    "Route",
    "Routes",
    "Routing",
    "Rule",
    "SameDay",
    "Sample",
    "Scope",
    "Selection",
    "SendWindow",
    "Term",
    "Trigger",
    "Truth",
    "Variant",
    "Variants",
    "Wave",
    "Waves",
    "Within",
    "among",
    "asked_for_contact",
    "decide",
    "draws",
    "every_detractor",
    "field",
    "high_value_low_score",
    "in_windows",
    "merged",
    "per_contact",
    "promoter_referrals",
    "released_groups",
    "selection",
    "sendgrid",
    "zone",
]
