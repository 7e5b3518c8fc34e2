"""Who belongs to a survey: everybody who meets a condition, or a random part of them.

A person may meet the conditions of several audiences and is drawn if any of them draws. All samples of one seed share
one draw per person, so that they are nested: who is in a tenth is in a fifth. The inclusion probability is therefore
the largest of those that apply. That is exact for shares. The limit of a sample of a fixed size depends on the draws:
for those who meet its condition and that of another sample, the probability is somewhat larger than the one told.

References
----------
Särndal, C.-E., Swensson, B. and Wretman, J. (1992). *Model Assisted Survey Sampling*, section 3.3 (a simple random
sample is the k smallest of independent uniform draws) and 3.2 (Bernoulli sampling).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import attrs
import numpy as np
import numpy.typing as npt
from attrs.validators import optional

from netpromoter._checks import refusal
from netpromoter.model import Contacts

from ._conditions import Condition, Truth
from ._draws import draws
from ._fields import condition, named, names, share, whole

__all__ = ["Audience", "Census", "Sample", "Selection", "selection"]

_Floats: TypeAlias = npt.NDArray[np.float64]
_Mask: TypeAlias = npt.NDArray[np.bool_]


@attrs.frozen(kw_only=True)
class Census:
    """Everybody who meets a condition.

    Parameters
    ----------
    where : Condition, optional
        Who; everybody if it is left out. Somebody of whom it is unknown does not belong.
    name : str, optional
        What the stratum is called; the condition itself if it is left out.

    Examples
    --------
    >>> from netpromoter.rules import field
    >>> Census(where=field("plan") == "paid", name="paying").stratum
    'paying'
    """

    where: Condition | None = attrs.field(default=None, validator=optional(condition))
    name: str | None = attrs.field(default=None, validator=optional(named))

    @property
    def stratum(self) -> str:
        """What the stratum is called."""
        return self.name or ("everybody" if self.where is None else repr(self.where))

    @property
    def draw(self) -> str:
        """How its members are drawn, in words."""
        return f"all of {self.stratum}" if self.name or self.where is not None else self.stratum


def _by(value: str | Sequence[str]) -> tuple[str, ...]:
    return names("by", value)


@attrs.frozen(kw_only=True)
class Sample:
    """A random part of those who meet a condition.

    Parameters
    ----------
    share : float, optional
        The part, above 0 and at most 1. Each person is drawn independently with this probability.
    size : int, optional
        Or how many: exactly so many of each stratum, or all where there are no more.
    where : Condition, optional
        Of whom; everybody if it is left out.
    by : str or sequence of str, optional
        Columns of text whose values make the strata; `size` then counts for each of them. Somebody without a value
        belongs to a stratum of those without.
    name : str, optional
        What the stratum is called; the condition itself if it is left out.

    Examples
    --------
    >>> from netpromoter.rules import field
    >>> Sample(share=0.1, where=field("plan") == "free", name="free").draw
    'a random 10% of free'
    """

    share: float | None = attrs.field(default=None, validator=optional(share))
    size: int | None = attrs.field(default=None, validator=optional(whole))
    where: Condition | None = attrs.field(default=None, validator=optional(condition))
    by: Sequence[str] = attrs.field(default=(), converter=_by)
    name: str | None = attrs.field(default=None, validator=optional(named))

    def __attrs_post_init__(self) -> None:
        if (self.share is None) == (self.size is None):
            raise refusal("share", "given, or size, and not both", self.share)

    @property
    def stratum(self) -> str:
        """What the stratum is called, or what the names of its strata begin with."""
        return self.name or ("everybody" if self.where is None else repr(self.where))

    @property
    def draw(self) -> str:
        """How its members are drawn, in words."""
        part = f"{100 * self.share:.10g}%" if self.share is not None else f"{self.size:,}"
        each = f" in each {' and '.join(self.by)}" if self.by else ""
        return f"a random {part} of {self.stratum}{each}"


#: Who belongs: everybody who meets a condition, or a random part of them.
Audience: TypeAlias = Census | Sample


@attrs.frozen(kw_only=True, eq=False)
class Selection:
    """Who is drawn, from which stratum and with which probability; all of shape (n,).

    `member` says who meets a condition, `stratum` is a code into `strata` and `audience` one into the audiences, -1 for
    nobody's. `unknown` is a code into `fields`, for those who belong nowhere because something is missing.
    """

    drawn: _Mask
    member: _Mask
    stratum: npt.NDArray[np.int32]
    audience: npt.NDArray[np.int8]
    probability: _Floats
    strata: tuple[str, ...]
    unknown: npt.NDArray[np.int16]
    fields: tuple[str, ...]


def selection(audiences: Sequence[Audience], contacts: Contacts, seed: str) -> Selection:
    """Draw the members of some audiences.

    Parameters
    ----------
    audiences : sequence of Census and Sample
        In any order.
    contacts : Contacts
        Of n people.
    seed : str
        Which draw it is: a survey and its wave.

    Returns
    -------
    Selection
        The same tomorrow, and for other people beside these, except that a sample of a fixed size depends on who else
        belongs.

    Raises
    ------
    InvalidArgument
        If a condition asks for what no contact has.
    """
    size = len(contacts)
    found = _Drawn(size)
    uniform = draws(contacts, "sample", seed) if any(isinstance(each, Sample) for each in audiences) else None
    for number, audience in enumerate(audiences):
        truth = _truth(audience.where, contacts)
        found.missing(audience.where, truth, contacts)
        found.join(number, audience, truth.true, contacts, uniform)
    return found.selection()


def _truth(where: Condition | None, contacts: Contacts) -> Truth:
    size = len(contacts)
    if where is None:
        return Truth(true=np.ones(size, np.bool_), unknown=np.zeros(size, np.bool_))
    return where.evaluate(contacts.columns, size)


class _Drawn:
    """A selection under way, one audience after the other."""

    def __init__(self, size: int) -> None:
        self.drawn = np.zeros(size, np.bool_)
        self.member = np.zeros(size, np.bool_)
        self.stratum = np.full(size, -1, np.int32)
        self.audience = np.full(size, -1, np.int8)
        self.probability = np.zeros(size)
        self.unknown = np.full(size, -1, np.int16)
        self.strata: dict[str, int] = {}
        self.fields: dict[str, int] = {}

    def missing(self, where: Condition | None, truth: Truth, contacts: Contacts) -> None:
        for name in sorted(where.fields) if where is not None and truth.unknown.any() else ():
            column = contacts.columns[name]
            chosen = truth.unknown & column.missing & (self.unknown < 0)
            self.unknown[chosen] = self.fields.setdefault(name, len(self.fields))

    def join(self, number: int, audience: Audience, member: _Mask, contacts: Contacts, uniform: _Floats | None) -> None:
        codes, labels = _strata(audience, member, contacts)
        probability, drawn = np.ones(len(member)), member
        if isinstance(audience, Sample) and uniform is not None:
            limit, probability = _limits(audience, codes, len(labels), uniform)
            drawn = member & (uniform < limit)
        places = np.array([*(self.strata.setdefault(label, len(self.strata)) for label in labels), -1], np.int32)
        better = member & (probability > self.probability)
        np.copyto(self.stratum, places[codes], where=better)
        np.copyto(self.audience, np.int8(number), where=better)
        np.copyto(self.probability, probability, where=better)
        self.drawn |= drawn
        self.member |= member

    def selection(self) -> Selection:
        self.unknown[self.member] = -1
        return Selection(
            drawn=self.drawn,
            member=self.member,
            stratum=self.stratum,
            audience=self.audience,
            probability=self.probability,
            strata=tuple(self.strata),
            unknown=self.unknown,
            fields=tuple(self.fields),
        )


def _strata(audience: Audience, member: _Mask, contacts: Contacts) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Give each member the code of a stratum, and each code its name; -1 for who is no member."""
    codes, labels = np.zeros(len(member), np.int64), [audience.stratum]
    for name in audience.by if isinstance(audience, Sample) else ():
        if not len(contacts):
            break
        column = contacts.columns.get(name)
        if column is None or column.kind != "text" or column.absent:
            raise refusal("by", "columns of text, known of some contact", name)
        here = np.where(column.missing, len(column.labels), column.values)
        values = [*column.labels, "(none)"]
        crossed = codes * len(values) + here
        used, codes = np.unique(crossed, return_inverse=True)
        labels = [f"{labels[code // len(values)]}/{values[code % len(values)]}" for code in used.tolist()]
    return np.where(member, codes, -1), labels


def _limits(sample: Sample, codes: npt.NDArray[np.int64], strata: int, uniform: _Floats) -> tuple[_Floats, _Floats]:
    """Give everybody the draw below which they are in, and the probability of that."""
    if sample.share is not None:
        return np.full(len(codes), sample.share), np.full(len(codes), sample.share)
    size = sample.size or 0
    order = np.lexsort((uniform, codes))
    starts = np.searchsorted(codes[order], np.arange(strata + 1))
    population = np.diff(starts)
    limits = np.full(strata + 1, np.inf)
    larger = np.flatnonzero(population > size)
    limits[larger] = uniform[order[starts[larger] + size]]
    probability = np.append(np.minimum(1, size / np.maximum(population, 1)), 0)
    return limits[codes], probability[codes]
