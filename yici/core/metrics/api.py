"""Metrics for programs of staff: definitions, and values within what the account may count."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema

from yici.base import clock
from yici.base.errors import NotAllowed
from yici.core.metrics import ports, queries
from yici.core.metrics.rules import MetricDefinition, Period, as_text
from yici.core.people.auth import staff_auth
from yici.core.people.queries import scope_of

PERMISSION = "metric.view"

router = Router(tags=["metrics"])


class Words(Schema):
    zh: str
    en: str


class MetricOut(Schema):
    id: str
    label: Words
    unit: Words
    definition: Words
    kind: str
    qualifier: str
    period: str
    breakdowns: list[str]
    is_provided: bool

    @staticmethod
    def resolve_is_provided(metric: MetricDefinition) -> bool:
        return ports.is_provided(metric.id)


class ComparisonOut(Schema):
    kind: str
    value: Decimal
    with_period: str
    words: str


class RowOut(Schema):
    key: str
    label: str
    value: Decimal | None
    numerator: Decimal | None
    denominator: Decimal | None


class MeasurementOut(Schema):
    """`value` is in the metric's unit, rounded to its decimals; null where nothing can be counted."""

    metric: str
    period: str
    start: dt.date
    end: dt.date
    value: Decimal | None
    unit: Words
    qualifier: str
    numerator: Decimal | None
    denominator: Decimal | None
    is_provided: bool
    comparisons: list[ComparisonOut]
    breakdown: str
    rows: list[RowOut]
    problems: list[str]


@router.get("/metrics", response=list[MetricOut], auth=staff_auth, summary="统计指标目录 · Catalogue of metrics")
def list_metrics(request: HttpRequest) -> list[MetricDefinition]:
    _scope(request)
    return list(queries.metrics())


@router.get(
    "/metrics/{metric_id}", response=MeasurementOut, auth=staff_auth, summary="统计指标数值 · Value of a metric"
)
def get_metric(request: HttpRequest, metric_id: str, period: str = "", by: str = "") -> dict[str, Any]:
    """`period`: 2026, 2026-Q4, 2026-11, 2026-W47 or 2026-11-23 (default: the current one of the metric's type).

    `by`: a breakdown of the metric. 404 `unknown-metric`, 422 for a malformed period or unknown breakdown.
    """
    scope = _scope(request)
    metric = queries.metric(metric_id)
    asked = Period.parse(period) if period else Period.of(metric.period, clock.today())
    return _out(queries.measure(metric_id, asked, by or None, scope))


def _scope(request: HttpRequest) -> Any:
    scope = scope_of(request.auth, PERMISSION)  # type: ignore[attr-defined]
    if scope.is_empty:
        raise NotAllowed()
    return scope


def _rounded(metric: MetricDefinition, value: Decimal | None) -> Decimal | None:
    return None if value is None else Decimal(as_text(metric, value).replace(",", ""))


def _out(found: queries.Measurement) -> dict[str, Any]:
    return {
        "metric": found.metric.id,
        "period": found.period.code,
        "start": found.period.start,
        "end": found.period.end,
        "value": _rounded(found.metric, found.value),
        "unit": found.metric.unit,
        "qualifier": found.qualifier.value,
        "numerator": found.numerator,
        "denominator": found.denominator,
        "is_provided": found.is_provided,
        "comparisons": [
            {
                "kind": made.comparison.kind.value,
                "value": round(made.comparison.value, 4),
                "with_period": made.period.code,
                "words": made.words,
            }
            for made in found.comparisons
        ],
        "breakdown": found.breakdown,
        "rows": [
            {
                "key": part.row.key,
                "label": part.row.label,
                "value": _rounded(found.metric, part.value),
                "numerator": part.row.numerator,
                "denominator": part.row.denominator,
            }
            for part in found.rows
        ],
        "problems": list(found.problems),
    }
