"""The truth: valid and unique numbers, plausible households, the same for the same seed whatever the pieces."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

import numpy as np
import pytest

from tests.platform.data.generating.conftest import PEOPLE, Made
from yici.base.cityfolder import city_folder
from yici.base.errors import Invalid
from yici.core.vocabulary import queries as vocabulary
from yici.core.vocabulary import rules
from yici.core.vocabulary.rules.identity import check_digit_of_id
from yici.platform.data.generating import holdings, truth
from yici.platform.data.generating.places import read_city
from yici.platform.data.register import TAKEN_ON


def digest(folder: Path) -> str:
    """Of what the tables say, not of how the file is cut."""
    import pyarrow.parquet as pq

    found = hashlib.sha256()
    for path in sorted(folder.glob("*.parquet")):
        found.update(repr(pq.read_table(path).to_pydict()).encode())
    return found.hexdigest()


def test_the_same_seed_gives_the_same_city_whatever_the_size_of_the_pieces(tmp_path: Path) -> None:
    place = read_city(city_folder())
    whole = truth.write(1200, 5, place, tmp_path / "whole")
    pieces = truth.write(1200, 5, place, tmp_path / "pieces", chunk=97)
    other = truth.write(1200, 6, place, tmp_path / "other")
    assert whole == pieces and whole.living >= 1200
    assert digest(tmp_path / "whole") == digest(tmp_path / "pieces")
    assert digest(tmp_path / "whole") != digest(tmp_path / "other")
    assert other.living >= 1200


def test_the_city_has_the_people_asked_for_and_the_last_household_whole(city: Made) -> None:
    living = city.sql(
        f"SELECT count(*) FROM t.persons WHERE birth <= DATE '{TAKEN_ON}' AND (died IS NULL OR died > DATE '{TAKEN_ON}')"
    )[0][0]
    assert living == city.report.living
    assert PEOPLE <= living < PEOPLE + 8


def test_identity_numbers_are_valid_unique_and_say_birth_and_sex(city: Made) -> None:
    people = city.sql("SELECT id_number, birth, sex FROM t.persons")
    assert len({number for number, _, _ in people}) == len(people)
    for number, birth, sex in people:
        assert check_digit_of_id(number[:17]) == number[17]
        assert number[6:14] == f"{birth:%Y%m%d}"
        assert int(number[16]) % 2 == (sex == "1")


def test_numbers_bear_the_area_code_that_was_in_force(city: Made) -> None:
    rows = city.sql(
        "SELECT left(id_number, 6), birth FROM t.persons WHERE left(village_code, 6) = '341621' AND seat IN (0, 4, 5)"
    )
    old = [code for code, birth in rows if birth <= dt.date(1995, 12, 31)]
    middle = [code for code, birth in rows if dt.date(1996, 1, 1) <= birth <= dt.date(2000, 5, 20)]
    young = [code for code, birth in rows if birth >= dt.date(2000, 5, 21)]
    for codes, code in ((old, "342124"), (middle, "341223"), (young, "341621")):
        assert codes.count(code) / len(codes) > 0.8, code


def test_more_people_than_a_day_has_numbers_are_registered_the_day_before() -> None:
    import numpy as np

    from yici.platform.data.generating.identities import MassIssuer

    day, count = 10_000, 1_203
    issuer = MassIssuer(read_city(city_folder()))
    births, numbers = issuer.issue(np.zeros(count, dtype=np.int64), np.full(count, day), np.ones(count, dtype=np.int64))
    assert len(set(numbers.to_pylist())) == count
    assert sorted(set(births.tolist())) == [day - 2, day - 1, day]


def test_every_household_has_its_head_in_it(city: Made) -> None:
    heads = city.sql(
        "SELECT h.household, count(*), any_value(p.id_number = h.head_id AND p.name = h.head_name AND p.n = h.head)"
        " FROM t.households h LEFT JOIN t.persons p ON p.household = h.household AND p.relation = '02' GROUP BY 1"
    )
    assert heads and all(count == 1 and right for _, count, right in heads)
    assert city.sql("SELECT count(*) FROM t.persons p ANTI JOIN t.households h USING (household)") == [(0,)]


def test_parents_are_older_than_their_children_and_brothers_are_not_born_together(city: Made) -> None:
    gaps = city.sql("SELECT (birth - mother_birth) / 365.25, (birth - father_birth) / 365.25 FROM t.children")
    mothers, fathers = ([gap for gap in side if gap is not None] for side in zip(*gaps, strict=True))
    assert min(mothers) > 17 and max(mothers) < 46
    assert min(fathers) > 16 and max(fathers) < 75
    spacing = city.sql(
        "SELECT min(birth - lag) FROM (SELECT birth, lag(birth) OVER (PARTITION BY household ORDER BY birth) AS lag"
        " FROM t.children)"
    )[0][0]
    assert spacing > 270


def test_spouses_name_each_other_and_marry_of_age(city: Made) -> None:
    pairs = city.sql(
        "SELECT p.spouse, q.spouse, p.n, q.n, p.sex, q.sex FROM t.persons p JOIN t.persons q ON q.n = p.spouse"
    )
    assert len(pairs) == city.sql("SELECT count(spouse) FROM t.persons")[0][0]
    assert all(to == other and back == one and sex != partner for to, back, one, other, sex, partner in pairs)
    youngest = city.sql("SELECT min((married - greatest(man_birth, woman_birth)) / 365.25) FROM t.couples")[0][0]
    assert youngest > 18.9


def test_nobody_dies_before_birth_nor_before_the_birth_of_an_own_child(city: Made) -> None:
    assert city.sql("SELECT count(*) FROM t.persons WHERE died <= birth") == [(0,)]
    orphans = city.sql(
        "SELECT count(*) FROM t.children c JOIN t.persons p ON p.id_number = c.mother_id WHERE p.died < c.birth"
    )
    assert orphans == [(0,)]


@pytest.mark.parametrize(
    ("element", "query"),
    [
        ("vehicle.plate_number", "SELECT plate FROM t.vehicles"),
        ("vehicle.vin", "SELECT vin FROM t.vehicles"),
        ("organisation.uscc", "SELECT uscc FROM t.businesses UNION ALL SELECT uscc FROM t.schools"),
        ("house.unit_number", "SELECT unit FROM t.houses"),
        ("house.certificate_number", "SELECT number FROM t.houses"),
        ("bank.account_number", "SELECT account FROM t.persons"),
    ],
)
def test_numbers_of_things_are_valid_and_unique(city: Made, element: str, query: str) -> None:
    values = [value for (value,) in city.sql(query)]
    assert len(values) > 50 and len(set(values)) == len(values)
    for value in values:
        rules.check(vocabulary.element(element), value)


def test_vehicle_numbers_have_their_check_digit(city: Made) -> None:
    letters = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", "12345678123457923456789", strict=True))
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    for (vin,) in city.sql("SELECT vin FROM t.vehicles"):
        total = sum(int(letters.get(sign, sign)) * weight for sign, weight in zip(vin, weights, strict=True))
        assert vin[8] == "0123456789X"[total % 11]


def test_a_city_with_more_vehicles_than_its_letter_has_numbers_is_given_the_next_ones() -> None:
    serials = np.array([0, 1_875_999, 1_876_000, 2 * 1_876_000])
    found = holdings.plates(serials, "皖S").to_pylist()
    assert [plate[:2] for plate in found] == ["皖S", "皖S", "皖A", "皖B"] and len(set(found)) == 4
    for plate in found:
        rules.check_plate(plate)


def test_a_province_that_has_no_plates_left_says_so() -> None:
    with pytest.raises(Invalid, match="皖"):
        holdings.plates(np.array([50_000_000]), "皖S")
