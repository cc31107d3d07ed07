"""Where the header of a table is, what its columns are called, and which last rows are sums. Pure.

Departments put a title above the table, merge the cells of a two-row header, leave a header blank or write one twice,
and add the line of the total at the end.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from yici.platform.data.landing.errors import NoHeader, TooManyColumns

__all__ = ["MOST_COLUMNS", "Header", "find_header", "is_total", "normal"]

MOST_COLUMNS = 500
LOOKED_AT = 30  # rows at the beginning of a table
_DATA = re.compile(r"^[\s\d.,:/+\-年月日¥￥%xX]+$")
_TOTAL = re.compile(r"^[\s　]*(合计|总计|小计|共计|汇总)[\s　:：]*")
_BLANK = re.compile(r"[\s　\u00a0\u200b\ufeff]+")

Row = Sequence[str | None]


@dataclass(frozen=True)
class Header:
    """`names`: one for each column, none twice. `row`: number of the header's last row, from 1."""

    names: tuple[str, ...]
    row: int
    warnings: tuple[str, ...] = ()


def normal(header: str) -> str:
    """A header without blanks and in half-width forms, for comparing."""
    return _BLANK.sub("", header).translate(_HALF_WIDTH).lower()


_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}


def find_header(rows: Sequence[Row], most_columns: int = MOST_COLUMNS) -> Header:
    """Find the header among the first rows. Raises `NoHeader`, `TooManyColumns`."""
    looked = [[_clean(cell) for cell in row] for row in rows[:LOOKED_AT]]
    if max((len(row) for row in looked), default=0) > most_columns:
        raise TooManyColumns
    # As wide as most rows are: one wrong line among the first must not make the table wider.
    widths = Counter(len(row) for row in looked if any(row)).most_common(1)
    usual_width = widths[0][0] if widths else 0
    filled = [sum(bool(cell) for cell in row) for row in looked]
    usual = Counter(count for count in filled if count).most_common(1)
    need = max(1, round((usual[0][0] if usual else 1) * 0.6))
    for place, row in enumerate(looked):
        if filled[place] < need or (filled[place] == 1 and usual_width > 2):
            continue
        if _looks_like_data(row):
            raise NoHeader
        return _named(looked, place, max(len(row), usual_width))
    raise NoHeader


def _clean(cell: str | None) -> str:
    return _BLANK.sub(" ", cell or "").strip()


def _looks_like_data(row: Sequence[str]) -> bool:
    cells = [cell for cell in row if cell]
    return sum(bool(_DATA.match(cell)) for cell in cells) * 2 > len(cells)


def _named(rows: list[list[str]], place: int, width: int) -> Header:
    warnings = []
    if place:
        warnings.append(_("表头在第 {row} 行，以上为标题，已跳过。").format(row=place + 1))
    upper = [*rows[place], *[""] * (width - len(rows[place]))]
    last = place
    below = rows[place + 1][:width] if place + 1 < len(rows) else []
    if _is_second_row(upper, below):
        upper = _joined(upper, [*below, *[""] * (width - len(below))])
        last += 1
        warnings.append(_("表头有两行（合并单元格），已合成一行，如“家庭住址/村”。"))
    names, more = _told_apart(upper)
    return Header(tuple(names), last + 1, (*warnings, *more))


def _is_second_row(upper: Sequence[str], below: Sequence[str]) -> bool:
    """A second header row stands under a gap of the first: words, and only where the first is blank or spans."""
    under_gap = [cell for place, cell in enumerate(below) if cell and place < len(upper) and not upper[place]]
    cells = [cell for cell in below if cell]
    words = cells and not any(_DATA.match(cell) for cell in cells) and all(len(cell) <= 20 for cell in cells)
    blanks = sum(not cell for cell in below)
    return bool(under_gap and words and blanks and len(cells) < len([cell for cell in upper if cell]) + len(under_gap))


def _joined(upper: Sequence[str], below: Sequence[str]) -> list[str]:
    names, parent = [], ""
    for over, under in zip(upper, below, strict=True):
        parent = over or (parent if under else "")
        names.append(f"{parent}/{under}" if under and parent else over or under)
    return names


def _told_apart(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Blank headers get a name, repeated ones a number; trailing blank columns are kept, as they may hold data."""
    found: list[str] = []
    blank, repeated = [], []
    for place, name in enumerate(names, start=1):
        plain = whole = name or _("第{number}列").format(number=place)
        if not name:
            blank.append(str(place))
        count = 1
        while plain in found:
            count += 1
            plain = f"{whole}#{count}"
        if count > 1:
            repeated.append(whole)
        found.append(plain)
    warnings = []
    if blank:
        warnings.append(_("第 {number} 列没有表头。").format(number="、".join(blank[:20])))
    if repeated:
        names_told = "、".join(dict.fromkeys(repeated))
        warnings.append(_("表头“{name}”出现了不止一次，已加编号区分。").format(name=names_told[:200]))
    return found, warnings


def is_total(row: Row) -> bool:
    """Whether a row is the line of the total: its first filled cell says so."""
    first = next((cell for cell in row if cell and cell.strip()), "")
    return bool(_TOTAL.match(first))
