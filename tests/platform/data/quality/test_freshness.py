"""When a class is due, and what its light says."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yici.core.calendars.rules import CHINA, WorkingCalendar
from yici.platform.data.quality.freshness import PERIODS, due_at, latest_due, light, next_run_at

# 2026 with its National Day: 1 to 7 October rest, Saturday 10 October is worked; and an ordinary 2027.
HOLIDAYS = {dt.date(2026, 10, day): False for day in range(1, 8)} | {dt.date(2026, 10, 10): True}
CALENDAR = WorkingCalendar(years=frozenset({2025, 2026, 2027}), days=HOLIDAYS)


def at(day: int, hour: int = 2, month: int = 11, year: int = 2026, minute: int = 0) -> dt.datetime:
    return dt.datetime(year, month, day, hour, minute, tzinfo=CHINA)


def shown(cycle: str, last: dt.datetime | None, now: dt.datetime) -> str:
    return light(cycle, last, now, CALENDAR)


def test_a_daily_class_is_not_overdue_on_sunday_but_on_monday_evening() -> None:
    friday = at(20)
    assert shown("daily", friday, at(22, 23)) == "green"
    assert shown("daily", friday, at(23, 9)) == "yellow"
    assert shown("daily", friday, at(23, 17, minute=31)) == "red"


def test_a_daily_class_owes_nothing_through_the_national_holiday() -> None:
    assert due_at("daily", at(30, month=9), at(3, month=10), CALENDAR) == at(8, 17, month=10, minute=30)


def test_a_saturday_that_is_worked_is_due_like_any_day() -> None:
    assert due_at("daily", at(9, month=10), at(9, 12, month=10), CALENDAR) == at(10, 17, month=10, minute=30)


def test_a_month_later_is_the_last_day_of_a_shorter_month() -> None:
    assert due_at("monthly", at(31, month=3), at(1, month=4), CALENDAR) == at(30, 17, month=4, minute=30)


def test_a_year_later_moves_off_a_day_of_rest() -> None:
    # 28 November 2027 is a Sunday.
    assert due_at("yearly", at(28), at(29), CALENDAR) == at(29, 17, year=2027, minute=30)


def test_a_class_in_real_time_is_due_within_the_hour_at_any_time() -> None:
    sunday = at(22, 3)
    assert shown("realtime", sunday, at(22, 3, minute=44)) == "green"
    assert shown("realtime", sunday, at(22, 3, minute=45)) == "yellow"
    assert shown("realtime", sunday, at(22, 4, minute=1)) == "red"


def test_nothing_delivered_and_nothing_promised_are_grey() -> None:
    assert shown("daily", None, at(23)) == "grey"
    assert shown("irregular", at(1), at(23)) == "grey"
    assert due_at("irregular", at(1), at(23), CALENDAR) is None


def test_a_year_without_its_notice_is_not_guessed() -> None:
    eve = at(31, month=12, year=2027)
    assert due_at("daily", eve, eve, CALENDAR) is None
    assert shown("daily", eve, at(31, 20, month=12, year=2027)) == "green"
    assert shown("daily", eve, at(3, 20, month=1, year=2028)) == "grey"


def test_a_success_that_lies_ahead_counts_as_now() -> None:
    assert due_at("daily", at(27), at(20), CALENDAR) == due_at("daily", at(20), at(20), CALENDAR)


def test_a_late_class_falls_due_again_with_each_further_cycle() -> None:
    friday = at(20)
    assert latest_due("daily", friday, at(23, 12), CALENDAR) is None
    assert latest_due("daily", friday, at(24, 9), CALENDAR) == at(23, 17, minute=30)
    assert latest_due("daily", friday, at(24, 18), CALENDAR) == at(24, 17, minute=30)
    assert latest_due("weekly", friday, at(10, month=12), CALENDAR) == at(4, 17, month=12, minute=30)


def test_a_class_in_real_time_falls_due_again_each_day_and_not_each_hour() -> None:
    began = at(22, 3)
    assert latest_due("realtime", began, at(22, 5), CALENDAR) == at(22, 4)
    assert latest_due("realtime", began, at(22, 23), CALENDAR) == at(22, 4)
    assert latest_due("realtime", began, at(23, 5), CALENDAR) == at(23, 4)


@pytest.mark.parametrize(
    ("cycle", "expected"),
    [
        ("realtime", at(26, 9, minute=30)),
        ("daily", at(27)),
        ("weekly", at(30)),
        ("monthly", at(1, month=12)),
        ("quarterly", at(1, month=1, year=2027)),
        ("half_yearly", at(1, month=1, year=2027)),
        ("yearly", at(1, month=1, year=2027)),
    ],
)
def test_the_next_run_is_at_night_at_the_beginning_of_the_cycle(cycle: str, expected: dt.datetime) -> None:
    assert next_run_at(cycle, at(26, 9, minute=20)) == expected


def test_just_after_midnight_the_run_of_the_same_night_is_still_ahead() -> None:
    assert next_run_at("daily", at(26, 0, minute=5)) == at(26)
    assert next_run_at("monthly", at(1, 0)) == at(1)
    assert next_run_at("irregular", at(26)) is None


def test_a_folder_is_looked_into_every_night_whatever_the_cycle() -> None:
    for cycle in ("weekly", "monthly", "yearly", "irregular"):
        assert next_run_at(cycle, at(26, 9), is_drop=True) == next_run_at("daily", at(26, 9))
    assert next_run_at("realtime", at(26, 9), is_drop=True) == next_run_at("realtime", at(26, 9))


cycles = st.sampled_from(sorted(PERIODS))
moments = st.datetimes(dt.datetime(2025, 1, 2), dt.datetime(2026, 6, 30)).map(lambda one: one.replace(tzinfo=dt.UTC))
spans = st.timedeltas(dt.timedelta(0), dt.timedelta(days=400))
_ORDER = ("green", "yellow", "red")


@given(cycle=cycles, last=moments, earlier=spans, later=spans)
def test_a_light_only_gets_worse_while_nothing_comes(
    cycle: str, last: dt.datetime, earlier: dt.timedelta, later: dt.timedelta
) -> None:
    first, second = sorted((last + earlier, last + later))
    assert _ORDER.index(shown(cycle, last, first)) <= _ORDER.index(shown(cycle, last, second))


@given(cycle=cycles, last=moments, sooner=spans)
def test_who_delivers_later_is_never_due_earlier(cycle: str, last: dt.datetime, sooner: dt.timedelta) -> None:
    now = last + dt.timedelta(days=400)
    first, second = due_at(cycle, last, now, CALENDAR), due_at(cycle, last - sooner, now, CALENDAR)
    if first is not None and second is not None:
        assert last < first
        assert second <= first


@given(cycle=cycles, last=moments, later=spans)
def test_red_and_fallen_due_are_the_same(cycle: str, last: dt.datetime, later: dt.timedelta) -> None:
    now = last + later
    latest = latest_due(cycle, last, now, CALENDAR)
    assert (latest is not None) == (shown(cycle, last, now) == "red")
    if latest is not None:
        due = due_at(cycle, last, now, CALENDAR)
        assert due is not None
        assert due <= latest < now


@given(cycle=cycles, last=moments, later=spans)
def test_the_newest_due_time_is_the_one_a_walk_through_all_cycles_finds(
    cycle: str, last: dt.datetime, later: dt.timedelta
) -> None:
    """The walk asks for the first due time at every later moment at which the class is late, day by day."""
    now = last + later
    walked = [latest_due(cycle, last, last + dt.timedelta(days=day), CALENDAR) for day in range(later.days + 1)]
    found = [due for due in walked if due is not None]
    assert found == sorted(found)
    latest = latest_due(cycle, last, now, CALENDAR)
    assert not found or (latest is not None and latest >= found[-1])


@given(cycle=cycles, moment=moments)
def test_the_next_run_is_ahead_and_comes_before_the_delivery_is_due(cycle: str, moment: dt.datetime) -> None:
    ahead = next_run_at(cycle, moment)
    assert ahead is not None
    assert ahead > moment
    due = due_at(cycle, moment, moment, CALENDAR)
    assert due is not None
    assert ahead <= due
    assert next_run_at(cycle, ahead - dt.timedelta(seconds=1)) == ahead
