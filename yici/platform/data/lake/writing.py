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
from pathlib import Path
from typing import Any

from django.db import connection as database
from django.db import transaction
from duckdb import DuckDBPyConnection

from yici.base import clock
from yici.base.errors import Misconfigured
from yici.platform.data.catalogue.definition import ClassDefinition
from yici.platform.data.engines.duckdb import connect
from yici.platform.data.errors import LoadInProgress
from yici.platform.data.lake import layout
from yici.platform.data.lake.composing import (
    HASH,
    SINCE,
    Counts,
    Span,
    columns_of,
    hash_expression,
    name,
    paths,
    spans_of,
    text,
)
from yici.platform.data.lake.errors import ShrunkTooFar
from yici.platform.data.lake.files import disk_full_is_told, force_to_disk, sha256_of
from yici.platform.data.lake.reading import current_of
from yici.platform.data.models import ClassChannel, DataClass, Run, Snapshot

__all__ = ["PART_ROWS", "one_at_a_time", "publish"]

PART_ROWS = 2_000_000
ROW_GROUP = 122_880
SHRINK_LIMIT = 0.3
SHRINK_ROWS = 1_000  # below this many rows a class may shrink as it likes
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
    within: Within | None = None,
) -> Snapshot:
    """Publish accepted rows (Parquet in lake types, beside them `_row`) and return the version that stands now.

    A full delivery replaces the class, an increment or a replay is put in by key. Where nothing changes the standing
    version is returned and no new one made. `within(snapshot)` runs in the transaction that shows the version; what
    it raises undoes everything. Raises `LoadInProgress`, `ShrunkTooFar`, `DiskFull`.
    """
    with one_at_a_time(data_class.pk):
        current = current_of(data_class.pk)
        number = (data_class.snapshots.order_by("-number").values_list("number", flat=True).first() or 0) + 1
        target = layout.version_folder(data_class.pk, number, run.pk if run else None)
        with connect() as engine, disk_full_is_told():
            writer = _Writer(engine, definition, list(accepted), current, mode, number)
            counts = writer.count()
            if mode == Snapshot.Mode.FULL and not allow_shrink:
                _refuse_a_shrunken_class(counts)
            if counts.is_nothing and current is not None and writer.same_columns():
                return _stands(data_class, current, channel, cursor, within)
            try:
                files = writer.write(target)
                return _show(
                    data_class, current, channel, cursor, within,
                    _snapshot(data_class, current, number, mode, run, data_date, counts, files, definition),
                )  # fmt: skip
            except BaseException:
                shutil.rmtree(target, ignore_errors=True)
                raise


@contextmanager
def one_at_a_time(slug: str) -> Iterator[None]:
    """Nobody else publishes to, merges or cleans the class meanwhile. Raises `LoadInProgress` while somebody does."""
    key = int.from_bytes(hashlib.sha256(f"lake:{slug}".encode()).digest()[:8], "big", signed=True)
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        if not cursor.fetchone()[0]:
            raise LoadInProgress
    try:
        yield
    finally:
        if not database.needs_rollback:
            with database.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def _refuse_a_shrunken_class(counts: Counts) -> None:
    if counts.standing > SHRINK_ROWS and counts.removed > counts.standing * SHRINK_LIMIT:
        raise ShrunkTooFar


def _stands(
    data_class: DataClass,
    current: Snapshot,
    channel: ClassChannel | None,
    cursor: dict[str, Any] | None,
    within: Within | None,
) -> Snapshot:
    with transaction.atomic():
        _note_success(channel, cursor)
        if within:
            within(current)
    return current


def _show(
    data_class: DataClass,
    current: Snapshot | None,
    channel: ClassChannel | None,
    cursor: dict[str, Any] | None,
    within: Within | None,
    snapshot: Snapshot,
) -> Snapshot:
    with transaction.atomic():
        snapshot.save()
        flipped = DataClass.objects.filter(pk=data_class.pk, current=current).update(current=snapshot)
        if not flipped:
            raise LoadInProgress
        _note_success(channel, cursor)
        if within:
            within(snapshot)
    data_class.current = snapshot
    return snapshot


def _note_success(channel: ClassChannel | None, cursor: dict[str, Any] | None) -> None:
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
    definition: ClassDefinition,
) -> Snapshot:
    return Snapshot(
        data_class=data_class,
        number=number,
        mode=mode,
        parent=current,
        run=run,
        data_date=data_date,
        row_count=sum(one["rows"] for one in files),
        byte_count=sum(one["bytes"] for one in files),
        added=counts.added,
        changed=counts.changed,
        removed=counts.removed,
        files=files,
        columns=columns_of(definition),
        digest=digest_of(files),
        published_at=clock.now(),
    )


class _Writer:
    """Composes one version in one DuckDB connection."""

    def __init__(
        self,
        engine: DuckDBPyConnection,
        definition: ClassDefinition,
        accepted: list[Path],
        current: Snapshot | None,
        mode: str,
        number: int,
    ) -> None:
        self.engine = engine
        self.definition = definition
        self.current = current
        self.replaces = mode == Snapshot.Mode.FULL
        self.number = number
        self._carried: list[dict[str, Any]] = []
        self.columns = [column.name for column in definition.columns]
        self.keys = [name(column) for column in definition.key]
        self.key = self.keys[0]
        own = ", ".join(name(column) for column in self.columns)
        engine.execute(
            f"CREATE VIEW delivered AS SELECT {own}, {hash_expression(self.columns)} AS {HASH} "  # noqa: S608
            f"FROM read_parquet({paths(accepted)})"
        )
        self.standing_files = [layout.file_path(one["path"]) for one in current.files] if current else []

    def same_columns(self) -> bool:
        return self.current is not None and self.current.columns == columns_of(self.definition)

    def count(self) -> Counts:
        """Compare keys and hashes with the standing version."""
        delivered = self._one("SELECT count(*) FROM delivered")[0]
        if self.current is None or not self.standing_files:
            return Counts(delivered, delivered, 0, 0, 0)
        self._view_standing()
        matched, changed = self._one(
            f"SELECT count(*), count(*) FILTER (n.{HASH} <> s.{HASH}) "  # noqa: S608
            f"FROM delivered n JOIN standing s ON {self._same_key('n', 's')}"
        )
        standing = self.current.row_count
        return Counts(delivered, delivered - matched, changed, standing - matched if self.replaces else 0, standing)

    def write(self, target: Path) -> list[dict[str, Any]]:
        """Write the files into `target`, which is not there before, and describe them for the manifest."""
        aside = layout.work_root() / f"publish-{target.parent.name}-{target.name}"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        try:
            written = self._rewritten(aside) if self._is_whole() else self._patched(aside)
            if target.exists():
                raise Misconfigured(f"版本目录 {target} 已经存在。")
            target.parent.mkdir(parents=True, exist_ok=True)
            for path, _span in written:
                force_to_disk(path)
            force_to_disk(aside)
            aside.rename(target)
            force_to_disk(target.parent)
        except BaseException:
            shutil.rmtree(aside, ignore_errors=True)
            raise
        fresh = [self._described(target / path.name, span) for path, span in written]
        return sorted([*self._carried, *fresh], key=lambda one: (one["low"] is not None, str(one["low"] or "")))

    # A whole new version, or only the files that an increment touches -----------------------------------------

    def _is_whole(self) -> bool:
        return self.replaces or not self.standing_files or not self.same_columns()

    def _rewritten(self, aside: Path) -> list[tuple[Path, Span]]:
        self._carried = []
        source = f"({self._merged('true')})"
        rows = self._one(f"SELECT count(*) FROM {source}")[0]  # noqa: S608
        spans = spans_of(self.engine, source, self.key, rows, PART_ROWS)
        return self._parts(aside, spans)

    def _patched(self, aside: Path) -> list[tuple[Path, Span]]:
        """Rewrite only files in whose stretch of keys something was delivered; the others are carried over."""
        assert self.current is not None
        touched: list[Span] = []
        self._carried = []
        for one in self.current.files:
            span = Span(one["low"], one["high"])
            found = self._one(f"SELECT count(*) FROM delivered WHERE {span.condition(self.key)}")[0]  # noqa: S608
            if found:
                touched.append(span)
            else:
                self._carried.append(one)
        return self._parts(aside, touched)

    def _parts(self, aside: Path, spans: list[Span]) -> list[tuple[Path, Span]]:
        written = []
        for place, span in enumerate(spans):
            path = aside / f"part-{place:04d}.parquet"
            self.engine.execute(
                f"COPY ({self._merged(span.condition(self.key))} ORDER BY {', '.join(self.keys)}) TO {text(str(path))} "
                f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
            )
            written.append((path, span))
        return written

    def _merged(self, condition: str) -> str:
        """Rows of the new version within the condition on the first key column."""
        own = ", ".join(f"n.{name(column)}" for column in self.columns)
        new = f"(SELECT * FROM delivered WHERE {condition})"  # noqa: S608
        if not self.standing_files:
            return f"SELECT {own}, n.{HASH}, {self.number} AS {SINCE} FROM {new} n"  # noqa: S608
        old = f"(SELECT * FROM standing WHERE {condition})"  # noqa: S608
        changed = f"CASE WHEN s.{HASH} = n.{HASH} THEN s.{SINCE} ELSE {self.number} END AS {SINCE}"
        delivered = f"SELECT {own}, n.{HASH}, {changed} FROM {new} n LEFT JOIN {old} s ON {self._same_key('n', 's')}"  # noqa: S608
        if self.replaces:
            return delivered
        kept = ", ".join(f"s.{name(column)}" for column in self.columns)
        rest = f"SELECT {kept}, s.{HASH}, s.{SINCE} FROM {old} s ANTI JOIN {new} n ON {self._same_key('n', 's')}"  # noqa: S608
        return f"SELECT * FROM ({delivered} UNION ALL {rest})"  # noqa: S608

    def _view_standing(self) -> None:
        """The standing version with the columns of today: one that it lacks is empty in its rows."""
        assert self.current is not None
        held = {one["name"] for one in self.current.columns}
        types = {one["name"]: one["type"] for one in columns_of(self.definition)}
        own = ", ".join(
            f"CAST({name(column) if column in held else 'NULL'} AS {types[column]}) AS {name(column)}"
            for column in self.columns
        )
        plain = ", ".join(name(column) for column in self.columns)
        hashed = HASH if self.same_columns() else f"{hash_expression(self.columns)} AS {HASH}"
        inner = f"SELECT {own}, {SINCE}{f', {HASH}' if self.same_columns() else ''} FROM read_parquet({paths(self.standing_files)})"  # noqa: S608
        self.engine.execute(f"CREATE VIEW standing AS SELECT {plain}, {hashed}, {SINCE} FROM ({inner})")  # noqa: S608

    def _same_key(self, left: str, right: str) -> str:
        return " AND ".join(f"{left}.{key} = {right}.{key}" for key in self.keys)

    def _described(self, path: Path, span: Span) -> dict[str, Any]:
        """One entry of the manifest. Raises `Misconfigured` where a key stands twice; files share no keys."""
        rows, keys, low, high = self._one(
            f"SELECT count(*), count(DISTINCT ({', '.join(self.keys)})), CAST(min({self.key}) AS VARCHAR), CAST(max({self.key}) AS VARCHAR) "  # noqa: S608
            f"FROM read_parquet({text(str(path))})"
        )
        if rows != keys:
            raise Misconfigured(f"{self.definition.id} 的主键在同一批数据中重复，入库前应已隔离。")
        return {
            "path": str(path.relative_to(layout.lake_root())),
            "rows": rows,
            "bytes": path.stat().st_size,
            "sha256": sha256_of(path),
            "key_min": low,
            "key_max": high,
            "low": None if span.low is None else str(span.low),
            "high": None if span.high is None else str(span.high),
        }

    def _one(self, sql: str) -> tuple[Any, ...]:
        found = self.engine.execute(sql).fetchone()
        assert found is not None
        return tuple(found)
