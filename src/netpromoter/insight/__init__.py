"""What is behind the score: what came of asking people, and of calling them back."""

from ._caseload import Caseload, CaseloadMeasure, Ranking
from ._change import ChangeDifference
from ._covered import RevenueMeasure
from ._deliveries import Delivery
from ._loop import Loop, loop
from ._measure import Measure
from ._trial import Trial, TrialArm
from ._within_promise import WithinPromise

__all__ = [
    "Caseload",
    "CaseloadMeasure",
    "ChangeDifference",
    "Delivery",
    "Loop",
    "Measure",
    "Ranking",
    "RevenueMeasure",
    "Trial",
    "TrialArm",
    "WithinPromise",
    "loop",
]
