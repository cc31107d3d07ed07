"""What an approval gives: a certificate issued by a job, so that a decision never waits for a printer."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from yici.base import clock
from yici.core.cases.models import Case, CaseEvent
from yici.core.messages import services as messages
from yici.core.people import services as people
from yici.core.people.models import Account
from yici.core.vocabulary.rules import make_uscc
from yici.platform.trust import queries as library
from yici.platform.trust import services as trust
from yici.platform.trust.definitions import certificate_type
from yici.platform.trust.library.held import Held
from yici.platform.trust.models import Certificate, CertificateEvent
from yici.systems.hall import definitions
from yici.systems.hall.generating.shorthand import GENERAL
from yici.systems.hall.models import Application
from yici.systems.hall.queries.catalogue import definition_of

EFFECT = "hall.issue_result"
REVOKE = "hall.revoke_result"


def defer_result(case: Case, event: CaseEvent, actor: Account | None) -> None:
    """Effect of an approval: queue the certificate in the approval's own transaction."""
    from yici.systems.hall.jobs import issue_result

    issue_result.defer(case_number=case.number)


def issue(case_number: str) -> Certificate | None:
    """Issue the result of an approved case, once however often it is called. None: the item gives no certificate."""
    application = Application.objects.select_related(
        "case__organisation", "version__item", "applicant", "case__opened_by"
    ).get(case__number=case_number)
    definition = definition_of(application.version)
    if not definition.result.certificate:
        return None
    with transaction.atomic():
        Case.objects.select_for_update().get(pk=application.case_id)
        if definition.result.ends:
            _end(definition.result.ends, application)
        return _give(definition, application)


def _give(definition: definitions.ItemDefinition, application: Application) -> Certificate:
    """The certificate, issued or as a new version of the one held, once.

    A change changes what the item says and leaves the rest. Who holds none yet (a paper from before the library), or
    one made in bulk, gets a first one with the new content.
    """
    result, case, person = definition.result, application.case, application.applicant
    already = Certificate.objects.filter(case_number=case.number, type=result.certificate).order_by("-pk").first()
    if already:
        return already
    age = definitions.age_on(person.birth_date, clock.today())
    face = definitions.face_of(result, application.answers, age=age)
    held = None
    if result.certificate_action != "issue":
        held = _held(application, result.certificate, name=_name_on(result), number=result.number)
    if held is not None and not held.is_made:
        certificate = trust.change(
            held.identifier, face, application.version.item.name, people.actor_of(None), case.number,
            renew=result.certificate_action == "renew",
        )  # fmt: skip
    else:
        own = {"person.name": person.name, "person.id_number": person.id_number}
        known = held.face if held else _printed(result.certificate, application.answers)
        certificate = trust.issue(
            result.certificate,
            holder=person,
            face={**own, **known, **face, **_allotted(definition, case)},
            case_number=case.number,
            issuer=case.organisation,
        )
    messages.tell(
        case.opened_by,
        "certificate.issued",
        {"name": certificate.name, "number": certificate.number, "case_number": case.number},
        link=f"/my/certificates/{certificate.identifier}/",
        case_number=case.number,
    )
    return certificate


def _printed(type: str, answers: dict[str, Any]) -> dict[str, Any]:
    """Every answer that a certificate of this type prints."""
    face = certificate_type(type).face
    return {element: answers[element] for element in face if answers.get(element) not in (None, "")}


def _name_on(result: definitions.Result) -> str:
    """What a paper of a general type is called; the name of a type of its own says enough."""
    return next((entry.value for entry in result.face if entry.element == "certificate.name"), "")


def _held(application: Application, type: str, *, name: str = "", number: str = "", holder: str = "") -> Held | None:
    """The newest in force of the applicant, her organisation, or the `holder` that an answer tells; None without one."""
    answers = application.answers
    whose = str(answers.get(holder) or "") if holder else application.applicant.id_number
    found = library.in_force(
        type, whose, organisation="" if holder else str(answers.get("organisation.uscc") or ""),
        number=str(answers.get(number) or "") if number else "", name=name if type in GENERAL else "",
    )  # fmt: skip
    return found[0] if found else None


def _end(ended: definitions.Ended, application: Application) -> None:
    """Cancel what the approval ends, once. A paper that the library does not hold ends with the decision itself."""
    case = application.case
    if CertificateEvent.objects.filter(case_number=case.number, action="cancel").exists():
        return
    held = _held(application, ended.certificate, name=ended.name, number=ended.number, holder=ended.holder)
    if held is not None:
        trust.cancel(held.identifier, application.version.item.name, people.actor_of(None), case.number)


def _allotted(definition: definitions.ItemDefinition, case: Case) -> dict[str, str]:
    """Codes that a decision gives to the body it founds. The case makes them the same however often it is asked."""
    area = (str(case.division_id or "") or "341600")[:6]
    return {entry.element: make_uscc(area, case.pk) for entry in definition.result.face if entry.allot == "uscc"}


def revoke_result(case: Case, event: CaseEvent, actor: Account | None) -> None:
    """Effect of a revoked decision: the certificate it gave is revoked with the same reason."""
    living = Certificate.objects.filter(case_number=case.number, state__in=["valid", "suspended"])
    for identifier in living.values_list("identifier", flat=True):
        trust.revoke(identifier, event.opinion or event.label, people.actor_of(actor), case.number)
