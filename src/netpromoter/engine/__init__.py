"""Where deciding meets doing: plans, and what becomes of them."""

from ._adopt import Adoption, adopt
from ._messages import Messages
from ._plan import Held, Plan, plan

__all__ = ["Adoption", "Held", "Messages", "Plan", "adopt", "plan"]
