"""Preferences of the person looking (language, elder mode), and errors turned into pages or problems."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yici.base.errors import Invalid, NotFound, YiciError
from yici.core.people.assurance import ACR
from yici.core.people.auth import to_step_up
from yici.core.people.errors import AssuranceTooLow

logger = logging.getLogger(__name__)
NULL_BYTE = gettext_lazy("填写的内容或网址里有无法识别的字符，请去掉后重试。")
Handler = Callable[[HttpRequest], HttpResponse]


def preferences(get_response: Handler) -> Handler:
    """Activate the language of the cookie (Chinese unless the person chose English) and read elder mode."""

    known = {code for code, _ in settings.LANGUAGES}

    def middleware(request: HttpRequest) -> HttpResponse:
        language = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
        language = language if language in known else settings.LANGUAGE_CODE
        request.elder_mode = request.COOKIES.get("elder") == "1"  # type: ignore[attr-defined]
        with translation.override(language):
            request.LANGUAGE_CODE = language  # type: ignore[attr-defined]
            response = get_response(request)
        response.headers.setdefault("Content-Language", language)
        return response

    return middleware


class errors_for_people(MiddlewareMixin):  # noqa: N801 - named like the functions beside it
    """Turn a `YiciError` that left a view into a page with its message, or a problem document for programs."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        """No person types a null byte, and PostgreSQL keeps none: refused here once, for every page."""
        if "\x00" in request.path:
            return self.process_exception(request, NotFound())
        if "%00" in request.META.get("QUERY_STRING", ""):
            return self.process_exception(request, Invalid(NULL_BYTE))
        return None

    def process_view(self, request: HttpRequest, *_view: object) -> HttpResponse | None:
        """The same for posted forms; the API's schemas look after its own bodies."""
        if request.method != "POST" or request.path.startswith("/api/"):
            return None
        posted = (value for _key, values in request.POST.lists() for value in values)
        return self.process_exception(request, Invalid(NULL_BYTE)) if any("\x00" in text for text in posted) else None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, YiciError):
            return None
        if error.status >= 500:
            logger.error("%s at %s", error, request.path, exc_info=error)
        if request.path.startswith("/api/"):
            return problem(error, request.path)
        if isinstance(error, AssuranceTooLow):
            return to_step_up(request, error.extra["required"])
        return error_page(request, error)


def error_page(request: HttpRequest, error: YiciError) -> HttpResponse:
    """What was refused and why, in the shell of whoever asked."""
    words = {404: _("没有找到"), 403: _("没有权限")}
    heading = words.get(error.status, _("暂时无法办理") if error.status >= 500 else _("没有办成"))
    user = getattr(request, "user", None)
    at_the_desk = getattr(user, "kind", "") == "staff" and request.path.startswith("/desk/")
    page = "staff/error.html" if at_the_desk else "city/error.html"
    return render(request, page, {"error": error, "heading": heading}, status=error.status)


def problem(error: YiciError, instance: str) -> JsonResponse:
    """An RFC 9457 problem document."""
    body: dict[str, object] = {
        "type": f"urn:yici:problem:{error.slug}",
        "title": str(error.message),
        "status": error.status,
        "instance": instance,
    }
    if required := error.extra.get("required"):
        body["acr_values"] = ACR[required]
    if fields := getattr(error, "fields", None):
        body["fields"] = {key: str(value) for key, value in fields.items()}
    return JsonResponse(body, status=error.status, content_type="application/problem+json")
