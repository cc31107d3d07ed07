"""Which rules a class has: those its columns bring along, its key, and its own. Pure; asks the vocabulary only.

A rule the class states itself takes the place of a derived one with the same id, `<column>.<primitive>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _
from pydantic import ValidationError

from yici.base.errors import Misconfigured
from yici.base.text import Text
from yici.core.vocabulary import queries as vocabulary
from yici.core.vocabulary.definitions import Element
from yici.platform.data.catalogue.definition import ClassDefinition, Column, RuleEntry
from yici.platform.data.rules.checks import ELEMENT_PATTERNS
from yici.platform.data.rules.language import Rule, Severity
from yici.platform.data.rules.primitives import PRIMITIVES, OtherEquals, Parameters, PartOfId, Primitive, Unique

__all__ = ["LONGEST_TEXT", "rules_by_id", "rules_of"]

# Text of a column without an element, in characters.
LONGEST_TEXT = 1000
# Days that lie ahead by their nature: no bound of today for them. 2099-12-31 is how many systems write 长期.
_AHEAD = re.compile(
    r"(^|_)(until|valid|expires?|expiry|due|deadline|end|ends|to|next|planned|expected|scrap|start|from)(_|$)"
)
_LAST_DAY = "2199-12-31"
_CHECK_PRIMITIVES = {
    "id_number": "cn_id",
    "uscc": "uscc",
    "phone": "phone",
    "plate": "plate",
    "vin": "vin",
    "bank_card": "bank_card",
    "division": "division",
}
_ONE_LINE = ("person_name", "holder_name", "address")
# Shortest name or address `vocabulary.rules` takes.
_SHORTEST = {"person_name": 2, "holder_name": 2, "address": 4}
_LONGEST = {"person_name": 50, "holder_name": 100, "address": 150}


def rules_of(definition: ClassDefinition) -> tuple[Rule, ...]:
    """Every rule of the class, columns in their order, then the key, then what concerns the row.

    Raises `Misconfigured` for an unknown primitive or column, wrong parameters, or a primitive on the wrong type.
    """
    own = _own(definition)
    stated = {(rule.column, rule.primitive) for rule in own}
    found: dict[str, Rule] = {}
    for column in definition.columns:
        found |= {rule.id: rule for rule in _of_column(definition, column, stated)}
    found |= {rule.id: rule for rule in _of_identity(definition)}
    words = "、".join(str(definition.by_name[name].label) for name in definition.key)
    key = {"columns": list(definition.key)}
    found["key.unique"] = _rule("key.unique", "unique", definition.key[0], key, Text(zh=words))
    found |= {rule.id: rule for rule in own}
    return tuple(found.values())


def rules_by_id(definition: ClassDefinition) -> dict[str, Rule]:
    """The same, each under its id."""
    return {rule.id: rule for rule in rules_of(definition)}


def _rule(
    rule_id: str,
    primitive: str,
    column: str,
    parameters: dict[str, Any],
    label: Text,
    severity: Severity = "quarantine",
    message: Text | None = None,
) -> Rule:
    known = PRIMITIVES[primitive]
    words = message or Text(
        zh=known.message.zh.format(label=label.zh), en=known.message.en.format(label=label.en or label.zh)
    )
    return Rule(rule_id, primitive, column, known.dimension, parameters, severity, words)


def _of_column(definition: ClassDefinition, column: Column, stated: set[tuple[str, str]]) -> Iterator[Rule]:
    def rule(primitive: str, suffix: str = "", **parameters: Any) -> Rule:
        return _rule(f"{column.name}.{suffix or primitive}", primitive, column.name, parameters, column.label)

    if column.name in definition.needed:
        yield rule("not_blank")
    if column.type == "text":
        yield from _of_text(column, rule)
    elif column.type == "code":
        if column.code_list:
            yield rule("in_code_list", list=column.code_list)
    else:
        yield rule("type")
    if column.type in ("date", "datetime") and (column.name, "date_between") not in stated:
        bounded = (column.name, "not_in_future") in stated or _AHEAD.search(column.name)
        yield rule("date_between", **{"from": "1880-01-01", "to": _LAST_DAY if bounded else "today"})
    element = vocabulary.element(column.element) if column.element else None
    if element and column.type in ("number", "money"):
        yield from _of_amount(element, rule)


def _of_text(column: Column, rule: Any) -> Iterator[Rule]:
    check = column.check
    if check in _CHECK_PRIMITIVES:
        yield rule(_CHECK_PRIMITIVES[check])
        return
    if check == "disability_certificate":
        yield rule("cn_id", prefix=True)
    if check == "email":
        yield rule("matches", "email_length", pattern="[^@]{1,64}@[^@]{1,189}")
    if check == "year":
        yield rule("year_between")
    if check in ELEMENT_PATTERNS:
        yield rule("matches", check, pattern=ELEMENT_PATTERNS[check])
    if check in ELEMENT_PATTERNS and check != "person_name":
        return
    longest = vocabulary.element(column.element).max_length if column.element else LONGEST_TEXT
    longest = min(longest, _LONGEST.get(check, longest))
    yield rule("length_between", minimum=_SHORTEST.get(check, 0), maximum=longest)
    if check != "person_name":
        kind = "one_line" if check in _ONE_LINE else "lines" if longest > 200 else "words"
        yield rule("plain_text", kind=kind)


def _of_amount(element: Element, rule: Any) -> Iterator[Rule]:
    if element.check == "whole_number":
        yield rule("whole_number")
    if element.minimum is not None or element.maximum is not None:
        bounds = {"minimum": element.minimum, "maximum": element.maximum}
        yield rule("number_between", **{name: str(limit) for name, limit in bounds.items() if limit is not None})


def _of_identity(definition: ClassDefinition) -> Iterator[Rule]:
    """Birth date and sex against the identity number, where all are of the person the row is about."""
    by_element = {column.element: column for column in definition.columns if column.element}
    number = by_element.get("person.id_number")
    if number is None:
        return
    for element, part, kind in (("person.birth_date", "birth_date", "date"), ("person.sex", "sex", "code")):
        column = by_element.get(element)
        if column and column.type == kind:
            parameters = {"part": part, "id": number.name}
            yield _rule(f"{column.name}.equals_part_of_id", "equals_part_of_id", column.name, parameters, column.label)


def _own(definition: ClassDefinition) -> list[Rule]:
    rules: dict[str, Rule] = {}
    for entry in definition.rules:
        rule = _own_rule(definition, entry)
        rule_id, number = rule.id, 1
        while rule.id in rules:
            number += 1
            rule = replace(rule, id=f"{rule_id}_{number}")
        rules[rule.id] = rule
    return list(rules.values())


def _own_rule(definition: ClassDefinition, entry: RuleEntry) -> Rule:
    known = PRIMITIVES.get(entry.primitive)
    if known is None:
        raise _wrong(definition, entry, _("没有这种规则"))
    try:
        parameters = known.read(entry.parameters)
    except (ValidationError, Misconfigured) as error:
        raise _wrong(definition, entry, str(error)) from error
    column = entry.column or (parameters.columns_used()[0] if entry.primitive == "unique" else "")
    for name in (column, *parameters.columns_used()):
        if name not in definition.by_name:
            raise _wrong(definition, entry, _("本类没有 %(name)s 这一列") % {"name": name or "—"})
    _check_types(definition, entry, known, column, parameters)
    owner = "_".join(parameters.columns_used()) if entry.primitive == "unique" else column
    plain = parameters.model_dump(mode="json", by_alias=True, exclude_none=True)
    return _rule(
        f"{owner}.{entry.primitive}", entry.primitive, column, plain, definition.by_name[column].label,
        entry.severity, entry.message,
    )  # fmt: skip


def _check_types(
    definition: ClassDefinition, entry: RuleEntry, known: Primitive, column: str, parameters: Parameters
) -> None:
    kind = definition.by_name[column].type
    if known.types and kind not in known.types:
        raise _wrong(definition, entry, _("这种规则不能用在类型为 %(type)s 的列上") % {"type": kind})
    if isinstance(parameters, OtherEquals | Unique):
        return
    for name in parameters.columns_used():
        other = definition.by_name[name].type
        alike = other == kind or (known.name != "same_as" and {other, kind} <= {"date", "datetime"})
        if isinstance(parameters, PartOfId):
            alike = other == "text" and kind == ("date" if parameters.part == "birth_date" else "code")
        if not alike:
            raise _wrong(definition, entry, _("%(name)s 列的类型不能这样比较") % {"name": name})


def _wrong(definition: ClassDefinition, entry: RuleEntry, why: str) -> Misconfigured:
    message = _("数据类 %(class)s 的规则 %(primitive)s（列 %(column)s）有误：%(why)s。")
    return Misconfigured(
        message % {"class": definition.id, "primitive": entry.primitive, "column": entry.column or "—", "why": why}
    )
