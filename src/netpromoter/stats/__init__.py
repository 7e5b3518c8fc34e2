"""Statistics of the Net Promoter Score: numbers in, numbers out, and nothing about people or time."""

from ._coverage import Coverage, coverage
from ._difference import Difference, DifferenceInterval, DifferenceTest, compare
from ._intervals import METHODS, IntervalMethod, Method, intervals
from ._kernel import Tally, tally
from ._score import Score, score
from ._significance import Alternative, ScoreTestMethod, SignificanceTest

__all__ = [
    "METHODS",
    "Alternative",
    "Coverage",
    "Difference",
    "DifferenceInterval",
    "DifferenceTest",
    "IntervalMethod",
    "Method",
    "Score",
    "ScoreTestMethod",
    "SignificanceTest",
    "Tally",
    "compare",
    "coverage",
    "intervals",
    "score",
    "tally",
]
