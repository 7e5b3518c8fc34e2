"""What answers have been seen to have, which tells a policy that is wrong from one answer that is odd."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from netpromoter.model import Value

__all__ = ["Known"]


class Known:
    """The names of what answers can have, each with a value of every type that some answer has."""

    def __init__(self, known: Collection[str] | Mapping[str, Collection[Value]] = ()) -> None:
        self._found: dict[str, dict[type, Value]] = {name: {} for name in known}
        for name, values in known.items() if isinstance(known, Mapping) else ():
            for value in values:
                self.add({name: value})

    def add(self, values: Mapping[str, Value]) -> None:
        """Note what an answer has."""
        for name, value in values.items():
            found = self._found.setdefault(name, {})
            if value is not None and str(value).strip():
                found.setdefault(type(value), value)

    @property
    def values(self) -> dict[str, tuple[Value, ...]]:
        """The values that were found, by name."""
        return {name: tuple(found.values()) for name, found in self._found.items()}
