"""Identity proofing: reference embeddings of faces, and assertions of who was proven to be who, how well, when."""

from __future__ import annotations

from django.db import models

from yici.base.encrypted import SealedBytesField
from yici.core.people.models import Account, Person


class FaceReference(models.Model):
    """128 numbers (float32) of a reference photo, sealed. The photo itself is not kept."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="face_references")
    embedding = SealedBytesField()
    model = models.CharField(max_length=60, help_text="name and version of the network")
    source = models.CharField(max_length=40, help_text="where the photo came from: police, enrolment at a window")
    created_at = models.DateTimeField()
    replaced_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person"], condition=models.Q(replaced_at=None), name="trust_face_newest"),
        ]


class Assertion(models.Model):
    """One proof of identity, or one failed try. `level`: 1 name, 2 face, 3 credential (OIDC `acr`).

    `capture` is the digest of what was presented: the same capture a second time is a replay. Used once where it
    authorises something (`purpose`, then `used_for`).
    """

    class Method(models.TextChoices):
        NAME = "name", "姓名与身份证号码"
        FACE = "face", "人脸比对"
        PASSKEY = "passkey", "通行密钥"
        CERTIFICATE = "certificate", "数字证书"
        WINDOW = "window", "窗口核验"

    person = models.ForeignKey(Person, models.PROTECT, related_name="assertions")
    account = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    token_hash = models.BinaryField(max_length=32, unique=True, help_text="SHA-256 of the token its holder has")
    level = models.SmallIntegerField()
    method = models.CharField(max_length=12, choices=Method.choices)
    succeeded = models.BooleanField()
    outcome = models.CharField(max_length=30, help_text="matched, other_person, no_face, two_faces, too_dark …")
    distance = models.FloatField(null=True)
    threshold = models.FloatField(null=True)
    liveness = models.FloatField(null=True)
    model = models.CharField(max_length=60, blank=True)
    capture = models.BinaryField(max_length=32, null=True, unique=True)
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    purpose = models.CharField(
        max_length=100, blank=True, default="", help_text="the one act it may authorise; empty: any one"
    )
    vouched_by = models.ForeignKey(
        Account, models.PROTECT, null=True, related_name="+", help_text="who saw the person at a window"
    )
    used_for = models.CharField(max_length=100, blank=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["person", "-made_at"], name="trust_assertion_person")]
