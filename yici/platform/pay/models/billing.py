"""Bills of water, power, gas, telephone and school: which order pays which bill, and what the biller said."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from yici.platform.pay.models.orders import PayOrder


class BillPayment(models.Model):
    """An order for a biller's bill. Confirmed at the biller after the money came; reversed where the biller refuses."""

    class State(models.TextChoices):
        WAITING = "waiting", _("待支付")
        PAID = "paid", _("待销账")
        CONFIRMED = "confirmed", _("已销账")
        REVERSED = "reversed", _("已冲正")

    order = models.OneToOneField(PayOrder, models.PROTECT, related_name="bill")
    biller = models.CharField(max_length=40)
    customer = models.CharField(max_length=40, help_text="户号, telephone or student number")
    bill_number = models.CharField(max_length=64)
    period = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    reference = models.CharField(max_length=64, blank=True, help_text="the biller's own number of the confirmation")
    detail = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["biller", "customer", "bill_number"], name="pay_bill_payment")]
