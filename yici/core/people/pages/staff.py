"""Staff administration within the administrator's scope: who holds which role, and second factors."""

from __future__ import annotations

import datetime as dt

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from yici.base import clock
from yici.base.errors import Conflict, Invalid, NotAllowed, NotFound, told
from yici.base.requests import page_number, whole_number
from yici.core.people import permissions as catalogue
from yici.core.people import queries, services
from yici.core.people.auth import account_of, staff_required
from yici.core.people.errors import CodeRejected
from yici.core.people.models import Account, RoleGrant
from yici.core.people.rules import plain_line
from yici.core.people.services import second_factor
from yici.core.places import queries as places


@never_cache
@staff_required("role.manage")
@require_GET
def accounts(request: HttpRequest) -> HttpResponse:
    """Staff accounts within scope. Needs role.manage."""
    words = plain_line(request.GET.get("words", ""), 60)
    page = queries.accounts_in_scope(account_of(request), words, page_number(request))
    return render(request, "people/accounts.html", {"page": page, "words": words, "roles": catalogue.roles()})


def _managed(request: HttpRequest, account_id: int) -> Account:
    found = queries.account_in_scope(account_of(request), account_id)
    if found is None:
        raise NotFound()
    return found


@never_cache
@staff_required("role.manage")
@require_http_methods(["GET", "POST"])
def account(request: HttpRequest, account_id: int) -> HttpResponse:
    """One account: its grants, and granting one more. Needs role.manage over it."""
    managed = _managed(request, account_id)
    if request.method == "POST":
        try:
            _grant(request, managed)
        except (Invalid, Conflict, NotAllowed) as error:
            return _account_page(request, managed, error)
        messages.success(request, _("角色已授予，立即生效。"))
        return HttpResponseRedirect(reverse("people:account", args=[managed.pk]))
    return _account_page(request, managed)


def _account_page(request: HttpRequest, managed: Account, error: Exception | None = None) -> HttpResponse:
    grants = RoleGrant.objects.filter(account=managed).select_related("organisation", "division", "granted_by")
    context = {
        "account": managed, "grants": grants.order_by("-valid_from", "-id"), "roles": catalogue.roles(),
        "today": clock.today(), "values": request.POST if error else {},
        "factors": second_factor.authenticators_of(managed), **told(error),
    }  # fmt: skip
    return render(request, "people/account.html", context, status=getattr(error, "status", 200))


def _grant(request: HttpRequest, managed: Account) -> None:
    posted = request.POST
    organisation = managed.organisation
    if slug := plain_line(posted.get("organisation", ""), 80):
        organisation = queries.organisation(slug)
    if organisation is None:
        raise Invalid(fields={"organisation": _("没有这个机构，请填写机构代号。")})
    code = plain_line(posted.get("division", ""), 12)
    until = posted.get("valid_to", "").strip()
    try:
        last = dt.date.fromisoformat(until) if until else None
    except ValueError as error:
        raise Invalid(fields={"valid_to": _("请按 2026-11-23 的样子填写日期。")}) from error
    giver = account_of(request)
    services.grant_role(
        managed, posted.get("role", ""), organisation=organisation,
        division=places.division(code) if code else None, reason=plain_line(posted.get("reason", ""), 500),
        granted_by=giver, valid_to=last, actor=services.actor_of(giver, request),
    )  # fmt: skip


@staff_required("role.manage")
@require_POST
def revoke(request: HttpRequest, account_id: int, grant_id: int) -> HttpResponse:
    """Take a role back, with a reason. Needs role.manage over it."""
    managed, by = _managed(request, account_id), account_of(request)
    try:
        services.revoke_grant(
            grant_id,
            by=by,
            reason=plain_line(request.POST.get("reason", ""), 500),
            actor=services.actor_of(by, request),
        )
    except (Invalid, NotAllowed) as error:
        return _account_page(request, managed, error)
    messages.success(request, _("角色已收回，立即生效。"))
    return HttpResponseRedirect(reverse("people:account", args=[managed.pk]))


@staff_required("role.manage")
@require_POST
def reset(request: HttpRequest, account_id: int) -> HttpResponse:
    """Take the second factors away (lost phone); the next sign-in enrols anew. Needs role.manage over it."""
    managed, by = _managed(request, account_id), account_of(request)
    if managed.pk == by.pk:
        return _account_page(request, managed, NotAllowed(_("不能重置自己的第二因素，请由上一级管理员办理。")))
    try:
        second_factor.reset_second_factor(
            managed, plain_line(request.POST.get("reason", ""), 500), services.actor_of(by, request)
        )
    except Invalid as error:
        return _account_page(request, managed, error)
    messages.success(request, _("第二因素已重置，该人员下次登录时重新绑定。"))
    return HttpResponseRedirect(reverse("people:account", args=[managed.pk]))


@never_cache
@staff_required()
@require_http_methods(["GET", "POST"])
def security(request: HttpRequest) -> HttpResponse:
    """One's own second factors: see them, add a passkey, remove one. Every staff member."""
    own = account_of(request)
    general, status = "", 200
    if request.method == "POST":
        actor = services.actor_of(own, request)
        try:
            if credential := request.POST.get("credential", ""):
                second_factor.add_passkey(own, credential[:20_000], actor)
                messages.success(request, _("通行密钥已添加。"))
            else:
                number = whole_number(request.POST.get("remove", ""), 0, digits=17)
                second_factor.remove_passkey(own, number, actor)
                messages.success(request, _("通行密钥已删除。"))
            return HttpResponseRedirect(reverse("people:security"))
        except (CodeRejected, Conflict, NotFound) as error:
            general, status = str(error.message), error.status
    context = {
        "factors": second_factor.authenticators_of(own), "general": general,
        "passkey": {"creation_options": second_factor.begin_passkey_registration(own)},
    }  # fmt: skip
    return render(request, "people/security.html", context, status=status)
