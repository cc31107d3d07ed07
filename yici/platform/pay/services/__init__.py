"""Every change of paying: orders, attempts, payments, refunds, receipts; the fee list and reconciliation beside them."""

from __future__ import annotations

from yici.platform.pay.services.billing import bill_changed, biller_of, look_up, pay_bill, top_up
from yici.platform.pay.services.following import follow_up
from yici.platform.pay.services.listing import propose_fee, review_fee
from yici.platform.pay.services.ordering import Charge, order_for, quote
from yici.platform.pay.services.paying import (
    ask,
    begin,
    cancel,
    close,
    close_expired,
    poll,
    settle,
    take_notice,
)
from yici.platform.pay.services.receipts import issue_receipts
from yici.platform.pay.services.reconciling import decide, hold_again, reconcile, reconcile_due, take_bill
from yici.platform.pay.services.refunding import refund_allowed, refund_rest, request_refund, send_waiting
from yici.platform.pay.services.refunding import send as send_refund

__all__ = [
    "Charge",
    "ask",
    "begin",
    "bill_changed",
    "biller_of",
    "cancel",
    "close",
    "close_expired",
    "decide",
    "follow_up",
    "hold_again",
    "issue_receipts",
    "look_up",
    "order_for",
    "pay_bill",
    "poll",
    "propose_fee",
    "quote",
    "reconcile",
    "reconcile_due",
    "refund_allowed",
    "refund_rest",
    "request_refund",
    "review_fee",
    "send_refund",
    "send_waiting",
    "settle",
    "take_bill",
    "take_notice",
    "top_up",
]
