"""Publishing: what is delivered against what stands, counted, sorted, and visible whole or not at all."""

from __future__ import annotations

import datetime as dt
import os
import resource
import signal
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.platform.data.factories import make_definition, person, write_accepted
from tests.platform.data.lake.conftest import DAY, Lake
from yici.base.errors import Conflict, Misconfigured
from yici.platform.data.errors import DiskFull, Refused
from yici.platform.data.lake import layout, merging, reading, upkeep, writing
from yici.platform.data.lake.errors import KeyUnusable, LayoutChanged, ShrunkTooFar
from yici.platform.data.models import ClassChannel, DataClass, Snapshot

pytestmark = pytest.mark.django_db


def test_a_first_delivery_is_sorted_by_key_and_counted(lake: Lake) -> None:
    snapshot = lake.put([person(3), person(1), person(2)])
    assert (snapshot.number, snapshot.row_count, snapshot.added) == (1, 3, 3)
    assert lake.values() == [person(number)["id_number"] for number in (1, 2, 3)]
    assert DataClass.objects.get(pk=lake.data_class.pk).current_id == snapshot.pk
    assert upkeep.verify() == []


def test_the_same_delivery_twice_adds_no_version_whatever_its_order(lake: Lake) -> None:
    first = lake.put([person(1), person(2)])
    assert lake.put([person(2), person(1)]).pk == first.pk
    assert lake.put([person(2)], mode="increment").pk == first.pk
    assert lake.put([], mode="increment").pk == first.pk
    assert lake.data_class.snapshots.count() == 1 and lake.on_disk() == lake.named()


def test_a_full_delivery_replaces_and_counts_what_changed(lake: Lake) -> None:
    lake.put([person(1), person(2), person(3)])
    second = lake.put([person(1), person(2, address="新址"), person(4)])
    assert (second.added, second.changed, second.removed, second.row_count) == (1, 1, 1, 3)
    assert reading.look_up(lake.data_class, {"id_number": person(2)["id_number"]}) == [person(2, address="新址")]


def test_values_that_changed_places_are_a_change(lake: Lake) -> None:
    lake.put([person(1, name="甲", address="乙"), person(2, name="丙", address=None)])
    second = lake.put([person(1, name="乙", address="甲"), person(2, name=None, address="丙")])
    assert (second.added, second.changed, second.removed) == (0, 2, 0)


def test_an_increment_is_put_in_by_key(lake: Lake) -> None:
    lake.put([person(1), person(2), person(3)])
    second = lake.put([person(2, name="李二"), person(9)], mode="increment")
    assert (second.added, second.changed, second.removed, second.row_count) == (1, 1, 0, 4)
    assert lake.values("name") == ["王1", "李二", "王3", "王9"]


def test_rows_say_since_which_version_they_stand(lake: Lake) -> None:
    lake.put([person(1), person(2), person(3)])
    lake.put([person(1), person(2, name="李二"), person(3)])
    lake.put([person(3, name="张三"), person(4)], mode="increment")
    assert lake.values("_since") == [1, 2, 3, 3]


@pytest.mark.parametrize("people", [3000, 1000 * (merging.BUCKETS_FROM + 3)])
def test_a_large_class_stands_in_files_of_even_size_that_share_no_keys(
    lake: Lake, small_files: None, people: int
) -> None:
    snapshot = lake.put([person(number) for number in reversed(range(people))])
    assert snapshot.row_count == people and len(snapshot.files) == people // 1000
    assert all(999 <= one["rows"] <= 1001 for one in snapshot.files)
    assert all(
        before["key_max"] < after["key_min"] for before, after in zip(snapshot.files, snapshot.files[1:], strict=False)
    )
    assert lake.values() == sorted(lake.values()) and upkeep.verify() == []


def test_an_increment_carries_untouched_files_over(lake: Lake, small_files: None) -> None:
    first = lake.put([person(number) for number in range(8000)])
    second = lake.put([person(3000, address="新址")], mode="increment")
    kept = {one["path"] for one in first.files} & {one["path"] for one in second.files}
    assert len(kept) == len(first.files) - 1
    assert (second.row_count, second.changed) == (8000, 1) and upkeep.verify() == []
    third = lake.put([person(9999), person(0, name="李零")], mode="increment")
    assert (third.row_count, third.added, third.changed) == (8001, 1, 1)
    assert lake.values() == sorted({person(number)["id_number"] for number in (*range(8000), 9999)})


def test_files_stay_bounded_though_new_keys_always_come_behind_the_last(lake: Lake, small_files: None) -> None:
    for start in range(0, 9000, 1500):
        lake.put([person(number) for number in range(start, start + 1500)], mode="increment")
    current = reading.snapshot_of(lake.data_class)
    assert current.row_count == 9000 and max(one["rows"] for one in current.files) <= 1001
    assert lake.values() == sorted(lake.values())


@hypothesis_settings(max_examples=12)
@given(
    st.lists(st.tuples(st.booleans(), st.dictionaries(st.integers(0, 40), st.integers(0, 3), max_size=25)), max_size=4)
)
def test_any_order_of_deliveries_gives_what_a_dictionary_gives(
    tmp_path_factory: pytest.TempPathFactory, deliveries: list[tuple[bool, dict[int, int]]]
) -> None:
    """The plainest model: a full delivery is a new dictionary, an increment an update of it. Keys lie in four files, parted before."""
    from django.db import transaction
    from django.test import override_settings

    folder = tmp_path_factory.mktemp("lake")
    with pytest.MonkeyPatch.context() as patch, override_settings(DATA_HOME=folder), transaction.atomic():
        patch.setattr(merging, "PART_ROWS", 1000)
        patch.setattr(merging, "BUCKETS_FROM", 3)
        lake = Lake(folder, make_definition("public_security.model"))
        model = dict.fromkeys(range(0, 8000, 2), 0)
        lake.put([person(number, amount=value) for number, value in model.items()])
        for is_full, values in deliveries:
            given_rows = {number * 199: value for number, value in values.items()}
            before = dict(model)
            model = {**({} if is_full else model), **given_rows}
            made = lake.put(
                [person(number, amount=value) for number, value in given_rows.items()],
                mode="full" if is_full else "increment",
                allow_shrink=True,
            )
            found = reading.rows(lake.data_class, limit=10_000, columns=["id_number", "amount"])
            assert {row["id_number"]: row["amount"] for row in found} == {
                person(number)["id_number"]: value for number, value in model.items()
            }
            if model != before:
                added, removed = model.keys() - before.keys(), before.keys() - model.keys()
                changed = [number for number in model.keys() & before.keys() if model[number] != before[number]]
                assert (made.added, made.changed, made.removed) == (len(added), len(changed), len(removed))
        assert upkeep.verify() == []
        transaction.set_rollback(True)


# Keys of other kinds ----------------------------------------------------------------------------------------

_NUMBERED: list[dict[str, Any]] = [
    {"name": "serial", "headers": ["流水号"], "type": "money"},
    {"name": "year", "headers": ["年度"], "type": "text"},
    {"name": "name", "headers": ["名称"], "type": "text"},
]


def test_numbers_as_keys_are_ordered_as_numbers(db: None, tmp_path: Path, settings: Any, small_files: None) -> None:
    settings.DATA_HOME = tmp_path / "data"
    lake = Lake(tmp_path, make_definition("tax.numbered", key=["serial"], columns=_NUMBERED))
    lake.put([{"serial": number, "year": "2026", "name": f"户{number}"} for number in range(9000)])
    for number in (7, 99, 1000, 8999):
        assert [row["name"] for row in reading.look_up(lake.data_class, {"serial": number})] == [f"户{number}"]
    second = lake.put(
        [{"serial": 9, "year": "2026", "name": "新户"}, {"serial": 10_000, "name": "末户"}], mode="increment"
    )
    assert (second.added, second.changed) == (1, 1)
    assert lake.values("serial") == [*range(9000), 10_000]


def test_keys_of_several_columns_that_share_the_first_stay_in_one_file(
    db: None, tmp_path: Path, settings: Any, small_files: None
) -> None:
    """A household with more rows than a file should have makes a larger file; stretches of keys never overlap."""
    settings.DATA_HOME = tmp_path / "data"
    lake = Lake(tmp_path, make_definition("tax.numbered", key=["name", "serial"], columns=_NUMBERED))

    def row(name: str, serial: int, year: str = "2026") -> dict[str, Any]:
        return {"name": name, "serial": serial, "year": year}

    first = lake.put([*(row(name, n) for name in "戊丁丙乙" for n in range(600)), *(row("甲", n) for n in range(5000))])
    spans = [(one["key_min"], one["key_max"]) for one in first.files]
    assert len(spans) > 2 and all(before[1] < after[0] for before, after in pairwise(spans))
    second = lake.put([row("甲", 4999, "2027"), row("甲", 0, "2027"), row("甲", 7000)], mode="increment")
    assert (second.row_count, second.added, second.changed) == (7401, 1, 2) and upkeep.verify() == []
    assert reading.look_up(lake.data_class, {"name": "甲", "serial": 4999}) == [row("甲", 4999, "2027")]
    assert len(reading.look_up(lake.data_class, {"name": "甲"})) == 5001
    assert reading.look_up(lake.data_class, {"serial": 1, "name": "丙"}) == [row("丙", 1)]


def test_a_class_whose_key_changed_is_sorted_and_put_in_by_the_new_one(
    db: None, tmp_path: Path, settings: Any, small_files: None
) -> None:
    settings.DATA_HOME = tmp_path / "data"
    lake = Lake(tmp_path, make_definition("tax.numbered", key=["serial"], columns=_NUMBERED))
    lake.put([{"serial": number, "year": "2026", "name": f"{9000 - number:05d}"} for number in range(5000)])
    lake.definition = make_definition("tax.numbered", key=["name"], columns=_NUMBERED)
    second = lake.put([{"serial": 1, "year": "2027", "name": "09000"}], mode="increment")
    assert (second.row_count, second.changed, second.added) == (5000, 1, 0)
    assert lake.values("name") == sorted(lake.values("name")) and upkeep.verify() == []


@pytest.mark.parametrize("mode", ["full", "increment"])
def test_a_key_that_stands_twice_or_is_missing_is_refused_and_nothing_is_left(lake: Lake, mode: str) -> None:
    lake.put([person(1)])
    with pytest.raises(KeyUnusable):
        lake.put([person(2), person(2, name="李二")], mode=mode)
    with pytest.raises(KeyUnusable):
        lake.put([person(2), person(3, id_number=None)], mode=mode)
    assert lake.values() == [person(1)["id_number"]]
    assert upkeep.verify() == [] and len(lake.on_disk()) == 1 and list(layout.work_root().iterdir()) == []


# Columns that change ----------------------------------------------------------------------------------------


def _with_column(definition: Any, **column: Any) -> Any:
    kept = [
        one.model_dump(by_alias=True, exclude_none=True) for one in definition.columns if one.name != column["name"]
    ]
    return make_definition(columns=[*kept, column])


def test_a_class_with_a_new_column_keeps_its_rows(lake: Lake) -> None:
    lake.put([person(1), person(2)])
    lake.definition = _with_column(lake.definition, name="phone", headers=["电话"], type="text")
    second = lake.put([person(2, phone="13956731945")], mode="increment")
    assert (second.row_count, second.changed) == (2, 1)
    assert [row["phone"] for row in reading.rows(lake.data_class)] == [None, "13956731945"]
    assert lake.values("_since") == [1, 2]


def test_changes_do_not_go_on_top_of_values_that_the_new_type_cannot_hold(lake: Lake) -> None:
    lake.put([person(1), person(2)])
    lake.definition = _with_column(lake.definition, name="address", headers=["住址"], type="date")
    with pytest.raises(LayoutChanged) as told:
        lake.put([person(2, address=dt.date(2026, 1, 1))], mode="increment")
    assert isinstance(told.value, Refused) and "全量" in str(told.value.message)
    assert lake.values("address") == ["某村1号", "某村2号"] and list(layout.work_root().iterdir()) == []
    replaced = lake.put([person(1, address=None), person(2, address=dt.date(2026, 1, 1))])
    assert (replaced.changed, lake.values("address")) == (1, [None, dt.date(2026, 1, 1)])


def test_hashes_of_another_engine_are_made_anew_and_no_row_counts_as_changed(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an upgrade of DuckDB that hashes otherwise: the files say how they were hashed."""
    with monkeypatch.context() as patch:
        patch.setattr(
            merging, "hash_expression", lambda columns: f"CAST(hash('其他', {', '.join(columns)}) >> 1 AS BIGINT)"
        )
        patch.setattr(merging, "hashing_of", lambda engine, columns: "another")
        first = lake.put([person(1), person(2), person(3)])
    second = lake.put([person(1), person(2, name="李二"), person(3)])
    assert (second.added, second.changed, second.removed) == (0, 1, 0)
    assert second.pk != first.pk and lake.values("_since") == [1, 2, 1]
    assert lake.put([person(3), person(1), person(2, name="李二")]).pk == second.pk


# Refusals and failures --------------------------------------------------------------------------------------


def test_a_full_delivery_that_is_cut_off_is_refused_until_somebody_allows_it(lake: Lake) -> None:
    lake.put([person(number) for number in range(1500)])
    with pytest.raises(ShrunkTooFar) as told:
        lake.put([person(number) for number in range(900)])
    assert "1,500" in str(told.value.message) and "600" in str(told.value.message)
    with pytest.raises(ShrunkTooFar):  # as many rows as before, but other ones
        lake.put([person(number) for number in range(1000, 2500)])
    assert len(lake.values()) == 1500 and list(layout.work_root().iterdir()) == []
    assert lake.put([person(number) for number in range(900)], allow_shrink=True).removed == 600


def test_a_small_class_may_shrink_and_a_class_may_become_empty(lake: Lake) -> None:
    lake.put([person(number) for number in range(100)])
    emptied = lake.put([])
    assert (emptied.row_count, emptied.removed) == (0, 100) and upkeep.verify() == []
    assert lake.values() == [] and reading.rows(lake.data_class) == []
    assert reading.look_up(lake.data_class, {"id_number": "1"}) == []
    assert lake.put([]).pk == emptied.pk
    assert lake.put([person(5)], mode="increment").added == 1


def test_no_accepted_file_at_all_is_an_empty_delivery(lake: Lake) -> None:
    lake.put([person(1)])
    emptied = writing.publish(lake.data_class, [], definition=lake.definition, mode="full", run=None, data_date=DAY)
    assert emptied.removed == 1 and lake.values() == []


def test_cursor_and_success_of_the_channel_come_with_the_version_and_without_one(lake: Lake) -> None:
    channel = ClassChannel.objects.get(data_class=lake.data_class)
    lake.put([person(1)], channel=channel, cursor={"watermark": "2026-11-01"})
    channel.refresh_from_db()
    first = channel.last_success_at
    assert channel.cursor == {"watermark": "2026-11-01"} and first is not None
    lake.put([person(1)], channel=channel, cursor={"watermark": "2026-11-02"})
    channel.refresh_from_db()
    assert channel.cursor == {"watermark": "2026-11-02"}
    assert channel.last_success_at is not None and channel.last_success_at > first


def test_what_the_caller_refuses_in_the_transaction_undoes_the_version(lake: Lake) -> None:
    lake.put([person(1)])
    channel = ClassChannel.objects.get(data_class=lake.data_class)

    def refuse(snapshot: Snapshot) -> None:
        raise Conflict

    with pytest.raises(Conflict):
        lake.put([person(1), person(2)], within=refuse, channel=channel, cursor={"at": 1})
    channel.refresh_from_db()
    assert channel.cursor == {} and len(lake.values()) == 1 and lake.data_class.snapshots.count() == 1
    assert len(lake.on_disk()) == 1 and list(layout.work_root().iterdir()) == []


def test_rows_that_get_lost_on_the_way_are_noticed(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of the engine, played by a write that forgets a row: nothing of it is shown."""
    whole = merging.write_sorted

    def forgetful(engine: Any, query: str, *rest: Any) -> None:
        whole(engine, f"SELECT * FROM ({query}) LIMIT 2", *rest)

    lake.put([person(1)])
    monkeypatch.setattr(merging, "write_sorted", forgetful)
    with pytest.raises(Misconfigured):
        lake.put([person(1), person(2), person(3)])
    with pytest.raises(Misconfigured):
        lake.put([person(2), person(3)], mode="increment")
    assert lake.values() == [person(1)["id_number"]]


def test_a_file_limit_of_the_system_is_told_as_a_full_disk(lake: Lake) -> None:
    lake.put([person(1)])
    rows = [person(number, address=f"{number * 7919 % 1_000_003}" * 40) for number in range(3000)]
    path = write_accepted(lake.folder / "accepted.parquet", lake.definition, rows)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    kept = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(DiskFull):
            writing.publish(
                lake.data_class, [path], definition=lake.definition, mode="increment", run=None, data_date=DAY
            )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, kept)
    assert len(lake.values()) == 1 and upkeep.verify() == [] and list(layout.work_root().iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("only root may mount")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_a_disk_that_fills_up_keeps_the_last_version_and_no_remains(
    db: None, tmp_path: Path, small_disk: Path, settings: Any
) -> None:
    settings.DATA_HOME = small_disk / "data"
    lake = Lake(tmp_path)
    lake.put([person(1)])
    random = os.urandom(6_000_000).hex()
    rows = [person(number, address=random[number * 4000 : number * 4000 + 4000]) for number in range(3000)]
    with pytest.raises(DiskFull):
        lake.put(rows, mode="increment")
    assert lake.values() == [person(1)["id_number"]] and upkeep.verify() == []
    assert list(layout.work_root().iterdir()) == [] and lake.on_disk() == lake.named()
    assert lake.put([person(1), person(2)]).row_count == 2  # there is room again


def test_paths_that_leave_the_lake_and_strange_classes_are_refused(lake: Lake) -> None:
    for wrong in ("../../etc/passwd", "/etc/passwd"):
        with pytest.raises(Misconfigured):
            layout.file_path(wrong)
    for slug in ("../x.y", "A.b", "", "a.b/c", "a.b\n"):
        with pytest.raises(Misconfigured):
            layout.class_folder(slug)


def test_files_are_plain_parquet_with_the_two_columns_of_the_lake(lake: Lake) -> None:
    lake.put([person(1)])
    table = pq.read_table(reading.files_of(lake.data_class)[0])
    assert table.schema.names == [*(one.name for one in lake.definition.columns), "_hash", "_since"]
    assert table.schema.field("_hash").type == pa.int64() and table.schema.field("birth_date").type == pa.date32()
