"""Forgetting: what is personal of somebody is deleted, and what remains cannot be traced to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from netpromoter.model import Forgotten

from ._kinds import CODE_OF
from ._ledger import Ledger
from ._rows import moved
from ._whose import removed, renamed_event_id

if TYPE_CHECKING:
    from ._connections import Link

__all__ = ["forget"]

#: These keep the fingerprints of their addresses, and so must not lead to what else the person did.
_UNLINKED = {CODE_OF[name] for name in ("opted_out", "reminders_off", "opted_in")}


def forget(ledger: Ledger, link: Link, contact: str) -> Forgotten:
    """Forget somebody; the caller holds the transaction."""
    link.deleted = True
    link.execute(ledger.statements["add_forgotten"], {"hash": ledger.hash(contact)})
    person = ledger.persons(link, [contact]).get(contact)
    if person is None:
        return Forgotten(events=0, addresses=0, comments=0)
    rows = link.rows(ledger.statements["rows_of"], {"whose": person})
    found = removed([entry.event for entry in ledger.entries(link, [row[:4] for row in rows])])
    _strip(ledger, link, [row for row in rows if row[5] not in _UNLINKED])
    _move(ledger, link, contact, person, [row for row in rows if row[5] in _UNLINKED])
    link.execute(ledger.statements["rename"], {"whose": person})
    return found


def _strip(ledger: Ledger, link: Link, rows: Sequence[Any]) -> None:
    """Delete what is personal, and let nothing wait."""
    places = [{"place": row[0]} for row in rows]
    prefix = "scheduled/"
    messages = [{"message": row[4].removeprefix(prefix)} for row in rows if row[4].startswith(prefix)]
    bounces = [{"place": row[0], "new_id": _without_address(row[4])} for row in rows if row[5] == CODE_OF["bounced"]]
    link.many(ledger.statements["strip"], places)
    link.many(ledger.statements["set_id"], bounces)
    link.many(ledger.statements["strip_touch"], places)
    link.many(ledger.statements["drop_message"], messages)


def _without_address(identity: str) -> str:
    """Give the id of a bounce at an address that is not known; the fingerprint is its third part."""
    kind, person, _, rest = identity.split("/", 3)
    return f"{kind}/{person}/0/{rest}"


def _move(ledger: Ledger, link: Link, contact: str, person: int, rows: Sequence[Any]) -> None:
    """Give opt-outs to somebody of whom nothing else is known."""
    if not rows:
        return
    stranger = ledger.number(link, "last_person") + 1
    link.many(ledger.statements["add_identity"], [{"person": stranger, "contact": ledger.alias(contact)}])
    names = {str(person): str(stranger)}
    link.many(
        ledger.statements["move"],
        [
            {
                "place": position,
                "new_id": renamed_event_id(identity, names.__getitem__),
                "new_body": moved(body, names.__getitem__),
            }
            for position, _, body, _, identity, _ in rows
        ],
    )
    link.many(ledger.statements["move_touch"], [{"place": row[0], "new_person": stranger} for row in rows])
