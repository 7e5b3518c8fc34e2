"""A server of mail that fails on purpose, once and at one place, and works before and after."""

import socket
import ssl
import struct
import threading
import time
from contextlib import suppress

from netpromoter.channels._tls import nothing_left_open

PHASES = (
    *("connect", "greeting", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA"),
    *("body", "final dot", "after it", "QUIT"),
)
FAULTS = ("4xx", "5xx", "reset", "hang", "garbage", "slow drip")
LINES = {
    "421": b"421 closing\r\n",
    "4xx": b"451 later, <Ann@Example.com>\r\n",
    "5xx": b"550 never\r\n",
    "garbage": b"\x00\xff what\r\n",
}
PAUSE = 0.05


class Gone(Exception):
    """The client has hung up, or was hung up on."""


class ScriptedServer:
    """Speaks SMTP on a real socket, each client in a thread."""

    def __init__(
        self, context=None, *, phase=None, fault=None, implicit=False, features=("AUTH PLAIN",), says=None, thinks=None
    ):
        self.context, self.phase, self.fault, self.implicit = context, phase, fault, implicit
        self.features, self.says, self.thinks = features, says or {}, thinks or {}
        self.spent, self.connections, self.taken, self.heard = False, 0, [], []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        self.port = self.socket.getsockname()[1]
        self.clients = []
        self.over = threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=self._accept)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()
        for client in self.clients:
            client.join()

    def _accept(self):
        while True:
            try:
                line, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            self.clients.append(threading.Thread(target=self._serve, args=[line]))
            self.clients[-1].start()

    def _serve(self, line):
        client = Client(self, line)
        with suppress(Gone, OSError):
            client.serve()
        client.line.close()


class Client:
    """One client of the server."""

    def __init__(self, server, line):
        self.server, self.line, self.rest = server, line, b""

    def serve(self):
        if self.server.implicit:
            self.fail("connect")
            self.secure()
        self.answer("greeting", b"220 ready")
        while True:
            command = self.read(b"\r\n").decode()
            self.server.heard.append(command)
            getattr(self, command.split()[0].upper(), self.other)(command)

    def secure(self):
        with nothing_left_open():
            self.line = self.server.context.wrap_socket(self.line, server_side=True)

    def read(self, end):
        while end not in self.rest:
            self.rest += self.received(1 << 16)
        found, _, self.rest = self.rest.partition(end)
        return found

    def received(self, size):
        found = self.line.recv(size)
        if not found:
            raise Gone
        return found

    def answer(self, phase, good):
        """Answer well, or fail if it is time to; say which."""
        if self.fail(phase):
            return False
        time.sleep(self.server.thinks.get(phase, 0))
        said = self.server.says.get(phase, good)
        self.line.sendall(said + b"\r\n")
        return said == good

    def fail(self, phase):
        server = self.server
        due = phase == server.phase and not server.spent
        if due:
            server.spent = True
            self.misbehave(server.fault)
        return due

    def misbehave(self, fault):
        if fault in LINES:
            self.line.sendall(LINES[fault])
            if fault == "421":
                raise Gone
        elif fault == "reset":
            self.reset()
        elif fault == "hang":
            self.hang()
        else:
            self.drip()

    def reset(self):
        self.line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.socket.close(self.line)
        raise Gone

    def hang(self):
        while True:
            self.received(1 << 16)

    def drip(self):
        while True:
            for sign in b"250-and so on\r\n":
                self.line.sendall(bytes([sign]))
                time.sleep(PAUSE)

    def EHLO(self, _):  # noqa: N802 -- named as the command
        secret = isinstance(self.line, ssl.SSLSocket)
        features = self.server.features if secret or self.server.context is None else ["STARTTLS"]
        lines = ["hello", *features]
        self.answer("EHLO", "\r\n".join(f"250{' -'[each is not lines[-1]]}{each}" for each in lines).encode())

    def STARTTLS(self, _):  # noqa: N802
        self.answer("STARTTLS", b"220 go ahead")
        self.secure()

    def AUTH(self, _):  # noqa: N802
        self.answer("AUTH", b"235 welcome")

    def MAIL(self, _):  # noqa: N802
        self.answer("MAIL", b"250 ok")

    def RCPT(self, _):  # noqa: N802
        self.answer("RCPT", b"250 ok")

    def QUIT(self, _):  # noqa: N802
        self.answer("QUIT", b"221 bye")
        raise Gone

    def other(self, command):
        self.answer(command.upper(), b"250 ok")

    def DATA(self, _):  # noqa: N802
        if not self.answer("DATA", b"354 go ahead"):
            return
        if self.server.phase == "body" and not self.server.spent:
            self.server.spent = True
            self.during()
            return
        mail = self.read(b"\r\n.\r\n")
        if self.server.phase == "after it" and not self.server.spent:
            self.server.taken.append(mail)
            self.afterwards()
            return
        failing = self.server.phase == "final dot" and not self.server.spent
        if not failing and self.server.says.get("final dot", b"2").startswith(b"2"):
            self.server.taken.append(mail)
        self.answer("final dot", b"250 2.0.0 queued as 4711")

    def during(self):
        """Fail in the middle of a mail."""
        self.rest += self.received(1 << 16)
        if self.server.fault in LINES:
            self.misbehave(self.server.fault)
            self.read(b"\r\n.\r\n")
            return
        if self.server.fault == "reset":
            self.reset()
        # nothing tells one who does not read that the other has gone
        while not self.server.over.wait(PAUSE):
            if self.server.fault == "slow drip":
                self.received(1)
        raise Gone

    def afterwards(self):
        """Take a mail, and fail then."""
        self.server.spent = True
        good = b"250 2.0.0 queued as 4711\r\n"
        if self.server.fault in LINES:
            self.line.sendall(good + LINES[self.server.fault])
            return
        self.line.sendall(good)
        time.sleep(PAUSE)
        self.misbehave(self.server.fault)
