"""How far what was read may be trusted: form, check digit, what the identity number says, what the city's records say.

Each value keeps its problems in words, for the person who confirms; nothing is corrected behind anybody's back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _

from yici.base.errors import Invalid
from yici.core.forms.ports import Fact
from yici.core.vocabulary import queries as vocabulary
from yici.core.vocabulary.rules import check, parse_id_number
from yici.platform.trust.papers import normalising
from yici.platform.trust.papers.layouts import Found, Layout

__all__ = ["LOW", "ReadField", "against_records", "checked"]

LOW = 0.9  # confidence below which a person is asked to look twice
LONG_TERM = "2199-12-31"  # 长期, as the city's registers write it
_NAMES = frozenset({"person_name", "holder_name"})
_NUMBERS = frozenset({"id_number", "uscc", "vin", "plate", "digits"})


@dataclass(frozen=True)
class ReadField:
    """One value as shown for confirmation. `value` is in the vocabulary's normal form when `problems` do not say
    otherwise; `boxes`: [left, top, right, bottom] of its lines as shares (0–1) of the upright picture."""

    element: str
    value: str
    confidence: float
    problems: tuple[str, ...] = ()
    boxes: tuple[tuple[float, float, float, float], ...] = ()
    derived: bool = field(default=False)

    @property
    def is_sure(self) -> bool:
        return not self.problems and self.confidence >= LOW

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def checked(layout: Layout, found: Mapping[str, Found]) -> dict[str, ReadField]:
    """Every field of the layout, in its order: cleaned, checked by its own rules and against the identity number."""
    fields: dict[str, ReadField] = {}
    for element in dict.fromkeys([*(rule.element for rule in layout.rules), *found]):
        if element in found:
            fields[element] = _one(element, found[element])
        elif any(rule.element == element and rule.required for rule in layout.rules):
            fields[element] = ReadField(element, "", 0.0, (_("没有读到，请对照图片填写"),))
    return _by_identity_number(layout, fields)


def _one(element: str, found: Found) -> ReadField:
    item = vocabulary.element(element)
    text, problems = found.text, []
    if item.check in _NAMES:
        text = normalising.name_of(text)
        if odd := normalising.looks_traditional(text):
            plain = normalising.simplified(text)
            problems.append(_("读出了繁体字“{odd}”，请核对是不是“{plain}”").format(odd=odd, plain=plain))
    elif item.check in _NUMBERS or element.endswith("engine_number"):
        text = normalising.number_of(element, text)
    elif item.type == "date":
        text = normalising.simplified(text)
        text = LONG_TERM if text.startswith("长期") else normalising.date_text(text)
    else:
        text = normalising.simplified(text)
    value, wrong = _normal(element, text)
    if wrong:
        problems.append(wrong)
    if found.confidence < LOW:
        problems.append(_("字迹不清，请对照图片核对"))
    return ReadField(element, value, round(found.confidence, 3), tuple(problems), _boxes(found))


def _normal(element: str, text: str) -> tuple[str, str]:
    """The value in its normal form, and what is wrong with it (the text as read is kept then)."""
    tries = [text]
    if element == "person.ethnicity" and not text.endswith("族"):
        tries.append(text + "族")
    for attempt in tries:
        try:
            return check(element, attempt), ""
        except Invalid as error:
            message = str(error.message)
    return text, message


def _boxes(found: Found) -> tuple[tuple[float, float, float, float], ...]:
    boxes = []
    for corners in found.corners:
        across, down = [x for x, _y in corners], [y for _x, y in corners]
        boxes.append((min(across), min(down), max(across), max(down)))
    return tuple(tuple(round(min(max(edge, 0.0), 1.0), 4) for edge in box) for box in boxes)  # type: ignore[misc]


def _by_identity_number(layout: Layout, fields: dict[str, ReadField]) -> dict[str, ReadField]:
    """Birth date and sex against the number (GB 11643); what was not read is filled from it, and says so."""
    number = fields.get(layout.key)
    if number is None or number.problems or not layout.key.endswith(("id_number", "licence_number")):
        return fields
    told = parse_id_number(number.value)
    said = {"person.birth_date": told.birth_date.isoformat(), "person.sex": told.sex}
    for element, value in said.items():
        one = fields.get(element)
        if one is None or one.value == value:
            continue
        if not one.value or any(problem for problem in one.problems if one.confidence < LOW):
            words = _("由身份号码推算，请对照图片核对")
            fields[element] = replace(one, value=value, problems=(words,), derived=True)
        else:
            words = _("与身份号码不一致（号码中是 {value}），请核对").format(value=vocabulary_words(element, value))
            fields[element] = replace(one, problems=(*one.problems, words))
    return fields


def vocabulary_words(element: str, value: str) -> str:
    """A value as people read it: 女 for 2."""
    item = vocabulary.element(element)
    return vocabulary.code_list(item.code_list).label(value) if item.code_list else value


def against_records(fields: Mapping[str, ReadField], facts: Mapping[str, Fact], *, tell: bool) -> dict[str, ReadField]:
    """Differences from the city's records become problems. `tell`: the record's value may be said (the person's own)."""
    compared = dict(fields)
    for element, fact in facts.items():
        one = fields.get(element)
        if one is None or not one.value or str(fact.value) == one.value:
            continue
        words = _("与{source}登记的不一致").format(source=fact.source)
        if tell:
            words += _("（登记为 {value}）").format(value=vocabulary_words(element, str(fact.value)))
        compared[element] = replace(one, problems=(*one.problems, words))
    return compared
