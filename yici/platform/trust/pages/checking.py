"""Public pages: is this certificate authentic; time stamps; the key that credentials are signed with."""

from __future__ import annotations

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from yici.base.errors import Invalid
from yici.platform.trust import queries, registry, rules
from yici.platform.trust.credentials import issuing
from yici.platform.trust.queries import Outcome, Verdict
from yici.platform.trust.signatures import timestamping

VERIFY_LIMIT = 5 * 1024 * 1024  # bytes; the city's certificates are under 100 KB


@require_http_methods(["GET", "HEAD", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    """The public entrance: type the code, or upload the file."""
    if request.method != "POST":
        return render(request, "trust/verify.html", {"code": request.GET.get("code", "")[:200]})
    upload = request.FILES.get("file")
    try:
        if isinstance(upload, UploadedFile):
            verdict = queries.verify_file(read_upload(upload), request.POST.get("beside", "")[:200])
            return _verdict_page(request, verdict, by_file=True)
        code = queries.read_code(request.POST.get("code", ""))
    except Invalid as error:
        field = "file" if upload is not None or request.POST.get("by") == "file" else "code"
        message = _("请先选择要查验的证照文件。") if field == "file" and upload is None else str(error.message)
        context = {"code": request.POST.get("code", "")[:200], "errors": {field: message}}
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
    held = verdict.certificate
    context = {
        "verdict": verdict,
        "by_file": by_file,
        "certificate": held,
        "lines": _public_lines(held, verdict) if held else [],
        "code_shown": rules.shown_check_code(held.check_code) if held and verdict.shows_face else "",
        "not_in_force": verdict.outcome == Outcome.NOT_IN_FORCE,
    }
    status = 404 if verdict.outcome == Outcome.UNKNOWN and not by_file else 200
    response = render(request, "trust/verdict.html", context, status=status)
    response["X-Robots-Tag"] = "noindex"
    response["Cache-Control"] = "no-store"
    return response


def _public_lines(held: queries.Held, verdict: Verdict) -> list[queries.FaceLine]:
    """The masked face; without the holder's name where the page shows it already."""
    lines = queries.face_lines(held, masked=True, only=verdict.elements)
    return [line for line in lines if not verdict.shows_face or held.face[line.element] != held.holder_name]


@require_safe
def certificate_registry(request: HttpRequest) -> HttpResponse:
    """Every kind of certificate of the city, for anybody: who issues it, what it proves."""
    words, category = request.GET.get("q", "")[:60], request.GET.get("category", "")
    listed = registry.registry().types
    context = {
        "q": words,
        "category": category if category in registry.CATEGORIES else "",
        "categories": [(value, label) for value, label in registry.CATEGORIES.items() if value != "other"],
        "entries": registry.entries(words, category if category in registry.CATEGORIES else ""),
        "total": len(listed),
        "described": sum(bool(row.type) for row in listed),
    }
    return render(request, "trust/registry.html", context)


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
