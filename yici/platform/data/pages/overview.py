"""The first page of the data desk."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from yici.core.people import queries as people
from yici.core.people.auth import account_of, staff_required
from yici.platform.data.models import Run
from yici.platform.data.pages.words import TONES, by_dimension
from yici.platform.data.quality import queries as quality
from yici.platform.data.reading import catalogue, held
from yici.platform.data.reading.access import runs_of
from yici.platform.data.reading.issues import in_words
from yici.platform.data.scopes import delivers

RUNS = 8
TO_DO = 6


@require_safe
@staff_required("data.view")
def overview(request: HttpRequest) -> HttpResponse:
    """Figures, what waits for this person, channels with their lights, the latest runs, quality by dimension."""
    account = account_of(request)
    scope = people.scope_of(account, "data.view")
    uploads = people.scope_of(account, "data.upload")
    found = catalogue.figures(account)
    tallies = quality.dimension_scores(scope)
    lights = quality.lights_of(scope)
    rows, runs = held.waiting_rows(account)
    overdue = catalogue.overdue(account, TO_DO)
    departments = catalogue.departments_of(account) if not scope.everything else []
    context = {
        "figures": found,
        "only": departments[0] if len(departments) == 1 else None,
        "is_narrowed": not scope.everything,
        "dimensions": by_dimension(tallies),
        "overall": quality.total(tallies),
        "lights": lights,
        "waiting_rows": rows,
        "waiting_runs": runs,
        "held": list(held.waiting(account)[:TO_DO]) if rows else [],
        "decisions": list(runs_of(account).filter(state=Run.State.WAITING).order_by("-id")[:TO_DO]),
        "overdue": [
            (row, row.is_static and (uploads.covers(row.data_class.department) or delivers(uploads, row.channels)))
            for row in overdue
        ],
        "issues": in_words(quality.open_issues(scope)[:TO_DO]),
        "issue_count": quality.open_issues(scope).count(),
        "runs": list(runs_of(account).order_by("-id")[:RUNS]),
        "states": [(state, Run.State(state).label, count) for state, count in sorted(found.runs_today.items())],
        "tones": TONES,
    }
    return render(request, "data/overview.html", context)
