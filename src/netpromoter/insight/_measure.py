"""A share with the name of what it is a share of."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

import attrs

from netpromoter._html import escape, table
from netpromoter.stats import Share, ShareInterval

__all__ = ["Measure", "measure"]


@attrs.frozen(kw_only=True, repr=False)
class Measure:
    """A share that names its denominator.

    Parameters
    ----------
    what : str
        What is counted.
    of : str
        Among what: the denominator.
    share : Share
        How many, of how many.

    Examples
    --------
    >>> from netpromoter.stats import share
    >>> Measure(what="contacted", of="selected answers", share=share(52, 126))
    contacted, of selected answers: 41.3% (95% CI 33.1% to 50.0%; 52 of 126)
    """

    what: str
    of: str
    share: Share

    @property
    def count(self) -> int:
        """How many have what is counted."""
        return self.share.count

    @property
    def n(self) -> int:
        """Of how many."""
        return self.share.n

    @property
    def value(self) -> float | None:
        """The share from 0 to 1; None of nobody."""
        return self.share.value

    def interval(self, *, confidence_level: float = 0.95, method: ShareInterval = "wilson") -> tuple[float, float]:
        """Give a confidence interval for the share; see `netpromoter.stats.Share.interval`.

        Parameters
        ----------
        confidence_level : float, default 0.95
            Strictly between 0 and 1.
        method : {"wilson", "jeffreys", "clopper_pearson", "agresti_coull"}, default "wilson"
            As there.

        Returns
        -------
        low, high : float
            The limits from 0 to 1; 0 and 1 of nobody.
        """
        return self.share.interval(confidence_level=confidence_level, method=method)

    def row(self, *, confidence_level: float = 0.95) -> dict[str, Any]:
        """Give it as a plain dict: ``measure``, ``of``, ``value``, ``low``, ``high``, ``count`` and ``n``.

        Parameters
        ----------
        confidence_level : float, default 0.95
            Strictly between 0 and 1.

        Returns
        -------
        dict
        """
        low, high = self.interval(confidence_level=confidence_level)
        limits = {"value": self.value, "low": low, "high": high}
        return {"measure": self.what, "of": self.of, **limits, "count": self.count, "n": self.n}

    def __repr__(self) -> str:
        """Give the share, its denominator and its interval in one line."""
        return f"{self.what}, of {self.of}: {self.share!r}"

    def _repr_html_(self) -> str:
        """Give a small table, for notebooks."""
        return table(["measure", "of", "share"], [[escape(self.what), escape(self.of), repr(self.share)]])


def measure(what: str, of: str, counted: AbstractSet[Any], whole: AbstractSet[Any]) -> Measure:
    """Count how many of a whole are among those counted."""
    return Measure(what=what, of=of, share=Share(count=len(counted & whole), n=len(whole)))
