"""Merged cells below the header: a value that is shown over several rows holds for each of them.

A workbook keeps the value in the first cell of the area only. It is filled down, as a reader sees it; not to the right,
where it would become the value of other columns. Areas that reach into the header are the header's (`headers`).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from yici.platform.data.landing.errors import Damaged

__all__ = ["Area", "Merged", "areas_in", "column_number", "fill_down"]

_AREA = re.compile(rb"""<(?:\w+:)?mergeCell\s[^>]*?ref=["']([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})["']""")


@dataclass(frozen=True)
class Area:
    """A merged area. Rows as a spreadsheet numbers them, columns from 1 (A)."""

    top: int
    bottom: int
    left: int
    right: int


@dataclass(frozen=True)
class Merged:
    """What was done: `filled` areas held for several rows (the first is at `first_row`), in `rows` further rows.

    `wide`: areas that span columns, whose value stands in the first of them only; `first_wide_row` 0 for none.
    """

    filled: int = 0
    rows: int = 0
    first_row: int = 0
    wide: int = 0
    first_wide_row: int = 0


def areas_in(xml: bytes) -> Iterator[Area]:
    """Merged areas as the XML of a sheet names them."""
    for left, top, right, bottom in _AREA.findall(xml):
        yield Area(int(top), int(bottom), column_number(left), column_number(right))


def column_number(letters: bytes) -> int:
    """A is 1, Z 26, AA 27."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def fill_down(table: pa.Table, areas: Iterable[Area], first_column: int, header_row: int) -> tuple[pa.Table, Merged]:
    """The sheet with values filled down. `first_column`: what its first column is in the sheet; its rows begin at 1.

    Only blank cells are filled, and only in rows that hold something besides. Raises `Damaged` for areas that overlap,
    which no spreadsheet program writes.
    """
    by_column: dict[int, list[Area]] = defaultdict(list)
    wide = []
    for area in areas:
        if area.top > header_row and area.top <= table.num_rows:
            if area.right > area.left:
                wide.append(area.top)
            if area.bottom > area.top:
                by_column[area.left - first_column].append(area)
    filled = rows = first_row = 0
    is_row = _holds_something(table) if by_column else np.zeros(0, np.bool_)
    for place, own in by_column.items():
        if not 0 <= place < table.num_columns:
            continue
        source = _sources(own, table.num_rows)
        column = table.column(place).combine_chunks()
        wanted = is_row & _is_blank(column) & (source != np.arange(table.num_rows))
        wanted &= ~_is_blank(column.take(pa.array(source)))
        if not wanted.any():
            continue
        source[~wanted] = np.flatnonzero(~wanted)
        table = table.set_column(place, table.schema.names[place], column.take(pa.array(source)))
        tops = np.unique(source[wanted])
        filled, rows = filled + len(tops), rows + int(wanted.sum())
        first_row = min(first_row or table.num_rows, int(tops[0]) + 1)
    return table, Merged(filled, rows, first_row, len(wide), min(wide, default=0))


def _sources(areas: list[Area], count: int) -> npt.NDArray[np.int64]:
    """For each row the row its value stands in: itself, or the first of its area."""
    source = np.arange(count, dtype=np.int64)
    if sum(min(area.bottom, count) - area.top + 1 for area in areas) > count:
        raise Damaged
    for area in areas:
        source[area.top - 1 : area.bottom] = area.top - 1
    return source


def _holds_something(table: pa.Table) -> npt.NDArray[np.bool_]:
    found = np.zeros(table.num_rows, np.bool_)
    for column in table.columns:
        found |= ~_is_blank(column.combine_chunks())
    return found


def _is_blank(column: pa.Array) -> npt.NDArray[np.bool_]:
    blank = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(column), ""), True)
    return np.asarray(blank.to_numpy(zero_copy_only=False), np.bool_)
