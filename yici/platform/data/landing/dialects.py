"""Text tables in a dialect of their own, respelt as common CSV before they are read: a delimiter of several characters, quotes
escaped by a backslash. What big-data platforms and MySQL export; every other file is left as it is.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation import gettext as _

from yici.platform.data.disk import disk_full_is_told
from yici.platform.data.landing.sniffing import UNIT, delimiter_of

__all__ = ["COMMON", "Dialect", "dialect_of", "respelt"]

_SEQUENCE = re.compile(r"[|@#$^~!+&*]{2,4}")
_ESCAPED = re.compile(rb'\\(["\\])')
_LINES = 60
_MOST = 0.95  # share of lines that must agree


@dataclass(frozen=True)
class Dialect:
    """`sequence`: the delimiter of several characters, or empty. `has_backslashes`: quotes within fields are `\\"`."""

    sequence: str = ""
    has_backslashes: bool = False

    @property
    def is_common(self) -> bool:
        return not self.sequence and not self.has_backslashes

    def told(self) -> list[str]:
        """Sentences for people."""
        found = []
        if self.sequence:
            found.append(_("各列之间用“{delimiter}”分隔，已按此读取。").format(delimiter=self.sequence))
        if self.has_backslashes:
            found.append(_("文件用反斜杠转义引号，已按此读取。"))
        return found


COMMON = Dialect()


def dialect_of(text: str) -> Dialect:
    """From the first lines of a file."""
    lines = [line for line in text.splitlines()[:_LINES] if line.strip()]
    return Dialect(_sequence(lines), '\\"' in text and _is_better_respelt(lines))


def respelt(source: Path, target: Path, dialect: Dialect) -> Path:
    """The file as common CSV. Raises `DiskFull`."""
    sequence = dialect.sequence.encode()
    with disk_full_is_told(), source.open("rb") as incoming, target.open("wb") as outgoing:
        for line in incoming:
            if sequence:
                line = line.replace(sequence, UNIT.encode())
            outgoing.write(_unescaped(line) if dialect.has_backslashes else line)
    return target


def _unescaped(line: bytes) -> bytes:
    return _ESCAPED.sub(lambda found: b'""' if found[1] == b'"' else b"\\", line)


def _sequence(lines: list[str]) -> str:
    """The one that stands equally often in nearly every line, and whose signs stand nowhere else in the header.

    So a||b is told from a file of | with blank fields: its header has none.
    """
    if not lines:
        return ""
    found: Counter[str] = Counter()
    for line in lines:
        signs = set(_SEQUENCE.findall(line))
        found.update(signs | {one[:2] for one in signs if one[:2] == one[2:]})  # around a blank field
    for sequence, _count in sorted(found.items(), key=lambda pair: (-pair[1], -len(pair[0]))):
        counts = Counter(line.count(sequence) for line in lines)
        times, agree = counts.most_common(1)[0]
        first = next(line for line in lines if set(sequence) & set(line))  # the header: titles have no such signs
        stands_alone = first.count(sequence) == times and all(
            first.count(sign) == times * sequence.count(sign) for sign in set(sequence)
        )
        if times and agree >= _MOST * len(lines) and stands_alone:
            return sequence
    return ""


def _is_better_respelt(lines: list[str]) -> bool:
    """Whether more lines fall into the same number of fields with backslashes as escapes than without."""
    other = [_unescaped(line.encode()).decode() for line in lines]
    delimiter = delimiter_of("\n".join(other))
    return _agreeing(other, delimiter) > _agreeing(lines, delimiter)


def _agreeing(lines: Iterable[str], delimiter: str) -> int:
    """How many lines have the usual number of fields, and no quote left within one."""
    widths: Counter[int] = Counter()
    for line in lines:
        row = next(csv.reader(io.StringIO(line), delimiter=delimiter), [])
        if not any(field.rstrip("\\").endswith('"') for field in row if "\\" in field):
            widths[len(row)] += 1
    return widths.most_common(1)[0][1] if widths else 0
