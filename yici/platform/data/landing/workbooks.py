"""XLSX: the first visible sheet with a table, every cell as text, digits that Excel would swallow recovered or flagged."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import fastexcel
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.utils.translation import gettext as _

from yici.platform.data.landing.errors import Damaged, HeaderOnly
from yici.platform.data.landing.headers import LOOKED_AT, find_header, is_total
from yici.platform.data.landing.tables import Table, column_names
from yici.platform.data.landing.unpacking import judge_workbook

__all__ = ["land_workbook"]

_MIDNIGHT = r" 00:00:00$"
# A number cell of 16 digits or more: Excel keeps fifteen, what follows is lost unless the file still has it as text.
_LONG_NUMBER = re.compile(rb"<v>(\d{16,}|\d(?:\.\d+)?E\+1[5-9])</v>")
_LONG_CELL = re.compile(
    rb'<c r="([A-Z]{1,2})(\d+)"(?![^>]*\bt="(?!n"))[^>]*>(?:<f>[^<]*</f>)?<v>(\d{16,}|\d(?:\.\d+)?E\+1[5-9])</v>'
)
_ANY_CELL = re.compile(rb'<c r="([A-Z]{1,2})\d')
_SHEET_PATH = re.compile(
    r'<Relationship [^>]*?Target="([^"]+)"[^>]*?Id="([^"]+)"|<Relationship [^>]*?Id="([^"]+)"[^>]*?Target="([^"]+)"'
)
_SHEET_NAME = re.compile(r'<sheet [^>]*?name="([^"]*)"[^>]*?r:id="([^"]+)"')


def land_workbook(raw: Path, target: Path) -> Table:
    """Raises `Damaged`, `NoHeader`, `HeaderOnly`, `TooManyColumns`, `SparseSheet`, `EntityBomb` and their like."""
    sheets = judge_workbook(raw)
    try:
        reader = fastexcel.read_excel(str(raw))
        name, batch, more = _first_table(reader)
    except fastexcel.FastExcelError as error:
        raise Damaged from error
    rows = batch.slice(0, LOOKED_AT).to_pylist()
    header = find_header([[row[column] for column in batch.schema.names] for row in rows])
    warnings = list(header.warnings)
    if more:
        warnings.append(_("工作簿有多个工作表，只读取了“{name}”。").format(name=name))
    table = pa.Table.from_batches([batch])
    columns = column_names(header.names)
    table = table.rename_columns(list(columns))
    long_numbers = _long_numbers(raw, sheets, name)
    table, lost = _restored(table, long_numbers)
    if lost:
        warnings.append(
            _(
                "有 {count} 个单元格把长号码存成了数字，Excel 已丢失后几位；这些行会被隔离。请把该列设为文本格式后重新填写。"
            ).format(count=lost)
        )
    table = table.slice(header.row)
    table, totals = _without_end(table)
    if totals:
        warnings.append(_("末尾的合计行未入库。"))
    if table.num_rows == 0:
        raise HeaderOnly
    table = pa.table({name: pc.replace_substring_regex(table[name], _MIDNIGHT, "") for name in columns})
    pq.write_table(table, target, compression="zstd")
    return Table(header.names, columns, table.num_rows, header.row + 1, tuple(warnings), "utf-8")


def _first_table(reader: fastexcel.ExcelReader) -> tuple[str, pa.RecordBatch, bool]:
    """The first visible sheet that is not empty; whether there are more of them."""
    found: tuple[str, pa.RecordBatch] | None = None
    for name in reader.sheet_names:
        sheet = reader.load_sheet(name, header_row=None, skip_rows=0, n_rows=None, dtypes="string")
        if sheet.visible != "visible" or sheet.total_height == 0 or sheet.width == 0:
            continue
        if found is not None:
            return found[0], found[1], True
        found = (name, sheet.to_arrow())
    if found is None:
        raise HeaderOnly
    return found[0], found[1], False


def _long_numbers(raw: Path, sheets: dict[str, bytes], name: str) -> dict[tuple[int, int], str]:
    """(row, column of the used area) from 0 → the number as the file writes it."""
    if not any(_LONG_NUMBER.search(content) for content in sheets.values()):
        return {}
    content = sheets.get(_path_of(raw, name), b"")
    first = min((_column(letters) for letters in set(_ANY_CELL.findall(content))), default=0)
    return {
        (int(row) - 1, _column(letters) - first): number.decode()
        for letters, row, number in _LONG_CELL.findall(content)
    }


def _path_of(raw: Path, name: str) -> str:
    """Which member of the workbook holds the sheet of that name."""
    from html import unescape

    with zipfile.ZipFile(raw) as archive:
        book = archive.read("xl/workbook.xml").decode("utf-8", "replace")
        relations = archive.read("xl/_rels/workbook.xml.rels").decode("utf-8", "replace")
    ids = {unescape(sheet): relation for sheet, relation in _SHEET_NAME.findall(book)}
    targets = {first or second: to or other for to, first, second, other in _SHEET_PATH.findall(relations)}
    target = targets.get(ids.get(name, ""), "")
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


def _restored(table: pa.Table, long_numbers: dict[tuple[int, int], str]) -> tuple[pa.Table, int]:
    """Put numbers as the file writes them; returns how many have lost digits for good."""
    lost = 0
    for column in {place for _row, place in long_numbers}:
        if column >= table.num_columns:
            continue
        values = table.column(column).to_pylist()
        for (row, place), number in long_numbers.items():
            if place == column and row < len(values):
                values[row] = number
                lost += "E" in number or number.endswith("000")
        table = table.set_column(column, table.schema.names[column], pa.array(values, pa.string()))
    return table, lost


def _without_end(table: pa.Table) -> tuple[pa.Table, int]:
    """Take empty rows and lines of totals off the end; returns how many totals."""
    totals = 0
    while table.num_rows:
        last = [column[-1].as_py() for column in table.columns]
        if any(cell and cell.strip() for cell in last):
            if not is_total(last):
                break
            totals += 1
        table = table.slice(0, table.num_rows - 1)
    return table, totals
