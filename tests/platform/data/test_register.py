"""The generated population: valid, unique, plausible, the same for the same seed, and honestly dirty."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest

from yici.base.cityfolder import city_folder
from yici.core.vocabulary import queries as vocabulary_queries
from yici.core.vocabulary import rules as vocabulary
from yici.platform.data.loading import demo_families
from yici.platform.data.region_file import place_name, read_region
from yici.platform.data.register import TAKEN_ON, AreaCodes, Family, NumberIssuer, Person, Village, generate

CODES = {
    "341621": AreaCodes.of([("342124", dt.date(1995, 12, 31)), ("341223", dt.date(2000, 5, 20)), ("341621", None)]),
    "341602": AreaCodes.of([("342102", dt.date(1995, 12, 31)), ("341281", dt.date(2000, 5, 20)), ("341602", None)]),
}
VILLAGES = [
    Village("341621108201", "安徽省亳州市涡阳县高炉镇陆杨村", False),
    Village("341602003003", "安徽省亳州市谯城区汤陵街道风华社区", True),
]


def population(size: int, seed: int = 7, taken: frozenset[str] = frozenset()) -> list[Family]:
    region, _ = read_region(city_folder())
    return list(generate(size, seed, region=region, villages=VILLAGES, area_codes=CODES, taken=taken))


@pytest.fixture(scope="module")
def families() -> list[Family]:
    return population(6000)


@pytest.fixture(scope="module")
def people(families: list[Family]) -> list[Person]:
    return [person for family in families for person in family.members]


def age(person: Person) -> float:
    return (TAKEN_ON - person.birth_date).days / 365.2425


def test_population_has_exactly_the_size_asked_for(people: list[Person]) -> None:
    assert len(people) == 6000


def test_every_identity_number_is_valid_and_agrees_with_birth_date_and_sex(people: list[Person]) -> None:
    for person in people:
        identity = vocabulary.parse_id_number(person.id_number)
        assert (identity.birth_date, identity.sex) == (person.birth_date, person.sex)


def test_identity_and_household_numbers_are_unique(families: list[Family], people: list[Person]) -> None:
    assert len({person.id_number for person in people}) == len(people)
    assert len({family.number for family in families}) == len(families)


def test_numbers_carry_the_area_code_in_force_at_birth(people: list[Person]) -> None:
    own = {"342124", "341223", "341621", "342102", "341281", "341602"}
    before = Counter(p.id_number[:6] in {"342124", "342102"} for p in people if p.birth_date < dt.date(1995, 12, 31))
    after = Counter(p.id_number[:6] in {"341621", "341602"} for p in people if p.birth_date > dt.date(2000, 5, 20))
    assert before[True] > 0.93 * before.total()
    assert after[True] > 0.93 * after.total()
    assert any(p.id_number[:6] in {"341223", "341281"} for p in people)
    assert any(p.id_number[:6] not in own for p in people), "nobody came from elsewhere"


def test_the_code_of_a_day_changes_after_its_last_day() -> None:
    codes = CODES["341621"]
    days = [dt.date(1995, 12, 31), dt.date(1996, 1, 1), dt.date(2000, 5, 20), dt.date(2000, 5, 21)]
    assert [codes.on(day) for day in days] == ["342124", "341223", "341223", "341621"]


def test_ages_are_those_of_a_population(people: list[Person]) -> None:
    ages = [age(person) for person in people]
    assert 0 <= min(ages) < 3
    assert max(ages) < 118
    assert 0.10 < sum(value < 15 for value in ages) / len(ages) < 0.32
    assert 0.015 < sum(value >= 80 for value in ages) / len(ages) < 0.06


def test_mothers_are_at_least_eighteen_years_older_than_their_children(families: list[Family]) -> None:
    for family in families:
        wives = [p for p in family.members if p.relation == "12"]
        children = [p for p in family.members if p.relation in ("20", "21", "30", "31")]
        if wives and not any(p.relation == "38" for p in family.members):
            for child in children:
                assert (child.birth_date - wives[0].birth_date).days > 18 * 365


def test_every_household_has_one_head_and_it_comes_first(families: list[Family]) -> None:
    for family in families:
        assert [p.relation for p in family.members].count("02") == 1
        assert family.members[0].relation == "02"


def test_same_seed_gives_the_same_people_and_another_seed_others() -> None:
    first, again, other = (population(300, seed) for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_numbers_of_demo_people_are_never_given_again() -> None:
    issuer = NumberIssuer()
    number = issuer.issue("342124", dt.date(1945, 3, 12), "2")
    assert NumberIssuer([number]).issue("342124", dt.date(1945, 3, 12), "2") != number


def test_five_hundred_of_one_day_are_given_and_then_no_more() -> None:
    issuer = NumberIssuer()
    given = {issuer.issue("342124", dt.date(1945, 3, 12), "1") for _ in range(500)}
    assert len(given) == 500
    with pytest.raises(ValueError, match="no identity number left"):
        issuer.issue("342124", dt.date(1945, 3, 12), "1")


def test_about_one_record_in_twenty_is_dirty_in_several_ways(people: list[Person]) -> None:
    dirty = Counter(person.dirt for person in people if person.dirt)
    assert 0.04 < dirty.total() / len(people) < 0.06
    assert len(dirty) >= 6


def test_clean_records_pass_the_checks_of_their_elements(people: list[Person]) -> None:
    for person in people[:1500]:
        if person.dirt:
            continue
        if person.phone:
            assert vocabulary.check_phone(person.phone) == person.phone
        for element, known in person.extra.items():
            assert vocabulary_queries.has_element(element), element
            if vocabulary_queries.element(element).type != "money":
                vocabulary.check(vocabulary_queries.element(element), known["value"])
            assert dt.date.fromisoformat(known["as_of"]) <= TAKEN_ON


def test_nearly_everybody_is_han(people: list[Person]) -> None:
    counts = Counter(person.ethnicity for person in people)
    assert counts["01"] > 0.97 * len(people)
    assert counts["03"] > 0


def test_committee_names_become_place_names() -> None:
    assert [place_name(n) for n in ("陆杨村委会", "单集居委会", "郭楼村村民委员会", "五里社区居民委员会", "风华社区")] == [
        "陆杨村", "单集社区", "郭楼村", "五里社区", "风华社区",
    ]  # fmt: skip


def test_demo_households_are_valid_and_the_farmer_is_81_in_the_story() -> None:
    households = list(demo_families(city_folder() / "demo.yaml"))
    farmer = next(p for f in households for p in f.members if p.name == "王秀英")
    assert farmer.id_number.startswith("342124")
    assert vocabulary.parse_id_number(farmer.id_number).age_on(dt.date(2026, 11, 23)) == 81
    home = next(f for f in households if farmer in f.members)
    assert {p.name: p.relation for p in home.members} == {"李建国": "02", "王秀英": "12", "李梅": "30"}
    for person in (p for f in households for p in f.members):
        for element, known in person.extra.items():
            assert vocabulary_queries.has_element(element), element
            if vocabulary_queries.element(element).type != "money":
                assert vocabulary.check(vocabulary_queries.element(element), known["value"]) == known["value"]
