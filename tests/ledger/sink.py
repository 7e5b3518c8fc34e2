"""A real SMTP server that remembers whom it has had mail for."""

import asyncio
import socket
from collections import Counter
from contextlib import contextmanager

from aiosmtpd.controller import Controller


class Sink:
    """Counts the messages for each address, at the moment at which it says that it has them."""

    def __init__(self, delay=0.0, slow=None):
        self.delivered, self.delay, self.slow = Counter(), delay, slow
        self.taken = self.slowed = 0

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 -- the name that aiosmtpd calls
        """Take a message."""
        self.taken += 1
        is_slow = self.slow is not None and self.taken % self.slow[0] == 0
        self.slowed += is_slow
        if self.delay or is_slow:
            await asyncio.sleep(self.slow[1] if is_slow else self.delay)
        self.delivered.update(envelope.rcpt_tos)
        return "250 taken"


@contextmanager
def listening(delay=0.0, slow=None):
    """Run a sink; give it, and its port. With `slow` every so many mails take so many seconds."""
    sink = Sink(delay, slow)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield sink, port
    finally:
        controller.stop()
