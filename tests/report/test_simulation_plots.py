"""The picture of simulated time: what is drawn is what was counted."""

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise

import matplotlib as mpl
import matplotlib.style
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch

from netpromoter.engine import Behavior, replay, simulate
from netpromoter.errors import InvalidArgument
from netpromoter.model import Contact, Survey
from netpromoter.report import plot_simulation
from netpromoter.rules import Continuous, Policy

START = datetime(2026, 1, 5, tzinfo=UTC)
PEOPLE = [Contact(id=f"c-{n}", addresses={"email": f"{n}@example.com"}) for n in range(60)]


@pytest.fixture(autouse=True)
def plain_style():
    """Draw as matplotlib does out of the box, and leave no figure behind."""
    plt.switch_backend("agg")
    with mpl.style.context("default"):
        yield
    plt.close("all")


def policy(days):
    """Make a policy that asks everybody once in so many days."""
    cadence = Continuous(every=timedelta(days=days), start=START)
    return Policy(survey=Survey("nps"), cadence=cadence, rules=[])


@cache
def year(every=30, days=45, response=0.3):
    """Make a short simulation."""
    stated = Behavior(response=response)
    return simulate(policy(every), PEOPLE, behavior=stated, at=START, days=days, rng=np.random.default_rng(1))


def panels():
    """Make three axes that pyplot does not know."""
    return Figure(figsize=(7, 6), layout="constrained").subplots(3)


def steps(ax):
    """Give the values and edges of the steps of a panel."""
    found = [patch.get_data() for patch in ax.patches if isinstance(patch, StepPatch)]
    return [(data.values.tolist(), data.edges.tolist()) for data in found]


@pytest.mark.parametrize(("every", "whole"), [(7, 42), (1, 45), (45, 45), (50, 45)])
def test_the_steps_are_the_sums_of_the_days(every, whole):
    """Each step is what was sent or answered in its span; a span that is cut short is drawn only if it is alone."""
    axes = plot_simulation(year(), axes=panels(), every=every)
    edges = [*range(0, whole, every), whole]
    for ax, what in zip(axes, ("messages", "answers"), strict=False):
        counts = year().by_day.count(what)
        sums = [counts[low:high].sum() for low, high in pairwise(edges)]
        assert steps(ax) == [(sums, edges)]
        assert ax.get_ylim()[0] == 0
        assert ax.get_xlim() == (0, 45)


def test_the_band_is_the_interval():
    """The band and the line of the third panel are the limits and the score of all answers so far."""
    options = {"confidence_level": 0.8, "method": "wald"}
    ax = plot_simulation(year(), axes=panels(), **options)[2]
    rows = year().intervals(**options)
    (line,), (band,) = ax.lines, ax.collections
    assert line.get_xdata().tolist() == [row["day"] for row in rows]
    assert line.get_ydata().tolist() == [row["nps"] for row in rows]
    corners = {tuple(corner) for corner in band.get_paths()[0].vertices.tolist()}
    assert corners == {(row["day"], row[end]) for row in rows for end in ("low", "high")}
    assert ax.get_title(loc="left") == "NPS of all answers so far, 80% CI"


def test_before_the_first_answer_nothing_is_drawn():
    """A simulation without answers has no score, and is drawn all the same."""
    axes = plot_simulation(year(response=0), axes=panels(), every=1)
    assert axes[2].lines[0].get_xdata().tolist() == []
    assert steps(axes[1])[0][0] == [0] * 45
    assert axes[0].get_title(loc="left") == "Messages in a day"


def test_several_are_told_apart_by_color_and_line():
    """Each simulation has one color and one dash in all panels, and its name in the legend, as it stands."""
    names = ["$x^2$", "_hidden", "日本語", "d", "e", "f"]
    made = {name: year(30 + 5 * place, 40 + place) for place, name in enumerate(names)}
    axes = plot_simulation(made, axes=panels())
    shown = [[(to_hex(each.get_edgecolor()), str(each.get_linestyle())) for each in ax.patches] for ax in axes[:2]]
    assert shown[0] == shown[1]
    assert len({color for color, _ in shown[0]}) == len({dash for _, dash in shown[0]}) == 6
    assert [to_hex(line.get_color()) for line in axes[2].lines] == [color for color, _ in shown[0]]
    texts = axes[2].get_legend().get_texts()
    assert [text.get_text() for text in texts] == names
    assert not any(text.get_parse_math() for text in texts)
    assert axes[0].get_xlim() == (0, 45)


def test_a_replay_is_drawn_beside_a_simulation():
    """What a replay knows is drawn as what a simulation draws."""
    again = replay(policy(30), PEOPLE, year().touches, start=START, end=START + timedelta(days=45))
    axes = plot_simulation({"simulated": year(), "replayed": again}, axes=panels())
    first, second = steps(axes[1])
    assert first == second


def test_a_figure_is_made_where_none_is_given():
    """Without axes pyplot makes a figure with three panels, and nothing in it is cut off."""
    axes = plot_simulation({"monthly": year(), "quarterly": year(90)})
    figure = axes[0].figure
    assert plt.get_fignums() == [figure.number]
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    width, height = canvas.get_width_height()
    box = axes[2].get_legend().get_window_extent()
    label = axes[2].xaxis.label.get_window_extent()
    assert 0 <= box.x0 < box.x1 <= width
    assert 0 <= box.y0 < box.y1 <= label.y0 <= height


def test_one_alone_has_no_legend():
    """A simulation without a name needs none."""
    assert plot_simulation(year(), axes=panels())[2].get_legend() is None


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"simulations": 3}, r"^simulations must be a Simulation or a Replay, or some of them by name \(got 3\)$"),
        ({"simulations": {}}, r"^simulations must be 1 to 6 \(got 0\)$"),
        ({"axes": 3}, r"^axes must be three \(got 3\)$"),
        ({"axes": [1, 2]}, r"^axes must be three \(got \[1, 2\]\)$"),
        ({"every": 0}, r"^every must be a whole number of at least 1 \(got 0\)$"),
        ({"confidence_level": 1}, r"^confidence_level must be a number strictly between 0 and 1 \(got 1\)$"),
        ({"method": "guess"}, r"^method must be one of "),
    ],
)
def test_what_breaks_its_rule_is_refused(wrong, message):
    """Bad input fails in the words of the house."""
    arguments = {"simulations": year(), "axes": panels()} | wrong
    with pytest.raises(InvalidArgument, match=message):
        plot_simulation(arguments.pop("simulations"), **arguments)
