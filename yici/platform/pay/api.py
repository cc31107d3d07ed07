"""Payments over JSON: a payer's own orders, receipts and household bills; the results of reconciliation for finance."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from ninja import Path, Query, Router, Schema
from pydantic import Field

from yici.base.errors import NotFound
from yici.core.audit import services as audit
from yici.core.people.auth import account_of, citizen_auth, staff_auth
from yici.core.people.services import actor_of, require
from yici.platform.pay import definitions, queries, services
from yici.platform.pay.models import DayBill, Difference, PayOrder, Receipt
from yici.platform.pay.providers import PROVIDERS

router = Router(tags=["payments"])

PAGE_SIZE = 50
MOST_DAYS = 366
Number = Annotated[str, Path(pattern=r"^[0-9]{18}$", description="of the order")]
BillerId = Annotated[str, Path(pattern=r"^[a-z0-9_-]{1,40}$")]
PageNumber = Annotated[int, Query(ge=1, le=10_000)]
ProviderId = Literal["wechat", "alipay", "unionpay"]


class OrderRow(Schema):
    number: str
    title: str
    fen: int = Field(description="what the payer pays, in fen, CNY")
    state: str = Field(description="open, paid or closed")
    case_number: str
    created_at: dt.datetime
    expires_at: dt.datetime
    paid_at: dt.datetime | None


class OrderPage(Schema):
    items: list[OrderRow]
    has_next: bool


class LineOut(Schema):
    label: str
    payee_name: str
    quantity: int
    full_fen: int = Field(description="before reductions")
    fen: int
    subsidy: int = Field(description="of it, what a budget pays")
    reduction: str


class ReceiptOut(Schema):
    """A non-tax receipt; its file is `/files/{file_id}/`, its public check needs number and check code."""

    batch: str
    number: str
    check_code: str
    payee_name: str
    fen: int
    state: str = Field(description="valid, or reversed by a full refund")
    issued_at: dt.datetime
    order: str
    file_id: int | None

    @staticmethod
    def resolve_order(receipt: Receipt) -> str:
        return receipt.order.number


class ReceiptPage(Schema):
    items: list[ReceiptOut]
    has_next: bool


class RefundOut(Schema):
    number: str
    fen: int
    state: str = Field(description="asked, sent, done or failed")
    reason: str
    asked_at: dt.datetime
    done_at: dt.datetime | None


class OrderOut(OrderRow):
    lines: list[LineOut]
    receipts: list[ReceiptOut]
    refunds: list[RefundOut]
    parked_fen: int = Field(description="paid, but fitting no open order: finance gives it back or books it")
    is_payable: bool


class BillerOut(Schema):
    id: str
    service: str
    name: str
    account: str = Field(description="what identifies a customer")
    amounts: list[int] = Field(description="face values of a top-up, in fen; empty: it sends bills")


class DueOut(Schema):
    number: str
    period: str
    fen: int


class CustomerOut(Schema):
    name: str = Field(description="masked by the biller")
    bills: list[DueOut]


class DayBillOut(Schema):
    """One provider's accounting day. All sums in fen."""

    provider: str
    day: dt.date
    state: str = Field(description="missing, broken, differs or balanced")
    detail: str
    paid_count: int
    paid_fen: int
    refund_count: int
    refund_fen: int
    own_paid_count: int
    own_paid_fen: int
    own_refund_count: int
    own_refund_fen: int
    ledger_fen: int
    fee_fen: int
    own_fee_fen: int
    sha256: str = Field(description="of the file that was believed last")
    held_at: dt.datetime | None


class DifferenceOut(Schema):
    id: int
    kind: str
    label: str
    subject: str
    number: str
    their_fen: int | None
    our_fen: int | None
    proposal: str
    decision: str
    note: str
    decided_at: dt.datetime | None
    is_settled: bool
    found_at: dt.datetime

    @staticmethod
    def resolve_label(difference: Difference) -> str:
        return difference.get_kind_display()


class ReconciliationOut(Schema):
    bill: DayBillOut
    differences: list[DifferenceOut]
    count: int
    has_next: bool


def _page(found: QuerySet[PayOrder] | QuerySet[Receipt], page: int) -> dict[str, object]:
    shown = list(found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE + 1])
    return {"items": shown[:PAGE_SIZE], "has_next": len(shown) > PAGE_SIZE}


@router.get("/my/payments", auth=citizen_auth, response=OrderPage, summary="我的缴费")
def my_payments(
    request: HttpRequest, state: Literal["", "open", "paid", "closed"] = "", page: PageNumber = 1
) -> dict[str, object]:
    """Own orders and those of one's person, newest first, 50 a page."""
    found = queries.orders_of(account_of(request))
    return _page(found.filter(state=state) if state else found, page)


@router.get("/my/payments/{number}", auth=citizen_auth, response=OrderOut, summary="一笔缴费")
def my_payment(request: HttpRequest, number: Number) -> dict[str, object]:
    """Lines, receipts and refunds of one own order; another person's is 404."""
    order = queries.order_for_payer(account_of(request), number)
    life = queries.life_of(order)
    return {
        **{name: getattr(order, name) for name in OrderRow.model_fields},
        "lines": life.lines,
        "receipts": life.receipts,
        "refunds": life.refunds,
        "parked_fen": sum(one.fen - one.refunded for one in life.payments if one.place == "parked"),
        "is_payable": order.is_payable,
    }


@router.get("/my/receipts", auth=citizen_auth, response=ReceiptPage, summary="我的非税电子票据")
def my_receipts(request: HttpRequest, page: PageNumber = 1) -> dict[str, object]:
    """Receipts of own orders, newest first, 50 a page."""
    return _page(queries.receipts_of(account_of(request)), page)


@router.get("/my/bills", auth=citizen_auth, response=list[BillerOut], summary="生活缴费单位")
def billers(request: HttpRequest) -> list[dict[str, object]]:
    """Whose bills can be paid here."""
    return [
        {"id": one.id, "service": str(one.service), "name": str(one.name), "account": str(one.account), "amounts": list(one.amounts)}
        for one in definitions.billers().values()
    ]  # fmt: skip


@router.get("/my/bills/{biller}", auth=citizen_auth, response=CustomerOut, summary="查账单")
def bills(
    request: HttpRequest, biller: BillerId, customer: Annotated[str, Query(max_length=40, pattern=r"^[^\x00]*$")]
) -> object:
    """What a customer number owes, as the biller says now. 422 for a number that cannot be, 503 when the biller is silent."""
    return services.look_up(services.biller_of(biller), customer.strip())


class BillIn(Schema):
    customer: str = Field(max_length=40, pattern=r"^[^\x00]*$")
    number: str = Field("", max_length=64, pattern=r"^[^\x00]*$", description="of the bill")
    fen: int = Field(0, ge=0, le=10**9, description="face value of a top-up; of a bill the biller's own amount counts")


@router.post("/my/bills/{biller}/orders", auth=citizen_auth, response={201: OrderRow}, summary="为账单开缴费单")
def order_bill(request: HttpRequest, biller: BillerId, wish: BillIn) -> tuple[int, PayOrder]:
    """An order for one bill or top-up; the same bill gives the order that is open. 409 where it is paid or being paid."""
    found, account = services.biller_of(biller), account_of(request)
    if found.amounts:
        order = services.top_up(found, wish.customer.strip(), wish.fen, account)
    else:
        order = services.pay_bill(found, wish.customer.strip(), wish.number, account)
    return 201, order


@router.get(
    "/reconciliations", auth=staff_auth, response=list[DayBillOut], summary="Reconciled days; permission pay.finance"
)
def reconciliations(
    request: HttpRequest, first_day: dt.date, last_day: dt.date, provider: ProviderId | Literal[""] = ""
) -> object:
    """Every provider's days between two, both included, at most a year; newest first. Money is moved by decisions on the pages only."""
    require(account_of(request), "pay.finance")
    found = DayBill.objects.filter(day__gte=first_day, day__lte=last_day).order_by("-day", "provider")
    return list((found.filter(provider=provider) if provider else found)[: MOST_DAYS * len(PROVIDERS)])


@router.get(
    "/reconciliations/{provider}/{day}",
    auth=staff_auth,
    response=ReconciliationOut,
    summary="One day with its differences; permission pay.finance",
)
def reconciliation(
    request: HttpRequest, provider: ProviderId, day: dt.date, page: PageNumber = 1, open_only: bool = False
) -> dict[str, object]:
    """Totals of both sides and the differences, those still open first, 50 a page. The look is recorded."""
    account = account_of(request)
    require(account, "pay.finance")
    bill = DayBill.objects.filter(provider=provider, day=day).first()
    if bill is None:
        raise NotFound
    audit.record(
        actor_of(account, request), "read", subject=("reconciliation", f"{provider} {day}"), purpose="接口读取对账结果"
    )
    found = queries.differences_of(bill)
    pages = Paginator(found.filter(is_settled=False) if open_only else found, PAGE_SIZE)
    return {
        "bill": bill,
        "differences": list(pages.page(page)) if page <= pages.num_pages else [],
        "count": pages.count,
        "has_next": page < pages.num_pages,
    }
