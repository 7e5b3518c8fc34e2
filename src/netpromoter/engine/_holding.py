"""Who is held, until when and why, while a plan is made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from netpromoter._checks import refusal
from netpromoter.model import NEVER, Instants
from netpromoter.rules import FOREVER, Holds

__all__ = ["Holding", "Reasons"]

_Mask: TypeAlias = npt.NDArray[np.bool_]


class Reasons(dict[str, int]):
    """Every reason that a plan has found, by code; code 0 stands for none."""

    def __init__(self) -> None:
        super().__init__({"": 0})

    def code(self, reason: str) -> int:
        """Return the code of a reason, which may be new."""
        return self.setdefault(reason, len(self))


class Holding:
    """The hold of each person that ends last; a person is free at an instant when no hold ends after it."""

    def __init__(self, size: int, at: np.datetime64, reasons: Reasons) -> None:
        self.until: Instants = np.full(size, at)
        self.code = np.zeros(size, np.int32)
        self._reasons = reasons

    def copy(self) -> Holding:
        """Return another that starts from the same holds."""
        twin = object.__new__(Holding)
        twin.until, twin.code, twin._reasons = self.until.copy(), self.code.copy(), self._reasons
        return twin

    def take(self, positions: npt.NDArray[np.intp]) -> Holding:
        """Return the holds of some people alone."""
        twin = object.__new__(Holding)
        twin.until, twin.code, twin._reasons = self.until[positions], self.code[positions], self._reasons
        return twin

    def put(self, positions: npt.NDArray[np.intp], holding: Holding) -> None:
        """Take over the holds of some people."""
        self.until[positions], self.code[positions] = holding.until, holding.code

    def add(self, holds: Holds, rule: object = None) -> None:
        """Add the holds of a rule, each where it ends later than what is known."""
        until = np.asarray(holds.until)
        if until.shape != self.until.shape or until.dtype.kind != "M":
            what = f"Holds whose until is an array of datetime64, shape {self.until.shape}"
            raise refusal(f"what {rule!r} returns", what, holds)
        self.hold(until, holds.reasons, holds.codes)

    def hold(self, until: Any, reasons: Sequence[str], codes: npt.NDArray[np.integer[Any]] | None = None) -> None:
        """Hold everybody until an instant, or an instant of each; NaT does not hold."""
        later = until > self.until
        if not later.any():
            return
        numbers = np.array([self._reasons.code(reason) for reason in reasons], np.int32)
        np.copyto(self.code, numbers[0] if codes is None else numbers[codes], where=later)
        np.copyto(self.until, until, where=later)

    def close(self, chosen: _Mask, reason: str) -> None:
        """Hold some people without an end."""
        newly = chosen & (self.until < FOREVER)
        np.copyto(self.code, np.int32(self._reasons.code(reason)), where=newly)
        np.copyto(self.until, FOREVER, where=newly)

    def free(self, by: np.datetime64) -> _Mask:
        """Say who is free at an instant."""
        free: _Mask = self.until <= by
        return free

    def refuse(self, chosen: Any, reason: str, until: np.datetime64 = NEVER) -> None:
        """Hold some people for a reason that comes before all others."""
        self.code[chosen] = self._reasons.code(reason)
        self.until[chosen] = until
