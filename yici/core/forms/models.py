"""Drafts: what a person has answered so far, kept on the server and resumable on any device."""

from django.db import models
from django.db.models import Q

from yici.base.encrypted import SealedJSONField
from yici.core.people.models import Account, Person


class Draft(models.Model):
    """Answers to one form, not yet submitted. `form` names the definition and its version.

    `prefill` maps a field id to {value, source, source_en, source_organisation, organisation,
    organisation_en, as_of, provider, conflicts?, problem?}, as the city's records had it when the draft was
    opened. `answers` maps a field id to the value as it stands now: it starts as a copy of the usable
    recorded values, so what the person corrected is where the two differ. `situation` maps a question of
    the situation tree to its answer.
    """

    token = models.CharField(max_length=32, unique=True, help_text="random; part of the page address")
    owner = models.ForeignKey(Account, models.CASCADE, related_name="drafts")
    subject = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    form = models.CharField(max_length=120, help_text="for example hall:<item code>@<version>")
    title = models.TextField()
    answers = SealedJSONField(default=dict)
    prefill = SealedJSONField(default=dict)
    situation = SealedJSONField(default=dict)
    silent_sources = models.JSONField(default=list, help_text="fact providers that failed when it was opened")
    context = SealedJSONField(default=dict, help_text="the owner system's own: channel, delegation …")
    revision = models.IntegerField(default=0, help_text="counts saves; a stale save is refused")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    expires_at = models.DateTimeField()
    reminded_at = models.DateTimeField(null=True, help_text="told that it will expire")
    emptied_at = models.DateTimeField(null=True, help_text="its answers are gone; it only says so")
    submitted_as = models.CharField(max_length=40, blank=True, help_text="case number, once submitted")

    class Meta:
        indexes = [
            models.Index(fields=["owner", "-updated_at"], name="forms_draft_owner"),
            models.Index(fields=["expires_at"], name="forms_draft_expiry", condition=Q(submitted_as="")),
        ]
