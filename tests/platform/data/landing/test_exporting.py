"""What leaves as a spreadsheet is never a formula; what is handed out to be filled in keeps long numbers whole."""

from __future__ import annotations

import csv
import datetime as dt
import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.platform.data.factories import make_class, make_definition
from yici.base import clock
from yici.base.spreadsheets import csv_lines, safe_cell
from yici.platform.data.landing import archive
from yici.platform.data.landing.exporting import write_xlsx
from yici.platform.data.landing.templates import template_workbook

ATTACKS = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "＝1", '=cmd|" /C calc"!A0', "|x", " =1+1", "\u3000@x"]


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_formula_is_defused_in_both_formats(attack: str) -> None:
    row = next(csv.reader(io.StringIO("".join(csv_lines(["h"], [[attack]])).split("\r\n", 1)[1])))
    assert row[0].startswith("'")
    out = io.BytesIO()
    write_xlsx(out, ["h"], [[attack]])
    cell = openpyxl.load_workbook(io.BytesIO(out.getvalue())).active["A2"]
    assert cell.data_type == "s" and str(cell.value).startswith("'")


@given(st.text(max_size=60))
def test_any_text_makes_a_workbook_that_opens(text: str) -> None:
    out = io.BytesIO()
    write_xlsx(out, ["h"], [[text]])
    cell = openpyxl.load_workbook(io.BytesIO(out.getvalue())).active["A2"]
    assert cell.data_type in ("s", "n", "inlineStr") and not str(cell.value or "").startswith(("=", "+", "@"))


def test_the_template_asks_for_every_column_and_keeps_numbers_text() -> None:
    definition = make_definition(
        columns=[
            {"name": "id_number", "headers": ["身份证号"], "element": "person.id_number", "required": True},
            {"name": "sex", "headers": ["性别"], "element": "person.sex"},
            {"name": "ethnicity", "headers": ["民族"], "element": "person.ethnicity"},
            {"name": "born", "headers": ["出生日期"], "type": "date"},
        ]
    )
    book = openpyxl.load_workbook(io.BytesIO(template_workbook(definition)))
    sheet = book["数据"]
    assert [cell.value for cell in sheet[1]] == ["身份证号", "性别", "民族", "出生日期"]
    assert sheet["A2"].number_format == "@" and sheet["D2"].number_format == "yyyy-mm-dd"
    assert len(sheet.data_validations.dataValidation) == 2
    assert "填写说明" in book.sheetnames and book["填写说明"]["C3"].value == "必填"


def test_the_same_bytes_are_kept_once_and_names_lead_nowhere(db: None, tmp_path: Path, settings: Any) -> None:
    settings.DATA_HOME = tmp_path / "data"
    data_class = make_class(make_definition("public_security.kept"))
    (tmp_path / "a").write_bytes(b"content")
    first, is_new = archive.keep(tmp_path / "a", data_class, "../../etc/passwd", clock.now())
    again, is_new_again = archive.keep(tmp_path / "a", data_class, "b.csv", clock.now())
    assert is_new and not is_new_again and first.pk == again.pk and first.name == "passwd"
    assert archive.path_of(first).read_bytes() == b"content"
    assert not list((tmp_path / "data" / "raw").glob("incoming-*"))


def test_a_template_that_was_filled_in_maps_without_a_question(tmp_path: Path, settings: Any) -> None:
    from yici.platform.data.landing.drift import compare
    from yici.platform.data.landing.errors import HeaderOnly
    from yici.platform.data.landing.landing import land

    settings.DATA_HOME = tmp_path / "data"
    definition = make_definition()
    path = tmp_path / "template.xlsx"
    path.write_bytes(template_workbook(definition))
    with pytest.raises(HeaderOnly):
        land(path, tmp_path / "landed.parquet", name="template.xlsx")
    book = openpyxl.load_workbook(path)
    for column, value in enumerate(["342124194503121221", "王秀英", dt.date(1945, 3, 12), "高炉镇", 12.5], start=1):
        book["数据"].cell(2, column, value)
    book.save(path)
    landed = land(path, tmp_path / "landed.parquet", name="template.xlsx")
    drift = compare(landed, definition, {}, [])
    assert landed.rows == 1 and not drift.is_blocking and not drift.added and not drift.missing


@given(
    st.lists(
        st.tuples(
            st.text(max_size=30),
            st.integers(-(10**14), 10**14),
            st.dates(dt.date(1900, 3, 1), dt.date(2199, 12, 31)),
            st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False, width=32)),
        ),
        max_size=8,
    )
)
def test_what_is_written_is_read_back(rows: list[tuple[Any, ...]]) -> None:
    out = io.BytesIO()
    assert write_xlsx(out, ["文", "数", "日", "小数"], rows) == len(rows)
    sheet = openpyxl.load_workbook(io.BytesIO(out.getvalue())).active
    found = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2, max_col=4)] if rows else []
    illegal = dict.fromkeys([*range(9), 11, 12, *range(14, 32), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF])
    for (text, number, day, decimal), row in zip(rows, found, strict=True):
        shown = str(safe_cell(text)).translate(illegal)
        # openpyxl shows the escape of an underscore as it stands; Excel takes it off.
        assert (row[0] or "").replace("_x005F_", "_") == shown
        assert row[1] == number and row[2] == dt.datetime.combine(day, dt.time())
        assert row[3] == (None if decimal is None else pytest.approx(decimal))


def test_dates_before_spreadsheets_can_count_are_text() -> None:
    out = io.BytesIO()
    write_xlsx(out, ["日"], [(dt.date(1899, 12, 31),), (dt.date(1900, 2, 28),)])
    sheet = openpyxl.load_workbook(io.BytesIO(out.getvalue())).active
    assert [sheet["A2"].value, sheet["A3"].value] == ["1899-12-31", "1900-02-28"]


def test_what_is_exported_lands_as_it_was(tmp_path: Path, settings: Any) -> None:
    import pyarrow.parquet as pq

    from yici.platform.data.landing.landing import land

    settings.DATA_HOME = tmp_path / "data"
    rows = [
        ("342124194503121221", "王 秀英\n二", dt.date(1945, 3, 12), -12.5),
        ("34212419720516164X", "_x0041_<&", None, 3),
    ]
    with (tmp_path / "a.xlsx").open("wb") as out:
        write_xlsx(out, ["公民身份号码", "姓名", "出生日期", "金额"], rows)
    landed = land(tmp_path / "a.xlsx", tmp_path / "landed.parquet", name="a.xlsx")
    table = pq.read_table(tmp_path / "landed.parquet").select(landed.columns)
    assert [list(row.values()) for row in table.to_pylist()] == [
        ["342124194503121221", "王 秀英\n二", "1945-03-12", "-12.5"],
        ["34212419720516164X", "_x0041_<&", None, "3"],
    ]
