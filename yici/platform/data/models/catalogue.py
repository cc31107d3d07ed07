"""The catalogue: data classes, the channels they come by, and the series that are still on paper.

Written by the loader of the city folder only; the columns beside `definition` are its projections for queries.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from yici.base.text import localized
from yici.core.people.models import Organisation


class Cycle(models.TextChoices):
    """更新周期 of the national catalogue guide (2017)."""

    REALTIME = "realtime", _("实时")
    DAILY = "daily", _("每日")
    WEEKLY = "weekly", _("每周")
    MONTHLY = "monthly", _("每月")
    QUARTERLY = "quarterly", _("每季度")
    HALF_YEARLY = "half_yearly", _("每半年")
    YEARLY = "yearly", _("每年")
    IRREGULAR = "irregular", _("不定期")


class Channel(models.TextChoices):
    """How a class comes to the city: the four ways of the source document."""

    FILE_DROP = "file_drop", _("FTP 动态对接")
    EXCHANGE = "exchange", _("交换平台对接")
    INTERFACE = "interface", _("数据接口对接")
    STATIC = "static", _("静态定时更新")


class DataClass(models.Model):
    """One class of data (数据类) of one department, e.g. `public_security.resident`.

    `definition` is the class as the city folder describes it (`catalogue.definition.ClassDefinition`), for a class
    that is only registered an empty object. `declared_rows` is what the department states it holds; what the
    lake holds is `current.row_count`.
    """

    slug = models.CharField(max_length=80, primary_key=True, db_collation="C")
    code = models.CharField(max_length=60, unique=True, help_text="information resource code of the national guide")
    name = models.TextField()
    english = models.TextField(blank=True)
    department = models.ForeignKey(Organisation, models.PROTECT, related_name="data_classes")
    category = models.CharField(max_length=60, help_text="base.population, theme.poverty, department …")
    cycle = models.CharField(max_length=12, choices=Cycle.choices)
    share_type = models.CharField(max_length=13, help_text="unconditional, conditional, none")
    is_open = models.BooleanField(default=False)
    sensitivity = models.CharField(max_length=10, help_text="the highest of its columns")
    declared_rows = models.BigIntegerField(default=0)
    is_described = models.BooleanField(default=False, help_text="columns and rules are written; else registered only")
    definition = models.JSONField(default=dict)
    # Not one-to-one: an update of a unique column would hold up every insert that refers to the class.
    current = models.ForeignKey(
        "data.Snapshot", models.PROTECT, null=True, related_name="+", help_text="what readers see; flipped whole"
    )
    withdrawn_at = models.DateTimeField(null=True, help_text="no longer in the city folder")

    class Meta:
        ordering = ["slug"]
        indexes = [models.Index(fields=["department", "slug"], name="data_class_department")]

    def __str__(self) -> str:
        return self.slug

    @property
    def label(self) -> str:
        """The name in the active language."""
        return localized(self.name, self.english)


class ClassChannel(models.Model):
    """A class comes by a channel from a unit: 867 classes have 869 of these, as two come by two channels.

    `options` are the plugin's (see `sources`); `cursor` is where the next run goes on, written with the snapshot
    that it led to.
    """

    data_class = models.ForeignKey(DataClass, models.PROTECT, related_name="channels")
    kind = models.CharField(max_length=10, choices=Channel.choices)
    unit = models.ForeignKey(Organisation, models.PROTECT, related_name="class_channels", help_text="providing unit")
    options = models.JSONField(default=dict)
    cursor = models.JSONField(default=dict)
    next_run_at = models.DateTimeField(null=True, help_text="null: only by hand")
    last_success_at = models.DateTimeField(null=True, help_text="also when the source had nothing new")
    reminded_for = models.DateTimeField(null=True, help_text="the due time the unit was last reminded of")
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["data_class", "kind"], name="data_channel_once"),
        ]
        indexes = [models.Index(fields=["next_run_at"], name="data_channel_next")]


class PaperSeries(models.Model):
    """A series of papers that is not (wholly) digitised: the backlog of requirement H05. Counts are papers."""

    slug = models.CharField(max_length=80, primary_key=True)
    name = models.TextField()
    english = models.TextField(blank=True)
    department = models.ForeignKey(Organisation, models.PROTECT, related_name="paper_series")
    data_class = models.ForeignKey(DataClass, models.PROTECT, null=True, help_text="the class it will become part of")
    first_year = models.IntegerField()
    last_year = models.IntegerField()
    papers = models.IntegerField()
    scanned = models.IntegerField(default=0)
    structured = models.IntegerField(default=0)
    citizens = models.IntegerField(default=0, help_text="people whose papers these are: what the backlog is ordered by")
    layout = models.CharField(max_length=30, blank=True, help_text="how its pages are read by machine; empty: by hand")
    planned_for = models.DateField(null=True)
    note = models.TextField(blank=True)
    withdrawn_at = models.DateTimeField(null=True)

    @property
    def label(self) -> str:
        return localized(self.name, self.english)

    @property
    def waiting(self) -> int:
        """Citizens whose papers are not in the database yet, as far as papers are spread evenly over them."""
        return self.citizens * (self.papers - self.structured) // self.papers
