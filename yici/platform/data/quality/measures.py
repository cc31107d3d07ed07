"""What the data service counts for the city's metrics: classes and rows in the lake, quality, lateness, issues.

Standing figures (classes, rows, score, overdue, open issues) are those at the end of the period, or now within it, so
that a period can be compared with the one before; the rest is counted over what happened in the period.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet, Sum

from yici.base import clock
from yici.core.metrics import ports
from yici.core.metrics.rules import Period, Row
from yici.core.people.queries import Scope
from yici.platform.data.models import ClassChannel, DataClass, Issue, Run, Snapshot
from yici.platform.data.quality.freshness import light
from yici.platform.data.quality.queries import latest_scores
from yici.platform.data.scopes import within

__all__ = ["register"]

_DEPARTMENT = ("data_class__department__slug", "data_class__department__name")
CLASSES, QUALITY, ISSUES = "/desk/data/classes/", "/desk/data/quality/", "/desk/cases/?type=data-issue"


def register() -> None:
    """Offer the metrics of the data service; safe to repeat."""
    for metric, provider in _PROVIDERS.items():
        ports.register(metric, provider)


def classes(period: Period, breakdown: str | None, scope: Scope | None) -> list[Row]:
    """Classes with a version in the lake."""
    published = Snapshot.objects.filter(data_class=OuterRef("pk"), published_at__lt=_end(period))
    found = DataClass.objects.filter(within(scope, ""), Exists(published), withdrawn_at=None)
    if breakdown != "organisation":
        return [Row("", "", found.count(), url=CLASSES)]
    counted = found.order_by().values_list("department__slug", "department__name").annotate(n=Count("pk"))
    return [Row(slug, name, n, url=_of(CLASSES, slug)) for slug, name, n in counted]


def rows(period: Period, breakdown: str | None, scope: Scope | None) -> list[Row]:
    """Rows of the version of each class that stood."""
    newest = (
        Snapshot.objects.filter(published_at__lt=_end(period))
        .order_by("data_class_id", "-number")
        .distinct("data_class_id")
        .values("pk")
    )
    found = Snapshot.objects.filter(within(scope), pk__in=newest, data_class__withdrawn_at=None)
    if breakdown != "organisation":
        return [Row("", "", found.aggregate(n=Sum("row_count"))["n"] or 0, url=CLASSES)]
    summed = found.order_by().values_list(*_DEPARTMENT).annotate(n=Sum("row_count"))
    return [Row(slug, name, n, url=_of(CLASSES, slug)) for slug, name, n in summed]


def quality(period: Period, breakdown: str | None, scope: Scope | None) -> list[Row]:
    """Checks that passed out of checks made, by the scores that stood."""
    found = latest_scores(scope, before=period.end + dt.timedelta(days=1))
    sums = {"checked": Sum("checked"), "failed": Sum("failed")}
    if breakdown != "organisation":
        total = found.aggregate(**sums)
        return [Row("", "", (total["checked"] or 0) - (total["failed"] or 0), total["checked"] or 0, url=QUALITY)]
    summed = found.order_by().values_list(*_DEPARTMENT).annotate(**sums)
    return [Row(slug, name, checked - failed, checked, url=QUALITY) for slug, name, checked, failed in summed]


def overdue(period: Period, breakdown: str | None, scope: Scope | None) -> list[Row]:
    """Classes whose light was red, by their freshest channel. The past is read from the runs, the present from the channels."""
    at = min(_end(period), clock.now())
    channels = ClassChannel.objects.filter(within(scope), withdrawn_at=None, data_class__withdrawn_at=None)
    succeeded = Q(runs__state__in=(Run.State.PUBLISHED, Run.State.UNCHANGED), runs__ended_at__lt=at)
    newest = Max("runs__ended_at", filter=succeeded) if _end(period) <= clock.now() else Max("last_success_at")
    found = channels.order_by().values_list(*_DEPARTMENT, "data_class__cycle", "data_class").annotate(at=newest)
    late = [(slug, name) for slug, name, cycle, _class, last in found if light(cycle, last, at) == "red"]
    return _counted(late, breakdown, f"{CLASSES}?light=red")


def open_issues(period: Period, breakdown: str | None, scope: Scope | None) -> list[Row]:
    """Issues that were opened and not closed yet."""
    end = _end(period)
    found = Issue.objects.filter(within(scope), Q(closed_at=None) | Q(closed_at__gte=end), opened_at__lt=end)
    return _counted(found.order_by().values_list(*_DEPARTMENT), breakdown, ISSUES)


def issues_opened(period: Period, breakdown: str | None, scope: Scope | None) -> list[Row]:
    """Issues that rules found in the period."""
    start, end = period.moments()
    found = Issue.objects.filter(within(scope), opened_at__gte=start, opened_at__lt=end)
    return _counted(found.order_by().values_list(*_DEPARTMENT), breakdown, ISSUES)


def rows_loaded(period: Period, breakdown: str | None, scope: Scope | None) -> list[Row]:
    """Rows accepted by the loads of the period."""
    found = _runs(period, scope)
    if breakdown != "organisation":
        return [Row("", "", found.aggregate(n=Sum("rows_accepted"))["n"] or 0, url="/desk/data/runs/")]
    summed = found.order_by().values_list(*_DEPARTMENT).annotate(n=Sum("rows_accepted"))
    return [Row(slug, name, n or 0, url="/desk/data/runs/") for slug, name, n in summed]


def quarantine_share(period: Period, breakdown: str | None, scope: Scope | None) -> list[Row]:
    """Rows held back out of rows read, over the loads of the period."""
    found = _runs(period, scope)
    sums = {"held": Sum("rows_quarantined"), "read": Sum("rows_read")}
    if breakdown != "organisation":
        total = found.aggregate(**sums)
        return [Row("", "", total["held"] or 0, total["read"] or 0, url=QUALITY)]
    summed = found.order_by().values_list(*_DEPARTMENT).annotate(**sums)
    return [Row(slug, name, held or 0, read or 0, url=QUALITY) for slug, name, held, read in summed]


def _runs(period: Period, scope: Scope | None) -> QuerySet[Run]:
    """Loads that ended in the period; a replay speaks of rows that were counted before."""
    found = Run.objects.filter(within(scope), state=Run.State.PUBLISHED)
    start, end = period.moments()
    return found.filter(ended_at__gte=start, ended_at__lt=end).exclude(trigger=Run.Trigger.REPLAY)


def _counted(departments: Iterable[tuple[str, str]], breakdown: str | None, url: str) -> list[Row]:
    found = Counter(departments)
    if breakdown != "organisation":
        return [Row("", "", found.total(), url=url)]
    return [Row(slug, name, n, url=url) for (slug, name), n in sorted(found.items())]


def _of(url: str, department: str) -> str:
    return f"{url}?department={department}"


def _end(period: Period) -> dt.datetime:
    return period.moments()[1]


_PROVIDERS: dict[str, ports.Provider] = {
    "data.classes": classes,
    "data.rows": rows,
    "data.quality": quality,
    "data.overdue": overdue,
    "data.open_issues": open_issues,
    "data.issues_opened": issues_opened,
    "data.rows_loaded": rows_loaded,
    "data.quarantine_share": quarantine_share,
}
