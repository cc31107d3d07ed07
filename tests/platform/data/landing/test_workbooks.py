"""Workbooks: what is shown is what lands; nothing in them reaches outside or is run."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
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


def test_formats_beside_the_table_move_no_number(landing: Any) -> None:
    """Cells of a format alone left of the table: a long number is still put back where it stood."""
    beside = '<c r="A{row}" s="0"/><c r="B{row}" s="0"></c>'
    content = with_cells(
        beside.format(row=1) + word("C1", "号") + word("D1", "名"),
        beside.format(row=2) + '<c r="C2"><v>342124194503121221</v></c>' + word("D2", "甲"),
        beside.format(row=3) + '<c r="C3"><f>C2</f><v>342124194503121221</v></c>' + word("D3", "乙"),
    )
    landed, rows = landing(content, "a.xlsx")
    assert landed.headers == ("号", "名") and [row["号"] for row in rows] == ["342124194503121221"] * 2


def test_rows_that_hold_nothing_are_none(landing: Any, numbers: Any) -> None:
    content = workbook(("号", "名"), ("1", "甲"), (None, None), ("2", None), (None, None), (None, None), ("3", "丙"))
    landed, rows = landing(content, "a.xlsx")
    assert [row["号"] for row in rows] == ["1", "2", "3"] and numbers() == [2, 4, 7] and landed.rows == 3


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


FAMILY = [
    ("户号", "户主", "成员", "关系"),
    ("001", "王秀英", "王秀英", "户主"),
    (None, None, "李梅", "女"),
    (None, None, "李强", "子"),
    ("002", "张强", "张强", "户主"),
]


def test_a_value_merged_over_rows_holds_for_each_of_them(landing: Any, numbers: Any) -> None:
    landed, rows = landing(workbook(*FAMILY, merged=("A2:A4", "B2:B4")), "a.xlsx")
    assert [(row["户号"], row["户主"], row["成员"]) for row in rows] == [
        ("001", "王秀英", "王秀英"), ("001", "王秀英", "李梅"), ("001", "王秀英", "李强"), ("002", "张强", "张强"),
    ]  # fmt: skip
    assert numbers() == [2, 3, 4, 5] and any("2 处合并单元格（第一处在第 2 行）" in one for one in landed.warnings)


def test_values_are_filled_under_a_merged_header_that_stays_the_headers(landing: Any) -> None:
    content = workbook(
        ("低保家庭情况表", None, None, None),
        ("户号", "家庭成员", None, "住址"),
        (None, "姓名", "年龄", None),
        ("001", "甲", "1", "城关"),
        (None, "乙", "2", None),
        ("002", "丙", "3", None),
        merged=("A1:D1", "A2:A3", "B2:C2", "D2:D3", "A4:A5", "D4:D6"),
    )
    landed, rows = landing(content, "a.xlsx")
    assert landed.headers == ("户号", "家庭成员/姓名", "家庭成员/年龄", "住址")
    assert [(row["户号"], row["住址"]) for row in rows] == [("001", "城关"), ("001", "城关"), ("002", "城关")]
    assert not any("跨了几列" in one for one in landed.warnings)


def test_a_value_merged_over_columns_stays_in_the_first_and_is_told(landing: Any) -> None:
    landed, rows = landing(workbook(*FAMILY, ("003", "无", None, None), merged=("B6:D6",)), "a.xlsx")
    assert list(rows[-1].values()) == ["003", "无", None, None]
    assert any("跨了几列（第一处在第 6 行）" in one for one in landed.warnings)


def test_merged_cells_make_no_rows_and_no_values_of_their_own(landing: Any) -> None:
    """A column merged down to the end of the sheet, an area without a value, one over cells that hold values."""
    content = workbook(("号", "名", "村"), ("1", "甲", "东村"), ("2", "乙", None), ("3", None, None))
    _landed, rows = landing(_merged(content, "C2:C1048576", "B4:B5"), "a.xlsx")
    assert [list(row.values()) for row in rows] == [["1", "甲", "东村"], ["2", "乙", "东村"], ["3", None, "东村"]]
    _landed, rows = landing(_merged(workbook(*FAMILY), "C2:C4"), "a.xlsx")
    assert [row["成员"] for row in rows] == ["王秀英", "李梅", "李强", "张强"]


def test_a_long_number_merged_over_rows_is_whole_in_each(landing: Any) -> None:
    content = with_cells(
        "", word("C2", "号") + word("D2", "名"), '<c r="C3"><v>342124194503121221</v></c>' + word("D3", "甲"),
        '<c r="C4" s="0"/>' + word("D4", "乙"),
    )  # fmt: skip
    _landed, rows = landing(_merged(content, "C3:C4"), "a.xlsx")
    assert [row["号"] for row in rows] == ["342124194503121221"] * 2


def test_areas_that_overlap_are_refused(landing: Any) -> None:
    content = workbook(("号", "名"), *[(str(number), None) for number in range(30)])
    with pytest.raises(errors.Damaged):
        landing(_merged(content, *(f"B2:B{bottom}" for bottom in range(20, 30))), "a.xlsx")


def _merged(content: bytes, *areas: str) -> bytes:
    """The workbook with these areas merged, whatever they cover: a library would blank what they hold."""
    out = io.BytesIO()
    cells = "".join(f'<mergeCell ref="{area}"/>' for area in areas)
    xml = f"<mergeCells>{cells}</mergeCells></worksheet>"
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            member = source.read(name)
            is_sheet = name == "xl/worksheets/sheet1.xml"
            target.writestr(name, member.replace(b"</worksheet>", xml.encode()) if is_sheet else member)
    return out.getvalue()
