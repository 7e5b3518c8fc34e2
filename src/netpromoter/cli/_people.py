"""Contacts from a file that a command line names."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from netpromoter import formats
from netpromoter._checks import shown
from netpromoter.model import Contacts

__all__ = ["contacts"]


def contacts(file: str, identity: str, address: Sequence[str]) -> Contacts:
    """Read contacts from a file or, where it is -, from standard input.

    Raises
    ------
    click.UsageError
        If a column of addresses is not given as CHANNEL=COLUMN.
    """
    pairs = [each.partition("=")[::2] for each in address]
    if not all(channel and column for channel, column in pairs):
        raise click.UsageError(f"--address must be CHANNEL=COLUMN (got {', '.join(map(shown, address))})")
    source = sys.stdin.buffer if file == "-" else file
    return formats.contacts(source, id=identity, addresses=dict(pairs) or None)
