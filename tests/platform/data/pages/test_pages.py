"""The data desk as people meet it: who sees what, how a file comes in, how held rows are put right."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.platform.data.factories import make_class, make_definition
from tests.platform.data.runs.conftest import HEADER, content, line, valid_id
from yici.core.audit.models import Entry
from yici.core.people.models import Person
from yici.platform.data.catalogue.definition import Column
from yici.platform.data.models import DataClass, Mend, Run
from yici.platform.data.pages.words import in_words
from yici.platform.data.runs import starting
from yici.platform.data.runs.carrying_out import load

PAGES = [
    "",
    "classes/",
    "classes/public_security.shown/",
    "runs/",
    "quality/",
    "coverage/",
    "backlog/",
    "departments/",
    "departments/bz.public_security/",
]


@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_for_those_who_may_and_for_nobody_else(
    loaded: Run, engineer: Client, officer: Client, stranger: Client, page: str
) -> None:
    assert engineer.get(f"/desk/data/{page}").status_code == 200
    assert officer.get(f"/desk/data/{page}").status_code == 200
    assert stranger.get(f"/desk/data/{page}").status_code == 403
    assert Client().get(f"/desk/data/{page}").status_code == 302


def test_the_overview_tells_classes_and_links_apart(engineer: Client) -> None:
    page = engineer.get("/desk/data/").content.decode()
    for figure in ("867", "869", "502", "320", "46"):
        assert figure in page


def test_a_departments_officer_sees_only_its_own(loaded: Run, officer: Client) -> None:
    other = make_class(make_definition("civil_affairs.shown", department="civil_affairs"), "bz.civil_affairs")
    page = officer.get("/desk/data/classes/?q=shown").content.decode()
    assert "public_security.shown" in page and other.pk not in page
    assert officer.get(f"/desk/data/classes/{other.pk}/").status_code == 404
    assert officer.get(f"/desk/data/classes/{other.pk}/upload/").status_code == 404
    assert officer.post(f"/desk/data/classes/{loaded.data_class_id}/run/").status_code == 403


def test_the_list_of_classes_costs_the_same_whatever_its_length(engineer: Client) -> None:
    def cost(query: str) -> int:
        engineer.get(f"/desk/data/classes/?{query}")
        with CaptureQueriesContext(
            connection,
        ) as found:
            engineer.get(f"/desk/data/classes/?{query}")
        return len(found)

    assert cost("q=public_security.resident") == cost("") == cost("page=3")
    assert cost("") < 25


def test_filters_narrow_the_list_and_an_empty_one_says_what_to_do(engineer: Client) -> None:
    page = engineer.get("/desk/data/classes/?channel=interface").content.decode()
    assert "共 1 类" in page and "court.dishonest_person" in page
    assert "请换一个条件" in engineer.get("/desk/data/classes/?q=没有这样的类").content.decode()
    exported = b"".join(engineer.get("/desk/data/classes/export.csv?channel=interface").streaming_content).decode()  # type: ignore[attr-defined]
    assert exported.startswith("\ufeff") and len(exported.splitlines()) == 2


def test_a_file_is_uploaded_previewed_corrected_and_loaded(data_class: DataClass, engineer: Client) -> None:
    header = HEADER.replace("姓名", "xm").replace("金额", "金额（元）")
    file = SimpleUploadedFile("人员.csv", content(*(line(number) for number in range(30)), header=header))
    answer = engineer.post(f"/desk/data/classes/{data_class.pk}/upload/", {"file": file})
    run = Run.objects.get(data_class=data_class)
    assert answer.status_code == 302 and run.state == "waiting"
    page = engineer.get(f"/desk/data/runs/{run.pk}/decide/").content.decode()
    assert "xm" in page and "金额（元）" in page and "selected" in page
    headers = header.split(",")
    wrong = {f"column-{place}": "" for place in range(len(headers))}
    refused = engineer.post(f"/desk/data/runs/{run.pk}/decide/", wrong)
    assert refused.status_code == 422 and "error-summary" in refused.content.decode()
    columns = ["id_number", "name", "birth_date", "address", "amount"]
    right = {f"column-{place}": column for place, column in enumerate(columns)}
    assert engineer.post(f"/desk/data/runs/{run.pk}/decide/", right).status_code == 302
    assert load(run.pk) == "published"
    page = engineer.get(f"/desk/data/runs/{run.pk}/").content.decode()
    assert "已入库" in page and "所有行都通过了校验" in page


def test_an_upload_without_a_file_says_so_beside_the_field(data_class: DataClass, engineer: Client) -> None:
    answer = engineer.post(f"/desk/data/classes/{data_class.pk}/upload/", {})
    assert answer.status_code == 422 and "错误：" in answer.content.decode()


def test_a_file_that_cannot_be_read_ends_the_run_with_the_reason(data_class: DataClass, engineer: Client) -> None:
    engineer.post(f"/desk/data/classes/{data_class.pk}/upload/", {"file": SimpleUploadedFile("a.csv", b"\x7fELF\x00")})
    run = Run.objects.get(data_class=data_class)
    page = engineer.get(f"/desk/data/runs/{run.pk}/decide/", follow=True).content.decode()
    run.refresh_from_db()
    assert run.state == "refused" and "认不出这个文件的类型" in page


def test_held_rows_are_masked_until_a_purpose_is_stated_and_each_look_is_recorded(
    loaded: Run, engineer: Client
) -> None:
    address = f"/desk/data/runs/{loaded.pk}/quarantine/"
    assert "341602198001010999" not in engineer.get(address).content.decode()
    before = Entry.objects.filter(action="view").count()
    engineer.post(f"{address}unmask/", {"purpose": ""})
    assert "341602198001010999" not in engineer.get(address).content.decode()
    engineer.post(f"{address}unmask/", {"purpose": "核对校验位"})
    assert "341602198001010999" in engineer.get(address).content.decode()
    entry = Entry.objects.filter(action="view").order_by("-pk").first()
    assert Entry.objects.filter(action="view").count() > before
    assert entry is not None and entry.purpose == "核对校验位"
    engineer.post(f"{address}unmask/", {"hide": "1"})
    assert "341602198001010999" not in engineer.get(address).content.decode()


def test_an_officer_never_sees_rows_in_clear_nor_mends_them(loaded: Run, officer: Client) -> None:
    address = f"/desk/data/runs/{loaded.pk}/quarantine/"
    assert "341602198001010999" not in officer.get(address).content.decode()
    assert officer.post(f"{address}unmask/", {"purpose": "想看"}).status_code == 403
    assert officer.get(f"{address}32/").status_code == 403
    book = openpyxl.load_workbook(io.BytesIO(officer.get(f"{address}export.xlsx").content))
    text = str([[cell.value for cell in row] for row in book.active.rows])
    assert "341602198001010999" not in text and "3416**********0999" in text


def test_a_row_is_mended_on_its_page_and_replayed(loaded: Run, data_class: DataClass, engineer: Client) -> None:
    address = f"/desk/data/runs/{loaded.pk}/quarantine/"
    page = engineer.get(f"{address}32/").content.decode()
    assert "341602198001010999" in page and "aria-invalid" in page
    given = {
        "id_number": "341602198001010998",
        "name": "王甲",
        "birth_date": "1980-01-01",
        "address": "某村",
        "amount": "1",
    }
    assert engineer.post(f"{address}32/", given).status_code == 422
    assert engineer.post(f"{address}32/", {**given, "id_number": valid_id(31), "note": "户口簿"}).status_code == 302
    assert "重放已修正的 1 行" in engineer.get(address).content.decode()
    engineer.post(f"/desk/data/runs/{loaded.pk}/replay/")
    again = Run.objects.filter(trigger="replay").get()
    assert load(again.pk) == "published"
    assert Mend.objects.get(run=loaded, row=32).state == "replayed"


def test_a_line_that_could_not_be_read_into_columns_is_cut_up_to_be_put_right(
    data_class: DataClass, engineer: Client, tmp_path: Path
) -> None:
    path = tmp_path / "lines.csv"
    path.write_bytes(content(*(line(number) for number in range(40)), line(41, address="涡阳县,某村")))
    run = starting.upload(data_class, path, "lines.csv", None)
    starting.decide(run, {}, None)
    load(run.pk)
    shown = engineer.get(f"/desk/data/runs/{run.pk}/").content.decode()
    assert "reason=row.fields" in shown and "所有行都通过了校验" not in shown
    address = f"/desk/data/runs/{run.pk}/quarantine/"
    masked = engineer.get(address).content.decode()
    assert f"{address}42/" in masked and valid_id(41) not in masked
    page = engineer.get(f"{address}42/").content.decode()
    assert 'id="e-amount"' in page and 'id="e-id_number"' not in page, "what slipped is pointed out at once"
    assert "涡阳县,某村,41.50" in page and f'value="{valid_id(41)}"' in page and 'value="涡阳县"' in page
    given = {"id_number": valid_id(41), "name": "王甲", "birth_date": "1980-01-01", "amount": "41.50"}
    assert engineer.post(f"{address}42/", {**given, "address": "涡阳县,某村"}).status_code == 302
    assert Mend.objects.get(run=run, row=42).values["address"] == "涡阳县,某村"


def test_held_rows_go_out_as_a_table_and_come_back_mended(loaded: Run, engineer: Client, officer: Client) -> None:
    address = f"/desk/data/runs/{loaded.pk}/quarantine/"

    def exported() -> openpyxl.Workbook:
        return openpyxl.load_workbook(io.BytesIO(engineer.get(f"{address}export.xlsx").content))

    def handed_back(book: openpyxl.Workbook, client: Client = engineer) -> Any:
        out = io.BytesIO()
        book.save(out)
        return client.post(f"{address}take-back/", {"file": SimpleUploadedFile("a.xlsx", out.getvalue())}, follow=True)

    masked = handed_back(exported()).content.decode()
    assert "遮盖过的" in masked and not loaded.mends.exists()
    engineer.post(f"{address}unmask/", {"purpose": "逐行改正"})
    book = exported()
    sheet = book.worksheets[0]
    header = [cell.value for cell in sheet[1]]
    rows = {line[0].value: line for line in sheet.iter_rows(min_row=2)}
    rows[32][header.index("公民身份号码")].value = valid_id(31)
    rows[33][header.index("出生日期")].value = "1980-13-01"
    assert handed_back(book, officer).status_code == 403
    page = handed_back(book).content.decode()
    assert "已修正 1 行" in page and "1 行没有采纳" in page and "第 33 行" in page
    assert list(loaded.mends.values_list("row", "state")) == [(32, "mended")]


def test_rows_are_discarded_with_a_reason_and_taken_back(loaded: Run, engineer: Client) -> None:
    address = f"/desk/data/runs/{loaded.pk}/quarantine/settle/"
    engineer.post(address, {"row": ["33", "34"], "note": ""})
    assert not Mend.objects.exists()
    engineer.post(address, {"row": ["33", "34"], "note": "查无此人"})
    assert Mend.objects.filter(state="discarded").count() == 2
    engineer.post(address, {"undo": "33"})
    assert Mend.objects.get().row == 34
    for wrong in ("12345678", "abc", "-1", "33;"):  # none is taken for another row
        engineer.post(address, {"row": [wrong], "note": "查无此人"})
        engineer.post(address, {"undo": wrong})
    assert Mend.objects.get().row == 34


def test_values_of_the_lake_are_told_in_words() -> None:
    def told(value: Any, **fields: Any) -> Any:
        return in_words(Column.model_validate({"name": "a", "headers": ["甲"], **fields}), value)

    assert told("1", element="person.sex") == "男" and told("9x", element="person.sex") == "9x"
    assert told(Decimal("0.0000")) == "0" and told(Decimal("1234.5600")) == "1,234.56" and told(Decimal("100")) == "100"
    assert told(123450, type="money") == "1,234.50"
    assert told(dt.date(2026, 1, 12)) == "2026-01-12" and told(None) is None and told("甲") == "甲"


def test_an_empty_file_is_said_to_be_empty(data_class: DataClass, engineer: Client) -> None:
    found = engineer.post(f"/desk/data/classes/{data_class.pk}/upload/", {"file": SimpleUploadedFile("空.csv", b"")})
    assert found.status_code == 422 and "文件是空的" in found.content.decode()
    assert not Run.objects.filter(data_class=data_class).exists()


def test_a_row_is_looked_up_in_an_earlier_version(
    loaded: Run, data_class: DataClass, engineer: Client, tmp_path: Path
) -> None:
    path = tmp_path / "second.csv"
    path.write_bytes(content(line(1, name="新名字"), *(line(number) for number in range(2, 30))))
    run = starting.upload(data_class, path, "second.csv", None)
    starting.decide(run, {}, None)
    load(run.pk)
    address = f"/desk/data/classes/{data_class.pk}/look-up/"
    asked = {"id_number": valid_id(1), "purpose": "核实"}
    assert "新名字" in engineer.post(address, asked).content.decode()
    before = engineer.post(address, {**asked, "version": "1"}).content.decode()
    assert "新名字" not in before and "不是当前版本" in before and "王乙" in before
    assert "新名字" in engineer.post(address, {**asked, "version": "x"}).content.decode()


def test_a_version_is_compared_and_rolled_back(
    loaded: Run, data_class: DataClass, engineer: Client, tmp_path: Path
) -> None:
    path = tmp_path / "second.csv"
    path.write_bytes(content(*(line(number, address="新址") if number == 3 else line(number) for number in range(31))))
    run = starting.upload(data_class, path, "second.csv", None)
    starting.decide(run, {}, None)
    assert load(run.pk) == "published"
    page = engineer.get(f"/desk/data/classes/{data_class.pk}/versions/2/").content.decode()
    assert "新增 1" in page and "变更 1" in page and valid_id(3) not in page
    engineer.post(f"/desk/data/classes/{data_class.pk}/versions/1/roll-back/", {"reason": ""})
    engineer.post(f"/desk/data/classes/{data_class.pk}/versions/1/roll-back/", {"reason": "第二版取错了"})
    data_class.refresh_from_db()
    assert data_class.current is not None and (data_class.current.number, data_class.current.row_count) == (3, 30)


def test_an_open_run_shows_progress_and_asks_for_a_fresh_page_at_its_end(loaded: Run, engineer: Client) -> None:
    Run.objects.filter(pk=loaded.pk).update(state="running", phase="screen", progress_done=50, progress_total=200)
    page = engineer.get(f"/desk/data/runs/{loaded.pk}/").content.decode()
    assert 'hx-trigger="every 1s"' in page and "25%" in page
    Run.objects.filter(pk=loaded.pk).update(state="published")
    answer = engineer.get(f"/desk/data/runs/{loaded.pk}/", headers={"HX-Request": "true"})
    assert answer["HX-Refresh"] == "true"


def test_the_template_and_the_catalogue_entry_can_be_fetched(data_class: DataClass, engineer: Client) -> None:
    book = openpyxl.load_workbook(io.BytesIO(engineer.get(f"/desk/data/classes/{data_class.pk}/template.xlsx").content))
    assert "填写说明" in book.sheetnames
    assert engineer.get("/desk/data/classes/public_security.resident/dcat.jsonld").json()["@type"] == "dcat:Dataset"


def test_the_case_of_an_issue_shows_its_loads_and_masked_samples(loaded: Run, engineer: Client, demo: Any) -> None:
    from yici.platform.data.models import Issue

    issue = Issue.objects.get(data_class=loaded.data_class, rule="id_number.cn_id")
    page = engineer.get(f"/desk/cases/{issue.case_number}/").content.decode()
    assert str(loaded.pk) in page and "341602198001010999" not in page


def test_a_code_is_chosen_from_its_list_when_a_row_is_mended(
    tmp_path: Path, engineer: Client, settings: Any, db: None
) -> None:
    settings.DATA_HOME = tmp_path / "data"
    columns = [
        {"name": "id_number", "headers": ["公民身份号码"], "element": "person.id_number", "required": True},
        {"name": "sex", "headers": ["性别"], "element": "person.sex"},
    ]
    data_class = make_class(make_definition("public_security.coded", columns=columns))
    path = tmp_path / "coded.csv"
    path.write_bytes(f"公民身份号码,性别\n{valid_id(1)},5\n".encode())
    run = starting.upload(data_class, path, "coded.csv", None)
    starting.decide(run, {}, None)
    load(run.pk)
    page = engineer.get(f"/desk/data/runs/{run.pk}/quarantine/2/").content.decode()
    assert '<select id="f-sex"' in page and '<option value="5">5</option>' in page
    assert "2 女" in page and "这次查看已记录" in page


def test_a_file_goes_by_the_name_it_has_this_time(loaded: Run, engineer: Client, tmp_path: Path) -> None:
    """The same bytes are kept once, under the first name."""
    path = tmp_path / "again.csv"
    path.write_bytes((tmp_path / "first.csv").read_bytes())
    run = starting.upload(loaded.data_class, path, "again.csv", None)
    page = engineer.get(f"/desk/data/runs/{run.pk}/decide/").content.decode()
    assert run.raw == loaded.raw and "again.csv" in page and "first.csv" not in page


def test_staff_are_refused_in_the_shell_of_the_desk(loaded: Run, stranger: Client, officer: Client) -> None:
    for found in (stranger.get("/desk/data/"), officer.get("/desk/data/classes/nobody.knows/")):
        page = found.content.decode()
        assert (
            found.status_code in (403, 404) and "staff.css" in page and "返回工作台" in page and "不会丢失" not in page
        )


def test_one_row_is_looked_up_for_a_purpose_and_the_person_sees_it(
    loaded: Run, engineer: Client, officer: Client, stranger: Client
) -> None:
    address = "/desk/data/classes/public_security.shown/look-up/"
    assert address in engineer.get("/desk/data/classes/public_security.shown/").content.decode()
    assert [officer.get(address).status_code, stranger.get(address).status_code] == [403, 403]
    person = Person.objects.create(id_number=valid_id(3), name="王丁", birth_date=dt.date(1980, 1, 1))
    assert "用途" in engineer.get(address).content.decode()
    asked = {"id_number": valid_id(3)}
    assert engineer.post(address, asked).status_code == 422
    assert not Entry.objects.filter(subject_kind="person", subject_id=str(person.pk)).exists()
    page = engineer.post(address, {**asked, "purpose": "核实异议"}).content.decode()
    assert "涡阳县某村3号" in page and "3.50" in page
    entry = Entry.objects.get(subject_kind="person", subject_id=str(person.pk))
    assert entry.purpose == "核实异议（数据“测试人口”）" and "person.id_number" in entry.elements


def test_a_look_up_says_what_is_wrong_and_finds_nothing_quietly(loaded: Run, engineer: Client) -> None:
    address = "/desk/data/classes/public_security.shown/look-up/"
    for number, status, words in (("", 422, "请填写"), (valid_id(900), 200, "没有这一行")):
        found = engineer.post(address, {"id_number": number, "purpose": "核对"})
        assert (found.status_code, words in found.content.decode()) == (status, True)
