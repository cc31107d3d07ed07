"""Landing bytes or a file, and building workbooks cell by cell as spreadsheet programs write them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from yici.platform.data.landing.landing import Landed, Limits, land

SHEET_HEAD = (
    '<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
)


@pytest.fixture
def landing(tmp_path: Path, settings: Any) -> Callable[..., tuple[Landed, list[dict[str, Any]]]]:
    """`landing(content)`: land bytes or a file; gives what was found and the rows by header."""
    settings.DATA_HOME = tmp_path / "data"

    def _land(content: bytes | Path, name: str = "file.csv", **limits: int) -> tuple[Landed, list[dict[str, Any]]]:
        raw = content if isinstance(content, Path) else tmp_path / "raw"
        if not isinstance(content, Path):
            raw.write_bytes(content)
        target = tmp_path / "landed.parquet"
        target.unlink(missing_ok=True)
        landed = land(raw, target, name=name, limits=Limits(**limits))
        table = pq.read_table(target)
        assert table.num_rows == landed.rows
        assert table.schema.names == [*landed.columns, "_row", "_hash"]
        assert table.schema.types[-2:] == [pa.int64(), pa.uint64()]
        assert set(table.schema.types[:-2]) == {pa.string()}
        rows = table.select(landed.columns).to_pylist()
        return landed, [dict(zip(landed.headers, row.values(), strict=True)) for row in rows]

    return _land


@pytest.fixture
def numbers(tmp_path: Path) -> Callable[[], list[int]]:
    """`_row` of what was landed last."""
    return lambda: pq.read_table(tmp_path / "landed.parquet")["_row"].to_pylist()


def workbook(*rows: tuple[Any, ...], merged: tuple[str, ...] = (), **sheets: list[tuple[Any, ...]]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for area in merged:
        sheet.merge_cells(area)
    for title, content in sheets.items():
        other = book.create_sheet(title)
        for row in content:
            other.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def with_sheet(xml: str, **members: str) -> bytes:
    """A small workbook with this XML in place of its sheet's, and other members besides."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook(("a", "b"), (1, 2)))) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            target.writestr(name, xml if name == "xl/worksheets/sheet1.xml" else source.read(name))
        for name, content in members.items():
            target.writestr(name, content)
    return out.getvalue()


def with_cells(*rows: str) -> bytes:
    """A workbook whose sheet holds these cells."""
    body = "".join(f'<row r="{number}">{row}</row>' for number, row in enumerate(rows, start=1))
    return with_sheet(f"{SHEET_HEAD}{body}</sheetData></worksheet>")


def word(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'
