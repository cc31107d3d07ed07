"""Reads about people: permissions and scopes, who is responsible, who may act for whom, accounts in scope.

What an account may do is read once per account object (one request) and kept on it.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Prefetch, Q, QuerySet
from django.utils.translation import gettext as _

from yici.base import clock
from yici.core.people import permissions as catalogue
from yici.core.people.errors import NoResponsibleOrganisation
from yici.core.people.models import Account, Delegation, Organisation, Person, RoleGrant
from yici.core.people.scopes import Scope, area_of
from yici.core.places.rules import SIGNIFICANT_DIGITS
from yici.core.vocabulary import rules as vocabulary

__all__ = [
    "AccountPage",
    "NoResponsibleOrganisation",
    "Scope",
    "account_in_scope",
    "accounts_in_scope",
    "delegation_between",
    "delegations_from",
    "delegations_to",
    "department_names",
    "find_person",
    "forget_organisations",
    "grants_of",
    "may",
    "organisation",
    "permissions_of",
    "person_of",
    "principals_of",
    "responsible_organisation",
    "scope_of",
]


# Permissions and scopes ------------------------------------------------------------------------------


def current_grant(on: dt.date) -> Q:
    """Grants in force on a day: from `valid_from` to `valid_to`, both inclusive."""
    return Q(valid_from__lte=on) & (Q(valid_to=None) | Q(valid_to__gte=on))


def grants_of(account: Account) -> list[RoleGrant]:
    """The account's grants in force today; none for an inactive account. One query per account object."""
    today = clock.today()
    kept: tuple[dt.date, list[RoleGrant]] | None = getattr(account, "_grants_kept", None)
    if kept and kept[0] == today:
        return kept[1]
    grants: list[RoleGrant] = []
    if account.is_authenticated and account.is_active:
        in_force = RoleGrant.objects.filter(current_grant(today), account=account)
        grants = list(in_force.select_related("organisation").order_by("id"))
    account._grants_kept = (today, grants)  # type: ignore[attr-defined]
    return grants


def permissions_of(account: Account) -> frozenset[str]:
    """Every permission the account holds somewhere."""
    if not getattr(account, "is_authenticated", False):
        return frozenset()
    found: set[str] = set()
    for grant in grants_of(account):
        found |= catalogue.permissions_of_role(grant.role)
    return frozenset(found)


def scope_of(account: Account, permission: str) -> Scope:
    """Where the account holds the permission."""
    if not getattr(account, "is_authenticated", False):
        return Scope()
    return Scope(
        tuple(
            area_of(grant.organisation, grant.division_id)
            for grant in grants_of(account)
            if permission in catalogue.permissions_of_role(grant.role)
        )
    )


def may(
    account: Account,
    permission: str,
    *,
    organisation: Organisation | None = None,
    division: str | None = None,
) -> bool:
    """Whether the account holds the permission there (anywhere, where no place is given).

    `division` is a division code.
    """
    code = getattr(division, "pk", division)
    return scope_of(account, permission).covers(organisation, code)


# Organisations ---------------------------------------------------------------------------------------

# Organisations change when the city folder is loaded: by another process, so the memory is short.
_KEEP_SECONDS = 60.0
_responsible: dict[tuple[str, str, str], tuple[float, Organisation]] = {}


def organisation(slug: str) -> Organisation | None:
    return Organisation.objects.filter(slug=slug).first()


def responsible_organisation(function: str, level: str, division_code: str) -> Organisation:
    """The organisation with this function at this level for a place, e.g. civil_affairs, county, a village.

    Kept for a minute; do not change the object. Raises `NoResponsibleOrganisation` where the city folder names none.
    """
    digits = SIGNIFICANT_DIGITS.get(level, 12)
    code = division_code[:digits].ljust(12, "0")
    key = (function, level, code)
    kept = _responsible.get(key)
    if kept and time.monotonic() - kept[0] < _KEEP_SECONDS:
        return kept[1]
    found = Organisation.objects.filter(function=function, level=level, division=code).order_by("order", "id").first()
    if found is None:
        raise NoResponsibleOrganisation(
            _("没有为 %(place)s 配置承担“%(function)s”职能的%(level)s机构，请管理员补充 organisations 目录。")
            % {"place": code, "function": function, "level": level}
        )
    _responsible[key] = (time.monotonic(), found)
    return found


def department_names() -> dict[str, str]:
    """Function → the city-level department that has it, in the language of the page; the first where several do."""
    rows = Organisation.objects.filter(level="city").exclude(function="").order_by("-order", "-id")
    return {row.function: row.label for row in rows}


def forget_organisations() -> None:
    """Drop what is remembered about responsibilities; the loader calls it after a change."""
    _responsible.clear()


# Persons and delegation ------------------------------------------------------------------------------


def find_person(id_number: str) -> Person | None:
    return Person.objects.filter(id_number=id_number).first()


def person_of(account: Account) -> Person | None:
    return account.person if account.person_id else None


def _in_force(on: dt.date) -> Q:
    return Q(accepted_at__isnull=False, revoked_at=None, valid_from__lte=on, valid_to__gte=on)


def delegation_between(agent: Person, principal: Person, item_code: str | None = None) -> Delegation | None:
    """The delegation in force today by which `agent` may act for `principal`; for one item if it is named."""
    held = Delegation.objects.filter(_in_force(clock.today()), agent=agent, principal=principal)
    if item_code is not None:
        held = held.filter(Q(item_codes=[]) | Q(item_codes__contains=[item_code]))
    return held.order_by("-valid_to", "id").first()


def principals_of(person: Person, item_code: str | None = None) -> list[Delegation]:
    """Delegations in force by which the person may act for others; `principal` comes along."""
    held = Delegation.objects.filter(_in_force(clock.today()), agent=person)
    if item_code is not None:
        held = held.filter(Q(item_codes=[]) | Q(item_codes__contains=[item_code]))
    return list(held.select_related("principal").order_by("principal__name", "id"))


def delegations_to(person: Person) -> list[Delegation]:
    """Every delegation the person holds, newest first, whatever its state."""
    return list(Delegation.objects.filter(agent=person).select_related("principal").order_by("-id")[:100])


def delegations_from(person: Person) -> list[Delegation]:
    """Every delegation others hold for the person, newest first, whatever its state."""
    return list(Delegation.objects.filter(principal=person).select_related("agent").order_by("-id")[:100])


# Accounts --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AccountPage:
    accounts: Sequence[Account]
    page: int
    has_next: bool


def _staff_in(scope: Scope) -> QuerySet[Account]:
    # An administrator of a division manages the accounts whose organisation serves that division.
    return Account.objects.filter(
        scope.q(organisation="organisation", division="organisation__division"), kind=Account.Kind.STAFF
    )


def accounts_in_scope(
    administrator: Account, words: str = "", page: int = 1, size: int = 50, permission: str = "role.manage"
) -> AccountPage:
    """Staff accounts the administrator may manage, by organisation and name, with grants; three queries."""
    accounts = _staff_in(scope_of(administrator, permission))
    for word in words.split()[:5]:
        accounts = accounts.filter(
            Q(name__contains=word)
            | Q(username__istartswith=word)
            | Q(organisation__name__contains=word)
            | Q(title__contains=word)
        )
    start = (max(page, 1) - 1) * size
    in_force = RoleGrant.objects.filter(current_grant(clock.today())).select_related("organisation", "division")
    rows = list(
        accounts.select_related("organisation")
        .prefetch_related(Prefetch("grants", queryset=in_force.order_by("id"), to_attr="current_grants"))
        .order_by("organisation__path", "name", "id")[start : start + size + 1]
    )
    return AccountPage(rows[:size], max(page, 1), len(rows) > size)


def account_in_scope(administrator: Account, account_id: int, permission: str = "role.manage") -> Account | None:
    """One staff account the administrator may manage, or None."""
    scope = scope_of(administrator, permission)
    return _staff_in(scope).select_related("organisation").filter(pk=account_id).first()


def account_ids_named(words: str) -> tuple[int, ...]:
    """Accounts of this user name or exactly this name, at most 200; for the filter of the access log."""
    named = Account.objects.filter(Q(username=words) | Q(name=words)).order_by("id")
    return tuple(named.values_list("pk", flat=True)[:200])


def masked_phone(phone: str) -> str:
    return vocabulary.mask("person.phone", phone)
