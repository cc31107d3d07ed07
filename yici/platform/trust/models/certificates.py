"""The certificate library: what was issued to whom, and where its sealed file is."""

from django.db import models

from yici.base import clock
from yici.base.encrypted import BlindIndexField, SealedJSONField, SealedTextField
from yici.core.files.models import StoredFile
from yici.core.people.models import Organisation, Person


class Certificate(models.Model):
    """An electronic certificate (电子证照), GB/T 36903 in short."""

    class State(models.TextChoices):
        MADE = "made", "已制证"
        VALID = "valid", "有效"
        CHANGED = "changed", "已变更"
        SUSPENDED = "suspended", "暂停"
        CANCELLED = "cancelled", "注销"
        REVOKED = "revoked", "撤销"
        EXPIRED = "expired", "过期"

    identifier = models.CharField(max_length=90, unique=True, help_text="GB/T 36904")
    check_code = models.CharField(max_length=12, unique=True, help_text="short code for the public check page")
    type = models.CharField(max_length=40, help_text="slug of certificates/<slug>.yaml in the city folder")
    name = models.TextField()
    number = models.CharField(max_length=60, help_text="certificate number on its face")
    holder = models.ForeignKey(Person, models.PROTECT, null=True, related_name="certificates")
    holder_organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, related_name="+")
    holder_name = SealedTextField()
    issuer = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    issued_on = models.DateField()
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, help_text="last day; null: long-term")
    face = SealedJSONField(help_text="element id → value, as printed")
    state = models.CharField(max_length=10, choices=State.choices, default=State.VALID)
    state_reason = models.TextField(blank=True)
    case_number = models.CharField(max_length=24, blank=True, db_index=True)
    file = models.ForeignKey(StoredFile, models.PROTECT, null=True, related_name="+")
    version = models.SmallIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["type", "number", "version"], name="trust_certificate_number")]
        indexes = [models.Index(fields=["holder", "type"], name="trust_certificate_holder")]


class FurtherHolder(models.Model):
    """Who holds a certificate besides its first holder: the wife, members of a household, who acts for an organisation.

    Of both kinds; for those made in bulk written by COPY with the certificate.
    """

    pk = models.CompositePrimaryKey("holder", "identifier")
    holder = BlindIndexField(help_text="of the ID number, as of the first holder of those made in bulk")
    identifier = models.CharField(max_length=90, db_collation="C")


class CertificateEvent(models.Model):
    """What happened to a certificate, append-only: made, valid, changed, suspended, resumed, cancelled, revoked.

    `identifier` names it wherever it stands: among those issued in a case, or among those made from the lake.
    """

    identifier = models.CharField(max_length=90, db_index=True, db_collation="C")
    action = models.CharField(max_length=12)
    state = models.CharField(max_length=10, choices=Certificate.State.choices)
    reason = models.TextField(blank=True)
    successor = models.CharField(max_length=90, blank=True, help_text="the version that replaces it")
    actor_name = models.TextField(blank=True)
    case_number = models.CharField(max_length=24, blank=True)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["id"]
