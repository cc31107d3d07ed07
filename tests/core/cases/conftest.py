"""A case type of its own for these tests, a case of the demo's farmer, and effects nobody else plugs in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from yici.base import clock
from yici.core.cases import ports, services
from yici.core.cases.models import Case, CaseTypeVersion
from yici.core.people.models import Organisation, RoleGrant

CHINA = ZoneInfo("Asia/Shanghai")
TYPE = "test-approval"


def moment(text: str) -> dt.datetime:
    """`2026-11-23 10:00`, local time."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=CHINA)


MONDAY = moment("2026-06-01 10:00")  # an ordinary working day, far from every holiday but 端午 on 06-19


@pytest.fixture
def demo(demo: Any) -> Any:
    """The demo people, with posts they have held for years: these tests act on pinned dates."""
    RoleGrant.objects.update(valid_from=dt.date(2017, 1, 1))
    return demo


@pytest.fixture
def effects(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Collects (effect, case number) instead of issuing certificates."""
    seen: list[tuple[str, str]] = []

    def note(name: str) -> Callable[..., None]:
        return lambda case, event, actor: seen.append((name, case.number))

    for name in ("hall.issue_result", "hall.revoke_result", "data.apply_objection"):
        monkeypatch.setitem(ports._effects, name, note(name))
    return seen


@pytest.fixture
def version(db: None) -> CaseTypeVersion:
    return services.publish_version(
        TYPE,
        "测试高龄津贴",
        "Test allowance",
        "hall",
        "promise-approval",
        {"handling": {"limit": 5, "legal_limit": 20}},
    )


@pytest.fixture
def guoyang(db: None) -> Organisation:
    return Organisation.objects.get(slug="guoyang.civil_affairs")


@pytest.fixture
def open_one(demo: Any, version: CaseTypeVersion, guoyang: Organisation, effects: Any) -> Callable[..., Case]:
    """`open_one(at=…, **changes)`: a case of the farmer, filed by herself at 涡阳县民政局."""

    def _open(at: dt.datetime = MONDAY, **changes: Any) -> Case:
        farmer = demo.farmer
        given: dict[str, Any] = {
            "type": TYPE,
            "title": "测试高龄津贴",
            "organisation": guoyang,
            "division": guoyang.division_id,
            "actor": farmer,
            "subject": farmer.person,
            "is_self_filed": True,
        }
        with clock.at(at):
            return services.open_case(**(given | changes))

    return _open


@pytest.fixture
def take() -> Callable[..., Case]:
    """`take(case, action, account, at=…, **data)`: act at a moment."""

    def _take(case: Case, action: str, account: Any, at: dt.datetime = MONDAY, opinion: str = "", **data: Any) -> Case:
        with clock.at(at):
            return services.act(case.number, action, account, opinion=opinion, data=data)

    return _take
