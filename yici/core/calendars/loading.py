"""City folder and `chinesecalendar` → notices, days and office hours. Idempotent.

A year that has a notice in the database is never touched: what an administrator entered stays.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from django.db import transaction

from yici.base.cityfolder import read_yaml
from yici.base.errors import Misconfigured
from yici.core.calendars import seed
from yici.core.calendars.models import Day, Hours, Notice
from yici.core.calendars.rules import OfficialHours
from yici.core.calendars.services import touch


def load(city: Path) -> str:
    """Seed the years that have no notice yet, and the office hours; one line of report."""
    with transaction.atomic():
        present = set(Notice.objects.values_list("year", flat=True))
        years = [year for year in seed.known_years() if year not in present]
        _seed(years)
        changed = _load_hours(read_hours(city / "calendars" / "hours.yaml"))
        if years or changed:
            touch()
    first, last = seed.known_years()[0], seed.known_years()[-1]
    return f"工作日历：{first}—{last} 年，本次新增 {len(years)} 年"


def _seed(years: list[int]) -> None:
    notices = [
        Notice(
            year=year,
            title=seed.title_of(year),
            document_number=seed.DOCUMENT_NUMBERS.get(year, ""),
            issued_on=seed.ISSUED_ON.get(year),
        )
        for year in years
    ]
    Notice.objects.bulk_create(notices)
    Day.objects.bulk_create(
        Day(date=day.date, is_working=day.is_working, name=day.name, notice_id=year)
        for year in years
        for day in seed.departures(year)
    )


def read_hours(path: Path) -> list[OfficialHours]:
    """Office hours of `hours.yaml`. Raises `Misconfigured` for a missing file or hours out of order."""
    if not path.exists():
        raise Misconfigured(f"缺少文件 {path}")
    entries = read_yaml(path)["hours"]
    return [
        OfficialHours(
            entry["valid_from"],
            *(dt.time.fromisoformat(text) for text in (*entry["morning"], *entry["afternoon"])),
        )
        for entry in entries
    ]


def _load_hours(wanted: list[OfficialHours]) -> bool:
    """Make the table hold exactly `wanted`; whether anything changed."""
    fields = ("valid_from", "morning_start", "morning_end", "afternoon_start", "afternoon_end")
    rows = {tuple(getattr(item, name) for name in fields) for item in wanted}
    if rows == set(Hours.objects.values_list(*fields)):
        return False
    Hours.objects.all().delete()
    Hours.objects.bulk_create(Hours(**dict(zip(fields, row, strict=True))) for row in sorted(rows))
    return True
