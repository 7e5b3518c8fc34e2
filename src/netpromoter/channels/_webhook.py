"""Messages as JSON, posted to a service."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import SplitResult, urlsplit

import attrs
from attrs.validators import optional

from netpromoter._checks import checked, is_host, refusal, spoken
from netpromoter.errors import ChannelDown, InvalidArgument, Uncertain
from netpromoter.model import Message, Receipt, instant

from ._deadline import deadline
from ._fields import flag, timeout, trust
from ._mail import digest
from ._refused import Refused
from ._tls import nothing_left_open

if TYPE_CHECKING:
    import http.client
    import ssl

__all__ = ["WebhookChannel"]

_FIELDS = (
    *("id", "survey", "kind", "revision", "occasion", "contact", "step", "attempt", "channel", "to", "locale"),
    *("time_zone", "template", "arm", "subject", "text", "html"),
)
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_URL = re.compile(r"https?://[!-\"$-?A-~]+")
_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_OURS = frozenset(
    {"host", "content-type", "content-length", "transfer-encoding", "connection", "idempotency-key"}
    | {"webhook-id", "webhook-timestamp", "webhook-signature"}
)
#: What is not acted upon by whoever answers so (RFC 9110, 6585 and 8470); of other errors of a server nobody knows.
_TRY_AGAIN = frozenset({408, 413, 425, 429, 501, 503, 505})
_OURSELVES = frozenset({401, 402, 403, 404, 405, 406, 407, 411, 415, 421, 426, 431})
_GONE = 410
_SECONDS = re.compile(r"0*([0-9]+)")
_LONGEST_WAIT = timedelta(days=7)
_DIGITS = 7  # whatever has more is longer than that, also when it is cut
_SECRET = re.compile(r"whsec_[A-Za-z0-9+/]+={0,2}")


def _parts(url: Any) -> SplitResult:
    """Take a URL apart that one can post to; a wrong one is not shown, since it may hold a token."""
    try:
        found = urlsplit(url) if isinstance(url, str) and _URL.fullmatch(url) else None
        if found is not None and found.port != 0 and is_host(found.hostname or ""):
            return found
    except ValueError:
        pass
    raise InvalidArgument(
        'url must be like "https://example.com/hook", without a name and a password (it is not shown)'
    )


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _url(_: str, value: Any) -> None:
    _parts(value)


def _headers(name: str, value: Any) -> None:
    if not isinstance(value, Mapping):
        raise InvalidArgument(f"{name} must be a mapping (got a value of type {type(value).__name__})")
    for key, held in value.items():
        if not isinstance(key, str) or not _NAME.fullmatch(key) or key.lower() in _OURS:
            raise refusal(f"each key of {name}", "the name of a header that the channel does not write itself", key)
        if not isinstance(held, str) or not _VALUE.fullmatch(held):
            raise InvalidArgument(f"{name}[{key!r}] must be one line of printable ASCII (it is not shown)")


def _secret(name: str, value: Any) -> None:
    if not isinstance(value, str) or not _SECRET.fullmatch(value) or not 24 <= len(_key(value)) <= 64:
        raise InvalidArgument(f"{name} must be whsec_ and 24 to 64 bytes in base64 (it is not shown)")


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix("whsec_"))
    except binascii.Error:
        return b""


def _clock(name: str, value: Any) -> None:
    if not callable(value):
        raise refusal(name, "a callable that gives an aware datetime", value)


def signature(secret: str, name: str, seconds: int, body: bytes) -> str:
    """Sign a body as Standard Webhooks 1.0 has it."""
    signed = hmac.digest(_key(secret), f"{name}.{seconds}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(signed).decode()


@attrs.frozen
class WebhookChannel:
    """Posts every message as JSON to one URL; the service behind it carries it on.

    The body has a `type` ("message.send"), a `timestamp` (when the message was due) and `data`: the id of the message,
    the address, the words, the headers, and which survey it is about. The id is also the Idempotency-Key: a service
    that is given it twice must carry it once. No redirection is followed, and no proxy is used.

    ========================  ==================================================================================
    answer                    what it means
    ========================  ==================================================================================
    2xx                       accepted
    408, 413, 425, 429, 503   refused for now, as by 501 and 505; Retry-After is heeded, up to a week
    410                       refused for ever: this address is gone
    400, 422, other 4xx       this message is refused, and its address is not to blame
    401 to 407, 411, 415 ...  the channel is down: it is set up wrongly, and no message would pass
    3xx                       the channel is down: the URL has moved
    1xx, other 5xx, or none   uncertain: nobody knows what the service has done, or will do
    ========================  ==================================================================================

    Parameters
    ----------
    url : str
        Where to post: https, or http to this machine. Never shown.
    secret : str, optional
        With which to sign, as Standard Webhooks has it: ``whsec_`` and base64. Never shown.
    headers : mapping of str to str, default {}
        What to send along, such as Authorization. Never shown.
    timeout : timedelta, default 30 seconds
        How long the service may be silent, and how long an answer may take that comes in pieces.
    clock : callable, optional
        Gives an aware datetime. A signature needs it; without it a Retry-After that is a date is not heeded.
    context : ssl.SSLContext, optional
        Which certificates are trusted; None for those that the system trusts.
    insecure : bool, default False
        Whether http may leave this machine.

    Raises
    ------
    InvalidArgument
        If an argument breaks its rule.

    Examples
    --------
    >>> WebhookChannel("https://example.com/hook", headers={"Authorization": "Bearer 123"})
    WebhookChannel(timeout=datetime.timedelta(seconds=30), insecure=False)
    """

    idempotent: ClassVar[bool] = True

    url: str = attrs.field(repr=False, validator=checked(_url))
    secret: str | None = attrs.field(default=None, kw_only=True, repr=False, validator=optional(checked(_secret)))
    headers: Mapping[str, str] = attrs.field(
        factory=dict, kw_only=True, repr=False, hash=False, validator=checked(_headers)
    )
    timeout: timedelta = attrs.field(default=timedelta(seconds=30), kw_only=True, validator=timeout)
    clock: Callable[[], datetime] | None = attrs.field(
        default=None, kw_only=True, repr=False, validator=optional(checked(_clock))
    )
    context: ssl.SSLContext | None = attrs.field(default=None, kw_only=True, repr=False, validator=optional(trust))
    insecure: bool = attrs.field(default=False, kw_only=True, validator=flag)

    def __attrs_post_init__(self) -> None:
        parts = _parts(self.url)
        if parts.scheme == "http" and not self.insecure and not _loopback(str(parts.hostname)):
            raise InvalidArgument("url must begin with https:// unless insecure=True (got http://)")
        if self.secret is not None and self.clock is None:
            raise refusal("clock", "a callable that gives an aware datetime where there is a secret", None)

    def send(self, message: Message, /) -> Receipt:
        """Post one message.

        Parameters
        ----------
        message : Message
            With its words.

        Returns
        -------
        Receipt
            The reference is what identifies the message to the service, the header webhook-id.

        Raises
        ------
        ChannelDown
            If the service cannot be reached, or would take no message; nothing was sent.
        Uncertain
            If the connection was lost before the answer.
        """
        name = f"msg_{digest(message.id)}"
        try:
            self._heed(*self._posted(_body(message), self._head(message, name)))
        except Refused as refused:
            return refused.receipt(message)
        return Receipt.sent(message, name)

    def _head(self, message: Message, name: str) -> dict[str, str]:
        return {**self.headers, "Content-Type": "application/json", "Idempotency-Key": message.id, "webhook-id": name}

    def _signed(self, body: bytes, head: dict[str, str]) -> dict[str, str]:
        if self.secret is None or self.clock is None:
            return head
        seconds = int(_at(self.clock).timestamp())
        signed = signature(self.secret, head["webhook-id"], seconds, body)
        return {**head, "webhook-timestamp": str(seconds), "webhook-signature": signed}

    def _posted(self, body: bytes, head: dict[str, str]) -> tuple[int, str, str | None]:
        """Give status, reason and Retry-After of the answer."""
        import http.client

        line = self._line()
        try:
            signed = self._signed(body, head)
            self._connect(line)
            with deadline(line.sock, self.timeout.total_seconds()) as limit:
                limit.start()
                line.request("POST", self._target(), body, signed)
                answer = line.getresponse()
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, ChannelDown):
                raise
            raise Uncertain(f"the service may have taken the message: {_told(error)}") from error
        finally:
            line.close()
        return answer.status, answer.reason, answer.getheader("Retry-After")

    def _line(self) -> http.client.HTTPConnection:
        import http.client

        parts = _parts(self.url)
        seconds = self.timeout.total_seconds()
        host = str(parts.hostname)
        if parts.scheme == "http":
            return http.client.HTTPConnection(host, parts.port, timeout=seconds)
        return http.client.HTTPSConnection(host, parts.port, timeout=seconds, context=self.context or _trust())

    def _connect(self, line: http.client.HTTPConnection) -> None:
        try:
            with nothing_left_open():
                line.connect()
        except (OSError, UnicodeError) as error:
            raise ChannelDown(f"the service cannot be reached: {_told(error)}") from error

    def _target(self) -> str:
        parts = _parts(self.url)
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def _heed(self, status: int, reason: str, wait: str | None) -> None:
        said = spoken(f"{status} {reason}")
        if 200 <= status < 300:
            return
        if status < 200:  # another answer follows, which is not read
            raise Uncertain(f"the service may have taken the message: {said}")
        if status in _TRY_AGAIN:
            raise Refused(said, retry_after=self._wait(wait))
        if status >= 500:
            raise Uncertain(f"the service may have taken the message: {said}")
        if status < 400 or status in _OURSELVES:
            raise ChannelDown(f"the service takes no message: {said}")
        raise Refused(said, permanent=status == _GONE)

    def _wait(self, text: str | None) -> timedelta | None:
        """Read Retry-After (RFC 9110): seconds, or a date."""
        if text is None:
            return None
        if seconds := _SECONDS.fullmatch(text.strip()):
            return min(timedelta(seconds=int(seconds[1][:_DIGITS])), _LONGEST_WAIT)
        try:
            until = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        if self.clock is None:
            return None
        wait = until.replace(tzinfo=until.tzinfo or UTC) - _at(self.clock)
        return min(max(wait, timedelta(0)), _LONGEST_WAIT)


@cache
def _trust() -> ssl.SSLContext:
    """Trust whom the system trusts, and nobody else: the default of http.client can be changed for all."""
    import ssl

    return ssl.create_default_context()


def _at(clock: Callable[[], datetime]) -> datetime:
    found = clock()
    instant("clock()", found)
    return found


def _told(error: Exception) -> str:
    return spoken(str(error) or type(error).__name__)


def _body(message: Message) -> bytes:
    if message.text is None and message.html is None:
        raise Refused("the message has neither text nor HTML")
    data = {name: getattr(message, name) for name in _FIELDS}
    data["headers"] = dict(message.headers)
    body = {"type": "message.send", "timestamp": message.due.isoformat(), "data": data}
    return json.dumps(body, separators=(",", ":")).encode()
