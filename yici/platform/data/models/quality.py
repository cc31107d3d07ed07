"""Quality: what each rule found in each run, scores by dimension, and issues that go back to the providing unit."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from yici.core.people.models import Organisation
from yici.platform.data.models.catalogue import DataClass
from yici.platform.data.models.lake import Snapshot
from yici.platform.data.models.runs import Run


class Dimension(models.TextChoices):
    """GB/T 36344-2018 names six; 可访问性 is replaced by uniqueness, which is what departments ask for."""

    COMPLETENESS = "completeness", _("完整性")
    ACCURACY = "accuracy", _("准确性")
    CONSISTENCY = "consistency", _("一致性")
    UNIQUENESS = "uniqueness", _("唯一性")
    TIMELINESS = "timeliness", _("时效性")
    VALIDITY = "validity", _("有效性")


class RuleResult(models.Model):
    """What one rule found in one run: rows it applied to, rows that failed."""

    run = models.ForeignKey(Run, models.PROTECT, related_name="rule_results")
    rule = models.CharField(max_length=120, help_text="id of the rule within its class")
    column = models.CharField(max_length=60, blank=True)
    dimension = models.CharField(max_length=12, choices=Dimension.choices)
    checked = models.BigIntegerField()
    failed = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "rule"], name="data_rule_result_once")]


class Score(models.Model):
    """A score as its two counts, so that it can be added up honestly: score = 1 - failed / checked.

    One row for each column and dimension, `column` empty for what concerns the whole class.
    """

    snapshot = models.ForeignKey(Snapshot, models.PROTECT, related_name="scores")
    data_class = models.ForeignKey(DataClass, models.PROTECT, related_name="scores")
    month = models.DateField(help_text="first day of the month the snapshot was published in")
    column = models.CharField(max_length=60, blank=True)
    dimension = models.CharField(max_length=12, choices=Dimension.choices)
    checked = models.BigIntegerField()
    failed = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["snapshot", "column", "dimension"], name="data_score_once"),
        ]
        indexes = [models.Index(fields=["data_class", "month"], name="data_score_month")]


class Issue(models.Model):
    """A rule that fails in what a unit delivers of a class, handed to it as a case; closed by a later load's own evidence.

    `samples`: a few failing rows with every personal value masked.
    """

    data_class = models.ForeignKey(DataClass, models.PROTECT, related_name="issues")
    rule = models.CharField(max_length=120)
    column = models.CharField(max_length=60, blank=True)
    dimension = models.CharField(max_length=12, choices=Dimension.choices)
    unit = models.ForeignKey(Organisation, models.PROTECT, related_name="data_issues")
    opened_run = models.ForeignKey(Run, models.PROTECT, related_name="+")
    latest_run = models.ForeignKey(Run, models.PROTECT, related_name="+")
    closed_run = models.ForeignKey(Run, models.PROTECT, null=True, related_name="+")
    checked = models.BigIntegerField()
    failed = models.BigIntegerField(help_text="in the latest run")
    failed_at_first = models.BigIntegerField()
    samples = models.JSONField(default=list)
    case_number = models.CharField(max_length=40, blank=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["data_class", "rule", "unit"], condition=Q(closed_at=None), name="data_issue_open_once"
            ),
        ]
        indexes = [models.Index(fields=["unit", "closed_at"], name="data_issue_unit")]
