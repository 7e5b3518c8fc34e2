"""The package as a whole: what importing it loads, what it needs, and what it says where something is missing."""

import ast
import subprocess
import sys
import unicodedata
import warnings
from pathlib import Path

import numpy as np
import pytest

import netpromoter
from netpromoter import errors, rules
from netpromoter._checks import between, count, one_of, printable, refusal, require, shown, warn
from netpromoter._html import bar, table

SOURCE = Path(netpromoter.__file__).parent
HEAVY = ["narwhals", "pandas", "polars", "pyarrow", "duckdb", "dask", "ibis", "pyspark", "matplotlib", "click", "rich"]
HEAVY += ["scipy.stats", "sqlalchemy", "starlette"]


def modules_after(program):
    """Run a program in a fresh interpreter and give the names of the modules that it has loaded."""
    report = f"{program}\nimport sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "program",
    [
        "import netpromoter",
        "import netpromoter as nps; nps.score([10, 9, 3])",
        "import netpromoter as nps; repr(nps.score([10, 9, 3])); nps.stats.coverage('score', 5)",
        "import netpromoter as nps; nps.score_by",
    ],
)
def test_nothing_heavy_is_loaded(program):
    """Importing the package, and scoring a list, load no dataframe library, no plots and no command line."""
    assert [name for name in HEAVY if name in modules_after(program)] == []


def test_importing_the_package_loads_nothing_of_scipy_or_numpy():
    """The root face is lazy: what is not used costs nothing."""
    assert not {"scipy", "scipy.special", "numpy"} & modules_after("import netpromoter")


def test_every_face_is_an_attribute_of_the_package():
    """`import netpromoter as nps` is enough for `nps.insight`; the command line and the kit for plugins apart."""
    faces = {path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    found = {name for name in faces if not name.startswith("_")} - {"cli", "testing"}
    program = f"import netpromoter as nps; print([getattr(nps, name).__name__ for name in {sorted(found)}])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ast.literal_eval(done.stdout) == [f"netpromoter.{name}" for name in sorted(found)]


def test_every_public_name_is_found_where_it_comes_from():
    """What `__all__` lists, the package gives, and a name that it does not list it does not know."""
    assert [name for name in netpromoter.__all__ if not hasattr(netpromoter, name)] == []
    assert not hasattr(netpromoter, "nothing")


def test_a_flag_and_a_span_are_no_numbers():
    """A span of time is an integer to numpy, and a flag is one to Python; neither is a share, a weight or a level."""
    for value in (True, np.timedelta64(1, "D")):
        for take in (
            lambda value: rules.Sample(share=value),
            lambda value: rules.Capacity(share=value),
            lambda value: rules.Variant("plain", weight=value),
            lambda value: rules.Priority(start=value),
            lambda value: between("level", value, 0, 2),
            lambda value: count("n", value),
        ):
            with pytest.raises(errors.InvalidArgument):
                take(value)


def test_the_package_says_that_it_is_typed():
    """Type checkers find the marker of PEP 561."""
    assert (SOURCE / "py.typed").is_file()


def test_every_error_is_a_leaf_of_the_root():
    """One `except NetPromoterError` catches all, and each leaf has the documented built-in beside it."""
    found = [getattr(errors, name) for name in errors.__all__ if name not in {"NetPromoterError", "ScaleWarning"}]
    assert all(issubclass(error, errors.NetPromoterError) for error in found)
    assert [
        error.__name__
        for error in found
        if not issubclass(error, (ValueError, ImportError, AttributeError, TypeError, RuntimeError, OSError))
    ] == []


def test_no_clock_randomness_or_environment_below_the_command_line():
    """No module but the command line reads a clock, draws a random number or looks into the environment."""
    forbidden = {"now", "today", "utcnow", "monotonic", "perf_counter", "environ", "getenv", "urandom", "default_rng"}
    offenders = [
        (path.name, node.attr)
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in forbidden and path.parent.name != "cli"
    ]
    assert offenders == []


@pytest.mark.parametrize("library", ["pytest", "hypothesis"])
def test_the_kit_for_plugins_names_its_extra(library):
    """It is the one face of the package that cannot be imported without another library."""
    program = f"import sys; sys.modules[{library!r}] = None; import netpromoter.testing"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    told = f"netpromoter.errors.MissingDependency: netpromoter.testing needs {library}: install netpromoter[testing]"
    assert done.stderr.splitlines()[-1] == told


def test_a_missing_library_names_the_extra_that_brings_it():
    """The message says who needs what, and what to install."""
    message = r"report.plot_score needs nonesuch: install netpromoter\[report\]"
    with pytest.raises(errors.MissingDependency, match=message):
        require("nonesuch.pyplot", user="report.plot_score", extra="report")


@pytest.mark.parametrize("value", [3, 3.0, True - False + 2])
def test_count_takes_whole_numbers(value):
    """Whole numbers of any type come out as int."""
    assert type(count("n", value)) is int


@pytest.mark.parametrize("value", [-1, 2.5, float("nan"), float("inf"), True, "3", None, 3j])
def test_count_refuses_the_rest(value):
    """What is no count is refused with the name, the rule and the value."""
    with pytest.raises(errors.InvalidArgument, match=r"^n must be a whole number of at least 0 \(got "):
        count("n", value)


@pytest.mark.parametrize("value", [0, 1, -1, float("nan"), True, "0.5", None, [0.5]])
def test_between_refuses_its_ends_and_what_is_no_number(value):
    """The bounds are open."""
    with pytest.raises(errors.InvalidArgument, match=r"^level must be a number strictly between 0 and 1 \(got "):
        between("level", value, 0, 1)


@pytest.mark.parametrize("value", ["c", "", None, 1, ["a"]])
def test_one_of_lists_what_it_takes(value):
    """The message lists the options."""
    with pytest.raises(errors.InvalidArgument, match=r"^kind must be one of 'a', 'b' \(got "):
        one_of("kind", value, ("a", "b"))
    assert one_of("kind", "a", ("a", "b")) == "a"


def test_refusals_are_worded_alike():
    """The one wording is name, rule, value."""
    assert str(refusal("margin", "positive", -3)) == "margin must be positive (got -3)"


def test_long_values_are_cut_in_messages():
    """A hostile value cannot fill a log."""
    assert len(shown("x" * 10_000)) == 80
    assert shown([1, 2]) == "[1, 2]"


def test_a_value_that_cannot_show_itself_is_named_by_its_type():
    """A `repr` that raises does not hide what is wrong."""

    class Hostile:
        def __repr__(self):
            raise RuntimeError

    assert shown(Hostile()) == "a Hostile"
    assert len(str(refusal("x", "short", "y" * 10**6))) < 200


def test_a_text_loses_what_is_no_character_and_nothing_else():
    """Of all code points: controls but for tabs and line breaks become blanks, and halves of characters are marked."""
    for code in range(sys.maxunicode + 1):
        sign = chr(code)
        category = unicodedata.category(sign)
        is_control = category in {"Cc", "Zl", "Zp"} and sign not in "\t\n"
        wanted = " " if is_control else "\ufffd" if category == "Cs" else sign
        assert printable(f"a{sign}b\n") == f"a{wanted}b\n", hex(code)


def test_warnings_point_outside_the_package():
    """Called from here, the warning names this file."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn("look", errors.ScaleWarning)
    assert [w.filename for w in caught] == [__file__]


def test_tables_have_a_caption_only_where_one_is_given():
    """The caption is optional."""
    assert "<caption" in table(["a"], [["1"]], caption="Scores")
    assert "<caption" not in table(["a"], [["1"]])


def test_a_bar_is_as_wide_as_it_says():
    """The three parts add to the width."""
    widths = [float(part.split("px")[0]) for part in bar(1, 1, 2, width=100).split("width:")[1:]]
    assert widths == [50, 25, 25]
