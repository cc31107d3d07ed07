"""Any encoding → UTF-8 in a stream, with what no table may hold noticed on the way: NUL bytes, endless lines, bad bytes."""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from yici.platform.data.landing.errors import LineTooLong, Unreadable

__all__ = ["Transcoded", "to_utf8"]

_CHUNK = 1 << 20
BAD = "\ufffd"
MOST_BAD = 0.001  # share of characters that cannot be read before the whole file is refused
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Transcoded:
    """`path`: the original where it is clean UTF-8 already, else a copy. `bad`: characters that could not be read."""

    path: Path
    bad: int
    nul: int


def to_utf8(source: Path, target: Path, encoding: str, line_limit: int, progress: Progress | None = None) -> Transcoded:
    """Raises `LineTooLong` (the limit is in bytes, found within twice its length) and `Unreadable`."""
    size = source.stat().st_size
    if encoding == "utf-8" and (clean := _scan(source, size, line_limit, progress)):
        return clean
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    bad = nul = total = since = 0
    with source.open("rb") as incoming, target.open("wb", buffering=0) as outgoing:
        while chunk := incoming.read(_CHUNK):
            text = decoder.decode(chunk)
            since = _line_length(text, since)
            if since > line_limit:
                raise LineTooLong
            bad += text.count(BAD)
            if "\x00" in text:
                nul += text.count("\x00")
                text = text.replace("\x00", "")
            total += len(text)
            outgoing.write(text.encode("utf-8", "replace"))
            if progress:
                progress(incoming.tell(), size)
        text = decoder.decode(b"", final=True)
        bad += text.count(BAD)
        outgoing.write(text.encode("utf-8", "replace"))
        os.fsync(outgoing.fileno())
    if bad > 20 and bad > total * MOST_BAD:
        raise Unreadable
    return Transcoded(target, bad, nul)


def _scan(source: Path, size: int, line_limit: int, progress: Progress | None) -> Transcoded | None:
    """The file itself where it is UTF-8 without NUL; None where it must be copied."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    since = 0
    try:
        with source.open("rb") as incoming:
            while chunk := incoming.read(_CHUNK):
                if b"\x00" in chunk:
                    return None
                decoder.decode(chunk)
                since = _line_length(chunk, since)
                if since > line_limit:
                    raise LineTooLong
                if progress:
                    progress(incoming.tell(), size)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return None
    return Transcoded(source, 0, 0)


def _line_length(chunk: str | bytes, since: int) -> int:
    """How long the line is that goes on at the end of the chunk; its own first line is added to `since`."""
    last = chunk.rfind("\n") if isinstance(chunk, str) else chunk.rfind(b"\n")
    return since + len(chunk) if last < 0 else len(chunk) - last - 1
