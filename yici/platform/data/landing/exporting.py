"""Rows out again, as XLSX that a spreadsheet program opens safely: nothing in them is taken for a formula.

Streams: memory does not grow with the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, BinaryIO

from yici.base.sheet_writing import write_sheet
from yici.base.spreadsheets import safe_cell

__all__ = ["write_xlsx"]


def write_xlsx(target: BinaryIO, headers: Sequence[str], rows: Iterable[Sequence[Any]], title: str = "数据") -> int:
    """Write a workbook with one sheet; returns how many rows. Every text cell is text, never a formula."""
    return write_sheet(target, title, headers, ([safe_cell(value) for value in row] for row in rows))
