"""A mail server on this machine that takes a while for each mail and keeps none, in a process of its own."""

import argparse
import asyncio

ENDS = {b"DATA": b"354 go on\r\n", b"QUIT": b"221 goodbye\r\n"}


class Session(asyncio.Protocol):
    """One connection: it takes what is sent, and says so after a while."""

    def __init__(self, wait):
        self.wait, self.held, self.is_mail = wait, bytearray(), False

    def connection_made(self, transport):
        """Greet."""
        self.transport = transport
        transport.write(b"220 relay\r\n")

    def data_received(self, data):
        """Answer each line, or each mail at its end."""
        self.held += data
        while (place := self.held.find(b"\r\n.\r\n" if self.is_mail else b"\r\n")) >= 0:
            line = bytes(self.held[:place])
            del self.held[: place + (5 if self.is_mail else 2)]
            self.answer(line)

    def answer(self, line):
        """Answer a line, or a whole mail."""
        if self.is_mail:
            self.is_mail = False
            asyncio.get_running_loop().call_later(self.wait, self.transport.write, b"250 taken\r\n")
            return
        self.is_mail = line.upper() == b"DATA"
        self.transport.write(ENDS.get(line.upper(), b"250 fine\r\n"))


async def serve(wait):
    """Listen, say on which port, and serve until the process ends."""
    server = await asyncio.get_running_loop().create_server(lambda: Session(wait), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wait", type=float, help="how long it takes for a mail, in seconds")
    asyncio.run(serve(parser.parse_args().wait))
