"""`netpromoter simulate`: what it names, what it prints, and how it refuses."""

import csv
import io
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from netpromoter import Behavior, formats, simulate
from netpromoter.cli import cli

ACME = Path(__file__).parents[1] / "examples" / "acme"
START = datetime(2026, 10, 5, tzinfo=UTC)
MODULE = """
import netpromoter as nps
from datetime import UTC, datetime, timedelta

start = datetime(2026, 10, 5, tzinfo=UTC)
rules = [nps.SendWindow("Mon-Sun", "00:00-24:00")]
monthly = nps.Continuous(every=timedelta(days=30), start=start)
continuous = nps.Policy(survey=nps.Survey("nps"), cadence=monthly, rules=rules)
wave = nps.Policy(survey=nps.Survey("other"), cadence=nps.Wave("autumn"), rules=rules)
both = [continuous, wave]
named = {"one": continuous, "both": both}
nothing, empty, number = {}, [], 7
behavior = nps.Behavior(response=0.9)
silent = nps.Behavior(response=0.0)
follow_up = nps.field("rating") <= 6
sized = nps.Policy(survey=nps.Survey("nps"), cadence=nps.Wave("w"), rules=[nps.AccountLimit(1, per=timedelta(days=1))])
"""
PEOPLE = "id,email,plan\n" + "".join(f"c-{number},{number}@example.com,free\n" for number in range(40))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Give a folder with a module and contacts, as the working folder."""
    (tmp_path / "shop.py").write_text(MODULE)
    (tmp_path / "broken.py").write_text("1 / 0\n")
    (tmp_path / "needy.py").write_text("import nonesuch_library\n")
    (tmp_path / "mistaken.py").write_text("import math\nmath.foo\n")
    (tmp_path / "people.csv").write_text(PEOPLE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    for module in ("shop", "broken", "needy", "mistaken", "policies"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    return tmp_path


def run(*args, text=None):
    """Run `netpromoter simulate` for thirty days from a Monday."""
    return CliRunner().invoke(
        cli, ["simulate", *args, "--start", "2026-10-05", "--days", "30"], input=text, prog_name="netpromoter"
    )


def told(folder, *args):
    """Run it, and give what it prints as JSON."""
    done = run(*args, "--contacts", str(folder / "people.csv"), "--format", "json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_it_prints_what_the_library_computes(folder):
    """The totals are those of `simulate` with the same policy, people, seed and start."""
    facts = told(folder, "shop:continuous", "--behavior", "shop:behavior", "--seed", "5")["policy"]
    import shop

    expected = simulate(
        shop.continuous,
        formats.contacts(folder / "people.csv"),
        behavior=Behavior(response=0.9),
        at=START,
        rng=np.random.default_rng(5),
        days=30,
    )
    assert {name: facts[name] for name in expected.totals} == expected.totals
    assert facts["nps"] == expected.score.value
    assert facts["weeks"] == expected.intervals()
    assert facts["never_asked"] == len(expected.never_asked)


def test_alternatives_are_compared_side_by_side(folder):
    """Each name of a dict has its line, and a list of policies is one alternative of several surveys."""
    facts = told(folder, "shop:named", "--behavior", "shop:behavior")
    assert list(facts) == ["one", "both"]
    assert facts["both"]["invitations"] > facts["one"]["invitations"] > 0
    assert told(folder, "shop:both", "--behavior", "shop:behavior")["policy"] == facts["both"]


@pytest.mark.usefixtures("folder")
def test_the_table_fits_eighty_columns():
    """Every line of the table can be read on a terminal of 80 columns, and each alternative has one."""
    done = run("shop:named", "--contacts", "people.csv", "--behavior", "shop:behavior", "--follow-up", "shop:follow_up")
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines[:3]] == ["policy", "one", "both"]


def test_csv_has_a_line_for_each_day_of_each_alternative(folder):
    """The rows add up to the totals."""
    done = run("shop:named", "--contacts", "people.csv", "--behavior", "shop:behavior", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(rows) == 60
    facts = told(folder, "shop:named", "--behavior", "shop:behavior")
    for name in facts:
        assert sum(int(row["answers"]) for row in rows if row["policy"] == name) == facts[name]["answers"]


def test_who_is_never_asked_is_told_with_the_reason(folder):
    """A policy that asks nobody says why, for everybody, and without answers there is no score."""
    (folder / "people.csv").write_text("id,email,plan\nc-1,,free\nc-2,2@example.com,free\n")
    done = run("shop:continuous", "--contacts", "people.csv", "--behavior", "shop:silent")
    assert "Never asked by policy:\n  1: no address for email\n" in done.stdout
    assert " none " in done.stdout


def test_contacts_may_come_from_standard_input_with_other_names(folder):
    """Columns of ids and addresses are named by options, and - reads standard input."""
    text = PEOPLE.replace("id,email", "number,mail")
    options = ("--id", "number", "--address", "email=mail", "--behavior", "shop:behavior", "--format", "json")
    done = run("shop:continuous", "--contacts", "-", *options, text=text)
    assert json.loads(done.stdout) == told(folder, "shop:continuous", "--behavior", "shop:behavior")


def test_what_a_column_holds_may_be_said(folder):
    """Facts in columns of other names are read as if the columns had the usual ones."""
    rows = [f"c-{n},{n}@example.com,free,Asia/Tokyo" for n in range(40)]
    found = []
    for head, options in (("time_zone", ()), ("Zone", ("--column", "time_zone=Zone"))):
        (folder / "people.csv").write_text("\n".join([f"id,email,plan,{head}", *rows]) + "\n")
        found.append(told(folder, "shop:continuous", "--behavior", "shop:behavior", *options))
    assert found[0] == found[1]


def test_a_picture_is_drawn(folder):
    """--plot writes a file, of one policy or of several."""
    for name in ("continuous", "named"):
        done = run(f"shop:{name}", "--contacts", "people.csv", "--behavior", "shop:behavior", "--plot", f"{name}.svg")
        assert done.exit_code == 0, done.output
        assert (folder / f"{name}.svg").read_text().startswith("<?xml")


@pytest.mark.usefixtures("folder")
def test_an_assumed_behavior_is_confessed():
    """Without --behavior a note says that reactions are assumed; with it there is none."""
    assert "is an assumption" in run("shop:continuous", "--contacts", "people.csv").stderr
    assert run("shop:continuous", "--contacts", "people.csv", "--behavior", "shop:behavior").stderr == ""


@pytest.mark.usefixtures("folder")
def test_without_a_start_it_begins_today():
    """The command line has a clock: the first day is that of the run, or of the moment after midnight."""
    before = datetime.now(UTC).date()
    args = ["simulate", "shop:wave", "--contacts", "people.csv", "--days", "1", "--format", "csv"]
    done = CliRunner().invoke(cli, args)
    (row,) = csv.DictReader(io.StringIO(done.stdout))
    assert before <= datetime.fromisoformat(row["date"]).date() <= datetime.now(UTC).date()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["shop"], "MODULE:ATTRIBUTE must be module:attribute, such as shop.nps:policy (got 'shop')"),
        (["nonesuch:policy"], "MODULE:ATTRIBUTE must name a module that there is (got 'nonesuch')"),
        (["shop:nonesuch"], "MODULE:ATTRIBUTE must name what shop has (got 'nonesuch')"),
        (["shop:number"], "MODULE:ATTRIBUTE must name a Policy, several in a list, or alternatives in a dict"),
        (["shop:empty"], "MODULE:ATTRIBUTE must name a Policy"),
        (["shop:nothing"], "MODULE:ATTRIBUTE must name a Policy"),
        (["shop:wave", "--behavior", "shop:number"], "--behavior must name a Behavior (got 7)"),
        (["shop:wave", "--follow-up", "shop:number"], "--follow-up must name a Condition (got 7)"),
        (["shop:wave", "--address", "email"], "--address must be CHANNEL=COLUMN (got 'email')"),
        (["shop:wave", "--column", "since"], "--column must be FACT=COLUMN (got 'since')"),
        (["shop:wave", "--column", "plan=plan"], "--column must name one of locale, time_zone, account, since (got "),
        (["shop:wave", "--column", "since=when"], "since must be one of 'id', 'email', 'plan' (got 'when'"),
        (["shop:wave", "--id", "nonesuch"], "id must be"),
        (["shop:sized"], "account must be given for AccountLimit"),
        (["shop:wave", "--plot", "out.xyz"], "--plot must end with one of"),
    ],
)
def test_wrong_usage_ends_with_2(folder, args, message):
    """What is asked for and is not there is named, before anything is simulated."""
    done = run(*args, "--contacts", str(folder / "people.csv"))
    assert done.exit_code == 2
    assert message in " ".join(done.stderr.replace("│", "").split())


def test_contacts_that_are_not_there_end_with_2(folder):
    """A file that cannot be opened is wrong usage."""
    done = run("shop:wave", "--contacts", str(folder / "nonesuch.csv"))
    assert (done.exit_code, "nonesuch.csv" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("broken", "importing broken raised ZeroDivisionError: division by zero (broken.py, line 1)\n"),
        ("mistaken", "importing mistaken raised AttributeError: module 'math' has no attribute 'foo'"),
        ("needy", "importing needy raised ModuleNotFoundError: No module named 'nonesuch_library'"),
    ],
)
def test_a_module_that_raises_ends_with_1(folder, module, message):
    """What a module raises is told in one line, also where it misses a library of its own."""
    done = run(f"{module}:policy", "--contacts", str(folder / "people.csv"))
    assert (done.exit_code, message in done.stderr) == (1, True)


@pytest.mark.usefixtures("folder")
def test_the_example_company_runs(monkeypatch):
    """The example of the repository compares its two cadences on its contacts."""
    monkeypatch.chdir(ACME)
    args = ["policies:cadences", "--contacts", "contacts.csv", "--behavior", "policies:behavior"]
    done = run(*args, "--follow-up", "policies:follow_up", "--format", "json")
    assert list(json.loads(done.stdout)) == ["two waves", "continuous"]
