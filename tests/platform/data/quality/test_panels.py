"""What the case page shows of a data issue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.platform.data.factories import person
from tests.platform.data.quality.conftest import Loads, raw
from yici.core.cases import queries as case_queries
from yici.core.cases.models import Case
from yici.platform.data.panels import issue_panels, objection_panels
from yici.platform.data.services import raise_objection

pytestmark = pytest.mark.django_db


def case_of(loads: Loads) -> Case:
    return Case.objects.get(number=loads.issue.case_number)


def test_the_panel_shows_rule_loads_and_masked_samples(loads: Loads, demo: Any) -> None:
    first = loads.load([person(1)], [raw(3), raw(4)])
    second = loads.load([person(1), person(3)], [raw(4)])
    (panel,) = issue_panels(case_of(loads), demo.data_officer)
    assert [(load["result"].run_id, load["result"].failed, load["share"]) for load in panel.context["loads"]] == [
        (first.pk, 2, 100), (second.pk, 1, 50),
    ]  # fmt: skip
    ((row, values),) = panel.context["samples"]
    assert (row, values) == (2, ["3416**********0004", "1981年**月**日"])
    assert panel.context["message"]


def test_each_kind_of_case_has_its_own_panel_only(loads: Loads, demo: Any) -> None:
    loads.load([person(1)], [raw(3)])
    held = {"value": "13856701945", "source": "人口库", "source_organisation": "bz.public_security", "as_of": ""}
    objection = raise_objection(demo.farmer.person, "person.phone", held, "13956701945", "", demo.farmer)
    assert objection_panels(case_of(loads), demo.data_officer) == []
    assert issue_panels(objection, demo.data_officer) == []


def test_the_page_of_the_case_shows_the_issue_and_no_person(
    loads: Loads, demo: Any, client: Client, sign_in: Callable[..., Client]
) -> None:
    loads.load([person(1)], [raw(3, name="欧阳明珠", id_number="342124198001010036")], rule="name.not_blank")
    sign_in(client, demo.data_officer)
    answer = client.get(f"/desk/cases/{loads.issue.case_number}/")
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "/desk/data/classes/public_security.test/" in page
    assert "已在源头改正" in page
    assert "欧*" in page
    assert "欧阳明珠" not in page
    assert "342124198001010036" not in page


def test_the_case_stands_on_the_units_work_list_with_its_light(loads: Loads, demo: Any) -> None:
    loads.load([person(1)], [raw(3)])
    (row,) = case_queries.work_list(demo.data_officer).rows
    assert (row.number, row.light, row.state_label) == (loads.issue.case_number, "green", "待认领")
    assert row.is_unassigned
    assert row.days_left == "剩余 10 个工作日"


def test_a_closed_issue_shows_the_loads_up_to_its_proof(loads: Loads, demo: Any) -> None:
    loads.load([person(1)], [raw(3)])
    loads.load([person(1), person(3)])
    loads.load([person(1), person(3)])
    (panel,) = issue_panels(case_of(loads), demo.data_officer)
    assert [load["result"].failed for load in panel.context["loads"]] == [1, 0]
