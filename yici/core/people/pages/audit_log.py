"""The access log for auditors: filters, keyset paging, and verification of the chains."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from yici.base.requests import day_of
from yici.core.audit import queries as audit
from yici.core.audit import services as audit_services
from yici.core.people import queries, services
from yici.core.people.auth import account_of, staff_required
from yici.core.people.labels import element_label
from yici.core.people.rules import plain_line

FILTERS = ("actor", "subject_kind", "subject_id", "action", "case_number", "first_day", "last_day")


@never_cache
@staff_required("audit.view")
@require_GET
def log(request: HttpRequest) -> HttpResponse:
    """Who did what, newest first. Needs audit.view."""
    values = {name: plain_line(request.GET.get(name, ""), 100) for name in FILTERS}
    page = audit.entries_matching(_filter(values), before=audit.Cursor.parse(request.GET.get("before", "")))
    rows = [
        {
            "entry": entry,
            "action": audit.action_label(entry.action),
            "kind": audit.subject_label(entry.subject_kind),
            "data": [element_label(element) for element in entry.elements],
        }
        for entry in page.entries
    ]
    kept = {name: value for name, value in values.items() if value}
    context = {
        "rows": rows, "values": values, "actions": audit.ACTIONS, "count": audit.recorded_count(),
        "next": urlencode({**kept, "before": str(page.next)}) if page.next else "",
        "first": urlencode(kept) if request.GET.get("before") else "",
    }  # fmt: skip
    return render(request, "people/audit_log.html", context)


def _filter(values: dict[str, str]) -> audit.EntryFilter:
    subject_kind, subject_id = values["subject_kind"], values["subject_id"]
    if subject_kind == "person" and len(subject_id) == 18:
        person = queries.find_person(subject_id.upper())
        subject_id = str(person.pk) if person else "0"
    return audit.EntryFilter(
        actors=queries.account_ids_named(values["actor"]) if values["actor"] else None,
        subject_kind=subject_kind,
        subject_id=subject_id,
        action=values["action"],
        case_number=values["case_number"],
        first_day=day_of(values["first_day"]),
        last_day=day_of(values["last_day"]),
    )


@staff_required("audit.view")
@require_POST
def verify(request: HttpRequest) -> HttpResponse:
    """Recompute every chain and say what was found. Needs audit.view."""
    faults = audit_services.verify()
    actor = services.actor_of(account_of(request), request)
    result = f"发现 {len(faults)} 处异常" if faults else "没有发现异常"
    audit_services.record(actor, "verify", subject=("audit", "all"), purpose=f"校验查阅记录：{result}")
    if faults:
        for fault in faults[:20]:
            messages.error(request, fault.message)
    else:
        messages.success(request, _("全部记录校验通过，没有被修改、删除或调换。"))
    return HttpResponseRedirect(reverse("people:audit"))
