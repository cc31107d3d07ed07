"""The library for staff: counts, search, one certificate with its history and what may be done, making. Thin."""

from __future__ import annotations

import time

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from yici.base.errors import Conflict, Invalid
from yici.base.requests import wants_part
from yici.core.people import queries as people
from yici.core.people.auth import account_of, staff_required
from yici.core.people.services import actor_of
from yici.platform.trust import definitions, queries
from yici.platform.trust.library import desk, states
from yici.platform.trust.models import Certificate

PAGE_SIZE = 50
KEPT = 30 * 60  # seconds a purpose holds for one certificate
_PURPOSES = "certificate_purposes"


@never_cache
@require_http_methods(["GET", "POST"])
@staff_required(desk.VIEW)
def overview(request: HttpRequest) -> HttpResponse:
    """Counts; a POST searches, so that no number stands in an address or a log."""
    account = account_of(request)
    context = {"counts": desk.counts_for(account), "states": Certificate.State.choices}
    if request.method == "GET":
        return render(request, "trust/desk/overview.html", context)
    words, purpose = request.POST.get("q", ""), request.POST.get("purpose", "")
    context |= {"q": words, "purpose": purpose}
    try:
        found = desk.find_for(account, words, purpose)
    except Invalid as error:
        errors = error.fields or {"q": str(error.message)}
        return render(request, "trust/desk/overview.html", {**context, "errors": errors}, status=error.status)
    return render(request, "trust/desk/overview.html", {**context, "found": found})


@never_cache
@require_http_methods(["GET", "POST"])
@staff_required(desk.VIEW)
def one(request: HttpRequest, identifier: str) -> HttpResponse:
    """Asks for the purpose first, and keeps it for half an hour."""
    account = account_of(request)
    held = desk.held_for(account, identifier)
    context: dict[str, object] = {"certificate": held}
    if request.method == "POST":
        purpose = request.POST.get("purpose", "")
    else:
        purpose = _kept(request, identifier)
        if not purpose:
            return render(request, "trust/desk/purpose.html", context)
    try:
        held = desk.look(account, identifier, purpose)
    except Invalid as error:
        return render(request, "trust/desk/purpose.html", {**context, "errors": error.fields}, status=error.status)
    if request.method == "POST":
        kept = {name: entry for name, entry in request.session.get(_PURPOSES, {}).items() if entry[1] > time.time()}
        request.session[_PURPOSES] = {**kept, identifier: [purpose.strip(), time.time() + KEPT]}
        return redirect("desk-certificate", identifier=identifier)
    return _one_page(request, held)


def _kept(request: HttpRequest, identifier: str) -> str:
    purpose, until = request.session.get(_PURPOSES, {}).get(identifier, ("", 0))
    return str(purpose) if until > time.time() else ""


def _one_page(request: HttpRequest, held: queries.Held, error: Exception | None = None) -> HttpResponse:
    may_act = held.type in desk.types_of(account_of(request), desk.MANAGE) if held.is_made else True
    may_act = may_act and desk.MANAGE in people.permissions_of(account_of(request))
    possible = [(name, step.label) for name, step in states.ACTIONS.items() if held.stored_state in step.allowed]
    context = {
        "certificate": held,
        "lines": queries.face_lines(held, masked=False),
        "events": states.history_of(held.identifier),
        "actions": possible if may_act else [],
        "reason": request.POST.get("reason", ""),
        "errors": {"reason": str(getattr(error, "message", error))} if error else {},
    }
    return render(request, "trust/desk/one.html", context, status=422 if error else 200)


@require_POST
@staff_required(desk.MANAGE)
def act(request: HttpRequest, identifier: str) -> HttpResponse:
    """Suspend, resume, revoke or cancel, with a reason."""
    account = account_of(request)
    held = desk.held_for(account, identifier, desk.MANAGE)
    action = request.POST.get("action", "")
    try:
        if action not in states.ACTIONS:
            raise Invalid(_("请选择要做的操作。"))
        states.act(held.identifier, action, request.POST.get("reason", ""), actor_of(account, request))
    except (Invalid, Conflict) as error:
        return _one_page(request, held, error)
    messages.success(request, _("已记录，证照状态已更新。"))
    return redirect("desk-certificate", identifier=identifier)


@never_cache
@require_GET
@staff_required(desk.VIEW)
def making(request: HttpRequest) -> HttpResponse:
    """Runs of making with their progress and what was refused; with htmx the table alone, while one is running."""
    page = Paginator(desk.runs_for(account_of(request)), PAGE_SIZE).get_page(request.GET.get("page"))
    kinds = definitions.certificate_types()
    rows = [(run, kinds[run.type].name, run.made + run.changed + run.unchanged + run.refused) for run in page]
    running = any(run.state == run.State.RUNNING for run in page)
    template = "trust/desk/making_table.html" if wants_part(request) else "trust/desk/making.html"
    return render(request, template, {"page": page, "rows": rows, "running": running})
