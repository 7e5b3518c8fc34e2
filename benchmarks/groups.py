"""A million groups: their intervals in one pass, and the breakdown that holds them."""

import argparse
import math

import numpy as np
from scipy.optimize import brentq
from timing import medians, row, seconds

from netpromoter import score_by
from netpromoter.stats import intervals

Z = 1.959963984540054


def statistic(theta, promoters, passives, detractors):
    """Give Tango's score statistic of one group, in plain Python."""
    n = promoters + passives + detractors
    a, b = 2 * n, (2 * n - promoters + detractors) * theta - promoters - detractors
    share = (math.sqrt(max(b * b + 4 * a * detractors * theta * (1 - theta), 0)) - b) / (2 * a)
    variance = n * (2 * share + theta * (1 - theta))
    return (promoters - detractors - n * theta) / math.sqrt(variance) if variance > 0 else 0.0


def limits(promoters, passives, detractors):
    """Find both limits of one group by scipy's `brentq`."""
    n = promoters + passives + detractors
    center = (promoters - detractors) / n
    counts = (promoters, passives, detractors)
    low = brentq(lambda theta: statistic(theta, *counts) - Z, -1 + 1e-12, center, xtol=1e-15)
    high = brentq(lambda theta: statistic(theta, *counts) + Z, center, 1 - 1e-12, xtol=1e-15)
    return 100 * low, 100 * high


def main():
    """Measure, after checking that both ways to a score interval agree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", type=int, default=10**6)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    rng = np.random.default_rng(1)
    counts = rng.integers(1, 200, (3, options.groups))
    sample = counts[:, :2_000]
    loop = [limits(*group) for group in sample.T.tolist()]
    error = np.abs(np.array(loop).T - np.array(intervals(*sample))).max() / 100
    assert error < 1e-9, error
    floats = counts.astype(float)
    runs = {
        "wald": lambda: intervals(*counts, method="wald"),
        "sqrt": lambda: np.sqrt(floats[0]),
        "score": lambda: intervals(*counts),
        "loop": lambda: [limits(*group) for group in sample.T.tolist()],
    }
    found = medians(runs, rounds=options.rounds)
    many = f"{options.groups / 1e6:g} million groups"
    ratio = f"{found['wald'] / found['sqrt']:.0f}x"
    against = f"one `numpy.sqrt` of as many, {seconds(found['sqrt'])}"
    row(f'`intervals(method="wald")`, {many}', seconds(found["wald"]), against=against, ratio=ratio, target="50 ms")
    loop_time = found["loop"] * options.groups / sample.shape[1]
    against = (
        f"a loop over `brentq`, {loop_time:.0f} s (from {sample.shape[1]:,} groups; largest difference {error:.0e})"
    )
    ratio = f"{loop_time / found['score']:.0f}x faster"
    row(f"`intervals()`, {many}", seconds(found["score"]), against=against, ratio=ratio, target="at least 30x")
    codes = rng.integers(0, options.groups, 10 * options.groups)
    answers = rng.integers(0, 11, codes.size, dtype=np.int8)
    found = medians({"ours": lambda: score_by(answers, by=codes), "unique": lambda: np.unique(codes)}, rounds=3)
    against = f"`numpy.unique` of the labels, {seconds(found['unique'])}"
    ratio = f"{found['ours'] / found['unique']:.1f}x"
    row(
        f"`score_by`, {codes.size / 1e6:g} million answers, {many}",
        seconds(found["ours"]),
        against=against,
        ratio=ratio,
        target="",
    )


if __name__ == "__main__":
    main()
