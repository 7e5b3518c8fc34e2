"""From bytes in any encoding to whole lines of valid UTF-8, with what was damaged counted."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator

import attrs
import numpy as np

from netpromoter._checks import refusal

from ._damage import Tallies, unreadable

__all__ = ["Text"]

#: What lines that are not UTF-8 are read as: the encoding of most of the spreadsheets that do not write UTF-8.
FALLBACK = "windows-1252"
LONGEST = 1 << 26
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_NEWLINE = ord("\n")
_BAD = "\ufffd".encode()


@attrs.define
class Text:
    """The text of a file: its encoding, found or given, and how to read bytes in it.

    Without a given encoding, a byte order mark decides, then the pattern of zero bytes that UTF-16 leaves; else every
    line that is valid UTF-8 is UTF-8, and every other line is windows-1252. A line is judged alone, so that a file
    pasted together from two sources is read right, and the result does not depend on how the file was cut.
    """

    name: str
    given: str | None
    damage: Tallies
    line: int = 0
    _utf8: bool = False
    _fallback: bool = False

    @classmethod
    def of(cls, name: str, head: bytes, encoding: str | None, damage: Tallies) -> Text:
        """Find the encoding of a file that begins with `head`, or check the one that is given."""
        given = _marked(head) if encoding is None else _known(encoding)
        return cls(name=name, given=given, damage=damage)

    @property
    def encoding(self) -> str:
        """The encoding by name; both names where lines differ."""
        if self.given:
            return self.given
        used = ["utf-8"] * (self._utf8 or not self._fallback) + [FALLBACK] * self._fallback
        return " and ".join(used)

    def lines(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Give blocks of whole lines, ended by a single newline each, in valid UTF-8."""
        rest = b""
        for chunk in self._recoded(chunks):
            rest += chunk
            end = max(rest.rfind(b"\n"), rest.rfind(b"\r", 0, -1)) + 1
            if end:
                yield self._readable(_one_newline(rest[:end]))
                rest = rest[end:]
            elif len(rest) > LONGEST:
                raise unreadable(self.name, f"have lines of at most {LONGEST:,} bytes", self.line + 1)
        if rest:
            yield self._readable(_one_newline(rest if rest.endswith((b"\r", b"\n")) else rest + b"\n"))

    def sample(self, head: bytes) -> str:
        """Read the whole lines of the first bytes, without keeping account of them."""
        aside = attrs.evolve(self, damage=Tallies())
        return b"".join(aside.lines([head])).decode()

    def _recoded(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Turn the given encoding into UTF-8; leave what is to be judged line by line."""
        if self.given is None:
            yield from chunks
            return
        decode = codecs.getincrementaldecoder(self.given)(errors="replace").decode
        for chunk in chunks:
            yield decode(chunk).encode("utf-8", "replace")
        yield decode(b"", final=True).encode("utf-8", "replace")

    def _readable(self, block: bytes) -> bytes:
        block = block if self.line else block.removeprefix(codecs.BOM_UTF8)
        if self.given or block.isascii():
            if self.given and _BAD in block:
                self._line_by_line(block, _bad_characters)
        elif _is_utf8(block):
            self._utf8 = True
        else:
            block = self._line_by_line(block, self._judged)
        self.line += int(np.count_nonzero(np.frombuffer(block, dtype=np.uint8) == _NEWLINE))
        return block

    def _line_by_line(self, block: bytes, read: Callable[[bytes], tuple[bytes, int]]) -> bytes:
        lines = block.split(b"\n")
        for position, line in enumerate(lines):
            if not line.isascii():
                lines[position], bad = read(line)
                self.damage.add("undecodable", self.line + position + 1, bad)
        return b"\n".join(lines)

    def _judged(self, line: bytes) -> tuple[bytes, int]:
        if _is_utf8(line):
            self._utf8 = True
            return line, 0
        self._fallback = True
        return _bad_characters(line.decode(FALLBACK, "replace").encode())


def _bad_characters(line: bytes) -> tuple[bytes, int]:
    return line, line.count(_BAD)


def _is_utf8(block: bytes) -> bool:
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True


def _one_newline(block: bytes) -> bytes:
    return block.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in block else block


def _marked(head: bytes) -> str | None:
    """Find a byte order mark, or UTF-16 by its zero bytes: mostly every second byte of a text in it."""
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            return encoding
    zero = head[:2].find(0)
    if zero >= 0 and head[zero::2].count(0) > len(head) // 4:
        return "utf-16-le" if zero else "utf-16-be"
    return None


def _known(encoding: str) -> str:
    try:
        "9".encode(encoding)
    except (LookupError, TypeError, ValueError):
        raise refusal("encoding", "the name of a text encoding that Python knows", encoding) from None
    return codecs.lookup(encoding).name
