"""Versions: published whole, read as they stood, rolled back, cleaned up and proven."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.platform.data.factories import make_class, make_definition, make_run, person, write_accepted
from yici.base import clock
from yici.base.errors import Conflict, Invalid, Misconfigured, NotFound
from yici.platform.data.catalogue.definition import ClassDefinition
from yici.platform.data.errors import DiskFull
from yici.platform.data.lake import difference, layout, reading, upkeep, writing
from yici.platform.data.lake.errors import ShrunkTooFar
from yici.platform.data.models import DataClass, Snapshot


class Lake:
    """One class, and deliveries to it."""

    def __init__(self, folder: Path, definition: ClassDefinition | None = None) -> None:
        self.folder = folder
        self.definition = definition or make_definition()
        self.data_class = make_class(self.definition)

    def put(self, rows: Sequence[dict[str, Any]], mode: str = "full", **options: Any) -> Snapshot:
        path = write_accepted(self.folder / "accepted.parquet", self.definition, rows)
        run = make_run(self.data_class, state="published")
        return writing.publish(
            self.data_class,
            [path],
            definition=self.definition,
            mode=mode,
            run=run,
            data_date=dt.date(2026, 11, 1),
            **options,
        )

    def numbers(self, **which: Any) -> list[str]:
        files = reading.files_of(self.data_class, **which)
        from yici.platform.data.engines.duckdb import connect

        with connect() as engine:
            found = engine.execute("SELECT id_number FROM read_parquet(?)", [[str(path) for path in files]]).fetchall()
        return [row[0] for row in found]


@pytest.fixture
def lake(db: None, tmp_path: Path, settings: Any) -> Lake:
    settings.DATA_HOME = tmp_path / "data"
    return Lake(tmp_path)


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "PART_ROWS", 10)


def test_a_first_delivery_is_sorted_by_key_and_counted(lake: Lake) -> None:
    snapshot = lake.put([person(3), person(1), person(2)])
    assert (snapshot.number, snapshot.row_count, snapshot.added) == (1, 3, 3)
    assert lake.numbers() == sorted(lake.numbers())
    assert DataClass.objects.get(pk=lake.data_class.pk).current_id == snapshot.pk
    assert upkeep.verify() == []


def test_the_same_delivery_twice_adds_no_version(lake: Lake) -> None:
    first = lake.put([person(1), person(2)])
    assert lake.put([person(2), person(1)]).pk == first.pk
    assert lake.data_class.snapshots.count() == 1


def test_a_full_delivery_replaces_and_counts_what_changed(lake: Lake) -> None:
    lake.put([person(1), person(2), person(3)])
    second = lake.put([person(1), person(2, address="新址"), person(4)])
    assert (second.added, second.changed, second.removed, second.row_count) == (1, 1, 1, 3)
    found = reading.look_up(lake.data_class, {"id_number": person(2)["id_number"]})
    assert found == [person(2, address="新址")]


def test_an_increment_is_put_in_by_key(lake: Lake) -> None:
    lake.put([person(1), person(2), person(3)])
    second = lake.put([person(2, name="李二"), person(9)], mode="increment")
    assert (second.added, second.changed, second.removed, second.row_count) == (1, 1, 0, 4)
    assert [row["name"] for row in reading.rows(lake.data_class, columns=["name"])] == ["王1", "李二", "王3", "王9"]


def test_an_increment_carries_untouched_files_over(lake: Lake, small_files: None) -> None:
    first = lake.put([person(number) for number in range(100)])
    assert len(first.files) == 10
    second = lake.put([person(55, address="新址")], mode="increment")
    kept = {one["path"] for one in first.files} & {one["path"] for one in second.files}
    assert len(kept) == 9 and len(second.files) == 10
    assert second.row_count == 100 and upkeep.verify() == []
    lake.put([person(500), person(1, name="李一")], mode="increment")
    assert len(lake.numbers()) == 101 and lake.numbers() == sorted(set(lake.numbers()))


def test_rows_say_since_which_version_they_stand(lake: Lake) -> None:
    lake.put([person(1), person(2)])
    lake.put([person(1), person(2, name="李二")])
    from yici.platform.data.engines.duckdb import connect

    with connect() as engine:
        files = [str(path) for path in reading.files_of(lake.data_class)]
        assert engine.execute("SELECT _since FROM read_parquet(?)", [files]).fetchall() == [(1,), (2,)]


def test_a_class_is_read_as_it_stood_at_a_moment_and_by_number(lake: Lake) -> None:
    with clock.at(dt.datetime(2026, 11, 1, tzinfo=dt.UTC)):
        lake.put([person(1)])
    with clock.at(dt.datetime(2026, 11, 3, tzinfo=dt.UTC)):
        lake.put([person(1), person(2)])
    assert len(lake.numbers(as_of=dt.datetime(2026, 11, 2, tzinfo=dt.UTC))) == 1
    assert len(lake.numbers(as_of=dt.datetime(2026, 11, 4, tzinfo=dt.UTC))) == 2
    assert len(lake.numbers(number=1)) == 1
    with pytest.raises(NotFound):
        lake.numbers(as_of=dt.datetime(2026, 10, 1, tzinfo=dt.UTC))


def test_a_version_is_rolled_back_to_with_a_reason_that_is_kept(lake: Lake) -> None:
    lake.put([person(1)])
    lake.put([person(1), person(2)])
    with pytest.raises(Invalid):
        upkeep.roll_back(lake.data_class, 1, None, " ")
    again = upkeep.roll_back(lake.data_class, 1, None, "第 2 版取自测试库")
    assert (again.number, again.mode, len(lake.numbers())) == (3, "rollback", 1)
    assert lake.data_class.snapshots.get(number=2).state == "rolled_back"
    with pytest.raises(Conflict):
        upkeep.roll_back(lake.data_class, 3, None, "再来")
    with pytest.raises(NotFound):
        upkeep.roll_back(lake.data_class, 77, None, "没有")
    assert upkeep.verify() == []


def test_old_versions_expire_and_only_their_own_files_go(lake: Lake, small_files: None) -> None:
    lake.put([person(number) for number in range(40)])
    for number in range(4):
        lake.put([person(number * 10, address=f"址{number}")], mode="increment")
    assert upkeep.expire(lake.data_class, keep=2) == 3
    assert upkeep.verify() == []
    with pytest.raises(NotFound):
        lake.numbers(number=1)
    named = {one["path"] for snapshot in lake.data_class.snapshots.exclude(state="expired") for one in snapshot.files}
    on_disk = {str(path.relative_to(layout.lake_root())) for path in layout.lake_root().rglob("*.parquet")}
    assert on_disk == named


def test_small_files_are_merged_into_a_version_with_the_same_rows(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "PART_ROWS", 10)
    lake.put([person(number) for number in range(50)])
    before = lake.numbers()
    assert upkeep.compact(lake.data_class) is not None
    current = reading.snapshot_of(lake.data_class)
    assert (current.mode, len(current.files)) == ("compaction", 1)
    assert lake.numbers() == before and upkeep.verify() == []
    assert upkeep.compact(lake.data_class) is None


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


def test_a_full_delivery_that_is_cut_off_is_refused_until_somebody_allows_it(lake: Lake) -> None:
    lake.put([person(number) for number in range(1500)])
    with pytest.raises(ShrunkTooFar):
        lake.put([person(number) for number in range(900)])
    assert len(lake.numbers()) == 1500 and list(layout.work_root().glob("publish-*")) == []
    assert lake.put([person(number) for number in range(900)], allow_shrink=True).removed == 600


def test_a_key_that_stands_twice_is_refused_and_nothing_is_left(lake: Lake) -> None:
    lake.put([person(1)])
    with pytest.raises(Misconfigured):
        lake.put([person(2), person(2, name="李二")])
    assert lake.numbers() == [person(1)["id_number"]]
    upkeep.sweep(older_than=0)
    assert upkeep.verify() == [] and len(list(layout.lake_root().rglob("*.parquet"))) == 1


def test_what_the_caller_refuses_in_the_transaction_undoes_the_version(lake: Lake) -> None:
    lake.put([person(1)])

    def refuse(snapshot: Snapshot) -> None:
        raise Conflict

    with pytest.raises(Conflict):
        lake.put([person(1), person(2)], within=refuse)
    assert len(lake.numbers()) == 1 and lake.data_class.snapshots.count() == 1
    assert len(list(layout.lake_root().rglob("*.parquet"))) == 1


def test_a_class_with_a_new_column_keeps_its_rows(lake: Lake) -> None:
    lake.put([person(1), person(2)])
    columns = [column.model_dump(by_alias=True, exclude_none=True) for column in lake.definition.columns]
    lake.definition = make_definition(columns=[*columns, {"name": "phone", "headers": ["电话"], "type": "text"}])
    second = lake.put([person(2, phone="13956731945")], mode="increment")
    assert second.row_count == 2
    assert [row["phone"] for row in reading.rows(lake.data_class)] == [None, "13956731945"]


def test_the_difference_of_two_versions_shows_what_changed(lake: Lake) -> None:
    lake.put([person(1), person(2), person(3)])
    lake.put([person(1), person(2, address="新址", name="李二"), person(4)])
    found = difference.difference(
        reading.files_of(lake.data_class, number=1), reading.files_of(lake.data_class, number=2),
        ["id_number"], ["name", "address"], limit=5,
    )  # fmt: skip
    assert (found.added, found.changed, found.removed) == (1, 1, 1)
    changed = next(one for one in found.samples if one.kind == "changed")
    assert (changed.before, changed.after) == (
        {"name": "王2", "address": "某村2号"},
        {"name": "李二", "address": "新址"},
    )


def test_pages_of_rows_go_on_across_files(lake: Lake, small_files: None) -> None:
    lake.put([person(number) for number in range(35)])
    pages = [
        reading.rows(lake.data_class, offset=offset, limit=10, columns=["id_number"]) for offset in (0, 10, 20, 30, 40)
    ]
    assert [len(page) for page in pages] == [10, 10, 10, 5, 0]
    assert [row["id_number"] for page in pages for row in page] == lake.numbers()


def test_a_full_disk_is_told_and_leaves_the_last_version(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file limit of the operating system stands for the full disk: the same error at the same call."""
    import resource

    lake.put([person(1)])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    import signal

    kept = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    rows = [person(number, address=f"{number * 7919 % 1_000_003}" * 40) for number in range(3000)]
    path = write_accepted(lake.folder / "accepted.parquet", lake.definition, rows)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(DiskFull):
            writing.publish(
                lake.data_class,
                [path],
                definition=lake.definition,
                mode="increment",
                run=None,
                data_date=dt.date(2026, 11, 1),
            )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, kept)
    assert len(lake.numbers()) == 1 and upkeep.verify() == []
    assert [path for path in layout.work_root().iterdir() if path.name.startswith("publish")] == []


def test_paths_that_leave_the_lake_and_strange_classes_are_refused(lake: Lake) -> None:
    for wrong in ("../../etc/passwd", "/etc/passwd"):
        with pytest.raises(Misconfigured):
            layout.file_path(wrong)
    for slug in ("../x.y", "A.b", "", "a.b/c"):
        with pytest.raises(Misconfigured):
            layout.class_folder(slug)
