"""Reading orders: a payer's own, a case's, a cashier's list, one order's life."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import F, Q, QuerySet

from yici.base.errors import NotFound
from yici.core.files.models import StoredFile
from yici.core.ledger import queries as ledger
from yici.core.ledger.models import LedgerTransaction
from yici.core.people.models import Account
from yici.core.people.queries import scope_of
from yici.platform.pay.models import Callback, DayBill, Difference, OrderLine, Payment, PayOrder, Receipt, Refund

__all__ = [
    "Life",
    "OrderFilter",
    "callbacks_of",
    "differences_of",
    "left_of",
    "life_of",
    "order_for_payer",
    "order_for_staff",
    "order_of_case",
    "orders_for_staff",
    "orders_of",
    "parked_payments",
    "reads_own_receipt",
    "receipt_by_code",
    "receipts_of",
    "refundable_of",
]


def _own(account: Account) -> Q:
    mine = Q(account=account)
    return mine | Q(payer=account.person_id) if account.person_id else mine


def orders_of(account: Account) -> QuerySet[PayOrder]:
    """Orders of the account and of its person, newest first: whoever opened a case for somebody pays for it too."""
    return PayOrder.objects.filter(_own(account)).order_by("-id")


def order_for_payer(account: Account, number: str) -> PayOrder:
    """Raises `NotFound` for another person's order as for none."""
    found = orders_of(account).filter(number=number).first()
    if found is None:
        raise NotFound
    return found


def order_of_case(case_number: str) -> PayOrder | None:
    """The order of a case's fees; the newest where there are several."""
    return PayOrder.objects.filter(case_number=case_number, purpose="fee").order_by("-id").first()


def left_of(payment: Payment, *, only_done: bool = False) -> dict[str, int]:
    """What each account of an order still has of a payment and may give back, budgets below zero; together what is not refunded.

    Refunds on their way count as gone, unless `only_done`.
    """
    if payment.order is None:
        return {}
    left = {str(code): -int(amount) for code, amount in payment.order.legs}
    refunds = (
        payment.refunds.filter(state=Refund.State.DONE)
        if only_done
        else payment.refunds.exclude(state=Refund.State.FAILED)
    )
    for legs in refunds.values_list("legs", flat=True):
        for code, amount in legs:
            left[code] -= amount
    return left


def refundable_of(order: PayOrder) -> tuple[Payment | None, int]:
    """The applied payment and how many fen of it may still go back."""
    payment = order.payments.filter(place=Payment.Place.APPLIED).first()  # which knows its order without asking
    return payment, payment.fen - payment.refunded if payment else 0


def reads_own_receipt(account: Account, stored: StoredFile) -> bool:
    """For the file kernel: payers may read the files of their receipts."""
    receipt = Receipt.objects.filter(file=stored).select_related("order").first()
    return receipt is not None and orders_of(account).filter(pk=receipt.order_id).exists()


def receipts_of(account: Account) -> QuerySet[Receipt]:
    """Receipts of the account's orders, newest first, each with its order."""
    return Receipt.objects.filter(order__in=orders_of(account)).select_related("order").order_by("-id")


def receipt_by_code(identifier: str, check_code: str) -> Receipt | None:
    """For the public check of a receipt: batch and number together, and the check code that stands on it."""
    if len(identifier) != 18 or not check_code:
        return None
    return Receipt.objects.filter(batch=identifier[:8], number=identifier[8:], check_code=check_code.lower()).first()


# Staff


@dataclass(frozen=True)
class OrderFilter:
    """What a cashier looks for. `words`: order, case, trade or refund number."""

    words: str = ""
    state: str = ""
    provider: str = ""
    first_day: dt.date | None = None
    last_day: dt.date | None = None


def orders_for_staff(account: Account, wanted: OrderFilter, permission: str = "pay.cashier") -> QuerySet[PayOrder]:
    """Orders with a line for a body in the account's scope, newest first."""
    found = PayOrder.objects.filter(_in_scope(account, permission))
    if wanted.words:
        word = wanted.words
        found = found.filter(
            Q(number=word)
            | Q(case_number=word)
            | Q(attempts__number=word)
            | Q(payments__trade_no=word)
            | Q(payments__refunds__number=word)
        ).distinct()
    if wanted.state == "refunded":
        found = found.filter(payments__refunded__gt=0).distinct()
    elif wanted.state:
        found = found.filter(state=wanted.state)
    if wanted.provider:
        found = found.filter(payments__provider=wanted.provider).distinct()
    if wanted.first_day:
        found = found.filter(created_at__date__gte=wanted.first_day)
    if wanted.last_day:
        found = found.filter(created_at__date__lte=wanted.last_day)
    return found.select_related("payer").order_by("-id")


def _in_scope(account: Account, permission: str) -> Q:
    scope = scope_of(account, permission)
    lines = OrderLine.objects.filter(scope.q("payee", None))
    return Q(pk__in=lines.values("order"))


def order_for_staff(account: Account, number: str, permission: str = "pay.cashier") -> PayOrder:
    """Raises `NotFound` for an order outside the scope as for none."""
    found = orders_for_staff(account, OrderFilter(), permission).filter(number=number).first()
    if found is None:
        raise NotFound
    return found


@dataclass(frozen=True)
class Life:
    """Everything about one order."""

    order: PayOrder
    lines: list[OrderLine]
    payments: list[Payment]
    refunds: list[Refund]
    receipts: list[Receipt]
    transactions: list[LedgerTransaction]
    callbacks: list[Callback]

    @property
    def refunded(self) -> int:
        return sum(one.fen for one in self.refunds if one.state == Refund.State.DONE)


def life_of(order: PayOrder) -> Life:
    """In a constant number of queries."""
    payments = list(order.payments.order_by("id"))
    return Life(
        order,
        list(order.lines.all()),
        payments,
        list(Refund.objects.filter(payment__in=payments).order_by("id")),
        list(order.receipts.order_by("id")),
        list(ledger.transactions_about(order.number)),
        callbacks_of(order),
    )


def callbacks_of(order: PayOrder) -> list[Callback]:
    numbers = list(order.attempts.values_list("number", flat=True))
    refunds = list(Refund.objects.filter(payment__order=order).values_list("number", flat=True))
    return list(Callback.objects.filter(number__in=[*numbers, *refunds]).order_by("id"))


def differences_of(bill: DayBill) -> QuerySet[Difference]:
    """Those still open first."""
    return Difference.objects.filter(bill=bill).order_by("is_settled", "kind", "id")


def parked_payments() -> QuerySet[Payment]:
    """Money in suspense that nobody has decided about, oldest first."""
    return (
        Payment.objects.filter(place=Payment.Place.PARKED, refunded__lt=F("fen")).select_related("order").order_by("id")
    )
