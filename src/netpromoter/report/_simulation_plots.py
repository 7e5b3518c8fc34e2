"""Pictures of simulated and replayed time: what is sent, what comes back, and how the interval narrows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from netpromoter._checks import count, refusal, require
from netpromoter._html import DETRACTOR, PROMOTER
from netpromoter.engine import Replay, Simulation
from netpromoter.stats import Method

from ._plots import _ems, _families, _label, _level, _tick

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_simulation"]

_Course: TypeAlias = Simulation | Replay

#: After the two hues of the other pictures, the others of Okabe and Ito (2008) that are told apart from them.
_COLORS = (PROMOTER, DETRACTOR, "#009e73", "#cc79a7", "#e69f00", "#000000")
_LINES = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)), (0, (1, 3)))


def plot_simulation(
    simulations: _Course | Mapping[str, _Course],
    *,
    axes: Sequence[Axes] | None = None,
    every: int = 7,
    confidence_level: float = 0.95,
    method: Method = "score",
) -> tuple[Axes, Axes, Axes]:
    """Draw the messages, the answers, and the interval of the score as it narrows, for one or several simulations.

    Parameters
    ----------
    simulations : Simulation or Replay, or mapping of str to them
        One, or up to six by name, drawn over one another so that two cadences can be compared.
    axes : sequence of three matplotlib.axes.Axes, optional
        Where to draw. Without them a figure is made as by `plot_score`.
    every : int, default 7
        Over how many days messages and answers are added up. Days that are left at the end are not drawn as a span of
        their own, but for the interval.
    confidence_level : float, default 0.95
        Strictly between 0 and 1.
    method : str, default "score"
        How the intervals are made: any name of `netpromoter.stats.intervals`.

    Returns
    -------
    tuple of three matplotlib.axes.Axes
        Of the messages, the answers and the interval, with the days since the beginning along x.

    Raises
    ------
    InvalidArgument
        If an argument breaks its rule.
    MissingDependency
        If matplotlib is not installed.

    Examples
    --------
    >>> from datetime import UTC, datetime, timedelta
    >>> from matplotlib.figure import Figure
    >>> from netpromoter.engine import Behavior, simulate
    >>> from netpromoter.model import Contact, Survey
    >>> from netpromoter.rules import Continuous, Policy
    >>> people = [Contact(id=f"c-{n}", addresses={"email": f"{n}@example.com"}) for n in range(100)]
    >>> at = datetime(2026, 1, 5, tzinfo=UTC)
    >>> def year(days):
    ...     cadence = Continuous(every=timedelta(days=days), start=at)
    ...     policy = Policy(survey=Survey("nps"), cadence=cadence, rules=[])
    ...     return simulate(policy, people, behavior=Behavior(), at=at, days=60, rng=np.random.default_rng(1))
    >>> figure = Figure(layout="constrained")
    >>> axes = plot_simulation({"monthly": year(30), "quarterly": year(90)}, axes=figure.subplots(3))
    >>> [ax.get_title(loc="left") for ax in axes]
    ['Messages in 7 days', 'Answers in 7 days', 'NPS of all answers so far, 95% CI']
    """
    courses = _named(simulations)
    count("every", every, least=1)
    options: Any = {"every": every, "confidence_level": confidence_level, "method": method}
    bands = [course.intervals(**options) for course in courses.values()]
    panels = _three(axes)
    span = f"{every:,} days" if every > 1 else "a day"
    titles = (f"Messages in {span}", f"Answers in {span}", f"NPS of all answers so far, {_level(confidence_level)}")
    _ground(panels, titles, max(len(course.by_day) for course in courses.values()))
    for course, rows, color, line in zip(courses.values(), bands, _COLORS, _LINES, strict=False):
        for ax, what in zip(panels, ("messages", "answers"), strict=False):
            _spans(ax, course.by_day.count(what), every, color=color, linestyle=line, gid=what)
        _band(panels[2], rows, color, line)
    if isinstance(simulations, Mapping):
        _legend(panels[2], list(courses))
    return panels


def _named(simulations: Any) -> dict[str, _Course]:
    found = dict(simulations) if isinstance(simulations, Mapping) else {"": simulations}
    for each in found.values():
        if not isinstance(each, Simulation | Replay):
            raise refusal("simulations", "a Simulation or a Replay, or some of them by name", each)
    if not 1 <= len(found) <= len(_COLORS):
        raise refusal("simulations", f"1 to {len(_COLORS)}", len(found))
    return found


def _three(axes: Sequence[Axes] | None) -> tuple[Axes, Axes, Axes]:
    user = "report.plot_simulation"
    require("matplotlib", user=user, extra="report")
    if axes is None:
        pyplot = require("matplotlib.pyplot", user=user, extra="report")
        axes = pyplot.subplots(3, figsize=(7.2, 6.4), layout="constrained", sharex=True)[1]
    found = tuple(axes) if isinstance(axes, Sequence | np.ndarray) else ()
    if len(found) != 3:
        raise refusal("axes", "three", axes)
    return found


def _ground(panels: tuple[Axes, Axes, Axes], titles: Sequence[str], days: int) -> None:
    for ax, title in zip(panels, titles, strict=True):
        ax.set_title(title, loc="left", fontsize="medium")
        ax.spines[["right", "top"]].set_visible(False)
        ax.set_xlim(0, days)
        ax.tick_params(labelsize="small")
    panels[2].yaxis.set_major_formatter(_tick)
    panels[2].set_xlabel("days", fontsize="small")


def _spans(ax: Axes, counts: npt.NDArray[np.int64], every: int, **style: Any) -> None:
    """Draw the counts of spans of so many days as steps from 0; a span that is cut short is left out, unless alone."""
    whole = len(counts) // every * every or len(counts)
    starts = np.arange(0, whole, every)
    ax.stairs(np.add.reduceat(counts[:whole], starts), [*starts, whole], baseline=None, lw=1.6, **style)
    ax.set_ylim(bottom=0)


def _band(ax: Axes, rows: Sequence[Mapping[str, Any]], color: str, line: Any) -> None:
    """Draw the score as a line within its interval, from the first answer on."""
    known = [row for row in rows if row["n"]]
    day, value, low, high = ([row[name] for row in known] for name in ("day", "nps", "low", "high"))
    ax.fill_between(day, low, high, color=color, alpha=0.2, linewidth=0, gid="interval")
    ax.plot(day, value, color=color, linestyle=line, lw=1.6, gid="score")


def _legend(ax: Axes, names: Sequence[str]) -> None:
    """Name the lines below the panel, each name as it stands: it may be "$x^2$", or begin with an underscore."""
    lines = [line for line in ax.lines if line.get_gid() == "score"][-len(names) :]
    place: Any = {"loc": "upper left", "bbox_to_anchor": (0, -3.4), "bbox_transform": _ems(ax, (0, 0))}
    legend = ax.legend(lines, ["name"] * len(names), ncols=3, frameon=False, fontsize="small", borderpad=0, **place)
    for text, name in zip(legend.get_texts(), names, strict=True):
        label = _label((name,))
        text.set(text=label, parse_math=False, usetex=False, fontfamily=_families(label))
