"""How a value is shown: in full for those who may, masked for everybody else."""

from __future__ import annotations

import datetime as dt
import re

from django.utils.translation import get_language

from yici.base.errors import Invalid
from yici.core.places import queries as places
from yici.core.vocabulary import queries
from yici.core.vocabulary.definitions import Element
from yici.core.vocabulary.errors import UnknownCodeList
from yici.core.vocabulary.rules.checking import yuan

HIDDEN = "****"

# A city has some 1,500 divisions and renames one a year: names stay for the life of the process.
_division_names: dict[tuple[str, str], str] = {}

_TOWNSHIP = ("街道", "办事处", "镇", "乡")
_COUNTY = ("县", "区", "市")
_VILLAGE = re.compile(r"[^0-9０-９]{0,20}?(?:社区|村委会|居委会|村)")


def display(element: Element | str, value: str) -> str:
    """The stored value in words: a code's label, 2026年11月23日, 1,234.50 元. Unreadable values as they are."""
    item = queries.element(element) if isinstance(element, str) else element
    if not value:
        return ""
    match item.type:
        case "date":
            return _date_in_words(value)
        case "money":
            return f"{yuan(int(value))} 元" if re.fullmatch(r"-?[0-9]{1,18}", value) else value
        case "code" | "yes_no":
            return _label(item, value)
        case "number" if item.unit:
            return f"{value} {item.unit}"
        case "text" if item.check == "division":
            return division_name(value) or value
        case _:
            return value


def division_name(code: str) -> str:
    """The full name of a division in the active language; empty where the places kernel does not know the code."""
    language = "en" if (get_language() or "zh").startswith("en") else "zh"
    if (code, language) not in _division_names:
        try:
            found = places.division(code)
        except (places.UnknownDivision, Invalid):
            return ""
        _division_names[code, language] = (found.english if language == "en" else "") or found.full_name
    return _division_names[code, language]


def _label(item: Element, value: str) -> str:
    try:
        return queries.code_list(item.code_list or "").label(value)
    except UnknownCodeList:
        return value


def _date_in_words(value: str) -> str:
    try:
        day = dt.date.fromisoformat(value[:10])
    except ValueError:
        return value
    if (get_language() or "zh").startswith("en"):
        return f"{day.day} {day:%B} {day.year}"
    return f"{day.year}年{day.month}月{day.day}日"


def mask(element: Element | str, value: str) -> str:
    """The value with its personal part hidden, by the element's form and sensitivity (GB/T 35273 §7.2)."""
    item = queries.element(element) if isinstance(element, str) else element
    if not value:
        return ""
    if not item.is_personal:
        return display(item, value)
    if item.check in _BY_CHECK:
        return _BY_CHECK[item.check](value)
    if item.type == "date":
        return f"{value[:4]}年**月**日" if re.match(r"[0-9]{4}-", value) else HIDDEN
    if item.sensitivity == "personal":
        return display(item, value)
    return _tail(value) if item.type == "text" else HIDDEN


def mask_name(name: str) -> str:
    """李梅 → 李*, 李小梅 → 李*梅, 欧阳小梅 → 欧**梅."""
    if len(name) <= 1:
        return "*"
    if len(name) == 2:
        return name[0] + "*"
    return name[0] + "*" * (len(name) - 2) + name[-1]


def _mask_holder(name: str) -> str:
    return mask_name(name) if len(name) <= 4 or "·" in name else name


def _mask_number(number: str) -> str:
    """First and last four stay where at least eight in between are hidden, as on an identity number."""
    if len(number) < 16:
        return _tail(number)
    return number[:4] + "*" * (len(number) - 8) + number[-4:]


def _mask_phone(number: str) -> str:
    return number[:3] + "****" + number[-4:] if len(number) == 11 else _tail(number)


def _mask_plate(number: str) -> str:
    return number[:2] + "*" * max(len(number) - 4, 3) + number[-2:] if len(number) >= 7 else HIDDEN


def _mask_email(address: str) -> str:
    local, at, domain = address.partition("@")
    return f"{local[0]}***@{domain}" if local and at else HIDDEN


def _tail(value: str) -> str:
    """The last four of a long identifier, nothing of anything else."""
    return HIDDEN + value[-4:] if len(value) >= 8 and re.fullmatch(r"[0-9A-Za-z-]{8,60}", value) else HIDDEN


def _mask_address(address: str) -> str:
    """As far as the village or community, else the township, else the county; the door is never shown."""
    address = address[:300]
    end = _end_of_first(address, _TOWNSHIP)
    village = _VILLAGE.match(address, end) if end else None
    if village:
        end = village.end()
    if not end:
        end = max((address.find(word) + 1 for word in _COUNTY), default=0)
    return address[:end] + HIDDEN


def _end_of_first(text: str, words: tuple[str, ...]) -> int:
    ends = [text.find(word) + len(word) for word in words if word in text]
    return min(ends, default=0)


_BY_CHECK = {
    "address": _mask_address,
    "bank_card": _tail,
    "disability_certificate": _mask_number,
    "email": _mask_email,
    "holder_name": _mask_holder,
    "id_number": _mask_number,
    "landline": _tail,
    "person_name": mask_name,
    "phone": _mask_phone,
    "plate": _mask_plate,
    "property_unit": _tail,
    "vin": _tail,
}
