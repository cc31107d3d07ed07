"""Certificates made in bulk from the lake: one canonical record each, signed by batches of 4,096."""

from __future__ import annotations

from django.db import models

from yici.base import clock
from yici.base.encrypted import BlindIndexField


class MakingRun(models.Model):
    """One run of making (制证) of one type from one version of a class. Resumable: `next_batch` is where it goes on."""

    class State(models.TextChoices):
        RUNNING = "running", "制证中"
        DONE = "done", "已完成"
        STOPPED = "stopped", "已停止"

    type = models.CharField(max_length=40, help_text="slug of certificates/<slug>.yaml")
    source = models.CharField(max_length=120, help_text="what it was made from: class and version")
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    total = models.BigIntegerField(help_text="rows of the source")
    made = models.BigIntegerField(default=0)
    unchanged = models.BigIntegerField(default=0, help_text="rows whose certificate stands already, the same")
    changed = models.BigIntegerField(default=0, help_text="rows whose certificate got a new version")
    refused = models.BigIntegerField(default=0, help_text="rows that lack what the type demands")
    refusals = models.JSONField(default=dict, help_text="reason → rows")
    next_batch = models.IntegerField(default=0)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    cpu_seconds = models.FloatField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["type", "source"], name="trust_making_once")]


class MadeBatch(models.Model):
    """Up to 4,096 records under one signature. `leaves`: SM3 of every record, 32 bytes each, in order.

    A certificate's proof is computed from the leaves when it is asked for; the root is what is signed.
    """

    run = models.ForeignKey(MakingRun, models.PROTECT, related_name="batches")
    number = models.IntegerField(help_text="within the run, from 0")
    count = models.IntegerField()
    leaves = models.BinaryField()
    root = models.BinaryField(max_length=32)
    signature = models.BinaryField()
    algorithm = models.CharField(max_length=20, help_text="ES256 or SM2-SM3")
    key_id = models.CharField(max_length=64, help_text="SHA-256 of the signer's certificate")
    signed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="trust_batch_once")]


class MadeCertificate(models.Model):
    """One certificate of the library that was made in bulk. Its face is the sealed canonical record.

    Written by COPY only; the record never changes. A change makes a new version; `state` follows the events.
    """

    identifier = models.CharField(max_length=90, primary_key=True, db_collation="C", help_text="GB/T 36904")
    type = models.CharField(max_length=40, db_collation="C")
    holder = BlindIndexField(help_text="of the holder's ID number or USCC")
    number = BlindIndexField(help_text="of the number on its face, within the type")
    state = models.CharField(max_length=10, default="valid", db_collation="C")
    version = models.SmallIntegerField(default=1)
    valid_to = models.DateField(null=True)
    # No constraint: it would ask for the batch at each of millions of rows, and both are written in one transaction.
    batch = models.ForeignKey(MadeBatch, models.PROTECT, db_index=False, db_constraint=False, related_name="+")
    leaf = models.SmallIntegerField(help_text="place in the batch, from 0")
    record = models.BinaryField(help_text="canonical JSON, sealed")
    content = models.BinaryField(max_length=16, help_text="of the face alone: tells whether a row changed")

    class Meta:
        indexes = [models.Index(fields=["holder"], name="trust_made_holder")]
        constraints = [
            models.UniqueConstraint(fields=["type", "number", "version"], name="trust_made_number"),
        ]


class MadeCount(models.Model):
    """How many certificates made in bulk there are of a type in a state; kept by `making.counting`, exact."""

    type = models.CharField(max_length=40, db_collation="C")
    state = models.CharField(max_length=10, db_collation="C")
    count = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["type", "state"], name="trust_made_count")]


class CheckCode(models.Model):
    """The check code (查验码) of a certificate made in bulk, drawn when its file or page is first asked for."""

    code = models.CharField(max_length=12, primary_key=True, db_collation="C")
    identifier = models.CharField(max_length=90, unique=True, db_collation="C")
    created_at = models.DateTimeField(default=clock.now)


class RenderedFile(models.Model):
    """The hash of a file that was made on demand: its bytes are the library's own, though they are not kept."""

    sha256 = models.BinaryField(max_length=32, primary_key=True)
    identifier = models.CharField(max_length=90, db_collation="C", db_index=True)
    format = models.CharField(max_length=4)
    at = models.DateTimeField()
