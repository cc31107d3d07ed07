"""Small pictures drawn on the server, so that a page with a trend needs no script and weighs little."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 560, 190, 34, 14, 24


@dataclass(frozen=True)
class Series:
    """One line: `name` in the language of the page; one value a label."""

    name: str
    values: Sequence[int]


def line_chart(labels: Sequence[str], series: Sequence[Series]) -> SafeString:
    """An SVG line chart of counts over `labels`; colours come from the stylesheet (`.chart .line-0` …)."""
    top = _round_up(max((value for one in series for value in one.values), default=0))
    step = (WIDTH - LEFT - 10) / max(1, len(labels) - 1)

    def point(index: int, value: int) -> tuple[float, float]:
        return LEFT + index * step, TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top)

    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(_describe(labels, series))}">'
    ]
    for share in (0, 0.5, 1):
        y = point(0, int(top * share))[1]
        parts.append(f'<line class="grid-line" x1="{LEFT}" x2="{WIDTH - 10}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{int(top * share)}</text>')
    for index, label in enumerate(labels):
        if index % 2 == len(labels) % 2 or len(labels) < 8:
            parts.append(
                f'<text x="{point(index, 0)[0]:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{escape(label)}</text>'
            )
    for number, one in enumerate(series):
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (point(i, v) for i, v in enumerate(one.values)))
        parts.append(f'<polyline class="line line-{number}" points="{points}"/>')
    parts.append("</svg>")
    legend = "".join(f'<span class="key key-{number}">{escape(one.name)}</span>' for number, one in enumerate(series))
    return mark_safe(f'<div class="legend">{legend}</div>' + "".join(parts))  # noqa: S308 - every text is escaped above


def _describe(labels: Sequence[str], series: Sequence[Series]) -> str:
    sums = "，".join(f"{one.name} {sum(one.values)}" for one in series)
    return f"{labels[0]} – {labels[-1]}：{sums}" if labels else sums


def _round_up(value: int) -> int:
    """A friendly even top of the axis."""
    for step in (4, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000):
        if value <= step:
            return step
    return value + value % 2
