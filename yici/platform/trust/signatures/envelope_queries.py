"""Reading envelopes: always through who is asking, and in a constant number of queries."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from yici.base.errors import NotFound
from yici.core.files.models import StoredFile
from yici.core.people.models import Account
from yici.platform.trust.models import Envelope, EnvelopeSigner

__all__ = ["envelope_for", "envelope_of_case", "envelopes_for", "reads_own_envelope", "waiting_count"]


def envelopes_for(account: Account) -> QuerySet[Envelope]:
    """Those the account sent round and those its person signs, newest first; `is_my_turn` says what waits for her."""
    asked = EnvelopeSigner.objects.filter(
        envelope=OuterRef("pk"), person_id=account.person_id or 0, state=EnvelopeSigner.State.ASKED
    )
    return (
        Envelope.objects.filter(_visible(account))
        .annotate(is_my_turn=Exists(asked))
        .select_related("created_by")
        .order_by("-pk")
        .distinct()
    )


def waiting_count(account: Account) -> int:
    """How many documents wait for the account's signature."""
    return EnvelopeSigner.objects.filter(
        person_id=account.person_id or 0, state=EnvelopeSigner.State.ASKED, envelope__state=Envelope.State.OPEN
    ).count()


def envelope_for(account: Account, number: str) -> Envelope:
    """Raises `NotFound` for who neither sent it nor signs it; who was removed still sees that she was."""
    found = (
        Envelope.objects.filter(_visible(account), number=number)
        .select_related("created_by", "original", "current", "evidence")
        .distinct()
        .first()
    )
    if found is None:
        raise NotFound
    return found


def envelope_of_case(case_number: str) -> Envelope | None:
    """The newest one sent round for a case."""
    return Envelope.objects.filter(case_number=case_number).order_by("-pk").first() if case_number else None


def reads_own_envelope(account: Account, stored: StoredFile) -> bool:
    """For `files.register_reader`: the documents of an envelope are read by who sent and who signs it."""
    holds = Q(original=stored) | Q(current=stored) | Q(evidence=stored)
    takes_part = Q(created_by=account) | Q(signers__in=_still_signing(account))
    return Envelope.objects.filter(holds, takes_part).exists()


def _still_signing(account: Account) -> QuerySet[EnvelopeSigner]:
    return EnvelopeSigner.objects.filter(person_id=account.person_id or 0).exclude(state=EnvelopeSigner.State.REMOVED)


def _visible(account: Account) -> Q:
    return Q(created_by=account) | Q(signers__person_id=account.person_id or 0)
