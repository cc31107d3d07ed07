"""Finding items by words, synonyms, pinyin and initials, and when one mistypes."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from yici.systems.hall import queries
from yici.systems.hall.queries import Filters

pytestmark = pytest.mark.django_db


def codes(words: str, **filters: str) -> list[str]:
    return [hit.item.code for hit in queries.search(words, Filters(**filters)).hits]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("高龄津贴", "gaoling-jintie"),
        ("高龄补贴", "gaoling-jintie"),
        ("高龄补助怎么办理", "gaoling-jintie"),
        ("gljt", "gaoling-jintie"),
        ("GLJT", "gaoling-jintie"),
        ("gaoling", "gaoling-jintie"),
        ("80岁", "gaoling-jintie"),
        ("老人卡", "gongjiao-laonianka"),
        ("公交", "gongjiao-laonianka"),
        ("暂住证", "juzhuzheng"),
        ("审车", "jidongche-nianshen-yushen"),
        ("残疾证", "canjirenzheng"),
        ("开饭店", "shipin-jingying-xuke"),
        ("养猪", "dongwu-fangyi-tiaojian"),
        ("yangzhu", "dongwu-fangyi-tiaojian"),
        ("个体户", "geti-gongshanghu"),
        ("准生证", "shengyu-dengji"),
        ("助学金", "pinkun-daxuesheng-zizhu"),
        ("新农合", "pinkunhu-hezuoyiliao"),
        ("二次报销", "dabing-baoxiao"),
        ("residence permit", "juzhuzheng"),
        ("bus card", "gongjiao-laonianka"),
    ],
)
def test_the_first_hit_is_the_service_people_mean(words: str, code: str) -> None:
    assert codes(words)[0] == code
    assert not queries.search(words).is_guess


def test_laonian_finds_every_service_for_the_old() -> None:
    assert set(codes("laonian")) >= {"gaoling-jintie", "gongjiao-laonianka"}


@pytest.mark.parametrize("words", ["高龄精贴", "gaolinjintie", "居住征申领"])
def test_a_slip_still_finds_something_and_says_it_is_a_guess(words: str) -> None:
    found = queries.search(words)
    assert found.is_guess
    assert found.hits[0].item.code in ("gaoling-jintie", "juzhuzheng")


def test_nothing_at_all_is_an_empty_answer() -> None:
    found = queries.search("qqqqxz")
    assert (found.hits, found.total, found.is_guess) == ([], 0, False)


@pytest.mark.parametrize(
    "words", ["", " ", "'; DROP TABLE x; --", "\\", "'''", "a" * 5000, "&|!:*()", "<script>", "津'贴"]
)
def test_strange_words_never_fail(words: str) -> None:
    queries.search(words)


def test_filters_narrow_a_search() -> None:
    assert codes("医", topic="hardship") and set(codes("医", topic="hardship")) < set(codes("医"))
    assert codes("登记", subject="enterprise")[0] == "geti-gongshanghu"
    assert codes("高龄津贴", level="village") == []


def test_hits_mark_what_was_matched() -> None:
    assert "<mark>高龄津贴</mark>" in queries.search("gljt").hits[0].name
    with translation.override("en"):
        assert "<mark>" in queries.search("allowance").hits[0].name


def test_a_search_is_four_queries_whatever_it_finds() -> None:
    with CaptureQueriesContext(connection) as captured:
        queries.search("老年")
    assert len(captured) == 4


def test_page_shows_results_suggestions_and_the_empty_state(client: Any) -> None:
    assert "80周岁以上老年人" in client.get("/search/", {"q": "gljt"}).content.decode()
    assert "您要找的是不是" in client.get("/search/", {"q": "高龄精贴"}).content.decode()
    empty = client.get("/search/", {"q": "<script>alert(1)</script>"}).content.decode()
    assert "<script>alert" not in empty
    assert "大家常办" in client.get("/search/", {"q": "qqqqxz"}).content.decode()


def test_htmx_gets_only_the_list(client: Any) -> None:
    part = client.get("/search/", {"q": "gljt"}, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part and "gaoling-jintie" in part


def test_bad_page_numbers_are_the_first_page(client: Any) -> None:
    for page in ("0", "-1", "x", "9" * 30):
        assert client.get("/search/", {"q": "gljt", "page": page}).status_code == 200
