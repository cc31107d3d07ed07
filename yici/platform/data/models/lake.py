"""Versions of classes in the lake. The rows stand in Parquet files; which files are a version stands here."""

from __future__ import annotations

from django.db import models

from yici.platform.data.models.catalogue import DataClass


class Snapshot(models.Model):
    """One whole version of a class. Files of a published snapshot never change.

    `files`: [{path (relative to the lake), rows, bytes, sha256, key_min, key_max}]; `columns`: [{name, type}].
    A row becomes visible in one way only: `DataClass.current` points here.
    """

    class State(models.TextChoices):
        PUBLISHED = "published", "已发布"
        ROLLED_BACK = "rolled_back", "已回退"
        EXPIRED = "expired", "已清理"

    class Mode(models.TextChoices):
        FULL = "full", "全量"
        INCREMENT = "increment", "增量"
        REPLAY = "replay", "修正重放"
        ROLLBACK = "rollback", "回退"
        COMPACTION = "compaction", "合并小文件"

    data_class = models.ForeignKey(DataClass, models.PROTECT, related_name="snapshots")
    number = models.IntegerField(help_text="1, 2, 3 … within the class")
    state = models.CharField(max_length=12, choices=State.choices, default=State.PUBLISHED)
    mode = models.CharField(max_length=10, choices=Mode.choices)
    parent = models.ForeignKey("self", models.PROTECT, null=True)
    run = models.ForeignKey("data.Run", models.PROTECT, null=True, related_name="snapshots")
    data_date = models.DateField(help_text="the day the rows speak of")
    row_count = models.BigIntegerField()
    byte_count = models.BigIntegerField()
    added = models.BigIntegerField(default=0)
    changed = models.BigIntegerField(default=0)
    removed = models.BigIntegerField(default=0)
    kept = models.BigIntegerField(
        default=0, help_text="rows of the version before, as the delivery's own row of that key was held back"
    )
    files = models.JSONField()
    columns = models.JSONField()
    digest = models.CharField(max_length=64, help_text="SHA-256 over the canonical list of files")
    published_at = models.DateTimeField()

    class Meta:
        ordering = ["data_class", "-number"]
        constraints = [models.UniqueConstraint(fields=["data_class", "number"], name="data_snapshot_number")]
        indexes = [models.Index(fields=["data_class", "-published_at"], name="data_snapshot_as_of")]
