"""What the values of a column look like, from the first rows: for proposing a mapping and for noticing that a type changed.

Kept in memory only; no value is ever logged or stored.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from yici.base.errors import Invalid
from yici.core.vocabulary import rules as vocabulary
from yici.platform.data.engines.duckdb import connect

__all__ = ["LOOKS", "Profile", "looks_of", "profile_of"]

SAMPLE = 2_000  # rows
_SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+?1[0-9]")
_DATE = re.compile(r"(18|19|20)\d{2}([-/.年]?)\d{1,2}([-/.月]?)\d{1,2}日?( .*)?")
_MONEY = re.compile(r"[¥￥]?-?\d{1,3}(,\d{3})+(\.\d+)?|-?\d+\.\d{2}")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_CODE = re.compile(r"[0-9A-Z]{1,4}")
LOOKS = ("id_number", "uscc", "phone", "plate", "date", "money", "number", "code", "text")
_ENOUGH = 0.7
_LONGEST = 40  # characters of a value that may be a number, a date or a code


@dataclass(frozen=True)
class Profile:
    """`looks`: the kind most values have (one of LOOKS, empty where there are none). Counts are of the sample."""

    filled: int
    blank: int
    distinct: int
    looks: str
    scientific: int = 0


def profile_of(landed: Path, headers: tuple[str, ...], columns: tuple[str, ...]) -> Mapping[str, Profile]:
    """Profile → by header, of the first rows of a landed file."""
    with connect(threads=1) as connection:
        found = connection.execute(
            f"SELECT {', '.join(columns)} FROM read_parquet(?) LIMIT {SAMPLE}",  # noqa: S608 - our own names
            [str(landed)],
        ).fetchall()
    return {header: _profile(row[place] for row in found) for place, header in enumerate(headers)}


def _profile(values: Iterable[str | None]) -> Profile:
    whole = [(value or "").strip() for value in values]
    filled = [value for value in whole if value]
    scientific = sum(bool(_SCIENTIFIC.fullmatch(value)) for value in filled)
    return Profile(len(filled), len(whole) - len(filled), len(set(filled)), looks_of(filled), scientific)


def looks_of(values: list[str]) -> str:
    """The kind that seven in ten values have; an identity number counts with its check digit right or wrong."""
    if not values:
        return ""
    counted = Counter(_kind(value) for value in values[:500])
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
    if re.fullmatch(r"\d{17}[\dXx]", plain):
        return "id_number"
    if re.fullmatch(r"[0-9A-HJ-NPQRTUWXY]{18}", plain):
        return "uscc"
    if re.fullmatch(r"1[3-9]\d{9}", plain):
        return "phone"
    if _DATE.fullmatch(plain):
        return "date"
    if _passes(vocabulary.check_plate, plain):
        return "plate"
    if _MONEY.fullmatch(plain):
        return "money"
    if _NUMBER.fullmatch(plain):
        return "number"
    return "code" if _CODE.fullmatch(plain) else "text"


def _passes(check: object, value: str) -> bool:
    try:
        check(value)  # type: ignore[operator]
    except Invalid:
        return False
    return True
