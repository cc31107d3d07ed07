"""Held rows are exported, put right in a spreadsheet, and taken back: what is right waits for the replay, the rest is told."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest

from tests.platform.data.runs.conftest import content, line, valid_id
from yici.base.errors import Invalid
from yici.platform.data.errors import Refused
from yici.platform.data.lake import reading
from yici.platform.data.models import DataClass, Mend, Run
from yici.platform.data.runs import mending
from yici.platform.data.runs.carrying_out import load
from yici.platform.data.runs.mending_tables import export_table, mend_table

Upload = Callable[..., Run]
HEADERS = ["行号", "原因", "公民身份号码", "姓名", "出生日期", "住址", "金额"]


@pytest.fixture
def run(upload: Upload) -> Run:
    """Rows 42 to 44 held: a wrong day, a wrong number, a comma too many."""
    good = [line(number) for number in range(40)]
    wrong = [line(41, born="1980-02-30"), line(42, id="341602198001010999"), line(43, address="涡阳县,某村")]
    return upload(content(*good, *wrong))


def table(*rows: list[Any], headers: list[str] = HEADERS) -> list[bytes]:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (headers, *rows):
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return [out.getvalue()]


def row(number: int, person: int, born: Any = "1980-01-01", **changes: Any) -> list[Any]:
    cells = {
        "row": number,
        "why": "…",
        "id": valid_id(person),
        "name": "王甲",
        "born": born,
        "address": "某村",
        "amount": "1",
    }
    return list({**cells, **changes}.values())


def test_rows_that_are_right_wait_for_the_replay_and_the_others_are_told(run: Run, data_class: DataClass) -> None:
    import datetime as dt

    given = table(
        row(42, 41, dt.date(1980, 1, 1)), row(43, 0, id="341602198001010998"), row(44, 43, address="涡阳县,某村"),
        row(99, 44),
    )  # fmt: skip
    done = mend_table(run, given, "隔离.xlsx", None, "户口簿")
    assert (done.mended, done.unchanged, sorted(done.refused)) == (2, 0, [43, 99])
    assert dict(Mend.objects.filter(run=run).values_list("row", "note")) == {42: "户口簿", 44: "户口簿"}
    assert Mend.objects.get(run=run, row=44).values["address"] == "涡阳县,某村"
    assert load(mending.replay(run, None).pk) == "published"
    data_class.refresh_from_db()
    found = {one["id_number"] for one in reading.rows(data_class, limit=100, columns=["id_number"])}
    assert {valid_id(41), valid_id(43)} <= found
    again = mend_table(run, given, "隔离.xlsx", None)
    assert again.mended == 0 and "已经入库" in again.refused[42]
    out = io.BytesIO()
    assert export_table(run, out, None) == 1, "only what still waits goes out again"


def test_a_text_like_a_formula_comes_back_as_it_was(upload: Upload) -> None:
    run = upload(content(*(line(number) for number in range(40)), line(41, born="1980-02-30", address="=1+1")))
    out = io.BytesIO()
    assert export_table(run, out, None) == 1
    book = openpyxl.load_workbook(out)
    sheet = book.worksheets[0]
    assert sheet["F2"].value == "'=1+1" and mend_table(run, [out.getvalue()], "a.xlsx", None).unchanged == 1
    sheet["E2"] = "1980-01-01"
    changed = io.BytesIO()
    book.save(changed)
    assert mend_table(run, [changed.getvalue()], "a.xlsx", None).mended == 1
    assert run.mends.get().values["address"] == "=1+1"


def test_what_was_not_touched_is_left_alone(run: Run) -> None:
    untouched = [42, "…", valid_id(41), f"王{'甲乙丙丁戊己庚辛'[41 % 8]}", "1980-02-30", "涡阳县某村41号", "41.50"]
    done = mend_table(run, table(untouched), "隔离.xlsx", None)
    assert (done.mended, done.unchanged, done.refused) == (0, 1, {}) and not run.mends.exists()


@pytest.mark.parametrize(
    ("headers", "first", "words"),
    [
        (["行号（已遮盖）", *HEADERS[1:]], 42, "遮盖"),
        (["序号", *HEADERS[1:]], 42, "行号"),
        (HEADERS, "四十二", "行号"),
    ],
)
def test_a_table_that_was_not_exported_for_it_is_refused(run: Run, headers: list[str], first: Any, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        mend_table(run, table([first, *row(42, 41)[1:]], headers=headers), "a.xlsx", None)
    assert words in str(refused.value.message) and not run.mends.exists()


def test_a_file_that_is_no_table_is_refused(run: Run) -> None:
    with pytest.raises(Refused):
        mend_table(run, [b"%PDF-1.7"], "a.xlsx", None)
