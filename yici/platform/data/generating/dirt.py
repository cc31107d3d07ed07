"""What departments get wrong, how often, and the SQL that does it. Every spoilt value is in the ledger.

A row has at most one fault. The rates are shares of the rows of a class that has a column the kind can spoil.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from yici.platform.data.catalogue.definition import ClassDefinition, Column
from yici.platform.data.register.names import HOMOPHONES

# kind: share of rows.
RATES: dict[str, float] = {
    "missing": 0.03,
    "stale_address": 0.04,
    "homophone_name": 0.01,
    "padded": 0.01,
    "wrong_check_digit": 0.006,
    "spreadsheet_number": 0.006,
    "duplicate": 0.005,
    "short_phone": 0.004,
    "swapped_day_month": 0.003,
    "full_width": 0.003,
    "free_text_code": 0.003,
    "impossible_date": 0.002,
    "wrong_sex": 0.002,
    "orphan": 0.002,
}
# Some values cannot be spoilt in that way (a day after the 12th, a name with no known homophone): the share drawn
# is raised by the share of values that can, so that what comes out has the rate of the table.
_CAN_BE = {"swapped_day_month": 0.3614, "homophone_name": 0.83}
MENDED_SHARE, MENDED_WITHIN = 0.7, 60  # of the faults that many are mended, within that many days
LATER_SHARE = 0.5  # faults that come up in the year after, as a share of RATES
LIVING_DEAD = 0.06  # dead people who stay on a list for good

_DIGITS, _WIDE = "0123456789", "０１２３４５６７８９"
_FROM, _TO = "".join(HOMOPHONES), "".join(HOMOPHONES.values())
_WORK_PLACES = ("江苏省昆山市玉山镇", "浙江省宁波市北仑区", "上海市嘉定区安亭镇", "安徽省合肥市肥西县")
_STALE = ("person.residential_address", "person.mailing_address", "household.address", "person.registered_address")

MACROS = f"""
CREATE MACRO misheard(name) AS CASE
  WHEN translate(right(name, 1), '{_FROM}', '{_TO}') <> right(name, 1)
    THEN left(name, -1) || translate(right(name, 1), '{_FROM}', '{_TO}')
  ELSE left(name, 1) || translate(substr(name, 2), '{_FROM}', '{_TO}') END;
CREATE MACRO id_check(stem) AS stem || substr('10X98765432', 1 + (
  {
    " + ".join(
        f"{weight} * CAST(substr(stem, {place}, 1) AS INTEGER)"
        for place, weight in enumerate((7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), 1)
    )
}) % 11, 1);
CREATE MACRO next_check(value) AS left(value, -1) ||
  CASE right(value, 1) WHEN '9' THEN '0' WHEN 'X' THEN '1' ELSE CAST((CAST(right(value, 1) AS INTEGER) + 1) AS VARCHAR) END;
CREATE MACRO swapped_in(text, right_one, wrong_one) AS replace(text, right_one, wrong_one);
"""


@dataclass(frozen=True)
class Slot:
    """A fault of one kind in one column: a row has it where its draw lies in [low, high)."""

    kind: str
    column: str
    low: float
    high: float

    def holds(self, draw: str) -> str:
        return f"({draw} >= {self.low!r} AND {draw} < {self.high!r})"


def slots(definition: ClassDefinition) -> tuple[Slot, ...]:
    """The faults the class can have, side by side in [0, total)."""
    found: list[Slot] = []
    low = 0.0
    for kind, rate in RATES.items():
        names = [""] if kind == "duplicate" else [column.name for column in _spoilable(kind, definition)]
        width = rate / _CAN_BE.get(kind, 1.0) / max(len(names), 1)
        for name in names:
            found.append(Slot(kind, name, low, low + width))
            low += width
    return tuple(found)


def total(found: Sequence[Slot]) -> float:
    return found[-1].high if found else 0.0


def watermark(column: Column) -> bool:
    """When the department last touched the row: kept by its database, so never wrong."""
    return column.type == "datetime" and column.name == "updated_at"


def _spoilable(kind: str, definition: ClassDefinition) -> Iterator[Column]:
    columns = [column for column in definition.columns if not watermark(column)]
    static = any(channel.kind == "static" for channel in definition.channels)
    refers = {rule.column for rule in definition.rules if rule.primitive == "exists_in"}
    for column in columns:
        check, is_key = column.check, column.name in definition.key
        suits = {
            "missing": not is_key,
            "stale_address": column.element in _STALE,
            "homophone_name": check == "person_name",
            "padded": column.type == "text" and not is_key,
            "wrong_check_digit": check == "id_number",
            "spreadsheet_number": static and check in ("id_number", "bank_card"),
            "short_phone": check == "phone",
            "swapped_day_month": column.type == "date",
            "full_width": check in ("phone", "id_number", "bank_card"),
            "free_text_code": column.type == "code" and not is_key and bool(column.code_list),
            "impossible_date": column.type == "date",
            "wrong_sex": column.element == "person.sex" and _has_id(columns),
            "orphan": column.name in refers and check == "id_number",
        }
        if suits[kind]:
            yield column


def _has_id(columns: Sequence[Column]) -> bool:
    return any(column.element == "person.id_number" for column in columns)


def spoilt(slot: Slot, column: Column, spelled: str, value: str, date_format: str) -> str:
    """SQL of the faulty text. `spelled` is the right text, `value` the typed value it was written from."""
    places = ", ".join(f"'{place}'" for place in _WORK_PLACES)
    if slot.kind == "missing":
        return "CAST(NULL AS VARCHAR)"
    if slot.kind == "stale_address":
        return f"CASE WHEN {spelled} IS NULL THEN NULL ELSE ([{places}])[1 + n % 4] || CAST(1 + n % 399 AS VARCHAR) || '号' END"
    if slot.kind == "homophone_name":
        return f"misheard({spelled})"
    if slot.kind == "padded":
        return f"CASE WHEN n % 2 = 0 THEN {spelled} || '　' ELSE ' ' || {spelled} || ' ' END"
    if slot.kind == "wrong_check_digit":
        return f"next_check({spelled})"
    if slot.kind == "spreadsheet_number":
        return (
            f"CASE WHEN {spelled} IS NULL THEN NULL ELSE substr({spelled}, 1, 1) || '.' || substr({spelled}, 2, 5) || 'E+' ||"
            f" CAST(length({spelled}) - 1 AS VARCHAR) END"
        )
    if slot.kind == "short_phone":
        return f"left({spelled}, -1)"
    if slot.kind == "swapped_day_month":
        swapped = f"make_date(year({value}), day({value}), month({value}))"
        return f"CASE WHEN day({value}) <= 12 THEN strftime({swapped}, '{date_format}') ELSE {spelled} END"
    if slot.kind == "full_width":
        return f"translate({spelled}, '{_DIGITS}', '{_WIDE}')"
    if slot.kind == "free_text_code":
        return f"CASE WHEN {spelled} IS NULL THEN NULL WHEN n % 2 = 0 THEN '不详' ELSE '见档案' END"
    if slot.kind == "impossible_date":
        return f"CASE WHEN {value} IS NULL THEN NULL ELSE CAST(year({value}) AS VARCHAR) || '-02-30' END"
    if slot.kind == "wrong_sex":
        return f"CASE {spelled} WHEN '1' THEN '2' WHEN '2' THEN '1' WHEN '男' THEN '女' WHEN '女' THEN '男' END"
    if slot.kind == "orphan":
        return f"CASE WHEN {spelled} IS NULL THEN NULL ELSE id_check('110101' || substr({spelled}, 7, 11)) END"
    raise ValueError(slot.kind)
