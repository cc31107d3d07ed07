"""The departments that hold data, each with its figures: the list, and what one page of a department shows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Count, Max, Q, Sum

from yici.base import clock
from yici.base.errors import NotFound
from yici.core.people import queries as people
from yici.core.people.models import Account, Organisation
from yici.platform.data.models import ClassChannel
from yici.platform.data.quality.freshness import Light, light
from yici.platform.data.quality.queries import Tally, latest_scores, open_issue_counts, summed
from yici.platform.data.reading.access import classes_of

__all__ = ["DepartmentRow", "department_for", "department_rows"]


@dataclass(frozen=True)
class DepartmentRow:
    """One department. `lights`: of its described classes, by their freshest channel."""

    department: Organisation
    classes: int
    described: int
    declared_rows: int
    loaded_rows: int
    loaded_classes: int
    lights: dict[Light, int]
    tally: Tally
    open_issues: int


def department_rows(account: Account, department: Organisation | None = None) -> list[DepartmentRow]:
    """Departments with a class in the account's scope, in the city's order; `department`: only that one. Six queries."""
    scope = people.scope_of(account, "data.view")
    classes = classes_of(account)
    if department is not None:
        classes = classes.filter(department=department)
    counted = classes.order_by().values("department").annotate(
        n=Count("pk"),
        described=Count("pk", filter=Q(is_described=True)),
        declared=Sum("declared_rows"),
        rows=Sum("current__row_count"),
        loaded=Count("current"),
    )  # fmt: skip
    figures = {one["department"]: one for one in counted}
    scores = summed(latest_scores(scope), "data_class__department")
    issues = open_issue_counts()
    lights: dict[int, dict[Light, int]] = defaultdict(lambda: {"red": 0, "yellow": 0, "green": 0, "grey": 0})
    newest = (
        ClassChannel.objects.filter(withdrawn_at=None, data_class__in=classes.filter(is_described=True).values("pk"))
        .order_by()
        .values_list("data_class__department", "data_class", "data_class__cycle")
        .annotate(at=Max("last_success_at"))
    )
    now = clock.now()
    for key, _class, cycle, at in newest:
        lights[key][light(cycle, at, now)] += 1
    return [
        DepartmentRow(
            department=one,
            classes=figures[one.pk]["n"],
            described=figures[one.pk]["described"],
            declared_rows=figures[one.pk]["declared"] or 0,
            loaded_rows=figures[one.pk]["rows"] or 0,
            loaded_classes=figures[one.pk]["loaded"],
            lights=lights[one.pk],
            tally=scores.get(one.pk, Tally()),
            open_issues=issues.get(one.pk, 0),
        )
        for one in Organisation.objects.filter(pk__in=list(figures))
    ]


def department_for(account: Account, slug: str) -> Organisation:
    """A department that has a class in the account's scope. Raises `NotFound` for any other."""
    held = classes_of(account).filter(department__slug=slug).values("department")
    found = Organisation.objects.filter(pk__in=held).first()
    if found is None:
        raise NotFound
    return found
