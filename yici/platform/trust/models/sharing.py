"""Showing and sharing certificates: what a holder allowed, to whom, for what, until when, and every use of it."""

from __future__ import annotations

from django.db import models

from yici.base import clock
from yici.base.encrypted import BlindIndexField
from yici.core.people.models import Account, Organisation, Person


class Share(models.Model):
    """授权用证: these fields of this certificate, for this purpose, until then. The code is kept as its hash only.

    A showing (亮证) is a share of a minute or two, for whoever stands before the holder.
    """

    class Kind(models.TextChoices):
        SHOW = "show", "亮证"
        SHARE = "share", "授权用证"

    kind = models.CharField(max_length=5, choices=Kind.choices)
    code_hash = models.BinaryField(max_length=32, unique=True, help_text="SHA-256 of the code")
    identifier = models.CharField(max_length=90, db_collation="C", db_index=True)
    holder = models.ForeignKey(Person, models.PROTECT, related_name="certificate_shares")
    made_by = models.ForeignKey(Account, models.PROTECT, related_name="+", help_text="holder, or who acts for her")
    elements = models.JSONField(help_text="element ids that may be seen")
    purpose = models.TextField()
    recipient = models.TextField(blank=True, help_text="who it is meant for, in the holder's words")
    recipient_organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="+")
    single_use = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["holder", "-created_at"], name="trust_share_holder")]


class WrongCode(models.Model):
    """A code of a share that there was not. `address`: blind index of where it came from, which waits after too many."""

    address = BlindIndexField()
    at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["address", "at"], name="trust_wrong_code")]


class ShareUse(models.Model):
    """One use of a share, or one attempt that was refused, as the holder reads it. Append-only."""

    share = models.ForeignKey(Share, models.PROTECT, related_name="uses")
    at = models.DateTimeField(default=clock.now)
    by = models.TextField(help_text="name of the organisation or person, or where it came from")
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    address = models.GenericIPAddressField(null=True)
    elements = models.JSONField(default=list)
    refused = models.CharField(
        max_length=20, blank=True, help_text="expired, revoked, used, state, recipient; empty: seen"
    )

    class Meta:
        ordering = ["-id"]
