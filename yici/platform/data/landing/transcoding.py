"""Any text → UTF-8 with line feeds, in a stream; what no table may hold is noticed on the way: NUL bytes, endless lines.

A file that is UTF-8 with one kind of line end is not copied, only looked through. Whether its bytes really are UTF-8
the reader tells, line by line; of a copy, a character that could not be read becomes a byte that is no UTF-8, so that
the reader tells those lines in the same way.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext as _

from yici.platform.data.disk import disk_full_is_told
from yici.platform.data.landing.dialects import COMMON, Dialect
from yici.platform.data.landing.errors import LineTooLong, Unreadable

__all__ = ["Progress", "Utf8", "as_utf8", "decodes_throughout"]

_CHUNK = 1 << 20
_LOST, _NO_UTF8 = "\ufffd".encode(), b"\xff"
_MOST_BAD = 0.001  # share of characters that cannot be read before the whole file is refused
_FEW = 20
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Utf8:
    """`path`: the original where it could stay as it is, else a copy. `has_gaps`: blank lines stand between others.

    `dialect`: what it was respelt from.
    """

    path: Path
    nul: int = 0
    has_gaps: bool = False
    dialect: Dialect = COMMON


def as_utf8(source: Path, target: Path, encoding: str, line_limit: int, progress: Progress | None = None) -> Utf8:
    """Raises `LineTooLong` (the limit is in bytes, found within twice its length), `Unreadable` and `DiskFull`."""
    if encoding in ("utf-8", "utf-8-sig"):
        looked = _looked_through(source, line_limit)
        if looked is not None:
            return looked
    with disk_full_is_told():
        return _Copying(source, target, encoding, line_limit).copy(progress)


class _Copying:
    def __init__(self, source: Path, target: Path, encoding: str, line_limit: int) -> None:
        self.source, self.target, self.encoding = source, target, encoding
        self.lines = _Lines(line_limit)
        self.bad = self.nul = self.characters = 0
        self.first_bad = 0  # number of the line

    def copy(self, progress: Progress | None) -> Utf8:
        size = self.source.stat().st_size
        decoder = codecs.getincrementaldecoder(self.encoding)("replace")
        held = ""  # a carriage return whose line feed may come with the next piece
        with self.source.open("rb") as incoming, self.target.open("wb", buffering=0) as outgoing:
            while chunk := incoming.read(_CHUNK):
                text = held + decoder.decode(chunk)
                held = "\r" if text.endswith("\r") else ""
                outgoing.write(self._cleaned(text[: len(text) - len(held)]))
                if progress:
                    progress(incoming.tell(), size)
            outgoing.write(self._cleaned(held + decoder.decode(b"", final=True)))
            os.fsync(outgoing.fileno())
        if self.bad > _FEW and self.bad > self.characters * _MOST_BAD:
            raise Unreadable(
                _("文件里混用了几种文字编码，第 {line} 行起无法读出。请统一存为 UTF-8 或 GB18030 后再报送。").format(
                    line=self.first_bad
                )
            )
        return Utf8(self.target, self.nul, self.lines.has_gaps)

    def _cleaned(self, text: str) -> bytes:
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        self.characters += len(text)
        content = text.encode("utf-8", "replace")
        if bad := content.count(_LOST):
            if not self.bad:
                self.first_bad = self.lines.number + content.count(b"\n", 0, content.find(_LOST))
            self.bad += bad
            content = content.replace(_LOST, _NO_UTF8)
        self.lines.look(content, count=not self.bad)
        if b"\x00" in content:
            self.nul += content.count(b"\x00")
            content = content.replace(b"\x00", b"")
        return content


class _Lines:
    """Lengths of lines and gaps between them, piece by piece."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.has_gaps = False
        self.number = 1  # of the line that goes on, as long as it is asked for
        self._since = 0
        self._run = b""  # the line ends at the end of the last piece
        self._is_blank = False  # whether they hold a blank line

    def look(self, chunk: bytes, count: bool = False) -> None:
        """Raises `LineTooLong`."""
        if not chunk:
            return
        last = chunk.rfind(b"\n")
        self._since = self._since + len(chunk) if last < 0 else len(chunk) - last - 1
        if self._since > self.limit:
            raise LineTooLong
        if count:
            self.number += chunk.count(b"\n")
        if not self.has_gaps:
            self._look_for_gaps(chunk)

    def _look_for_gaps(self, chunk: bytes) -> None:
        """A gap is a blank line with something after it: blank lines at the end of the file are none."""
        body = chunk.rstrip(b"\r\n")
        if not body:
            self._run += chunk[:_CHUNK]
            self._is_blank |= self._run.count(b"\n") > 1
            self._run = self._run[-4:]
            return
        before = self._run + body[: len(body) - len(body.lstrip(b"\r\n"))]
        is_blank = self._is_blank or before.count(b"\n") > 1
        self.has_gaps = is_blank or b"\n\n" in body or b"\n\r\n" in body
        self._run = chunk[len(body) :][-4:]
        self._is_blank = chunk.count(b"\n", len(body)) > 1


def _looked_through(source: Path, line_limit: int) -> Utf8 | None:
    """The file itself where it has one kind of line end and no NUL; None where it must be copied."""
    lines = _Lines(line_limit)
    has_feeds = False  # line feeds alone, in a piece without carriage returns
    has_pairs = False
    with source.open("rb") as incoming:
        while chunk := incoming.read(_CHUNK):
            if chunk.endswith(b"\r"):
                chunk += incoming.read(1)
            if b"\x00" in chunk:
                return None
            if b"\r" in chunk:
                pairs = chunk.count(b"\r\n")
                if has_feeds or not pairs == chunk.count(b"\r") == chunk.count(b"\n"):
                    return None
                has_pairs = True
            elif b"\n" in chunk:
                has_feeds = True
                if has_pairs:
                    return None
            lines.look(chunk)
    return Utf8(source, has_gaps=lines.has_gaps)


def decodes_throughout(source: Path, encoding: str) -> bool:
    """Whether the whole file is of this encoding."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        with source.open("rb") as incoming:
            while chunk := incoming.read(_CHUNK):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
