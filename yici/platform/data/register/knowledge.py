"""What the other departments know about a generated person: cards, insurance, pension, marriage, school … Pure."""

from __future__ import annotations

import datetime as dt
from random import Random

from yici.platform.data.register import numbers
from yici.platform.data.register.families import DAUGHTER_IN_LAW, FATHER, HEAD, MOTHER, WIFE
from yici.platform.data.register.records import Family, Person, Village
from yici.platform.data.register.region import Region

_BANKS = (
    ("314", "621778"),
    ("403", "621799"),
    ("103", "622848"),
    ("102", "621226"),
    ("105", "621700"),
    ("319", "622877"),
)
_BRANDS = (
    ("江淮瑞风", "K33"), ("奇瑞瑞虎", "K32"), ("五菱宏光", "K31"), ("大众朗逸", "K33"), ("哈弗H6", "K32"),
    ("吉利帝豪", "K33"), ("比亚迪秦", "K33"), ("福田轻卡", "H31"), ("时风三轮", "N11"),
)  # fmt: skip
_VIN = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"


def describe(random: Random, region: Region, family: Family, village: Village, today: dt.date) -> None:
    """Fill `extra` of every member."""
    poor = random.random() < (0.07 if not village.is_urban else 0.015)
    allowance = poor and random.random() < 0.5
    couple = _couple_of(family)
    for person in family.members:
        age = (today - person.birth_date).days / 365.2425
        _cards(random, person, age)
        _insurance(random, person, age, village)
        _schooling(random, region, person, age, village)
        if age >= 20:
            _marriage(random, person, age, couple)
        _disability(random, person)
        if age >= 20:
            _vehicle(random, region, person, today)
        if random.random() < 0.3:
            person.know("residence", _day(random, 2016, 2026), person__residential_address=person.address,
                        person__residential_division=family.division)  # fmt: skip
    if poor:
        _poverty(random, family, allowance)


def _day(random: Random, first_year: int, last_year: int) -> str:
    """An ISO date; nothing of the last year lies after September, when the register was taken."""
    year = random.randint(first_year, last_year)
    return f"{year}-{random.randint(1, 9 if year == last_year else 12):02d}-{random.randint(1, 28):02d}"


def _couple_of(family: Family) -> dict[str, Person]:
    """id number → spouse, for couples that live together."""
    found: dict[str, Person] = {}
    heads = [person for person in family.members if person.relation in (HEAD, WIFE)]
    parents = [person for person in family.members if person.relation in (FATHER, MOTHER)]
    young = [person for person in family.members if person.relation in ("20", DAUGHTER_IN_LAW)]
    for pair in (heads, parents, young if any(person.relation == DAUGHTER_IN_LAW for person in young) else []):
        if len(pair) == 2:
            found[pair[0].id_number], found[pair[1].id_number] = pair[1], pair[0]
    return found


def _cards(random: Random, person: Person, age: float) -> None:
    if age < 1 or random.random() > (0.93 if age >= 16 else 0.5):
        return
    known = _day(random, 2021, 2026)
    person.know("social_card", known, social_insurance__card_number=f"A{random.randrange(10**8):08d}")
    if age >= 16 and random.random() < 0.7:
        bank, issuer = random.choice(_BANKS)
        person.know("social_card", known, bank__name=bank, bank__account_number=numbers.bank_card(random, issuer),
                    bank__account_holder=person.name)  # fmt: skip


def _insurance(random: Random, person: Person, age: float, village: Village) -> None:
    employed = 20 < age < 60 and random.random() < (0.45 if village.is_urban else 0.12)
    if random.random() < 0.965:
        person.know("medical_insurance", "2026-01-15", medical_insurance__kind="310" if employed else "392")
    if age >= 60 and random.random() < 0.95:
        formal = random.random() < (0.35 if village.is_urban else 0.05)
        amount = random.randrange(180_000, 420_000, 100) if formal else random.randrange(14_500, 26_000, 500)
        person.know("pension", "2026-10-08", pension__kind="1" if formal else "2", pension__monthly_amount=str(amount))


def _schooling(random: Random, region: Region, person: Person, age: float, village: Village) -> None:
    if 6.2 <= age < 18.5 and random.random() < 0.98:
        stage = "2" if age < 12.2 else "3" if age < 15.2 else "4" if random.random() < 0.62 else "5"
        words = {"2": "小学", "3": "初级中学", "4": "高级中学", "5": "职业教育中心"}[stage]
        where = (
            village.place.removeprefix(region.place)
            if stage == "2"
            else village.place.removeprefix(region.place).split("镇")[0].split("乡")[0][:3]
        )
        person.know("education", "2026-09-05", education__school_name=f"{where}{words}", education__stage=stage,
                    education__is_enrolled="yes")  # fmt: skip
    elif 18.5 <= age < 22.5 and random.random() < 0.42:
        stage = "7" if random.random() < 0.5 else "6"
        person.know("education", "2026-09-05", education__school_name=random.choice(region.colleges), education__stage=stage,
                    education__is_enrolled="yes")  # fmt: skip
    elif age >= 22.5 and random.random() < 0.7:
        if age > 55:
            levels = ("81", "71", "61", "90")
        elif age > 35:
            levels = ("71", "61", "31", "81")
        else:
            levels = ("71", "31", "21", "61")
        level = random.choices(levels, weights=(50, 30, 14, 6))[0]
        person.know("population", _day(random, 2008, 2026), person__education_level=level)


def _marriage(random: Random, person: Person, age: float, couple: dict[str, Person]) -> None:
    if random.random() > 0.9:
        return
    spouse = couple.get(person.id_number)
    known = _day(random, 2012, 2026)
    if spouse:
        person.know("marriage", known, person__marital_status="20", person__spouse_name=spouse.name,
                    person__spouse_id_number=spouse.id_number)  # fmt: skip
    elif person.relation in (FATHER, MOTHER) or (person.relation == HEAD and age > 62):
        person.know("marriage", known, person__marital_status="30" if random.random() < 0.9 else "40")
    elif age < 32:
        person.know("marriage", known, person__marital_status="10")
    else:
        person.know("marriage", known, person__marital_status=random.choice(("40", "10", "30")))


def _disability(random: Random, person: Person) -> None:
    if random.random() > 0.024:
        return
    kind = random.choices("1234567", weights=(12, 9, 1, 58, 7, 9, 4))[0]
    level = random.choices("1234", weights=(14, 28, 30, 28))[0]
    person.know("disability", _day(random, 2012, 2026), disability__kind=kind, disability__level=level,
                disability__certificate_number=f"{person.id_number}{kind}{level}")  # fmt: skip


def _vehicle(random: Random, region: Region, person: Person, today: dt.date) -> None:
    if random.random() > (0.2 if person.sex == "1" else 0.05):
        return
    brand, kind = random.choice(_BRANDS)
    registered = dt.date(random.randint(2010, today.year), random.randint(1, 9), random.randint(1, 28))
    due = dt.date(today.year + random.choice((0, 0, 1)), registered.month, 28)
    person.know(
        "vehicle", _day(random, max(2018, registered.year), 2026),
        vehicle__plate_number=numbers.plate(random, region.plate_prefix), vehicle__plate_kind="02", vehicle__kind=kind, vehicle__brand=brand,
        vehicle__vin="LS" + "".join(random.choices(_VIN, k=15)), vehicle__registered_date=registered.isoformat(),
        vehicle__inspection_valid_until=due.isoformat(), vehicle__state="A",
    )  # fmt: skip


def _poverty(random: Random, family: Family, allowance: bool) -> None:
    number = f"{family.division[:12]}{random.randrange(1000):03d}"
    cause = random.choices(("1", "2", "3", "8", "7", "9"), weights=(48, 16, 12, 12, 8, 4))[0]
    for person in family.members:
        person.know("poverty", "2026-06-30", household__is_poverty_registered="yes", household__poverty_number=number,
                    household__poverty_cause=cause)  # fmt: skip
        if allowance:
            person.know("minimum_allowance", "2026-07-01", household__is_minimum_allowance="yes",
                        household__minimum_allowance_number=f"{family.division[:6]}2{number[-8:]}")  # fmt: skip
