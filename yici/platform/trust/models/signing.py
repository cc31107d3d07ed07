"""Cloud signatures: keys that never leave the service, authorisations bound to one hash, envelopes of several signers."""

from __future__ import annotations

from django.db import models

from yici.base.encrypted import SealedBytesField
from yici.core.files.models import StoredFile
from yici.core.people.models import Account, Person
from yici.platform.trust.models.identity import Assertion


class SigningKey(models.Model):
    """A person's signing key. The private part is in the keystore under `label`; only its certificate is here."""

    class State(models.TextChoices):
        ACTIVE = "active", "可用"
        SUSPENDED = "suspended", "暂停"
        REVOKED = "revoked", "吊销"
        ROTATED = "rotated", "已更换"

    credential_id = models.CharField(max_length=64, unique=True, help_text="credentialID of the CSC API")
    person = models.ForeignKey(Person, models.PROTECT, related_name="signing_keys")
    label = models.CharField(max_length=64, unique=True)
    keystore = models.CharField(max_length=10, help_text="pkcs11 or software")
    algorithm = models.CharField(max_length=10, help_text="P-256 or SM2")
    certificate = models.TextField(help_text="PEM, with the chain after it")
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    created_at = models.DateTimeField()
    valid_to = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    end_reason = models.TextField(blank=True)


class SealedKey(models.Model):
    """A private key of the software keystore, sealed. Read nowhere but in `signatures/keystore/software.py`."""

    label = models.CharField(max_length=64, primary_key=True)
    algorithm = models.CharField(max_length=10)
    material = SealedBytesField(help_text="PKCS#8, DER")
    created_at = models.DateTimeField(auto_now_add=True)


class SigningAuthorisation(models.Model):
    """Leave to sign exactly these hashes once (SAD of the CSC API, sole control level 2)."""

    key = models.ForeignKey(SigningKey, models.PROTECT, related_name="authorisations")
    token_hash = models.BinaryField(max_length=32, unique=True)
    hashes = models.JSONField(help_text="base64 of every hash that may be signed")
    assertion = models.ForeignKey(Assertion, models.PROTECT, related_name="+")
    description = models.TextField(blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)


class Envelope(models.Model):
    """A document that several people sign in an order, each on their own phone."""

    class State(models.TextChoices):
        OPEN = "open", "签署中"
        COMPLETED = "completed", "已完成"
        DECLINED = "declined", "已拒签"
        CANCELLED = "cancelled", "已撤销"
        EXPIRED = "expired", "已过期"

    number = models.CharField(max_length=40, unique=True)
    title = models.TextField()
    case_number = models.CharField(max_length=24, blank=True, db_index=True)
    created_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    original = models.ForeignKey(StoredFile, models.PROTECT, related_name="+")
    current = models.ForeignKey(StoredFile, models.PROTECT, related_name="+", help_text="with the signatures so far")
    evidence = models.ForeignKey(StoredFile, models.PROTECT, null=True, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)


class EnvelopeSigner(models.Model):
    """One signer of an envelope. Signers of the same `order` may sign in any sequence."""

    class State(models.TextChoices):
        WAITING = "waiting", "待轮到"
        ASKED = "asked", "待签署"
        SIGNED = "signed", "已签署"
        DECLINED = "declined", "已拒签"
        REMOVED = "removed", "已移出"

    envelope = models.ForeignKey(Envelope, models.PROTECT, related_name="signers")
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    role = models.TextField(blank=True, help_text="shareholder, legal representative …")
    order = models.SmallIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    key = models.ForeignKey(SigningKey, models.PROTECT, null=True, related_name="+")
    authorisation = models.ForeignKey(SigningAuthorisation, models.PROTECT, null=True, related_name="+")
    document_hash = models.CharField(max_length=64, blank=True, help_text="SHA-256 of what was signed")
    signed_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ["order", "id"]
        constraints = [models.UniqueConstraint(fields=["envelope", "person"], name="trust_signer_once")]


class EnvelopeEvent(models.Model):
    """What happened to an envelope, append-only: goes into its evidence as it stands."""

    class Kind(models.TextChoices):
        CREATED = "created", "发起"
        ASKED = "asked", "通知签署"
        OPENED = "opened", "打开文件"
        SIGNED = "signed", "签署"
        DECLINED = "declined", "拒签"
        REMOVED = "removed", "移出签署人"
        ADDED = "added", "加入签署人"
        REMINDED = "reminded", "提醒"
        CANCELLED = "cancelled", "撤销"
        EXPIRED = "expired", "过期"
        COMPLETED = "completed", "完成"

    envelope = models.ForeignKey(Envelope, models.PROTECT, related_name="events")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    at = models.DateTimeField()
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+", help_text="whom it concerns")
    actor_name = models.TextField(help_text="who did it, as written then")
    detail = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]


class TimeStamp(models.Model):
    """One RFC 3161 time stamp that was given; its number is the serial number in the token."""

    imprint = models.BinaryField(max_length=64)
    algorithm = models.CharField(max_length=10)
    at = models.DateTimeField()
