"""What needs no sign-in: callbacks of providers, and the check of a receipt by the code that stands on it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from yici.platform.pay import queries, services


@csrf_exempt
@require_POST
def notice(request: HttpRequest, provider: str) -> HttpResponse:
    """A provider tells of a payment or refund. Its signature is its authority; everything else is refused and remembered."""
    answer = services.take_notice(provider, request.headers, request.body)
    return HttpResponse(answer.body, status=answer.status, content_type=answer.content_type)


@never_cache
@require_safe
def receipt(request: HttpRequest, identifier: str) -> HttpResponse:
    """Is this receipt real? Needs batch, number and check code; tells no more than stands on the receipt, the payer masked."""
    found = queries.receipt_by_code(identifier, request.GET.get("code", "")[:6])
    return render(request, "pay/receipt.html", {"receipt": found}, status=200 if found else 404)
