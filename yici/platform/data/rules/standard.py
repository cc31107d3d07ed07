"""Standard form: what raw text of a column becomes in the lake, said once as data for the reference and the templates.

Raw text is first cleaned (`Form.steps`), which also decides whether it is blank, then brought to the column's type.
Text that cannot be brought to its type has no standard value: the row fails `<column>.type`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from yici.core.vocabulary import queries as vocabulary
from yici.platform.data.catalogue.definition import Column, ColumnType

__all__ = ["BLANK_WORDS", "FULL_WIDTH", "HALF_WIDTH", "INVISIBLE", "MONEY_SCALE", "Form", "Step", "form_of"]

# The same characters as `vocabulary.rules.cleaning`; a test compares.
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00a0\u3000 \t\r\n\f\v"
FULL_WIDTH = "".join(chr(code) for code in range(0xFF01, 0xFF5F)) + "\u3000"
HALF_WIDTH = "".join(chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)) + " "
# What systems write for nothing. Names and free text keep them: somebody may be called 无.
BLANK_WORDS = ("无", "空", "不详", "NULL", "null", "Null", "N/A", "n/a", "-", "--", "/", "\\N")
# Decimals a sum may have in its unit, that is digits from the unit down to fen.
MONEY_SCALE: Mapping[str, int] = {"fen": 0, "yuan": 2, "ten_thousand_yuan": 6}

Operation = Literal["narrow", "trim", "upper", "remove", "swap", "unprefix", "replace", "pad"]


@dataclass(frozen=True)
class Step:
    """One step of cleaning.

    narrow: full-width to half-width · trim: no `INVISIBLE` at either end · upper: a–z to A–Z · remove: without these
    characters · swap: characters of `text` into those of `by` one to one · unprefix: without this beginning, once ·
    replace: where the pattern (our dialect) is the whole value, by a template with \\1…\\9 · pad: where the pattern is
    the whole value, zeros to the right up to `length`.
    """

    operation: Operation
    text: str = ""
    by: str = ""
    length: int = 0


_NARROW, _TRIM, _UPPER = Step("narrow"), Step("trim"), Step("upper")
_MACHINE = (_NARROW, _TRIM)
_CAPITALS = (_NARROW, _TRIM, _UPPER)
# A name may hold blanks of an input method; in one line they are plain ones.
_ONE_LINE = (Step("swap", "\u3000\u00a0", "  "), _TRIM)

_TEXT_STEPS: Mapping[str, tuple[Step, ...]] = {
    "": (_TRIM,),
    "person_name": (*_ONE_LINE, Step("swap", "•．・", "···")),
    "holder_name": _ONE_LINE,
    "address": _ONE_LINE,
    "id_number": _CAPITALS,
    "uscc": _CAPITALS,
    "vin": _CAPITALS,
    "birth_certificate": _CAPITALS,
    "icd10": _CAPITALS,
    "disability_certificate": _CAPITALS,
    "property_unit": (*_CAPITALS, Step("remove", " ")),
    "phone": (*_MACHINE, Step("remove", " -"), Step("unprefix", "+86"), Step("unprefix", "0086")),
    "landline": (
        *_MACHINE,
        Step("remove", " "),
        Step("replace", "(0[0-9]{2,3})-?([2-9][0-9]{6,7})(-[0-9]{1,5})?", r"\1-\2\3"),
    ),
    "plate": (*_CAPITALS, Step("remove", " -·•")),
    "bank_card": (*_MACHINE, Step("remove", " -")),
    "division": (*_MACHINE, Step("pad", "[0-9]{6}(?:[0-9]{3})?", length=12)),
    "year_month": (
        *_MACHINE,
        Step("swap", "年/", "--"),
        Step("remove", "月"),
        Step("replace", "((?:19|20)[0-9]{2})-?0?([1-9])", r"\1-0\2"),
        Step("replace", "((?:19|20)[0-9]{2})-?(1[0-2])", r"\1-\2"),
    ),
    "email": _MACHINE,
    "url": _MACHINE,
    "postcode": _MACHINE,
    "digits": _MACHINE,
    "year": _MACHINE,
}
_FREE_TEXT = frozenset({"", "person_name", "holder_name", "address"})

_YES_NO: Mapping[str, str] = {
    **dict.fromkeys(("yes", "YES", "Yes", "true", "TRUE", "True", "1", "on", "ON", "y", "Y", "是", "有"), "yes"),
    **dict.fromkeys(("no", "NO", "No", "false", "FALSE", "False", "0", "off", "OFF", "n", "N", "否", "无"), "no"),
}


@dataclass(frozen=True)
class Form:
    """How one column is brought to standard form. `codes`: cleaned text → code, for code and yes/no columns."""

    type: ColumnType
    steps: tuple[Step, ...]
    blank_words: tuple[str, ...]
    codes: Mapping[str, str] = field(default_factory=dict)
    scale: int = 0
    name: str = ""
    check: str = ""

    @property
    def is_free_text(self) -> bool:
        return self.type == "text" and not self.blank_words


def form_of(column: Column) -> Form:
    """The form of a column; asks the vocabulary for its code list. Raises `UnknownCodeList`."""
    kind = column.type
    if kind == "text":
        steps = _TEXT_STEPS.get(column.check, _TEXT_STEPS[""])
        is_free = column.check in _FREE_TEXT or column.check not in _TEXT_STEPS
        return Form(kind, steps, () if is_free else BLANK_WORDS, name=column.name, check=column.check)
    # A code column without a list takes any cleaned text.
    codes = _YES_NO if kind == "yes_no" else codes_of(column.code_list) if kind == "code" else {}
    # 无 may be a code's name, 无 is also how people say no: then it is no blank.
    words = tuple(word for word in BLANK_WORDS if word not in codes)
    return Form(kind, _MACHINE, words, codes, MONEY_SCALE[column.unit_in_source or "yuan"], column.name)


def codes_of(list_id: str) -> Mapping[str, str]:
    """Cleaned text → code: the codes, their Chinese labels, and codes that lost their leading zeros in a spreadsheet."""
    if not list_id:
        return {}
    codes = vocabulary.code_list(list_id).codes
    narrow = str.maketrans(FULL_WIDTH, HALF_WIDTH)
    found = {code.code: code.code for code in codes}
    for code in codes:
        found.setdefault(code.label.zh.translate(narrow).strip(INVISIBLE), code.code)
    for code in codes:
        if code.code.isdigit() and code.code.lstrip("0"):
            found.setdefault(code.code.lstrip("0"), code.code)
    return found
