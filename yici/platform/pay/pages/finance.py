"""The finance officer's pages: the morning's reconciliation, what differs, and the entries behind every number. All need `pay.finance`."""

from __future__ import annotations

import datetime as dt

from django.contrib import messages as flash
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from yici.base import clock
from yici.base.errors import Conflict, Invalid, NotFound
from yici.base.requests import day_of
from yici.core.audit import services as audit
from yici.core.ledger import queries as ledger
from yici.core.ledger import services as ledger_services
from yici.core.ledger.models import LedgerAccount, LedgerEntry
from yici.core.people.auth import account_of, staff_required
from yici.core.people.services import actor_of
from yici.platform.pay import exporting, queries, services
from yici.platform.pay.models import BillRow, DayBill, Difference, Payment, PayOrder, Refund
from yici.platform.pay.pages.cashier import workbook
from yici.platform.pay.providers import PROVIDERS
from yici.platform.pay.providers.days import span

PAGE = 100
DAYS = 14
PARKED = 50
EARLIEST, LATEST = dt.date(2000, 1, 1), dt.date(2199, 12, 31)  # no day has money before or after


@staff_required("pay.finance")
@never_cache
@require_GET
def reconciliation(request: HttpRequest) -> HttpResponse:
    """Two weeks to yesterday or to `until`, each day and provider: balanced or how many differences; and what is parked."""
    yesterday = clock.today() - dt.timedelta(days=1)
    last = max(EARLIEST, min(day_of(request.GET.get("until", "")) or yesterday, yesterday))
    two_weeks = dt.timedelta(days=DAYS)
    bills = {(one.day, one.provider): one for one in DayBill.objects.filter(day__gt=last - two_weeks, day__lte=last)}
    open_ones: dict[int, int] = {}
    for pk in Difference.objects.filter(bill__in=bills.values(), is_settled=False).values_list("bill_id", flat=True):
        open_ones[pk] = open_ones.get(pk, 0) + 1
    days = [
        (
            day,
            [
                (provider, bills.get((day, provider)), open_ones.get(getattr(bills.get((day, provider)), "pk", 0), 0))
                for provider in PROVIDERS
            ],
        )
        for day in (last - dt.timedelta(days=back) for back in range(DAYS))
    ]
    parked = queries.parked_payments()
    count = parked.count()
    context = {
        "days": days,
        "providers": PROVIDERS,
        "parked": list(parked[:PARKED]),
        "parked_more": count if count > PARKED else 0,
        "yesterday": yesterday,
        "earlier": last - two_weeks,
        "later": min(last + two_weeks, yesterday) if last < yesterday else None,
    }
    return render(request, "pay/desk/reconciliation.html", context)


@staff_required("pay.finance")
@require_POST
def run(request: HttpRequest) -> HttpResponse:
    """Fetch and hold the bill of one provider and day now."""
    day, provider = _day(request.POST.get("day", "")), request.POST.get("provider", "")
    if day is None or provider not in PROVIDERS:
        flash.error(request, _("请选择支付机构和日期。"))
        return redirect("pay-desk-reconciliation")
    if day >= clock.today():
        flash.error(request, _("当天的账单要到次日才有，请选择以前的日期。"))
        return redirect("pay-desk-reconciliation")
    account = account_of(request)
    bill = services.reconcile(provider, day)
    audit.record(
        actor_of(account, request),
        "verify",
        subject=("reconciliation", f"{provider} {day}"),
        purpose=f"对账：{bill.get_state_display()}",
    )
    return redirect("pay-desk-bill", provider=provider, day=day.isoformat())


@staff_required("pay.finance")
@never_cache
@require_GET
def bill(request: HttpRequest, provider: str, day: str) -> HttpResponse:
    """One provider's day: totals of both sides and every difference with its decision."""
    return _bill_page(request, _bill(provider, day))


def _bill(provider: str, day: str) -> DayBill:
    date = day_of(day)
    found = DayBill.objects.filter(provider=provider, day=date).first() if date and provider in PROVIDERS else None
    if found is None:
        raise NotFound
    return found


def _bill_page(request: HttpRequest, found: DayBill, status: int = 200, error: str = "") -> HttpResponse:
    page = Paginator(queries.differences_of(found).select_related("decided_by"), PAGE).get_page(request.GET.get("page"))
    codes = (f"provider:{found.provider}", f"fee:{found.provider}")
    accounts = {one.code: one for one in ledger.accounts_with_balance().filter(code__in=codes)}
    begin, end = span(found.provider, found.day)
    context = {
        "bill": found,
        "label": PROVIDERS[found.provider],
        "page": page,
        "account": accounts.get(codes[0]),
        "fee_account": accounts.get(codes[1]),
        "begin": begin,
        "end": end,
        "net_theirs": found.paid_fen - found.refund_fen,
        "net_ours": found.own_paid_fen - found.own_refund_fen,
        "error": error,
    }
    return render(request, "pay/desk/bill.html", context, status=status)


@staff_required("pay.finance")
@require_POST
def decide(request: HttpRequest, difference_id: int) -> HttpResponse:
    """Decide one difference, with its reason; the day is held again at once."""
    found = Difference.objects.select_related("bill").filter(pk=difference_id).first()
    if found is None:
        raise NotFound
    try:
        services.decide(
            difference_id, request.POST.get("action", ""), request.POST.get("note", ""), account_of(request)
        )
    except (Invalid, Conflict) as error:
        return _bill_page(request, found.bill, status=error.status, error=str(error.message))
    flash.success(request, _("已记录处理决定，并重新核对。"))
    return redirect("pay-desk-bill", provider=found.bill.provider, day=found.bill.day.isoformat())


@staff_required("pay.finance")
@require_GET
def export(request: HttpRequest, provider: str, day: str) -> HttpResponse:
    """The day as a workbook; the export is recorded."""
    found = _bill(provider, day)
    audit.record(
        actor_of(account_of(request), request),
        "export",
        subject=("reconciliation", f"{provider} {day}"),
        purpose="导出对账结果",
    )
    differences = Difference.objects.filter(bill=found).select_related("decided_by")
    return workbook(exporting.reconciliation_workbook(found, differences), f"reconciliation-{provider}-{day}.xlsx")


@staff_required("pay.finance")
@never_cache
@require_GET
def rows(request: HttpRequest, provider: str, day: str, side: str) -> HttpResponse:
    """The rows behind a total: `side` is theirs (the bill), ours (payments) or back (our refunds)."""
    found = _bill(provider, day)
    chosen = {
        "theirs": BillRow.objects.filter(bill=found).order_by("id"),
        "ours": Payment.objects.filter(provider=provider, day=found.day).select_related("order").order_by("id"),
        "back": Refund.objects.filter(payment__provider=provider, day=found.day, state="done")
        .select_related("payment__order")
        .order_by("id"),
    }.get(side)
    if chosen is None:
        raise NotFound
    page = Paginator(chosen, PAGE).get_page(request.GET.get("page"))
    return render(
        request, "pay/desk/rows.html", {"bill": found, "label": PROVIDERS[provider], "side": side, "page": page}
    )


@staff_required("pay.finance")
@never_cache
@require_GET
def accounts(request: HttpRequest) -> HttpResponse:
    """Every account of the ledger with its balance."""
    page = Paginator(ledger.accounts_with_balance(), PAGE).get_page(request.GET.get("page"))
    return render(request, "pay/desk/accounts.html", {"page": page})


@staff_required("pay.finance")
@never_cache
@require_GET
def entries(request: HttpRequest, account_id: int) -> HttpResponse:
    """The entries of one account, newest first; `day` shows one day, of a provider's account its own accounting day."""
    found = _account(account_id)
    day = _day(request.GET.get("day", ""))
    page = Paginator(_entries(found, day), PAGE).get_page(request.GET.get("page"))
    references = [entry.transaction.reference for entry in page]
    context = {
        "account": found,
        "balance": ledger.balance_of(found.code),
        "page": page,
        "day": day,
        "orders": set(PayOrder.objects.filter(number__in=references).values_list("number", flat=True)),
    }
    return render(request, "pay/desk/entries.html", context)


@staff_required("pay.finance")
@require_GET
def export_entries(request: HttpRequest, account_id: int) -> HttpResponse:
    """The same entries as a workbook, at most 50,000; the export is recorded."""
    found = _account(account_id)
    day = _day(request.GET.get("day", ""))
    audit.record(
        actor_of(account_of(request), request),
        "export",
        subject=("ledger", found.code),
        purpose=f"导出分录 {day or ''}",
    )
    content = exporting.entries_workbook(found, _entries(found, day)[: exporting.MOST_ROWS])
    return workbook(content, f"ledger-{found.pk}{f'-{day}' if day else ''}.xlsx")


def _day(text: str) -> dt.date | None:
    """A day that money can have moved on; None for anything else."""
    day = day_of(text)
    return day if day and EARLIEST <= day <= LATEST else None


def _account(account_id: int) -> LedgerAccount:
    found = ledger.account(account_id)
    if found is None:
        raise NotFound
    return found


def _entries(found: LedgerAccount, day: dt.date | None) -> QuerySet[LedgerEntry]:
    return ledger.entries_of(found, span(found.code.partition(":")[2], day) if day else None)


@staff_required("pay.finance")
@require_POST
def verify(request: HttpRequest) -> HttpResponse:
    """Prove that balances are the sums of their entries, now."""
    faults = ledger_services.verify()
    result = f"发现 {len(faults)} 处不符" if faults else "余额与分录合计一致"
    audit.record(
        actor_of(account_of(request), request), "verify", subject=("ledger", "all"), purpose=f"核对账簿：{result}"
    )
    for fault in faults[:20]:
        flash.error(request, fault.message)
    if not faults:
        flash.success(request, _("账簿核对无误：每个账户的余额都等于分录合计，每笔交易借贷相等。"))
    return redirect("pay-desk-accounts")
