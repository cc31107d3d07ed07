"""A document that several people sign before an application is accepted: made of the answers, sent round, waited for.

The case waits in `received` until all have signed; then it is accepted by itself. When somebody declines, or time runs
out, it is closed and everybody knows why. Nothing is printed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.cityfolder import city_folder
from yici.base.errors import Invalid
from yici.core.cases import services as cases
from yici.core.cases.models import Case, CaseEvent
from yici.core.files import services as files
from yici.core.people.models import Account, Person
from yici.core.people.services import confirmed_person
from yici.core.vocabulary import queries as vocabulary
from yici.core.vocabulary import rules as vocabulary_rules
from yici.platform.trust import rendering
from yici.platform.trust.models import Envelope
from yici.platform.trust.signatures import envelope_queries, envelopes
from yici.platform.trust.signatures.envelopes import SignerDraft
from yici.systems.hall.definitions import ItemDefinition, Signing
from yici.systems.hall.models import Application, MaterialInstance
from yici.systems.hall.queries.catalogue import definition_of

__all__ = ["DOCUMENTS", "Signatory", "cancel_signatures", "request_signatures", "signatories", "signatures_ended"]

DOCUMENTS = "documents"  # folder of the city with the templates
_ALL_SIGNED, _ENDED = "all_signed", "signing_ended"


@dataclass(frozen=True)
class Signatory:
    """One signer as named in the form; `share` in fen."""

    person: Person
    name: str
    share: int


def signatories(signing: Signing, answers: Mapping[str, Any], applicant: Person) -> list[Signatory]:
    """Who must sign, each confirmed by the records. Raises `Invalid` naming the fields that are wrong."""
    rows = list(answers.get(signing.group) or [])
    errors: dict[str, str] = {}
    found = []
    for number, row in enumerate(rows):
        name, id_number = str(row.get(signing.name, "")), str(row.get(signing.id_number, ""))
        try:
            person = confirmed_person(name, id_number)
        except Invalid as error:
            errors[f"{signing.group}.{number}.{signing.id_number}"] = str(error.message)
            continue
        found.append(Signatory(person, name, int(row.get(signing.share) or 0) if signing.share else 0))
        _keep_phone(person, str(row.get(signing.phone, "")))
    if not errors:
        errors = _contradictions(signing, answers, found, applicant)
    if errors:
        raise Invalid(fields=errors)
    return found


def _contradictions(
    signing: Signing, answers: Mapping[str, Any], found: list[Signatory], applicant: Person
) -> dict[str, str]:
    errors: dict[str, str] = {}
    people = {one.person.pk for one in found}
    if len(people) != len(found):
        errors[signing.group] = _("同一个人只能写一次，请删去重复的一行。")
    elif applicant.pk not in people:
        errors[signing.group] = _("申请人本人应当在名单里。")
    elif signing.total and sum(one.share for one in found) != answers.get(signing.total):
        total = vocabulary_rules.yuan(sum(one.share for one in found))
        errors[signing.group] = _("各人的数额加起来是 %(total)s 元，与总额不一致，请核对。") % {"total": total}
    if signing.among and answers.get(signing.among) not in {one.name for one in found}:
        errors[signing.among] = _("应当是名单里的一位。")
    return errors


def _keep_phone(person: Person, phone: str) -> None:
    """Where somebody is told who has no account yet."""
    if phone and not person.phone:
        person.phone = phone
        person.save(update_fields=["phone"])


def request_signatures(created: Application, account: Account) -> Envelope | None:
    """Make the document and send it round, in the transaction of the submission; None where the item has none."""
    definition = definition_of(created.version)
    signing = definition.signing
    if signing is None:
        return None
    signers = signatories(signing, created.answers, created.applicant)
    pdf = rendering.compile_sheet(
        _content(definition, signing, created, signers), city_folder() / DOCUMENTS / signing.template
    )
    document = files.store(
        pdf, f"{signing.document.zh}.pdf", holder=created.applicant, account=account, trust="D",
        case_number=created.case.number,
    )  # fmt: skip
    drafts = [SignerDraft(one.person, signing.role.zh) for one in signers]
    return envelopes.create(
        signing.document.zh, document, drafts, account, days=signing.days, case_number=created.case.number
    )


def _content(
    definition: ItemDefinition, signing: Signing, created: Application, signers: list[Signatory]
) -> dict[str, Any]:
    """What the template reads: answers in words, one row for each signer, the day."""
    total = sum(one.share for one in signers)
    answers = {
        key: vocabulary_rules.display(key, str(value))
        for key, value in created.answers.items()
        if vocabulary.has_element(key) and value not in (None, "")
    }
    own = {key: str(value) for key, value in created.answers.items() if isinstance(value, str) and key not in answers}
    return {
        "title": signing.document.zh,
        "answers": {**own, **answers},
        "rows": [
            {
                "name": one.name,
                "id_number": vocabulary_rules.mask("person.id_number", one.person.id_number),
                "share": vocabulary_rules.yuan(one.share),
                "percent": f"{one.share * 100 / total:.2f}" if total else "",
            }
            for one in signers
        ],
        "date": f"{timezone.localtime(clock.now()):%Y年%m月%d日}",
        "case_number": created.case.number,
        "item": definition.name.zh,
        "verify_url": f"{settings.SITE_URL}/my/cases/{created.case.number}/",
    }


def signatures_ended(envelope: Envelope) -> None:
    """For `trust.ports.register_envelope_listener`: the case goes on, or is closed."""
    case = Case.objects.select_related("application").filter(number=envelope.case_number or "-").first()
    if case is None or case.closed_at is not None or not hasattr(case, "application"):
        return
    if envelope.state == Envelope.State.COMPLETED:
        _keep_documents(case.application, envelope)
        cases.act_as_system(case.number, _ALL_SIGNED, data={"envelope": envelope.number})
        return
    reason = envelope.reason or str(envelope.get_state_display())
    cases.act_as_system(case.number, _ENDED, data={"envelope": envelope.number, "reason": reason})


def _keep_documents(application: Application, envelope: Envelope) -> None:
    """The signed document and its evidence become materials of the application."""
    proof = {"name": f"{envelope.title} {envelope.number}"}
    for requirement, name, stored in (
        ("signed_document", envelope.title, envelope.current),
        ("signing_evidence", f"{envelope.title}（签署证据包）", envelope.evidence),
    ):
        MaterialInstance.objects.create(
            application=application, requirement=requirement, name=name, source=MaterialInstance.Source.SIGNED,
            proof=proof, file=stored, trust="A", added_at=clock.now(),
        )  # fmt: skip


def cancel_signatures(case: Case, event: CaseEvent, actor: Account | None) -> None:
    """Effect of a withdrawal or refusal while people sign: nobody needs to any more."""
    envelope = envelope_queries.envelope_of_case(case.number)
    if envelope is not None and envelope.state == Envelope.State.OPEN:
        envelopes.cancel(envelope.number, envelope.created_by, event.opinion or event.label)
