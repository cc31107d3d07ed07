"""Metrics for staff: every figure with its definition, its comparison and the rows behind it."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yici.base import clock
from yici.base.errors import Invalid
from yici.base.requests import page_number
from yici.base.spreadsheets import csv_lines
from yici.core.metrics import queries
from yici.core.metrics.ports import one_reading
from yici.core.metrics.rules import Period, PeriodType
from yici.core.people.auth import account_of, staff_required
from yici.core.people.queries import Scope, scope_of

PERMISSION = "metric.view"
ROWS_A_PAGE = 100  # an item's metric has sixteen hundred rows
PERIOD_TYPES = {
    PeriodType.DAY: gettext_lazy("日"),
    PeriodType.WEEK: gettext_lazy("周"),
    PeriodType.MONTH: gettext_lazy("月"),
    PeriodType.QUARTER: gettext_lazy("季度"),
    PeriodType.YEAR: gettext_lazy("年"),
}
BREAKDOWNS = {
    "organisation": gettext_lazy("部门"),
    "division": gettext_lazy("区划"),
    "item": gettext_lazy("事项"),
    "channel": gettext_lazy("渠道"),
}


@staff_required(PERMISSION)
def index(request: HttpRequest) -> HttpResponse:
    """All metrics of one period as cards."""
    period = asked_period(request)
    scope = _scope(request)
    context = {
        **_picker(period),
        "measurements": queries.measure_all(period, scope),
        "is_narrowed": not scope.everything,
    }
    return render(request, "metrics/index.html", context)


@dataclass(frozen=True)
class Column:
    """One period of the chart, in the units of its picture."""

    past: queries.Past
    left: int
    middle: int
    top: int
    label_at: int
    width: int
    height: int
    is_now: bool
    is_marked: bool
    has_label: bool


@staff_required(PERMISSION)
def detail(request: HttpRequest, metric_id: str) -> HttpResponse:
    """One metric, broken down."""
    with one_reading():  # the history holds periods that the comparisons read as well
        measurement = _asked_measurement(request, metric_id)
        history = queries.history(metric_id, measurement.period, _scope(request))
    context = {
        **_picker(measurement.period),
        "measurement": measurement,
        "columns": _columns(history),
        "page": Paginator(measurement.rows, ROWS_A_PAGE).get_page(page_number(request)),
        "breakdowns": [(name, BREAKDOWNS.get(name, name)) for name in measurement.metric.breakdowns],
        "breakdown_label": BREAKDOWNS.get(measurement.breakdown, measurement.breakdown),
        "snapshots": queries.frozen(metric_id, measurement.period),
    }
    return render(request, "metrics/detail.html", context)


@staff_required(PERMISSION)
def export(request: HttpRequest, metric_id: str) -> HttpResponse:
    """The breakdown as CSV, with a byte order mark so that spreadsheets read Chinese."""
    measurement = _asked_measurement(request, metric_id)
    name = f"{metric_id}-{measurement.period.code}-{measurement.breakdown}.csv"
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    metric = measurement.metric
    header = [_("编号"), _("名称"), str(metric.label), _("单位"), _("分子"), _("分母")]
    total: list[object] = [
        _("合计"),
        "",
        measurement.text,
        measurement.unit,
        measurement.numerator,
        measurement.denominator,
    ]
    rows: list[list[object]] = [
        [part.row.key, part.row.label, part.text, measurement.unit, part.row.numerator, part.row.denominator]
        for part in measurement.rows
    ]
    response.writelines(csv_lines(header, [*rows, total]))
    return response


def asked_period(request: HttpRequest) -> Period:
    """From `?period=2026-11`, else from `?type=month&on=2026-11-23`; this month where nothing is asked."""
    if code := request.GET.get("period", ""):
        return Period.parse(code)
    kind = request.GET.get("type", PeriodType.MONTH.value)
    if kind not in list(PeriodType):
        raise Invalid(_("统计周期只能是日、周、月、季度或年。"))
    on = request.GET.get("on", "")
    return Period.of(kind, Period.parse(on).start if on else clock.today())


def _asked_measurement(request: HttpRequest, metric_id: str) -> queries.Measurement:
    metric = queries.metric(metric_id)
    first = metric.breakdowns[0] if metric.breakdowns else None
    breakdown = request.GET.get("by") or first
    return queries.measure(metric_id, asked_period(request), breakdown, _scope(request))


def _scope(request: HttpRequest) -> Scope:
    return scope_of(account_of(request), PERMISSION)


def _columns(history: list[queries.Past]) -> list[Column]:
    """Columns of a picture 560 wide and 150 high, 20 of it above for a value and 20 below for the period."""
    slot = 560 / max(1, len(history))
    shares = [one.share for one in history]
    # Beside the last column there is no room for a second value.
    highest = shares.index(max(shares)) if any(shares) else -1
    marked = {len(history) - 1, *({highest} if highest < len(history) - 3 else ())}
    columns = []
    for place, one in enumerate(history):
        height, is_now = round(one.share * 1.1), place == len(history) - 1
        columns.append(
            Column(
                past=one,
                left=round((place + 0.15) * slot),
                middle=round((place + 0.5) * slot),
                top=130 - height,
                label_at=124 - height,
                width=round(slot * 0.7),
                height=height,
                is_now=is_now,
                is_marked=one.value is not None and place in marked,
                has_label=(len(history) - 1 - place) % 2 == 0 or len(history) <= 8,
            )
        )
    return columns


def _picker(period: Period) -> dict[str, object]:
    return {
        "period": period,
        "period_types": [(kind.value, label) for kind, label in PERIOD_TYPES.items()],
        "before": period.previous(),
        "after": period.following() if period.end < clock.today() else None,
        "today": clock.today(),
    }
