"""Periods of reporting: day, ISO week, month, quarter, year, in the city's calendar."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from dataclasses import dataclass
from enum import StrEnum

from django.utils import timezone
from django.utils.translation import gettext as _

from yici.base.errors import Invalid


class PeriodType(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


_CODES = {
    PeriodType.DAY: re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})"),
    PeriodType.WEEK: re.compile(r"([0-9]{4})-W([0-9]{2})"),
    PeriodType.QUARTER: re.compile(r"([0-9]{4})-Q([1-4])"),
    PeriodType.MONTH: re.compile(r"([0-9]{4})-([0-9]{2})"),
    PeriodType.YEAR: re.compile(r"([0-9]{4})"),
}


@dataclass(frozen=True, order=True)
class Period:
    """Whole days from `start` to `end`, both inclusive, in the city's time zone. Make one with `of` or `parse`."""

    type: PeriodType
    start: dt.date
    end: dt.date

    @classmethod
    def of(cls, type: PeriodType | str, day: dt.date) -> Period:
        """The period of this type that holds `day`."""
        kind = PeriodType(type)
        match kind:
            case PeriodType.DAY:
                return cls(kind, day, day)
            case PeriodType.WEEK:
                monday = day - dt.timedelta(days=day.weekday())
                return cls(kind, monday, monday + dt.timedelta(days=6))
            case PeriodType.MONTH:
                return cls(kind, day.replace(day=1), _month_end(day.year, day.month))
            case PeriodType.QUARTER:
                first = (day.month - 1) // 3 * 3 + 1
                return cls(kind, dt.date(day.year, first, 1), _month_end(day.year, first + 2))
            case PeriodType.YEAR:
                return cls(kind, dt.date(day.year, 1, 1), dt.date(day.year, 12, 31))

    @classmethod
    def parse(cls, code: str) -> Period:
        """Read `2026`, `2026-Q4`, `2026-11`, `2026-W47` or `2026-11-23`. Raises `Invalid`."""
        for kind, pattern in _CODES.items():
            if len(code) <= 10 and (match := pattern.fullmatch(code)):
                try:
                    return cls.of(kind, _first_day(kind, [int(part) for part in match.groups()]))
                except ValueError:
                    break
        raise Invalid(_("统计周期应写成 2026、2026-Q4、2026-11、2026-W47 或 2026-11-23。"), {"period": code[:40]})

    @property
    def code(self) -> str:
        """The form `parse` reads."""
        match self.type:
            case PeriodType.DAY:
                return self.start.isoformat()
            case PeriodType.WEEK:
                year, week, _weekday = self.start.isocalendar()
                return f"{year:04d}-W{week:02d}"
            case PeriodType.MONTH:
                return f"{self.start:%Y-%m}"
            case PeriodType.QUARTER:
                return f"{self.start:%Y}-Q{(self.start.month + 2) // 3}"
            case PeriodType.YEAR:
                return f"{self.start:%Y}"

    def __str__(self) -> str:
        return self.code

    def label(self) -> str:
        """For people: 2026年11月, 2026年第4季度."""
        day = self.start
        words = {"year": day.year, "month": day.month, "day": day.day, "quarter": (day.month + 2) // 3}
        match self.type:
            case PeriodType.DAY:
                return _("%(year)d年%(month)d月%(day)d日") % words
            case PeriodType.WEEK:
                year, week, _weekday = day.isocalendar()
                return _("%(year)d年第%(week)d周") % {"year": year, "week": week}
            case PeriodType.MONTH:
                return _("%(year)d年%(month)d月") % words
            case PeriodType.QUARTER:
                return _("%(year)d年第%(quarter)d季度") % words
            case PeriodType.YEAR:
                return _("%(year)d年") % words

    def short_label(self) -> str:
        """For the axis of a chart: 11-23, W47, 11月, Q4, 2026."""
        match self.type:
            case PeriodType.DAY:
                return f"{self.start.month}-{self.start.day}"
            case PeriodType.MONTH:
                return _("%(month)d月") % {"month": self.start.month}
            case _:
                return self.code.rpartition("-")[2]

    def previous(self) -> Period:
        """The period just before, of the same type."""
        return Period.of(self.type, self.start - dt.timedelta(days=1))

    def following(self) -> Period:
        """The period just after, of the same type."""
        return Period.of(self.type, self.end + dt.timedelta(days=1))

    def same_last_year(self) -> Period:
        """The same period a year before; 29 February meets 28 February, week 53 meets week 52 where there is none."""
        if self.type is PeriodType.WEEK:
            year, week, _weekday = self.start.isocalendar()
            last = dt.date(year - 1, 12, 28).isocalendar().week
            return Period.of(self.type, dt.date.fromisocalendar(year - 1, min(week, last), 1))
        year, month = self.start.year - 1, self.start.month
        day = min(self.start.day, calendar.monthrange(year, month)[1])
        return Period.of(self.type, dt.date(year, month, day))

    def __contains__(self, day: dt.date) -> bool:
        return self.start <= day <= self.end

    def moments(self) -> tuple[dt.datetime, dt.datetime]:
        """Aware first moment and the moment just after the last, for `>=` and `<`."""
        zone = timezone.get_default_timezone()
        after = self.end + dt.timedelta(days=1)
        return (
            dt.datetime.combine(self.start, dt.time.min, zone),
            dt.datetime.combine(after, dt.time.min, zone),
        )


def _month_end(year: int, month: int) -> dt.date:
    return dt.date(year, month, calendar.monthrange(year, month)[1])


def _first_day(kind: PeriodType, parts: list[int]) -> dt.date:
    year = parts[0]
    # Room at both ends, so that the period before and the one a year before always exist.
    if not 1900 <= year <= 2200:
        raise ValueError(year)
    match kind:
        case PeriodType.WEEK:
            return dt.date.fromisocalendar(year, parts[1], 1)
        case PeriodType.QUARTER:
            return dt.date(year, parts[1] * 3 - 2, 1)
        case _:
            return dt.date(*[*parts, 1, 1][:3])
