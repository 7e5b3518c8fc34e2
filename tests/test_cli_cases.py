"""The commands of cases: what they list, show and record, and what they refuse."""

import json
import sys
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from netpromoter.cli import cli
from netpromoter.model import CaseOpened

MODULE = """
import netpromoter as nps
from datetime import UTC, datetime, timedelta
from netpromoter.model import Contact, Receipt
from netpromoter.plugins import load_plugins
from netpromoter.rules import FollowUp, Within, field

class Post:
    def send(self, message):
        return Receipt.sent(message)

people = [Contact(id=each, addresses={"email": f"{number}@example.com"}) for number, each in enumerate(
    ["ann", "bob", "cem", "hostile\\x1b[2J", "a contact with a very long id that nobody wanted to read in a table"])]
promises = [Within("attempt", timedelta(hours=48)), Within("close", timedelta(days=10))]
follow_up = [FollowUp(field("rating") <= 6, within=promises, name="recover", owner="dora"),
             FollowUp(field("rating") == 0, name="rescue")]
program = nps.Program(
    survey=nps.Survey("nps"), store=nps.open_store("memory:"), channels={"email": Post()}, rules=[],
    cadence=nps.Wave("june"), links=nps.Links("https://nps.example.com", keys=["a secret that nobody can guess"]),
    plugins=load_plugins(entry_points=False), follow_up=follow_up,
)
monday = datetime(2026, 6, 1, 8, tzinfo=UTC)
program.execute(program.plan(people, at=monday), clock=lambda: monday)
for contact, rating in zip(people, [0, 5, 9, 3, 6]):
    program.receive_answer(
        nps.model.message_id("nps", "june", contact.id, 0, 0), rating, at=monday, comment=f"I am {contact.id}"
    )
"""
EARLY, LATE = "2026-06-01T09:00", "2026-06-03T09:00"


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """Give a function that runs a command on a program with five answers; each test has a program of its own."""
    (tmp_path / "desk_of_cases.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("desk_of_cases", None)

    def run(*arguments, status=0):
        command, *rest = arguments
        done = CliRunner().invoke(cli, ["cases", command, "desk_of_cases:program", *rest], terminal_width=80)
        assert done.exit_code == status, done.output
        return done.output

    run("decide", "--at", EARLY)
    yield run
    sys.modules.pop("desk_of_cases", None)


def rows(desk, *options):
    return json.loads(desk("list", "--format", "json", *options))


def test_deciding_says_how_many_and_decides_once(desk):
    """Each policy says what it decided; a second run has nothing to decide."""
    assert desk("decide") == (
        "recover 1: 0 selected, 0 held out, 0 over capacity, 0 not selected\n"
        "rescue 1: 0 selected, 0 held out, 0 over capacity, 0 not selected\n"
    )
    assert len(rows(desk, "--at", EARLY)) == 5


def test_the_list_fits_a_terminal_and_holds_every_open_case(desk):
    """No line is longer than 80 signs, nothing steers the terminal, and late ones say so."""
    lines = desk("list", "--at", LATE).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["contact", "policy", "status", "owner", "rating", "due", "(UTC)"]
    assert "\x1b" not in "".join(lines)
    assert sum(line.endswith("late") for line in lines) == 5


@pytest.mark.parametrize(
    ("options", "contacts"),
    [
        (["--owner", ""], {"ann"}),
        (["--owner", "dora", "--status", "assigned"], {"ann", "bob", "a contact", "hostile"}),
        (["--status", "closed"], set()),
        (["--late", "--at", EARLY], set()),
        (["--late", "--at", LATE], {"ann", "bob", "a contact", "hostile"}),
    ],
)
def test_the_list_can_be_narrowed(desk, options, contacts):
    """By owner, status and what is late; each filter leaves out what it does not name."""
    found = {row["contact"] for row in rows(desk, *options)}
    assert len(found) == len(contacts)
    assert all(any(each.startswith(name) for name in contacts) for each in found)


def test_a_case_goes_through_its_life(desk):
    """Each command records what it says, by whom and when, and the case can be read back as it stood."""
    steps = [
        ("assign", ["eve", "--note", "back on Monday"], "assigned to eve"),
        ("attempt", [], "attempted to eve"),
        ("contact", ["--root-cause", "billing"], "contacted to eve"),
        ("resolve", ["recovered"], "resolved to eve"),
        ("close", [], "closed to eve"),
        ("reopen", [], "reopened to eve"),
        ("escalate", ["--owner", "boss"], "escalated to boss"),
        ("attempt", [], "attempted to boss"),
        ("give-up", [], "unreachable to boss"),
        ("attempt", [], "attempted to boss"),
        ("decline", [], "declined to boss"),
        ("close", ["--resolution", "no action"], "closed to boss"),
        ("note", ["sent flowers"], "closed to boss"),
    ]
    for hour, (command, more, said) in enumerate(steps, 10):
        done = desk(command, "bob", *more, "--by", "dora", "--at", f"2026-06-02T{hour:02}:00")
        assert done == f"nps/june/bob/recover: {said}\n"
    story = desk("show", "bob", "--at", "2026-06-03T00:00").splitlines()
    assert story[:5] == [
        "nps/june/bob/recover: closed to boss",
        "  gave 5 on 2026-06-01 08:00 UTC, priority 0",
        "  said: I am bob",
        "  attempt by 2026-06-03 08:00 UTC: kept, 2026-06-02 11:00 UTC",
        "  close by 2026-06-11 08:00 UTC: kept, 2026-06-02 14:00 UTC",
    ]
    assert story[5] == "  2026-06-02 10:00 UTC  assigned by dora: eve, back on Monday"
    assert story[-1] == "  2026-06-02 22:00 UTC  noted by dora: sent flowers"
    assert "contacted to eve" in desk("show", "bob", "--at", "2026-06-02T12:30")
    (row,) = (each for each in rows(desk, "--all") if each["contact"] == "bob")
    assert (row["status"], row["resolution"], row["root_cause"]) == ("closed", "no action", "billing")
    assert json.loads(desk("show", "bob", "--format", "json")) == row


@pytest.mark.parametrize(
    ("at", "promise"),
    [(EARLY, "open"), (LATE, "overdue")],
)
def test_a_promise_that_is_not_kept_says_so(desk, at, promise):
    """Before its instant a promise is open, after it overdue."""
    assert f"attempt by 2026-06-03 08:00 UTC: {promise}" in desk("show", "bob", "--at", at)


def test_a_promise_that_was_kept_late_or_never_says_so(desk):
    """A first attempt after its instant is late; a case that was closed without one did not keep it."""
    desk("attempt", "bob", "--by", "eve", "--at", LATE)
    assert "attempt by 2026-06-03 08:00 UTC: late, 2026-06-03 09:00 UTC" in desk("show", "bob")
    desk("close", "nps/june/ann/rescue", "--resolution", "duplicate", "--by", "eve", "--at", LATE)
    assert "attempt by 2026-06-03 08:00 UTC: not kept" in desk("show", "nps/june/ann/rescue")


def test_an_empty_list_says_so(desk):
    """Where there is no such case the list says it, and JSON is an empty list."""
    assert desk("list", "--status", "closed") == "No cases.\n"
    assert rows(desk, "--status", "closed") == []


def test_without_a_name_it_is_the_user(desk, monkeypatch):
    """Who does it is the user of the machine, unless said otherwise."""
    monkeypatch.setattr("getpass.getuser", lambda: "root-of-all")
    monkeypatch.setenv("LOGNAME", "root-of-all")
    desk("attempt", "bob", "--at", EARLY)
    assert "attempted by root-of-all" in desk("show", "bob")


@pytest.mark.parametrize("error", [KeyError("uid"), OSError("no name"), ImportError("pwd")])
def test_where_the_user_has_no_name_one_is_asked_for(desk, monkeypatch, error):
    """A user without a name, as in a container, is told to give one; with one, everything works."""

    def nameless():
        raise error

    monkeypatch.setattr("getpass.getuser", nameless)
    done = desk("attempt", "bob", "--at", EARLY, status=2)
    assert "--by must be given where the user of the machine has no name" in " ".join(done.split())
    desk("attempt", "bob", "--by", "eve", "--at", EARLY)
    assert "Usage" in desk("attempt", "--help")


def test_a_contact_may_look_like_a_case(desk):
    """A case is found by its id, and by a contact whose id has slashes, also the four parts of the id of a case."""
    program = sys.modules["desk_of_cases"].program
    at = datetime(2026, 6, 1, 8, tzinfo=UTC)
    for contact in ("team/eve", "nps/june/zoe/recover"):
        program.store.append(
            [CaseOpened(survey="nps", occasion="june", contact=contact, policy="recover", rating=2, at=at)]
        )
        assert desk("show", contact).splitlines()[1] == "  gave 2, priority 0"
        assert "escalated" in desk("escalate", contact, "--by", "eve", "--at", EARLY)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["attempt", "ann"], 2, "CASE must be the id of a case, or of a contact with one case (got 'ann'; ann has"),
        (["attempt", "zoe"], 2, "CASE must be the id of a case, or of a contact with one case (got 'zoe')"),
        (["attempt", "nps/june/zoe/recover"], 2, "or of a contact with one case (got 'nps/june/zoe/recover')"),
        (["reopen", "bob"], 1, "a case that is assigned may become assigned, attempted, contacted, escalated, closed"),
        (["close", "bob"], 1, "a case that is closed must have a resolution (got None)"),
        (["close", "bob", "--resolution", "fine"], 2, "'fine' is not one of 'recovered'"),
    ],
)
def test_what_cannot_be_is_refused(desk, arguments, status, message):
    """A wrong name ends with 2, a move that is not legal with 1; both say what would do."""
    done = desk(*arguments, "--at", EARLY, "--by", "eve", status=status)
    assert message in " ".join(done.replace("│", " ").split())


def test_the_present_is_the_default(desk):
    """Without an instant it is now: the cases of 2026 are late by the clock of this machine, once it is past them."""
    late = datetime.now(UTC) > datetime(2026, 6, 3, 8, tzinfo=UTC)
    assert bool(rows(desk, "--late")) == late
