"""Quality of the whole: league table, dimensions, trend, worst rules, open issues, series on paper."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yici.base.errors import Invalid, NotFound
from yici.core.people import queries as people
from yici.core.people.auth import account_of, staff_required
from yici.core.people.services import require
from yici.platform.data.catalogue import reading
from yici.platform.data.models import DataClass
from yici.platform.data.models.quality import Dimension
from yici.platform.data.pages import words
from yici.platform.data.quality import backlog, queries
from yici.platform.data.reading.issues import in_words
from yici.platform.data.rules.deriving import rules_of
from yici.platform.data.runs.quarantine import message_of

WORST = 20


@require_safe
@staff_required("data.view")
def quality(request: HttpRequest) -> HttpResponse:
    account = account_of(request)
    scope = people.scope_of(account, "data.view")
    tallies = queries.dimension_scores(scope)
    context = {
        "dimensions": [(one.label, tallies.get(one.value)) for one in Dimension],
        "overall": sum(tallies.values(), queries.Tally()),
        "league": queries.league(scope),
        "trend": _trend(queries.trend(scope)),
        "failing": _in_words(queries.failing_rules(scope, count=WORST)),
        "issues": in_words(queries.open_issues(scope)[:WORST]),
        "lights": [(words.LIGHTS[name], name, count) for name, count in queries.lights_of(scope).items()],
    }
    return render(request, "data/quality.html", context)


def _trend(points: list[tuple[Any, queries.Tally]]) -> list[dict[str, Any]]:
    """Bars of the months: their heights between the worst and the best, so that small changes are seen."""
    scores = [tally.score or 0.0 for _month, tally in points]
    low = min(scores, default=0.0) - 0.01
    span = max(max(scores, default=1.0) - low, 0.0001)
    return [
        _bar(place, month, score, round(20 + 80 * (score - low) / span))
        for place, ((month, _tally), score) in enumerate(zip(points, scores, strict=True))
    ]


def _bar(place: int, month: Any, score: float, height: int) -> dict[str, Any]:
    top = 130 - height
    return {"month": month, "score": score, "x": place * 60 + 10, "height": height, "top": top, "label_y": top - 5}


def _in_words(failing: list[queries.Failing]) -> list[dict[str, Any]]:
    classes = DataClass.objects.select_related("department").in_bulk([one.class_id for one in failing])
    found = []
    for one in failing:
        data_class = classes[one.class_id]
        rules = {rule.id: rule for rule in rules_of(reading.definition_of(data_class))}
        share = 100 * one.tally.failed / one.tally.checked if one.tally.checked else 0
        found.append(
            {"data_class": data_class, "words": message_of(one.rule, rules), "tally": one.tally, "share": share}
        )
    return found


@require_safe
@staff_required("data.view")
def paper(request: HttpRequest) -> HttpResponse:
    """Series that are still on paper."""
    account = account_of(request)
    scope = people.scope_of(account, "data.view")
    rows = [
        {"series": one, "scanned": _share(one.scanned, one.papers), "structured": _share(one.structured, one.papers),
         "may_note": people.may(account, "data.upload", organisation=one.department)}
        for one in backlog.series(scope)
    ]  # fmt: skip
    return render(request, "data/paper.html", {"rows": rows, "departments": backlog.by_department(scope)})


def _share(part: int, whole: int) -> int:
    return round(100 * part / whole) if whole else 0


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
