"""Joint applications: what was asked for in one go, and the parts that become cases of their own."""

from __future__ import annotations

from typing import Any

from django.db import models

from yici.base.encrypted import SealedJSONField
from yici.core.cases.models import Case
from yici.core.people.models import Delegation, Organisation, Person


class JointApplication(models.Model):
    """One submission for several items: the answers of the united form behind a case that only gathers its parts."""

    case = models.OneToOneField(Case, models.PROTECT, related_name="joint")
    theme = models.CharField(max_length=60, blank=True, help_text="code of joint/*.yaml; empty: items the person chose")
    counts = models.CharField(
        max_length=4, default="each", help_text="each: results stand for themselves; all: all or nothing"
    )
    applicant = models.ForeignKey(Person, models.PROTECT, related_name="+")
    agent = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    delegation = models.ForeignKey(Delegation, models.PROTECT, null=True, related_name="+")
    answers = SealedJSONField(help_text="field id of the united form → value")
    provenance = SealedJSONField(help_text="as Application.provenance, by ids of the united form")
    situation = SealedJSONField(default=dict)
    charges: Any = SealedJSONField(default=list, help_text="[{fee, quantity, of, facts, item}] of the combined order")
    draft_token = models.CharField(max_length=32, unique=True)
    submitted_at = models.DateTimeField()

    class Meta:
        app_label = "hall"


class JointPart(models.Model):
    """One item of a joint application. Waiting until its `needs` are done, then a case; or dropped, with the reason."""

    joint = models.ForeignKey(JointApplication, models.PROTECT, related_name="parts")
    place = models.SmallIntegerField()
    version = models.ForeignKey("hall.ServiceItemVersion", models.PROTECT, related_name="+")
    code = models.CharField(max_length=60)
    name = models.TextField()
    english = models.TextField(blank=True)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+", help_text="who will decide it")
    division = models.CharField(max_length=12)
    needs = models.JSONField(default=list, help_text="codes of parts whose results it needs")
    materials = SealedJSONField(default=list, help_text="rows of MaterialInstance, kept until it becomes a case")
    case = models.OneToOneField(Case, models.PROTECT, null=True, related_name="part")
    dropped_why = models.TextField(blank=True)

    class Meta:
        app_label = "hall"
        ordering = ["place"]
        constraints = [models.UniqueConstraint(fields=["joint", "place"], name="hall_joint_part_place")]
