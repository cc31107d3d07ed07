"""The sheet of a certificate as objects of an OFD page: texts with their advances, paths, the QR code as one path.

Lengths are millimetres from the upper left corner of an A4 page. Fonts are named, not embedded: every reader of OFD
files brings 宋体 and 黑体.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from unicodedata import east_asian_width
from xml.sax.saxutils import escape

import segno

from yici.platform.trust.rendering import Sheet

__all__ = ["FONTS", "HEIGHT", "WIDTH", "draw"]

WIDTH, HEIGHT = 210, 297
SONG, HEI = 2, 3  # ids in PublicRes.xml
FONTS = {SONG: "宋体", HEI: "黑体"}
_INK, _SOFT, _RED = "29 33 41", "102 108 117", "200 22 29"
_LEFT, _RIGHT = 32.0, 178.0
_FIRST_ID = 20  # smaller ones name fonts, page and layer
_NARROW = frozenset({"Na", "N", "H"})  # East Asian Width classes that take half a square


class _Canvas:
    """Objects of one layer, in the order in which they are painted."""

    def __init__(self, last: int) -> None:
        """`last`: the last id that is taken."""
        self.parts: list[str] = []
        self.last = last

    def _id(self) -> int:
        self.last += 1
        return self.last

    def text(
        self, x: float, y: float, size: float, words: str, *, font: int = SONG, colour: str = _INK, bold: bool = False,
        spacing: float = 0, matrix: str = "",
    ) -> None:  # fmt: skip
        """`y`: of the base line."""
        if not words:
            return
        advances = _advances(words, size, spacing)
        moves = f' DeltaX="{" ".join(f"{step:.3g}" for step in advances[:-1])}"' if len(words) > 1 else ""
        if matrix:
            place, start = f'Boundary="0 0 {WIDTH} {HEIGHT}" CTM="{matrix}"', 'X="0" Y="0"'
        else:
            place = f'Boundary="{x:.2f} {y - size:.2f} {sum(advances) + size:.2f} {size * 1.4:.2f}"'
            start = f'X="0" Y="{size:.2f}"'
        weight = ' Weight="700"' if bold else ""
        self.parts.append(
            f'<ofd:TextObject ID="{self._id()}" {place} Font="{font}" Size="{size:g}"{weight}>'
            f'<ofd:FillColor Value="{colour}"/><ofd:TextCode {start}{moves}>{escape(words)}</ofd:TextCode></ofd:TextObject>'
        )

    def centred(self, y: float, size: float, words: str, *, middle: float = WIDTH / 2, **look: object) -> None:
        spacing = float(look.get("spacing", 0))  # type: ignore[arg-type]
        width = sum(_advances(words, size, spacing)) - spacing
        self.text(middle - width / 2, y, size, words, **look)  # type: ignore[arg-type]

    def path(self, data: str, *, stroke: str = "", fill: str = "", width: float = 0.2, box: str = "") -> None:
        """`data`: AbbreviatedData within `box` (the page by default)."""
        colours = (f'<ofd:StrokeColor Value="{stroke}"/>' if stroke else "") + (
            f'<ofd:FillColor Value="{fill}"/>' if fill else ""
        )
        self.parts.append(
            f'<ofd:PathObject ID="{self._id()}" Boundary="{box or f"0 0 {WIDTH} {HEIGHT}"}" LineWidth="{width:g}"'
            f' Stroke="{"true" if stroke else "false"}" Fill="{"true" if fill else "false"}">{colours}'
            f"<ofd:AbbreviatedData>{data}</ofd:AbbreviatedData></ofd:PathObject>"
        )

    def paragraph(self, y: float, size: float, words: str, leading: float, **look: object) -> float:
        """Text broken to the width of the sheet, two squares in from the left. Gives the next free `y`."""
        for place, line in enumerate(_lines(words, size, _RIGHT - _LEFT, 2 * size)):
            self.text(_LEFT + (0 if place else 2 * size), y, size, line, **look)  # type: ignore[arg-type]
            y += leading
        return y


@lru_cache(maxsize=4096)
def _is_narrow(character: str) -> bool:
    return east_asian_width(character) in _NARROW


def _advances(words: str, size: float, spacing: float = 0) -> list[float]:
    return [size * (0.5 if _is_narrow(character) else 1) + spacing for character in words]


def _lines(words: str, size: float, width: float, indent: float = 0) -> list[str]:
    lines, line, used = [], "", indent
    for character in words:
        step = size * (0.5 if _is_narrow(character) else 1)
        if used + step > width and line:
            lines.append(line)
            line, used = "", 0.0
        line += character
        used += step
    return [*lines, line] if line else lines


def draw(sheet: Sheet) -> str:
    """The objects of the page's only layer, as XML."""
    background, last = _background(
        sheet.accent, sheet.authority, sheet.title, sheet.title_en, sheet.issuer, sheet.seal_caption
    )
    canvas = _Canvas(last)
    y = 78.0
    if sheet.statement:
        y = canvas.paragraph(y, 4.2, sheet.statement, 7.4)
        y = canvas.paragraph(y - 1, 2.6, sheet.statement_en, 4.4, font=HEI, colour=_SOFT) + 4
    for row in sheet.fields:
        y = _row(canvas, y, row.label, row.label_en, row.value)
    for label, english, value in (
        ("证照编号", "No.", sheet.number),
        ("有效期", "Validity", sheet.validity),
        ("核发日期", "Issued on", sheet.issued_on),
    ):
        y = _row(canvas, y, label, english, value)
    _code(canvas, sheet)
    return background + "".join(canvas.parts)


@lru_cache(maxsize=512)
def _background(accent: str, authority: str, title: str, title_en: str, issuer: str, caption: str) -> tuple[str, int]:
    """What every certificate of a type and issuer has: frame, heading, seal; and the last id used."""
    canvas, colour = _Canvas(_FIRST_ID), _rgb(accent)
    canvas.path("M 11 11 L 199 11 L 199 286 L 11 286 C", stroke=colour, width=0.6)
    canvas.path("M 18 18 L 192 18 L 192 279 L 18 279 C", stroke=colour, width=0.2)
    canvas.centred(41, 4.2, authority, colour=colour, spacing=1.4)
    size = 8.5 if len(title) > 14 else 10.2 if len(title) > 9 else 12.7
    canvas.centred(58, size, title, colour=colour, bold=True, spacing=0.8 if len(title) > 9 else 2.4)
    canvas.centred(66, 3, title_en, font=HEI, colour=_SOFT)
    _seal(canvas, 148, 226, issuer, caption)
    canvas.centred(252, 4.2, issuer, middle=148)
    return "".join(canvas.parts), canvas.last


def _rgb(colour: str) -> str:
    return " ".join(str(int(colour[place : place + 2], 16)) for place in (1, 3, 5))


def _row(canvas: _Canvas, y: float, label: str, english: str, value: str) -> float:
    canvas.text(_LEFT, y, 3.9, label, colour=_SOFT)
    canvas.text(_LEFT, y + 3.6, 2.2, english[:40], font=HEI, colour=_SOFT)
    for line in _lines(value, 4.2, _RIGHT - 74) or [""]:
        canvas.text(74, y, 4.2, line)
        y += 6.4
    return y + 3.2


def _seal(canvas: _Canvas, x: float, y: float, name: str, caption: str) -> None:
    """The issuer's seal: its name around a star, as on the PDF."""
    canvas.path(_circle(x, y, 20.4), stroke=_RED, width=1.3)
    points = []
    for place in range(10):
        reach, turn = (6.2 if place % 2 == 0 else 2.37), math.radians(place * 36)
        points.append(f"{x + reach * math.sin(turn):.2f} {y - reach * math.cos(turn):.2f}")
    canvas.path("M " + " L ".join(points) + " C", fill=_RED)
    count = len(name)
    size = 3.5 if count > 16 else 4.0 if count > 12 else 4.8
    span = min(250.0, count * 21.0)
    for place, character in enumerate(name):
        turn = math.radians(0 if count == 1 else -span / 2 + span * place / (count - 1))
        cosine, sine = math.cos(turn), math.sin(turn)
        # The character's base line runs along the circle; half its width back, a third of its height in.
        middle_x, middle_y = x + 16.6 * sine, y - 16.6 * cosine
        start_x = middle_x - cosine * size / 2 - sine * size * 0.36
        start_y = middle_y - sine * size / 2 + cosine * size * 0.36
        matrix = f"{cosine:.4f} {sine:.4f} {-sine:.4f} {cosine:.4f} {start_x:.2f} {start_y:.2f}"
        canvas.text(0, 0, size, character, colour=_RED, bold=True, matrix=matrix)
    canvas.centred(y + 12, 2.8, caption, middle=x, colour=_RED, bold=True)


def _circle(x: float, y: float, radius: float) -> str:
    return (
        f"M {x - radius:g} {y:g} A {radius:g} {radius:g} 0 0 1 {x + radius:g} {y:g} "
        f"A {radius:g} {radius:g} 0 0 1 {x - radius:g} {y:g} C"
    )


def _code(canvas: _Canvas, sheet: Sheet) -> None:
    side, left, top = 26.0, _LEFT, 214.0
    # One mask of the eight: trying them all takes longer than the rest of the file.
    modules = segno.make(sheet.verify_url, error="m", micro=False, mask=2).matrix
    canvas.path(_modules(modules, side), fill=_INK, box=f"{left:g} {top:g} {side:g} {side:g}")
    canvas.text(left, 245, 3, f"查验码 {sheet.check_code_shown}", font=HEI)
    canvas.text(left, 249.5, 2.6, sheet.verify_host, font=HEI, colour=_SOFT)
    canvas.text(left, 272, 2.5, f"电子证照标识 {sheet.identifier}", font=HEI, colour=_SOFT)
    if sheet.case_number:
        canvas.text(left, 276, 2.5, f"办件编号 {sheet.case_number}", font=HEI, colour=_SOFT)


def _modules(matrix: Iterable[Sequence[int]], side: float) -> str:
    """Dark modules as rectangles, those beside each other in a row as one."""
    rows = list(matrix)
    unit = side / len(rows)
    marks = [f"{place * unit:.3f}".rstrip("0").rstrip(".") for place in range(len(rows) + 1)]
    parts = []
    for y, row in enumerate(rows):
        x = 0
        while x < len(row):
            if not row[x]:
                x += 1
                continue
            first = x
            while x < len(row) and row[x]:
                x += 1
            parts.append(
                f"M {marks[first]} {marks[y]} L {marks[x]} {marks[y]} L {marks[x]} {marks[y + 1]} "
                f"L {marks[first]} {marks[y + 1]} C"
            )
    return " ".join(parts)
