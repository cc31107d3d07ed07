"""Reads of the certificate library: what a person holds, what a check code or a file says to the public."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.db.models import Q, QuerySet

from yici.base import clock
from yici.base.encrypted import index_of
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
from yici.platform.trust.making.running import HOLDER_PLACE
from yici.platform.trust.models import Certificate, FurtherHolder

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
    issued = Certificate.objects.filter(Q(holder=person) | Q(identifier__in=_held_with_others([person.id_number])))
    return issued.count() + len(made_for({person.id_number: person.pk}))


@dataclass(frozen=True)
class _Reach:
    """Whose certificates an account may see: all of `keys` (ID number → person), herself first; of the persons
    `in_something`, for whom it acts in some matters, what came of the cases it opened itself."""

    keys: dict[str, int | None]
    in_something: list[int]


def _reach_of(account: Account) -> _Reach:
    person = account.person
    if person is None:
        return _Reach({}, [])
    acting_for = people.principals_of(person)
    entire = [person, *(entry.principal for entry in acting_for if not entry.item_codes)]
    in_something = [entry.principal_id for entry in acting_for if entry.item_codes]
    return _Reach({one.id_number: one.pk for one in entire}, in_something)


def _issued_for(account: Account, reach: _Reach) -> QuerySet[Certificate]:
    if not reach.keys:
        return Certificate.objects.none()
    opened = Case.objects.filter(opened_by=account, subject__in=reach.in_something).values("number")
    visible = Certificate.objects.filter(
        Q(holder__in=list(reach.keys.values()))
        | Q(holder__in=reach.in_something, case_number__in=opened)
        | Q(identifier__in=_held_with_others(reach.keys))
    )
    return visible.select_related("issuer", "holder")


def _held_with_others(numbers: Iterable[str]) -> list[str]:
    """Identifiers of what these persons hold besides its first holder."""
    wanted = [index_of(number, HOLDER_PLACE) for number in numbers]
    return list(FurtherHolder.objects.filter(holder__in=wanted).values_list("identifier", flat=True))


def _made_for(reach: _Reach) -> list[Held]:
    """Of those made in bulk: what these persons hold, alone or with others, and what the organisations hold that they
    act for by a licence in force."""
    own = made_for(reach.keys)
    acted_for = {one.holder_key: one.holder_id for one in own if one.acts_for_holder and one.state == "valid"}
    known = {one.identifier for one in own}
    theirs = [replace(one, acts_for_holder=True) for one in made_for(acted_for) if one.identifier not in known]
    return own + theirs


def certificates_for(account: Account) -> list[Held]:
    """The wallet: every certificate the account may see, issued or made in bulk. Own ones first, then newest first.

    A constant number of queries.
    """
    reach = _reach_of(account)
    issued = [from_issued(one) for one in _issued_for(account, reach)]
    found = [one.in_wallet_of(reach.keys) or one for one in issued] + _made_for(reach)
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
    reach = _reach_of(account)
    if own := held.in_wallet_of(reach.keys):
        return own
    if held.is_made:
        theirs = next((one for one in _made_for(reach) if one.identifier == held.identifier), None)
        if theirs is None:
            raise NotFound
        return replace(held, holder_id=theirs.holder_id, acts_for_holder=True)
    if not _issued_for(account, reach).filter(identifier=held.identifier).exists():
        raise NotFound
    return held


def certificates_of_case(case_number: str) -> list[Held]:
    """Certificates issued in a case. The caller has decided that the case may be read."""
    issued = Certificate.objects.filter(case_number=case_number).select_related("issuer", "holder")
    return [from_issued(one) for one in issued.order_by("pk")]


def valid_certificates(person: Person, types: list[str], on: dt.date | None = None) -> dict[str, Held]:
    """Type → the newest certificate in force that day, issued or made in bulk. Three queries.

    Of what organisations hold that she acts for, only where it is one: nobody can tell which of several is meant.
    """
    day = on or clock.today()
    found = _issued_in_force(Q(holder=person), [person.id_number], types, day)
    made = made_for({person.id_number: person.pk}, types, day)
    for_others = Counter(one.type for one in made if one.acts_for_holder)
    found += [one for one in made if not one.acts_for_holder or for_others[one.type] == 1]
    return {held.type: held for held in sorted(found, key=lambda held: held.issued_on)}


def _issued_in_force(whose: Q, numbers: Iterable[str], types: list[str], day: dt.date) -> list[Held]:
    """Of those issued in cases, in the order of issue: `whose`, or held besides by one with these numbers."""
    rows = Certificate.objects.filter(
        whose | Q(identifier__in=_held_with_others(numbers)),
        Q(valid_to=None) | Q(valid_to__gte=day), type__in=types, state="valid", valid_from__lte=day,
    )  # fmt: skip
    return [from_issued(one) for one in rows.select_related("issuer", "holder").order_by("pk")]


def valid_certificate(person: Person, type: str, on: dt.date | None = None) -> Held | None:
    """The newest certificate of a type in force that day, or None."""
    return valid_certificates(person, [type], on).get(type)


def in_force(type: str, holder: str, *, organisation: str = "", number: str = "", name: str = "") -> list[Held]:
    """Certificates of a type in force today, newest first: of the person with this ID number, or made out to the
    organisation with this USCC. `number`: only that one; `name`: only those called so on their face."""
    day = clock.today()
    whose = list(filter(None, (holder, organisation)))
    found = _issued_in_force(Q(holder__id_number=holder), whose, [type], day)
    found += made_for(dict.fromkeys(whose), [type], day)
    if number:
        found = [one for one in found if one.number == number]
    if name:
        found = [one for one in found if one.face.get("certificate.name") == name]
    return sorted(found, key=lambda held: (held.issued_on, held.version), reverse=True)


def reads_own_certificate(account: Account, stored: StoredFile) -> bool:
    """For the file kernel: holders, and those who act for them, may read the files of their certificates."""
    return _issued_for(account, _reach_of(account)).filter(file=stored).exists()
