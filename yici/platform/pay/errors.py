"""What may go wrong with an order, as a person can act on it."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from yici.base.errors import Conflict, Invalid


class OrderNotOpen(Conflict):
    slug = "order-not-open"
    message = _("这笔订单已经支付或关闭，不能再付款。请刷新页面查看。")


class OrderExpired(Conflict):
    slug = "order-expired"
    message = _("这笔订单已过付款期限，没有扣款。请回到办件或账单重新缴费。")


class AmountChanged(Conflict):
    """`refund_amount_available` of the request is not what is available: somebody refunded meanwhile."""

    slug = "refund-amount-changed"
    message = _("可退金额已变化，可能有人刚办理了退款。请刷新页面后核对再退。")


class TooMuch(Invalid):
    slug = "refund-too-much"
    message = _("退款金额超过可退金额。")


class NothingToRefund(Conflict):
    slug = "nothing-to-refund"
    message = _("这笔订单没有可以退的款。")
