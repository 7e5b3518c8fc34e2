"""A database that is open: its connections and statements, its secrets, and who and what its numbers stand for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import attrs

from netpromoter.model import Entry, quoted, unquoted

from ._rows import LABELS, plain, read, signed
from ._whose import alias, contacts_in, keyed_hash, renamed_event_id

if TYPE_CHECKING:
    from ._connections import Connections, Link
    from ._statements import Statements

__all__ = ["MOST_LABELS", "Ledger"]

#: How many labels are kept in memory for those who append.
MOST_LABELS = 100_000
_FEW = 500
#: How many rows one statement writes: with fourteen values each, it stays below the bound of old databases.
_AT_ONCE = 64


@attrs.define(kw_only=True)
class Ledger:
    """What all who use a database share."""

    connections: Connections
    statements: Statements
    key: bytes
    salt: bytes

    @property
    def labels(self) -> dict[tuple[str, str], int]:
        """The numbers of labels, by what they are of and their text."""
        return self.connections.cache

    def listed(self, values: Iterable[Any]) -> Any:
        """Give a list as the database takes it."""
        return self.connections.database.listed(values)

    def ask(self, link: Link, name: str, **lists: Iterable[Any]) -> list[Any]:
        """Execute a statement with lists of values, and give its rows."""
        found: list[Any] = self.asked(link, name, **lists).fetchall()
        return found

    def asked(self, link: Link, name: str, **lists: Iterable[Any]) -> Any:
        """Execute a statement with lists of values, and give its cursor."""
        return link.execute(self.statements[name], {each: self.listed(values) for each, values in lists.items()})

    def write(self, link: Link, name: str, rows: Sequence[Sequence[Any]]) -> None:
        """Write rows, many in one statement: each statement lets other threads in, who do not leave at once."""
        for start in range(0, len(rows), _AT_ONCE):
            part = rows[start : start + _AT_ONCE]
            link.execute(self.statements.of_rows(name, len(part)), list(chain.from_iterable(part)))

    def number(self, link: Link, name: str) -> int:
        """Execute a statement that gives one number."""
        found: int = link.rows(self.statements[name])[0][0]
        return found

    def hash(self, contact: str) -> str:
        """Give what is kept of the id of somebody who was forgotten."""
        return keyed_hash(contact, self.key, self.salt)

    def forgotten(self, link: Link, contacts: Iterable[str]) -> set[str]:
        """Give those ids under which somebody was forgotten; a long list is looked for in the hashes of all."""
        if not self.number(link, "any_forgotten"):
            return set()
        hashes = {self.hash(contact): contact for contact in contacts}
        name, lists = ("forgotten", {"hashes": hashes}) if len(hashes) <= _FEW else ("all_forgotten", {})
        found = (mark for (mark,) in self.ask(link, name, **lists))
        return {hashes[mark] for mark in found if mark in hashes}

    def alias(self, contact: str) -> str:
        """Give the id under which the opt-outs of somebody who was forgotten are kept."""
        return alias(contact, self.key, self.salt)

    def persons(self, link: Link, contacts: Iterable[str]) -> dict[str, int]:
        """Find the numbers of those contacts that have one."""
        texts = {quoted(contact): contact for contact in contacts}
        return {texts[text]: person for text, person in self.ask(link, "persons", contacts=texts)} if texts else {}

    def sharing(self, link: Link, destinations: Iterable[int]) -> set[int]:
        """Give the numbers of those who share some destinations."""
        places = [signed(each) for each in destinations]
        return {person for (person,) in self.ask(link, "sharing", destinations=places)} if places else set()

    def contacts(self, link: Link, persons: Iterable[int]) -> dict[int, str]:
        """Give the contacts of numbers."""
        asked = list(persons)
        return {person: unquoted(text) for person, text in self.ask(link, "contacts", persons=asked)} if asked else {}

    def ids(self, link: Link, ids: Sequence[str]) -> list[str]:
        """Give the ids under which the database keeps events; those of contacts whom it does not know are left out."""
        persons = self.persons(link, {contact for each in ids for contact in contacts_in(each)})
        stored = [renamed_event_id(each, lambda contact: str(persons.get(contact, ""))) for each in ids]
        return [plain(each) for each in stored]

    def entries(self, link: Link, rows: Sequence[Any]) -> list[Entry]:
        """Read rows of position, person, body and what is personal."""
        names = self.contacts(link, {person for _, person, _, _ in rows})

        def name(number: str) -> str:
            if int(number) not in names:
                names.update(self.contacts(link, [int(number)]))
            return names[int(number)]

        return [Entry(position=position, event=read(body, personal, name)) for position, _, body, personal in rows]

    def texts(self, link: Link, what: str, codes: Any) -> list[Any]:
        """Give what some codes of a column stand for."""
        if what == "contact":
            name, listed = ("contacts", "persons") if len(codes) <= _FEW else ("all_contacts", "")
            found = dict(self.ask(link, name, **({listed: codes.tolist()} if listed else {})))
        else:
            name, listed = ("label_texts", "numbers") if len(codes) <= _FEW else ("all_label_texts", "")
            rows = self.ask(link, name, **({listed: codes.tolist()} if listed else {}))
            found = {number: text for kind, text, number in rows if LABELS[kind] == what}
        return [_survey(found[code]) if what == "survey" else unquoted(found[code]) for code in codes.tolist()]


def _survey(text: str) -> tuple[str, str]:
    key, _, kind = text.rpartition("/")
    return unquoted(key), kind
