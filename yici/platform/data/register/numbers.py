"""Identity numbers (GB 11643) and other numbers that carry check digits. Pure.

A number carries the area code that was in force where and when its holder was registered: people of
涡阳 born before 1996 have 342124, those born until 2000-05 341223, later ones 341621.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from yici.platform.data.register.region import Region

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_REMAINDERS = "10X98765432"
ORDER_CODES = 500  # per area, birth date and sex


@dataclass(frozen=True)
class AreaCodes:
    """Codes of one county by the last day they were in force, oldest first."""

    last_days: tuple[dt.date, ...]
    codes: tuple[str, ...]

    @classmethod
    def of(cls, rows: Iterable[tuple[str, dt.date | None]]) -> AreaCodes:
        """`rows`: (code, last day in force or None)."""
        ordered = sorted((last or dt.date.max, code) for code, last in rows)
        return cls(tuple(last for last, _ in ordered), tuple(code for _, code in ordered))

    def on(self, day: dt.date) -> str:
        """The code in force on `day`."""
        return self.codes[min(bisect_left(self.last_days, day), len(self.codes) - 1)]


def with_check_digit(first_seventeen: str) -> str:
    """ISO 7064 MOD 11-2, GB 11643 §4."""
    total = sum(int(digit) * weight for digit, weight in zip(first_seventeen, _WEIGHTS, strict=True))
    return first_seventeen + _REMAINDERS[total % 11]


class NumberIssuer:
    """Gives identity numbers that never repeat; `taken` are numbers that exist already."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._given: dict[tuple[str, int], int] = defaultdict(int)
        self._taken = frozenset(taken)

    def issue(self, area_code: str, birth_date: dt.date, sex: str) -> str:
        """Raises `ValueError` once 500 people of one sex were born in one area on one day."""
        stem = f"{area_code}{birth_date:%Y%m%d}"
        parity = 1 if sex == "1" else 0
        while True:
            given = self._given[stem, parity]
            if given >= ORDER_CODES:
                raise ValueError(f"no identity number left for {stem}")
            self._given[stem, parity] = given + 1
            # A stride prime to 500 spreads the order codes as police stations' blocks do.
            order = ((given * 7 + int(stem[6:]) % 89) % ORDER_CODES) * 2 + parity
            number = with_check_digit(f"{stem}{order:03d}")
            if number not in self._taken:
                return number


def area_code_for(
    random: Random, region: Region, codes: AreaCodes, birth_date: dt.date, comes_from_elsewhere: bool
) -> str:
    """The first six digits for somebody of this county, or for one who came from another prefecture."""
    if comes_from_elsewhere:
        return random.choice(region.elsewhere_before_1996 if birth_date.year < 1996 else region.elsewhere)
    if random.random() < 0.01:  # registered years after birth
        return codes.on(dt.date(min(birth_date.year + random.randrange(1, 20), 2026), 6, 1))
    return codes.on(birth_date)


def bank_card(random: Random, issuer: str) -> str:
    """A 19-digit card number with the Luhn digit (ISO/IEC 7812-1). `issuer` has 6 digits."""
    digits = f"{issuer}{random.randrange(10**12):012d}"
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (2 - place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return digits + str(-total % 10)


PHONE_PREFIXES = ("130", "131", "132", "133", "135", "136", "137", "138", "139", "150", "151", "152", "155", "156",
                  "157", "158", "159", "166", "173", "176", "177", "178", "180", "181", "182", "183", "187", "188", "189", "199")  # fmt: skip


def phone(random: Random) -> str:
    return f"{random.choice(PHONE_PREFIXES)}{random.randrange(10**8):08d}"


PLATE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def plate(random: Random, prefix: str) -> str:
    """A plate of the city's office (`prefix`, as 皖S), GA 36: no I and O."""
    if random.random() < 0.08:
        return f"{prefix}D{random.randrange(10**5):05d}"
    serial = random.randrange(10**4)
    letter = random.choice(PLATE_LETTERS)
    return (
        f"{prefix}{letter}{serial:04d}"
        if random.random() < 0.6
        else f"{prefix}{serial // 1000}{letter}{serial % 1000:03d}"
    )
