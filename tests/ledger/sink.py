"""A real SMTP server that remembers whom it has had mail for."""

import asyncio
import socket
from collections import Counter
from contextlib import contextmanager

from aiosmtpd.controller import Controller


class Sink:
    """Counts the messages for each address, at the moment at which it says that it has them."""

    def __init__(self, delay=0.0):
        self.delivered, self.delay = Counter(), delay

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 -- the name that aiosmtpd calls
        """Take a message."""
        if self.delay:
            await asyncio.sleep(self.delay)
        self.delivered.update(envelope.rcpt_tos)
        return "250 taken"


@contextmanager
def listening(delay=0.0):
    """Run a sink; give it, and its port."""
    sink = Sink(delay)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield sink, port
    finally:
        controller.stop()
