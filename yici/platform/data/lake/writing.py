"""Publishing: accepted rows become a new version of their class, visible whole or not at all.

Files are written aside, forced to disk and moved into a folder of their own; then one database transaction names them
and turns `DataClass.current`. A crash before it leaves orphans that `upkeep.sweep` removes, a crash after it nothing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import DatabaseError, transaction
from django.db import connection as database
from django.utils.translation import gettext as _

from yici.base import clock
from yici.platform.data.catalogue.definition import ClassDefinition
from yici.platform.data.disk import disk_full_is_told, move_into_place, sha256_of
from yici.platform.data.engines.duckdb import connect
from yici.platform.data.errors import LoadInProgress
from yici.platform.data.lake import layout
from yici.platform.data.lake.errors import ShrunkTooFar
from yici.platform.data.lake.merging import Counts, Delivery, Part
from yici.platform.data.lake.reading import current_of
from yici.platform.data.models import ClassChannel, DataClass, Run, Snapshot

__all__ = ["Placed", "digest_of", "moved", "next_number", "note_success", "one_at_a_time", "publish", "show"]

SHRINK_LIMIT = 0.3
SHRINK_ROWS = 1_000  # up to this many rows a class may shrink as it likes
Within = Callable[[Snapshot], None]


def publish(
    data_class: DataClass,
    accepted: Sequence[Path],
    *,
    definition: ClassDefinition,
    mode: str,
    run: Run | None,
    data_date: dt.date,
    channel: ClassChannel | None = None,
    cursor: dict[str, Any] | None = None,
    allow_shrink: bool = False,
    held: Path | None = None,
    within: Within | None = None,
) -> Snapshot:
    """Publish accepted rows (Parquet in lake types, beside them `_row`) and return the version that stands now.

    A full delivery replaces the class, but for the rows whose keys (`held`, a Parquet file) came and were held back: of
    those the standing row is kept. An increment or a replay is put in by key. Where nothing changes the standing
    version is returned and no new one made. `within(snapshot)` runs in the transaction that shows the version; what
    it raises undoes everything. Raises `LoadInProgress`, `ShrunkTooFar`, `KeyUnusable`, `LayoutChanged`, `DiskFull`.
    """

    def also(snapshot: Snapshot) -> None:
        note_success(channel, cursor)
        if within:
            within(snapshot)

    with one_at_a_time(data_class.pk), disk_full_is_told(), connect() as engine:
        current = current_of(data_class.pk)
        number = next_number(data_class)
        delivery = Delivery(engine, definition, accepted, current, mode, number, held)
        guards = delivery.replaces and not allow_shrink
        if guards:
            _refuse_a_shrunken_class(delivery.standing, delivery.standing - delivery.rows)
        if current is not None and delivery.changes_nothing():
            with transaction.atomic():
                also(current)
            return current
        with _work_folder(data_class.pk) as aside:
            merged = delivery.write(aside)
            if guards:
                _refuse_a_shrunken_class(delivery.standing, merged.counts.removed)
            with moved(aside, layout.new_version_folder(data_class.pk, number), merged.files) as placed:
                snapshot = _snapshot(
                    data_class, current, number, mode, run, data_date, merged.counts, placed.files, delivery.shape
                )
                snapshot.kept = delivery.kept
                return show(snapshot, placed, also)


@contextmanager
def one_at_a_time(slug: str) -> Iterator[None]:
    """Nobody else publishes to, merges or cleans the class meanwhile. Raises `LoadInProgress` while somebody does."""
    key = int.from_bytes(hashlib.sha256(f"lake:{slug}".encode()).digest()[:8], "big", signed=True)
    # In somebody's transaction the lock ends with it: an error there would leave no way to give it back.
    lock = "pg_try_advisory_xact_lock" if database.in_atomic_block else "pg_try_advisory_lock"
    with database.cursor() as cursor:
        cursor.execute(f"SELECT {lock}(%s)", [key])
        if not cursor.fetchone()[0]:
            raise LoadInProgress
    try:
        yield
    finally:
        if not database.in_atomic_block:
            _unlock(key)


def _unlock(key: int) -> None:
    try:
        with database.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
    except DatabaseError:  # the connection is gone or useless, and the lock with it
        database.close()


def next_number(data_class: DataClass) -> int:
    return (data_class.snapshots.order_by("-number").values_list("number", flat=True).first() or 0) + 1


def _refuse_a_shrunken_class(standing: int, removed: int) -> None:
    if standing > SHRINK_ROWS and removed > standing * SHRINK_LIMIT:
        words = _(
            "现有 {standing:,} 行，这次全量数据要去掉其中 {removed:,} 行，可能没有传完，已拒收；确认属实后可以放行重试。"
        )
        raise ShrunkTooFar(words.format(standing=standing, removed=removed))


@contextmanager
def _work_folder(slug: str) -> Iterator[Path]:
    folder = layout.new_work_folder(slug)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Placed:
    """The manifest of a version whose files stand where they will stay. `may_be_shown`: a transaction names them, or tried."""

    files: list[dict[str, Any]] = field(default_factory=list)
    may_be_shown: bool = False


@contextmanager
def moved(aside: Path, target: Path, files: Sequence[Part | dict[str, Any]]) -> Iterator[Placed]:
    """Move written files into `target`; what fails before they are shown removes them again.

    A commit that fails may have succeeded all the same, where only its answer got lost: then the files stay, and `sweep`
    removes them if no version names them.
    """
    placed = Placed()
    try:
        if any(isinstance(one, Part) for one in files):
            move_into_place(aside, target)
        placed.files += [_entry(target, one) if isinstance(one, Part) else one for one in files]
        yield placed
    except BaseException:
        if not placed.may_be_shown:
            shutil.rmtree(target, ignore_errors=True)
        raise


def _entry(target: Path, part: Part) -> dict[str, Any]:
    path = target / part.path.name
    return {
        "path": str(path.relative_to(layout.lake_root())),
        "bytes": path.stat().st_size,
        "sha256": sha256_of(path),
        **part.entry,
    }


def show(snapshot: Snapshot, placed: Placed, also: Within) -> Snapshot:
    """Make a version the current one, and whatever `also` does, in one transaction.

    Raises `LoadInProgress` where another version was shown meanwhile, though none could while the class is locked.
    """
    with transaction.atomic():
        snapshot.save()
        standing = DataClass.objects.filter(pk=snapshot.data_class_id, current=snapshot.parent_id)
        if not standing.update(current=snapshot):
            raise LoadInProgress
        also(snapshot)
        placed.may_be_shown = True  # what fails from here on, fails in the commit or after it
    snapshot.data_class.current = snapshot
    return snapshot


def note_success(channel: ClassChannel | None, cursor: dict[str, Any] | None = None) -> None:
    """The channel brought all it has just now; `cursor`: where its next pull begins."""
    if channel is None:
        return
    channel.last_success_at = clock.now()
    if cursor is not None:
        channel.cursor = cursor
    channel.save(update_fields=["last_success_at", "cursor"] if cursor is not None else ["last_success_at"])


def digest_of(files: Sequence[dict[str, Any]]) -> str:
    """SHA-256 over the canonical list of files."""
    return hashlib.sha256(json.dumps(files, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _snapshot(
    data_class: DataClass,
    current: Snapshot | None,
    number: int,
    mode: str,
    run: Run | None,
    data_date: dt.date,
    counts: Counts,
    files: list[dict[str, Any]],
    columns: list[dict[str, Any]],
) -> Snapshot:
    return Snapshot(
        data_class=data_class,
        number=number,
        mode=mode,
        parent=current,
        run=run,
        data_date=data_date,
        row_count=counts.rows,
        byte_count=sum(one["bytes"] for one in files),
        added=counts.added,
        changed=counts.changed,
        removed=counts.removed,
        files=files,
        columns=columns,
        digest=digest_of(files),
        published_at=clock.now(),
    )
