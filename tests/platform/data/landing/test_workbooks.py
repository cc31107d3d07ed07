"""Workbooks: what is shown is what lands; nothing in them reaches outside or is run."""

from __future__ import annotations

import datetime as dt
from typing import Any

import openpyxl
import pytest

from tests.platform.data.landing.conftest import SHEET_HEAD, with_cells, with_sheet, word, workbook
from yici.platform.data.landing import errors


def test_moments_days_and_times_land_as_they_are_meant(landing: Any) -> None:
    content = workbook(
        ("日", "时刻", "钟点", "名"),
        (dt.date(1945, 3, 12), dt.datetime(2017, 6, 30, 8, 30), dt.time(8, 30), "甲"),
        (dt.date(2000, 2, 29), dt.datetime(2017, 6, 30), dt.time(23, 59, 59), "乙"),
    )
    _landed, rows = landing(content, "a.xlsx")
    assert list(rows[0].values()) == ["1945-03-12", "2017-06-30 08:30:00", "08:30:00", "甲"]
    assert list(rows[1].values()) == ["2000-02-29", "2017-06-30", "23:59:59", "乙"]


def test_what_arithmetic_left_behind_the_fifteenth_digit_is_not_there(landing: Any) -> None:
    content = with_cells(
        word("A1", "名") + word("B1", "金额"),
        word("A2", "甲") + '<c r="B2"><v>0.30000000000000004</v></c>',
        word("A3", "乙") + '<c r="B3"><v>1234.5599999999999</v></c>',
        word("A4", "丙") + '<c r="B4"><v>-12.5</v></c>',
    )
    assert [row["金额"] for row in landing(content, "a.xlsx")[1]] == ["0.3", "1234.56", "-12.5"]


def test_a_formula_lands_as_the_result_that_is_kept(landing: Any) -> None:
    content = with_cells(
        word("A1", "名") + word("B1", "数"),
        word("A2", "甲") + '<c r="B2"><f>1+1</f><v>2</v></c>',
        word("A3", "乙") + '<c r="B3"><f>WEBSERVICE("x")</f></c>',
    )
    landed, rows = landing(content, "a.xlsx")
    assert [row["数"] for row in rows] == ["2", None] and any("1 个公式" in one for one in landed.warnings)


def test_a_link_to_another_file_is_ignored(landing: Any) -> None:
    xml = f'{SHEET_HEAD}<row r="1">{word("A1", "名")}{word("B1", "数")}</row>'
    xml += f'<row r="2">{word("A2", "甲")}<c r="B2"><f>[1]Sheet1!A1</f><v>7</v></c></row></sheetData></worksheet>'
    link = '<externalLink xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>'
    _landed, rows = landing(with_sheet(xml, **{"xl/externalLinks/externalLink1.xml": link}), "a.xlsx")
    assert rows == [{"名": "甲", "数": "7"}]


def test_a_hidden_sheet_is_not_read_but_named(landing: Any) -> None:
    import io

    book = openpyxl.load_workbook(io.BytesIO(workbook(("旧", "表"), ("1", "2"), 人员=[("姓名", "年龄"), ("甲", 3)])))
    book["Sheet"].sheet_state = "hidden"
    book.active = 1
    out = io.BytesIO()
    book.save(out)
    landed, rows = landing(out.getvalue(), "a.xlsx")
    assert rows == [{"姓名": "甲", "年龄": "3"}] and landed.sheets == ("Sheet", "人员")


def test_a_table_that_does_not_begin_at_the_corner_keeps_its_row_numbers(landing: Any, numbers: Any) -> None:
    content = with_cells(
        "", "", word("C3", "号") + word("D3", "名"),
        '<c r="C4"><v>342124194503121221</v></c>' + word("D4", "甲"), word("C5", "1") + word("D5", "乙"),
    )  # fmt: skip
    landed, rows = landing(content, "a.xlsx")
    assert landed.headers == ("号", "名") and rows[0]["号"] == "342124194503121221" and numbers() == [4, 5]


def test_formats_beyond_the_table_add_neither_rows_nor_columns(landing: Any) -> None:
    blank = "".join(f'<row r="{row}"><c r="A{row}" s="0"/><c r="Z{row}" s="0"/></row>' for row in range(3, 300))
    head = f'<row r="1">{word("A1", "号")}{word("B1", "名")}</row><row r="2">{word("A2", "1")}{word("B2", "甲")}</row>'
    landed, rows = landing(with_sheet(f"{SHEET_HEAD}{head}{blank}</sheetData></worksheet>"), "a.xlsx")
    assert rows == [{"号": "1", "名": "甲"}] and landed.headers == ("号", "名")


def test_a_cell_that_lies_about_its_row_is_refused_before_it_is_parsed(landing: Any) -> None:
    for far in ('<row r="2"><c r="ZZ1048576"><v>1</v></c></row>', '<row><c s="1" r="ZY1048500"><v>1</v></c></row>'):
        with pytest.raises(errors.SparseSheet):
            landing(with_sheet(f"{SHEET_HEAD}{far}</sheetData></worksheet>"), "a.xlsx")


def test_a_sheet_of_more_cells_than_memory_should_hold_is_refused(landing: Any) -> None:
    content = workbook(("a", "b"), *[(number, number) for number in range(200)])
    with pytest.raises(errors.SheetTooLarge):
        landing(content, "a.xlsx", cells=300)


def test_a_sheet_hidden_from_the_judge_is_refused(landing: Any) -> None:
    """A workbook may say that its sheet lies elsewhere: what was not looked at is not parsed."""
    import io
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook(("a", "b"), (1, 2)))) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith("workbook.xml.rels"):
                content = content.replace(b"worksheets/sheet1.xml", b"elsewhere/sheet1.xml")
                target.writestr("xl/elsewhere/sheet1.xml", source.read("xl/worksheets/sheet1.xml"))
            target.writestr(name, content)
    with pytest.raises(errors.Damaged):
        landing(out.getvalue(), "a.xlsx")
