"""One row of a class by its key: what the city holds of a person or a thing, for a purpose that is recorded."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from yici.base.errors import NotFound
from yici.core.people.auth import account_of, staff_required
from yici.platform.data.catalogue import reading
from yici.platform.data.catalogue.definition import ClassDefinition
from yici.platform.data.lake import reading as lake
from yici.platform.data.models import Snapshot
from yici.platform.data.pages.words import in_words, plain
from yici.platform.data.reading import access
from yici.platform.data.rules import reference

SHOWN = 50  # rows of one person, where the key has further columns


@require_http_methods(["GET", "HEAD", "POST"])
@staff_required("data.rows")
def look_up(request: HttpRequest, slug: str) -> HttpResponse:
    """The form, and by POST the rows in clear: a number that is looked for stands in no address and no log."""
    account = account_of(request)
    data_class = access.class_for(account, slug, "data.rows")
    definition = reading.definition_of(data_class)
    if data_class.current is None or data_class.current.row_count == 0:
        raise NotFound(_("这一类数据还没有入库的行。"))
    asked = {name: plain(request.POST.get(name, ""), 200) for name in definition.key}
    purpose = plain(request.POST.get("purpose", ""), 200)
    kept = list(data_class.snapshots.exclude(state=Snapshot.State.EXPIRED).order_by("-number"))
    shown = next((one for one in kept if str(one.number) == request.POST.get("version")), data_class.current)
    errors: dict[str, str] = {}
    found: list[dict[str, Any]] | None = None
    if request.method == "POST":
        first = definition.key[0]
        wanted = {name: _standard(definition, name, text) for name, text in asked.items() if text}
        errors |= {name: _("格式不对，请检查。") for name, value in wanted.items() if value is None}
        if first not in wanted:
            errors[first] = _("请填写。")
        if not purpose:
            errors["purpose"] = _("请写明用途。")
        if not errors:
            access.look(account, data_class, definition, purpose, access.asked_person(definition, wanted))
            found = lake.look_up(data_class, wanted, number=shown.number)
    context = {
        "data_class": data_class,
        "kept": kept,
        "shown": shown,
        "keys": [(definition.by_name[name], asked[name], errors.get(name, "")) for name in definition.key],
        "errors": [(name, text) for name, text in errors.items()],
        "purpose": purpose,
        "purpose_error": errors.get("purpose", ""),
        "found": None if found is None else [_shown(definition, row) for row in found[:SHOWN]],
        "more": max(len(found or ()) - SHOWN, 0),
    }
    response = render(request, "data/look_up.html", context, status=422 if errors else 200)
    response["Cache-Control"] = "no-store"
    return response


def _standard(definition: ClassDefinition, name: str, text: str) -> Any:
    """The value as it stands in the lake; None for what cannot stand there."""
    return reference.standard(definition.by_name[name], text)


def _shown(definition: ClassDefinition, row: dict[str, Any]) -> list[tuple[str, Any]]:
    return [
        (str(column.label), in_words(column, row.get(column.name)))
        for column in definition.columns
        if column.name in row
    ]
