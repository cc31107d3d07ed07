"""Divisions, zones and old codes of the loaded city."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from yici.core.places import loading, queries
from yici.core.places.models import Division, Level
from yici.core.places.queries import UnknownDivision

pytestmark = pytest.mark.django_db
GUOYANG = "341621000000"


def test_the_city_has_4_counties_96_townships_and_1360_villages() -> None:
    counts = {level: Division.objects.filter(level=level).count() for level in Level.values}
    assert counts == {"city": 1, "county": 4, "township": 96, "village": 1360}


def test_everything_in_a_county_is_found_by_range() -> None:
    inside = Division.objects.filter(queries.in_division("code", GUOYANG))
    assert inside.filter(level="township").count() == 24
    assert inside.filter(level="village").count() == 384
    assert set(Division.objects.filter(queries.in_division("parent", GUOYANG)).values_list("level", flat=True)) == {
        "township", "village",
    }  # fmt: skip


def test_full_name_begins_at_the_county() -> None:
    assert queries.division("341621103000").full_name == "涡阳县西阳镇"
    assert queries.division("341600000000").full_name == "亳州市"


def test_children_and_ancestors() -> None:
    assert [child.name for child in queries.children("341600000000")] == ["谯城区", "涡阳县", "蒙城县", "利辛县"]
    assert [above.name for above in queries.ancestors("341621103001")] == ["亳州市", "涡阳县", "西阳镇"]


def test_unknown_code_is_refused() -> None:
    with pytest.raises(UnknownDivision):
        queries.division("341621999999")


def test_hostile_code_is_refused_like_any_other(client: Client) -> None:
    for code in ("%00", "3416%00000000", "'; --", "３４１６０２００００００"):
        assert client.get(f"/api/v1/divisions?parent={code}").status_code == 422


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("涡阳", "涡阳县"), ("guoyang", "涡阳县"), ("gyx", "涡阳县"), ("qiaocheng", "谯城区"), ("涡阳县 西阳", "西阳镇"),
        ("古井", "古井镇"), ("gujing", "古井镇"), ("Guoyang", "涡阳县"), ("西阳镇", "西阳镇"),
    ],
)  # fmt: skip
def test_search_by_name_pinyin_and_initials_finds_the_widest_first(words: str, name: str) -> None:
    assert queries.search(words)[0].name == name


def test_search_keeps_to_its_limit_and_to_one_query(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert len(queries.search("村", 7)) == 7
    assert queries.search("   ") == []
    assert queries.search("%") == []
    assert queries.search("\0") == []


@pytest.mark.parametrize(
    ("code", "county"),
    [
        ("342102", "谯城区"), ("342124", "涡阳县"), ("342125", "蒙城县"), ("342130", "利辛县"),
        ("341281", "谯城区"), ("341223", "涡阳县"), ("341224", "蒙城县"), ("341227", "利辛县"),
        ("341602", "谯城区"), ("341621", "涡阳县"), ("341622", "蒙城县"), ("341623", "利辛县"),
    ],
)  # fmt: skip
def test_every_code_a_county_ever_had_leads_to_it(code: str, county: str) -> None:
    division = queries.historic_division(code)
    assert division is not None
    assert division.name == county


def test_a_code_of_another_city_leads_nowhere() -> None:
    assert queries.historic_division("110101") is None


def test_zones_are_an_axis_of_their_own() -> None:
    zone = queries.find_zone("市经开区")
    assert zone is not None
    assert zone.name == "亳州高新技术产业开发区"
    assert [zone.slug for zone in queries.zones_of("341602403000")] == [
        "bowu", "qingnian-e-commerce-park", "qingnian-makerspace", "zhumeng-community",
    ]  # fmt: skip
    inside = Division.objects.filter(queries.in_zone("code", "bowu"))
    assert {division.code[:9] for division in inside} == {"341602403"}


def test_loading_twice_changes_nothing(city: Path) -> None:
    before = list(Division.objects.values_list())
    assert loading.load(city).startswith("区划：1461 个")
    assert list(Division.objects.values_list()) == before


def test_address_picker_walks_down(client: Client, django_assert_num_queries: Any) -> None:
    counties = client.get("/api/v1/divisions").json()
    assert [county["name"] for county in counties] == ["谯城区", "涡阳县", "蒙城县", "利辛县"]
    assert counties[0]["has_children"] is True
    with django_assert_num_queries(2):
        towns = client.get(f"/api/v1/divisions?parent={GUOYANG}").json()
    assert len(towns) == 24
    villages = client.get(f"/api/v1/divisions?parent={towns[0]['code']}").json()
    assert villages[0]["has_children"] is False
    assert client.get("/api/v1/divisions/search?q=gujing").json()[0]["name"] == "古井镇"
    assert client.get("/api/v1/divisions/341621000000").json()["english"] == "Guoyang County"


def test_address_picker_refuses_an_unknown_code(client: Client) -> None:
    answer = client.get("/api/v1/divisions?parent=999")
    assert answer.status_code == 422
    assert answer.json()["type"].endswith("unknown-division")
