"""Papers that were read: a picture, the fields found in it with their confidence, and who confirmed them."""

from __future__ import annotations

from django.db import models

from yici.base.encrypted import SealedJSONField
from yici.core.files.models import StoredFile
from yici.core.people.models import Account


class PaperBatch(models.Model):
    """A department's paper series read in one go; confirmed fields become rows of a data class."""

    series = models.CharField(max_length=80, help_text="slug of the paper series")
    name = models.TextField()
    made_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    given = models.JSONField(default=dict, help_text="element id → value, the same on every page and on no paper")
    skipped = models.JSONField(default=list, help_text="[{name, reason}] of files that were not taken")
    run = models.IntegerField(null=True, help_text="latest run of the data service")
    delivered_at = models.DateTimeField(null=True, help_text="handed over to the data service")
    delivered_rows = models.IntegerField(default=0)


class PaperReading(models.Model):
    """One page. `fields`: element id → {value, confidence, problems, boxes}; sealed, as it is a copy of a certificate."""

    class State(models.TextChoices):
        QUEUED = "queued", "待识别"
        READ = "read", "待确认"
        CONFIRMED = "confirmed", "已确认"
        DELIVERED = "delivered", "已入库"
        HELD = "held", "已隔离"
        REFUSED = "refused", "无法识别"

    file = models.ForeignKey(StoredFile, models.PROTECT, related_name="+")
    batch = models.ForeignKey(PaperBatch, models.PROTECT, null=True, related_name="pages")
    page = models.SmallIntegerField(default=1, help_text="of a PDF, from 1")
    kind = models.CharField(max_length=30, help_text="id_card, household_register, business_licence …; empty: unknown")
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    fields = SealedJSONField(default=dict)
    message = models.TextField(blank=True, help_text="why it was refused or held, for people")
    turned = models.SmallIntegerField(default=0, help_text="quarter turns counter-clockwise that made it upright")
    width = models.IntegerField(default=0, help_text="of the upright picture as read, pixels")
    height = models.IntegerField(default=0)
    doubts = models.SmallIntegerField(default=0, help_text="fields a person must look at twice")
    model = models.CharField(max_length=60, blank=True)
    cpu_seconds = models.FloatField(null=True)
    asked_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    confirmed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    confirmed_at = models.DateTimeField(null=True)
    forgotten_at = models.DateTimeField(null=True, help_text="what was read is gone, its time being over")
    corrections = models.JSONField(default=list, help_text="element ids that the person changed")

    class Meta:
        indexes = [
            models.Index(fields=["batch", "state"], name="trust_reading_batch"),
            models.Index(fields=["file", "page"], name="trust_reading_file"),
        ]
