"""What pydantic finds wrong, as sentences of ours have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from pydantic import ValidationError

__all__ = ["fault_in_words", "faults_of", "first_fault"]

# Of the faults that a program's request has most often; the rest keep pydantic's English.
_WORDS: Mapping[str, Promise] = {
    "missing": _("缺少这一项"),
    "extra_forbidden": _("没有这一项"),
    "string_type": _("应为文字"),
    "string_too_short": _("至少 {min_length} 个字符"),
    "string_too_long": _("最多 {max_length} 个字符"),
    "string_pattern_mismatch": _("应符合 {pattern}"),
    "int_type": _("应为整数"),
    "int_parsing": _("应为整数"),
    "bool_type": _("应为 true 或 false"),
    "bool_parsing": _("应为 true 或 false"),
    "date_parsing": _("应为日期，如 2017-06-01"),
    "date_from_datetime_parsing": _("应为日期，如 2017-06-01"),
    "literal_error": _("应为 {expected} 之一"),
    "enum": _("应为 {expected} 之一"),
    "greater_than_equal": _("不能小于 {ge}"),
    "less_than_equal": _("不能大于 {le}"),
    "list_type": _("应为列表"),
    "dict_type": _("应为对象"),
    "model_attributes_type": _("应为对象"),
}


def fault_in_words(fault: Mapping[str, Any]) -> str:
    """One of pydantic's errors (`type`, `msg`, `ctx`) in the language of whoever asked."""
    words = _WORDS.get(fault["type"])
    return str(words).format(**fault.get("ctx") or {}) if words else str(fault["msg"])


def faults_of(error: ValidationError) -> list[tuple[str, str]]:
    """Where and what, in pydantic's order; the place with dots between its steps."""
    return [(".".join(map(str, one["loc"])), fault_in_words(one)) for one in error.errors()]


def first_fault(error: ValidationError) -> str:
    """Place and message of the first."""
    where, message = faults_of(error)[0]
    return f"{where} {message}"
