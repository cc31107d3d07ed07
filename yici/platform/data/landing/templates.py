"""A workbook to fill in for a class: headers, formats that keep long numbers whole, lists to choose codes from."""

from __future__ import annotations

import io

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from yici.core.vocabulary import queries as vocabulary
from yici.platform.data.catalogue.definition import ClassDefinition, Column

__all__ = ["template_workbook"]

ROWS = 5_000  # rows that are formatted beforehand
_LONGEST_LIST = 250  # characters that Excel takes as a list within a rule
_TYPES = {
    "text": "文字",
    "date": "日期，如 2017-06-30",
    "datetime": "日期和时间，如 2017-06-30 08:30:00",
    "number": "数字",
    "money": "金额（元），如 1234.50",
    "code": "从列表中选，或填代码",
    "yes_no": "是或否",
}
_FORMATS = {"date": "yyyy-mm-dd", "datetime": "yyyy-mm-dd hh:mm:ss", "number": "General", "money": "0.00"}
_NEEDED = PatternFill("solid", fgColor="FFF3D6")


def template_workbook(definition: ClassDefinition) -> bytes:
    """XLSX with the sheet to fill in, the notes of each column, and the code lists."""
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = "数据"
    lists = book.create_sheet("代码表")
    for place, column in enumerate(definition.columns, start=1):
        _fill_column(sheet, lists, place, column, definition)
    sheet.freeze_panes = "A2"
    _fill_notes(book.create_sheet("填写说明", 1), definition)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _fill_column(sheet: Worksheet, lists: Worksheet, place: int, column: Column, definition: ClassDefinition) -> None:
    letter = get_column_letter(place)
    head = sheet.cell(1, place, column.headers[0])
    head.font = Font(bold=True)
    if column.name in definition.needed:
        head.fill = _NEEDED
    sheet.column_dimensions[letter].width = max(14, len(column.headers[0]) * 2 + 4)
    sheet.column_dimensions[letter].number_format = _FORMATS.get(column.type, "@")
    for row in range(2, 202):  # column formats alone are ignored by some programs
        sheet.cell(row, place).number_format = _FORMATS.get(column.type, "@")
    choices = _choices(column)
    if not choices:
        return
    lists.cell(1, place, column.headers[0]).font = Font(bold=True)
    for row, choice in enumerate(choices, start=2):
        lists.cell(row, place, choice)
    text = ",".join(choices)
    inline = f'"{text}"' if len(text) <= _LONGEST_LIST else f"代码表!${letter}$2:${letter}${len(choices) + 1}"
    rule = DataValidation(type="list", formula1=inline, allow_blank=True, showErrorMessage=True)
    rule.error = "请从列表中选择"
    sheet.add_data_validation(rule)
    rule.add(f"{letter}2:{letter}{ROWS}")


def _choices(column: Column) -> list[str]:
    if column.type == "yes_no":
        return ["是", "否"]
    if column.type != "code" or not column.code_list:
        return []
    return [code.label.zh.replace(",", "，") for code in vocabulary.code_list(column.code_list).codes]


def _fill_notes(sheet: Worksheet, definition: ClassDefinition) -> None:
    sheet.append([f"{definition.name.zh}：{definition.summary.zh}"])
    sheet.append(["列", "填写要求", "必填", "示例"])
    for cell in sheet[2]:
        cell.font = Font(bold=True)
    for column in definition.columns:
        element = vocabulary.element(column.element) if column.element else None
        needed = column.name in definition.needed
        note = "；".join(filter(None, [_TYPES[column.type], element.help.zh if element and element.help else ""]))
        sheet.append([column.headers[0], note, "必填" if needed else "", element.example if element else ""])
    for letter, width in (("A", 24), ("B", 60), ("C", 8), ("D", 28)):
        sheet.column_dimensions[letter].width = width
    for row in sheet.iter_rows(min_row=3):
        row[1].alignment = Alignment(wrap_text=True, vertical="top")
        row[3].number_format = "@"
