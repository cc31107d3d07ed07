"""Changes to the certificate library: issue, hold, change, suspend, resume, revoke, cancel. Issuing renders, signs and
stores the file; every step is an event."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.encrypted import index_of
from yici.base.errors import Conflict, Invalid
from yici.core.audit import services as audit
from yici.core.files import services as files
from yici.core.people.models import Organisation, Person
from yici.core.places import queries as places
from yici.platform.trust import definitions, rules
from yici.platform.trust.definitions import CertificateType
from yici.platform.trust.library import printing, states
from yici.platform.trust.library.held import Held, from_issued
from yici.platform.trust.making.running import HOLDER_PLACE
from yici.platform.trust.models import Certificate, FurtherHolder

__all__ = ["cancel", "change", "hold", "issue", "resume", "revoke", "suspend"]


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
    _print(certificate, kind)
    _save(certificate)
    states.note(from_issued(certificate), "issue", "valid", "核发", actor, case_number)
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
    _save(certificate)
    states.note(from_issued(certificate), "hold", "valid", "归集", actor)
    return certificate


@transaction.atomic
def change(
    identifier: str,
    face: Mapping[str, Any],
    reason: str,
    actor: audit.Actor,
    case_number: str = "",
    *,
    renew: bool = False,
) -> Certificate:
    """A new version of an issued certificate with these elements changed; the old one stays, as changed.

    `renew`: its term begins anew today, as its type has it; otherwise the term stays.

    Raises `Conflict` unless it is valid, or for one made in bulk: that follows its data. `Invalid` without a reason.
    """
    if not reason.strip():
        raise Invalid(_("请写明理由。"), fields={"reason": _("请写明理由。")})
    old = Certificate.objects.select_for_update(of=("self",)).select_related("issuer", "holder").filter(
        identifier=identifier
    ).first()  # fmt: skip
    if old is None:
        raise Conflict(_("从数据批量制作的证照随数据更新，请更正数据。"))
    if old.state != "valid":
        raise Conflict(_("证照现在的状态是“%(state)s”，不能这样操作。") % {"state": old.get_state_display()})
    kind = definitions.certificate_type(old.type)
    parts = rules.parse_identifier(old.identifier)
    changed = {element: str(value) for element, value in face.items() if value not in (None, "")}
    new = Certificate(
        identifier=str(rules.make_identifier(parts.type_code, parts.issuer_code, parts.serial, parts.version + 1)),
        check_code=rules.new_check_code(), type=old.type, name=old.name, number=old.number, holder=old.holder,
        holder_name=changed.get("organisation.name") or old.holder_name, issuer=old.issuer, issued_on=clock.today(),
        valid_from=clock.today(), valid_to=kind.last_day(clock.today()) if renew else old.valid_to, face={**old.face, **changed},
        case_number=case_number or old.case_number, version=old.version + 1,
    )  # fmt: skip
    _print(new, kind)
    old.state, old.state_reason = Certificate.State.CHANGED, reason.strip()
    old.save(update_fields=["state", "state_reason"])
    _save(new)
    states.note(from_issued(old), "change", "changed", reason.strip(), actor, case_number, new.identifier)
    states.note(from_issued(new), "issue", "valid", reason.strip(), actor, case_number)
    return new


def suspend(identifier: str, reason: str, actor: audit.Actor, case_number: str = "") -> Held:
    """Take out of force for a time. Raises `Conflict` unless it is valid, `Invalid` without a reason."""
    return states.act(identifier, "suspend", reason, actor, case_number)


def resume(identifier: str, reason: str, actor: audit.Actor, case_number: str = "") -> Held:
    """Put a suspended certificate back in force."""
    return states.act(identifier, "resume", reason, actor, case_number)


def revoke(identifier: str, reason: str, actor: audit.Actor, case_number: str = "") -> Held:
    """End it for good, as wrongly given. Revoking twice is a `Conflict`."""
    return states.act(identifier, "revoke", reason, actor, case_number)


def cancel(identifier: str, reason: str, actor: audit.Actor, case_number: str = "") -> Held:
    """End it for good, as no longer needed or possible."""
    return states.act(identifier, "cancel", reason, actor, case_number)


def _print(certificate: Certificate, kind: CertificateType) -> None:
    """Render, sign and store its file; the caller saves."""
    signed = printing.pdf_of_sheet(printing.sheet_of(from_issued(certificate)), kind.slug)
    certificate.file = files.store(
        signed, f"{kind.name.zh}-{certificate.number}.pdf", holder=certificate.holder, trust="A",
        case_number=certificate.case_number,
    )  # fmt: skip


def _save(certificate: Certificate) -> None:
    """A new one, with who holds it besides the first: persons, and the organisation that it is made out to."""
    certificate.save()
    further = {*from_issued(certificate).holders, *filter(None, (certificate.face.get("organisation.uscc"),))}
    FurtherHolder.objects.bulk_create(
        FurtherHolder(holder=index_of(number, HOLDER_PLACE), identifier=certificate.identifier) for number in further
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
