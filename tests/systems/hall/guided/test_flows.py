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
from yici.systems.hall.guided import flows
from yici.systems.hall.guided.linting import lint
from yici.systems.hall.models import ItemHolding, ServiceItem

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
