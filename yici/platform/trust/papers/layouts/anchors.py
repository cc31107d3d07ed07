"""Finding values by the printed words beside them: pure geometry over the lines of a page.

A *label* is a printed word (姓名). Its value stands in the same line, to the right of it, or in lines below that begin
where the value began. What a value means is not known here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from yici.platform.trust.papers.reader import Line, Page

__all__ = ["FieldRule", "Found", "Layout", "find_values", "plain_text", "score"]

_BLANKS = re.compile(r"[\s:：]+")


@dataclass(frozen=True)
class FieldRule:
    """Where a data element stands. `labels`: printed words, the fullest first. `lines`: how many at most.

    `inner`: the label may stand in the middle of a line the model read as one (性别男民族汉). `below`: the value
    stands under its label. `pattern`: what it looks like, to find it where the label was not read.
    """

    element: str
    labels: tuple[str, ...]
    lines: int = 1
    inner: bool = False
    below: bool = False
    pattern: re.Pattern[str] | None = None
    required: bool = True


@dataclass(frozen=True)
class Layout:
    """A kind of paper. `marks`: printed words that no other kind has. `others`: labels that hold no field but end one."""

    kind: str
    title: str
    certificate: str
    marks: tuple[str, ...]
    rules: tuple[FieldRule, ...]
    others: tuple[str, ...] = ()
    key: str = ""


@dataclass(frozen=True)
class Found:
    """A value as read. `corners` of its lines, as shares (0–1) of the upright picture."""

    text: str
    confidence: float
    corners: tuple[tuple[tuple[float, float], ...], ...] = ()


@dataclass
class _Piece:
    """A line, or a part of one, with the label it begins with (if any) and what follows it."""

    line: Line
    left: float
    right: float
    rest: str
    label: str = ""
    taken: bool = field(default=False)


def plain_text(text: str) -> str:
    """Without blanks, colons, and the signs (☑ □) that the model sees in gaps and edges: 姓 名： → 姓名."""
    return "".join(character for character in _BLANKS.sub("", text) if unicodedata.category(character) != "So")


def score(layout: Layout, lines: Sequence[Line]) -> int:
    """How much of the layout's printed words a page has: marks count three times."""
    texts = [plain_text(line.text) for line in lines]
    marks = sum(any(_close(mark, text) for text in texts) for mark in layout.marks)
    labels = sum(any(_starts(text, label) for text in texts for label in rule.labels) for rule in layout.rules)
    return 3 * marks + labels


def _close(mark: str, text: str) -> bool:
    """The mark is in the text, but for one character where the mark is long."""
    if mark in text:
        return True
    return len(mark) >= 5 and any(_differences(mark, text[start:]) <= 1 for start in range(len(text) - len(mark) + 1))


def _differences(label: str, text: str) -> int:
    return sum(a != b for a, b in zip(label, text, strict=False)) + max(0, len(label) - len(text))


def _starts(text: str, label: str) -> bool:
    """The text begins with the label; from four characters on one may have been misread."""
    return text.startswith(label) or (len(label) >= 4 and len(text) >= len(label) and _differences(label, text) == 1)


def find_values(layout: Layout, page: Page) -> dict[str, Found]:
    """Element → what was read for it; nothing for what was not found."""
    pieces = _pieces(layout, page.lines)
    found: dict[str, Found] = {}
    for rule in layout.rules:
        chosen = _by_label(rule, pieces)
        text = "".join(piece.rest for piece in chosen)
        if not text and rule.pattern:
            chosen = _by_pattern(rule.pattern, pieces)
            text = "".join(piece.rest for piece in chosen)
        if text:
            for piece in chosen:
                piece.taken = True
            confidence = min(piece.line.confidence for piece in chosen)
            found[rule.element] = Found(text, confidence, tuple(page.on_picture(piece.line) for piece in chosen))
    return found


def _pieces(layout: Layout, lines: Iterable[Line]) -> list[_Piece]:
    labels = sorted(
        {label for rule in layout.rules for label in rule.labels} | set(layout.others), key=len, reverse=True
    )
    inner = [label for rule in layout.rules if rule.inner for label in rule.labels]
    return [piece for line in lines for piece in _split(line, labels, inner)]


def _split(line: Line, labels: Sequence[str], inner: Sequence[str]) -> list[_Piece]:
    text = plain_text(line.text)
    starts = sorted({0, *(text.find(label) for label in inner if text.find(label) > 0)})
    pieces = []
    for place, start in enumerate(starts):
        end = starts[place + 1] if place + 1 < len(starts) else len(text)
        part, width = text[start:end], (line.right - line.left) / max(len(text), 1)
        label = next((one for one in labels if _starts(part, one)), "")
        left = line.left + width * start
        pieces.append(_Piece(line, left, line.left + width * end, part[len(label) :], label))
    return pieces


def _by_label(rule: FieldRule, pieces: list[_Piece]) -> list[_Piece]:
    for label in rule.labels:
        for anchor in pieces:
            if anchor.label != label:
                continue
            first = [anchor] if anchor.rest else _beside(anchor, pieces, below=rule.below)
            if first:
                return [*first, *_continued(first, anchor, pieces, rule.lines - 1)]
    return []


def _beside(anchor: _Piece, pieces: list[_Piece], *, below: bool) -> list[_Piece]:
    """What stands in the row to the right, up to the next label; or the nearest line under the label."""
    reach = anchor.line.height * 0.75
    row = sorted((one for one in pieces if one is not anchor and abs(one.line.middle - anchor.line.middle) < reach
                  and one.left > anchor.left), key=lambda one: one.left)  # fmt: skip
    taken = []
    for one in row:
        if one.label or one.taken:
            break
        taken.append(one)
    if taken or not below:
        return taken
    under = [one for one in pieces if not one.label and not one.taken and abs(one.left - anchor.left) < 2 * anchor.line.height
             and 0 < one.line.middle - anchor.line.middle < 3 * anchor.line.height]  # fmt: skip
    return sorted(under, key=lambda one: one.line.middle)[:1]


def _continued(first: list[_Piece], anchor: _Piece, pieces: list[_Piece], more: int) -> list[_Piece]:
    """Lines that go on under the value: same beginning, next row, no label of their own."""
    last, taken = first[0], []
    # Where label and value were read as one line, the value begins behind the label.
    left = (
        last.left
        if last is not anchor
        else last.right - (last.right - last.left) * len(last.rest) / max(1, len(last.rest) + len(last.label))
    )
    while more > 0:
        height = last.line.height
        under = [
            one for one in pieces
            if not one.label and not one.taken and one not in first and one not in taken
            and abs(one.left - left) < 1.6 * height and 0.5 * height < one.line.middle - last.line.middle < 1.7 * height
        ]  # fmt: skip
        if not under:
            break
        last = min(under, key=lambda one: one.line.middle)
        taken.append(last)
        more -= 1
    return taken


def _by_pattern(pattern: re.Pattern[str], pieces: list[_Piece]) -> list[_Piece]:
    return next(([one] for one in pieces if not one.taken and pattern.fullmatch(one.rest)), [])
