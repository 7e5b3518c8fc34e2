"""Every statement that a store asks of a database, written with SQLAlchemy and compiled once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from ._connections import Database
from ._kinds import CODE_OF
from ._rows import FOLDED, PAGE
from ._schema import ADDRESSED, CLAIMED, WAITING, cursor, forgotten, identity, label, log, meta, outbox, touch

__all__ = ["Statements"]

_ROWLESS = tuple(CODE_OF[name] for name in ("wave_drawn", "coded"))


def _number(value: int) -> sa.ColumnElement[int]:
    """Write a whole number into the text, where the database can plan with it."""
    return sa.literal_column(str(value))


class Statements:
    """Statements as texts, in the words of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._texts: dict[Any, str] = {name: self._text(each) for name, each in _statements(database).items()}

    def __getitem__(self, name: str) -> str:
        return self._texts[name]

    def _text(self, statement: Any) -> str:
        return str(statement.compile(dialect=self._database.dialect))

    def of_rows(self, name: str, size: int) -> str:
        """Give a statement that writes a row, for several at once, whose values follow one another."""
        if (name, size) not in self._texts:
            insert, on, conflict = self._texts[name].partition(" ON CONFLICT")
            columns, values, _ = insert.partition(" VALUES ")
            row = ", ".join([self._database.mark] * (1 + columns.count(",")))
            self._texts[name, size] = columns + values + ", ".join([f"({row})"] * size) + on + conflict
        return self._texts[name, size]

    def filtered(self, name: str, filters: frozenset[str]) -> str:
        """Give "entries" or "touches" with some filters."""
        if (name, filters) not in self._texts:
            columns = {"contacts": touch.c.person, "ids": log.c.id, "kinds": touch.c.kind}
            chosen = [self._database.among(columns[each], each) for each in sorted(filters)]
            self._texts[name, filters] = self._text(_FILTERED[name]().where(*chosen))
        return self._texts[name, filters]


def _entries() -> sa.Select[Any]:
    """Give a page of the log."""
    found = sa.select(log.c.position, touch.c.person, log.c.body, log.c.personal)
    joined = found.join(touch, touch.c.position == log.c.position)
    within = touch.c.position > sa.bindparam("after"), touch.c.position <= sa.bindparam("last")
    return joined.where(*within).order_by(touch.c.position).limit(_number(PAGE)).offset(_number(0))


def _touches() -> sa.Select[Any]:
    rowless = [touch.c.kind != _number(code) for code in _ROWLESS]
    found = sa.select(*[touch.c[name] for name in FOLDED])
    return found.where(touch.c.position > sa.bindparam("after"), *rowless).order_by(touch.c.position)


_FILTERED = {"entries": _entries, "touches": _touches}


def _statements(database: Database) -> dict[str, Any]:
    return _writing(database) | _reading(database) | _forgetting(database)


def _names(table: sa.Table) -> list[str]:
    return [column.name for column in table.columns]


def _insert(table: sa.Table) -> Any:
    return sa.insert(table).values({name: sa.bindparam(name) for name in _names(table)})


def _upsert(database: Database, table: sa.Table, key: str) -> Any:
    """Write a row, in the place of the one with the same key if there is one."""
    makers: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
    insert = makers[database.dialect.name](table)
    values: dict[str, Any] = {name: sa.bindparam(name) for name in _names(table)}
    return insert.values(values).on_conflict_do_update(
        index_elements=[key], set_={name: insert.excluded[name] for name in _names(table)}
    )


def _writing(database: Database) -> dict[str, Any]:
    return {
        "add_forgotten": _upsert(database, forgotten, "hash"),
        "set_cursor": _upsert(database, cursor, "name"),
        "set_message": _upsert(database, outbox, "id"),
    } | {f"add_{table.name.removeprefix('netpromoter_')}": _insert(table) for table in (identity, label, log, touch)}


def _highest(column: sa.Column[Any]) -> Any:
    return sa.select(sa.func.coalesce(sa.func.max(column), _number(0)))


def _reading(database: Database) -> dict[str, Any]:
    among = database.among
    found = {
        "meta": sa.select(meta.c.name, meta.c.value),
        "recognize": _recognize(database, sa.null()),
        "recognize_with_last": _recognize(database, _last_of_each()),
        "recall": _recall(database),
        "sharing": sa.select(_sharing(database).c.person),
        "last_of_sharing": _last_of_sharing(database),
        "last_position": _highest(log.c.position),
        "last_person": _highest(identity.c.person),
        "last_label": _highest(label.c.number),
        "any_forgotten": sa.select(sa.exists(sa.select(forgotten.c.hash))),
        "forgotten": sa.select(forgotten.c.hash).where(among(forgotten.c.hash, "hashes")),
        "all_forgotten": sa.select(forgotten.c.hash),
        "reached": _reached(database),
        "cursor": sa.select(cursor.c.position).where(cursor.c.name == sa.bindparam("name")),
        "rows": _rows(database),
    }
    return found | _naming(database) | _standing()


def _naming(database: Database) -> dict[str, Any]:
    """Give what tells who is who, and what is what."""
    labels = sa.select(label.c.what, label.c.text, label.c.number)
    people = sa.select(identity.c.person, identity.c.contact)
    persons = sa.select(identity.c.contact, identity.c.person)
    return {
        "persons": persons.where(database.among(identity.c.contact, "contacts")),
        "contacts": people.where(database.among(identity.c.person, "persons")),
        "all_contacts": people,
        "labels": labels.where(database.among(label.c.text, "texts")),
        "label_texts": labels.where(database.among(label.c.number, "numbers")),
        "all_label_texts": labels,
    }


def _standing() -> dict[str, Any]:
    """Give what tells where messages stand."""
    waiting = sa.select(outbox.c.adopted).where(WAITING, outbox.c.due <= sa.bindparam("at"))
    most = sa.bindparam("most", type_=sa.Integer)
    return {
        "waiting": waiting.order_by(outbox.c.due, outbox.c.adopted).limit(most).offset(_number(0)),
        "claims": sa.select(outbox.c.adopted, outbox.c.intent).where(CLAIMED).order_by(outbox.c.intent),
    }


def _recognize(database: Database, last: Any) -> Any:
    """Give the last position, the last number of a person, whether anybody was forgotten, and beside it some people."""
    anybody = sa.exists(sa.select(forgotten.c.hash)).label("anybody")
    places = [_highest(column).scalar_subquery().label(column.name) for column in (log.c.position, identity.c.person)]
    state = sa.select(*places, anybody).subquery("state")
    people = state.outerjoin(identity, database.among(identity.c.contact, "contacts"))
    return sa.select(state, identity.c.contact, identity.c.person, last).select_from(people)


def _last_of_each() -> Any:
    """Give the last position of each person."""
    found = sa.select(sa.func.max(touch.c.position)).where(touch.c.person == identity.c.person)
    return sa.func.coalesce(found.scalar_subquery(), _number(0))


def _sharing(database: Database) -> Any:
    """Give the people who share some destinations; that none of these is 0 lets the index be used."""
    named = database.among(touch.c.destination, "destinations"), ADDRESSED
    return sa.select(touch.c.destination, touch.c.person).where(*named).distinct().subquery("sharing")


def _last_of_sharing(database: Database) -> Any:
    """Give the last position of those who share each destination."""
    sharing = _sharing(database)
    found = sa.select(sharing.c.destination, sa.func.max(touch.c.position))
    return found.join_from(sharing, touch, touch.c.person == sharing.c.person).group_by(sharing.c.destination)


def _recall(database: Database) -> Any:
    """Give those of some ids that are in the log, and where some messages stand."""
    nothing = [sa.null() for _ in list(outbox.c)[1:]]
    known = sa.select(_number(0), log.c.id, *nothing).where(database.among(log.c.id, "ids"))
    return known.union_all(sa.select(_number(1), outbox).where(database.among(outbox.c.id, "messages")))


def _rows(database: Database) -> Any:
    found = sa.select(log.c.position, touch.c.person, log.c.body, log.c.personal)
    return found.join(touch, touch.c.position == log.c.position).where(database.among(log.c.position, "positions"))


def _reached(database: Database) -> Any:
    """Give the last message of each occasion to some people."""
    place = (touch.c.survey, touch.c.occasion, touch.c.person)
    chosen = touch.c.kind == _number(CODE_OF["scheduled"]), database.among(touch.c.person, "persons")
    return sa.select(*place, sa.func.max(touch.c.position)).where(*chosen).group_by(*place)


def _forgetting(database: Database) -> dict[str, Any]:
    theirs = touch.c.person == sa.bindparam("whose")
    place = log.c.position == sa.bindparam("place")
    same = log.alias()
    is_free = ~sa.exists(sa.select(same.c.id).where(same.c.id == sa.bindparam("new_id")))
    found = sa.select(log.c.position, touch.c.person, log.c.body, log.c.personal, log.c.id, touch.c.kind)
    return {
        "rows_of": found.join(touch, touch.c.position == log.c.position).where(theirs).order_by(log.c.position),
        "strip": sa.update(log).where(place).values(personal=sa.null()),
        "strip_touch": sa.update(touch).where(touch.c.position == sa.bindparam("place")).values(destination=_number(0)),
        "set_id": sa.update(log).where(place, is_free).values(id=sa.bindparam("new_id")),
        "move": sa.update(log).where(place).values(id=sa.bindparam("new_id"), body=sa.bindparam("new_body")),
        "move_touch": sa.update(touch)
        .where(touch.c.position == sa.bindparam("place"))
        .values(person=sa.bindparam("new_person")),
        "drop_message": sa.update(outbox).where(outbox.c.id == sa.bindparam("message")).values(over=_number(1)),
        "rename": sa.update(identity)
        .where(identity.c.person == sa.bindparam("whose"))
        .values(contact=sa.text(f"'forgotten-' || {database.random}")),
    }
