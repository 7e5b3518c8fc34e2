"""Contacts as columns: a million people are a dozen arrays."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from typing import Any

import attrs
import numpy as np
import numpy.typing as npt

from netpromoter._checks import hash_key, refusal, shown
from netpromoter.errors import InvalidArgument

from ._columns import Column, column
from ._contact import Contact
from ._instants import NEVER, Instants, aware

__all__ = ["Contacts", "fingerprint"]

_Texts = npt.NDArray[np.object_]
_Words = npt.NDArray[np.uint64]
_NOT_DIALED = re.compile(r"[\s().\-/]")


def fingerprint(address: str, key: bytes = b"") -> int:
    """Turn an address into the 64 bits by which clocks know it; two spellings of one mailbox give the same.

    Letter case, surrounding blanks and, in a telephone number, the signs between digits are set aside.

    Parameters
    ----------
    address : str
        A mail address, a telephone number or whatever a channel writes to.
    key : bytes, default b""
        A secret of at most 64 bytes, so that nobody who holds a log can test addresses against it.

    Returns
    -------
    int
        From 1 to 2**64 - 1; 0 stands for an unknown destination.

    Raises
    ------
    InvalidArgument
        If the address is no text, or the key not at most 64 bytes; neither is shown.

    Examples
    --------
    >>> fingerprint("Ann@Example.com ") == fingerprint("ann@example.com")
    True
    >>> fingerprint("+1 (555) 0100") == fingerprint("+15550100")
    True
    >>> fingerprint("ann@example.com", key=b"secret") == fingerprint("ann@example.com")
    False
    """
    if not isinstance(address, str):
        raise InvalidArgument(f"address must be text (got a value of type {type(address).__name__})")
    return _fingerprint(address, hash_key(key))


def _fingerprint(address: str, key: bytes) -> int:
    plain = _ascii_domain(address.strip().casefold())
    digits = _NOT_DIALED.sub("", plain)
    known = digits if digits.lstrip("+").isdigit() else plain
    digest = blake2b(known.encode("utf-8", "surrogatepass"), digest_size=8, key=key).digest()
    return int.from_bytes(digest, "little") or 1


def _ascii_domain(address: str) -> str:
    """Write the domain of a mail address as the network does (RFC 3490), however it was typed."""
    name, at, domain = address.rpartition("@")
    if address.isascii() or not at:
        return address
    try:
        return f"{name}@{domain.encode('idna').decode()}"
    except UnicodeError:
        return address


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Contacts:
    """Everybody whom a plan may consider, one column per fact; `netpromoter.frames.contacts` reads them from anywhere.

    Parameters
    ----------
    ids : array of str, shape (n,)
        Who they are; no two are the same.
    addresses : mapping of str to array of str, shape (n,)
        The addresses of each channel; None where there is none.
    locale, time_zone, account : Column of text, shape (n,)
        What is known of each person.
    since : array of datetime64[us], shape (n,)
        When the relationship began, in UTC; NaT where that is not known.
    attributes : mapping of str to Column
        Everything else, for conditions.
    key : bytes
        The key of the fingerprints of addresses.

    Examples
    --------
    >>> people = Contacts.of([Contact(id="c-1", addresses={"email": "ann@example.com"}, attributes={"plan": "paid"})])
    >>> people
    Contacts(1 person; email; plan)
    >>> people["c-1"].attributes
    {'plan': 'paid'}
    """

    ids: _Texts
    addresses: Mapping[str, _Texts]
    locale: Column
    time_zone: Column
    account: Column
    since: Instants
    attributes: Mapping[str, Column]
    key: bytes = b""

    @classmethod
    def of(cls, people: Iterable[Contact], *, key: bytes = b"") -> Contacts:
        """Make columns of single contacts.

        Parameters
        ----------
        people : iterable of Contact
            In any order, which is kept.
        key : bytes, default b""
            The key of the fingerprints of addresses.

        Returns
        -------
        Contacts

        Raises
        ------
        InvalidArgument
            If two have one id, or if an attribute is of one kind here and of another there.
        """
        given: Any = people
        if not isinstance(given, Iterable):
            raise refusal("people", "several contacts", given)
        held = list(people)
        for position, person in enumerate(held):
            if not isinstance(person, Contact):
                raise refusal("contacts", f"made of contacts (position {position})", person)
        names = dict.fromkeys(name for person in held for name in person.attributes)
        channels = dict.fromkeys(channel for person in held for channel in person.addresses)
        return cls(
            ids=_texts([person.id for person in held]),
            addresses={channel: _texts([person.addresses.get(channel) for person in held]) for channel in channels},
            locale=column("locale", [person.locale for person in held]),
            time_zone=column("time_zone", [person.time_zone for person in held]),
            account=column("account", [person.account for person in held]),
            since=_since([person.since for person in held]),
            attributes={name: column(name, [person.attributes.get(name) for person in held]) for name in names},
            key=key,
        )

    def __attrs_post_init__(self) -> None:
        hash_key(self.key)
        for name, held in self._parts():
            if len(held) != len(self.ids):
                raise refusal(name, f"as long as ids ({len(self.ids):,})", len(held))
        if set(map(type, self.ids)) - {str}:
            raise refusal("ids", "made of text", next(each for each in self.ids if type(each) is not str))
        if len(self.index) < len(self.ids):
            raise _repeated(self.ids)

    def _parts(self) -> Iterator[tuple[str, Column | Instants | _Texts]]:
        yield from (("locale", self.locale), ("time_zone", self.time_zone), ("account", self.account))
        yield "since", self.since
        yield from ((f"addresses[{name!r}]", texts) for name, texts in self.addresses.items())
        yield from ((f"attributes[{name!r}]", held) for name, held in self.attributes.items())

    def __len__(self) -> int:
        """Return how many they are."""
        return len(self.ids)

    def __iter__(self) -> Iterator[Contact]:
        return map(self.at, range(len(self)))

    def __contains__(self, contact: object) -> bool:
        return contact in self.index

    def __getitem__(self, contact: str) -> Contact:
        """Return one person by id."""
        return self.at(self.position(contact))

    def __repr__(self) -> str:
        people = "1 person" if len(self) == 1 else f"{len(self):,} people"
        parts = (people, ", ".join(self.addresses), ", ".join(self.attributes))
        return f"Contacts({'; '.join(filter(None, parts))})"

    def position(self, contact: str) -> int:
        """Return where a person stands, by id, or refuse an id that nobody has."""
        found = self.index.get(contact)
        if found is None:
            raise refusal("contact", f"the id of one of the {len(self):,} contacts, as text", contact)
        return found

    def at(self, position: int) -> Contact:
        """Return the person at a position; what is missing is left out of the attributes."""
        return Contact(
            id=self.ids[position],
            addresses={name: texts[position] for name, texts in self.addresses.items() if _is_there(texts[position])},
            **{name: getattr(self, name)[position] for name in ("locale", "time_zone", "account")},
            since=aware(self.since[position]),
            attributes={name: each[position] for name, each in self.attributes.items() if not each.missing[position]},
        )

    def take(self, positions: npt.NDArray[np.integer[Any]]) -> Contacts:
        """Return the people at some positions, in that order."""
        return Contacts(
            ids=self.ids[positions],
            addresses={name: texts[positions] for name, texts in self.addresses.items()},
            locale=self.locale.take(positions),
            time_zone=self.time_zone.take(positions),
            account=self.account.take(positions),
            since=self.since[positions],
            attributes={name: each.take(positions) for name, each in self.attributes.items()},
            key=self.key,
        )

    @cached_property
    def columns(self) -> Mapping[str, Column]:
        """What a condition can ask for: the attributes, and locale, time_zone, account and since."""
        since = Column(kind="instant", values=self.since, missing=np.isnat(self.since))
        own = {"locale": self.locale, "time_zone": self.time_zone, "account": self.account, "since": since}
        return own | dict(self.attributes)

    @cached_property
    def index(self) -> Mapping[str, int]:
        """The position of each id."""
        return dict(zip(self.ids.tolist(), range(len(self.ids)), strict=True))

    @cached_property
    def digests(self) -> _Words:
        """128 bits of every id, shape (n, 2): what all draws are made from."""
        data = b"".join(blake2b(each.encode("utf-8", "surrogatepass"), digest_size=16).digest() for each in self.ids)
        return np.frombuffer(data, "<u8").astype(np.uint64, copy=False).reshape(-1, 2)

    @cached_property
    def fingerprints(self) -> Mapping[str, _Words]:
        """The fingerprints of the addresses of each channel, shape (n,); 0 where there is none."""
        return {name: self._fingerprints(texts) for name, texts in self.addresses.items()}

    @cached_property
    def destinations(self) -> _Words:
        """Every fingerprint that is held, in rising order, once for each contact that holds it."""
        columns = list(self.fingerprints.values())
        kept = [each[~_held_before(each, columns[:place])] for place, each in enumerate(columns)]
        found: _Words = np.sort(np.concatenate([np.empty(0, np.uint64), *kept]))
        return found[np.searchsorted(found, np.uint64(1)) :]

    def _fingerprints(self, texts: _Texts) -> _Words:
        key = self.key
        values = (_fingerprint(text, key) if _is_there(text) else 0 for text in texts)
        return np.fromiter(values, np.uint64, len(texts))


def _held_before(fingerprints: _Words, columns: Sequence[_Words]) -> npt.NDArray[np.bool_]:
    """Say who holds the same destination on an earlier channel."""
    held = np.zeros(len(fingerprints), np.bool_)
    for before in columns:
        held |= fingerprints == before
    return held


def _repeated(ids: _Texts) -> InvalidArgument:
    """Word the refusal of ids that come twice."""
    first: dict[str, int] = {}
    twice = [place for place, each in enumerate(ids) if first.setdefault(each, place) < place]
    got = f"{shown(ids[twice[0]])} again at position {twice[0]:,}; {len(twice):,} such in all"
    return InvalidArgument(f"ids must be different from one another (got {got})")


def _is_there(address: str | None) -> bool:
    return address is not None and bool(address.strip())


def _texts(values: list[str | None] | list[str]) -> _Texts:
    texts = np.empty(len(values), object)
    texts[:] = values
    return texts


def _since(values: list[Any]) -> Instants:
    held = column("since", values)
    return held.values if held.kind == "instant" else np.full(len(values), NEVER)
