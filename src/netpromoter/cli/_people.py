"""Contacts from a file that a command line names."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from netpromoter import formats
from netpromoter._checks import harmless, shown
from netpromoter.errors import InvalidArgument
from netpromoter.model import Contacts

__all__ = ["contacts"]

_FACTS = ("locale", "time_zone", "account", "since")


def contacts(file: str, identity: str, address: Sequence[str], column: Sequence[str] = ()) -> Contacts:
    """Read contacts from a file or, where it is -, from standard input.

    Raises
    ------
    click.UsageError
        If a column of addresses is not given as CHANNEL=COLUMN, or one of another fact as FACT=COLUMN; if a column is
        not there.
    """
    addresses, facts = _pairs("--address", "CHANNEL", address), _pairs("--column", "FACT", column)
    for fact in facts:
        if fact not in _FACTS:
            raise click.UsageError(f"--column must name one of {', '.join(_FACTS)} (got {shown(fact)})")
    source = sys.stdin.buffer if file == "-" else file
    try:
        found = formats.contacts(source, id=identity, addresses=addresses or None, **facts)
    except InvalidArgument as problem:
        raise click.UsageError(harmless(f"{problem}; --id and --address name columns")) from problem
    if len(found) and not found.addresses:
        raise click.UsageError(
            "--address must name a column of addresses, such as email=E-mail (the file has no such column)"
        )
    return found


def _pairs(option: str, what: str, given: Sequence[str]) -> dict[str, Any]:
    pairs = [each.partition("=")[::2] for each in given]
    if not all(name and column for name, column in pairs):
        raise click.UsageError(f"{option} must be {what}=COLUMN (got {', '.join(map(shown, given))})")
    return dict(pairs)
