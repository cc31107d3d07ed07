"""Every change of paying: orders, attempts, payments, refunds, receipts; the fee list and reconciliation beside them."""

from __future__ import annotations

from yici.platform.pay.services.following import follow_up
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
from yici.platform.pay.services.refunding import refund_rest, request_refund, send_waiting
from yici.platform.pay.services.refunding import send as send_refund

__all__ = [
    "Charge",
    "ask",
    "begin",
    "cancel",
    "close",
    "close_expired",
    "follow_up",
    "issue_receipts",
    "order_for",
    "poll",
    "quote",
    "refund_rest",
    "request_refund",
    "send_refund",
    "send_waiting",
    "settle",
    "take_notice",
]
