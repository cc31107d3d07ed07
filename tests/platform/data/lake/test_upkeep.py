"""Looking after the lake: proven, merged, rolled back, cleaned up, and nothing that is needed ever deleted."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.platform.data.factories import make_definition, make_run, person
from tests.platform.data.lake.conftest import Lake
from yici.base import clock
from yici.base.errors import Conflict, Invalid, NotFound
from yici.core.audit.models import Entry
from yici.platform.data.lake import layout, reading, upkeep
from yici.platform.data.models import DataClass, Snapshot


def make_old(path: Path, seconds: float = 7200) -> None:
    then = time.time() - seconds
    for one in [*path.rglob("*"), path]:
        os.utime(one, (then, then))


def dead_process() -> int:
    ended = subprocess.Popen(["true"])
    ended.wait()
    return ended.pid


def test_verification_names_the_flipped_byte_the_missing_file_and_the_changed_manifest(lake: Lake) -> None:
    first = lake.put([person(1), person(2)])
    path = layout.file_path(first.files[0]["path"])
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    assert [fault.kind for fault in upkeep.verify()] == ["altered"]
    path.unlink()
    assert [fault.kind for fault in upkeep.verify(lake.data_class)] == ["missing"]
    path.write_bytes(whole)
    Snapshot.objects.filter(pk=first.pk).update(files=[{**first.files[0], "rows": 7}])
    assert {fault.kind for fault in upkeep.verify()} == {"manifest", "rows"}


def test_verification_names_old_files_that_no_version_has_and_folders_of_no_class(lake: Lake) -> None:
    first = lake.put([person(1)])
    stray = layout.file_path(first.files[0]["path"]).with_name("part-0099.parquet")
    stray.write_bytes(b"PAR1")
    assert upkeep.verify() == []  # somebody may be about to name it
    make_old(stray)
    (layout.lake_root() / "no.such_class").mkdir()
    assert [(fault.kind, fault.path) for fault in upkeep.verify()] == [
        ("extra", "no.such_class"),
        ("extra", str(stray.relative_to(layout.lake_root()))),
    ]
    assert upkeep.verify(lake.data_class)[0].path.endswith("part-0099.parquet")
    assert upkeep.sweep() == 1
    assert [fault.path for fault in upkeep.verify()] == ["no.such_class"]


def test_small_files_are_merged_into_a_version_with_the_same_rows(lake: Lake, small_files: None) -> None:
    lake.put([person(number) for number in range(2000, 8000)])
    for number in range(10):
        lake.put([person(number), person(8000 + number)], mode="increment")
    before = (lake.values(), lake.values("_since"))
    many = len(reading.snapshot_of(lake.data_class).files)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("yici.platform.data.lake.merging.PART_ROWS", 20_000)
        merged = upkeep.compact(lake.data_class)
        assert merged is not None and merged.mode == "compaction" and merged.row_count == 6020
        assert len(merged.files) == 1 < many and (merged.added, merged.changed, merged.removed) == (0, 0, 0)
        assert upkeep.compact(lake.data_class) is None
    assert (lake.values(), lake.values("_since")) == before and upkeep.verify() == []
    assert lake.put([person(5000, name="李")], mode="increment").changed == 1


def test_files_that_are_full_enough_are_not_merged(lake: Lake, small_files: None) -> None:
    lake.put([person(number) for number in range(8000)])
    assert upkeep.compact(lake.data_class) is None


def test_merging_damaged_files_is_refused(lake: Lake, small_files: None) -> None:
    first = lake.put([person(number) for number in range(3000)])
    Snapshot.objects.filter(pk=first.pk).update(
        files=[{**first.files[0], "hash_sum": str(int(first.files[0]["hash_sum"]) + 1)}, *first.files[1:]]
    )
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Conflict):
        patch.setattr("yici.platform.data.lake.merging.PART_ROWS", 20_000)
        upkeep.compact(lake.data_class)
    assert reading.snapshot_of(lake.data_class).number == 1 and list(layout.work_root().iterdir()) == []


def test_a_version_is_rolled_back_to_with_a_reason_that_is_kept(lake: Lake) -> None:
    lake.put([person(1)])
    lake.put([person(1), person(2)])
    with pytest.raises(Invalid):
        upkeep.roll_back(lake.data_class, 1, None, " ")
    again = upkeep.roll_back(lake.data_class, 1, None, "第 2 版取自测试库")
    assert (again.number, again.mode, len(lake.values())) == (3, "rollback", 1)
    assert again.files == lake.data_class.snapshots.get(number=1).files
    assert lake.data_class.snapshots.get(number=2).state == "rolled_back"
    recorded = Entry.objects.filter(subject_kind="data_class", subject_id=lake.data_class.pk).get()
    assert "第 2 版取自测试库" in recorded.purpose
    with pytest.raises(Conflict):
        upkeep.roll_back(lake.data_class, 3, None, "再来")
    with pytest.raises(NotFound):
        upkeep.roll_back(lake.data_class, 77, None, "没有")
    assert upkeep.verify() == []


def test_what_came_after_a_roll_back_goes_on_from_the_rows_shown(lake: Lake) -> None:
    lake.put([person(1), person(2)])
    lake.put([person(1), person(2, name="错")])
    upkeep.roll_back(lake.data_class, 1, None, "数据有误")
    fourth = lake.put([person(1), person(2), person(3)])
    assert (fourth.number, fourth.added, fourth.changed) == (4, 1, 0)
    assert lake.values("_since") == [1, 1, 4]


def test_old_versions_expire_and_only_their_own_files_go(lake: Lake, small_files: None) -> None:
    lake.put([person(number) for number in range(8000)])
    for number in range(4):
        lake.put([person(number * 2000, address=f"址{number}")], mode="increment")
    assert upkeep.expire(lake.data_class, keep=2, still_read=0) == 3
    assert upkeep.verify() == [] and lake.on_disk() == lake.named()
    with pytest.raises(NotFound):
        lake.values(number=1)
    assert len(lake.values(number=4)) == 8000
    with pytest.raises(NotFound):
        upkeep.roll_back(lake.data_class, 1, None, "回到最初")


def test_a_version_that_was_shown_a_moment_ago_is_kept_for_its_readers(lake: Lake) -> None:
    now = clock.now()
    for minutes, people in ((300, 1), (200, 2), (30, 3), (10, 4)):
        with clock.at(now - dt.timedelta(minutes=minutes)):
            lake.put([person(number) for number in range(people)])
    assert upkeep.expire(lake.data_class, keep=1) == 1  # only the first was replaced more than an hour ago
    assert [len(lake.values(number=number)) for number in (2, 3, 4)] == [2, 3, 4]


def test_the_version_shown_never_expires_though_others_are_newer(lake: Lake) -> None:
    first = lake.put([person(1)])
    for number in range(3):
        lake.put([person(1), person(number + 2)])
    DataClass.objects.filter(pk=lake.data_class.pk).update(current=first)
    assert upkeep.expire(lake.data_class, keep=1, still_read=0) == 2
    assert lake.values() == [person(1)["id_number"]] and upkeep.verify() == []


def test_sweeping_takes_what_crashes_left_and_nothing_else(lake: Lake) -> None:
    lake.put([person(1)])
    open_run, dead_run = make_run(lake.data_class, state="running"), make_run(lake.data_class, state="failed")
    kept_run = make_run(lake.data_class, state="published", quarantine="quarantine/x/1.parquet")
    left = [
        layout.new_version_folder(lake.data_class.pk, 2) / "part-0000.parquet",
        layout.work_root() / f"publish-{lake.data_class.pk}-00000000" / "part-0000.parquet",
        layout.work_root() / f"run-{dead_run.pk}" / "landed.parquet",
        layout.work_root() / f"duckdb-{dead_process()}" / "spilled.tmp",
        layout.quarantine_root() / lake.data_class.pk / f"{dead_run.pk}.parquet",
        layout.quarantine_root() / lake.data_class.pk / f".{kept_run.pk}.parquet.draft",
    ]
    stays = [
        layout.work_root() / f"run-{open_run.pk}" / "landed.parquet",
        layout.work_root() / f"duckdb-{os.getpid()}" / "spilled.tmp",
        layout.quarantine_root() / lake.data_class.pk / f"{kept_run.pk}.parquet",
        layout.quarantine_root() / lake.data_class.pk / f"{open_run.pk}.parquet",
        layout.lake_root() / "no.such_class" / "v000001-0" / "part-0000.parquet",
    ]
    for path in [*left, *stays]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"PAR1")
    assert upkeep.sweep() == 0  # all of it may be somebody's work
    make_old(layout.data_home())
    busy = layout.work_root() / "by-hand"
    busy.mkdir()
    (busy / "more.tmp").write_bytes(b"written just now")
    os.utime(busy, (0, 0))
    assert upkeep.sweep() == len(left)
    assert not any(path.exists() for path in left) and all(path.exists() for path in [*stays, busy])
    assert upkeep.verify(lake.data_class) == [] and not left[0].parent.exists()


def test_upkeep_of_another_class_is_not_touched(lake: Lake, tmp_path: Path) -> None:
    other = Lake(tmp_path, make_definition("public_security.other"))
    lake.put([person(1)])
    other.put([person(2)])
    other.put([person(3)])
    assert upkeep.expire(other.data_class, keep=1, still_read=0) == 1
    assert len(lake.values()) == 1 and upkeep.verify() == []
