"""The public pages of the catalogue and its JSON: complete, in both languages, honest about stopped items."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from yici.systems.hall.models import ServiceItem

pytestmark = pytest.mark.django_db
HAN = re.compile(r"[\u4e00-\u9fff]")


def text_of(page: str) -> str:
    """What is read of the main part: no tags, nothing marked as Chinese on purpose."""
    main = re.search(r"<main.*?</main>", page, re.S)
    assert main
    kept = re.sub(r"<(\w+)[^>]*lang=\"zh-CN\"[^>]*>.*?</\1>", "", main.group(), flags=re.S)
    return re.sub(r"<[^>]+>", " ", kept)


def test_home_offers_common_services_and_life_events(client: Any) -> None:
    page = client.get("/").content.decode()
    assert "高龄津贴" in page and "生活中的大事" in page and 'action="/search/"' in page


def test_guide_says_what_proves_each_material(client: Any) -> None:
    page = client.get("/items/gaoling-jintie/").content.decode()
    for words in (
        "年满 80 周岁",
        "不用您提交",
        "由亳州市公安局数据证明",
        "5 个工作日",
        "立即办理",
        "第三十三条",
        "行政复议",
        "0558-5132316",
        "<svg",
    ):
        assert words in page


def test_every_guide_can_be_read_in_both_languages(client: Any) -> None:
    # Every hand-written item, and of the kinds of handling those of one base: the others are made alike.
    codes = list(ServiceItem.objects.filter(handling="").values_list("code", flat=True))
    codes += ServiceItem.objects.filter(base="yanglao-jigou").exclude(handling="").values_list("code", flat=True)
    client.cookies["language"] = "en"
    for code in codes:
        left = HAN.findall(text_of(client.get(f"/items/{code}/").content.decode()))
        assert not left, (code, "".join(left)[:80])


@pytest.mark.parametrize(
    "address", ["/", "/browse/", "/browse/?topic=growing-old", "/search/?q=bus", "/search/?q=qqqqxz"]
)
def test_public_pages_are_wholly_english_in_english(client: Any, address: str) -> None:
    client.cookies["language"] = "en"
    left = HAN.findall(text_of(client.get(address).content.decode()))
    assert not left, "".join(left)[:80]


def test_a_stopped_item_says_so_and_has_no_button(client: Any) -> None:
    ServiceItem.objects.filter(code="gaoling-jintie").update(
        state="suspended", state_reason={"zh": "系统升级，十二月恢复", "en": "Back in December"}
    )
    page = client.get("/items/gaoling-jintie/").content.decode()
    assert "暂停办理" in page and "系统升级" in page and "立即办理" not in page


@pytest.mark.parametrize(
    "address", ["/items/no-such-item/", "/browse/?topic=nope", "/browse/?level=moon", "/items/a%00b/"]
)
def test_unknown_addresses_are_not_found(client: Any, address: str) -> None:
    assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    "query", ["subject=enterprise", "topic=growing-old", "department=bz.civil_affairs", "level=county"]
)
def test_browsing_lists_items_of_the_choice(client: Any, query: str) -> None:
    page = client.get(f"/browse/?{query}")
    assert page.status_code == 200 and "/items/" in page.content.decode()


def test_pages_make_few_queries_however_many_items(client: Any) -> None:
    client.get("/items/gaoling-jintie/")
    for address, most in (("/", 3), ("/browse/", 7), ("/items/gaoling-jintie/", 6)):
        with CaptureQueriesContext(connection) as captured:
            client.get(address)
        assert len(captured) <= most, [query["sql"][:80] for query in captured]


def test_api_lists_searches_and_reads_items(client: Any) -> None:
    assert client.get("/api/v1/items").json()["total"] == ServiceItem.objects.filter(handling="").count()
    assert client.get("/api/v1/items", {"q": "gljt"}).json()["items"][0]["code"] == "gaoling-jintie"
    detail = client.get("/api/v1/items/gaoling-jintie").json()
    assert detail["version"] == 1
    assert "person.phone" in detail["form_schema"]["properties"]
    assert detail["materials"][0]["proven_by"][0]["certificate"] == "resident_id_card"
    assert "lives_elsewhere" in detail["situation_schema"]["properties"]


def test_api_refuses_bad_questions_as_problems(client: Any) -> None:
    assert client.get("/api/v1/items/none").status_code == 404
    assert client.get("/api/v1/items", {"level": "moon"}).status_code == 422
    assert client.get("/api/v1/items", {"q": "\x00", "topic": "\x00"}).status_code == 422
