"""Tags of the data desk's pages: bars, lights and trends drawn on the server, durations and days in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from yici.base import clock
from yici.platform.data.pages.words import LIGHTS
from yici.platform.data.quality.queries import Tally

register = template.Library()

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 620, 170, 92, 26, 14, 26  # LEFT: room for the figures, larger on a phone
_LEAST_SPAN = 0.002  # of the axis: a change of a hundredth of a point shall not look like a landslide


@register.simple_tag
def bar(share: float | None, tone: str = "", low: float = 0.0) -> SafeString:
    """A bar for a share of 0–1. `low`: what an empty bar stands for, where all shares lie near 1."""
    filled = 0.0 if share is None else max(0.0, min(1.0, (share - low) / (1 - low)))
    return format_html(
        '<svg class="data-bar {}" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        '<rect class="track" width="100" height="8"/><rect class="value" width="{}" height="8"/></svg>',
        tone, f"{100 * filled:.1f}",
    )  # fmt: skip


@register.simple_tag
def stack(counts: Mapping[str, int]) -> SafeString:
    """Lights as one bar, each as wide as its count; the words stand beside it, so it is decoration."""
    total = sum(counts.values()) or 1
    parts, at = [], 0.0
    for name in ("green", "yellow", "red", "grey"):
        width = 100 * counts.get(name, 0) / total
        if width:
            parts.append((name, f"{at:.2f}", f"{width:.2f}"))
        at += width
    return format_html(
        '<svg class="data-bar stack" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        '<rect class="track" width="100" height="8"/>{}</svg>',
        format_html_join("", '<rect class="{}" x="{}" width="{}" height="8"/>', parts),
    )


@register.simple_tag
def trend(points: Sequence[tuple[dt.date, Tally]]) -> SafeString:
    """Scores month by month as a line; its axis begins near the worst, and says so by its figures."""
    known = [(month, tally.score) for month, tally in points if tally.score is not None]
    scores = [score for _month, score in known]
    top = 1.0
    low = min(scores, default=0.0)
    low = max(0.0, low - max((top - low) * 0.25, _LEAST_SPAN / 2))
    step = (WIDTH - LEFT - RIGHT) / max(1, len(known) - 1)

    def x(place: int) -> float:
        return LEFT + (place * step if len(known) > 1 else (WIDTH - LEFT - RIGHT) / 2)

    def y(score: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (top - score) / (top - low)

    at = [(f"{x(place):.1f}", f"{y(score):.1f}") for place, (_month, score) in enumerate(known)]
    base = HEIGHT - BOTTOM
    area = f"{at[0][0]},{base} {' '.join(f'{a},{b}' for a, b in at)} {at[-1][0]},{base}" if len(at) > 1 else ""
    marks = [low, (low + top) / 2, top]
    described = "，".join(f"{month:%Y-%m} {score * 100:.2f}%" for month, score in known)
    every = max(1, -(-len(known) // 7))
    return format_html(
        '<svg class="chart data-trend" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}{}{}{}</svg>',
        WIDTH, HEIGHT, described,
        format_html_join(
            "",
            '<line class="grid-line" x1="{}" x2="{}" y1="{}" y2="{}"/><text x="{}" y="{}" text-anchor="end">{}</text>',
            ((LEFT, WIDTH - RIGHT, f"{y(one):.1f}", f"{y(one):.1f}", LEFT - 6, f"{y(one) + 4:.1f}", f"{one * 100:.2f}%")
             for one in marks),
        ),
        format_html('<polygon class="area" points="{}"/>', area) if area else "",
        format_html('<polyline class="line line-0" points="{}"/>', " ".join(f"{a},{b}" for a, b in at)),
        format_html_join(
            "", '<circle class="dot" cx="{}" cy="{}" r="3.5"><title>{}</title></circle>',
            ((a, b, f"{month:%Y-%m} {score * 100:.2f}%") for (a, b), (month, score) in zip(at, known, strict=True)),
        ),
        format_html_join(
            "", '<text x="{}" y="{}" text-anchor="middle">{}</text>',
            ((at[place][0], HEIGHT - 8, f"{month:%y-%m}") for place, (month, _s) in enumerate(known) if place % every == 0),
        ),
    )  # fmt: skip


@register.simple_tag
def light_of(name: str, due: dt.datetime | None = None) -> SafeString:
    """The freshness light in words: 按时, 将超期 · 还有 2 天, 超期 12 天."""
    return format_html('<span class="light {}">{}</span>', name, due_in_words(name, due))


def due_in_words(name: str, due: dt.datetime | None) -> str:
    """How long until a delivery is due, or how long it has been; days by the calendar, hours within a day."""
    if due is None or name not in ("yellow", "red"):
        return str(LIGHTS.get(name, name))
    apart = due - clock.now() if name == "yellow" else clock.now() - due
    days = abs((timezone.localdate(due) - clock.today()).days)
    if days:
        return (_("还有 {n} 天到期") if name == "yellow" else _("超期 {n} 天")).format(n=days)
    hours = max(1, round(apart.total_seconds() / 3600))
    return (_("还有 {n} 小时到期") if name == "yellow" else _("超期 {n} 小时")).format(n=hours)


@register.filter
def when(moment: dt.datetime | None) -> str:
    """A moment as people say it: 今天 02:51, 昨天 22:40, 11-03 04:51, 2025-11-03."""
    if moment is None:
        return "—"
    local = timezone.localtime(moment)
    days = (clock.today() - local.date()).days
    if days in (0, 1, -1):
        word = {0: _("今天"), 1: _("昨天"), -1: _("明天")}[days]
        return f"{word} {local:%H:%M}"
    return f"{local:%m-%d %H:%M}" if local.year == clock.today().year else f"{local:%Y-%m-%d}"


@register.filter
def duration(seconds: Any) -> str:
    """Seconds in words: 0.38 秒, 12 秒, 3 分 20 秒, 2 小时 5 分."""
    if seconds in (None, ""):
        return "—"
    whole = float(seconds)
    if whole < 10:
        return _("{n} 秒").format(n=f"{whole:.2f}".rstrip("0").rstrip("."))
    if whole < 60:
        return _("{n} 秒").format(n=round(whole))
    if whole < 3600:
        return _("{m} 分 {s} 秒").format(m=int(whole // 60), s=int(whole % 60))
    return _("{h} 小时 {m} 分").format(h=int(whole // 3600), m=int(whole % 3600 // 60))


@register.filter
def points(change: float | None) -> str:
    """A change of a score in percentage points, with its sign."""
    return "—" if change is None else f"{change * 100:+.2f}"


@register.simple_tag(takes_context=True)
def sorted_by(context: Any, name: str, label: str, css: str = "") -> SafeString:
    """A column header that sorts: the first press largest or worst first, the second the other way round."""
    order, query = context["wanted"].order, context["request"].GET.copy()
    query.pop("page", None)
    query["order"] = f"-{name}" if order == name else name
    state = "ascending" if order == f"-{name}" else "descending" if order == name else "none"
    return format_html(
        '<th scope="col" class="data-sort {}" aria-sort="{}"><a href="?{}">{}</a></th>',
        css,
        state,
        query.urlencode(),
        label,
    )
