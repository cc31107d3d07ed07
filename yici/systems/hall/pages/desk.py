"""The staff's view of the catalogue: every item with its version, state and what the linter says. Any staff; read-only."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from yici.base.cityfolder import Finding, city_folder
from yici.core.cases.drawing import workflow_svg
from yici.core.cases.rules import Workflow
from yici.core.people.auth import staff_required
from yici.systems.hall import queries
from yici.systems.hall.linting import lint
from yici.systems.hall.models import ServiceItem


@staff_required()
@require_safe
def items(request: HttpRequest) -> HttpResponse:
    """The whole catalogue, filtered by words; findings are counted from the city folder as it stands."""
    words = request.GET.get("q", "").strip()[:60]
    findings = _findings_by_code()
    rows = [(item, findings.get(item.code, [])) for item in queries.whole_catalogue(words)]
    faulty = sum(1 for _row, found in rows if found)
    return render(request, "hall/desk/items.html", {"rows": rows, "words": words, "faulty": faulty})


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
        "findings": _findings_by_code().get(code, []),
        "picture": workflow_svg(Workflow.model_validate(found.current.case_version.definition)),
        "state_label": ServiceItem.State(found.state).label,
    }
    return render(request, "hall/desk/item.html", context)


def _findings_by_code() -> dict[str, list[Finding]]:
    """Findings of `items/<code>.yaml` by code; those of no single item under the empty code."""
    found: dict[str, list[Finding]] = {}
    for finding in lint(city_folder()):
        code = finding.path.removeprefix("items/").removesuffix(".yaml") if finding.path.startswith("items/") else ""
        found.setdefault(code, []).append(finding)
    return found
