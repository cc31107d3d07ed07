"""The first page of the data desk."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from yici.core.people import queries as people
from yici.core.people.auth import account_of, staff_required
from yici.platform.data.models import Run
from yici.platform.data.models.quality import Dimension
from yici.platform.data.pages.words import LIGHTS, TONES
from yici.platform.data.quality import queries as quality
from yici.platform.data.reading import catalogue
from yici.platform.data.reading.access import runs_of
from yici.platform.data.reading.issues import in_words

RUNS = 8


@require_safe
@staff_required("data.view")
def overview(request: HttpRequest) -> HttpResponse:
    """Figures, channels with their lights, what waits, the latest runs, quality by dimension."""
    account = account_of(request)
    scope = people.scope_of(account, "data.view")
    found = catalogue.figures(account)
    tallies = quality.dimension_scores(scope)
    overdue = catalogue.class_rows(catalogue.filtered(account, catalogue.ClassFilter(light="red", described="yes"))[:6])
    context = {
        "figures": found,
        "dimensions": [(one.label, tallies.get(one.value)) for one in Dimension],
        "overall": sum(tallies.values(), quality.Tally()),
        "runs": list(runs_of(account).order_by("-id")[:RUNS]),
        "states": [(state, Run.State(state).label, count) for state, count in sorted(found.runs_today.items())],
        "overdue": overdue,
        "lights": LIGHTS,
        "tones": TONES,
        "issues": in_words(quality.open_issues(scope)[:6]),
        "is_narrowed": not scope.everything,
    }
    return render(request, "data/overview.html", context)
