"""Metric values frozen at a cutoff. Definitions live in the city folder, live values are computed."""

from django.db import models


class Snapshot(models.Model):
    """A value as it stood at `cutoff`; never changed, only superseded by a later one."""

    metric = models.CharField(max_length=80)
    period_start = models.DateField()
    period_end = models.DateField(help_text="inclusive")
    breakdown = models.CharField(max_length=40, blank=True, help_text="organisation, division or empty")
    key = models.CharField(max_length=80, blank=True, help_text="slug or code within the breakdown")
    value = models.DecimalField(max_digits=24, decimal_places=6, null=True)
    numerator = models.DecimalField(max_digits=24, decimal_places=6, null=True)
    denominator = models.DecimalField(max_digits=24, decimal_places=6, null=True)
    qualifier = models.CharField(max_length=10, default="=")
    cutoff = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["metric", "period_start", "period_end", "breakdown", "key", "cutoff"],
                name="metrics_snapshot_identity",
            )
        ]
