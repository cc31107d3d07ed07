"""A workbook with one sheet, written in a stream (ECMA-376): inline text, numbers, dates, a bold header that stays.

Text is always text: there is no way to write a formula with this.
"""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections.abc import Iterable, Sequence
from typing import BinaryIO
from xml.sax.saxutils import escape

__all__ = ["Cell", "write_sheet"]

Cell = str | int | float | dt.date | dt.datetime | None
LONGEST_TEXT = 32_767  # characters a cell may hold
_MOST_ROWS = 1_048_576
_ROWS_A_PIECE = 2_000
_BOLD, _TEXT, _DATE, _MOMENT = 1, 2, 3, 4
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")  # §22.9.2.19: _x0041_ is read as A unless its underscore is escaped
_DAY_ZERO = dt.datetime(1899, 12, 30)

_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
    f'Type="{_RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_RELATIONS}/styles" Target="styles.xml"/></Relationships>',
    "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><numFmts count="2">'
    '<numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/><numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/>'
    '</numFmts><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="5">'
    '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/>'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="165" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
}


def write_sheet(target: BinaryIO, title: str, headers: Sequence[str], rows: Iterable[Sequence[Cell]]) -> int:
    """Write the workbook; returns how many rows. Raises `ValueError` beyond the 1,048,576 rows of a sheet."""
    letters = [_letters(place) for place in range(1, len(headers) + 1)]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
        for name, content in _PARTS.items():
            archive.writestr(name, _DECLARATION + content)
        archive.writestr(
            "xl/workbook.xml",
            f'{_DECLARATION}<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>'
            f'<sheet name="{_attribute(title[:31])}" sheetId="1" r:id="rId1"/></sheets></workbook>',
        )
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as out:
            out.write(_beginning(len(headers)).encode())
            out.write(_row(1, letters, headers, _BOLD).encode())
            count, piece = 0, []
            for count, row in enumerate(rows, start=1):
                if count >= _MOST_ROWS:
                    raise ValueError(f"a sheet holds {_MOST_ROWS} rows, with the header")
                piece.append(_row(count + 1, letters, row, _TEXT))
                if len(piece) == _ROWS_A_PIECE:
                    out.write("".join(piece).encode())
                    piece = []
            out.write(("".join(piece) + "</sheetData></worksheet>").encode())
    return count


def _beginning(columns: int) -> str:
    return (
        f'{_DECLARATION}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
        f'<cols><col min="1" max="{max(columns, 1)}" width="20" customWidth="1"/></cols><sheetData>'
    )


def _row(number: int, letters: Sequence[str], row: Sequence[Cell], text_style: int) -> str:
    cells = [_cell(f"{letter}{number}", value, text_style) for letter, value in zip(letters, row, strict=False)]
    return f'<row r="{number}">{"".join(cells)}</row>'


def _cell(place: str, value: Cell, text_style: int) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, str):
        return f'<c r="{place}" s="{text_style}" t="inlineStr"><is><t xml:space="preserve">{_text(value)}</t></is></c>'
    if isinstance(value, dt.datetime):
        days = (value - _DAY_ZERO) / dt.timedelta(days=1)
        return _number(place, days, _MOMENT) if days >= 61 else _cell(place, value.isoformat(" "), text_style)
    if isinstance(value, dt.date):
        # Before March 1900 a spreadsheet counts a day that never was: such dates go as text.
        days = value.toordinal() - _DAY_ZERO.toordinal()
        return _number(place, days, _DATE) if days >= 61 else _cell(place, value.isoformat(), text_style)
    return _number(place, value, 0)


def _number(place: str, value: float, style: int) -> str:
    return f'<c r="{place}" s="{style}"><v>{value!r}</v></c>'


def _text(value: str) -> str:
    if not value.isprintable():
        value = _NO_XML.sub("", value)
    if "_x" in value:
        value = _ESCAPED.sub("_x005F_", value)
    return escape(value[:LONGEST_TEXT]).replace("\r", "&#13;")


def _attribute(value: str) -> str:
    return escape(_NO_XML.sub("", value), {'"': "&quot;"})


def _letters(place: int) -> str:
    """1 is A, 27 AA."""
    letters = ""
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
