"""Reads: drafts of an account, and what the city's records know of a person."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from yici.base import clock
from yici.base.errors import NotFound
from yici.core.audit import services as audit
from yici.core.forms import ports
from yici.core.forms.errors import DraftExpired, DraftSubmitted, StaleDraft
from yici.core.forms.models import Draft
from yici.core.forms.ports import Fact, Subject
from yici.core.forms.references import division_name, file_name
from yici.core.forms.rules import AnswerRow, FormDefinition, answer_rows
from yici.core.people.models import Account

__all__ = [
    "DraftExpired",
    "DraftSubmitted",
    "Facts",
    "StaleDraft",
    "answers_in_words",
    "collect_facts",
    "draft_for",
    "drafts_of",
    "open_drafts",
    "rows_in_words",
]

_log = logging.getLogger(__name__)


class Facts(dict[str, Fact]):
    """Element → the believed fact. `failed` lists providers that did not answer."""

    def __init__(self) -> None:
        super().__init__()
        self.failed: list[str] = []


def collect_facts(
    subject: Subject, elements: Sequence[str], *, purpose: str, actor: audit.Actor, case_number: str = ""
) -> Facts:
    """Ask every provider in order; the first to know an element is believed, others that differ are kept
    as its `conflicts`. A provider that raises is skipped and listed in `failed`. The look is recorded once.
    """
    found = Facts()
    for provider in ports.fact_providers():
        try:
            with transaction.atomic():  # a failing provider must not spoil the caller's transaction
                facts = provider.facts_of(subject, list(elements))
        except Exception:
            _log.exception("fact provider %s failed", provider.id)
            found.failed.append(provider.id)
            continue
        for fact in facts:
            if fact.element in elements:
                _take(found, fact)
    audit.record(
        actor,
        "read",
        subject=(subject.kind, subject.person_id or subject.id_number),
        elements=sorted(found),
        purpose=purpose,
        case_number=case_number,
    )
    return found


def _take(found: Facts, fact: Fact) -> None:
    believed = found.setdefault(fact.element, fact)
    if believed is not fact and believed.value != fact.value:
        found[fact.element] = replace(believed, conflicts=(*believed.conflicts, fact))


def draft_for(account: Account, token: str, *, lock: bool = False) -> Draft:
    """The account's own draft, `lock`ed to the end of the transaction. Raises `NotFound` (another's, or none) or `DraftExpired`."""
    drafts = Draft.objects.select_for_update(of=("self",)) if lock else Draft.objects.all()
    draft = drafts.select_related("subject", "owner").filter(owner=account, token=token).first()
    if draft is None:
        raise NotFound()
    if not draft.submitted_as and draft.expires_at <= clock.now():
        raise DraftExpired(form=draft.form, title=draft.title)
    return draft


def open_drafts(form: str) -> QuerySet[Draft]:
    """Drafts of everybody for forms whose name begins so, neither submitted nor expired; for telling their owners."""
    living = Draft.objects.filter(form__startswith=form, submitted_as="", expires_at__gt=clock.now())
    return living.select_related("owner").order_by("pk")


def drafts_of(account: Account) -> QuerySet[Draft]:
    """Drafts the account may go on with, latest first."""
    return Draft.objects.filter(owner=account, submitted_as="", expires_at__gt=clock.now()).order_by("-updated_at")


def answers_in_words(draft: Draft, definition: FormDefinition, *, masked: bool = False) -> list[AnswerRow]:
    """The rows of a draft's check-answers page, divisions and files by name."""
    return rows_in_words(definition, draft.answers, draft.prefill, draft.situation, masked=masked)


def rows_in_words(
    definition: FormDefinition, answers: Any, prefill: Any, situation: Any = None, *, masked: bool = False
) -> list[AnswerRow]:
    """The same for answers that are no draft any more, for example a submitted application."""
    return answer_rows(definition, answers, prefill, situation, division=division_name, file=file_name, masked=masked)
