"""A line that is reset before it is secret: the standard library raises, and leaves its socket to us."""

import os
import select
import socket
import ssl
import struct
import threading
from contextlib import suppress

import pytest

from netpromoter.channels import SmtpChannel, WebhookChannel
from netpromoter.errors import ChannelDown


@pytest.fixture
def resetting(monkeypatch):
    """Reset connections at once, before clients say anything, which see it; give the port, and the files of clients."""
    server, files, connected = socket.create_server(("127.0.0.1", 0)), [], threading.Event()

    def serve():
        with suppress(OSError):
            while True:
                line, _ = server.accept()
                connected.wait(20)
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                line.close()

    def late(*given, connect=socket.create_connection, **more):
        line = connect(*given, **more)
        files.append(line.fileno())
        connected.set()
        assert select.select([line], [], [], 20)[0]
        return line

    monkeypatch.setattr(socket, "create_connection", late)
    thread = threading.Thread(target=serve)
    thread.start()
    yield server.getsockname()[1], files
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()


@pytest.mark.parametrize("kind", ["mail", "webhook"])
def test_a_line_that_was_reset_is_closed(resetting, letter_to, kind):
    """Nothing was sent, and no file stays open even while somebody keeps the error."""
    port, files = resetting
    trust = ssl.create_default_context()
    if kind == "mail":
        channel = SmtpChannel("127.0.0.1", port=port, security="tls", sender="care@example.com", context=trust)
    else:
        channel = WebhookChannel(f"https://127.0.0.1:{port}/nps", context=trust)
    with pytest.raises(ChannelDown) as kept:
        channel.send(letter_to())
    assert kept.value.__traceback__ is not None
    for file in files:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(file)
    assert len(files) == 1
