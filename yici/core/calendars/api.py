"""Public endpoints: when a period ends, and whether one works on a day."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema

from yici.base import clock
from yici.core.calendars import queries
from yici.core.calendars.rules import DeadlineUnknown, Unit

router = Router(tags=["calendars"])


class DeadlineOut(Schema):
    """The end of a period, and what it was asked for."""

    start: dt.datetime
    amount: Decimal
    unit: Unit
    due: dt.datetime
    remaining: str


class DayOut(Schema):
    """Whether one works on a day."""

    date: dt.date
    is_working: bool


@router.get("/calendar/deadline", response=DeadlineOut, auth=None, summary="计算期限 · When a period ends")
def get_deadline(
    request: HttpRequest,
    start: dt.datetime,
    amount: Decimal = Query(..., ge=0, le=10_000),
    unit: Unit = Unit.WORKING_DAY,
) -> dict[str, object]:
    """The end of `amount` units from `start` (local time where no zone is given).

    422 `deadline-unknown` for a year whose official notice is not entered, and `invalid` for part of a day.
    """
    if start.tzinfo is None:
        start = timezone.make_aware(start)
    calendar = queries.calendar()
    with _asked_by_the_caller():
        due = calendar.add_working_time(start, amount, unit)
        remaining = calendar.remaining_in_words(clock.now(), due, unit)
    return {"start": start, "amount": amount, "unit": unit, "due": due, "remaining": remaining}


@router.get("/calendar/days/{date}", response=DayOut, auth=None, summary="是否工作日 · Whether one works on a day")
def get_day(request: HttpRequest, date: dt.date) -> dict[str, object]:
    """Whether `date` is a working day by the official notice of its year. 422 `deadline-unknown` without one."""
    with _asked_by_the_caller():
        return {"date": date, "is_working": queries.calendar().is_working_day(date)}


@contextlib.contextmanager
def _asked_by_the_caller() -> Iterator[None]:
    """Here the year comes from the caller: it is the question that cannot be answered, not the city that is faulty."""
    try:
        yield
    except DeadlineUnknown as error:
        error.status = 422
        raise
