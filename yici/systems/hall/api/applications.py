"""The API of applications: everything the pages do, for programs and agents. Citizens, their own matters only."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import File, Router, Schema
from ninja.files import UploadedFile
from pydantic import Field, model_validator

from yici.base.errors import Invalid, NotFound
from yici.core.cases import queries as case_queries
from yici.core.cases import services as cases
from yici.core.cases.models import Case
from yici.core.forms import queries as form_queries
from yici.core.forms import services as forms
from yici.core.forms.rules import json_schema, situation_schema
from yici.core.people.auth import account_of, assurance_of, citizen_auth
from yici.core.people.queries import principals_of
from yici.systems.hall import queries, services
from yici.systems.hall.joint import applying as joint
from yici.systems.hall.joint import submitting, themes
from yici.systems.hall.joint.models import JointApplication, JointPart
from yici.systems.hall.models import Application

router = Router(tags=["applications"], auth=citizen_auth)


class NewDraft(Schema):
    """One `item`; or several `items`, or a `theme`, as one thing."""

    item: str = Field("", max_length=60)
    items: list[str] = Field([], max_length=40, description="codes of items that are applied for together")
    theme: str = Field("", max_length=60, description="code of one thing (GET /themes); its items are taken")
    place: str = Field("", pattern=r"^(\d{12})?$", description="division that handles what goes by business or home")
    subject: int | None = Field(None, description="person id of somebody who delegated to you; null: yourself")

    @model_validator(mode="after")
    def _one_way(self) -> NewDraft:
        if sum(map(bool, (self.item, self.items, self.theme))) != 1:
            raise ValueError("item、items、theme 写其中一个")
        return self


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
    """`item`: its code, of several joined by `+`; `form_schema` and `situation_schema`: what to fill in (JSON Schema); null in lists."""

    token: str
    item: str
    items: list[str]
    place: str
    revision: int
    expires_at: dt.datetime
    answers: dict[str, Any]
    prefill: dict[str, Any]
    situation: dict[str, Any]
    materials: list[MaterialOut]
    form_schema: dict[str, Any] | None = None
    situation_schema: dict[str, Any] | None = None
    errors: dict[str, str] = {}


class PartOut(Schema):
    """One department's part of a joint application. `number` is null while it waits for `waits_for`, or was dropped."""

    item: str
    title: str
    organisation: str
    number: str | None
    state: str
    outcome: str
    due_at: dt.datetime | None
    waits_for: list[str]
    dropped_why: str


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
    parent: str | None = Field(None, description="number of the joint application it is a part of")
    parts: list[PartOut] = Field([], description="of a joint application, in the order of handling")


class ProofIn(Schema):
    """A written promise instead of the paper (告知承诺), or handing it in later (容缺); false takes it back."""

    promise: bool | None = None
    later: bool | None = None


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
    """Begin an application for one item or for several as one: the form comes back filled with what the city knows,
    each value with its source."""
    account = account_of(request)
    subject = None
    if body.subject is not None and body.subject != account.person_id:
        known = principals_of(account.person) if account.person else []
        held = [delegation for delegation in known if delegation.principal_id == body.subject]
        if not held:
            raise NotFound
        subject = held[0].principal
    assurance = assurance_of(request)
    if body.item:
        draft = services.start(account, body.item, assurance=assurance, subject=subject)
    else:
        theme = themes.named(body.theme) if body.theme else None
        codes = theme.items if theme else body.items
        draft = joint.start(account, codes, assurance=assurance, subject=subject, place=body.place, theme=body.theme)
    return 201, _draft(services.opened(account, draft.token), with_form=True)


@router.get("/drafts", response=list[DraftOut], operation_id="list_drafts")
def list_drafts(request: HttpRequest) -> list[DraftOut]:
    """Drafts one may go on with, latest first (50 at most)."""
    account = account_of(request)
    drafts = form_queries.drafts_of(account).filter(Q(form__startswith="hall:") | Q(form__startswith=joint.FORM))[:50]
    return [_draft(services.opened(account, draft.token)) for draft in drafts]


@router.get("/drafts/{token}", response=DraftOut, operation_id="read_draft")
def read_draft(request: HttpRequest, token: str) -> DraftOut:
    """One draft with what there is to fill in."""
    return _draft(services.opened(account_of(request), token), with_form=True)


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


@router.patch("/drafts/{token}/materials/{material}", response=DraftOut, operation_id="prove_material")
def prove_material(request: HttpRequest, token: str, material: str, body: ProofIn) -> DraftOut:
    """Promise in writing that a material's requirements are met, or ask to hand it in later, where that is allowed."""
    application = services.opened(account_of(request), token)
    line = next((one for one in application.definition.materials if one.id == material), None)
    if line is None:
        raise NotFound
    if body.promise is not None:
        if not any(proof.promise for proof in line.proven_by):
            raise Invalid(fields={material: _("这份材料不能用书面承诺代替。")})
        services.promise(application, material, given=body.promise)
    if body.later is not None:
        if line.necessity != "tolerant":
            raise Invalid(fields={material: _("这份材料不能后补。")})
        services.promise(application, material, given=body.later, deferred=True)
    return _draft(services.opened(account_of(request), token))


@router.post("/drafts/{token}/submit", response={201: ApplicationOut}, operation_id="submit_draft")
def submit_draft(request: HttpRequest, token: str) -> tuple[int, ApplicationOut]:
    """Submit. Sent twice, it answers with the first one's case."""
    sent = services.submit(token, account_of(request))
    return 201, _application(sent) if isinstance(sent, Application) else _joint(sent)


@router.get("/applications", response=list[ApplicationOut], operation_id="list_applications")
def list_applications(request: HttpRequest, before: str = "") -> list[ApplicationOut]:
    """My applications, newest first, 50 at most; several items applied for as one are one. `before` is a case number
    to go on from."""
    found = queries.matters_of(account_of(request))
    if before:
        found = found.filter(number__lt=before[:24])
    cases_found = list(found[:50])
    singles = Application.objects.filter(case__in=cases_found).select_related("case__organisation", "version__item")
    wholes = JointApplication.objects.filter(case__in=cases_found).select_related("case__organisation")
    by_case = {one.case_id: _application(one) for one in singles} | {one.case_id: _joint(one) for one in wholes}
    return [by_case[case.pk] for case in cases_found]


@router.get("/applications/{number}", response=ApplicationOut, operation_id="read_application")
def read_application(request: HttpRequest, number: str) -> ApplicationOut:
    """One application of mine; of a joint one the whole with its `parts`, or one part by its own number."""
    case = case_queries.case_for_applicant(account_of(request), number)
    whole = JointApplication.objects.filter(case=case).first()
    return _joint(whole) if whole else _application(queries.application_of(case))


@router.post("/applications/{number}/correction", response=ApplicationOut, operation_id="answer_correction")
def answer_correction(request: HttpRequest, number: str, body: CorrectionIn) -> ApplicationOut:
    """Answer a correction notice."""
    services.answer_correction(number, account_of(request), answers=body.answers, uploads={}, remark=body.remark)
    return read_application(request, number)


@router.post("/applications/{number}/withdraw", response=ApplicationOut, operation_id="withdraw_application")
def withdraw(request: HttpRequest, number: str, body: Words) -> ApplicationOut:
    """Take an application back; of a joint one everything that is still open."""
    case = case_queries.case_for_applicant(account_of(request), number)
    if JointApplication.objects.filter(case=case).exists():
        submitting.withdraw(number, account_of(request), reason=body.text)
    else:
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


def _draft(
    application: services.OpenApplication, errors: dict[str, str] | None = None, *, with_form: bool = False
) -> DraftOut:
    draft, form = application.draft, application.definition.form
    items = [item.code for item in application.merged.items] if isinstance(application, joint.OpenJoint) else []
    return DraftOut(
        token=draft.token, item="+".join(items) or application.version.item.code, items=items or [application.version.item.code],
        place=str(draft.context.get("place", "")), revision=draft.revision, expires_at=draft.expires_at,
        answers=draft.answers, prefill=draft.prefill, situation=draft.situation, errors=errors or {},
        form_schema=json_schema(form) if with_form else None, situation_schema=situation_schema(form) if with_form else None,
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
        **_of_case(case), item=application.version.item.code, answers=application.answers,
        parent=case.parent.number if case.parent else None,
    )  # fmt: skip


def _joint(whole: JointApplication) -> ApplicationOut:
    """A joint application as one: `item` names every item, each of which is an application of its own once it began."""
    whole.case.refresh_from_db()
    parts = list(whole.parts.select_related("case", "organisation"))
    return ApplicationOut(
        **_of_case(whole.case), item="+".join(part.code for part in parts), answers=whole.answers,
        parts=[_part(part) for part in parts],
    )  # fmt: skip


def _of_case(case: Case) -> dict[str, Any]:
    names = ("number", "title", "state", "outcome", "opened_at", "due_at", "closed_at")
    return {name: getattr(case, name) for name in names} | {"organisation": case.organisation.name}


def _part(part: JointPart) -> PartOut:
    case = part.case
    return PartOut(
        item=part.code, title=part.name, organisation=part.organisation.name, number=case.number if case else None,
        state=case.state if case else ("dropped" if part.dropped_why else "waiting"), outcome=case.outcome if case else "",
        due_at=case.due_at if case else None, waits_for=[] if case else part.needs, dropped_why=part.dropped_why,
    )  # fmt: skip
