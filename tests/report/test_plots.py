"""The two pictures: what is drawn is what was counted, and it looks as it looked."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from pathlib import Path

import attrs
import matplotlib as mpl
import matplotlib.style
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.testing.compare import compare_images
from matplotlib.text import Text

from netpromoter._html import DETRACTOR, PASSIVE, PROMOTER
from netpromoter.errors import InvalidArgument, MissingDependency
from netpromoter.frames import Breakdown
from netpromoter.report import plot_breakdown, plot_score
from netpromoter.report._plots import INTERVAL
from netpromoter.stats import Score

BASELINE = Path(__file__).parent / "baseline"

# Pictures are compared without their letters, on axes at a fixed place: letters differ between FreeType versions, and
# the laws below read them one by one. What is left is lines and rectangles, the same on every machine up to the
# rounding of an anti-aliased edge. The smallest fault that matters, one end of one interval moved by a pixel, has a
# root mean square of 0.6; every edge of the picture one level of 255 off has 0.15.
TOLERANCE = 0.5

GARDEN = Score.from_histogram([55, 20, 60, 90, 110, 409, 450, 1653, 2300, 3100, 5365], missing=342)
THREE = Score.from_counts(promoters=6, passives=3, detractors=1)
LEVEL = {"confidence_level": 0.8, "method": "wald"}
HOSTILE = [
    "$x^2$",
    r"$\frac{$",
    r"\$5 \textbf{x}_1 & 100 %",
    "[a-z]{3,}(",
    "two\nlines\r\n\tand a tab",
    "w" * 200,
    "日本語のとても長いラベル" * 9,
    "العربية",
    "\x00\ud800\u2028",
    "",
    None,
    7.5,
]


@pytest.fixture(autouse=True)
def plain_style() -> Iterator[None]:
    """Draw as matplotlib does out of the box, whatever the machine's matplotlibrc says, and leave no figure behind."""
    plt.switch_backend("agg")
    with mpl.style.context("default"):
        yield
    plt.close("all")


def breakdown_of(
    scores: Sequence[Score | None], keys: Sequence[object], least: int | None = None, total: Score | None = None
) -> Breakdown:
    """Make a breakdown of one score per key; None is a group in which nobody answered, or which is withheld."""
    counts = [(s.promoters, s.passives, s.detractors) if s else (0, 0, 0) for s in scores]
    promoters, passives, detractors = zip(*counts, strict=True)
    return Breakdown(
        by=("key",),
        labels=(tuple(keys),),
        promoters=promoters,
        passives=passives,
        detractors=detractors,
        missing=[0] * len(counts),
        total=total or sum(s for s in scores if s),
        minimum_group=least,
    )


def stores(number: int) -> Breakdown:
    """Make as many groups as asked, of very different size and score."""
    rng = np.random.default_rng(number)
    draws = [rng.multinomial(rng.choice([8, 60, 2_000]), rng.dirichlet([4, 2, 2])).tolist() for _ in range(number)]
    scores = [Score.from_counts(promoters=p, passives=q, detractors=r) for p, q, r in draws]
    return breakdown_of(scores, [f"Store {place + 1}" for place in range(number)])


def fixed_axes(width: float = 4, height: float = 3) -> Axes:
    """Make axes whose place does not depend on the size of letters."""
    return Figure(figsize=(width, height), dpi=80).add_axes((0.12, 0.2, 0.6, 0.7))


def drawn(ax: Axes, name: str) -> list[list[float]]:
    """Give the ends of the marks of this name, from the top: intervals along x, scores along x."""
    places = [ax, *ax.child_axes]
    return [list(line.get_xdata()) for place in places for line in place.lines if line.get_gid() == name]


def words(ax: Axes) -> list[str]:
    """Give every text of the axes and of the strip inside."""
    return [text.get_text() for text in ax.findobj(Text) if text.get_text()]


def lightness(color: str) -> float:
    """Give CIE L*, from 0 (black) to 100 (white): what is left of a color in gray print."""
    return float(lab(linear(color))[0])


def linear(color: str) -> np.ndarray:
    """Undo the gamma of sRGB."""
    signal = np.array(to_rgb(color))
    return np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)


def lab(light: np.ndarray) -> np.ndarray:
    """Convert linear sRGB to CIE L*a*b* (D65)."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = np.cbrt(np.maximum(to_xyz @ light / (0.9505, 1.0, 1.089), 0.008856))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


# Machado, Oliveira and Fernandes (2009), table of simulation matrices at severity 1.0.
COLOR_VISION = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


def assert_same_picture(ax: Axes, name: str, folder: Path) -> None:
    """Compare with the baseline; to renew one, look at the picture that the message names and copy it there."""
    for text in ax.findobj(Text):
        text.set_visible(False)
    actual = folder / name
    ax.figure.savefig(actual, metadata={"Software": None})
    difference = compare_images(str(BASELINE / name), str(actual), TOLERANCE)
    assert difference is None, difference


def assert_nothing_overlaps(ax: Axes) -> None:
    """Every text is inside the figure, and no two share a pixel; nor does one with a bar or the strip."""
    canvas = FigureCanvasAgg(ax.figure)
    canvas.draw()
    texts = [text for text in ax.findobj(Text) if text.get_text().strip() and text.get_visible()]
    boxes = [(text.get_text(), text.get_window_extent(canvas.get_renderer())) for text in texts]
    width, height = canvas.get_width_height()
    for text, box in boxes:
        assert 0 <= box.x0 < box.x1 <= width, text
        assert 0 <= box.y0 < box.y1 <= height, text
    boxes += [("a bar", bar.get_window_extent()) for bar in ax.patches]
    boxes += [("the strip", strip.get_window_extent()) for strip in ax.child_axes]
    for (one, a), (other, b) in combinations(boxes, 2):
        shared = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        assert min(shared) <= 1, (one, other)


class TestPlotScore:
    """One score, and the answers behind it."""

    def test_bars_are_the_eleven_counts(self) -> None:
        """The heights of the bars, and the labels above them, are the counts of the answers 0 to 10."""
        ax = plot_score(GARDEN, ax=fixed_axes())
        assert [bar.get_height() for bar in ax.patches] == list(GARDEN.histogram.counts)
        assert [label.get_text() for label in ax.get_xticklabels()] == [str(rating) for rating in range(11)]
        assert {f"{times:,}" for times in GARDEN.histogram.counts} <= set(words(ax))

    def test_three_counts_give_three_bars(self) -> None:
        """A score made from three counts has a bar for each category, and invents no answers."""
        ax = plot_score(THREE, ax=fixed_axes())
        assert [bar.get_height() for bar in ax.patches] == [1, 3, 6]
        assert [label.get_text() for label in ax.get_xticklabels()] == ["0 to 6", "7, 8", "9, 10"]

    def test_bars_wear_the_color_of_their_category(self) -> None:
        """Answers of 0 to 6 are detractors, 7 and 8 passives, 9 and 10 promoters."""
        colors = [to_hex(bar.get_facecolor()) for bar in plot_score(GARDEN, ax=fixed_axes()).patches]
        assert colors == [DETRACTOR] * 7 + [PASSIVE] * 2 + [PROMOTER] * 2

    @pytest.mark.parametrize("options", [{}, LEVEL, {"method": "exact", "confidence_level": 0.99}])
    @pytest.mark.parametrize("score", [GARDEN, THREE], ids=["eleven", "three"])
    def test_strip_draws_the_interval(self, score: Score, options: dict[str, object]) -> None:
        """The broad line ends where `Score.interval` does, and the stroke stands at the score, from -100 to 100."""
        ax = plot_score(score, ax=fixed_axes(), **options)
        assert drawn(ax, "interval") == [list(score.interval(**options))]
        assert drawn(ax, "score") == [[score.value, score.value]]
        assert ax.child_axes[0].get_xlim() == (-100, 100)

    def test_score_is_written(self) -> None:
        """The score, the interval with its level, the number of answers and of the missing stand above the bars."""
        texts = words(plot_score(GARDEN, ax=fixed_axes()))
        assert "NPS +53.4" in texts
        assert "95% CI +52.3 to +54.5; n = 13,612; 342 missing" in texts
        assert "99.5% CI −24.4 to +85.7; n = 10" in words(plot_score(THREE, ax=fixed_axes(), confidence_level=0.995))

    def test_a_population_is_written(self) -> None:
        """What is written is what the repr of a score says: of how many people so many answered, or that all did."""
        for score in (attrs.evolve(THREE, population=40), attrs.evolve(THREE, population=10)):
            inside = repr(score).partition(" (")[2].removesuffix(")").replace("-", "\N{MINUS SIGN}")
            assert inside in words(plot_score(score, ax=fixed_axes()))

    def test_categories_are_named(self) -> None:
        """Nobody needs the colors: every category is named beneath its bars, with its share and its count."""
        ax = plot_score(GARDEN, ax=fixed_axes())
        named = [text.get_text() for text in ax.texts if text.get_position()[1] < 0 and "CI" not in text.get_text()]
        assert named == ["Detractors", "8.8% · 1,194", "Passives", "29.0% · 3,953", "Promoters", "62.2% · 8,465"]

    def test_millions_are_written_short(self) -> None:
        """Counts that would not fit above their bar are rounded to thousands, or to a tenth of a million."""
        texts = words(
            plot_score(Score.from_histogram([99_999, 123_456, *[0] * 7, 999_999, 12_345_678]), ax=fixed_axes())
        )
        assert {"99,999", "123k", "1,000k", "12.3M"} <= set(texts)

    @pytest.mark.parametrize(
        "score",
        [
            GARDEN,
            THREE,
            Score.from_histogram([1, *[0] * 10]),
            Score.from_histogram([123_456_789] * 11),
            Score.from_counts(promoters=0, passives=1, detractors=0),
        ],
        ids=["garden", "three", "one", "huge", "passive"],
    )
    def test_nothing_overlaps(self, score: Score) -> None:
        """In a figure of our own, all texts are inside and apart."""
        assert_nothing_overlaps(plot_score(score))

    @pytest.mark.parametrize("name", ["eleven", "three"])
    def test_picture(self, name: str, tmp_path: Path) -> None:
        """Pixel by pixel, it looks as it looked."""
        ax = plot_score({"eleven": GARDEN, "three": THREE}[name], ax=fixed_axes(4.8, 3.2))
        assert_same_picture(ax, f"score_{name}.png", tmp_path)

    def test_wrong_picture_fails(self, tmp_path: Path) -> None:
        """The comparison sees two answers change their color, and a score that moves by two points."""
        swapped = plot_score(GARDEN, ax=fixed_axes(4.8, 3.2))
        swapped.patches[6].set_facecolor(PASSIVE)
        moved = plot_score(GARDEN, ax=fixed_axes(4.8, 3.2))
        next(line for line in moved.child_axes[0].lines if line.get_gid() == "score").set_xdata([55.4, 55.4])
        for wrong in (swapped, moved):
            with pytest.raises(AssertionError, match="Image files did not match"):
                assert_same_picture(wrong, "score_eleven.png", tmp_path)


class TestPlotBreakdown:
    """A forest of intervals."""

    @pytest.mark.parametrize("options", [{}, LEVEL])
    def test_draws_every_interval(self, options: dict[str, object]) -> None:
        """The broad lines end where the intervals of the groups do, in their order, and the total comes last."""
        by = stores(5)
        scores = [*(by[key] for key in by), by.total]
        ax = plot_breakdown(by, ax=fixed_axes(), **options)
        assert np.allclose(drawn(ax, "interval"), [score.interval(**options) for score in scores], atol=1e-9)
        assert np.allclose(drawn(ax, "score"), [[score.value] * 2 for score in scores], atol=1e-9)

    def test_scale_holds_every_interval(self) -> None:
        """No interval is cut, and the scale never leaves -100 to 100."""
        ax = plot_breakdown(breakdown_of([THREE, Score.from_counts(promoters=9, passives=0, detractors=0)], "ab"))
        low, high = ax.get_xlim()
        assert -100 <= low <= min(map(min, drawn(ax, "interval")))
        assert max(map(max, drawn(ax, "interval"))) <= high == 100

    def test_total_is_the_reference(self) -> None:
        """A line at the score of everybody runs through all rows."""
        by = stores(4)
        ax = plot_breakdown(by, ax=fixed_axes())
        (line,) = [found for found in ax.collections if found.get_gid() == "total"]
        assert np.allclose(line.get_segments()[0], [[by.total.value, -0.5], [by.total.value, 4]])

    def test_writes_score_interval_and_n(self) -> None:
        """To the right of every row stand its score, its interval and its number of answers."""
        texts = words(plot_breakdown(breakdown_of([GARDEN, THREE], ["a", "b"]), ax=fixed_axes(), confidence_level=0.9))
        assert {"NPS", "90% CI", "n", "+53.4", "+52.5 to +54.3", "13,612", "All", "13,622"} <= set(texts)

    @pytest.mark.parametrize(("least", "words_for_it"), [(None, "no answers"), (5, "withheld")])
    def test_groups_without_a_score_say_why(self, least: int | None, words_for_it: str) -> None:
        """A group that is withheld, or has no answers, keeps its row and draws nothing in it."""
        ax = plot_breakdown(breakdown_of([THREE, None], ["a", "b"], least), ax=fixed_axes())
        assert len(drawn(ax, "interval")) == 2
        assert words_for_it in words(ax)

    def test_only_groups_without_a_score(self) -> None:
        """Where all groups are withheld, their rows and the total remain."""
        ax = plot_breakdown(breakdown_of([None], ["a"], 5, total=THREE), ax=fixed_axes())
        assert len(drawn(ax, "interval")) == 1
        assert "withheld" in words(ax)

    @pytest.mark.parametrize(
        ("sort", "order"),
        [(None, "bcad"), ("nps", "abcd"), ("n", "cbad"), ("key", "abcd")],
    )
    def test_sort(self, sort: str | None, order: str) -> None:
        """The highest come first, those without a score last; keys go from the first to the last."""
        a = Score.from_counts(promoters=2, passives=0, detractors=0)
        b = Score.from_counts(promoters=2, passives=1, detractors=0)
        c = Score.from_counts(promoters=0, passives=9, detractors=0)
        ax = plot_breakdown(breakdown_of([b, c, a, None], "bcad"), ax=fixed_axes(), sort=sort)
        assert labels(ax) == [*order, "All"]

    def test_labels_are_never_mathematics(self) -> None:
        """Any text is drawn as it is written, on one line, cut in the middle where it is long."""
        ax = plot_breakdown(breakdown_of([THREE] * len(HOSTILE), HOSTILE))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # no font here has all of these letters
            assert_nothing_overlaps(ax)
        found = [text for text in ax.texts if text.get_gid() == "label"]
        assert not any(text.get_parse_math() or text.get_usetex() for text in found)
        texts = labels(ax)
        assert texts[:3] == HOSTILE[:3]
        assert texts[4] == "two lines and a tab"
        assert texts[5] == "w" * 15 + "…" + "w" * 15
        assert texts[-4:] == ["''", "(none)", "7.5", "All"]
        assert not any("\n" in text for text in texts)

    @settings(max_examples=20, deadline=None)
    @given(st.lists(st.text(st.characters(exclude_categories=())), min_size=1, max_size=8, unique=True))
    def test_any_label_is_drawn(self, keys: list[str]) -> None:
        """No text, however broken, stops the picture."""
        ax = plot_breakdown(breakdown_of([THREE] * len(keys), keys), ax=fixed_axes())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            FigureCanvasAgg(ax.figure).draw()
        assert labels(ax)[-1] == "All"

    def test_several_keys_share_the_label(self) -> None:
        """Keys of a group stand side by side, and each keeps a part of a label that is cut."""
        total = Score.from_counts(promoters=2, passives=0, detractors=0)
        columns = (("pro", "p" * 99), ("FR", "q" * 99))
        counts = {"promoters": [1, 1], "passives": [0, 0], "detractors": [0, 0], "missing": [0, 0]}
        by = Breakdown(by=("plan", "country"), labels=columns, total=total, **counts)
        ax = plot_breakdown(by, ax=fixed_axes())
        assert labels(ax)[:2] == ["pro · FR", "ppppppp…ppppppp · qqqqqqq…qqqqqqq"]

    @pytest.mark.parametrize("number", [1, 3, 30, 100])
    def test_stays_readable(self, number: int) -> None:
        """However many the groups, all texts are inside the figure and apart."""
        assert_nothing_overlaps(plot_breakdown(stores(number)))

    def test_figure_grows(self) -> None:
        """Every row has the same height, about a quarter of an inch."""
        heights = [plot_breakdown(stores(number)).figure.get_figheight() for number in (10, 20, 30)]
        assert all(abs(b - a - 2.4) < 1e-9 for a, b in pairwise(heights))

    def test_picture(self, tmp_path: Path) -> None:
        """Pixel by pixel, it looks as it looked."""
        by = breakdown_of([GARDEN, THREE, None, Score.from_counts(promoters=20, passives=20, detractors=35)], "abcd")
        assert_same_picture(plot_breakdown(by, ax=fixed_axes()), "breakdown.png", tmp_path)


def labels(ax: Axes) -> list[str]:
    """Give the labels of the rows, from the top."""
    found = [text for text in ax.texts if text.get_gid() == "label"]
    return [text.get_text() for text in sorted(found, key=lambda text: text.get_position()[1])]


class TestColors:
    """Three colors that everybody can tell apart."""

    def test_gray_print(self) -> None:
        """Without color, any two categories differ by at least 15 of 100 in lightness, and all are seen on white."""
        found = sorted(map(lightness, (DETRACTOR, PASSIVE, PROMOTER, "white")))
        assert all(b - a >= 15 for a, b in pairwise(found))
        assert 15 <= lightness(INTERVAL) <= 85

    @pytest.mark.parametrize("vision", COLOR_VISION)
    def test_color_vision(self, vision: str) -> None:
        """To readers without one kind of cone, any two categories differ by at least 25 in CIE L*a*b*."""
        seen = [lab(np.clip(np.array(COLOR_VISION[vision]) @ linear(c), 0, 1)) for c in (DETRACTOR, PASSIVE, PROMOTER)]
        assert all(np.linalg.norm(a - b) >= 25 for a, b in combinations(seen, 2))


PLOTS = [
    pytest.param(lambda **options: plot_score(GARDEN, **options), id="score"),
    pytest.param(lambda **options: plot_breakdown(stores(3), **options), id="breakdown"),
]


class TestManners:
    """What both plots leave alone."""

    @pytest.mark.parametrize("plot", PLOTS)
    def test_given_axes_come_back(self, plot: object) -> None:
        """With `ax`, that is where it is drawn; settings and the figures of pyplot stay as they were."""
        before, ax = dict(mpl.rcParams), fixed_axes()
        assert plot(ax=ax) is ax
        assert dict(mpl.rcParams) == before
        assert plt.get_fignums() == []

    @pytest.mark.parametrize("plot", PLOTS)
    def test_own_figure_is_of_pyplot(self, plot: object) -> None:
        """Without `ax` the figure is pyplot's, one per call, so that notebooks and ``show()`` find it."""
        made = plot()
        assert plt.gcf() is made.figure
        plt.close(made.figure)
        assert plt.get_fignums() == []

    @pytest.mark.parametrize("plot", PLOTS)
    @pytest.mark.parametrize("option", [{"confidence_level": 95}, {"method": "guess"}])
    def test_refuses_first(self, plot: object, option: dict[str, object]) -> None:
        """A bad argument is refused before a figure is made."""
        with pytest.raises(InvalidArgument, match=f"{next(iter(option))} must be"):
            plot(**option)
        assert plt.get_fignums() == []

    def test_refuses_what_it_cannot_draw(self) -> None:
        """It says what it draws, and where that comes from."""
        with pytest.raises(
            InvalidArgument, match=r"^score must be a Score, such as netpromoter.score gives \(got \[10"
        ):
            plot_score([10])
        with pytest.raises(
            InvalidArgument, match=r"^breakdown must be a Breakdown, such as netpromoter.score_by gives"
        ):
            plot_breakdown([10])

    def test_refuses_unknown_sort(self) -> None:
        """The message names the orders that there are."""
        with pytest.raises(InvalidArgument, match=r"sort must be one of 'nps', 'n', 'key' \(got 'size'\)"):
            plot_breakdown(stores(3), sort="size")

    @pytest.mark.parametrize("plot", PLOTS)
    def test_says_which_extra(self, plot: object, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without matplotlib the message says what to install."""
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        message = r"report\.plot_\w+ needs matplotlib: install netpromoter\[report\]"
        with pytest.raises(MissingDependency, match=message):
            plot()

    @pytest.mark.parametrize("plot", PLOTS)
    def test_follows_the_style(self, plot: object) -> None:
        """On a dark background the letters and strokes are light."""
        with mpl.style.context("dark_background"):
            ax = plot(ax=fixed_axes())
        strokes = [line for place in (ax, *ax.child_axes) for line in place.lines if line.get_gid() == "score"]
        assert {to_hex(line.get_color()) for line in strokes} == {"#ffffff"}

    def test_loads_matplotlib_late(self) -> None:
        """Importing the face loads no matplotlib, and a plot on given axes loads no pyplot."""
        code = (
            "import sys; from netpromoter import report; assert 'matplotlib' not in sys.modules;"
            "from matplotlib.figure import Figure; from netpromoter.stats import Score;"
            "report.plot_score(Score.from_counts(promoters=1, passives=1, detractors=1), ax=Figure().subplots());"
            "assert 'matplotlib.pyplot' not in sys.modules"
        )
        subprocess.run([sys.executable, "-c", code], check=True)
