"""Every described class has data in every column, and what is not in the ledger of faults is right."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.platform.data.generating.conftest import Made
from yici.core.vocabulary import queries as vocabulary
from yici.core.vocabulary import rules
from yici.core.vocabulary.rules.checking import parse_date
from yici.platform.data.catalogue import reading
from yici.platform.data.catalogue.definition import ClassDefinition, Column
from yici.platform.data.generating import fallbacks
from yici.platform.data.generating.recipes import RECIPES
from yici.platform.data.rules import reference
from yici.platform.data.rules.deriving import rules_of

_YES_NO = {"是", "否", "1", "0", "Y", "N"}
_FEN = {"yuan": 100, "ten_thousand_yuan": 1_000_000, "fen": 1, "": 100}


def test_every_described_class_is_generated_with_all_its_columns(city: Made) -> None:
    classes = reading.definitions()
    assert set(city.report.rows) == set(classes)
    for name, definition in classes.items():
        delivered = city.sql(f'SELECT column_name FROM (DESCRIBE d."{name}")')
        assert [column for (column,) in delivered] == [column.name for column in definition.columns]
        assert city.report.rows[name] == city.sql(f'SELECT count(*) FROM d."{name}"')[0][0]
    empty = [name for name, rows in city.report.rows.items() if not rows]
    assert len(empty) <= 2, empty  # of rare things a town of two thousand may have none


def test_every_class_has_a_recipe_of_its_own_and_a_new_one_gets_a_plain_one() -> None:
    classes = reading.definitions()
    assert set(RECIPES) == set(classes)
    for definition in classes.values():
        plain = fallbacks.recipe_for(definition)
        assert all(fallbacks.expression(definition, column, plain) for column in definition.columns)


def unspoilt(city: Made, definition: ClassDefinition, limit: int = 150) -> list[dict[str, Any]]:
    """Rows no fault of the ledger is in."""
    name = definition.id
    keys = {key for (key,) in city.sql(f"SELECT key FROM t.dirt WHERE class = '{name}'")}
    wrong = {value for (value,) in city.sql(f"SELECT delivered_value FROM t.dirt WHERE class = '{name}'")}
    columns = [column.name for column in definition.columns]
    rows = [dict(zip(columns, row, strict=True)) for row in city.sql(f'SELECT * FROM d."{name}" LIMIT {limit}')]
    return [
        row
        for row in rows
        if "|".join(row[part] or "" for part in definition.key) not in keys
        and not any(row[part] is None or row[part] in wrong for part in definition.key)
    ]


def assert_right(column: Column, text: str) -> None:
    if column.type == "date":
        assert parse_date(text), (column.name, text)
    elif column.type == "money":
        fen = Decimal(text) * _FEN[column.unit_in_source]
        assert fen == fen.to_integral_value() and fen >= 0, (column.name, text)
    elif column.type == "number":
        assert Decimal(text) >= 0
    elif column.type == "yes_no":
        assert text in _YES_NO
    elif column.type == "code" and column.code_list:
        codes = vocabulary.code_list(column.code_list).codes
        assert text in {code.code for code in codes} | {code.label.zh for code in codes}, (column.name, text)
    elif column.type == "text" and column.element:
        rules.check(vocabulary.element(column.element), text)


@pytest.mark.parametrize("name", sorted(reading.definitions()))
def test_what_is_not_in_the_ledger_is_right(city: Made, name: str) -> None:
    definition = reading.definition(name)
    rows = unspoilt(city, definition)
    assert len(rows) >= min(city.report.rows[name], 150) * 0.7
    for row in rows:
        for column in definition.columns:
            text = row[column.name]
            assert text is not None or not column.required, column.name
            if text is not None:
                assert_right(column, text)
        _assert_birth_and_sex(definition, row)


@pytest.mark.parametrize("name", sorted(reading.definitions()))
def test_what_is_not_in_the_ledger_passes_the_rules_that_hold_rows_back(city: Made, name: str) -> None:
    definition = reading.definition(name)
    held_back = tuple(rule for rule in rules_of(definition) if rule.severity == "quarantine")
    for row in unspoilt(city, definition, limit=60):
        assert reference.failures(definition, held_back, row) == [], row


def _assert_birth_and_sex(definition: ClassDefinition, row: dict[str, Any]) -> None:
    for rule in definition.rules:
        if rule.primitive != "equals_part_of_id" or not row[rule.column] or not row[rule.parameters["id"]]:
            continue
        number = row[rule.parameters["id"]]
        if rule.parameters["part"] == "birth_date":
            day = parse_date(row[rule.column])
            assert day and f"{day:%Y%m%d}" == number[6:14]
        else:
            assert row[rule.column] in (("1", "男") if int(number[16]) % 2 else ("2", "女"))


def test_references_between_classes_hold_but_for_the_orphans_of_the_ledger(city: Made) -> None:
    truth = {row[0] for row in city.sql("SELECT id_number FROM t.persons")}
    for name, definition in reading.definitions().items():
        for rule in definition.rules:
            if rule.primitive == "exists_in" and rule.parameters["class"] == "public_security.resident":
                for row in unspoilt(city, definition):
                    assert row[rule.column] is None or row[rule.column] in truth, (name, rule.column)


def test_keys_repeat_only_where_the_ledger_says_so(city: Made) -> None:
    for name, definition in reading.definitions().items():
        key = ", ".join(f'"{part}"' for part in definition.key)
        rows = city.report.rows[name]
        distinct = city.sql(f'SELECT count(DISTINCT ({key})) FROM d."{name}"')[0][0]
        faults = city.report.faults[name]
        spoilt = sum(faults.get(kind, 0) for kind in ("duplicate", "spreadsheet_number"))
        assert rows - distinct <= spoilt + rows * 0.002 + 1, name


def test_members_of_poor_households_are_in_the_register_of_poor_households(city: Made) -> None:
    missing = city.sql(
        'SELECT count(*) FROM d."poverty_relief.member" m ANTI JOIN d."poverty_relief.household" h USING (poverty_number)'
    )[0][0]
    assert missing <= city.report.faults["poverty_relief.member"].get("orphan", 0) + 1


def test_only_the_watermark_says_when_a_row_was_touched(city: Made) -> None:
    """Other moments are facts: a bill is settled after the stay it is for."""
    early = city.sql(
        'SELECT count(*) FROM d."medical_insurance.settlement" s ANTI JOIN t.dirt x ON x.key = s.settlement_number'
        " WHERE CAST(settled_at AS TIMESTAMP) < try_strptime(translate(admission_date, '/年月日', '----'), '%Y-%m-%d')"
    )
    assert early == [(0,)]
