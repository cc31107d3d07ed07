"""What an approval gives: a certificate issued by a job, so that a decision never waits for a printer."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Conflict
from yici.core.cases.models import Case, CaseEvent
from yici.core.messages import services as messages
from yici.core.people import services as people
from yici.core.people.models import Account
from yici.core.vocabulary.rules import make_uscc
from yici.platform.trust import queries as library
from yici.platform.trust import services as trust
from yici.platform.trust.models import Certificate, CertificateEvent
from yici.systems.hall import definitions
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
    person = application.applicant
    face = definitions.face_of(
        definition.result, application.answers, age=definitions.age_on(person.birth_date, clock.today())
    )
    if definition.result.certificate_action != "issue":
        return _follow(application, definition.result, face)
    with transaction.atomic():
        already = Certificate.objects.filter(case_number=case_number, type=definition.result.certificate).exists()
        face |= _allotted(definition, application.case)
        certificate = trust.issue(
            definition.result.certificate,
            holder=person,
            face={"person.name": person.name, "person.id_number": person.id_number, **face},
            case_number=case_number,
            issuer=application.case.organisation,
        )
        if not already:
            messages.tell(
                application.case.opened_by,
                "certificate.issued",
                {"name": certificate.name, "number": certificate.number, "case_number": case_number},
                link=f"/my/certificates/{certificate.identifier}/",
                case_number=case_number,
            )
    return certificate


def _allotted(definition: definitions.ItemDefinition, case: Case) -> dict[str, str]:
    """Codes that a decision gives to the body it founds. The case makes them the same however often it is asked."""
    area = (str(case.division_id or "") or "341600")[:6]
    return {entry.element: make_uscc(area, case.pk) for entry in definition.result.face if entry.allot == "uscc"}


@transaction.atomic
def _follow(application: Application, result: definitions.Result, face: dict[str, Any]) -> Certificate | None:
    """An approval of an item that changes or ends a certificate: the applicant's newest of that type, once.

    Raises `Conflict` where there is none in force: the job is tried again and stays in sight.
    """
    number, action = application.case.number, result.certificate_action
    Case.objects.select_for_update().get(pk=application.case_id)
    done = CertificateEvent.objects.filter(case_number=number, action=action).exists()
    if done:
        return Certificate.objects.filter(case_number=number, type=result.certificate).first()
    held = library.valid_certificate(application.applicant, result.certificate)
    if held is None:
        raise Conflict(_("申请人名下没有有效的这种证照，无法变更或注销。"))
    actor, reason = people.actor_of(None), application.version.item.name
    if action == "change":
        return trust.change(held.identifier, face, reason, actor, number)
    trust.cancel(held.identifier, reason, actor, number)
    return None


def revoke_result(case: Case, event: CaseEvent, actor: Account | None) -> None:
    """Effect of a revoked decision: the certificate it gave is revoked with the same reason."""
    living = Certificate.objects.filter(case_number=case.number, state__in=["valid", "suspended"])
    for identifier in living.values_list("identifier", flat=True):
        trust.revoke(identifier, event.opinion or event.label, people.actor_of(actor), case.number)
