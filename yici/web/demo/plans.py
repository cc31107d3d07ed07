"""Which applications the demo city had: item, place, applicant's age, and how each one went. Pure and repeatable."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

SEED = 3416
PLANNED = 440  # a few more than are wanted: what cannot be played is left out
COUNTIES = ("341602", "341621", "341622", "341623")
GUOYANG = "341621"

# Item → its share of all applications, in thousandths.
ITEMS = {
    "gaoling-jintie": 280, "gongjiao-laonianka": 130, "dabing-baoxiao": 90, "juzhuzheng": 90,
    "jidongche-nianshen-yushen": 80, "geti-gongshanghu": 80, "shipin-jingying-xuke": 65, "shengyu-dengji": 60,
    "canjirenzheng": 50, "pinkunhu-hezuoyiliao": 30, "pinkun-daxuesheng-zizhu": 25, "dongwu-fangyi-tiaojian": 20,
}  # fmt: skip

# How a matter went, or where it stands, with weights. The first group is closed, the second open.
CLOSED = {"on_time": 66, "corrected": 12, "late": 7, "denied": 5, "refused": 3, "not_accepted": 2, "withdrawn": 5}
OPEN = {
    "new": 20, "taken_in": 6, "to_review": 20, "to_decide": 14, "due_soon": 10, "overdue": 12, "correction_waiting": 12,
    "correction_answered": 6, "special": 6, "withdrawal_asked": 3,
}  # fmt: skip
OPEN_SHARE = 0.2
BUSY_DESK = ("gaoling-jintie", GUOYANG)  # the desk visitors of the demo sign in to
BUSY_SHARE, BUSY_OPEN = 0.64, 0.56

# Hours at which people apply; staff work in office hours only.
_CITIZEN_HOURS = {
    7: 2,
    8: 7,
    9: 12,
    10: 12,
    11: 8,
    12: 5,
    13: 4,
    14: 8,
    15: 10,
    16: 9,
    17: 6,
    18: 3,
    19: 5,
    20: 6,
    21: 4,
    22: 2,
}
_DESK_HOURS = {8: 6, 9: 14, 10: 14, 11: 9, 14: 6, 15: 13, 16: 12, 17: 5}
_WEEKDAYS = (13, 11, 10, 10, 9, 4, 3)  # Monday first


@dataclass(frozen=True)
class Plan:
    """One application: `county` is the first six digits, `story` a key of `CLOSED` or `OPEN`."""

    number: int
    item: str
    county: str
    story: str
    agent: str  # "", "family" or "point"

    @property
    def random(self) -> Random:
        """Chance of this application's own, whatever was played before it."""
        return Random(SEED * 100_000 + self.number)  # noqa: S311 - a demo, not a secret

    @property
    def is_open(self) -> bool:
        return self.story in OPEN


def plans(count: int = PLANNED) -> list[Plan]:
    """The first `count` applications of the demo city, well mixed; always the same ones."""
    chance = Random(SEED)  # noqa: S311 - a demo, not a secret
    rows = [(item, county, is_open) for item, county, is_open in _places(chance)]
    chance.shuffle(rows)
    made = []
    for number, (item, county, is_open) in enumerate(rows):
        story = _one_of(chance, OPEN if is_open else CLOSED)
        made.append(Plan(number, item, county, story, _agent(chance, item)))
    return made[:count]


def _places(chance: Random) -> Iterator[tuple[str, str, bool]]:
    for item, share in ITEMS.items():
        for _ in range(round(PLANNED * share / 1000)):
            county = chance.choices(COUNTIES, weights=(34, 24, 20, 22))[0]
            if item == BUSY_DESK[0] and chance.random() < BUSY_SHARE:
                county = BUSY_DESK[1]
            is_busy = (item, county) == BUSY_DESK
            yield item, county, chance.random() < (BUSY_OPEN if is_busy else OPEN_SHARE)


def _agent(chance: Random, item: str) -> str:
    helped = {"gaoling-jintie": (0.34, 0.16), "gongjiao-laonianka": (0.3, 0.12), "pinkunhu-hezuoyiliao": (0.1, 0.3)}
    family, point = helped.get(item, (0.06, 0.03))
    drawn = chance.random()
    return "family" if drawn < family else "point" if drawn < family + point else ""


def _one_of(chance: Random, weights: dict[str, int]) -> str:
    return chance.choices(list(weights), weights=list(weights.values()))[0]


# When ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Days:
    """The working days up to today, newest last."""

    working: list[dt.date]
    now: dt.datetime

    def back(self, count: int) -> dt.date:
        """The working day `count` working days ago; today, or the last one, for 0."""
        return self.working[max(0, len(self.working) - 1 - count)]

    def after(self, day: dt.date, count: int) -> dt.date:
        """`count` working days after `day`; beyond today it is tomorrow, which nobody plays."""
        start = next((n for n, one in enumerate(self.working) if one >= day), len(self.working) - 1)
        if start + count < len(self.working):
            return self.working[start + count]
        return self.now.date() + dt.timedelta(days=1)


def applied_at(chance: Random, days: Days, age: int) -> dt.datetime:
    """When somebody applied, some `age` working days ago: in the evening and at weekends too."""
    week = days.back(age)
    monday = week - dt.timedelta(days=week.weekday())
    day = week if age < 6 else monday + dt.timedelta(days=chance.choices(range(7), weights=_WEEKDAYS)[0])
    moment = _at(chance, min(day, days.now.date()), _CITIZEN_HOURS, days.now)
    # What lies ahead of us today happened within the last hours.
    return moment if moment < days.now else days.now - dt.timedelta(minutes=chance.randint(15, 170))


def handled_at(chance: Random, days: Days, before: dt.datetime, after: int) -> dt.datetime:
    """When staff did the next thing: `after` working days on, in office hours, and after `before`."""
    day = days.after(before.date(), after)
    moment = _at(chance, day, _DESK_HOURS, days.now)
    if moment <= before:
        moment = before + dt.timedelta(minutes=chance.randint(12, 95))
    return moment


def answered_at(chance: Random, days: Days, before: dt.datetime, after: int) -> dt.datetime:
    """When the applicant did the next thing: at any hour of the day."""
    moment = _at(chance, days.after(before.date(), after), _CITIZEN_HOURS, days.now)
    return moment if moment > before else before + dt.timedelta(minutes=chance.randint(20, 200))


def _at(chance: Random, day: dt.date, hours: dict[int, int], now: dt.datetime) -> dt.datetime:
    hour = chance.choices(list(hours), weights=list(hours.values()))[0]
    minute = chance.randint(31, 59) if hour == 8 else chance.randint(0, 25) if hour == 17 else chance.randint(0, 59)
    return dt.datetime(day.year, day.month, day.day, hour, minute, chance.randint(0, 59), tzinfo=now.tzinfo)
