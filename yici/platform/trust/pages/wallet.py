"""A citizen's wallet: cards, one certificate with its personal parts on request, its file. Thin."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from yici.base.errors import NotFound
from yici.core.audit import services as audit
from yici.core.people.auth import account_of, citizen_required
from yici.core.people.services import actor_of
from yici.platform.trust import queries, rules
from yici.platform.trust.library import printing

PAGE_SIZE = 20


@never_cache
@require_GET
@citizen_required
def my_certificates(request: HttpRequest) -> HttpResponse:
    account = account_of(request)
    page = Paginator(queries.certificates_for(account), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "trust/my_certificates.html", {"page": page, "own": account.person_id})


@never_cache
@require_http_methods(["GET", "POST"])
@citizen_required
def my_certificate(request: HttpRequest, identifier: str) -> HttpResponse:
    """Masked at first; a POST shows everything and is recorded."""
    account = account_of(request)
    held = queries.certificate_of(account, identifier)
    revealed = request.method == "POST"
    if revealed:
        note_look(request, held, "在证照包中查看完整内容")
    context = {
        "certificate": held,
        "revealed": revealed,
        "lines": queries.face_lines(held, masked=not revealed),
        "code_shown": rules.shown_check_code(queries.check_code_of(held)),
        "code": queries.check_code_of(held),
    }
    return render(request, "trust/my_certificate.html", context)


def note_look(request: HttpRequest, held: queries.Held, purpose: str) -> None:
    """One entry in the record of the holder."""
    audit.record(
        actor_of(account_of(request), request),
        "read",
        subject=("person", held.holder_id or 0),
        elements=list(held.face),
        purpose=f"{purpose}：《{held.name.zh}》",
        case_number=held.case_number,
    )


@require_safe
@login_required
@never_cache
def my_certificate_file(request: HttpRequest, identifier: str, format: str) -> HttpResponse:
    if format not in printing.FORMATS:
        raise NotFound
    return send_file(queries.certificate_of(account_of(request), identifier), format, request)


def send_file(held: queries.Held, format: printing.Format, request: HttpRequest) -> HttpResponse:
    """A signed file as an attachment. A look at another person's certificate is recorded first."""
    if held.holder_id != account_of(request).person_id:
        note_look(request, held, "下载证照")
    name, content = printing.file_of(held, format)
    response = HttpResponse(content, content_type=printing.MEDIA_TYPES[format])
    response["Content-Disposition"] = content_disposition_header(True, name)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response
