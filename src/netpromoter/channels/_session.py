"""One connection to a server of mail: smtplib, but with an end to waiting, and with the final dot apart."""

from __future__ import annotations

import base64
import re
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from netpromoter._checks import spoken
from netpromoter.errors import Uncertain

from ._deadline import Deadline, deadline
from ._mail import Letter
from ._refused import Refused
from ._tls import nothing_left_open

__all__ = ["Session", "told"]

_LONGEST_LINE = 1 << 16
_MOST_LINES = 100
_ANSWER = re.compile(rb"[2-5]\d\d(?:[ -]|\r?$)")
_CLOSING = 421
_STATUS = re.compile(r"^5\.\d{1,3}\.\d{1,3}\b")
# RFC 3463: no such mailbox or domain, a mailbox that is disabled, a host that is not found. The rest is not the fault
# of the address: a full mailbox, a message too large, spam, a quota, a relay that does not know us.
_OF_THE_ADDRESS = re.compile(r"5\.(?:1\.(?:[1-69]|10)|2\.1|4\.[14])")
# "Other or undefined" there: it says no more than the code.
_INEXACT = frozenset({"5.0.0", "5.1.0", "5.2.0"})
# RFC 5321, 4.2.3: the mailbox is not there, not here, or no name of one. The same codes are given to senders too.
_NO_MAILBOX = frozenset({550, 551, 553})
_ANOTHER_CAUSE = re.compile(
    r"relay|auth|permitted|allowed|denied|policy|sender|reputation|spam|block|black ?list|too many"
    r"|\b(?:spf|dns|quota|full|limit)",
    re.IGNORECASE,
)


def told(error: Exception) -> str:
    """Say what went wrong on a connection."""
    if isinstance(error, smtplib.SMTPResponseException):
        return _said(error.smtp_code, error.smtp_error)
    return spoken(str(error) or type(error).__name__)


def _said(code: int, text: bytes | str) -> str:
    words = spoken(text)
    return f"{code} {words}" if code > 0 else f"an answer that is none: {words}"


def _refusal(command: str, code: int, text: bytes) -> Refused:
    """Tell what may pass from what is wrong with the address for ever."""
    lasting = code >= 500 and _is_of_the_address(command, code, text.decode("ascii", "replace"))
    return Refused(_said(code, text), permanent=lasting)


def _is_of_the_address(command: str, code: int, words: str) -> bool:
    status = _STATUS.match(words)
    if status and status[0] not in _INEXACT:
        return bool(_OF_THE_ADDRESS.fullmatch(status[0]))
    return command.startswith("RCPT") and code in _NO_MAILBOX and not _ANOTHER_CAUSE.search(words)


def _literal(line: socket.socket) -> str:
    """Name a machine by its address, as RFC 5321 has it for those without a name."""
    host = line.getsockname()[0]
    return f"[IPv6:{host}]" if ":" in host else f"[{host}]"


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class Session(smtplib.SMTP):
    """A connection, ready to carry mail; it is closed wherever it is not known what the server thinks."""

    def __init__(
        self, host: str, port: int, *, seconds: float, final: float, ehlo: str | None, context: ssl.SSLContext | None
    ) -> None:
        self._context = context
        self._seconds = seconds
        self._final = final
        self._rest = b""
        self._name = ehlo
        super().__init__(host, port, local_hostname="localhost", timeout=seconds)
        self.local_hostname = str(self._name)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        line = socket.create_connection((host, port), timeout)
        # the final dot is a small piece of its own, and must not wait until the mail before it is acknowledged
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._name = self._name or _literal(line)
        if self._context is None:
            return line
        with nothing_left_open():
            return self._context.wrap_socket(line, server_hostname=host)

    def getreply(self) -> tuple[int, bytes]:
        """Read one answer: after its first piece it has as long as the timeout, however slowly it comes."""
        try:
            lines = self._lines()
        except OSError as error:
            self.close()
            raise smtplib.SMTPServerDisconnected(str(error) or type(error).__name__) from error
        code = int(lines[-1][:3]) if _ANSWER.match(lines[-1]) else -1
        if code == _CLOSING:
            self.close()
        return code, b"\n".join(line[4:].strip() if code > 0 else line.strip() for line in lines)

    def _lines(self) -> list[bytes]:
        line: Any = self.sock
        with deadline(line, self._seconds) as limit:
            lines = [self._line(line, limit)]
            while lines[-1][3:4] == b"-" and len(lines) < _MOST_LINES:
                lines.append(self._line(line, limit))
        return lines

    def _line(self, line: socket.socket, limit: Deadline) -> bytes:
        while b"\n" not in self._rest:
            limit.piece()
            heard = line.recv(1 << 13)
            if not heard or len(self._rest) > _LONGEST_LINE:
                raise smtplib.SMTPServerDisconnected("the server hung up, or its answer did not end")
            self._rest += heard
        found, _, self._rest = self._rest.partition(b"\n")
        return found

    def _ask(self, expected: int, command: str, *, refusals: tuple[int, ...] = (4, 5)) -> bytes:
        """Say something, and hear what was expected, a refusal of the message, or what brings the channel down."""
        self.putcmd(command)
        return self._hear(expected, command, refusals)

    def _hear(self, expected: int, command: str, refusals: tuple[int, ...] = (4, 5)) -> bytes:
        code, text = self.getreply()
        if code // 100 in refusals:
            raise _refusal(command, code, text)
        if code // 100 != expected:
            raise smtplib.SMTPResponseException(code, text)
        return text

    def prepare(self, context: ssl.SSLContext | None, login: tuple[str, str] | None) -> None:
        """Greet, make the line secret where a context is given, and log in where there is a name."""
        self._greet()
        if context is not None:
            with nothing_left_open():
                self.starttls(context=context)
            if self._rest:
                raise smtplib.SMTPException("the server spoke before the line was secret")
            self._greet()
        if login is not None:
            self._log_in(*login)

    def _greet(self) -> None:
        code, text = self.ehlo()
        if code != 250:
            raise smtplib.SMTPResponseException(code, text)

    def _log_in(self, username: str, password: str) -> None:
        offered = self.esmtp_features.get("auth", "").upper().split()
        if "PLAIN" in offered:
            self._ask(2, f"AUTH PLAIN {_base64(f'{chr(0)}{username}{chr(0)}{password}')}", refusals=())
        elif "LOGIN" in offered:
            self._ask(3, "AUTH LOGIN", refusals=())
            self._ask(3, _base64(username), refusals=())
            self._ask(2, _base64(password), refusals=())
        else:
            raise smtplib.SMTPNotSupportedError("the server offers neither AUTH PLAIN nor AUTH LOGIN")

    def begin(self, letter: Letter) -> None:
        """Say whom a mail is from."""
        if self._rest:
            raise smtplib.SMTPServerDisconnected("the server spoke out of turn")
        self.command_encoding = "utf-8" if letter.international else "ascii"
        self._ask(2, f"MAIL FROM:<{letter.sender.spec}>{self._options(letter)}", refusals=(4,))

    def _options(self, letter: Letter) -> str:
        if not letter.international:
            return ""
        if not self.has_extn("smtputf8"):
            if letter.sender.international:
                raise smtplib.SMTPNotSupportedError("the server does not take the sender: it has no SMTPUTF8")
            raise Refused("the address needs a server with SMTPUTF8, which this one does not have")
        return " SMTPUTF8"

    def carry(self, letter: Letter) -> str:
        """Hand over a mail that was begun, and give what the server calls it."""
        self._ask(2, f"RCPT TO:<{letter.to.spec}>")
        self._ask(3, "DATA")
        self.send(letter.stuffed)
        try:
            # from here on nobody knows whether the server has taken it, until it says so
            self.putcmd(".")
            with self._patience():
                return spoken(self._hear(2, "."))
        except OSError as error:
            raise Uncertain(f"the server may have taken the message: {told(error)}") from None

    @contextmanager
    def _patience(self) -> Iterator[None]:
        """Bear a longer silence, while the server looks at the whole mail."""
        line: Any = self.sock
        line.settimeout(self._final)
        try:
            yield
        finally:
            if self.sock is not None:
                line.settimeout(self._seconds)

    def start_over(self) -> None:
        """Forget the mail that was refused."""
        try:
            self._ask(2, "RSET", refusals=())
        except OSError:
            self.close()

    def leave(self) -> None:
        """Say goodbye, whatever the server says to that."""
        with suppress(OSError):
            self.quit()
        self.close()
