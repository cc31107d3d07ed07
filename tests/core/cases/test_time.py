"""What time does to cases: lights, reminders, silence, a year nobody arranged yet."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.core.cases.conftest import MONDAY, moment
from yici.base import clock
from yici.core.calendars.models import Day, Notice
from yici.core.calendars.queries import forget
from yici.core.cases import queries, services
from yici.core.cases.models import Case, CaseEvent
from yici.core.messages.models import Message

DAY = dt.timedelta(days=1)
pytestmark = pytest.mark.django_db


def actions_of(case: Case) -> list[str]:
    return list(case.events.values_list("action", flat=True))


def test_lights_turn_by_themselves_and_remind_the_desk_once(open_one: Any, demo: Any) -> None:
    case = open_one()
    with clock.at(MONDAY):
        services.assign(case.number, demo.clerk, demo.clerk)
    due_soon, overdue = moment("2026-06-05 09:00"), moment("2026-06-09 09:00")
    services.recompute_lights(due_soon)
    services.recompute_lights(due_soon)
    case.refresh_from_db()
    assert case.light == "yellow"
    services.recompute_lights(overdue)
    services.recompute_lights(overdue)
    case.refresh_from_db()
    assert case.light == "red"
    assert actions_of(case) == ["submit", "claim", "due_soon", "overdue"]
    told = Message.objects.filter(recipient=demo.clerk, case_number=case.number).order_by("id")
    assert [message.template for message in told] == ["case.due_soon", "case.overdue"]


def test_a_reminder_still_fires_after_a_return(open_one: Any, take: Any, demo: Any) -> None:
    case = take(open_one(), "accept", demo.clerk)
    case = take(case, "review", demo.reviewer, opinion="同意")
    case = take(case, "return_to_review", demo.approver, opinion="再核实")
    services.recompute_lights(MONDAY + 10 * DAY)
    case.refresh_from_db()
    assert case.light == "red"
    assert "overdue" in actions_of(case)


def test_stopped_and_closed_cases_are_left_alone(open_one: Any, take: Any, demo: Any) -> None:
    stopped = take(open_one(), "request_correction", demo.clerk, demands=[{"label": "电话", "request": "补"}])
    closed = take(open_one(), "refuse", demo.clerk, reason="不符合条件")
    services.recompute_lights(MONDAY + 60 * DAY)
    assert "overdue" not in actions_of(stopped) + actions_of(closed)


def test_silence_is_acceptance_on_the_day_of_receipt(open_one: Any) -> None:
    case = open_one()
    with clock.at(moment("2026-06-08 17:00")):
        assert services.accept_by_silence() == 0
    with clock.at(moment("2026-06-08 18:00")):
        assert services.accept_by_silence() >= 1
        case = Case.objects.get(pk=case.pk)
        assert (case.state, case.clock, case.accepted_at) == ("accepted", "handling", MONDAY)
        assert case.due_at == moment("2026-06-08 17:30")
        assert services.verify_projections(1) == []


def test_a_submission_is_not_lost_in_a_year_without_notice(open_one: Any, demo: Any) -> None:
    last_days = moment("2026-12-30 10:00")
    case = open_one(at=last_days)
    assert (case.state, case.light, case.due_at) == ("received", "none", None)
    assert actions_of(case) == ["submit", "deadline_unknown"]
    assert Message.objects.filter(recipient=demo.admin, template="case.deadline_unknown").exists()
    with clock.at(last_days):
        assert queries.days_left_in_words(case) == "期限待定"
        assert services.fill_deadlines() == 0
        accepted = services.act(case.number, "accept", demo.clerk)
        assert accepted.light == "none"
        _arrange_2027()
        assert services.fill_deadlines() >= 1
        case.refresh_from_db()
        assert case.light == "green"
        assert case.due_at == moment("2027-01-07 17:30")
        assert services.verify_projections(1) == []


def _arrange_2027() -> None:
    from django.db import connection

    notice = Notice.objects.create(year=2027, title="测试通知", entered_by="test")
    Day.objects.create(date=dt.date(2027, 1, 1), is_working=False, name="元旦", notice=notice)
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    forget()


def test_deadlines_are_never_changed_by_looking(open_one: Any) -> None:
    case = open_one()
    before = CaseEvent.objects.count()
    services.recompute_lights(MONDAY)
    assert CaseEvent.objects.filter(case=case).count() == 1
    assert CaseEvent.objects.count() >= before
