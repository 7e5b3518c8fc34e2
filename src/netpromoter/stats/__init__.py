"""Statistics of the Net Promoter Score: numbers in, numbers out, and nothing about people or time."""

from ._coverage import Coverage, coverage
from ._design import DesignInterval, DesignScore, design_score
from ._difference import Difference, DifferenceInterval, DifferenceTest, compare
from ._intervals import METHODS, IntervalMethod, Method, intervals
from ._kernel import Tally, tally
from ._linearized import LonelyPolicy
from ._paired import MovementTest, PairedDifference, PairedInterval, PairedTest, compare_paired
from ._rates import RateDifference, RateInterval, RateTest
from ._score import Score, score
from ._shares import Share, ShareInterval, share
from ._significance import Alternative, ScoreTestMethod, SignificanceTest
from ._survival import Survival, SurvivalInterval, survival
from ._variants import VariantComparison, compare_variants

__all__ = [
    "METHODS",
    "Alternative",
    "Coverage",
    "DesignInterval",
    "DesignScore",
    "Difference",
    "DifferenceInterval",
    "DifferenceTest",
    "IntervalMethod",
    "LonelyPolicy",
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
    "Share",
    "ShareInterval",
    "SignificanceTest",
    "Survival",
    "SurvivalInterval",
    "Tally",
    "VariantComparison",
    "compare",
    "compare_paired",
    "compare_variants",
    "coverage",
    "design_score",
    "intervals",
    "score",
    "share",
    "survival",
    "tally",
]
