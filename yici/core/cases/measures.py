"""What cases count for the city's metrics; `register` is called once by the wiring."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from django.db.models import Count

from yici.core.cases.models import Instruction
from yici.core.cases.reading.statistics import StatisticsRow, light_statistics, moments_of, settled_statistics
from yici.core.metrics import ports
from yici.core.metrics.rules import Period, Row
from yici.core.people.queries import Scope

Amount = Decimal | int
_BREAKDOWNS = ("organisation", "division", "type", "month")


def register() -> None:
    """Offer every metric of `metrics.yaml` that cases alone can count; safe to repeat."""
    for metric, provider in _PROVIDERS.items():
        ports.register(metric, provider)


Part = Callable[[StatisticsRow], Amount]
_METRICS: tuple[tuple[str, Part, Part | None], ...] = (
    ("case.accepted", lambda row: row.accepted, None),
    ("case.self_filed", lambda row: row.accepted_self_filed, None),
    ("case.self_filed_rate", lambda row: row.accepted_self_filed, lambda row: row.accepted),
    ("case.closed", lambda row: row.closed_normally, None),
    ("case.on_time_rate", lambda row: row.on_time, lambda row: row.timed),
    ("case.correction_rate", lambda row: row.corrected, lambda row: row.opened),
    ("case.average_working_days", lambda row: row.used_days, lambda row: row.timed),
)
_LIGHTS: tuple[tuple[str, Part], ...] = (
    ("case.green", lambda row: row.green),
    ("case.yellow", lambda row: row.yellow),
    ("case.red", lambda row: row.red),
)


def _provider(
    numerator: Part, denominator: Part | None, count: Callable[..., list[StatisticsRow]] = settled_statistics
) -> ports.Provider:
    def provide(period: Period, breakdown: str | None, scope: Scope | None) -> list[Row]:
        by = breakdown if breakdown in _BREAKDOWNS else None
        rows = ports.shared((count, period, by, scope), lambda: count(period, by, scope))
        return [
            Row(
                row.key,
                row.label,
                numerator(row),
                denominator(row) if denominator else None,
                url=f"/desk/cases/?division={row.key}" if by == "division" else "/desk/cases/",
            )
            for row in rows
        ]

    return provide


def _urges(period: Period, breakdown: str | None, scope: Scope | None) -> list[Row]:
    low, high = moments_of(period)
    urges = Instruction.objects.filter(at__gte=low, at__lt=high, case__is_simulated=False)
    if scope is not None:
        urges = urges.filter(scope.q("case__organisation", "case__division"))
    fields = {
        "organisation": ("case__organisation__slug", "case__organisation__name"),
        "type": ("case__type__slug", "case__type__name"),
        "division": ("case__division_id", "case__division__name"),
    }.get(breakdown or "")
    if fields is None:
        return [Row("", "", urges.count())]
    counted = urges.order_by().values(*fields).annotate(n=Count("pk")).values_list(*fields, "n")
    return [Row(str(key), str(label), n) for key, label, n in counted]


_PROVIDERS: dict[str, ports.Provider] = {
    **{metric: _provider(numerator, denominator) for metric, numerator, denominator in _METRICS},
    **{metric: _provider(part, None, light_statistics) for metric, part in _LIGHTS},
    "case.urges": _urges,
}
