"""The API of applications: everything the pages do, for programs and agents. Citizens, their own matters only."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest
from ninja import File, Router, Schema
from ninja.files import UploadedFile
from pydantic import Field

from yici.base.errors import NotFound
from yici.core.cases import queries as case_queries
from yici.core.cases import services as cases
from yici.core.forms import queries as form_queries
from yici.core.forms import services as forms
from yici.core.people.auth import account_of, assurance_of, citizen_auth
from yici.core.people.queries import principals_of
from yici.systems.hall import queries, services
from yici.systems.hall.models import Application, JointApplication

router = Router(tags=["applications"], auth=citizen_auth)


class NewDraft(Schema):
    item: str = Field(max_length=60)
    subject: int | None = Field(None, description="person id of somebody who delegated to you; null: yourself")


class DraftChange(Schema):
    revision: int = Field(ge=0, le=2**31 - 1)
    answers: dict[str, Any] = {}
    situation: dict[str, Any] | None = None


class MaterialOut(Schema):
    id: str
    name: str
    source: str
    words: str
    proof: dict[str, Any]
    files: list[int]


class DraftOut(Schema):
    token: str
    item: str
    revision: int
    expires_at: dt.datetime
    answers: dict[str, Any]
    prefill: dict[str, Any]
    situation: dict[str, Any]
    materials: list[MaterialOut]
    errors: dict[str, str] = {}


class ApplicationOut(Schema):
    number: str
    item: str
    title: str
    state: str
    outcome: str
    opened_at: dt.datetime
    due_at: dt.datetime | None
    closed_at: dt.datetime | None
    organisation: str
    answers: dict[str, Any]


class CorrectionIn(Schema):
    answers: dict[str, Any] = {}
    remark: str = Field("", max_length=1000)


class Words(Schema):
    text: str = Field("", max_length=500)


class EvaluationIn(Schema):
    level: int = Field(ge=1, le=5)
    tags: list[str] = Field([], max_length=10)
    text: str = Field("", max_length=500)
    anonymous: bool = False


@router.post("/drafts", response={201: DraftOut}, operation_id="open_draft")
def open_draft(request: HttpRequest, body: NewDraft) -> tuple[int, DraftOut]:
    """Begin an application: the form comes back filled with what the city knows, each value with its source."""
    account = account_of(request)
    subject = None
    if body.subject is not None and body.subject != account.person_id:
        known = principals_of(account.person) if account.person else []
        held = [delegation for delegation in known if delegation.principal_id == body.subject]
        if not held:
            raise NotFound
        subject = held[0].principal
    draft = services.start(account, body.item, assurance=assurance_of(request), subject=subject)
    return 201, _draft(services.opened(account, draft.token))


@router.get("/drafts", response=list[DraftOut], operation_id="list_drafts")
def list_drafts(request: HttpRequest) -> list[DraftOut]:
    """Drafts one may go on with, latest first (50 at most)."""
    account = account_of(request)
    drafts = form_queries.drafts_of(account).filter(form__startswith="hall:")[:50]
    return [_draft(services.opened(account, draft.token)) for draft in drafts]


@router.get("/drafts/{token}", response=DraftOut, operation_id="read_draft")
def read_draft(request: HttpRequest, token: str) -> DraftOut:
    """One draft."""
    return _draft(services.opened(account_of(request), token))


@router.patch("/drafts/{token}", response=DraftOut, operation_id="change_draft")
def change_draft(request: HttpRequest, token: str, body: DraftChange) -> DraftOut:
    """Keep answers; what is wrong with a value comes back in `errors`, the valid ones are kept."""
    application = services.opened(account_of(request), token)
    form, revision = application.definition.form, body.revision
    if body.situation is not None:
        forms.save_situation(application.draft, form, body.situation, revision)
        revision = application.draft.revision
    errors = forms.save_answers(application.draft, form, body.answers, revision) if body.answers else {}
    return _draft(services.opened(account_of(request), token), errors)


@router.delete("/drafts/{token}", response={204: None}, operation_id="discard_draft")
def discard_draft(request: HttpRequest, token: str) -> tuple[int, None]:
    """Throw a draft away."""
    forms.discard(services.opened(account_of(request), token).draft)
    return 204, None


@router.post("/drafts/{token}/materials/{material}", response=DraftOut, operation_id="upload_material")
def upload_material(request: HttpRequest, token: str, material: str, file: File[UploadedFile]) -> DraftOut:
    """Add a file for one material."""
    application = services.opened(account_of(request), token)
    services.attach(application, material, file, file.name or "file", account_of(request))
    return _draft(services.opened(account_of(request), token))


@router.post("/drafts/{token}/submit", response={201: ApplicationOut}, operation_id="submit_draft")
def submit_draft(request: HttpRequest, token: str) -> tuple[int, ApplicationOut]:
    """Submit. Sent twice, it answers with the first one's case."""
    sent = services.submit(token, account_of(request))
    return 201, _application(sent) if isinstance(sent, Application) else _joint(sent)


@router.get("/applications", response=list[ApplicationOut], operation_id="list_applications")
def list_applications(request: HttpRequest, before: str = "") -> list[ApplicationOut]:
    """My applications, newest first, 50 at most; `before` is a case number to go on from."""
    found = queries.cases_of(account_of(request))
    if before:
        found = found.filter(number__lt=before[:24])
    applications = Application.objects.filter(case__in=list(found[:50])).select_related(
        "case__organisation", "version__item"
    )
    return [_application(one) for one in applications.order_by("-case__opened_at")]


@router.get("/applications/{number}", response=ApplicationOut, operation_id="read_application")
def read_application(request: HttpRequest, number: str) -> ApplicationOut:
    """One application of mine."""
    return _application(queries.application_of(case_queries.case_for_applicant(account_of(request), number)))


@router.post("/applications/{number}/correction", response=ApplicationOut, operation_id="answer_correction")
def answer_correction(request: HttpRequest, number: str, body: CorrectionIn) -> ApplicationOut:
    """Answer a correction notice."""
    services.answer_correction(number, account_of(request), answers=body.answers, uploads={}, remark=body.remark)
    return read_application(request, number)


@router.post("/applications/{number}/withdraw", response=ApplicationOut, operation_id="withdraw_application")
def withdraw(request: HttpRequest, number: str, body: Words) -> ApplicationOut:
    """Take an application back."""
    case_queries.case_for_applicant(account_of(request), number)
    cases.withdraw(number, account_of(request), reason=body.text)
    return read_application(request, number)


@router.post("/applications/{number}/urge", response=ApplicationOut, operation_id="urge_application")
def urge(request: HttpRequest, number: str, body: Words) -> ApplicationOut:
    """Ask the handlers to hurry; once a working day."""
    case_queries.case_for_applicant(account_of(request), number)
    cases.urge(number, account_of(request), body.text)
    return read_application(request, number)


@router.post("/applications/{number}/evaluation", response={201: None}, operation_id="evaluate_application")
def evaluate(request: HttpRequest, number: str, body: EvaluationIn) -> tuple[int, None]:
    """Rate a closed case, once."""
    services.evaluate(
        number, account_of(request), level=body.level, tags=body.tags, text=body.text, anonymous=body.anonymous
    )
    return 201, None


def _draft(application: services.OpenApplication, errors: dict[str, str] | None = None) -> DraftOut:
    draft = application.draft
    return DraftOut(
        token=draft.token, item=application.version.item.code, revision=draft.revision, expires_at=draft.expires_at,
        answers=draft.answers, prefill=draft.prefill, situation=draft.situation, errors=errors or {},
        materials=[
            MaterialOut(id=line.material.id, name=str(line.material.name), source=line.source, words=line.words,
                        proof=line.proof, files=list(line.files))
            for line in services.materials_of(application)
        ],
    )  # fmt: skip


def _application(application: Application) -> ApplicationOut:
    case = application.case
    case.refresh_from_db()
    return ApplicationOut(
        number=case.number, item=application.version.item.code, title=case.title, state=case.state, outcome=case.outcome,
        opened_at=case.opened_at, due_at=case.due_at, closed_at=case.closed_at, organisation=case.organisation.name,
        answers=application.answers,
    )  # fmt: skip


def _joint(joint: JointApplication) -> ApplicationOut:
    """A joint application as one: `item` names every item, each of which is an application of its own once it began."""
    case = joint.case
    case.refresh_from_db()
    return ApplicationOut(
        number=case.number, item="+".join(joint.parts.values_list("code", flat=True)), title=case.title, state=case.state,
        outcome=case.outcome, opened_at=case.opened_at, due_at=case.due_at, closed_at=case.closed_at,
        organisation=case.organisation.name, answers=joint.answers,
    )  # fmt: skip
