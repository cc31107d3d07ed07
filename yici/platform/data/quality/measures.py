"""What the data service counts for the city's metrics: rows in the lake, quality, issues, quarantine."""

from __future__ import annotations

import datetime as dt

from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone

from yici.core.metrics import ports
from yici.core.metrics.rules import Period, Row
from yici.core.people.queries import Scope
from yici.platform.data.models import Issue, Run, Score
from yici.platform.data.quality.queries import within

__all__ = ["register"]


def register() -> None:
    """Offer the metrics of the data service."""
    ports.register("data.rows_loaded", rows_loaded)
    ports.register("data.quarantine_share", quarantine_share)
    ports.register("data.quality", quality)
    ports.register("data.issues_opened", issues_opened)


def _span(period: Period) -> tuple[dt.datetime, dt.datetime]:
    start = timezone.make_aware(dt.datetime.combine(period.start, dt.time.min))
    end = timezone.make_aware(dt.datetime.combine(period.end + dt.timedelta(days=1), dt.time.min))
    return start, end


def _runs(period: Period, scope: Scope | None) -> QuerySet[Run]:
    start, end = _span(period)
    return Run.objects.filter(within(scope), state=Run.State.PUBLISHED, ended_at__gte=start, ended_at__lt=end)


_DEPARTMENT = ("data_class__department__slug", "data_class__department__name")


def rows_loaded(period: Period, breakdown: str | None, scope: Scope | None) -> list[Row]:
    """Rows accepted by the loads of the period."""
    rows = _runs(period, scope)
    if breakdown != "organisation":
        return [Row("", "", rows.aggregate(n=Sum("rows_accepted"))["n"] or 0)]
    summed = rows.order_by().values_list(*_DEPARTMENT).annotate(n=Sum("rows_accepted"))
    return [Row(str(slug), str(name), n or 0) for slug, name, n in summed]


def quarantine_share(period: Period, breakdown: str | None, scope: Scope | None) -> list[Row]:
    """Rows held back out of rows read, over the loads of the period."""
    rows = _runs(period, scope)
    sums = {"held": Sum("rows_quarantined"), "read": Sum("rows_read")}
    if breakdown != "organisation":
        total = rows.aggregate(**sums)
        return [Row("", "", total["held"] or 0, total["read"] or 0)]
    found = rows.order_by().values_list(*_DEPARTMENT).annotate(**sums)
    return [Row(str(slug), str(name), held or 0, read or 0) for slug, name, held, read in found]


def quality(period: Period, breakdown: str | None, scope: Scope | None) -> list[Row]:
    """Checks that passed out of checks made, by the scores of the months the period touches."""
    rows = Score.objects.filter(within(scope), month__gte=period.start.replace(day=1), month__lte=period.end)
    sums = {"checked": Sum("checked"), "failed": Sum("failed")}
    if breakdown != "organisation":
        total = rows.aggregate(**sums)
        return [Row("", "", (total["checked"] or 0) - (total["failed"] or 0), total["checked"] or 0)]
    found = rows.order_by().values_list(*_DEPARTMENT).annotate(**sums)
    return [Row(str(slug), str(name), checked - failed, checked) for slug, name, checked, failed in found]


def issues_opened(period: Period, breakdown: str | None, scope: Scope | None) -> list[Row]:
    start, end = _span(period)
    rows = Issue.objects.filter(within(scope), Q(opened_at__gte=start, opened_at__lt=end))
    if breakdown != "organisation":
        return [Row("", "", rows.count())]
    found = rows.order_by().values_list(*_DEPARTMENT).annotate(n=Count("pk"))
    return [Row(str(slug), str(name), n) for slug, name, n in found]
