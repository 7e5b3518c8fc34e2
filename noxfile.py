"""The checks: `nox` runs those that every change must pass, `nox --list` shows them all."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_missing_interpreters = True
nox.options.sessions = ["lint", "types", "tests", "ledger", "docs", "build"]

PYPROJECT = nox.project.load_toml("pyproject.toml")
#: Tests that take long and tell nothing more on a second Python.
SLOW = (
    "tests/engine/test_dispatch_laws.py",
    "tests/engine/test_laws.py",
    "tests/engine/test_polling.py",
    "tests/engine/test_replay.py",
    "tests/engine/test_simulate.py",
    "tests/insight",
    "tests/rules/test_clocks.py",
    "tests/rules/test_conditions.py",
    "tests/rules/test_disclosure.py",
    "tests/rules/test_history.py",
    "tests/rules/test_promises.py",
    "tests/rules/test_send_window.py",
    "tests/stats/test_intervals.py",
    "tests/stats/test_reference.py",
    "tests/stores/test_ballot_attack.py",
    "tests/stores/test_ballots.py",
    "tests/stores/test_contract.py",
    "tests/stores/test_processes.py",
    "tests/test_cli_demo.py",
    "tests/test_ratings.py",
    "tests/testing",
)
VERSIONS = ("3.11", "3.12", "3.13", "3.14")


def interpreter(version: str) -> str | None:
    """Find a Python that runs: on the path, among those of pyenv, or the one that runs nox."""
    name = f"python{version}"
    roots = [Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))]
    shim = shutil.which("pyenv") or shutil.which(name)
    if shim and Path(shim).parent.name in {"shims", "bin"}:
        roots.append(Path(shim).parent.parent)
    candidates = [shutil.which(name)]
    candidates += [path for root in roots for path in sorted(root.glob(f"versions/{version}.*/bin/{name}"))]
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        candidates.insert(0, sys.executable)
    return next((str(path) for path in candidates if path and runs(str(path))), None)


def runs(path: str) -> bool:
    """Tell whether an interpreter starts: a shim may stand for one that is not chosen."""
    return subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0


FOUND = {version: path for version in VERSIONS if (path := interpreter(version))}
os.environ["PATH"] = os.pathsep.join([*(str(Path(path).parent) for path in FOUND.values()), os.environ["PATH"]])


def group(name: str) -> list[str]:
    """Give what a dependency group of pyproject.toml asks for."""
    return list(nox.project.dependency_groups(PYPROJECT, name))


@nox.session
def lint(session: nox.Session) -> None:
    """Style, floors, and the wording of the changelog."""
    session.install("-e", ".", *group("lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("lint-imports")
    session.run("towncrier", "build", "--draft", "--version", "0")


@nox.session
def types(session: nox.Session) -> None:
    """Strict types inside, and the public API as a type checker of its users sees it."""
    session.install("-e", ".[all]", *group("types"))
    session.run("mypy")
    session.run("pyright")


@nox.session(python=list(FOUND))
def tests(session: nox.Session) -> None:
    """Every test and example, on each Python that is present; with coverage by branch on the first."""
    session.install("-e", ".[all]", "-e", "examples/netpromoter-teletype", *group("tests"))
    report = Path(session.create_tmp()).absolute() / "coverage"
    environment = {"COVERAGE_FILE": str(report), "MPLBACKEND": "agg"}
    everything = ["--ignore=tests/backends", "--ignore=tests/ledger", "-n", "2", "--dist", "loadfile", "--durations=12"]
    if session.python == next(iter(FOUND)):
        everything += ["--cov", "--cov-report=term:skip-covered"]
    else:
        everything += [f"--ignore={path}" for path in SLOW]
    session.run("pytest", *(session.posargs or everything), env=environment)


@nox.session
def ledger(session: nox.Session) -> None:
    """Dispatchers in processes of their own, killed at random instants, on SQLite and on PostgreSQL."""
    session.install("-e", ".[all]", *group("tests"))
    session.run("pytest", "tests/ledger", *session.posargs)


@nox.session
def search(session: nox.Session) -> None:
    """The laws on examples that no run has seen, five hundred each where a law names no number; finds what is rare."""
    session.install("-e", ".[all]", "-e", "examples/netpromoter-teletype", *group("tests"))
    files = session.posargs or ["tests", "--ignore=tests/backends", "--ignore=tests/ledger", "-n", "2"]
    session.run("pytest", "--hypothesis-profile=search", *files)


@nox.session
def kill(session: nox.Session) -> None:
    """The same at full size: 200 kills and 10,000 messages, with 1 and 8 connections, and an idempotent channel."""
    session.install("-e", ".[all]", *group("tests"))
    folder = Path(session.create_tmp()).absolute()
    for url in session.posargs or [f"sqlite:///{folder}/kill.db", "postgresql"]:
        for options in (["1"], ["8"], ["1", "--idempotent"], ["8", "--idempotent"]):
            for file in folder.glob("kill.db*"):
                file.unlink()
            session.run("python", "tests/ledger/kill.py", url, "--workers", *options)


@nox.session
def race(session: nox.Session) -> None:
    """Eight dispatchers on one PostgreSQL, while leases run out: 20 rounds of 10,000 messages."""
    session.install("-e", ".[all]", *group("tests"))
    session.run("python", "tests/ledger/race.py", *session.posargs)


@nox.session
def tokens(session: nox.Session) -> None:
    """Ten million tokens of links that were tampered with: none may be accepted."""
    session.install("-e", ".[program]")
    session.run("python", "tests/sessions/mutate_tokens.py", *(session.posargs or ["10000000"]))


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation, with its notebooks run and its examples tested; a warning is an error."""
    session.install(".[all]", *group("docs"))
    for builder in ("html", "doctest"):  # the second reads no page again
        places = "-d", "docs/_build/doctrees", "-b", builder, "docs", f"docs/_build/{builder}"
        session.run("sphinx-build", "-W", "--keep-going", "-n", "-q", "-j", "2", *places)


@nox.session
def build(session: nox.Session) -> None:
    """The wheel: what is in it, and that the base install alone can score a list."""
    folder = Path(session.create_tmp()) / "dist"
    shutil.rmtree(folder, ignore_errors=True)
    session.install("build", "check-wheel-contents", "twine")
    session.run("python", "-m", "build", "--outdir", str(folder), silent=True)
    (wheel,) = folder.glob("*.whl")
    session.run("check-wheel-contents", str(wheel))
    session.run("twine", "check", "--strict", *map(str, folder.iterdir()))
    session.run("python", "-m", "venv", "--clear", str(folder / "empty"))
    python = str(folder / "empty" / "bin" / "python")
    session.run(python, "-m", "pip", "install", "--quiet", str(wheel), external=True)
    installed = session.run(python, "-m", "pip", "list", "--format=json", external=True, silent=True)
    names = {package["name"].lower() for package in json.loads(installed)} - {"pip", "setuptools"}
    if names != {"netpromoter", "attrs", "narwhals", "numpy", "pluggy", "scipy", "tzdata"}:
        session.error(f"the base install brings {sorted(names)}")
    program = "import netpromoter as nps; s = nps.score([10, 9, 8, 3]); print(s); assert s.value == 25, s.value"
    session.run(python, "-W", "error", "-c", program, external=True)


@nox.session
def bench(session: nox.Session) -> None:
    """Speed and memory as ratios against peers in the same run; writes the table of the documentation."""
    session.install(".[all]", *group("bench"))
    table = [] if session.posargs else ["--output", "docs/explanation/benchmark_table.md"]
    session.run("python", "-m", "benchmarks", *table, *session.posargs)


@nox.session
def backends(session: nox.Session) -> None:
    """The dataframe libraries that are too large for every run: Ibis, Dask and PySpark, which needs Java 17."""
    session.install(".[all]", *group("tests"), *group("large_backends"))
    session.run("pytest", "tests/backends", "tests/test_frames.py", *session.posargs)
