"""Links that a message carries: signed, each for one purpose and one message, and valid for a while.

A token is 30 bytes, written as 40 characters of base64 for URLs (RFC 4648, section 5), none of which is to spare:

===== ========= ======================================================================================
bytes what      how it is made
===== ========= ======================================================================================
1     key       the first of HMAC(key, "id"): which key to try, after a rotation
3     until     when it expires: hours since 2020 began in UTC, most significant byte first
10    reference HMAC(naming key, message id): 80 bits by which the program finds the message
16    signature HMAC(signing key, purpose, 0, the 14 bytes before): 128 bits
===== ========= ======================================================================================

HMAC is HMAC-SHA-256, cut to its first bytes. The naming key and the signing key are HMAC(key, "naming") and HMAC(key,
"signing"), so that neither says anything of the other. A forger who may try a million tokens a second needs 5 x 10^24
years for an even chance of one. The reference says nothing of the message to whoever has no key, and so neither of the
person: ids of contacts are often addresses, and links are forwarded, logged and scanned. Of 10^9 messages two have one
reference with a probability of 4 x 10^-7.

References
----------
Krawczyk, H., Bellare, M. and Canetti, R. (1997). HMAC: Keyed-hashing for message authentication. RFC 2104, section 5
(truncation).
"""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, TypeAlias, get_args

import attrs

from netpromoter._checks import is_host, one_of, refusal
from netpromoter.errors import InvalidArgument, InvalidToken
from netpromoter.model import instant, span

__all__ = ["LinkPurpose", "Links", "Reference"]

#: What a link is for. A token for one is refused for the others.
LinkPurpose: TypeAlias = Literal["answer", "unsubscribe", "view"]

_PURPOSES: tuple[LinkPurpose, ...] = get_args(LinkPurpose)
_SIGNED = {purpose: purpose.encode() + b"\x00" for purpose in _PURPOSES}
_BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_HOURS = 1 << 24
_TOKEN = re.compile(r"[A-Za-z0-9_-]{40}")
_URL = re.compile(
    r"(?:https://(?:\[(?P<literal>[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)\]|(?P<name>[\w.-]+))|http://(?:localhost|127\.0\.0\.1|\[::1\]))"
    r"(?::(?P<port>\d{1,5}))?(?:/[\w.~%/-]*)?",
    re.ASCII,
)
_PORTS = range(1, 1 << 16)
_SECRET = 16


@attrs.frozen(kw_only=True)
class Reference:
    """What a valid token says.

    Parameters
    ----------
    value : str
        Which message it is about: one of `Links.references` of its id. 20 hexadecimal digits.
    purpose : {"answer", "unsubscribe", "view"}
        What the link is for.
    until : datetime
        When the token expires, in UTC.
    """

    value: str
    purpose: LinkPurpose
    until: datetime


@attrs.frozen
class _Key:
    """What is derived from one secret, so that no two uses share a key."""

    id: bytes
    naming: bytes
    signing: bytes

    @classmethod
    def of(cls, secret: bytes) -> _Key:
        return cls(_hash(secret, b"id")[:1], _hash(secret, b"naming"), _hash(secret, b"signing"))

    def reference(self, message_id: bytes) -> bytes:
        return _hash(self.naming, message_id)[:10]

    def signature(self, purpose: LinkPurpose, body: bytes) -> bytes:
        return _hash(self.signing, _SIGNED[purpose] + body)[:16]


def _hash(key: bytes, message: bytes) -> bytes:
    started = _started(key).copy()
    started.update(message)
    return started.digest()


@lru_cache(maxsize=64)
def _started(key: bytes) -> hmac.HMAC:
    """Give an HMAC that has its key: to copy it is faster than `hmac.digest`, which lets other threads in each time."""
    return hmac.new(key, digestmod="sha256")


def _keys(value: Any) -> tuple[bytes, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str | bytes) or not value:
        got = f"a value of type {type(value).__name__}" if value else "nothing"
        message = f"keys must be a list of one or more secrets, the newest first (got {got})"
        raise InvalidArgument(message)
    return tuple(_secret(f"keys[{place}]", each) for place, each in enumerate(value))


def _secret(name: str, value: Any) -> bytes:
    """Settle a secret; a refusal does not show it."""
    held = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
    if isinstance(held, bytes) and len(held) >= _SECRET:
        return held
    got = f"{len(held)} bytes" if isinstance(held, bytes) else f"a value of type {type(value).__name__}"
    message = f"{name} must be text or bytes, of at least {_SECRET} bytes that nobody can guess (got {got})"
    raise InvalidArgument(message)


def _url(value: Any) -> str:
    found = _URL.fullmatch(value) if isinstance(value, str) else None
    if found and _leads_somewhere(**found.groupdict()):
        return found[0].rstrip("/")
    raise refusal("url", "an https URL without query or fragment (or http on localhost)", value)


def _leads_somewhere(name: str | None, literal: str | None, port: str | None) -> bool:
    """Say whether host and port can be ones: a link that is sent cannot be mended."""
    host = literal if name is None else name
    return (host is None or is_host(host)) and (port is None or int(port) in _PORTS)


def _lifetime(value: Any) -> timedelta:
    span("lifetime", value, least=_HOUR)
    lifetime: timedelta = value
    return lifetime


@attrs.frozen
class Links:
    """Makes the links of messages, and reads them when somebody follows one.

    Parameters
    ----------
    url : str
        Where the pages for respondents are: https, or http on localhost. Links are ``url/answer/TOKEN``,
        ``url/unsubscribe/TOKEN`` and ``url/view/TOKEN``.
    keys : sequence of str or bytes
        The secrets, each of at least 16 bytes that nobody can guess. The first one signs; links that another one has
        signed stay valid. To rotate, put a new one in front, and drop the old one when its last link has expired.
        Never shown.
    lifetime : timedelta, default 90 days
        How long a link is valid, at least an hour; it expires at the next full hour. In some countries the law says
        how long people must be able to unsubscribe by a message: 30 days in the United States.

    Raises
    ------
    InvalidArgument
        If a parameter breaks its rule; a refused key is not shown.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> links = Links("https://nps.example.com", keys=["a secret that nobody can guess"])
    >>> at = datetime(2026, 6, 1, 8, tzinfo=UTC)
    >>> token = links.token("relationship/autumn/c-1/0/0", "answer", at=at)
    >>> links.url_of(token, "answer", rating=9).replace(token, "...")
    'https://nps.example.com/answer/...?rating=9'
    >>> found = links.read(token, "answer", at=at)
    >>> found.value == links.reference("relationship/autumn/c-1/0/0")
    True
    >>> try:
    ...     links.read(token, "unsubscribe", at=at)
    ... except InvalidToken as error:
    ...     print(error.reason)
    other purpose
    """

    url: str = attrs.field(converter=_url)
    keys: Sequence[str | bytes] = attrs.field(converter=_keys, kw_only=True, repr=False)
    lifetime: timedelta = attrs.field(default=timedelta(days=90), converter=_lifetime, kw_only=True)
    _derived: tuple[_Key, ...] = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        secrets: Any = self.keys
        object.__setattr__(self, "_derived", tuple(map(_Key.of, secrets)))

    def answer(self, message_id: str, rating: int | None = None, *, at: datetime) -> str:
        """Make the link by which a message is answered.

        Parameters
        ----------
        message_id : str
            The id of the message.
        rating : int, optional
            The answer that the link gives, from 0 to 10; None to ask for it. It is a parameter of the URL and not
            signed: whoever may answer may give any answer.
        at : datetime
            When it is made, with a time zone.

        Returns
        -------
        str
            The URL.
        """
        return self.url_of(self.token(message_id, "answer", at=at), "answer", rating=rating)

    def ratings(self, message_id: str, *, at: datetime) -> tuple[str, ...]:
        """Make the eleven links that give the answers 0 to 10, in this order."""
        token = self.token(message_id, "answer", at=at)
        return tuple(self.url_of(token, "answer", rating=rating) for rating in range(11))

    def unsubscribe(self, message_id: str, *, at: datetime) -> str:
        """Make the link by which the person of a message wants no more."""
        return self.url_of(self.token(message_id, "unsubscribe", at=at), "unsubscribe")

    def view(self, message_id: str, *, at: datetime) -> str:
        """Make the link by which a message is read in a browser."""
        return self.url_of(self.token(message_id, "view", at=at), "view")

    def url_of(self, token: str, purpose: LinkPurpose, *, rating: int | None = None) -> str:
        """Write the URL of a token."""
        query = "" if rating is None else f"?rating={_rating(rating)}"
        return f"{self.url}/{purpose}/{token}{query}"

    def token(self, message_id: str, purpose: LinkPurpose, *, at: datetime) -> str:
        """Sign a token.

        Parameters
        ----------
        message_id : str
            The id of the message.
        purpose : {"answer", "unsubscribe", "view"}
            What it is for.
        at : datetime
            When it is made, with a time zone.

        Returns
        -------
        str
            40 letters, digits, hyphens and underscores.

        Raises
        ------
        InvalidArgument
            If an argument breaks its rule, or the token would expire before 2020 or after 3933.
        """
        key = self._derived[0]
        body = key.id + self._until(at) + key.reference(_id(message_id))
        signature = key.signature(one_of("purpose", purpose, _PURPOSES), body)
        return urlsafe_b64encode(body + signature).decode()

    def reference(self, message_id: str) -> str:
        """Name a message as the links do that are made for it now; a store may keep it beside the message.

        Returns
        -------
        str
            20 hexadecimal digits, that say nothing to whoever has no key.
        """
        return self._derived[0].reference(_id(message_id)).hex()

    def references(self, message_id: str) -> tuple[str, ...]:
        """Name a message as links do that each of the keys has signed, the newest first.

        An index from all of these to the id finds the message of every valid link.
        """
        return tuple(key.reference(_id(message_id)).hex() for key in self._derived)

    def read(self, token: str, purpose: LinkPurpose, *, at: datetime) -> Reference:
        """Read the token of a link that somebody followed.

        Parameters
        ----------
        token : str
            As it stands in the link.
        purpose : {"answer", "unsubscribe", "view"}
            What the link was followed for.
        at : datetime
            When, with a time zone.

        Returns
        -------
        Reference
            Which message it is about.

        Raises
        ------
        InvalidToken
            If the token is not one that was made for this purpose with one of the keys, or has expired.
        """
        one_of("purpose", purpose, _PURPOSES)
        instant("at", at)
        body, signature = _split(token)
        self._verify(purpose, body, signature)
        until = _BEGINNING + int.from_bytes(body[1:4]) * _HOUR
        if at >= until:
            raise InvalidToken("expired")
        return Reference(value=body[4:].hex(), purpose=purpose, until=until)

    def _until(self, at: datetime) -> bytes:
        """Say when a token expires: at the end of its lifetime, rounded up to the hour."""
        instant("at", at)
        hours = -((_BEGINNING - at - self.lifetime) // _HOUR)
        if not 0 <= hours < _HOURS:
            raise refusal("at", "from 2020 to 3933, with the lifetime added", at)
        return hours.to_bytes(3)

    def _verify(self, purpose: LinkPurpose, body: bytes, signature: bytes) -> None:
        named = [key for key in self._derived if key.id == body[:1]]
        if any(_signed(key, purpose, body, signature) for key in named):
            return
        others = [each for each in _PURPOSES if each != purpose]
        if any(_signed(key, each, body, signature) for key in named for each in others):
            raise InvalidToken("other purpose")
        raise InvalidToken("wrong signature" if named else "unknown key")


def _signed(key: _Key, purpose: LinkPurpose, body: bytes, signature: bytes) -> bool:
    return hmac.compare_digest(key.signature(purpose, body), signature)


def _split(token: Any) -> tuple[bytes, bytes]:
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise InvalidToken("malformed")
    raw = urlsafe_b64decode(token)
    return raw[:14], raw[14:]


def _id(value: Any) -> bytes:
    if isinstance(value, str) and value.strip():
        return value.encode("utf-8", "surrogatepass")
    raise refusal("message_id", "text that is not blank", value)


def _rating(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10:
        return value
    raise refusal("rating", "a whole number from 0 to 10", value)
