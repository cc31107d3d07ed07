"""Changes to the certificate library: issue, suspend, resume, revoke. Issuing renders, signs and stores the file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.cityfolder import city_folder
from yici.base.errors import Conflict, Invalid
from yici.core.audit import services as audit
from yici.core.files import services as files
from yici.core.people.models import Organisation, Person
from yici.core.places import queries as places
from yici.core.vocabulary import queries as vocabulary
from yici.core.vocabulary import rules as vocabulary_rules
from yici.platform.trust import definitions, rendering, rules, signing
from yici.platform.trust.definitions import CertificateType
from yici.platform.trust.models import Certificate

__all__ = ["hold", "issue", "resume", "revoke", "suspend"]

SEAL_CAPTION = "电子证照专用章"


@transaction.atomic
def issue(
    type: str,
    *,
    holder: Person,
    face: Mapping[str, Any],
    case_number: str,
    issuer: Organisation,
    actor: audit.Actor = audit.SYSTEM,
) -> Certificate:
    """Issue a certificate of a type once for a case; a second call gives the first one back.

    `face`: element id → value in the vocabulary's normal form (money in fen). Elements that the type does not
    print and the vocabulary knows are printed after the others. Raises `Misconfigured` for an unknown type or
    missing fonts, `Invalid` without a case number or with a face that holds none of the type's elements.
    """
    if not case_number:
        raise Invalid(_("核发证照需要办件编号。"))
    kind = definitions.certificate_type(type)
    _one_at_a_time(f"{case_number}:{type}")
    already = Certificate.objects.filter(case_number=case_number, type=type).first()
    if already:
        return already
    values = {element: str(value) for element, value in face.items() if value not in (None, "")}
    if not any(element in values for element in kind.face):
        raise Invalid(_("证照《%(name)s》没有可以打印的内容，请检查事项的结果设置。") % {"name": kind.name.zh})
    certificate = _new(kind, holder, values, issuer, case_number, _next_serial())
    pdf = rendering.render(_sheet(kind, certificate), city_folder() / definitions.FOLDER / "templates" / kind.template)
    signed = signing.sign(pdf, identifier=certificate.identifier, issuer=issuer.name)
    certificate.file = files.store(
        signed, f"{kind.name.zh}-{certificate.number}.pdf", holder=holder, trust="A", case_number=case_number
    )
    certificate.save()
    _note(certificate, "issue", f"核发证照《{kind.name.zh}》", actor)
    return certificate


@transaction.atomic
def hold(
    type: str,
    *,
    holder: Person,
    face: Mapping[str, Any],
    issuer: Organisation,
    number: str,
    issued_on: Any,
    actor: audit.Actor = audit.SYSTEM,
) -> Certificate:
    """Enter a certificate that exists already (issued elsewhere, on paper); it has no file. Idempotent by number."""
    kind = definitions.certificate_type(type)
    already = Certificate.objects.filter(type=type, number=number, version=1).first()
    if already:
        return already
    certificate = _new(kind, holder, {key: str(value) for key, value in face.items()}, issuer, "", _next_serial())
    certificate.number, certificate.issued_on, certificate.valid_from = number, issued_on, issued_on
    certificate.valid_to = kind.last_day(issued_on)
    certificate.save()
    _note(certificate, "issue", f"归集证照《{kind.name.zh}》", actor)
    return certificate


def suspend(certificate: Certificate, reason: str, actor: audit.Actor) -> Certificate:
    """Take out of force for a time. Raises `Conflict` unless it is valid, `Invalid` without a reason."""
    return _change(certificate, {"valid"}, "suspended", reason, actor)


def resume(certificate: Certificate, reason: str, actor: audit.Actor) -> Certificate:
    """Put a suspended certificate back in force."""
    return _change(certificate, {"suspended"}, "valid", reason, actor)


def revoke(certificate: Certificate, reason: str, actor: audit.Actor) -> Certificate:
    """End it for good. Revoking twice is a `Conflict`."""
    return _change(certificate, {"valid", "suspended"}, "revoked", reason, actor)


@transaction.atomic
def _change(certificate: Certificate, allowed: set[str], state: str, reason: str, actor: audit.Actor) -> Certificate:
    if not reason.strip():
        raise Invalid(_("请写明理由。"), fields={"reason": _("请写明理由。")})
    locked = Certificate.objects.select_for_update().get(pk=certificate.pk)
    if locked.state not in allowed:
        raise Conflict(_("证照现在的状态是“%(state)s”，不能这样操作。") % {"state": locked.get_state_display()})
    locked.state, locked.state_reason = state, "" if state == "valid" else reason.strip()
    locked.save(update_fields=["state", "state_reason"])
    _note(locked, "change", f"{locked.get_state_display()}：{reason.strip()}", actor)
    return locked


def _note(certificate: Certificate, action: str, purpose: str, actor: audit.Actor) -> None:
    audit.record(
        actor,
        action,
        subject=("person", certificate.holder_id or 0),
        elements=["certificate.number"],
        purpose=purpose,
        case_number=certificate.case_number,
    )


def _one_at_a_time(key: str) -> None:
    """Until the end of the transaction nobody else issues for the same case and type."""
    number = int.from_bytes(hashlib.sha256(f"trust:{key}".encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [number])


def _next_serial() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('trust_certificate_serial')")
        return int(cursor.fetchone()[0])


def _new(
    kind: CertificateType, holder: Person, values: dict[str, str], issuer: Organisation, case_number: str, serial: int
) -> Certificate:
    today = clock.today()
    division = (issuer.division_id or places.root().pk)[:6]
    identifier = rules.make_identifier(kind.type_code, issuer.uscc or division, f"{today.year}{serial:09d}")
    return Certificate(
        identifier=str(identifier),
        check_code=rules.new_check_code(),
        type=kind.slug,
        name=kind.name.zh,
        number=kind.number.format(division=division, year=today.year, serial=serial),
        holder=holder,
        holder_name=values.get("organisation.name") or holder.name,
        issuer=issuer,
        issued_on=today,
        valid_from=today,
        valid_to=kind.last_day(today),
        face=values,
        case_number=case_number,
    )


def _sheet(kind: CertificateType, certificate: Certificate) -> rendering.Sheet:
    """What is printed, always in Chinese whatever language the request has."""
    with translation.override("zh-hans"):
        fields = [_face_row(element, certificate.face[element]) for element in printed_elements(kind, certificate.face)]
        statement = kind.statement.zh
        for element in kind.blanks():
            value = certificate.face.get(element) or (certificate.holder_name if element == "person.name" else "")
            statement = statement.replace(f"{{{element}}}", vocabulary_rules.display(element, value))
    day, until, issuer = certificate.issued_on, certificate.valid_to, certificate.issuer
    return rendering.Sheet(
        title=kind.name.zh,
        title_en=kind.name.en,
        authority=f"{places.root().name}电子证照",
        accent=kind.accent,
        statement=statement,
        statement_en=kind.statement.en,
        fields=fields,
        number=certificate.number,
        identifier=certificate.identifier,
        check_code=certificate.check_code,
        check_code_shown=rules.shown_check_code(certificate.check_code),
        verify_url=f"{settings.SITE_URL}/verify/{certificate.check_code}/",
        verify_host=f"{urlsplit(settings.SITE_URL).netloc}/verify",
        issuer=issuer.name,
        issuer_en=issuer.english,
        seal_caption=SEAL_CAPTION,
        issued_on=f"{day.year}年{day.month}月{day.day}日",
        issued_on_iso=day.isoformat(),
        validity=f"至{until.year}年{until.month}月{until.day}日" if until else "长期有效",
        validity_en=f"Valid until {until.isoformat()}" if until else "Valid without limit",
        case_number=certificate.case_number,
    )


def printed_elements(kind: CertificateType, face: Mapping[str, Any]) -> list[str]:
    """The type's elements first, in its order, then whatever else the face holds and the vocabulary knows."""
    wanted = [element for element in kind.face if face.get(element)]
    return wanted + [element for element in face if element not in kind.face and vocabulary.has_element(element)]


def _face_row(element: str, value: str) -> rendering.FaceRow:
    if not vocabulary.has_element(element):
        return rendering.FaceRow(element, "", value)
    label = vocabulary.element(element).label
    return rendering.FaceRow(label.zh, label.en, vocabulary_rules.display(element, value))
