"""Whether a class is as fresh as its update cycle promises. Pure but for the working calendar, which a daily class needs.

All in the city's local time. A daily class owes nothing on a Sunday; where the year's notice is not known yet, Mondays
to Fridays count, as a light is no legal deadline.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

from django.utils import timezone

from yici.core.calendars.queries import DeadlineUnknown, calendar

__all__ = ["LIGHTS", "Light", "due_at", "light", "next_run_at"]

Light = Literal["green", "yellow", "red", "grey"]
LIGHTS: tuple[Light, ...] = ("red", "yellow", "green", "grey")
DAY_ENDS = dt.time(18)
RUNS_AT = dt.time(2)
_REALTIME = dt.timedelta(hours=1)
_REALTIME_PULL = dt.timedelta(minutes=10)
_MONTHS = {"monthly": 1, "quarterly": 3, "half_yearly": 6, "yearly": 12}
# How long after it is due a class is yellow before it is red.
_GRACE = {
    "realtime": dt.timedelta(hours=2),
    "daily": dt.timedelta(days=1),
    "weekly": dt.timedelta(days=2),
    "monthly": dt.timedelta(days=5),
    "quarterly": dt.timedelta(days=10),
    "half_yearly": dt.timedelta(days=15),
    "yearly": dt.timedelta(days=30),
}


def due_at(cycle: str, last_success_at: dt.datetime) -> dt.datetime | None:
    """When the next delivery is due at the latest; None for an irregular class."""
    local = timezone.localtime(last_success_at)
    if cycle == "realtime":
        return local + _REALTIME
    if cycle == "daily":
        return _at(_working_day_after(local.date()), DAY_ENDS)
    if cycle == "weekly":
        return _at(local.date() + dt.timedelta(days=7), DAY_ENDS)
    if cycle in _MONTHS:
        return _at(_months_after(local.date(), _MONTHS[cycle]), DAY_ENDS)
    return None


def light(cycle: str, last_success_at: dt.datetime | None, now: dt.datetime) -> Light:
    """Green: on time; yellow: just overdue; red: overdue; grey: nothing was ever loaded."""
    if last_success_at is None:
        return "grey"
    due = due_at(cycle, last_success_at)
    if due is None or now <= due:
        return "green"
    return "yellow" if now <= due + _GRACE[cycle] else "red"


def next_run_at(cycle: str, after: dt.datetime) -> dt.datetime | None:
    """When a dynamic channel of this cycle runs next; None for an irregular class, which runs by hand only."""
    local = timezone.localtime(after)
    today = local.date()
    if cycle == "realtime":
        return local + _REALTIME_PULL
    if cycle == "daily":
        day = today if local.time() < RUNS_AT else today + dt.timedelta(days=1)
    elif cycle == "weekly":
        day = today + dt.timedelta(days=7 - today.weekday())
    elif cycle in _MONTHS:
        step = _MONTHS[cycle]
        first = today.replace(day=1)
        passed = (first.month - 1) % step
        day = _months_after(first, step - passed)
    else:
        return None
    return _at(day, RUNS_AT)


def _working_day_after(day: dt.date) -> dt.date:
    for ahead in range(1, 30):
        following = day + dt.timedelta(days=ahead)
        if _is_working(following):
            return following
    return day + dt.timedelta(days=1)


def _is_working(day: dt.date) -> bool:
    try:
        return calendar().is_working_day(day)
    except DeadlineUnknown:
        return day.weekday() < 5


def _months_after(day: dt.date, months: int) -> dt.date:
    """The same day so many months later, or the last day of a shorter month."""
    number = day.year * 12 + day.month - 1 + months
    year, month = divmod(number, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return dt.date(year, month + 1, min(day.day, last))
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")


def _at(day: dt.date, time: dt.time) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(day, time))
