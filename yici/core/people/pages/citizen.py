"""The citizen's own pages: who looked at my data, delegations, settings."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from yici.base import clock
from yici.base.errors import Conflict, Invalid, NotFound, told
from yici.base.requests import page_number
from yici.core.audit import queries as audit
from yici.core.people import queries, services
from yici.core.people.auth import account_of, citizen_required
from yici.core.people.labels import element_label
from yici.core.people.models import Person
from yici.core.people.rules import plain_line
from yici.core.people.sign_in import YEAR


def _person(request: HttpRequest) -> Person:
    person = account_of(request).person
    if person is None:  # cannot happen: a citizen's account is made with its person
        raise NotFound()
    return person


@never_cache
@citizen_required
@require_GET
def record(request: HttpRequest) -> HttpResponse:
    """谁看过我的数据: for the person alone."""
    looks = audit.looks_at(
        _person(request).pk, page_number(request), label=element_label, own_account=account_of(request).pk
    )
    return render(request, "people/record.html", {"looks": looks})


@never_cache
@citizen_required
@require_GET
def delegations(request: HttpRequest) -> HttpResponse:
    """Who acts for me and for whom I act."""
    return _delegations(request)


def _delegations(request: HttpRequest, error: Invalid | Conflict | None = None, form: str = "") -> HttpResponse:
    person = _person(request)
    context = {
        "given": queries.delegations_from(person), "held": queries.delegations_to(person),
        "today": clock.today(), "latest": clock.today() + dt.timedelta(days=365),
        "values": request.POST if error else {}, "form": form, **told(error),
    }  # fmt: skip
    return render(request, "people/delegations.html", context, status=error.status if error else 200)


@citizen_required
@require_POST
def delegation_add(request: HttpRequest, direction: str) -> HttpResponse:
    """`give`: let another act for me. `ask`: ask to act for another."""
    account = account_of(request)
    try:
        name, number = plain_line(request.POST.get("name", ""), 50), plain_line(request.POST.get("id_number", ""), 30)
        until, actor = _day(request.POST.get("valid_to", "")), services.actor_of(account, request)
        if direction == "give":
            services.give_delegation(account, name=name, id_number=number, valid_to=until, actor=actor)
            messages.success(request, _("委托已生效，对方现在可以替您办事。"))
        else:
            made = services.ask_delegation(
                account,
                name=name,
                id_number=number,
                basis=request.POST.get("basis", "")[:20],
                valid_to=until,
                actor=actor,
            )
            done = _("户籍信息已证明你们是同一户成员，现在可以替对方办事。")
            messages.success(request, done if made.accepted_at else _("已通知对方，对方登录同意后生效。"))
    except (Invalid, Conflict) as error:
        return _delegations(request, error, direction)
    return HttpResponseRedirect(reverse("people:delegations"))


def _day(text: str) -> dt.date | None:
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise Invalid(fields={"valid_to": _("请按 2026-11-23 的样子填写日期。")}) from error


@citizen_required
@require_POST
def delegation_accept(request: HttpRequest, delegation_id: int) -> HttpResponse:
    """The principal agrees."""
    account = account_of(request)
    services.accept_delegation(delegation_id, account, actor=services.actor_of(account, request))
    messages.success(request, _("您已同意，委托现在生效。"))
    return HttpResponseRedirect(reverse("people:delegations"))


@citizen_required
@require_POST
def delegation_revoke(request: HttpRequest, delegation_id: int) -> HttpResponse:
    """Either side ends it."""
    account = account_of(request)
    services.revoke_delegation(delegation_id, account, actor=services.actor_of(account, request))
    messages.success(request, _("委托已撤销。"))
    return HttpResponseRedirect(reverse("people:delegations"))


@never_cache
@citizen_required
@require_http_methods(["GET", "POST"])
def own_settings(request: HttpRequest) -> HttpResponse:
    """Language, elder mode, contact phone: the account's own."""
    account = account_of(request)
    proven = request.session.get("signed_in_phone", "")
    context: dict[str, Any] = {
        "languages": settings.LANGUAGES,
        "proven": proven if proven != account.phone else "",
        "errors": {},
    }
    if request.method == "GET":
        return render(request, "people/settings.html", context)
    if request.POST.get("action") == "phone" and proven:
        services.set_contact_phone(account, proven)
        messages.success(request, _("联系电话已更新。"))
        return HttpResponseRedirect(reverse("people:settings"))
    try:
        services.set_preferences(
            account, language=request.POST.get("language", ""), elder_mode=request.POST.get("elder_mode") == "1"
        )
    except Invalid as error:
        return render(request, "people/settings.html", {**context, "errors": error.fields}, status=error.status)
    response = HttpResponseRedirect(reverse("people:settings"))
    response.set_cookie(settings.LANGUAGE_COOKIE_NAME, account.language, max_age=YEAR, samesite="Lax")
    response.set_cookie("elder", "1" if account.elder_mode else "0", max_age=YEAR, samesite="Lax")
    messages.success(request, _("设置已保存。"))
    return response
