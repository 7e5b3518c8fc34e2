"""The command line: it reads options, calls and prints."""

import sys

try:
    import click  # noqa: F401 -- only to see whether it is there
    import rich  # noqa: F401
except ImportError as error:
    package = str(error.name).partition(".")[0]
    sys.stderr.write(f"netpromoter's command line needs {package}: install netpromoter[cli]\n")
    raise SystemExit(2) from None

from ._cases import cases
from ._demo import demo
from ._group import cli, main
from ._program import adopt, forget, plan, plugins, run, tell, uncertain, why
from ._score import score
from ._simulate import simulate

__all__ = ["cli", "main"]

for command in (score, simulate, plan, adopt, run, why, uncertain, tell, forget, plugins, cases, demo):
    cli.add_command(command)
