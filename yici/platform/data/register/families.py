"""Composing plausible households: who lives with whom, at which ages, in which relation to the head. Pure.

Relations are codes of GB/T 4761 (02 head, 12 wife, 20 son, 30 daughter, 52 mother …).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from random import Random

from yici.platform.data.register import names
from yici.platform.data.register.records import Person
from yici.platform.data.register.region import Region

HEAD, HUSBAND, WIFE, SELF = "02", "11", "12", "01"
SON, DAUGHTER, ONLY_SON, ONLY_DAUGHTER = "20", "30", "21", "31"
FATHER, MOTHER, DAUGHTER_IN_LAW, GRANDSON, GRANDDAUGHTER = "51", "52", "38", "41", "42"

# Composition of a household and its share in percent.
_KINDS = ("elders", "couple", "nuclear", "three", "three_elder_head", "single", "one_parent")
_CUMULATIVE = (13, 19, 54, 76, 86, 95, 100)


@dataclass(frozen=True)
class Place:
    """Where and when the households are composed."""

    region: Region
    today: dt.date


def compose(random: Random, place: Place) -> list[Person]:
    """The members of one household, head first; numbers, addresses and records come later."""
    kind = random.choices(_KINDS, cum_weights=_CUMULATIVE)[0]
    return _COMPOSERS[kind](random, place)


def _born(random: Random, place: Place, age: float) -> dt.date:
    """A birth date about `age` years ago, with the day spread over a year."""
    days = int(age * 365.2425) + random.randrange(365)
    return max(place.today - dt.timedelta(days=days), dt.date(1908, 1, 1))


def _near(random: Random, birth: dt.date, years: float, spread: int = 730) -> dt.date:
    """A date `years` after `birth`, within ± `spread` days."""
    return birth + dt.timedelta(days=int(years * 365.2425) + random.randrange(-spread, spread))


def _person(random: Random, family_name: str, sex: str, birth: dt.date, relation: str) -> Person:
    return Person(family_name + names.given_name(random, sex, birth.year), sex, birth, relation)


def _wife_of(random: Random, place: Place, husband: Person, relation: str = WIFE) -> Person:
    birth = _near(random, husband.birth_date, random.triangular(-3, 6, 1), 365)
    return _person(random, place.region.surname(random), "2", birth, relation)


def _head(random: Random, place: Place, age: float, sex: str = "1") -> Person:
    return _person(random, place.region.surname(random), sex, _born(random, place, age), HEAD)


def _children(
    random: Random, place: Place, father: Person, mother: Person, as_grandchildren: bool = False
) -> list[Person]:
    """Children of the couple who still live at home: unmarried, or too young to have left."""
    count = random.choices((0, 1, 2, 3, 4), weights=(4, 26, 46, 19, 5))[0]
    found: list[Person] = []
    birth = _near(random, mother.birth_date, random.triangular(20, 31, 23), 300)
    for _ in range(count):
        if birth > place.today or (birth - mother.birth_date).days > 44 * 365:
            break
        age = (place.today - birth).days / 365.2425
        if age < 24 or random.random() < (0.45 if age < 30 else 0.08):
            sex = "1" if random.random() < 0.53 else "2"
            relation = (
                (GRANDSON if sex == "1" else GRANDDAUGHTER) if as_grandchildren else (SON if sex == "1" else DAUGHTER)
            )
            found.append(_person(random, family_name_of(father), sex, birth, relation))
        birth = _near(random, birth, random.triangular(1.6, 6, 2.6), 200)
    if count == 1 and len(found) == 1 and not as_grandchildren:
        found[0].relation = ONLY_SON if found[0].sex == "1" else ONLY_DAUGHTER
    return found


def family_name_of(person: Person) -> str:
    return person.name[:2] if person.name[:2] in ("欧阳", "司马", "诸葛") else person.name[0]


def _elders(random: Random, place: Place) -> list[Person]:
    husband = _head(random, place, random.triangular(58, 102, 66))
    wife = _wife_of(random, place, husband)
    age = place.today.year - husband.birth_date.year
    if random.random() < (age - 50) / 90:  # one of the two is left
        survivor = wife if random.random() < 0.66 else husband
        survivor.relation = HEAD
        return [survivor]
    return [husband, wife]


def _couple(random: Random, place: Place) -> list[Person]:
    husband = _head(random, place, random.triangular(23, 60, 30))
    return [husband, _wife_of(random, place, husband)]


def _nuclear(random: Random, place: Place) -> list[Person]:
    husband = _head(random, place, random.triangular(24, 60, 38))
    wife = _wife_of(random, place, husband)
    return [husband, wife, *_children(random, place, husband, wife)]


def _three(random: Random, place: Place) -> list[Person]:
    """The middle generation heads the household; the husband's parents live with it."""
    husband = _head(random, place, random.triangular(26, 58, 40))
    wife = _wife_of(random, place, husband)
    father = _person(
        random, family_name_of(husband), "1", _near(random, husband.birth_date, -random.triangular(21, 36, 26)), FATHER
    )
    mother = _wife_of(random, place, father, MOTHER)
    age = place.today.year - mother.birth_date.year
    parents = [father, mother]
    if random.random() < (age - 45) / 75:
        parents = [mother if random.random() < 0.66 else father]
    return [husband, wife, *parents, *_children(random, place, husband, wife)]


def _three_elder_head(random: Random, place: Place) -> list[Person]:
    """A grandparent heads the household; a married son, his wife and their children live with it."""
    grandfather = _head(random, place, random.triangular(50, 84, 62))
    grandmother = _wife_of(random, place, grandfather)
    son = _person(
        random,
        family_name_of(grandfather),
        "1",
        _near(random, grandmother.birth_date, random.triangular(20, 32, 24)),
        SON,
    )
    daughter_in_law = _wife_of(random, place, son, DAUGHTER_IN_LAW)
    grandchildren = _children(random, place, son, daughter_in_law, as_grandchildren=True)
    if random.random() < 0.3:
        grandmother.relation = HEAD
        return [grandmother, son, daughter_in_law, *grandchildren]
    return [grandfather, grandmother, son, daughter_in_law, *grandchildren]


def _single(random: Random, place: Place) -> list[Person]:
    sex = "1" if random.random() < 0.6 else "2"
    return [_head(random, place, random.triangular(19, 88, 34), sex)]


def _one_parent(random: Random, place: Place) -> list[Person]:
    members = _nuclear(random, place)
    keep = 0 if random.random() < 0.45 else 1
    parent = members[keep]
    parent.relation = HEAD
    return [parent, *members[2:]]


_COMPOSERS = {
    "elders": _elders,
    "couple": _couple,
    "nuclear": _nuclear,
    "three": _three,
    "three_elder_head": _three_elder_head,
    "single": _single,
    "one_parent": _one_parent,
}
