"""How long it takes until something happens, where for some it has not happened yet: Kaplan and Meier's estimate."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from numbers import Real
from statistics import NormalDist
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter._checks import between, one_of, refusal
from netpromoter._html import table

from ._closed_forms import wilson_limits
from ._columns import column, numbers, seconds, yes_or_no
from ._roots import Floats

__all__ = ["Survival", "SurvivalInterval", "Time", "survival"]

SurvivalInterval: TypeAlias = Literal["log-log", "log", "plain"]
Time: TypeAlias = float | timedelta
Counts: TypeAlias = npt.NDArray[np.int64]
Curve: TypeAlias = Callable[[Floats, Floats, float], tuple[Floats, Floats]]

#: How near to a share a curve is held to equal it, as R's survival package does.
_SAME = float(np.finfo(np.float64).eps) ** 0.5


@attrs.frozen(kw_only=True, repr=False, unsafe_hash=False)
class Survival:
    """The share to which something has not happened yet, as a function of the time that has gone by.

    Make one with `survival`. Times are of the kind that it was given: numbers in one unit, or `datetime.timedelta`.

    Parameters
    ----------
    times : ndarray of float, shape (k,)
        The distinct times of events and of censorings, rising; in seconds where they are spans.
    happened, left : ndarray of int64, shape (k,)
        To how many it happened at each time, and how many were last seen then, without it.
    spans : bool, default False
        Whether times are spans, so that they come out as `datetime.timedelta`.

    References
    ----------
    Kaplan, E. L. and Meier, P. (1958). Nonparametric estimation from incomplete observations. *Journal of the American
    Statistical Association* 53, 457-481.

    Examples
    --------
    >>> s = survival([9, 13, 13, 18, 23, 28, 31, 34, 45, 48, 161], [1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0])
    >>> s
    median 31 (95% CI 13 to not reached; 7 of 11, 4 censored)
    >>> s.at(20), s.quantile(0.25)
    (0.715..., 18.0)
    """

    times: Floats = attrs.field(eq=attrs.cmp_using(eq=np.array_equal))
    happened: Counts = attrs.field(eq=attrs.cmp_using(eq=np.array_equal))
    left: Counts = attrs.field(eq=attrs.cmp_using(eq=np.array_equal))
    spans: bool = False

    @property
    def events(self) -> int:
        """To how many it happened."""
        return int(self.happened.sum())

    @property
    def censored(self) -> int:
        """How many were last seen without it."""
        return int(self.left.sum())

    @property
    def n(self) -> int:
        """How many were observed."""
        return self.events + self.censored

    @property
    def at_risk(self) -> Counts:
        """How many were still observed without it just before each time; who is censored at a time is among them."""
        gone = self.happened + self.left
        risk: Counts = self.n - gone.cumsum() + gone
        return risk

    @property
    def shares(self) -> Floats:
        """The share to which it has not happened after each time, from 1 to 0."""
        risk = self.at_risk
        shares: Floats = ((risk - self.happened) / risk).cumprod()
        return shares

    @property
    def median(self) -> Time | None:
        """The time by which it happened to half; None where the observations end before."""
        return self.quantile(0.5)

    def at(self, time: Any) -> float | None:
        """Give the share to which it has not happened by a time.

        Parameters
        ----------
        time : float, or timedelta where `spans`
            At least 0.

        Returns
        -------
        float or None
            From 0 to 1; None after the last observation, unless it happened to all.

        Examples
        --------
        >>> s = survival([1, 2, 2, 3], [True, True, False, False])
        >>> s.at(0), s.at(2), s.at(4)
        (1.0, 0.5, None)
        """
        place = self._place(time)
        return None if place is None else 1.0 if place < 0 else float(self.shares[place])

    def quantile(self, share: float) -> Time | None:
        """Give the time by which it happened to a share of all.

        Parameters
        ----------
        share : float
            Strictly between 0 and 1.

        Returns
        -------
        float or timedelta, or None
            Where the curve runs flat at the share, the middle of that stretch. None where the observations end before.

        Examples
        --------
        >>> survival([1, 2, 3, 4]).quantile(0.5)
        2.5
        """
        return self._time(_crossing(self.times, self.shares, 1 - between("share", share, 0, 1)))

    def interval(
        self, time: Any, *, confidence_level: float = 0.95, method: SurvivalInterval = "log-log"
    ) -> tuple[float, float]:
        """Give a confidence interval for the share to which it has not happened by a time.

        Parameters
        ----------
        time : float, or timedelta where `spans`
            At least 0.
        confidence_level : float, default 0.95
            Strictly between 0 and 1.
        method : {"log-log", "log", "plain"}, default "log-log"
            On which scale Greenwood's standard error is laid off: of log(-log S), of log S, or of S itself. The first
            stays within 0 and 1 and is the most trustworthy in small samples; the second is R's default.

        Returns
        -------
        low, high : float
            The limits from 0 to 1. After the last observation the lower one is 0, as nothing is known of those who
            were still without it. Where it has happened to nobody, or to everybody, Greenwood's formula says nothing,
            and Wilson's interval of those who are known to be so takes its place.

        References
        ----------
        Greenwood, M. (1926). The natural duration of cancer. *Reports on Public Health and Medical Subjects* 33, 1-26.
        Kalbfleisch, J. D. and Prentice, R. L. (1980). *The Statistical Analysis of Failure Time Data*, Wiley (eq. 1.13
        for log-log).

        Examples
        --------
        >>> s = survival([9, 13, 13, 18, 23, 28, 31, 34, 45, 48, 161], [1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0])
        >>> [round(limit, 3) for limit in s.interval(20)]
        [0.35, 0.899]
        """
        z = _quantile(confidence_level)
        curve = _METHODS[one_of("method", method, _METHODS)]
        place = self._place(time)
        if not self.n or place == -1:
            return (wilson_limits(np.array(self.n), np.array(self.n), z)[0].item() if self.n else 0.0), 1.0
        low, high = self._limits(curve, z)
        return (0.0, high[-1].item()) if place is None else (low[place].item(), high[place].item())

    def quantile_interval(
        self, share: float = 0.5, *, confidence_level: float = 0.95, method: SurvivalInterval = "log-log"
    ) -> tuple[Time | None, Time | None]:
        """Give a confidence interval for the time by which it happened to a share of all.

        Parameters
        ----------
        share : float, default 0.5
            Strictly between 0 and 1; the default gives the interval of the median.
        confidence_level : float, default 0.95
            Strictly between 0 and 1.
        method : {"log-log", "log", "plain"}, default "log-log"
            As in `interval`.

        Returns
        -------
        low, high : float or timedelta, or None
            When the lower and when the upper limit of the curve, those of `interval`, reach the share; None where one
            never does. R's survival package has no limits where it happened to all, and so reaches fewer.

        References
        ----------
        Brookmeyer, R. and Crowley, J. (1982). A confidence interval for the median survival time. *Biometrics* 38,
        29-41.

        Examples
        --------
        >>> s = survival([9, 13, 13, 18, 23, 28, 31, 34, 45, 48, 161], [1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0])
        >>> s.quantile_interval(method="log")
        (18.0, None)
        """
        level = 1 - between("share", share, 0, 1)
        low, high = self._limits(_METHODS[one_of("method", method, _METHODS)], _quantile(confidence_level))
        low = np.where(self.shares == 1, 1.0, low)  # nothing is reached before anything happened
        first, last = (self._time(_crossing(self.times, curve, level)) for curve in (low, high))
        return first, last

    def rows(self, *, confidence_level: float = 0.95, method: SurvivalInterval = "log-log") -> list[dict[str, Any]]:
        """Give one plain dict for each time.

        Parameters
        ----------
        confidence_level : float, default 0.95
            Strictly between 0 and 1, for each time by itself.
        method : {"log-log", "log", "plain"}, default "log-log"
            As in `interval`.

        Returns
        -------
        list of dict
            ``time``, ``at_risk``, ``events``, ``censored``; and ``survival`` with ``low`` and ``high``, as shares. Any
            dataframe library makes a frame of them, as in ``polars.DataFrame(found.rows())``.

        Examples
        --------
        >>> survival([1, 1, 3], [True, False, True]).rows()[0]["at_risk"]
        3
        """
        low, high = self._limits(_METHODS[one_of("method", method, _METHODS)], _quantile(confidence_level))
        names = ("time", "at_risk", "events", "censored", "survival", "low", "high")
        columns = (self.at_risk, self.happened, self.left, self.shares, low, high)
        times = map(self._time, self.times.tolist())
        return [dict(zip(names, row, strict=True)) for row in zip(times, *(c.tolist() for c in columns), strict=True)]

    def _place(self, time: Any) -> int | None:
        """Say after which of the times another lies, -1 for none, and None where nothing is known of it."""
        moment = self._moment(time)
        ended = not self.left.size or (self.left[-1] > 0 and moment > self.times[-1])
        return None if ended else int(np.searchsorted(self.times, moment, side="right")) - 1

    def _moment(self, time: Any) -> float:
        span = isinstance(time, timedelta | np.timedelta64)
        number = isinstance(time, Real) and not isinstance(time, bool)
        if (span or number) and (span == self.spans or not self.n):
            found = seconds("time", [time], "a span") if span else np.array([float(time)])
            if found is not None and found[0] >= 0:
                return float(found[0])
        raise refusal("time", f"a {'span' if self.spans else 'number'} of at least 0", time)

    def _time(self, time: float | None) -> Time | None:
        return timedelta(seconds=time) if self.spans and time is not None else time

    def _greenwood(self) -> tuple[Floats, Floats]:
        """Give the curve, and Greenwood's standard error of its logarithm."""
        risk = self.at_risk
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.shares, np.sqrt((self.happened / (risk * (risk - self.happened))).cumsum())

    def _limits(self, curve: Curve, z: float) -> tuple[Floats, Floats]:
        """Give the limits after each time, with Wilson's where Greenwood has none."""
        shares, error = self._greenwood()
        low, high = curve(shares, error, z)
        nobody, everybody = shares == 1, shares == 0
        without, done = (self.at_risk - self.happened)[nobody], self.happened.cumsum()[everybody]
        low[nobody], high[nobody] = wilson_limits(without, without, z)
        low[everybody], high[everybody] = wilson_limits(0 * done, done, z)
        return low, high

    def __repr__(self) -> str:
        """Give the median, its interval and the counts in one line."""
        if not self.n:
            return "not known (of nobody)"
        low, high = (_shown(limit) for limit in self.quantile_interval())
        return f"median {_shown(self.median)} (95% CI {low} to {high}; {self._shown_counts})"

    def _repr_html_(self) -> str:
        """Give a small table of the quartiles, for notebooks."""
        rows = []
        for share in (0.25, 0.5, 0.75):
            low, high = (_shown(limit) for limit in self.quantile_interval(share))
            rows.append([f"{share:.0%}", f"<b>{_shown(self.quantile(share))}</b>", f"{low} to {high}"])
        return table(["of all", "after", "95% CI"], rows, caption=self._shown_counts)

    @property
    def _shown_counts(self) -> str:
        return f"{self.events:,} of {self.n:,}, {self.censored:,} censored"


def survival(durations: Any, observed: Any = None) -> Survival:
    """Estimate how long it takes until something happens, where for some it has not happened yet.

    Parameters
    ----------
    durations : iterable, shape (n,)
        How long each was observed: until it happened, or until now. Numbers of at least 0 in one unit, or spans of time
        (`datetime.timedelta`, ``timedelta64``, or a column of them).
    observed : iterable of bool, shape (n,), optional
        Whether it happened; where not, the observation is censored: the case is still open. By default it happened to
        all. Who is censored at the time of an event was still at risk of it.

    Returns
    -------
    Survival
        A curve, with its median, quantiles and intervals. Of nobody it is a value too, one that knows nothing.

    Raises
    ------
    InvalidArgument
        If a duration is negative, missing or infinite, or the columns differ in length.

    Examples
    --------
    >>> from datetime import timedelta
    >>> spent = [timedelta(hours=hours) for hours in (2, 5, 5, 9, 30, 48, 50)]
    >>> to_close = survival(spent, [True, True, True, True, False, False, False])
    >>> to_close
    median 9:00:00 (95% CI 2:00:00 to not reached; 4 of 7, 3 censored)
    >>> round(1 - to_close.at(timedelta(hours=8)), 2)
    0.43
    """
    rule = "all numbers or all spans, of at least 0"
    raw = column("durations", durations)
    spent = seconds("durations", raw, rule)
    times = numbers("durations", raw if spent is None else spent, rule, lambda number: number >= 0, raw=raw)
    seen = np.ones(times.size, dtype=bool) if observed is None else yes_or_no("observed", observed, size=times.size)
    distinct, place = np.unique(times, return_inverse=True)
    happened = np.bincount(place[seen], minlength=distinct.size)
    left = np.bincount(place[~seen], minlength=distinct.size)
    return Survival(times=distinct, happened=happened, left=left, spans=spent is not None)


def _shown(time: Time | None) -> str:
    if time is None:
        return "not reached"
    if isinstance(time, timedelta):
        return str(time if time < timedelta(minutes=1) else timedelta(seconds=round(time.total_seconds())))
    return f"{time:,.0f}" if time >= 1000 else f"{time:.4g}"


def _quantile(confidence_level: float) -> float:
    return -NormalDist().inv_cdf((1 - between("confidence_level", confidence_level, 0, 1)) / 2)


def _crossing(times: Floats, curve: Floats, level: float) -> float | None:
    """Give when a falling curve reaches a level; where it is flat there, the middle of that stretch.

    A curve that ends on the level reaches it where its last stretch begins.
    """
    below = np.flatnonzero(curve < level + _SAME)
    if not below.size:
        return None
    first, lower = below[0], np.flatnonzero(curve < curve[below[0]])
    flat = abs(curve[first] - level) < _SAME and lower.size
    return float((times[first] + times[lower[0]]) / 2 if flat else times[first])


def _log_log(shares: Floats, error: Floats, z: float) -> tuple[Floats, Floats]:
    with np.errstate(divide="ignore", invalid="ignore"):
        half = z * error / np.log(shares)
        return shares ** np.exp(-half), shares ** np.exp(half)


def _log(shares: Floats, error: Floats, z: float) -> tuple[Floats, Floats]:
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = shares * np.exp(-z * error), np.minimum(shares * np.exp(z * error), 1)
    return np.where(shares > 0, low, np.nan), np.where(shares > 0, high, np.nan)


def _plain(shares: Floats, error: Floats, z: float) -> tuple[Floats, Floats]:
    with np.errstate(divide="ignore", invalid="ignore"):
        half = z * error * shares
        return np.maximum(shares - half, 0), np.minimum(shares + half, 1)


_METHODS: MappingProxyType[SurvivalInterval, Curve] = MappingProxyType(
    {"log-log": _log_log, "log": _log, "plain": _plain}
)
