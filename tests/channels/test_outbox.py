"""The outbox: a Maildir that any reader of mail opens, and that holds each message once."""

import email
import email.policy
import errno
import mailbox
import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from netpromoter.channels import OutboxChannel
from netpromoter.errors import ChannelDown, InvalidArgument, Uncertain
from netpromoter.testing import ChannelContract


def mails(folder):
    """Read a folder as other programs do."""
    return list(mailbox.Maildir(folder, create=False))


class TestOutboxChannel(ChannelContract):
    """The outbox keeps the contract."""

    @pytest.fixture
    def channel(self, tmp_path):
        return OutboxChannel(tmp_path / "outbox")

    @pytest.fixture
    def arrived(self, tmp_path):
        paths = []  # in the order in which they are found, since the clock of a folder is coarse

        def found():
            paths.extend(path for path in (tmp_path / "outbox").glob("new/*") if path not in paths)
            return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in paths]

        return found

    @pytest.fixture
    def delivered(self, arrived):
        return lambda: [f"{mail['Subject']} {mail.get_body(['plain', 'html']).get_content()}" for mail in arrived()]

    @pytest.fixture
    def recipients(self, arrived):
        return lambda: [mail["To"] for mail in arrived()]

    @pytest.fixture
    def headers(self, arrived):
        return lambda: [dict(mail) for mail in arrived()]

    @pytest.fixture
    def down_channel(self, tmp_path):
        (tmp_path / "file").write_text("no folder")
        return OutboxChannel(tmp_path / "file" / "outbox")


def test_the_folder_is_a_maildir(tmp_path, letter_to):
    """Other programs find each mail in it, and nothing half-written."""
    channel = OutboxChannel(tmp_path)
    references = {channel.send(letter_to()).reference for _ in range(3)}
    assert references == set(os.listdir(tmp_path / "new"))  # noqa: PTH208 -- the names alone
    assert [mail["To"] for mail in mails(tmp_path)] == ["ann@example.com"] * 3
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("folder", [None, 5, b"outbox"])
def test_a_folder_is_a_path(folder):
    """What is none is refused by name."""
    with pytest.raises(InvalidArgument) as refused:
        OutboxChannel(folder)
    assert str(refused.value) == f"folder must be a path (got {folder!r})"


def test_what_was_read_is_not_written_again(tmp_path, letter_to):
    """A mail that a reader has moved and flagged is the same mail."""
    channel, message = OutboxChannel(tmp_path), letter_to()
    name = channel.send(message).reference
    (tmp_path / "new" / name).rename(tmp_path / "cur" / f"{name}:2,S")
    assert channel.send(message).reference == name
    assert len(mails(tmp_path)) == 1


def test_many_may_write_the_same(tmp_path, letter_to):
    """Several workers that are given one message leave one mail, and it is whole."""
    message = letter_to()
    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(lambda _: OutboxChannel(tmp_path).send(message), range(32)))
    assert all(receipt.accepted for receipt in receipts)
    (mail,) = mails(tmp_path)
    assert mail.get_payload().strip() == "Tell us."


@pytest.mark.skipif(os.name != "posix", reason="rights are those of POSIX")
def test_nobody_else_reads_the_mails(tmp_path, letter_to):
    """Addresses and links are for the owner of the folder alone."""
    OutboxChannel(tmp_path / "outbox").send(letter_to())
    (mail,) = (tmp_path / "outbox" / "new").iterdir()
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "outbox" / "new", mail)} == {0}


def test_a_full_disk_leaves_nothing_behind(tmp_path, letter_to, monkeypatch):
    """A mail that cannot be made durable was not sent, and no piece of it remains."""

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ChannelDown, match=r"^the outbox cannot be written: No space left on device$"):
        OutboxChannel(tmp_path).send(letter_to())
    assert mails(tmp_path) == []
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize(("number", "is_known"), [(errno.EINVAL, True), (errno.ENOTSUP, True), (errno.EIO, False)])
def test_a_mail_that_is_there_is_never_denied(tmp_path, letter_to, monkeypatch, number, is_known):
    """Once it has its name, a folder that cannot be made durable leaves it uncertain, unless no such thing exists."""
    fsync = os.fsync

    def broken(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(number, os.strerror(number))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", broken)
    channel = OutboxChannel(tmp_path)
    if is_known:
        assert channel.send(letter_to()).accepted
    else:
        with pytest.raises(Uncertain, match=r"^the outbox may lose the mail: Input/output error$"):
            channel.send(letter_to())
    assert len(mails(tmp_path)) == 1


def test_names_are_durable_where_the_system_can_do_it(tmp_path, letter_to, monkeypatch):
    """Where folders cannot be opened, as on Windows, the mail alone is made durable."""
    monkeypatch.setattr("netpromoter.channels._outbox._POSIX", False)
    assert OutboxChannel(tmp_path).send(letter_to()).accepted
