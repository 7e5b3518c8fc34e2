"""Every public name, used as a user would: type checkers read this file, and nothing runs it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any, assert_type

import numpy as np
import numpy.typing as npt
import polars as pl
from matplotlib.axes import Axes

import netpromoter as nps
from netpromoter import errors, formats, frames, ratings, report, stats


def score_of_a_column() -> None:
    s = nps.score([10, 9, "8 - likely", None], missing="drop", scale="0-10")
    assert_type(s, nps.Score)
    assert_type(s.value, float)
    assert_type(s.exact, Fraction)
    assert_type(s.promoters + s.passives + s.detractors, int)
    assert_type(s.n, int)
    assert_type(s.missing, int)
    assert_type(s.standard_error, float)
    assert_type(s.promoter_share + s.passive_share + s.detractor_share, float)
    assert_type(s.mean, float)
    assert_type(s.histogram, ratings.Histogram | None)
    assert_type(s.interval(confidence_level=0.9, method="scas"), tuple[float, float])
    assert_type(s.share_intervals(method="goodman"), dict[str, tuple[float, float]])
    assert_type(s.probability_above(50, prior="perks"), float)
    assert_type(s.test(against=30, method="scas", alternative="greater"), stats.SignificanceTest)
    assert_type(s + s, nps.Score)
    nps.score(np.array([1.0, np.nan]), missing="drop")
    nps.Score.from_counts(promoters=3, passives=2, detractors=1, missing=4)
    nps.Score.from_histogram([0, 0, 0, 0, 0, 0, 1, 0, 3, 0, 6], missing=1)
    nps.Score.from_histogram(ratings.histogram([9, 10]))


def difference_of_two_scores(before: nps.Score, after: nps.Score) -> None:
    d = nps.compare(before, after)
    assert_type(d, nps.Difference)
    assert_type(d.before, nps.Score)
    assert_type(d.after, nps.Score)
    assert_type(d.value, float)
    assert_type(d.exact, Fraction)
    assert_type(d.standard_error, float)
    assert_type(d.interval(method="mover", confidence_level=0.99), tuple[float, float])
    t = d.test(method="permutation", alternative="less")
    assert_type(t.statistic, float)
    assert_type(t.p_value, float)
    assert_type(t.method, str)
    assert_type(t.alternative, stats.Alternative)


def many_intervals() -> None:
    low, high = stats.intervals([55, 6], [30, 3], [15, 1], method="exact", confidence_level=0.99)
    assert_type(low, npt.NDArray[np.float64])
    assert_type(high, npt.NDArray[np.float64])
    row = stats.METHODS["score"]
    assert_type(row, stats.IntervalMethod)
    assert_type(row.title, str)
    c = stats.coverage("newcombe", 10, confidence_level=0.9, truths=[[0.5, 0.2]])
    assert_type(c, stats.Coverage)
    assert_type(c.minimum + c.mean + c.mean_width, float)
    method: stats.Method = "bootstrap_bca"
    stats.coverage(method, 5)
    between: stats.DifferenceInterval = "welch"
    tested: stats.DifferenceTest = "likelihood_ratio"
    one_sample: stats.ScoreTestMethod = "exact"
    s = nps.score([9])
    s.test(method=one_sample)
    nps.compare(s, s).test(method=tested)
    nps.compare(s, s).interval(method=between)


def answers() -> None:
    assert_type(ratings.parse("10 - Extremely likely"), int | None)
    assert_type(ratings.category(9), ratings.Category)
    assert_type(ratings.codes([1, None]), npt.NDArray[np.int8])
    ratings.histogram([1, ratings.MISSING + 1])
    h = ratings.histogram([1, None], missing="drop", scale="1-10")
    assert_type(h.counts, tuple[int, ...])
    assert_type(h.mean, float)
    assert_type(h + h, ratings.Histogram)
    assert_type(ratings.scale_doubt(5_000, 1, 10), str | None)
    policy: ratings.MissingPolicy = "drop"
    scale: ratings.Scale = "1-10"
    ratings.histogram([1], missing=policy, scale=scale)


def scores_by_segment(frame: pl.DataFrame) -> None:
    by = nps.score_by(frame, rating="rating", by=["plan", "country"], missing="drop", minimum_group=5, scale="0-10")
    assert_type(by, nps.Breakdown)
    assert_type(by["pro", "FR"], nps.Score)
    assert_type(by.total, nps.Score)
    assert_type(len(by), int)
    assert_type(by.withheld, int)
    assert_type(by.n, npt.NDArray[np.int64])
    assert_type(by.by, tuple[str, ...])
    assert_type(by.minimum_group, int | None)
    low, high = by.intervals(confidence_level=0.9, method="wald")
    assert_type(low + high, npt.NDArray[np.float64])
    assert_type(by.sorted("nps", descending=True), nps.Breakdown)
    assert_type(by.rows(method="scas"), list[dict[str, Any]])
    by.to_frame(library="polars")
    nps.score_by([10, 9, None], by={"plan": ["pro", "free", "pro"]}, missing="drop")
    for key in by:
        print(key, key in by)
    frames.Origin(library="polars")


def survey_files(path: Path) -> None:
    found = formats.answers(path, rating="nps", by=["plan"], delimiter=";", encoding="utf-8", scale="0-10")
    assert_type(found, formats.Answers)
    assert_type(found.rows, formats.Rows)
    assert_type(found.rows.refusals, tuple[formats.Refusal, ...])
    assert_type(found.file, formats.File)
    assert_type(found.file.damage, tuple[formats.Damage, ...])
    assert_type(found.histogram, ratings.Histogram)
    policy: formats.InvalidPolicy = "drop"
    assert_type(found.score(missing="drop", invalid=policy), nps.Score)
    assert_type(found.breakdown(missing="drop", minimum_group=5), nps.Breakdown)
    print(formats.columns(path))


def pictures(s: nps.Score, by: nps.Breakdown, ax: Axes) -> None:
    assert_type(report.plot_score(s, ax=ax, confidence_level=0.9, method="scas"), Axes)
    assert_type(report.plot_breakdown(by, sort="nps"), Axes)


def refusals() -> None:
    try:
        nps.score([11])
    except (errors.InvalidRating, errors.MissingRatings, errors.NoRatings, errors.InvalidArgument) as error:
        root: errors.NetPromoterError = error
        value: ValueError = error
        print(root, value)
    except errors.UnreadableFile as error:
        unreadable: ValueError = error
        print(unreadable)
    except errors.MissingDependency as error:
        missing: ImportError = error
        print(missing)
    assert_type(nps.__version__, str)
    warning: type[UserWarning] = errors.ScaleWarning
    print(warning)
