"""Where deciding meets doing: plans, and what becomes of them."""

from ._adopt import Adoption, adopt
from ._answers import compare_arms, compare_proxy
from ._behavior import Behavior
from ._days import Days
from ._messages import Messages
from ._plan import Held, Plan, plan
from ._replay import Replay, replay
from ._simulate import Simulation, simulate

__all__ = [
    "Adoption",
    "Behavior",
    "Days",
    "Held",
    "Messages",
    "Plan",
    "Replay",
    "Simulation",
    "adopt",
    "compare_arms",
    "compare_proxy",
    "plan",
    "replay",
    "simulate",
]
