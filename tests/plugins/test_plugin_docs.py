"""The documentation of plugins says what the code says."""

import inspect
import re
import tomllib
from pathlib import Path

import pytest

from netpromoter.plugins import Channel, Store, _hookspecs

DOCS = Path(__file__).parents[2] / "docs"
SOURCE = Path(_hookspecs.__file__).parents[1]
GUIDE = (DOCS / "how-to" / "write-a-plugin.md").read_text(encoding="utf-8")
HOOKS = {name: hook for name, hook in vars(_hookspecs).items() if name.startswith("netpromoter_")}
SECTIONS = {Channel: "What a channel promises", Store: "Offer a store"}


def sentences(text):
    """Give the numbered sentences of a text, each on one line."""
    found = re.findall(r"^\d+\. .*?(?=\n\d+\. |\n\n|\Z)", text, re.MULTILINE | re.DOTALL)
    return [" ".join(sentence.split()) for sentence in found]


@pytest.mark.parametrize("port", SECTIONS)
def test_the_guide_has_each_sentence_of_a_port(port):
    """The numbered sentences of the guide are those of the port, word for word."""
    promised = sentences(inspect.getdoc(port))
    section = GUIDE.partition(f"## {SECTIONS[port]}\n")[2].partition("\n## ")[0]
    assert [sentence.partition(".")[0] for sentence in promised] == [str(n + 1) for n in range(len(promised))]
    assert sentences(section) == promised
    assert len(promised) >= 8


def test_the_guide_shows_every_file_of_its_plugin():
    """Whoever writes down what the page shows has what the project needs to be built and tested."""
    sample = "../../examples/netpromoter-teletype/"
    shown = {name.removeprefix(sample) for name in re.findall(r"\{literalinclude\} (\S+)", GUIDE)}
    assert shown == {"netpromoter_teletype.py", "tests/test_teletype.py", "pyproject.toml"}
    assert all(f"`{name}`" in GUIDE for name in shown)
    project = tomllib.loads((DOCS / "how-to" / sample / "pyproject.toml").read_text(encoding="utf-8"))
    assert shown >= set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"])
    assert not {"readme", "license-files"} & set(project["project"])


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_stands_in_the_reference_and_in_the_guide(hook):
    """The reference has its contract, and the guide says what it is for."""
    reference = (DOCS / "reference" / "plugins.rst").read_text(encoding="utf-8")
    assert f"\n.. autofunction:: netpromoter.plugins._hookspecs.{hook}\n" in reference
    assert hook in GUIDE


def test_no_documented_hook_is_missing():
    """What a page calls a hook is one."""
    pages = [GUIDE, *((DOCS / "reference" / "plugins.rst").read_text(encoding="utf-8"),)]
    named = {name for page in pages for name in re.findall(r"\bnetpromoter_(?!teletype\b)[a-z_]+", page)}
    assert named - {"netpromoter_register_chanels"} == set(HOOKS)


@pytest.mark.parametrize("hook", HOOKS)
def test_the_docstring_of_a_hook_is_a_contract(hook):
    """It says when it is called, each argument, what to return, what happens if it raises, and since when."""
    text = inspect.getdoc(HOOKS[hook])
    heads = ["Returns", "Raises", "Notes", "Examples"]
    assert re.findall(r"^(\w+)\n-+$", text, re.MULTILINE) in (heads, ["Parameters", *heads])
    assert re.search(r"^Called ", text, re.MULTILINE)
    assert re.search(r"^\.\. versionadded:: \d", text, re.MULTILINE)
    for name in inspect.signature(HOOKS[hook]).parameters:
        assert re.search(rf"^{name} : ", text, re.MULTILINE), name


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_ships_only_with_something_that_calls_it(hook):
    """A file beside the specification names it: the loader asks what is offered, and the engine tells."""
    home = "engine" if inspect.signature(HOOKS[hook]).parameters else "plugins"
    callers = [path.name for path in (SOURCE / home).glob("*.py") if f'"{hook}"' in path.read_text(encoding="utf-8")]
    assert callers != []
