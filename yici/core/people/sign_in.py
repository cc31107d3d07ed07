"""Opening and closing sessions, and the few answers django-allauth asks us for.

The log is written in Chinese whatever language the page has. Every way in ends in `open_session`: the session key changes, the assurance level is set, the sign-in is logged.
"""

from __future__ import annotations

import base64
import hashlib

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet
from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Invalid
from yici.core.audit import services as audit
from yici.core.people import assurance
from yici.core.people.errors import TooManyRequests
from yici.core.people.models import Account
from yici.core.people.rules import plain_line
from yici.core.people.services.accounts import actor_of, address_of

BACKEND = "django.contrib.auth.backends.ModelBackend"
PENDING, PENDING_SECONDS = "staff_sign_in", 600
YEAR = 365 * 24 * 3600  # seconds


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts come from sign-in with an ID number or from the administrator; nobody signs up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        return home_of(request.user) if isinstance(request.user, Account) else "/"

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        return str(settings.LOGOUT_REDIRECT_URL)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, object]) -> None:
        """allauth's English notices are not sent; the log and our own messages tell."""


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Keeps TOTP secrets encrypted at rest, under a key derived from the site's secret key."""

    @staticmethod
    def _box() -> Fernet:
        key = hashlib.sha256(b"yici.second-factor:" + settings.SECRET_KEY.encode()).digest()
        return Fernet(base64.urlsafe_b64encode(key))

    def encrypt(self, text: str) -> str:
        return self._box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return self._box().decrypt(encrypted_text.encode()).decode()


def safe_next(request: HttpRequest, default: str = "") -> str:
    """The `next` address if it stays on this site, else `default`."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    allowed = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if target and allowed else default


def home_of(account: Account) -> str:
    return "/desk/" if account.kind == Account.Kind.STAFF else "/my/"


def open_session(
    request: HttpRequest, account: Account, response: HttpResponse, *, second_factor: bool = False
) -> HttpResponse:
    """Sign the account in on this browser, and bring its language and elder mode along.

    A language chosen on this browser before signing in stays: nobody's page changes language under their eyes.
    """
    request.session.pop(PENDING, None)
    if request.user.is_authenticated:
        logout(request)
    login(request, account, backend=BACKEND)
    assurance.begin(request.session)
    request.session["signed_in_at"] = int(clock.now().timestamp())
    request.session["second_factor"] = second_factor
    if request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME) not in dict(settings.LANGUAGES):
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, account.language, max_age=YEAR, samesite="Lax")
    response.set_cookie("elder", "1" if account.elder_mode else "0", max_age=YEAR, samesite="Lax")
    return response


def close_session(request: HttpRequest) -> None:
    """Sign out; the sign-out of a staff member is logged."""
    account = request.user
    if isinstance(account, Account):
        audit.record(actor_of(account, request), "sign-out", subject=("account", account.pk), purpose="退出登录")
    logout(request)


def check_password(request: HttpRequest, username: str, password: str) -> Account:
    """The staff account behind user name and password; the second factor is still to come.

    Raises `Invalid`, the same for an unknown name and a wrong password; `TooManyRequests` while locked.
    """
    username = plain_line(username, 64)
    account = authenticate(request, username=username, password=password[:200])
    if getattr(request, "axes_locked_out", False):
        # Cleared, or the lockout middleware would put its plain English answer in place of ours.
        request.axes_locked_out = False  # type: ignore[attr-defined]
        raise TooManyRequests(_("登录失败次数过多，账户已临时锁定。请 15 分钟后再试，或联系本单位管理员。"))
    if not isinstance(account, Account) or account.kind != Account.Kind.STAFF:
        audit.record(
            audit.Actor(None, username, "", address_of(request)), "sign-in-failed",
            subject=("account", username), purpose="工作人员登录：用户名或密码不正确",
        )  # fmt: skip
        raise Invalid(_("用户名或密码不正确。"), fields={"password": _("用户名或密码不正确。")})
    return account


def record_staff_sign_in(request: HttpRequest, account: Account, means: str) -> None:
    """Log a completed sign-in; `means` is what the second factor was, in words."""
    audit.record(
        actor_of(account, request), "sign-in", subject=("account", account.pk),
        purpose=f"工作人员登录：密码与{means}",
    )  # fmt: skip


def remember_pending(request: HttpRequest, account: Account, target: str) -> None:
    """Keep who gave the right password until the second factor is given, for ten minutes."""
    request.session.cycle_key()
    request.session[PENDING] = {"account": account.pk, "at": clock.now().timestamp(), "next": target}


def pending_account(request: HttpRequest) -> Account | None:
    """Whoever gave the password on this browser within the last ten minutes."""
    kept = request.session.get(PENDING)
    if not kept or clock.now().timestamp() - kept["at"] > PENDING_SECONDS:
        request.session.pop(PENDING, None)
        return None
    found = Account.objects.filter(pk=kept["account"], is_active=True, kind=Account.Kind.STAFF)
    return found.select_related("organisation").first()
