"""The calendar pages of the desk and the public endpoints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from yici.core.calendars.models import Notice

pytestmark = pytest.mark.django_db
SignIn = Callable[..., Client]


@pytest.fixture
def desk(client: Client, staff: Any, sign_in: SignIn) -> Client:
    return sign_in(client, staff.admin)


def test_year_shows_its_notice_and_what_departs_from_monday_to_friday(desk: Client) -> None:
    page = desk.get("/desk/calendar/2017/").content.decode()
    assert "国办发明电〔2016〕17号" in page
    assert "249" in page
    assert '<time datetime="2017-09-30">30</time><b>班</b>' in page
    assert '<time datetime="2017-10-02">2</time><b>休</b>' in page
    assert "style=" not in page.split("<main", 1)[1]


def test_bare_address_opens_the_current_year(desk: Client) -> None:
    response = desk.get("/desk/calendar/")
    assert response.status_code == 302
    assert response["Location"].startswith("/desk/calendar/20")


def test_year_without_notice_says_so_and_takes_one(desk: Client) -> None:
    assert "尚未录入" in desk.get("/desk/calendar/2027/").content.decode()
    form = {"title": "关于2027年的通知", "document_number": "", "issued_on": "", "days": "2027-01-01 休 元旦"}
    response = desk.post("/desk/calendar/2027/notice/", form, follow=True)
    assert response.redirect_chain[-1][0] == "/desk/calendar/2027/"
    assert Notice.objects.get(pk=2027).title == "关于2027年的通知"


def test_mistakes_come_back_with_what_was_typed(desk: Client) -> None:
    form = {"title": "关于2027年的通知", "document_number": "", "issued_on": "", "days": "2027-01-01 放假"}
    response = desk.post("/desk/calendar/2027/notice/", form)
    page = response.content.decode()
    assert response.status_code == 422
    assert "<title>错误：" in page
    assert 'href="#days"' in page
    assert "2027-01-01 放假" in page


def test_one_day_is_changed_with_a_reason(desk: Client) -> None:
    form = {"date": "2026-12-07", "nature": "rest", "name": "防汛", "reason": "亳政办〔2026〕9号"}
    page = desk.post("/desk/calendar/2026/days/", form, follow=True).content.decode()
    assert '<time datetime="2026-12-07">7</time><b>休</b>' in page
    assert "亳政办〔2026〕9号" in page


def test_change_needs_a_date_of_the_year_a_nature_and_a_reason(desk: Client) -> None:
    for form in (
        {"date": "", "nature": "rest", "reason": "x"},
        {"date": "2025-12-08", "nature": "rest", "reason": "x"},
        {"date": "2026-12-07", "nature": "", "reason": "x"},
        {"date": "2026-12-07", "nature": "rest", "reason": ""},
    ):
        assert desk.post("/desk/calendar/2026/days/", form).status_code == 422


def test_invisible_characters_are_refused(desk: Client) -> None:
    form = {"date": "2026-12-07", "nature": "rest", "name": "防\0汛", "reason": "文\0件"}
    assert desk.post("/desk/calendar/2026/days/", form).status_code == 422


def test_pages_are_closed_to_others(client: Client, staff: Any, sign_in: SignIn) -> None:
    assert client.get("/desk/calendar/2026/").status_code == 302
    assert sign_in(client, staff.clerk).get("/desk/calendar/2026/").status_code == 403
    assert client.post("/desk/calendar/2027/notice/", {"title": "x", "days": "2027-01-01 休"}).status_code == 403
    assert client.post("/desk/calendar/2026/days/", {}).status_code == 403


def test_years_out_of_range_are_not_found(desk: Client) -> None:
    assert desk.get("/desk/calendar/1999/").status_code == 404
    assert desk.get("/desk/calendar/99999/").status_code == 404


def test_deadline_is_public(client: Client) -> None:
    answer = client.get("/api/v1/calendar/deadline?start=2017-09-28T10:00&amount=5&unit=working_day")
    assert answer.status_code == 200
    assert answer.json()["due"] == "2017-10-11T17:30:00+08:00"


@pytest.mark.parametrize(
    ("query", "status", "slug"),
    [
        ("start=2027-03-01T10:00&amount=5&unit=working_day", 422, "deadline-unknown"),
        ("start=2017-09-28T10:00&amount=0.5&unit=working_day", 422, "invalid"),
        ("start=9999-12-31T23:00&amount=5&unit=hour", 422, "invalid"),
        ("start=nonsense&amount=5", 422, "invalid"),
        ("start=2017-09-28T10:00&amount=-1", 422, "invalid"),
        ("start=2017-09-28T10:00&amount=NaN", 422, "invalid"),
    ],
)
def test_deadline_that_cannot_be_given_is_a_problem_document(
    client: Client, query: str, status: int, slug: str
) -> None:
    answer = client.get(f"/api/v1/calendar/deadline?{query}")
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["type"].endswith(slug)


def test_working_day_is_public(client: Client) -> None:
    assert client.get("/api/v1/calendar/days/2017-09-30").json() == {"date": "2017-09-30", "is_working": True}
