"""Single values against fixed forms, on values in standard form: what `vocabulary.rules` asks, without its sentences.

Patterns are in the dialect of `patterns`, so the templates hand the very same ones to the engines.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Set
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from yici.base.cityfolder import city_folder
from yici.core.vocabulary import queries as vocabulary
from yici.core.vocabulary.rules.identity import EARLIEST_BIRTH, PROVINCES, check_digit_of_id

__all__ = [
    "BANK_CARD", "CANONICAL", "DIVISION", "EARLIEST_BIRTH", "ELEMENT_PATTERNS", "ID_NUMBER", "PHONE", "PLATE", "USCC", "USCC_ALPHABET", "VIN",
    "as_text", "birth_date", "codes", "day_of", "division_codes", "is_bank_card", "is_division", "is_id_number",
    "is_plain", "is_uscc", "not_plain", "sex",
]  # fmt: skip

_REGION = f"(?:{'|'.join(sorted(PROVINCES))})"
ID_NUMBER = f"{_REGION}[0-9]{{15}}[0-9X]"
BANK_CARD = "[0-9]{13,19}"
DIVISION = f"{_REGION}[0-9]{{10}}"
PHONE = "1[3-9][0-9]{9}"
VIN = "[0-9A-HJ-NPR-Z]{17}"
USCC = "[0-9A-HJ-NP-RTUWXY]{2}[0-9]{6}[0-9A-HJ-NP-RTUWXY]{10}"
USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_PROVINCE = "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼]"
PLATE = (
    f"{_PROVINCE}[A-HJ-NP-Z](?:[A-HJ-NP-Z0-9]{{4}}[A-HJ-NP-Z0-9挂学警港澳]"
    "|[A-HJK][A-HJ-NP-Z0-9][0-9]{4}|[0-9]{5}[A-HJK])"
)
# Letters by blocks, not by Unicode class: the engines carry Unicode tables of different years.
_LETTERS = (
    (0x41, 0x5A), (0x61, 0x7A), (0xAA, 0xAA), (0xB5, 0xB5), (0xBA, 0xBA), (0xC0, 0xD6), (0xD8, 0xF6), (0xF8, 0x2C1),
    (0x370, 0x373), (0x376, 0x377), (0x386, 0x386), (0x388, 0x38A), (0x38E, 0x3A1), (0x3A3, 0x3F5), (0x3F7, 0x481),
    (0x48A, 0x52F), (0x531, 0x556), (0x561, 0x587), (0x5D0, 0x5EA), (0x620, 0x64A), (0x671, 0x6D3), (0x904, 0x939),
    (0xE01, 0xE30), (0xF40, 0xF47), (0xF49, 0xF6C), (0x1000, 0x102A), (0x10D0, 0x10FA), (0x1200, 0x1248),
    (0x1820, 0x1878), (0x1E00, 0x1F15), (0x3005, 0x3007), (0x3041, 0x3096), (0x30A1, 0x30FA), (0x3105, 0x312F),
    (0x3131, 0x318E), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA000, 0xA48C), (0xAC00, 0xD7A3), (0xF900, 0xFA6D),
    (0xFF21, 0xFF3A), (0xFF41, 0xFF5A), (0xFF66, 0xFF9D),
    (0x20000, 0x2A6DF), (0x2A700, 0x2EBE0), (0x30000, 0x3134A),
)  # fmt: skip
_LETTER = "".join(f"{chr(first)}-{chr(last)}" for first, last in _LETTERS)
# The checks of elements that are one pattern: `check:` of the city folder → pattern of the value in standard form.
ELEMENT_PATTERNS = {
    "person_name": rf"[{_LETTER}](?:[·. '’\-]?[{_LETTER}])*\.?",
    "landline": "0[0-9]{2,3}-[2-9][0-9]{6,7}(?:-[0-9]{1,5})?",
    "email": r"[A-Za-z0-9_%+'\-](?:\.?[A-Za-z0-9_%+'\-])*@(?:[A-Za-z0-9\-]{1,63}\.){1,8}[A-Za-z]{2,24}",
    "postcode": "[0-9]{6}",
    "birth_certificate": "[A-Z][0-9]{9}",
    "property_unit": "[0-9]{12}[A-Z]{2}[0-9]{5}[A-Z][0-9]{8}",
    "digits": "[0-9]{1,40}",
    "icd10": r"[A-Z][0-9]{2}(?:\.[0-9A-Z]{1,6})?",
    "year": "[0-9]{4}",
    "year_month": "(?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])",
    "url": r"https?://[A-Za-z0-9.\-]{1,190}(?::[0-9]{1,5})?(?:/[!-~]{0,200})?",
    "disability_certificate": "[0-9]{17}[0-9X][1-7][1-4](?:B[1-9])?",
}
# Text of these checks that matches is right and its own standard form.
CANONICAL = {
    **ELEMENT_PATTERNS,
    "id_number": ID_NUMBER,
    "uscc": USCC,
    "phone": PHONE,
    "plate": PLATE,
    "vin": VIN,
    "bank_card": BANK_CARD,
    "division": DIVISION,
}
_CONTROLS = "\x00-\x1f\x7f-\x9f"
# Blanks of other widths, joiners, marks of direction, private use: nothing of it can be seen.
_UNSEEN = "\u00a0\u00ad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ue000-\uf8ff\ufeff\ufff9-\ufffb"


def not_plain(kind: str) -> str:
    """A class of characters that text of this kind must not hold, as the inside of square brackets."""
    if kind == "lines":
        return "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
    return _CONTROLS + (_UNSEEN if kind == "one_line" else "")


def is_plain(value: str, kind: str) -> bool:
    return re.search(f"[{not_plain(kind)}]", value) is None


def is_id_number(value: str, today: dt.date) -> bool:
    """GB 11643: form, province, a birth date from 1880 to today, check digit."""
    if not re.fullmatch(ID_NUMBER, value):
        return False
    born = birth_date(value)
    return born is not None and EARLIEST_BIRTH <= born <= today and check_digit_of_id(value[:17]) == value[17]


def birth_date(id_number: str) -> dt.date | None:
    try:
        return dt.date(int(id_number[6:10]), int(id_number[10:12]), int(id_number[12:14]))
    except ValueError:
        return None


def sex(id_number: str) -> str:
    """Code of GB/T 2261.1."""
    return "1" if int(id_number[16]) % 2 else "2"


def is_uscc(value: str) -> bool:
    """GB 32100: form and check character."""
    if not re.fullmatch(USCC, value):
        return False
    total = sum(USCC_ALPHABET.index(character) * pow(3, place, 31) for place, character in enumerate(value[:17]))
    return USCC_ALPHABET[-total % 31] == value[17]


def is_bank_card(value: str) -> bool:
    """ISO/IEC 7812-1: 13 to 19 digits with the Luhn check."""
    if not re.fullmatch(BANK_CARD, value):
        return False
    total = 0
    for place, digit in enumerate(reversed(value)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def is_division(value: str, *, known: bool) -> bool:
    """GB/T 2260 and GB/T 10114, twelve digits; `known`: one of the city's."""
    if known:
        return value in division_codes()
    return re.fullmatch(DIVISION, value) is not None


@lru_cache(maxsize=4)
def _codes_in(path: Path) -> frozenset[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return frozenset(line["code"] for line in csv.DictReader(file))


def division_codes() -> frozenset[str]:
    """Every division the city folder knows."""
    return _codes_in(city_folder() / "places" / "divisions.csv")


def codes(list_id: str) -> Set[str]:
    """The codes of a list. Raises `UnknownCodeList`."""
    return vocabulary.code_list(list_id).labels.keys()


def day_of(text: str, today: dt.date) -> dt.date:
    return today if text == "today" else dt.date.fromisoformat(text)


def as_text(value: str | dt.date | dt.datetime | Decimal | int) -> str:
    """A lake value as rules and people write it: 2026-11-26, 12.5, a code."""
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, dt.date) else str(value)
