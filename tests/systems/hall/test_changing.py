"""Changes of items: two persons, a day, old cases keep their version, a stop tells who has a draft."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.systems.hall.conftest import filled_draft, submitted
from yici.base import clock
from yici.base.errors import Invalid, NotAllowed
from yici.core.messages.models import Message
from yici.systems.hall import queries, services
from yici.systems.hall.errors import ChangeSettled, ItemStopped, SamePerson
from yici.systems.hall.models import Application, ItemChange, ItemHolding, ServiceItem
from yici.systems.hall.services import changing

CODE = "gaoling-jintie"
MONDAY = dt.date(2026, 11, 23)

pytestmark = pytest.mark.usefixtures("story_day")


@pytest.fixture
def manager(demo: Any) -> Any:
    return demo.staff("item_manager")


def proposed(manager: Any, kind: str = "amend", **changes: Any) -> ItemChange:
    given: dict[str, Any] = {
        "reason": "压缩时限", "basis": "亳政办秘〔2016〕11号", "effective_from": MONDAY,
        "edits": {"limits.promised.amount": "3"} if kind == "amend" else {},
    }  # fmt: skip
    return services.propose_change(manager, changes.pop("code", CODE), kind=kind, **(given | changes))


def test_a_change_takes_a_second_person_and_publishes_a_version(manager: Any, demo: Any) -> None:
    old = submitted(demo.citizen("farmer"))
    change = proposed(manager)
    assert (change.before, change.edits) == ({"limits.promised.amount": 5}, {"limits.promised.amount": 3})
    with pytest.raises(SamePerson):
        services.review_change(manager, change.pk, approve=True, opinion="")
    services.review_change(demo.admin, change.pk, approve=True, opinion="同意")
    change.refresh_from_db()
    assert change.state == "in_force"
    now = queries.definition_of(queries.item_by_code(CODE).current)
    assert now.limits.promised.amount == 3
    kept = Application.objects.get(case=old).version
    assert queries.definition_of(kept).limits.promised.amount == 5
    with pytest.raises(ChangeSettled):
        services.review_change(demo.admin, change.pk, approve=False, opinion="晚了")


def test_an_approved_change_waits_for_its_day(manager: Any, demo: Any) -> None:
    change = proposed(manager, effective_from=MONDAY + dt.timedelta(days=3))
    services.review_change(demo.admin, change.pk, approve=True, opinion="")
    assert services.take_effect_of_due() == 0
    assert queries.definition_of(queries.item_by_code(CODE).current).limits.promised.amount == 5
    with clock.at(clock.now() + dt.timedelta(days=3)):
        assert services.take_effect_of_due() == 1
    assert queries.definition_of(queries.item_by_code(CODE).current).limits.promised.amount == 3


def test_a_stop_tells_everybody_with_a_draft_and_closes_the_door(manager: Any, demo: Any) -> None:
    account = demo.citizen("farmer")
    draft = filled_draft(account)
    change = proposed(manager, "stop", reason="并入养老服务补贴")
    services.review_change(demo.admin, change.pk, approve=True, opinion="")
    change.refresh_from_db()
    assert change.told == 1
    assert Message.objects.get(recipient=account, template="item.stopped").body.count("并入养老服务补贴") == 1
    assert queries.item_by_code(CODE).state == ServiceItem.State.SUSPENDED
    with pytest.raises(ItemStopped):
        services.submit(draft.token, account)


def test_delegating_moves_the_holdings_down(manager: Any, demo: Any) -> None:
    change = proposed(manager, "delegate", holders={"from": "county", "to": "township"})
    services.review_change(demo.admin, change.pk, approve=True, opinion="")
    held = ItemHolding.objects.filter(item__code=CODE, is_active=True)
    assert {row.level for row in held} == {"township"}
    assert held.count() == 96
    assert ItemHolding.objects.filter(item__code=CODE, level="county", is_active=False).count() == 4


def test_one_body_may_stop_while_the_others_go_on(manager: Any, demo: Any) -> None:
    change = proposed(manager, "stop", holders={"bodies": ["lixin.civil_affairs"]})
    services.review_change(demo.admin, change.pk, approve=True, opinion="")
    held = ItemHolding.objects.filter(item__code=CODE, is_active=True)
    assert sorted(row.organisation.slug for row in held) == [
        "guoyang.civil_affairs", "mengcheng.civil_affairs", "qiaocheng.civil_affairs",
    ]  # fmt: skip
    assert queries.item_by_code(CODE).state == "active"


def test_a_change_that_breaks_a_rule_is_refused_whole(manager: Any, demo: Any) -> None:
    change = proposed(manager, edits={"limits.promised.amount": "300"})
    with pytest.raises(Invalid, match="承诺时限"):
        services.review_change(demo.admin, change.pk, approve=True, opinion="")
    change.refresh_from_db()
    assert change.state == "proposed"
    assert queries.definition_of(queries.item_by_code(CODE).current).limits.promised.amount == 5


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"reason": " "}, "reason"),
        ({"basis": ""}, "basis"),
        ({"effective_from": MONDAY - dt.timedelta(days=1)}, "effective_from"),
        ({"edits": {}}, "edits"),
        ({"edits": {"limits.promised.amount": "三"}}, "limits.promised.amount"),
        ({"kind": "delegate", "holders": {"from": "county", "to": "city"}}, "to"),
        ({"kind": "delegate", "holders": {"from": "village", "to": "township"}}, "from"),
        ({"kind": "add", "holders": {}}, "bodies"),
    ],
)
def test_what_is_missing_is_named(manager: Any, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        proposed(manager, changes.pop("kind", "amend"), **changes)
    assert field in caught.value.fields


def test_only_item_managers_propose(demo: Any) -> None:
    with pytest.raises(NotAllowed):
        proposed(demo.clerk)


def test_the_pages_lead_from_proposal_to_force(manager: Any, demo: Any, client: Any, sign_in: Any) -> None:
    sign_in(client, manager)
    page = client.get(f"/desk/items/{CODE}/change/").content.decode()
    assert "承诺时限（数值）" in page
    refused = client.post(f"/desk/items/{CODE}/change/", {"kind": "amend", "effective_from": "2026-11-23"})
    assert refused.status_code == 422
    given = {
        "kind": "amend", "reason": "提速", "basis": "国发〔2016〕55号", "effective_from": "2026-11-23",
        "limits.promised.amount": "2",
    }  # fmt: skip
    answer = client.post(f"/desk/items/{CODE}/change/", given)
    assert answer.status_code == 302
    own = client.get(answer.url).content.decode()
    assert "<del>5</del>" in own and "<ins>2</ins>" in own and "自己提出的变更要由另一个人审核" in own
    sign_in(client, demo.admin)
    assert client.post(answer.url, {"approve": "1", "opinion": "好"}).status_code == 302
    assert "已生效" in client.get(answer.url).content.decode()
    assert "提速" in client.get("/desk/changes/").content.decode()
    sign_in(client, demo.clerk)
    assert client.get("/desk/changes/").status_code == 403


def test_paths_that_may_be_edited_exist(city: Any) -> None:
    published = queries.definition_of(queries.item_by_code("jiehun-dengji").current).published()
    for paths in changing.EDITABLE.values():
        for path in paths:
            assert changing.value_at(published, path) is not None, path
