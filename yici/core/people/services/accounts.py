"""Persons, accounts, preferences and bearer tokens."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Conflict, Invalid
from yici.core.audit import services as audit
from yici.core.people import ports
from yici.core.people.models import AccessToken, Account, Person
from yici.core.places import queries as places
from yici.core.vocabulary import rules as vocabulary

TOKEN_LIFE = dt.timedelta(hours=8)


def actor_of(account: Account | None, request: HttpRequest | None = None) -> audit.Actor:
    """The account as it shall stand in the log; the system itself for None."""
    if account is None or not account.is_authenticated:
        return audit.SYSTEM
    organisation = account.organisation.name if account.organisation_id and account.organisation else ""
    return audit.Actor(account.pk, account.name, organisation, address_of(request))


def address_of(request: HttpRequest | None) -> str:
    """The caller's network address. `X-Forwarded-For` can be forged, so it counts only from `TRUSTED_PROXIES`:
    then the nearest address that is no such proxy is the caller's."""
    if request is None:
        return ""
    nearest = str(request.META.get("REMOTE_ADDR") or "")
    hops = [*(hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")), nearest]
    while len(hops) > 1 and hops[-1] in settings.TRUSTED_PROXIES:
        hops.pop()
    return hops[-1][:45] if hops[-1] else nearest


def ensure_person(name: str, id_number: str, *, phone: str = "", division: str | None = None) -> Person:
    """The person with this ID number, made when new. Raises `Invalid` for a bad number, `Conflict` for
    a known number under another name. `division`: code of the registered residence, else from the number."""
    number = vocabulary.parse_id_number(id_number)
    name = name.strip()
    known = Person.objects.filter(id_number=number.number).first()
    if known is None:
        home = division
        if home is None and (county := places.historic_division(number.area_code)):
            home = county.pk
        known, _created = Person.objects.get_or_create(
            id_number=number.number,
            defaults={
                "name": name, "birth_date": number.birth_date, "sex": number.sex,
                "phone": phone, "division_id": home,
            },
        )  # fmt: skip
    if known.name != name:
        raise Conflict(_("该身份证号已登记在另一个姓名之下，请到公安派出所窗口核实。"))
    return known


def ensure_account(person: Person, phone: str = "") -> Account:
    """The citizen's account, made at first sign-in under a random user name."""
    account = Account.objects.filter(person=person).first()
    if account:
        return account
    account, _created = Account.objects.get_or_create(
        person=person,
        defaults={
            "username": f"c-{secrets.token_hex(12)}", "name": person.name, "kind": Account.Kind.CITIZEN,
            "phone": phone, "password": "!",
        },
    )  # fmt: skip
    return account


def set_preferences(account: Account, language: str | None = None, elder_mode: bool | None = None) -> None:
    """Keep language and elder mode with the account; None leaves one as it is."""
    changed = []
    if language is not None:
        if language not in dict(settings.LANGUAGES):
            raise Invalid(_("不支持这种语言。"), fields={"language": _("不支持这种语言。")})
        account.language = language
        changed.append("language")
    if elder_mode is not None:
        account.elder_mode = elder_mode
        changed.append("elder_mode")
    if changed:
        account.save(update_fields=changed)


@transaction.atomic
def set_contact_phone(account: Account, phone: str) -> None:
    """Make a phone that was proven by a sign-in code the account's own; the old one is told."""
    phone = vocabulary.check_phone(phone)
    old = account.phone
    if old == phone:
        return
    account.phone = phone
    account.save(update_fields=["phone"])
    audit.record(
        actor_of(account), "change", subject=("person", account.person_id or 0),
        elements=["person.phone"], purpose="本人修改联系电话",
    )  # fmt: skip
    if old:
        ports.notify(account, "account.phone_changed", {"phone": vocabulary.mask("person.phone", phone)}, old)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def issue_token(account: Account, assurance: int, life: dt.timedelta = TOKEN_LIFE) -> str:
    """A bearer token for the API. Only its digest is kept, so it is shown this once."""
    token = secrets.token_urlsafe(32)
    AccessToken.objects.create(
        account=account, digest=_digest(token), assurance=assurance, expires_at=clock.now() + life
    )
    return token


def resolve_token(token: str) -> tuple[Account, int] | None:
    """Account and assurance of a token in force; None for anything else."""
    found = (
        AccessToken.objects.filter(digest=_digest(token), revoked_at=None, expires_at__gt=clock.now())
        .select_related("account__organisation", "account__person")
        .first()
    )
    return (found.account, found.assurance) if found and found.account.is_active else None


def revoke_token(token: str) -> None:
    AccessToken.objects.filter(digest=_digest(token), revoked_at=None).update(revoked_at=clock.now())
