"""The fee list (收费清单): what may be charged at all, with its history."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from yici.core.people.models import Account


class FeeItem(models.Model):
    """One line of the list. `current` is what is charged now; none: not charged any more."""

    code = models.CharField(max_length=60, primary_key=True)
    current = models.ForeignKey("FeeVersion", models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["code"]


class FeeVersion(models.Model):
    """A fee as it was, is, or is proposed to be. Published versions are never changed; an order line pins one."""

    class State(models.TextChoices):
        PROPOSED = "proposed", _("待复核")
        PUBLISHED = "published", _("已发布")
        REJECTED = "rejected", _("未通过")

    item = models.ForeignKey(FeeItem, models.PROTECT, related_name="versions")
    number = models.IntegerField()
    definition = models.JSONField(help_text="pay.definitions.Fee")
    digest = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State.choices)
    source = models.CharField(max_length=10, help_text="folder: from the city folder; desk: proposed on the page")
    reason = models.TextField(blank=True)
    proposed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    proposed_at = models.DateTimeField()
    reviewed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    reviewed_at = models.DateTimeField(null=True)
    opinion = models.TextField(blank=True)

    class Meta:
        ordering = ["item", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["item", "number"], name="pay_fee_version_number"),
            models.UniqueConstraint(fields=["item"], condition=models.Q(state="proposed"), name="pay_fee_one_proposal"),
            models.CheckConstraint(
                condition=models.Q(reviewed_by=None) | ~models.Q(reviewed_by=models.F("proposed_by")),
                name="pay_fee_second_person",
            ),
        ]
