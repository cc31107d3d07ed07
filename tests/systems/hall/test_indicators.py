"""Indicators are computed from holdings; the simulator says which items to change first."""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from yici.core.metrics.rules import Period
from yici.systems.hall import queries
from yici.systems.hall.generating.counting import Tally, declared, tally
from yici.systems.hall.generating.entries import entries
from yici.systems.hall.generating.holders import authorities
from yici.systems.hall.models import ItemHolding, ServiceItem

pytestmark = pytest.mark.usefixtures("story_day")
YEAR = Period.parse("2026")


def test_the_whole_catalogue_comes_to_what_the_city_declares(city: Path) -> None:
    found = tally(entries(city), authorities(city))
    assert declared(city).differences(found) == []
    assert (found.total, found.levels["city"], found.city_visits[0], found.city_visits[1]) == (8651, 1735, 1596, 139)
    assert found.kinds == {"administrative_approval": 5492, "public_service": 3159}


def test_a_figure_that_differs_is_told(city: Path) -> None:
    assert ("total", 8651, 0) in declared(city).differences(Tally())


def test_shares_name_their_denominator_and_partition_the_items() -> None:
    found = queries.indicators(YEAR)
    city = ItemHolding.objects.filter(level="city", is_active=True, item__state="active").count()
    assert found.city == city == found.no_visit.denominator
    assert found.is_partition
    assert found.one_day.denominator_name == "市级公共服务事项"
    assert 0 < found.materials_left < found.materials_asked


def test_an_item_that_needs_no_visit_any_more_moves_the_share() -> None:
    before = queries.indicators(YEAR).no_visit.numerator
    ServiceItem.objects.filter(code="putong-huzhao").update(visits=0)
    assert queries.indicators(YEAR).no_visit.numerator == before + 1


def test_the_simulator_takes_the_best_return_first_until_the_target() -> None:
    found = queries.indicators(YEAR)
    target = found.no_visit.percent + 1
    simulation = queries.simulate(found, target)
    assert simulation.is_reached
    assert simulation.after.percent >= target
    values = [Decimal(one.gain) / one.points for one in simulation.chosen]
    assert values == sorted(values, reverse=True)
    assert queries.simulate(found, Decimal(0)).chosen == []


def test_page_and_workbook_for_those_who_may(client: Any, demo: Any, sign_in: Any) -> None:
    sign_in(client, demo.staff("item_manager"))
    page = client.get("/desk/indicators/?target=99").content.decode()
    assert "市级公共服务事项" in page and "先改哪些事项" in page
    book = load_workbook(io.BytesIO(client.get("/desk/indicators.xlsx?target=99").content))
    assert book["指标"]["C2"].value == queries.indicators(YEAR).city
    assert client.get("/desk/indicators/?target=nonsense").status_code == 200
    sign_in(client, demo.clerk)
    assert client.get("/desk/indicators/").status_code == 403
