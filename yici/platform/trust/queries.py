"""Reads of the certificate library: what a person holds, what a check code or a file says to the public."""

from __future__ import annotations

import datetime as dt
import enum
import hashlib
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yici.base import clock
from yici.base.errors import Invalid, NotFound
from yici.base.text import Text
from yici.core.cases.models import Case
from yici.core.files.models import StoredFile
from yici.core.people import queries as people
from yici.core.people.models import Account, Person
from yici.core.vocabulary import queries as vocabulary
from yici.core.vocabulary import rules as vocabulary_rules
from yici.platform.trust import definitions, rules, signing
from yici.platform.trust.models import Certificate

__all__ = [
    "FaceLine",
    "Outcome",
    "Verdict",
    "by_check_code",
    "certificate_of",
    "certificates_for",
    "certificates_of",
    "certificates_of_case",
    "face_lines",
    "name_of",
    "reads_own_certificate",
    "state_of",
    "valid_certificate",
    "valid_certificates",
    "verdict_on",
    "verify_file",
]


_ALTERED = gettext_lazy("文件内容与核发时不一致，已被改动，请不要采信。")
_UNREADABLE = gettext_lazy("这不是 PDF 格式的电子证照，请上传下载到的原文件，不要用照片或截图。")
_UNSEALED = gettext_lazy("文件上没有本市的数字签名，不是本市核发的电子证照。")


class Outcome(enum.StrEnum):
    GENUINE = "genuine"
    NOT_IN_FORCE = "not_in_force"
    ALTERED = "altered"
    UNKNOWN = "unknown"
    UNREADABLE = "unreadable"


@dataclass(frozen=True)
class Verdict:
    """What the public hears of a code or a file. `certificate` is set where it is known and unaltered."""

    genuine: bool
    reason: str
    certificate: Certificate | None
    outcome: Outcome


def state_of(certificate: Certificate, on: dt.date | None = None) -> str:
    """valid, suspended, revoked or expired on a day (today by default)."""
    return rules.state_on(certificate.state, certificate.valid_from, certificate.valid_to, on or clock.today())


def certificates_of(person: Person) -> QuerySet[Certificate]:
    """All of a person's certificates, newest first, with issuer and file."""
    held = Certificate.objects.filter(holder=person)
    return held.select_related("issuer", "file").order_by("-issued_on", "-pk")


def certificates_for(account: Account) -> QuerySet[Certificate]:
    """What an account may see: the own ones, all of those it acts for in every matter, and of those it acts for
    in some matters what came of the cases it opened itself. Newest first.
    """
    person = account.person
    if person is None:
        return Certificate.objects.none()
    acting_for = people.principals_of(person)
    in_everything = [person.pk, *(entry.principal_id for entry in acting_for if not entry.item_codes)]
    in_something = [entry.principal_id for entry in acting_for if entry.item_codes]
    opened = Case.objects.filter(opened_by=account, subject__in=in_something).values("number")
    visible = Certificate.objects.filter(
        Q(holder__in=in_everything) | Q(holder__in=in_something, case_number__in=opened)
    )
    return visible.select_related("issuer", "file", "holder").order_by("-issued_on", "-pk")


def certificate_of(account: Account, certificate_id: int) -> Certificate:
    """One of those the account may see. Raises `NotFound`."""
    found = certificates_for(account).filter(pk=certificate_id).first()
    if found is None:
        raise NotFound()
    return found


def certificates_of_case(case_number: str) -> QuerySet[Certificate]:
    """Certificates issued in a case. The caller has decided that the case may be read."""
    return Certificate.objects.filter(case_number=case_number).select_related("issuer", "file").order_by("pk")


def valid_certificates(person: Person, types: list[str], on: dt.date | None = None) -> dict[str, Certificate]:
    """Type → the newest certificate in force that day. One query."""
    day = on or clock.today()
    in_force = Certificate.objects.filter(
        Q(valid_to=None) | Q(valid_to__gte=day), holder=person, type__in=types, state="valid", valid_from__lte=day
    )
    rows = in_force.select_related("issuer").order_by("issued_on", "pk")
    return {certificate.type: certificate for certificate in rows}


def valid_certificate(person: Person, type: str, on: dt.date | None = None) -> Certificate | None:
    """The newest certificate of a type in force that day, or None."""
    return valid_certificates(person, [type], on).get(type)


def by_check_code(code: str) -> Certificate | None:
    """The certificate of a typed or scanned code. Raises `Invalid` for what cannot be a code."""
    return Certificate.objects.select_related("issuer", "file").filter(check_code=rules.read_check_code(code)).first()


def verdict_on(code: str) -> Verdict:
    """Check by code. A malformed or unknown code is a verdict, too: the public asked a fair question."""
    try:
        certificate = by_check_code(code)
    except Invalid as error:
        return Verdict(False, str(error.message), None, Outcome.UNKNOWN)
    if certificate is None:
        return Verdict(
            False, _("没有查到这个查验码。请核对后再输入；仍查不到的，请不要采信这份证照。"), None, Outcome.UNKNOWN
        )
    return _in_force(certificate)


def verify_file(content: bytes) -> Verdict:
    """Check a file byte by byte: the library's hash, the city's signature, the state. Never raises.

    Only bytes that the library knows are read as PDF. Anybody may upload here, and a few kilobytes of hostile PDF
    unpack to gigabytes; of any other file it is enough to see whether it carries the city's seal.
    """
    known = Certificate.objects.select_related("issuer", "file")
    certificate = known.filter(file__sha256=hashlib.sha256(content).hexdigest()).first()
    if certificate is not None:
        judgement = signing.judge(content)
        if judgement.outcome == "intact" and judgement.identifier == certificate.identifier:
            return _in_force(certificate)
        return Verdict(False, str(_ALTERED), None, Outcome.ALTERED)
    seal = signing.seal_on(content)
    if seal is None:
        return Verdict(False, str(_UNREADABLE), None, Outcome.UNREADABLE)
    if not seal.is_ours:
        return Verdict(False, str(_UNSEALED), None, Outcome.UNKNOWN)
    if known.filter(identifier__in=seal.identifiers).exists():
        return Verdict(False, str(_ALTERED), None, Outcome.ALTERED)
    return Verdict(False, _("证照库中没有这份证照，请不要采信。"), None, Outcome.UNKNOWN)


def _in_force(certificate: Certificate) -> Verdict:
    state = state_of(certificate)
    if state == "valid":
        return Verdict(True, _("证照真实、有效。"), certificate, Outcome.GENUINE)
    words = {
        "expired": _("证照是真的，但已过有效期。"),
        "revoked": _("证照是真的，但已被撤销，不再有效。"),
        "suspended": _("证照是真的，但已暂停使用。"),
    }
    return Verdict(False, words[state], certificate, Outcome.NOT_IN_FORCE)


@dataclass(frozen=True)
class FaceLine:
    """One printed line: `value` in words, masked where the reader is the public."""

    element: str
    label: str
    value: str


def face_lines(certificate: Certificate, *, masked: bool) -> list[FaceLine]:
    """The face in the type's order, in the reader's language."""
    order = definitions.certificate_types().get(certificate.type)
    wanted = [element for element in (order.face if order else ()) if certificate.face.get(element)]
    wanted += [element for element in certificate.face if element not in wanted]
    show = vocabulary_rules.mask if masked else vocabulary_rules.display
    return [
        FaceLine(element, str(vocabulary.element(element).label), show(element, certificate.face[element]))
        for element in wanted
        if vocabulary.has_element(element)
    ]


def name_of(certificate: Certificate) -> Text:
    """The type's name in both languages; the name kept with the certificate where the type is gone."""
    kind = definitions.certificate_types().get(certificate.type)
    return kind.name if kind else Text(zh=certificate.name)


def reads_own_certificate(account: Account, stored: StoredFile) -> bool:
    """For the file kernel: holders, and those who act for them, may read the files of their certificates."""
    return certificates_for(account).filter(file=stored).exists()
