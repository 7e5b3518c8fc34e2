"""What a terminal is shown: escaped text, tables without borders, and pictures in files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from netpromoter._checks import harmless, require

__all__ = ["columns", "drawn", "picture", "saved"]


def columns(names: Sequence[str], *, left: int) -> Table:
    """Make a table without borders, whose first columns are text and the others numbers."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="")
    for name in names[:left]:
        table.add_column(Text(harmless(name)), overflow="fold")
    for name in names[left:]:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def drawn(table: Table) -> str:
    """Lay out a table as plain text."""
    console = Console(highlight=False, color_system=None)
    with console.capture() as caught:
        console.print(table)
    return "\n".join(line.rstrip() for line in caught.get().splitlines())


def picture(plot: str | None) -> str | None:
    """Make sure that a picture can be drawn before anything is read."""
    if plot is not None:
        backend = require("matplotlib.backends.backend_agg", user="--plot", extra="report")
        kinds = backend.FigureCanvasAgg.get_supported_filetypes()
        if Path(plot).suffix[1:].lower() not in kinds:
            raise click.UsageError(f"--plot must end with one of {', '.join(kinds)} (got {plot!r})")
    return plot


def saved(axes: Any, plot: str) -> None:
    """Write the figure of some axes into a file."""
    figure = axes.get_figure(root=True)
    if figure:
        figure.savefig(plot, bbox_inches="tight")
