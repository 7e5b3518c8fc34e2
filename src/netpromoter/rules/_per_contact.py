"""A rule made of a plain function that judges one person at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import attrs
import numpy as np
from attrs.validators import optional

from netpromoter._checks import refusal
from netpromoter.model import NEVER, Contact, aware, instant

from ._fields import moment, named
from ._holds import FOREVER, Holds, Rule
from ._people import People

__all__ = ["Hold", "per_contact"]


@attrs.frozen
class Hold:
    """Why one person is not invited, and until when.

    Parameters
    ----------
    reason : str
        As it completes "held because ...".
    until : datetime, optional
        The aware instant at which the hold ends; without it, it has no end.

    Examples
    --------
    >>> Hold("a renewal is being negotiated").reason
    'a renewal is being negotiated'
    """

    reason: str = attrs.field(validator=named)
    until: datetime | None = attrs.field(default=None, validator=optional(moment), kw_only=True)


_Judge: TypeAlias = Callable[[Contact, Sequence[Mapping[str, Any]], datetime], "Hold | None"]


def per_contact(function: _Judge, *, every_message: bool = False) -> Rule:
    """Make a rule of a function that judges one person at a time.

    It is far slower than a rule on columns: about ten microseconds a person and more.

    Parameters
    ----------
    function : callable
        Is given a `Contact`, its history (a list of dicts, in the order of time, as `Touches.rows` gives them) and the
        instant of the plan, aware; returns a `Hold`, or None.
    every_message : bool, default False
        Whether the rule holds reminders too, or invitations alone.

    Returns
    -------
    Rule

    Raises
    ------
    InvalidArgument
        If `function` is not callable; and, at the plan, if it returns something else.

    Examples
    --------
    >>> def no_interns(contact, history, at):
    ...     return Hold("an intern") if contact.attributes.get("title") == "intern" else None
    >>> rule = per_contact(no_interns)
    """
    if not callable(function):
        raise refusal("function", "callable", function)
    return _PerContact(function, every_message)


@attrs.frozen
class _PerContact:
    function: _Judge
    every_message: bool

    def __call__(self, people: People, at: np.datetime64) -> Holds:
        until = np.full(len(people), NEVER)
        codes = np.zeros(len(people), np.int32)
        reasons: dict[str, int] = {"": 0}
        moment: Any = aware(at)
        for position, (contact, history) in enumerate(zip(people.contacts, people.history.each(), strict=True)):
            hold = self.function(contact, history, moment)
            if hold is None:
                continue
            if not isinstance(hold, Hold):
                raise refusal("what a rule returns", f"a Hold or None (of {contact.id!r})", hold)
            codes[position] = reasons.setdefault(hold.reason, len(reasons))
            until[position] = FOREVER if hold.until is None else instant("until", hold.until)
        return Holds(until=until, reasons=tuple(reasons), codes=codes)
