"""The warning light and the words beside it."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _

from yici.core.calendars.rules import Unit, WorkingCalendar
from yici.core.cases.rules.clocks import ClockReading


def light_of(reading: ClockReading | None, now: dt.datetime) -> str:
    """green, yellow, red, stopped or none (no clock, a closed case, or a deadline nobody knows yet)."""
    if reading is None or not (reading.is_running or reading.is_stopped):
        return "none"
    if reading.is_stopped:
        return "stopped"
    if not reading.is_known or reading.due_at is None or reading.yellow_at is None:
        return "none"
    if now > reading.due_at:
        return "red"
    return "yellow" if now >= reading.yellow_at else "green"


def words_left(
    *,
    is_closed: bool,
    light: str,
    has_clock: bool,
    due_at: dt.datetime | None,
    unit: Unit | None,
    now: dt.datetime,
    calendar: WorkingCalendar,
) -> str:
    """剩余 4 个工作日 / 超期 1 个工作日 / 停表中 / 期限待定 / 无时限, in the active language."""
    if is_closed:
        return _("已办结")
    if light == "stopped":
        return _("停表中")
    if not has_clock:
        return _("无时限")
    if due_at is None or unit is None:
        return _("期限待定")
    return calendar.remaining_in_words(now, due_at, unit)
