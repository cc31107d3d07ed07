"""Reading metrics: their definitions, live measurements with comparisons and cross-checks, frozen values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.utils.translation import gettext as _

from yici.core.metrics import ports, registry
from yici.core.metrics.errors import UnknownBreakdown, UnknownMetric
from yici.core.metrics.models import Snapshot
from yici.core.metrics.rules import (
    Comparison,
    ComparisonKind,
    MetricDefinition,
    MetricKind,
    Period,
    PeriodType,
    Qualifier,
    Row,
    as_text,
    check_sum,
    value_of,
)
from yici.core.metrics.rules.values import total_of
from yici.core.people.scopes import Scope

__all__ = [
    "Compared",
    "Measured",
    "Measurement",
    "Past",
    "UnknownMetric",
    "frozen",
    "history",
    "measure",
    "measure_all",
    "metric",
    "metrics",
]


# Parts in the order of the map and of time; those of other counts come largest first.
_IN_ORDER = (None, "division", "month")
# A year is read whole: few of them.
_HISTORY = {
    PeriodType.DAY: 14,
    PeriodType.WEEK: 12,
    PeriodType.MONTH: 12,
    PeriodType.QUARTER: 8,
    PeriodType.YEAR: 4,
}


@dataclass(frozen=True)
class Measured:
    """A row with its value in the metric's unit; `share` is its part of the longest bar, 0–100."""

    row: Row
    value: Decimal | None
    text: str
    share: int


@dataclass(frozen=True)
class Past:
    """The value of a period for a chart; `share` is its part of the highest, 0–100."""

    period: Period
    value: Decimal | None
    text: str
    share: int


@dataclass(frozen=True)
class Compared:
    """A comparison with the period it is made with; `tone` is better, worse or empty."""

    comparison: Comparison
    period: Period
    words: str
    tone: str


@dataclass(frozen=True)
class Measurement:
    """What a metric is in a period. `value` is unrounded and `None` where nothing can be counted."""

    metric: MetricDefinition
    period: Period
    value: Decimal | None
    numerator: Decimal | None = None
    denominator: Decimal | None = None
    url: str = ""
    is_provided: bool = True
    qualifier: Qualifier = Qualifier.EXACT
    breakdown: str = ""
    rows: Sequence[Measured] = ()
    comparisons: Sequence[Compared] = ()
    problems: Sequence[str] = field(default=())

    @property
    def unit(self) -> str:
        return str(self.metric.unit)

    @property
    def text(self) -> str:
        """The figure as people read it, without its unit."""
        return as_text(self.metric, self.value)

    @property
    def comparison(self) -> Comparison | None:
        """The first comparison of the definition, where one can be made."""
        return self.comparisons[0].comparison if self.comparisons else None


def metrics() -> Sequence[MetricDefinition]:
    """Every metric, in the order of the city folder."""
    return tuple(registry.all_definitions().values())


def metric(metric_id: str) -> MetricDefinition:
    """Raises `UnknownMetric`."""
    try:
        return registry.all_definitions()[metric_id]
    except KeyError:
        raise UnknownMetric() from None


def measure(metric_id: str, period: Period, breakdown: str | None = None, scope: Scope | None = None) -> Measurement:
    """Count a metric now. Raises `UnknownMetric`, `UnknownBreakdown`.

    Without a breakdown: one provider call, and one for each comparison. With one: another for the rows.
    """
    definition = metric(metric_id)
    if breakdown and breakdown not in definition.breakdowns:
        raise UnknownBreakdown()
    provider = ports.provider_of(metric_id)
    if provider is None or (scope is not None and scope.is_empty):
        return Measurement(definition, period, None, is_provided=provider is not None, breakdown=breakdown or "")
    total = _whole(provider(period, None, scope))
    value = value_of(definition, total)
    rows = provider(period, breakdown, scope) if breakdown else []
    if definition.kind is MetricKind.COUNT and breakdown not in _IN_ORDER:
        rows = sorted(rows, key=lambda row: -(row.numerator or 0))
    return Measurement(
        metric=definition,
        period=period,
        value=value,
        numerator=None if total.numerator is None else Decimal(total.numerator),
        denominator=None if total.denominator is None else Decimal(total.denominator),
        url=total.url,
        qualifier=definition.qualifier,
        breakdown=breakdown or "",
        rows=_measured(definition, rows),
        comparisons=_compared(definition, period, value, provider, scope),
        problems=_problems(definition, total, rows) if breakdown else (),
    )


def measure_all(period: Period, scope: Scope | None = None) -> list[Measurement]:
    """Every metric of the city without breakdown; metrics of the same rows count them once."""
    with ports.one_reading():
        return [measure(definition.id, period, None, scope) for definition in metrics()]


def history(metric_id: str, period: Period, scope: Scope | None = None) -> list[Past]:
    """The metric in this period and those before it, oldest first; one provider call each. Raises `UnknownMetric`.

    Empty where nobody counts it or nothing may be seen.
    """
    definition = metric(metric_id)
    provider = ports.provider_of(metric_id)
    if provider is None or (scope is not None and scope.is_empty):
        return []
    periods = [period]
    while len(periods) < _HISTORY[period.type]:
        periods.append(periods[-1].previous())
    values = [(one, value_of(definition, _whole(provider(one, None, scope)))) for one in reversed(periods)]
    highest = max((value for _one, value in values if value), default=Decimal(0))
    return [
        Past(one, value, as_text(definition, value), max(0, round(value / highest * 100)) if value and highest else 0)
        for one, value in values
    ]


def _whole(rows: list[Row]) -> Row:
    return rows[0] if len(rows) == 1 else total_of(rows)


def _measured(definition: MetricDefinition, rows: Sequence[Row]) -> list[Measured]:
    values = [value_of(definition, row) for row in rows]
    # A share of a whole fills the bar at 100 percent, everything else at the largest row.
    is_ratio = definition.kind is MetricKind.RATIO
    longest = Decimal(100) if is_ratio else max((value for value in values if value), default=Decimal(0))
    return [
        Measured(
            row,
            value,
            as_text(definition, value),
            min(100, max(0, round(value / longest * 100))) if value and longest else 0,
        )
        for row, value in zip(rows, values, strict=True)
    ]


def _compared(
    definition: MetricDefinition,
    period: Period,
    value: Decimal | None,
    provider: ports.Provider,
    scope: Scope | None,
) -> list[Compared]:
    found = []
    for against in definition.comparisons:
        other = period.previous() if against.with_ == "previous" else period.same_last_year()
        before = value_of(definition, _whole(provider(other, None, scope)))
        comparison = Comparison.between(against.kind, value, before)
        if comparison is not None:
            words = comparison.describe(_base_in_words(against.with_, period.type))
            found.append(Compared(comparison, other, words, _tone(definition, comparison)))
    return found


def _base_in_words(with_: str, type_: PeriodType) -> str:
    if with_ == "same_last_year":
        return _("上年") if type_ is PeriodType.YEAR else _("去年同期")
    return {
        PeriodType.DAY: _("前一日"),
        PeriodType.WEEK: _("上周"),
        PeriodType.MONTH: _("上月"),
        PeriodType.QUARTER: _("上季度"),
        PeriodType.YEAR: _("上年"),
    }[type_]


def _tone(definition: MetricDefinition, comparison: Comparison) -> str:
    change = comparison.value - (1 if comparison.kind is ComparisonKind.TIMES else 0)
    if not definition.better or not change:
        return ""
    return "better" if (change > 0) == (definition.better == "up") else "worse"


def _problems(definition: MetricDefinition, total: Row, rows: Sequence[Row]) -> list[str]:
    if not definition.partition:
        return []
    checks = [check_sum(total.numerator, [row.numerator for row in rows])]
    if definition.kind is not MetricKind.COUNT:
        checks.append(check_sum(total.denominator, [row.denominator for row in rows]))
    return [check.message for check in checks if not check]


def frozen(metric_id: str, period: Period, breakdown: str = "", cutoff: dt.datetime | None = None) -> list[Snapshot]:
    """The values frozen for a period at `cutoff`, else at the latest one; empty where nothing was frozen."""
    rows = Snapshot.objects.filter(
        metric=metric_id, period_start=period.start, period_end=period.end, breakdown=breakdown
    )
    if cutoff is None:
        newest = rows.order_by("-cutoff").values_list("cutoff", flat=True).first()
        if newest is None:
            return []
        cutoff = newest
    return list(rows.filter(cutoff=cutoff).order_by("key"))
