"""Versions of a class: what one changed against another, and going back to one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from yici.base.errors import Conflict, Invalid, NotFound
from yici.core.people.auth import account_of, staff_required
from yici.platform.data.catalogue import reading
from yici.platform.data.catalogue.definition import ClassDefinition
from yici.platform.data.lake import difference, upkeep
from yici.platform.data.lake import reading as lake
from yici.platform.data.models import DataClass, Snapshot
from yici.platform.data.pages.purposes import keep_purpose, purpose_of
from yici.platform.data.pages.words import in_words
from yici.platform.data.reading import access

DIFFERENCES = 10  # rows shown of each kind


@require_safe
@staff_required("data.view")
def version(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """What a version changed: counts for everybody, rows for who may see them, in clear once a purpose is said."""
    account = account_of(request)
    data_class = access.class_for(account, slug)
    definition = reading.definition_of(data_class)
    snapshot = lake.snapshot_of(data_class, number=number)
    kept = list(data_class.snapshots.exclude(state=Snapshot.State.EXPIRED).exclude(number=number).order_by("-number"))
    asked = request.GET.get("with", "")
    earlier = next((one for one in kept if one.number < number), None)
    before = next((one for one in kept if str(one.number) == asked), None) if asked else earlier
    may_see = access.may_see_rows(account, data_class)
    purpose = purpose_of(request, f"class:{slug}", data_class)
    found = _difference(data_class, definition, before, snapshot, DIFFERENCES if may_see else 0) if before else None
    if purpose and found and found.samples:
        access.look(account, data_class, definition, purpose)
    context = {
        "data_class": data_class,
        "snapshot": snapshot,
        "before": before,
        "kept": kept,
        "found": found,
        "samples": [_change(definition, one, bool(purpose)) for one in (found.samples if found else ())],
        "labels": {column.name: column.label for column in definition.columns},
        "purpose": purpose,
        "may_see": may_see,
        "shown": DIFFERENCES,
    }
    response = render(request, "data/version.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _difference(
    data_class: DataClass, definition: ClassDefinition, before: Snapshot, after: Snapshot, limit: int
) -> difference.Difference:
    held = {one["name"] for one in before.columns} & {one["name"] for one in after.columns}
    columns = [column.name for column in definition.columns if column.name in held]
    old, new = (lake.files_of(data_class, number=one.number) for one in (before, after))
    return difference.difference(old, new, definition.key, columns, limit=limit)


def _change(definition: ClassDefinition, one: difference.Change, clear: bool) -> dict[str, Any]:
    """One row that differs: its key, and each column with what it was and is."""
    key = dict(zip(definition.key, one.key, strict=True))
    before, after = one.before, one.after
    if not clear:
        key, before, after = (access.masked(definition, values) for values in (key, before, after))
    columns = [column.name for column in definition.columns if column.name not in definition.key]
    cells = [
        (name, *(in_words(definition.by_name[name], side.get(name)) for side in (before, after)))
        for name in columns
        if name in before or name in after
    ]
    if one.kind != "changed":  # a whole row: the first columns tell which one it is
        cells = [cell for cell in cells if cell[1] is not None or cell[2] is not None][:6]
    key = {name: in_words(definition.by_name[name], value) for name, value in key.items()}
    return {"kind": one.kind, "key": key, "cells": cells}


@require_POST
@staff_required("data.rows")
def unmask(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Say what the rows are looked at for; every look is recorded with it."""
    access.class_for(account_of(request), slug, "data.rows")
    if not keep_purpose(request, f"class:{slug}", request.POST.get("purpose", "")) and request.POST.get("hide") != "1":
        messages.error(request, _("请写明查看明细的用途。"))
    return redirect("data-version", slug, number)


@require_POST
@staff_required("data.operate")
def roll_back(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Show an earlier version again, as a new one, with a reason that is kept."""
    account = account_of(request)
    data_class = access.class_for(account, slug, "data.operate")
    try:
        snapshot = upkeep.roll_back(data_class, number, account, request.POST.get("reason", "")[:500])
    except (Conflict, Invalid, NotFound) as error:
        messages.error(request, str(error.message))
    else:
        messages.success(
            request, _("已回退：现在显示的是版本 {new}，内容同版本 {old}。").format(new=snapshot.number, old=number)
        )
    return redirect("data-class", slug)
