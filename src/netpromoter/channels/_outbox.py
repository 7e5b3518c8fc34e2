"""A folder of mails instead of a server of mail."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import Any, ClassVar

import attrs

from netpromoter._checks import refusal
from netpromoter.errors import ChannelDown, Uncertain
from netpromoter.model import Message, Receipt

from ._address import Address
from ._address import sender as read_sender
from ._mail import digest, letter
from ._refused import Refused

__all__ = ["OutboxChannel"]

# elsewhere a folder cannot be opened, and its names are as durable as the system makes them
_POSIX = os.name == "posix"


def _folder(value: Any) -> Path:
    if isinstance(value, str | os.PathLike) and isinstance(os.fspath(value), str):
        return Path(value)
    raise refusal("folder", "a path", value)


@attrs.frozen
class OutboxChannel:
    """Writes every mail into a folder, and sends none: the safe default.

    The folder is a Maildir: any reader of mail opens it. A mail is on the disk before it counts as accepted. The same
    message gives the same file, so that it may be given twice.

    Parameters
    ----------
    folder : path
        Where the mails go: made when the first one is written.
    sender : str, default "survey@localhost"
        Whom the mails are from: an address, or a name and an address in angle brackets.

    Raises
    ------
    InvalidArgument
        If the sender is no address.

    Examples
    --------
    >>> import tempfile
    >>> from datetime import UTC, datetime
    >>> from netpromoter.model import Message
    >>> message = Message(
    ...     survey="relationship", occasion="autumn", contact="c-1", step=0, channel="email", to="ann@example.com",
    ...     due=datetime(2026, 6, 1, 8, tzinfo=UTC), subject="How likely ...?", text="Tell us.",
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     receipt = OutboxChannel(folder).send(message)
    ...     (mail,) = Path(folder, "new").iterdir()
    ...     receipt.accepted, receipt.reference == mail.name, mail.read_bytes().splitlines()[:3]
    (True, True, [b'Content-Type: text/plain; charset="utf-8"', ...])
    """

    idempotent: ClassVar[bool] = True

    folder: Path = attrs.field(converter=_folder)
    sender: str = attrs.field(default="survey@localhost", kw_only=True, repr=False)
    _from: Address = attrs.field(init=False, repr=False, eq=False)

    @_from.default
    def _read(self) -> Address:
        return read_sender(self.sender)

    def send(self, message: Message, /) -> Receipt:
        """Write one mail.

        Parameters
        ----------
        message : Message
            Addressed to a mailbox, with its words.

        Returns
        -------
        Receipt
            The reference is the name of the file.

        Raises
        ------
        ChannelDown
            If the folder cannot be written.
        Uncertain
            If nobody knows whether the mail will be there after a loss of power.
        """
        name = digest(message.id)
        try:
            self._write(name, letter(message, self._from).data)
        except Refused as refused:
            return refused.receipt(message)
        except Uncertain:
            raise
        except OSError as error:
            raise ChannelDown(f"the outbox cannot be written: {error.strerror}") from error
        return Receipt.sent(message, name)

    def _write(self, name: str, data: bytes) -> None:
        for part in ("tmp", "new", "cur"):
            (self.folder / part).mkdir(mode=0o700, parents=True, exist_ok=True)
        # a reader of mail moves what it has shown into cur, and appends its flags
        if not any((self.folder / "cur").glob(f"{name}*")):
            written = _durably(self.folder / "tmp", data)
            written.replace(self.folder / "new" / name)
            try:
                _settle(self.folder / "new")
            except OSError as error:  # the mail is there
                raise Uncertain(f"the outbox may lose the mail: {error.strerror}") from error


def _durably(folder: Path, data: bytes) -> Path:
    """Write a file of a new name, all of it or nothing."""
    handle, name = tempfile.mkstemp(dir=folder)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(handle)
    except BaseException:
        Path(name).unlink()
        raise
    return Path(name)


def _settle(folder: Path) -> None:
    """Let the names in a folder survive a loss of power."""
    if _POSIX:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        except OSError as error:
            if error.errno not in {errno.EINVAL, errno.ENOTSUP}:  # no such thing in this file system
                raise
        finally:
            os.close(handle)
