"""The cashier's pages: orders of the bodies in scope, one order's life, refunds. All need `pay.cashier`."""

from __future__ import annotations

import secrets
from urllib.parse import urlencode

from django.contrib import messages as flash
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from yici.base.errors import Conflict, Invalid, NotFound, Unavailable
from yici.base.requests import day_of, whole_number
from yici.core.audit import services as audit
from yici.core.people.auth import account_of, staff_required
from yici.core.people.services import actor_of
from yici.core.vocabulary.rules import fen as read_yuan
from yici.platform.pay import exporting, queries, services
from yici.platform.pay.models import Payment, PayOrder
from yici.platform.pay.providers import PROVIDERS, Refused

PAGE = 50
FILTERS = ("q", "state", "provider", "first_day", "last_day")


@staff_required("pay.cashier")
@never_cache
@require_GET
def orders(request: HttpRequest) -> HttpResponse:
    """Every order of the scope, newest first, by number, state, provider and day."""
    values = {name: request.GET.get(name, "").strip()[:80] for name in FILTERS}
    found = queries.orders_for_staff(account_of(request), wanted(values))
    page = Paginator(found, PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "values": values,
        "providers": PROVIDERS,
        "kept": urlencode({name: value for name, value in values.items() if value}),
    }
    return render(request, "pay/desk/orders.html", context)


def wanted(values: dict[str, str]) -> queries.OrderFilter:
    return queries.OrderFilter(
        values["q"], values["state"], values["provider"], day_of(values["first_day"]), day_of(values["last_day"])
    )


@staff_required("pay.cashier")
@require_GET
def export(request: HttpRequest) -> HttpResponse:
    """The same list as a workbook, at most 50,000 orders; the export is recorded."""
    account = account_of(request)
    values = {name: request.GET.get(name, "").strip()[:80] for name in FILTERS}
    found = list(queries.orders_for_staff(account, wanted(values))[: exporting.MOST_ROWS])
    audit.record(actor_of(account, request), "export", subject=("order", "list"), purpose=f"导出订单 {len(found)} 笔")
    return workbook(exporting.orders_workbook(found), "orders.xlsx")


def workbook(content: bytes, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=exporting.MEDIA_TYPE)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@staff_required("pay.cashier")
@never_cache
@require_GET
def order(request: HttpRequest, number: str) -> HttpResponse:
    """One order's whole life: lines, attempts, payments, callbacks, refunds, receipts, entries. The look is recorded."""
    account = account_of(request)
    found = queries.order_for_staff(account, number)
    if found.payer_id:
        audit.record(
            actor_of(account, request), "read", subject=("person", found.payer_id), elements=["person.name"],
            purpose=f"查看缴费订单 {found.number}", case_number=found.case_number,
        )  # fmt: skip
    return render(request, "pay/desk/order.html", _context(found))


def _context(found: PayOrder, **extra: object) -> dict[str, object]:
    payment, left = queries.refundable_of(found)
    return {
        "order": found,
        "life": queries.life_of(found),
        "events": list(found.events.all()),
        "attempts": list(found.attempts.order_by("id")),
        "providers": PROVIDERS,
        "payment": payment,
        "left": left,
        "key": secrets.token_urlsafe(12),  # of the form: pressed twice, it is one refund
        **extra,
    }


@staff_required("pay.cashier")
@require_POST
def refund(request: HttpRequest, number: str) -> HttpResponse:
    """Refund a part or the rest. The form says how much was refundable when it was drawn."""
    account = account_of(request)
    found = queries.order_for_staff(account, number)
    payment = Payment.objects.filter(order=found, place=Payment.Place.APPLIED).first()
    if payment is None:
        raise NotFound
    try:
        fen = read_yuan(request.POST.get("yuan", ""))
        made = services.request_refund(
            payment, fen, available=whole_number(request.POST.get("available", ""), -1, digits=15),
            key=f"desk:{found.number}:{request.POST.get('key', '')[:60]}", reason=request.POST.get("reason", "")[:500], account=account,
        )  # fmt: skip
    except (Invalid, Conflict) as error:
        fields = getattr(error, "fields", {}) or {"yuan": str(error.message)}
        context = _context(found, errors=fields, posted=request.POST)
        return render(request, "pay/desk/order.html", context, status=error.status)
    flash.success(request, _("退款 %(number)s 已发出，支付机构确认后入账。") % {"number": made.number})
    return redirect("pay-desk-order", number=number)


@staff_required("pay.cashier")
@require_POST
def ask(request: HttpRequest, number: str) -> HttpResponse:
    """Ask the providers about every open attempt of an order now."""
    found = queries.order_for_staff(account_of(request), number)
    try:
        words = [services.ask(attempt) for attempt in found.attempts.filter(state__in=["made", "open"])]
    except (Unavailable, Refused) as error:
        flash.error(request, str(error.message))
        return redirect("pay-desk-order", number=number)
    told = {
        "paid": _("已付款，已入账"),
        "open": _("尚未付款"),
        "closed": _("已关闭"),
        "unknown": _("支付机构没有这笔订单"),
    }
    flash.success(
        request,
        _("支付机构答复：%(words)s") % {"words": "、".join(told[word] for word in words) or _("没有等待中的付款")},
    )
    return redirect("pay-desk-order", number=number)
