"""One certificate of the library, whichever table keeps it: `Held`, and the reads that give it.

Issued ones stand in `Certificate`, with file and case; those made in bulk in `MadeCertificate`, as a sealed record.
Nobody above this module needs to know which.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.encrypted import index_of
from yici.base.errors import Invalid
from yici.base.text import Text
from yici.core.audit import services as audit
from yici.core.people.models import Person
from yici.core.vocabulary import queries as vocabulary
from yici.core.vocabulary import rules as vocabulary_rules
from yici.platform.trust import definitions, rules
from yici.platform.trust.making.reading import held_by, open_record
from yici.platform.trust.making.running import number_place
from yici.platform.trust.models import Certificate, CertificateEvent, CheckCode, MadeCertificate

__all__ = [
    "FaceLine",
    "Held",
    "by_check_code",
    "check_code_of",
    "checked_elements",
    "face_lines",
    "find",
    "from_issued",
    "from_made",
    "made_for",
    "made_numbered",
    "reason_of",
    "record",
]

# Elements that name the holder, or both, on a face; the likeliest first.
_NAMES = (
    ("person.name",), ("organisation.name",), ("vehicle.owner_name",), ("house.owner_name",), ("household.head_name",),
    ("marriage.man_name", "marriage.woman_name"), ("birth.mother_name", "birth.father_name"),
)  # fmt: skip


@dataclass(frozen=True)
class Held:
    """What is known of a certificate. `issuer` is the issuing body's name; `face` element id → value, as printed.

    `stored_state` is what the library keeps; `state` what it comes to today. `holder_id`: the person whose wallet it was
    found in; `holders`: numbers of who hold it with the first one, `representative` of who acts for an organisation.
    """

    identifier: str
    type: str
    name: Text
    number: str
    holder_id: int | None
    holder_key: str
    holder_name: str
    issuer: str
    issued_on: dt.date
    valid_from: dt.date
    valid_to: dt.date | None
    face: Mapping[str, str]
    stored_state: str
    state_reason: str
    version: int
    case_number: str = ""
    check_code: str = ""
    file_id: int | None = None
    is_made: bool = False
    holders: tuple[str, ...] = ()
    representative: str = ""
    acts_for_holder: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """Numbers of all who hold it, the first holder first; who merely acts for one last."""
        return tuple(filter(None, (self.holder_key, *self.holders, self.representative)))

    def in_wallet_of(self, holders: Mapping[str, int | None]) -> Held | None:
        """It, as the first of these (number → person's row) holds it; None where none of them does."""
        found = next((number for number in holders if number in self.keys), None)
        if found is None:
            return None
        acts = found == self.representative and found not in (self.holder_key, *self.holders)
        return replace(self, holder_id=holders[found], acts_for_holder=acts)

    def state_on(self, day: dt.date) -> str:
        """made, valid, suspended, changed, cancelled, revoked or expired on a day."""
        return rules.state_on(self.stored_state, self.valid_from, self.valid_to, day)

    @property
    def state(self) -> str:
        return self.state_on(clock.today())

    @property
    def state_label(self) -> str:
        return str(Certificate.State(self.state).label)

    @property
    def masked_number(self) -> str:
        """The number on its face; masked where it is at the same time a personal number."""
        element = next((name for name, value in self.face.items() if value == self.number), "")
        if not element and self.number == self.holder_key:
            element = "person.id_number"
        if not element or not vocabulary.has_element(element):
            return self.number
        return str(vocabulary_rules.mask(element, self.number))

    @property
    def look(self) -> str:
        """Which of the stylesheet's colours its card has."""
        kind = definitions.certificate_types().get(self.type)
        return {"#9a1b1e": "red", "#1c6b45": "green"}.get(kind.accent if kind else "", "blue")


@dataclass(frozen=True)
class FaceLine:
    """One printed line: `value` in words, masked where the reader is the public."""

    element: str
    label: str
    value: str


def _name_of(type: str, otherwise: str) -> Text:
    kind = definitions.certificate_types().get(type)
    return kind.name if kind else Text(zh=otherwise)


def from_issued(certificate: Certificate) -> Held:
    """Needs `issuer` to be selected with it, and `holder` where its number matters."""
    holder = certificate.holder if certificate.holder_id else None
    kind = definitions.certificate_types().get(certificate.type)
    further = {
        certificate.face[element]: None for element in (kind.holders if kind else ()) if element in certificate.face
    }
    return Held(
        identifier=certificate.identifier,
        type=certificate.type,
        name=_name_of(certificate.type, certificate.name),
        number=certificate.number,
        holder_id=certificate.holder_id,
        holder_key=holder.id_number if holder else "",
        holder_name=certificate.holder_name,
        issuer=certificate.issuer.name,
        issued_on=certificate.issued_on,
        valid_from=certificate.valid_from,
        valid_to=certificate.valid_to,
        face=certificate.face,
        stored_state=certificate.state,
        state_reason=certificate.state_reason,
        version=certificate.version,
        case_number=certificate.case_number,
        check_code=certificate.check_code,
        file_id=certificate.file_id,
        holders=tuple(number for number in further if not holder or number != holder.id_number),
    )


def from_made(certificate: MadeCertificate, *, reason: str = "", check_code: str = "") -> Held:
    """Opens the sealed record. `signed_at` of the batch comes with the query, see `_made`."""
    parts = open_record(certificate).parts
    face: dict[str, str] = dict(parts["face"])
    made_on: dt.date = timezone.localdate(certificate.signed_at)  # type: ignore[attr-defined]  # annotated by `_made`
    valid_from = dt.date.fromisoformat(parts["valid_from"]) if parts["valid_from"] else made_on
    return Held(
        identifier=certificate.identifier,
        type=certificate.type,
        name=_name_of(certificate.type, certificate.type),
        number=str(parts["number"]),
        holder_id=None,
        holder_key=str(parts["holder"]),
        holder_name=next(
            filter(None, ("、".join(face[one] for one in names if face.get(one)) for names in _NAMES)), ""
        ),
        issuer=str(parts["issuer"] or ""),
        issued_on=valid_from,
        valid_from=valid_from,
        valid_to=certificate.valid_to,
        face=face,
        stored_state=certificate.state,
        state_reason=reason,
        version=certificate.version,
        check_code=check_code,
        is_made=True,
        holders=tuple(parts.get("holders", ())),
        representative=str(parts.get("representative", "")),
    )


def _made() -> QuerySet[MadeCertificate]:
    return MadeCertificate.objects.annotate(signed_at=F("batch__signed_at"))


def reason_of(identifier: str) -> str:
    """Why a certificate made in bulk is not in force: the reason of its last event."""
    last = CertificateEvent.objects.filter(identifier=identifier).order_by("-id").first()
    return last.reason if last and last.state != "valid" else ""


def find(identifier: str) -> Held | None:
    """By identifier, wherever it stands. Raises `Invalid` for what is no identifier (check character included)."""
    wanted = str(rules.parse_identifier(identifier))
    issued = Certificate.objects.select_related("issuer", "holder").filter(identifier=wanted).first()
    if issued is not None:
        return from_issued(issued)
    made = _made().filter(pk=wanted).first()
    if made is None:
        return None
    code = CheckCode.objects.filter(identifier=wanted).values_list("code", flat=True).first() or ""
    return from_made(made, reason="" if made.state == "valid" else reason_of(wanted), check_code=code)


def by_check_code(code: str) -> Held | None:
    """The certificate of a typed or scanned code. Raises `Invalid` for what cannot be a code."""
    wanted = rules.read_check_code(code)
    issued = Certificate.objects.select_related("issuer", "holder").filter(check_code=wanted).first()
    if issued is not None:
        return from_issued(issued)
    drawn = CheckCode.objects.filter(pk=wanted).first()
    return find(drawn.identifier) if drawn else None


def check_code_of(held: Held) -> str:
    """Its check code; for one made in bulk it is drawn at the first call and kept."""
    if held.check_code:
        return held.check_code
    while True:
        try:
            with transaction.atomic():
                drawn, _is_new = CheckCode.objects.get_or_create(
                    identifier=held.identifier, defaults={"code": rules.new_check_code()}
                )
            return drawn.code
        except IntegrityError:  # the code is taken: draw another
            continue


def made_for(
    holders: Mapping[str, int | None],
    types: Iterable[str] | None = None,
    on: dt.date | None = None,
    *,
    current_only: bool = True,
) -> list[Held]:
    """What was made in bulk for these holders (ID number or USCC → person's row), in two queries; without versions that
    were replaced. What several of them hold is the first one's. `on`: only those in force that day.
    """
    holders = {number: person for number, person in holders.items() if number}
    if not holders:
        return []
    held = _made().filter(identifier__in=held_by(holders))
    if current_only:
        held = held.exclude(state__in=["changed", "cancelled"])
    if types is not None:
        held = held.filter(type__in=list(types))
    if on is not None:
        held = held.filter(Q(valid_to=None) | Q(valid_to__gte=on), state="valid")
    opened = (from_made(one).in_wallet_of(holders) for one in held)
    return [one for one in opened if one and (on is None or one.state_on(on) == "valid")]


def made_numbered(number: str) -> list[Held]:
    """What was made in bulk with this number on its face, of any type and version, in one query."""
    wanted = Q(pk__in=[])
    for kind in definitions.certificate_types().values():
        if kind.made_from is not None:
            wanted |= Q(type=kind.slug, number=index_of(number, number_place(kind.slug)))
    return [from_made(one) for one in _made().filter(wanted).order_by("type", "-version")]


def record(
    actor: audit.Actor, held: Held, action: str, purpose: str, elements: Iterable[str], case_number: str = ""
) -> None:
    """An entry of the access log in the record of everybody who holds it, as far as the city knows them."""
    if held.holders or (held.is_made and held.holder_id is None):
        persons = list(Person.objects.filter(id_number__in=held.keys).order_by("pk").values_list("pk", flat=True))
    else:
        persons = [held.holder_id] if held.holder_id else []
    subjects: list[tuple[str, str | int]] = [("person", one) for one in persons] or [("certificate", held.identifier)]
    told = list(elements)
    audit.record_many(actor, [audit.Draft(action, subject, purpose, told, case_number) for subject in subjects])


def face_lines(held: Held, *, masked: bool, only: Iterable[str] | None = None) -> list[FaceLine]:
    """The face in the type's order, in the reader's language; `only` these elements where given."""
    kind = definitions.certificate_types().get(held.type)
    wanted = [element for element in (kind.face if kind else ()) if held.face.get(element)]
    wanted += [element for element in held.face if element not in wanted]
    if only is not None:
        wanted = [element for element in wanted if element in set(only)]
    show = vocabulary_rules.mask if masked else vocabulary_rules.display
    return [
        FaceLine(element, str(vocabulary.element(element).label), show(element, held.face[element]))
        for element in wanted
        if vocabulary.has_element(element)
    ]


def checked_elements(held: Held, elements: Iterable[str]) -> list[str]:
    """Those elements of the face, in its order. Raises `Invalid` for none at all or one that it does not have."""
    wanted = list(dict.fromkeys(elements))
    if not wanted or any(element not in held.face for element in wanted):
        message = _("请至少选择一项要让对方看到的内容。")
        raise Invalid(message, fields={"elements": message})
    return wanted
