"""Looking after the lake: verify, merge small files, let old versions expire, remove orphans, roll back.

What is removed is removed from the database first and from the disk second, so that a crash between the two leaves an
orphan and never a version without its files.
"""

from __future__ import annotations

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
from yici.core.audit import services as audit
from yici.core.people.models import Account
from yici.core.people.services import actor_of
from yici.platform.data.catalogue import reading as catalogue
from yici.platform.data.engines.duckdb import connect
from yici.platform.data.lake import layout
from yici.platform.data.lake.composing import name, paths, text
from yici.platform.data.lake.files import disk_full_is_told, force_to_disk, sha256_of
from yici.platform.data.lake.reading import current_of
from yici.platform.data.lake.writing import PART_ROWS, ROW_GROUP, digest_of, one_at_a_time
from yici.platform.data.models import DataClass, Run, Snapshot

__all__ = ["Fault", "compact", "expire", "roll_back", "sweep", "verify"]

ORPHAN_SECONDS = 3600.0


@dataclass(frozen=True)
class Fault:
    """Something wrong in the lake: `kind` is missing, altered, rows, manifest, current."""

    data_class: str
    number: int
    path: str
    kind: str
    message: str

    def __str__(self) -> str:
        return f"{self.data_class} 版本 {self.number} {self.path}：{self.message}"


def verify(data_class: DataClass | None = None) -> list[Fault]:
    """Compare every file of every kept version with its checksum and row count. Each file is read once."""
    kept = Snapshot.objects.exclude(state=Snapshot.State.EXPIRED).order_by("data_class", "number")
    if data_class is not None:
        kept = kept.filter(data_class=data_class)
    faults: list[Fault] = []
    judged: dict[str, tuple[str, str] | None] = {}
    for snapshot in kept:
        if digest_of(snapshot.files) != snapshot.digest:
            faults.append(_fault(snapshot, "", "manifest", _("清单被改动")))
        if sum(one["rows"] for one in snapshot.files) != snapshot.row_count:
            faults.append(_fault(snapshot, "", "rows", _("清单的行数与版本不符")))
        for one in snapshot.files:
            if one["path"] not in judged:
                judged[one["path"]] = _judge(one)
            found = judged[one["path"]]
            if found:
                faults.append(_fault(snapshot, one["path"], *found))
    return faults


def _judge(one: dict[str, Any]) -> tuple[str, str] | None:
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


def compact(data_class: DataClass) -> Snapshot | None:
    """Merge the small files of the current version into a new version with the same rows; None where there is nothing to merge."""
    with one_at_a_time(data_class.pk):
        current = current_of(data_class.pk)
        groups = list(_groups(current.files)) if current else []
        if current is None or all(len(group) == 1 for group in groups):
            return None
        number = (data_class.snapshots.order_by("-number").values_list("number", flat=True).first() or 0) + 1
        target = layout.version_folder(data_class.pk, number, None)
        target.mkdir(parents=True)
        try:
            with disk_full_is_told():
                key = list(catalogue.definition_of(data_class).key)
                files = [group[0] if len(group) == 1 else _merge(group, target, place, key)
                         for place, group in enumerate(groups)]  # fmt: skip
                force_to_disk(target)
            return _replace(current, number, files, Snapshot.Mode.COMPACTION, None)
        except BaseException:
            shutil.rmtree(target, ignore_errors=True)
            raise


def _groups(files: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Neighbours that fit into one file together."""
    group: list[dict[str, Any]] = []
    for one in files:
        if group and sum(entry["rows"] for entry in group) + one["rows"] > PART_ROWS:
            yield group
            group = []
        group.append(one)
    if group:
        yield group


def _merge(group: list[dict[str, Any]], target: Path, place: int, key: list[str]) -> dict[str, Any]:
    path = target / f"part-{place:04d}.parquet"
    order = ", ".join(name(column) for column in key)
    with connect() as connection:
        connection.execute(
            f"COPY (SELECT * FROM read_parquet({paths(layout.file_path(one['path']) for one in group)}, union_by_name = true) "  # noqa: S608
            f"ORDER BY {order}) TO {text(str(path))} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
        )
    force_to_disk(path)
    held = [one for one in group if one["rows"]]
    return {
        "path": str(path.relative_to(layout.lake_root())),
        "rows": sum(one["rows"] for one in group),
        "bytes": path.stat().st_size,
        "sha256": sha256_of(path),
        "key_min": held[0]["key_min"] if held else None,
        "key_max": held[-1]["key_max"] if held else None,
        "low": group[0]["low"],
        "high": group[-1]["high"],
    }


def _replace(
    current: Snapshot, number: int, files: list[dict[str, Any]], mode: str, source: Snapshot | None
) -> Snapshot:
    """Show the rows of `source` (or the same rows in other files) as a version of its own."""
    rows = source or current
    with transaction.atomic():
        snapshot = Snapshot.objects.create(
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
        if not DataClass.objects.filter(pk=current.data_class_id, current=current).update(current=snapshot):
            raise Conflict
    return snapshot


def roll_back(data_class: DataClass, number: int, actor: Account | None, reason: str) -> Snapshot:
    """Show an earlier version again, as a new version over the same files; what came between is kept and marked.

    Raises `Invalid` without a reason, `NotFound` for a version that is not kept, `Conflict` for the current one.
    """
    if not reason.strip():
        raise Invalid(_("请写明回退的原因。"), fields={"reason": _("请写明回退的原因。")})
    with one_at_a_time(data_class.pk), transaction.atomic():
        locked = DataClass.objects.select_for_update(of=("self",)).select_related("current").get(pk=data_class.pk)
        wanted = locked.snapshots.exclude(state=Snapshot.State.EXPIRED).filter(number=number).first()
        if wanted is None or locked.current is None:
            raise NotFound(_("这个版本已经清理，不能回退。"))
        if wanted.pk == locked.current_id:
            raise Conflict(_("现在显示的就是这个版本。"))
        newest = locked.snapshots.order_by("-number").values_list("number", flat=True)[0]
        between = locked.snapshots.filter(number__gt=wanted.number, state=Snapshot.State.PUBLISHED)
        between.update(state=Snapshot.State.ROLLED_BACK)
        snapshot = _replace(locked.current, newest + 1, wanted.files, Snapshot.Mode.ROLLBACK, wanted)
        audit.record(
            actor_of(actor) if actor else audit.SYSTEM,
            "change",
            subject=("data_class", data_class.pk),
            purpose=f"回退到版本 {number}：{reason.strip()}",
        )
    return snapshot


def expire(data_class: DataClass, keep: int) -> int:
    """Let versions older than the newest `keep` expire, and delete the files that no kept version names.

    The current version is always kept. Returns how many versions expired.
    """
    with one_at_a_time(data_class.pk):
        with transaction.atomic():
            locked = DataClass.objects.select_for_update().get(pk=data_class.pk)
            living = locked.snapshots.exclude(state=Snapshot.State.EXPIRED).order_by("-number")
            keeping = {*living.values_list("pk", flat=True)[: max(keep, 1)], locked.current_id or 0}
            old = living.exclude(pk__in=keeping)
            dropped = {one["path"] for snapshot in old for one in snapshot.files}
            count = old.update(state=Snapshot.State.EXPIRED)
        needed = _named(data_class.pk)
        for relative in dropped - needed:
            path = layout.file_path(relative)
            path.unlink(missing_ok=True)
            if path.parent.exists() and not any(path.parent.iterdir()):
                path.parent.rmdir()
    return count


def _named(class_id: str) -> set[str]:
    kept = Snapshot.objects.filter(data_class=class_id).exclude(state=Snapshot.State.EXPIRED)
    return {one["path"] for files in kept.values_list("files", flat=True) for one in files}


def sweep(older_than: float = ORPHAN_SECONDS) -> int:
    """Remove what crashes left: files of the lake that no kept version names, and work of runs that are over.

    Nothing younger than `older_than` seconds is touched, as a run may be about to name it. Returns how many.
    """
    limit = time.time() - older_than
    removed = 0
    root = layout.lake_root()
    for folder in sorted(root.iterdir()) if root.exists() else []:
        needed = _named(folder.name)
        for path in sorted(folder.rglob("*.parquet")):
            if str(path.relative_to(root)) not in needed and path.stat().st_mtime < limit:
                path.unlink(missing_ok=True)
                removed += 1
        for version in sorted(folder.iterdir()):
            if version.is_dir() and version.stat().st_mtime < limit and not any(version.iterdir()):
                version.rmdir()
    alive = {f"run-{pk}" for pk in Run.objects.filter(state__in=Run.OPEN).values_list("pk", flat=True)}
    for entry in layout.work_root().iterdir():
        if entry.name not in alive and entry.stat().st_mtime < limit:
            shutil.rmtree(entry, ignore_errors=True) if entry.is_dir() else entry.unlink(missing_ok=True)
            removed += 1
    return removed
