"""The catalogue in the database: whole, idempotent, and never losing what a channel has learned."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from pathlib import Path

import pytest
from django.db import connection
from django.db.models import Count
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from yici.base import clock
from yici.base.cityfolder import city_folder
from yici.base.errors import Misconfigured
from yici.platform.data.catalogue import loading, reading
from yici.platform.data.models import Channel, ClassChannel, DataClass, PaperSeries

pytestmark = pytest.mark.django_db
CREMATION = "civil_affairs.cremation"


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """A copy that a test may change."""
    for name in ("classes", "organisations"):
        shutil.copytree(city_folder() / name, tmp_path / name)
    shutil.copy(city_folder() / "paper_series.yaml", tmp_path)
    return tmp_path


def change(city: Path, name: str, right: str, wrong: str) -> None:
    path = city / "classes" / name
    text = path.read_text("utf-8")
    assert right in text
    path.write_text(text.replace(right, wrong, 1), "utf-8")


def test_the_whole_catalogue_is_loaded() -> None:
    report = loading.load(city_folder())
    assert "867" in report and "869" in report and "60" in report
    assert DataClass.objects.filter(withdrawn_at=None).count() == 867
    assert DataClass.objects.filter(is_described=True).count() == 60
    assert DataClass.objects.aggregate(n=Count("department", distinct=True))["n"] == 55
    kinds = ClassChannel.objects.values_list("kind").annotate(classes=Count("id"), units=Count("unit", distinct=True))
    assert {kind: (units, classes) for kind, classes, units in kinds} == {
        Channel.FILE_DROP: (4, 46),
        Channel.EXCHANGE: (24, 502),
        Channel.INTERFACE: (1, 1),
        Channel.STATIC: (42, 320),
    }
    assert PaperSeries.objects.count() >= 30
    resident = DataClass.objects.get(pk="public_security.resident")
    assert resident.sensitivity == "sensitive"
    assert reading.definition_of(resident) == reading.definition("public_security.resident")
    assert resident.department.slug == "bz.public_security"


def test_a_second_load_changes_nothing_and_asks_little() -> None:
    loading.load(city_folder())
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert "本次变更 0 项" in loading.load(city_folder())
    written = [query["sql"] for query in queries if re.match(r"(INSERT|UPDATE|DELETE)", query["sql"])]
    assert not [sql for sql in written if sql.startswith(("INSERT", "DELETE"))]
    assert len(queries) < 25


def test_only_channels_that_run_by_themselves_get_a_time() -> None:
    ClassChannel.objects.all().delete()
    now = dt.datetime(2026, 11, 26, 9, 0, tzinfo=timezone.get_current_timezone())
    with clock.at(now):
        loading.load(city_folder())
    scheduled = ClassChannel.objects.exclude(next_run_at=None)
    assert not scheduled.filter(kind=Channel.STATIC).exists()
    assert not scheduled.filter(data_class__is_described=False).exists()
    described = ClassChannel.objects.filter(data_class__is_described=True).exclude(kind=Channel.STATIC)
    assert described.count() == scheduled.count() > 40
    assert not scheduled.filter(next_run_at__lte=now).exists()


def test_what_a_channel_has_learned_stays(city: Path) -> None:
    loading.load(city)
    later = timezone.now() + dt.timedelta(days=400)
    channel = ClassChannel.objects.get(data_class=CREMATION)
    ClassChannel.objects.filter(pk=channel.pk).update(
        cursor={"watermark": "2026-11-01"}, next_run_at=later, last_success_at=later
    )
    change(city, "civil_affairs/cremation.yaml", "watermark: 更新时间", "watermark: 更新时间, overlap: 60")
    assert "本次变更 0 项" not in loading.load(city)
    after = ClassChannel.objects.get(data_class=CREMATION)
    assert after.pk == channel.pk
    assert after.options["overlap"] == 60
    assert after.cursor == {"watermark": "2026-11-01"}
    assert after.next_run_at == after.last_success_at == later


def test_a_channel_stopped_by_hand_stays_stopped(city: Path) -> None:
    loading.load(city)
    ClassChannel.objects.filter(data_class=CREMATION).update(next_run_at=None)
    change(city, "civil_affairs/cremation.yaml", "watermark: 更新时间", "watermark: 更新时间, overlap: 60")
    loading.load(city)
    assert ClassChannel.objects.get(data_class=CREMATION).next_run_at is None


def test_a_class_that_becomes_described_is_scheduled(city: Path) -> None:
    (city / "classes" / "civil_affairs" / "cremation.yaml").rename(city / "cremation.yaml")
    loading.load(city)
    one = DataClass.objects.get(pk=CREMATION)
    assert not one.is_described
    assert one.definition == {}
    assert ClassChannel.objects.get(data_class=CREMATION).next_run_at is None
    (city / "cremation.yaml").rename(city / "classes" / "civil_affairs" / "cremation.yaml")
    loading.load(city)
    assert DataClass.objects.get(pk=CREMATION).is_described
    assert ClassChannel.objects.get(data_class=CREMATION).next_run_at is not None


def test_what_leaves_the_folder_is_withdrawn_and_can_come_back(city: Path) -> None:
    loading.load(city)
    register = reading.register_file(city)
    whole = register.read_text("utf-8")
    paper = (city / "paper_series.yaml").read_text("utf-8")
    register.write_text(re.sub(r"(?m)^water\.well,.*\n", "", whole), "utf-8")
    (city / "paper_series.yaml").write_text(re.sub(r"(?m)^  petition\.letters:.*\n", "", paper), "utf-8")
    loading.load(city)
    assert DataClass.objects.get(pk="water.well").withdrawn_at
    assert ClassChannel.objects.get(data_class="water.well").withdrawn_at
    assert PaperSeries.objects.get(pk="petition.letters").withdrawn_at
    assert DataClass.objects.filter(withdrawn_at=None).count() == 866
    register.write_text(whole, "utf-8")
    loading.load(city)
    assert DataClass.objects.filter(withdrawn_at=None).count() == 867
    assert ClassChannel.objects.get(data_class="water.well").withdrawn_at is None


def test_two_classes_may_swap_their_codes(city: Path) -> None:
    loading.load(city)
    well, river = (DataClass.objects.get(pk=slug).code for slug in ("water.well", "water.river"))
    change(city, "register.csv", f",{well},", ",well,")
    change(city, "register.csv", f",{river},", f",{well},")
    change(city, "register.csv", ",well,", f",{river},")
    loading.load(city)
    assert DataClass.objects.get(pk="water.well").code == river
    assert DataClass.objects.get(pk="water.river").code == well


def test_an_unknown_unit_is_refused_and_nothing_is_changed(city: Path) -> None:
    loading.load(city)
    change(city, "register.csv", "static,water,,", "static,dragon_king,,")
    change(city, "register.csv", "农村饮水安全工程信息", "农村饮水信息")
    with pytest.raises(Misconfigured, match="dragon_king"):
        loading.load(city)
    assert DataClass.objects.get(pk="water.rural_drinking").name == "农村饮水安全工程信息"
