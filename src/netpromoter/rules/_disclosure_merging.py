"""Small groups are joined until they are large enough."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs
import numpy.typing as npt

from netpromoter._checks import count, refusal

from ._disclosure_ledger import answers, plain

__all__ = ["Merged", "merged"]


@attrs.frozen(kw_only=True)
class Merged:
    """A column in which small groups have been joined.

    Parameters
    ----------
    labels : tuple
        The label of each answer now.
    parts : mapping of str to tuple
        For each group that was made, the groups of which it consists.
    """

    labels: tuple[Any, ...] = attrs.field(repr=False)
    parts: Mapping[str, tuple[Any, ...]] = attrs.field(hash=False)


def merged(
    labels: Sequence[Any] | npt.NDArray[Any],
    *,
    minimum: int = 5,
    counts: Sequence[int] | npt.NDArray[Any] | None = None,
    within: Sequence[Any] | npt.NDArray[Any] | None = None,
    name: str | None = None,
) -> Merged:
    """Join the groups under a minimum with each other, the smallest first, and name them so.

    What remains too small is joined with the last group that was made, or else with the smallest other one. Where there
    is none within the same parent, it stays as it is, and `Disclosure` withholds it.

    Parameters
    ----------
    labels : array of shape (n,)
        The group of each answer; None for none.
    minimum : int, default 5
        How many answers a group must have.
    counts : array of int, shape (n,), optional
        How many answers each position stands for; 1 if it is left out.
    within : array of shape (n,), optional
        What each answer's group is a part of, such as its division; only groups of the same one are joined.
    name : str, optional
        What to call the small ones, which are then all joined; otherwise the names of the parts are.

    Raises
    ------
    InvalidArgument
        If a group is a part of two others, a name is taken, or the columns are not of one length.

    Examples
    --------
    >>> team = ["Sales"] * 9 + ["Legal"] * 3 + ["Finance"] * 4
    >>> merged(team)
    Merged(parts={'Finance + Legal (merged)': ('Finance', 'Legal')})
    >>> merged(team).labels[-1]
    'Finance + Legal (merged)'
    >>> merged(team, within=["Front"] * 9 + ["Office"] * 7, name="smaller teams").parts
    {'Office: smaller teams': ('Finance', 'Legal')}
    """
    column = plain("labels", labels)
    sizes = _sizes(column, answers(counts, len(column)).tolist())
    parents = _parents(column, [None] * len(column) if within is None else plain("within", within))
    parts: dict[str, tuple[Any, ...]] = {}
    for parent in dict.fromkeys(parents[label] for label in sizes):
        own = {label: sizes[label] for label in sizes if parents[label] == parent}
        for joined in _joined(own, count("minimum", minimum, least=1), at_once=name is not None):
            parts[_name(joined, parent, name, {*sizes, *parts})] = joined
    whole = {label: made for made, joined in parts.items() for label in joined}
    return Merged(labels=tuple(whole.get(label, label) for label in column), parts=parts)


def _sizes(column: list[Any], counts: list[int]) -> dict[Any, int]:
    """Count the answers of each group, the smallest first."""
    sizes: dict[Any, int] = {}
    for label, n in zip(column, counts, strict=True):
        if label is not None:
            sizes[label] = sizes.get(label, 0) + n
    return dict(sorted(sizes.items(), key=lambda pair: (pair[1], str(pair[0]))))


def _parents(column: list[Any], within: list[Any]) -> dict[Any, Any]:
    if len(within) != len(column):
        raise refusal("within", f"one for each of {len(column):,} labels", within)
    parents: dict[Any, Any] = {}
    for label, parent in zip(column, within, strict=True):
        if label is not None and parents.setdefault(label, parent) != parent:
            raise refusal("within", "the same for all answers of a group", label)
    return parents


def _joined(sizes: Mapping[Any, int], minimum: int, *, at_once: bool) -> list[tuple[Any, ...]]:
    """Choose which groups to join; they come the smallest first."""
    made: list[list[Any]] = []
    rest: list[Any] = []
    for label in [label for label, n in sizes.items() if n < minimum]:
        rest.append(label)
        if not at_once and sum(sizes[each] for each in rest) >= minimum:
            made.append(rest)
            rest = []
    if sum(sizes[each] for each in rest) < minimum:
        large = [label for label, n in sizes.items() if n >= minimum]
        rest += made.pop() if made else large[:1] if rest else []
    is_enough = sum(sizes[each] for each in rest) >= minimum
    return [tuple(sorted(each, key=str)) for each in [*made, *[rest] * is_enough]]


def _name(joined: Iterable[Any], parent: Any, name: str | None, taken: set[Any]) -> str:
    made = " + ".join(map(str, joined)) + " (merged)"
    if name is not None:
        made = name if parent is None else f"{parent}: {name}"
    if made in taken:
        raise refusal("name", "one that no other group has", made)
    return made
