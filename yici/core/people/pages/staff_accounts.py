"""Making and closing staff accounts (account.manage), and the page where a new colleague sets her password (by link)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from yici.base.errors import Conflict, Invalid, NotAllowed, NotFound, YiciError, told
from yici.base.requests import page_number
from yici.core.people import queries
from yici.core.people.auth import account_of, staff_required
from yici.core.people.models import Account
from yici.core.people.rules import plain_line
from yici.core.people.services import actor_of, staff


@never_cache
@staff_required("account.manage")
@require_http_methods(["GET", "POST"])
def accounts(request: HttpRequest) -> HttpResponse:
    """Staff accounts within scope, and making one more. Needs account.manage."""
    if request.method == "GET":
        return _page(request)
    by = account_of(request)
    values = {key: plain_line(request.POST.get(key, ""), 100) for key in ("username", "name", "organisation", "title")}
    try:
        made = staff.create_staff(
            by, values["username"], values["name"], queries.organisation(values["organisation"]), values["title"],
            actor_of(by, request),
        )  # fmt: skip
    except (Invalid, Conflict, NotAllowed) as error:
        return _page(request, error, values=values)
    return _page(request, made=made)


def _page(
    request: HttpRequest, error: YiciError | None = None, made: Account | None = None, **more: Any
) -> HttpResponse:
    words = plain_line(request.GET.get("words", ""), 60)
    link = settings.SITE_URL + reverse("people:staff_begin", args=[staff.link_of(made)]) if made else ""
    context = {
        "page": queries.accounts_in_scope(account_of(request), words, page_number(request), permission=staff.PERMISSION),
        "words": words, "values": {}, **told(error),
        "made": made, "link": link, "hours": staff.LINK_HOURS, **more,
    }  # fmt: skip
    return render(request, "people/staff_accounts.html", context, status=error.status if error else 200)


@staff_required("account.manage")
@require_POST
def change(request: HttpRequest, account_id: int) -> HttpResponse:
    """A new link, closing, or opening again. Needs account.manage over it."""
    by = account_of(request)
    managed = queries.account_in_scope(by, account_id, permission=staff.PERMISSION)
    if managed is None:
        raise NotFound()
    if request.POST.get("action") == "link":
        return _page(request, made=managed)
    is_open, reason = request.POST.get("action") == "open", plain_line(request.POST.get("reason", ""), 200)
    try:
        staff.set_open(by, managed, is_open, reason, actor_of(by, request))
    except (Invalid, NotAllowed) as error:
        return _page(request, error)
    messages.success(request, _("账户已启用。") if is_open else _("账户已停用，立即生效。"))
    return HttpResponseRedirect(reverse("people:staff_accounts"))


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def begin(request: HttpRequest, token: str) -> HttpResponse:
    """The first password; the second factor follows at sign-in. Whoever holds the link."""
    account = staff.account_of_link(token)
    errors: dict[str, str] = {}
    if request.method == "POST":
        try:
            staff.begin(token, request.POST.get("password", "")[:200], actor_of(account, request))
        except Invalid as error:
            errors = error.fields
        else:
            messages.success(request, _("密码已设置。请登录，并按提示绑定第二因素。"))
            return HttpResponseRedirect(reverse("people:login_staff"))
    return render(
        request, "people/staff_begin.html", {"account": account, "errors": errors}, status=422 if errors else 200
    )
