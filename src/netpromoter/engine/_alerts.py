"""A plugin that tells people of cases, by any channel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import Any, Literal, TypeAlias, cast, get_args

import attrs

from netpromoter._checks import line, one_of, refusal, spoken
from netpromoter.errors import InvalidArgument, NetPromoterError
from netpromoter.model import Case, CaseAlerted, Message
from netpromoter.plugins import Channel, hookimpl

__all__ = ["AlertPutOff", "AlertRefused", "CaseAlerts", "CaseNews"]

#: What there is to tell of a case.
CaseNews: TypeAlias = Literal["opened", "due", "overdue", "escalated", "closed"]
_PROMISED = {"attempt": "a first attempt to reach them", "contact": "that they are reached", "close": "an end"}
_SAID: Mapping[str, str] = {
    "opened": "is to be called",
    "due": "is waiting, and time is short",
    "overdue": "has waited too long",
    "escalated": "has waited too long, and somebody else must help",
    "closed": "was cared for",
}


class AlertRefused(NetPromoterError):
    """A channel refused an alert for good: it is passed over."""


class AlertPutOff(NetPromoterError):
    """A channel refused an alert for now: it is tried again."""


def _news(value: Any) -> tuple[CaseNews, ...]:
    given = value if isinstance(value, Iterable) and not isinstance(value, str) else (value,)
    return tuple(one_of("news", each, get_args(CaseNews)) for each in given)


@attrs.frozen(kw_only=True)
class CaseAlerts:
    """A plugin that tells people of cases: hand it to `netpromoter.plugins.load_plugins`.

    A channel that is down is given the alert again by the next `Program.tell`, and nothing later before. One alert that
    a channel refuses does not silence the others: it is tried again for a day from the first time, unless it is refused
    for good, and then passed over. `Told.put_off` and `Told.refused` say so, and the log.

    Parameters
    ----------
    channel : Channel
        What carries the alerts, such as a `WebhookChannel` or an `AppriseChannel`.
    to : str or mapping of str to str
        The address, or the address of each owner; the key "" is for cases that are nobody's, and for owners who have no
        address.
    news : sequence of str, default overdue and escalated
        Of what to tell: "opened", "due", "overdue", "escalated", "closed".

    Raises
    ------
    InvalidArgument
        If the channel cannot send, news is of another kind, or there is no address.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from netpromoter.channels import ConsoleChannel
    >>> from netpromoter.plugins import load_plugins
    >>> plugins = load_plugins(CaseAlerts(channel=ConsoleChannel(), to="team", news="opened"), entry_points=False)
    >>> [hook for hook, listeners in plugins.told.items() if listeners and "case" in hook][0]
    'netpromoter_case_opened'
    """

    channel: Channel = attrs.field(repr=False)
    to: str | Mapping[str, str] = attrs.field(repr=False)
    news: Sequence[CaseNews] = attrs.field(default=("overdue", "escalated"), converter=_news)

    def __attrs_post_init__(self) -> None:
        if not _is_channel(self.channel):
            rule = "something with a method send, or a context manager that gives it"
            raise InvalidArgument(f"channel must be {rule} (got a {type(self.channel).__name__})")  # it may be a secret
        given: Any = self.to
        if not given or (not isinstance(given, Mapping) and not _is_address(given)):
            raise refusal("to", "an address, or a mapping of owners to addresses", given)
        for owner, address in self._addresses.items():
            if not isinstance(owner, str):
                raise refusal("each owner in to", "text", owner)
            if not _is_address(address):
                raise refusal(f"to[{owner!r}]", "an address", address)

    @property
    def _addresses(self) -> Mapping[str, str]:
        return {"": self.to} if isinstance(self.to, str) else self.to

    @hookimpl
    def netpromoter_case_opened(self, case: Case) -> None:
        """Tell that somebody is to be called."""
        self._tell("opened", case, case.opened.at)

    @hookimpl
    def netpromoter_case_due(self, case: Case, alert: CaseAlerted) -> None:
        """Tell that a promise is due soon."""
        self._tell("due", case, alert.at, alert)

    @hookimpl
    def netpromoter_case_overdue(self, case: Case, alert: CaseAlerted) -> None:
        """Tell that a promise was not kept in time."""
        self._tell("overdue", case, alert.at, alert)

    @hookimpl
    def netpromoter_case_escalated(self, case: Case, alert: CaseAlerted) -> None:
        """Tell that somebody else must know."""
        self._tell("escalated", case, alert.at, alert)

    @hookimpl
    def netpromoter_case_closed(self, case: Case) -> None:
        """Tell that a case was closed."""
        self._tell("closed", case, case.moves[-1].at)

    def _tell(self, news: CaseNews, case: Case, at: datetime, alert: CaseAlerted | None = None) -> None:
        address = self._addresses.get(case.owner or "", self._addresses.get(""))
        if news not in self.news or address is None:
            return
        message = _message(news, case, at, alert, address)
        opened: Any = self.channel if hasattr(self.channel, "__enter__") else nullcontext(self.channel)
        with opened as channel:
            receipt = cast("Channel", channel).send(message)
        if receipt.accepted:
            return
        kind = AlertRefused if receipt.permanent else AlertPutOff
        raise kind(f"an alert of case {case.id} was refused: {spoken(receipt.reason)}")


def _is_channel(value: Any) -> bool:
    can_send = callable(getattr(value, "send", None)) or hasattr(value, "__enter__")
    return can_send and not isinstance(value, type)


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _message(news: CaseNews, case: Case, at: datetime, alert: CaseAlerted | None, to: str) -> Message:
    """Word an alert; its id is the same each time, so that a channel can tell a repetition."""
    opened = case.opened
    about = (opened.occasion, opened.policy, news, alert.promise if alert else "", str(len(case.moves)))
    return Message(
        survey=opened.survey,
        occasion=" ".join(filter(None, about)),
        contact=case.contact,
        step=0,
        channel="alert",
        to=to,
        due=at,
        template=f"case_{news}",
        subject=line(f"{case.contact} {_SAID[news]}"),
        text="\n".join(map(line, _lines(case, alert))),
    )


def _lines(case: Case, alert: CaseAlerted | None) -> list[str]:
    lines = [
        f"Case: {case.id}",
        f"Rating: {case.rating}",
        f"Owner: {case.owner or 'nobody'}",
        f"Status: {case.status}",
    ]
    promised = [each for each in case.deadlines if alert is None or each.promise == alert.promise]
    return lines + [f"Promised: {_PROMISED[each.promise]} by {each.due:%Y-%m-%d %H:%M} UTC" for each in promised]
