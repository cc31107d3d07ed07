"""The truth about people and their households, one chunk of households at a time.

A person's number is household × 8 + seat, so that spouse, parents and household follow from the number itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from yici.platform.data.generating import composing, identities, texts
from yici.platform.data.generating.composing import SEATS, TODAY, YEAR, Composition
from yici.platform.data.generating.draws import Draws, Ids, Ints
from yici.platform.data.generating.places import City

_HAZARD_AT_0, _HAZARD_GROWTH = 0.00003, 0.095  # Gompertz; 0.9 % a year at 60, 6 % at 80
_DEATHS_SINCE, _DEATHS_UNTIL = TODAY - 3 * 365, composing.HORIZON
_ESTATES = ("花园", "佳苑", "小区", "新村", "家园", "华庭")
_BANKS = (("314", 621778), ("403", 621799), ("103", 622848), ("102", 621226), ("105", 621700), ("319", 622877))
FARMER, SELF_EMPLOYED, STUDENT, RETIRED = 4, 3, 6, 7  # employment_state
EMPLOYEE, FLEXIBLE, UNEMPLOYED, UNABLE = 1, 2, 5, 8


@dataclass
class People:
    """One chunk, flat: arrays by person, head of each household first; `row` is the household's place in the chunk."""

    n: Ids
    row: Ints
    seat: Ints
    sex: Ints
    birth: Ints
    died: Ints  # 0: alive
    age: NDArray[np.float64]
    name: pa.Array
    id_number: pa.Array
    phone: pa.Array
    local: Ints  # households × seats → place in these arrays, or -1

    def of_seat(self, seats: Ints) -> Ints:
        """For each household of the chunk the person in that seat, or -1."""
        return self.local[np.arange(len(self.local)), seats]


def deaths(draws: Draws, ids: Ids, made: Composition) -> Ints:
    """Households × seats: the day of death between three years ago and the horizon, or 0."""
    numbers = ids[:, None] * SEATS + np.arange(SEATS)
    age = np.maximum((TODAY - made.birth) / YEAR, 0)
    hazard = np.minimum(_HAZARD_AT_0 * np.exp(_HAZARD_GROWTH * age), 0.5)
    dies = draws.uniform("dies", numbers) < 1 - (1 - hazard) ** 4
    day = draws.integers("day of death", numbers, _DEATHS_SINCE, _DEATHS_UNTIL)
    children = np.where(made.present[:, composing.FIRST_CHILD :], made.birth[:, composing.FIRST_CHILD :], 0)
    outlives = day > children.max(axis=1, initial=0)[:, None]
    old_enough = made.birth < _DEATHS_SINCE - 365
    return np.where(dies & outlives & old_enough & made.present, day, 0)


def living(made: Composition, died: Ints) -> Ints:
    """Members of each household who live on the day of the register."""
    return (made.present & (made.birth <= TODAY) & ((died == 0) | (died > TODAY))).sum(axis=1)


def flatten(
    draws: Draws, ids: Ids, city: City, made: Composition, died: Ints, county: Ints, issuer: identities.MassIssuer
) -> People:
    """People of the households, with names and identity numbers."""
    seats = np.arange(SEATS)
    order = np.argsort(np.where(seats == made.head[:, None], -1, seats), axis=1, kind="stable")
    row, position = np.nonzero(np.take_along_axis(made.present, order, axis=1))
    seat = order[row, position]
    local = np.full(made.present.shape, -1, dtype=np.int64)
    local[row, seat] = np.arange(len(row))
    n = ids[row] * SEATS + seat
    sex, birth = made.sex[row, seat], made.birth[row, seat]
    married_in = (seat == composing.WOMAN) | (seat == composing.ELDER_WOMAN)
    area = identities.areas(draws, n, city, county[row], birth, married_in)
    birth, id_number = issuer.issue(area, birth, sex)
    surnames = list(city.region.surnames)
    weights = list(city.region.surnames.values())
    family = draws.choice("surname", ids, weights)[row]
    own = draws.choice("own surname", n, weights)
    surname = texts.taken(surnames, np.where(married_in, own, family))
    year = birth.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    age = (TODAY - birth) / YEAR
    return People(
        n, row, seat, sex, birth, died[row, seat], age,
        identities.full_names(draws, n, surname, sex, year), id_number, _phones(draws, n, age), local,
    )  # fmt: skip


def _phones(draws: Draws, n: Ids, age: NDArray[np.float64]) -> pa.Array:
    share = np.select([age < 13, age < 17, age < 65, age < 80], [0.0, 0.35, 0.94, 0.72], 0.5)
    return texts.where(draws.chance("has phone", n, share), identities.phones(draws, "phone", n), None)


def addresses(draws: Draws, purpose: str, ids: Ids, city: City, village: Ints) -> pa.Array:
    """An address with a door in each village, as `register.generating` writes them."""
    places = [village.place for village in city.villages]
    place = texts.taken(places, village)

    def drawn(what: str, low: int, high: int) -> pa.Array:
        return texts.number_text(draws.integers(f"{purpose} {what}", ids, low, high))

    estates = texts.taken([f"{place[-4:-2]}{name}" for place in places for name in _ESTATES],
                          village * len(_ESTATES) + draws.integers(f"{purpose} estate", ids, 0, len(_ESTATES)))  # fmt: skip
    urban = texts.joined(place, estates, drawn("building", 1, 29), "栋", drawn("entrance", 1, 5), "单元",
                         drawn("floor", 1, 19), "0", drawn("flat", 1, 5), "室")  # fmt: skip
    rural = texts.joined(place, drawn("group", 1, 13), "组", drawn("door", 1, 161), "号")
    return texts.where(city.is_urban[village], urban, rural)


def dates(days: Ints) -> pa.Array:
    """Dates; 0 is null."""
    return pa.array(days.astype(np.int32), pa.int32(), mask=days == 0).cast(pa.date32())


def bank_accounts(draws: Draws, ids: Ids) -> tuple[pa.Array, pa.Array]:
    """Bank codes and card numbers with their Luhn digit."""
    bank = draws.integers("bank", ids, 0, len(_BANKS))
    issuers = np.array([issuer for _, issuer in _BANKS])[bank]
    digits = np.hstack([texts.digits(issuers, 6), texts.digits(draws.integers("card", ids, 0, 10**12), 12)])
    return texts.taken([code for code, _ in _BANKS], bank), texts.column(texts.with_luhn(digits))
