"""What a rule answers: who is held, until when, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter.model import Instants

if TYPE_CHECKING:
    from ._people import People

__all__ = ["FOREVER", "Holds", "Rule"]

#: The end of a hold that has none.
FOREVER = np.datetime64("9999-12-31T00:00:00", "us")


@attrs.frozen(kw_only=True, eq=False)
class Holds:
    """Until when each person is held back, and by which reason.

    Parameters
    ----------
    until : array of datetime64[us], shape (n,)
        When the hold of each person ends, in UTC; NaT where there is none, `FOREVER` where it has no end. A person is
        held at an instant before this one.
    reasons : sequence of str
        The reasons, as they complete "held because ...".
    codes : array of int, shape (n,), optional
        Which reason holds each person; without it the first holds everybody.
    """

    until: Instants
    reasons: Sequence[str]
    codes: npt.NDArray[np.integer] | None = None


class Rule(Protocol):
    """Says who may not be written to yet; any callable with this signature is a rule."""

    def __call__(self, people: People, at: np.datetime64, /) -> Holds:
        """Judge everybody at one instant."""
        ...
