"""How the documentation is built. Nothing here, and nothing on the pages, needs the network."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))
# Notebooks run `netpromoter` as a command: let them find the one beside the Python that builds the pages.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
# Pages are the same whoever builds them.
os.environ.update(COLUMNS="100", NO_COLOR="1", PYDEVD_DISABLE_FILE_VALIDATION="1")

import hypothesis  # noqa: E402
import numpydoc.xref  # noqa: E402

import netpromoter  # noqa: E402

ROOMS = (
    *("stats", "frames", "ratings", "formats", "model", "rules", "engine", "channels", "stores", "plugins", "testing"),
    *("wording", "report", "errors", "insight"),
)
FACES = [f"netpromoter.{room}" for room in ROOMS]

project = "netpromoter"
author = "The netpromoter authors"
project_copyright = author
version = release = netpromoter.__version__

extensions = [
    "data_comments",
    "math_without_scripts",
    "myst_nb",
    "numpydoc",
    "short_names",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_build", "explanation/benchmark_table.md"]
default_role = "autolink"
nitpicky = True
# What other projects describe. Their inventories are on the network, so nothing of theirs is linked.
nitpick_ignore_regex = [("py:.*", r"(collections|datetime|matplotlib|numpy|typing)\..*")]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

# Types stand in the docstrings, once.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autosummary_generate = False
numpydoc_show_class_members = False
numpydoc_xref_param_type = True
numpydoc_xref_ignore = "all"  # all words but our own names, which follow
numpydoc.xref.DEFAULT_LINKS.clear()  # "int" and "array_like" would link to the network
numpydoc_xref_aliases = {name: f"{face}.{name}" for face in FACES for name in import_module(face).__all__}

doctest_global_setup = "\n".join(
    ["from datetime import UTC, date, datetime, timedelta", "from pathlib import Path", "import numpy as np"]
    + [f"from {face} import *" for face in FACES]
)
# How fast a machine makes examples is no warning.
hypothesis.settings.register_profile("pages", suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("pages")
doctest_default_flags = import_module("doctest").NORMALIZE_WHITESPACE | import_module("doctest").ELLIPSIS

# Every figure on a page is computed when the page is built.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 180
nb_merge_streams = True

html_theme = "pydata_sphinx_theme"
html_title = "netpromoter"
html_static_path = ["_static"]
html_css_files = ["house.css"]
templates_path = ["_templates"]
html_show_sourcelink = False
html_sidebars = {"index": []}
html_theme_options = {
    "navbar_align": "left",
    "show_toc_level": 2,
    "navigation_depth": 2,
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["trademarks"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_exclude = ".linenos, .gp, .go"
