"""A few failing rows as an issue may show them: only the columns the rule is about, every personal value masked.

Nothing leaves here in clear that says something of a person; the row number leads the unit to the row at its source.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from yici.core.vocabulary import queries as vocabulary
from yici.core.vocabulary import rules as vocabulary_rules
from yici.platform.data.catalogue.definition import ClassDefinition, Column
from yici.platform.data.rules.language import Rule

__all__ = ["LIMIT", "masked"]

LIMIT = 5
HIDDEN = "****"
_LONGEST = 60  # characters of a value without personal content
# Numbers of people and their papers, should a source have slipped them into a column of another kind.
_LONG_NUMBER = re.compile(r"[0-9０-９]{6,}[0-9０-９Xx]")
_NUMBERS = frozenset({"id_number", "phone", "bank_card", "disability_certificate", "vin", "birth_certificate"})
_PLAIN_NUMBER = re.compile(r"[0-9A-Za-z-]+")
_LONGEST_NAME = 4


def masked(definition: ClassDefinition, rule: Rule, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """At most five of {row, reason, values}: `values` by lake name, masked. `rows` hold `row` and raw values."""
    columns = _columns(definition, rule)
    found = []
    for row in rows:
        values = {column.name: _masked(column, row.get(column.name)) for column in columns if column.name in row}
        found.append({"row": int(row["row"]), "reason": rule.message.zh or rule.id, "values": values})
        if len(found) == LIMIT:
            break
    return found


def _columns(definition: ClassDefinition, rule: Rule) -> list[Column]:
    """Key, the column that is blamed, and those the rule compares it with, in the order of the class."""
    named = {rule.column, *definition.key}
    for value in rule.parameters.values():
        named |= {value} if isinstance(value, str) else set(value) if isinstance(value, list | tuple) else set()
    return [column for column in definition.columns if column.name in named]


def _masked(column: Column, raw: Any) -> str:
    """What stays is the form of a number, the first and last character of a name, the year of a date.

    A wrong value need not be what its column says: columns shift, and a name may stand where a number should. So a
    mask is used only on a value that has the form the mask is made for, and everything else is hidden whole.
    """
    value = "" if raw is None else str(raw).strip()
    if not value:
        return ""
    if not column.is_personal:
        shown = _LONG_NUMBER.sub(HIDDEN, value)[:_LONGEST]
        return shown if column.type == "text" or shown.isascii() else vocabulary_rules.mask_name(shown)
    if not column.element:
        return HIDDEN
    element = vocabulary.element(column.element)
    fits = (
        (element.check in _NUMBERS and _PLAIN_NUMBER.fullmatch(value))
        or (element.check == "person_name" and (len(value) <= _LONGEST_NAME or "·" in value))
        or element.type == "date"
    )
    shown = vocabulary_rules.mask(element, value) if fits else HIDDEN
    return HIDDEN if shown == value else shown
