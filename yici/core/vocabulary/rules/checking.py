"""One value against one data element: type, form, limits, code list."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from decimal import Decimal

from django.utils.translation import gettext as _

from yici.base.errors import Invalid
from yici.core.vocabulary import queries
from yici.core.vocabulary.definitions import Element
from yici.core.vocabulary.rules.cleaning import plain, trimmed
from yici.core.vocabulary.rules.patterns import CHECKS

EARLIEST_DATE = dt.date(1850, 1, 1)
LATEST_DATE = dt.date(2200, 12, 31)
# 100 billion yuan: above any sum one form may state, far below what an integer column holds.
LARGEST_FEN = 10**13

_DATE = re.compile(r"([0-9]{4})(?:-|/|\.|年)([0-9]{1,2})(?:-|/|\.|月)([0-9]{1,2})日?")
_COMPACT_DATE = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_MONEY = re.compile(r"[¥￥]?([0-9]{1,3}(?:,[0-9]{3}){0,4}|[0-9]{1,13})(?:\.([0-9]{1,2}))?元?")
_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,8})?")
_YES = frozenset({"yes", "true", "1", "on", "y", "是", "有"})
_NO = frozenset({"no", "false", "0", "off", "n", "否", "无"})


def check(element: Element | str, raw: str) -> str:
    """The normalised form of `raw` for this element.

    Raises `Invalid` with what to do, `UnknownElement` for an unknown id. Empty input is invalid here: whether
    a field may stay empty is the form's business. `file` and `group` values are ids and pass trimmed.
    """
    item = queries.element(element) if isinstance(element, str) else element
    # Before anything looks at the text: twice the allowed length plus blanks is never honest input.
    if len(raw) > 2 * item.max_length + 256:
        raise Invalid(_too_long(item))
    if not trimmed(raw):
        raise Invalid(_("请填写%(label)s。") % {"label": item.label})
    match item.type:
        case "date":
            return _date(item, raw)
        case "money":
            return _money(item, raw)
        case "number":
            return _number(item, raw)
        case "yes_no":
            return _yes_no(item, raw)
        case "code":
            return _code(item, raw)
        case "text":
            return _text(item, raw)
        case _:
            return trimmed(raw)


def _too_long(item: Element) -> str:
    return _("%(label)s最多 %(limit)d 个字，请删减后再提交。") % {"label": item.label, "limit": item.max_length}


def _text(item: Element, raw: str) -> str:
    value = unicodedata.normalize("NFC", trimmed(raw).replace("\r\n", "\n"))
    if item.check and item.check in CHECKS:
        value = CHECKS[item.check](value)
    if len(value) > item.max_length:
        raise Invalid(_too_long(item))
    # Line breaks belong in long answers only; other control characters nowhere (a NUL breaks PostgreSQL text).
    allowed = "\n\t" if item.max_length > 200 else ""
    if any(unicodedata.category(c) in ("Cc", "Cs") and c not in allowed for c in value):
        raise Invalid(_("%(label)s含有无法识别的字符，请重新输入。") % {"label": item.label})
    return value


def parse_date(raw: str) -> dt.date | None:
    """2026-11-23, 2026/11/23, 2026.11.23, 2026年11月23日 or 20261123; `None` where it is no real day."""
    value = plain(raw, 40).replace(" ", "")
    match = _DATE.fullmatch(value) or _COMPACT_DATE.fullmatch(value)
    if not match:
        return None
    try:
        return dt.date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None


def _date(item: Element, raw: str) -> str:
    day = parse_date(raw)
    if day is None:
        raise Invalid(_("%(label)s应是真实的日期，例如 2026-11-23，请核对年、月、日。") % {"label": item.label})
    if not EARLIEST_DATE <= day <= LATEST_DATE:
        raise Invalid(_("%(label)s应在 1850 年至 2200 年之间，请核对。") % {"label": item.label})
    return day.isoformat()


def fen(raw: str) -> int:
    """Money as people write it in yuan (`1,234.5`, `￥80元`) as integer fen. Raises `Invalid`."""
    match = _MONEY.fullmatch(plain(raw, 40).replace(" ", ""))
    if not match:
        raise Invalid(_("金额应为数字，单位元，最多两位小数，例如 1234.50。"))
    amount = int(match[1].replace(",", "")) * 100 + int((match[2] or "0").ljust(2, "0"))
    if amount > LARGEST_FEN:
        raise Invalid(_("金额过大，请核对单位是不是元。"))
    return amount


def yuan(amount: int) -> str:
    """Fen as yuan with two decimals and thousands: 123450 → `1,234.50`."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 100:,}.{abs(amount) % 100:02d}"


def _money(item: Element, raw: str) -> str:
    amount = fen(raw)
    if (item.minimum is not None and amount < item.minimum) or (item.maximum is not None and amount > item.maximum):
        raise Invalid(_("%(label)s超出允许的范围，请核对。") % {"label": item.label})
    return str(amount)


def _number(item: Element, raw: str) -> str:
    value = plain(raw, 40)
    if not _NUMBER.fullmatch(value):
        raise Invalid(_("%(label)s应为数字，请重新填写。") % {"label": item.label})
    number = Decimal(value)
    if item.check == "whole_number" and number != number.to_integral_value():
        raise Invalid(_("%(label)s应为整数，请重新填写。") % {"label": item.label})
    low, high = item.minimum, item.maximum
    if (low is not None and number < Decimal(str(low))) or (high is not None and number > Decimal(str(high))):
        words = {"label": item.label, "low": _bound(low), "high": _bound(high)}
        raise Invalid(_("%(label)s应在 %(low)s 至 %(high)s 之间，请核对。") % words)
    text = format(number, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) if number else "0"


def _bound(limit: float | None) -> str:
    return "—" if limit is None else f"{limit:,.10g}"


def _yes_no(item: Element, raw: str) -> str:
    value = plain(raw, 20).casefold()
    if value in _YES:
        return "yes"
    if value in _NO:
        return "no"
    raise Invalid(_("请选择“是”或“否”。"))


def _code(item: Element, raw: str) -> str:
    """The code; a label in Chinese is taken too, as source systems often send labels."""
    codes = queries.code_list(item.code_list or "")
    value = plain(raw, 120)
    if value in codes:
        return value
    wanted = trimmed(raw)
    for code in codes.codes:
        if code.label.zh == wanted:
            return code.code
    raise Invalid(_("请从列表中选择%(label)s。") % {"label": item.label})
