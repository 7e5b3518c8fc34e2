"""How much of the contacts, of the accounts and of their revenue was asked, and heard."""

from __future__ import annotations

import math
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal
from numbers import Real
from typing import Any

import attrs

from netpromoter._checks import between, refusal, shown
from netpromoter._figures import percent
from netpromoter._html import escape, table
from netpromoter.errors import InvalidArgument

from ._facts import Ask, Facts
from ._measure import Measure, measure

__all__ = ["RevenueMeasure", "covered", "revenue_measure"]

_MOST = 1e15


@attrs.frozen(kw_only=True, repr=False)
class RevenueMeasure:
    r"""A share of the revenue of accounts that names its denominator.

    The share is a ratio of two sums over accounts, :math:`R = \sum y_i x_i / \sum x_i`, of the revenue :math:`x_i` and
    of :math:`y_i`, 1 for those that are counted and 0 for the others. An account counts as a whole: a thousand contacts
    of one customer say no more than that customer is worth. Those without revenue have no part in it.

    Parameters
    ----------
    what, of : str
        What is counted, and among what.
    count, n : int
        How many accounts are counted, of how many that have revenue.
    amount, total : float
        The revenue of those counted, and of all.
    squares, other_squares : float
        What each account has of the total, squared, and added up over those counted, and over the others.
    census : bool, default False
        Whether the counting is of whom one asked, and all were: nothing is left to chance then.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from netpromoter.insight import loop
    >>> from netpromoter.model import Response
    >>> at = datetime(2026, 6, 1, tzinfo=UTC)
    >>> answers = [Response(survey="nps", occasion="june", contact=name, rating=9, at=at) for name in ("ann", "bob")]
    >>> accounts = {"ann": "Acme", "bob": "Acme", "cy": "Bolt", "di": "Cogs"}
    >>> revenue = {"Acme": 60_000, "Bolt": 25_000, "Cogs": 15_000}
    >>> answered, contacted = loop(answers, at=at, accounts=accounts, revenue=revenue, value="ARR").revenue
    >>> answered
    ARR of accounts that answered, of ARR of all accounts: 60.0% (95% CI 3.3% to 98.5%; 1 of 3 accounts)
    >>> answered.amount, answered.total, answered.n_effective
    (60000.0, 100000.0, 1.8...)
    """

    what: str
    of: str
    count: int
    n: int
    amount: float
    total: float
    squares: float
    other_squares: float
    census: bool = False

    @property
    def value(self) -> float | None:
        """The share from 0 to 1; None without revenue."""
        return self.amount / self.total if self.total else None

    @property
    def standard_error(self) -> float | None:
        r"""The standard error of the share, with accounts as what is drawn; None of fewer than two, and 0 of a census.

        It is the root of :math:`\frac{n}{n - 1} \sum z_i^2` with the linearized :math:`z_i = x_i (y_i - R) / \sum x_i`.

        References
        ----------
        Särndal, C.-E., Swensson, B. and Wretman, J. (1992). *Model Assisted Survey Sampling*, Springer (result 5.6.2,
        the ratio, in an infinite population).
        """
        if self.census:
            return 0.0
        share = self.value
        if share is None or self.n < 2:
            return None
        squares = (1 - share) ** 2 * self.squares + share**2 * self.other_squares
        return math.sqrt(self.n / (self.n - 1) * squares)

    @property
    def n_effective(self) -> float | None:
        r"""How many accounts of equal revenue would say as much; None where the standard error is.

        It is :math:`R (1 - R) / SE^2`, but at most Kish's :math:`(\sum x_i)^2 / \sum x_i^2`, which also holds where all
        accounts agree; infinite of a census.

        References
        ----------
        Korn, E. L. and Graubard, B. I. (1998). Confidence intervals for proportions with small expected number of
        positive counts estimated from survey data. *Survey Methodology* 24, 193-201.
        """
        error, share = self.standard_error, self.value
        if error is None or share is None:
            return None
        if self.census:
            return math.inf
        kish = 1 / (self.squares + self.other_squares)
        return min(kish, share * (1 - share) / error**2) if error else kish

    def interval(self, *, confidence_level: float = 0.95) -> tuple[float, float]:
        """Give a confidence interval for the share: Wilson's at `n_effective` accounts, with a quantile of Student's t.

        Parameters
        ----------
        confidence_level : float, default 0.95
            Strictly between 0 and 1.

        Returns
        -------
        low, high : float
            The limits from 0 to 1; both are the share itself for a census, and 0 and 1 of fewer than two accounts.

        References
        ----------
        Franco, C., Little, R. J. A., Louis, T. A. and Slud, E. V. (2019). Comparative study of confidence intervals for
        proportions in complex sample surveys. *Journal of Survey Statistics and Methodology* 7, 334-364.
        """
        level = between("confidence_level", confidence_level, 0, 1)
        share, size = self.value, self.n_effective
        if share is None or size is None:
            return 0.0, 1.0
        return (share, share) if math.isinf(size) else _wilson(share, size, _squared_quantile(self.n - 1, level))

    def row(self, *, confidence_level: float = 0.95) -> dict[str, Any]:
        """Give it as a plain dict, as `Measure.row` does; ``count`` and ``n`` are accounts, and a census has no limits.

        Parameters
        ----------
        confidence_level : float, default 0.95
            Strictly between 0 and 1.

        Returns
        -------
        dict
        """
        low, high = (None, None) if self.census else self.interval(confidence_level=confidence_level)
        limits = {"value": self.value, "low": low, "high": high}
        return {"measure": self.what, "of": self.of, **limits, "count": self.count, "n": self.n}

    def _shown(self) -> str:
        if self.value is None:
            return "not known (of no revenue)"
        low, high = self.interval()
        limits = "census: no sampling error" if self.census else f"95% CI {percent(low)} to {percent(high)}"
        return f"{percent(self.value)} ({limits}; {self.count:,} of {self.n:,} accounts)"

    def __repr__(self) -> str:
        """Give the share, its denominator and its interval in one line."""
        return f"{self.what}, of {self.of}: {self._shown()}"

    def _repr_html_(self) -> str:
        """Give a small table, for notebooks."""
        return table(["measure", "of", "share"], [[escape(self.what), escape(self.of), self._shown()]])


def revenue_measure(
    what: str, of: str, revenue: Mapping[Any, float], counted: AbstractSet[Any], *, census: bool = False
) -> RevenueMeasure:
    """Add up what accounts bring, in sums that do not depend on their order; all of them may be a census."""
    mine = [float(amount) for account, amount in revenue.items() if amount and account in counted]
    others = [float(amount) for account, amount in revenue.items() if amount and account not in counted]
    total = math.fsum(mine + others)
    return RevenueMeasure(
        what=what,
        of=of,
        count=len(mine),
        n=len(mine) + len(others),
        amount=math.fsum(mine),
        total=total,
        squares=math.fsum((amount / total) ** 2 for amount in mine),
        other_squares=math.fsum((amount / total) ** 2 for amount in others),
        census=census and bool(mine) and not others,
    )


def _squared_quantile(df: int, level: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(df, (1 - level) / 2)) ** 2


def _wilson(share: float, n: float, square: float) -> tuple[float, float]:
    """Give the score limits of a share.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. *Journal of the American
    Statistical Association* 22, 209-212.
    """
    center = share + square / (2 * n)
    half = math.sqrt(square * (share * (1 - share) / n + square / (4 * n * n)))
    low, high = ((center + sign * half) / (1 + square / n) for sign in (-1, 1))
    return min(share, max(0.0, low)), max(share, min(1.0, high))


def covered(
    found: Facts,
    delivered: AbstractSet[Ask] | None,
    accounts: Mapping[str, str | None] | None,
    revenue: Mapping[str, float] | None,
    value: str,
) -> dict[str, Any]:
    """Measure who was asked, who answered and who was contacted: of contacts, of accounts, and of their revenue."""
    if accounts is None:
        if revenue is not None:
            raise refusal("accounts", "given where revenue is", accounts)
        return {"contacts": (), "accounts": (), "revenue": ()}
    _check_accounts(accounts)
    asks = {"asked": delivered, "that answered": found.asks, "contacted": found.contacted}
    people = {name: {contact for _, contact in each} for name, each in asks.items() if each is not None}
    groups = {name: {accounts.get(each) for each in some} - {None} for name, some in people.items()}
    known = set(accounts.values()) - {None}
    amounts = None if revenue is None else _amounts(revenue, known)
    return {
        "contacts": _contacts(people, set(accounts)),
        "accounts": _accounts(groups, known.union(amounts or ())),
        "revenue": () if amounts is None else _revenue(groups, amounts, value),
    }


def _check_accounts(accounts: Any) -> None:
    """Refuse what is no mapping of texts: a NaN or a number that stands for no account would be one."""
    rule = "a mapping of contacts to accounts, both of them text, or to None"
    if not isinstance(accounts, Mapping):
        raise refusal("accounts", rule, accounts)
    for contact, account in accounts.items():
        if not isinstance(contact, str) or not (account is None or isinstance(account, str)):
            raise refusal("accounts", rule, {contact: account})


def _contacts(people: Mapping[str, set[str]], everybody: set[str]) -> tuple[Measure, ...]:
    heard = [(name, some) for name, some in people.items() if name != "contacted"]
    return tuple(measure(f"contacts {name}", "contacts", some, everybody) for name, some in heard)


def _accounts(groups: Mapping[str, set[Any]], known: set[Any]) -> tuple[Measure, ...]:
    *heard, (_, contacted) = groups.items()
    return (
        *(measure(f"accounts {name}", "accounts", some, known) for name, some in heard),
        measure("accounts contacted", "accounts that answered", contacted, groups["that answered"]),
    )


def _revenue(groups: Mapping[str, set[Any]], amounts: Mapping[Any, float], value: Any) -> tuple[RevenueMeasure, ...]:
    if not (isinstance(value, str) and value.strip()):
        raise refusal("value", "a name, such as 'arr'", value)
    return tuple(
        revenue_measure(
            f"{value} of accounts {name}", f"{value} of all accounts", amounts, some, census=name == "asked"
        )
        for name, some in groups.items()
    )


def _amounts(revenue: Mapping[Any, Any], known: AbstractSet[Any]) -> Mapping[Any, float]:
    """Check what each account brings; those of which nobody is a contact belong to the whole too."""
    rule = f"a mapping of accounts to numbers from 0 to {_MOST:g}"
    if not isinstance(revenue, Mapping):
        raise refusal("revenue", rule, revenue)
    for account, amount in revenue.items():
        if account is None or not _is_amount(amount):
            raise refusal("revenue", rule, {account: amount})
    missing = sorted((account for account in known if account not in revenue), key=repr)
    if missing:
        rule = "given for every account that a contact has, be it 0"
        raise InvalidArgument(
            f"revenue must be {rule} (got none for {shown(missing[0])}; {len(missing):,} such in all)"
        )
    return revenue


def _is_amount(value: Any) -> bool:
    finite = value.is_finite() if isinstance(value, Decimal) else isinstance(value, Real)
    return finite and not isinstance(value, bool) and bool(0 <= value <= _MOST)
