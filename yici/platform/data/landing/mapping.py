"""Which header is which column: recorded decisions first, then names, then what the values look like.

Every proposal says how sure the machine is and why; a person confirms. One column is used once.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from django.utils.translation import gettext as _
from pypinyin import Style, lazy_pinyin

from yici.platform.data.catalogue.definition import ClassDefinition, Column
from yici.platform.data.landing.assigning import best_assignment
from yici.platform.data.landing.headers import normal
from yici.platform.data.landing.landing import Landed
from yici.platform.data.landing.profiling import Profile

__all__ = ["LEAST", "Proposal", "exact_mapping", "propose", "unit_in", "without_brackets"]

LEAST = 0.45
_BRACKETS = re.compile(r"[（(\[【](.*?)[)）\]】]")
_UNITS = {"元": "yuan", "分": "fen", "万元": "ten_thousand_yuan"}
_FILLER = re.compile(r"(信息|名称|编码|代码|号码|编号|情况|的|人员|登记)")
# What a column of this check or type looks like in its values.
_LOOKS = {"cn_id": "id_number", "id_number": "id_number", "uscc": "uscc", "phone": "phone", "plate": "plate"}
_TYPES = {"date": "date", "datetime": "date", "money": "money", "number": "number", "code": "code"}


@dataclass(frozen=True)
class Proposal:
    """`column` None: the machine knows none. `confidence` 0–1, 1 for a decision that a person took."""

    header: str
    column: str | None
    confidence: float
    why: str


def exact_mapping(
    headers: tuple[str, ...], definition: ClassDefinition, decisions: Mapping[str, str]
) -> dict[str, str]:
    """Header → column where nothing is to be guessed: decided before, or a name that the class states.

    A header decided to be left out maps to the empty string; one that nobody knows is not in the result.
    """
    known = {normal(name): column.name for column in definition.columns for name in (*column.headers, column.name)}
    known |= {
        normal(str(column.label.zh)): column.name
        for column in definition.columns
        if normal(column.label.zh) not in known
    }
    decided = {normal(header): column for header, column in decisions.items()}
    found: dict[str, str] = {}
    taken: set[str] = set()
    for source in (decided, known):
        for header in headers:
            column = source.get(normal(header))
            if header in found or column is None or column in taken:
                continue
            found[header] = column
            taken |= {column} - {""}  # any number of headers may be left out
    return found


def propose(landed: Landed, definition: ClassDefinition, decisions: Mapping[str, str]) -> list[Proposal]:
    """A proposal for every header, in the order of the source."""
    exact = exact_mapping(landed.headers, definition, decisions)
    proposals = {header: _settled(header, column, decisions) for header, column in exact.items()}
    free = [column for column in definition.columns if column.name not in set(exact.values())]
    unsettled = [header for header in landed.headers if header not in exact]
    fits = [[_score(header, landed.profiles.get(header), column) for column in free] for header in unsettled]
    # What is too unlike to be proposed weighs nothing, or two poor guesses would outweigh a good one.
    weights = [[score if score >= LEAST else 0.0 for score, _why in row] for row in fits]
    for place, chosen in enumerate(best_assignment(weights)):
        if chosen >= 0 and weights[place][chosen]:
            score, why = fits[place][chosen]
            header = unsettled[place]
            proposals[header] = Proposal(header, free[chosen].name, round(score, 2), why)
    unknown = _("没有找到相近的列，不入库")
    return [proposals.get(header) or Proposal(header, None, 0.0, unknown) for header in landed.headers]


def _settled(header: str, column: str, decisions: Mapping[str, str]) -> Proposal:
    if normal(header) in {normal(decided) for decided in decisions}:
        return Proposal(header, column or None, 1.0, _("以前已确认") if column else _("以前已确认不入库"))
    return Proposal(header, column, 1.0, _("表头与目录一致"))


def _score(header: str, profile: Profile | None, column: Column) -> tuple[float, str]:
    """How well they fit, by name and by content; content alone is never certain."""
    name = max(_name_score(header, wanted) for wanted in _names_of(column))
    looks = _looks_of(column)
    fits = profile is not None and bool(looks) and profile.looks == looks
    against = profile is not None and bool(looks) and profile.filled > 0 and profile.looks not in (looks, "")
    if profile is not None and _is_serial_date(column, profile):
        return min(0.9, name), _("名称相近，内容是 Excel 的日期序号")
    if fits and profile is not None and looks in ("id_number", "uscc", "phone", "plate"):
        # Right check digits are no accident: one in eleven would be, one in thirty-one for a credit code.
        has_right = looks not in ("id_number", "uscc") or profile.valid_ids * 2 > min(profile.filled, 200)
        score = max(0.62 if has_right else 0.5, min(0.94, name + 0.35))
        if name >= LEAST:
            return score, _("内容是{kind}，名称也相近").format(kind=column.label.zh)
        return score, _("内容像是这一列，校验码也对") if has_right else _("内容像是这一列")
    if _is_other_unit(header, column):
        return min(0.6, name), _("名称相近，但单位不同，请核对")
    if fits:
        return min(0.94, name + 0.12), _("名称相近，内容也吻合")
    if against:
        return name * 0.5, _("名称相近，但内容不像")
    return min(0.9, name), _("名称相近")


def _is_serial_date(column: Column, profile: Profile) -> bool:
    return column.type in ("date", "datetime") and profile.serials * 2 > profile.filled


def unit_in(header: str) -> str | None:
    """The unit of money that a header names: 总投资（万元）."""
    found = _BRACKETS.search(header)
    return _UNITS.get(found[1].strip()) if found else None


def without_brackets(header: str) -> str:
    return _BRACKETS.sub("", header)


def _is_other_unit(header: str, column: Column) -> bool:
    """金额（万元） for a column that comes in yuan would be wrong by four digits."""
    unit = unit_in(header)
    return unit is not None and column.type == "money" and unit != (column.unit_in_source or "yuan")


def _names_of(column: Column) -> tuple[str, ...]:
    return (*column.headers, column.label.zh, column.name)


def _looks_of(column: Column) -> str:
    return _LOOKS.get(column.check, "") or _TYPES.get(column.type, "")


def _name_score(header: str, wanted: str) -> float:
    plain, other = normal(without_brackets(header)), normal(without_brackets(wanted))
    if not plain or not other:
        return 0.0
    if plain == other:
        return 0.94
    short, other_short = _FILLER.sub("", plain), _FILLER.sub("", other)
    if short and short == other_short:
        return 0.85
    if plain in _spellings(other):
        return 0.8
    ratio = difflib.SequenceMatcher(None, plain, other).ratio()
    if len(short) > 1 and len(other_short) > 1 and (short in other_short or other_short in short):
        ratio = max(ratio, 0.7)
    return ratio * 0.85


@lru_cache(maxsize=4096)
def _spellings(name: str) -> frozenset[str]:
    """Pinyin of a Chinese name, whole and by initials: departments' databases are full of sfzh and xingming."""
    initials = "".join(lazy_pinyin(name, style=Style.FIRST_LETTER))
    return frozenset({initials, "".join(lazy_pinyin(name))}) if initials.isascii() else frozenset()
