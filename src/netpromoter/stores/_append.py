"""Appending: events become rows, in the order in which they come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any, get_args

import attrs

from netpromoter.model import (
    Bounced,
    Declined,
    Event,
    Responded,
    Scheduled,
    Sending,
    Shown,
    SurveyKind,
    message_id,
    quoted,
)

from ._kinds import Outcome
from ._ledger import MOST_LABELS, Ledger
from ._rows import FOLDED, LABELS, NONE, facts, labels, microseconds, plain, signed, written
from ._whose import check_expected, contact_named, is_lost, mentioned, renamed_event_id, renamed_id, whose

if TYPE_CHECKING:
    from ._connections import Link

__all__ = ["append"]

_AT_ONCE = 5_000
_OUTBOX = ("id", "adopted", "due", "intent", "over")
_ASKED = (Shown, Declined, Responded)
_OUTCOMES = get_args(Outcome)
#: The id of such an event ends with that of its message.
_NAMED = (Scheduled, *_OUTCOMES)
_IN_ORDER = itemgetter(*FOLDED)


def append(ledger: Ledger, link: Link, events: Sequence[Event], expecting: Mapping[str | int, int]) -> list[Event]:
    """Write events, and give those that were new; the caller holds the transaction."""
    added = _Part(ledger, link).add(events[:_AT_ONCE], expecting)
    for start in range(_AT_ONCE, len(events), _AT_ONCE):
        added += _Part(ledger, link).add(events[start : start + _AT_ONCE], {})
    return added


@attrs.define
class _New:
    """An event that is not in the log, and how the database has it."""

    event: Event
    owner: str | None
    identity: str
    #: The id of the message that it is, or is about.
    message: str | None
    labels: Mapping[str, str]

    @property
    def survey(self) -> str:
        """The key of its survey."""
        return self.labels["survey"].rpartition("/")[0]


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
        self._position = self._last_person = 0

    def add(self, events: Sequence[Event], expecting: Mapping[str | int, int]) -> list[Event]:
        self._recognize({contact for event in events for contact in mentioned(event)}, expecting)
        if self._forgotten:
            events = [event for event in events if not is_lost(event, self._forgotten.__contains__)]
        found = self._new(events)
        self._label(found)
        self._recall_reached([new for new in found if isinstance(new.event, _ASKED)])
        self._write(found)
        return [new.event for new in found]

    def _ask(self, name: str, **lists: Iterable[Any]) -> list[Any]:
        return self._ledger.ask(self._link, name, **lists)

    # -- who ---------------------------------------------------------------------------------------------------------

    def _recognize(self, contacts: set[str], expecting: Mapping[str | int, int]) -> None:
        """Find the numbers of people, and refuse where more has happened to them than was expected."""
        expected = {who: position for who, position in expecting.items() if isinstance(who, str)}
        places = {signed(who): who for who in expecting if isinstance(who, int)}
        texts = {quoted(contact): contact for contact in contacts | expected.keys()}
        # both are on their way before the answer to one is waited for, and both are read before anything is refused
        sharing = self._ledger.asked(self._link, "last_of_sharing", destinations=places) if places else None
        people = self._ledger.asked(self._link, "recognize_with_last" if expecting else "recognize", contacts=texts)
        shared, rows = sharing.fetchall() if sharing else (), people.fetchall()
        for place, last in shared:
            check_expected(places[place], last, expecting[places[place]])
        self._position, self._last_person, any_forgotten = rows[0][:3]
        found = {texts[text]: (person, last) for _, _, _, text, person, last in rows if text is not None}
        for contact, position in expected.items():
            check_expected(contact, found.get(contact, (0, 0))[1], position)
        self._persons = {contact: person for contact, (person, _) in found.items()}
        if any_forgotten:
            self._recognize_forgotten(contacts - found.keys())

    def _recognize_forgotten(self, strangers: set[str]) -> None:
        """Find those who are not known, since they were forgotten."""
        if strangers:
            hashes = {self._ledger.hash(contact): contact for contact in strangers}
            self._forgotten = {hashes[found] for (found,) in self._ask("forgotten", hashes=hashes)}
            aliases = {self._ledger.alias(contact): contact for contact in self._forgotten}
            known = self._ledger.persons(self._link, aliases)
            self._persons |= {aliases[name]: person for name, person in known.items()}

    def _person(self, contact: str) -> int:
        person = self._persons.get(contact)
        if person is None:
            self._last_person += 1
            person = self._persons[contact] = self._last_person
            name = self._ledger.alias(contact) if contact in self._forgotten else contact
            self._newcomers[quoted(name)] = person
        return person

    def _name(self, contact: str) -> str:
        return str(self._person(contact))

    # -- what is new -------------------------------------------------------------------------------------------------

    def _new(self, events: Sequence[Event]) -> list[_New]:
        """Give the events that are not in the log; one that names a newcomer cannot be there."""
        found: dict[str, _New] = {}
        asked = set()
        for event in events:
            before = self._last_person
            identity = renamed_event_id(event.id, self._name)
            stored = plain(identity)
            if stored not in found:
                found[stored] = _New(event, whose(event), stored, self._spoken_of(event, identity), labels(event))
                if self._last_person == before:
                    asked.add(stored)
        known = self._recall(asked, found.values())
        return [new for new in found.values() if new.identity not in known]

    def _spoken_of(self, event: Event, identity: str) -> str | None:
        if isinstance(event, _NAMED):
            return plain(identity.partition("/")[2])
        if isinstance(event, Sending):
            return plain(identity.partition("/")[2].rpartition("/")[0])
        return self._stored(event.message) if isinstance(event, Bounced) and event.message else None

    def _stored(self, message: str) -> str:
        return plain(renamed_id(message, self._name))

    def _label(self, found: Sequence[_New]) -> None:
        """Find the numbers of labels, and give new ones theirs."""
        known = self._ledger.labels
        if len(known) > MOST_LABELS:
            known.clear()
        wanted = dict.fromkeys(place for new in found for place in new.labels.items())
        missing = [place for place in wanted if place not in known]
        if missing:
            rows = self._ask("labels", texts={text for _, text in missing})
            known |= {(LABELS[what], text): number for what, text, number in rows}
            self._add_labels([place for place in missing if place not in known])

    def _add_labels(self, fresh: Sequence[tuple[str, str]]) -> None:
        first = self._ledger.number(self._link, "last_label") + 1
        numbers = dict(zip(fresh, range(first, first + len(fresh)), strict=True))
        rows = [(number, LABELS.index(what), text) for (what, text), number in numbers.items()]
        self._ledger.write(self._link, "add_label", rows)
        self._ledger.labels.update(numbers)

    # -- what came before --------------------------------------------------------------------------------------------

    def _recall(self, ids: set[str], found: Iterable[_New]) -> set[str]:
        """Give those of some ids that are in the log, and note where the messages stand of which events speak."""
        messages = {new.message for new in found if new.message}
        if self._newcomers:
            newcomers = set(map(str, self._newcomers.values()))
            messages = {message for message in messages if contact_named(message) not in newcomers}
        messages |= {
            self._before(new.event) for new in found if isinstance(new.event, Scheduled) and new.event.message.attempt
        }
        rows = self._ask("recall", ids=ids, messages=messages) if ids or messages else ()
        self._messages = {row[1]: dict(zip(_OUTBOX, row[1:], strict=True)) for row in rows if row[0]}
        return {row[1] for row in rows if not row[0]}

    def _before(self, event: Scheduled) -> str:
        """Give the id of the attempt before one."""
        message = event.message
        parts = message.survey, message.occasion, message.contact, message.step, message.attempt - 1
        return self._stored(message_id(*parts))

    def _recall_reached(self, found: Sequence[_New]) -> None:
        """Find the last message of each occasion to those who saw it, answered or declined."""
        if not found:
            return
        people = {self._person(new.owner or "") for new in found}
        texts = {f"{new.survey}/{kind}": new.survey for new in found for kind in get_args(SurveyKind)}
        rows = self._ask("labels", texts=texts)
        surveys = {number: texts[text] for what, text, number in rows if LABELS[what] == "survey"}
        for survey, occasion, person, position in self._ask("reached", persons=people):
            if survey in surveys:
                place = surveys[survey], occasion, person
                self._reached[place] = max(position, self._reached.get(place, 0))

    # -- the rows ----------------------------------------------------------------------------------------------------

    def _write(self, found: Sequence[_New]) -> None:
        entries, columns = [], []
        for position, new in enumerate(found, self._position + 1):
            entries.append((position, new.identity, *written(new.event, self._name)))
            columns.append(_IN_ORDER(self._columns(new, position)))
        rows: dict[str, Sequence[Sequence[Any]]] = {
            "add_identity": [(person, contact) for contact, person in self._newcomers.items()],
            "add_log": entries,
            "add_touch": columns,
            "set_message": [tuple(row.values()) for row in self._messages.values() if row.pop("changed", False)],
        }
        for name, each in rows.items():
            self._ledger.write(self._link, name, each)

    def _columns(self, new: _New, position: int) -> dict[str, int]:
        row = facts(new.event)
        row["position"] = position
        row["person"] = NONE if new.owner is None else self._person(new.owner)
        for place in new.labels.items():
            row[place[0]] = self._ledger.labels[place]
        if isinstance(new.event, Scheduled):
            row["about"] = self._adopt(new, position)
            self._reached[new.survey, row["occasion"], row["person"]] = position
        elif isinstance(new.event, _ASKED):
            row["about"] = self._reached.get((new.survey, row["occasion"], row["person"]), 0)
        elif new.message is not None:
            row["about"] = self._report(new.event, new.message, position)
        return row

    def _adopt(self, new: _New, position: int) -> int:
        """Note a message, and give the position of the attempt before it."""
        event: Any = new.event
        due = microseconds(event.message.due)
        self._message(new.message).update(adopted=position, due=due, changed=True)
        return self._message(self._before(event))["adopted"] or 0 if event.message.attempt else 0

    def _report(self, event: Event, message: str, position: int) -> int:
        """Note what became of a message, and give its position."""
        row = self._message(message)
        if isinstance(event, Sending):
            row.update(intent=position, changed=True)
        elif isinstance(event, _OUTCOMES):
            row.update(over=1, changed=True)
        return row["adopted"] or 0

    def _message(self, identity: Any) -> dict[str, Any]:
        blank = {"id": identity, "adopted": None, "due": None, "intent": None, "over": 0}
        return self._messages.setdefault(identity, blank)
