"""Template tags every page may use: icons, data elements, and what a case's clock says."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from django import template
from django.conf import settings
from django.core.paginator import Page
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from yici.base.errors import Misconfigured
from yici.core.cases.queries import days_left_in_words, state_in_words
from yici.core.vocabulary import rules as vocabulary

register = template.Library()


@lru_cache(maxsize=256)
def _icon(name: str) -> str:
    path = settings.ROOT / "yici" / "web" / "static" / "vendor" / "icons" / f"{name}.svg"
    if not re.fullmatch(r"[a-z0-9-]+", name) or not path.exists():
        raise Misconfigured(f"图标 {name} 不存在：请在 yici/web/icons.txt 中列出并运行 make assets。")
    body = re.sub(r"<!--.*?-->", "", path.read_text("utf-8"), flags=re.DOTALL)
    body = re.sub(r"\s+", " ", body).replace("> <", "><")
    return re.sub(
        r"<svg [^>]*>",
        '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" '
        'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">',
        body,
    ).strip()


@register.simple_tag
def icon(name: str) -> SafeString:
    """Inline a Tabler outline icon; decorative, so hidden from screen readers."""
    return mark_safe(_icon(name))  # noqa: S308 - our own vendored file


@register.simple_tag
def mask(element: str, value: Any) -> str:
    """A value with its personal part hidden."""
    return vocabulary.mask(element, str(value or ""))


@register.simple_tag
def display(element: str, value: Any) -> str:
    """A value as people read it: codes as labels, dates in words."""
    return vocabulary.display(element, str(value or ""))


@register.simple_tag
def days_left(case: Any) -> str:
    """剩余 4 个工作日 / 超期 1 个工作日 / 停表中."""
    return days_left_in_words(case)


LIGHTS = {"green": "正常", "yellow": "临期", "red": "超期", "stopped": "停表", "none": "无时限"}


@register.simple_tag
def light(case: Any) -> SafeString:
    """The warning light: a coloured dot and its word, never colour alone."""
    return format_html('<span class="light {}">{}</span>', case.light, _(LIGHTS.get(case.light, "无时限")))


TONES = {
    "approved": "success", "approved_tolerant": "success", "denied": "danger", "refused": "danger", "not_accepted": "danger",
    "revoked": "danger", "correction_open": "warning", "special_open": "warning", "withdrawal_pending": "warning",
}  # fmt: skip


@register.simple_tag
def state_tag(case: Any) -> SafeString:
    """The state in words on a tint; the words carry the meaning."""
    return format_html('<span class="tag {}">{}</span>', TONES.get(case.state, ""), state_in_words(case))


@register.inclusion_tag("pager.html", takes_context=True)
def pager(context: Any, page: Any, has_next: bool = False, last: int = 0) -> dict[str, Any]:
    """Links to the page before and after this one; the rest of the address is kept.

    `page`: of Django's `Paginator`; or anything with `page` (from 1) and `has_next`; or the number alone, with `has_next`
    and the number of the `last` page where it is known.
    """
    if isinstance(page, Page):
        number, has_next, last = page.number, page.has_next(), page.paginator.num_pages
    elif isinstance(page, int):
        number = page
    else:
        number, has_next = page.page, page.has_next
    kept = context["request"].GET.copy()

    def at(other: int) -> str:
        kept["page"] = str(other)
        return str(kept.urlencode())

    return {
        "number": number,
        "last": last,
        "before": at(number - 1) if number > 1 else "",
        "after": at(number + 1) if has_next else "",
    }


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """`mapping|get:key`, empty where missing."""
    return mapping.get(key, "") if hasattr(mapping, "get") else ""


@register.filter
def percent(share: float | None) -> str:
    """0.98765 as 98.77%; a dash for nothing."""
    return "—" if share is None else f"{share * 100:.2f}%"


@register.filter
def grouped(number: Any) -> str:
    """12345678 as 12,345,678, in every language: long numbers are read by their groups."""
    return "" if number in (None, "") else f"{number:,}"


@register.filter
def yuan(fen: Any) -> str:
    """123450 fen as 1,234.50; a minus stays in front."""
    if fen in (None, ""):
        return ""
    whole, rest = divmod(abs(int(fen)), 100)
    return f"{'-' if int(fen) < 0 else ''}{whole:,}.{rest:02d}"
