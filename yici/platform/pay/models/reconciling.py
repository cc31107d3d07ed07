"""Each day's bill of each provider, its rows, and what differs from our books."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from yici.core.people.models import Account


class DayBill(models.Model):
    """One provider's bill of one day and the outcome of holding it against the ledger. Amounts in fen."""

    class State(models.TextChoices):
        MISSING = "missing", _("未取到账单")
        BROKEN = "broken", _("账单无法采信")
        DIFFERS = "differs", _("有差异")
        BALANCED = "balanced", _("平")

    provider = models.CharField(max_length=20)
    day = models.DateField()
    state = models.CharField(max_length=10, choices=State.choices)
    detail = models.TextField(blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    paid_count = models.IntegerField(default=0)
    paid_fen = models.BigIntegerField(default=0)
    refund_count = models.IntegerField(default=0)
    refund_fen = models.BigIntegerField(default=0)
    own_paid_count = models.IntegerField(default=0)
    own_paid_fen = models.BigIntegerField(default=0)
    own_refund_count = models.IntegerField(default=0)
    own_refund_fen = models.BigIntegerField(default=0)
    ledger_fen = models.BigIntegerField(
        default=0, help_text="the day's entries of the provider's ledger account, without fees"
    )
    fee_fen = models.BigIntegerField(default=0, help_text="what the provider keeps (手续费), by its bill")
    own_fee_fen = models.BigIntegerField(default=0, help_text="of it, what is booked")
    fetched_at = models.DateTimeField(null=True)
    held_at = models.DateTimeField(null=True, help_text="when it was last held against the ledger")

    class Meta:
        ordering = ["-day", "provider"]
        constraints = [models.UniqueConstraint(fields=["provider", "day"], name="pay_day_bill")]


class BillRow(models.Model):
    """One line of a provider's bill: money in (`payment`) or out (`refund`); its fee is below zero where it came back."""

    bill = models.ForeignKey(DayBill, models.CASCADE, related_name="rows")
    kind = models.CharField(max_length=10)
    trade_no = models.CharField(max_length=64)
    number = models.CharField(max_length=64)
    refund_number = models.CharField(max_length=64, blank=True)
    fen = models.BigIntegerField()
    fee_fen = models.BigIntegerField(default=0)
    at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["bill", "kind", "trade_no"], name="pay_bill_row")]


class Difference(models.Model):
    """Something that differs between a bill and the books, what is proposed, and what somebody decided."""

    class Kind(models.TextChoices):
        ONLY_BILL = "only_bill", _("账单有、我方无")
        ONLY_BILL_REFUND = "only_bill_refund", _("账单有退款、我方无")
        ONLY_OURS = "only_ours", _("我方有、账单无")
        ONLY_OURS_REFUND = "only_ours_refund", _("我方有退款、账单无")
        AMOUNT = "amount", _("金额不同")
        REFUND_AMOUNT = "refund_amount", _("退款金额不同")
        TWICE = "twice", _("账单重复")
        OTHER_DAY = "other_day", _("账在另一天")
        PARKED = "parked", _("暂存款待处理")
        FEE = "fee", _("手续费未记账")
        LEDGER = "ledger", _("流水与账簿不符")

    class Action(models.TextChoices):
        BOOK = "book", _("查实后补记入账")
        BOOK_REFUND = "book_refund", _("查实后补记退款")
        BOOK_FEE = "book_fee", _("核对后记手续费")
        RETURN = "return", _("原路退回付款人")
        ASK = "ask", _("向支付机构查询")
        WAIT = "wait", _("等次日账单")
        REPORT = "report", _("报告财务负责人")

    # Which act on the books fits which difference; asking, waiting and reporting fit every one.
    ACTS: ClassVar[dict[str, Action]] = {
        Kind.ONLY_BILL: Action.BOOK,
        Kind.ONLY_BILL_REFUND: Action.BOOK_REFUND,
        Kind.FEE: Action.BOOK_FEE,
        Kind.PARKED: Action.RETURN,
    }

    bill = models.ForeignKey(DayBill, models.PROTECT, related_name="differences")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    subject = models.CharField(max_length=64, help_text="trade or refund number")
    number = models.CharField(max_length=64, blank=True, help_text="商户订单号")
    their_fen = models.BigIntegerField(null=True)
    our_fen = models.BigIntegerField(null=True)
    proposal = models.CharField(max_length=12, choices=Action.choices)
    decision = models.CharField(max_length=12, choices=Action.choices, blank=True)
    note = models.TextField(blank=True)
    decided_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    is_settled = models.BooleanField(default=False, help_text="a later run found that it is gone")
    found_at = models.DateTimeField()

    class Meta:
        ordering = ["bill", "kind", "subject"]
        constraints = [models.UniqueConstraint(fields=["bill", "kind", "subject"], name="pay_difference_once")]

    @property
    def actions(self) -> list[tuple[str, str]]:
        """What somebody may decide here, by value and label."""
        act = self.ACTS.get(self.kind)
        fitting = (act, self.Action.ASK, self.Action.WAIT, self.Action.REPORT)
        return [(one.value, str(one.label)) for one in fitting if one]
