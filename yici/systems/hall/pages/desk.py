"""The staff's view of the catalogue: every item with its version, state and what the linter says. Any staff; read-only."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from yici.base.cityfolder import city_folder
from yici.base.requests import page_number
from yici.core.cases.drawing import workflow_svg
from yici.core.cases.rules import Workflow
from yici.core.people.auth import staff_required
from yici.systems.hall import queries
from yici.systems.hall.linting import findings_of_base
from yici.systems.hall.models import ServiceItem

HOLDINGS = 50


@staff_required()
@require_safe
def items(request: HttpRequest) -> HttpResponse:
    """The whole catalogue by page, filtered by words; findings are those of the city folder as it stands."""
    words = request.GET.get("q", "").strip()[:60]
    browsed = queries.whole_catalogue(words, page=page_number(request))
    rows = [(item, findings_of_base(city_folder(), item.base)) for item in browsed.items]
    faulty = sum(1 for _row, found in rows if found)
    context = {"rows": rows, "words": words, "faulty": faulty, "browsed": browsed}
    return render(request, "hall/desk/items.html", context)


@staff_required()
@require_safe
def item(request: HttpRequest, code: str) -> HttpResponse:
    """One item: its published versions, its workflow and its findings."""
    found = queries.item_by_code(code)
    assert found.current is not None  # item_by_code finds published items only
    context = {
        "item": found,
        "definition": queries.definition_of(found.current),
        "versions": list(found.versions.order_by("-number")),
        "findings": findings_of_base(city_folder(), found.base),
        "holdings": list(queries.active_holdings(found).order_by("organisation__order")[:HOLDINGS]),
        "held": queries.active_holdings(found).count(),
        "picture": workflow_svg(Workflow.model_validate(found.current.case_version.definition)),
        "state_label": ServiceItem.State(found.state).label,
    }
    return render(request, "hall/desk/item.html", context)
