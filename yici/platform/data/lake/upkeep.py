"""Looking after the lake: verify, merge small files, let old versions expire, remove orphans, roll back.

What is removed is removed from the database first and from the disk second, so that a crash between the two leaves an
orphan and never a version without its files.
"""

from __future__ import annotations

import datetime as dt
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from django.db import transaction
from django.utils.translation import gettext as _

from yici.base import clock
from yici.base.errors import Conflict, Invalid, NotFound
from yici.base.sql import paths
from yici.core.audit import services as audit
from yici.core.people.models import Account
from yici.core.people.services import actor_of
from yici.platform.data.disk import disk_full_is_told, sha256_of
from yici.platform.data.engines.duckdb import connect
from yici.platform.data.errors import LoadInProgress
from yici.platform.data.lake import layout, merging
from yici.platform.data.lake.composing import hashing_of_file, key_of
from yici.platform.data.lake.merging import Part
from yici.platform.data.lake.reading import current_of
from yici.platform.data.lake.writing import Placed, digest_of, moved, next_number, one_at_a_time, show
from yici.platform.data.models import DataClass, Run, Snapshot

__all__ = ["Fault", "compact", "expire", "roll_back", "sweep", "verify"]

ORPHAN_SECONDS = 3600.0
READING_SECONDS = 3600.0  # a version that was shown until then may still be read
FULL_ENOUGH = 0.5  # a file with less than this share of the usual rows is small

Entry = dict[str, Any]


# Verifying --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """Something wrong in the lake: `kind` is missing, altered, rows, manifest, extra. `number` 0: of no version."""

    data_class: str
    number: int
    path: str
    kind: str
    message: str

    def __str__(self) -> str:
        return f"{self.data_class} 版本 {self.number} {self.path}：{self.message}"


def verify(data_class: DataClass | None = None) -> list[Fault]:
    """Compare every file of every kept version with its checksum and row count, and what lies there with the manifests.

    Each file is read once. Files that no version names count once they are an hour old: younger ones may be named soon.
    """
    kept = Snapshot.objects.exclude(state=Snapshot.State.EXPIRED).order_by("data_class", "number")
    if data_class is not None:
        kept = kept.filter(data_class=data_class)
    faults: list[Fault] = []
    judged: dict[str, tuple[str, str] | None] = {}
    for snapshot in kept.iterator(chunk_size=100):
        found = list(_faults_of(snapshot, judged))
        # Retention may have taken the version away while its files were read.
        if found and kept.filter(pk=snapshot.pk).exists():
            faults += found
    return faults + list(_extra(data_class))


def _faults_of(snapshot: Snapshot, judged: dict[str, tuple[str, str] | None]) -> Iterator[Fault]:
    if digest_of(snapshot.files) != snapshot.digest:
        yield _fault(snapshot, "", "manifest", _("清单被改动"))
    if sum(one["rows"] for one in snapshot.files) != snapshot.row_count:
        yield _fault(snapshot, "", "rows", _("清单的行数与版本不符"))
    for one in snapshot.files:
        if one["path"] not in judged:
            judged[one["path"]] = _judge(one)
        found = judged[one["path"]]
        if found:
            yield _fault(snapshot, one["path"], *found)


def _judge(one: Entry) -> tuple[str, str] | None:
    path = layout.file_path(one["path"])
    if not path.exists():
        return "missing", _("文件不见了")
    if path.stat().st_size != one["bytes"] or sha256_of(path) != one["sha256"]:
        return "altered", _("文件内容与入库时不一致")
    if pq.read_metadata(path).num_rows != one["rows"]:
        return "rows", _("文件的行数与清单不符")
    return None


def _fault(snapshot: Snapshot, path: str, kind: str, message: str) -> Fault:
    return Fault(snapshot.data_class_id, snapshot.number, path, kind, message)


def _extra(data_class: DataClass | None) -> Iterator[Fault]:
    known = set(DataClass.objects.values_list("pk", flat=True))
    limit = time.time() - ORPHAN_SECONDS
    for folder in _class_folders():
        if data_class is not None and folder.name != data_class.pk:
            continue
        if folder.name not in known:
            yield Fault(folder.name, 0, folder.name, "extra", _("目录中没有这一类数据"))
            continue
        for path in _unnamed(folder):
            if _touched_at(path) < limit:
                yield Fault(
                    folder.name, 0, str(path.relative_to(layout.lake_root())), "extra", _("没有版本用到这个文件")
                )


def _class_folders() -> list[Path]:
    root = layout.lake_root()
    return sorted(path for path in root.iterdir() if path.is_dir()) if root.exists() else []


def _unnamed(folder: Path) -> list[Path]:
    """Files under a class's folder that no kept version names."""
    there = sorted(path for path in folder.rglob("*") if path.is_file())
    needed = _named(folder.name)  # asked after looking: what was named meanwhile is not taken for an orphan
    return [path for path in there if str(path.relative_to(layout.lake_root())) not in needed]


def _named(class_id: str) -> set[str]:
    kept = Snapshot.objects.filter(data_class=class_id).exclude(state=Snapshot.State.EXPIRED)
    return {one["path"] for files in kept.values_list("files", flat=True) for one in files}


def _touched_at(path: Path) -> float:
    """When anything in it was last written, in seconds; now where it went away meanwhile."""
    try:
        return max([path.stat().st_mtime, *(one.stat().st_mtime for one in path.rglob("*"))])
    except FileNotFoundError:
        return time.time()


# Merging and rolling back -----------------------------------------------------------------------------------


def compact(data_class: DataClass) -> Snapshot | None:
    """Merge the small files of the current version into a new version with the same rows; None where that is no gain.

    Raises `LoadInProgress`, `DiskFull`.
    """
    with one_at_a_time(data_class.pk), disk_full_is_told():
        current = current_of(data_class.pk)
        groups = list(_groups(current.files)) if current else []
        if current is None or all(len(group) == 1 for group in groups):
            return None
        number = next_number(data_class)
        aside = layout.new_work_folder(data_class.pk)
        try:
            files: list[Part | Entry] = []
            for group in groups:
                files += group if len(group) == 1 else _merge(group, aside, key_of(current.columns))
            with moved(aside, layout.new_version_folder(data_class.pk, number), files) as placed:
                return _shown_instead(current, current, number, placed, Snapshot.Mode.COMPACTION)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def _groups(files: list[Entry]) -> Iterator[list[Entry]]:
    """Files that stay as they are, and neighbours that fit into one file together, one of them small."""
    group: list[Entry] = []
    for one in files:
        fits = sum(entry["rows"] for entry in group) + one["rows"] <= merging.PART_ROWS
        is_small = any(entry["rows"] < merging.PART_ROWS * FULL_ENOUGH for entry in [*group, one])
        if group and not (fits and is_small):
            yield group
            group = []
        group.append(one)
    if group:
        yield group


def _merge(group: list[Entry], aside: Path, key: list[str]) -> list[Part]:
    """Raises `Conflict` where the merged files hold other rows than the old ones."""
    held = [layout.file_path(one["path"]) for one in group]
    path = aside / f"part-{len(list(aside.iterdir())):04d}.parquet"
    with connect() as engine:
        query = f"SELECT * FROM read_parquet({paths(held)})"  # noqa: S608
        merging.write_sorted(engine, query, key, path, hashing_of_file(held[0]))
        parts = merging.describe(engine, [path], key, 0)
    before, after = (
        (sum(one["rows"] for one in entries), sum(int(one["hash_sum"]) for one in entries))
        for entries in (group, [part.entry for part in parts])
    )
    if before != after:
        raise Conflict(_("合并后的内容与合并前不一致，已撤销；请先检查数据湖的完整性。"))
    return parts


def _shown_instead(current: Snapshot, rows: Snapshot, number: int, placed: Placed, mode: str) -> Snapshot:
    """Show the rows of a version as a new one over these files."""
    files = placed.files
    snapshot = Snapshot(
        data_class=current.data_class,
        number=number,
        mode=mode,
        parent=current,
        run=rows.run,
        data_date=rows.data_date,
        row_count=sum(one["rows"] for one in files),
        byte_count=sum(one["bytes"] for one in files),
        files=files,
        columns=rows.columns,
        digest=digest_of(files),
        published_at=clock.now(),
    )
    return show(snapshot, placed, lambda _snapshot: None)


def roll_back(data_class: DataClass, number: int, actor: Account | None, reason: str) -> Snapshot:
    """Show an earlier version again, as a new version over the same files; what came between is kept and marked.

    Raises `Invalid` without a reason, `NotFound` for a version that is not kept, `Conflict` for the current one,
    `LoadInProgress`.
    """
    if not reason.strip():
        raise Invalid(_("请写明回退的原因。"), fields={"reason": _("请写明回退的原因。")})
    with one_at_a_time(data_class.pk), transaction.atomic():
        current = current_of(data_class.pk)
        wanted = data_class.snapshots.exclude(state=Snapshot.State.EXPIRED).filter(number=number).first()
        if wanted is None or current is None:
            raise NotFound(_("这个版本已经清理，不能回退。"))
        if wanted.pk == current.pk:
            raise Conflict(_("现在显示的就是这个版本。"))
        between = data_class.snapshots.filter(number__gt=wanted.number, state=Snapshot.State.PUBLISHED)
        between.update(state=Snapshot.State.ROLLED_BACK)
        snapshot = _shown_instead(
            current, wanted, next_number(data_class), Placed(wanted.files), Snapshot.Mode.ROLLBACK
        )
        audit.record(
            actor_of(actor) if actor else audit.SYSTEM,
            "change",
            subject=("data_class", data_class.pk),
            purpose=f"回退到版本 {number}：{reason.strip()}",
        )
    data_class.current = snapshot
    return snapshot


# Cleaning up ------------------------------------------------------------------------------------------------


def expire(data_class: DataClass, keep: int, still_read: float = READING_SECONDS) -> int:
    """Let versions older than the newest `keep` expire, and delete the files that no kept version names.

    The current version is always kept, and so is one that was shown within the last `still_read` seconds. Returns how
    many versions expired. Raises `LoadInProgress`.
    """
    limit = clock.now() - dt.timedelta(seconds=still_read)
    with one_at_a_time(data_class.pk):
        with transaction.atomic():
            locked = DataClass.objects.select_for_update().get(pk=data_class.pk)
            living = list(locked.snapshots.exclude(state=Snapshot.State.EXPIRED).order_by("-number"))
            followed = zip(living, [None, *living[:-1]], strict=True)
            old = [
                one
                for place, (one, successor) in enumerate(followed)
                if place >= max(keep, 1) and one.pk != locked.current_id
                and successor is not None and successor.published_at <= limit
            ]  # fmt: skip
            locked.snapshots.filter(pk__in=[one.pk for one in old]).update(state=Snapshot.State.EXPIRED)
        needed = _named(data_class.pk)
        for relative in sorted({one["path"] for snapshot in old for one in snapshot.files} - needed):
            path = layout.file_path(relative)
            path.unlink(missing_ok=True)
            _remove_if_empty(path.parent)
    return len(old)


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def sweep(older_than: float = ORPHAN_SECONDS) -> int:
    """Remove what crashes left: files of the lake that no kept version names, work of runs that are over, and rows held
    in quarantine by runs that came to nothing. Returns how many.

    Nothing younger than `older_than` seconds is touched, nor a class that is being written to, nor one that the catalogue
    does not know: a database that was set up anew must not empty the lake (`verify` tells of such folders).
    """
    limit = time.time() - older_than
    known = set(DataClass.objects.values_list("pk", flat=True))
    removed = 0
    for slug in sorted(known & {*(folder.name for folder in _class_folders()), *_classes_at_work()}):
        try:
            with one_at_a_time(slug):
                removed += _sweep_class(slug, limit)
        except LoadInProgress:
            continue
    return removed + _sweep_work(limit) + _sweep_quarantine(limit)


def _classes_at_work() -> set[str]:
    return {entry.name.split("-")[1] for entry in layout.work_root().glob("publish-*-*")}


def _sweep_class(slug: str, limit: float) -> int:
    folder, removed = layout.class_folder(slug), 0
    for path in _unnamed(folder) if folder.exists() else []:
        if _touched_at(path) < limit:
            path.unlink(missing_ok=True)
            _remove_if_empty(path.parent)
            removed += 1
    for version in sorted(folder.iterdir()) if folder.exists() else []:
        if _touched_at(version) < limit:
            _remove_if_empty(version)
    for entry in layout.work_root().glob(f"{layout.work_prefix(slug)}*"):
        if _touched_at(entry) < limit:
            shutil.rmtree(entry, ignore_errors=True)
            removed += 1
    return removed


def _sweep_work(limit: float) -> int:
    alive = {f"run-{pk}" for pk in Run.objects.filter(state__in=Run.OPEN).values_list("pk", flat=True)}
    removed = 0
    for entry in layout.work_root().iterdir():
        if entry.name in alive or entry.name.startswith("publish-") or _is_of_living_engine(entry):
            continue
        if _touched_at(entry) >= limit:
            continue
        shutil.rmtree(entry, ignore_errors=True) if entry.is_dir() else entry.unlink(missing_ok=True)
        removed += 1
    return removed


def _is_of_living_engine(entry: Path) -> bool:
    """Whether a process of this machine spills here (`engines.duckdb`): it may not have for hours, and will again."""
    process = entry.name.removeprefix("duckdb-")
    return entry.name.startswith("duckdb-") and process.isdecimal() and Path("/proc", process).exists()


def _sweep_quarantine(limit: float) -> int:
    """A run killed after screening leaves rows of people that nobody will come back to."""
    removed = 0
    for path in sorted(layout.quarantine_root().glob("*/*")):
        number = path.name.removeprefix(".").split(".")[0]
        run = Run.objects.filter(pk=int(number)).first() if number.isdecimal() else None
        is_needed = run is not None and (run.state in Run.OPEN or (run.quarantine and path.name[0] != "."))
        if not is_needed and _touched_at(path) < limit:
            path.unlink(missing_ok=True)
            removed += 1
    return removed
