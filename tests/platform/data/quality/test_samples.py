"""Samples of failing rows show no person."""

from __future__ import annotations

from typing import Any

import pytest

from tests.platform.data.factories import make_definition
from yici.platform.data.quality.samples import masked
from yici.platform.data.rules.deriving import rules_of

pytestmark = pytest.mark.django_db

COLUMNS = [
    {"name": "id_number", "headers": ["身份证号"], "element": "person.id_number"},
    {"name": "name", "headers": ["姓名"], "element": "person.name"},
    {"name": "birth_date", "headers": ["出生日期"], "element": "person.birth_date"},
    {"name": "phone", "headers": ["电话"], "element": "person.phone"},
    {"name": "ethnicity", "headers": ["民族"], "element": "person.ethnicity"},
    {"name": "address", "headers": ["住址"], "element": "person.registered_address"},
    {"name": "photo", "headers": ["相片编号"], "type": "text", "sensitivity": "personal"},
    {"name": "kind", "headers": ["类别"], "type": "code", "code_list": "sex"},
    {"name": "remark", "headers": ["备注"], "type": "text"},
]
SECRETS = ["王小英", "341602198001010011", "13956701945", "陆杨村3组27号", "1980", "汉族", "AH-0093", "小英"]
MIXED = ["王小英341602198001010011", "王小英（13956701945）"]


def shown(column: str, **values: Any) -> dict[str, Any]:
    """The sample of a row that fails a rule blamed on `column`, keyed by that column too."""
    definition = make_definition(columns=COLUMNS, key=[column])
    rule = next(rule for rule in rules_of(definition) if rule.column == column)
    (sample,) = masked(definition, rule, [{"row": 7, **values}])
    assert sample["row"] == 7
    return dict(sample["values"])


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("id_number", "341602198001010011", "3416**********0011"),
        ("name", "王小英", "王*英"),
        ("birth_date", "1980-02-30", "1980年**月**日"),
        ("phone", "13956701945", "139****1945"),
        ("address", "安徽省亳州市涡阳县高炉镇陆杨村3组27号", "****"),
        ("ethnicity", "汉族", "****"),
        ("photo", "AH-0093", "****"),
        ("kind", "7", "7"),
        ("remark", "电话13956701945，待核", "电话****，待核"),
        ("name", "", ""),
    ],
)
def test_what_stays_of_a_value(column: str, value: str, expected: str) -> None:
    assert shown(column, **{column: value})[column] == expected


@pytest.mark.parametrize("column", ["id_number", "name", "birth_date", "phone", "ethnicity", "address", "photo"])
@pytest.mark.parametrize("value", [*SECRETS, *MIXED])
def test_whatever_stands_in_the_wrong_column_is_not_shown(column: str, value: str) -> None:
    assert value not in shown(column, **{column: value})[column]


@pytest.mark.parametrize("value", ["王小英", "341602198001010011", "13956701945", *MIXED])
def test_a_public_code_column_shows_no_name_and_no_number_that_slipped_into_it(value: str) -> None:
    assert value not in shown("kind", kind=value)["kind"]


def test_only_the_columns_that_the_rule_is_about_and_the_key_are_shown() -> None:
    definition = make_definition(columns=COLUMNS)
    rule = next(rule for rule in rules_of(definition) if rule.id == "birth_date.equals_part_of_id")
    row = {"row": 2, "id_number": "341602198001010011", "name": "王小英", "birth_date": "1981-01-01", "remark": "x"}
    (sample,) = masked(definition, rule, [row])
    assert set(sample["values"]) == {"id_number", "birth_date"}
    assert sample["reason"]


def test_five_rows_are_enough() -> None:
    definition = make_definition(columns=COLUMNS)
    rule = rules_of(definition)[0]
    assert len(masked(definition, rule, ({"row": n, "id_number": "x"} for n in range(50)))) == 5
