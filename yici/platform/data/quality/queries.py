"""Reads of quality: scores by column, dimension, class, department and month; league table; issues and feedback.

A score is 1 - failed / checked over all the rules it stands for, so that every figure adds up from its parts. Each
function asks a constant number of queries; the caller's scope is a condition inside them.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum

from yici.base import clock
from yici.core.cases.models import Case
from yici.core.people.models import Organisation
from yici.core.people.queries import Scope
from yici.platform.data.models import ClassChannel, Issue, RuleResult, Run, Score
from yici.platform.data.quality.freshness import Light, light

__all__ = [
    "Failing",
    "League",
    "Tally",
    "class_scores",
    "column_scores",
    "dimension_scores",
    "failing_rules",
    "feedback",
    "latest_scores",
    "league",
    "lights_of",
    "open_issues",
    "score_of_month",
    "trend",
]

EVERYTHING = Q()


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


def within(scope: Scope | None, prefix: str = "data_class__department") -> Q:
    """The scope as a condition on rows that lead to a department."""
    return EVERYTHING if scope is None else scope.q(prefix, None)


def latest_scores(scope: Scope | None = None) -> QuerySet[Score]:
    """Scores of the newest measured version of each class."""
    newest = Score.objects.filter(data_class=OuterRef("data_class")).order_by("-snapshot_id").values("snapshot_id")[:1]
    return Score.objects.filter(within(scope), data_class__withdrawn_at=None, snapshot_id=Subquery(newest))


def class_scores(class_ids: Iterable[str]) -> dict[str, Tally]:
    """Class → its score; classes that were never measured are not in it."""
    rows = latest_scores().filter(data_class__in=list(class_ids)).order_by().values("data_class")
    return {row["data_class"]: Tally(row["c"], row["f"]) for row in rows.annotate(c=Sum("checked"), f=Sum("failed"))}


def column_scores(class_id: str) -> dict[str, dict[str, Tally]]:
    """Column (empty: the class as a whole) → dimension → score."""
    found: dict[str, dict[str, Tally]] = defaultdict(dict)
    for row in latest_scores().filter(data_class=class_id):
        found[row.column][row.dimension] = Tally(row.checked, row.failed)
    return dict(found)


def dimension_scores(scope: Scope | None = None, department: Organisation | None = None) -> dict[str, Tally]:
    """Dimension → score over every class in the scope."""
    rows = latest_scores(scope)
    if department is not None:
        rows = rows.filter(data_class__department=department)
    summed = rows.order_by().values("dimension").annotate(c=Sum("checked"), f=Sum("failed"))
    return {row["dimension"]: Tally(row["c"], row["f"]) for row in summed}


def score_of_month(month: dt.date, scope: Scope | None = None) -> QuerySet[Score]:
    """Scores of the last measured version of each class within the month (its first day)."""
    last = (
        Score.objects.filter(data_class=OuterRef("data_class"), month=month)
        .order_by("-snapshot_id")
        .values("snapshot_id")[:1]
    )
    return Score.objects.filter(within(scope), month=month, snapshot_id=Subquery(last))


def trend(scope: Scope | None = None, class_id: str = "", months: int = 12) -> list[tuple[dt.date, Tally]]:
    """Month by month, oldest first; only months in which something was measured. One query."""
    last = (
        Score.objects.filter(data_class=OuterRef("data_class"), month=OuterRef("month"))
        .order_by("-snapshot_id")
        .values("snapshot_id")[:1]
    )
    rows = Score.objects.filter(within(scope), snapshot_id=Subquery(last))
    if class_id:
        rows = rows.filter(data_class=class_id)
    summed = rows.order_by("-month").values("month").annotate(c=Sum("checked"), f=Sum("failed"))[:months]
    return [(row["month"], Tally(row["c"], row["f"])) for row in summed][::-1]


@dataclass(frozen=True)
class League:
    """One department in the table. `before`: its score a month ago. `classes`: how many of its classes were measured."""

    rank: int
    department: Organisation
    tally: Tally
    before: Tally
    classes: int
    open_issues: int
    overdue: int

    @property
    def change(self) -> float | None:
        """In points (0–1) against the month before; None where there is nothing to compare with."""
        now, then = self.tally.score, self.before.score
        return None if now is None or then is None else now - then


def league(scope: Scope | None = None) -> list[League]:
    """Departments by score, best first. Five queries, whatever their number."""
    now = clock.now()
    rows = latest_scores(scope).order_by().values("data_class__department")
    scores = {
        row["data_class__department"]: (Tally(row["c"], row["f"]), row["n"])
        for row in rows.annotate(c=Sum("checked"), f=Sum("failed"), n=Count("data_class", distinct=True))
    }
    earlier_month = (clock.today().replace(day=1) - dt.timedelta(days=1)).replace(day=1)
    before = {
        row["data_class__department"]: Tally(row["c"], row["f"])
        for row in score_of_month(earlier_month, scope)
        .order_by()
        .values("data_class__department")
        .annotate(c=Sum("checked"), f=Sum("failed"))
    }
    issues = dict(
        Issue.objects.filter(within(scope), closed_at=None)
        .order_by()
        .values_list("data_class__department")
        .annotate(n=Count("pk"))
    )
    overdue: dict[int, int] = defaultdict(int)
    for department, found in _channel_lights(scope, now):
        overdue[department] += found in ("red", "yellow")
    departments = Organisation.objects.in_bulk(list(scores))
    ordered = sorted(scores, key=lambda pk: (-(scores[pk][0].score or 0), departments[pk].order, pk))
    return [
        League(
            rank, departments[pk], scores[pk][0], before.get(pk, Tally()), scores[pk][1], issues.get(pk, 0), overdue[pk]
        )
        for rank, pk in enumerate(ordered, start=1)
    ]


def _channel_lights(scope: Scope | None, now: dt.datetime) -> list[tuple[int, Light]]:
    """(department, light) of every class that was ever loaded, by its freshest channel."""
    newest: dict[str, tuple[int, str, dt.datetime]] = {}
    rows = ClassChannel.objects.filter(
        within(scope), withdrawn_at=None, data_class__withdrawn_at=None, last_success_at__isnull=False
    ).values_list("data_class", "data_class__department", "data_class__cycle", "last_success_at")
    for class_id, department, cycle, at in rows:
        if at is not None and (class_id not in newest or newest[class_id][2] < at):
            newest[class_id] = (department, cycle, at)
    return [(department, light(cycle, at, now)) for department, cycle, at in newest.values()]


def lights_of(scope: Scope | None = None) -> dict[Light, int]:
    """How many described classes stand at each light, by their freshest channel. One query."""
    now = clock.now()
    newest: dict[str, tuple[str, dt.datetime | None]] = {}
    rows = ClassChannel.objects.filter(
        within(scope), withdrawn_at=None, data_class__withdrawn_at=None, data_class__is_described=True
    ).values_list("data_class", "data_class__cycle", "last_success_at")
    for class_id, cycle, at in rows:
        known = newest.get(class_id, (cycle, None))[1]
        newest[class_id] = (cycle, max(filter(None, (known, at)), default=None))
    counted: dict[Light, int] = {"red": 0, "yellow": 0, "green": 0, "grey": 0}
    for cycle, at in newest.values():
        counted[light(cycle, at, now)] += 1
    return counted


def open_issues(scope: Scope | None = None) -> QuerySet[Issue]:
    """Open issues, those with the most failing rows first."""
    rows = Issue.objects.filter(within(scope), closed_at=None)
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
    newest = (
        Run.objects.filter(data_class=OuterRef("run__data_class"), rule_results__isnull=False)
        .order_by("-id")
        .values("id")[:1]
    )
    rows = RuleResult.objects.filter(within(scope, "run__data_class__department"), failed__gt=0, run=Subquery(newest))
    if class_id:
        rows = rows.filter(run__data_class=class_id)
    found = rows.order_by("-failed", "rule").values_list(
        "run__data_class", "rule", "column", "dimension", "checked", "failed"
    )[:count]
    return [Failing(name, rule, column, dimension, Tally(c, f)) for name, rule, column, dimension, c, f in found]


@dataclass(frozen=True)
class Feedback:
    """What came back to a department: issues of its rules, and objections of citizens to its records."""

    open_issues: int = 0
    closed_issues: int = 0
    open_objections: int = 0
    upheld_objections: int = 0
    by_element: Mapping[str, int] = field(default_factory=dict)


def feedback(department: Organisation) -> Feedback:
    """Both together: a corrected prefill (异议) is an issue of accuracy as much as a failing rule. Two queries."""
    issues = Issue.objects.filter(data_class__department=department).aggregate(
        standing=Count("pk", filter=Q(closed_at=None)), closed=Count("pk", filter=Q(closed_at__isnull=False))
    )
    objections = Case.objects.filter(type__slug="data-objection", organisation=department).values_list(
        "state", "closed_at", "data__element"
    )
    by_element: dict[str, int] = defaultdict(int)
    standing = upheld = 0
    for state, closed_at, element in objections:
        standing += closed_at is None
        upheld += state == "approved"
        by_element[str(element)] += 1
    return Feedback(issues["standing"], issues["closed"], standing, upheld, dict(by_element))
