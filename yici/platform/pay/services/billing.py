"""Water, power, gas, telephone, school: look up what is due, pay it, have the biller confirm it; or give the money back.

The amount is always the biller's own, asked for again when the order is made. The biller is told after the money came, by
the outbox, until it answers; where it refuses (paid elsewhere meanwhile) everything goes back to the payer.
"""

from __future__ import annotations

import re

from django.db import transaction
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Conflict, Invalid, NotFound
from yici.core.people.models import Account
from yici.platform.pay import definitions
from yici.platform.pay.definitions import Biller
from yici.platform.pay.models import BillPayment, PayOrder
from yici.platform.pay.providers import Refused, billers
from yici.platform.pay.providers.billers import Customer
from yici.platform.pay.services.ordering import Charge, order_for
from yici.platform.pay.services.refunding import refund_rest

HOURS = 2


def biller_of(biller: str) -> Biller:
    """Raises `NotFound`."""
    found = definitions.billers().get(biller)
    if found is None:
        raise NotFound
    return found


def look_up(biller: Biller, customer: str) -> Customer:
    """What a customer owes. Raises `Invalid` for a number that cannot be, `Unavailable`, `Refused`."""
    if not re.fullmatch(biller.account_pattern, customer):
        raise Invalid(_("号码的格式不对。"), fields={"customer": str(biller.account_hint)})
    return billers.bills_of(biller.id, customer)


def pay_bill(biller: Biller, customer: str, number: str, account: Account) -> PayOrder:
    """An order for one bill that is due. Raises `Conflict` where it is paid or somebody else is paying, `Invalid`, `Unavailable`."""
    due = next((one for one in look_up(biller, customer).bills if one.number == number), None)
    if due is None:
        raise Conflict(_("这张账单已经缴清或不存在，没有扣款。"))
    return _order(biller, customer, due.number, due.period, due.fen, account)


def top_up(biller: Biller, customer: str, fen: int, account: Account) -> PayOrder:
    """An order for one of the biller's face values; each is an order of its own. Raises `Invalid`."""
    if not re.fullmatch(biller.account_pattern, customer):
        raise Invalid(_("号码的格式不对。"), fields={"customer": str(biller.account_hint)})
    if fen not in biller.amounts:
        raise Invalid(_("请选择充值面额。"), fields={"fen": _("请选择充值面额。")})
    number = f"T{clock.now():%Y%m%d%H%M%S%f}"
    return _order(biller, customer, number, "", fen, account)


@transaction.atomic
def _order(biller: Biller, customer: str, number: str, period: str, fen: int, account: Account) -> PayOrder:
    known = BillPayment.objects.filter(biller=biller.id, customer=customer, bill_number=number).select_related("order")
    before = list(known.order_by("-id"))
    for one in before:
        if one.state in (BillPayment.State.PAID, BillPayment.State.CONFIRMED):
            raise Conflict(_("这张账单已经付过款，请不要重复支付。"))
        if one.order.is_payable:
            if one.order.account_id == account.pk and one.order.lines.filter(full_fen=fen).exists():
                return one.order
            raise Conflict(_("这张账单正在被支付，请稍后再试。"))
    label = f"{biller.service.zh}{period and ' ' + period} {customer}"
    order = order_for(
        f"bill:{biller.id}:{customer}:{number}:{len(before)}", [Charge(biller.fee, of=fen, label=label)],
        title=label, payer=account.person, account=account, purpose="bill", hours=HOURS,
    )  # fmt: skip
    if order is None:
        raise Conflict(_("这张账单减免后不用付款。"))
    BillPayment.objects.get_or_create(
        order=order, defaults={"biller": biller.id, "customer": customer, "bill_number": number, "period": period}
    )
    return order


def bill_changed(order: PayOrder, what: str) -> None:
    """For the outbox: paid → tell the biller; refunded whole → take the confirmation back. Raises to be called again."""
    bill = BillPayment.objects.select_for_update().filter(order=order).first()
    if bill is None:
        return
    if what == "paid" and bill.state in (BillPayment.State.WAITING, BillPayment.State.PAID):
        bill.state = BillPayment.State.PAID
        try:
            fen = sum(line.full_fen for line in order.lines.all())
            bill.reference = billers.confirm(bill.biller, bill.customer, bill.bill_number, fen, order.number)
            bill.state = BillPayment.State.CONFIRMED
        except Refused as error:
            bill.state, bill.detail = BillPayment.State.REVERSED, str(error.message)
            refund_rest(order, reason="收费单位未能销账，原路退回", account=None, key=f"bill-refused:{order.number}")
        bill.save()
    elif what == "refunded" and bill.state == BillPayment.State.CONFIRMED and _is_all_back(order):
        billers.reverse(bill.biller, bill.customer, bill.bill_number, order.number)
        bill.state = BillPayment.State.REVERSED
        bill.save()


def _is_all_back(order: PayOrder) -> bool:
    return any(one.refunded == one.fen for one in order.payments.filter(place="applied"))
