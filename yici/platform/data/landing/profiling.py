"""What the values of a column look like, from a sample: for proposing a mapping and for noticing that a type changed.

Kept in memory only; no value is ever logged or stored.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from yici.base.errors import Invalid
from yici.core.vocabulary import rules as vocabulary

__all__ = ["AS_TEXT", "LOOKS", "SCIENTIFIC", "SERIAL", "WRAPPED", "Profile", "looks_of", "profile_of"]

_SHOWN = 5
# What a spreadsheet program makes of values, as any engine may look for it.
SCIENTIFIC = r"[0-9](\.[0-9]+)?[eE]\+?1[0-9]"
SERIAL = r"[1-9][0-9]{4}(\.[0-9]+)?"  # 10000 is 1927-05-18, 99999 is 2173-10-13
AS_TEXT = (
    r"""['‘’]-?[0-9.]+[Xx]?|="-?[0-9.]+[Xx]?"|[¥￥]?-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?|[¥￥]-?[0-9]+(\.[0-9]+)?"""
)
WRAPPED = r"""['‘’][0-9].*|=".*\""""
_SCIENTIFIC, _SERIAL, _AS_TEXT, _WRAPPED = map(re.compile, (SCIENTIFIC, SERIAL, AS_TEXT, WRAPPED))
_DATE = re.compile(r"(18|19|20)\d{2}([-/.年]?)\d{1,2}([-/.月]?)\d{1,2}日?( .*)?")
_MONEY = re.compile(r"[¥￥]?-?\d{1,3}(,\d{3})+(\.\d+)?|-?\d+\.\d{2}")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_PLATE = re.compile(r"[\u4e00-\u9fff][A-Za-z][-·• ]?[A-Za-z0-9]{4}")  # what may be one; the vocabulary decides
_CODE = re.compile(r"[0-9A-Z]{1,4}")
_ID = re.compile(r"\d{17}[\dXx]")
_USCC = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}")
_PHONE = re.compile(r"1[3-9]\d{9}")
LOOKS = ("id_number", "uscc", "phone", "plate", "date", "money", "number", "code", "text")
_ENOUGH = 0.7
_IDS = 200  # numbers whose check digit is looked at
_KINDS = 300  # values by which a kind is judged
_LONGEST = 40  # characters of a value that may be a number, a date or a code


@dataclass(frozen=True)
class Profile:
    """What a column holds. Counts are of the sample, but for `lost_digits`, which is of the whole file, and for those that
    `counting.counted` has counted in all of it.

    `looks`: the kind most values have (one of LOOKS, empty where there are none). `valid_ids`: of the
    first 200, identity numbers and credit codes whose check digit is right. `scientific`: 3.4E+17. `lost_digits`: number cells of a workbook that
    had more digits than a spreadsheet keeps. `serials`: five digits, as a spreadsheet counts days. `numbers_as_text`:
    1,234.50, ￥12, '123, ="123". `wrapped`: the last two. `samples`: a few different values, never to be logged.
    """

    filled: int
    blank: int
    distinct: int
    looks: str
    scientific: int = 0
    valid_ids: int = 0
    serials: int = 0
    numbers_as_text: int = 0
    wrapped: int = 0
    lost_digits: int = 0
    samples: tuple[str, ...] = field(default=(), repr=False)


def profile_of(
    sample: pa.Table | None, headers: Sequence[str], columns: Sequence[str], lost_digits: Sequence[int] = ()
) -> Mapping[str, Profile]:
    """Profile → by header, of a sample of a landed file."""
    lost = lost_digits or [0] * len(headers)
    return {
        header: _profile(sample[column].to_pylist() if sample is not None else [], lost[place])
        for place, (header, column) in enumerate(zip(headers, columns, strict=True))
    }


def _profile(values: Sequence[str | None], lost_digits: int) -> Profile:
    whole = [(value or "").strip() for value in values]
    filled = [value for value in whole if value]
    different = dict.fromkeys(filled)
    looks = looks_of(filled)
    short = [value for value in filled if len(value) <= _LONGEST]
    return Profile(
        filled=len(filled),
        blank=len(whole) - len(filled),
        distinct=len(different),
        looks=looks,
        scientific=_count(_SCIENTIFIC, short),
        valid_ids=sum(map(_is_right_id, short[:_IDS])) if looks in ("id_number", "uscc") else 0,
        serials=_count(_SERIAL, short),
        numbers_as_text=_count(_AS_TEXT, short),
        wrapped=_count(_WRAPPED, short),
        lost_digits=lost_digits,
        samples=tuple(list(different)[:_SHOWN]),
    )


def _count(pattern: re.Pattern[str], values: Sequence[str]) -> int:
    return sum(1 for _found in filter(pattern.fullmatch, values))


def looks_of(values: Sequence[str]) -> str:
    """The kind that seven in ten values have; an identity number counts with its check digit right or wrong."""
    if not values:
        return ""
    step = max(len(values) // _KINDS, 1)
    counted: Counter[str] = Counter()
    for value, times in Counter(values[::step]).items():
        counted[_kind(value)] += times
    kind, count = counted.most_common(1)[0]
    total = sum(counted.values())
    if counted["number"] + counted["money"] >= _ENOUGH * total and counted["money"] > 0.2 * total:
        return "money"
    if kind in ("number", "code") and counted["number"] + counted["code"] >= _ENOUGH * total:
        short = len({value for value in values if len(value) <= 4}) <= 60 and max(map(len, values)) <= 4
        return "code" if short else "number"
    return kind if count >= _ENOUGH * total else "text"


def _kind(value: str) -> str:
    if len(value) > _LONGEST:
        return "text"
    plain = vocabulary.plain(value, _LONGEST)
    if _WRAPPED.fullmatch(plain):
        plain = plain.lstrip("=").strip("\"'‘’")
    if _ID.fullmatch(plain):
        return "id_number"
    if _USCC.fullmatch(plain):
        return "uscc"
    if _PHONE.fullmatch(plain):
        return "phone"
    if _DATE.fullmatch(plain):
        return "date"
    if _PLATE.match(plain) and _passes(vocabulary.check_plate, plain):
        return "plate"
    if _MONEY.fullmatch(plain):
        return "money"
    if _NUMBER.fullmatch(plain):
        return "number"
    return "code" if _CODE.fullmatch(plain) else "text"


def _is_right_id(value: str) -> bool:
    plain = vocabulary.plain(value, _LONGEST).upper()
    return _passes(vocabulary.parse_id_number, plain) or _passes(vocabulary.check_uscc, plain)


def _passes(check: object, value: str) -> bool:
    try:
        check(value)  # type: ignore[operator]
    except Invalid:
        return False
    return True
