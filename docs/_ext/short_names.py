"""Links for names as docstrings write them: `Score.interval`, `netpromoter.score`, without the room they live in."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sphinx.util.nodes import make_refnode

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.addnodes import pending_xref
    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment


def _resolved(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, contnode: nodes.TextElement
) -> nodes.Element | None:
    """Link the one object whose full name ends with the short one, or the class whose field it is."""
    if node.get("refdomain") != "py":
        return None
    short = node["reftarget"].removeprefix("netpromoter.")
    owner, _, field = short.rpartition(".")
    name = _ending_with(env, short) or _owner(env, owner, field)
    if name is None:
        return contnode if _is_field(f"{node.get('py:module')}.{node.get('py:class')}", short) else None
    entry = env.domains.python_domain.objects[name]
    return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, contnode, name)


def _ending_with(env: BuildEnvironment, short: str) -> str | None:
    objects = env.domains.python_domain.objects.items()
    found = [name for name, entry in objects if f".{name}".endswith(f".{short}") and not entry.aliased]
    return found[0] if len(found) == 1 else None


def _owner(env: BuildEnvironment, owner: str, field: str) -> str | None:
    name = _ending_with(env, owner) if owner else None
    return name if name and _is_field(name, field) else None


def _is_field(owner: str, name: str) -> bool:
    """Say whether `name` is a field of an attrs class, known or not to have a page entry of its own."""
    module, _, class_name = owner.rpartition(".")
    try:
        described = getattr(import_module(module), class_name)
    except (AttributeError, ImportError):
        return False
    return name in {field.name for field in getattr(described, "__attrs_attrs__", ())}


def setup(app: Sphinx) -> dict[str, Any]:
    """Step in where Sphinx finds nothing."""
    app.connect("missing-reference", _resolved)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
