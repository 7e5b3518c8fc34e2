"""What `#:` says of a constant or an alias, where the module that is documented takes it from a file beside it."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from sphinx.pycode import ModuleAnalyzer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sphinx.application import Sphinx


@cache
def _comments(face: str) -> Mapping[str, list[str]]:
    """Gather the comments of every file in the folder of a face, by name."""
    files = [f"{face}.{file.name}" for file in iter_modules(getattr(import_module(face), "__path__", ()))]
    found = [ModuleAnalyzer.for_module(file).find_attr_docs() for file in files]
    return {name: lines for docs in found for (owner, name), lines in docs.items() if not owner}


def _described(_app: Sphinx, what: str, name: str, *rest: Any) -> None:
    """Replace what is known of the class of a value by what is said of the value."""
    *_, lines = rest
    face, _, short = name.rpartition(".")
    if what == "data":
        lines[:] = _comments(face).get(short, lines)


def _unsigned(_app: Sphinx, what: str, *_: object) -> tuple[None, None] | None:
    """Keep an alias of a class from taking over the signature of that class, which ends the search for one."""
    return (None, None) if what == "data" else None


def setup(app: Sphinx) -> dict[str, Any]:
    """Step in before the docstrings are laid out."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-docstring", _described, priority=400)
    app.connect("autodoc-process-signature", _unsigned, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
