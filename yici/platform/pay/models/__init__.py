"""Tables of paying, by subject."""

from __future__ import annotations

from yici.platform.pay.models.billing import BillPayment
from yici.platform.pay.models.fees import FeeItem, FeeVersion
from yici.platform.pay.models.orders import (
    Attempt,
    Callback,
    FollowUp,
    OrderEvent,
    OrderLine,
    Payment,
    PayOrder,
    Receipt,
    Refund,
)
from yici.platform.pay.models.reconciling import BillRow, DayBill, Difference

__all__ = [
    "Attempt",
    "BillPayment",
    "BillRow",
    "Callback",
    "DayBill",
    "Difference",
    "FeeItem",
    "FeeVersion",
    "FollowUp",
    "OrderEvent",
    "OrderLine",
    "PayOrder",
    "Payment",
    "Receipt",
    "Refund",
]
