"""Reads of the certificate library: what a person holds, what a check code or a file says to the public."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from django.db.models import Q, QuerySet

from yici.base import clock
from yici.base.errors import Invalid, NotFound
from yici.core.cases.models import Case
from yici.core.files.models import StoredFile
from yici.core.people import queries as people
from yici.core.people.models import Account, Person
from yici.platform.trust.library.checking import Outcome, Verdict, read_code, verdict_on, verify_file
from yici.platform.trust.library.held import (
    FaceLine,
    Held,
    by_check_code,
    check_code_of,
    face_lines,
    find,
    from_issued,
    made_for,
)
from yici.platform.trust.models import Certificate

__all__ = [
    "FaceLine",
    "Held",
    "Outcome",
    "Verdict",
    "by_check_code",
    "certificate_of",
    "certificates_for",
    "certificates_of_case",
    "check_code_of",
    "count_of",
    "face_lines",
    "find",
    "read_code",
    "reads_own_certificate",
    "valid_certificate",
    "valid_certificates",
    "verdict_on",
    "verify_file",
]


def count_of(person: Person) -> int:
    """How many certificates a person's own wallet holds."""
    return Certificate.objects.filter(holder=person).count() + len(made_for({person.id_number: person.pk}))


def _issued_for(account: Account) -> QuerySet[Certificate]:
    """Of those issued in cases: the own ones, all of those it acts for in every matter, and of those it acts for in
    some matters what came of the cases it opened itself.
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
    return visible.select_related("issuer", "holder")


def _keys_of(account: Account) -> dict[str, int | None]:
    """ID number → person, of those whose whole wallet the account may see."""
    person = account.person
    if person is None:
        return {}
    entire = [entry.principal for entry in people.principals_of(person) if not entry.item_codes]
    return {one.id_number: one.pk for one in (person, *entire)}


def certificates_for(account: Account) -> list[Held]:
    """The wallet: every certificate the account may see, issued or made in bulk. Own ones first, then newest first.

    A constant number of queries.
    """
    found = [from_issued(one) for one in _issued_for(account)] + made_for(_keys_of(account))
    found.sort(key=lambda held: (held.issued_on, held.identifier), reverse=True)
    found.sort(key=lambda held: (held.state != "valid", held.holder_id != account.person_id))
    return found


def certificate_of(account: Account, identifier: str) -> Held:
    """One of those the account may see. Raises `NotFound`."""
    try:
        held = find(identifier)
    except Invalid:
        raise NotFound from None
    if held is None:
        raise NotFound
    if held.is_made:
        owner = _keys_of(account).get(held.holder_key, 0)
        if not owner:
            raise NotFound
        return replace(held, holder_id=owner)
    if not _issued_for(account).filter(identifier=held.identifier).exists():
        raise NotFound
    return held


def certificates_of_case(case_number: str) -> list[Held]:
    """Certificates issued in a case. The caller has decided that the case may be read."""
    issued = Certificate.objects.filter(case_number=case_number).select_related("issuer", "holder")
    return [from_issued(one) for one in issued.order_by("pk")]


def valid_certificates(person: Person, types: list[str], on: dt.date | None = None) -> dict[str, Held]:
    """Type → the newest certificate in force that day, issued or made in bulk. Two queries."""
    day = on or clock.today()
    in_force = Certificate.objects.filter(
        Q(valid_to=None) | Q(valid_to__gte=day), holder=person, type__in=types, state="valid", valid_from__lte=day
    )
    found = [from_issued(one) for one in in_force.select_related("issuer", "holder").order_by("pk")]
    found += made_for({person.id_number: person.pk}, types, day)
    return {held.type: held for held in sorted(found, key=lambda held: held.issued_on)}


def valid_certificate(person: Person, type: str, on: dt.date | None = None) -> Held | None:
    """The newest certificate of a type in force that day, or None."""
    return valid_certificates(person, [type], on).get(type)


def reads_own_certificate(account: Account, stored: StoredFile) -> bool:
    """For the file kernel: holders, and those who act for them, may read the files of their certificates."""
    return _issued_for(account).filter(file=stored).exists()
