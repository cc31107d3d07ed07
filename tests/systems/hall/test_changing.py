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
from yici.systems.hall.overlay import value_at
from yici.systems.hall.services import editing

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


def test_taking_over_moves_the_holdings_up(manager: Any, demo: Any) -> None:
    change = proposed(manager, "take_over", holders={"from": "county", "to": "city"})
    services.review_change(demo.admin, change.pk, approve=True, opinion="")
    held = ItemHolding.objects.filter(item__code=CODE, is_active=True)
    assert [(row.level, row.organisation.slug) for row in held] == [("city", "bz.civil_affairs")]
    assert submitted(demo.citizen("farmer")).organisation.slug == "bz.civil_affairs"


def test_a_body_is_added_beside_those_that_hold_it(manager: Any, demo: Any) -> None:
    change = proposed(manager, "add", holders={"bodies": ["bz.civil_affairs"], "level": "city"})
    services.review_change(demo.admin, change.pk, approve=True, opinion="")
    held = ItemHolding.objects.filter(item__code=CODE, is_active=True)
    assert held.count() == 5 and held.filter(organisation__slug="bz.civil_affairs", level="city").exists()


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
        ({"edits": {"limits.promised.amount": "0000000001000"}}, "limits.promised.amount"),
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
    for paths in editing.EDITABLE.values():
        for path in paths:
            assert value_at(published, path) is not None, path


# What a department changes of substance --------------------------------------------------------------

SHORT = "dibao"  # written in the short notation


def current(code: str) -> Any:
    return queries.definition_of(queries.item_by_code(code).current)


def in_force(manager: Any, demo: Any, edits: dict[str, str], *, kind: str = "amend", code: str = SHORT) -> ItemChange:
    change = proposed(manager, kind, code=code, edits=edits)
    services.review_change(demo.admin, change.pk, approve=True, opinion="同意")
    change.refresh_from_db()
    assert change.state == "in_force"
    return change


def row(code: str, material: str, **changes: str) -> dict[str, str]:
    """A material as its row of the form sends it."""
    found = current(code).material(material)
    sent = {
        "copies": str(found.copies), "necessity": found.necessity, "name.zh": found.name.zh, "name.en": found.name.en,
        "certificate": next((one.certificate for one in found.proven_by if one.certificate), ""),
        "facts": "1" if any(one.facts for one in found.proven_by) else "",
        "promise": "1" if any(one.promise for one in found.proven_by) else "",
    }  # fmt: skip
    return {f"materials.{material}.{name}": value for name, value in {**sent, **changes}.items()}


def test_a_row_sent_back_as_it_is_changes_nothing(manager: Any) -> None:
    for material in current(SHORT).materials:
        with pytest.raises(Invalid) as caught:
            proposed(manager, code=SHORT, edits=row(SHORT, material.id))
        assert set(caught.value.fields) == {"edits"}, material.id


def test_a_material_is_added_another_dropped_a_third_asked_in_copies_and_proven_otherwise(
    manager: Any, demo: Any
) -> None:
    first, second, third = (one.id for one in current(SHORT).materials[:3])
    edits = row(SHORT, first, copies="2", certificate="household_register", promise="1") | {
        **row(SHORT, second, drop="1"), **row(SHORT, third, necessity="optional"),
        "new.name.zh": "家庭收入核对授权书", "new.name.en": "Consent to an income check", "new.copies": "1",
        "new.necessity": "required", "new.standard": "全体成员签名 | Signed by all members", "new.promise": "1",
    }  # fmt: skip
    before = current(SHORT)
    old = queries.item_by_code(SHORT).current
    change = in_force(manager, demo, edits)
    now = current(SHORT)
    assert queries.definition_of(old).digest() == before.digest(), "cases opened before keep what they were asked"
    assert second not in {one.id for one in now.materials}
    changed = now.material(first)
    assert changed.copies == 2 and {one.certificate for one in changed.proven_by} >= {"household_register"}
    assert any(one.promise for one in changed.proven_by) and now.material(third).necessity == "optional"
    added = now.material("added_1")
    assert added.name.zh == "家庭收入核对授权书" and added.copies == 1 and added.proven_by[0].promise
    assert change.before[f"materials.{second}"]["id"] == second and change.edits[f"materials.{second}"] is None


def test_legal_basis_steps_and_places_are_changed_line_by_line(manager: Any, demo: Any) -> None:
    published = current(SHORT).published()
    edits = {
        "legal_basis": editing.lines_of(published, "legal_basis")
        + "\n安徽省最低生活保障办法 // 省政府令第267号 // 第八条",
        "steps": "申请 | Apply // 网上提交 | Sent online\n审批 | Decision // 张榜公示后审批 | Decided after public notice",
        "windows": "qiaocheng, guoyang // 低保窗口 | Allowance counter",
    }
    in_force(manager, demo, edits)
    now = current(SHORT)
    assert now.legal_basis[-1].title == "安徽省最低生活保障办法" and now.legal_basis[-1].article == "第八条"
    assert [one.name.zh for one in now.steps] == ["申请", "审批"]
    assert now.windows[0].centres == ["qiaocheng", "guoyang"] and now.windows[0].counter.zh == "低保窗口"


def test_the_reference_of_a_fee_is_changed_and_the_charge_stays(manager: Any, demo: Any) -> None:
    code = "budongchan-zhuanyi"
    (before,) = current(code).fees.items
    line = f"{before.name.zh} | {before.name.en} // 每件 70 元 | 70 yuan a case // 皖价服〔2018〕12号 // {before.code}"
    in_force(manager, demo, {"fees": line}, code=code)
    (now,) = current(code).fees.items
    assert (now.code, now.standard.en, now.basis) == (before.code, "70 yuan a case", "皖价服〔2018〕12号")
    with pytest.raises(Invalid, match="不在收费清单上"):
        in_force(manager, demo, {"fees": line.replace(before.code, "no-such-fee")}, code=code)


def test_better_wording_keeps_the_other_language(manager: Any, demo: Any) -> None:
    english = current(SHORT).summary.en
    in_force(manager, demo, {"summary.zh": "家庭收入低于标准的，按差额补足。"}, kind="improve")
    assert (current(SHORT).summary.zh, current(SHORT).summary.en) == ("家庭收入低于标准的，按差额补足。", english)


def test_a_dropped_material_is_no_longer_brought_in_by_an_answer(manager: Any, demo: Any) -> None:
    brought = next(one for one in current(CODE).materials if one.only_in_situation)
    in_force(manager, demo, row(CODE, brought.id, drop="1"), code=CODE)
    options = [option for one in current(CODE).form.situations for option in one.options]
    assert not any(brought.id in (*option.add, *option.remove) for option in options)


@pytest.mark.parametrize(
    ("edits", "field"),
    [
        ({"legal_basis": ""}, "legal_basis"),
        ({"legal_basis": "只有名称"}, "legal_basis"),
        ({"steps": "只有名称"}, "steps"),
        ({"fees": "工本费 // 5 元"}, "fees"),
        ({"new.name.zh": "新材料"}, "new.standard"),
        ({"materials.identity.copies": "很多"}, "materials.identity.copies"),
    ],
)
def test_what_cannot_be_read_is_named(manager: Any, edits: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        proposed(manager, code=SHORT, edits=edits)
    assert field in caught.value.fields


def test_a_place_nobody_knows_is_refused_whole_at_the_review(manager: Any, demo: Any) -> None:
    change = proposed(manager, code=SHORT, edits={"windows": "no-such-centre // 窗口 | Counter"})
    with pytest.raises(Invalid, match="no-such-centre"):
        services.review_change(demo.admin, change.pk, approve=True, opinion="")
    assert queries.item_by_code(SHORT).current.number == 1


def test_the_reviewer_sees_old_and_new_line_by_line(manager: Any, demo: Any, client: Any, sign_in: Any) -> None:
    sign_in(client, manager)
    page = client.get(f"/desk/items/{SHORT}/change/").content.decode()
    material = current(SHORT).materials[0]
    assert f'name="materials.{material.id}.copies"' in page and 'name="new.name.zh"' in page and "法律依据" in page
    given = {
        "kind": "amend", "reason": "减材料", "basis": "国办发〔2016〕99号", "effective_from": "2026-11-23",
        **row(SHORT, material.id, drop="1"), "steps": "申请 | Apply // 网上提交 | Sent online",
    }  # fmt: skip
    wrong = client.post(f"/desk/items/{SHORT}/change/", given | {"steps": "一步"})
    assert wrong.status_code == 422 and "写得不完整" in wrong.content.decode()
    assert 'drop" value="1" checked' in wrong.content.decode(), "what was filled in is still there"
    answer = client.post(f"/desk/items/{SHORT}/change/", given)
    assert answer.status_code == 302
    page = client.get(answer.url).content.decode()
    assert f"材料《{material.name.zh}》" in page and "取消" in page
    assert "<ins>申请 | Apply // 网上提交 | Sent online</ins>" in page
