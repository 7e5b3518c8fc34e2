"""Who is to call: the owner of an account, those of a team or a language, or whoever has the least to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import attrs
from attrs.validators import optional

from netpromoter._checks import refusal
from netpromoter.model import Value

from ._capacity import Load
from ._conditions import Field
from ._fields import named, names, whole

__all__ = ["Desk", "Owner", "Route", "Routing", "routing"]

_Counts: TypeAlias = "Counter[str | None]"
NOBODY = "nobody is there to call"
SPENT = "everybody who could call has reached a quota"


@attrs.frozen
class Owner:
    """Somebody who calls, and how often.

    Parameters
    ----------
    name : str
        Who it is.
    per_day, per_month : int, optional
        How many cases they get at most on a calendar day, and in a calendar month, of the policy's time zone, across
        all programs that share a store; without a limit if they are left out.

    Raises
    ------
    InvalidArgument
        If the name is blank or a limit is not a whole number of at least 1.

    Examples
    --------
    >>> Owner("ann", per_month=12)
    Owner(name='ann', per_day=None, per_month=12)
    """

    name: str = attrs.field(validator=named)
    per_day: int | None = attrs.field(default=None, validator=optional(whole), kw_only=True)
    per_month: int | None = attrs.field(default=None, validator=optional(whole), kw_only=True)


def _field_name(value: Any) -> str:
    if isinstance(value, Field):
        return value.name
    raise refusal("by", 'a field such as field("language")', value)


def _owners_by_value(value: Any) -> Mapping[Value, tuple[str, ...]] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping) or not value:
        raise refusal("owners", "a mapping of values to names, or None", value)
    return {key: names(f"owners[{key!r}]", held, least=1) for key, held in value.items()}


@attrs.frozen
class Route:
    """Who calls by what is known of the answer.

    Parameters
    ----------
    by : Field
        The field that decides, such as ``field("account_owner")`` or ``field("language")``.
    owners : mapping of value to str or sequence of str, optional
        Whom each value names. If it is left out, the value is itself the name of the owner.

    Raises
    ------
    InvalidArgument
        If it is no field, or an owner is not named by text.

    Examples
    --------
    >>> from netpromoter.rules import field
    >>> Route(field("language"), {"fr": "amelie", "de": ["carl", "doris"]}).candidates({"language": "de"})
    ('carl', 'doris')
    >>> Route(field("account_owner")).candidates({"account_owner": "ann"})
    ('ann',)
    """

    by: str = attrs.field(converter=_field_name)
    owners: Mapping[Value, tuple[str, ...]] | None = attrs.field(default=None, converter=_owners_by_value, hash=False)

    def candidates(self, values: Mapping[str, Value]) -> tuple[str, ...]:
        """Give the names of those who could call, for an answer of which some values are known."""
        value = values.get(self.by)
        if self.owners is not None:
            return self.owners.get(value, ())
        return (value,) if isinstance(value, str) and value.strip() else ()


def _owners(value: Any) -> tuple[Owner, ...]:
    given = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
    found = tuple(Owner(each) if isinstance(each, str) else each for each in given)
    if not all(isinstance(each, Owner) for each in found):
        raise refusal("owners", "made of Owner or of names", value)
    if len({each.name for each in found}) < len(found):
        raise refusal("owners", "of different names", [each.name for each in found])
    return found


@attrs.frozen(init=False)
class Routing:
    """Who is to call: the first route that names somebody with quota left, and else whoever has the least to do.

    Parameters
    ----------
    *routes : Route
        In the order in which they are tried. Of several whom one names, the one with the fewest open cases calls.
    owners : sequence of Owner or str, default none
        The quotas of those who call. Somebody who is named by a route alone has none.
    pool : sequence of str, optional
        Who calls where no route finds anybody; all `owners` if it is left out, and nobody if it is empty.

    Raises
    ------
    InvalidArgument
        If an argument is not made so.

    Notes
    -----
    Of those with equally many open cases the one with the fewest in this month calls, and then the one who is named
    first.

    Examples
    --------
    >>> from netpromoter.rules import field
    >>> routing = Routing(
    ...     Route(field("account_owner")),
    ...     Route(field("language"), {"fr": "amelie"}),
    ...     owners=[Owner("amelie", per_day=5), Owner("ben", per_month=12)],
    ... )
    >>> sorted(routing.fields)
    ['account_owner', 'language']
    """

    routes: tuple[Route, ...]
    owners: tuple[Owner, ...]
    pool: tuple[str, ...]

    def __init__(
        self, *routes: Route, owners: Iterable[Owner | str] = (), pool: str | Sequence[str] | None = None
    ) -> None:
        for route in routes:
            if not isinstance(route, Route):
                raise refusal("routes", "made of Route", route)
        known = _owners(owners)
        last = tuple(each.name for each in known) if pool is None else names("pool", pool)
        if not routes and not last:
            raise refusal("routes", "one or more, unless there are owners", routes)
        self.__attrs_init__(routes, known, last)

    @property
    def fields(self) -> frozenset[str]:
        """The names of the fields that it asks about."""
        return frozenset(route.by for route in self.routes)


def routing(value: Any) -> Routing | None:
    """Settle who is to call: a name, a field that holds one, or a routing."""
    if value is None or isinstance(value, Routing):
        return value
    if isinstance(value, Field):
        return Routing(Route(value))
    if isinstance(value, str):
        return Routing(owners=[value])
    raise refusal("owner", "a name, a field that holds one, or Routing", value)


class Desk:
    """Hands out cases, one after the other, and keeps count."""

    def __init__(self, routing: Routing, load: Load, at: datetime, where: ZoneInfo) -> None:
        self._routing = routing
        self._quotas = {owner.name: owner for owner in routing.owners}
        self._daily, self._monthly = load.taken(at, where)
        self._open: _Counts = Counter(load.open_cases)

    def take(self, values: Mapping[str, Value]) -> tuple[str | None, str | None]:
        """Give the owner of one more case, or None and why there is none."""
        steps = [*(route.candidates(values) for route in self._routing.routes), self._routing.pool]
        for step in steps:
            able = [name for name in step if self._has_quota(name)]
            if able:
                return self._handed(min(able, key=self._burden)), None
        return None, SPENT if any(steps) else NOBODY

    def _has_quota(self, name: str) -> bool:
        owner = self._quotas.get(name)
        if owner is None:
            return True
        daily, monthly = owner.per_day, owner.per_month
        return (daily is None or self._daily[name] < daily) and (monthly is None or self._monthly[name] < monthly)

    def _burden(self, name: str) -> tuple[int, int]:
        return self._open[name], self._monthly[name]

    def _handed(self, name: str) -> str:
        for count in (self._open, self._daily, self._monthly):
            count[name] += 1
        return name
