"""Public check pages and a citizen's own certificates. Thin: everything is decided in queries."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from yici.base.errors import Invalid, NotFound
from yici.core.audit import services as audit
from yici.core.files import services as files
from yici.core.people.auth import account_of, citizen_required
from yici.core.people.services import actor_of
from yici.platform.trust import queries, rules
from yici.platform.trust.credentials import issuing
from yici.platform.trust.models import Certificate
from yici.platform.trust.queries import Outcome, Verdict
from yici.platform.trust.signatures import timestamping

PAGE_SIZE = 20
VERIFY_LIMIT = 5 * 1024 * 1024  # bytes; the city's certificates are under 100 KB


@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    """The public entrance: type the code, or upload the file."""
    if request.method != "POST":
        return render(request, "trust/verify.html", {"code": request.GET.get("code", "")[:60]})
    upload = request.FILES.get("file")
    try:
        if isinstance(upload, UploadedFile):
            return _verdict_page(request, queries.verify_file(read_upload(upload)), by_file=True)
        code = rules.read_check_code(request.POST.get("code", ""))
    except Invalid as error:
        field = "file" if upload is not None or request.POST.get("by") == "file" else "code"
        message = _("请先选择要查验的 PDF 文件。") if field == "file" and upload is None else str(error.message)
        context = {"code": request.POST.get("code", "")[:60], "errors": {field: message}}
        return render(request, "trust/verify.html", context, status=422)
    return redirect("verify-code", code=code)


def read_upload(upload: UploadedFile) -> bytes:
    """The bytes of a file to be checked; nothing is kept. Raises `Invalid` above 5 MB."""
    if (upload.size or 0) > VERIFY_LIMIT:
        raise Invalid(_("文件太大。本市的电子证照都小于 5 MB，请上传下载到的原文件。"))
    return upload.read(VERIFY_LIMIT + 1)


@require_safe
def verify_code(request: HttpRequest, code: str) -> HttpResponse:
    """Where the QR code leads."""
    return _verdict_page(request, queries.verdict_on(code), by_file=False)


def _verdict_page(request: HttpRequest, verdict: Verdict, *, by_file: bool) -> HttpResponse:
    certificate = verdict.certificate
    context = {
        "verdict": verdict,
        "by_file": by_file,
        "certificate": certificate,
        "name": queries.name_of(certificate) if certificate else "",
        "state": queries.state_of(certificate) if certificate else "",
        "lines": _public_lines(certificate) if certificate else [],
        "code_shown": rules.shown_check_code(certificate.check_code) if certificate else "",
        "not_in_force": verdict.outcome == Outcome.NOT_IN_FORCE,
    }
    status = 404 if verdict.outcome == Outcome.UNKNOWN and not by_file else 200
    response = render(request, "trust/verdict.html", context, status=status)
    response["X-Robots-Tag"] = "noindex"
    response["Cache-Control"] = "no-store"
    return response


def _public_lines(certificate: Certificate) -> list[queries.FaceLine]:
    """The masked face without the holder's name, which the page shows already."""
    lines = queries.face_lines(certificate, masked=True)
    return [line for line in lines if certificate.face[line.element] != certificate.holder_name]


@require_GET
@citizen_required
def my_certificates(request: HttpRequest) -> HttpResponse:
    account = account_of(request)
    held = queries.certificates_for(account)
    page = Paginator(held, PAGE_SIZE).get_page(request.GET.get("page"))
    rows = [
        (entry, queries.name_of(entry), queries.state_of(entry), entry.holder_id != account.person_id) for entry in page
    ]
    return render(request, "trust/my_certificates.html", {"page": page, "rows": rows})


@require_GET
@citizen_required
def my_certificate(request: HttpRequest, certificate_id: int) -> HttpResponse:
    certificate = queries.certificate_of(account_of(request), certificate_id)
    context = {
        "certificate": certificate,
        "name": queries.name_of(certificate),
        "state": queries.state_of(certificate),
        "lines": queries.face_lines(certificate, masked=False),
        "code_shown": rules.shown_check_code(certificate.check_code),
        "verify_url": f"{settings.SITE_URL}/verify/{certificate.check_code}/",
    }
    return render(request, "trust/my_certificate.html", context)


@require_safe
@login_required
@never_cache
def my_certificate_file(request: HttpRequest, certificate_id: int) -> FileResponse:
    certificate = queries.certificate_of(account_of(request), certificate_id)
    return send_file(certificate, request)


def send_file(certificate: Certificate, request: HttpRequest) -> FileResponse:
    """The signed PDF as an attachment. A look at another person's certificate is recorded first."""
    if certificate.file is None:
        raise NotFound(_("这份证照由其他部门核发，没有电子文件。"))
    account = account_of(request)
    if certificate.holder_id != account.person_id:
        audit.record(
            actor_of(account, request),
            "read",
            subject=("person", certificate.holder_id or 0),
            elements=["certificate.file"],
            purpose=f"下载证照《{certificate.name}》",
            case_number=certificate.case_number,
        )
    response = FileResponse(
        files.open_file(certificate.file),
        as_attachment=True,
        filename=certificate.file.name,
        content_type="application/pdf",
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


@csrf_exempt
@require_POST
def time_stamp(request: HttpRequest) -> HttpResponse:
    """RFC 3161 over HTTP (§3.4), for anybody: a request in DER comes in, a response in DER goes out."""
    if request.content_type != "application/timestamp-query":
        return HttpResponse(status=415)
    return HttpResponse(timestamping.respond(request.body), content_type=timestamping.MEDIA_TYPE)


@require_safe
def issuer_metadata(request: HttpRequest) -> JsonResponse:
    """The key that credentials are signed with, for readers that check by themselves."""
    return JsonResponse(issuing.issuer_metadata())
