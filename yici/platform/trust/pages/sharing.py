"""Showing and sharing: the holder makes a code and sees its uses; a reader opens it. Thin."""

from __future__ import annotations

import datetime as dt

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from yici.base import clock
from yici.base.errors import Invalid, NotFound
from yici.core.people.auth import account_of, citizen_required
from yici.core.people.models import Account
from yici.core.people.services import address_of
from yici.platform.trust import queries, rules
from yici.platform.trust.library import sharing
from yici.platform.trust.rendering import qr_svg

PAGE_SIZE = 20
DAYS = 7  # of a share, unless the holder says otherwise


@never_cache
@require_POST
@citizen_required
def show(request: HttpRequest, identifier: str) -> HttpResponse:
    """亮证. The code is told in this answer and nowhere else; htmx asks for the next one before it ends."""
    account = account_of(request)
    held = queries.certificate_of(account, identifier)
    once = request.POST.get("once") == "1"
    made, code = sharing.show(account, held, single_use=once)
    context = {
        "certificate": held,
        "share": made,
        "code_shown": f"{code[:4]} {code[4:]}",
        "once": once,
        "qr": _qr(request, code),
    }
    return render(request, "trust/show.html", context)


def _qr(request: HttpRequest, code: str) -> str:
    return mark_safe(qr_svg(request.build_absolute_uri(f"/shares/{code}/"), scalable=True))  # noqa: S308 - drawn by us


@never_cache
@require_http_methods(["GET", "POST"])
@citizen_required
def share(request: HttpRequest, identifier: str) -> HttpResponse:
    """授权用证: which fields, to whom, for what, until when."""
    account = account_of(request)
    held = queries.certificate_of(account, identifier)
    values = request.POST if request.method == "POST" else None
    chosen = values.getlist("elements") if values else list(held.face)
    until = values.get("until", "") if values else (clock.today() + dt.timedelta(days=DAYS)).isoformat()
    context = {"certificate": held, "lines": queries.face_lines(held, masked=True), "chosen": chosen, "until": until,
               "first": clock.today().isoformat(), "last": (clock.today() + sharing.LONGEST).isoformat()}  # fmt: skip
    if values is None:
        return render(request, "trust/share.html", context)
    purpose, recipient, once = values.get("purpose", ""), values.get("recipient", ""), values.get("once") == "1"
    try:
        made, code = sharing.share(
            account, held, elements=chosen, purpose=purpose, recipient=recipient, until=_day(until), single_use=once
        )
    except Invalid as error:
        filled = {"purpose": purpose, "recipient": recipient, "once": once, "errors": error.fields}
        return render(request, "trust/share.html", {**context, **filled}, status=error.status)
    context |= {
        "share": made,
        "code_shown": rules.shown_check_code(code),
        "url": request.build_absolute_uri(f"/shares/{code}/"),
        "qr": _qr(request, code),
    }
    return render(request, "trust/shared.html", context)


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


@never_cache
@require_GET
@citizen_required
def my_shares(request: HttpRequest) -> HttpResponse:
    """Who used what, when and for which fields; and a button that ends it."""
    page = Paginator(sharing.shared_by(account_of(request)), PAGE_SIZE).get_page(request.GET.get("page"))
    return render(request, "trust/my_shares.html", {"page": page, "rows": sharing.told(page), "now": clock.now()})


@require_POST
@citizen_required
def end_share(request: HttpRequest, share_id: int) -> HttpResponse:
    sharing.end(account_of(request), share_id)
    messages.success(request, _("授权已收回，对方不能再查看。"))
    return redirect("my-shares")


@never_cache
@require_http_methods(["GET", "POST"])
def enter_code(request: HttpRequest) -> HttpResponse:
    """For whoever was told a code: anybody."""
    code = request.POST.get("code", "")[:60]
    if request.method == "GET":
        return render(request, "trust/enter_share.html")
    try:
        sharing.terms_of(code, address_of(request))
    except NotFound as error:
        context = {"code": code, "errors": {"code": str(error.message)}}
        return render(request, "trust/enter_share.html", context, status=error.status)
    return redirect("share-open", code="".join(code.split()))


@never_cache
@require_http_methods(["GET", "POST"])
def open_share(request: HttpRequest, code: str) -> HttpResponse:
    """For whoever has the code: anybody. What it is for at first; a POST uses it, so that no preview of a link does."""
    address = address_of(request)
    account = request.user if isinstance(request.user, Account) else None
    context: dict[str, object] = {"code": code, "account": account}
    try:
        context["terms"] = sharing.terms_of(code, address)
        if request.method == "GET":
            return _unlisted(render(request, "trust/open_share.html", context))
        reader = sharing.Reader(request.POST.get("reader", ""), account, address)
        opened = sharing.open_share(code, reader)
    except NotFound as error:
        context = {"code": code, "errors": {"code": str(error.message)}}
        return _unlisted(render(request, "trust/enter_share.html", context, status=error.status))
    except Invalid as error:
        return _unlisted(render(request, "trust/open_share.html", {**context, "errors": error.fields}, status=422))
    return _unlisted(
        render(request, "trust/opened_share.html", {"opened": opened}, status=410 if opened.refused else 200)
    )


def _unlisted(response: HttpResponse) -> HttpResponse:
    response["X-Robots-Tag"] = "noindex"
    response["Referrer-Policy"] = "same-origin"
    return response
