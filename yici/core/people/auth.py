"""Who may come in: decorators for pages, authentication classes for the API.

A page that is refused sends an anonymous visitor to the right sign-in page and comes back; the API
answers 401 or 403 as a problem document.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from ninja.security import APIKeyCookie, HttpBearer

from yici.base.errors import NotAllowed
from yici.core.people import assurance, queries
from yici.core.people.errors import AssuranceTooLow, SignInRequired
from yici.core.people.models import Account
from yici.core.people.services.accounts import resolve_token

__all__ = [
    "account_of",
    "any_auth",
    "assurance_of",
    "assurance_required",
    "citizen_auth",
    "citizen_required",
    "staff_auth",
    "staff_required",
    "to_step_up",
]

View = Callable[..., HttpResponse]


def assurance_of(request: HttpRequest) -> int:
    """1 name, 2 name and face, 3 name, face and credential; 0 for nobody."""
    kept: Any = getattr(request, "assurance", None)
    if kept is None:
        kept = assurance.level_of(request.session) if request.user.is_authenticated else 0
    return int(kept)


def account_of(request: HttpRequest) -> Account:
    """The signed-in account of a page or an API call that a decorator or class let through."""
    account = getattr(request, "auth", None) or request.user
    if not isinstance(account, Account):
        raise SignInRequired()
    return account


def _came_from(request: HttpRequest) -> str:
    """Where to come back to: the page itself, or the one whose form was sent."""
    return request.get_full_path() if request.method == "GET" else request.META.get("HTTP_REFERER", "")


def _to_sign_in(request: HttpRequest, page: str) -> HttpResponse:
    return HttpResponseRedirect(f"{page}?{urlencode({'next': _came_from(request)})}")


def to_step_up(request: HttpRequest, required: int) -> HttpResponse:
    """To the page where a session is raised, and back to here afterwards."""
    return HttpResponseRedirect(f"{settings.STEP_UP_URL}?{urlencode({'level': required, 'next': _came_from(request)})}")


def citizen_required(view: View) -> View:
    """Let citizens in; staff sign in as themselves, with their own ID number."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_authenticated:
            return _to_sign_in(request, settings.LOGIN_URL)
        if account_of(request).kind != Account.Kind.CITIZEN:
            raise NotAllowed(_("这是个人办事页面。请退出工作账户，再用本人身份登录。"))
        if not assurance_of(request):
            logout(request)  # the time of the name is over: who is there must be asked again
            return _to_sign_in(request, settings.LOGIN_URL)
        return view(request, *args, **kwargs)

    return guarded


def staff_required(permission: str | View | None = None) -> Any:
    """Let staff in who gave a second factor and hold the permission somewhere.

    `@staff_required()`, `@staff_required("case.view")`, or bare `@staff_required`.
    """
    if callable(permission):
        return staff_required()(permission)

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return _to_sign_in(request, "/login/staff/")
            account = account_of(request)
            if account.kind != Account.Kind.STAFF:
                raise NotAllowed(_("这是工作人员页面，您登录的是个人账户。"))
            if not request.session.get("second_factor"):
                return _to_sign_in(request, "/login/staff/")
            if permission and permission not in queries.permissions_of(account):
                raise NotAllowed()
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def assurance_required(level: int) -> Callable[[View], View]:
    """Let sessions in whose identity was proven at this level or above; goes under `citizen_required`."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if assurance_of(request) < level:
                raise AssuranceTooLow(required=level)
            return view(request, *args, **kwargs)

        return guarded

    return decorate


class _Bearer(HttpBearer):
    """`Authorization: Bearer …` with a token from POST /session."""

    def __init__(self, kinds: frozenset[str]) -> None:
        self.kinds = kinds
        super().__init__()

    def authenticate(self, request: HttpRequest, token: str) -> Account | None:
        found = resolve_token(token)
        if found is None:
            return None
        account, proven = found
        if account.kind not in self.kinds:
            raise NotAllowed(_("该令牌所属的账户类型不能使用这个接口。"))
        request.assurance = proven  # type: ignore[attr-defined]
        return account


class _Session(APIKeyCookie):
    """The site's own session; changing requests need the CSRF token."""

    param_name = settings.SESSION_COOKIE_NAME

    def __init__(self, kinds: frozenset[str]) -> None:
        self.kinds = kinds
        super().__init__(csrf=True)

    def _get_key(self, request: HttpRequest) -> str | None:
        # Nobody signed in: nothing to forge, and 401 says more than a failed CSRF check.
        if not request.user.is_authenticated:
            return None
        key: str | None = super()._get_key(request)
        return key

    def authenticate(self, request: HttpRequest, key: str | None) -> Account | None:
        if key is None or not isinstance(request.user, Account):
            return None
        if request.user.kind not in self.kinds:
            raise NotAllowed(_("您登录的账户类型不能使用这个接口。"))
        if request.user.kind == Account.Kind.STAFF and not request.session.get("second_factor"):
            return None
        request.assurance = assurance.level_of(request.session)  # type: ignore[attr-defined]
        return request.user


def _both(*kinds: str) -> list[_Bearer | _Session]:
    allowed = frozenset(kinds)
    return [_Bearer(allowed), _Session(allowed)]


citizen_auth = _both(Account.Kind.CITIZEN)
staff_auth = _both(Account.Kind.STAFF, Account.Kind.SERVICE)
any_auth = _both(Account.Kind.CITIZEN, Account.Kind.STAFF, Account.Kind.SERVICE)
