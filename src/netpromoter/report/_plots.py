"""Two pictures: one score with its answers, and a breakdown as a forest plot."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from netpromoter._checks import one_of, refusal, require
from netpromoter._figures import basis, points, span
from netpromoter._html import DETRACTOR, PASSIVE, PROMOTER
from netpromoter.stats import Method, Score

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.transforms import Transform

    from netpromoter.frames import Breakdown

__all__ = ["plot_breakdown", "plot_score"]

INTERVAL = "#7fb2d1"

_FAINT = 0.65
_FAINTER = 0.35
_HEADER = 7.6  # what stands above the bars, in ems
_LONGEST_LABEL = 32
_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
_FONTS = (
    "Noto Sans",
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans Arabic",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "Hiragino Sans",
    "Apple SD Gothic Neo",
    "Yu Gothic",
    "Microsoft YaHei",
    "Malgun Gothic",
    "Nirmala UI",
    "Arial Unicode MS",
)


class _Group(NamedTuple):
    name: str
    answers: str
    color: str
    first: int
    last: int


_ELEVEN = (
    _Group("Detractors", "0 to 6", DETRACTOR, 0, 6),
    _Group("Passives", "7, 8", PASSIVE, 7, 8),
    _Group("Promoters", "9, 10", PROMOTER, 9, 10),
)
_THREE = tuple(group._replace(first=place, last=place) for place, group in enumerate(_ELEVEN))


class _Row(NamedTuple):
    label: str
    n: int | None
    value: float | None
    interval: tuple[float, float]


def plot_score(
    score: Score, *, ax: Axes | None = None, confidence_level: float = 0.95, method: Method = "score"
) -> Axes:
    """Draw the answers behind a score, and the score with its interval on the scale from -100 to 100.

    Parameters
    ----------
    score : Score
        With its eleven counts it gives a bar for each answer; made from three counts it gives three bars.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Without it a figure is made with pyplot, so that a notebook shows it and ``pyplot.show()``
        works; a notebook also closes it, a script does so with ``pyplot.close(ax.figure)``. A server, or a loop
        over many scores, passes the axes of a `matplotlib.figure.Figure`, and pyplot is never touched.
    confidence_level : float, default 0.95
        Strictly between 0 and 1.
    method : str, default "score"
        How the interval is made: any name of `netpromoter.stats.intervals`.

    Returns
    -------
    matplotlib.axes.Axes
        With one bar per answer, or three; the strip with the interval is its one child.

    Raises
    ------
    InvalidArgument
        If it is no score, or `confidence_level` or `method` breaks its rule.
    MissingDependency
        If matplotlib is not installed.

    References
    ----------
    Okabe, M. and Ito, K. (2008). Color universal design: how to make figures and presentations that are friendly to
    colorblind people. The blue is darkened here, so that the three also differ in gray print.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from netpromoter.stats import Score
    >>> s = Score.from_histogram([2, 0, 1, 1, 2, 5, 6, 14, 22, 25, 31])
    >>> ax = plot_score(s, ax=Figure(layout="constrained").subplots())
    >>> [round(bar.get_height()) for bar in ax.patches]
    [2, 0, 1, 1, 2, 5, 6, 14, 22, 25, 31]
    """
    if not isinstance(score, Score):
        raise refusal("score", "a Score, such as netpromoter.score gives", score)
    interval = score.interval(confidence_level=confidence_level, method=method)
    ax = _axes(ax, (6.4, 4.0), user="report.plot_score")
    groups, counts, ticks = _answers(score)
    colors = [group.color for group in groups for _ in range(group.first, group.last + 1)]
    bars = ax.bar(range(len(counts)), counts, width=0.8, color=colors)
    ax.bar_label(bars, labels=[_short(times) for times in counts], padding=2, fontsize="small")
    ax.set(xlim=(-0.4, len(counts) - 0.6), xticks=range(len(counts)), xticklabels=ticks, yticks=[])
    ax.set_ylim(0, max(counts) * _stretch(ax))
    ax.spines[:].set_visible(False)
    ax.tick_params(axis="x", length=0)
    _name_groups(ax, groups, (score.detractors, score.passives, score.promoters))
    _head(ax, score, _level(confidence_level), interval)
    _strip(ax, score.value, interval)
    return ax


def plot_breakdown(
    breakdown: Breakdown,
    *,
    ax: Axes | None = None,
    confidence_level: float = 0.95,
    method: Method = "score",
    sort: str | None = None,
) -> Axes:
    """Draw the score and the interval of every group, one row each, with the total as a line through them all.

    Parameters
    ----------
    breakdown : Breakdown
        What `netpromoter.frames.score_by` gives. Groups that are withheld, or where nobody answered, keep their row
        and say so.
    ax : matplotlib.axes.Axes, optional
        Where to draw; its figure needs a layout that leaves room on both sides, such as ``layout="constrained"``.
        Without it a figure is made as by `plot_score`, as high as the rows need.
    confidence_level : float, default 0.95
        Strictly between 0 and 1.
    method : str, default "score"
        How the intervals are made: any name of `netpromoter.stats.intervals`.
    sort : str, optional
        ``"nps"`` or ``"n"`` puts the highest on top and groups without it last; a name of ``breakdown.by`` puts the
        keys in order. Without it the groups keep the order of the breakdown.

    Returns
    -------
    matplotlib.axes.Axes
        With the first group at 0, and y growing downwards.

    Raises
    ------
    InvalidArgument
        If it is no breakdown, or `confidence_level`, `method` or `sort` breaks its rule.
    MissingDependency
        If matplotlib is not installed.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from netpromoter.frames import score_by
    >>> by = score_by([10, 9, 3, 8, 10, 7], by={"plan": ["pro", "pro", "free", "free", "free", "pro"]})
    >>> ax = plot_breakdown(by, ax=Figure(layout="constrained").subplots(), sort="nps")
    >>> [text.get_text() for text in ax.texts if text.get_gid() == "label"]
    ['pro', 'free', 'All']
    """
    from netpromoter.frames import Breakdown

    if not isinstance(breakdown, Breakdown):
        raise refusal("breakdown", "a Breakdown, such as netpromoter.score_by gives", breakdown)
    rows = _rows(_sorted(breakdown, sort), confidence_level, method)
    ax = _axes(ax, (7.2, 0.9 + 0.24 * len(rows)), user="report.plot_breakdown")
    _ground(ax, rows)
    for place, row in enumerate(rows):
        if row.value is not None:
            _mark(ax, place, row.value, row.interval, height=0.32)
    _refer(ax, breakdown.total.value, len(rows) - 1)
    _columns(ax, rows, _level(confidence_level))
    return ax


def _axes(ax: Axes | None, size: tuple[float, float], *, user: str) -> Axes:
    require("matplotlib", user=user, extra="report")
    if ax is not None:
        return ax
    pyplot = require("matplotlib.pyplot", user=user, extra="report")
    figure, made = pyplot.subplots(figsize=size, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.12)
    return made  # type: ignore[no-any-return]


def _answers(score: Score) -> tuple[Sequence[_Group], Sequence[int], Sequence[str]]:
    if score.histogram is not None:
        return _ELEVEN, score.histogram.counts, [str(rating) for rating in range(11)]
    return _THREE, (score.detractors, score.passives, score.promoters), [group.answers for group in _THREE]


def _stretch(ax: Axes) -> float:
    """Give the height of the axes over the height of the tallest bar, which leaves the header its ems."""
    share = _HEADER * _em() / 72 * ax.figure.dpi / ax.get_window_extent().height
    return 1 / (1 - min(share, 0.6))


def _name_groups(ax: Axes, groups: Sequence[_Group], counts: Sequence[int]) -> None:
    down = _blend(ax.transData, _ems(ax, (0, 0)))
    for group, times in zip(groups, counts, strict=True):
        share = f"{times / sum(counts):.1%}"
        text = share if group.first == group.last else f"{share} · {_short(times)}"
        ends, middle = (group.first - 0.4, group.last + 0.4), (group.first + group.last) / 2
        ax.plot(ends, (-2.1, -2.1), color=group.color, lw=2.5, solid_capstyle="butt", transform=down, clip_on=False)
        _say(ax, middle, -2.5, group.name, down, ha="center", va="top", fontsize="medium")
        _say(ax, middle, -3.9, text, down, ha="center", va="top", fontsize="small")


def _head(ax: Axes, score: Score, level: str, interval: tuple[float, float]) -> None:
    words = basis(interval, score.n, population=score.population, missing=score.missing, level=level)
    top = _ems(ax, (0, 1))
    _say(ax, 0, 0, f"NPS {_points(score.value)}", top, va="top", fontsize="x-large", weight="bold")
    _say(ax, 0, -1.8, _minus(words), top, va="top", fontsize="medium")


def _strip(ax: Axes, value: float, interval: tuple[float, float]) -> None:
    strip = ax.inset_axes((0, -4.6, 1, 1.1), transform=_blend(ax.transAxes, _ems(ax, (0, 1))))
    strip.set(xlim=(-100, 100), ylim=(-1, 1), yticks=[], xticks=(-100, 0, 100))
    strip.xaxis.set_major_formatter(_tick)
    strip.spines[:].set_visible(False)
    strip.patch.set_visible(False)
    strip.tick_params(axis="x", length=0, labelsize="small", labelcolor=_ink(), pad=0)
    for label, side in zip(strip.get_xticklabels(), ("left", "center", "right"), strict=True):
        label.set(ha=side, alpha=_FAINT)
    strip.plot((-100, 100), (0, 0), color=_ink(), lw=0.8, alpha=_FAINTER, clip_on=False)
    strip.vlines((-100, 0, 100), -0.45, 0.45, color=_ink(), lw=0.8, alpha=_FAINTER, clip_on=False)
    _mark(strip, 0, value, interval, height=0.9)


def _mark(ax: Axes, row: float, value: float, interval: tuple[float, float], *, height: float) -> None:
    """Draw an interval as a broad line, and the score as a short stroke across it."""
    ends = (row - height, row + height)
    ax.plot(interval, (row, row), color=INTERVAL, lw=5, solid_capstyle="butt", clip_on=False, gid="interval")
    ax.plot((value, value), ends, color=_ink(), lw=1.6, solid_capstyle="butt", clip_on=False, gid="score")


def _sorted(breakdown: Breakdown, sort: str | None) -> Breakdown:
    if sort is None:
        return breakdown
    one_of("sort", sort, ("nps", "n", *breakdown.by))
    return breakdown.sorted(sort, descending=sort not in breakdown.by)


def _rows(breakdown: Breakdown, confidence_level: float, method: Method) -> list[_Row]:
    """Give the groups, and everybody as the last row."""
    found = breakdown.rows(confidence_level=confidence_level, method=method)
    rows = [
        _Row(_label(keys), row["n"], row["nps"], (row["low"], row["high"]))
        for keys, row in zip(zip(*breakdown.labels, strict=True), found, strict=True)
    ]
    total = breakdown.total
    interval = total.interval(confidence_level=confidence_level, method=method)
    return [*rows, _Row("All", total.n, total.value, interval)]


def _refer(ax: Axes, value: float, place: int) -> None:
    """Draw the total as a line through all groups, and a rule above its own row."""
    ax.vlines(value, -0.5, place, color=_ink(), lw=0.8, alpha=_FAINTER, zorder=1, gid="total")
    ax.axhline(place - 0.5, color=_ink(), lw=0.8, alpha=_FAINTER)


def _ground(ax: Axes, rows: Sequence[_Row]) -> None:
    """Set the scale around all intervals, with a hairline for each row."""
    ends = [end for row in rows if row.value is not None for end in row.interval]
    low, high = min(ends), max(ends)
    room = max(2.0, 0.04 * (high - low))
    ax.set(xlim=(max(-100, low - room), min(100, high + room)), ylim=(len(rows) - 0.5, -0.5), yticks=[])
    ax.xaxis.set_major_formatter(_tick)
    ax.tick_params(axis="x", labelsize="small")
    ax.spines[["left", "right", "top"]].set_visible(False)
    ax.hlines(range(len(rows)), 0, 1, transform=ax.get_yaxis_transform(), color=_ink(), lw=0.5, alpha=0.12, zorder=0)


def _columns(ax: Axes, rows: Sequence[_Row], level: str) -> None:
    """Write the labels on the left; the score, its interval and the size on the right."""
    digits = max(len(_size(row)) for row in rows)
    edges = (4.0, 12.8, 13.8 + 0.55 * digits)
    _write(ax, -1, ("NPS", level, "n"), edges, alpha=_FAINT)
    left = _blend(_ems(ax, (0, 0)), ax.transData)
    for place, row in enumerate(rows):
        fonts = _families(row.label)
        _say(ax, -0.8, place, row.label, left, ha="right", va="center", fontsize="small", fontfamily=fonts, gid="label")
        if row.value is None:
            why = "no answers" if row.n == 0 else "withheld"
            _write(ax, place, ("", why, _size(row)), edges, alpha=_FAINT)
        else:
            _write(ax, place, (_points(row.value), _span(row.interval), _size(row)), edges)


def _write(ax: Axes, place: float, cells: Sequence[str], edges: Sequence[float], *, alpha: float = 1.0) -> None:
    right = _blend(_ems(ax, (1, 0)), ax.transData)
    for cell, edge in zip(cells, edges, strict=True):
        _say(ax, edge, place, cell, right, ha="right", va="center", fontsize="small", alpha=alpha)


def _say(ax: Axes, x: float, y: float, text: str, transform: Transform, **style: Any) -> None:
    """Write a text as it stands: a group may be called "$x^2$", and "%" begins a comment in TeX."""
    ax.text(x, y, text, transform=transform, parse_math=False, usetex=False, **style)


def _size(row: _Row) -> str:
    return "" if row.n is None else f"{row.n:,}"


def _label(keys: Sequence[object]) -> str:
    """Give the keys of a group on one line, each cut in the middle where they are long."""
    parts = [_plain(key) for key in keys]
    whole = " · ".join(parts)
    if _cut(whole, _LONGEST_LABEL) == whole:
        return whole
    return " · ".join(_cut(part, max(9, _LONGEST_LABEL // len(parts))) for part in parts)


def _plain(key: object) -> str:
    text = "(none)" if key is None else str(key)
    signs = (" " if unicodedata.category(sign) in _UNPRINTABLE else sign for sign in text)
    return " ".join("".join(signs).split()) or repr(key)


def _cut(text: str, limit: int) -> str:
    """Keep both ends of a long text; wide characters, as of Chinese, take the room of two."""
    limit = limit // 2 if any(unicodedata.east_asian_width(sign) in "WF" for sign in text) else limit
    half = (limit - 1) // 2
    return text if len(text) <= limit else f"{text[:half]}…{text[-half:]}"


def _families(text: str) -> list[str]:
    """Give the font families for a text: the user's own first, then what is installed for other scripts."""
    from matplotlib import font_manager, rcParams

    own = list(rcParams["font.family"])
    if text.isascii():
        return own
    installed = set(font_manager.get_font_names())
    return own + [name for name in _FONTS if name in installed]


def _ems(ax: Axes, corner: tuple[float, float]) -> Transform:
    """Measure in ems, the size of the font, from a corner of the axes."""
    from matplotlib.transforms import Affine2D, ScaledTranslation

    return Affine2D().scale(_em() / 72) + ax.figure.dpi_scale_trans + ScaledTranslation(*corner, ax.transAxes)  # type: ignore[arg-type]


def _blend(across: Transform, up: Transform) -> Transform:
    from matplotlib.transforms import blended_transform_factory

    return blended_transform_factory(across, up)


def _ink() -> str:
    from matplotlib import rcParams

    return str(rcParams["text.color"])


def _em() -> float:
    from matplotlib import rcParams

    return float(rcParams["font.size"])


def _level(confidence_level: float) -> str:
    return f"{100 * confidence_level:g}% CI"


def _span(interval: tuple[float, float]) -> str:
    return _minus(span(*interval))


def _points(value: float) -> str:
    return _minus(points(value))


def _minus(text: str) -> str:
    return text.replace("-", "\N{MINUS SIGN}")


def _tick(value: float, _: object) -> str:
    return _minus(f"{value:+.10g}") if value else "0"


def _short(times: int) -> str:
    if times < 100_000:
        return f"{times:,}"
    return f"{times / 1e6:,.1f}M" if times >= 1_000_000 else f"{times / 1e3:,.0f}k"
