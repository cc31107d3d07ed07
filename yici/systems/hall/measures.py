"""What the hall itself counts for the city's metrics: satisfaction. Cases count the rest."""

from __future__ import annotations

from django.db.models import Count, Q

from yici.core.metrics import ports
from yici.core.metrics.rules import Period, Row
from yici.core.people.queries import Scope
from yici.systems.hall.models import Evaluation

SATISFIED = 3  # GB/T 39735: 基本满意 and above count as satisfied
_KEYS = {"organisation": ("case__organisation__slug", "case__organisation__name")}


def register() -> None:
    """Offer the satisfaction rate of closed cases."""
    ports.register("case.satisfaction_rate", satisfaction)


def satisfaction(period: Period, breakdown: str | None, scope: Scope | None) -> list[Row]:
    """Rated 3 to 5 out of all ratings given in the period; mystery shopping is left out."""
    start, end = period.moments()
    found = Evaluation.objects.filter(at__gte=start, at__lt=end, case__is_simulated=False)
    if scope is not None:
        found = found.filter(scope.q("case__organisation", "case__division"))
    counts = {"good": Count("pk", filter=Q(level__gte=SATISFIED)), "all": Count("pk")}
    if breakdown not in _KEYS:
        total = found.aggregate(**counts)
        return [Row("", "", total["good"], total["all"])]
    key, label = _KEYS[breakdown]
    rows = found.order_by().values_list(key, label).annotate(**counts).values_list(key, label, "good", "all")
    return [Row(str(k), str(name), good, total) for k, name, good, total in rows]
