"""The attacker of ballot boxes: with one copy of the database after the polls were closed, chance is as good.

The attacker knows the roster, the order in which everybody was written to, and that everybody cast in that order; that
is more than the log of the ledger tells. They see every table in every order, and every byte: of the three files of
SQLite, and of the files of PostgreSQL in which tables lie. On some polls, in which they took part, they find out which
clue gives the others away; then they use it.
"""

import random
import re
import sqlite3
from collections import defaultdict
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import attrs
import psycopg
import pytest
from scipy.special import bdtrc

from netpromoter.model import Ballot, Message, Poll, ReleasedGroup, Scheduled, Sent
from netpromoter.stores import SqlBallotBox, SqlStore, _ballots, _ballots_sql, _ballots_sql_tables

SIZE = 12
CHOSEN = 5
COMMENT = re.compile(r"c[0-9a-f]{15}z")
PERSON = re.compile(r"p[0-9a-f]{15}z")
AT = datetime(2026, 6, 1, 8, tzinfo=UTC)


def everybody(tally):
    """Show everybody and nothing else."""
    return [
        ReleasedGroup(table=table, labels=labels, invited=found.n + found.missing, histogram=None if table else found)
        for table in tally.tables
        for labels, found in tally.by(table).items()
    ]


# -- what happens ------------------------------------------------------------------------------------------------------


@attrs.frozen
class Truth:
    """Who wrote what, in one poll."""

    #: In the order in which they were written to, and in which they cast.
    people: list
    comments: list


def wave(number, chance):
    """Give a poll, and what everybody in it will say."""
    people = [f"p{chance.randbytes(8).hex()[:15]}z" for _ in range(SIZE)]
    comments = [f"c{chance.randbytes(8).hex()[:15]}z" for _ in range(SIZE)]
    roster = {name: {"team": "ab"[place % 2]} for place, name in enumerate(sorted(people))}
    poll = Poll(survey="enps", occasion=f"w{number}", roster=roster, tables=[("team",)])
    return poll, Truth(people, comments)


def write_to(store, poll, people):
    """Record that people were written to, one after the other."""
    messages = [
        Message(
            survey="enps", occasion=poll.occasion, contact=name, step=0, channel="email", to="a@example.com", due=AT
        )
        for name in people
    ]
    store.append([Scheduled(message=each, at=AT) for each in messages])
    store.append([Sent(message=each.id, at=AT + timedelta(minutes=minute)) for minute, each in enumerate(messages)])


def cast_all(box, poll, truth, chance):
    """Let everybody cast, and some revise at once."""
    for name, comment in zip(truth.people, truth.comments, strict=True):
        ballot = Ballot(rating=chance.randrange(11), comment=comment)
        token = box.cast(poll.id, name, ballot)
        if chance.random() < 0.1:
            box.cast(poll.id, name, ballot, token=token)


def history(url, waves, box_class=SqlBallotBox, *, seed=1):
    """Run polls, two at a time, in a database that they share with a ledger; the box is open still, as is its log."""
    chance = random.Random(seed)  # noqa: S311 -- it stands for people
    store, box = SqlStore(url), box_class(url, random_bytes=chance.randbytes)
    polls = [wave(number, chance) for number in range(waves)]
    for pair in zip(polls[::2], polls[1::2], strict=True):
        for poll, truth in pair:
            box.open_poll(poll)
            write_to(store, poll, truth.people)
            cast_all(box, poll, truth, chance)
        curious(url)
        for poll, _ in pair:
            box.close_poll(poll.id, everybody)
    return store, box, [truth for _, truth in polls]


def curious(url):
    """Let an operator have statistics gathered of what is in the tables."""
    if url.startswith("postgresql"):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ANALYZE")
    else:
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            connection.execute("ANALYZE")
        connection.close()


# -- what the attacker sees --------------------------------------------------------------------------------------------


def views(url):
    """Give all that a copy of the database shows, as texts by name; the tables of all polls are one."""
    found = defaultdict(list)
    for name, view in postgresql_views(url) if url.startswith("postgresql") else sqlite_views(url):
        found[re.sub(r"\d+", "", name)].append(view)
    return {name: "\n".join(parts) for name, parts in found.items()}


def sqlite_views(url):
    path = Path(url.removeprefix("sqlite:///"))
    for file in sorted(path.parent.iterdir()):
        yield f"bytes of {file.name}", file.read_bytes().decode("latin-1")
    connection = sqlite3.connect(path)
    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        columns = [column for _, column, *_ in connection.execute(f"PRAGMA table_info({table})").fetchall()]
        for order in ("", *(f"ORDER BY {column}" for column in columns)):
            yield f"{table} {order}", text(connection.execute(f"SELECT * FROM {table} {order}"))  # noqa: S608
    connection.close()


TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema::regnamespace"
COLUMNS = "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"


def postgresql_views(url):
    with psycopg.connect(url, autocommit=True) as connection:

        def rows(query, *values):
            return [row[0] for row in connection.execute(query, values).fetchall()]

        connection.execute("CHECKPOINT")
        (folder,) = rows("SELECT 'base/' || oid FROM pg_database WHERE datname = current_database()")
        for name in sorted(rows("SELECT pg_ls_dir(%s)", folder), key=lambda name: (len(name), name)):
            (content,) = rows("SELECT pg_read_binary_file(%s, true)", f"{folder}/{name}")
            yield "bytes", (content or b"").decode("latin-1")
        yield "pg_statistic", text(rows("SELECT pg_statistic::text FROM pg_statistic"))
        for table in rows(TABLES):
            numbers = [f"{name}::text::bigint" for name in ("xmin", "xmax")]
            for order in ("ctid", *numbers, *rows(COLUMNS, table)):
                query = f"SELECT {table}::text FROM {table} ORDER BY {order}, ctid"  # noqa: S608
                yield f"{table} by {order}", text(rows(query))


def text(rows):
    return "\n".join(map(str, rows))


def orders(pattern, seen):
    """Give every order in which things occur: by their first place in each view, and by their last."""
    for view in seen.values():
        places = pattern.findall(view)
        yield list(dict.fromkeys(places))
        yield list(dict.fromkeys(places[::-1]))[::-1]


def places(order, groups):
    """Give the order within each poll, of those things that belong to it."""
    whose = {each: number for number, group in enumerate(groups) for each in group}
    found = [[] for _ in groups]
    for each in order:
        if each in whose:
            found[whose[each]].append(each)
    return found


def guesses(comments, people, truths):
    """Say of each poll what the chosen person wrote, if it stands where they stand; None if they are not there."""
    for mine, theirs, truth in zip(comments, people, truths, strict=True):
        person = truth.people[CHOSEN]
        place = theirs.index(person) if person in theirs else SIZE
        yield mine[place] if place < len(mine) else None


def attack(url, truths):
    """Learn from the first polls which clue is best, and give its hits in the others, and how many these are."""
    seen = views(url)
    sent = [name for truth in truths for name in truth.people]
    of_people = [
        places(order, [truth.people for truth in truths]) for order in (sent, sorted(sent), *orders(PERSON, seen))
    ]
    of_comments = [places(order, [truth.comments for truth in truths]) for order in orders(COMMENT, seen)]
    backwards = [[order[::-1] for order in found] for found in of_people]
    tried = [
        [guess == truth.comments[CHOSEN] for guess, truth in zip(guesses(*clue, truths), truths, strict=True)]
        for clue in product(of_comments, of_people + backwards)
    ]
    learned = len(truths) // 3
    best = max(tried, key=lambda hits: sum(hits[:learned]))
    return sum(best[learned:]), len(truths) - learned


def luck(hits, of):
    """Give the probability of so many hits, or more, by chance."""
    return bdtrc(hits - 1, of, 1 / SIZE)


# -- what comes of it --------------------------------------------------------------------------------------------------


def test_the_attacker_does_no_better_than_chance(url):
    """Who wrote a comment is found in one of twelve cases, give or take what chance gives once in a hundred times."""
    store, box, truths = history(url, 36)
    assert luck(*attack(url, truths)) > 0.01
    box.close()
    store.close()


def keep(monkeypatch):
    """Keep roster and ballots, as they came."""
    monkeypatch.setattr(_ballots_sql, "_drop", lambda found: None)


def keep_by_row(monkeypatch):
    """Keep them, in a table of SQLite in which rows are numbered."""
    keep(monkeypatch)
    table = _ballots_sql_tables.sa.Table
    monkeypatch.setattr(
        _ballots_sql_tables.sa, "Table", lambda *parts, **options: table(*parts, **dict.fromkeys(options, True))
    )


def leave_the_log(monkeypatch):
    """Drop all, and do not wipe the file of SQLite and its log."""
    monkeypatch.setattr("netpromoter.stores._connections.Link.wipe", lambda link: None)


def delete_rows(monkeypatch):
    """Delete row by row where a table should be dropped."""
    drop = _ballots_sql_tables.PollTables.drop
    monkeypatch.setattr(
        _ballots_sql_tables.PollTables,
        "drop",
        lambda self: (text.replace("DROP TABLE", "DELETE FROM") for text in drop(self)),
    )


def release_as_they_came(monkeypatch):
    """Release comments in the order in which the database gives them."""
    monkeypatch.setattr(_ballots, "sorted", list, raising=False)


BROKEN = [
    ("sqlite", keep_by_row),
    ("sqlite", leave_the_log),
    ("postgresql", keep),
    ("postgresql", delete_rows),
    ("postgresql", release_as_they_came),
]


@pytest.mark.parametrize(("place", "break_it"), BROKEN, ids=[f"{place}-{each.__name__}" for place, each in BROKEN])
def test_the_attacker_finds_out_who_wrote_what_in_a_box_that_is_broken(place, break_it, request, monkeypatch):
    """The same attacker wins against a box that leaves one of the steps out: each of them is needed."""
    url = request.getfixturevalue(place)
    break_it(monkeypatch)
    store, box, truths = history(url, 12)
    hits, of = attack(url, truths)
    assert luck(hits, of) < 1e-4
    box.close()
    store.close()


# -- nothing to attack -------------------------------------------------------------------------------------------------


def test_a_file_of_sqlite_is_the_same_whoever_cast_what_and_when(tmp_path):
    """Two polls with the same ballots in each group, cast by others and in another order, leave equal bytes."""
    files = []
    for seed, step in ((1, 1), (2, -1)):
        path = tmp_path / f"{seed}.db"
        box = SqlBallotBox(f"sqlite:///{path}", random_bytes=random.Random(seed).randbytes)  # noqa: S311
        people = [f"p-{place:02}" for place in range(SIZE)][::step]
        box.open_poll(Poll(survey="enps", occasion="w", roster={name: {} for name in people}))
        for place, name in enumerate(people):
            box.cast("enps/w", name, Ballot(rating=place % 11, comment=f"comment {place}"))
        box.close_poll("enps/w", everybody)
        box.close()
        files.append(path.read_bytes())
    assert files[0] == files[1]


def test_nothing_is_left_of_roster_ballots_and_tokens(url):
    """After the close no byte tells an id, a token, a key or a comment that is withheld, whoever looked meanwhile."""
    chance = random.Random(3)  # noqa: S311 -- it stands for people
    box = SqlBallotBox(url, random_bytes=chance.randbytes)
    poll, truth = wave(1, chance)
    box.open_poll(poll)
    tokens = [
        box.cast(poll.id, name, Ballot(rating=9, comment=comment))
        for name, comment in zip(truth.people[:9], truth.comments, strict=False)
    ]
    secrets = {*truth.people, *truth.comments[:9], *tokens, *map(_ballots.token_key, tokens)}
    assert found(url, secrets) == secrets - {*tokens}
    curious(url)
    with still_looking(url):
        box.close_poll(poll.id, everybody)
        assert found(url, secrets) == set()
    box.close()


def test_statistics_of_ballots_would_tell_comments(postgresql, monkeypatch):
    """What PostgreSQL samples of a table outlives it: a box that lets it gather statistics leaves comments."""
    create = _ballots_sql_tables.PollTables.create
    monkeypatch.setattr(
        _ballots_sql_tables.PollTables,
        "create",
        lambda self: (each for each in create(self) if "STATISTICS" not in each),
    )
    with pytest.raises(AssertionError):
        test_nothing_is_left_of_roster_ballots_and_tokens(postgresql)


def found(url, secrets):
    seen = "".join(views(url).values())
    return {secret for secret in secrets if secret in seen}


@contextmanager
def still_looking(url):
    """Keep a transaction open that began before, in PostgreSQL; dead rows are not vacuumed meanwhile."""
    if not url.startswith("postgresql"):
        yield
        return
    with psycopg.connect(url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SELECT * FROM netpromoter_poll").fetchall()
        yield
