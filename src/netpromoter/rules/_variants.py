"""Variants of a message, drawn by hash and kept by each person."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np
import numpy.typing as npt
from attrs.validators import optional

from netpromoter._checks import checked, is_number, refusal
from netpromoter.model import Contacts

from ._draws import draws
from ._fields import named

__all__ = ["Variant", "Variants"]


def _weight(name: str, value: Any) -> None:
    if not is_number(value) or not 0 < float(value) < float("inf"):
        raise refusal(name, "a finite number above 0", value)


@attrs.frozen
class Variant:
    """One arm of a test.

    Parameters
    ----------
    name : str
        The arm, as it is stored on the answer.
    subject : str, optional
        The subject that its messages carry.
    template : str, optional
        The template of its invitation.
    weight : float, default 1
        Its share of the people, relative to the other arms.

    Examples
    --------
    >>> Variant("plain", subject="How are we doing?").weight
    1
    """

    name: str = attrs.field(validator=named)
    subject: str | None = attrs.field(default=None, validator=optional(named), kw_only=True)
    template: str | None = attrs.field(default=None, validator=optional(named), kw_only=True)
    weight: float = attrs.field(default=1, validator=checked(_weight), kw_only=True)


@attrs.frozen(init=False)
class Variants:
    """The arms of a test: everybody sees one, drawn by hash and kept on reminders.

    Parameters
    ----------
    *arms : Variant
        Two or more, of different names.

    Examples
    --------
    >>> plain = Variant("plain", subject="How are we doing?")
    >>> test = Variants(plain, Variant("name", subject="A question, {{ name }}"))
    >>> [arm.name for arm in test.arms]
    ['plain', 'name']
    """

    arms: tuple[Variant, ...]

    def __init__(self, *arms: Variant) -> None:
        for arm in arms:
            if not isinstance(arm, Variant):
                raise refusal("arms", "made of variants", arm)
        if len({arm.name for arm in arms}) < max(2, len(arms)):
            raise refusal("arms", "two or more, of different names", [arm.name for arm in arms])
        self.__attrs_init__(arms)

    def drawn(self, contacts: Contacts, seed: str) -> npt.NDArray[np.int64]:
        """Draw the arm of each contact, shape (n,), as codes into `arms`; the same tomorrow."""
        limits = np.cumsum([arm.weight for arm in self.arms])
        return np.searchsorted(limits[:-1] / limits[-1], draws(contacts, "arm", seed), side="right")

    def named(self, name: str | None) -> Variant | None:
        """Return the arm of a name; None if there is none, as after a change of the test."""
        return next((arm for arm in self.arms if arm.name == name), None)
