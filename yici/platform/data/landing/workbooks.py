"""XLSX: the first visible sheet with a table, every cell as text, digits that Excel would swallow recovered or flagged."""

from __future__ import annotations

import posixpath
import re
import zipfile
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import fastexcel
import pyarrow as pa
import pyarrow.compute as pc
from django.utils.translation import gettext as _

from yici.platform.data.engines.duckdb import connect
from yici.platform.data.landing.drafting import column_names, drop_blank, write_draft
from yici.platform.data.landing.errors import Damaged, Empty, HeaderOnly
from yici.platform.data.landing.headers import LOOKED_AT, find_header
from yici.platform.data.landing.limits import Limits
from yici.platform.data.landing.merged import Merged, column_number, fill_down
from yici.platform.data.landing.tables import Table
from yici.platform.data.landing.transcoding import Progress
from yici.platform.data.landing.unpacking import Sheet, judge_workbook

__all__ = ["land_workbook"]

_ATTRIBUTE = re.compile(r'([\w:]+)="([^"]*)"')
_RELATION = re.compile(r"<(?:\w+:)?Relationship\s[^>]*>")
_SHEET = re.compile(r"<(?:\w+:)?sheet\s[^>]*>")
_WORKSHEET = "/worksheet"
# A cell with a date format comes as a moment; of a day the midnight, of a time the day zero of spreadsheets, is no value.
_MIDNIGHT, _DAY_ZERO = " 00:00:00", "1899-12-3"
# What arithmetic leaves behind the fifteenth digit, which no spreadsheet shows.
_DUST = r"^-?\d*\.\d{10,}$"


@dataclass(frozen=True)
class _Entry:
    name: str
    is_visible: bool
    sheet: Sheet


def land_workbook(raw: Path, target: Path, limits: Limits, progress: Progress | None) -> Table:
    """Raises `Damaged`, `NoHeader`, `HeaderOnly`, `TooManyColumns`, `SparseSheet`, `EntityBomb` and their like."""
    entries = _entries(raw, judge_workbook(raw, limits))
    entry, others = _chosen(entries)
    try:
        loaded = fastexcel.read_excel(str(raw)).load_sheet(entry.name, header_row=None, skip_rows=0, dtypes="string")
        batch = loaded.to_arrow()
    except fastexcel.FastExcelError as error:
        raise Damaged from error
    if not batch.num_rows or not batch.num_columns:
        raise Empty
    table, lost = _restored(pa.Table.from_batches([batch]), entry.sheet)
    rows = table.slice(0, LOOKED_AT).to_pylist()
    table = _without_blank_columns(table, rows)
    header = find_header([[row[column] for column in table.schema.names] for row in rows], limits.columns)
    columns = column_names(header.names)
    table, merged = fill_down(table, entry.sheet.merged, _first_column(entry.sheet), header.row)
    table = table.rename_columns(list(columns)).slice(header.row)
    body = pa.table({name: _as_shown(table[name]) for name in columns})
    with connect() as connection:
        connection.register("sheet", body)
        told = (lambda done: progress(done, body.num_rows)) if progress else None
        draft = write_draft(connection, "sheet", columns, target, header.row + 1, told)
    if draft.rows == draft.blank:
        raise HeaderOnly
    if draft.blank:
        drop_blank(target, columns)
    return Table(
        header.names,
        columns,
        draft.rows - draft.blank,
        header.row + 1,
        (*header.warnings, *_warnings(entry, others, lost, draft.totals, merged)),
        "utf-8",
        sample=draft.sample,
        sheets=tuple(one.name for one in entries),
        lost_digits=tuple(lost.get(place, 0) for place in range(len(columns))),
    )


def _warnings(entry: _Entry, others: list[str], lost: dict[int, int], totals: int, merged: Merged) -> list[str]:
    found = []
    if others:
        found.append(
            _("工作簿有多个工作表，只读取了“{name}”，没有读取：{others}。").format(
                name=entry.name, others="、".join(others)
            )
        )
    if count := sum(lost.values()) + entry.sheet.unplaced_long:
        found.append(
            _(
                "有 {count} 个单元格把长号码存成了数字，Excel 已丢失后几位；这些行会被隔离。请把该列设为文本格式后重新填写。"
            ).format(count=count)
        )
    if entry.sheet.no_result:
        found.append(
            _("有 {count} 个公式在文件里没有结果，按空白处理。请用 Excel 或 WPS 打开并保存一次。").format(
                count=entry.sheet.no_result
            )
        )
    if merged.filled:
        found.append(
            _("有 {count} 处合并单元格（第一处在第 {row} 行），其值已填入所盖住的每一行，共补 {rows} 行。").format(
                count=merged.filled, row=merged.first_row, rows=merged.rows
            )
        )
    if merged.wide:
        found.append(
            _("有 {count} 处合并单元格跨了几列（第一处在第 {row} 行），值只归最左一列，其余列为空。").format(
                count=merged.wide, row=merged.first_wide_row
            )
        )
    if totals:
        found.append(_("末尾的 {count} 行合计未入库。").format(count=totals))
    return found


def _entries(raw: Path, judged: dict[str, Sheet]) -> list[_Entry]:
    """The worksheets in the order of the workbook. Raises `Damaged` for one that was not judged."""
    try:
        with zipfile.ZipFile(raw) as archive:
            book = archive.read("xl/workbook.xml").decode("utf-8", "replace")
            relations = archive.read("xl/_rels/workbook.xml.rels").decode("utf-8", "replace")
    except (KeyError, zipfile.BadZipFile) as error:
        raise Damaged from error
    members = {}
    for one in _RELATION.findall(relations):
        attributes = dict(_ATTRIBUTE.findall(one))
        if attributes.get("Type", "").endswith(_WORKSHEET):
            members[attributes.get("Id", "")] = posixpath.join("/xl", unescape(attributes.get("Target", ""))).lstrip(
                "/"
            )
    found = []
    for one in _SHEET.findall(book):
        attributes = dict(_ATTRIBUTE.findall(one))
        relation = next((value for name, value in attributes.items() if name.endswith(":id")), "")
        if relation not in members:  # a chart or a dialogue
            continue
        sheet = judged.get(posixpath.normpath(members[relation]))
        if sheet is None:
            raise Damaged
        is_visible = attributes.get("state", "visible") == "visible"
        found.append(_Entry(unescape(attributes.get("name", "")), is_visible, sheet))
    return found


def _chosen(entries: list[_Entry]) -> tuple[_Entry, list[str]]:
    """The first visible sheet with cells; names of the others that are like it."""
    filled = [one for one in entries if one.is_visible and one.sheet.cells]
    if not filled:
        raise Empty
    return filled[0], [one.name for one in filled[1:]]


def _first_column(sheet: Sheet) -> int:
    """Where the table begins: columns at the left edge that hold nothing are not in it."""
    return min(map(column_number, sheet.columns), default=1)


def _restored(table: pa.Table, sheet: Sheet) -> tuple[pa.Table, dict[int, int]]:
    """Put numbers as the file writes them; returns how many have lost digits for good, by place of the column."""
    first = _first_column(sheet)
    by_column: dict[int, dict[int, str]] = {}
    for (row, letters), number in sheet.long_numbers.items():
        by_column.setdefault(column_number(letters) - first, {})[row] = number
    lost: dict[int, int] = {}
    for place, numbers in by_column.items():
        if place >= table.num_columns:
            continue
        values = table.column(place).to_pylist()
        for row, number in numbers.items():
            if row < len(values):
                values[row] = number
                # Excel itself fills up with zeros what it could not keep.
                lost[place] = lost.get(place, 0) + ("e" in number.lower() or number.endswith("000"))
        table = table.set_column(place, table.schema.names[place], pa.array(values, pa.string()))
    return table, lost


def _without_blank_columns(table: pa.Table, first_rows: list[dict[str, str | None]]) -> pa.Table:
    """Without the columns at the right edge that hold nothing: formats reach further than tables."""
    names = list(table.schema.names)
    while len(names) > 1 and table[names[-1]].null_count == table.num_rows:
        last = names.pop()
        for row in first_rows:
            del row[last]
    return table.select(names)


def _as_shown(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pc.any(pc.ends_with(column, _MIDNIGHT)).as_py():
        column = pc.replace_substring_regex(column, f"{_MIDNIGHT}$", "")
    if pc.any(pc.starts_with(column, _DAY_ZERO)).as_py():
        column = pc.replace_substring_regex(column, f"^{_DAY_ZERO}[01] ", "")
    dusty = pc.match_substring_regex(column, _DUST)
    if not pc.any(dusty).as_py():
        return column
    clean = [f"{float(value):.15g}" if value else value for value in pc.filter(column, dusty).to_pylist()]
    is_plain = [value if "e" not in value else None for value in clean]
    return pc.replace_with_mask(
        column.combine_chunks(), pc.fill_null(dusty, False).combine_chunks(), pa.array(is_plain, pa.string())
    )
