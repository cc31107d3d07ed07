"""Faults come at the rates of the table, are all in the ledger, and leave most rows alone."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt
from pathlib import Path

import pytest

from tests.platform.data.generating.conftest import DAY, Made, made
from yici.core.vocabulary.rules.identity import check_digit_of_id
from yici.platform.data.catalogue import reading
from yici.platform.data.generating import dirt

SHEET = "employment.migrant_worker"  # by hand: Excel spoils its numbers


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    with made(tmp_path_factory.mktemp("town"), 30_000, 3, ["public_security.resident", SHEET]) as found:
        yield found


@pytest.mark.parametrize("name", ["public_security.resident", SHEET])
def test_faults_come_at_the_rates_of_the_table(town: Made, name: str) -> None:
    rows, faults = town.report.rows[name], town.report.faults[name]
    for kind in {slot.kind for slot in dirt.slots(reading.definition(name))}:
        expected = dirt.RATES[kind] * rows
        # A kind may fall on a value that is empty already, or that it does not change.
        assert expected * 0.55 - 4 * sqrt(expected) < faults.get(kind, 0) < expected + 4 * sqrt(expected) + 3, kind
    assert 0.05 * rows < sum(faults.values()) < 0.16 * rows


def test_missing_values_and_wrong_check_digits_are_what_the_ledger_counts(town: Made) -> None:
    columns = reading.definition(SHEET).by_name
    wrong = sum(
        check_digit_of_id(number[:17]) != number[17]
        for (number,) in town.sql(f"SELECT id_number FROM d.\"{SHEET}\" WHERE id_number SIMILAR TO '[0-9]{{17}}[0-9X]'")
    )
    assert wrong == town.report.faults[SHEET]["wrong_check_digit"]
    scientific = town.sql(f"SELECT count(*) FROM d.\"{SHEET}\" WHERE id_number LIKE '%E+17'")[0][0]
    assert scientific == town.report.faults[SHEET]["spreadsheet_number"]
    required = [name for name, column in columns.items() if column.required]
    blank = town.sql(f'SELECT {", ".join(f"count(*) - count({name})" for name in required)} FROM d."{SHEET}"')[0]
    listed = dict(
        town.sql(f"SELECT \"column\", count(*) FROM t.dirt WHERE class = '{SHEET}' AND kind = 'missing' GROUP BY 1")
    )
    assert list(blank) == [listed.get(name, 0) for name in required]


def test_a_key_is_never_blank(city: Made) -> None:
    for name, definition in reading.definitions().items():
        for part in definition.key:
            assert city.sql(f'SELECT count(*) FROM d."{name}" WHERE "{part}" IS NULL') == [(0,)], (name, part)


def test_the_ledger_gives_the_true_value_beside_the_delivered_one(city: Made) -> None:
    rows = city.sql(
        "SELECT kind, true_value, delivered_value FROM t.dirt WHERE kind NOT IN ('duplicate', 'dead_but_listed', 'double_enrolment')"
    )
    assert len(rows) > 500
    assert all(true != delivered for _, true, delivered in rows)
    for kind, true, delivered in rows:
        if kind == "missing":
            assert delivered is None and true is not None
        elif kind == "short_phone":
            assert true.startswith(delivered) and len(delivered) == len(true) - 1
        elif kind == "padded":
            assert delivered.strip(" 　") == true
        elif kind == "homophone_name":
            assert len(true) == len(delivered) and true[0] == delivered[0]


def test_the_dead_stay_on_lists_and_the_ledger_knows(city: Made) -> None:
    listed = city.sql(
        'SELECT count(*) FROM d."public_security.resident" r JOIN t.persons p USING (id_number)'
        f" WHERE p.died <= strptime('{DAY}', '%Y%m%d')"
    )[0][0]
    assert listed > 0
    assert abs(listed - city.report.faults["public_security.resident"]["dead_but_listed"]) <= 2


def test_people_insured_twice_are_in_the_ledger(city: Made) -> None:
    twice = city.sql(
        "SELECT count(*) FROM t.dirt d JOIN t.persons p ON p.n = d.n // 2 WHERE d.kind = 'double_enrolment'"
        " AND d.class = 'human_resources.medical_insurance' AND p.medical = '310'"
    )[0][0]
    assert twice == city.report.faults["human_resources.medical_insurance"].get("double_enrolment", 0)
    assert twice < city.report.rows["human_resources.medical_insurance"] * 0.01


def test_rows_of_two_departments_tell_of_the_same_person(city: Made) -> None:
    """An address spoilt in one register is right in the other: that is what comparing can find."""
    pairs = city.sql(
        'SELECT r.name = l.name FROM d."public_security.resident" r'
        ' JOIN d."vehicle_management.driving_licence" l ON l.licence_number = r.id_number'
    )
    assert 0.9 < sum(same is True for (same,) in pairs) / len(pairs) < 1.0


def test_a_kind_that_nothing_can_suffer_takes_no_share(tmp_path: Path) -> None:
    kinds = {slot.kind for slot in dirt.slots(reading.definition("public_security.resident"))}
    assert "spreadsheet_number" not in kinds  # it comes from a database
    assert "wrong_check_digit" in kinds
