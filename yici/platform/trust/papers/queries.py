"""Reading the readings: always through who is asking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from yici.base.errors import NotFound
from yici.core.people.models import Account
from yici.core.vocabulary import queries as vocabulary
from yici.platform.trust.models import PaperReading
from yici.platform.trust.papers.checking import LOW
from yici.platform.trust.papers.layouts import LAYOUTS, kinds_of_certificate

__all__ = [
    "ShownField",
    "confirmed_values",
    "kinds_of_certificate",
    "own_reading",
    "readings_of_files",
    "shown_fields",
    "title_of",
]


@dataclass(frozen=True)
class ShownField:
    """One line of the confirmation. `boxes`: x, y, width, height in pixels of the upright picture."""

    element: str
    label: str
    kind: str
    value: str
    percent: int
    problems: tuple[str, ...]
    boxes: tuple[tuple[int, int, int, int], ...]
    options: tuple[tuple[str, str], ...]
    error: str
    number: int

    @property
    def is_sure(self) -> bool:
        return not self.problems and self.percent >= LOW * 100


def own_reading(account: Account, reading_id: int) -> PaperReading:
    """A reading the account asked for itself. Raises `NotFound`."""
    reading = (
        PaperReading.objects.select_related("file", "asked_by")
        .filter(pk=reading_id, asked_by=account, batch=None)
        .first()
    )
    if reading is None:
        raise NotFound()
    return reading


def readings_of_files(account: Account, file_ids: list[int]) -> dict[int, PaperReading]:
    """The account's latest reading of each file."""
    rows = PaperReading.objects.filter(file_id__in=file_ids, asked_by=account, batch=None).order_by("pk")
    return {row.file_id: row for row in rows}


def title_of(reading: PaperReading) -> str:
    return LAYOUTS[reading.kind].title if reading.kind in LAYOUTS else ""


def confirmed_values(reading: PaperReading) -> dict[str, str]:
    """Element → what a person confirmed; nothing before that."""
    if reading.state != PaperReading.State.CONFIRMED:
        return {}
    return {element: one["confirmed"] for element, one in reading.fields.items() if one.get("confirmed")}


def shown_fields(
    reading: PaperReading, posted: dict[str, str] | None = None, errors: dict[str, str] | None = None
) -> list[ShownField]:
    """Fields in the order of the paper; after a refused confirmation with what was typed and what is wrong."""
    shown = []
    for number, element in enumerate(_in_order(reading), 1):
        one = reading.fields[element]
        value = (posted or {}).get(element, one.get("confirmed", one["value"]))
        shown.append(_shown(reading, number, element, one, value, (errors or {}).get(element, "")))
    return shown


def _in_order(reading: PaperReading) -> list[str]:
    """Elements as they follow on the paper; those of its other side at the end."""
    wanted = [rule.element for layout in LAYOUTS.values() if layout.kind == reading.kind for rule in layout.rules]
    return sorted(reading.fields, key=lambda element: wanted.index(element) if element in wanted else len(wanted))


def _shown(reading: PaperReading, number: int, element: str, one: dict[str, Any], value: str, error: str) -> ShownField:
    item = vocabulary.element(element)
    options: tuple[tuple[str, str], ...] = ()
    if item.code_list:
        options = tuple((code.code, str(code.label)) for code in vocabulary.code_list(item.code_list).codes)
        if value and value not in dict(options):  # what was read is no code: shown, so that it can be told
            options = ((value, value), *options)
    kind = "select" if options else "date" if item.type == "date" and _is_date(value) else "text"
    boxes = tuple(
        (
            round(left * reading.width) - 4,
            round(top * reading.height) - 4,
            round((right - left) * reading.width) + 8,
            round((bottom - top) * reading.height) + 8,
        )
        for left, top, right, bottom in one["boxes"]
    )
    return ShownField(
        element, str(item.label), kind, value, round(one["confidence"] * 100), tuple(one["problems"]), boxes, options,
        error, number,
    )  # fmt: skip


def _is_date(value: str) -> bool:
    return not value or (len(value) == 10 and value[4] == value[7] == "-")
