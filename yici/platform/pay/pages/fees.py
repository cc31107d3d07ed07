"""The fee list at the desk: what is charged, its history, a proposal and its review by a second person. All need `pay.fees`."""

from __future__ import annotations

from typing import Any

from django.contrib import messages as flash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from yici.base.errors import Conflict, Invalid, NotAllowed, NotFound
from yici.core.people.auth import account_of, staff_required
from yici.core.vocabulary.rules import fen as read_yuan
from yici.platform.pay import exporting, services
from yici.platform.pay.definitions import Fee, fee_from
from yici.platform.pay.models import FeeItem, FeeVersion
from yici.platform.pay.pages.cashier import workbook


@staff_required("pay.fees")
@require_GET
def fees(request: HttpRequest) -> HttpResponse:
    """Every fee of the list with its price, and which wait for a review."""
    return render(request, "pay/desk/fees.html", {"rows": _listed()})


def _listed() -> list[tuple[FeeItem, Fee | None, bool]]:
    items = FeeItem.objects.select_related("current")
    waiting = set(FeeVersion.objects.filter(state=FeeVersion.State.PROPOSED).values_list("item_id", flat=True))
    return [(item, fee_from(item.current.definition) if item.current else None, item.code in waiting) for item in items]


@staff_required("pay.fees")
@require_GET
def export(request: HttpRequest) -> HttpResponse:
    """The list as a workbook. It holds nothing personal and is published anyway."""
    return workbook(exporting.fees_workbook(_listed()), "fees.xlsx")


@staff_required("pay.fees")
@never_cache
@require_GET
def fee(request: HttpRequest, code: str) -> HttpResponse:
    """One fee, its versions, and the proposal."""
    return _page(request, code)


def _page(request: HttpRequest, code: str, status: int = 200, **extra: Any) -> HttpResponse:
    item = FeeItem.objects.select_related("current").filter(code=code).first()
    if item is None:
        raise NotFound
    versions = list(item.versions.select_related("proposed_by", "reviewed_by").order_by("-number"))
    shown = item.current or versions[0]
    proposal = next((one for one in versions if one.state == FeeVersion.State.PROPOSED), None)
    context = {
        "item": item,
        "fee": fee_from(shown.definition),
        "history": [(one, fee_from(one.definition)) for one in versions],
        "proposal": proposal,
        "proposed": fee_from(proposal.definition) if proposal else None,
        "is_own": proposal is not None and proposal.proposed_by_id == account_of(request).pk,
        **extra,
    }
    return render(request, "pay/desk/fee.html", context, status=status)


@staff_required("pay.fees")
@require_POST
def propose(request: HttpRequest, code: str) -> HttpResponse:
    """Propose a price or rate, first and last day."""
    given = request.POST
    try:
        changes: dict[str, Any] = {
            "valid_from": given.get("valid_from", ""),
            "valid_until": given.get("valid_until") or None,
        }
        if "yuan" in given:
            changes["fen"] = read_yuan(given["yuan"])
        services.propose_fee(code, changes, given.get("reason", ""), account_of(request))
    except (Invalid, Conflict) as error:
        return _page(request, code, status=error.status, error=str(error.message), posted=given)
    flash.success(request, _("已提出调整，由另一位同事复核后生效。"))
    return redirect("pay-desk-fee", code=code)


@staff_required("pay.fees")
@require_POST
def review(request: HttpRequest, code: str) -> HttpResponse:
    """Publish or reject the proposal of somebody else."""
    approve = request.POST.get("verdict") == "approve"
    try:
        services.review_fee(code, approve=approve, opinion=request.POST.get("opinion", ""), account=account_of(request))
    except (Invalid, Conflict, NotAllowed) as error:
        return _page(request, code, status=error.status, error=str(error.message))
    flash.success(request, _("已复核通过，即时生效。") if approve else _("已退回，没有改变收费。"))
    return redirect("pay-desk-fee", code=code)
