"""Generating households until the population is reached. Pure: the reference day is a constant, not today."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from random import Random

from yici.platform.data.register import dirt, families, knowledge, numbers
from yici.platform.data.register.numbers import AreaCodes, NumberIssuer
from yici.platform.data.register.records import Family, Person, Village
from yici.platform.data.register.region import Region

DEFAULT_SEED = 341600
TAKEN_ON = dt.date(2026, 11, 1)  # ages are what they are on this day

_ESTATES = ("花园", "佳苑", "小区", "新村", "家园", "华庭")


def generate(
    population: int,
    seed: int = DEFAULT_SEED,
    *,
    region: Region,
    villages: Sequence[Village],
    area_codes: Mapping[str, AreaCodes],
    taken: Collection[str] = (),
) -> Iterator[Family]:
    """Households of together `population` people, spread over the villages.

    `area_codes`: six digits of the county → its codes over time. `taken`: identity numbers and household
    numbers that exist already. Raises `ValueError` without villages.
    """
    if not villages:
        raise ValueError("a register needs villages")
    random, place = Random(seed), families.Place(region, TAKEN_ON)  # noqa: S311 - reproducible people, not secrets
    issuer, left, serial = NumberIssuer(taken), population, 100_000
    while left > 0:
        village = random.choice(villages)
        members = families.compose(random, place)[:left]
        serial += 1
        family = _settle(random, village, members, serial)
        _register(random, region, family, area_codes[village.code[:6]], issuer)
        knowledge.describe(random, region, family, village, TAKEN_ON)
        for person in members:
            dirt.spoil(random, region, person)
        left -= len(members)
        yield family


def _settle(random: Random, village: Village, members: list[Person], serial: int) -> Family:
    """Give the household its number and address; members inherit the address."""
    if village.is_urban:
        estate = village.place[-4:-2] + random.choice(_ESTATES)
        door = f"{estate}{random.randint(1, 28)}栋{random.randint(1, 4)}单元{random.randint(1, 18)}0{random.randint(1, 4)}室"
    else:
        door = f"{random.randint(1, 12)}组{random.randint(1, 160)}号"
    address = village.place + door
    family = Family(f"{village.code}{serial:08d}", village.code, address, "1", members)
    for person in members:
        person.address = address
    return family


def _register(random: Random, region: Region, family: Family, codes: AreaCodes, issuer: NumberIssuer) -> None:
    """Identity numbers, ethnicity, telephones, and who has died."""
    hui = random.random() < (0.3 if family.members[0].name[0] == "马" else 0.005)
    confirmed = TAKEN_ON - dt.timedelta(days=random.randrange(20, 700))
    for person in family.members:
        married_in = person.relation in (families.WIFE, families.DAUGHTER_IN_LAW, families.MOTHER)
        elsewhere = random.random() < (0.06 if married_in else 0.008)
        area = numbers.area_code_for(random, region, codes, person.birth_date, elsewhere)
        while True:
            try:
                person.id_number = issuer.issue(area, person.birth_date, person.sex)
                break
            except ValueError:  # every number of that day is given: registered for the day before
                person.birth_date -= dt.timedelta(days=1)
        if hui:
            person.ethnicity = "03"
        elif random.random() < 0.004:
            person.ethnicity = random.choice(("11", "15", "06", "05", "08"))
        age = (TAKEN_ON - person.birth_date).days / 365.2425
        if random.random() < (
            0.0 if age < 13 else 0.35 if age < 17 else 0.94 if age < 65 else 0.72 if age < 80 else 0.5
        ):
            person.phone = numbers.phone(random)
        person.is_alive = not (age > 60 and random.random() < 0.012)
        person.as_of = max(confirmed, person.birth_date)
