"""Signing in and out: citizens by identity and SMS code, staff by password and second factor."""

from __future__ import annotations

import segno
from allauth.mfa.adapter import get_adapter
from allauth.mfa.totp.internal.auth import generate_totp_secret
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from yici.base.errors import Invalid, YiciError, told
from yici.core.people import services, sign_in
from yici.core.people.errors import CodeRejected, TooManyRequests
from yici.core.people.models import Account, SignInCode
from yici.core.people.rules import plain_line
from yici.core.people.services import second_factor

ENROL_SECRET = "staff_enrol_secret"  # noqa: S105 - a session key, not a secret


def _failed(request: HttpRequest, template: str, error: YiciError, context: dict[str, object]) -> HttpResponse:
    """The form again, with its error summary; the status is the error's own."""
    return render(request, template, {**context, **told(error)}, status=error.status)


@never_cache
@sensitive_post_parameters("id_number")
@require_http_methods(["GET", "POST"])
def citizen(request: HttpRequest) -> HttpResponse:
    """Name, ID number and phone; then the code page. Anybody."""
    target = sign_in.safe_next(request)
    if request.method == "GET":
        if request.user.is_authenticated and isinstance(request.user, Account):
            return HttpResponseRedirect(target or sign_in.home_of(request.user))
        return render(request, "people/login.html", {"next": target, "values": {}, "errors": {}})
    values = {key: plain_line(request.POST.get(key, ""), 100) for key in ("name", "id_number", "phone")}
    try:
        token = services.request_sign_in_code(**values, address=services.address_of(request))
    except (Invalid, TooManyRequests) as error:
        return _failed(request, "people/login.html", error, {"next": target, "values": values})
    query = f"?{urlencode({'next': target})}" if target else ""
    return HttpResponseRedirect(reverse("people:login_code", args=[token]) + query)


@never_cache
@require_http_methods(["GET", "POST"])
def code(request: HttpRequest, token: str) -> HttpResponse:
    """The six digits sent to the phone. Whoever holds the token."""
    kept = SignInCode.objects.filter(token=plain_line(token, 43)).first()
    if kept is None:
        return HttpResponseRedirect(reverse("people:login"))
    context: dict[str, object] = {"next": sign_in.safe_next(request), "phone": kept.phone, "errors": {}, "token": token}
    if request.method == "GET":
        return render(request, "people/login_code.html", context)
    try:
        account = services.redeem_sign_in_code(
            token, request.POST.get("code", "")[:20], address=services.address_of(request)
        )
    except CodeRejected as error:
        return _failed(request, "people/login_code.html", error, context)
    target = sign_in.safe_next(request, sign_in.home_of(account))
    response = sign_in.open_session(request, account, HttpResponseRedirect(target))
    request.session["signed_in_phone"] = kept.phone
    return response


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def staff(request: HttpRequest) -> HttpResponse:
    """User name and password; the second factor follows. Anybody."""
    target = sign_in.safe_next(request)
    username = plain_line(request.POST.get("username", ""), 64)
    context: dict[str, object] = {"next": target, "values": {"username": username}, "errors": {}}
    if request.method == "GET":
        return render(request, "people/login_staff.html", context)
    try:
        account = sign_in.check_password(request, username, request.POST.get("password", ""))
    except (Invalid, TooManyRequests) as error:
        return _failed(request, "people/login_staff.html", error, context)
    sign_in.remember_pending(request, account, target)
    step = "login_second" if second_factor.has_second_factor(account) else "login_enrol"
    return HttpResponseRedirect(reverse(f"people:{step}"))


@never_cache
@require_http_methods(["GET", "POST"])
def second(request: HttpRequest) -> HttpResponse:
    """The second factor of whoever just gave the password."""
    account = sign_in.pending_account(request)
    if account is None:
        return HttpResponseRedirect(reverse("people:login_staff"))
    if not second_factor.has_second_factor(account):
        return HttpResponseRedirect(reverse("people:login_enrol"))
    if request.method == "POST":
        try:
            return _finish(request, account, _verified(request, account))
        except (CodeRejected, TooManyRequests) as error:
            return _failed(request, "people/login_second.html", error, _second_context(account))
    return render(request, "people/login_second.html", {**_second_context(account), "errors": {}})


def _second_context(account: Account) -> dict[str, object]:
    has_passkey = second_factor.has_passkey(account)
    return {
        "has_totp": second_factor.has_totp(account),
        "has_passkey": has_passkey,
        "passkey": {"request_options": second_factor.begin_passkey(account)} if has_passkey else None,
    }


def _verified(request: HttpRequest, account: Account) -> str:
    """Check what was posted, and say what it was in the words of the log."""
    if credential := request.POST.get("credential", ""):
        second_factor.verify_passkey(account, credential[:20_000])
        return "通行密钥"
    second_factor.verify_totp(account, request.POST.get("code", "")[:20])
    return "动态码"


@never_cache
@require_http_methods(["GET", "POST"])
def enrol(request: HttpRequest) -> HttpResponse:
    """The first second factor, before anything else: an authenticator app or a passkey."""
    account = sign_in.pending_account(request)
    if account is None:
        return HttpResponseRedirect(reverse("people:login_staff"))
    if second_factor.has_second_factor(account):
        return HttpResponseRedirect(reverse("people:login_second"))
    secret = request.session.get(ENROL_SECRET) or generate_totp_secret()
    request.session[ENROL_SECRET] = secret
    if request.method == "POST":
        actor = services.actor_of(account, request)
        try:
            if credential := request.POST.get("credential", ""):
                second_factor.add_passkey(account, credential[:20_000], actor)
                means = "通行密钥"
            else:
                second_factor.enrol_totp(account, secret, request.POST.get("code", "")[:20], actor)
                means = "动态码"
        except CodeRejected as error:
            return _failed(request, "people/login_enrol.html", error, _enrol_context(account, secret))
        request.session.pop(ENROL_SECRET, None)
        return _finish(request, account, means)
    return render(request, "people/login_enrol.html", {**_enrol_context(account, secret), "errors": {}})


def _enrol_context(account: Account, secret: str) -> dict[str, object]:
    return {
        "secret": " ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        "qr": qr_svg(get_adapter().build_totp_url(account, secret), _("验证器二维码")),
        "passkey": {"creation_options": second_factor.begin_passkey_registration(account)},
    }


def qr_svg(text: str, title: str) -> SafeString:
    """An inline SVG of a QR code, dark on light, with a title for screen readers."""
    drawn = segno.make(text, error="m").svg_inline(
        border=2, dark="#000", light="#fff", title=title, svgclass="qr", omitsize=True
    )
    return mark_safe(drawn)  # noqa: S308 - drawn by segno, the text is encoded as modules


def _finish(request: HttpRequest, account: Account, means: str) -> HttpResponse:
    kept = request.session.get(sign_in.PENDING) or {}
    target = kept.get("next") or sign_in.home_of(account)
    response = sign_in.open_session(request, account, HttpResponseRedirect(target), second_factor=True)
    sign_in.record_staff_sign_in(request, account, means)
    return response


@require_POST
def leave(request: HttpRequest) -> HttpResponse:
    """Sign out. By POST only, so that no link or picture can do it."""
    sign_in.close_session(request)
    return HttpResponseRedirect("/")
