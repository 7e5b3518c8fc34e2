"""Figures as people read them: as many decimals as they need, so that nothing looks like a 0 that is none."""

from __future__ import annotations

__all__ = ["basis", "percent", "points", "span"]

#: What is smaller is what rounding leaves of 0.
_NOISE = 1e-9
_MOST_DECIMALS = 9


def points(value: float, decimals: int = 1) -> str:
    """Show a score or a difference with its sign, and with more decimals where it would look like 0."""
    while decimals < _MOST_DECIMALS and abs(value) > _NOISE and not float(f"{value:.{decimals}f}"):
        decimals += 1
    return f"{value:+z.{decimals}f}"


def span(low: float, high: float) -> str:
    """Show two limits, with more decimals where they would look alike."""
    decimals = 1
    while decimals < _MOST_DECIMALS and high - low > _NOISE and f"{low:z.{decimals}f}" == f"{high:z.{decimals}f}":
        decimals += 1
    return f"{points(low, decimals)} to {points(high, decimals)}"


def percent(share: float) -> str:
    """Show a share, with more decimals where it would look like none or like all."""
    decimals = 1
    while decimals < _MOST_DECIMALS and 0 < share < 1 and float(f"{share:.{decimals + 2}f}") in {0, 1}:
        decimals += 1
    return f"{share:.{decimals}%}"


def basis(
    limits: tuple[float, float], n: int, *, population: int | None = None, missing: int = 0, level: str = "95% CI"
) -> str:
    """Say what a score rests on: its interval, and how many answered of how many."""
    notes = f"; {missing:,} missing" if missing else ""
    if n == population:
        return f"census of {n:,}: no sampling error{notes}"
    known = "" if population is None else f" of {population:,}"
    return f"{level} {span(*limits)}; n = {n:,}{known}{notes}"
