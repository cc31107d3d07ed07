"""What people do and are: school, work and wage, marriage, insurance, disability. Pure, one chunk at a time.

Codes are those of the city's code lists; money is fen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from yici.platform.data.generating import composing, people, texts
from yici.platform.data.generating.composing import TODAY, Composition
from yici.platform.data.generating.draws import Draws, Ints
from yici.platform.data.generating.people import People
from yici.platform.data.generating.places import City, School

_LEVELS = ("71", "61", "31", "81", "21", "90")  # education_level: junior and senior school, college, primary, degree
_LEVELS_BY_AGE = (  # (older than, weights of _LEVELS)
    (55, (18, 6, 1, 52, 1, 22)),
    (35, (50, 22, 12, 9, 6, 1)),
    (0, (30, 26, 22, 2, 20, 0)),
)
_WAGE_FACTOR = {"71": 0.9, "61": 1.0, "31": 1.25, "81": 0.8, "21": 1.6, "90": 0.75}
_MEDIAN_WAGE = 420_000  # fen a month


@dataclass
class Lives:
    """Arrays by person, in the order of `People`."""

    marital: pa.Array
    married: Ints
    spouse: Ints  # number of the spouse, or -1
    stage: Ints  # education_stage, 0 none
    school: Ints  # place in the list of schools, -1 none
    level: pa.Array
    work: Ints
    wage: Ints
    pension: Ints
    formal: NDArray[np.bool_]
    medical: pa.Array
    disability: Ints
    disability_level: Ints
    ethnicity: pa.Array
    hukou: pa.Array


class Schools:
    """Which school a pupil of a stage goes to: one of the township, or of the county."""

    def __init__(self, schools: list[School], city: City) -> None:
        self._spans: dict[int, tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]] = {}
        for stage in (1, 2, 3, 4, 5):
            by_county = stage >= 4
            mine = [(school.county if by_county else school.township, at)
                    for at, school in enumerate(schools) if int(school.stage) == stage]  # fmt: skip
            mine.sort()
            areas = np.array([area for area, _ in mine])
            size = len(city.counties) if by_county else len(city.townships)
            first = np.searchsorted(areas, np.arange(size))
            count = np.searchsorted(areas, np.arange(size), side="right") - first
            self._spans[stage] = (np.array([at for _, at in mine]), first, count)

    def choose(self, draws: Draws, n: Ints, stage: Ints, township: Ints, county: Ints) -> Ints:
        found = np.full(len(n), -1, dtype=np.int64)
        for value, (order, first, count) in self._spans.items():
            rows = np.flatnonzero(stage == value)
            area = (county if value >= 4 else township)[rows]
            found[rows] = order[first[area] + draws.integers("school", n[rows], 0, count[area])]
        return found


def live(draws: Draws, made: Composition, who: People, city: City, village: Ints, schools: Schools) -> Lives:
    n, age = who.n, who.age
    urban = city.is_urban[village[who.row]]
    married, spouse = _marriage(made, who)
    stage = _stages(draws, who)
    level = _levels(draws, who)
    work = _work(draws, who, urban, stage)
    factor = np.array([_WAGE_FACTOR.get(code, 1.0) for code in _LEVELS])[level]
    wage = (_MEDIAN_WAGE * factor * np.exp(0.45 * draws.normal("wage", n))).astype(np.int64) // 100 * 100
    formal = (age >= 60) & draws.chance("formal pension", n, np.where(urban, 0.35, 0.05))
    amount = np.where(
        formal, draws.integers("pension", n, 1800, 5200) * 100, draws.integers("pension", n, 30, 60) * 500
    )
    has_pension = (age >= 60) & draws.chance("has pension", n, 0.95)
    disabled = draws.chance("disabled", n, 0.024) & (age > 3)
    employed = work == people.EMPLOYEE
    insured = draws.chance("insured", n, 0.965)
    hui_family = draws.chance("hui", n // composing.SEATS, 0.012)
    other = draws.chance("other ethnicity", n, 0.004)
    return Lives(
        marital=_marital(draws, made, who, married),
        married=married,
        spouse=spouse,
        stage=stage,
        school=schools.choose(draws, n, stage, city.village_township[village[who.row]], city.village_county[village[who.row]]),
        level=texts.where(age >= 16, texts.taken(_LEVELS, level), None),
        work=work,
        wage=np.where(employed | (work == people.FLEXIBLE), np.maximum(wage, 168_000), 0),
        pension=np.where(has_pension, amount, 0),
        formal=formal,
        medical=texts.where(insured, texts.where(employed | (formal & has_pension), "310", "390"), None),
        disability=np.where(disabled, draws.choice("disability", n, (12, 9, 1, 58, 7, 9, 4)) + 1, 0),
        disability_level=np.where(disabled, draws.choice("disability level", n, (14, 28, 30, 28)) + 1, 0),
        ethnicity=texts.where(hui_family, "03", texts.where(other, texts.taken(("11", "15", "06", "05", "08"), n % 5), "01")),
        hukou=texts.where(urban, texts.taken(("2", "3"), n // 7 % 2), "1"),
    )  # fmt: skip


def _marriage(made: Composition, who: People) -> tuple[Ints, Ints]:
    """Day of marriage (0 none) and number of the spouse (-1 none)."""
    couple = np.where(who.seat < composing.ELDER_MAN, 0, 1)
    adult = who.seat < composing.FIRST_CHILD
    day = np.where(adult, made.married[who.row, couple], 0)
    partner = np.where(adult, who.seat ^ 1, 0)
    exists = adult & (who.local[who.row, partner] >= 0) & (day > 0)
    spouse = np.where(exists, who.n - who.seat + partner, -1)
    return np.where(exists, day, 0), spouse


def _marital(draws: Draws, made: Composition, who: People, married: Ints) -> pa.Array:
    """marital_status; who lost a partner before the composition began is widowed or divorced."""
    partner = who.local[who.row, who.seat ^ 1]
    partner_died = np.where(partner >= 0, who.died[partner], 0)
    kind = made.kind[who.row]
    alone = draws.uniform("alone", who.n)
    widowed = np.isin(kind, (composing.ELDERS, composing.THREE)) | ((kind == composing.SINGLE) & (who.age > 62))
    separated = (kind == composing.ONE_PARENT) & (who.seat < composing.ELDER_MAN)
    old_single = (kind == composing.SINGLE) & (who.age > 32)
    code = np.select(
        [
            (married > 0) & (partner_died > 0) & (partner_died <= TODAY),
            married > 0,
            (who.seat >= composing.FIRST_CHILD) | (who.age < 20),
            separated & (alone < 0.7),
            separated | (widowed & (alone < 0.92)),
            old_single & (alone < 0.5) | widowed,
        ],
        [30, 20, 10, 40, 30, 40],
        10,
    )
    return texts.number_text(code)


def _stages(draws: Draws, who: People) -> Ints:
    age, goes = who.age, draws.chance("enrolled", who.n, 0.98)
    academic = draws.chance("high school", who.n, 0.62)
    college = draws.chance("college", who.n, 0.42)
    degree = draws.chance("degree course", who.n, 0.5)
    child = who.seat >= composing.FIRST_CHILD
    alive = (who.died == 0) | (who.died > TODAY)
    stage = np.select(
        [age < 3.2, age < 6.2, age < 12.2, age < 15.2, age < 18.5, (age < 22.5) & college & child],
        [0, 1, 2, 3, np.where(academic, 4, 5), np.where(degree, 7, 6)],
        0,
    )
    return np.where(goes & alive, stage, 0)


def _levels(draws: Draws, who: People) -> Ints:
    found = np.zeros(len(who.n), dtype=np.int64)
    older = np.inf
    for since, weights in _LEVELS_BY_AGE:
        rows = np.flatnonzero((who.age > since) & (who.age <= older) if since else who.age <= older)
        found[rows] = draws.choice("level", who.n[rows], weights)
        older = since
    return found


def _work(draws: Draws, who: People, urban: NDArray[np.bool_], stage: Ints) -> Ints:
    """employment_state of everybody over 16 who lives; 0 for the others."""
    age, alive = who.age, (who.died == 0) | (who.died > TODAY)
    town = draws.choice("work in town", who.n, (46, 20, 12, 4, 6, 0, 0, 12))
    land = draws.choice("work in village", who.n, (16, 34, 5, 34, 3, 0, 0, 8))
    works = np.where(urban, town, land) + 1
    found = np.where(age >= 60, np.where(urban | (age > 70), people.RETIRED, people.FARMER), works)
    found = np.where(stage > 0, people.STUDENT, found)
    return np.where(alive & (age >= 16), found, 0)
