"""Addresses of mail: what may stand in an envelope and a head, and nothing else."""

from __future__ import annotations

import re
from email.utils import formataddr

import attrs

from netpromoter._checks import refusal

from ._encoded import encoded
from ._refused import Refused

__all__ = ["Address", "address", "sender"]

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-\x80-\U0010ffff]{1,64}")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NAMED = re.compile(r"(?P<name>[^<>]*)<(?P<spec>[^<>]*)>")
# Python knows IDNA of 2003 alone, which writes these as other letters: a mail would go to another domain.
_DEVIANT = re.compile("[\xdf\u1e9e\u03c2\u200c\u200d]")
_LONGEST = 254


@attrs.frozen
class Address:
    """One address, with its domain as the name service knows it."""

    local: str = attrs.field(repr=False)
    domain: str = attrs.field(repr=False)
    name: str = attrs.field(default="", repr=False)

    @property
    def spec(self) -> str:
        """The address alone."""
        return f"{self.local}@{self.domain}"

    @property
    def international(self) -> bool:
        """Whether it needs a server that speaks UTF-8 (RFC 6531)."""
        return not self.local.isascii()

    @property
    def field(self) -> str:
        """The address as a field of a head."""
        if self.name.isascii():
            return formataddr((self.name, self.spec)) if self.name else self.spec
        return f"{encoded(self.name)} <{self.spec}>"


def address(text: str) -> Address:
    """Read the address of a person; what is none will never be one."""
    local, _, domain = text.rpartition("@")
    known = _domain(domain)
    if known is None or not _LOCAL.fullmatch(local) or not local.isprintable() or len(local) + len(known) >= _LONGEST:
        raise Refused("the address is not one that mail can be sent to", permanent=True)
    return Address(local, known)


def _domain(text: str) -> str | None:
    """Write a domain in ASCII, if it is one."""
    try:
        known = text if text.isascii() else text.encode("idna").decode()
    except UnicodeError:
        return None
    return known if _DOMAIN.fullmatch(known) and not _DEVIANT.search(text) else None


def sender(text: str) -> Address:
    """Read the address of a sender, with or without a name before it."""
    try:
        named = _NAMED.fullmatch(text.strip())
        found = address(named["spec"] if named else text)
        name = named["name"].strip().strip('"') if named else ""
    except (Refused, AttributeError, TypeError):
        name, found = "\n", None
    if found is None or not name.isprintable():
        raise refusal("sender", 'an address such as "care@example.com" or "Acme <care@example.com>"', text) from None
    return attrs.evolve(found, name=name)
