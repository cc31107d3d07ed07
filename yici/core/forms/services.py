"""Every change of a draft, and validation of answers for whoever needs it (page, API, submission)."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Invalid, NotFound
from yici.base.requests import whole_number
from yici.core.files import services as files
from yici.core.files.models import StoredFile
from yici.core.forms import queries, rules
from yici.core.forms.errors import DraftExpired, DraftSubmitted, StaleDraft
from yici.core.forms.models import Draft
from yici.core.forms.ports import Fact, Subject
from yici.core.forms.references import StoredReferences, division_name, file_name
from yici.core.forms.rules import posting, validation
from yici.core.forms.rules.definition import FieldType, FormDefinition, Page
from yici.core.messages import services as messages
from yici.core.people import services as people
from yici.core.people.models import Account, Organisation, Person

__all__ = [
    "DRAFT_LIFE",
    "DraftExpired",
    "DraftSubmitted",
    "PageResult",
    "StaleDraft",
    "discard",
    "mark_submitted",
    "open_draft",
    "remind_of_expiry",
    "remove_expired_drafts",
    "save_answers",
    "save_page",
    "save_situation",
    "submit_page",
    "submit_situation",
    "take_facts",
    "validate",
    "validate_draft",
]

DRAFT_LIFE = dt.timedelta(days=30)  # from the last save
REMINDER_BEFORE = dt.timedelta(days=3)
# An emptied draft still tells for a while that it expired, instead of "not found".
TOMBSTONE_LIFE = dt.timedelta(days=90)
UPLOAD_RETENTION_DAYS = 60  # of a file whose draft is never submitted; `mark_submitted` lifts it
_MAX_STORED_BYTES = 200_000


@dataclass
class PageResult:
    """What came of a posted page. When not `saved`, show the page again with these `answers` and `errors`."""

    saved: bool
    answers: dict[str, Any]
    errors: dict[str, str] = field(default_factory=dict)
    notice: str = ""
    unsaved: list[tuple[str, str]] = field(default_factory=list)
    leave: bool = False

    @property
    def status(self) -> int:
        """HTTP status of the page shown again: 409 stale, 422 errors, 200 a mere rearrangement."""
        return 409 if self.notice else 422 if self.errors else 200


def validate(
    definition: FormDefinition,
    answers: Mapping[str, Any],
    situation: Mapping[str, Any],
    *,
    account: Account | None = None,
    subject: Person | None = None,
    prefill: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Cleaned answers of every visible field. Raises `Invalid(fields=…)` naming all that is wrong.

    `account` and `subject` say whose files may be used; `prefill` fixes read-only fields.
    """
    return validation.validate(
        definition,
        answers,
        situation,
        StoredReferences(account, subject),
        fixed=_fixed(definition, prefill or {}),
        subject=_subject_values(subject),
    )


def validate_draft(draft: Draft, definition: FormDefinition) -> dict[str, Any]:
    """The whole draft, as it must be at submission. Raises `Invalid`."""
    return validate(
        definition, draft.answers, draft.situation, account=draft.owner, subject=draft.subject, prefill=draft.prefill
    )


@transaction.atomic
def open_draft(
    account: Account,
    subject: Person | None,
    form_key: str,
    title: str,
    definition: FormDefinition,
    context: Mapping[str, Any],
) -> Draft:
    """A new draft, filled with what the city's records know of the subject."""
    prefill: dict[str, Any] = {}
    silent: list[str] = []
    elements = rules.elements_of(definition)
    if subject is not None and elements:
        facts = queries.collect_facts(
            Subject.of(subject), elements, purpose=f"预填《{title}》", actor=people.actor_of(account)
        )
        prefill, silent = _as_prefill(definition, facts, StoredReferences(account, subject)), facts.failed
    return Draft.objects.create(
        token=secrets.token_urlsafe(16),
        owner=account,
        subject=subject,
        form=form_key,
        title=title,
        prefill=prefill,
        answers={key: fact["value"] for key, fact in prefill.items() if "problem" not in fact},
        silent_sources=silent,
        context=dict(context),
        expires_at=clock.now() + DRAFT_LIFE,
    )


@transaction.atomic
def take_facts(draft: Draft, definition: FormDefinition, facts: Mapping[str, Fact]) -> list[str]:
    """Fill in what another source tells while the draft is open; the ids of the fields it filled.

    What a record filled stays, and the other value stands beside it as a conflict; so does what the person typed.
    Raises `DraftExpired`, `DraftSubmitted`.
    """
    current = _locked(draft, draft.revision)
    asked = {key: fact for key, fact in facts.items() if key in definition.by_key}
    entries = _as_prefill(definition, asked, StoredReferences(current.owner, current.subject))
    filled = []
    for key, entry in entries.items():
        held = current.prefill.get(key)
        if held and "problem" not in held and held["provider"] != entry["provider"]:
            if held["value"] != entry["value"]:
                others = [one for one in held.get("conflicts", ()) if one["provider"] != entry["provider"]]
                current.prefill[key] = {**held, "conflicts": [*others, entry]}
            continue
        untouched = not rules.is_filled(current.answers.get(key)) or (held and current.answers[key] == held["value"])
        current.prefill[key] = entry
        if untouched and "problem" not in entry:
            current.answers[key] = entry["value"]
            filled.append(key)
    current.save(update_fields=["prefill"])
    _keep(current)
    _refresh(draft, current)
    draft.prefill = current.prefill
    return filled


def save_page(draft: Draft, definition: FormDefinition, page_id: str, posted: Mapping[str, Any], revision: int) -> None:
    """Validate and keep one page's answers; `draft` is brought up to date.

    `posted` is a form post, or a mapping of field id → value. Raises `Invalid(fields)`, `StaleDraft` when
    `revision` is not the current one, `DraftExpired`, `DraftSubmitted`, `NotFound` for an unknown page.
    """
    page = _page(definition, page_id)
    raw = posting.read_page(page, posting.as_posted(posted), _fixed(definition, draft.prefill))
    _save(draft, definition, page, raw, revision)


def save_answers(draft: Draft, definition: FormDefinition, answers: Mapping[str, Any], revision: int) -> dict[str, str]:
    """Keep the valid ones of several answers at once (API); returns what is wrong with the others.

    Missing answers are no error here. Raises `Invalid` for an id the form does not have, and as `save_page`.
    """
    unknown = {key: _("表单里没有这一项，请去掉后重试") for key in answers if key not in definition.by_key}
    if unknown:
        raise Invalid(fields=unknown)
    with transaction.atomic():
        current = _locked(draft, revision)
        outcome = _examine(current, definition, {**current.answers, **answers})
        for key in answers:
            if key in outcome.cleaned:
                current.answers[key] = outcome.cleaned[key]
            elif not rules.is_filled(answers[key]):
                current.answers.pop(key, None)
        _forget_hidden(current, definition)
        _keep(current)
    _refresh(draft, current)
    wrong = outcome.errors.items()
    return {key: text for key, text in wrong if any(key == own or key.startswith(f"{own}.") for own in answers)}


def submit_page(
    draft: Draft,
    definition: FormDefinition,
    page_id: str,
    posted: Any,
    uploads: MultiValueDict[str, Any] | None = None,
) -> PageResult:
    """Everything a page's POST needs: uploads, add/remove/choose buttons, validation, stale saves.

    Raises only `DraftExpired`, `DraftSubmitted` and `NotFound`; never loses what was typed.
    """
    page = _page(definition, page_id)
    fixed = _fixed(definition, draft.prefill)
    posted = posted.copy()
    errors = _take_uploads(draft, page, posted, uploads)
    if posting.is_rearrangement(posted):
        return PageResult(False, {**draft.answers, **posting.rearrange(page, posted, fixed)}, errors)
    raw = posting.read_page(page, posted, fixed)
    if opened := _just_opened(draft, definition, page, raw, posted):
        return PageResult(False, opened, errors)
    revision = whole_number(str(posted.get("revision", "")), -1)
    try:
        if errors:
            raise Invalid(fields=errors)
        _save(draft, definition, page, raw, revision)
    except Invalid as error:
        return PageResult(False, {**draft.answers, **raw}, error.fields)
    except StaleDraft as error:
        mine = _unsaved(definition, page, raw, Draft.objects.get(pk=draft.pk))
        draft.refresh_from_db()
        return PageResult(False, dict(draft.answers), notice=str(error.message), unsaved=mine)
    return PageResult(True, dict(draft.answers), leave="__leave" in posted)


def _just_opened(
    draft: Draft, definition: FormDefinition, page: Page, raw: dict[str, Any], posted: Any
) -> dict[str, Any] | None:
    """Answers to show the page again with, when what was chosen opens fields that were not on it yet.

    A page says in `__asked` which fields it showed; without that every field counts as shown. What was not
    shown is no answer: it is taken out of `raw`, so that the recorded values stay.
    """
    asked = set(posted.getlist("__asked"))
    if not asked:
        return None
    for key in [key for key in raw if key not in asked]:
        del raw[key]
    answers = {**draft.answers, **raw}
    visibility = validation.Visibility(definition, answers, draft.situation)
    new = [one for one in page.fields if one.key not in asked and not one.readonly and visibility.shows(one.key)]
    return answers if new else None


@transaction.atomic
def save_situation(
    draft: Draft, definition: FormDefinition, situation: Mapping[str, Any], revision: int
) -> dict[str, Any]:
    """Keep the answers of the situation tree. Raises `Invalid` with keys `situation.<question>`, and as `save_page`."""
    current = _locked(draft, revision)
    current.situation = rules.require_situation(definition, situation)
    _forget_hidden(current, definition)
    _keep(current)
    _refresh(draft, current)
    return current.situation


def submit_situation(draft: Draft, definition: FormDefinition, posted: Any) -> PageResult:
    """A posted situation page. Questions that an answer has just opened are shown without blame first."""
    given: dict[str, Any] = {}
    for question in rules.all_questions(definition.situations):
        name = rules.SITUATION + question.id
        given[question.id] = posted.getlist(name) if question.kind == "multi" else posted.get(name, "")
    asked = set(posted.getlist("__asked"))
    revision = whole_number(str(posted.get("revision", "")), -1)
    try:
        save_situation(draft, definition, given, revision)
    except Invalid as error:
        shown = {key: text for key, text in error.fields.items() if key.removeprefix(rules.SITUATION) in asked}
        return PageResult(False, given, shown)
    except StaleDraft as error:
        draft.refresh_from_db()
        return PageResult(False, dict(draft.situation), notice=str(error.message))
    return PageResult(True, dict(draft.situation), leave="__leave" in posted)


def mark_submitted(draft: Draft, case_number: str) -> None:
    """Close the draft: it has become a case, to which its files now belong. Raises `DraftSubmitted` on a repeat.

    Within the caller's transaction, where the case is opened as well.
    """
    still_open = Draft.objects.filter(pk=draft.pk, submitted_as="")
    if not still_open.update(submitted_as=case_number, updated_at=clock.now()):
        draft.refresh_from_db(fields=["submitted_as"])
        raise DraftSubmitted(case_number=draft.submitted_as)
    draft.submitted_as = case_number
    for stored in _own_uploads(draft):
        files.attach(stored, case_number)


@transaction.atomic
def discard(draft: Draft) -> None:
    """Throw a draft away at its owner's wish, and let its files go."""
    for stored in _own_uploads(draft):
        files.release(stored)
    draft.delete()


def remove_expired_drafts() -> int:
    """Empty drafts past their day (a few words stay to say so), forget old ones; how many were emptied."""
    now = clock.now()
    expired = Draft.objects.filter(submitted_as="", expires_at__lte=now)
    expired.filter(expires_at__lte=now - TOMBSTONE_LIFE).delete()
    return expired.filter(emptied_at=None).update(answers={}, prefill={}, situation={}, context={}, emptied_at=now)


def remind_of_expiry() -> int:
    """Tell owners whose drafts expire within three days, once each; how many were told."""
    now = clock.now()
    due = Draft.objects.filter(
        submitted_as="", reminded_at=None, expires_at__gt=now, expires_at__lte=now + REMINDER_BEFORE
    )
    told = 0
    for pk in list(due.order_by("expires_at").values_list("pk", flat=True)[:1000]):
        with transaction.atomic():
            draft = due.select_for_update(skip_locked=True, of=("self",)).select_related("owner").filter(pk=pk).first()
            if draft is None:
                continue
            days = max(1, (draft.expires_at - now).days)
            context = {"title": draft.title, "days": days, "date": timezone.localdate(draft.expires_at).isoformat()}
            messages.tell(draft.owner, "draft.expiring", context, link=str(draft.context.get("resume_link", "")))
            draft.reminded_at = now
            draft.save(update_fields=["reminded_at"])
            told += 1
    return told


def _page(definition: FormDefinition, page_id: str) -> Page:
    page = definition.page(page_id)
    if page is None:
        raise NotFound()
    return page


def _save(draft: Draft, definition: FormDefinition, page: Page, raw: Mapping[str, Any], revision: int) -> None:
    with transaction.atomic():
        current = _locked(draft, revision)
        outcome = _examine(current, definition, {**current.answers, **raw}, page)
        if outcome.errors:
            raise Invalid(fields=outcome.errors)
        for one in page.fields:
            if one.key in outcome.cleaned:
                current.answers[one.key] = outcome.cleaned[one.key]
            elif one.key in raw:
                current.answers.pop(one.key, None)
        _forget_hidden(current, definition)
        _keep(current)
    _refresh(draft, current)


def _forget_hidden(draft: Draft, definition: FormDefinition) -> None:
    """An answer whose question is not asked any more goes; what the records say comes back in its place."""
    visibility = validation.Visibility(definition, draft.answers, draft.situation)
    for key in [key for key in draft.answers if not visibility.shows(key)]:
        fact = draft.prefill.get(key)
        if fact and "problem" not in fact:
            draft.answers[key] = fact["value"]
        else:
            del draft.answers[key]


def _locked(draft: Draft, revision: int) -> Draft:
    """The row as it is now, locked, if it may still be changed from `revision`."""
    current = (
        Draft.objects.select_for_update(of=("self",)).select_related("owner", "subject").filter(pk=draft.pk).first()
    )
    if current is None:
        raise NotFound()
    if current.submitted_as:
        raise DraftSubmitted(case_number=current.submitted_as)
    if current.expires_at <= clock.now():
        raise DraftExpired(form=current.form, title=current.title)
    if current.revision != revision:
        raise StaleDraft(revision=current.revision)
    return current


def _examine(
    draft: Draft, definition: FormDefinition, answers: Mapping[str, Any], page: Page | None = None
) -> rules.Outcome:
    return rules.examine(
        definition,
        answers,
        draft.situation,
        StoredReferences(draft.owner, draft.subject),
        fixed=_fixed(definition, draft.prefill),
        subject=_subject_values(draft.subject),
        refuse_unknown=False,
        page=page,
    )


def _keep(draft: Draft) -> None:
    draft.revision += 1
    draft.expires_at = clock.now() + DRAFT_LIFE
    draft.reminded_at = None
    if len(str(draft.answers)) > _MAX_STORED_BYTES:
        raise Invalid(_("填写的内容太多，请精简后再保存。"))
    draft.save(update_fields=["answers", "situation", "revision", "expires_at", "reminded_at", "updated_at"])


def _refresh(draft: Draft, current: Draft) -> None:
    for name in ("answers", "situation", "revision", "expires_at", "reminded_at", "updated_at"):
        setattr(draft, name, getattr(current, name))


def _fixed(definition: FormDefinition, prefill: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: prefill[key]["value"]
        for key, one in definition.by_key.items()
        if one.readonly and key in prefill and "problem" not in prefill[key]
    }


def _subject_values(subject: Person | None) -> dict[str, Any]:
    if subject is None:
        return {}
    return {
        "person.name": subject.name,
        "person.id_number": subject.id_number,
        "person.birth_date": subject.birth_date.isoformat(),
        "person.sex": subject.sex,
        "person.phone": subject.phone,
    }


def _as_prefill(definition: FormDefinition, facts: Mapping[str, Fact], references: StoredReferences) -> dict[str, Any]:
    """Facts as a draft keeps them. A value the form would refuse is shown but not taken as an answer."""
    slugs = {one.source_organisation for fact in facts.values() for one in (fact, *fact.conflicts)}
    names = {slug: (name, english) for slug, name, english in
             Organisation.objects.filter(slug__in=slugs).values_list("slug", "name", "english")}  # fmt: skip
    prefill: dict[str, Any] = {}
    for element, fact in facts.items():
        asked = rules.question(definition.by_key[element])
        raw = int(fact.value) if asked.type == FieldType.MONEY and str(fact.value).isdigit() else fact.value
        value = validation.lenient(asked, raw, references)
        entry = _entry(fact, raw if value is None else value, names)
        if value is None:
            entry["problem"] = _("记录中的内容不完整或有误，请填写正确的")
        if fact.conflicts:
            entry["conflicts"] = [_entry(other, other.value, names) for other in fact.conflicts]
        if rules.is_filled(raw):
            prefill[element] = entry
    return prefill


def _entry(fact: Fact, value: Any, names: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    organisation, english = names.get(fact.source_organisation, ("", ""))
    return {
        "value": value,
        "source": fact.source,
        "source_en": fact.source_en,
        "source_organisation": fact.source_organisation,
        "organisation": organisation,
        "organisation_en": english,
        "as_of": fact.as_of.isoformat() if fact.as_of else "",
        "provider": fact.provider,
    }


def _take_uploads(draft: Draft, page: Page, posted: Any, uploads: MultiValueDict[str, Any] | None) -> dict[str, str]:
    """Store new files and add their ids to `posted`, so that they stay whatever else is wrong; errors by field."""
    errors: dict[str, str] = {}
    for one in posting.file_fields(page):
        for upload in uploads.getlist(f"{one.key}__upload") if uploads is not None else []:
            try:
                stored = files.store(
                    upload, upload.name, holder=draft.subject, account=draft.owner, retention_days=UPLOAD_RETENTION_DAYS
                )
            except files.FileRejected as error:
                errors[one.key] = str(error.message)
                continue
            posted.appendlist(one.key, str(stored.pk))
    return errors


def _unsaved(definition: FormDefinition, page: Page, raw: Mapping[str, Any], newer: Draft) -> list[tuple[str, str]]:
    """What the person typed that the newer draft does not hold, in words, so that it can be typed again."""
    outcome = _examine(newer, definition, {**newer.answers, **raw}, page)
    lines: list[tuple[str, str]] = []
    for one in page.fields:
        asked = rules.question(one)
        value = outcome.cleaned.get(one.key, raw.get(one.key))
        if one.key in raw and rules.is_filled(value) and value != newer.answers.get(one.key):
            text = rules.words(asked, value, division=division_name, file=file_name)
            lines.append((str(asked.label), text))
    return lines


def _own_uploads(draft: Draft) -> list[StoredFile]:
    """Files the draft's answers hold that belong to no case yet."""
    numbers = [
        one
        for value in draft.answers.values()
        if isinstance(value, list)
        for one in value
        if isinstance(one, int) and not isinstance(one, bool)
    ]
    return list(StoredFile.objects.filter(pk__in=numbers, case_number="", uploaded_by=draft.owner, removed_at=None))
