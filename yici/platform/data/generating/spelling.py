"""How a department writes a value: dates, money, yes and no, codes or their words. Gives SQL from typed value to text."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from yici.base.sql import text
from yici.core.vocabulary import queries as vocabulary
from yici.platform.data.catalogue.definition import ClassDefinition, Column

_DATES = ("%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%Y年%m月%d日")
_YES_NO = (("是", "否"), ("1", "0"), ("Y", "N"))


@dataclass(frozen=True)
class Style:
    """The habits of one department."""

    dates: str
    yes: str
    no: str
    writes_labels: bool


def style_of(definition: ClassDefinition) -> Style:
    """The same for all classes of a department, different from its neighbour's; static sheets are written in words."""
    number = blake2b(definition.department.encode(), digest_size=4).digest()
    static = definition.channels[0].kind == "static"
    yes, no = _YES_NO[0] if static else _YES_NO[number[1] % 3]
    return Style(_DATES[number[0] % 4], yes, no, static or number[2] % 3 == 0)


def spelled(column: Column, style: Style) -> str:
    """SQL text of the column, whose typed value bears the column's name."""
    name = f'"{column.name}"'
    if column.type == "date":
        return f"strftime({name}, '{style.dates}')"
    if column.type == "datetime":
        return f"strftime({name}, '%Y-%m-%d %H:%M:%S')"
    if column.type == "money":
        return _money(name, column.unit_in_source)
    if column.type == "yes_no":
        return f"CASE WHEN {name} THEN '{style.yes}' WHEN NOT {name} THEN '{style.no}' END"
    if column.type == "code" and column.code_list and style.writes_labels:
        return _label(name, column.code_list)
    return f"CAST({name} AS VARCHAR)"


def _money(name: str, unit: str) -> str:
    """`name` is fen."""
    if unit == "ten_thousand_yuan":
        return f"rtrim(rtrim(CAST(CAST({name} AS DECIMAL(18,6)) / 1000000 AS DECIMAL(18,4))::VARCHAR, '0'), '.')"
    if unit == "fen":
        return f"CAST({name} AS VARCHAR)"
    return f"CAST({name} // 100 AS VARCHAR) || '.' || lpad(CAST({name} % 100 AS VARCHAR), 2, '0')"


def _label(name: str, list_id: str) -> str:
    codes = vocabulary.code_list(list_id).codes
    keys = ", ".join(text(code.code) for code in codes)
    words = ", ".join(text(code.label.zh) for code in codes)
    return f"([{words}])[list_position([{keys}], {name})]"
