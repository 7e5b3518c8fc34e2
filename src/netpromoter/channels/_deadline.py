"""An end to waiting: a socket's own timeout begins again with every byte."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer

__all__ = ["Deadline", "deadline"]


class Deadline:
    """Hangs up some time after the first piece of an answer; an answer in one piece costs nothing."""

    def __init__(self, line: socket.socket, seconds: float) -> None:
        self._timer = Timer(seconds, _hang_up, [line])
        self._timer.daemon = True
        self._pieces = 0

    def piece(self) -> None:
        """Count a piece that is waited for."""
        self._pieces += 1
        if self._pieces == 2:
            self._timer.start()

    def start(self) -> None:
        """Begin to count at once."""
        self._pieces = 2
        self._timer.start()

    def stop(self) -> None:
        """Wait as long as it takes."""
        self._timer.cancel()


@contextmanager
def deadline(line: socket.socket, seconds: float) -> Iterator[Deadline]:
    """Make a deadline that ends with a block."""
    limit = Deadline(line, seconds)
    try:
        yield limit
    finally:
        limit.stop()


def _hang_up(line: socket.socket) -> None:
    with suppress(OSError):
        # not the method of a TLS socket, which forgets its keys while another thread reads
        socket.socket.shutdown(line, socket.SHUT_RDWR)
