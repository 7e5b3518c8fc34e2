"""The documentation names what there is, and CONTRIBUTING confesses what is."""

import ast
import re
import shutil
import subprocess
from importlib import import_module
from pathlib import Path

import pytest

import netpromoter
from netpromoter.cli import cli

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
FACES = (
    *("channels", "engine", "errors", "formats", "frames", "model", "plugins", "ratings", "report", "rules", "stats"),
    *("stores", "testing", "wording", "insight"),
)
LONG = 25


@pytest.mark.parametrize("face", FACES)
def test_every_public_name_has_its_entry_on_the_page_of_its_face(face):
    """A page of the reference lists what `__all__` of its module lists, no more and no less."""
    page = (DOCS / "reference" / f"{face}.rst").read_text()
    listed = re.findall(r"^\.\. auto(?:function|class|exception|data):: (\w+)(?:\(.*\))?$", page, re.MULTILINE)
    assert sorted(listed) == sorted(import_module(f"netpromoter.{face}").__all__)


def test_the_page_of_the_root_names_what_the_root_gives():
    """The reference page of `netpromoter` summarizes each of its names, under the module where it lives."""
    page = (DOCS / "reference" / "netpromoter.rst").read_text()
    named = set(re.findall(r"^ +~netpromoter\.\w+\.(\w+)$", page, re.MULTILINE))
    assert named == set(netpromoter.__all__) - {"__version__"}


def test_every_page_is_in_the_index_of_its_kind():
    """The index of how-to guides and explanations leads to each page beside it."""
    for kind in ("tutorial", "how-to", "explanation"):
        index = (DOCS / kind / "index.md").read_text()
        pages = {page.name for page in (DOCS / kind).glob("*.md")} - {"index.md", "benchmark_table.md"}
        assert pages == set(re.findall(r"\]\(([\w-]+\.md)\)", index)), kind


@pytest.mark.parametrize("command", list(cli.commands))
def test_every_documented_option_exists(command):
    """An option of a command that a page or the README names is one that the command has."""
    pages = [ROOT / "README.md", *DOCS.glob("*/*.md")]
    text = "\n".join(page.read_text() for page in pages)
    commands = re.findall(rf"netpromoter {command}((?:.*\\\n)*.*)", text)
    named = {option for line in commands for option in re.findall(r"--[a-z][a-z-]*", line)}
    assert commands
    assert named <= {"--help"} | options(cli.commands[command])


@pytest.mark.filterwarnings("ignore::netpromoter.errors.ScaleWarning")  # nobody in the survey gave a 0
def test_the_readme_says_what_its_code_gives(monkeypatch):
    """Its Python runs from the folder of the repository, and each line alone gives what its comment says."""
    monkeypatch.chdir(ROOT)
    text = (ROOT / "README.md").read_text()
    code = "\n".join(re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    names, told = {}, []
    for statement in ast.parse(code).body:
        lines = code.splitlines()[statement.lineno - 1 : statement.end_lineno]
        found = eval_or_exec("\n".join(lines), names)
        if isinstance(statement, ast.Expr) and not isinstance(found, netpromoter.Simulation):
            told.append((str(found), lines[-1].partition("  # ")[2]))
    assert len(told) == 5
    assert [found for found, _ in told] == [said for _, said in told]


def test_the_blocks_of_the_readme_follow_each_other_in_one_shell(tmp_path):
    """From top to bottom every file is where its command looks for it, and in the end one is where one began."""
    shell = shutil.which("sh")
    installed = tmp_path / ".venv" / "bin" / "netpromoter"
    installed.parent.mkdir(parents=True)
    installed.write_text(f"#!{shell}\nfor each; do case $each in *.csv) test -f $each || exit 1;; esac; done\n")
    installed.chmod(0o755)
    for name in ("acme", "garden_centre"):
        shutil.copytree(ROOT / "examples" / name, tmp_path / "examples" / name)
    blocks = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    typed = [block for block in blocks if "pip install" not in block]
    assert len(typed) == 3
    ended = subprocess.run(
        [shell, "-ec", "".join(typed) + "pwd"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert Path(ended.stdout.strip()) == tmp_path


def eval_or_exec(code, names):
    """Give what a line of a notebook shows; None for a statement."""
    try:
        return eval(code, names)  # noqa: S307 -- the code of this repository
    except SyntaxError:
        return exec(code, names)  # noqa: S102


def options(command):
    """Give the options of a command, and of the commands below it."""
    below = getattr(command, "commands", {}).values()
    own = {name for parameter in command.params for name in parameter.opts + parameter.secondary_opts}
    return own.union(*map(options, below))


def long_functions():
    """Find the functions whose body, without the docstring, has more lines than the house likes."""
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[ast.get_docstring(node) is not None :]
                if body and body[-1].end_lineno - body[0].lineno >= LONG:
                    yield f"`{path.stem}.{node.name}`"


def test_contributing_confesses_what_the_package_does():
    """The list of present violations names every long function, and counts the silenced type errors."""
    confession = (ROOT / "CONTRIBUTING.md").read_text().partition("## Present violations")[2]
    found = list(long_functions())
    assert [name for name in found if name not in confession] == []
    assert ("No function body is longer" in confession) == (not found)
    silenced = sum(path.read_text().count("# type: ignore[") for path in (ROOT / "src").rglob("*.py"))
    assert f"There are {silenced} of them in the package" in confession
