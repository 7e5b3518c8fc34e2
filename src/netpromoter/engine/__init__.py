"""Where deciding meets doing: plans, and what becomes of them."""

from ._adopt import Adoption, adopt
from ._answers import compare_arms, compare_proxy
from ._messages import Messages
from ._plan import Held, Plan, plan

__all__ = ["Adoption", "Held", "Messages", "Plan", "adopt", "compare_arms", "compare_proxy", "plan"]
