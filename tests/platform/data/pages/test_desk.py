"""What the desk promises beside its single steps: constant cost, order, scope, masks that cannot be talked away."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.platform.data.factories import make_class, make_definition, make_run, make_snapshot
from tests.platform.data.runs.conftest import HEADER, content, line, valid_id
from yici.base import clock
from yici.core.audit.models import Entry
from yici.core.people.models import RoleGrant
from yici.platform.data.models import DataClass, Issue, Mend, Run, Score
from yici.platform.data.reading import held
from yici.platform.data.runs import starting
from yici.platform.data.runs.carrying_out import load

HELD = "341602198001010999"  # the wrong number of the run's first held row


def cost(client: Client, address: str) -> int:
    """Queries of the page once what is kept between requests is there. The calendar asks now and then if it is current."""
    client.get(address)
    with CaptureQueriesContext(connection) as found:
        assert client.get(address).status_code == 200
    return sum("calendars_" not in query["sql"] for query in found.captured_queries)


def grow(count: int, first: int = 0) -> None:
    """More classes of the police, each with a late channel, a version, scores, an issue and a run that waits."""
    now = clock.now()
    for number in range(first, first + count):
        definition = make_definition(f"public_security.grown{number}")
        data_class = make_class(definition)
        data_class.channels.update(last_success_at=now - dt.timedelta(days=30 + number))
        run = make_run(data_class, state=Run.State.PUBLISHED, rows_read=100, rows_accepted=90, rows_quarantined=10)
        snapshot = make_snapshot(data_class, run, row_count=90)
        Score.objects.create(snapshot=snapshot, data_class=data_class, month=now.date().replace(day=1),
                             column="name", dimension="validity", checked=100, failed=10 + number)  # fmt: skip
        Issue.objects.create(data_class=data_class, rule="name.not_blank", column="name", dimension="completeness",
                             unit=data_class.department, opened_run=run, latest_run=run, checked=100, failed=10,
                             failed_at_first=10, opened_at=now)  # fmt: skip
        make_run(data_class, state=Run.State.WAITING)


@pytest.mark.parametrize(
    ("page", "most"),
    [
        ("", 25),
        ("classes/", 12),
        ("classes/?light=red&order=score", 14),
        ("departments/", 12),
        ("departments/bz.public_security/", 37),
        ("runs/", 10),
        ("runs/?held=yes", 10),
        ("quality/", 24),
        ("backlog/", 10),
    ],
)
def test_a_page_costs_the_same_however_much_there_is(
    loaded: Run, engineer: Client, officer: Client, page: str, most: int
) -> None:
    grow(1)
    before = cost(engineer, f"/desk/data/{page}"), cost(officer, f"/desk/data/{page}")
    grow(4, first=1)
    after = cost(engineer, f"/desk/data/{page}"), cost(officer, f"/desk/data/{page}")
    assert before == after
    assert max(after) <= most


def test_pages_hold_no_inline_script_or_style(loaded: Run, engineer: Client) -> None:
    slug = loaded.data_class_id
    for page in ("", f"classes/{slug}/", "quality/", f"runs/{loaded.pk}/", f"runs/{loaded.pk}/quarantine/", "backlog/"):
        html = engineer.get(f"/desk/data/{page}").content.decode()
        assert not re.search(r"<script(?![^>]*src=)|\sstyle=|\son[a-z]+=", html), page


def test_overdue_classes_stand_with_the_one_late_longest_first(loaded: Run, engineer: Client) -> None:
    grow(3)
    page = engineer.get("/desk/data/").content.decode()
    late = re.findall(r"/desk/data/classes/(public_security\.grown\d)/\">", page.split("隔离待处理</h2>")[0])
    assert late[:3] == ["public_security.grown2", "public_security.grown1", "public_security.grown0"]
    assert "超期" in page and "天" in page


def test_every_figure_leads_to_the_rows_behind_it(loaded: Run, engineer: Client) -> None:
    grow(2)
    page = engineer.get("/desk/data/").content.decode()
    figures = dict(re.findall(r'class="card kpi s3" href="([^"]+)"><span>[^<]+</span><strong>([^<]+)<', page))
    figures = {address.replace("&amp;", "&"): number for address, number in figures.items()}
    assert len(figures) == 8
    classes = engineer.get("/desk/data/classes/").content.decode()
    assert f"共 {figures['/desk/data/classes/']} 类" in classes
    red = engineer.get("/desk/data/classes/?light=red&described=yes").content.decode()
    assert f"共 {figures['/desk/data/classes/?light=red&described=yes']} 类" in red
    listed = engineer.get("/desk/data/departments/").content.decode()
    assert f"共 {figures['/desk/data/departments/']} 个单位" in listed
    waiting = engineer.get("/desk/data/runs/?held=yes").content.decode()
    rows = sum(int(number.replace(",", "")) for number in re.findall(r"待处理 ([\d,]+)<", waiting))
    assert int(figures["/desk/data/runs/?held=yes"].replace(",", "")) == rows == 23


def test_lists_are_sorted_both_ways_and_by_score_worst_first(loaded: Run, engineer: Client) -> None:
    grow(3)

    def order(by: str) -> list[str]:
        page = engineer.get(f"/desk/data/classes/?q=grown&order={by}").content.decode()
        return re.findall(r'href="/desk/data/classes/public_security\.grown(\d)/"', page)

    assert order("score") == ["2", "1", "0"] and order("-score") == ["0", "1", "2"]
    assert order("name; drop table") == ["0", "1", "2"]


def test_waiting_rows_are_those_of_the_newest_whole_delivery_and_of_every_increment(
    loaded: Run, demo: Any, engineer: Client
) -> None:
    full = make_class(make_definition("public_security.whole"))
    parts = make_class(make_definition("public_security.parts", load="increment"))
    for data_class in (full, parts):
        for number in (5, 7):
            make_run(data_class, state=Run.State.PUBLISHED, rows_quarantined=number)
        make_run(data_class, state=Run.State.PUBLISHED, trigger=Run.Trigger.REPLAY, rows_quarantined=1)
    found = {(run.data_class_id, run.waiting) for run in held.waiting(demo.data_engineer)}
    assert {("public_security.whole", 7), ("public_security.parts", 5), ("public_security.parts", 7)} <= found
    assert ("public_security.whole", 5) not in found and (loaded.data_class_id, 3) in found
    Mend.objects.create(run=loaded, row=32, state="discarded", mended_at=clock.now())
    assert (loaded.data_class_id, 2) in {(run.data_class_id, run.waiting) for run in held.waiting(demo.data_engineer)}


def test_a_departments_page_is_closed_to_other_departments(
    loaded: Run, engineer: Client, officer: Client, stranger: Client
) -> None:
    assert "要改正的" in officer.get("/desk/data/departments/bz.public_security/").content.decode()
    make_class(make_definition("civil_affairs.shown", department="civil_affairs"), "bz.civil_affairs")
    assert engineer.get("/desk/data/departments/bz.civil_affairs/").status_code == 200
    assert officer.get("/desk/data/departments/bz.civil_affairs/").status_code == 404
    assert stranger.get("/desk/data/departments/bz.public_security/").status_code == 403
    assert "bz.civil_affairs" not in officer.get("/desk/data/departments/").content.decode()


def upload(client: Client, slug: str, file: bytes) -> Run:
    client.post(f"/desk/data/classes/{slug}/upload/", {"file": SimpleUploadedFile("人员.csv", file)})
    return Run.objects.filter(data_class=slug).latest("pk")


def test_a_preview_says_what_the_file_is_and_shows_twenty_rows_masked_for_an_officer(
    data_class: DataClass, officer: Client, engineer: Client
) -> None:
    title = "人员情况汇总表,,,,\n"
    file = (title + content(*(line(number) for number in range(30))).decode()).encode("gb18030")
    run = upload(officer, data_class.pk, file)
    page = officer.get(f"/desk/data/runs/{run.pk}/decide/").content.decode()
    assert "GB18030" in page and "第 2 行" in page and "前 20 行" in page and "30 行" in page
    assert valid_id(3) not in page and "某村3号" not in page
    before = Entry.objects.filter(action="view").count()
    clear = engineer.get(f"/desk/data/runs/{run.pk}/decide/").content.decode()
    assert valid_id(3) in clear and Entry.objects.filter(action="view").count() == before + 1


def test_choosing_a_harmless_column_does_not_uncover_what_is_in_it(data_class: DataClass, officer: Client) -> None:
    """Masks follow what the machine takes a header for, whatever a person maps it to."""
    header = HEADER.replace("公民身份号码", "号码一").replace("住址", "甲乙丙")
    run = upload(officer, data_class.pk, content(*(line(number) for number in range(30)), header=header))
    chosen = {"column-0": "amount", "column-3": "amount"}
    page = officer.post(f"/desk/data/runs/{run.pk}/decide/", chosen)
    assert page.status_code == 422
    assert valid_id(3) not in page.content.decode() and "某村3号" not in page.content.decode()


def test_a_missing_column_is_told_first_and_leads_to_a_header_that_is_free(
    data_class: DataClass, engineer: Client
) -> None:
    run = upload(engineer, data_class.pk, content(*(line(number) for number in range(30))))
    given = {f"column-{place}": name for place, name in enumerate(["id_number", "", "birth_date", "address", "amount"])}
    page = engineer.post(f"/desk/data/runs/{run.pk}/decide/", given).content.decode()
    assert "错误：" in page.split("</title>")[0] and 'href="#column-1"' in page
    given["column-1"] = "id_number"
    page = engineer.post(f"/desk/data/runs/{run.pk}/decide/", given | {"column-0": "name"}).content.decode()
    run.refresh_from_db()
    assert run.state == "queued"
    assert page == ""


def test_an_officer_takes_back_a_file_of_her_own_and_no_other(
    data_class: DataClass, officer: Client, engineer: Client
) -> None:
    own = upload(officer, data_class.pk, content(line(1)))
    other = upload(engineer, data_class.pk, content(line(2)))
    assert officer.post(f"/desk/data/runs/{other.pk}/cancel/").status_code == 403
    assert officer.post(f"/desk/data/runs/{own.pk}/cancel/").status_code == 302
    own.refresh_from_db()
    other.refresh_from_db()
    assert (own.state, other.state) == ("cancelled", "waiting")


def test_differing_rows_are_clear_only_with_a_purpose_that_is_recorded(
    loaded: Run, data_class: DataClass, engineer: Client, officer: Client
) -> None:
    run = upload(engineer, data_class.pk, content(*(line(number) for number in range(31))))
    starting.decide(run, {}, None)
    assert load(run.pk) == "published"
    address = f"/desk/data/classes/{data_class.pk}/versions/2/"
    counts = officer.get(address).content.decode()
    assert "新增 1" in counts and "每种最多" not in counts
    assert officer.post(f"{address}unmask/", {"purpose": "想看"}).status_code == 403
    masked = engineer.get(address).content.decode()
    assert "每种最多" in masked and valid_id(30) not in masked
    engineer.post(f"{address}unmask/", {"purpose": "核对新增"})
    assert valid_id(30) in engineer.get(address).content.decode()
    assert Entry.objects.filter(action="view").latest("pk").purpose == "核对新增"
    assert "减少 1" in engineer.get(f"/desk/data/classes/{data_class.pk}/versions/1/?with=2").content.decode()


def test_a_purpose_ends_with_the_permission(loaded: Run, engineer: Client, demo: Any) -> None:
    address = f"/desk/data/runs/{loaded.pk}/quarantine/"
    engineer.post(f"{address}unmask/", {"purpose": "核对"})
    assert HELD in engineer.get(address).content.decode()
    RoleGrant.objects.filter(account=demo.data_engineer).update(role="data_officer")
    assert HELD not in engineer.get(address).content.decode()


def test_a_run_that_was_refused_shows_where_it_stopped_and_why(
    data_class: DataClass, engineer: Client, tmp_path: Any
) -> None:
    path = tmp_path / "cut.csv"
    path.write_bytes(content(line(1)) + b'"cut')
    run = starting.upload(data_class, path, "cut.csv", None)
    starting.decide(run, {}, None)
    assert load(run.pk) == "refused"
    run.refresh_from_db()
    page = engineer.get(f"/desk/data/runs/{run.pk}/").content.decode()
    assert "停在这里" in page and run.message in page and "重试" in page


@pytest.mark.parametrize(
    ("query", "count"),
    [("state=published", 1), ("state=faulty", 1), ("trigger=upload", 1), ("recent=yes", 2), ("class=nothing", 0),
     ("state=nonsense", 2), ("department=bz.public_security", 2), ("channel=exchange", 0)],
)  # fmt: skip
def test_runs_are_narrowed_by_each_filter(loaded: Run, engineer: Client, query: str, count: int) -> None:
    make_run(loaded.data_class, state=Run.State.FAILED, trigger=Run.Trigger.SCHEDULE)
    page = engineer.get(f"/desk/data/runs/?{query}").content.decode()
    assert f"共 {count} 次" in page if count else "请换一个条件" in page


def test_a_registered_class_has_a_card_and_says_why_it_cannot_be_loaded(engineer: Client) -> None:
    registered = DataClass.objects.filter(is_described=False, withdrawn_at=None).first()
    assert registered is not None
    page = engineer.get(f"/desk/data/classes/{registered.pk}/").content.decode()
    assert registered.code in page and "只在目录中登记" in page and "立即运行" not in page
    assert engineer.get(f"/desk/data/classes/{registered.pk}/upload/").status_code == 404


def test_the_description_of_a_registered_class_is_drafted_from_a_file(engineer: Client, officer: Client) -> None:
    registered = DataClass.objects.filter(is_described=False, department__slug="bz.public_security", withdrawn_at=None)
    one = registered[0]
    page = f"/desk/data/classes/{one.pk}/"
    assert f"{page}draft/" in officer.get(page).content.decode()
    header = "登记编号,姓名,身份证号,登记日期"
    rows = "".join(f"B{number:04d},王甲,{valid_id(number)},2017-06-0{number % 9 + 1}\n" for number in range(30))
    shown = officer.post(f"{page}draft/", {"file": SimpleUploadedFile("a.csv", f"{header}\n{rows}".encode())})
    text = shown.content.decode()
    assert (
        shown.status_code == 200 and "person.id_number" in text and f"id: {one.pk}" in text and valid_id(1) not in text
    )
    assert engineer.post(f"{page}draft/", {"file": SimpleUploadedFile("a.pdf", b"%PDF-1.7")}).status_code == 422
    assert officer.get("/desk/data/classes/development.project_approval/draft/").status_code == 404
    assert engineer.get("/desk/data/classes/public_security.resident/draft/").status_code == 302


def test_words_for_times_and_durations(demo: Any) -> None:
    from yici.platform.data.templatetags import data_desk

    words: list[tuple[Callable[[], str], str]] = [
        (lambda: data_desk.duration(0.384), "0.38 秒"),
        (lambda: data_desk.duration(200), "3 分 20 秒"),
        (lambda: data_desk.duration(7500), "2 小时 5 分"),
        (lambda: data_desk.points(-0.0015), "-0.15"),
    ]
    assert [found() for found, _expected in words] == [expected for _found, expected in words]
    with clock.at(dt.datetime(2026, 11, 25, 4, tzinfo=dt.UTC)):
        now = clock.now()
        assert data_desk.when(now - dt.timedelta(hours=1)) == "今天 11:00"
        assert data_desk.when(now - dt.timedelta(hours=13)) == "昨天 23:00"
        assert data_desk.due_in_words("red", now - dt.timedelta(days=12)) == "超期 12 天"
        assert data_desk.due_in_words("yellow", now + dt.timedelta(hours=3)) == "还有 3 小时到期"
        assert data_desk.due_in_words("green", now) == "按时"
