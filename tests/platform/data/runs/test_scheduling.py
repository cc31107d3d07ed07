"""What time does to runs: due channels start, the dead are ended and tried again, two loads never run at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.platform.data.factories import make_class, make_definition, make_run
from tests.platform.data.runs.conftest import content, line, valid_id
from yici.base import clock
from yici.base.errors import Conflict
from yici.platform.data.errors import BytesExpired, DiskFull, LoadInProgress
from yici.platform.data.lake import reading
from yici.platform.data.lake.layout import raw_root
from yici.platform.data.landing import archive
from yici.platform.data.models import Channel, ClassChannel, DataClass, Run
from yici.platform.data.runs import carrying_out, pulling, scheduling, starting
from yici.platform.data.runs.carrying_out import load
from yici.platform.data.sources import registry


@pytest.fixture
def dropping(db: None, tmp_path: Path, settings: Any) -> ClassChannel:
    """A class that comes by files put into a folder."""
    settings.DATA_HOME = tmp_path / "data"
    ClassChannel.objects.update(next_run_at=None)  # the demo city's own channels rest
    definition = make_definition(
        "public_security.dropped", channels=[{"kind": "static", "unit": "public_security", "options": {"folder": "ps"}}]
    )
    make_class(definition)
    (tmp_path / "data" / "static" / "ps").mkdir(parents=True)
    return ClassChannel.objects.get(data_class=definition.id)


def drop(settings: Any, name: str, *lines: str) -> None:
    path = Path(settings.DATA_HOME) / "static" / "ps" / name
    path.write_bytes(content(*lines))
    import os

    past = clock.now().timestamp() - 3600
    os.utime(path, (past, past))


def test_a_file_in_the_folder_is_loaded_once_and_a_newer_one_after_it(dropping: ClassChannel, settings: Any) -> None:
    drop(settings, "20261101.csv", line(1), line(2))
    assert load(starting.start(dropping).pk) == "published"
    dropping.refresh_from_db()
    assert dropping.last_success_at is not None and dropping.cursor
    assert load(starting.start(dropping).pk) == "unchanged"
    drop(settings, "20261108.csv", line(1), line(2), line(3))
    dropping.refresh_from_db()
    run = starting.start(dropping)
    assert load(run.pk) == "published"
    snapshot = DataClass.objects.get(pk=dropping.data_class_id).current
    assert snapshot is not None and (snapshot.row_count, snapshot.data_date) == (3, dt.date(2026, 11, 8))


def test_a_folder_without_a_new_file_is_no_delivery(dropping: ClassChannel, settings: Any) -> None:
    """Else the light of a unit that stopped delivering would stay green for ever."""
    drop(settings, "20261101.csv", line(1), line(2))
    load(starting.start(dropping).pk)
    before = clock.now() - dt.timedelta(days=40)
    ClassChannel.objects.filter(pk=dropping.pk).update(last_success_at=before)
    dropping.refresh_from_db()
    assert load(starting.start(dropping).pk) == "unchanged"
    dropping.refresh_from_db()
    assert dropping.last_success_at == before
    drop(settings, "20261108.csv", line(1), line(2))  # the same content again is one
    assert load(starting.start(dropping).pk) == "unchanged"
    dropping.refresh_from_db()
    assert dropping.last_success_at is not None and dropping.last_success_at > before


def test_a_delivery_that_met_a_full_disk_is_tried_again_and_not_forgotten(
    dropping: ClassChannel, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bytes are kept and the source has nothing new: the class must not look up to date meanwhile."""
    usual = carrying_out.publish

    def full(*given: Any, **options: Any) -> Any:
        raise DiskFull

    drop(settings, "20261101.csv", line(1), line(2))
    ClassChannel.objects.filter(pk=dropping.pk).update(kind=Channel.EXCHANGE)  # whose source may truly have nothing new
    run = starting.start(ClassChannel.objects.get(pk=dropping.pk))
    monkeypatch.setattr(pulling, "source", lambda _kind: registry.source(Channel.STATIC))
    monkeypatch.setattr(carrying_out, "publish", full)
    assert load(run.pk) == "failed"
    again = run.retries.get()
    assert again.raw_id is not None
    starting.cancel(again, None)
    idle = starting.start(ClassChannel.objects.get(pk=dropping.pk))
    assert load(idle.pk) == "unchanged"
    idle.refresh_from_db()
    assert f"运行 {again.pk}" in idle.message
    assert ClassChannel.objects.get(pk=dropping.pk).last_success_at is None
    monkeypatch.setattr(carrying_out, "publish", usual)
    run.refresh_from_db()
    assert load(starting.retry(run).pk) == "published"
    assert load(starting.start(ClassChannel.objects.get(pk=dropping.pk)).pk) == "unchanged"
    assert ClassChannel.objects.get(pk=dropping.pk).last_success_at is not None


def test_a_retry_does_not_put_old_rows_over_new_ones(
    dropping: ClassChannel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, client: Any, sign_in: Any, demo: Any
) -> None:
    def full(*given: Any, **options: Any) -> Any:
        raise DiskFull

    usual = carrying_out.publish
    (tmp_path / "old").write_bytes(content(line(1)))
    (tmp_path / "new").write_bytes(content(line(1), line(2)))
    old = starting.keep_and_queue(dropping, tmp_path / "old", "old.csv", Run.Trigger.PUSH)
    monkeypatch.setattr(carrying_out, "publish", full)
    load(old.pk)
    monkeypatch.setattr(carrying_out, "publish", usual)
    assert load(starting.keep_and_queue(dropping, tmp_path / "new", "new.csv", Run.Trigger.PUSH).pk) == "published"
    again = old.retries.get()
    assert load(again.pk) == "failed" and not again.retries.exists()
    again.refresh_from_db()
    assert again.error == "overtaken"
    newer = again.overtaken_by()
    assert newer is not None and newer.state == "published" and newer.overtaken_by() is None
    sign_in(client, demo.data_engineer)  # who may still want it, and is told what it does
    page = client.get(f"/desk/data/runs/{again.pk}/").content.decode()
    assert f"运行 {newer.pk}</a> 入库" in page
    assert "之后的报送" not in client.get(f"/desk/data/runs/{newer.pk}/").content.decode()
    current = DataClass.objects.get(pk=dropping.data_class_id).current
    assert current is not None and current.row_count == 2


@pytest.mark.parametrize(
    ("how", "states"), [("full", ["published", "cancelled", "published"]), ("increment", ["published"] * 3)]
)
def test_deliveries_that_wait_for_one_decision_go_on_in_order_once_it_is_taken(
    dropping: ClassChannel, tmp_path: Path, how: str, states: list[str]
) -> None:
    """Three nights of a changed layout: increments one after the other, of whole deliveries the newest alone."""
    data_class = dropping.data_class
    data_class.definition = {**data_class.definition, "load": how}
    data_class.save()
    runs = []
    for night in (1, 2, 3):
        (tmp_path / "night").write_bytes(
            content(line(night), line(9, name="王" + "甲乙丙"[night - 1]), header="证号,xm,出生日期,住址,金额")
        )
        runs.append(starting.keep_and_queue(dropping, tmp_path / "night", "a.csv", Run.Trigger.PUSH))
        assert load(runs[-1].pk) == "waiting"
    starting.decide(runs[0], {"证号": "id_number", "xm": "name"}, None)
    while queued := Run.objects.filter(data_class=data_class, state="queued").first():
        load(queued.pk)
    assert [Run.objects.get(pk=one.pk).state for one in runs] == states
    data_class.refresh_from_db()
    rows = {one["id_number"]: one["name"] for one in reading.rows(data_class, columns=["id_number", "name"])}
    assert rows[valid_id(9)] == "王丙" and len(rows) == (2 if how == "full" else 4)


def test_an_old_delivery_that_is_tried_again_does_not_end_a_newer_one_that_waits(
    dropping: ClassChannel, tmp_path: Path
) -> None:
    (tmp_path / "old").write_bytes(content(line(1)))
    old = starting.keep_and_queue(dropping, tmp_path / "old", "a.csv", Run.Trigger.PUSH)
    starting.cancel(old, None)
    (tmp_path / "new").write_bytes(content(line(2), header="证号,xm,出生日期,住址,金额"))
    new = starting.keep_and_queue(dropping, tmp_path / "new", "b.csv", Run.Trigger.PUSH)
    assert load(new.pk) == "waiting"
    old.refresh_from_db()
    assert load(starting.retry(old).pk) == "published"
    new.refresh_from_db()
    assert new.state == "queued" and load(new.pk) == "waiting", "asked again, and nobody has decided"


def test_a_night_without_anything_new_leaves_what_waits_for_a_decision(dropping: ClassChannel, settings: Any) -> None:
    path = Path(settings.DATA_HOME) / "static" / "ps" / "20261101.csv"
    path.write_bytes(content(line(1), header="证号,xm,出生日期,住址,金额"))
    waiting = starting.start(dropping, Run.Trigger.SCHEDULE)
    assert load(waiting.pk) == "waiting"
    idle = starting.start(ClassChannel.objects.get(pk=dropping.pk), Run.Trigger.SCHEDULE)
    assert load(idle.pk) == "unchanged"
    waiting.refresh_from_db()
    assert waiting.state == "waiting" and f"运行 {waiting.pk}" in Run.objects.get(pk=idle.pk).message


def test_channels_whose_time_has_come_are_started_and_get_their_next_time(dropping: ClassChannel) -> None:
    dropping.kind = Channel.FILE_DROP
    dropping.next_run_at = clock.now() - dt.timedelta(minutes=1)
    dropping.save()
    assert scheduling.start_due() == 1
    dropping.refresh_from_db()
    assert dropping.next_run_at is not None and dropping.next_run_at > clock.now()
    assert scheduling.start_due() == 0
    assert Run.objects.get(channel=dropping).trigger == "schedule"


def test_a_second_start_while_one_is_open_is_refused(dropping: ClassChannel) -> None:
    starting.start(dropping)
    with pytest.raises(LoadInProgress):
        starting.start(dropping)


def test_a_run_whose_process_died_is_ended_and_tried_again(dropping: ClassChannel) -> None:
    run = make_run(dropping.data_class, channel=dropping, heartbeat_at=clock.now() - dt.timedelta(minutes=5))
    assert scheduling.end_dead_runs() == 1
    run.refresh_from_db()
    assert (run.state, run.error) == ("failed", "killed") and run.ended_at is not None
    again = run.retries.get()
    assert (again.state, again.attempt) == ("queued", 2)
    assert scheduling.end_dead_runs() == 0


def test_a_run_that_lives_is_left_alone(dropping: ClassChannel) -> None:
    make_run(dropping.data_class, channel=dropping, heartbeat_at=clock.now())
    assert scheduling.end_dead_runs() == 0


def test_a_source_that_does_not_answer_is_tried_four_times_and_no_more(
    dropping: ClassChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    from yici.platform.data.errors import SourceUnavailable
    from yici.platform.data.runs import pulling

    def silent(*given: Any, **options: Any) -> Any:
        raise SourceUnavailable

    monkeypatch.setattr(pulling, "pull", silent)
    starting.start(dropping)
    for _attempt in range(10):
        queued = Run.objects.filter(state="queued").first()
        if queued is None:
            break
        load(queued.pk)
    runs = Run.objects.filter(data_class=dropping.data_class).order_by("id")
    assert [run.attempt for run in runs] == [1, 2, 3, 4]
    assert {run.error for run in runs} == {"source-unavailable"}


def test_a_waiting_run_is_decided_once(data_class: DataClass, tmp_path: Path, upload: Callable[..., Run]) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content(line(1)))
    run = starting.upload(data_class, path, "a.csv", None)
    starting.decide(run, {}, None)
    with pytest.raises(Conflict):
        starting.decide(run, {}, None)


def test_a_confirmed_upload_that_meets_a_busy_class_is_loaded_after_it(data_class: DataClass, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content(line(1)))
    run = starting.upload(data_class, path, "a.csv", None)
    starting.decide(run, {}, None)
    other = make_run(data_class, heartbeat_at=clock.now())
    assert load(run.pk) == ""
    run.refresh_from_db()
    again = run.retries.get()
    assert (run.state, run.error, again.state) == ("failed", LoadInProgress.slug, "queued")
    Run.objects.filter(pk=other.pk).update(state="published", ended_at=clock.now())
    assert load(again.pk) == "published"


def test_a_class_that_shrank_is_let_through_when_somebody_says_it_is_true(
    data_class: DataClass, upload: Callable[..., Run]
) -> None:
    upload(content(*(many(number) for number in range(1500))))
    run = upload(content(*(many(number) for number in range(700))))
    assert (run.state, run.error) == ("refused", "shrunk-too-far")
    again = starting.retry(run, None, allow_shrink=True)
    assert load(again.pk) == "published"


def many(number: int) -> str:
    """Rows with keys that have no check digit to be computed for thousands: another key column would do as well."""
    from yici.core.vocabulary.rules import check_digit_of_id

    day = 1 + number // 999 % 28
    body = f"341602197001{day:02d}{number % 999:03d}"
    return line(number % 8, id=body + check_digit_of_id(body), born=f"1970-01-{day:02d}")


def test_bytes_are_deleted_when_their_time_is_over(
    upload: Callable[..., Run], data_class: DataClass, tmp_path: Path
) -> None:
    first, second = upload(content(line(1), line(2))), upload(content(line(1), line(3)))
    path = tmp_path / "strange"
    path.write_bytes(content(line(4), header="一,二,三,四,五"))
    waiting = starting.upload(data_class, path, "别的.csv", None)
    later = clock.now() + dt.timedelta(days=200)
    with clock.at(later - dt.timedelta(days=30)):
        assert archive.expire(clock.now() - dt.timedelta(days=180)) == 0
    with clock.at(later):
        assert scheduling.look_after()["forgotten"] == 1
    for run, is_kept in ((first, False), (second, True), (waiting, True)):
        run.raw.refresh_from_db()
        assert (run.raw.removed_at is None) == is_kept
        assert (raw_root() / run.raw.path).exists() == is_kept
    with pytest.raises(BytesExpired):
        archive.path_of(first.raw)
    # The same bytes once more are kept once more.
    assert upload(content(line(1), line(2))).state == Run.State.PUBLISHED
    first.raw.refresh_from_db()
    assert archive.path_of(first.raw).exists()


def test_bytes_that_another_class_has_too_go_with_the_last(data_class: DataClass, tmp_path: Path) -> None:
    path = tmp_path / "same"
    path.write_bytes(b"x")
    other = make_class(make_definition("public_security.other", code="3416/other"))
    old = clock.now() - dt.timedelta(days=300)
    mine, _ = archive.keep(path, data_class, "a", old)
    theirs, _ = archive.keep(path, other, "b", clock.now())
    assert archive.expire(clock.now() - dt.timedelta(days=180)) == 1
    assert archive.path_of(theirs).exists()
    assert archive.expire(clock.now() + dt.timedelta(days=1)) == 1
    assert not (raw_root() / mine.path).exists()
