"""Topics and flows: every way through ends in something to do, back works, answers stand in the address."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client

from tests.visitor import Visitor
from yici.base.cityfolder import city_folder
from yici.systems.hall.guided import flows
from yici.systems.hall.guided.linting import lint
from yici.systems.hall.models import ItemHolding, ServiceItem
from yici.systems.hall.queries.catalogue import definition_of

NINE = {
    "yinbing-jiuzhu", "ban-yangzhichang", "kai-chaoshi", "kai-fandian", "zuo-dianshang", "laonian-youdai",
    "shenban-juzhuzheng", "pinkun-daxuesheng", "fanxiang-chuangye",
}  # fmt: skip
RESTAURANT = "/guided/kai-fandian/?licence=no&form=sole&size=small&smoke=yes&sign=no"


def test_six_topics_and_nine_flows_as_the_city_published_them(city: Path) -> None:
    found = flows.flows_of(city)
    assert set(found) == NINE and len(flows.topics_of(city)) == 6
    per_topic = [sum(1 for flow in found.values() if flow.topic == slug) for slug in flows.topics_of(city)]
    assert per_topic == [1, 4, 1, 1, 1, 1]


def test_every_way_through_every_flow_ends_in_something_to_do(city: Path) -> None:
    for flow in flows.flows_of(city).values():
        ways = list(flow.paths())
        assert len(ways) > 3
        assert all(flow.entries(way) for way in ways), flow.code


def test_the_linter_names_what_a_flow_gets_wrong(city: Path, tmp_path: Path) -> None:
    import shutil

    spoilt = tmp_path / "city"
    shutil.copytree(city, spoilt)
    path = spoilt / "guided" / "kai-fandian.yaml"
    raw = yaml.safe_load(path.read_text("utf-8"))
    raw["always"] = ["no-such-item"]
    raw["topic"] = "no-such-topic"
    raw["offline"]["unused"] = {"name": "没有回答会用到的", "where": "窗口"}
    path.write_text(yaml.safe_dump(raw, allow_unicode=True), "utf-8")
    rules = {one.rule for one in lint(spoilt) if one.path.endswith("kai-fandian.yaml")}
    assert {"guided.entry-known", "guided.topic-known", "guided.offline-used", "guided.path-empty"} <= rules
    assert not [one for one in lint(city) if one.level == "error"]
    flows.forget()


def test_what_the_catalogue_has_cannot_be_called_offline_again(city: Path, tmp_path: Path) -> None:
    import shutil

    spoilt = tmp_path / "city"
    shutil.copytree(city, spoilt)
    path = spoilt / "guided" / "laonian-youdai.yaml"
    raw = yaml.safe_load(path.read_text("utf-8"))
    counter = {"zh": "窗口", "en": "Counter"}
    raw["offline"] |= {
        "canjirenzheng": {"name": {"zh": "一件事", "en": "By its code"}, "where": counter},
        "kapian": {"name": {"zh": "老年人优待证", "en": "By its name"}, "where": counter},
        "butie": {"name": {"zh": "返乡创业一次性补贴", "en": "By a shorter name"}, "where": counter},
        "shoukuan": {"name": {"zh": "税务登记、领发票", "en": "By a keyword"}, "where": counter},
        "huodong": {"name": {"zh": "社区重阳节活动", "en": "Not in the catalogue"}, "where": counter},
    }
    path.write_text(yaml.safe_dump(raw, allow_unicode=True), "utf-8")
    told = [one.message for one in lint(spoilt) if one.rule == "guided.online-after-all"]
    for code in ("canjirenzheng", "laonian-youdai", "fanxiang-chuangye", "shuiwu-dengji"):
        assert any(f"（{code}）" in one for one in told), code
    assert not any("重阳节" in one or "健康体检" in one for one in told)
    raw["offline"]["kapian"]["unlike"] = ["laonian-youdai"]
    path.write_text(yaml.safe_dump(raw, allow_unicode=True), "utf-8")
    assert not any("（laonian-youdai）" in one.message for one in lint(spoilt) if one.rule == "guided.online-after-all")
    flows.forget()


def two_ways(flow: flows.Flow) -> list[dict[str, Any]]:
    """The two ways through a flow whose lists have least in common."""
    ways = list(flow.paths())
    lists = [set(flow.entries(way)) for way in ways]
    first = max(range(len(ways)), key=lambda number: len(lists[number]))
    second = max(range(len(ways)), key=lambda number: len(lists[first] ^ lists[number]))
    return [ways[first], ways[second]]


@pytest.mark.django_db
@pytest.mark.parametrize("code", sorted(NINE))
def test_each_flow_is_walked_to_two_lists(
    code: str, city: Path, demo: Any, client: Client, sign_in: Callable[..., Client]
) -> None:
    flow = flows.flows_of(city)[code]
    lists = []
    for way in two_ways(flow):
        visitor = Visitor(phone=True)
        sign_in(visitor.client, demo.farmer)
        visitor.open(f"/guided/{code}/")
        answered: dict[str, Any] = {}
        while asked := flows.next_question(flow, answered):
            answered[asked.id] = way[asked.id]
            visitor.press("继续", **{asked.id: way[asked.id] or None})
        if flow.by_place:
            visitor.press("继续", place="341602000000")
        lists.append(set(flow.entries(way)))
        look_at_the_list(visitor, flow, lists[-1])
    assert lists[0] != lists[1]


def look_at_the_list(visitor: Visitor, flow: flows.Flow, entries: set[str]) -> None:
    """Items with days and costs, papers with what is proven struck out, and one button for all that can be joined."""
    assert "您的清单" in visitor.text
    page = visitor.response.content.decode()
    online = entries - set(flow.offline) - set(flow.later)
    online -= {code for code in online if not (city_folder() / "items" / f"{code}.yaml").is_file()}  # of the registers
    rows = {row.code: row for row in ServiceItem.objects.filter(code__in=online)}
    assert set(rows) == online
    for code in online:
        definition = definition_of(rows[code].current_id or 0)
        assert f"/items/{code}/" in page and definition.name.zh in visitor.text
        assert definition.limits.promised.in_words() in visitor.text
        assert all(str(fee.name) in visitor.text for fee in definition.fees.items)
    assert "费用" in visitor.text and visitor.text.count("线下办理") == len(entries & set(flow.offline))
    for key in entries & set(flow.later):
        assert f"/items/{flow.later[key].item}/" in page and "以后再办" in visitor.text
    buttons = [one for form in visitor.forms for one in form.buttons if one.words in ("一次申请全部", "立即办理")]
    if online:
        assert "材料" in visitor.text and len(buttons) == 1 and joined(page) <= online
        assert page.count("<s>") >= 1, "she has an identity card: something is struck out"
        able = {code for code in online if not definition_of(rows[code].current_id or 0).signing}
        assert joined(page) == able


@pytest.mark.django_db
def test_one_question_a_page_back_keeps_the_answer_and_the_list_comes_last() -> None:
    visitor = Visitor(phone=True).open("/guided/")
    visitor.follow("开饭店")
    assert "有营业执照了吗" in visitor.text
    visitor.press("继续", status=422)
    assert "请选一个答案" in visitor.text
    visitor.press("继续", licence="no")
    visitor.press("继续", form="sole")
    assert "面积" in visitor.text
    visitor.follow("上一步")
    assert "准备怎样登记" in visitor.text
    assert any(form.values.get("form") == ["sole"] for form in visitor.forms), "the answer is still chosen"
    visitor.press("继续", form="sole")
    visitor.press("继续", size="small")
    visitor.press("继续", smoke="yes")
    visitor.press("继续", sign="no")
    visitor.press("继续", place="341602000000")
    assert "您的清单" in visitor.text and "个体工商户登记" in visitor.text and "食品经营许可" in visitor.text
    assert "线下办理" in visitor.text and "环境影响登记表" in visitor.text
    assert "由本次办出的个体工商户营业执照证明" in visitor.text


@pytest.mark.django_db
def test_who_signs_in_finds_what_the_city_has_struck_out(
    demo: Any, client: Client, sign_in: Callable[..., Client]
) -> None:
    address = RESTAURANT + "&place=341602000000"
    stranger = client.get(address).content.decode()
    known = sign_in(client, demo.trader).get(address).content.decode()
    assert known.count("<s>") > stranger.count("<s>")
    assert "不用您提交" in known


def joined(page: str) -> set[str]:
    """The items that the one button applies for."""
    found = re.search(r'name="items" value="([^"]*)"', page)
    return set(found[1].split(",")) if found else set()


@pytest.mark.django_db
def test_what_a_county_does_not_offer_is_said_and_left_out_of_the_joint_application(
    demo: Any, client: Client, sign_in: Callable[..., Client]
) -> None:
    ItemHolding.objects.filter(
        item__code="shipin-jingying-xuke", organisation__slug="qiaocheng.market_supervision"
    ).update(is_active=False)
    page = sign_in(client, demo.trader).get(RESTAURANT + "&place=341602000000").content.decode()
    assert "这个县（区）没有办理这项服务的单位" in page
    assert joined(page) == {"jiankangzheng", "geti-gongshanghu"}, "the rest can be applied for"


@pytest.mark.django_db
def test_a_suspended_item_is_said_and_left_out(demo: Any, client: Client, sign_in: Callable[..., Client]) -> None:
    ServiceItem.objects.filter(code="shipin-jingying-xuke").update(state="suspended")
    page = sign_in(client, demo.trader).get(RESTAURANT + "&place=341602000000").content.decode()
    assert "已暂停办理" in page and joined(page) == {"jiankangzheng", "geti-gongshanghu"}


@pytest.mark.django_db
@pytest.mark.parametrize("tail", ["?licence=maybe", "?licence=yes&form=sole", "?change=nothing", "?place=1"])
def test_answers_that_do_not_fit_are_as_if_not_given(client: Client, tail: str) -> None:
    assert client.get("/guided/kai-fandian/" + tail).status_code == 200


@pytest.mark.django_db
def test_an_unknown_flow_is_not_found(client: Client) -> None:
    assert client.get("/guided/no-such-flow/").status_code == 404
