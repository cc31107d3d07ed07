"""When a class must be brought up to date again, whether it is late, and when its source is asked next.

Pure rules over a working calendar. Nothing is due on a day of rest: a period that ends on one ends at the close of
business of the next working day, as everywhere (行政许可法 art. 82, 民法典 art. 203).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from yici.core.calendars.queries import calendar
from yici.core.calendars.rules import CHINA, DeadlineUnknown, Unit, WorkingCalendar

__all__ = ["PERIODS", "Light", "Period", "due_at", "latest_due", "light", "next_run_at"]

Light = Literal["green", "yellow", "red", "grey"]
RUN_AT = dt.time(2)  # night, when the departments' systems are idle and yesterday is complete
REALTIME_SECONDS = 600  # a source in real time is asked every ten minutes


@dataclass(frozen=True)
class Period:
    """Length of an update cycle: `days` or `months`, or `hours` on the wall clock; yellow `warning` before the due time."""

    warning: dt.timedelta
    days: int = 0
    months: int = 0
    hours: int = 0


# The service level that the update cycle of the catalogue (更新周期) promises. 不定期 promises nothing.
PERIODS: dict[str, Period] = {
    "realtime": Period(dt.timedelta(minutes=15), hours=1),
    "daily": Period(dt.timedelta(hours=9), days=1),
    "weekly": Period(dt.timedelta(days=1), days=7),
    "monthly": Period(dt.timedelta(days=3), months=1),
    "quarterly": Period(dt.timedelta(days=7), months=3),
    "half_yearly": Period(dt.timedelta(days=14), months=6),
    "yearly": Period(dt.timedelta(days=30), months=12),
}


def due_at(
    cycle: str, last_success_at: dt.datetime | None, now: dt.datetime, working: WorkingCalendar | None = None
) -> dt.datetime | None:
    """When the next delivery is due after the last one.

    None where nothing is promised (irregular), nothing ever came, or the year has no official notice yet. A last
    success that lies ahead of `now` (a clock that went wrong) counts as now.
    """
    if last_success_at is None or cycle not in PERIODS:
        return None
    return _due(PERIODS[cycle], min(last_success_at, now), 1, working or calendar())


def light(
    cycle: str, last_success_at: dt.datetime | None, now: dt.datetime, working: WorkingCalendar | None = None
) -> Light:
    """green in time, yellow due soon, red overdue, grey where nobody can say (see `due_at`)."""
    if last_success_at is None or cycle not in PERIODS:
        return "grey"
    due = due_at(cycle, last_success_at, now, working)
    if due is None:
        # The notice of the next year is late: what is due at some day of it is at least not overdue before.
        ends = _ends(PERIODS[cycle], min(last_success_at, now), 1)
        return "green" if now.astimezone(CHINA).date() < ends else "grey"
    if now > due:
        return "red"
    return "yellow" if now >= due - PERIODS[cycle].warning else "green"


def latest_due(
    cycle: str, last_success_at: dt.datetime | None, now: dt.datetime, working: WorkingCalendar | None = None
) -> dt.datetime | None:
    """The newest due time that has passed without a delivery, None while nothing is overdue.

    It moves on with each further cycle; for a class in real time with each further day, so that nobody is told
    every hour of the night.
    """
    if last_success_at is None or cycle not in PERIODS:
        return None
    period, known = PERIODS[cycle], working or calendar()
    for count in range(_cycles_between(period, last_success_at, now) + 1, 0, -1):
        due = _due(period, last_success_at, count, known)
        if due is not None and due < now:
            return due
    return None


def next_run_at(cycle: str, after: dt.datetime, *, is_drop: bool = False) -> dt.datetime | None:
    """The next scheduled run strictly after a moment: at night, at the beginning of the cycle; None for irregular.

    `is_drop`: a folder is looked into every night, for a unit drops its file on any day of the cycle.
    """
    if is_drop and cycle != "realtime":
        cycle = "daily"
    local = after.astimezone(CHINA)
    if cycle not in PERIODS:
        return None
    if cycle == "realtime":
        slots = int(after.timestamp()) // REALTIME_SECONDS + 1
        return dt.datetime.fromtimestamp(slots * REALTIME_SECONDS, CHINA)
    moment = dt.datetime.combine(_cycle_begins(cycle, local.date()), RUN_AT, CHINA)
    if moment <= local:
        moment = dt.datetime.combine(_cycle_begins_after(cycle, local.date()), RUN_AT, CHINA)
    return moment


def _due(period: Period, last: dt.datetime, count: int, working: WorkingCalendar) -> dt.datetime | None:
    """The due time of the `count`th delivery missing since `last`."""
    if period.hours:
        return (last + dt.timedelta(hours=period.hours, days=count - 1)).astimezone(CHINA)
    midnight = dt.datetime.combine(_ends(period, last, count), dt.time(), CHINA)
    try:
        return working.add_working_time(midnight, 0, Unit.CALENDAR_DAY)
    except DeadlineUnknown:
        return None


def _ends(period: Period, last: dt.datetime, count: int) -> dt.date:
    """The last day of the `count`th period after `last`, day of rest or not."""
    if period.hours:
        return (last + dt.timedelta(hours=period.hours, days=count - 1)).astimezone(CHINA).date()
    day = last.astimezone(CHINA).date()
    if period.days:
        return day + dt.timedelta(days=period.days * count)
    return _months_later(day, period.months * count)


def _cycles_between(period: Period, last: dt.datetime, now: dt.datetime) -> int:
    """How many whole periods may have passed; at most one too few."""
    begin, end = last.astimezone(CHINA).date(), now.astimezone(CHINA).date()
    if period.months:
        return max(0, (end.year - begin.year) * 12 + end.month - begin.month) // period.months
    return max(0, (end - begin).days) // (period.days or 1)


def _months_later(day: dt.date, months: int) -> dt.date:
    """The same day so many months on, or the last of a shorter month."""
    number = day.year * 12 + day.month - 1 + months
    year, month = divmod(number, 12)
    following = dt.date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    last = (following - dt.timedelta(days=1)).day
    return dt.date(year, month + 1, min(day.day, last))


def _cycle_begins(cycle: str, day: dt.date) -> dt.date:
    """First day of the cycle that holds `day`."""
    match cycle:
        case "daily":
            return day
        case "weekly":
            return day - dt.timedelta(days=day.weekday())
        case _:
            months = PERIODS[cycle].months
            return dt.date(day.year, (day.month - 1) // months * months + 1, 1)


def _cycle_begins_after(cycle: str, day: dt.date) -> dt.date:
    first, period = _cycle_begins(cycle, day), PERIODS[cycle]
    return first + dt.timedelta(days=period.days) if period.days else _months_later(first, period.months)
