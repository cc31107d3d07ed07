"""Legal working time: pure arithmetic over a stated calendar, nothing guessed.

Counting follows 行政许可法 art. 82 and 民法典 arts. 201–203: the day of acceptance is not counted, a period
in days ends at the close of business of its last day, and a period in calendar days whose last day is a
day of rest ends on the next working day. A year without an official notice raises `DeadlineUnknown`.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from yici.base.errors import Invalid, Misconfigured

CHINA = ZoneInfo("Asia/Shanghai")
_MICROSECOND = dt.timedelta(microseconds=1)
_HOUR_MICROSECONDS = 3_600_000_000


class Unit(StrEnum):
    """What a time limit is counted in."""

    WORKING_DAY = "working_day"
    WORKING_HOUR = "working_hour"
    CALENDAR_DAY = "calendar_day"
    HOUR = "hour"


class DeadlineUnknown(Misconfigured):
    """The holidays of `year` are not officially arranged yet, so no deadline that touches it can be stated."""

    slug = "deadline-unknown"

    def __init__(self, year: int) -> None:
        self.year = year
        message = _(
            "无法计算期限：%(year)d 年的放假安排尚未录入。"
            "请管理员在“工作日历”中录入国务院办公厅关于 %(year)d 年部分节假日安排的通知。"
        )
        super().__init__(message % {"year": year}, year=year)


@dataclass(frozen=True)
class OfficialHours:
    """Office hours from `valid_from` on, in local time: two spans a day."""

    valid_from: dt.date
    morning_start: dt.time = dt.time(9)
    morning_end: dt.time = dt.time(12)
    afternoon_start: dt.time = dt.time(14)
    afternoon_end: dt.time = dt.time(17, 30)

    def __post_init__(self) -> None:
        if not self.morning_start < self.morning_end <= self.afternoon_start < self.afternoon_end:
            raise Misconfigured(_("办公时间应依次为上午开始、上午结束、下午开始、下午结束。"))

    @property
    def spans(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Microseconds after midnight of both spans."""
        return (
            (_since_midnight(self.morning_start), _since_midnight(self.morning_end)),
            (_since_midnight(self.afternoon_start), _since_midnight(self.afternoon_end)),
        )


def _since_midnight(time: dt.time) -> int:
    return ((time.hour * 60 + time.minute) * 60 + time.second) * 1_000_000 + time.microsecond


@dataclass(frozen=True)
class WorkingCalendar:
    """An immutable calendar. `days` maps the dates that depart from Monday-to-Friday to whether one works.

    `years` are those with an official notice. All moments are aware; results are in `zone`. Each public
    method costs a few binary searches.
    """

    years: frozenset[int]
    days: Mapping[dt.date, bool]
    hours: tuple[OfficialHours, ...] = (OfficialHours(dt.date(1949, 10, 1)),)
    zone: dt.tzinfo = CHINA
    # Ordinals of all working days of the known years, and the working microseconds before each of them.
    _ordinals: list[int] = field(init=False, repr=False, compare=False)
    _worked: list[int] = field(init=False, repr=False, compare=False)
    _hours_from: list[dt.date] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.hours:
            raise Misconfigured(_("没有办公时间，请在城市文件夹的 calendars/hours.yaml 中写明。"))
        hours = tuple(sorted(self.hours, key=lambda item: item.valid_from))
        object.__setattr__(self, "hours", hours)
        object.__setattr__(self, "_hours_from", [item.valid_from for item in hours])
        ordinals = [day for year in sorted(self.years) for day in self._working_ordinals(year)]
        worked = [0]
        for ordinal in ordinals:
            worked.append(worked[-1] + sum(end - start for start, end in self._spans(ordinal)))
        object.__setattr__(self, "_ordinals", ordinals)
        object.__setattr__(self, "_worked", worked)

    # Days

    def is_working_day(self, date: dt.date) -> bool:
        """Whether one works on `date`. Raises `DeadlineUnknown` for a year with no notice."""
        self._require_years(date.year, date.year)
        return self._is_working(date)

    def hours_on(self, date: dt.date) -> OfficialHours:
        """The office hours in force on `date`; the earliest known ones before all of them."""
        return self.hours[max(bisect_right(self._hours_from, date) - 1, 0)]

    def working_days_in(self, year: int) -> int:
        """Number of working days of a year. Raises `DeadlineUnknown`."""
        self._require_years(year, year)
        first, last = dt.date(year, 1, 1).toordinal(), dt.date(year, 12, 31).toordinal()
        return bisect_right(self._ordinals, last) - bisect_left(self._ordinals, first)

    # Adding

    def add_working_time(self, start: dt.datetime, amount: Decimal | int, unit: Unit | str) -> dt.datetime:
        """The moment a period of `amount` units that begins at `start` ends.

        Days end at the close of business and must be whole numbers. Work after hours counts as work of the
        next working day (`WORKING_DAY`, `WORKING_HOUR`); `CALENDAR_DAY` and `HOUR` follow the clock on the
        wall. Raises `DeadlineUnknown`, `Invalid`.
        """
        start = self._local(start)
        match Unit(unit):
            case Unit.WORKING_DAY:
                return self._close_of(self._shifted(self._day_of(start), _whole(amount), start.year))
            case Unit.WORKING_HOUR:
                return self._add_working_hours(start, amount)
            case Unit.CALENDAR_DAY:
                return self._close_of(self._first_working_index(_later(start, days=_whole(amount)).date()))
            case Unit.HOUR:
                micros = round(Decimal(amount) * _HOUR_MICROSECONDS)
                return self._local(_later(start.astimezone(dt.UTC), microseconds=micros))

    def working_time_between(self, start: dt.datetime, end: dt.datetime, unit: Unit | str) -> Decimal:
        """How much of a period is used up from `start` to `end`; negative when `end` is earlier.

        Inverse of `add_working_time` and composes exactly: for every moment m,
        add(m, n − between(start, m)) is add(start, n). So a clock that stops at m and goes on at m′ is due
        at add(m′, n − between(start, m)). (`CALENDAR_DAY` alone may end later than counted, because its
        last day moves off a day of rest.) Raises `DeadlineUnknown`.
        """
        start, end = self._local(start), self._local(end)
        match Unit(unit):
            case Unit.WORKING_DAY:
                self._require_years(start.year, end.year)
                return Decimal(self._day_of(end) - self._day_of(start))
            case Unit.WORKING_HOUR:
                self._require_years(start.year, end.year)
                return Decimal(self._worked_until(end) - self._worked_until(start)) / _HOUR_MICROSECONDS
            case Unit.CALENDAR_DAY:
                return Decimal((end.date() - start.date()).days)
            case Unit.HOUR:
                return Decimal((end - start) // _MICROSECOND) / _HOUR_MICROSECONDS

    def next_working_moment(self, moment: dt.datetime) -> dt.datetime:
        """`moment` itself within office hours, else the next opening. Raises `DeadlineUnknown`."""
        moment = self._local(moment)
        index = self._day_of(moment)
        ordinal = self._ordinals[index]
        if ordinal > moment.toordinal():
            return self._at(ordinal, self._spans(ordinal)[0][0])
        time = _since_midnight(moment.time())
        for start, end in self._spans(ordinal):
            if time < start:
                return self._at(ordinal, start)
            if time < end:
                return moment
        return moment  # exactly at the close of business: still this day

    # Saying

    def remaining_in_words(self, now: dt.datetime, due: dt.datetime, unit: Unit | str) -> str:
        """「剩余 4 个工作日」, 「今日到期」, 「超期 1 个工作日」 in the active language."""
        late = now > due
        try:
            amount = self.working_time_between(due, now, unit) if late else self.working_time_between(now, due, unit)
        except DeadlineUnknown:
            # A list must not fail because the new year's notice is late; the case still says that it is late.
            return _("已超期") if late else _("期限待定")
        if Unit(unit) in (Unit.WORKING_DAY, Unit.CALENDAR_DAY):
            return self._days_in_words(int(amount), late, Unit(unit), self._local(now), self._local(due))
        return _hours_in_words(amount, late, Unit(unit))

    def _days_in_words(self, days: int, late: bool, unit: Unit, now: dt.datetime, due: dt.datetime) -> str:
        if late:
            text = _("超期 %(days)d 个工作日") if unit is Unit.WORKING_DAY else _("超期 %(days)d 天")
            return text % {"days": max(days, 1)}
        if days < 1:
            return _("今日到期") if now.date() == due.date() else _("下一个工作日到期")
        return (_("剩余 %(days)d 个工作日") if unit is Unit.WORKING_DAY else _("剩余 %(days)d 天")) % {"days": days}

    # Private

    def _local(self, moment: dt.datetime) -> dt.datetime:
        if moment.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        try:
            return moment.astimezone(self.zone)
        except OverflowError as error:
            raise _out_of_range() from error

    def _is_working(self, date: dt.date) -> bool:
        stated = self.days.get(date)
        return date.weekday() < 5 if stated is None else stated

    def _working_ordinals(self, year: int) -> Iterable[int]:
        first, after = dt.date(year, 1, 1).toordinal(), dt.date(year + 1, 1, 1).toordinal()
        return (day for day in range(first, after) if self._is_working(dt.date.fromordinal(day)))

    def _require_years(self, first: int, last: int) -> None:
        for year in range(min(first, last), max(first, last) + 1):
            if year not in self.years:
                raise DeadlineUnknown(year)

    def _spans(self, ordinal: int) -> tuple[tuple[int, int], tuple[int, int]]:
        return self.hours_on(dt.date.fromordinal(ordinal)).spans

    def _first_working_index(self, date: dt.date) -> int:
        """Index of the first working day on or after `date`."""
        self._require_years(date.year, date.year)
        index = bisect_left(self._ordinals, date.toordinal())
        return self._known(index, date.year)

    def _known(self, index: int, from_year: int) -> int:
        """`index` where it is a working day that every year from `from_year` up to it vouches for."""
        if not 0 <= index < len(self._ordinals):
            raise DeadlineUnknown(self._edge_year(from_year, 1 if index >= 0 else -1))
        self._require_years(from_year, dt.date.fromordinal(self._ordinals[index]).year)
        return index

    def _edge_year(self, year: int, step: int) -> int:
        while year in self.years:
            year += step
        return year

    def _day_of(self, moment: dt.datetime) -> int:
        """Index of the working day a moment belongs to: its own until the close, else the next."""
        date = moment.date()
        index = self._first_working_index(date)
        ordinal = self._ordinals[index]
        if ordinal == date.toordinal() and _since_midnight(moment.time()) > self._spans(ordinal)[-1][1]:
            return self._known(index + 1, date.year)
        return index

    def _shifted(self, index: int, days: int, from_year: int) -> int:
        return self._known(index + days, from_year)

    def _at(self, ordinal: int, micros: int) -> dt.datetime:
        midnight = dt.datetime.combine(dt.date.fromordinal(ordinal), dt.time(), self.zone)
        return midnight + micros * _MICROSECOND  # wall-clock arithmetic: office hours are local

    def _close_of(self, index: int) -> dt.datetime:
        ordinal = self._ordinals[index]
        return self._at(ordinal, self._spans(ordinal)[-1][1])

    def _worked_until(self, moment: dt.datetime) -> int:
        """Working microseconds from the first known year to `moment`."""
        self._require_years(moment.year, moment.year)
        ordinal = moment.toordinal()
        index = bisect_left(self._ordinals, ordinal)
        total = self._worked[index]
        if index < len(self._ordinals) and self._ordinals[index] == ordinal:
            time = _since_midnight(moment.time())
            total += sum(max(0, min(time, end) - start) for start, end in self._spans(ordinal))
        return total

    def _add_working_hours(self, start: dt.datetime, amount: Decimal | int) -> dt.datetime:
        micros = round(Decimal(amount) * _HOUR_MICROSECONDS)
        if micros == 0:
            return self.next_working_moment(start)
        target = self._worked_until(start) + micros
        # The day that brings the total to `target`; at an exact end of a day, that day and not the next.
        index = self._known(bisect_left(self._worked, target) - 1, start.year)
        left = target - self._worked[index]
        ordinal = self._ordinals[index]
        for begin, end in self._spans(ordinal):
            if left <= end - begin:
                return self._at(ordinal, begin + left)
            left -= end - begin
        raise AssertionError("the day found holds the target")


def _whole(amount: Decimal | int) -> int:
    if amount != int(amount):
        raise Invalid(_("按天计算的期限应为整数天，不足一天请按小时计算。"))
    return int(amount)


def _later(moment: dt.datetime, **amount: int) -> dt.datetime:
    try:
        return moment + dt.timedelta(**amount)
    except OverflowError as error:
        raise _out_of_range() from error


def _out_of_range() -> Invalid:
    return Invalid(_("日期超出可以计算的范围。"))


def _hours_in_words(amount: Decimal, late: bool, unit: Unit) -> str:
    minutes = int(amount * 60)
    if minutes < 60:
        text = _("超期 %(minutes)d 分钟") if late else _("剩余 %(minutes)d 分钟")
        return text % {"minutes": max(minutes, 1)}
    hours = f"{minutes // 6 / 10:g}"
    if unit is Unit.WORKING_HOUR:
        text = _("超期 %(hours)s 个工作小时") if late else _("剩余 %(hours)s 个工作小时")
    else:
        text = _("超期 %(hours)s 小时") if late else _("剩余 %(hours)s 小时")
    return text % {"hours": hours}
