"""Handing in a file: drop it, see what is in it and how its columns map, correct, confirm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from yici.base.errors import Conflict, Invalid
from yici.core.people.auth import account_of, staff_required
from yici.platform.data.catalogue import reading
from yici.platform.data.catalogue.definition import ClassDefinition, Column
from yici.platform.data.errors import Refused
from yici.platform.data.landing.mapping import Proposal
from yici.platform.data.models import Run
from yici.platform.data.pages import words
from yici.platform.data.reading import access
from yici.platform.data.runs import starting
from yici.platform.data.runs.previewing import Preview, preview_or_refuse

_PERSONAL_LOOKS = {"id_number", "phone", "plate"}
LARGEST = 512 * 1024 * 1024  # bytes of one upload from a browser


@require_http_methods(["GET", "HEAD", "POST"])
@staff_required("data.upload")
def upload(request: HttpRequest, slug: str) -> HttpResponse:
    account = account_of(request)
    data_class = access.class_for(account, slug, "data.upload")
    definition = reading.definition_of(data_class)
    context: dict[str, Any] = {"data_class": data_class, "definition": definition}
    if request.method != "POST":
        return render(request, "data/upload.html", context)
    try:
        file = sent_file(request, LARGEST, _("文件超过 512 MB，请改用 FTP 方式报送，或拆分后上传。"))
        run = starting.upload_chunks(data_class, file.chunks(), file.name or "", account)
    except Refused as error:
        return render(request, "data/upload.html", {**context, "error": str(error.message)}, status=422)
    return redirect("data-decide", run.pk)


def sent_file(request: HttpRequest, largest: int, too_large: str) -> UploadedFile:
    """The file of the form. Raises `Refused` where none was chosen, or it has more than `largest` bytes (`too_large` says so)."""
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile):
        raise Refused(_("请先选择要上传的文件。"))
    if (file.size or 0) > largest:
        raise Refused(too_large)
    return file


@require_http_methods(["GET", "HEAD", "POST"])
@staff_required("data.upload")
def decide(request: HttpRequest, number: int) -> HttpResponse:
    """What waits for a person: an upload to be confirmed, or a delivery whose layout changed."""
    account = account_of(request)
    run = access.run_for(account, number, "data.upload")
    if run.state != Run.State.WAITING:
        return redirect("data-run", run.pk)
    try:
        seen = preview_or_refuse(run)
    except Refused:
        return redirect("data-run", run.pk)
    errors: dict[str, str] = {}
    if request.method == "POST":
        chosen = _chosen(request, seen)
        errors = _missing(run, chosen)
        if not errors:
            try:
                starting.decide(run, chosen, account, request.POST.get("reason", "")[:500])
                return redirect("data-run", run.pk)
            except Invalid as error:
                errors = error.fields or {"": str(error.message)}
            except Conflict:
                return redirect("data-run", run.pk)
    response = render(request, "data/decide.html", _context(request, run, seen, errors), status=422 if errors else 200)
    response["Cache-Control"] = "no-store"
    return response


def _chosen(request: HttpRequest, seen: Preview) -> dict[str, str]:
    return {one.header: request.POST.get(f"column-{place}", "") for place, one in enumerate(seen.proposals)}


def _missing(run: Run, chosen: dict[str, str]) -> dict[str, str]:
    """Columns that must be given and that no header was mapped to."""
    definition = reading.definition_of(run.data_class)
    given = set(chosen.values())
    wanted = [one for one in _needed(definition) if one.name not in given]
    return {one.name: _("缺少必需的列“{column}”，请指出是哪个表头。").format(column=one.label) for one in wanted}


def _needed(definition: ClassDefinition) -> list[Column]:
    return [one for one in definition.columns if one.name in definition.needed]


def _context(request: HttpRequest, run: Run, seen: Preview, errors: dict[str, str]) -> dict[str, Any]:
    """Values are masked by what the machine takes a header for, never by what the person chose for it."""
    account = account_of(request)
    definition = reading.definition_of(run.data_class)
    clear = access.may_see_rows(account, run.data_class)
    if clear and seen.rows:
        access.look(account, run.data_class, definition, f"预览收到的文件（运行 {run.pk}）")
    mapping = [
        _line(request, place, one, [_shown(definition, seen, one, row, clear) for row in seen.rows[:3]], errors)
        for place, one in enumerate(seen.proposals)
    ]
    unclaimed = next((one["field"] for one in mapping if not one["column"]), "mapping")
    places = {one["header"]: one["field"] for one in mapping}
    return {
        "run": run,
        "data_class": run.data_class,
        "definition": definition,
        "landed": seen.landed,
        "problems": seen.problems,
        "mapping": mapping,
        "unknown": [one["header"] for one in mapping if not one["column"] and one["header"] not in seen.drift.added],
        "guessed": sum(0 < one["confidence"] < 100 for one in mapping),
        "rows": [[_shown(definition, seen, one, row, clear) for one in seen.proposals] for row in seen.rows],
        "clear": clear,
        "errors": [(places.get(name, unclaimed), message) for name, message in errors.items()],
        "needed": definition.needed,
        "reason": request.POST.get("reason", ""),
        "may_cancel": access.may_cancel(account, run),
        "kinds": words.KINDS,
    }


def _line(
    request: HttpRequest, place: int, one: Proposal, samples: list[str], errors: dict[str, str]
) -> dict[str, Any]:
    field = f"column-{place}"
    chosen = request.POST.get(field, "") if request.method == "POST" else one.column or ""
    return {
        "field": field,
        "header": one.header,
        "column": chosen,
        "why": one.why,
        "confidence": round(one.confidence * 100),
        "samples": [value for value in dict.fromkeys(samples) if value],
        "error": errors.get(one.header, ""),
    }


def _shown(
    definition: ClassDefinition, seen: Preview, one: Proposal, row: Mapping[str, str | None], clear: bool
) -> str:
    value = row.get(one.header) or ""
    if clear or not value:
        return value
    known = definition.by_name.get(one.column or "")
    profile = seen.landed.profiles.get(one.header)
    looks_personal = profile is not None and profile.looks in _PERSONAL_LOOKS
    if known is None or (looks_personal and not known.is_personal):
        return "＊＊＊"
    return str(access.masked(definition, {known.name: value})[known.name])
