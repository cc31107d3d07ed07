"""The authority over the calendar as the site connects it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from yici.core.calendars import ports, queries
from yici.core.people.models import Account, Organisation, RoleGrant


@pytest.fixture(autouse=True)
def _authority() -> Iterator[None]:
    from yici.core.people.auth import staff_required
    from yici.core.people.services import actor_of, require

    def authority(account: object) -> object:
        require(account, ports.PERMISSION)  # type: ignore[arg-type]
        return actor_of(account)  # type: ignore[arg-type]

    before = ports._gate, ports._authority
    ports.register_authority(staff_required(ports.PERMISSION), authority)  # type: ignore[arg-type]
    queries.forget()
    yield
    ports._gate, ports._authority = before
    queries.forget()


@dataclass(frozen=True)
class Staff:
    admin: Account
    clerk: Account


@pytest.fixture
def staff(db: None) -> Staff:
    """A city administrator, who may change the calendar, and a clerk, who may not."""

    def account(name: str, role: str) -> Account:
        city = Organisation.objects.get(slug="bz")
        made = Account.objects.create_user(f"calendar-{role}", None, name=name, kind="staff", organisation=city)
        RoleGrant.objects.create(account=made, role=role, organisation=city, valid_from="2016-01-01", reason="测试")
        return made

    return Staff(account("钱日历", "city_administrator"), account("孙窗口", "clerk"))
