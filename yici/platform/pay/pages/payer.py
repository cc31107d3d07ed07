"""The payer's pages: what is to be paid, paying it, waiting for it, receipts and refunds. Every page: own orders only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import suppress
from functools import wraps

import segno
from django.conf import settings
from django.contrib import messages as flash
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from yici.base import clock
from yici.base.errors import NotFound, Unavailable
from yici.base.requests import wants_part
from yici.core.people.auth import account_of, citizen_required
from yici.core.people.services.accounts import address_of
from yici.platform.pay import exporting, queries, services
from yici.platform.pay.models import Attempt, PayOrder
from yici.platform.pay.pages.cashier import workbook
from yici.platform.pay.providers import PROVIDERS, Refused

PAGE = 20
ASK_EVERY = dt.timedelta(seconds=8)
OrderView = Callable[..., HttpResponse]


def own_order(view: OrderView) -> OrderView:
    """Give a page of one order the order of the payer who is signed in, by its number; another person's is not found."""

    @citizen_required
    @never_cache
    @wraps(view)
    def _view(request: HttpRequest, number: str, **given: str) -> HttpResponse:
        return view(request, queries.order_for_payer(account_of(request), number), **given)

    return _view


@citizen_required
@require_GET
def orders(request: HttpRequest) -> HttpResponse:
    """My orders, newest first; those to be paid by default where there are any."""
    found = queries.orders_of(account_of(request))
    waiting = found.filter(state=PayOrder.State.OPEN, expires_at__gt=clock.now())
    shown = request.GET.get("show") or ("open" if waiting.exists() else "all")
    page = Paginator(waiting if shown == "open" else found, PAGE).get_page(request.GET.get("page"))
    return render(request, "pay/my_orders.html", {"page": page, "shown": shown})


@citizen_required
@never_cache
@require_GET
def export(request: HttpRequest) -> HttpResponse:
    """All of my orders as a workbook, at most 50,000."""
    found = queries.orders_of(account_of(request)).select_related("payer")[: exporting.MOST_ROWS]
    return workbook(exporting.orders_workbook(found), "payments.xlsx")


@own_order
@require_GET
def order(request: HttpRequest, found: PayOrder) -> HttpResponse:
    """One order: what it is for, how to pay it, and what became of it."""
    context = {
        "life": queries.life_of(found),
        "order": found,
        "providers": PROVIDERS,
    }
    return render(request, "pay/my_order.html", context)


@own_order
@require_POST
def begin(request: HttpRequest, found: PayOrder) -> HttpResponse:
    """Open the order with the chosen provider and go to the waiting page."""
    provider = request.POST.get("provider", "")
    if provider not in PROVIDERS:
        flash.error(request, _("请选择支付方式。"))
        return redirect("pay-my-order", number=found.number)
    try:
        services.begin(
            found.number,
            provider,
            account_of(request),
            is_phone="Mobile" in request.headers.get("User-Agent", ""),
            address=address_of(request),
        )
    except (Unavailable, Refused) as error:
        flash.error(request, _("%(error)s 没有扣款，请稍后再试或换一种支付方式。") % {"error": error.message})
        return redirect("pay-my-order", number=found.number)
    return redirect("pay-my-wait", number=found.number, provider=provider)


@own_order
@require_GET
def wait(request: HttpRequest, found: PayOrder, provider: str) -> HttpResponse:
    """The code to scan or the link to follow; looks again every few seconds, and asks the provider when no callback comes.

    The page asks by itself: nothing to tell while it waits, the order's page when the waiting is over. Without JavaScript it loads anew.
    """
    is_asking = wants_part(request)
    if found.state != PayOrder.State.OPEN:
        return _to_order(found, is_asking=is_asking)
    attempt = Attempt.objects.filter(order=found, provider=provider, state=Attempt.State.OPEN).order_by("-id").first()
    if attempt is None:
        raise NotFound
    last = attempt.asked_at or attempt.created_at
    if clock.now() - last > ASK_EVERY:
        with suppress(Unavailable, Refused):
            services.ask(attempt)
        found.refresh_from_db()
        if found.state != PayOrder.State.OPEN:
            return _to_order(found, is_asking=is_asking)
    if is_asking:
        return HttpResponse(status=204)
    context = {
        "order": found,
        "attempt": attempt,
        "provider": PROVIDERS[provider],
        "code": segno.make(attempt.scan, error="m", micro=False).svg_data_uri(scale=6, border=2)
        if attempt.scan
        else "",
        "sandbox": settings.PAY_SANDBOX if settings.PAY_ENDPOINTS[provider] == settings.PAY_SANDBOX else "",
    }
    return render(request, "pay/wait.html", context)


def _to_order(found: PayOrder, *, is_asking: bool) -> HttpResponse:
    address = reverse("pay-my-order", args=[found.number])
    return HttpResponse(headers={"HX-Redirect": address}) if is_asking else redirect(address)


@own_order
@require_POST
def cancel(request: HttpRequest, found: PayOrder) -> HttpResponse:
    """I do not want to pay this. An order of a case stays open: the case decides."""
    if found.case_number:
        flash.error(request, _("这是办件的缴费单，不办了请在“我的办件”里撤回申请。"))
    elif services.cancel(found.number, account_of(request)):
        flash.success(request, _("订单已取消，没有扣款。"))
    else:
        flash.warning(request, _("订单没有取消：可能已经付款，或支付机构暂时没有回应。请稍后刷新查看。"))
    return redirect("pay-my-order", number=found.number)
