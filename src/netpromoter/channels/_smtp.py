"""Mail by SMTP (RFC 5321)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

import attrs
from attrs.validators import optional

from netpromoter._checks import checked, count, one_of, refusal
from netpromoter.errors import ChannelDown, InvalidArgument, Uncertain
from netpromoter.model import Message, Receipt

from ._address import Address
from ._address import sender as read_sender
from ._fields import greeting, host, secret, trust
from ._fields import timeout as patience
from ._mail import Letter, letter
from ._refused import Refused

if TYPE_CHECKING:
    import ssl

    from ._session import Session

__all__ = ["Security", "SmtpChannel"]

#: How the connection is kept secret: STARTTLS (port 587), TLS from the first byte (port 465), or not at all (port 25).
Security = Literal["starttls", "tls", "none"]

_SECURITIES = ("starttls", "tls", "none")
_PORTS = 1 << 16


def _port(name: str, value: Any) -> None:
    if not 0 < count(name, value) < _PORTS:
        raise refusal(name, f"a whole number from 1 to {_PORTS - 1}", value)


def _security(name: str, value: Any) -> None:
    one_of(name, value, _SECURITIES)


@attrs.define(eq=False)
class _Line:
    """The connection of a channel, while there is one."""

    session: Session | None = None
    held: bool = False
    context: ssl.SSLContext | None = None

    def drop(self) -> None:
        """Hang up without a word."""
        if self.session is not None:
            self.session.close()
        self.session = None

    def leave(self) -> None:
        """Take leave, and hang up."""
        if self.session is not None:
            self.session.leave()
        self.session = None


@attrs.frozen(eq=False)
class SmtpChannel:
    """Hands mail to a server, the relay of a provider or one's own.

    As a context manager it keeps one connection for a batch; without, it makes one for each message. A connection that
    the server has closed in between is made again. What each answer of a server means stands in the explanation of
    failures.

    The mail has the text, the HTML or both as alternatives, the headers of the message, its `due` as Date, and a
    Message-ID that is the same whenever the message is sent. It says that it was sent by a machine (Auto-Submitted, RFC
    3834), so that nobody's absence answers it. Control characters in a subject, a header or an address are refused.

    Parameters
    ----------
    host : str
        The name of the server, or its address.
    port : int, default 587
        Its port. TLS from the first byte is usually at 465.
    security : `Security`, default "starttls"
        How the connection is kept secret. There is no falling back: a server without STARTTLS, or with a certificate
        that is not its own, is not spoken to.
    sender : str
        Whom the mails are from: an address, or a name and an address in angle brackets.
    username, password : str, optional
        To log in with, never without TLS. Never shown.
    timeout : timedelta, default 30 seconds
        How long the server may be silent, and how long an answer may take that comes in pieces.
    final_timeout : timedelta, default 10 minutes
        How long the server may be silent once it has the whole mail, in place of `timeout`: it may scan the mail before
        it answers, and RFC 5321 (4.5.3.2.6) asks for ten minutes. Without the answer the message is uncertain. It must
        be shorter than the lease of the program, which is 15 minutes unless given.
    context : ssl.SSLContext, optional
        Which certificates are trusted; None for those that the system trusts.
    ehlo : str, optional
        By which name to greet the server; None for the address of this end of the connection.

    Raises
    ------
    InvalidArgument
        If an argument breaks its rule, or a password would be sent in the clear.

    Examples
    --------
    >>> SmtpChannel("smtp.example.com", sender="Acme <care@example.com>", username="acme", password="secret")
    SmtpChannel(host='smtp.example.com', port=587, security='starttls', ...)
    """

    host: str = attrs.field(validator=host)
    port: int = attrs.field(default=587, kw_only=True, validator=checked(_port))
    security: Security = attrs.field(default="starttls", kw_only=True, validator=checked(_security))
    sender: str = attrs.field(kw_only=True, repr=False)
    username: str | None = attrs.field(default=None, kw_only=True, repr=False, validator=optional(secret))
    password: str | None = attrs.field(default=None, kw_only=True, repr=False, validator=optional(secret))
    timeout: timedelta = attrs.field(default=timedelta(seconds=30), kw_only=True, validator=patience)
    final_timeout: timedelta = attrs.field(default=timedelta(minutes=10), kw_only=True, validator=patience)
    context: ssl.SSLContext | None = attrs.field(default=None, kw_only=True, repr=False, validator=optional(trust))
    ehlo: str | None = attrs.field(default=None, kw_only=True, validator=optional(greeting))
    _from: Address = attrs.field(init=False, repr=False)
    _line: _Line = attrs.field(init=False, repr=False, factory=_Line)

    @_from.default
    def _read(self) -> Address:
        return read_sender(self.sender)

    def __attrs_post_init__(self) -> None:
        if (self.username is None) != (self.password is None):
            raise InvalidArgument("username and password must be given together (got one of them)")
        if self.username is not None and self.security == "none":
            raise refusal("security", "'starttls' or 'tls' where there is a username", self.security)

    def __enter__(self) -> Self:
        self._line.held = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._line.held = False
        self._line.leave()

    def send(self, message: Message, /) -> Receipt:
        """Hand one mail to the server.

        Parameters
        ----------
        message : Message
            Addressed to a mailbox, with its words.

        Returns
        -------
        Receipt
            Accepted once the server has said so; the reference is what it said.

        Raises
        ------
        ChannelDown
            If the server cannot be reached, or carries nothing from us; nothing was sent.
        Uncertain
            If the connection was lost after the last byte of the mail and before the server's answer.
        """
        try:
            return Receipt.sent(message, self._carried(letter(message, self._from)))
        except Refused as refused:
            return refused.receipt(message)

    def _carried(self, mail: Letter) -> str:
        with self._tidy():
            return self._begun(mail).carry(mail)

    @contextmanager
    def _tidy(self) -> Iterator[None]:
        """Leave no connection behind of which it is not known what the server thinks."""
        try:
            yield
        except Refused:
            self._start_over()
            raise
        except (ChannelDown, Uncertain):
            self._line.drop()
            raise
        except (OSError, UnicodeError) as error:
            self._line.drop()
            raise self._down(error) from None  # what a server said may hold the address
        except BaseException:
            self._line.drop()
            raise
        if not self._line.held:
            self._line.leave()

    def _start_over(self) -> None:
        if self._line.session is not None and self._line.held:
            self._line.session.start_over()
        else:
            self._line.leave()

    def _down(self, error: Exception) -> ChannelDown:
        from ._session import told

        return ChannelDown(f"{self.host}:{self.port}: {told(error)}")

    def _begun(self, mail: Letter) -> Session:
        """Begin a mail; a connection that has served before may have ended meanwhile."""
        old = self._line.session
        if old is not None:
            try:
                old.begin(mail)
            except (OSError, Refused) as error:
                if isinstance(error, Refused) and old.sock is not None:
                    raise
                self._line.drop()
            else:
                return old
        self._line.session = session = self._connected()
        session.begin(mail)
        return session

    def _connected(self) -> Session:
        from ._session import Session

        seconds, final = self.timeout.total_seconds(), self.final_timeout.total_seconds()
        implicit = self._trust() if self.security == "tls" else None
        session = Session(self.host, self.port, seconds=seconds, final=final, ehlo=self.ehlo, context=implicit)
        try:
            session.prepare(self._trust() if self.security == "starttls" else None, self._login())
        except BaseException:
            session.close()
            raise
        return session

    def _login(self) -> tuple[str, str] | None:
        return None if self.username is None or self.password is None else (self.username, self.password)

    def _trust(self) -> ssl.SSLContext:
        """Give what tells whom to trust: made once, since it reads every certificate that the system trusts."""
        if self.context is not None:
            return self.context
        if self._line.context is None:
            import ssl

            self._line.context = ssl.create_default_context()
        return self._line.context
