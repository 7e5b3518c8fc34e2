"""Where deciding meets doing: plans, and what becomes of them."""

from ._adopt import Adoption, adopt
from ._alerts import CaseAlerts, CaseNews
from ._answers import compare_arms, compare_proxy
from ._backtest import Backtest, backtest
from ._behavior import Behavior
from ._cases import Cases
from ._days import Days
from ._dispatch import Clock, Dispatch
from ._links import LinkPurpose, Links, Reference
from ._messages import Messages
from ._plan import AnyContacts, Held, Plan, plan
from ._poll_scores import GroupScore, GroupTurnout, PollScores, PollTurnout
from ._polling import Polling
from ._program import Program
from ._rates import Rate
from ._render import render
from ._replay import Replay, replay
from ._simulate import Simulation, simulate
from ._telling import Told
from ._templates import Templates

__all__ = [
    "Adoption",
    "AnyContacts",
    "Backtest",
    "Behavior",
    "CaseAlerts",
    "CaseNews",
    "Cases",
    "Clock",
    "Days",
    "Dispatch",
    "GroupScore",
    "GroupTurnout",
    "Held",
    "LinkPurpose",
    "Links",
    "Messages",
    "Plan",
    "PollScores",
    "PollTurnout",
    "Polling",
    "Program",
    "Rate",
    "Reference",
    "Replay",
    "Simulation",
    "Templates",
    "Told",
    "adopt",
    "backtest",
    "compare_arms",
    "compare_proxy",
    "plan",
    "render",
    "replay",
    "simulate",
]
