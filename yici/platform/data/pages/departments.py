"""The departments that hold data, and the page of one: what its data officer has to do."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from yici.core.people import queries as people
from yici.core.people.auth import account_of, staff_required
from yici.platform.data.models import Run
from yici.platform.data.pages.words import TONES, by_dimension
from yici.platform.data.quality import backlog
from yici.platform.data.quality import queries as quality
from yici.platform.data.reading import access, catalogue, held
from yici.platform.data.reading.departments import department_for, department_rows
from yici.platform.data.reading.issues import in_words
from yici.platform.data.scopes import concerning

CLASSES = 20
TO_DO = 8


@require_safe
@staff_required("data.view")
def department_list(request: HttpRequest) -> HttpResponse:
    """Every department within the scope, with its figures."""
    return render(request, "data/department_list.html", {"rows": department_rows(account_of(request))})


@require_safe
@staff_required("data.view")
def department_page(request: HttpRequest, slug: str) -> HttpResponse:
    """One department: its classes, what is overdue, what came back to it, its quality."""
    account = account_of(request)
    department = department_for(account, slug)
    scope = people.scope_of(account, "data.view")
    classes = catalogue.filtered(account, catalogue.ClassFilter(department=slug))
    tallies = quality.dimension_scores(scope, department)
    row = department_rows(account, department)[0]
    issues = quality.open_issues(scope).filter(Q(unit=department) | Q(data_class__department=department))
    delivered = access.classes_of(account).filter(concerning(department, "")).exclude(department=department)
    rows, runs = held.waiting_rows(account, department)
    context = {
        "department": department,
        "row": row,
        "classes": catalogue.class_rows(classes[:CLASSES]),
        "more": max(0, len(classes) - CLASSES),
        "overdue": catalogue.overdue(account, TO_DO, department),
        "decisions": list(
            access.runs_of(account).filter(concerning(department), state=Run.State.WAITING).order_by("-id")[:TO_DO]
        ),
        "held": list(held.waiting(account, department)[:TO_DO]),
        "waiting_rows": rows,
        "waiting_runs": runs,
        "issues": in_words(issues[:TO_DO]),
        "issue_count": issues.count(),
        "delivered": catalogue.class_rows(list(delivered.select_related("department", "current"))),
        "objections": [
            one for one in quality.feedback(scope, department, is_open=True, count=50) if one.kind == "objection"
        ][:TO_DO],
        "standing": next((one for one in quality.league(scope) if one.department.pk == department.pk), None),
        "dimensions": by_dimension(tallies),
        "overall": quality.total(tallies),
        "trend": quality.trend(scope, department=department),
        "paper": [one for one in backlog.by_department(scope) if one.department.pk == department.pk],
        "may_upload": people.may(account, "data.upload", organisation=department),
        "tones": TONES,
    }
    return render(request, "data/department.html", context)
