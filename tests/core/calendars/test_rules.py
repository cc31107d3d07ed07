"""Legal working time against official facts, and its arithmetic against its own laws."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yici.base.errors import Invalid
from yici.core.calendars.rules import CHINA, DeadlineUnknown, OfficialHours, Unit, WorkingCalendar
from yici.core.calendars.seed import departures

MAKE_UP_DAYS = [
    "2017-01-22", "2017-02-04", "2017-04-01", "2017-05-27", "2017-09-30",
    "2018-02-11", "2018-02-24", "2018-04-08", "2018-04-28", "2018-09-29", "2018-09-30", "2018-12-29",
]  # fmt: skip

CALENDAR = WorkingCalendar(
    years=frozenset(range(2004, 2027)),
    days={day.date: day.is_working for year in range(2004, 2027) for day in departures(year)},
)
SUMMER = WorkingCalendar(
    years=CALENDAR.years,
    days=CALENDAR.days,
    hours=(
        OfficialHours(dt.date(2004, 1, 1)),
        OfficialHours(dt.date(2017, 6, 1), dt.time(8), dt.time(12), dt.time(15), dt.time(18)),
        OfficialHours(dt.date(2017, 10, 1)),
    ),
)
moments = st.datetimes(dt.datetime(2016, 1, 1), dt.datetime(2019, 12, 31), timezones=st.just(CHINA))
days = st.integers(0, 120)
hours = st.decimals("0", "300", places=2)
calendars = st.sampled_from([CALENDAR, SUMMER])


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=CHINA)


def test_five_working_days_over_the_national_day_of_2017() -> None:
    assert CALENDAR.add_working_time(at("2017-09-28 10:00"), 5, Unit.WORKING_DAY) == at("2017-10-11 17:30")


def test_acceptance_after_hours_counts_as_the_next_working_day() -> None:
    assert CALENDAR.add_working_time(at("2017-09-28 18:00"), 5, Unit.WORKING_DAY) == at("2017-10-12 17:30")
    assert CALENDAR.add_working_time(at("2017-10-01 10:00"), 1, Unit.WORKING_DAY) == at("2017-10-10 17:30")


def test_acceptance_at_the_close_of_business_is_still_of_that_day() -> None:
    assert CALENDAR.add_working_time(at("2017-09-28 17:30"), 1, Unit.WORKING_DAY) == at("2017-09-29 17:30")


@pytest.mark.parametrize("day", MAKE_UP_DAYS)
def test_make_up_day_is_a_working_day(day: str) -> None:
    assert dt.date.fromisoformat(day).weekday() >= 5
    assert CALENDAR.is_working_day(dt.date.fromisoformat(day))


def test_2017_and_2018_have_no_other_make_up_days() -> None:
    weekend_work = [str(d) for d, works in sorted(CALENDAR.days.items()) if works and d.year in (2017, 2018)]
    assert weekend_work == MAKE_UP_DAYS
    assert CALENDAR.working_days_in(2017) == 249


def test_every_day_from_2004_to_2026_agrees_with_the_official_notices() -> None:
    day = dt.date(2004, 1, 1)
    while day.year < 2027:
        assert CALENDAR.is_working_day(day) == chinese_calendar.is_workday(day), day
        day += dt.timedelta(days=1)


@pytest.mark.parametrize("unit", [Unit.WORKING_DAY, Unit.WORKING_HOUR, Unit.CALENDAR_DAY])
def test_deadline_in_a_year_without_notice_is_refused_and_names_the_year(unit: Unit) -> None:
    with pytest.raises(DeadlineUnknown) as caught:
        CALENDAR.add_working_time(at("2026-12-30 10:00"), 90, unit)
    assert caught.value.year == 2027
    assert "2027" in caught.value.message
    assert "国务院办公厅" in caught.value.message


def test_start_in_a_year_without_notice_is_refused() -> None:
    with pytest.raises(DeadlineUnknown):
        CALENDAR.add_working_time(at("2027-01-04 10:00"), 1, Unit.WORKING_DAY)
    with pytest.raises(DeadlineUnknown):
        CALENDAR.next_working_moment(at("2026-12-31 18:00"))
    with pytest.raises(DeadlineUnknown):
        CALENDAR.is_working_day(dt.date(2003, 1, 1))


def test_a_gap_between_known_years_is_not_jumped_over() -> None:
    gap = WorkingCalendar(years=frozenset({2016, 2018}), days={})
    with pytest.raises(DeadlineUnknown) as caught:
        gap.add_working_time(at("2016-12-28 10:00"), 10, Unit.WORKING_DAY)
    assert caught.value.year == 2017


def test_working_hours_skip_lunch_night_and_holiday() -> None:
    assert CALENDAR.add_working_time(at("2017-09-30 16:30"), 2, Unit.WORKING_HOUR) == at("2017-10-09 10:00")
    assert CALENDAR.add_working_time(at("2017-09-28 11:00"), 2, Unit.WORKING_HOUR) == at("2017-09-28 15:00")
    assert CALENDAR.add_working_time(at("2017-09-28 11:00"), 1, Unit.WORKING_HOUR) == at("2017-09-28 12:00")


def test_hours_follow_the_wall_clock() -> None:
    assert CALENDAR.add_working_time(at("2017-09-30 16:30"), 24, Unit.HOUR) == at("2017-10-01 16:30")


def test_calendar_days_ending_on_a_day_of_rest_end_on_the_next_working_day() -> None:
    assert CALENDAR.add_working_time(at("2017-09-28 10:00"), 5, Unit.CALENDAR_DAY) == at("2017-10-09 17:30")
    assert CALENDAR.add_working_time(at("2017-09-28 10:00"), 2, Unit.CALENDAR_DAY) == at("2017-09-30 17:30")


def test_summer_hours_close_later() -> None:
    assert SUMMER.add_working_time(at("2017-07-03 17:45"), 1, Unit.WORKING_DAY) == at("2017-07-04 18:00")
    assert SUMMER.add_working_time(at("2017-05-31 17:00"), 1, Unit.WORKING_HOUR) == at("2017-06-01 08:30")


def test_a_fraction_of_a_day_is_refused() -> None:
    with pytest.raises(Invalid):
        CALENDAR.add_working_time(at("2017-09-28 10:00"), Decimal("0.5"), Unit.WORKING_DAY)


def test_naive_moment_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        CALENDAR.add_working_time(dt.datetime(2017, 9, 28), 1, Unit.WORKING_DAY)


@given(calendars, moments, days)
def test_between_undoes_adding_working_days(calendar: WorkingCalendar, start: dt.datetime, amount: int) -> None:
    due = calendar.add_working_time(start, amount, Unit.WORKING_DAY)
    assert calendar.working_time_between(start, due, Unit.WORKING_DAY) == amount


@given(calendars, moments, hours)
def test_between_undoes_adding_hours(calendar: WorkingCalendar, start: dt.datetime, amount: Decimal) -> None:
    for unit in (Unit.WORKING_HOUR, Unit.HOUR):
        due = calendar.add_working_time(start, amount, unit)
        assert calendar.working_time_between(start, due, unit) == amount


@given(calendars, moments, st.integers(0, 60), st.integers(0, 60 * 24 * 90))
def test_a_stop_of_no_length_changes_nothing(
    calendar: WorkingCalendar, start: dt.datetime, amount: int, minutes: int
) -> None:
    stop = start + dt.timedelta(minutes=minutes)
    due = calendar.add_working_time(start, amount, Unit.WORKING_DAY)
    left = amount - calendar.working_time_between(start, stop, Unit.WORKING_DAY)
    assert calendar.add_working_time(stop, left, Unit.WORKING_DAY) == due


@given(calendars, moments, hours, st.decimals("0.01", "100", places=2))
def test_working_hours_compose(calendar: WorkingCalendar, start: dt.datetime, first: Decimal, then: Decimal) -> None:
    middle = calendar.add_working_time(start, first, Unit.WORKING_HOUR)
    assert calendar.add_working_time(middle, then, Unit.WORKING_HOUR) == calendar.add_working_time(
        start, first + then, Unit.WORKING_HOUR
    )


@given(calendars, moments, days, days)
def test_adding_more_days_never_ends_earlier(calendar: WorkingCalendar, start: dt.datetime, a: int, b: int) -> None:
    for unit in Unit:
        earlier, later = (calendar.add_working_time(start, n, unit) for n in sorted((a, b)))
        assert earlier <= later


@given(moments, days)
def test_calendar_days_end_on_a_working_day_no_earlier_than_counted(start: dt.datetime, amount: int) -> None:
    due = CALENDAR.add_working_time(start, amount, Unit.CALENDAR_DAY)
    assert CALENDAR.is_working_day(due.date())
    assert CALENDAR.working_time_between(start, due, Unit.CALENDAR_DAY) >= amount
    used = int(CALENDAR.working_time_between(start, due, Unit.CALENDAR_DAY))
    assert CALENDAR.add_working_time(start, used, Unit.CALENDAR_DAY) == due


@given(moments)
def test_next_working_moment_is_within_office_hours_and_stays(moment: dt.datetime) -> None:
    later = CALENDAR.next_working_moment(moment)
    assert later >= moment
    assert CALENDAR.is_working_day(later.date())
    assert CALENDAR.next_working_moment(later) == later
    assert CALENDAR.working_time_between(moment, later, Unit.WORKING_HOUR) == 0


@given(moments, moments)
def test_working_days_between_agree_with_counting_them_one_by_one(a: dt.datetime, b: dt.datetime) -> None:
    start, end = sorted((a.replace(hour=10), b.replace(hour=10)))
    counted = sum(
        chinese_calendar.is_workday(start.date() + dt.timedelta(days=n))
        for n in range(1, (end.date() - start.date()).days + 1)
    )
    if chinese_calendar.is_workday(start.date()) and chinese_calendar.is_workday(end.date()):
        assert CALENDAR.working_time_between(start, end, Unit.WORKING_DAY) == counted


@pytest.mark.parametrize(
    ("now", "due", "unit", "words"),
    [
        ("2017-09-29 10:00", "2017-10-11 17:30", Unit.WORKING_DAY, "剩余 4 个工作日"),
        ("2017-10-11 10:00", "2017-10-11 17:30", Unit.WORKING_DAY, "今日到期"),
        ("2017-10-10 18:00", "2017-10-11 17:30", Unit.WORKING_DAY, "下一个工作日到期"),
        ("2017-10-12 10:00", "2017-10-11 17:30", Unit.WORKING_DAY, "超期 1 个工作日"),
        ("2017-10-11 17:31", "2017-10-11 17:30", Unit.WORKING_DAY, "超期 1 个工作日"),
        ("2017-10-09 10:00", "2017-10-11 17:30", Unit.CALENDAR_DAY, "剩余 2 天"),
        ("2017-10-09 10:00", "2017-10-09 15:30", Unit.WORKING_HOUR, "剩余 3.5 个工作小时"),
        ("2017-10-09 15:00", "2017-10-09 15:35", Unit.HOUR, "剩余 35 分钟"),
        ("2027-01-05 10:00", "2026-12-31 17:30", Unit.WORKING_DAY, "已超期"),
    ],
)
def test_remaining_time_in_words(now: str, due: str, unit: Unit, words: str) -> None:
    assert CALENDAR.remaining_in_words(at(now), at(due), unit) == words
