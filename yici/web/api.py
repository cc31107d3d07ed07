"""The JSON API: one OpenAPI document, every app's router mounted here, errors as RFC 9457 problems."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from yici import __version__
from yici.base.errors import Invalid, NotAllowed, NotFound, YiciError
from yici.base.faults import fault_in_words
from yici.core.calendars.api import router as calendars
from yici.core.cases.api import router as cases
from yici.core.files.api import router as files
from yici.core.messages.api import router as messages
from yici.core.metrics.api import router as metrics
from yici.core.people.api import router as people
from yici.core.places.api import router as places
from yici.core.vocabulary.api import router as vocabulary
from yici.platform.data.api import router as data
from yici.platform.pay.api import router as pay
from yici.platform.trust.api import router as trust
from yici.systems.hall.api import router as hall
from yici.web.middleware import problem

api = NinjaAPI(
    title="Yici",
    version=__version__,
    description="一次上网，事全办成。Sign in with POST /session/code and POST /session, then send the token as a bearer.",
    urls_namespace="api",
)
for _router in (places, calendars, vocabulary, people, files, messages, metrics, cases, data, trust, pay, hall):
    api.add_router("", _router)


class SignInNeeded(YiciError):
    status = 401
    slug = "sign-in-needed"
    message = _("请先登录，或在请求头中携带有效的访问令牌。")


@api.exception_handler(YiciError)
def _yici_error(request: HttpRequest, error: YiciError) -> HttpResponse:
    return problem(error, request.path)


@api.exception_handler(AuthenticationError)
def _not_signed_in(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return problem(SignInNeeded(), request.path)


@api.exception_handler(ValidationError)
def _bad_shape(request: HttpRequest, error: ValidationError) -> HttpResponse:
    fields = {".".join(str(part) for part in item["loc"]): fault_in_words(item) for item in error.errors}
    return problem(Invalid(_("请求的格式不正确，请对照接口文档修改。"), fields=fields), request.path)


@api.exception_handler(HttpError)
def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    """ninja's own: a failed CSRF check (403), a body that is no JSON (400)."""
    wrapped = NotAllowed() if error.status_code == 403 else YiciError(_("请求体无法读取，请发送有效的 JSON。"))
    wrapped.status = error.status_code
    return problem(wrapped, request.path)


@api.exception_handler(Http404)
def _missing(request: HttpRequest, error: Http404) -> HttpResponse:
    return problem(NotFound(), request.path)
