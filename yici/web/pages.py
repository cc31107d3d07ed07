"""Pages of the shell itself: preferences, health, and what is shown when nothing matches."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from yici.base.errors import NotFound, YiciError
from yici.core.people import services as people
from yici.web.middleware import error_page, problem

YEAR = 365 * 24 * 3600


@require_POST
def preferences(request: HttpRequest) -> HttpResponse:
    """Language and elder mode, for anybody; kept in cookies and, when signed in, with the account."""
    target = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
        target = "/"
    response = HttpResponseRedirect(target)
    language = request.POST.get("language", "")
    elder = request.POST.get("elder", "")
    if language in dict(settings.LANGUAGES):
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, language, max_age=YEAR, samesite="Lax")
    else:
        language = ""
    if elder in {"0", "1"}:
        response.set_cookie("elder", elder, max_age=YEAR, samesite="Lax")
    else:
        elder = ""
    if request.user.is_authenticated:
        people.set_preferences(request.user, language=language or None, elder_mode=elder == "1" if elder else None)
    return response


@require_GET
def health(request: HttpRequest) -> JsonResponse:
    """For supervisors and load balancers: is the database there? Open to anybody, tells nothing else."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"status": "ok"})


class UnreadableRequest(YiciError):
    slug = "unreadable"
    message = gettext_lazy("请求无法读取，请返回上一页刷新后再试。")


class RequestTooLarge(YiciError):
    status = 413
    slug = "too-large"
    message = gettext_lazy("一次提交的内容太多，请分几次提交，或者把文件压缩后再上传。")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """What Django refuses to read: too large, too many fields, a broken multipart body, a strange host."""
    is_large = isinstance(exception, RequestDataTooBig | TooManyFieldsSent | TooManyFilesSent)
    error = RequestTooLarge() if is_large else UnreadableRequest()
    if request.path.startswith("/api/"):
        return problem(error, request.path)
    return error_page(request, error)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith("/api/"):
        return problem(NotFound(), request.path)
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    if request.path.startswith("/api/"):
        return JsonResponse(
            {"type": "urn:yici:problem:internal", "title": _("系统内部错误，请稍后再试。"), "status": 500},
            status=500,
            content_type="application/problem+json",
        )
    return render(request, "500.html", status=500)
