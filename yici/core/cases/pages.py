"""Staff pages: the work list, one case, and the buttons on it. Thin: every change is one service call."""

from __future__ import annotations

import csv
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from yici.base import clock
from yici.base.errors import Conflict, Invalid
from yici.base.requests import page_number, wants_part, whole_number
from yici.base.spreadsheets import safe_cell
from yici.core.audit import services as audit
from yici.core.cases import ports, queries, services
from yici.core.cases.drawing import workflow_svg
from yici.core.cases.models import Case, Light
from yici.core.cases.queries import WorkListFilter
from yici.core.cases.rules import CLOSED_STATES, STATES, Action
from yici.core.people import queries as people
from yici.core.people.auth import account_of, staff_required
from yici.core.people.models import Account
from yici.core.people.services import actor_of
from yici.core.places import queries as places
from yici.core.places.rules import UnknownDivision, level_of


@require_safe
@staff_required("case.view")
def work_list(request: HttpRequest) -> HttpResponse:
    """我的待办, 部门待办, 已办; with htmx only the table is sent again."""
    account = account_of(request)
    filters = _filters(request)
    page = queries.work_list(account, filters, page_number(request, digits=9))
    kept = {name: value for name, value in request.GET.items() if name != "page" and value}
    context = {
        "page": page,
        "filters": filters,
        "query": urlencode(kept),
        "tabs": [
            ("mine", _("我的待办"), _tab_query(kept, "mine")),
            ("department", _("部门待办"), _tab_query(kept, "department")),
            ("done", _("已办"), _tab_query(kept, "done")),
        ],
        "can_claim": filters.tab == "department" and any(row.is_unassigned for row in page.rows),
    }
    if wants_part(request):
        return render(request, "cases/work_table.html", context)
    closed, types = filters.tab == "done", queries.types_at_hand(account)
    context |= {
        "types": types,
        "type_words": next((one.label for one in types if one.slug == filters.type), filters.type),
        "states": [(state, str(label)) for state, label in STATES.items() if (state in CLOSED_STATES) == closed],
        "lights": [] if closed else [(light.value, _(light.label)) for light in Light],
        "divisions": places.children(places.root().pk),
        "is_filtered": any((filters.text, filters.state, filters.light, filters.type, filters.division)),
    }
    return render(request, "cases/work_list.html", context)


@require_safe
@staff_required("case.view")
def export(request: HttpRequest) -> HttpResponse:
    """The filtered list as CSV that a spreadsheet opens: BOM, no formula, recorded in the access log."""
    account, filters = account_of(request), _filters(request)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="cases-{clock.today():%Y%m%d}.csv"'
    response.write("\ufeff")
    writer = csv.writer(response)
    writer.writerow(
        [
            _("办件号"),
            _("标题"),
            _("申请人"),
            _("状态"),
            _("承办单位"),
            _("区划"),
            _("承办人"),
            _("收件时间"),
            _("到期时间"),
            _("剩余时限"),
        ]
    )
    count = 0
    for row in queries.export_rows(account, filters):
        moments = [f"{timezone.localtime(at):%Y-%m-%d %H:%M}" if at else "" for at in (row.opened_at, row.due_at)]
        cells = [row.number, row.title, row.subject_name, row.state_label, row.organisation, row.division, row.assignee]
        # A number of twenty digits is text: without the tab a spreadsheet would round it.
        writer.writerow([f"\t{cells[0]}", *(safe_cell(cell) for cell in [*cells[1:], *moments, row.days_left])])
        count += 1
    audit.record(
        actor_of(account, request),
        "export",
        subject=("case", "list"),
        elements=["person.name"],
        purpose=f"导出办件清单 {count} 件",
    )
    return response


@require_POST
@staff_required("case.view")
def claim(request: HttpRequest) -> HttpResponse:
    numbers = request.POST.getlist("number")[:100]
    taken = services.claim(numbers, account_of(request)) if numbers else []
    if taken:
        text = ngettext("已认领 %(count)d 件。", "已认领 %(count)d 件。", len(taken)) % {"count": len(taken)}
        messages.success(request, text)
    else:
        messages.warning(request, _("没有可认领的办件：请先勾选，已被同事认领的不能重复认领。"))
    return redirect("/desk/cases/?tab=mine")


@require_safe
@staff_required("case.view")
def case(request: HttpRequest, number: str) -> HttpResponse:
    account = account_of(request)
    return _show(request, queries.case_for_staff(account, number))


@require_POST
@staff_required("case.view")
def act(request: HttpRequest, number: str, action: str) -> HttpResponse:
    account = account_of(request)
    found = queries.case_for_staff(account, number)
    posted = request.POST
    data = {name: posted.get(name, "") for name in ("reason", "days", "kind", "demands") if name in posted}
    expected = whole_number(posted.get("events", ""), 0) or None
    try:
        services.act(number, action, account, opinion=posted.get("opinion", ""), data=data, expected_events=expected)
    except Invalid as error:
        return _show(request, found, failed=action, errors=error.fields, status=422)
    except Conflict as error:
        return _show(request, queries.case_for_staff(account, number), conflict=str(error.message), status=409)
    done = queries.workflow_for(found).action(action)
    messages.success(request, _("已办理：%(action)s。") % {"action": done.label if done else action})
    return redirect("cases:case", number=number)


@require_POST
@staff_required("case.view")
def assign(request: HttpRequest, number: str) -> HttpResponse:
    account = account_of(request)
    found = queries.case_for_staff(account, number)
    to = Account.objects.filter(pk=whole_number(request.POST.get("to", ""), 0), kind=Account.Kind.STAFF).first()
    try:
        services.assign(number, account, to, note=request.POST.get("note", ""))
    except Invalid as error:
        return _show(request, found, failed="assign", errors=error.fields, status=422)
    except Conflict as error:
        return _show(request, found, conflict=str(error.message), status=409)
    messages.success(request, _("承办人：%(name)s。") % {"name": to.name} if to else _("已退回部门待办。"))
    return redirect("cases:case", number=number)


@require_POST
@staff_required("case.supervise")
def supervise(request: HttpRequest, number: str) -> HttpResponse:
    found = queries.case_for_staff(account_of(request), number)
    try:
        services.supervise(number, account_of(request), request.POST.get("text", ""))
    except Invalid as error:
        return _show(request, found, failed="supervise", errors=error.fields, status=422)
    messages.success(request, _("督办已下达。"))
    return redirect("cases:case", number=number)


@require_POST
@staff_required("case.view")
def reply(request: HttpRequest, number: str, instruction_id: int) -> HttpResponse:
    account = account_of(request)
    found = queries.case_for_staff(account, number)
    if not found.instructions.filter(pk=instruction_id).exists():
        return redirect("cases:case", number=number)
    try:
        services.reply_instruction(instruction_id, account, request.POST.get("reply", ""))
    except Invalid as error:
        return _show(request, found, failed=f"reply-{instruction_id}", errors=error.fields, status=422)
    except Conflict as error:
        return _show(request, found, conflict=str(error.message), status=409)
    messages.success(request, _("答复已保存。"))
    return redirect("cases:case", number=number)


def _show(
    request: HttpRequest,
    found: Case,
    *,
    failed: str = "",
    errors: dict[str, str] | None = None,
    conflict: str = "",
    status: int = 200,
) -> HttpResponse:
    """The case page; after a failed action with that form open, what was typed kept, and the errors first.

    Whatever it shows of the subject is recorded first, however the page was reached.
    """
    account = account_of(request)
    panels = ports.panels(found, account)
    shown = dict.fromkeys(["person.name", *(element for panel in panels for element in panel.elements)])
    services.record_look(found, account, request, list(shown))
    view = queries.case_view(account, found)
    permissions = people.permissions_of(account)
    place: dict[str, Any] = {"organisation": found.organisation, "division": found.division_id}
    works = any(people.may(account, name, **place) for name in services.WORKING_PERMISSIONS)
    may_assign = "case.assign" in permissions and people.may(account, "case.assign", **place)
    context = {
        "view": view,
        "case": found,
        "panels": panels,
        "picture": workflow_svg(view.workflow, None if found.closed_at else found.stage, view.done_stages),
        "forms": [_form(action, failed, errors or {}, request) for action in view.actions],
        "errors": {f"{failed}-{field}": message for field, message in (errors or {}).items()},
        "failed": failed,
        "field_errors": errors or {},
        "conflict": conflict,
        "posted": request.POST if failed else {},
        "works": works,
        "may_supervise": "case.supervise" in permissions and people.may(account, "case.supervise", **place),
        "may_assign": found.closed_at is None and (may_assign or found.assignee_id == account.pk),
        "may_claim": found.closed_at is None and found.assignee_id is None and works,
        "colleagues": _colleagues(found) if may_assign or found.assignee_id == account.pk else [],
        "account": account,
    }
    return render(request, "cases/case.html", context, status=status)


def _form(action: Action, failed: str, errors: dict[str, str], request: HttpRequest) -> dict[str, Any]:
    """One action as the template draws it: which fields, required or not, with what was typed."""
    hints = {
        "demands": _("每行写一项，写明缺什么、怎样补。"),
        "days": _("填写天数。"),
    }
    labels = {
        "opinion": _("意见"),
        "reason": _("理由"),
        "demands": _("需要补正的内容"),
        "days": _("天数"),
        "kind": _("种类"),
    }
    open_ = action.id == failed
    fields = [
        {
            "name": need,
            "label": labels[need],
            "hint": hints.get(need, ""),
            "required": wanted == "required",
            "value": request.POST.get(need, "") if open_ else "",
            "error": errors.get(need, "") if open_ else "",
        }
        for need, wanted in action.needs.items()
    ]
    return {"action": action, "fields": fields, "open": open_}


def _colleagues(found: Case) -> list[Account]:
    staff = Account.objects.filter(organisation_id=found.organisation_id, kind=Account.Kind.STAFF, is_active=True)
    return list(staff.order_by("name", "pk")[:200])


def _filters(request: HttpRequest) -> WorkListFilter:
    given = request.GET
    text = given.get("q", "")
    tab = given.get("tab", "") or "department"
    division = given.get("division", "")
    try:
        level_of(division)
    except UnknownDivision:
        division = ""
    return WorkListFilter(
        tab=tab if tab in ("mine", "department", "done") else "department",
        state=given.get("state", "") if given.get("state", "") in STATES else "",
        light=given.get("light", "") if given.get("light", "") in Light.values else "",
        type=given.get("type", "").replace("\x00", ""),
        division=division,
        text=text,
        overdue=given.get("overdue") == "1",
        unassigned=given.get("unassigned") == "1",
        size=whole_number(given.get("size", ""), 20),
    )


def _tab_query(kept: dict[str, Any], tab: str) -> str:
    """The same search on another tab; state and light mean something else there."""
    return urlencode({name: value for name, value in kept.items() if name in ("q", "type", "division")} | {"tab": tab})
