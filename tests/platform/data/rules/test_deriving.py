"""Which rules a class has."""

from __future__ import annotations

from typing import Any

import pytest

from tests.platform.data.rules.tables import class_of
from yici.base.errors import Misconfigured
from yici.platform.data.catalogue import reading
from yici.platform.data.models.quality import Dimension
from yici.platform.data.rules.deriving import rules_of
from yici.platform.data.rules.primitives import PRIMITIVES


def ids(columns: list[dict[str, Any]], rules: list[dict[str, Any]] | None = None) -> list[str]:
    return [rule.id for rule in rules_of(class_of(columns, rules or []))]


PERSON = [
    {"name": "id_number", "element": "person.id_number", "required": True},
    {"name": "sex", "element": "person.sex"},
    {"name": "birth_date", "element": "person.birth_date"},
]


def test_a_column_brings_the_checks_of_its_element_and_the_key_is_unique_and_never_blank() -> None:
    assert ids(PERSON) == [
        "id_number.not_blank", "id_number.cn_id", "sex.in_code_list", "birth_date.type", "birth_date.date_between",
        "birth_date.equals_part_of_id", "sex.equals_part_of_id", "key.unique",
    ]  # fmt: skip


def test_birth_date_and_sex_are_compared_only_where_the_number_is_of_the_same_person() -> None:
    other = [{**PERSON[0], "element": "vehicle.owner_id_number", "name": "owner"}, *PERSON[1:]]

    assert not [rule for rule in ids(other) if "equals_part_of_id" in rule]


def test_a_rule_of_the_class_takes_the_place_of_the_derived_one() -> None:
    own = {
        "primitive": "date_between", "column": "birth_date", "parameters": {"from": "1900-01-01", "to": "today"},
        "severity": "note", "message": "出生日期太早。",
    }  # fmt: skip
    (rule,) = [rule for rule in rules_of(class_of(PERSON, [own])) if rule.id == "birth_date.date_between"]

    assert (rule.parameters["from"], rule.severity, rule.message.zh) == ("1900-01-01", "note", "出生日期太早。")


def test_two_rules_of_a_class_on_one_column_are_told_apart() -> None:
    own = [
        {"primitive": "matches", "column": "code", "parameters": {"pattern": one}} for one in ("[A-Z]{2}", "[^I]{2}")
    ]

    found = [one for one in ids([{"name": "code", "type": "text"}], own) if "matches" in one]

    assert found == ["code.matches", "code.matches_2"]


@pytest.mark.parametrize(
    ("name", "last"),
    [
        ("registered_date", "today"),
        ("valid_until", "2199-12-31"),
        ("due_date", "2199-12-31"),
        ("lease_from", "2199-12-31"),
    ],
)
def test_a_date_lies_between_1880_and_today_unless_it_lies_ahead_by_its_nature(name: str, last: str) -> None:
    (rule,) = [
        rule for rule in rules_of(class_of([{"name": name, "type": "date"}])) if rule.primitive == "date_between"
    ]

    assert rule.parameters == {"from": "1880-01-01", "to": last}


@pytest.mark.parametrize(
    "rule",
    [
        {"primitive": "no_such"},
        {"primitive": "phone", "column": "nowhere"},
        {"primitive": "phone"},
        {"primitive": "matches", "column": "text", "parameters": {"pattern": r"\d"}},
        {"primitive": "matches", "column": "text"},
        {"primitive": "matches", "column": "text", "parameters": {"pattern": "a", "flags": "i"}},
        {"primitive": "matches", "column": "number", "parameters": {"pattern": "a"}},
        {"primitive": "number_between", "column": "text", "parameters": {"minimum": 1}},
        {"primitive": "number_between", "column": "number", "parameters": {}},
        {"primitive": "number_between", "column": "number", "parameters": {"minimum": 2, "maximum": 1}},
        {"primitive": "date_between", "column": "day", "parameters": {"from": "2026-02-30"}},
        {"primitive": "date_between", "column": "day", "parameters": {"from": "2026-02-03", "to": "2026-02-02"}},
        {"primitive": "not_before", "column": "day", "parameters": {"other": "text"}},
        {"primitive": "not_before", "column": "day", "parameters": {"other": "nowhere"}},
        {"primitive": "same_as", "column": "text", "parameters": {"other": "number"}},
        {"primitive": "equals_part_of_id", "column": "day", "parameters": {"part": "birth_date", "id": "number"}},
        {"primitive": "equals_part_of_id", "column": "day", "parameters": {"part": "age", "id": "text"}},
        {"primitive": "unique", "parameters": {"columns": []}},
        {"primitive": "unique", "parameters": {"columns": ["text", "nowhere"]}},
        {"primitive": "exists_in", "column": "text", "parameters": {"class": "a.b; DROP", "column": "x"}},
        {"primitive": "exists_in", "column": "text", "parameters": {"class": "a.b", "column": 'x"; --'}},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_the_class_and_the_column(rule: dict[str, Any]) -> None:
    columns = [{"name": "text", "type": "text"}, {"name": "number", "type": "number"}, {"name": "day", "type": "date"}]

    with pytest.raises(Misconfigured, match=r"test\.everything"):
        rules_of(class_of(columns, [rule]))


def test_every_class_of_the_city_has_rules_with_a_dimension_and_words() -> None:
    for definition in reading.definitions().values():
        rules = rules_of(definition)
        assert len({rule.id for rule in rules}) == len(rules)
        for rule in rules:
            assert rule.dimension in Dimension.values
            assert rule.message.zh and "{" not in rule.message.zh + rule.message.en
            assert rule.column in definition.by_name
            PRIMITIVES[rule.primitive].read(rule.parameters)
