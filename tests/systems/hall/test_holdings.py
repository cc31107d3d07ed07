"""Who holds an item where, and whose desk an application comes to."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.systems.hall.conftest import submitted
from yici.systems.hall import queries, services
from yici.systems.hall.errors import AuthorityNotChosen, NoAuthority
from yici.systems.hall.models import ItemHolding

GUOYANG = "341621000000"


def test_the_nearest_body_holds_it(db: None) -> None:
    item = queries.item_by_code("xiangcun-guihua")
    township = queries.active_holdings(item).filter(division__code__startswith="341621").first()
    village = township.division_id[:9] + "201"
    held = queries.holding_at(item, village)
    assert held is not None and held.pk == township.pk and held.level == "township"


def test_a_place_without_a_body_says_where_it_is_had(db: None) -> None:
    item = queries.item_by_code("jiehun-dengji")
    with pytest.raises(NoAuthority, match="涡阳县"):
        queries.holder_for(item, "110101000000")


def test_an_item_each_body_holds_for_itself_must_be_chosen(db: None, demo: Any) -> None:
    item = queries.item_by_code("xinxi-gongkai")
    assert queries.must_choose(item)
    with pytest.raises(AuthorityNotChosen):
        services.start(demo.citizen("farmer"), "xinxi-gongkai", assurance=1)
    holding = queries.bodies_of(item, GUOYANG)[0]
    draft = services.start(demo.citizen("farmer"), "xinxi-gongkai", assurance=1, holding=holding.code)
    assert draft.context["holding"] == holding.code


def test_the_case_goes_to_the_county_of_registration(story_day: Any, demo: Any) -> None:
    assert submitted(demo.citizen("farmer")).organisation.slug == "guoyang.civil_affairs"


def test_the_guide_shows_the_telephone_of_the_place(client: Any, db: None) -> None:
    there = ItemHolding.objects.get(item__code="jiehun-dengji", division=GUOYANG)
    page = client.get(f"/items/jiehun-dengji/?place={GUOYANG}").content.decode()
    assert there.phone in page and "涡阳县民政局" in page
    assert "没有办理这项服务的单位" in client.get("/items/jiehun-dengji/?place=110101000000").content.decode()


def test_a_guide_of_an_item_held_in_every_village_costs_no_more_queries(client: Any, db: None) -> None:
    client.get("/items/yanglao-zige-renzheng/"), client.get("/items/jiehun-dengji/")

    def cost(code: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get(f"/items/{code}/?place={GUOYANG}").status_code == 200
        return len(captured)

    assert cost("yanglao-zige-renzheng") <= cost("jiehun-dengji")


def test_search_folds_a_base_and_its_handlings_into_one(db: None) -> None:
    found = queries.search("养老机构设立")
    assert [hit.item.base for hit in found.hits].count("yanglao-jigou") == 1
    hit = next(hit for hit in found.hits if hit.item.base == "yanglao-jigou")
    assert (hit.item.handling, hit.places, hit.others) == ("", 5, 7)
    assert queries.search("养老机构 注销").hits[0].item.handling == "cancel"


def test_search_puts_what_is_held_nearby_first(db: None) -> None:
    ItemHolding.objects.filter(item__base="yanglao-jigou").exclude(division__code__startswith="341602").update(
        is_active=False
    )
    near = [hit.item.base for hit in queries.search("养老", near=GUOYANG).hits]
    assert near.index("yanglao-jigou") == max(near.index(base) for base in near if base == "yanglao-jigou")
    assert near.index("yanglao-zige-renzheng") < near.index("yanglao-jigou")


@pytest.mark.parametrize(("filters", "expected"), [({"kind": "public_service"}, False), ({"level": "city"}, True)])
def test_filters_of_kind_and_level(db: None, filters: dict[str, str], expected: bool) -> None:
    found = queries.search("养老机构设立许可", queries.Filters(**filters))
    assert any(hit.item.base == "yanglao-jigou" for hit in found.hits) is expected
