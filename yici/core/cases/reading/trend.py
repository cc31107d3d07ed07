"""How many cases came and went each day: the figures and the small chart of the desk."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import Count, DateTimeField, F, Func, IntegerField, Q, QuerySet, Sum, Value
from django.utils import timezone

from yici.core.cases.models import Case
from yici.core.cases.reading.statistics import counted_cases, counted_tallies, is_tallied
from yici.core.cases.rules import DECIDED_OUTCOMES
from yici.core.people.queries import Scope


@dataclass(frozen=True)
class DayCount:
    """`timed` are the decided ones whose deadline was known, `on_time` those of them that kept it."""

    date: dt.date
    opened: int = 0
    closed: int = 0
    timed: int = 0
    on_time: int = 0


def daily_counts(first: dt.date, last: dt.date, scope: Scope) -> Sequence[DayCount]:
    """One entry a day from `first` to `last`, both inclusive; counted as in `statistics`. One query, or two."""
    days = [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]
    if is_tallied(scope):
        sums = {f"n_{name}": Sum(name) for name in ("opened", "closed", "timed", "on_time")}
        found = counted_tallies(first, last, scope).order_by().values("day").annotate(**sums)
        counts = {day: DayCount(day, *rest) for day, *rest in found.values_list("day", *sums)}
        return [counts.get(day) or DayCount(day) for day in days]
    cases = counted_cases().filter(scope.q())
    decided = Q(outcome__in=DECIDED_OUTCOMES)
    opened = _per_day(cases, "opened_at", days, {"n": Count("*")})
    closed = _per_day(
        cases.filter(closed_at__isnull=False),
        "closed_at",
        days,
        {
            "n": Count("*"),
            "timed": Count(Value(1), filter=decided & Q(closed_on_time__isnull=False)),
            "on_time": Count(Value(1), filter=decided & Q(closed_on_time=True)),
        },
    )
    return [
        DayCount(day, *opened.get(number, (0,)), *closed.get(number, (0, 0, 0))) for number, day in enumerate(days, 1)
    ]


def _per_day(
    cases: QuerySet[Case], moment: str, days: Sequence[dt.date], counts: dict[str, Any]
) -> dict[int, tuple[int, ...]]:
    """Counts by the number of the day, from 1. The days are given as their midnights: three times cheaper for
    the database than to turn every moment into a local date."""
    midnights = [timezone.make_aware(dt.datetime.combine(day, dt.time.min)) for day in days]
    after = timezone.make_aware(dt.datetime.combine(days[-1] + dt.timedelta(days=1), dt.time.min))
    within = cases.order_by().filter(**{f"{moment}__gte": midnights[0], f"{moment}__lt": after})
    bounds = Value(midnights, output_field=ArrayField(DateTimeField()))
    number = Func(F(moment), bounds, function="width_bucket", output_field=IntegerField())
    rows = within.annotate(day_=number).values("day_").annotate(**counts).values_list("day_", *counts)
    return {day: tuple(found) for day, *found in rows}
