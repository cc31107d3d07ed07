"""From "start" to "submitted": drafts of applications, their materials, and the one submission.

A draft's `context` holds what the form does not: `item`, `version`, `channel`, `delegation`, `uploads`
(material id → file ids), `promised` and `deferred` material ids, `visited` steps, and `facts` read for proof only.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import NotFound
from yici.core.audit.services import Actor
from yici.core.cases import services as cases
from yici.core.cases.models import Case
from yici.core.files import services as files
from yici.core.files.models import StoredFile
from yici.core.forms import queries as form_queries
from yici.core.forms import services as forms
from yici.core.forms.models import Draft
from yici.core.forms.ports import Fact, Subject
from yici.core.forms.rules import changed_fields
from yici.core.people import queries as people
from yici.core.people import services as people_services
from yici.core.people.errors import AssuranceTooLow
from yici.core.people.models import Account, Delegation, Person
from yici.platform.data import services as data
from yici.platform.trust import queries as trust
from yici.systems.hall import proofs
from yici.systems.hall.definitions import Condition, ItemDefinition, unmet_conditions
from yici.systems.hall.errors import ItemStopped, MaterialsMissing, NotEligible, NotYourPerson
from yici.systems.hall.models import Application, JointApplication, MaterialInstance, ServiceItem, ServiceItemVersion
from yici.systems.hall.queries import holdings
from yici.systems.hall.queries.catalogue import definition_of
from yici.systems.hall.services import signing

EVERYWHERE = "341600000000"


@dataclass(frozen=True)
class OpenApplication:
    """A draft with the definition it was opened for."""

    draft: Draft
    version: ServiceItemVersion
    definition: ItemDefinition

    @property
    def situation(self) -> dict[str, Any]:
        return dict(self.draft.situation)

    @property
    def start_address(self) -> str:
        """The page from which it was begun."""
        return f"/items/{self.version.item.code}/"


def start(
    account: Account,
    code: str,
    *,
    assurance: int,
    subject: Person | None = None,
    channel: str = "net",
    holding: str = "",
) -> Draft:
    """Open (or resume) a draft for the account's own person, or for `subject` under a delegation.

    `holding`: code of the authority's holding where the applicant chose one; else the place of the answers decides.
    Raises `NotFound`, `ItemStopped`, `AssuranceTooLow`, `NotYourPerson`, `NotEligible`, `NoAuthority`,
    `AuthorityNotChosen`.
    """
    item = ServiceItem.objects.select_related("current").filter(code=code).first()
    if item is None or item.current is None:
        raise NotFound
    if item.state != ServiceItem.State.ACTIVE:
        raise ItemStopped
    definition = definition_of(item.current)
    if assurance < definition.assurance:
        raise AssuranceTooLow(required=definition.assurance)
    person = subject or account.person
    if person is None:
        raise NotYourPerson
    delegation = delegation_for(account, person, code)
    _require_conditions(definition, person)
    if holding or holdings.must_choose(item):
        holdings.holder_for(item, person.division_id or EVERYWHERE, holding)
    with transaction.atomic():
        # Pressed twice at once, the second press waits here and finds the draft of the first.
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        unfinished = unfinished_draft(account, person, form_key(item.code, item.current.number))
        if unfinished:
            if holding and unfinished.context.get("holding") != holding:
                change_context(unfinished, holding=holding)
            return unfinished
        return _open(account, person, item.current, definition, delegation, channel, holding)


def _open(
    account: Account,
    person: Person,
    version: ServiceItemVersion,
    definition: ItemDefinition,
    delegation: Delegation | None,
    channel: str,
    holding: str,
) -> Draft:
    context = {
        "item": version.item.code,
        "version": version.number,
        "channel": channel,
        "holding": holding,
        "delegation": delegation.pk if delegation else None,
        "uploads": {},
        "promised": [],
        "deferred": [],
        "facts": facts_for_proof(account, person, definition),
    }
    draft = forms.open_draft(
        account, person, form_key(version.item.code, version.number), definition.name.zh, definition.form, context
    )
    change_context(draft, resume_link=f"/apply/{draft.token}/")
    return draft


def form_key(code: str, number: int) -> str:
    """The name a draft keeps of its form."""
    return f"hall:{code}@{number}"


def opened(account: Account, token: str) -> OpenApplication:
    """The draft of the account with its definition. Raises `NotFound`, `DraftExpired`."""
    return _with_definition(form_queries.draft_for(account, token))


def _with_definition(draft: Draft) -> OpenApplication:
    if draft.form.startswith("joint:"):
        from yici.systems.hall.joint.applying import open_joint

        return open_joint(draft)
    if not draft.form.startswith("hall:"):
        raise NotFound
    # Both definitions are kept in the process by version, so they are not read with every step.
    versions = ServiceItemVersion.objects.select_related("item", "case_version__case_type")
    version = versions.defer("definition", "case_version__definition").get(
        item__code=draft.context["item"], number=draft.context["version"]
    )
    return OpenApplication(draft, version, definition_of(version))


def visit(application: OpenApplication, step: str) -> None:
    """Remember that a step was walked, for the task list."""
    visited = application.draft.context.get("visited", [])
    if step not in visited:
        change_context(application.draft, visited=[*visited, step])


def attach(
    application: OpenApplication, material_id: str, upload: files.Source | bytes, name: str, account: Account
) -> StoredFile:
    """Keep an upload for one material. Raises `FileRejected`, `NotFound`."""
    material = next((m for m in application.definition.materials if m.id == material_id), None)
    if material is None:
        raise NotFound
    already = application.draft.context["uploads"].get(material_id, [])
    if len(already) >= material.max_files:
        text = _("最多上传 {count} 个文件，请先删除一个。").format(count=material.max_files)
        raise MaterialsMissing(fields={material_id: text})
    stored = files.store(upload, name, holder=application.draft.subject, account=account, trust="C")
    with transaction.atomic():
        draft = Draft.objects.select_for_update().get(pk=application.draft.pk)
        uploads = dict(draft.context["uploads"])
        uploads[material_id] = [*uploads.get(material_id, []), stored.pk]
        change_context(draft, uploads=uploads)
    application.draft.context["uploads"] = uploads
    return stored


def detach(application: OpenApplication, material_id: str, file_id: int) -> None:
    """Take an upload back out of the draft; the bytes go with the store's own retention."""
    with transaction.atomic():
        draft = Draft.objects.select_for_update().get(pk=application.draft.pk)
        uploads = dict(draft.context["uploads"])
        uploads[material_id] = [one for one in uploads.get(material_id, []) if one != file_id]
        change_context(draft, uploads=uploads)
    application.draft.context["uploads"] = uploads


def promise(application: OpenApplication, material_id: str, *, given: bool, deferred: bool = False) -> None:
    """Give or take back a written promise (告知承诺), or ask to hand a tolerant material in later (容缺)."""
    if material_id not in {material.id for material in application.definition.materials}:
        raise NotFound
    key = "deferred" if deferred else "promised"
    kept = [one for one in application.draft.context.get(key, []) if one != material_id]
    change_context(application.draft, **{key: [*kept, material_id] if given else kept})


def materials_of(application: OpenApplication) -> list[proofs.ProvenMaterial]:
    """Every material that applies, with what proves it."""
    from yici.systems.hall.joint.applying import OpenJoint, material_lines

    if isinstance(application, OpenJoint):
        return material_lines(application)
    draft, definition = application.draft, application.definition
    return proofs.prove(
        proofs.required_materials(definition, application.situation),
        facts=facts_of(draft),
        certificates=certificates_held(draft.subject, definition),
        uploads=draft.context.get("uploads", {}),
        promised=draft.context.get("promised", ()),
        deferred=draft.context.get("deferred", ()),
    )


def submit(token: str, account: Account) -> Application | JointApplication:
    """Turn a draft into a case, or into a joint case, exactly once: a second submit finds the first one's case.

    Raises `Invalid` (answers), `MaterialsMissing`, `NotEligible`, `ItemStopped`, `NotFound`, `DraftExpired`.
    """
    from yici.systems.hall.joint.applying import OpenJoint
    from yici.systems.hall.joint.submitting import submit as submit_joint

    with transaction.atomic():
        draft = form_queries.draft_for(account, token, lock=True)
        if draft.submitted_as:
            return _submitted(token)
        application = _with_definition(draft)
        if isinstance(application, OpenJoint):
            return submit_joint(application, account)
        return _submit(application, account)


def _submitted(token: str) -> Application | JointApplication:
    single = Application.objects.select_related("case").filter(draft_token=token).first()
    return single or JointApplication.objects.select_related("case").get(draft_token=token)


def _submit(application: OpenApplication, account: Account) -> Application:
    draft, definition, version = application.draft, application.definition, application.version
    if version.item.state != ServiceItem.State.ACTIVE:
        raise ItemStopped
    person = draft.subject
    assert person is not None  # every draft of the hall is opened for a person
    delegation = delegation_for(account, person, version.item.code)
    _require_conditions(definition, person)
    answers = forms.validate_draft(draft, definition.form)
    materials = materials_of(application)
    _require_materials(materials)
    if definition.signing:
        signing.signatories(definition.signing, answers, person)
    case = _open_case(application, account, person, answers, delegation)
    created = Application.objects.create(
        case=case, version=version, applicant=person, agent=account.person if delegation else None, delegation=delegation,
        answers=answers, provenance=draft.prefill, situation=draft.situation, draft_token=draft.token, submitted_at=clock.now(),
    )  # fmt: skip
    _keep_materials(created, materials, case)
    _object_to_records(created, account)
    signing.request_signatures(created, account)
    forms.mark_submitted(draft, case.number)
    return created


def _open_case(
    application: OpenApplication,
    account: Account,
    person: Person,
    answers: Mapping[str, Any],
    delegation: Delegation | None,
) -> Case:
    definition, version = application.definition, application.version
    division = handling_division(definition, person, answers)
    holding = holdings.holder_for(version.item, division, application.draft.context.get("holding", ""))
    organisation = holding.organisation
    return cases.open_case(
        type=version.case_version.case_type.slug,
        version=version.case_version,
        title=definition.name.zh,
        organisation=organisation,
        division=division,
        actor=account,
        subject=person,
        subject_name=person.name,
        channel=application.draft.context.get("channel", "net"),
        is_self_filed=delegation is None,
        data={"item": version.item.code, "version": version.number, "english": definition.name.en},
    )


def handling_division(definition: ItemDefinition, person: Person, answers: Mapping[str, Any]) -> str:
    """Code of the division whose body handles it: registered residence, actual residence, or the business's place."""
    by = {
        "registered": "person.registered_division",
        "residence": "person.residential_division",
        "business": "organisation.division",
    }
    chosen = answers.get(by[definition.handler.by]) or answers.get("person.registered_division")
    return str(chosen or person.division_id or EVERYWHERE)


def _keep_materials(created: Application, materials: list[proofs.ProvenMaterial], case: Case) -> None:
    now = clock.now()
    rows = []
    for line in materials:
        if line.source == "optional":
            continue
        for file_id in line.files or (None,):
            rows.append(
                MaterialInstance(
                    application=created, requirement=line.material.id, name=line.material.name.zh, source=line.source,
                    proof=line.proof, file_id=file_id, trust=line.trust, added_at=now,
                )
            )  # fmt: skip
    MaterialInstance.objects.bulk_create(rows)
    for row in rows:
        if row.file_id:
            files.attach(StoredFile.objects.get(pk=row.file_id), case.number)


def _object_to_records(created: Application, account: Account) -> None:
    """Each corrected value becomes an objection (异议) to the department whose record it was."""
    for changed in changed_fields(created.answers, created.provenance):
        if not data.can_object_to(changed.key):
            continue
        data.raise_objection(
            created.applicant, changed.key, dict(changed.fact), changed.claimed,
            case_number=created.case.number, account=account,
        )  # fmt: skip


def delegation_for(account: Account, person: Person, code: str) -> Delegation | None:
    if account.person_id == person.pk:
        return None
    delegation = people.delegation_between(account.person, person, code) if account.person else None
    if delegation is None:
        raise NotYourPerson
    return delegation


def unmet_by(definition: ItemDefinition, person: Person) -> list[Condition]:
    """Conditions of acceptance that the records of the person contradict."""
    registered = None if person.division_id is None else person.division_id.startswith("3416")
    return list(
        unmet_conditions(
            definition, birth_date=person.birth_date, sex=person.sex, registered_in_city=registered, on=clock.today()
        )
    )


def _require_conditions(definition: ItemDefinition, person: Person) -> None:
    unmet = unmet_by(definition, person)
    if unmet:
        raise NotEligible(fields={f"condition.{number}": str(condition.text) for number, condition in enumerate(unmet)})


def _require_materials(materials: list[proofs.ProvenMaterial]) -> None:
    missing = {line.material.id: f"{line.material.name}：{line.words}" for line in materials if not line.is_settled}
    if missing:
        raise MaterialsMissing(fields=missing)


def unfinished_draft(account: Account, person: Person, key: str) -> Draft | None:
    """The account's open draft of that form for the person."""
    return next(
        (draft for draft in form_queries.drafts_of(account) if draft.form == key and draft.subject_id == person.pk),
        None,
    )


def facts_for_proof(account: Account, person: Person, definition: ItemDefinition) -> dict[str, Any]:
    wanted = proofs.elements_for_proof(definition)
    actor: Actor = people_services.actor_of(account)
    found = form_queries.collect_facts(
        Subject(kind="person", id_number=person.id_number, person_id=person.pk),
        wanted,
        purpose=f"办理{definition.name.zh}：核验材料",
        actor=actor,
    )
    return {
        element: {**asdict(replace(fact, conflicts=())), "as_of": fact.as_of.isoformat() if fact.as_of else ""}
        for element, fact in found.items()
    }


def facts_of(draft: Draft) -> dict[str, Fact]:
    """The facts kept at the start, as facts again."""
    return as_facts(draft.context.get("facts", {}))


def as_facts(kept: Mapping[str, Any]) -> dict[str, Fact]:
    """What `facts_for_proof` gave, as facts again."""
    return {
        element: Fact(
            **{**fact, "as_of": dt.date.fromisoformat(fact["as_of"]) if fact["as_of"] else None, "conflicts": ()}
        )
        for element, fact in kept.items()
    }


def certificates_held(person: Person | None, definition: ItemDefinition) -> dict[str, proofs.HeldCertificate]:
    """Certificates valid today that may prove a material of the item, by type."""
    held = trust.valid_certificates(person, proofs.certificate_types(definition), clock.today()) if person else {}
    return {
        kind: proofs.HeldCertificate(one.identifier, one.name.zh, one.number, one.issuer, one.issued_on)
        for kind, one in held.items()
    }


def change_context(draft: Draft, **changes: Any) -> None:
    draft.context = {**draft.context, **changes}
    draft.save(update_fields=["context", "updated_at"])
