"""Read the figures of trusted peers, which lie in tests/reference."""

import json
from pathlib import Path

FOLDER = Path(__file__).parent / "reference"


def figures(name):
    """Give one file of figures."""
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def counts(record):
    """Give the counts of promoters, passives and detractors of a record."""
    return record["promoters"], record["passives"], record["detractors"]


def label(record):
    """Name a record in a test report."""
    return "-".join(
        str(record[key]) for key in ("method", "promoters", "passives", "detractors", "level") if key in record
    )
