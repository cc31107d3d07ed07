"""Whose a class is: a unit that delivers a class of another department sees and delivers it, and sees no row in clear."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.platform.data.factories import make_class, make_definition
from tests.platform.data.runs.conftest import content, line
from yici.base import clock
from yici.core.people.models import Organisation, RoleGrant
from yici.core.people.queries import scope_of
from yici.platform.data.models import Channel, ClassChannel, DataClass, Run
from yici.platform.data.quality import queries as quality
from yici.platform.data.reading import catalogue
from yici.platform.data.runs import starting
from yici.platform.data.runs.carrying_out import load
from yici.platform.data.scopes import may

OF_THE_CITY = (
    "public_security.vehicle"  # a class of the police in the city folder that the vehicle administration delivers
)


@pytest.fixture
def data_class(db: None, tmp_path: Path, settings: Any) -> DataClass:
    """A class of the police that the vehicle administration delivers."""
    settings.DATA_HOME = tmp_path / "data"
    made = make_class(make_definition("public_security.delivered"))
    made.channels.update(unit=Organisation.objects.get(slug="bz.vehicle_management"))
    make_class(make_definition("public_security.other"))
    return made


@pytest.fixture
def deliverer(demo: Any) -> Any:
    """The demo's officer, of the vehicle administration now."""
    unit = Organisation.objects.get(slug="bz.vehicle_management")
    RoleGrant.objects.filter(account=demo.data_officer).update(organisation=unit)
    return demo.data_officer


def _loaded(data_class: DataClass, tmp_path: Path, actor: Any) -> Run:
    path = tmp_path / "rows.csv"
    path.write_bytes(content(*(line(number) for number in range(20)), line(31, born="1990-02-30")))
    run = starting.upload(data_class, path, "rows.csv", actor)
    starting.decide(run, {}, actor)
    load(run.pk)
    run.refresh_from_db()
    return run


def test_who_delivers_a_class_sees_it_and_nothing_else_of_the_department(
    data_class: DataClass, deliverer: Any, tmp_path: Path
) -> None:
    run = _loaded(data_class, tmp_path, deliverer)
    seen = catalogue.filtered(deliverer, catalogue.ClassFilter(department="bz.public_security"))
    assert {one.pk for one in seen} == {data_class.pk, OF_THE_CITY}
    scope = scope_of(deliverer, "data.view")
    (issue,) = quality.open_issues(scope)
    assert issue.unit.slug == "bz.vehicle_management" and issue.latest_run_id == run.pk
    assert quality.total(quality.dimension_scores(scope)).failed == 1
    assert [one.class_id for one in quality.failing_rules(scope)] == [data_class.pk]
    assert may(deliverer, "data.upload", data_class) and not may(deliverer, "data.rows", data_class)
    assert not may(deliverer, "data.view", DataClass.objects.get(pk="public_security.other"))


def test_its_pages_open_and_a_file_is_handed_in(
    data_class: DataClass, deliverer: Any, tmp_path: Path, sign_in: Callable[..., Client]
) -> None:
    run = _loaded(data_class, tmp_path, deliverer)
    client = sign_in(Client(), deliverer)
    for page in (
        f"classes/{data_class.pk}/",
        f"runs/{run.pk}/",
        f"runs/{run.pk}/quarantine/",
        "departments/bz.public_security/",
        "",
    ):
        assert client.get(f"/desk/data/{page}").status_code == 200, page
    assert client.get("/desk/data/classes/public_security.other/").status_code == 404
    held = client.get(f"/desk/data/runs/{run.pk}/quarantine/").content.decode()
    assert "341602" not in held and client.get(f"/desk/data/runs/{run.pk}/quarantine/22/").status_code == 403
    file = SimpleUploadedFile("again.csv", content(line(1)))
    answer = client.post(f"/desk/data/classes/{data_class.pk}/upload/", {"file": file})
    assert answer.status_code == 302 and answer["Location"].endswith("/decide/")


def test_a_units_page_holds_what_it_delivers_for_another(
    data_class: DataClass, deliverer: Any, tmp_path: Path, sign_in: Callable[..., Client]
) -> None:
    _loaded(data_class, tmp_path, deliverer)
    data_class.channels.update(last_success_at=clock.now() - dt.timedelta(days=90))
    waiting = starting.upload(data_class, tmp_path / "rows.csv", "rows.csv", deliverer)
    client = sign_in(Client(), deliverer)
    page = client.get("/desk/data/departments/bz.vehicle_management/").content.decode()
    assert "为其他单位报送的数据类" in page and f"/desk/data/runs/{waiting.pk}/decide/" in page
    assert "没有超期的数据类" not in page and "没有要改正的问题" not in page
    owner = client.get("/desk/data/departments/bz.public_security/").content.decode()
    assert "为其他单位报送的数据类" not in owner
    assert "市车管所" in client.get(f"/desk/data/classes/{data_class.pk}/").content.decode().split('id="issues"')[1]


def test_a_unit_that_stopped_delivering_sees_the_class_no_longer(data_class: DataClass, deliverer: Any) -> None:
    data_class.channels.update(withdrawn_at=clock.now())
    assert catalogue.filtered(deliverer, catalogue.ClassFilter(words=data_class.name)) == []
    assert not may(deliverer, "data.view", data_class)


def test_a_file_counts_for_the_unit_that_handed_it_in(data_class: DataClass, deliverer: Any, tmp_path: Path) -> None:
    """A class of two units: what the officer of one hands in is that unit's, though the other's channel comes first."""
    own = data_class.channels.get()
    police = Organisation.objects.get(slug="bz.public_security")
    other = ClassChannel.objects.create(data_class=data_class, kind=Channel.EXCHANGE, unit=own.unit)
    own.unit = police
    own.save()
    assert own.pk < other.pk and own.kind == Channel.STATIC
    assert _loaded(data_class, tmp_path, deliverer).channel_id == other.pk
    assert starting.upload(data_class, tmp_path / "rows.csv", "rows.csv", None).channel_id == own.pk
