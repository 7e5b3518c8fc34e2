"""What a program knows: contacts, surveys, messages, answers and events, as values and as columns."""

from ._codec import Record, from_dict, to_dict
from ._columns import Column, Kind, Value, column
from ._contact import Contact
from ._contacts import Contacts, fingerprint
from ._events import (
    Bounced,
    Coded,
    Declined,
    Event,
    Failed,
    OptedIn,
    OptedOut,
    Responded,
    Scheduled,
    Sending,
    Sent,
    Settled,
    Shown,
    Triggered,
    WaveDrawn,
    Withheld,
)
from ._instants import NEVER, Instants, aware, instant, span
from ._ledger import Claim, Entry, Forgotten
from ._message import Message, Receipt, message_id
from ._response import Purpose, Response
from ._survey import Driver, Survey, SurveyKind
from ._touches import KINDS, Touches

__all__ = [
    "KINDS",
    "NEVER",
    "Bounced",
    "Claim",
    "Coded",
    "Column",
    "Contact",
    "Contacts",
    "Declined",
    "Driver",
    "Entry",
    "Event",
    "Failed",
    "Forgotten",
    "Instants",
    "Kind",
    "Message",
    "OptedIn",
    "OptedOut",
    "Purpose",
    "Receipt",
    "Record",
    "Responded",
    "Response",
    "Scheduled",
    "Sending",
    "Sent",
    "Settled",
    "Shown",
    "Survey",
    "SurveyKind",
    "Touches",
    "Triggered",
    "Value",
    "WaveDrawn",
    "Withheld",
    "aware",
    "column",
    "fingerprint",
    "from_dict",
    "instant",
    "message_id",
    "span",
    "to_dict",
]
