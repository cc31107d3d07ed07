"""Systems that let people sign in here, and who a person is to each of them."""

from __future__ import annotations

from allauth.idp.oidc.models import Client
from django.db import models

from yici.core.people.models import Account, Organisation


class RelyingParty(models.Model):
    """What the city knows of a registered client besides the protocol's own: whose it is, and who let it in."""

    client = models.OneToOneField(Client, models.CASCADE, related_name="party")
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    sector = models.TextField(help_text="host of its redirect addresses: clients of one sector see the same subject")
    registered_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    registered_at = models.DateTimeField()
    secret_changed_at = models.DateTimeField()


class PairwiseSubject(models.Model):
    """Who an account is to one sector (OpenID Connect Core §8.1): random, so that two sectors cannot compare."""

    sector = models.TextField()
    account = models.ForeignKey(Account, models.CASCADE, related_name="+")
    subject = models.CharField(max_length=43, unique=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sector", "account"], name="trust_subject_once")]
