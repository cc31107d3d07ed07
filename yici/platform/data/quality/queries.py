"""Reads of quality: scores by column, dimension, class, department and month; league table; issues and feedback.

A score is 1 - failed / checked over all the rules it stands for: weighted by the number of checks, so that columns add
up to classes, classes to departments and departments to the city, and no figure contradicts its parts. (A mean of the
six dimensions would give a rule on ten rows the weight of one on ten million.) Each function asks a constant number
of queries; the caller's scope is a condition inside them.

Which deliveries a score is of: the newest full delivery of the month and the increments after it; where a month has
increments only, all of them together, for a single one says little of its class. A class without a delivery in a
month keeps the score it had. Versions that were rolled back do not count.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet, Sum, Window
from django.db.models.functions import Coalesce, TruncMonth
from django.utils import timezone

from yici.base import clock
from yici.core.cases.models import Case
from yici.core.people.models import Organisation
from yici.core.people.queries import Scope
from yici.platform.data.models import ClassChannel, DataClass, Issue, RuleResult, Run, Score, Snapshot
from yici.platform.data.quality.freshness import Light, light
from yici.platform.data.quality.measuring import month_of
from yici.platform.data.scopes import of_units, within
from yici.platform.data.services import CASE_TYPE as OBJECTION

__all__ = [
    "ClassScore",
    "Failing",
    "Feedback",
    "FeedbackCounts",
    "League",
    "Tally",
    "class_scores",
    "column_scores",
    "dimension_scores",
    "failing_rules",
    "feedback",
    "feedback_counts",
    "latest_scores",
    "league",
    "lights_of",
    "open_issues",
    "trend",
    "worst_classes",
]


@dataclass(frozen=True)
class Tally:
    """`checked`: how often a rule applied to a row; `failed`: how often it failed."""

    checked: int = 0
    failed: int = 0

    @property
    def score(self) -> float | None:
        """0–1; None where nothing was checked."""
        return 1 - self.failed / self.checked if self.checked else None

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.checked + other.checked, self.failed + other.failed)


# Scores -----------------------------------------------------------------------------------------------


def latest_scores(scope: Scope | None = None, before: dt.date | None = None) -> QuerySet[Score]:
    """Scores that stand for each class today, or as they stood at the beginning of the day `before`."""
    standing = _standing(before, newest_month=True)
    return Score.objects.filter(within(scope), data_class__withdrawn_at=None, snapshot__in=standing.values("pk"))


def _standing(before: dt.date | None = None, *, newest_month: bool = False) -> QuerySet[Snapshot]:
    """Measured versions that count for the month they were published in; `newest_month`: only those of each class's last."""
    versions = Snapshot.objects.filter(Exists(Score.objects.filter(snapshot=OuterRef("pk"))))
    versions = versions.exclude(state=Snapshot.State.ROLLED_BACK)
    if before is not None:
        versions = versions.filter(published_at__lt=timezone.make_aware(dt.datetime.combine(before, dt.time())))
    month = TruncMonth("published_at", tzinfo=timezone.get_default_timezone())
    fulls = Window(Max("number", filter=Q(mode=Snapshot.Mode.FULL)), partition_by=[F("data_class"), F("month")])
    newest = Window(Max("month"), partition_by=F("data_class"))
    found = versions.order_by().annotate(month=month).annotate(begins=Coalesce(fulls, 0), newest=newest)
    found = found.filter(number__gte=F("begins"))
    return found.filter(month=F("newest")) if newest_month else found


def class_scores(class_ids: Iterable[str]) -> dict[str, Tally]:
    """Class → its score; classes that were never measured are not in it. One query."""
    return summed(latest_scores().filter(data_class__in=list(class_ids)), "data_class")


def column_scores(class_id: str) -> dict[str, dict[str, Tally]]:
    """Column (empty: the class as a whole) → dimension → score. One query."""
    found: dict[str, dict[str, Tally]] = defaultdict(dict)
    rows = latest_scores().filter(data_class=class_id).order_by().values_list("column", "dimension")
    for column, dimension, checked, failed in rows.annotate(c=Sum("checked"), f=Sum("failed")):
        found[column][dimension] = Tally(checked, failed)
    return dict(found)


def dimension_scores(scope: Scope | None = None, department: Organisation | None = None) -> dict[str, Tally]:
    """Dimension → score over every class in the scope; their sum is the score of the whole. One query."""
    rows = latest_scores(scope)
    if department is not None:
        rows = rows.filter(data_class__department=department)
    return summed(rows, "dimension")


def summed(rows: QuerySet[Score], field: str) -> dict[Any, Tally]:
    """Scores added up by a field. One query."""
    added = rows.order_by().values_list(field).annotate(c=Sum("checked"), f=Sum("failed"))
    return {key: Tally(checked, failed) for key, checked, failed in added}


def total(tallies: Mapping[Any, Tally]) -> Tally:
    return sum(tallies.values(), Tally())


def open_issue_counts() -> dict[int, int]:
    """Department → issues that are open. One query."""
    counted = Issue.objects.filter(closed_at=None).order_by().values_list("data_class__department")
    return dict(counted.annotate(n=Count("pk")))


@dataclass(frozen=True)
class ClassScore:
    """A class with its score."""

    data_class: DataClass
    tally: Tally


def worst_classes(scope: Scope | None = None, count: int = 20, dimension: str = "") -> list[ClassScore]:
    """Classes by score, worst first, classes without a failing row left out. Two queries."""
    rows = latest_scores(scope)
    if dimension:
        rows = rows.filter(dimension=dimension)
    summed = rows.order_by().values_list("data_class").annotate(c=Sum("checked"), f=Sum("failed")).filter(f__gt=0)
    worst = sorted(((Tally(c, f), key) for key, c, f in summed), key=lambda one: (one[0].score or 0.0, one[1]))[:count]
    classes = DataClass.objects.select_related("department").in_bulk([key for _tally, key in worst])
    return [ClassScore(classes[key], tally) for tally, key in worst]


def trend(
    scope: Scope | None = None,
    class_id: str = "",
    months: int = 12,
    department: Organisation | None = None,
    dimension: str = "",
) -> list[tuple[dt.date, Tally]]:
    """Month by month up to this one, oldest first, from the first month in which something was measured. One query."""
    rows = Score.objects.filter(within(scope), data_class__withdrawn_at=None, snapshot__in=_standing().values("pk"))
    if class_id:
        rows = rows.filter(data_class=class_id)
    if department is not None:
        rows = rows.filter(data_class__department=department)
    if dimension:
        rows = rows.filter(dimension=dimension)
    summed = rows.order_by("month").values_list("month", "data_class").annotate(c=Sum("checked"), f=Sum("failed"))
    by_month: dict[dt.date, dict[str, Tally]] = defaultdict(dict)
    for month, data_class, checked, failed in summed:
        by_month[month][data_class] = Tally(checked, failed)
    points, kept = [], dict[str, Tally]()
    for month in _months(min(by_month, default=None)):
        kept |= by_month.get(month, {})
        points.append((month, total(kept)))
    return points[-months:]


def _months(first: dt.date | None) -> Iterable[dt.date]:
    """First days of the months from `first` to the present one."""
    last = month_of(clock.now())
    while first is not None and first <= last:
        yield first
        first = (first + dt.timedelta(days=32)).replace(day=1)


# League table -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class League:
    """One department in the table. `before`: its score at the end of last month. `classes`: how many were measured.

    `rank` is among all departments of the city, `of` so many, whoever looks; equal scores share it.
    """

    rank: int
    department: Organisation
    tally: Tally
    before: Tally
    classes: int
    open_issues: int
    overdue: int
    of: int = 0

    @property
    def change(self) -> float | None:
        """In points (0–1) against the month before; None where there is nothing to compare with."""
        now, then = self.tally.score, self.before.score
        return None if now is None or then is None else now - then


def league(scope: Scope | None = None) -> list[League]:
    """Departments by score, best first, those in the scope. Five queries, whatever their number."""
    counted = latest_scores().order_by().values_list("data_class__department").annotate(
        c=Sum("checked"), f=Sum("failed"), n=Count("data_class", distinct=True)
    )  # fmt: skip
    scores = {key: (Tally(checked, failed), classes) for key, checked, failed, classes in counted}
    before = summed(latest_scores(before=month_of(clock.now())), "data_class__department")
    issues = open_issue_counts()
    overdue: dict[int, int] = defaultdict(int)
    for department, _described, found in _class_lights(None):
        overdue[department] += found == "red"
    shown = Organisation.objects.filter(of_units(scope, "pk"), pk__in=list(scores)).in_bulk()
    points = {key: tally.score or 0.0 for key, (tally, _classes) in scores.items()}
    ordered = sorted(shown, key=lambda key: (-points[key], shown[key].order, key))
    return [
        League(
            rank=1 + sum(other > points[key] for other in points.values()),
            department=shown[key],
            tally=scores[key][0],
            before=before.get(key, Tally()),
            classes=scores[key][1],
            open_issues=issues.get(key, 0),
            overdue=overdue[key],
            of=len(scores),
        )
        for key in ordered
    ]


# Freshness --------------------------------------------------------------------------------------------


def lights_of(scope: Scope | None = None) -> dict[Light, int]:
    """How many described classes stand at each light, by their freshest channel. One query."""
    counted: dict[Light, int] = {"red": 0, "yellow": 0, "green": 0, "grey": 0}
    for _department, described, found in _class_lights(scope):
        if described:
            counted[found] += 1
    return counted


def _class_lights(scope: Scope | None) -> list[tuple[int, bool, Light]]:
    """(department, is described, light) of every class, by its freshest channel."""
    rows = ClassChannel.objects.filter(within(scope), withdrawn_at=None, data_class__withdrawn_at=None)
    newest = rows.order_by().values_list(
        "data_class__department", "data_class__is_described", "data_class__cycle", "data_class"
    ).annotate(at=Max("last_success_at"))  # fmt: skip
    now = clock.now()
    return [(department, described, light(cycle, at, now)) for department, described, cycle, _class, at in newest]


# Issues -----------------------------------------------------------------------------------------------


def open_issues(scope: Scope | None = None) -> QuerySet[Issue]:
    """Open issues of the scope's classes and of its units as providers, those with the most failing rows first."""
    rows = Issue.objects.filter(within(scope) | of_units(scope, "unit"), closed_at=None)
    return rows.select_related("data_class", "unit", "latest_run").order_by("-failed", "pk")


@dataclass(frozen=True)
class Failing:
    """A rule that failed in the latest measured run of a class."""

    class_id: str
    rule: str
    column: str
    dimension: str
    tally: Tally


def failing_rules(scope: Scope | None = None, class_id: str = "", count: int = 50) -> list[Failing]:
    """Rules with the most failing rows first, from the newest measured run of each class. One query."""
    runs = Run.objects.filter(within(scope), Exists(RuleResult.objects.filter(run=OuterRef("pk"))))
    if class_id:
        runs = runs.filter(data_class=class_id)
    newest = runs.order_by().values("data_class_id").annotate(last=Max("pk")).values("last")
    rows = RuleResult.objects.filter(failed__gt=0, run__in=newest)
    found = rows.order_by("-failed", "rule").values_list(
        "run__data_class", "rule", "column", "dimension", "checked", "failed"
    )[:count]
    return [Failing(name, rule, column, dimension, Tally(c, f)) for name, rule, column, dimension, c, f in found]


@dataclass(frozen=True)
class Feedback:
    """Something that came back to a unit: an issue of a rule, or an objection of a citizen to a record.

    `subject` is the class of an issue, the data element of an objection; nothing here names a person.
    """

    kind: str  # issue, objection
    unit: Organisation
    title: str
    subject: str
    dimension: str
    case_number: str
    state: str
    light: str
    failed: int | None
    opened_at: dt.datetime
    closed_at: dt.datetime | None


def feedback(
    scope: Scope | None = None,
    department: Organisation | None = None,
    is_open: bool | None = None,
    count: int = 50,
) -> list[Feedback]:
    """Both together, newest first: a corrected prefill (异议、纠错) is an issue of accuracy like a failing rule.

    `department`: it and what is under it. Two queries.
    """
    found = Case.objects.filter(type__slug__in=(OBJECTION, "data-issue"), is_simulated=False)
    if scope is not None:
        found = found.filter(scope.q())
    if department is not None:
        found = found.filter(organisation__path__startswith=department.path)
    if is_open is not None:
        found = found.filter(closed_at__isnull=is_open)
    rows = list(found.select_related("type", "organisation").order_by("-opened_at", "-pk")[:count])
    issues = {
        issue.case_number: issue
        for issue in Issue.objects.filter(case_number__in=[case.number for case in rows]).defer("samples")
    }
    return [_feedback(case, issues.get(case.number)) for case in rows]


def _feedback(case: Case, issue: Issue | None) -> Feedback:
    is_objection = case.type.slug == OBJECTION
    return Feedback(
        kind="objection" if is_objection else "issue",
        unit=case.organisation,
        title=case.label,
        subject=str(case.data.get("element" if is_objection else "class", "")),
        dimension="accuracy" if is_objection else (issue.dimension if issue else str(case.data.get("dimension", ""))),
        case_number=case.number,
        state=case.state,
        light=case.light,
        failed=issue.failed if issue else None,
        opened_at=case.opened_at,
        closed_at=case.closed_at,
    )


@dataclass(frozen=True)
class FeedbackCounts:
    """Issues and objections of one unit."""

    unit: Organisation
    open_issues: int
    closed_issues: int
    open_objections: int
    corrected_objections: int
    rejected_objections: int


def feedback_counts(scope: Scope | None = None) -> list[FeedbackCounts]:
    """Units with something open or ever reported, most open first. Three queries."""
    from yici.platform.data.quality.issues import ObjectionCounts, objection_counts  # issues read the lake: heavy

    issues = {
        unit: (still_open, closed)
        for unit, still_open, closed in Issue.objects.filter(of_units(scope, "unit"))
        .order_by()
        .values_list("unit")
        .annotate(open=Count("pk", filter=Q(closed_at=None)), closed=Count("pk", filter=~Q(closed_at=None)))
    }
    objections = objection_counts(scope)
    units = Organisation.objects.in_bulk({*issues, *objections})
    found = []
    for key, unit in units.items():
        (still_open, closed), told = issues.get(key, (0, 0)), objections.get(key, ObjectionCounts())
        found.append(FeedbackCounts(unit, still_open, closed, told.open, told.corrected, told.rejected))
    return sorted(found, key=lambda one: (-(one.open_issues + one.open_objections), one.unit.order, one.unit.pk))
