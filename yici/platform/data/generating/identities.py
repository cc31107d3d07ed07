"""Identity numbers and names for whole arrays of people, by the rules of `register.numbers` and `register.names`.

The issuer counts through all chunks of a city in order, so numbers are unique and the chunk size does not matter.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from random import Random

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from yici.platform.data.generating import texts
from yici.platform.data.generating.draws import Draws, Ids, Ints
from yici.platform.data.generating.places import City, day_number
from yici.platform.data.register import names, numbers

_FIRST_DAY = day_number(dt.date(1890, 1, 1))
_DAYS = day_number(dt.date(2040, 1, 1)) - _FIRST_DAY
_POOL = 1200  # given names sampled for one sex and four years of birth
_FIRST_YEAR, _LAST_YEAR, _YEARS = 1900, 2036, 4


class MassIssuer:
    """Gives identity numbers to arrays of people; what `register.NumberIssuer` does for one."""

    def __init__(self, city: City) -> None:
        self._codes = np.array([int(code) for code in city.all_codes])
        self._given = np.zeros(len(city.all_codes) * _DAYS * 2, dtype=np.int16)

    def issue(self, area: Ints, birth: Ints, sex: Ints) -> tuple[Ints, pa.Array]:
        """Birth days (moved a day back where a day's numbers are all given) and numbers, in the given order."""
        birth = birth.copy()
        order = np.zeros(len(area), dtype=np.int64)
        waiting = np.arange(len(area))
        while len(waiting):
            cell = (area[waiting] * _DAYS + birth[waiting] - _FIRST_DAY) * 2 + (sex[waiting] == 1)
            rank = self._count(cell)
            order[waiting] = rank
            waiting = waiting[rank >= numbers.ORDER_CODES]
            birth[waiting] -= 1
        moment = birth.astype("datetime64[D]")
        months = moment.astype("datetime64[M]")
        year, month = np.divmod(months.astype(np.int64), 12)
        stamp = (year + 1970) * 10000 + (month + 1) * 100 + (moment - months.astype("datetime64[D]")).astype(int) + 1
        # A stride prime to 500 spreads the order codes, as `NumberIssuer` does.
        code = ((order * 7 + stamp % 89) % numbers.ORDER_CODES) * 2 + (sex == 1)
        stem = np.hstack([texts.digits(self._codes[area], 6), texts.digits(stamp, 8), texts.digits(code, 3)])
        return birth, texts.column(texts.with_id_check(stem))

    def _count(self, cell: Ints) -> Ints:
        """How many were given in each cell before, this array's earlier entries included."""
        by_cell = np.argsort(cell, kind="stable")
        ordered = cell[by_cell]
        starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        lengths = np.diff(np.r_[starts, len(ordered)])
        within = np.arange(len(ordered)) - np.repeat(starts, lengths)
        rank = np.empty_like(cell)
        rank[by_cell] = within + self._given[ordered]
        self._given[ordered[starts]] += lengths.astype(np.int16)
        return rank


def areas(draws: Draws, ids: Ids, city: City, county: Ints, birth: Ints, married_in: NDArray[np.bool_]) -> Ints:
    """Places in `city.all_codes`: the code in force at birth, or of another prefecture for who came from there."""
    place = {code: at for at, code in enumerate(city.all_codes)}
    late = draws.chance("registered late", ids, 0.01)
    known = np.where(late, birth + draws.integers("late years", ids, 1, 20) * 365, birth)
    found = np.zeros(len(ids), dtype=np.int64)
    for at, codes in enumerate(city.area_codes):
        rows = county == at
        lasts = np.array([day_number(last) for last in codes.last_days])
        which = np.minimum(np.searchsorted(lasts, known[rows]), len(lasts) - 1)
        found[rows] = np.array([place[code] for code in codes.codes])[which]
    elsewhere = draws.chance("from elsewhere", ids, np.where(married_in, 0.06, 0.008))
    old = birth < day_number(dt.date(1996, 1, 1))
    for before, choices in ((True, city.region.elsewhere_before_1996), (False, city.region.elsewhere)):
        rows = np.flatnonzero(elsewhere & (old == before))
        chosen = draws.integers("which elsewhere", ids[rows], 0, len(choices))
        found[rows] = np.array([place[code] for code in choices])[chosen]
    return found


@lru_cache(maxsize=1)
def _given_names() -> pa.Array:
    """`_POOL` given names for each sex and span of birth years, sampled once from the tables of the register."""
    random = Random(20161)  # noqa: S311 - invented people, not secrets
    return pa.array(
        names.given_name(random, sex, year)
        for sex in ("1", "2")
        for year in range(_FIRST_YEAR, _LAST_YEAR, _YEARS)
        for _ in range(_POOL)
    )


def full_names(draws: Draws, ids: Ids, surname: pa.Array, sex: Ints, birth_year: Ints) -> pa.Array:
    spans = (_LAST_YEAR - _FIRST_YEAR) // _YEARS
    span = np.clip((birth_year - _FIRST_YEAR) // _YEARS, 0, spans - 1)
    given = ((sex - 1) * spans + span) * _POOL + draws.integers("given name", ids, 0, _POOL)
    return texts.joined(surname, _given_names().take(pa.array(given)))


def phones(draws: Draws, purpose: str, ids: Ids) -> pa.Array:
    prefixes = np.array([int(prefix) for prefix in numbers.PHONE_PREFIXES])
    drawn = prefixes[draws.integers(f"{purpose} prefix", ids, 0, len(prefixes))]
    return texts.column(texts.digits(drawn * 10**8 + draws.integers(purpose, ids, 0, 10**8), 11))
