"""Changes of the calendar: a year's official notice, and single days with a reason. All are recorded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from yici.base.errors import Conflict, Invalid
from yici.core.audit import services as audit
from yici.core.calendars import ports, queries
from yici.core.calendars.models import Day, Notice

__all__ = ["StatedDay", "change_day", "enter_notice", "parse_days", "touch"]

_WORDS = {"休": False, "班": True}


@dataclass(frozen=True)
class StatedDay:
    """What a notice says about one day."""

    date: dt.date
    is_working: bool
    name: str = ""

    @property
    def departs(self) -> bool:
        """Whether it differs from Monday-to-Friday; a rest day at a weekend says nothing new."""
        return self.is_working != (self.date.weekday() < 5)


def parse_days(text: str) -> list[StatedDay]:
    """Lines like `2027-01-01 休 元旦` or `2027-02-06 班 春节调休`; empty lines are skipped.

    Raises `Invalid` with the numbers of the lines that cannot be read, under the field `days`.
    """
    days: list[StatedDay] = []
    wrong: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        parts = line.split(maxsplit=2)
        if not parts:
            continue
        try:
            date = dt.date.fromisoformat(parts[0])
            days.append(StatedDay(date, _WORDS[parts[1]], parts[2].strip() if len(parts) > 2 else ""))
        except (ValueError, KeyError, IndexError):
            wrong.append(str(number))
    if wrong:
        message = _("第 %(lines)s 行无法识别。每行写日期、“休”或“班”、名称，例如：2027-01-01 休 元旦")
        raise Invalid(fields={"days": message % {"lines": "、".join(wrong)}})
    return days


@transaction.atomic
def enter_notice(
    account: Any,
    year: int,
    title: str,
    document_number: str,
    issued_on: dt.date | None,
    days: Iterable[StatedDay],
    note: str = "",
) -> Notice:
    """Enter the official notice of a year. Days may reach back into the December before, as some notices do.

    Days equal to Monday-to-Friday are not stored. Raises `NotAllowed`, `Invalid`, and `Conflict` where the
    year has a notice already (single days are then changed by `change_day`).
    """
    actor = ports.actor_who_may(account)
    days = list(days)
    _check_notice(year, title, days)
    if Notice.objects.filter(pk=year).exists():
        raise Conflict(_("%(year)d 年的通知已经录入，请逐日修改。") % {"year": year})
    notice = Notice.objects.create(
        year=year,
        title=title.strip(),
        document_number=document_number.strip(),
        issued_on=issued_on,
        note=note.strip(),
        entered_by=actor.name,
    )
    for day in days:
        _state(day)
    stated = "、".join(f"{day.date:%m-%d}{'班' if day.is_working else '休'}" for day in days if day.departs)
    audit.record(actor, "change", subject=("calendar", year), purpose=f"录入《{notice.title}》：{stated}")
    _changed(sorted({year, *(day.date.year for day in days)}))
    return notice


def _check_notice(year: int, title: str, days: list[StatedDay]) -> None:
    fields: dict[str, str] = {}
    if not 2004 <= year <= 2100:
        fields["year"] = _("请填写四位年份。")
    if not title.strip():
        fields["title"] = _("请填写通知的标题。")
    outside = [day.date for day in days if day.date.year != year and (day.date.year, day.date.month) != (year - 1, 12)]
    if not any(not day.is_working and day.date.year == year for day in days):
        fields["days"] = _("请录入通知中的休息日和调休上班日。")
    elif outside:
        fields["days"] = _("%(date)s 不属于这一年。") % {"date": outside[0].isoformat()}
    elif len({day.date for day in days}) != len(days):
        fields["days"] = _("有日期重复，请检查。")
    elif any(day.date.year < year for day in days) and not Notice.objects.filter(pk=year - 1).exists():
        fields["days"] = _("上一年的通知尚未录入，不能修改上一年的日期。")
    if fields:
        raise Invalid(fields=fields)


@transaction.atomic
def change_day(account: Any, date: dt.date, is_working: bool, name: str, reason: str) -> None:
    """Change one day of a year that has a notice, for a stated reason (a later notice, a local order).

    Deadlines already given are not moved. Raises `NotAllowed`, `Invalid`, `DeadlineUnknown`.
    """
    actor = ports.actor_who_may(account)
    if not reason.strip():
        raise Invalid(fields={"reason": _("请写明修改依据，例如文件名称和文号。")})
    if not Notice.objects.filter(pk=date.year).exists():
        raise queries.DeadlineUnknown(date.year)
    _state(StatedDay(date, is_working, name.strip()))
    word = "班" if is_working else "休"
    audit.record(
        actor, "change", subject=("calendar", date.year), purpose=f"{date.isoformat()} 改为“{word}”：{reason.strip()}"
    )
    _changed([date.year])


def _state(day: StatedDay) -> None:
    """Keep the day where it departs from Monday-to-Friday; drop the row where it no longer does."""
    if day.departs:
        Day.objects.update_or_create(
            date=day.date, defaults={"is_working": day.is_working, "name": day.name, "notice_id": day.date.year}
        )
    else:
        Day.objects.filter(date=day.date).delete()


def _changed(years: list[int]) -> None:
    touch()
    ports.tell_listeners(years)


def touch() -> None:
    """Note that this transaction changes the calendar, so that every process rereads it after the commit."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO calendars_revision (id, written_by) VALUES (1, pg_current_xact_id()::text)"
            " ON CONFLICT (id) DO UPDATE SET written_by = excluded.written_by"
        )
    queries.forget()
    transaction.on_commit(queries.forget)
