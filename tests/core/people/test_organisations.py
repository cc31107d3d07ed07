"""The tree of organisations and the roles, as the city folder describes them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Count

from yici.core.people import loading, permissions
from yici.core.people.linting import lint
from yici.core.people.models import Organisation
from yici.core.people.queries import responsible_organisation

VILLAGE = "341621103201"  # in 西阳镇 of 涡阳县


@pytest.mark.django_db
class TestTree:
    def test_47_municipal_units_and_55_data_holders(self) -> None:
        assert Organisation.objects.filter(is_municipal_unit=True).count() == 47
        assert Organisation.objects.filter(holds_data=True).count() == 55

    def test_every_township_and_village_has_its_body_and_an_agent_point(self) -> None:
        counts = dict(Organisation.objects.order_by().values_list("kind").annotate(Count("id")))
        assert counts["office"] == 96
        assert counts["village"] == 1360
        assert counts["agent_point"] == 96 + 1360

    def test_path_leads_from_the_root_through_every_parent(self) -> None:
        rows = {row.pk: row for row in Organisation.objects.all()}
        for row in rows.values():
            above = rows[row.parent_id].path if row.parent_id else "/"
            assert row.path == f"{above}{row.pk}/"

    def test_subtree_of_a_county_is_a_prefix(self) -> None:
        county = Organisation.objects.get(slug="guoyang")
        inside = Organisation.objects.filter(path__startswith=county.path)
        assert inside.filter(kind="village").count() == 384
        assert not inside.exclude(division__code__startswith="341621").exists()

    def test_names_read_as_people_write_them(self) -> None:
        names = dict(Organisation.objects.values_list("slug", "name"))
        assert names["bz.civil_affairs"] == "亳州市民政局"
        assert names["guoyang.civil_affairs"] == "涡阳县民政局"
        assert names["t341621103"] == "涡阳县西阳镇人民政府"
        assert names["t341602001"] == "谯城区花戏楼街道办事处"
        assert names["t341602400"] == "亳州高新技术产业开发区管理委员会"
        assert names["v341602001001"] == "谯城区花戏楼街道白布社区居民委员会"
        assert names["t341621103.agent"] == "涡阳县西阳镇为民服务中心"

    def test_city_and_county_bodies_have_english_names(self) -> None:
        assert not Organisation.objects.filter(level__in=["city", "county"], english="").exists()

    @pytest.mark.parametrize(
        "function", ["civil_affairs", "public_security", "human_resources", "health", "agriculture"]
    )
    def test_one_body_answers_for_a_function_at_city_and_county(self, function: str) -> None:
        assert responsible_organisation(function, "county", VILLAGE).slug == f"guoyang.{function}"
        assert responsible_organisation(function, "city", VILLAGE).slug == f"bz.{function}"

    def test_no_two_bodies_share_a_function_in_one_place(self) -> None:
        shared = (
            Organisation.objects.exclude(function="").order_by()
            .values("function", "level", "division").annotate(number=Count("id")).filter(number__gt=1)
        )  # fmt: skip
        assert list(shared) == []

    def test_loading_again_writes_nothing_and_keeps_ids(self, city: Path) -> None:
        before = dict(Organisation.objects.values_list("slug", "id"))
        started = time.perf_counter()
        assert "本次变更 0 个" in loading.load(city)
        assert time.perf_counter() - started < 3
        assert dict(Organisation.objects.values_list("slug", "id")) == before

    def test_a_renamed_body_keeps_its_id(self, city: Path) -> None:
        body = Organisation.objects.get(slug="bz.civil_affairs")
        Organisation.objects.filter(pk=body.pk).update(name="旧名")
        assert "本次变更 1 个" in loading.load(city)
        assert Organisation.objects.get(pk=body.pk).name == "亳州市民政局"


def test_every_permission_belongs_to_a_role_and_every_role_is_bilingual(city: Path) -> None:
    roles = permissions.roles(city)
    assert set().union(*(role.permissions for role in roles.values())) == set(permissions.PERMISSIONS)
    assert all(role.label.en for role in roles.values())
    assert permissions.permissions_of_role("auditor") == {"audit.view"}
    assert permissions.permissions_of_role("nobody") == frozenset()


def test_administering_and_handling_are_apart(city: Path) -> None:
    administrator = permissions.roles(city)["city_administrator"].permissions
    assert not any(permission.startswith("case.") for permission in administrator)


@pytest.fixture
def folder(city: Path, tmp_path: Path) -> Path:
    shutil.copytree(city / "organisations", tmp_path / "organisations")
    shutil.copy(city / "roles.yaml", tmp_path)
    shutil.copy(city / "identity.yaml", tmp_path)
    return tmp_path


def test_the_city_folder_is_clean(city: Path) -> None:
    assert list(lint(city)) == []


@pytest.mark.parametrize(
    ("name", "mend", "rule"),
    [
        ("organisations/city.csv", lambda text: text.replace(",yes,yes", ",,yes", 1), "people.count"),
        ("organisations/city.csv", lambda text: text.replace("bz.health,bz,", "bz.health,bz.nobody,"), "people.parent"),
        ("organisations/city.csv", lambda text: text.replace("bz.health,", "bz.education,"), "people.slug"),
        ("organisations/city.csv", lambda text: text.replace(",department,health", ",bureau,health"), "people.kind"),
        ("organisations/city.csv", lambda text: text.replace(",department,health", ",department,water"), "people.function"),
        ("organisations/counties.yaml", lambda text: text.replace("under: civil_affairs", "under: nobody", 1), "people.parent"),
        ("identity.yaml", lambda text: text.replace("threshold: 0.5", "threshold: 5"), "people.identity"),
        ("roles.yaml", lambda text: text.replace("case.accept", "case.everything"), "people.permission"),
        ("roles.yaml", lambda text: text.replace(", en: Clerk", "", 1), "people.role"),
    ],
)  # fmt: skip
def test_a_fault_is_found_where_it_is(folder: Path, name: str, mend: Callable[[str], str], rule: str) -> None:
    path = folder / name
    path.write_text(mend(path.read_text("utf-8")), "utf-8")
    found: list[Any] = [finding for finding in lint(folder) if finding.rule == rule and finding.level == "error"]
    assert found, f"{rule} not found"
    assert found[0].path == name
    assert found[0].remedy
