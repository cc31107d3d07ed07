"""The working calendar of the city, cached in each process and reread when somebody changes it."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from yici.core.calendars.models import Day, Hours, Notice
from yici.core.calendars.rules import CHINA, DeadlineUnknown, OfficialHours, Unit, WorkingCalendar

__all__ = [
    "DeadlineUnknown",
    "MonthGrid",
    "Unit",
    "WorkingCalendar",
    "YearView",
    "calendar",
    "days_of",
    "forget",
    "notices",
    "year_view",
]

# Seconds a process may go on with a calendar before asking whether another process changed it.
_TRUST_SECONDS = 3.0


@dataclass(frozen=True)
class _Cached:
    calendar: WorkingCalendar
    revision: str
    database: str
    asked_at: float


_cached: _Cached | None = None


def calendar() -> WorkingCalendar:
    """The calendar in force. Costs nothing within three seconds of the last call, then one key lookup.

    Inside the transaction that changes the calendar it is built afresh and not kept, so that a rolled back
    change is never seen by anybody else.
    """
    global _cached
    database = str(connection.settings_dict["NAME"])
    cached = _cached if _cached and _cached.database == database else None
    if cached and time.monotonic() - cached.asked_at < _TRUST_SECONDS:
        return cached.calendar
    asked_at = time.monotonic()
    revision, own_change = _revision()
    if own_change:
        return _build()
    built = cached.calendar if cached and cached.revision == revision else _build()
    _cached = _Cached(built, revision, database, asked_at)
    return built


def forget() -> None:
    """Drop this process's copy; the next call asks the database."""
    global _cached
    _cached = None


def _revision() -> tuple[str, bool]:
    """(the transaction that last changed the calendar, whether it is the current one)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT written_by, written_by = coalesce(pg_current_xact_id_if_assigned()::text, '')"
            " FROM calendars_revision WHERE id = 1"
        )
        row = cursor.fetchone()
    return (row[0], bool(row[1])) if row else ("", False)


def _build() -> WorkingCalendar:
    hours = tuple(
        OfficialHours(row.valid_from, row.morning_start, row.morning_end, row.afternoon_start, row.afternoon_end)
        for row in Hours.objects.all()
    )
    return WorkingCalendar(
        years=frozenset(Notice.objects.values_list("year", flat=True)),
        days=dict(Day.objects.values_list("date", "is_working")),
        hours=hours or (OfficialHours(dt.date(1949, 10, 1)),),
        zone=timezone.get_default_timezone() or CHINA,
    )


def notices() -> QuerySet[Notice]:
    """Every official notice, newest year first."""
    return Notice.objects.order_by("-year")


def days_of(year: int) -> QuerySet[Day]:
    """The days of a year that depart from Monday-to-Friday, by date."""
    return Day.objects.filter(notice_id=year).order_by("date")


@dataclass(frozen=True)
class DayCell:
    """One square of a month. `badge` is 「休」, 「班」 or empty."""

    date: dt.date
    is_working: bool
    badge: str
    name: str


@dataclass(frozen=True)
class MonthGrid:
    """A month for display. `lead` is the number of squares before its first day in a week from Monday."""

    number: int
    lead: int
    days: list[DayCell]
    working_days: int


@dataclass(frozen=True)
class YearView:
    """A whole year for display; `notice` is None (and `months` show weekends only) where none is entered."""

    year: int
    notice: Notice | None
    months: list[MonthGrid]
    working_days: int
    departures: list[Day]


def year_view(year: int) -> YearView:
    """The twelve months of a year with what departs from Monday-to-Friday. Two queries."""
    notice = Notice.objects.filter(pk=year).first()
    stated = {day.date: day for day in days_of(year)}
    months = [_month(year, number, stated) for number in range(1, 13)]
    working_days = sum(month.working_days for month in months)
    return YearView(year, notice, months, working_days, list(stated.values()))


def _month(year: int, number: int, stated: dict[dt.date, Day]) -> MonthGrid:
    first = dt.date(year, number, 1)
    after = dt.date(year + number // 12, number % 12 + 1, 1)
    cells = [_cell(first + dt.timedelta(days=offset), stated) for offset in range((after - first).days)]
    return MonthGrid(number, first.weekday(), cells, sum(cell.is_working for cell in cells))


def _cell(date: dt.date, stated: dict[dt.date, Day]) -> DayCell:
    day = stated.get(date)
    if day is None:
        return DayCell(date, date.weekday() < 5, "", "")
    return DayCell(date, day.is_working, "班" if day.is_working else "休", day.name)
