"""Statistics of the Net Promoter Score: numbers in, numbers out, and nothing about people or time."""

from ._coverage import Coverage, coverage
from ._difference import Difference, DifferenceInterval, DifferenceTest, compare
from ._intervals import METHODS, IntervalMethod, Method, intervals
from ._kernel import Tally, tally
from ._paired import MovementTest, PairedDifference, PairedInterval, PairedTest, compare_paired
from ._rates import RateDifference, RateInterval, RateTest
from ._score import Score, score
from ._significance import Alternative, ScoreTestMethod, SignificanceTest
from ._variants import VariantComparison, compare_variants

__all__ = [
    "METHODS",
    "Alternative",
    "Coverage",
    "Difference",
    "DifferenceInterval",
    "DifferenceTest",
    "IntervalMethod",
    "Method",
    "MovementTest",
    "PairedDifference",
    "PairedInterval",
    "PairedTest",
    "RateDifference",
    "RateInterval",
    "RateTest",
    "Score",
    "ScoreTestMethod",
    "SignificanceTest",
    "Tally",
    "VariantComparison",
    "compare",
    "compare_paired",
    "compare_variants",
    "coverage",
    "intervals",
    "score",
    "tally",
]
