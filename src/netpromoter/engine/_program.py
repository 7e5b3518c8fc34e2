"""A program: one survey, its store, its channels and its rules, and what happens between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from netpromoter._checks import refusal, shown
from netpromoter.model import (
    Bounced,
    Claim,
    Contacts,
    Message,
    OptedOut,
    Responded,
    Response,
    Scheduled,
    Settled,
    Survey,
    Withheld,
    aware,
    instant,
)
from netpromoter.plugins import Channel, Plugins, Store, load_plugins
from netpromoter.rules import DEFAULT_RULES, Audience, Cadence, Census, Channels, Policy, Reminders, Rule, Variants

from ._adopt import Adoption, adopt
from ._dispatch import Dispatch, Dispatcher
from ._links import Links
from ._plan import AnyContacts, Plan, as_contacts, plan
from ._render import Templates
