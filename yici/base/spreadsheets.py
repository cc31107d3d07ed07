"""Cells that a spreadsheet program shows and never runs (CWE-1236), and CSV as it likes it.

Numbers stay numbers, eighteen-digit numbers stay text.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

__all__ = ["csv_lines", "safe_cell"]

# CWE-1236. The full-width forms count too: some programs fold them before they look.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "|", "%")
_BLANKS = " \u3000\u00a0\u200b\ufeff"  # some programs trim before they look
_ILLEGAL = dict.fromkeys([*range(0x00, 0x09), 0x0B, 0x0C, *range(0x0E, 0x20)], None)


def safe_cell(value: Any) -> str | int | float | dt.date | dt.datetime | None:
    """A value as a cell may hold it; text that looks like a formula gets an apostrophe before it."""
    if value is None or isinstance(value, bool):
        return None if value is None else str(value)
    if isinstance(value, int):
        return value if abs(value) < 10**15 else str(value)
    if isinstance(value, dt.date | dt.datetime):
        return value.replace(tzinfo=None) if isinstance(value, dt.datetime) else value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):  # as a number where one of a spreadsheet can hold it
        return float(value) if value.is_finite() and len(value.as_tuple().digits) <= 15 else str(value)
    text = str(value).translate(_ILLEGAL)
    starts_badly = text.startswith(_DANGEROUS) or text.lstrip(_BLANKS).startswith(_DANGEROUS)
    return "'" + text if starts_badly and not _is_plain_number(text) else text


def _is_plain_number(text: str) -> bool:
    body = text[1:] if text[:1] == "-" else text
    whole, _dot, fraction = body.partition(".")
    return (
        whole.isascii()
        and whole.isdigit()
        and len(whole) < 16
        and (not _dot or (fraction.isascii() and fraction.isdigit()))
    )


def csv_lines(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Lines of a CSV file, with the mark by which Excel knows UTF-8."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    buffer.write("\ufeff")
    writer.writerow([safe_cell(header) for header in headers])
    for row in rows:
        writer.writerow([safe_cell(value) for value in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    if rest := buffer.getvalue():
        yield rest
