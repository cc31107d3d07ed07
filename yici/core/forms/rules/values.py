"""One answer from what was sent to what is kept. Pure but for `References`, which the services provide.

Kept shapes: text, choice, division, phone, ID number → str; date → `2026-11-23`; number → int or float;
money → int fen; yes/no → bool; multi → list[str]; file → list[int] of stored file ids; group → list of rows.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Invalid
from yici.core.forms.rules.definition import FieldType
from yici.core.forms.rules.questions import Question
from yici.core.vocabulary import rules as vocabulary

# Fen: above 100 thousand million yuan somebody mistyped.
MAX_FEN = 10**13
_LEVELS = ("city", "county", "township", "village")
_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?|(\d{4})(\d{2})(\d{2})")
_PICK = (FieldType.CHOICE, FieldType.MULTI, FieldType.YES_NO, FieldType.DIVISION)


class References(Protocol):
    """What an answer may point at outside the form."""

    def division_level(self, code: str) -> str | None:
        """Level of a division, `None` where no such code exists."""

    def file_problem(self, file_id: int, accept: tuple[str, ...]) -> str | None:
        """Why this file may not be used here, `None` where it may."""


def missing_message(question: Question) -> str:
    """What is said of a required question without an answer."""
    label = str(question.label)
    if question.type in _PICK:
        return _("请选择{label}").format(label=label)
    if question.type == FieldType.FILE:
        return _("请上传{label}").format(label=label)
    if question.type == FieldType.GROUP:
        return _("请至少添加 {count} 项{label}").format(count=question.min_rows or 1, label=label)
    return _("请填写{label}").format(label=label)


def clean(question: Question, raw: Any, references: References) -> Any:
    """The value to keep of one filled answer (not a group). Raises `Invalid` saying what to mend."""
    cleaners = {
        FieldType.TEXT: _text,
        FieldType.TEXTAREA: _text,
        FieldType.PHONE: _phone,
        FieldType.ID_NUMBER: _id_number,
        FieldType.DATE: _date,
        FieldType.NUMBER: _number,
        FieldType.MONEY: _money,
        FieldType.CHOICE: _choice,
        FieldType.YES_NO: _yes_no,
        FieldType.MULTI: _multi,
    }
    if question.type == FieldType.DIVISION:
        return _division(question, raw, references)
    if question.type == FieldType.FILE:
        return _files(question, raw, references)
    value = cleaners[question.type](question, raw)
    if question.element is None or question.type in (FieldType.MULTI, FieldType.YES_NO):
        return value
    return _checked(question, value)


def _checked(question: Question, value: Any) -> Any:
    """The element's own check on top: name, plate, bank card, limits …"""
    if question.type == FieldType.MONEY:
        return int(vocabulary.check(question.element, vocabulary.yuan(value)))
    checked = vocabulary.check(question.element, str(value))
    return value if question.type == FieldType.NUMBER else checked


def plain_text(question: Question, raw: Any, *, lines: bool = False) -> str:
    """Trimmed text without control characters, which neither people nor the database can read."""
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        raise Invalid(_("{label}须是文字").format(label=question.label))
    text = unicodedata.normalize("NFC", str(raw).replace("\r\n", "\n")).strip()
    allowed = "\n\t" if lines else ""
    if any(unicodedata.category(char) in ("Cc", "Cs") and char not in allowed for char in text):
        raise Invalid(_("{label}含有不能识别的字符，请重新输入").format(label=question.label))
    return text


def _narrow(question: Question, raw: Any) -> str:
    """Text with full-width digits and signs made narrow, as people's input methods leave them."""
    return unicodedata.normalize("NFKC", plain_text(question, raw))


def _text(question: Question, raw: Any) -> str:
    text = plain_text(question, raw, lines=question.type == FieldType.TEXTAREA)
    if question.max_length and len(text) > question.max_length:
        raise Invalid(
            _("{label}最多 {limit} 个字，现有 {count} 个").format(
                label=question.label, limit=question.max_length, count=len(text)
            )
        )
    return text


def _phone(question: Question, raw: Any) -> str:
    return vocabulary.check_phone(_narrow(question, raw))


def _id_number(question: Question, raw: Any) -> str:
    return vocabulary.parse_id_number(_narrow(question, raw)).number


def _date(question: Question, raw: Any) -> str:
    label = question.label
    if isinstance(raw, dict):
        parts = [str(raw.get(name) or "").strip() for name in ("year", "month", "day")]
        names = [_("年"), _("月"), _("日")]
        absent = [name for name, part in zip(names, parts, strict=True) if not part]
        if absent:
            raise Invalid(_("{label}还缺{parts}").format(label=label, parts="、".join(absent)))
        raw = "-".join(parts)
    found = _DATE.fullmatch(_narrow(question, raw))
    if not found:
        raise Invalid(_("{label}请按年、月、日填写，例如 2026 年 3 月 27 日").format(label=label))
    year, month, day = (int(part) for part in found.groups() if part is not None)
    try:
        date = dt.date(year, month, day)
    except ValueError:
        raise Invalid(_("{label}不是真实存在的日期，请检查年、月、日").format(label=label)) from None
    _check_date_bounds(question, date)
    return date.isoformat()


def _check_date_bounds(question: Question, date: dt.date) -> None:
    earliest, latest = (_day(bound) for bound in (question.field.earliest, question.field.latest))
    if date < (earliest or dt.date(1850, 1, 1)):
        raise Invalid(_("{label}不能早于 {day}").format(label=question.label, day=earliest or dt.date(1850, 1, 1)))
    if date > (latest or dt.date(2200, 12, 31)):
        raise Invalid(_("{label}不能晚于 {day}").format(label=question.label, day=latest or dt.date(2200, 12, 31)))


def _day(bound: dt.date | str | None) -> dt.date | None:
    return clock.today() if bound == "today" else bound  # type: ignore[return-value]


def _decimal(question: Question, raw: Any) -> Decimal:
    text = _narrow(question, raw).replace(",", "").removesuffix("元").strip()
    try:
        if len(text) > 30:
            raise InvalidOperation
        number = Decimal(text)
    except InvalidOperation:
        raise Invalid(_("{label}须是数字").format(label=question.label)) from None
    if not number.is_finite() or abs(number) >= MAX_FEN:
        raise Invalid(_("{label}须是合理的数字").format(label=question.label))
    low, high = question.field.min, question.field.max
    if low is not None and number < Decimal(str(low)):
        raise Invalid(_("{label}不能小于 {bound}").format(label=question.label, bound=f"{low:g}"))
    if high is not None and number > Decimal(str(high)):
        raise Invalid(_("{label}不能大于 {bound}").format(label=question.label, bound=f"{high:g}"))
    return number


def _refuse_more_places(question: Question, number: Decimal, places: int) -> None:
    if number != round(number, places):
        if places == 0:
            raise Invalid(_("{label}须是整数").format(label=question.label))
        raise Invalid(_("{label}最多 {places} 位小数").format(label=question.label, places=places))


def _number(question: Question, raw: Any) -> int | float:
    if isinstance(raw, float) and not math.isfinite(raw):
        raise Invalid(_("{label}须是数字").format(label=question.label))
    number = _decimal(question, raw)
    _refuse_more_places(question, number, 2 if question.field.decimals is None else question.field.decimals)
    return int(number) if number == int(number) else float(number)


def _money(question: Question, raw: Any) -> int:
    """Text is yuan as people write it; a whole number is fen, as it is kept."""
    if isinstance(raw, float):
        raise Invalid(_("{label}请写整数（分），或写成文字的元").format(label=question.label))
    if isinstance(raw, int) and not isinstance(raw, bool):
        raw = str(Decimal(raw) / 100)
    yuan = _decimal(question, raw)
    if yuan < 0 and question.field.min is None:
        raise Invalid(_("{label}不能小于 {bound}").format(label=question.label, bound="0"))
    _refuse_more_places(question, yuan, 2)
    return int(yuan * 100)


def _choice(question: Question, raw: Any) -> str:
    if isinstance(raw, bool):
        raw = "yes" if raw else "no"
    text = plain_text(question, raw)
    if question.option(text) is None:
        raise Invalid(_("{label}没有这个选项，请重新选择").format(label=question.label))
    return text


def _yes_no(question: Question, raw: Any) -> bool:
    return _choice(question, raw) == "yes"


def _multi(question: Question, raw: Any) -> list[str]:
    if not isinstance(raw, list | tuple):
        raw = [raw]
    chosen = {_choice(question, one) for one in raw}
    return [option.value for option in question.options if option.value in chosen]


def _division(question: Question, raw: Any, references: References) -> str:
    code = _narrow(question, raw)
    level = references.division_level(code)
    if level is None:
        raise Invalid(_("没有这个行政区划，请重新选择{label}").format(label=question.label))
    if _LEVELS.index(level) < _LEVELS.index(question.field.level):
        following = _LEVELS[_LEVELS.index(level) + 1]
        names = {"county": _("县（区）"), "township": _("乡镇（街道）"), "village": _("村（社区）")}
        raise Invalid(_("请继续选择{level}").format(level=names[following]))
    return code


def _files(question: Question, raw: Any, references: References) -> list[int]:
    given = raw if isinstance(raw, list | tuple) else [raw]
    numbers: list[int] = []
    for one in given:
        text = str(one)
        if isinstance(one, bool) or not (text.isascii() and text.isdigit() and len(text) < 19):
            raise Invalid(_("{label}的文件编号不对，请重新上传").format(label=question.label))
        if int(text) not in numbers:
            numbers.append(int(text))
    if len(numbers) > question.field.max_files:
        raise Invalid(_("{label}最多上传 {limit} 个文件").format(label=question.label, limit=question.field.max_files))
    for number in numbers:
        if problem := references.file_problem(number, question.accept):
            raise Invalid(problem)
    return numbers
