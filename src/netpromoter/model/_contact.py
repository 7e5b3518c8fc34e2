"""One person who may be asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

import attrs
from attrs.validators import optional

from ._columns import Value
from ._fields import addresses, text, values
from ._instants import moment

__all__ = ["Contact"]


def _since(value: date | None) -> datetime | None:
    return None if value is None else moment("since", value)


@attrs.frozen(kw_only=True)
class Contact:
    """One person who may be asked, as known today.

    Parameters
    ----------
    id : str
        Who it is, the same in every list and for all time: clocks and draws go by it.
    addresses : mapping of str to str, default {}
        The address of each channel, such as ``{"email": "ann@example.com"}``, without the blanks around it; a channel
        whose address is None has none. Never shown.
    locale : str, optional
        The language in which to write, such as ``"pt-BR"``; None if it is not known.
    time_zone : str, optional
        A name of the IANA database, such as ``"Europe/Paris"``, which is judged when a message is to leave; None if
        it is not known.
    account : str, optional
        The customer to whom this person belongs; None if to no one else.
    since : datetime or date, optional
        When the relationship began: with a time zone, kept in UTC; a date is its midnight in UTC. None if it is not
        known.
    attributes : mapping of str to `Value`, default {}
        Everything else, for conditions; dates and datetimes as in `since`.

    Raises
    ------
    InvalidArgument
        If a field breaks its rule; a refused address is not shown.

    Notes
    -----
    Mappings are copied, here and in every value of this package.

    Examples
    --------
    >>> Contact(id="c-1", addresses={"email": "ann@example.com"}, attributes={"plan": "paid", "seats": 12})
    Contact(id='c-1', locale=None, time_zone=None, account=None, since=None, attributes={'plan': 'paid', 'seats': 12})
    """

    id: str = attrs.field(validator=text)
    addresses: Mapping[str, str] = attrs.field(factory=dict, converter=addresses, repr=False, hash=False)
    locale: str | None = attrs.field(default=None, validator=optional(text))
    time_zone: str | None = attrs.field(default=None, validator=optional(text))
    account: str | None = attrs.field(default=None, validator=optional(text))
    since: datetime | None = attrs.field(default=None, converter=_since)
    attributes: Mapping[str, Value] = attrs.field(factory=dict, validator=values, hash=False)
