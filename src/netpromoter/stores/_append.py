"""Appending: events become rows, in the order in which they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

from netpromoter.model import (
    Bounced,
    Declined,
    Event,
    Message,
    Responded,
    Scheduled,
    Sending,
    Shown,
    SurveyKind,
    message_id,
)

from ._kinds import Outcome
from ._ledger import MOST_LABELS, Ledger
from ._rows import LABELS, NONE, facts, labels, microseconds, plain, written
from ._whose import alias, is_lost, keyed_hash, mentioned, quoted, renamed_event_id, renamed_id, whose

if TYPE_CHECKING:
    from ._connections import Link

__all__ = ["append"]

_AT_ONCE = 5_000
_ASKED = (Shown, Declined, Responded)


def append(ledger: Ledger, link: Link, events: Sequence[Event]) -> list[Event]:
    """Write events, and give those that were new; the caller holds the transaction."""
    added: list[Event] = []
    for start in range(0, len(events), _AT_ONCE):
        added += _Part(ledger, link).add(events[start : start + _AT_ONCE])
    return added


class _Part:
    """Some thousand events under way: what the database knows of them is asked once for all."""

    def __init__(self, ledger: Ledger, link: Link) -> None:
        self._ledger = ledger
        self._link = link
        self._persons: dict[str, int] = {}
        self._newcomers: dict[str, int] = {}
        self._forgotten: set[str] = set()
        self._messages: dict[str, dict[str, Any]] = {}
        self._reached: dict[tuple[str, int, int], int] = {}

    def add(self, events: Sequence[Event]) -> list[Event]:
        self._recognize({contact for event in events for contact in mentioned(event)})
        kept = self._new([event for event in events if not is_lost(event, self._forgotten.__contains__)])
        self._label([labels(event) for event in kept.values()])
        self._recall(kept)
        self._write(kept)
        return list(kept.values())

    def _ask(self, name: str, **lists: Iterable[Any]) -> list[Any]:
        return self._ledger.ask(self._link, name, **lists)

    def _number(self, name: str) -> int:
        return self._ledger.number(self._link, name)

    # -- who ---------------------------------------------------------------------------------------------------------

    def _recognize(self, contacts: set[str]) -> None:
        """Find the numbers of people; who is not known may have been forgotten."""
        texts = {quoted(contact): contact for contact in contacts}
        self._persons |= {texts[text]: person for text, person in self._ask("persons", contacts=texts)}
        strangers = contacts - self._persons.keys()
        if strangers and self._link.rows(self._ledger.statements["any_forgotten"]):
            hashes = {keyed_hash(contact, self._ledger.key, self._ledger.salt): contact for contact in strangers}
            self._forgotten = {hashes[found] for (found,) in self._ask("forgotten", hashes=hashes)}
            self._recognize_aliases()
        self._next_person = self._number("last_person")

    def _recognize_aliases(self) -> None:
        names = {self._alias(contact): contact for contact in self._forgotten}
        self._persons |= {names[text]: person for text, person in self._ask("persons", contacts=names)}

    def _alias(self, contact: str) -> str:
        return alias(contact, self._ledger.key, self._ledger.salt)

    def _person(self, contact: str) -> int:
        person = self._persons.get(contact)
        if person is None:
            self._next_person += 1
            person = self._persons[contact] = self._next_person
            self._newcomers[self._alias(contact) if contact in self._forgotten else quoted(contact)] = person
        return person

    def _name(self, contact: str) -> str:
        return str(self._person(contact))

    # -- what is new -------------------------------------------------------------------------------------------------

    def _new(self, events: Sequence[Event]) -> dict[str, Event]:
        """Give the events that are not in the log, by the ids under which it keeps them."""
        found: dict[str, Event] = {}
        asked = set()
        for event in events:
            before = self._next_person
            identity = plain(renamed_event_id(event.id, self._name))
            found.setdefault(identity, event)
            if self._next_person == before:
                asked.add(identity)
        for (known,) in self._ask("ids", ids=asked) if asked else ():
            del found[known]
        return found

    def _label(self, found: Sequence[dict[str, str]]) -> None:
        """Find the numbers of labels, and give new ones theirs."""
        known = self._ledger.labels
        if len(known) > MOST_LABELS:
            known.clear()
        wanted = dict.fromkeys((LABELS.index(what), text) for each in found for what, text in each.items())
        missing = [place for place in wanted if place not in known]
        if not missing:
            return
        rows = self._ask("labels", texts={text for _, text in missing})
        known |= {(what, text): number for what, text, number in rows}
        fresh = [place for place in missing if place not in known]
        if fresh:
            numbers = range(self._number("last_label") + 1, self._number("last_label") + 1 + len(fresh))
            known |= dict(zip(fresh, numbers, strict=True))
            rows = [{"number": known[place], "what": place[0], "text": place[1]} for place in fresh]
            self._link.many(self._ledger.statements["add_label"], rows)

    # -- what came before --------------------------------------------------------------------------------------------

    def _recall(self, kept: dict[str, Event]) -> None:
        """Find where the messages stand of which these events speak."""
        asked = {each for event in kept.values() for each in self._spoken_of(event)}
        columns = ("id", "adopted", "due", "intent", "over")
        for row in self._ask("messages", ids=asked) if asked else ():
            self._messages[row[0]] = dict(zip(columns, row, strict=True))
        self._recall_reached([event for event in kept.values() if isinstance(event, _ASKED)])

    def _spoken_of(self, event: Event) -> Iterator[str]:
        """Give the ids of the messages that an event is, or is about, as the database has them."""
        if isinstance(event, Scheduled):
            yield self._stored(event.message.id)
            if event.message.attempt:
                yield self._stored(_before(event.message))
        elif isinstance(event, Sending | Bounced | Outcome) and event.message is not None:
            yield self._stored(event.message)

    def _stored(self, message: str) -> str:
        return plain(renamed_id(message, self._name))

    def _recall_reached(self, events: Sequence[Event]) -> None:
        """Find the last message of each occasion to those who saw it, answered or declined."""
        if not events:
            return
        people = {self._person(whose(event) or "") for event in events}
        keys = {labels(event)["survey"].rpartition("/")[0] for event in events}
        texts = {f"{key}/{kind}": key for key in keys for kind in get_args(SurveyKind)}
        rows = self._ask("labels", texts=texts)
        surveys = {number: texts[text] for what, text, number in rows if LABELS[what] == "survey"}
        for survey, occasion, person, position in self._ask("reached", persons=people):
            if survey in surveys:
                place = surveys[survey], occasion, person
                self._reached[place] = max(position, self._reached.get(place, 0))

    # -- the rows ----------------------------------------------------------------------------------------------------

    def _write(self, kept: Mapping[str, Event]) -> None:
        first = self._number("last_position") + 1
        entries, columns = [], []
        for position, (identity, event) in enumerate(kept.items(), first):
            body, personal = written(event, self._name)
            entries.append({"position": position, "id": identity, "body": body, "personal": personal})
            columns.append(self._columns(event, position))
        people = [{"person": person, "contact": contact} for contact, person in self._newcomers.items()]
        changed = [row for row in self._messages.values() if row.pop("changed", False)]
        for name, rows in (("identity", people), ("log", entries), ("touch", columns)):
            self._link.many(self._ledger.statements[f"add_{name}"], rows)
        self._link.many(self._ledger.statements["set_message"], changed)

    def _columns(self, event: Event, position: int) -> dict[str, int]:
        row = facts(event)
        owner = whose(event)
        row["position"] = position
        row["person"] = NONE if owner is None else self._person(owner)
        found = labels(event)
        row |= {what: self._ledger.labels[LABELS.index(what), text] for what, text in found.items()}
        if isinstance(event, Scheduled):
            row["about"] = self._adopt(event, position)
            self._reached[found["survey"].rpartition("/")[0], row["occasion"], row["person"]] = position
        elif isinstance(event, _ASKED):
            row["about"] = self._reached.get((found["survey"].rpartition("/")[0], row["occasion"], row["person"]), 0)
        elif isinstance(event, Sending | Bounced | Outcome):
            row["about"] = self._report(event, position)
        return row

    def _adopt(self, event: Scheduled, position: int) -> int:
        """Note a message, and give the position of the attempt before it."""
        message = event.message
        self._message(message.id).update(adopted=position, due=microseconds(message.due), changed=True)
        return self._message(_before(message))["adopted"] or 0 if message.attempt else 0

    def _report(self, event: Sending | Bounced | Outcome, position: int) -> int:
        """Note what became of a message, and give its position."""
        if event.message is None:
            return 0
        row = self._message(event.message)
        if isinstance(event, Sending):
            row.update(intent=position, changed=True)
        elif isinstance(event, Outcome):
            row.update(over=1, changed=True)
        return row["adopted"] or 0

    def _message(self, message: str) -> dict[str, Any]:
        identity = self._stored(message)
        blank = {"id": identity, "adopted": None, "due": None, "intent": None, "over": 0}
        return self._messages.setdefault(identity, blank)


def _before(message: Message) -> str:
    return message_id(message.survey, message.occasion, message.contact, message.step, message.attempt - 1)
