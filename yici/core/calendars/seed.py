"""The official calendars of 2004–2026 as packaged by `chinesecalendar` (MIT), in our own terms."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from chinese_calendar.constants import Holiday, holidays, workdays

# Document numbers of the notices, 国办发明电. Years not listed here: the number is left blank, never guessed.
DOCUMENT_NUMBERS = {
    2014: "国办发明电〔2013〕28号",
    2015: "国办发明电〔2014〕28号",
    2016: "国办发明电〔2015〕18号",
    2017: "国办发明电〔2016〕17号",
    2018: "国办发明电〔2017〕12号",
    2019: "国办发明电〔2018〕15号",
    2020: "国办发明电〔2019〕16号",
    2021: "国办发明电〔2020〕27号",
    2022: "国办发明电〔2021〕11号",
    2023: "国办发明电〔2022〕16号",
    2024: "国办发明电〔2023〕7号",
    2025: "国办发明电〔2024〕12号",
    2026: "国办发明电〔2025〕7号",
}
ISSUED_ON = {
    2017: dt.date(2016, 12, 1),
    2018: dt.date(2017, 11, 30),
    2026: dt.date(2025, 11, 4),
}


@dataclass(frozen=True)
class Departure:
    """A day that departs from Monday-to-Friday: a day of rest on a weekday, or work at a weekend."""

    date: dt.date
    is_working: bool
    name: str


def known_years() -> range:
    """The years the package holds an official calendar for."""
    years = {day.year for day in holidays}
    return range(min(years), max(years) + 1)


def title_of(year: int) -> str:
    """The title every yearly notice bears."""
    return f"国务院办公厅关于{year}年部分节假日安排的通知"


def departures(year: int) -> list[Departure]:
    """The days of `year` that depart from Monday-to-Friday, by date."""
    rest = [
        Departure(day, False, _chinese(name))
        for day, name in holidays.items()
        if day.year == year and day.weekday() < 5
    ]
    work = [
        Departure(day, True, f"{_chinese(name)}调休")
        for day, name in workdays.items()
        if day.year == year and day.weekday() >= 5
    ]
    return sorted(rest + work, key=lambda item: item.date)


def _chinese(name: str) -> str:
    return str(Holiday(name).chinese)
