"""Honest dirt: about one record in twenty is incomplete, stale or wrong, as in every real register. Pure.

Each kind is named in `Person.dirt`, which never reaches the database: tests measure the share by it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from random import Random

from yici.platform.data.register import names
from yici.platform.data.register.numbers import phone as any_phone
from yici.platform.data.register.records import Person
from yici.platform.data.register.region import Region

SHARE = 0.05


def _missing_phone(random: Random, region: Region, person: Person) -> bool:
    had, person.phone = bool(person.phone), ""
    return had


def _wrong_phone(random: Random, region: Region, person: Person) -> bool:
    if not person.phone:
        return False
    person.phone = person.phone[:-1] if random.random() < 0.4 else any_phone(random)
    return True


def _missing_address(random: Random, region: Region, person: Person) -> bool:
    person.address = ""
    return True


def _missing_ethnicity(random: Random, region: Region, person: Person) -> bool:
    person.ethnicity = ""
    return True


def _stale_residence(random: Random, region: Region, person: Person) -> bool:
    """Moved away years ago; the residence record was never renewed."""
    where = random.choice(region.work_places)
    old = f"{random.randint(2008, 2015)}-{random.randint(1, 12):02d}-{random.randint(1, 28):02d}"
    person.know("residence", old, person__residential_address=f"{where}{random.randint(1, 399)}号",
                person__residential_division="")  # fmt: skip
    person.extra.pop("person.residential_division", None)
    return True


def _misheard_name(random: Random, region: Region, person: Person) -> bool:
    """Another department wrote the name by ear."""
    held = person.extra.get("bank.account_holder")
    if not held or (wrong := names.misheard(person.name)) == person.name:
        return False
    held["value"] = wrong
    return True


def _stale_row(random: Random, region: Region, person: Person) -> bool:
    """Nobody confirmed the row for years."""
    person.as_of = dt.date(random.randint(2006, 2014), random.randint(1, 12), random.randint(1, 28))
    return True


def _dead_but_listed(random: Random, region: Region, person: Person) -> bool:
    """Cremated, but never struck off the population register."""
    if person.birth_date.year > 1958:
        return False
    day = f"{random.randint(2019, 2025)}-{random.randint(1, 12):02d}-{random.randint(1, 28):02d}"
    person.know("cremation", day, person__death_date=day)
    return True


_KINDS: tuple[tuple[Callable[[Random, Region, Person], bool], int], ...] = (
    (_missing_phone, 18),
    (_wrong_phone, 22),
    (_missing_address, 8),
    (_missing_ethnicity, 6),
    (_stale_residence, 20),
    (_misheard_name, 14),
    (_stale_row, 9),
    (_dead_but_listed, 3),
)
_FUNCTIONS = [spoil for spoil, _ in _KINDS]
_WEIGHTS = [weight for _, weight in _KINDS]


def spoil(random: Random, region: Region, person: Person) -> None:
    """Spoil one record in twenty in one way."""
    if random.random() >= SHARE:
        return
    for _ in range(6):
        chosen = random.choices(_FUNCTIONS, weights=_WEIGHTS)[0]
        if chosen(random, region, person):
            person.dirt = chosen.__name__.removeprefix("_")
            return
