"""The list of runs and the page of one, with its progress while it is open."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yici.base import clock
from yici.base.errors import Conflict, Invalid
from yici.core.people import queries as people
from yici.core.people.auth import account_of, staff_required
from yici.platform.data.catalogue import reading
from yici.platform.data.models import Mend, Run
from yici.platform.data.pages import words
from yici.platform.data.reading import access, catalogue
from yici.platform.data.rules.deriving import rules_of
from yici.platform.data.runs import mending, starting
from yici.platform.data.runs.quarantine import message_of

PAGE = 50
PHASES = [(one.value, one.label) for one in Run.Phase]


@require_safe
@staff_required("data.view")
def run_list(request: HttpRequest) -> HttpResponse:
    account = account_of(request)
    rows = access.runs_of(account).order_by("-id")
    state, department, slug = (
        request.GET.get(name, "").replace("\x00", "")[:80] for name in ("state", "department", "class")
    )
    if state in Run.State.values:
        rows = rows.filter(state=state)
    if department:
        rows = rows.filter(data_class__department__slug=department)
    if slug:
        rows = rows.filter(data_class=slug)
    kept = {name: value for name, value in request.GET.items() if name != "page" and value}
    context = {
        "page": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "states": Run.State.choices,
        "state": state,
        "department": department,
        "class_id": slug,
        "departments": catalogue.departments_of(account),
        "query": urlencode(kept),
        "tones": words.TONES,
        "is_filtered": bool(state or department or slug),
    }
    return render(request, "data/run_list.html", context)


@require_safe
@staff_required("data.view")
def run_page(request: HttpRequest, number: int) -> HttpResponse:
    """One run; with htmx only what moves is sent again, until it has ended."""
    account = account_of(request)
    run = access.run_for(account, number)
    context = _context(account, run)
    if getattr(request, "htmx", False) and not request.htmx.boosted:  # type: ignore[attr-defined]
        response = render(request, "data/run_progress.html", context)
        if run.state not in Run.OPEN:
            response["HX-Refresh"] = "true"
        return response
    return render(request, "data/run.html", context)


def _context(account: Any, run: Run) -> dict[str, Any]:
    department = run.data_class.department
    is_open = run.state in Run.OPEN
    share = None
    if run.progress_total:
        share = min(100, round(100 * run.progress_done / run.progress_total))
    seconds = run.detail.get("seconds", {})
    spent = (run.ended_at or clock.now()) - (run.started_at or run.queued_at)
    context: dict[str, Any] = {
        "run": run,
        "data_class": run.data_class,
        "is_open": is_open,
        "share": share,
        "phases": _phases(run, is_open, seconds),
        "spent": max(round(spent.total_seconds(), 1), 0),
        "rate": round(run.rows_read / max(sum(seconds.values()), 0.001)) if run.rows_read and seconds else None,
        "tones": words.TONES,
        "may_operate": people.may(account, "data.operate", organisation=department),
        "may_upload": people.may(account, "data.upload", organisation=department),
        "may_see_rows": access.may_see_rows(account, run.data_class),
    }
    if not is_open:
        context |= _ended(run)
    return context


def _phases(run: Run, is_open: bool, seconds: dict[str, float]) -> list[dict[str, Any]]:
    """Each phase with its state: done, now or to come; of an ended run those it reached."""
    places = [value for value, _label in PHASES]
    at = places.index(run.phase) if run.phase in places else -1
    ended_well = run.state in (Run.State.PUBLISHED, Run.State.UNCHANGED)
    return [
        {
            "label": label,
            "seconds": seconds.get(value),
            "state": "done"
            if value in seconds or place < at or ended_well
            else "now"
            if place == at and is_open
            else "todo",
        }
        for place, (value, label) in enumerate(PHASES)
    ]


def _ended(run: Run) -> dict[str, Any]:
    definition = reading.definition_of(run.data_class) if run.data_class.is_described else None
    rules = {rule.id: rule for rule in rules_of(definition)} if definition else {}
    failed = sorted(run.detail.get("failed", {}).items(), key=lambda pair: -pair[1])
    most = failed[0][1] if failed else 1
    landing = run.detail.get("landing", {})
    return {
        "failed": [(rule, message_of(rule, rules), count, max(round(100 * count / most), 1)) for rule, count in failed],
        "landing": landing,
        "notes": [*run.detail.get("notes", []), *landing.get("warnings", [])],
        "drift": run.detail.get("drift", {}).get("explanations", []),
        "waiting": mending.waiting_of(run) if run.rows_quarantined else 0,
        "mended": run.mends.filter(state=Mend.State.MENDED).count(),
        "retries": list(run.retries.order_by("id")),
    }


@require_POST
@staff_required("data.operate")
def cancel(request: HttpRequest, number: int) -> HttpResponse:
    account = account_of(request)
    run = access.run_for(account, number, "data.operate")
    try:
        starting.cancel(run, account)
    except Conflict as error:
        messages.warning(request, str(error.message))
    return redirect("data-run", number)


@require_POST
@staff_required("data.operate")
def retry(request: HttpRequest, number: int) -> HttpResponse:
    account = account_of(request)
    run = access.run_for(account, number, "data.operate")
    try:
        again = starting.retry(run, account, allow_shrink=request.POST.get("allow_shrink") == "1")
    except Conflict as error:
        messages.warning(request, str(error.message))
        return redirect("data-run", number)
    return redirect("data-run", again.pk)


@require_POST
@staff_required("data.rows")
def replay(request: HttpRequest, number: int) -> HttpResponse:
    account = account_of(request)
    run = access.run_for(account, number, "data.rows")
    try:
        again = mending.replay(run, account)
    except (Conflict, Invalid) as error:
        messages.warning(request, str(error.message))
        return redirect("data-run", number)
    messages.success(request, _("已修正的行正在重放。"))
    return redirect("data-run", again.pk)
