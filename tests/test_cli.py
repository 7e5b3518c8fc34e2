"""The command line, in this process and in others."""

import csv
import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from netpromoter import score
from netpromoter.cli import cli
from netpromoter.stats import METHODS

EXAMPLES = Path(__file__).parents[1] / "examples"
GARDEN = str(EXAMPLES / "garden_centre" / "nps.csv")
CONFERENCE = str(EXAMPLES / "carpentries" / "carpentrycon_at_home_2020.csv")
SMALL = "id;plan;nps\n1;pro;10\n2;free;9\n3;free;3\n4;pro;7\n5;;8\n"
FAULTY = "nps\n9\n11\nNA\nabc\n8\n8.5\n1e3\n-2\nx\n"


def run(*args, text=None, env=None):
    """Run `netpromoter score` on a file, or on a text as standard input."""
    file = [] if text is None else ["-"]
    data = text.encode() if isinstance(text, str) else text
    return CliRunner().invoke(cli, ["score", *file, *args], input=data, env=env, prog_name="netpromoter")


def start(*args, **options):
    """Start the command in a process of its own."""
    code = "from netpromoter.cli import main; main()"
    env = {**os.environ, "PYTHONUNBUFFERED": "", **options.pop("env", {})}
    command = [sys.executable, "-c", code, *args]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, **options)


def test_the_garden_centre_survey():
    """The published survey is scored, its encoding reported and the doubt about its scale told."""
    done = run(GARDEN, "--rating", "nps", "--missing", "drop")
    assert done.exit_code == 0
    assert done.stdout == (
        "NPS +53.4 (95% CI +52.3 to +54.5; n = 13,612; 342 missing)\n"
        "\n"
        "nps.csv: CSV (windows-1252, comma)\n"
        "  10 lines hold bytes not valid in the encoding (17): 1,273, 3,927, 5,083, …\n"
        "13,954 rows read, 13,612 scored, 342 missing, 0 refused\n"
    )
    assert done.stderr == (
        "Note: none of 13,612 answers is 0: the scale may have been 1 to 10 (if so, add --scale 1-10)\n"
    )


def test_segments_are_a_table():
    """Each segment has a line; an empty key is called (none)."""
    done = run("--rating", "nps", "--by", "plan", text=SMALL)
    assert done.exit_code == 0
    assert done.stdout == (
        "NPS +20.0 (95% CI -44.5 to +69.7; n = 5)\n"
        "\n"
        "plan      NPS          95% CI  n  missing\n"
        "free     +0.0  -81.1 to +81.1  2        0\n"
        "pro     +50.0  -48.6 to +90.5  2        0\n"
        "(none)   +0.0  -79.3 to +79.3  1        0\n"
        "\n"
        "the stream: CSV (utf-8, semicolon)\n"
        "5 rows read, 5 scored, 0 missing, 0 refused\n"
    )


def test_tables_fit_eighty_columns():
    """Long names of segments are folded, and no line of the table is wider than a terminal of old."""
    done = run(CONFERENCE, "--rating", "nps", "--by", "session", "--by", "time_zone", env={"COLUMNS": "80"})
    assert done.exit_code == 0
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "[Skill-up]: Git skills for new" in done.stdout


def test_missing_answers_end_with_1_and_say_how_to_go_on():
    """Missing answers are refused after the report, unless they may be dropped."""
    done = run(GARDEN, "--rating", "nps")
    assert done.exit_code == 1
    assert done.stdout.endswith("13,954 rows read, 13,612 scored, 342 missing, 0 refused\n")
    assert done.stderr == "Error: 342 of 13,954 answers are missing: leave them out with --missing drop\n"


def test_refused_answers_end_with_1_and_are_listed():
    """Refused answers are listed with line, value and reason, and every obstacle is named at once."""
    done = run("--rating", "nps", text=FAULTY)
    assert done.exit_code == 1
    assert done.stdout == (
        "the stream: CSV (utf-8, comma)\n"
        "9 rows read, 2 scored, 1 missing, 6 refused\n"
        "  line 3: '11' is above 10\n"
        "  line 5: 'abc' is not a number\n"
        "  line 7: '8.5' is not a whole number\n"
        "  line 8: '1e3' is above 10\n"
        "  line 9: '-2' is below 0\n"
        "  … and 1 more\n"
    )
    assert done.stderr == (
        "Error: 6 of 9 answers are refused: correct them, or score the rest with --invalid drop; "
        "1 of 9 answers is missing: leave them out with --missing drop\n"
    )


def test_refused_answers_can_be_dropped():
    """With --invalid drop the rest is scored and the count stands beside the score."""
    done = run("--rating", "nps", "--invalid", "drop", "--missing", "drop", text=FAULTY)
    assert done.exit_code == 0
    assert done.stdout.startswith("NPS +50.0 (95% CI -48.6 to +90.5; n = 2; 1 missing; 6 refused)\n")


def test_nobody_is_refused():
    """A file without a single answer ends with 1."""
    done = run("--rating", "nps", "--missing", "drop", text="nps\nNA\n")
    assert done.exit_code == 1
    assert done.stderr == "Error: ratings must hold at least one answer (got none, and 1 missing)\n"


def test_stars_do_not_pass_as_ratings():
    """A thousand answers of at most 5 are scored with a note that the scale is in doubt."""
    done = run("--rating", "stars", text="stars\n" + "5\n4\n1\n" * 400)
    assert done.stderr == "Note: none of 1,200 answers is above 5: the scale may not have been 0 to 10\n"


def test_json_has_full_precision():
    """JSON goes to standard output alone, with exact counts, unrounded figures and the report of rows."""
    done = run(GARDEN, "--rating", "nps", "--by", "satisfaction", "--missing", "drop", "--format", "json")
    told = json.loads(done.stdout)
    assert told["rows"] == {"read": 13954, "scored": 13612, "missing": 342, "refused": 0, "refusals": []}
    assert told["file"]["encoding"] == "windows-1252"
    assert told["file"]["damage"][0]["times"] == 17
    assert told["score"]["promoters"] == 8465
    assert told["score"]["nps"] == 100 * (8465 - 1194) / 13612
    assert sum(told["score"]["histogram"]) == told["score"]["n"] == sum(part["n"] for part in told["segments"])
    assert [part["satisfaction"] for part in told["segments"]] == [*map(str, range(1, 11)), "NA"]
    assert told["notes"][0].startswith("none of 13,612 answers is 0")


def test_json_tells_of_refusals():
    """Refused data give JSON without a score, with the report of rows, and exit status 1."""
    done = run("--rating", "nps", "--format", "json", text=FAULTY)
    told = json.loads(done.stdout)
    assert done.exit_code == 1
    assert told["score"] is None
    assert told["rows"]["refusals"][0] == {"place": 3, "value": "11", "reason": "above 10"}
    assert told["notes"] == [done.stderr.removeprefix("Error: ").strip()]


def test_csv_is_alone_on_standard_output():
    """CSV holds a row for each segment, or one for the whole; the report goes to standard error."""
    done = run("--rating", "nps", "--by", "plan", "--minimum-group", "2", "--format", "csv", text=SMALL)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row["plan"], row["n"], row["nps"]) for row in rows] == [
        ("free", "2", "0.0"),
        ("pro", "2", "50.0"),
        ("", "", ""),
    ]
    assert done.stderr.startswith("NPS +20.0 (95% CI -44.5 to +69.7; n = 5)\nthe stream: CSV")
    whole = run("--rating", "nps", "--format", "csv", text=SMALL).stdout
    assert whole.splitlines()[0] == "nps,low,high,n,promoters,passives,detractors,missing"
    assert float(whole.splitlines()[1].split(",")[1]) == score([10, 9, 3, 7, 8]).interval()[0]


@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_its_name(method):
    """Every method of the table gives its own interval at the level that was asked for."""
    done = run("--rating", "nps", "--method", method, "--confidence-level", "0.9", "--format", "json", text=SMALL)
    low, high = score([10, 9, 3, 7, 8]).interval(method=method, confidence_level=0.9)
    told = json.loads(done.stdout)["score"]
    assert (told["method"], told["confidence_level"]) == (method, 0.9)
    assert (told["low"], told["high"]) == (low, high)


def test_the_level_is_named():
    """The level stands beside the interval, with as many digits as were given."""
    done = run("--rating", "nps", "--confidence-level", "0.995", "--by", "plan", text=SMALL)
    assert done.stdout.count("99.5% CI") == 2


@pytest.mark.parametrize("name", ["out.svg", "out.png", "out.PDF"])
@pytest.mark.parametrize("by", [[], ["--by", "plan"]])
def test_pictures_are_drawn(name, by, tmp_path):
    """The score, or the segments, are drawn into a file of the kind that its name says."""
    out = tmp_path / name
    assert run("--rating", "nps", "--plot", str(out), *by, text=SMALL).exit_code == 0
    begin = {".svg": b"<?xml", ".png": b"\x89PNG", ".PDF": b"%PDF"}[out.suffix]
    assert out.read_bytes().startswith(begin)


def test_hostile_names_cannot_steer_the_terminal():
    """Escape sequences, markup, line breaks and changes of direction in a file come out harmless."""
    text = 'a\x1b]0x\x07;[b]b[/b]\n9;"\x1b[31mred\x9b1m"\n8;"two\nlines"\n7;[red]x\n"\x1b[2J";\u202ex\u00a0y\n'
    for form in ("table", "csv"):
        done = run("--rating", "a\x1b]0x\x07", "--by", "[b]b[/b]", "--invalid", "drop", "--format", form, text=text)
        assert done.exit_code == 0
        shown = done.stdout + done.stderr if form == "table" else done.stderr
        assert not any(sign in shown for sign in "\x1b\x07\x9b\u202e")
    done = run("--rating", "a\x1b]0x\x07", "--by", "[b]b[/b]", "--invalid", "drop", text=text)
    for part in (
        "[b]b[/b]",
        "[red]x",
        "two\\nlines",
        "\\x1b[31mred\\x9b1m",
        "\\u202ex y",
        "'\\x1b[2J' is not a number",
    ):
        assert part in done.stdout
    wrong = run("--rating", "\x1b[2J", text=text)
    assert "\x1b" not in wrong.output


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--rating", "np"], "(got 'np'); did you mean 'nps'? Its columns are 'id', 'plan', 'nps'"),
        (["--rating", "nps", "--by", "Plan"], "by must be a column of the stream (got 'Plan'); did you mean 'plan'?"),
        ([], "--rating must name the column of answers: 'nps' may be it; the columns are 'id', 'plan', 'nps'"),
        (["--rating", "nps", "--minimum-group", "3"], "--minimum-group needs --by"),
        (["--rating", "nps", "--minimum-group", "0"], "Invalid value for '--minimum-group'"),
        (["--rating", "nps", "--confidence-level", "95"], "Invalid value for '--confidence-level'"),
        (["--rating", "nps", "--confidence-level", "nan"], "confidence_level must be a number"),
        (["--rating", "nps", "--method", "magic"], "Invalid value for '--method'"),
        (["--rating", "nps", "--plot", "out.doc"], "--plot must end with one of"),
        (["--rating", "nps", "--plot", "/nowhere/out.svg"], "No such file or directory: '/nowhere/out.svg'"),
        (["--rating", "nps", "--delimiter", "ab"], "delimiter must be one ASCII character"),
        (["--rating", "nps", "--encoding", "klingon"], "encoding must be the name of a text encoding"),
        (["--rating", "nps", "--sheet", "x"], "sheet must be left out of CSV (got 'x')"),
        (["--nonsense"], "No such option"),
    ],
)  # fmt: skip
def test_wrong_usage_ends_with_2(args, message):
    """Wrong usage ends with 2 and says what to do."""
    done = run(*args, text=SMALL)
    assert done.exit_code == 2
    assert message in done.stderr


def test_no_column_is_guessed():
    """Without --rating the likely columns are named, and none is taken."""
    done = run(text="id,Recommend,LikelyToRecommend\n1,a,9\n")
    assert done.exit_code == 2
    assert "'Recommend', 'LikelyToRecommend' may be it" in done.stderr
    assert "answers: the columns are 'a', 'b'" in run(text="a,b\n1,2\n").stderr


@pytest.mark.parametrize("name", ["tab", "\\t", "\t"])
def test_delimiters_have_names(name):
    """A tab can be written in words."""
    assert run("--rating", "nps", "--delimiter", name, text="nps\tplan\n9\tx\n").exit_code == 0


def test_a_missing_file_ends_with_2(tmp_path):
    """A file that is not there, and a folder, are wrong usage."""
    assert "does not exist" in run(str(tmp_path / "nope.csv"), "--rating", "nps").stderr
    assert run(str(tmp_path), "--rating", "nps").exit_code == 2


def test_an_unreadable_file_ends_with_1():
    """A file that is no table is refused data."""
    done = run("--rating", "nps", text='nps\n9\n"8\n')
    assert done.exit_code == 1
    assert done.stderr == "Error: the stream must close every quotation mark that it opens (see line 3)\n"


@pytest.mark.parametrize("module", ["polars", "matplotlib.backends.backend_agg"])
def test_a_missing_library_is_one_line(module, monkeypatch):
    """A library that is not installed ends with 2 and one line that says what to install."""
    monkeypatch.setitem(sys.modules, module, None)
    done = run("--rating", "nps", "--plot", "out.svg", text=SMALL)
    user, extra = ("--plot", "report") if module.startswith("matplotlib") else ("reading files", "cli")
    assert done.exit_code == 2
    assert done.stderr == f"Error: {user} needs {module.partition('.')[0]}: install netpromoter[{extra}]\n"


@pytest.mark.parametrize("module", ["click", "rich"])
def test_without_its_own_libraries_the_command_says_so(module):
    """Without click or rich there is one line and no traceback."""
    code = f"import sys; sys.modules[{module!r}] = None; from netpromoter.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == f"netpromoter's command line needs {module}: install netpromoter[cli]\n"


def test_help_names_the_exit_statuses():
    """The help lists the exit statuses."""
    done = run("--help")
    assert (
        "Exit status:\n    0  scored\n    1  the data are refused: the row report says why\n    2  wrong usage\n"
        in done.stdout
    )


def test_the_process_has_the_exit_status():
    """A process of its own gives the same output and status, without color."""
    process = start("score", GARDEN, "--rating", "nps", env={"FORCE_COLOR": ""})
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert out.endswith(b"0 refused\n")
    assert err == b"Error: 342 of 13,954 answers are missing: leave them out with --missing drop\n"
    process = start("score", GARDEN, "--rating", "np")
    assert b"did you mean 'nps'?" in process.communicate(timeout=60)[1]
    assert process.returncode == 2


def test_standard_input_is_read():
    """A dash reads standard input."""
    process = start("score", "-", "--rating", "nps", stdin=subprocess.PIPE)
    out, _ = process.communicate(SMALL.encode(), timeout=60)
    assert (process.returncode, out[:30]) == (0, b"NPS +20.0 (95% CI -44.5 to +69")


def test_a_reader_that_goes_away_is_no_news():
    """When the reader closes the pipe the command ends without a word."""
    args = ["score", GARDEN, "--rating", "nps", "--by", "explication", "--missing", "drop", "--format", "csv"]
    process = start(*args, "--scale", "1-10")
    process.stdout.read(1)
    process.stdout.close()
    assert (process.stderr.read(), process.wait(60)) == (b"", 141)
    process.stderr.close()


def test_an_interrupt_is_130_while_the_command_is_loaded():
    """It ends quietly as it does later, wherever it strikes: modules take longer to load than most commands to run."""
    program = """
import builtins, sys
load = builtins.__import__
def interrupted(name, *rest):
    if name == "click":
        raise KeyboardInterrupt
    return load(name, *rest)
builtins.__import__ = interrupted
from netpromoter.__main__ import main
main()
"""
    done = subprocess.run([sys.executable, "-c", program, "score"], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


def test_an_interrupt_is_130():
    """An interrupt ends with 130 and no traceback."""
    process = start("score", "-", "--rating", "nps", stdin=subprocess.PIPE)
    process.stdin.write(b"nps\n" + b"9\n" * 1_000_000)
    process.stdin.flush()
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err.strip()) == (130, b"")


def test_signs_that_the_terminal_lacks_are_escaped():
    """Where the terminal knows fewer characters than the file, names of segments are escaped, and nothing fails."""
    env = {"PYTHONIOENCODING": "latin-1"}
    process = start("score", "-", "--rating", "nps", "--by", "p", stdin=subprocess.PIPE, env=env)
    out, _ = process.communicate("nps,p\n9,日\n".encode(), timeout=60)
    assert (process.returncode, b"\n\\u65e5  +100.0" in out) == (0, True)


@pytest.mark.parametrize("color", [{"NO_COLOR": "1"}, {"NO_COLOR": ""}])
def test_a_large_file_shows_a_bar_on_a_terminal(color, tmp_path):
    """Only on a terminal, and only for a large file, a bar runs on standard error and is gone at the end."""
    path = tmp_path / "large.csv"
    path.write_bytes(b"nps,note\n" + b"9,something\n0,something\n" * 10_000)
    code = "from netpromoter.cli import _score, main; _score._LARGE = 1000; main()"
    terminal, end = pty.openpty()
    command = [sys.executable, "-c", code, "score", str(path), "--rating", "nps"]
    env = {**os.environ, "TERM": "xterm-256color", **color}
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=end, env=env, check=False)
    os.close(end)
    bar = os.read(terminal, 1 << 16)
    os.close(terminal)
    assert done.stdout.startswith(b"NPS +0.0")
    assert b"MB" in bar or b"kB" in bar
    assert (b"\x1b[38;" in bar) == (not color["NO_COLOR"])


def test_the_package_runs_as_a_module():
    """``python -m netpromoter`` is the command, and an empty call shows its help."""
    done = subprocess.run(
        [sys.executable, "-m", "netpromoter", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("netpromoter")
