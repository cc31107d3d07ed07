"""The data engineer's story in a browser: a file as an office makes it, from its drop to the last mended row.

At a desk the rest goes back to the department, whose officer delivers it again and sees the work order close by itself.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import Workbook

from tests.browser.conftest import Device

New = Callable[..., Device]
SignIn = Callable[[Device, str], Device]

GOOD, BAD, MENDED = 30, 13, 10
INSPECTION = ["检查编号", "被检查单位（全称）", "场所类别", "地址", "检查日期", "发现隐患数", "检查结论", "检查人员", "录入人"]  # fmt: skip
PETITION = ["信访件编号", "信访人姓名", "手机", "信访形式", "问题分类", "主要内容", "问题属地", "责任单位", "登记日期"]
WRONG_DAY = "2026-02-30"


def inspection(number: int, day: str = "2026-10-12") -> list[str]:
    return [f"XF{number:06d}", f"涡阳县第{number}小学", "学校、医院、养老院", f"涡阳县城关街道{number}号", day, "0", "合格",
            "王磊、张强", "小李"]  # fmt: skip


def petition(number: int, day: str = "2026-10-12") -> list[str]:
    return [f"XF2026{number:012d}", "朱慧", f"1385670{number:04d}", "来访", "交通运输", f"反映第{number}段道路损坏", "341621100000",
            "涡阳县人民政府", day]  # fmt: skip


def office_csv(path: Path, rows: list[list[str]], headers: list[str], title: str) -> Path:
    """GB18030, a title above the headers: what comes out of a department's own program."""
    with path.open("w", encoding="gb18030", newline="") as stream:
        csv.writer(stream).writerows([[title], headers, *rows])
    return path


def office_workbook(path: Path, rows: list[list[str]], headers: list[str], title: str) -> Path:
    """A sheet with a title merged over all columns and headers that span two lines in part."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append([title])
    sheet.merge_cells(start_row=1, start_column=1, end_row=1, end_column=len(headers))
    sheet.append(headers)
    for row in rows:
        sheet.append(row)
    book.save(path)
    return path


def hand_in(person: Device, slug: str, file: Path) -> None:
    person.open(f"/desk/data/classes/{slug}/upload/").says("上传后先预览和确认")
    person.page.locator("#file").set_input_files(file)
    person.press("上传并预览")


def select_of(person: Device, header: str) -> str:
    """The id of the list beside a header of the file."""
    return str(person.page.locator("label", has_text=header).get_attribute("for"))


def confirm_and_wait(person: Device) -> str:
    """Confirm the mapping and watch the run to its end, as the page itself does; returns its number."""
    person.press("确认并入库")
    found = re.search(r"/runs/(\d+)/$", person.page.url)
    assert found, person.page.url
    wait_for_end(person)
    return found[1]


def wait_for_end(person: Device) -> None:
    """The page asks every second and loads itself anew when the run is over."""
    person.page.locator("#progress:not([hx-get])").wait_for(timeout=30_000)
    person.page.wait_for_load_state()
    person.check()


def mend(person: Device, run: str, rows: range, label: str, value: str) -> None:
    """Ten forms alike: the first and the last are looked at closely."""
    for row in rows:
        person.page.goto(f"{person.site.url}/desk/data/runs/{run}/quarantine/{row}/")
        assert person.page.locator("[aria-invalid=true]").count() == 1
        person.page.get_by_label(label).fill(value)
        person.page.locator("[name=note]").fill("电话核实")
        if row == rows[0]:
            person.check()
        with person.page.expect_navigation():
            person.page.get_by_role("button", name="保存修正").click()
    person.check()


def replay(person: Device) -> None:
    person.press(f"重放已修正的 {MENDED} 行").says("修正重放")
    wait_for_end(person)
    person.says("已入库")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "slug", "made", "headers", "line", "guessed", "day"),
    [
        ("desk", "fire.inspection", office_csv, INSPECTION, inspection, "被检查单位（全称）", "检查日期"),
        ("phone", "petition.case", office_workbook, PETITION, petition, "手机", "登记日期"),
    ],
)
def test_an_engineer_loads_a_file_and_mends_ten_rows(
    device: New, sign_in_staff: SignIn, tmp_path: Path, kind: str, slug: str, made: Callable[..., Path],
    headers: list[str], line: Callable[..., list[str]], guessed: str, day: str,
) -> None:  # fmt: skip
    engineer = sign_in_staff(device(kind), "data_engineer")
    engineer.open("/desk/data/").says("867", "869", "55", "502", "320", "46", "2,700,016,619")
    engineer.open(f"/desk/data/classes/?q={slug}").says("共 1 类")
    engineer.page.locator("main tbody a").first.click()
    engineer.page.wait_for_url(f"**/classes/{slug}/")
    engineer.check().says("目录信息", "信息项", "还没有入库的版本")

    rows = [line(number) for number in range(GOOD)] + [line(GOOD + number, WRONG_DAY) for number in range(BAD)]
    suffix = ".csv" if made is office_csv else ".xlsx"
    hand_in(engineer, slug, made(tmp_path / f"十月{suffix}", rows, headers, "十月份情况汇总表"))
    engineer.says("GB18030" if kind == "desk" else "XLSX", f"{GOOD + BAD} 行", "第 2 行", "前 20 行", rows[0][0])
    field = select_of(engineer, guessed)
    assert engineer.page.locator(f"#{field}").input_value(), "the machine knows no column for it"

    engineer.page.locator(f"#{select_of(engineer, headers[0])}").select_option("")
    engineer.press("确认并入库").says("请更正后继续", "缺少必需的列")
    assert engineer.page.title().startswith("错误：")
    engineer.page.locator(f"#{select_of(engineer, headers[0])}").select_option(index=1)
    run = confirm_and_wait(engineer)
    engineer.says("已入库", "读入", str(GOOD + BAD), "接受", str(GOOD), f"{BAD} 行待处理", "写法无法识别")

    engineer.open(f"/desk/data/runs/{run}/quarantine/").says(f"共 {BAD} 行", "写法无法识别")
    first = int(engineer.page.locator("main tbody a").first.inner_text())
    mend(engineer, run, range(first, first + MENDED), day, "2026-02-28")
    engineer.says("已修正", f"重放已修正的 {MENDED} 行")
    replay(engineer)
    engineer.open(f"/desk/data/runs/{run}/quarantine/").says(f"待处理 {BAD - MENDED} 行")
    engineer.open(f"/desk/data/classes/{slug}/versions/2/").says("新增 10", "变更 0", "减少 0")
    engineer.open(f"/desk/data/classes/{slug}/").says(str(GOOD + MENDED))
    engineer.open("/desk/data/quality/")
    if kind == "desk":
        the_officer_delivers_the_rest(sign_in_staff(device("desk"), "data_officer"), tmp_path, slug)


def the_officer_delivers_the_rest(officer: Device, folder: Path, slug: str) -> None:
    """The work order with masked samples, the rows delivered again, and the order closed by the load."""
    officer.open("/desk/data/departments/").open("/desk/data/").says("只显示您有权查看的单位")
    officer.open(f"/desk/data/classes/{slug}/").says("未解决的质量问题", "写法无法识别")
    order = str(officer.page.get_by_role("link", name="查看办件").first.get_attribute("href"))
    officer.open(order).says("数据质量问题", "样例")
    rows = [inspection(GOOD + number, "2026-02-28") for number in range(BAD)]
    hand_in(officer, slug, office_csv(folder / "更正.csv", rows, INSPECTION, "更正"))
    officer.says("以前已确认")
    confirm_and_wait(officer)
    officer.says("已入库", "所有行都通过了校验")
    officer.until(order, lambda: "系统验证办结" in officer.text, 10)
    officer.open(f"/desk/data/classes/{slug}/").says("没有未解决的质量问题", str(GOOD + BAD))
