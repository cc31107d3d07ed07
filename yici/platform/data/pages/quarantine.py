"""Rows that were not accepted: read with reasons in words, mended, discarded, undone, handed back as a workbook."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yici.base import clock
from yici.base.errors import Conflict, Invalid, NotFound
from yici.base.requests import page_number
from yici.core.audit import services as audit
from yici.core.people.auth import account_of, staff_required
from yici.core.people.services import actor_of
from yici.core.vocabulary import queries as vocabulary
from yici.platform.data.catalogue import reading
from yici.platform.data.catalogue.definition import ClassDefinition, Column
from yici.platform.data.models import Mend, Run
from yici.platform.data.pages.purposes import keep_purpose, purpose_of
from yici.platform.data.pages.uploads import sent_file
from yici.platform.data.pages.words import MEND_TONES, row_numbers
from yici.platform.data.reading import access
from yici.platform.data.rules.deriving import rules_by_id
from yici.platform.data.rules.language import Rule
from yici.platform.data.rules.reference import failures
from yici.platform.data.runs import mending
from yici.platform.data.runs.mending_tables import export_table, mend_table
from yici.platform.data.runs.quarantine import HeldRow, count_by_reason, held_row, held_rows, message_of, values_of
from yici.platform.data.scopes import may

PAGE = 25
MOST_CODES = 200
LARGEST = 16 * 1024 * 1024  # bytes of a table of mended rows
TOLD = 5  # refused rows of one that are named


@require_safe
@staff_required("data.view")
def rows(request: HttpRequest, number: int) -> HttpResponse:
    """Held rows of a run. Personal values are masked until somebody who may see rows says what for."""
    account = account_of(request)
    run = access.run_for(account, number)
    definition = reading.definition_of(run.data_class)
    rules = rules_by_id(definition)
    reason = request.GET.get("reason", "").replace("\x00", "")[:120]
    page = page_number(request, digits=7)
    purpose = _purpose(request, run)
    found = held_rows(run, reason, (page - 1) * PAGE, PAGE + 1)
    if purpose:
        access.look(account, run.data_class, definition, purpose)
    counts = count_by_reason(run)
    mends = {one.row: one for one in run.mends.filter(row__in=[row.row for row in found])}
    shown = _columns(definition, found[:PAGE], rules)
    context = {
        "run": run,
        "data_class": run.data_class,
        "rows": [_line(row, shown, rules, mends.get(row.row), definition, bool(purpose)) for row in found[:PAGE]],
        "headers": [column.label for column in shown],
        "reasons": [(rule, message_of(rule, rules), count) for rule, count in counts.most_common()],
        "reason": reason,
        "page": page,
        "has_next": len(found) > PAGE,
        "purpose": purpose,
        "may_see": access.may_see_rows(account, run.data_class),
        "waiting": mending.waiting_of(run),
        "mended": run.mends.filter(state=Mend.State.MENDED).count(),
        "last": -(-(counts[reason] if reason else run.rows_quarantined) // PAGE),
        "may_upload": may(account, "data.upload", run.data_class),
        "tones": MEND_TONES,
    }
    response = render(request, "data/quarantine.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _columns(definition: ClassDefinition, found: list[HeldRow], rules: dict[str, Rule]) -> list[Column]:
    """Columns with something in them or wrong about them: the key first, then those that are wrong."""
    wrong = {rules[one].column for row in found for one in row.reasons if one in rules}
    held = [column for column in definition.columns if any(row.values.get(column.name) for row in found)]
    shown = [column for column in definition.columns if column in held or column.name in wrong]
    return sorted(shown, key=lambda column: (column.name not in definition.key, column.name not in wrong))


def _line(
    row: HeldRow,
    columns: list[Any],
    rules: dict[str, Rule],
    mend: Mend | None,
    definition: ClassDefinition,
    clear: bool,
) -> dict[str, Any]:
    wrong = {rules[one].column for one in row.reasons if one in rules}
    values = dict(row.values) if clear else access.masked(definition, row.values)
    return {
        "row": row.row,
        "reasons": [message_of(one, rules) for one in row.reasons],
        "cells": [(values.get(column.name), column.name in wrong) for column in columns],
        "line": (row.line if clear else "＊" * min(len(row.line), 12)) if row.line else "",
        "mend": mend,
        "can_mend": mend is None or mend.state != Mend.State.REPLAYED,
        "can_discard": mend is None or mend.state in (Mend.State.MENDED, Mend.State.REFUSED),
    }


def _purpose(request: HttpRequest, run: Run) -> str:
    return purpose_of(request, f"run:{run.pk}", run.data_class)


@require_POST
@staff_required("data.rows")
def unmask(request: HttpRequest, number: int) -> HttpResponse:
    """Say what the rows are looked at for; every look is recorded with it."""
    run = access.run_for(account_of(request), number, "data.rows")
    if not keep_purpose(request, f"run:{run.pk}", request.POST.get("purpose", "")) and request.POST.get("hide") != "1":
        messages.error(request, _("请写明查看明细的用途。"))
    return redirect("data-quarantine", number)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_required("data.rows")
def edit(request: HttpRequest, number: int, row: int) -> HttpResponse:
    """One row as a form: what came beside what shall stand, errors beside their fields."""
    account = account_of(request)
    run = access.run_for(account, number, "data.rows")
    definition = reading.definition_of(run.data_class)
    held = held_row(run, row)
    rules = rules_by_id(definition)
    errors: dict[str, str] = {}
    if request.method == "POST":
        values = {column.name: request.POST.get(column.name, "") for column in definition.columns}
        try:
            mending.mend(run, row, values, account, request.POST.get("note", "")[:500])
            messages.success(request, _("第 {row} 行已修正，等待重放。").format(row=row))
            return redirect("data-quarantine", number)
        except Invalid as error:
            errors = error.fields or {"": str(error.message)}
        except Conflict as error:
            messages.warning(request, str(error.message))
            return redirect("data-quarantine", number)
    else:
        access.look(account, run.data_class, definition, f"修正隔离行 {row}（运行 {run.pk}）")
    known = run.mends.filter(row=row).first()
    came = values_of(run, held)
    stood = known.values if known and known.values else came
    # A line that was cut up now has been judged by no rule yet.
    reasons = (
        failures(definition, tuple(rules.values()), _blank_is_none(definition, stood)) if held.line else held.reasons
    )
    wrong = {rules[one].column: message_of(one, rules) for one in reversed(reasons) if one in rules}
    fields = [
        {
            "name": column.name,
            "label": column.label,
            "raw": came.get(column.name) or "",
            "value": request.POST.get(column.name, "") if request.method == "POST" else stood.get(column.name) or "",
            "error": errors.get(column.name, "") if request.method == "POST" else wrong.get(column.name, ""),
            "needed": column.name in definition.needed,
            "codes": _codes(column),
        }
        for column in definition.columns
    ]
    context = {
        "run": run, "data_class": run.data_class, "row": row, "fields": sorted(fields, key=lambda one: not one["error"]),
        "errors": list(errors.items()), "note": request.POST.get("note", ""),
        "reasons": [message_of(one, rules) for one in held.reasons], "line": held.line,
    }  # fmt: skip
    response = render(request, "data/mend.html", context, status=422 if errors else 200)
    response["Cache-Control"] = "no-store"
    return response


def _blank_is_none(definition: ClassDefinition, values: Mapping[str, str | None]) -> dict[str, str | None]:
    return {name: values.get(name) or None for name in definition.by_name}


def _codes(column: Column) -> list[tuple[str, str]]:
    """(code, words) of the column's code list, to choose from; empty where it has none or one too long to look through."""
    entries = vocabulary.code_list(column.code_list).codes if column.type == "code" and column.code_list else ()
    return [(entry.code, str(entry.label)) for entry in entries] if len(entries) <= MOST_CODES else []


@require_POST
@staff_required("data.rows")
def settle(request: HttpRequest, number: int) -> HttpResponse:
    """Discard the ticked rows, or take back what was done to one."""
    account = account_of(request)
    run = access.run_for(account, number, "data.rows")
    try:
        if undo := request.POST.get("undo", ""):
            mending.undo(run, row_numbers([undo])[0], account)
            messages.success(request, _("已撤销。"))
        else:
            ticked = row_numbers(request.POST.getlist("row")[:PAGE])
            if not ticked:
                raise Invalid(_("请先勾选要作废的行。"))
            count = mending.discard(run, ticked, account, request.POST.get("note", ""))
            messages.success(request, _("已作废 {count} 行。").format(count=count))
    except (Invalid, Conflict, NotFound) as error:
        messages.error(request, str(error.message))
    return redirect("data-quarantine", number)


@require_POST
@staff_required("data.rows")
def take_back(request: HttpRequest, number: int) -> HttpResponse:
    """The exported table, put right in a spreadsheet program."""
    account = account_of(request)
    run = access.run_for(account, number, "data.rows")
    try:
        file = sent_file(request, LARGEST, _("文件太大，请只上传导出的隔离数据。"))
        done = mend_table(run, file.chunks(), file.name or "", account, request.POST.get("note", "")[:500])
    except Invalid as error:
        messages.error(request, str(error.message))
        return redirect("data-quarantine", number)
    if done.mended:
        messages.success(request, _("已修正 {count} 行，等待重放。").format(count=done.mended))
    if done.refused:
        told = "；".join(
            _("第 {row} 行：{why}").format(row=row, why=why.rstrip("。"))
            for row, why in list(done.refused.items())[:TOLD]
        )
        messages.warning(request, _("{count} 行没有采纳。{told}").format(count=len(done.refused), told=told))
    if not done.mended and not done.refused:
        messages.warning(request, _("表格里没有改动过的行。"))
    return redirect("data-quarantine", number)


@require_safe
@staff_required("data.upload")
def export(request: HttpRequest, number: int) -> HttpResponse:
    """The held rows for the unit as XLSX: masked, or in clear for who said a purpose. Recorded."""
    account = account_of(request)
    run = access.run_for(account, number, "data.upload")
    definition = reading.definition_of(run.data_class)
    purpose = _purpose(request, run)
    out = io.BytesIO()
    count = export_table(run, out, None if purpose else partial(access.masked, definition))
    audit.record(
        actor_of(account, request),
        "export",
        subject=("data_class", run.data_class_id),
        elements=sorted({column.element for column in definition.columns if column.element}) if purpose else [],
        purpose=f"导出隔离数据 {count} 行（运行 {run.pk}）{'：' + purpose if purpose else '，已遮盖'}",
    )
    response = HttpResponse(
        out.getvalue(), content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    )
    response["Content-Disposition"] = f'attachment; filename="quarantine-{run.pk}-{clock.today():%Y%m%d}.xlsx"'
    return response
