"""How many cases came and went each day: the small chart of the desk."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from yici.core.cases.models import Case
from yici.core.people.queries import Scope


@dataclass(frozen=True)
class DayCount:
    date: dt.date
    opened: int
    closed: int


def daily_counts(first: dt.date, last: dt.date, scope: Scope) -> Sequence[DayCount]:
    """One entry a day from `first` to `last`, both inclusive; mystery shopping left out. Two queries."""
    cases = Case.objects.filter(scope.q(), is_simulated=False)
    opened, closed = (_per_day(cases, moment, first, last) for moment in ("opened_at", "closed_at"))
    days = [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]
    return [DayCount(day, opened.get(day, 0), closed.get(day, 0)) for day in days]


def _per_day(cases: QuerySet[Case], moment: str, first: dt.date, last: dt.date) -> dict[dt.date, int]:
    start = timezone.make_aware(dt.datetime.combine(first, dt.time.min))
    end = timezone.make_aware(dt.datetime.combine(last + dt.timedelta(days=1), dt.time.min))
    within = cases.order_by().filter(**{f"{moment}__gte": start, f"{moment}__lt": end})
    return dict(within.annotate(day=TruncDate(moment)).values("day").annotate(n=Count("pk")).values_list("day", "n"))
