"""Objects of Python that a command line names, `module:attribute`, as servers of web applications do."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from functools import reduce
from pathlib import Path
from typing import Any

import click

from netpromoter._checks import harmless, shown

from ._group import Refused

__all__ = ["named"]


def named(option: str, value: str) -> Any:
    """Import what `module:attribute` names; modules of the working folder are found first.

    Raises
    ------
    click.UsageError
        If the text is not of that form, or names nothing.
    Refused
        If importing the module raises.
    """
    module, colon, path = value.partition(":")
    if not (colon and path and all(map(str.isidentifier, module.split(".")))):
        raise click.UsageError(f"{option} must be module:attribute, such as shop.nps:policy (got {shown(value)})")
    if "" not in sys.path and os.getcwd() not in sys.path:  # noqa: PTH109 -- as text, which sys.path holds
        sys.path.insert(0, os.getcwd())  # noqa: PTH109
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as problem:
        if problem.name is None or not f"{module}.".startswith(f"{problem.name}."):
            raise Refused(_told(module, problem)) from problem
        raise click.UsageError(f"{option} must name a module that there is (got {shown(module)})") from problem
    except Exception as problem:
        raise Refused(_told(module, problem)) from problem
    try:
        return reduce(getattr, path.split("."), found)
    except AttributeError as problem:
        raise click.UsageError(f"{option} must name what {module} has (got {shown(path)})") from problem


def _told(module: str, problem: Exception) -> str:
    frames = traceback.extract_tb(problem.__traceback__)
    places = [(Path(each.filename), each.lineno) for each in frames]
    own = [f" ({path.name}, line {line})" for path, line in places if path.is_relative_to(Path.cwd())]
    where = "" if isinstance(problem, SyntaxError) else own[-1:]  # which says so itself
    return harmless(f"importing {module} raised {type(problem).__name__}: {problem}{''.join(where)}")
