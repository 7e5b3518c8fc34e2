"""Where bytes come from: a path or a stream, with its first bytes looked at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import attrs

from netpromoter.errors import InvalidArgument

__all__ = ["Source", "opened"]

HEAD = 1 << 16


@attrs.define(kw_only=True)
class Source:
    """Bytes, their name, and how many have been handed out."""

    name: str
    stream: BinaryIO
    head: bytes
    path: Path | None = None
    done: int = 0

    def chunks(self, size: int) -> Iterator[bytes]:
        """Give all bytes in pieces of at most `size`."""
        for start in range(0, len(self.head), size):
            yield self._counted(self.head[start : start + size])
        while chunk := self.stream.read(size):
            yield self._counted(chunk)

    def whole(self) -> bytes:
        """Give all bytes at once, for formats that cannot be read from the front."""
        return self._counted(self.head + self.stream.read())

    def _counted(self, chunk: bytes) -> bytes:
        self.done += len(chunk)
        return chunk


@contextmanager
def opened(source: str | os.PathLike[str] | BinaryIO) -> Iterator[Source]:
    """Open a path, or take a binary stream as it is and leave it open."""
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        with path.open("rb") as stream:
            yield Source(name=path.name, stream=stream, head=stream.read(HEAD), path=path)
    else:
        name = getattr(source, "name", None)
        yield Source(name=name if isinstance(name, str) else "the stream", stream=source, head=_head(source))


def _head(source: Any) -> bytes:
    """Read the first bytes, or refuse what gives none."""
    kind = type(source).__name__
    if not callable(getattr(source, "read", None)):
        raise InvalidArgument(f"source must be a path, or a stream that gives bytes (got a {kind})")
    head = source.read(HEAD)
    if isinstance(head, bytes):
        return head
    raise InvalidArgument(f"source must give bytes, as a file does that is opened with 'rb' (got text of a {kind})")
