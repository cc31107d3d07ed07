"""Changes of items for those who manage the catalogue: propose with a difference, review, see what is in force.

Every page: staff with `item.manage`.
"""

from __future__ import annotations

import copy
import datetime as dt
from typing import Any

from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from yici.base import clock
from yici.base.cityfolder import city_folder
from yici.base.errors import Invalid, NotFound
from yici.base.requests import page_number
from yici.core.people.auth import account_of, staff_required
from yici.platform.trust.definitions import certificate_types
from yici.systems.hall import folder, queries, services
from yici.systems.hall.definitions import Level
from yici.systems.hall.models import ItemChange
from yici.systems.hall.overlay import put, value_at
from yici.systems.hall.pages.catalogue import level_label
from yici.systems.hall.services import editing

PAGE = 40
# How one entry of a part is written in a line; the same as in the city folder.
NOTATION = {
    "legal_basis": gettext_lazy("一行一条：法律名称 // 文号 // 第几条 // 要旨 | Gist"),
    "fees": gettext_lazy("一行一项，不收费的不写：收费名称 | Name // 标准 | Standard // 依据 // 收费清单编码"),
    "steps": gettext_lazy("一行一步：步骤 | Step // 说明 | Note"),
    "windows": gettext_lazy("一行一处：服务中心编号，用逗号隔开 // 窗口 | Counter"),
}
NEW: dict[str, Any] = {"id": "", "name": {"zh": "", "en": ""}, "copies": 0, "necessity": "required", "proven_by": []}


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
    fields = []
    for path in dict.fromkeys(path for paths in editing.EDITABLE.values() for path in paths):
        now = value_at(published, path)
        now = "" if now is None else now
        fields.append((path, editing.label_of(path, published), now, given.get(path, now), errors.get(path, "")))
    whole = [
        (path, editing.label_of(path, published), NOTATION[path], given.get(path, now), now.count("\n") + 2, errors.get(path, ""))
        for path in editing.LISTS[ItemChange.Kind.AMEND]
        for now in [editing.lines_of(published, path)]
    ]  # fmt: skip
    context = {
        "whole": whole, "materials": [_material(one, given, errors) for one in [*published["materials"], NEW]],
        "certificates": sorted((kind.slug, kind.name) for kind in certificate_types().values()),
        "necessities": editing.necessities().items(), "centres": folder.centres(city_folder()).items(),
        "item": item, "kinds": ItemChange.Kind.choices, "fields": fields, "given": given, "errors": errors,
        "levels": [(level.value, level_label(level)) for level in Level], "today": clock.today().isoformat(),
    }  # fmt: skip
    return render(request, "hall/desk/change_new.html", context, status=422 if errors else 200)


def _material(material: dict[str, Any], given: Any, errors: dict[str, str]) -> dict[str, Any]:
    """One row of the materials, as it is or as it was just filled in."""
    path = f"materials.{material['id']}" if material["id"] else editing.NEW
    proofs = material["proven_by"]
    now = {
        "name.zh": material["name"]["zh"], "name.en": material["name"]["en"], "copies": str(material["copies"]),
        "necessity": material["necessity"], "standard": "",
        "certificate": next((proof["certificate"] for proof in proofs if proof["certificate"]), ""),
        "facts": "1" if any(proof["facts"] for proof in proofs) else "",
        "promise": "1" if any(proof["promise"] for proof in proofs) else "", "drop": "",
    }  # fmt: skip
    values = {
        name.replace(".", "_"): given.get(f"{path}.{name}", "") if given else value for name, value in now.items()
    }
    facts = "、".join(element for proof in proofs for element in proof["facts"])
    faults = [message for name, message in errors.items() if name.startswith(f"{path}.")]
    return {"path": path, "title": now["name.zh"], "facts_named": facts, "errors": faults, **values}


def _difference(change: ItemChange) -> list[tuple[str, list[tuple[str, bool]], list[tuple[str, bool]]]]:
    """(what, lines of before, lines of after) of every edit; with each line whether it stands in both."""
    before = copy.deepcopy(queries.definition_of(change.item.current_id or 0).published())
    for path, value in change.before.items():
        if value is not None:
            put(before, path, value)
    rows = []
    for path, value in change.edits.items():
        old, new = editing.words_of(path, change.before.get(path)), editing.words_of(path, value)
        rows.append(
            (
                editing.label_of(path, before),
                [(line, line in new) for line in old],
                [(line, line in old) for line in new],
            )
        )
    return rows


def _propose(request: HttpRequest, code: str) -> ItemChange:
    post = {name: str(value).replace("\x00", "") for name, value in request.POST.items()}
    if post.get("kind") not in ItemChange.Kind.values:
        raise Invalid(fields={"kind": _("请选择变更的种类。")})
    try:
        day = dt.date.fromisoformat(post.get("effective_from", ""))
    except ValueError:
        raise Invalid(fields={"effective_from": _("请写生效日期，例如 2026-12-01。")}) from None
    bodies = [body for body in post.get("bodies", "").split() if body]
    holders = {"from": post.get("from", ""), "to": post.get("to", ""), "bodies": bodies, "level": post.get("level", "")}
    return services.propose_change(
        account_of(request), code, kind=post["kind"], reason=post.get("reason", ""), basis=post.get("basis", ""),
        effective_from=day, edits=post, holders=holders,
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
        "difference": _difference(found),
        "may_review": found.state == ItemChange.State.PROPOSED and found.proposed_by_id != account.pk,
        "is_own": found.state == ItemChange.State.PROPOSED and found.proposed_by_id == account.pk,
        "moves": [level_label(found.holders[end]) for end in ("from", "to") if found.holders.get(end)],
    }  # fmt: skip
    return render(request, "hall/desk/change.html", context, status=422 if error else 200)
