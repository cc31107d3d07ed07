"""Accounting days: midnight to midnight in China, but UnionPay's ends at 23:00; the hour after stands on the next day's bill."""

from __future__ import annotations

import datetime as dt

from yici.platform.pay.providers.money import SHANGHAI

EARLY = {"unionpay": dt.timedelta(hours=1)}  # before midnight
EDGE = dt.timedelta(minutes=30)  # so near to a cut the two clocks may mean two days


def accounting_day(provider: str, moment: dt.datetime) -> dt.date:
    """The day on whose bill something of that moment stands, as far as the hour tells."""
    return (moment.astimezone(SHANGHAI) + EARLY.get(provider, dt.timedelta())).date()


def span(provider: str, day: dt.date) -> tuple[dt.datetime, dt.datetime]:
    """From when to when an accounting day lasts; the end is not part of it."""
    begin = dt.datetime.combine(day, dt.time(), SHANGHAI) - EARLY.get(provider, dt.timedelta())
    return begin, begin + dt.timedelta(days=1)


def near(month_and_day: str, moment: dt.datetime) -> dt.date | None:
    """`MMDD` as the date next to a moment: on New Year's Eve it may be of the next year. None where it is no such date."""
    about = moment.astimezone(SHANGHAI).date()
    for year in (about.year, about.year + 1, about.year - 1):
        try:
            found = dt.date(year, int(month_and_day[:2]), int(month_and_day[2:]))
        except ValueError:
            continue
        if abs((found - about).days) <= 30:
            return found
    return None
