"""The commands of a program: what they plan, write, send and tell, and how they end."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner

from netpromoter import formats
from netpromoter.cli import cli
from netpromoter.engine import Told
from netpromoter.model import OptedOut, Scheduled, Sending, Sent
from netpromoter.plugins import hookimpl, load_plugins

ACME = Path(__file__).parents[1] / "examples" / "acme"
MONDAY = "2026-10-05T12:00"
NOON = datetime(2026, 10, 5, 12, tzinfo=UTC)
PEOPLE = "id,email\n" + "".join(f"c-{number},{number}@example.com\n" for number in range(6))
MODULES = ("shop", "slow", "program", "policies")
MODULE = """
import signal
import netpromoter as nps
from datetime import timedelta
from netpromoter.errors import ChannelDown
from netpromoter.model import Receipt
from netpromoter.plugins import load_plugins

def made(channel, key="nps", **options):
    chosen = {"store": nps.open_store("memory:"), "channels": {"email": channel}, "rules": []}
    links = nps.Links("https://nps.example.com", keys=["a secret that nobody can guess"])
    cadence, plugins = nps.Wave("autumn"), load_plugins(entry_points=False)
    return nps.Program(survey=nps.Survey(key), cadence=cadence, links=links, plugins=plugins, **chosen | options)

class Post:
    def __init__(self, fails=lambda message: Receipt.sent(message)):
        self.fails, self.carried = fails, []

    def __copy__(self):
        return self

    def send(self, message):
        receipt = self.fails(message)
        self.carried += [message.id] * receipt.accepted
        return receipt

def down(message):
    raise ChannelDown("no route\\x1b[2J")

def busy(message):
    return Receipt.failed(message, f"451 {message.to} is busy\\x1b[2J")

def lost(message):
    raise OSError("the line went dead")

def told(message):
    signal.raise_signal(signal.SIGTERM)
    return Receipt.sent(message)

def closed():
    store = nps.open_store("memory:")
    store.close()
    return store

post = Post()
program = made(post)
forms = made(post, channels={"post": post})
stopped = made(Post(told))
broken, uncertain, refused = made(Post(down)), made(Post(lost)), made(Post(busy))
wordless = made(post, templates=nps.Templates({"invitation.txt": "{{ snapshot.seats }} {{ unsubscribe_url }}"}))
hostile = made(Post(lost), key="nps\\x1b[2J")
shut = made(post, store=closed())
number = 7
"""


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """Give a module with programs, which stands in the working folder beside contacts."""
    (tmp_path / "shop.py").write_text(MODULE)
    (tmp_path / "people.csv").write_text(PEOPLE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *(path for path in sys.path if path)])
    for module in MODULES:
        monkeypatch.delitem(sys.modules, module, raising=False)
    import shop

    yield shop
    for module in MODULES:
        sys.modules.pop(module, None)


def do(*args, text=None, env=None):
    """Run a command."""
    return CliRunner().invoke(cli, list(args), input=text, env=env, prog_name="netpromoter")


def done(*args, **options):
    """Run a command that must succeed, and give what it prints."""
    ended = do(*args, **options)
    assert ended.exit_code == 0, ended.output
    return ended.stdout


def adopted(program, *args):
    """Adopt the wave of a program of the shop."""
    return done("adopt", f"shop:{program}", "--contacts", "people.csv", "--at", MONDAY, *args)


def run(program, *args, module="shop", at=MONDAY, env=None):
    """Run a program of a module."""
    return do("run", f"{module}:{program}", "--at", at, *args, env=env)


def test_a_plan_is_printed_and_nothing_is_written(shop):
    """The figures and the reasons are those of the library, and the ledger stays empty."""
    (Path.cwd() / "people.csv").write_text(PEOPLE + "c-6,\nc-7,\n")
    told = done("plan", "shop:program", "--contacts", "people.csv", "--at", MONDAY)
    made = shop.program.plan(formats.contacts("people.csv"), at=NOON)
    first, *rest = told.splitlines()
    assert first == repr(made)
    assert (
        rest == [f"  {times}: {reason}" for reason, times in made.held.counts.items()] == ["  2: no address for email"]
    )
    assert list(shop.program.store.entries()) == []


def test_a_plan_as_json_has_everybody(shop):
    """Counts and a row for each contact are data, without any address."""
    told = json.loads(done("plan", "shop:program", "--contacts", "people.csv", "--at", MONDAY, "--format", "json"))
    made = shop.program.plan(formats.contacts("people.csv"), at=NOON)
    assert (told["survey"], told["invitations"], told["reminders"], told["held"]) == ("nps", 6, 0, {})
    assert told["contacts"] == json.loads(json.dumps(list(made.rows()), default=str))
    assert "example.com" not in json.dumps(told)


def test_a_plan_is_adopted_once(shop):
    """Adopting writes what is to be sent and sends nothing; the second time there is nothing new."""
    assert adopted("program") == "Adopted 6 invitations and 0 reminders.\n"
    assert len(list(shop.program.store.entries(kinds=(Scheduled,)))) == 6
    assert adopted("program") == "Adopted 0 invitations and 0 reminders.\n"
    assert shop.post.carried == []


def test_who_is_dropped_between_plan_and_adoption_is_counted(shop, monkeypatch):
    """Whoever opts out after the plan was made is dropped, and the reason is told."""
    plan = type(shop.program).plan

    def planned(program, *args, **options):
        made = plan(program, *args, **options)
        program.store.append([OptedOut(contact="c-1", at=NOON)])
        return made

    monkeypatch.setattr(type(shop.program), "plan", planned)
    assert adopted("program") == "Adopted 5 invitations and 0 reminders.\n  dropped 1: opted out\n"


def test_a_run_with_contacts_plans_adopts_and_sends(shop):
    """One command does all of it; the second time nobody is written to again."""
    assert run("program", "--contacts", "people.csv").stdout == "Adopted 6 invitations and 0 reminders.\n6 sent\n"
    again = run("program", "--contacts", "people.csv")
    assert (again.exit_code, again.stdout) == (0, "Adopted 0 invitations and 0 reminders.\nNothing to send.\n")
    assert Counter(shop.post.carried) == {f"nps/autumn/c-{number}/0/0": 1 for number in range(6)}


@pytest.mark.usefixtures("shop")
def test_a_run_alone_sends_what_was_adopted():
    """Without contacts it plans nothing, and each message is sent by one run."""
    assert run("program").stdout == "Nothing to send.\n"
    adopted("program")
    assert [run("program", "--limit", "4").stdout, run("program", "--workers", "3").stdout] == ["4 sent\n", "2 sent\n"]
    assert run("program").stdout == "Nothing to send.\n"


def test_a_worker_has_the_name_of_its_process(shop):
    """The ledger says of each message which process had taken it."""
    run("program", "--contacts", "people.csv")
    workers = {entry.event.worker for entry in shop.program.store.entries(kinds=(Sending,))}
    assert {f"/{os.getpid()}/" in worker for worker in workers} == {True}


def test_without_an_instant_it_is_now(shop):
    """The command line has a clock."""
    before = datetime.now(UTC)
    assert done("run", "shop:program", "--contacts", "people.csv").endswith("6 sent\n")
    sent = {entry.event.at for entry in shop.program.store.entries(kinds=(Sent,))}
    assert before <= min(sent) <= max(sent) <= datetime.now(UTC)


@pytest.mark.usefixtures("shop")
def test_contacts_may_come_from_standard_input_with_other_names():
    """Ids and addresses of any channel are columns that options name."""
    text = "number,street\n7,High Street\n"
    options = ("--contacts", "-", "--id", "number", "--address", "post=street", "--at", MONDAY)
    assert done("run", "shop:forms", *options, text=text).endswith("1 sent\n")


@pytest.mark.usefixtures("shop")
def test_progress_is_shown_on_a_terminal_alone():
    """A bar counts messages where somebody can see it, on standard error."""
    quiet = run("program", "--contacts", "people.csv")
    shown = run("program", "--contacts", "people.csv", at="2026-10-08T12:00", env={"FORCE_COLOR": "1"})
    assert (quiet.stderr, "6 messages" in shown.stderr) == ("", True)
    assert shown.stdout.endswith("6 sent\n")


_LACKS = (
    "line 1 of template 'invitation.txt' must be such that it can be filled "
    "(got \"'dict object' has no attribute 'seats'\")"
)


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("name", "status", "counts", "reason"),
    [
        ("refused", 0, "6 retried", r"451 (address) is busy\x1b[2J"),
        ("wordless", 1, "6 broken", _LACKS),
    ],
)
def test_why_messages_are_not_sent_is_told_once(name, status, counts, reason):
    """Each reason stands under the counts with its number, without addresses, and no terminal is steered by it."""
    ended = run(name, "--contacts", "people.csv")
    assert (ended.exit_code, *ended.stdout.splitlines()[1:]) == (status, counts, f"  6: {reason}")
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("data", "status", "said"),
    [
        ("ID,E-mail\na,a@x.de\n", 2, "id must be one of 'ID', 'E-mail' (got 'id'); --id and --address name columns"),
        ("id,E-mail\na,a@x.de\n", 2, "--address must name a column of addresses, such as email=E-mail (the file has"),
        ("id,email\na,a@x.de\n\na,b@x.de\n", 1, "must give every contact an id of its own (got 'a' again on line 4; 1"),
    ],
)
@pytest.mark.usefixtures("shop")
def test_a_list_of_contacts_that_cannot_be_read_says_what_goes_on(data, status, said):
    """What the command can put right is wrong usage; what the file must is told with its line."""
    (Path.cwd() / "people.csv").write_text(data)
    ended = run("program", "--contacts", "people.csv")
    assert (ended.exit_code, said in ended.stderr) == (status, True)


@pytest.mark.usefixtures("shop")
def test_a_channel_that_is_down_ends_with_1():
    """What could not be sent waits, the channel is named with its error, and a terminal is not steered by it."""
    ended = run("broken", "--contacts", "people.csv")
    assert ended.exit_code == 1
    _, counts, down = ended.stdout.splitlines()
    retried, postponed = re.fullmatch(r"(\d) retried, (\d) postponed", counts).groups()
    assert int(retried) + int(postponed) == 6
    assert down == r"  channel email is down: ChannelDown: no route\x1b[2J"


@pytest.mark.usefixtures("shop")
def test_one_message_is_enough_to_find_a_channel_down():
    """Nobody has to wait for more of them to hear that nothing leaves."""
    ended = run("broken", "--contacts", "people.csv", "--limit", "1")
    assert (ended.exit_code, ended.stdout.splitlines()[1:]) == (
        1,
        ["1 retried", r"  channel email is down: ChannelDown: no route\x1b[2J"],
    )


def test_what_an_earlier_run_left_in_doubt_ends_with_1(shop):
    """A run that sends all the rest says what is in doubt, until somebody has settled it."""
    adopted("program")
    first = shop.program.store.waiting(NOON, limit=1)
    (lost,) = (each.id for each in first.values())
    shop.program.store.append([Sending(message=lost, worker="gone", at=NOON, until=NOON + timedelta(minutes=15))])
    later = "2026-10-05T12:20"
    assert run("program").exit_code == 0
    ended = run("program", at=later)
    told = ["Nothing to send.", "1 message in doubt that nobody is sending: see netpromoter uncertain"]
    assert (ended.exit_code, ended.stdout.splitlines()) == (1, told)
    done("uncertain", "shop:program", "--at", later, "--settle", lost, "--delivered")
    assert run("program", at=later).exit_code == 0


def test_uncertain_messages_are_listed_and_settled(shop):
    """A message of which nobody knows ends the run with 1, is listed once its lease is over, and then settled."""
    assert run("uncertain", "--contacts", "people.csv").exit_code == 1
    assert done("uncertain", "shop:uncertain", "--at", MONDAY) == ""
    later = "2026-10-05T12:15"
    (message,) = done("uncertain", "shop:uncertain", "--at", later).split()
    assert shop.uncertain.uncertain(at=NOON + timedelta(minutes=15)) == [message]
    assert done("uncertain", "shop:uncertain", "--at", later, "--settle", message, "--not-delivered") == ""
    waiting = {each.id for each in shop.uncertain.store.waiting(NOON + timedelta(minutes=15), limit=10).values()}
    assert message.removesuffix("/0") + "/1" in waiting


def test_a_message_that_was_delivered_is_done_with(shop):
    """Settled as delivered, it is neither uncertain nor waiting."""
    run("uncertain", "--contacts", "people.csv", "--limit", "1")
    (message,) = done("uncertain", "shop:uncertain", "--at", "2026-10-06").split()
    assert done("uncertain", "shop:uncertain", "--at", "2026-10-06", "--settle", message, "--delivered") == ""
    assert shop.uncertain.store.claims() == []
    assert message.rpartition("/")[0] not in {each.id for each in shop.uncertain.store.waiting(NOON, limit=10).values()}


@pytest.mark.usefixtures("shop")
def test_why_gives_the_sentence_of_the_plan():
    """One person is explained, before the wave and after it."""
    told = ["why", "c-1", "shop:program", "--contacts", "people.csv", "--at", MONDAY]
    assert done(*told).startswith("c-1 is invited to nps (autumn) by email on Mon 2026-10-05 12:00")
    run("program", "--contacts", "people.csv")
    assert done(*told) == "c-1 is held until Thu 2026-10-08 12:00 UTC: waiting for the next reminder.\n"


def test_plugins_are_told_once(shop):
    """What was sent and answered is told to each plugin; the second time there is nothing new."""
    heard = []

    class Listener:
        @hookimpl
        def netpromoter_message_sent(self, message):
            heard.append(message.contact)

    shop.told = attrs.evolve(shop.program, plugins=load_plugins(Listener(), entry_points=False))
    run("told", "--contacts", "people.csv")
    assert done("tell", "shop:told", "--at", MONDAY) == "Told 6 facts.\n"
    assert done("tell", "shop:told") == "Told 0 facts.\n"
    assert sorted(heard) == [f"c-{number}" for number in range(6)]


def test_what_could_not_be_told_ends_with_1(shop, monkeypatch):
    """Whoever runs it on a timer hears which plugin raised and which alert was refused, in signs that do no harm."""
    refused = "an alert of case x was refused: no\x1b[2J"
    told = Told(facts=2, put_off=(refused,), refused=(refused,), failed={"Desk": "OSError: no network"})
    monkeypatch.setattr(type(shop.program), "tell", lambda self, *, at: told)
    ended = do("tell", "shop:program")
    assert ended.exit_code == 1
    assert ended.output.splitlines() == [
        "Told 2 facts.",
        "Error: an alert of case x was refused: no\\x1b[2J",
        "  an alert of case x was refused: no\\x1b[2J; it is tried again",
        "  plugin Desk is told again the next time: OSError: no network",
    ]


def test_the_clock_tells_when_no_instant_is_given(shop, monkeypatch):
    """Without --at it is now."""
    seen = []
    monkeypatch.setattr(type(shop.program), "tell", lambda self, *, at: seen.append(at) or Told(facts=1))
    before = datetime.now(UTC)
    assert done("tell", "shop:program") == "Told 1 fact.\n"
    assert before <= seen[0] <= datetime.now(UTC)


@pytest.mark.parametrize(("answer", "options"), [("y\n", ()), (None, ("--yes",))])
def test_who_is_forgotten_is_not_asked_again(shop, answer, options):
    """After a yes, or with --yes, nothing personal is left, the counts are told, and no wave invites the person."""
    run("program", "--contacts", "people.csv")
    shop.program.receive_answer("nps/autumn/c-1/0/0", 3, at=NOON, comment="Call me")
    ended = do("forget", "shop:program", "c-1", "--at", MONDAY, *options, text=answer)
    kept = len([entry for entry in shop.program.store.entries() if "c-1" not in entry.event.id]) - 5 * 3 - 1
    assert (ended.exit_code, ended.stdout.splitlines()[0]) == (0, "Forgot c-1.")
    assert ended.stdout.splitlines()[1:] == [
        "  deleted: addresses 1, comments 1",
        f"  kept without a name: {kept} events",
    ]
    assert ("cannot be undone" in ended.stderr) == (answer is not None)
    assert "c-1" in shop.program.store.forgotten(["c-1"])
    assert "c-1" not in list(
        shop.program.plan(formats.contacts("people.csv"), at=NOON + timedelta(days=99)).contacts.ids
    )


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_nobody_is_forgotten_without_a_yes(shop, answer):
    """A no, an empty line and the end of the input delete nothing."""
    run("program", "--contacts", "people.csv")
    ended = do("forget", "shop:program", "c-1", text=answer)
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert "c-1" not in shop.program.store.forgotten(["c-1"])


@pytest.mark.usefixtures("shop")
def test_hostile_names_are_escaped():
    """An id or a survey with control signs does not steer the terminal."""
    (Path.cwd() / "people.csv").write_text("id,email\nc\x1b[2J,1@example.com\n")
    told = ["shop:hostile", "--contacts", "people.csv", "--at", MONDAY]
    printed = done("plan", *told) + done("why", "c\x1b[2J", *told) + do("run", *told).stdout
    printed += done("uncertain", "shop:hostile", "--at", "2026-10-06")
    forgotten = do("forget", "shop:hostile", "c\x1b[2J", text="y\n")
    printed += forgotten.stdout + forgotten.stderr
    assert "\x1b" not in printed
    assert r"c\x1b[2J is invited" in printed


def test_plugins_are_listed():
    """Each plugin has its line, with where it comes from and what it offers."""
    told = " ".join(done("plugins", env={"COLUMNS": "200"}).split())
    assert told.startswith("plugin from channels stores told")
    for row in load_plugins().rows():
        assert " ".join(" ".join(row.values()).split()) in told


def test_plugins_that_contradict_each_other_end_with_1(monkeypatch):
    """What is wrong with the plugins is told in one line."""
    from netpromoter.cli import _program
    from netpromoter.errors import PluginError

    def torn():
        raise PluginError("'slack' must be offered once (got it\x1b twice)")

    monkeypatch.setattr(_program, "load_plugins", torn)
    ended = do("plugins")
    assert (ended.exit_code, ended.stderr) == (1, "Error: 'slack' must be offered once (got it\\x1b twice)\n")


@pytest.mark.usefixtures("shop")
def test_a_store_that_was_closed_ends_with_1():
    """What the ledger refuses is told in one line."""
    ended = run("shut")
    assert (ended.exit_code, "closed" in ended.stderr, "Traceback" in ended.stderr) == (1, True, False)


@pytest.mark.usefixtures("shop")
def test_a_locked_database_ends_with_1(monkeypatch):
    """An error of its driver is told in one line, with what was done so far."""
    monkeypatch.setattr("netpromoter.stores._connections._PATIENCE", 0.1)
    (Path.cwd() / "slow.py").write_text(SLOW)
    done("adopt", "slow:fast", "--contacts", "people.csv", "--at", MONDAY)
    held = sqlite3.connect("nps.db", isolation_level=None)
    held.execute("BEGIN EXCLUSIVE")
    ended = run("fast", module="slow")
    held.close()
    told = "Error: the store raised OperationalError: database is locked\n  so far: Dispatch(interrupted=True)\n"
    assert (ended.exit_code, ended.stderr) == (1, told)
    assert run("fast", module="slow").stdout == "6 sent\n"
    sys.modules["slow"].fast.store.close()


@pytest.mark.usefixtures("shop")
def test_a_connection_that_is_lost_is_no_wrong_usage():
    """A plugin, or a channel that a program makes, may raise what says nothing of a file; that is no usage."""
    (Path.cwd() / "slow.py").write_text(
        SLOW + "\ndef reset(*_, **__):\n    raise ConnectionResetError('reset')\nfast.store.waiting = reset\n"
    )
    ended = run("fast", module="slow")
    assert (ended.exit_code, ended.stderr.splitlines()[0]) == (1, "Error: ConnectionResetError: reset")


@pytest.mark.usefixtures("shop")
def test_a_run_that_may_send_nothing_says_so():
    """Messages wait, and so there is something to send."""
    adopted("program")
    assert run("program", "--limit", "0").stdout == "Nothing was sent.\n"
    assert run("program").stdout == "6 sent\n"
    assert run("program").stdout == "Nothing to send.\n"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["plan", "./shop:program", "--contacts", "people.csv"], "MODULE:ATTRIBUTE must be module:attribute"),
        (["plan", "shop", "--contacts", "people.csv"], "MODULE:ATTRIBUTE must be module:attribute"),
        (["plan", "shop:number", "--contacts", "people.csv"], "MODULE:ATTRIBUTE must name a Program (got 7)"),
        (["plan", "shop:program"], "Missing option '--contacts'"),
        (["plan", "shop:program", "--contacts", "nonesuch.csv"], "nonesuch.csv"),
        (["plan", "shop:program", "--contacts", "people.csv", "--id", "nonesuch"], "id must be"),
        (["adopt", "shop:program", "--contacts", "people.csv", "--address", "email"], "--address must be"),
        (["adopt", "shop:nonesuch", "--contacts", "people.csv"], "MODULE:ATTRIBUTE must name what shop has"),
        (["run", "shop:number"], "MODULE:ATTRIBUTE must name a Program (got 7)"),
        (["run", "shop:program", "--workers", "0"], "Invalid value for '--workers'"),
        (["run", "shop:program", "--at", "tomorrow"], "Invalid value for '--at'"),
        (["why", "nobody", "shop:program", "--contacts", "people.csv"], "contact must be"),
        (["uncertain", "shop:program", "--settle", "nps/autumn/c-1/0/0"], "--settle needs --delivered"),
        (["uncertain", "shop:program", "--not-delivered"], "--settle needs --delivered"),
        (
            ["uncertain", "shop:program", "--settle", "nps/autumn/c-1/0/0", "--delivered"],
            "message must be one that was",
        ),
    ],
)
@pytest.mark.usefixtures("shop")
def test_wrong_usage_ends_with_2(args, message):
    """What is asked for and is not there is named, and nothing is done."""
    ended = do(*args)
    assert ended.exit_code == 2, ended.output
    assert message in " ".join(ended.stderr.replace("│", "").split())


SLOW = (
    MODULE
    + """
import os
import time
from pathlib import Path

class Slow:
    def send(self, message):
        with Path("begun").open("a") as file:
            file.write(message.id + "\\n")
        time.sleep(0.25)
        with Path("carried").open("a") as file:
            file.write(message.id + "\\n")
        return Receipt.sent(message)

slow = made(Slow(), store=nps.open_store("sqlite:///nps.db"))
fast = made(Post(), store=slow.store)
"""
)


def started(*args):
    """Start `netpromoter run` in a process of its own, and wait until it sends."""
    command = [sys.executable, "-m", "netpromoter", "run", "slow:slow", "--at", MONDAY, *args]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while process.poll() is None and not Path("begun").exists() and time.monotonic() < until:
        time.sleep(0.01)
    return process


@pytest.mark.parametrize("signals", [[signal.SIGINT], [signal.SIGTERM, signal.SIGINT]])
@pytest.mark.usefixtures("shop")
def test_a_signal_finishes_the_message_in_hand(signals):
    """It is sent and recorded, the report says how many, the status is 130, and the next run sends the rest once."""
    (Path.cwd() / "slow.py").write_text(SLOW)
    process = started("--contacts", "people.csv", "--workers", str(len(signals)))
    for each in signals:
        process.send_signal(each)
    out, err = process.communicate(timeout=60)
    sent = Path("carried").read_text().split()
    assert (process.returncode, err) == (130, "\nstopping once the messages in hand are recorded\n")
    assert out.splitlines()[1:] == [f"{len(sent)} sent", "Stopped. Run it again to send the rest."]
    assert set(Path("begun").read_text().split()) == set(sent)
    assert 0 < len(sent) < 6

    assert run("fast", module="slow").stdout == f"{6 - len(sent)} sent\n"
    import slow

    counts = Counter(type(entry.event) for entry in slow.fast.store.entries(kinds=(Sending, Sent)))
    assert (counts, slow.fast.store.claims()) == ({Sending: 6, Sent: 6}, [])
    slow.fast.store.close()


@pytest.mark.usefixtures("shop")
def test_the_signals_are_those_of_before():
    """A run that was asked to stop says so, and after it the process reacts to signals as it did."""
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    ended = run("stopped", "--contacts", "people.csv")
    assert (ended.exit_code, ended.stdout.splitlines()[2:]) == (130, ["Stopped. Run it again to send the rest."])
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before


def test_the_example_company_runs(shop, monkeypatch):
    """The example of the repository sends its wave into an outbox, and once alone."""
    for each in ("program.py", "policies.py", "contacts.csv"):
        Path(each).write_bytes((ACME / each).read_bytes())
    lines = Path("contacts.csv").read_text().splitlines()[:60]
    Path("contacts.csv").write_text("\n".join(lines) + "\n")
    command = ("run", "program:program", "--contacts", "contacts.csv", "--at", MONDAY)
    monkeypatch.setenv("NPS_STORE", "memory:")
    first = done(*command)
    count = len(list(Path("outbox/new").iterdir()))
    assert first.endswith(f"\n{count} sent\n")
    assert count
    assert done(*command).endswith("\nNothing to send.\n")
    assert len(list(Path("outbox/new").iterdir())) == count
    assert shop.post.carried == []
