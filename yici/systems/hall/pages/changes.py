"""Changes of items for those who manage the catalogue: propose with a difference, review, see what is in force.

Every page: staff with `item.manage`.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from yici.base import clock
from yici.base.errors import Invalid, NotFound
from yici.base.requests import page_number
from yici.core.people.auth import account_of, staff_required
from yici.systems.hall import queries, services
from yici.systems.hall.definitions import Level
from yici.systems.hall.models import ItemChange
from yici.systems.hall.pages.catalogue import level_label
from yici.systems.hall.services import changing

PAGE = 40


def edit_label(path: str) -> str:
    return {
        "limits.promised.amount": _("承诺时限（数值）"),
        "visits.count": _("到现场次数"),
        "visits.reason.zh": _("到现场的原因（中文）"),
        "visits.reason.en": _("到现场的原因（英文）"),
        "consult_phone": _("咨询电话"),
        "summary.zh": _("一句话介绍（中文）"),
        "summary.en": _("一句话介绍（英文）"),
    }[path]


@staff_required("item.manage")
@require_safe
def changes(request: HttpRequest) -> HttpResponse:
    """Every change, the newest first, narrowed by state; with the number of each kind in force."""
    state = request.GET.get("state", "")
    page = page_number(request)
    rows = list(queries.changes(state if state in ItemChange.State.values else "")[(page - 1) * PAGE : page * PAGE + 1])
    context = {
        "changes": rows[:PAGE], "has_next": len(rows) > PAGE, "page": page, "state": state,
        "states": ItemChange.State.choices, "counts": queries.changes_by_kind(),
    }  # fmt: skip
    return render(request, "hall/desk/changes.html", context)


@staff_required("item.manage")
@require_http_methods(["GET", "POST"])
def propose(request: HttpRequest, code: str) -> HttpResponse:
    """The form of a change: what is now stands beside what it shall be."""
    item = queries.item_by_code(code)
    published = queries.definition_of(queries.current_version(item)).published()
    errors: dict[str, str] = {}
    given: Any = request.POST if request.method == "POST" else {}
    if request.method == "POST":
        try:
            change = _propose(request, code)
        except Invalid as error:
            errors = error.fields or {"": str(error.message)}
        else:
            flash.success(request, _("变更已提交，请另一位事项管理员审核。"))
            return HttpResponseRedirect(reverse("hall-desk-change", args=[change.pk]))
    paths = dict.fromkeys(path for paths in changing.EDITABLE.values() for path in paths)
    fields = []
    for path in paths:
        now = changing.value_at(published, path)
        now = "" if now is None else now
        fields.append((path, edit_label(path), now, given.get(path, now), errors.get(path, "")))
    context = {
        "item": item, "kinds": ItemChange.Kind.choices, "fields": fields, "given": given, "errors": errors,
        "levels": [(level.value, level_label(level)) for level in Level], "today": clock.today().isoformat(),
    }  # fmt: skip
    return render(request, "hall/desk/change_new.html", context, status=422 if errors else 200)


def _propose(request: HttpRequest, code: str) -> ItemChange:
    post = {name: str(value).replace("\x00", "") for name, value in request.POST.items()}
    if post.get("kind") not in ItemChange.Kind.values:
        raise Invalid(fields={"kind": _("请选择变更的种类。")})
    try:
        day = dt.date.fromisoformat(post.get("effective_from", ""))
    except ValueError:
        raise Invalid(fields={"effective_from": _("请写生效日期，例如 2026-12-01。")}) from None
    edits = {path: post[path] for paths in changing.EDITABLE.values() for path in paths if path in post}
    bodies = [body for body in post.get("bodies", "").split() if body]
    holders = {"from": post.get("from", ""), "to": post.get("to", ""), "bodies": bodies, "level": post.get("level", "")}
    return services.propose_change(
        account_of(request), code, kind=post["kind"], reason=post.get("reason", ""), basis=post.get("basis", ""),
        effective_from=day, edits=edits, holders=holders,
    )  # fmt: skip


@staff_required("item.manage")
@require_http_methods(["GET", "POST"])
def change(request: HttpRequest, change_id: int) -> HttpResponse:
    """One change with its difference; the second person decides here."""
    account = account_of(request)
    found = queries.changes("").filter(pk=change_id).first()
    if found is None:
        raise NotFound
    error = ""
    if request.method == "POST":
        opinion = request.POST.get("opinion", "").replace("\x00", "")[:2000]
        try:
            found = services.review_change(account, change_id, approve="approve" in request.POST, opinion=opinion)
        except Invalid as fault:
            error = "；".join(fault.fields.values()) or str(fault.message)
        else:
            flash.success(request, _("审核意见已记录。"))
            return HttpResponseRedirect(reverse("hall-desk-change", args=[change_id]))
    context = {
        "change": found, "error": error,
        "difference": [(edit_label(path), found.before.get(path), value) for path, value in found.edits.items()],
        "may_review": found.state == ItemChange.State.PROPOSED and found.proposed_by_id != account.pk,
        "is_own": found.state == ItemChange.State.PROPOSED and found.proposed_by_id == account.pk,
        "moves": [level_label(found.holders[end]) for end in ("from", "to") if found.holders.get(end)],
    }  # fmt: skip
    return render(request, "hall/desk/change.html", context, status=422 if error else 200)
