"""The list of runs and the page of one, with its progress while it is open."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yici.base import clock
from yici.base.errors import Conflict, Invalid, NotAllowed
from yici.base.requests import wants_part
from yici.core.people.auth import account_of, staff_required
from yici.platform.data.catalogue import reading
from yici.platform.data.models import Channel, Mend, Run
from yici.platform.data.models.quality import Dimension
from yici.platform.data.pages import words
from yici.platform.data.reading import access, catalogue, held
from yici.platform.data.rules.deriving import rules_by_id
from yici.platform.data.runs import mending, starting
from yici.platform.data.runs.quarantine import LINE_FAULTS, count_by_reason, message_of
from yici.platform.data.scopes import may

PAGE = 50
PHASES = [(one.value, one.label) for one in Run.Phase]


@require_safe
@staff_required("data.view")
def run_list(request: HttpRequest) -> HttpResponse:
    """Runs within the scope, newest first; with htmx only the table is sent again."""
    account = account_of(request)
    given = {
        name: words.plain(request.GET.get(name))
        for name in ("state", "department", "trigger", "channel", "recent", "held")
    }
    wanted = held.RunFilter(data_class=words.plain(request.GET.get("class")), **given)
    context: dict[str, Any] = {
        "page": Paginator(held.runs(account, wanted), PAGE).get_page(request.GET.get("page")),
        "wanted": wanted,
        "tones": words.TONES,
    }
    if wants_part(request):
        return render(request, "data/run_table.html", context)
    context |= {
        "states": Run.State.choices,
        "triggers": Run.Trigger.choices,
        "channels": Channel.choices,
        "departments": catalogue.departments_of(account),
    }
    return render(request, "data/run_list.html", context)


@require_safe
@staff_required("data.view")
def run_page(request: HttpRequest, number: int) -> HttpResponse:
    """One run; with htmx only what moves is sent again, until it has ended."""
    account = account_of(request)
    run = access.run_for(account, number)
    context = _context(account, run)
    if wants_part(request):
        response = render(request, "data/run_progress.html", context)
        if run.state not in Run.OPEN:
            response["HX-Refresh"] = "true"
        return response
    can_be_retried = run.state in (*Run.FAULTY, Run.State.CANCELLED) and run.raw_id is not None
    return render(request, "data/run.html", {**context, "newer": run.overtaken_by() if can_be_retried else None})


def _context(account: Any, run: Run) -> dict[str, Any]:
    is_open = run.state in Run.OPEN
    share = min(100, round(100 * run.progress_done / run.progress_total)) if run.progress_total else None
    seconds = dict(run.detail.get("seconds", {}))
    if Run.Phase.PUBLISH in seconds:  # measuring is part of the transaction that publishes
        seconds[Run.Phase.PUBLISH] = max(seconds[Run.Phase.PUBLISH] - seconds.get(Run.Phase.MEASURE, 0.0), 0.0)
    spent = (run.ended_at or clock.now()) - (run.started_at or run.queued_at)
    # The end is written before the scores, within their transaction.
    elapsed = max(spent.total_seconds(), sum(seconds.values()), 0.001)
    is_counting = is_open and run.phase in (Run.Phase.LAND, Run.Phase.SCREEN, Run.Phase.PUBLISH)
    context: dict[str, Any] = {
        "run": run,
        "data_class": run.data_class,
        "rate_now": round(run.progress_done / elapsed) if is_counting and run.progress_done else None,
        "is_open": is_open,
        "share": share,
        "phases": _phases(run, is_open, seconds),
        "spent": elapsed,
        "rate": round(run.rows_read / max(sum(seconds.values()), 0.001)) if run.rows_read >= 1000 and seconds else None,
        "tones": words.TONES,
        "may_operate": may(account, "data.operate", run.data_class),
        "may_upload": may(account, "data.upload", run.data_class),
        "may_see_rows": access.may_see_rows(account, run.data_class),
        "may_cancel": access.may_cancel(account, run),
        "kinds": words.KINDS,
    }
    if not is_open:
        context |= _ended(run)
    return context


def _phases(run: Run, is_open: bool, seconds: dict[str, float]) -> list[dict[str, Any]]:
    """Each phase with its state: done, now, stopped (where a run ended that did not end well) or to come."""
    places = [value for value, _label in PHASES]
    at = places.index(run.phase) if run.phase in places else -1
    ended_well = run.state in (Run.State.PUBLISHED, Run.State.UNCHANGED)

    def state(place: int, value: str) -> str:
        if ended_well:
            return "done" if value in seconds else "skipped"
        if place == at:
            return "now" if is_open else "stopped"
        return "done" if place < at else "todo"

    return [
        {"label": label, "seconds": seconds.get(value), "state": state(place, value)}
        for place, (value, label) in enumerate(PHASES)
    ]


def _ended(run: Run) -> dict[str, Any]:
    landing = run.detail.get("landing", {})
    return {
        "failed": _failed(run),
        "landing": landing,
        "notes": [*run.detail.get("notes", []), *landing.get("warnings", [])],
        "drift": run.detail.get("drift", {}).get("explanations", []),
        "waiting": mending.waiting_of(run) if run.rows_quarantined else 0,
        "mended": run.mends.filter(state=Mend.State.MENDED).count(),
        "retries": list(run.retries.order_by("id")),
        "decisions": list(run.data_class.column_decisions.filter(replaced_at=None).select_related("decided_by")[:30]),
    }


def _failed(run: Run) -> list[dict[str, Any]]:
    """Rules that failed in words, most rows first; `holds`: whether their rows were held back or only counted."""
    failed = Counter(run.detail.get("failed", {}))
    if run.detail.get("landing", {}).get("rejected"):  # lines that no rule has seen
        failed |= Counter({name: count for name, count in count_by_reason(run).items() if name in LINE_FAULTS})
    counted = sorted(failed.items(), key=lambda pair: (-pair[1], pair[0]))
    if not counted or not run.data_class.is_described:
        return []
    rules = rules_by_id(reading.definition_of(run.data_class))
    most = counted[0][1] or 1
    return [
        {
            "rule": name,
            "words": message_of(name, rules),
            "holds": name not in rules or rules[name].severity == "quarantine",
            "dimension": Dimension(rules[name].dimension).label if name in rules else "",
            "count": count,
            "share": count / most,
        }
        for name, count in counted
    ]


@require_POST
@staff_required("data.upload")
def cancel(request: HttpRequest, number: int) -> HttpResponse:
    """Needs data.operate; who uploaded a file may also take it back while it waits."""
    account = account_of(request)
    run = access.run_for(account, number, "data.upload")
    if not access.may_cancel(account, run):
        raise NotAllowed
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
