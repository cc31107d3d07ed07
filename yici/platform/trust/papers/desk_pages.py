"""The department's desk of paper series. Staff with `data.upload`; series within their scope, told by the data service."""

from __future__ import annotations

import io

from django.contrib import messages as flash
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yici.base.errors import Invalid
from yici.base.sheet_writing import write_sheet
from yici.base.spreadsheets import safe_cell
from yici.core.audit import services as audit
from yici.core.people.auth import account_of, staff_required
from yici.core.people.services import actor_of
from yici.core.vocabulary import queries as vocabulary
from yici.platform.trust.models import PaperReading
from yici.platform.trust.papers import batches, queries, readings
from yici.platform.trust.papers.queries import series_of

PERMISSION = "data.upload"
PAGE_SIZE = 50
WAIT = 3  # seconds until a page with work in progress asks again
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_safe
@staff_required(PERMISSION)
def overview(request: HttpRequest) -> HttpResponse:
    """Series that can be read, most waiting citizens first, and the batches so far."""
    account = account_of(request)
    page = Paginator(queries.batches_for(account), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(
        request,
        "trust/papers/desk.html",
        {"series": queries.series_for(account), "page": page, "batches": queries.with_progress(account, page)},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@staff_required(PERMISSION)
def new(request: HttpRequest, slug: str) -> HttpResponse:
    """Upload pictures of a series; what the paper does not show is given once for all."""
    account = account_of(request)
    series = series_of(account, slug)
    given = {key: str(value) for key, value in request.POST.items()}
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            batch = batches.open_batch(account, series, given.get("name", ""), request.FILES.getlist("files"), given)
            return redirect("paper-batch", batch.pk)
        except Invalid as error:
            errors = error.fields or {"files": str(error.message)}
    extras = [
        queries.input_of(element, given.get(element, ""), errors.get(element, ""))
        for element in queries.extra_elements(series)
    ]
    context = {
        "series": series,
        "extras": extras,
        "errors": errors,
        "name": given.get("name", ""),
        "most": batches.MOST_PAGES,
    }
    return render(request, "trust/papers/new_batch.html", context, status=422 if errors else 200)


@require_safe
@never_cache
@staff_required(PERMISSION)
def batch(request: HttpRequest, batch_id: int) -> HttpResponse:
    """Progress, pages by state, doubtful ones first. Key values are masked."""
    account = account_of(request)
    one, series = queries.batch_for(account, batch_id)
    state = request.GET.get("state", "")
    pages = queries.pages_of(one, state)
    page = Paginator(pages, PAGE_SIZE).get_page(request.GET.get("page"))
    progress = queries.progress_of(one)
    context = {
        "batch": one, "series": series, "progress": progress, "page": page, "state": state, "states": PaperReading.State.choices,
        "rows": [queries.line_of(reading) for reading in page], "next": queries.next_page(one),
    }  # fmt: skip
    response = render(request, "trust/papers/batch.html", context)
    if progress.waiting:
        response["Refresh"] = str(WAIT)
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@staff_required(PERMISSION)
def page(request: HttpRequest, batch_id: int, reading_id: int) -> HttpResponse:
    """One page beside its picture: Enter confirms and opens the next; the first doubtful field has the cursor."""
    account = account_of(request)
    one, series = queries.batch_for(account, batch_id)
    reading = queries.page_of(one, reading_id)
    posted: dict[str, str] = {}
    errors: dict[str, str] = {}
    if request.method == "POST":
        posted = {key: str(value) for key, value in request.POST.items()}
        try:
            if "hold" in posted:
                batches.hold(reading, account, posted.get("reason", ""))
            else:
                readings.confirm(reading, account, posted)
            following = queries.next_page(one, after=reading.pk)
            return redirect("paper-page", one.pk, following.pk) if following else redirect("paper-batch", one.pk)
        except Invalid as error:
            errors = error.fields or {"": str(error.message)}
    else:
        audit.record(
            actor_of(account, request), "view", subject=("paper_reading", reading.pk), elements=sorted(reading.fields),
            purpose=f"核对《{series.label}》扫描件",
        )  # fmt: skip
    fields = queries.shown_fields(reading, posted, errors)
    context = {
        "batch": one, "series": series, "reading": reading, "fields": fields, "errors": errors, "progress": queries.progress_of(one),
        "first": next((field.number for field in fields if not field.is_sure), 0), "posted": posted,
        "next": queries.next_page(one, after=reading.pk), "title": queries.title_of(reading),
    }  # fmt: skip
    return render(request, "trust/papers/page.html", context, status=422 if errors else 200)


@require_POST
@staff_required(PERMISSION)
def deliver(request: HttpRequest, batch_id: int) -> HttpResponse:
    """Confirmed pages become rows of the class, by a run of the data service."""
    account = account_of(request)
    one, series = queries.batch_for(account, batch_id)
    done = batches.deliver(one, series, account)
    words = _("已送出 {rows} 行入库").format(rows=done.rows)
    if done.held:
        words = _("已送出 {rows} 行入库，{held} 页因缺项或重复被隔离").format(rows=done.rows, held=done.held)
    flash.success(request, words)
    return redirect("paper-batch", one.pk)


@require_safe
@staff_required(PERMISSION)
def export(request: HttpRequest, batch_id: int) -> HttpResponse:
    """All pages as XLSX. Masked, unless the account may see rows of the class and says what for; that look is recorded."""
    account = account_of(request)
    one, series = queries.batch_for(account, batch_id)
    purpose = request.GET.get("purpose", "").strip()[:200]
    clear = bool(purpose) and queries.may_see_clear(account, series)
    headers, rows = queries.export_of(one, series, clear=clear)
    if clear:
        elements = [
            column.element
            for column in series.columns
            if column.element and vocabulary.element(column.element).is_personal
        ]
        audit.record(
            actor_of(account, request),
            "view",
            subject=("paper_batch", one.pk),
            elements=elements,
            purpose=f"导出扫描件识别结果：{purpose}",
        )
    target = io.BytesIO()
    write_sheet(target, _("识别结果"), headers, ([safe_cell(value) for value in row] for row in rows))
    response = HttpResponse(target.getvalue(), content_type=XLSX)
    response["Content-Disposition"] = f'attachment; filename="papers-{one.pk}.xlsx"'
    response["Cache-Control"] = "private, no-store"
    return response
