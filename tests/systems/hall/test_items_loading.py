"""Publishing items: versions are frozen, the same content is not published twice, lists follow the folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from yici.base.errors import Misconfigured
from yici.systems.hall import folder, queries
from yici.systems.hall.definitions import ItemDefinition
from yici.systems.hall.loading import load, publish
from yici.systems.hall.models import ServiceItem, ServiceItemVersion

pytestmark = pytest.mark.django_db
CODE = "gaoling-jintie"


def item_of(city: Path, **changes: object) -> ItemDefinition:
    item = folder.read_item(city / "items" / f"{CODE}.yaml", city)
    return item.model_copy(update=changes)


def test_every_hand_written_item_is_published_with_its_handlings_and_holdings(city: Path) -> None:
    published = ServiceItem.objects.filter(state="active", current__isnull=False)
    assert published.filter(handling="").count() == len(list(folder.item_files(city))) >= 120
    assert published.filter(base="yanglao-jigou").count() == 8
    assert not published.filter(holdings=None).exists()


def test_unchanged_items_are_not_touched(city: Path) -> None:
    with CaptureQueriesContext(connection) as captured:
        load(city)
    written = [one["sql"] for one in captured if one["sql"].startswith(("INSERT", "UPDATE"))]
    assert [sql for sql in written if "hall_serviceitem" in sql and "cancelled" not in sql] == []


def test_one_broken_item_leaves_the_whole_catalogue_as_it_was(city: Path, tmp_path: Path) -> None:
    copy = tmp_path / "city"
    shutil.copytree(city, copy)
    changed, broken = copy / "items" / "dibao.yaml", copy / "items" / "zufang-beian.yaml"
    changed.write_text(changed.read_text("utf-8").replace("promised: 20", "promised: 19"), "utf-8")
    broken.write_text(
        broken.read_text("utf-8").replace("legal: 3 ", "legal: 3000 ").replace("promised: 1", "promised: 4000"), "utf-8"
    )
    before = ServiceItemVersion.objects.count()
    with pytest.raises(Misconfigured, match=r"zufang-beian\.yaml:\d+ .*目录整体没有加载"):
        load(copy)
    assert ServiceItemVersion.objects.count() == before
    assert queries.definition_of(queries.item_by_code("dibao").current).limits.promised.amount == 20


def test_one_broken_line_of_a_register_leaves_the_whole_catalogue_as_it_was(
    city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("YICI_CATALOGUE")  # the registers too: all 8,651
    copy = tmp_path / "city"
    shutil.copytree(city, copy)
    register = copy / "catalogue" / "register" / "county-services.csv"
    lines = register.read_text("utf-8").splitlines()
    row = next(number for number, line in enumerate(lines) if line.startswith("laonian-youdai,"))
    lines[row] = lines[row].replace("laonian-youdai,service,", "laonian-youdai,no-such-base,")
    register.write_text("\n".join(lines), "utf-8")
    before = ServiceItemVersion.objects.count()
    with pytest.raises(Misconfigured, match=rf"county-services\.csv:{row + 1} .*no-such-base"):
        load(copy)
    assert ServiceItemVersion.objects.count() == before


def test_loading_again_publishes_nothing(city: Path) -> None:
    before = ServiceItemVersion.objects.count()
    assert "新发布 0 个版本" in load(city)
    assert ServiceItemVersion.objects.count() == before


def test_changed_content_is_a_new_version_and_the_old_one_stays(city: Path) -> None:
    old = queries.item_by_code(CODE).current
    assert publish(item_of(city, consult_phone="0558-1234567"), city)
    new = queries.item_by_code(CODE).current
    assert new.number == old.number + 1
    assert queries.definition_of(new).consult_phone == "0558-1234567"
    assert queries.definition_of(old).consult_phone == "0558-5132316"


def test_a_new_promise_publishes_a_new_workflow_version(city: Path) -> None:
    item = item_of(city)
    limits = item.limits.model_copy(update={"promised": item.limits.promised.model_copy(update={"amount": 4})})
    old = queries.item_by_code(CODE).current.case_version
    publish(item_of(city, limits=limits), city)
    new = queries.item_by_code(CODE).current.case_version
    clock = next(one for one in new.definition["clocks"] if one["id"] == "handling")
    assert new.number == old.number + 1
    assert int(float(clock["limit"])) == 4


def test_state_follows_the_folder_without_a_new_version(city: Path) -> None:
    item = item_of(city)
    listing = item.listing.model_copy(update={"state": "suspended"})
    assert not publish(item_of(city, listing=listing), city)
    assert queries.item_by_code(CODE).state == "suspended"


def test_an_item_whose_file_is_gone_is_cancelled_not_deleted(city: Path) -> None:
    old = ServiceItem.objects.get(code=CODE)
    ServiceItem.objects.filter(pk=old.pk).update(code="gone")
    assert "取消 1 项" in load(city)
    assert ServiceItem.objects.get(code="gone").state == "cancelled"


def test_a_published_version_cannot_be_changed_or_removed() -> None:
    version = queries.item_by_code(CODE).current
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic():
        ServiceItemVersion.objects.filter(pk=version.pk).update(digest="x")
    with pytest.raises(IntegrityError, match="frozen"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM hall_serviceitemversion WHERE id = %s", [version.pk])


def test_a_broken_item_stops_loading_and_names_file_and_line(city: Path, tmp_path: Path) -> None:
    (tmp_path / "items").mkdir()
    text = (city / "items" / f"{CODE}.yaml").read_text("utf-8").replace("online_depth: IV", "online_depth: V")
    (tmp_path / "items" / f"{CODE}.yaml").write_text(text, "utf-8")
    line = text.splitlines().index("online_depth: V") + 1
    with pytest.raises(Misconfigured, match=rf"{CODE}.yaml:{line} "):
        load(tmp_path)
