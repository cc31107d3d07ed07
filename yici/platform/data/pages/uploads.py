"""Handing in a file: drop it, see what is in it and how its columns map, correct, confirm."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from yici.base.errors import Conflict, Invalid
from yici.core.people.auth import account_of, staff_required
from yici.platform.data.catalogue import reading
from yici.platform.data.errors import Refused
from yici.platform.data.lake.layout import work_root
from yici.platform.data.models import Run
from yici.platform.data.reading import access
from yici.platform.data.runs import starting
from yici.platform.data.runs.previewing import Preview, preview

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
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile) or not file.size:
        context["error"] = _("请先选择要上传的文件。")
    elif file.size > LARGEST:
        context["error"] = _("文件超过 512 MB，请改用 FTP 方式报送，或拆分后上传。")
    else:
        with tempfile.NamedTemporaryFile(dir=work_root()) as kept:
            for chunk in file.chunks():
                kept.write(chunk)
            kept.flush()
            run = starting.upload(data_class, Path(kept.name), file.name or "upload", account)
        return redirect("data-decide", run.pk)
    return render(request, "data/upload.html", context, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@staff_required("data.upload")
def decide(request: HttpRequest, number: int) -> HttpResponse:
    """What waits for a person: an upload to be confirmed, or a delivery whose layout changed."""
    account = account_of(request)
    run = access.run_for(account, number, "data.upload")
    if run.state != Run.State.WAITING:
        return redirect("data-run", run.pk)
    try:
        seen = preview(run)
    except Refused as refused:
        starting.cancel(run, account)
        Run.objects.filter(pk=run.pk).update(state=Run.State.REFUSED, error=refused.slug, message=str(refused.message))
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
    return render(request, "data/decide.html", _context(request, run, seen, errors), status=422 if errors else 200)


def _chosen(request: HttpRequest, seen: Preview) -> dict[str, str]:
    return {one.header: request.POST.get(f"column-{place}", "") for place, one in enumerate(seen.proposals)}


def _missing(run: Run, chosen: dict[str, str]) -> dict[str, str]:
    """Columns that must be given and that no header was mapped to."""
    definition = reading.definition_of(run.data_class)
    given = set(chosen.values())
    wanted = [
        one for one in definition.columns if (one.required or one.name in definition.key) and one.name not in given
    ]
    return {one.name: _("缺少必需的列“{column}”，请指出是哪个表头。").format(column=one.label) for one in wanted}


def _context(request: HttpRequest, run: Run, seen: Preview, errors: dict[str, str]) -> dict[str, Any]:
    account = account_of(request)
    definition = reading.definition_of(run.data_class)
    may_see = access.may_see_rows(account, run.data_class)
    posted = request.method == "POST"
    mapping = []
    for place, one in enumerate(seen.proposals):
        column = request.POST.get(f"column-{place}", "") if posted else one.column or ""
        samples = [row.get(one.header) for row in seen.rows[:3]]
        known = definition.by_name.get(column)
        is_hidden = not may_see and (known is None or known.is_personal)
        shown = (
            [access.masked(definition, {column: value}).get(column) if known else "＊＊＊" for value in samples]
            if is_hidden
            else samples
        )
        mapping.append(
            {
                "field": f"column-{place}",
                "header": one.header,
                "column": column,
                "why": one.why,
                "confidence": round(one.confidence * 100),
                "samples": [value for value in shown if value],
                "error": errors.get(one.header, ""),
            }
        )
    return {
        "run": run,
        "data_class": run.data_class,
        "definition": definition,
        "landed": seen.landed,
        "problems": seen.problems,
        "mapping": mapping,
        "errors": list(errors.items()),
        "needed": {one.name for one in definition.columns if one.required} | set(definition.key),
        "reason": request.POST.get("reason", ""),
    }
