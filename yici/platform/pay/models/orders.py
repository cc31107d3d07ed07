"""Orders and what became of them. Amounts are fen, CNY. The books are in core.ledger; these rows say what they mean."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from yici.base import clock
from yici.core.files.models import StoredFile
from yici.core.people.models import Account, Organisation, Person
from yici.platform.pay.models.fees import FeeVersion


class PayOrder(models.Model):
    """One sum to be paid once, for one or several payees. `number`: 24 digits, fit for every provider.

    `legs` are the ledger legs of payees and subsidies, made once when the order is made; a payment adds the provider's.
    """

    class State(models.TextChoices):
        OPEN = "open", _("待支付")
        PAID = "paid", _("已支付")
        CLOSED = "closed", _("已关闭")

    number = models.CharField(max_length=32)
    key = models.CharField(max_length=255, help_text="idempotency key of whoever asked for it")
    digest = models.BinaryField(max_length=32, help_text="SHA-256 of what was asked for under the key")
    title = models.TextField()
    payer = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    case_number = models.TextField(blank=True)
    fen = models.BigIntegerField(help_text="what the payer pays")
    legs = models.JSONField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    closed_why = models.TextField(blank=True)
    purpose = models.CharField(max_length=20, default="fee", help_text="fee: of a case; bill: of a biller")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["number"], name="pay_order_number"),
            models.UniqueConstraint(fields=["key"], name="pay_order_key"),
            models.CheckConstraint(condition=models.Q(fen__gt=0, fen__lte=10**11), name="pay_order_fen"),
        ]
        indexes = [
            models.Index(fields=["account", "-id"], name="pay_order_account"),
            models.Index(fields=["payer", "-id"], name="pay_order_payer"),
            models.Index(fields=["case_number"], name="pay_order_case", condition=~models.Q(case_number="")),
            models.Index(fields=["expires_at"], name="pay_order_open", condition=models.Q(state="open")),
        ]

    @property
    def is_payable(self) -> bool:
        """Open, and not expired now."""
        return self.state == self.State.OPEN and self.expires_at > clock.now()


class OrderLine(models.Model):
    """One charge of an order. `fen` goes to the payee; the payer pays `fen - subsidy`."""

    order = models.ForeignKey(PayOrder, models.PROTECT, related_name="lines", db_constraint=False, db_index=False)
    place = models.SmallIntegerField()
    fee = models.ForeignKey(FeeVersion, models.PROTECT, null=True, help_text="none: a biller's bill")
    label = models.TextField()
    label_en = models.TextField(blank=True)
    payee = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="+")
    payee_code = models.CharField(max_length=120, help_text="ledger account")
    payee_name = models.TextField()
    quantity = models.IntegerField(default=1)
    full_fen = models.BigIntegerField(help_text="before reductions")
    fen = models.BigIntegerField()
    subsidy = models.BigIntegerField(default=0)
    subsidy_code = models.CharField(max_length=120, blank=True)
    reduction = models.TextField(blank=True, help_text="which reduction, on which basis")
    non_tax = models.BooleanField(default=False)

    class Meta:
        ordering = ["order", "place"]
        constraints = [
            models.UniqueConstraint(fields=["order", "place"], name="pay_line_place"),
            models.CheckConstraint(
                condition=models.Q(fen__gte=0, subsidy__gte=0, subsidy__lte=models.F("fen")), name="pay_line_fen"
            ),
        ]


class OrderEvent(models.Model):
    """What happened to an order, in order; only ever added."""

    # Orders are never removed, and events are written only by who holds the order: no check of its existence with each.
    order = models.ForeignKey(PayOrder, models.PROTECT, related_name="events", db_constraint=False)
    kind = models.CharField(max_length=20)
    at = models.DateTimeField()
    actor_name = models.TextField()
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]


class FollowUp(models.Model):
    """The outbox: what must still be done because of an event (receipt, message, the case goes on). Removed when done."""

    event = models.OneToOneField(
        OrderEvent, models.PROTECT, primary_key=True, related_name="follow_up", db_constraint=False
    )
    attempts = models.SmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    last_error = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["next_attempt_at"], name="pay_follow_up_due")]


class Attempt(models.Model):
    """One try to pay an order with one provider. `number` is what the provider knows it by (商户订单号)."""

    class State(models.TextChoices):
        MADE = "made", _("已创建")
        OPEN = "open", _("等待付款")
        PAID = "paid", _("已付款")
        CLOSED = "closed", _("已关闭")

    order = models.ForeignKey(PayOrder, models.PROTECT, related_name="attempts")
    provider = models.CharField(max_length=20)
    number = models.CharField(max_length=32)
    fen = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.MADE)
    scan = models.TextField(blank=True, help_text="what the QR code holds")
    link = models.TextField(blank=True, help_text="where a phone is sent")
    created_at = models.DateTimeField()
    asked_at = models.DateTimeField(null=True, help_text="when the provider was last asked about it")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["number"], name="pay_attempt_number")]
        indexes = [
            models.Index(fields=["created_at"], name="pay_attempt_open", condition=models.Q(state__in=["made", "open"]))
        ]


class Payment(models.Model):
    """Money that a provider says it took. `parked`: it fits no order; it stands in suspense until somebody decides."""

    class Place(models.TextChoices):
        APPLIED = "applied", _("已入账")
        PARKED = "parked", _("暂存")

    class Why(models.TextChoices):
        NONE = "", ""
        UNKNOWN = "unknown_order", _("没有对应的订单")
        AMOUNT = "amount_differs", _("金额与订单不符")
        TWICE = "paid_twice", _("订单重复支付")
        LATE = "late", _("订单关闭后到账")

    provider = models.CharField(max_length=20)
    trade_no = models.CharField(max_length=64)
    attempt = models.ForeignKey(
        Attempt, models.PROTECT, null=True, related_name="payments", db_constraint=False, db_index=False
    )
    order = models.ForeignKey(PayOrder, models.PROTECT, null=True, related_name="payments", db_constraint=False)
    number = models.CharField(max_length=32, help_text="商户订单号, as the provider told it")
    fen = models.BigIntegerField()
    refunded = models.BigIntegerField(default=0, help_text="given back or on the way back")
    place = models.CharField(max_length=10, choices=Place.choices)
    why = models.CharField(max_length=20, choices=Why.choices, blank=True)
    paid_at = models.DateTimeField()
    day = models.DateField(help_text="the provider's accounting day, Asia/Shanghai")
    seen_at = models.DateTimeField()
    seen_by = models.CharField(max_length=20, help_text="callback, query, poll or bill")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "trade_no"], name="pay_payment_trade"),
            models.UniqueConstraint(
                fields=["order"], condition=models.Q(place="applied"), name="pay_payment_one_an_order"
            ),
            models.CheckConstraint(
                condition=models.Q(fen__gt=0, refunded__gte=0, refunded__lte=models.F("fen")), name="pay_payment_fen"
            ),
        ]
        indexes = [
            models.Index(fields=["provider", "day"], name="pay_payment_day"),
            models.Index(fields=["-id"], name="pay_payment_parked", condition=models.Q(place="parked")),
        ]


class Refund(models.Model):
    """Money on its way back. Reserved on the payment first, sent, and booked when the provider confirms."""

    class State(models.TextChoices):
        ASKED = "asked", _("待发出")
        SENT = "sent", _("处理中")
        DONE = "done", _("已退款")
        FAILED = "failed", _("退款失败")

    number = models.CharField(max_length=32, unique=True)
    key = models.CharField(max_length=255, unique=True)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="refunds")
    fen = models.BigIntegerField()
    legs = models.JSONField()
    reason = models.TextField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.ASKED)
    provider_number = models.CharField(max_length=64, blank=True)
    asked_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    day = models.DateField(null=True)
    last_error = models.TextField(blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(fen__gt=0), name="pay_refund_fen")]
        indexes = [
            models.Index(fields=["asked_at"], name="pay_refund_open", condition=models.Q(state__in=["asked", "sent"])),
            models.Index(fields=["day"], name="pay_refund_day"),
        ]


class Receipt(models.Model):
    """An electronic non-tax receipt (非税收入电子票据) of one payee for one payment; a full refund turns it red (冲红)."""

    class State(models.TextChoices):
        VALID = "valid", _("有效")
        REVERSED = "reversed", _("已冲红")

    order = models.ForeignKey(PayOrder, models.PROTECT, related_name="receipts")
    payee_code = models.CharField(max_length=120)
    payee_name = models.TextField()
    batch = models.CharField(max_length=8, help_text="票据代码")
    number = models.CharField(max_length=10, help_text="票据号码")
    check_code = models.CharField(max_length=6, help_text="校验码")
    fen = models.BigIntegerField()
    payer_name = models.TextField()
    lines = models.JSONField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.VALID)
    file = models.ForeignKey(StoredFile, models.PROTECT, null=True, related_name="+")
    issued_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["batch", "number"], name="pay_receipt_number"),
            models.UniqueConstraint(fields=["order", "payee_code"], name="pay_receipt_once"),
        ]


class Callback(models.Model):
    """What a provider told us, whether believed or not; kept for the life of an order and for disputes."""

    provider = models.CharField(max_length=20)
    number = models.CharField(max_length=64, blank=True)
    outcome = models.CharField(max_length=20, help_text="settled, repeated, parked, refund, refused, ignored")
    detail = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["number"], name="pay_callback_number")]
