"""Who applied, who helped, and who sat at the desk: residents of the register and demo staff."""

from __future__ import annotations

import datetime as dt
from random import Random
from typing import Any

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import MD5, Concat

from yici.core.people import queries as people
from yici.core.people import services
from yici.core.people.models import Account, Delegation, Organisation, Person, RoleGrant
from yici.platform.data.models import Resident
from yici.web.demo.plans import PLANNED, SEED, Plan

YEAR = dt.timedelta(days=365.25)
_POINT_EVIDENCE = "代办点当面核验身份证原件和委托书"


def residents_for(plans: list[Plan], today: dt.date) -> dict[int, str]:
    """Plan number → ID number: for each plan a resident who may apply, nobody twice for the same item."""
    groups: dict[tuple[str, str], list[Plan]] = {}
    for plan in plans:
        groups.setdefault((plan.item, plan.county), []).append(plan)
    chosen: dict[int, str] = {}
    for (item, county), members in groups.items():
        rows = _mixed(_eligible(item, county, today), item)[:PLANNED]
        numbers = list(rows.values_list("id_number", flat=True)[: len(members) * 2])
        chosen.update({plan.number: number for plan, number in zip(members, numbers, strict=False)})
    return chosen


def _mixed(rows: QuerySet[Resident], word: str) -> QuerySet[Resident]:
    """In an order that is always the same and follows nothing."""
    return rows.alias(order=MD5(Concat("id_number", Value(f"{SEED}{word}")))).order_by("order")


def _eligible(item: str, county: str, today: dt.date) -> QuerySet[Resident]:
    """Residents whom the item is for, by what does not change: birth, sex, place, and what departments hold."""
    born = {
        "gaoling-jintie": (81, 99), "gongjiao-laonianka": (66, 88), "dabing-baoxiao": (38, 80), "juzhuzheng": (19, 48),
        "jidongche-nianshen-yushen": (22, 68), "geti-gongshanghu": (22, 55), "shipin-jingying-xuke": (24, 58),
        "shengyu-dengji": (22, 36), "canjirenzheng": (20, 76), "pinkunhu-hezuoyiliao": (30, 75),
        "pinkun-daxuesheng-zizhu": (18, 20), "dongwu-fangyi-tiaojian": (28, 62),
    }[item]  # fmt: skip
    rows = Resident.objects.filter(
        birth_date__lte=today - born[0] * YEAR, birth_date__gte=today - born[1] * YEAR, is_alive=True,
        is_local=item != "juzhuzheng", division__gte=f"{county}000000", division__lt=f"{county}999999",
    )  # fmt: skip
    extra = {
        "jidongche-nianshen-yushen": Q(extra__has_key="vehicle.plate_number"),
        "shengyu-dengji": Q(sex="2", extra__has_key="person.spouse_name"),
        "pinkunhu-hezuoyiliao": Q(relation_to_head="02", extra__has_key="household.is_poverty_registered"),
        "canjirenzheng": Q(extra__has_key="disability.kind"),
        "dongwu-fangyi-tiaojian": Q(sex="1"),
    }
    return rows.filter(extra.get(item, Q()))


def person_of(row: Any) -> Person:
    return services.ensure_person(
        row.name, row.id_number, phone=row.phone, division=row.division_id if row.is_local else None
    )


def account_of(row: Any, chance: Random) -> Account:
    """The resident's account; a phone the register does not know was proven at sign-in."""
    from yici.platform.data.register import numbers

    account = services.ensure_account(person_of(row), phone=row.phone)
    if not account.phone:
        services.set_contact_phone(account, row.phone or numbers.phone(chance))
    return account


def helper_for(plan: Plan, row: Any, chance: Random) -> Account | None:
    """Somebody of the household, or the villager who runs the agent point, with a delegation; None: nobody."""
    others = Resident.objects.filter(is_alive=True, is_local=True).exclude(pk=row.pk)
    grown = others.filter(birth_date__lte=dt.date(2002, 1, 1), birth_date__gte=dt.date(1956, 1, 1))
    if plan.agent == "family":
        candidates = grown.filter(household=row.household_id, household__kind="1").order_by("id_number")
    else:
        candidates = _mixed(grown.filter(division=row.division_id), "代办点")
    found = candidates.first()
    if found is None or (plan.agent == "family" and not row.is_local):
        return None
    helper, principal = account_of(found, chance), person_of(row)
    assert helper.person is not None
    if people.delegation_between(helper.person, principal) is None:
        basis = Delegation.Basis.HOUSEHOLD if plan.agent == "family" else Delegation.Basis.AGENT_POINT
        evidence = "" if plan.agent == "family" else _POINT_EVIDENCE
        services.delegate(principal, helper.person, basis=basis, evidence=evidence, actor=services.actor_of(helper))
    return helper


class Desk:
    """The staff of one organisation: whoever of it may, and demo staff where a post is empty."""

    ROLES = {
        "case.accept": "clerk",
        "case.review": "reviewer",
        "case.approve": "approver",
        "data.objection": "data_officer",
    }

    def __init__(self, organisation: Organisation) -> None:
        self.organisation = organisation
        staff = Account.objects.filter(organisation=organisation, kind=Account.Kind.STAFF, is_active=True)
        self.staff = list(staff.order_by("pk"))

    def holder(self, permission: str, *, other_than: Account | None = None) -> Account:
        """A member of staff with the permission, preferring one who holds nothing more."""
        able = [
            one
            for one in self.staff
            if one != other_than and people.may(one, permission, organisation=self.organisation)
        ]
        if able:
            return min(able, key=lambda one: (len(people.permissions_of(one)), one.pk))
        made = services.ensure_demo_staff(self.organisation, self.ROLES[permission])
        self.staff.append(made)
        return made


def supervisor() -> Account | None:
    """Somebody who supervises the whole city."""
    grant = RoleGrant.objects.filter(role="supervisor", account__is_active=True).select_related("account").first()
    return grant.account if grant else None
