"""One submission becomes a parent case and its parts; parts that wait for a result begin when it is there.

`go_on` is the only function that moves a parent: it is called by a job after every move of a part, reads what the parts
say, opens what need wait no longer, drops what can no longer come about, asks for the combined payment, and closes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from yici.base import clock
from yici.core.cases import services as cases
from yici.core.cases.errors import ActionNotAllowed
from yici.core.cases.models import Case
from yici.core.cases.rules.states import SUCCESS_STATES
from yici.core.files import services as files
from yici.core.files.models import StoredFile
from yici.core.forms import services as forms
from yici.core.forms.rules import SITUATION, changed_fields
from yici.core.messages import services as messages
from yici.core.people import queries as people
from yici.core.people.models import Account, Delegation, Person
from yici.platform.data import services as data
from yici.platform.pay import queries as pay_queries
from yici.platform.pay import services as pay
from yici.platform.pay.providers.money import local, yuan
from yici.platform.trust.models import Certificate
from yici.systems.hall.errors import MaterialsMissing
from yici.systems.hall.joint import applying as joint_drafts
from yici.systems.hall.joint.applying import OpenJoint, ProvenNeed
from yici.systems.hall.joint.models import JointApplication, JointPart
from yici.systems.hall.models import Application, MaterialInstance, ServiceItem
from yici.systems.hall.queries import holdings
from yici.systems.hall.services import applying, payments
from yici.systems.hall.services.results import issue

CASE_TYPE = "joint"


def submit(joint: OpenJoint, account: Account) -> JointApplication:
    """The parent, and a case for every part that waits for nobody. Called with the draft locked, in a transaction.

    Raises `JointItemStopped`, `NotEligible`, `Invalid` (answers), `MaterialsMissing`, `NoAuthority`, `NotYourPerson`.
    """
    draft, merged = joint.draft, joint.merged
    stopped = [version.item for version in joint.versions if version.item.state != ServiceItem.State.ACTIVE]
    if stopped:
        raise joint_drafts.stopped_items(stopped)
    person = draft.subject
    assert person is not None  # every draft of the hall is opened for a person
    delegations = [applying.delegation_for(account, person, version.item.code) for version in joint.versions]
    joint_drafts.require_conditions(merged.items, person)
    answers = forms.validate_draft(draft, merged.form)
    plan = joint_drafts.plan_of(joint)
    proven = joint_drafts.proven_needs(joint, plan)
    _require_materials(joint, proven)
    parts = _parts(joint, plan, proven, person, answers)
    parent = _open_parent(joint, account, person, parts[0], delegations[0])
    theme = joint_drafts.theme_named(joint.theme)
    created = JointApplication.objects.create(
        case=parent, theme=joint.theme, counts=theme.counts if theme else "each", applicant=person,
        agent=account.person if delegations[0] else None, delegation=delegations[0], answers=answers,
        provenance=draft.prefill, situation=draft.situation, charges=_charges(joint, answers),
        draft_token=draft.token, submitted_at=clock.now(),
    )  # fmt: skip
    for part in parts:
        part.joint = created
    JointPart.objects.bulk_create(parts)
    beginning = [part for part in parts if not part.needs]
    for part in beginning:
        _open_part(created, part, joint, parent, account)
    JointPart.objects.bulk_update(beginning, ["case"])
    cases.follow_children(parent)
    _object_to_records(created, account)
    forms.mark_submitted(draft, parent.number)
    return created


def _require_materials(joint: OpenJoint, proven: list[ProvenNeed]) -> None:
    missing = {
        line.material.id: f"{line.material.name}：{line.words}"
        for line in joint_drafts.material_lines(joint, proven)
        if not line.is_settled
    }
    if missing:
        raise MaterialsMissing(fields=missing)


def _parts(
    joint: OpenJoint, plan: joint_drafts.Plan, proven: list[ProvenNeed], person: Person, answers: Mapping[str, Any]
) -> list[JointPart]:
    """The parts in the order of handling, each with who will decide it. Raises `NoAuthority` before anything is written."""
    place = str(joint.draft.context.get("place", ""))
    parts: list[JointPart] = []
    for code in (code for wave in plan.waves for code in wave):
        version, definition = joint.version_of(code), joint.merged.by_code[code]
        own = joint.merged.answers_of(code, answers)
        division = joint_drafts.division_for(definition, person, own, place)
        holding = holdings.holder_for(version.item, division)
        parts.append(
            JointPart(
                place=len(parts), version=version, code=code, name=definition.name.zh, english=definition.name.en,
                organisation=holding.organisation, division=division,
                needs=list(dict.fromkeys(edge.giver for edge in plan.edges if edge.taker == code)),
                materials=[_kept(one) for one in proven if one.need.item == code and one.line.source != "optional"],
            )
        )  # fmt: skip
    return parts


def _kept(one: ProvenNeed) -> dict[str, Any]:
    line = one.line
    return {
        "requirement": line.material.id, "name": line.material.name.zh, "source": line.source, "proof": line.proof,
        "files": list(line.files), "trust": line.trust, "giver": one.giver,
    }  # fmt: skip


def _open_parent(
    joint: OpenJoint, account: Account, person: Person, first: JointPart, delegation: Delegation | None
) -> Case:
    """The whole, with the theme's lead body, or the body of the part that is handled first."""
    theme = joint_drafts.theme_named(joint.theme)
    lead, place = first.organisation, first.division
    if theme:
        place = str(joint.draft.context.get("place", "")) or str(person.division_id or applying.EVERYWHERE)
        lead = people.responsible_organisation(theme.lead.function, theme.lead.level, place)
    return cases.open_case(
        type=CASE_TYPE, title=joint.definition.name.zh, organisation=lead, division=place, actor=account,
        subject=person, subject_name=person.name, channel=joint.draft.context.get("channel", "net"),
        is_self_filed=delegation is None,
        data={"english": joint.definition.name.en, "theme": joint.theme, "items": [one.code for one in joint.merged.items]},
    )  # fmt: skip


def _open_part(
    joint: JointApplication, part: JointPart, definitions: OpenJoint, parent: Case, account: Account | None
) -> Case:
    """A case of its own for one part, with its share of the answers and its materials."""
    version = part.version
    case = cases.open_case(
        type=version.case_version.case_type.slug, version=version.case_version, title=part.name,
        organisation=part.organisation, division=part.division, actor=account, subject=parent.subject,
        subject_name=parent.subject_name, channel=parent.channel, is_self_filed=parent.is_self_filed, parent=parent,
        is_simulated=parent.is_simulated, data={"item": part.code, "version": version.number, "english": part.english},
    )  # fmt: skip
    merged = definitions.merged
    answers = merged.answers_of(part.code, joint.answers) | _told(joint, part, merged.told.get(part.code, frozenset()))
    application = Application.objects.create(
        case=case, version=version, applicant=joint.applicant, agent=joint.agent, delegation=joint.delegation,
        answers=answers, provenance=merged.answers_of(part.code, joint.provenance),
        situation=merged.situation_of(part.code, joint.situation), draft_token=f"{joint.draft_token}.{part.place}",
        submitted_at=clock.now(),
    )  # fmt: skip
    _keep_materials(application, part)
    part.case = case
    return case


def _told(joint: JointApplication, part: JointPart, elements: frozenset[str]) -> dict[str, Any]:
    """What the papers it waited for say: the credit code of the licence that was just issued."""
    if not elements:
        return {}
    numbers = joint.parts.filter(code__in=part.needs).values_list("case__number", flat=True)
    faces = Certificate.objects.filter(case_number__in=[one for one in numbers if one]).values_list("face", flat=True)
    return {element: face[element] for face in faces for element in elements if face.get(element)}


def _keep_materials(application: Application, part: JointPart) -> None:
    now = clock.now()
    rows = []
    for kept in part.materials:
        proof = dict(kept["proof"])
        if kept["giver"]:
            proof |= _given_by(part, kept["giver"])
        for file_id in kept["files"] or (None,):
            rows.append(
                MaterialInstance(
                    application=application, requirement=kept["requirement"], name=kept["name"], source=kept["source"],
                    proof=proof, file_id=file_id, trust=kept["trust"], added_at=now,
                )
            )  # fmt: skip
    MaterialInstance.objects.bulk_create(rows)
    for row in rows:
        if row.file_id:
            files.attach(StoredFile.objects.get(pk=row.file_id), application.case.number)


def _given_by(part: JointPart, giver: str) -> dict[str, str]:
    """Which case's result it is, and the paper itself where one was issued."""
    number = part.joint.parts.filter(code=giver).values_list("case__number", flat=True).first() or ""
    paper = Certificate.objects.filter(case_number=number).order_by("-pk").first() if number else None
    found = {"case": number}
    if paper:
        found |= {"identifier": paper.identifier, "issued_on": paper.issued_on.isoformat()}
    return found


def _object_to_records(joint: JointApplication, account: Account) -> None:
    for changed in changed_fields(joint.answers, joint.provenance):
        if data.can_object_to(changed.key):
            data.raise_objection(
                joint.applicant, changed.key, dict(changed.fact), changed.claimed,
                case_number=joint.case.number, account=account,
            )  # fmt: skip


# What the parts make of the whole ---------------------------------------------------------------------


def part_moved(parent: Case, child: Case) -> None:
    """A part acted; what follows for the whole is a job's, so that no decision waits for another department's."""
    from yici.systems.hall.jobs import joint_go_on

    if child.closed_at is not None or child.accepted_at is not None:
        joint_go_on.defer(case_number=parent.number)


def go_on(case_number: str) -> None:
    """Do everything that the state of the parts asks for; safe to repeat."""
    joint = JointApplication.objects.select_related("case").filter(case__number=case_number).first()
    if joint is None:
        return
    for number in joint.parts.filter(case__state__in=SUCCESS_STATES).values_list("case__number", flat=True):
        issue(number)  # what waits for a result may need what stands on it
    with transaction.atomic():
        parent = Case.objects.select_for_update(of=("self",)).get(pk=joint.case_id)
        if parent.closed_at is not None:
            return
        parts = list(
            joint.parts.select_related("case", "organisation", "version__item", "version__case_version__case_type")
        )
        _begin(parent, parts)
        _open_and_drop(joint, parent, parts)
        _ask_for_payment(joint, parent, parts)
        _close(joint, parent, parts)


def _begin(parent: Case, parts: list[JointPart]) -> None:
    if parent.state == "received" and any(part.case and part.case.accepted_at for part in parts):
        cases.act_as_system(parent.number, "begin")


def _open_and_drop(joint: JointApplication, parent: Case, parts: list[JointPart]) -> None:
    """Again and again until nothing changes: a part that is dropped may drop those that wait for it."""
    by_code = {part.code: part for part in parts}
    account = parent.opened_by
    definitions: OpenJoint | None = None
    changed = True
    while changed:
        changed = False
        for part in parts:
            if part.case_id or part.dropped_why:
                continue
            failed = [by_code[code] for code in part.needs if _has_failed(by_code[code])]
            if failed:
                names = _("、").join(one.name for one in failed)
                drop(part, f"前置事项没有办成：{names}", parent)
                changed = True
            elif all(_has_succeeded(by_code[code]) for code in part.needs):
                definitions = definitions or _reopened(joint)
                parent.refresh_from_db()
                case = _open_part(joint, part, definitions, parent, account)
                part.save(update_fields=["case"])
                cases.act_as_system(parent.number, "open_part", data={"case": case.number, "name": part.name})
                changed = True
    if definitions is not None:
        parent.refresh_from_db()
        cases.follow_children(parent)


def _reopened(joint: JointApplication) -> OpenJoint:
    """The pinned versions again: an item changed or stopped meanwhile goes on as it was applied for."""
    from yici.core.forms.models import Draft

    return joint_drafts.open_joint(Draft.objects.select_related("subject", "owner").get(token=joint.draft_token))


def drop(part: JointPart, why: str, parent: Case) -> None:
    """A part that never becomes a case, with the reason for the applicant."""
    part.dropped_why = why
    part.save(update_fields=["dropped_why"])
    cases.act_as_system(parent.number, "drop_part", data={"name": part.name, "opinion": f"{part.name}：{why}"})


def _has_failed(part: JointPart) -> bool:
    closed = part.case is not None and part.case.closed_at is not None
    return bool(part.dropped_why) or (closed and not _has_succeeded(part))


def _has_succeeded(part: JointPart) -> bool:
    return part.case is not None and part.case.state in SUCCESS_STATES


def _close(joint: JointApplication, parent: Case, parts: list[JointPart]) -> None:
    if any(part.case is None and not part.dropped_why for part in parts):
        return
    if any(part.case is not None and part.case.closed_at is None for part in parts):
        return
    done = sum(_has_succeeded(part) for part in parts)
    withdrawn = all(part.dropped_why or (part.case and part.case.outcome == "withdrawn") for part in parts)
    if done == len(parts):
        action = "finish"
    elif withdrawn:
        action = "end_withdrawn"
    else:
        action = "finish_partly" if done and joint.counts == "each" else "fail"
    cases.act_as_system(parent.number, action, data={"done": done, "parts": len(parts)})


def withdraw(case_number: str, account: Account, *, reason: str = "") -> None:
    """The applicant takes back everything that is still open; parts already decided stay. Raises `NotFound`."""
    from yici.core.cases import queries as case_queries

    parent = case_queries.case_for_applicant(account, case_number)
    if parent.closed_at is not None:
        raise ActionNotAllowed(_("这件事已经办结，不能再撤回。"))
    with transaction.atomic():
        joint = JointApplication.objects.get(case=parent)
        for part in joint.parts.select_related("case"):
            if part.case is None and not part.dropped_why:
                drop(part, "申请人撤回", parent)
            elif part.case and part.case.closed_at is None and part.case.state != "withdrawal_pending":
                cases.withdraw(part.case.number, account, reason=reason or "申请人撤回整件事")
    from yici.systems.hall.jobs import joint_go_on

    joint_go_on.defer(case_number=case_number)


# One payment ------------------------------------------------------------------------------------------


def _charges(joint: OpenJoint, answers: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every fee of every item, and those of the theme with their quantities, as the fee list will price them."""
    theme = joint_drafts.theme_named(joint.theme)
    said = {**answers, **{f"{SITUATION}{key}": value for key, value in joint.situation.items()}}
    facts = {key: str(value) for key, value in said.items() if not isinstance(value, list | dict)}
    found: list[dict[str, Any]] = []
    if theme and theme.charges:
        for charge in theme.charges:
            if charge.when and not charge.when.holds(said.get):
                continue
            quantity = math.ceil(float(answers.get(charge.quantity) or 0)) if charge.quantity else 1
            base = int(answers.get(charge.of) or 0) if charge.of else None
            told = {name: "1" for name, condition in charge.facts.items() if condition.holds(said.get)}
            if quantity > 0 and base != 0:
                found.append({"fee": charge.fee, "item": charge.item, "quantity": quantity, "of": base, "facts": told})
        return found
    for item in joint.merged.items:
        situation = joint.merged.situation_of(item.code, joint.situation)
        found += [
            {"fee": fee.code, "item": item.code, "quantity": 1, "of": None, "facts": facts}
            for fee in item.fees.items
            if fee.code and all(situation.get(question) == value for question, value in fee.when.items())
        ]
    return found


def _ask_for_payment(joint: JointApplication, parent: Case, parts: list[JointPart]) -> None:
    """One order for all payees, once every part that is open has been accepted; nothing where nothing is left to pay."""
    opened = [part.case for part in parts if part.case is not None]
    if not joint.charges or not opened or any(case.accepted_at is None and case.closed_at is None for case in opened):
        return
    if pay_queries.order_of_case(parent.number) is not None:
        return
    failed = {part.code for part in parts if _has_failed(part)}
    charges = [
        pay.Charge(one["fee"], one["quantity"], one["of"], one["facts"])
        for one in joint.charges
        if one["item"] not in failed
    ]
    if not charges or (failed and joint.counts == "all"):
        return
    order = pay.order_for(
        f"case:{parent.number}", charges, title=parent.title, payer=joint.applicant, account=parent.opened_by,
        case_number=parent.number, division=str(parent.division_id), hours=payments.HOURS,
    )  # fmt: skip
    if order is None:  # reductions leave nothing to pay, so nothing waits for a payment
        joint.charges = []
        joint.save(update_fields=["charges"])
        return
    context = {
        "title": parent.title, "case_number": parent.number, "yuan": yuan(order.fen),
        "due": local(order.expires_at, "%Y-%m-%d"),
    }  # fmt: skip
    messages.tell(
        parent.opened_by, "pay.requested", context, link=f"/my/payments/{order.number}/", case_number=parent.number
    )
