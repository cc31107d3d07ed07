"""What standard form and the primitives mean, by example."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from tests.platform.data.rules.tables import TODAY, class_of
from yici.platform.data.rules import reference
from yici.platform.data.rules.deriving import rules_of


@pytest.mark.parametrize(
    ("column", "raw", "value"),
    [
        ({"type": "text"}, "　某某公司\n", "某某公司"),
        ({"type": "text"}, "无", "无"),
        ({"type": "text"}, " \u00a0　", None),
        ({"element": "person.id_number"}, "１１０１０５１９４９１２３１００２ｘ", "11010519491231002X"),
        ({"element": "person.id_number"}, "不详", None),
        ({"element": "person.name"}, "无", "无"),
        ({"element": "person.name"}, "张　三", "张 三"),
        ({"element": "person.phone"}, "+86 138-0000-0001", "13800000001"),
        ({"type": "date"}, "2017年2月3日", dt.date(2017, 2, 3)),
        ({"type": "date"}, "2017-02-03 00:00:00", dt.date(2017, 2, 3)),
        ({"type": "date"}, "2017-02-03 08:00:00", None),
        ({"type": "date"}, "1582-10-10", dt.date(1582, 10, 10)),
        ({"type": "date"}, "0000-01-01", None),
        ({"type": "date"}, "1990-02-30", None),
        ({"type": "datetime"}, "20170203040506", dt.datetime(2017, 2, 3, 4, 5, 6)),
        ({"type": "datetime"}, "2017-02-03T04:05:06+08:00", dt.datetime(2017, 2, 3, 4, 5, 6)),
        ({"type": "datetime"}, "2017-02-03T04:05:06Z", None),
        ({"type": "number"}, "1,234.5678505", Decimal("1234.567851")),
        ({"type": "number"}, "115.778512", Decimal("115.778512")),
        ({"type": "number"}, "12,34", None),
        ({"type": "money"}, "1,234.50", 123450),
        ({"type": "money", "unit_in_source": "fen"}, "123450", 123450),
        ({"type": "money", "unit_in_source": "ten_thousand_yuan"}, "1.5", 1_500_000),
        ({"type": "money", "unit_in_source": "fen"}, "1.5万元", 1_500_000),
        ({"type": "money"}, "0.001", None),
        ({"type": "yes_no"}, "是", "yes"),
        ({"type": "yes_no"}, "无", "no"),
        ({"type": "yes_no"}, "也许", None),
        ({"element": "person.sex"}, "女", "2"),
        ({"element": "person.ethnicity"}, "1", "01"),
        ({"element": "person.ethnicity"}, "汉族", "01"),
    ],
)
def test_standard_form(column: dict[str, Any], raw: str, value: object) -> None:
    definition = class_of([{"name": "value", **column}])

    assert reference.standard(definition.by_name["value"], raw) == value


COLUMNS = [
    {"name": "number", "type": "text"},
    {"name": "kind", "type": "text"},
    {"name": "start", "type": "date"},
    {"name": "closed", "type": "date"},
    {"name": "sum", "type": "money"},
]


@pytest.mark.parametrize(
    ("rule", "row", "verdict"),
    [
        ({"primitive": "not_before", "column": "closed", "parameters": {"other": "start"}}, {"start": "20260102", "closed": "20260101"}, True),
        ({"primitive": "not_before", "column": "closed", "parameters": {"other": "start"}}, {"start": "20260101", "closed": "20260101"}, False),
        ({"primitive": "not_before", "column": "closed", "parameters": {"other": "start"}}, {"start": "无", "closed": "20260101"}, None),
        ({"primitive": "not_after", "column": "start", "parameters": {"other": "closed"}}, {"start": "20260102", "closed": "20260101"}, True),
        ({"primitive": "required_if", "column": "closed", "parameters": {"other": "kind", "equals": "2"}}, {"kind": "2"}, True),
        ({"primitive": "required_if", "column": "closed", "parameters": {"other": "kind", "equals": "2"}}, {"kind": "1"}, None),
        ({"primitive": "required_if", "column": "closed", "parameters": {"other": "kind", "equals": "2"}}, {"kind": "2", "closed": "写错"}, False),
        ({"primitive": "forbidden_if", "column": "closed", "parameters": {"other": "kind", "equals": ["1", "3"]}}, {"kind": "3", "closed": "20260101"}, True),
        ({"primitive": "forbidden_if", "column": "closed", "parameters": {"other": "kind", "equals": ["1", "3"]}}, {"kind": "3", "closed": "-"}, False),
        ({"primitive": "fresh_within", "column": "start", "parameters": {"days": 30}}, {"start": "2026-10-26"}, True),
        ({"primitive": "fresh_within", "column": "start", "parameters": {"days": 31}}, {"start": "2026-10-26"}, False),
        ({"primitive": "not_in_future", "column": "start"}, {"start": "2026-11-27"}, True),
        ({"primitive": "number_between", "column": "sum", "parameters": {"minimum": 0}}, {"sum": "-0.01"}, True),
        ({"primitive": "in_list", "column": "kind", "parameters": {"values": ["a", "b"]}}, {"kind": "c"}, True),
        ({"primitive": "length_between", "column": "kind", "parameters": {"minimum": 2, "maximum": 2}}, {"kind": "𠮷田"}, False),
        ({"primitive": "plain_text", "column": "kind", "parameters": {"kind": "words"}}, {"kind": "a\x00b"}, True),
        ({"primitive": "matches", "column": "kind", "parameters": {"pattern": "a+"}}, {"kind": "a" * 501}, True),
    ],
)  # fmt: skip
def test_primitives(rule: dict[str, Any], row: dict[str, str], verdict: bool | None) -> None:
    definition = class_of(COLUMNS, [rule])
    (own,) = [one for one in rules_of(definition) if (one.primitive, one.column) == (rule["primitive"], rule["column"])]

    assert reference.judge(definition, [own], {"number": "1", **row}, TODAY) == {own.id: verdict}


def test_what_cannot_be_read_fails_its_type_and_is_not_called_blank() -> None:
    definition = class_of([{"name": "number", "type": "text"}, {"name": "day", "type": "date", "required": True}])

    failed = reference.failures(definition, rules_of(definition), {"number": "1", "day": "1990-02-30"}, TODAY)

    assert failed == ["day.type"]


def test_alike_rows_keep_the_first_and_contradicting_ones_are_all_held() -> None:
    definition = class_of([{"name": "number", "type": "text"}, {"name": "name", "type": "text"}])
    rules = rules_of(definition)
    rows = [("1", "甲"), ("1", "甲 "), ("2", "乙"), ("2", "丙"), ("3", "丁"), ("", "戊"), ("", "戊")]

    verdicts = [
        one.verdicts for one in reference.screen(definition, rules, [{"number": a, "name": b} for a, b in rows], TODAY)
    ]

    assert [one["key.unique"] for one in verdicts] == [False, True, True, True, False, None, None]


def test_a_wrong_identity_number_proves_nothing_about_birth_date_and_sex() -> None:
    definition = class_of(
        [{"name": "id_number", "element": "person.id_number"}, {"name": "birth_date", "element": "person.birth_date"}]
    )
    wrong, right = "110105194912310021", "11010519491231002X"
    rules = rules_of(definition)

    assert reference.failures(definition, rules, {"id_number": wrong, "birth_date": "1949-12-30"}, TODAY) == [
        "id_number.cn_id"
    ]
    assert reference.failures(definition, rules, {"id_number": right, "birth_date": "1949-12-30"}, TODAY) == [
        "birth_date.equals_part_of_id"
    ]
