"""A living demo city: some four hundred applications of the last sixty working days, handled by demo staff.

Everything goes through the services that everybody uses, at its own moment (`clock.at`), so events, clocks,
audit, materials, certificates, ratings and objections are real. Nobody is sent an SMS for the past.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import os
import time
from collections.abc import Iterable

from django.db import connection, transaction
from django.utils import timezone

from yici.base import clock
from yici.base.errors import YiciError
from yici.core.calendars.queries import calendar
from yici.core.calendars.rules import DeadlineUnknown
from yici.core.messages.services import in_app_only
from yici.systems.hall.models import Application
from yici.web.demo import applicants
from yici.web.demo.plans import Days, Plan, plans
from yici.web.demo.playing import play

__all__ = ["begin", "fill", "wanted"]

CASES = 400
WORKING_DAYS = 60
_LOCK = 341_600_001  # of PostgreSQL, so that two workers do not play the same plan

logger = logging.getLogger(__name__)


def wanted() -> int:
    """How many applications the demo shall have: `YICI_DEMO_CASES`, none where `YICI_DEMO` is 0."""
    if os.environ.get("YICI_DEMO") == "0":
        return 0
    number = os.environ.get("YICI_DEMO_CASES", "")
    return int(number) if number.isdecimal() else CASES


def begin() -> None:
    """Ask the worker to fill the city; nothing when it was asked already."""
    from procrastinate.exceptions import AlreadyEnqueued

    from yici.web.demo import departments
    from yici.web.jobs import fill_demo, fill_departments

    if wanted():
        with contextlib.suppress(AlreadyEnqueued):
            fill_demo.defer()
    if departments.is_due():
        with contextlib.suppress(AlreadyEnqueued):
            fill_departments.defer()


def fill(count: int, seconds: float | None = None) -> bool:
    """Play plans until the hall has `count` applications; True when nothing is left to play.

    Each is a transaction of its own, so it may be stopped at any moment and called again. A hall that has
    applications which are not of this demo is in use and left alone. `seconds`: stop after so long.
    """
    started = time.monotonic()
    total = Application.objects.count()
    if total >= count:
        return True
    chosen = plans()
    residents = applicants.residents_for(chosen, clock.today())
    done = _played(residents.values())
    if total and not done:
        return True
    days = _days()
    for plan in chosen:
        id_number = residents.get(plan.number)
        if id_number is None or (id_number, plan.item) in done:
            continue
        if len(done) >= count:
            return True
        if seconds is not None and time.monotonic() - started > seconds:
            return False
        if _play(plan, id_number, days):
            done.add((id_number, plan.item))
    return True


def _play(plan: Plan, id_number: str, days: Days) -> bool:
    try:
        with transaction.atomic(), in_app_only():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            if Application.objects.filter(applicant__id_number=id_number, version__item__code=plan.item).exists():
                return True
            play(plan, id_number, days)
    except YiciError as error:
        logger.info("demo application %s (%s, %s) was not played: %s %s", plan.number, plan.item, plan.story,
                    error.message, getattr(error, "fields", ""))  # fmt: skip
        return False
    return True


def _played(id_numbers: Iterable[str]) -> set[tuple[str, str]]:
    rows = Application.objects.filter(applicant__id_number__in=list(id_numbers))
    return set(rows.values_list("applicant__id_number", "version__item__code"))


def _days() -> Days:
    """The last sixty working days; Mondays to Fridays where the year's notice is not there."""
    now = timezone.localtime(clock.now())
    found: list[dt.date] = []
    day = now.date()
    while len(found) <= WORKING_DAYS:
        if _works(day):
            found.append(day)
        day -= dt.timedelta(days=1)
    return Days(found[::-1], now)


def _works(day: dt.date) -> bool:
    try:
        return calendar().is_working_day(day)
    except DeadlineUnknown:
        return day.weekday() < 5
