"""Who is told about the data of a unit: those who deliver it, else the data centre. In-app only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from yici.base import clock
from yici.core.messages import services as messages
from yici.core.people.models import Account, Organisation, RoleGrant
from yici.core.people.permissions import roles
from yici.core.people.queries import current_grant

__all__ = ["officers_of", "operators", "tell"]

DELIVERS, OPERATES = "data.upload", "data.operate"
LIMIT = 5  # a unit with many officers is told through so many, as an unassigned case is


def officers_of(units: Iterable[Organisation]) -> dict[int, list[Account]]:
    """Unit id → accounts that deliver the unit's data: of the unit itself, else of the nearest body above it.

    Where there is nobody, the operators of the data centre. Two queries, whatever the number of units.
    """
    grants = [grant for grant in _grants(DELIVERS) if grant.organisation.parent_id is not None]
    everybody = operators()
    found = {}
    for unit in units:
        above = [grant for grant in grants if unit.path.startswith(grant.organisation.path)]
        nearest = max((len(grant.organisation.path) for grant in above), default=0)
        own = {grant.account_id: grant.account for grant in above if len(grant.organisation.path) == nearest}
        found[unit.pk] = list(own.values())[:LIMIT] or everybody
    return found


def operators() -> list[Account]:
    """Accounts that run the loads of the whole city. One query."""
    grants = [grant for grant in _grants(OPERATES) if grant.organisation.parent_id is None]
    return list({grant.account_id: grant.account for grant in grants}.values())[:LIMIT]


def tell(
    accounts: Iterable[Account], template: str, context: dict[str, Any], *, link: str, case_number: str = ""
) -> int:
    """One message each; returns how many."""
    told = 0
    for account in accounts:
        messages.tell(account, template, context, channels=(), link=link, case_number=case_number)
        told += 1
    return told


def _grants(permission: str) -> list[RoleGrant]:
    bearing = [slug for slug, role in roles().items() if permission in role.permissions]
    grants = RoleGrant.objects.filter(
        current_grant(clock.today()), role__in=bearing, account__is_active=True, account__kind=Account.Kind.STAFF
    )
    return list(grants.select_related("account", "organisation").order_by("account_id", "id"))
