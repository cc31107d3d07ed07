"""Lists, the case page and statistics: who sees what, in how many queries."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

import pytest

from tests.core.cases.conftest import MONDAY, TYPE, moment
from yici.base import clock
from yici.base.errors import NotFound
from yici.core.audit import queries as audit
from yici.core.cases import queries, services
from yici.core.cases.queries import WorkListFilter
from yici.core.cases.reading import work_list
from yici.core.people.models import Account

DAY = dt.timedelta(days=1)
pytestmark = pytest.mark.django_db


def fresh(account: Any) -> Any:
    return Account.objects.get(pk=account.pk)


def test_a_work_list_costs_the_same_whatever_its_length(
    open_one: Any, demo: Any, django_assert_max_num_queries: Any
) -> None:
    for _ in range(25):
        open_one()
    counts = []
    for size, filters in ((20, WorkListFilter(type=TYPE)), (100, WorkListFilter(type=TYPE, size=100, text="王"))):
        clerk = fresh(demo.clerk)
        with clock.at(MONDAY), django_assert_max_num_queries(5) as captured:
            page = queries.work_list(clerk, filters)
        counts.append(len(captured))
        assert len(page.rows) == min(size, 25)
    assert page.rows[0].days_left == "剩余 5 个工作日"


def test_a_case_of_another_county_is_neither_listed_nor_found(open_one: Any, demo: Any) -> None:
    case = open_one()
    with clock.at(MONDAY):
        assert case.number in [row.number for row in queries.work_list(demo.clerk, WorkListFilter(type=TYPE)).rows]
        assert queries.work_list(demo.outsider, WorkListFilter(type=TYPE)).rows == []
        assert queries.work_list(demo.farmer, WorkListFilter(type=TYPE)).rows == []
        with pytest.raises(NotFound):
            queries.case_for_staff(demo.outsider, case.number)


def test_filters_narrow_the_list(open_one: Any, take: Any, demo: Any) -> None:
    first, second = open_one(), take(open_one(), "accept", demo.clerk)
    third = take(open_one(), "refuse", demo.clerk, reason="不符合条件")
    with clock.at(MONDAY):
        services.claim([first.number], demo.clerk)

        def numbers(**changes: Any) -> list[str]:
            page = queries.work_list(demo.clerk, WorkListFilter(**({"type": TYPE} | changes)))
            return [row.number for row in page.rows]

        assert numbers(tab="mine") == [first.number]
        assert numbers(tab="done") == [third.number]
        assert numbers(state="accepted") == [second.number]
        assert numbers(unassigned=True) == [second.number]
        assert numbers(text=first.number) == [first.number]
        assert numbers(text="王秀") == [first.number, second.number]
        assert numbers(text="秀英") == []
        assert numbers(type="试高龄") == [first.number, second.number]
        assert numbers(type="没有这种办件") == []
        assert numbers(division="341621000000") == [first.number, second.number]
        assert numbers(division="341622000000") == []
        assert numbers(overdue=True) == []


def test_types_are_suggested_from_what_one_may_see(open_one: Any, demo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work_list, "_types", {})
    open_one()
    assert TYPE in [one.slug for one in queries.types_at_hand(demo.clerk)]
    assert queries.types_at_hand(demo.farmer) == []
    assert TYPE not in [one.slug for one in queries.types_at_hand(demo.outsider)]


def test_paging_knows_whether_there_is_more(open_one: Any, demo: Any) -> None:
    opened = [open_one().number for _ in range(21)]
    with clock.at(MONDAY):
        pages = [queries.work_list(demo.clerk, WorkListFilter(type=TYPE), page) for page in (1, 2)]
    assert [page.has_next for page in pages] == [True, False]
    assert [row.number for page in pages for row in page.rows] == opened
    assert pages[0].count_in_words == "21"


def test_a_case_page_costs_a_handful_of_queries(
    open_one: Any, take: Any, demo: Any, django_assert_max_num_queries: Any
) -> None:
    case = take(open_one(), "accept", demo.clerk)
    reviewer = fresh(demo.reviewer)
    with clock.at(MONDAY), django_assert_max_num_queries(8):
        view = queries.case_view(reviewer, queries.case_for_staff(reviewer, case.number))
        assert view.days_left == "剩余 5 个工作日"
    assert [action.id for action in view.actions] == ["review", "start_special"]
    assert view.done_stages == ("apply", "intake")


def test_statistics_count_each_case_where_it_belongs(
    open_one: Any, take: Any, demo: Any, django_assert_num_queries: Any
) -> None:
    take(open_one(), "refuse", demo.clerk, reason="不符合条件")
    case = take(take(open_one(), "accept", demo.clerk), "review", demo.reviewer, opinion="同意")
    take(case, "approve", demo.approver, at=MONDAY + 40 * DAY)
    take(open_one(is_self_filed=False), "request_correction", demo.clerk, demands=[{"label": "电话", "request": "补"}])
    open_one(is_simulated=True)
    june = (dt.date(2026, 6, 1), dt.date(2026, 6, 30))
    with django_assert_num_queries(1):
        (total,) = queries.statistics(TYPE, june)
    assert (total.opened, total.self_filed, total.corrected, total.accepted) == (3, 2, 1, 1)
    assert (total.closed, total.closed_normally, total.on_time) == (1, 0, 0)
    months = queries.statistics(TYPE, None, "month")
    assert [(row.key, row.opened, row.closed, row.closed_normally, row.on_time) for row in months] == [
        ("2026-06", 3, 1, 0, 0),
        ("2026-07", 0, 1, 1, 0),
    ]
    for by, key in (("organisation", "guoyang.civil_affairs"), ("division", "341621000000"), ("type", TYPE)):
        (row,) = queries.statistics(TYPE, june, by)
        assert (row.key, row.opened) == (key, 3)
        assert row.label != row.key
    assert queries.statistics("nothing", june)[0].on_time_rate is None


def test_every_day_is_counted_once_even_an_empty_one(
    open_one: Any, take: Any, demo: Any, django_assert_num_queries: Any
) -> None:
    from yici.core.people.queries import scope_of

    first = moment("2018-06-04 23:50")
    scope = scope_of(demo.supervisor, "case.view")
    take(open_one(at=first), "refuse", demo.clerk, at=moment("2018-06-06 10:00"), reason="不符合条件")
    open_one(at=first, is_simulated=True)
    with django_assert_num_queries(1):
        days = queries.daily_counts(dt.date(2018, 6, 4), dt.date(2018, 6, 6), scope)
    assert [(day.opened, day.closed) for day in days] == [(1, 0), (0, 0), (0, 1)]
    assert queries.desk_counts(demo.clerk)["mine"] == 0


def test_metrics_are_counted_from_the_same_rows(open_one: Any, take: Any, demo: Any) -> None:
    from yici.core.cases import measures
    from yici.core.metrics import ports
    from yici.core.metrics.rules import Period

    measures.register()
    measures.register()
    take(open_one(at=moment("2019-06-03 10:00")), "accept", demo.clerk, at=moment("2019-06-03 11:00"))
    period = Period.of("month", dt.date(2019, 6, 3))
    for metric, numerator, denominator in (
        ("case.accepted", 1, None),
        ("case.self_filed_rate", 1, 1),
        ("case.green", 1, None),
    ):
        provider = ports.provider_of(metric)
        assert provider is not None
        (row,) = provider(period, None, None)
        assert (row.numerator, row.denominator) == (numerator, denominator)


def test_pages_show_the_list_and_the_case(client: Any, sign_in: Any, open_one: Any, demo: Any) -> None:
    with clock.at(MONDAY):
        case = open_one()
        sign_in(client, demo.clerk)
        body = client.get("/desk/cases/", {"type": TYPE}).content.decode()
        assert case.number in body
        assert "剩余 5 个工作日" in body
        part = client.get("/desk/cases/", {"type": TYPE}, headers={"HX-Request": "true"}).content.decode()
        assert "<html" not in part
        response = client.get(f"/desk/cases/{case.number}/")
    body = response.content.decode()
    assert response.status_code == 200
    assert "一次性补正告知" in body
    assert 'style="' not in body
    looks = [entry for entry in audit.entries_of_case(case.number) if entry.action == "read"]
    assert [(look.purpose, look.subject_kind) for look in looks] == [("办理测试高龄津贴", "person")]


def test_a_clerk_acts_from_the_page(client: Any, sign_in: Any, open_one: Any, demo: Any) -> None:
    with clock.at(MONDAY):
        case = open_one()
        address = f"/desk/cases/{case.number}"
        sign_in(client, demo.clerk)
        wrong = client.post(f"{address}/request_correction/", {"demands": "", "events": 1})
        assert wrong.status_code == 422
        assert "请一次列出需要补正的全部内容。" in wrong.content.decode()
        done = client.post(f"{address}/request_correction/", {"demands": "电话\n照片", "events": 1})
        assert done.status_code == 302
        stale = client.post(f"{address}/accept/", {"events": 1})
        assert stale.status_code == 409
        assert client.post(f"{address}/approve/", {}).status_code in (403, 409)
    assert [len(notice.demands) for notice in case.corrections.all()] == [2]


def test_somebody_elses_case_is_not_found_on_any_page(client: Any, sign_in: Any, open_one: Any, demo: Any) -> None:
    with clock.at(MONDAY):
        case = open_one()
        sign_in(client, demo.outsider)
        assert client.get(f"/desk/cases/{case.number}/").status_code == 404
        for page in ("accept/", "assign/", "instructions/1/"):
            assert client.post(f"/desk/cases/{case.number}/{page}", {"reply": "x"}).status_code == 404
        client.logout()
        assert client.get(f"/desk/cases/{case.number}/").status_code == 302
        sign_in(client, demo.farmer)
        assert client.get("/desk/cases/").status_code == 403


def test_claiming_assigning_and_ordering_from_the_page(client: Any, sign_in: Any, open_one: Any, demo: Any) -> None:
    with clock.at(MONDAY):
        case = open_one()
        sign_in(client, demo.clerk)
        assert client.post("/desk/cases/claim/", {"number": [case.number]}).status_code == 302
        case.refresh_from_db()
        assert case.assignee_id == demo.clerk.pk
        assert client.post(f"/desk/cases/{case.number}/supervise/", {"text": "x"}).status_code == 403
        client.post(f"/desk/cases/{case.number}/assign/", {"to": ""})
        case.refresh_from_db()
        assert case.assignee_id is None
        sign_in(client, demo.supervisor)
        assert client.post(f"/desk/cases/{case.number}/supervise/", {"text": ""}).status_code == 422
        assert client.post(f"/desk/cases/{case.number}/supervise/", {"text": "请说明"}).status_code == 302
        order = case.instructions.get()
        sign_in(client, demo.clerk)
        client.post(f"/desk/cases/{case.number}/instructions/{order.pk}/", {"reply": "正在办"})
    order.refresh_from_db()
    assert order.reply == "正在办"


def test_the_export_holds_no_formula_and_only_what_may_be_seen(
    client: Any, sign_in: Any, open_one: Any, demo: Any
) -> None:
    with clock.at(MONDAY):
        open_one(title='=HYPERLINK("http://x")', subject_name="@王秀英")
        sign_in(client, demo.clerk)
        body = client.get("/desk/cases/export.csv", {"type": TYPE}).content.decode("utf-8-sig")
        row = list(csv.reader(io.StringIO(body)))[1]
        assert row[1].startswith("'=")
        assert row[2].startswith("'@")
        sign_in(client, demo.outsider)
        body = client.get("/desk/cases/export.csv", {"type": TYPE}).content.decode("utf-8-sig")
        assert len(list(csv.reader(io.StringIO(body)))) == 1


def test_the_api_lists_shows_and_acts(client: Any, open_one: Any, demo: Any, settings: Any) -> None:
    from yici.core.people.services import issue_token

    def call(account: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {issue_token(account, 1)}"}

    case = open_one(at=clock.now())
    clerk, outsider, farmer = (call(account) for account in (demo.clerk, demo.outsider, demo.farmer))
    listed = client.get("/api/v1/cases", {"type": TYPE}, headers=clerk).json()
    assert [row["number"] for row in listed["rows"]] == [case.number]
    assert client.get(f"/api/v1/cases/{case.number}", headers=outsider).status_code == 404
    shown = client.get(f"/api/v1/cases/{case.number}", headers=farmer).json()
    assert [action["id"] for action in shown["actions"]] == ["withdraw"]
    address = f"/api/v1/cases/{case.number}/actions/accept"
    assert client.post(address, {}, content_type="application/json", headers=farmer).status_code == 403
    done = client.post(address, {"expected_events": 1}, content_type="application/json", headers=clerk)
    assert done.json()["state"] == "accepted"
    assert client.post(address, {}, content_type="application/json", headers=clerk).status_code == 409
    timeline = client.get(f"/api/v1/cases/{case.number}/timeline", headers=farmer).json()
    assert [event["action"] for event in timeline] == ["submit", "accept"]
    assert client.get("/api/v1/cases", {"division": "99"}, headers=clerk).status_code == 422
    supervisor = call(demo.supervisor)
    query = {"start": "2026-01-01", "end": "2026-12-31", "by": "type"}
    assert client.get("/api/v1/cases/statistics", query, headers=supervisor).status_code == 200
