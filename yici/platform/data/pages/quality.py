"""Quality of the whole: league table, dimensions, trend, worst rules, open issues, series on paper."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yici.base import clock
from yici.base.errors import Invalid, NotFound
from yici.core.people import queries as people
from yici.core.people.auth import account_of, staff_required
from yici.core.people.services import require
from yici.platform.data.catalogue import reading
from yici.platform.data.models import DataClass
from yici.platform.data.models.quality import Dimension
from yici.platform.data.pages.words import by_dimension
from yici.platform.data.quality import backlog, queries
from yici.platform.data.quality.coverage import coverage as coverage_of
from yici.platform.data.reading.issues import in_words
from yici.platform.data.rules.deriving import rules_by_id
from yici.platform.data.runs.quarantine import message_of

WORST = 15
MONTHS = 12


@require_safe
@staff_required("data.view")
def quality(request: HttpRequest) -> HttpResponse:
    """League table, dimensions, trend, worst first. `dimension` narrows the trend and the worst classes to one."""
    account = account_of(request)
    scope = people.scope_of(account, "data.view")
    tallies = queries.dimension_scores(scope)
    dimension = request.GET.get("dimension", "")
    dimension = dimension if dimension in Dimension.values else ""
    league = queries.league(scope)
    issues = queries.open_issues(scope)
    if dimension:
        issues = issues.filter(dimension=dimension)
    context = {
        "dimensions": by_dimension(tallies),
        "dimension": dimension,
        "dimension_label": Dimension(dimension).label if dimension else "",
        "overall": queries.total(tallies),
        "shown": tallies.get(dimension, queries.Tally()) if dimension else queries.total(tallies),
        "league": league,
        "low": _floor([one.tally for one in league]),
        "trend": queries.trend(scope, months=MONTHS, dimension=dimension),
        "worst": (worst := queries.worst_classes(scope, count=WORST, dimension=dimension)),
        "worst_low": _floor([one.tally for one in worst]),
        "failing": _in_words(queries.failing_rules(scope, count=WORST)),
        "issues": in_words(issues[:WORST]),
        "issue_count": issues.count(),
        "lights": queries.lights_of(scope),
        "units": [
            (one, _share(one.closed_issues, one.open_issues + one.closed_issues))
            for one in queries.feedback_counts(scope)[:WORST]
        ],
    }
    return render(request, "data/quality.html", context)


def _floor(tallies: list[queries.Tally]) -> float:
    """Where bars begin, so that scores near 1 can be told apart: a little below the worst."""
    worst = min((tally.score for tally in tallies if tally.score is not None), default=0.0)
    return max(0.0, worst - 0.1 * (1 - worst) - 0.0001)


def _in_words(failing: list[queries.Failing]) -> list[dict[str, Any]]:
    classes = DataClass.objects.select_related("department").in_bulk([one.class_id for one in failing])
    rules = {slug: rules_by_id(reading.definition_of(one)) for slug, one in classes.items()}
    found = []
    for one in failing:
        data_class = classes[one.class_id]
        share = 100 * one.tally.failed / one.tally.checked if one.tally.checked else 0
        found.append(
            {
                "data_class": data_class,
                "words": message_of(one.rule, rules[data_class.pk]),
                "rule": one.rule,
                "tally": one.tally,
                "share": share,
            }
        )
    return found


@require_safe
@staff_required("data.view")
def paper(request: HttpRequest) -> HttpResponse:
    """Series that are still on paper, and how far each is."""
    account = account_of(request)
    scope = people.scope_of(account, "data.view")
    uploads = people.scope_of(account, "data.upload")
    rows = [
        {
            "series": one,
            "scanned": _share(one.scanned, one.papers),
            "structured": _share(one.structured, one.papers),
            "is_late": bool(one.planned_for and one.planned_for < clock.today() and one.structured < one.papers),
            "may_note": uploads.covers(one.department, None),
        }
        for one in backlog.series(scope).select_related("department", "data_class")
    ]
    departments = backlog.by_department(scope)
    total = {name: sum(getattr(one, name) for one in departments) for name in ("papers", "scanned", "structured")}
    context = {
        "rows": rows,
        "departments": departments,
        "total": total,
        "scanned": _share(total["scanned"], total["papers"]),
        "structured": _share(total["structured"], total["papers"]),
        "left": total["papers"] - total["structured"],
        "late": len([row for row in rows if row["is_late"]]),
    }
    return render(request, "data/paper.html", context)


def _share(part: int, whole: int) -> float | None:
    """0–1; None of nothing."""
    return part / whole if whole else None


@require_POST
@staff_required("data.upload")
def note_progress(request: HttpRequest, slug: str) -> HttpResponse:
    account = account_of(request)
    scope = people.scope_of(account, "data.view")
    one = backlog.series(scope).filter(pk=slug).first()
    if one is None:
        raise NotFound
    require(account, "data.upload", organisation=one.department)
    try:
        scanned, structured = (int(request.POST.get(name, "")) for name in ("scanned", "structured"))
        backlog.note_progress(one, scanned, structured, account, request.POST.get("reason", "")[:500])
        messages.success(request, _("《{name}》的进度已登记。").format(name=one.label))
    except ValueError:
        messages.error(request, _("请填写整数。"))
    except Invalid as error:
        messages.error(request, str(error.message))
    return redirect("data-paper")


@require_safe
@staff_required("data.view")
def coverage(request: HttpRequest) -> HttpResponse:
    """Who should stand in a class and does not, most missing first; classes of the viewer's organisations. Counts only."""
    found = coverage_of(people.scope_of(account_of(request), "data.view"))
    context = {"rows": sorted(found, key=lambda one: -(one.missing or 0))}
    return render(request, "data/coverage.html", context)
