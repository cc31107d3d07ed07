"""Entering notices, changing days, seeding, and noticing what other processes change."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection, transaction

from yici.base import clock
from yici.base.errors import Conflict, Invalid, NotAllowed
from yici.core.audit import queries as audit
from yici.core.calendars import loading, ports, queries, services
from yici.core.calendars.models import Day, Notice
from yici.core.calendars.rules import CHINA, DeadlineUnknown, Unit

pytestmark = pytest.mark.django_db

NOTICE_2027 = """\
2027-01-01 休 元旦
2027-02-05 休 春节
2027-02-08 休 春节

2027-02-20 班 春节调休
2027-05-01 休 劳动节
"""


def enter(account: Any, text: str = NOTICE_2027, year: int = 2027) -> Notice:
    return services.enter_notice(
        account, year, f"关于{year}年部分节假日安排的通知", "国办发明电〔2026〕1号", dt.date(2026, 11, 20),
        services.parse_days(text),
    )  # fmt: skip


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=CHINA)


def test_loaded_calendar_pins_the_national_day_of_2017() -> None:
    due = queries.calendar().add_working_time(moment("2017-09-28 10:00"), 5, Unit.WORKING_DAY)
    assert due == moment("2017-10-11 17:30")
    assert Notice.objects.get(pk=2017).document_number == "国办发明电〔2016〕17号"


def test_2027_is_unknown_until_its_notice_is_entered(staff: Any) -> None:
    with pytest.raises(DeadlineUnknown):
        queries.calendar().add_working_time(moment("2026-12-31 10:00"), 5, Unit.WORKING_DAY)
    enter(staff.admin)
    due = queries.calendar().add_working_time(moment("2026-12-31 10:00"), 5, Unit.WORKING_DAY)
    assert due == moment("2027-01-08 17:30")


def test_only_days_that_depart_from_monday_to_friday_are_kept(staff: Any) -> None:
    enter(staff.admin)
    kept = [day.date.isoformat() for day in queries.days_of(2027)]
    assert kept == ["2027-01-01", "2027-02-05", "2027-02-08", "2027-02-20"]


def test_entering_a_notice_is_recorded_with_what_it_says(staff: Any) -> None:
    enter(staff.admin)
    entry = audit.entries_about("calendar", "2027", limit=1)[0]
    assert entry.actor_id == staff.admin.pk
    assert "02-20班" in entry.purpose


def test_a_clerk_may_not_touch_the_calendar(staff: Any) -> None:
    with pytest.raises(NotAllowed):
        enter(staff.clerk)
    with pytest.raises(NotAllowed):
        services.change_day(staff.clerk, dt.date(2026, 12, 7), False, "", "想休息")
    assert not Notice.objects.filter(pk=2027).exists()


def test_a_second_notice_for_a_year_is_refused(staff: Any) -> None:
    enter(staff.admin)
    with pytest.raises(Conflict):
        enter(staff.admin)


def test_notice_may_reach_back_into_december_but_not_further(staff: Any) -> None:
    enter(staff.admin, NOTICE_2027 + "2026-12-31 休 元旦")
    assert not queries.calendar().is_working_day(dt.date(2026, 12, 31))
    assert Day.objects.get(date="2026-12-31").notice_id == 2026


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "休息日"),
        ("2027-01-01 休 元旦\n2026-10-08 班", "2026-10-08"),
        ("2027-01-01 休 元旦\n2027-01-01 休 元旦", "重复"),
    ],
)
def test_a_notice_that_cannot_be_right_is_refused(staff: Any, text: str, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        enter(staff.admin, text)
    assert words in caught.value.fields["days"]


def test_lines_that_cannot_be_read_are_named() -> None:
    with pytest.raises(Invalid) as caught:
        services.parse_days("2027-01-01 休 元旦\n2027-13-01 休\n2027-02-01 放假\nx")
    assert "2、3、4" in caught.value.fields["days"]


def test_changed_day_counts_at_once_and_keeps_its_reason(staff: Any) -> None:
    services.change_day(staff.admin, dt.date(2026, 12, 7), False, "防汛放假", "亳政办〔2026〕9号")
    assert not queries.calendar().is_working_day(dt.date(2026, 12, 7))
    assert "亳政办〔2026〕9号" in audit.entries_about("calendar", "2026", limit=1)[0].purpose
    services.change_day(staff.admin, dt.date(2026, 12, 7), True, "", "撤回")
    assert not Day.objects.filter(date="2026-12-07").exists()


def test_change_without_a_reason_or_a_notice_is_refused(staff: Any) -> None:
    with pytest.raises(Invalid):
        services.change_day(staff.admin, dt.date(2026, 12, 7), False, "", "  ")
    with pytest.raises(DeadlineUnknown):
        services.change_day(staff.admin, dt.date(2027, 3, 1), False, "", "依据")


def test_listeners_learn_which_years_changed(staff: Any) -> None:
    heard: list[list[int]] = []
    ports.register_change_listener(lambda years: heard.append(list(years)))
    try:
        enter(staff.admin, NOTICE_2027 + "2026-12-31 休 元旦")
    finally:
        ports._listeners.pop()
    assert heard == [[2026, 2027]]


def test_a_rolled_back_change_is_never_kept(staff: Any) -> None:
    try:
        with transaction.atomic():
            enter(staff.admin)
            assert queries.calendar().is_working_day(dt.date(2027, 1, 4))
            raise RuntimeError
    except RuntimeError:
        pass
    with pytest.raises(DeadlineUnknown):
        queries.calendar().is_working_day(dt.date(2027, 1, 4))


def test_a_change_by_another_process_is_noticed_within_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    day = dt.date(2026, 12, 8)
    assert queries.calendar().is_working_day(day)
    server, name = os.environ["YICI_TEST_SERVER"], connection.settings_dict["NAME"]
    touch = "UPDATE calendars_revision SET written_by = pg_current_xact_id()::text"
    with psycopg.connect(server, dbname=name, autocommit=True) as other:
        with other.transaction():
            other.execute(
                "INSERT INTO calendars_day (date, is_working, name, notice_id) VALUES (%s, false, '', 2026)", [day]
            )
            other.execute(touch)
        try:
            assert queries.calendar().is_working_day(day)  # trusted for a moment, without a query
            monkeypatch.setattr(queries, "_TRUST_SECONDS", 0)
            assert not queries.calendar().is_working_day(day)
        finally:
            with other.transaction():
                other.execute("DELETE FROM calendars_day WHERE date = %s", [day])
                other.execute(touch)


def test_asking_again_costs_no_query(django_assert_num_queries: Any) -> None:
    queries.calendar()
    with django_assert_num_queries(0):
        for _ in range(100):
            queries.calendar()


def test_loading_again_keeps_what_an_administrator_entered(staff: Any, city: Path) -> None:
    services.change_day(staff.admin, dt.date(2026, 10, 1), True, "", "抢险")
    enter(staff.admin)
    report = loading.load(city)
    assert "新增 0 年" in report
    assert queries.calendar().is_working_day(dt.date(2026, 10, 1))
    assert Notice.objects.get(pk=2027).entered_by == staff.admin.name


def test_year_view_takes_two_queries(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(2):
        view = queries.year_view(2017)
    assert view.working_days == 249
    assert [month.number for month in view.months] == list(range(1, 13))
    assert view.months[0].lead == 6  # 2017-01-01 was a Sunday
    assert sum(len(month.days) for month in view.months) == 365


def test_today_in_words_follows_the_fixed_clock() -> None:
    with clock.at(moment("2017-09-29 10:00")):
        words = queries.calendar().remaining_in_words(clock.now(), moment("2017-10-11 17:30"), Unit.WORKING_DAY)
    assert words == "剩余 4 个工作日"
