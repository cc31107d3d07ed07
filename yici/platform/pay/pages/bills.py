"""Paying bills of water, power, gas, telephone and school. Signed-in citizens; whoever knows a number may pay for it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from yici.base.errors import Conflict, Invalid, Unavailable
from yici.base.requests import whole_number
from yici.core.people.auth import account_of, citizen_required
from yici.platform.pay import definitions, services
from yici.platform.pay.providers import Refused


@citizen_required
@require_GET
def choose(request: HttpRequest) -> HttpResponse:
    """Whose bill?"""
    return render(request, "pay/billers.html", {"billers": definitions.billers().values()})


@citizen_required
@never_cache
@require_GET
def bills(request: HttpRequest, biller: str) -> HttpResponse:
    """Ask for the number; with it, show what is due."""
    return _page(request, biller, request.GET.get("customer", "").strip()[:40])


def _page(request: HttpRequest, biller: str, customer: str, status: int = 200, **extra: object) -> HttpResponse:
    found = services.biller_of(biller)
    context: dict[str, object] = {"biller": found, "customer": customer, **extra}
    if customer and "errors" not in extra:
        try:
            context["found"] = services.look_up(found, customer)
        except Invalid as error:
            context["errors"], status = error.fields, 422
        except (Unavailable, Refused) as error:
            context["errors"], status = {"customer": str(error.message)}, 200
    return render(request, "pay/bills.html", context, status=status)


@citizen_required
@require_POST
def pay(request: HttpRequest, biller: str) -> HttpResponse:
    """Make the order for one bill or top-up and go to it. The amount comes from the biller, never from the form."""
    found, account = services.biller_of(biller), account_of(request)
    customer = request.POST.get("customer", "").strip()[:40]
    try:
        if found.amounts:
            order = services.top_up(found, customer, whole_number(request.POST.get("fen", ""), 0, typed=True), account)
        else:
            order = services.pay_bill(found, customer, request.POST.get("number", "")[:64], account)
    except Invalid as error:
        return _page(request, biller, customer, status=422, errors=error.fields or {"customer": str(error.message)})
    except (Conflict, Refused, Unavailable) as error:
        return _page(request, biller, customer, status=409, errors={"customer": str(error.message)})
    return redirect("pay-my-order", number=order.number)
