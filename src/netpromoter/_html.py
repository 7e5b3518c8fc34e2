"""Escaping, and one small table, for what notebooks show."""

from __future__ import annotations

import html
from collections.abc import Iterable

from ._checks import printable

__all__ = ["DETRACTOR", "PASSIVE", "PROMOTER", "bar", "escape", "table"]

#: The hues of Okabe and Ito (2008), which readers with any color vision tell apart; the blue is darkened so that gray
#: print does too (lightness 35, 81 and 54 of 100).
PROMOTER, PASSIVE, DETRACTOR = "#00558a", "#c9c9c9", "#d55e00"


def escape(text: str) -> str:
    """Write a text as HTML, without what no page may hold: whoever wrote it may have been anybody."""
    return html.escape(printable(text))


def table(head: Iterable[str], rows: Iterable[Iterable[str]], *, caption: str = "") -> str:
    """Lay out cells that are already HTML; escape text with `escape` before."""
    top = "".join(f'<th style="text-align:left">{cell}</th>' for cell in head)
    body = "".join(
        "<tr>" + "".join(f'<td style="text-align:left">{cell}</td>' for cell in row) + "</tr>" for row in rows
    )
    title = f'<caption style="text-align:left">{caption}</caption>' if caption else ""
    return f"<table>{title}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def bar(promoters: int, passives: int, detractors: int, *, width: int = 160) -> str:
    """Draw the shares of the three groups as one bar, detractors on the left."""
    n = promoters + passives + detractors
    parts = ((DETRACTOR, detractors, "detractors"), (PASSIVE, passives, "passives"), (PROMOTER, promoters, "promoters"))
    spans = "".join(
        f'<span title="{name}: {part:,} ({part / n:.1%})" '
        f'style="display:inline-block;height:0.8em;width:{width * part / n:.1f}px;background:{color}"></span>'
        for color, part, name in parts
        if part
    )
    return f'<span style="white-space:nowrap">{spans}</span>'
