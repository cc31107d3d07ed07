"""What is delivered and what stands become the files of a new version, sorted by key, in one DuckDB connection.

A full delivery replaces all rows. An increment is put in by key, and only the files whose stretch of keys it touches are
written anew; the others are carried over by name. Each file is sorted by a query of its own, so that memory does not grow
with the class. Everything that was written is read once more and counted.
"""

# ruff: noqa: S608 - SQL is what this module makes; names and texts are quoted by `composing`

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from yici.base.errors import Misconfigured
from yici.base.sql import paths, quoted, text
from yici.platform.data.catalogue.definition import ClassDefinition
from yici.platform.data.lake import layout
from yici.platform.data.lake.composing import (
    HASH,
    HASHING,
    SINCE,
    columns_of,
    hash_expression,
    hashing_of,
    hashing_of_file,
    key_of,
    names,
    one_row,
    same,
    typed,
)
from yici.platform.data.lake.errors import KeyUnusable, LayoutChanged
from yici.platform.data.models import Snapshot

__all__ = ["PART_ROWS", "ROW_GROUP", "Counts", "Delivery", "Merged", "Part", "describe", "write_sorted"]

PART_ROWS = 2_000_000  # a file holds about that many rows at most
ROW_GROUP = 122_880  # a point look-up decodes one group; DuckDB's own block
BUCKETS_FROM = 9  # files: from here on it is cheaper to part the delivery once than to read it for each file
_SAMPLE = 20_000  # keys drawn for each file; they cut a class into stretches that are even to some 2 %
_SEED = 341600

Entry = dict[str, Any]


@dataclass(frozen=True)
class Counts:
    """How a new version differs from the one before."""

    rows: int
    added: int
    changed: int
    removed: int


@dataclass(frozen=True)
class Part:
    """One written file. `entry`: what the manifest says of it, without path, bytes and checksum. `fresh`: rows of this version."""

    path: Path
    entry: Entry
    fresh: int


@dataclass(frozen=True)
class Merged:
    """Files of the new version in the order of keys: written ones and entries carried over from the one before."""

    files: tuple[Part | Entry, ...]
    counts: Counts


@dataclass(frozen=True)
class _Stretch:
    """First keys of one file to write: `low` excluded, `high` included, None open. `files`: those that may hold such keys now."""

    files: tuple[Entry, ...]
    low: str | None = None
    high: str | None = None


class Delivery:
    """Accepted rows against the version that stands. Raises `KeyUnusable` for rows without their key.

    `held`: keys (Parquet) of rows that came and were held back. A full delivery keeps the standing row of such a key, as
    the department still has it; `kept` counts them.
    """

    def __init__(
        self,
        engine: DuckDBPyConnection,
        definition: ClassDefinition,
        accepted: Sequence[Path],
        current: Snapshot | None,
        mode: str,
        number: int,
        held: Path | None = None,
    ) -> None:
        self.engine = engine
        self.current = current if current is not None and current.row_count else None
        self.replaces = mode == Snapshot.Mode.FULL
        self.number = number
        self.shape = columns_of(definition)
        self.columns = [one["name"] for one in self.shape]
        self.keys = key_of(self.shape)
        self.key = quoted(self.keys[0])
        self.key_type = next(one["type"] for one in self.shape if one["name"] == self.keys[0])
        self.hashing = hashing_of(engine, self.shape)
        self.has_same_shape = current is not None and current.columns == self.shape and self._hashes_alike(current)
        self.kept = 0
        self._open(accepted, held)
        self.rows, self.hash_sum = self._tally()

    def _hashes_alike(self, current: Snapshot) -> bool:
        return all(hashing_of_file(layout.file_path(one["path"])) == self.hashing for one in current.files[:1])

    def _open(self, accepted: Sequence[Path], held: Path | None) -> None:
        if accepted:
            source = f"SELECT {names(self.columns)} FROM read_parquet({paths(accepted)})"
        else:
            empty = ", ".join(f"NULL::{one['type']} AS {quoted(one['name'])}" for one in self.shape)
            source = f"SELECT {empty} WHERE false"
        if held is not None and self.current is not None and self.replaces and self.has_same_shape:
            self._keep_last_good(source, held)
            source += f" UNION ALL SELECT {names(self.columns)} FROM kept"
        self.engine.execute(
            f"CREATE TEMP VIEW delivered AS SELECT *, {hash_expression(self.columns)} AS {HASH} FROM ({source})"
        )

    def _keep_last_good(self, source: str, held: Path) -> None:
        """Fills `kept`: rows that stand under a key that was held back and was not accepted in another row."""
        assert self.current is not None
        standing = self._standing(self.current.files)
        keys = f"SELECT DISTINCT {names(self.keys)} FROM read_parquet({text(held)})"
        self.engine.execute(
            f"CREATE TEMP TABLE kept AS SELECT s.* FROM (SELECT {names(self.columns)} FROM {standing} AS old"
            f" SEMI JOIN ({keys}) AS h ON {same(self.keys, 'old', 'h')}) AS s"
            f" ANTI JOIN ({source}) AS n ON {same(self.keys, 's', 'n')}"
        )
        self.kept = int(one_row(self.engine, "SELECT count(*) FROM kept")[0])

    def _tally(self) -> tuple[int, int]:
        """Rows, and the sum of their hashes where there is something to compare it with."""
        total = f"coalesce(sum({HASH}), 0)" if self.current and self.replaces else "0"
        missing = " OR ".join(f"{quoted(key)} IS NULL" for key in self.keys)
        rows, hash_sum, without = one_row(
            self.engine, f"SELECT count(*), {total}, count(*) FILTER ({missing}) FROM delivered"
        )
        if without:
            raise KeyUnusable
        return int(rows), int(hash_sum)

    @property
    def standing(self) -> int:
        return self.current.row_count if self.current else 0

    def changes_nothing(self) -> bool:
        """Whether the new version would have the rows that stand. Sums of hashes are blind to order, and cheap."""
        if not self.has_same_shape:
            return False
        if self.current is None:
            return self.rows == 0
        if self.replaces:
            known = sum(int(one["hash_sum"]) for one in self.current.files)
            return self.rows == self.standing and self.hash_sum == known
        standing = self._standing(self.current.files)
        agree = f"{same(self.keys, 'n', 's')} AND n.{HASH} = s.{HASH}"
        known = one_row(self.engine, f"SELECT count(*) FROM delivered n SEMI JOIN {standing} s ON {agree}")[0]
        return bool(self.rows == known)

    # Writing ------------------------------------------------------------------------------------------------

    def write(self, aside: Path) -> Merged:
        """Write the files into the folder `aside`, and count. Raises `KeyUnusable`, `LayoutChanged`."""
        try:
            files, touched = self._patched(aside) if self._can_carry_over() else self._whole(aside)
        except duckdb.ConversionException as error:
            raise LayoutChanged from error
        return Merged(_without_empty(files), self._counted(files, touched))

    def _can_carry_over(self) -> bool:
        return self.current is not None and not self.replaces and self.has_same_shape

    def _whole(self, aside: Path) -> tuple[tuple[Part | Entry, ...], list[Entry]]:
        files = list(self.current.files) if self.current else []
        rows = self.rows if self.replaces else self.rows + self.standing
        every = _Stretch(tuple(files))
        return tuple(self._written(aside, self._cut(every, rows))), files

    def _patched(self, aside: Path) -> tuple[tuple[Part | Entry, ...], list[Entry]]:
        """Write stretches anew into which something was delivered; a file that would grow too large becomes several."""
        assert self.current is not None
        standing = self.current.files
        highs = [one["key_max"] for one in standing[:-1]]
        delivered = self._delivered_by_file(highs)
        stretches = [
            _Stretch((one,), low, high) for one, low, high in zip(standing, [None, *highs], [*highs, None], strict=True)
        ]
        touched = [place for place in range(len(standing)) if delivered.get(place)]
        cuts = {place: self._cut(stretches[place], standing[place]["rows"] + delivered[place]) for place in touched}
        written = iter(self._written(aside, [cut for place in touched for cut in cuts[place]]))
        files: list[Part | Entry] = []
        for place, one in enumerate(standing):
            files += [next(written) for _cut in cuts[place]] if place in cuts else [one]
        return tuple(files), [standing[place] for place in touched]

    def _delivered_by_file(self, highs: list[str]) -> dict[int, int]:
        """How many delivered rows belong into each file of the standing version."""
        if not highs:
            return {0: self.rows}
        bucket = self._bucket(highs)
        found = self.engine.execute(f"SELECT {bucket} AS bucket, count(*) FROM delivered GROUP BY 1").fetchall()
        return {int(place): int(rows) for place, rows in found}

    def _cut(self, stretch: _Stretch, rows: int) -> list[_Stretch]:
        """The stretch in as many of about the same size as it takes for `rows` rows."""
        parts = -(-rows // PART_ROWS)
        if parts <= 1:
            return [stretch]
        condition = self._within(stretch.low, stretch.high)
        source = f"SELECT {self.key} AS k FROM delivered WHERE {condition}"
        if stretch.files and not self.replaces:
            source += f" UNION ALL SELECT {self.key} FROM {self._standing(stretch.files)} WHERE {condition}"
        share = min(100.0, 100.0 * _SAMPLE * parts / rows)
        shares = [part / parts for part in range(1, parts)]
        found = one_row(
            self.engine,
            f"SELECT CAST(quantile_disc(k, {shares}) AS VARCHAR[]) FROM"
            f" (SELECT k FROM ({source}) USING SAMPLE {share} PERCENT (bernoulli, {_SEED}))",
        )[0]
        bounds = list(dict.fromkeys(found or []))
        return [
            _Stretch(self._overlapping(stretch.files, low, high), low, high)
            for low, high in zip([stretch.low, *bounds], [*bounds, stretch.high], strict=True)
        ]

    def _overlapping(self, files: Sequence[Entry], low: str | None, high: str | None) -> tuple[Entry, ...]:
        """Files that hold such keys. Those of a version with another key or other types may be any."""
        if not self.has_same_shape:
            return tuple(files)
        below = None if low is None else typed(low, self.key_type)
        above = None if high is None else typed(high, self.key_type)
        return tuple(
            one
            for one in files
            if (below is None or typed(one["key_max"], self.key_type) > below)
            and (above is None or typed(one["key_min"], self.key_type) <= above)
        )

    def _bucket(self, highs: Sequence[str]) -> str:
        """The place of the first key among stretches that end with these keys, found by halving."""

        def between(first: int, last: int) -> str:
            if first == last:
                return str(first)
            middle = (first + last) // 2
            left, right = between(first, middle), between(middle + 1, last)
            return f"CASE WHEN {self.key} <= {self._literal(highs[middle])} THEN {left} ELSE {right} END"

        return between(0, len(highs))

    def _within(self, low: str | None, high: str | None) -> str:
        bounds = [f"{self.key} > {self._literal(low)}"] if low is not None else []
        bounds += [f"{self.key} <= {self._literal(high)}"] if high is not None else []
        return " AND ".join(bounds) or "true"

    def _literal(self, value: str) -> str:
        return f"CAST({text(value)} AS {self.key_type})"

    def _merge(self, files: Sequence[Entry], delivered: str, condition: str) -> str:
        """Rows of the new version that lie within the condition on the first key; unchanged ones keep their `_since`."""
        new = f"(SELECT * FROM {delivered} WHERE {condition})"
        if not files:
            return f"SELECT *, {self.number}::INTEGER AS {SINCE} FROM {new}"
        standing = f"(SELECT * FROM {self._standing(files)} WHERE {condition})"
        known = f"(SELECT {names(self.keys)}, {HASH}, {SINCE} FROM {standing})"
        agree = f"{same(self.keys, 'n', 's')} AND n.{HASH} = s.{HASH}"
        delivered = f"SELECT n.*, coalesce(s.{SINCE}, {self.number})::INTEGER AS {SINCE} FROM {new} n LEFT JOIN {known} s ON {agree}"
        if self.replaces:
            return delivered
        rest = f"SELECT s.* FROM {standing} s ANTI JOIN {new} n ON {same(self.keys, 'n', 's')}"
        return f"{delivered} UNION ALL {rest}"

    def _standing(self, files: Sequence[Entry]) -> str:
        """Rows that stand, with the columns of today: one that they lack is empty, their hashes are made today's way."""
        source = f"read_parquet({paths(layout.file_path(one['path']) for one in files)})"
        if self.has_same_shape:
            return f"(SELECT {names(self.columns)}, {HASH}, {SINCE} FROM {source})"
        assert self.current is not None
        held = {one["name"] for one in self.current.columns}
        cast = "TRY_CAST" if self.replaces else "CAST"  # what is replaced is only compared; else no value may get lost
        own = ", ".join(
            f"{cast}({quoted(one['name']) if one['name'] in held else 'NULL'} AS {one['type']}) AS {quoted(one['name'])}"
            for one in self.shape
        )
        inner = f"SELECT {own}, {SINCE} FROM {source}"
        return f"(SELECT {names(self.columns)}, {hash_expression(self.columns)} AS {HASH}, {SINCE} FROM ({inner}))"

    def _written(self, aside: Path, stretches: list[_Stretch]) -> list[Part]:
        """One file for each stretch, in their order."""
        written = []
        with self._parted(aside, stretches) as delivered:
            for place, stretch in enumerate(stretches):
                query = self._merge(stretch.files, delivered[place], self._within(stretch.low, stretch.high))
                path = aside / f"part-{place:04d}.parquet"
                write_sorted(self.engine, query, self.keys, path, self.hashing)
                written.append(path)
        return describe(self.engine, written, self.keys, self.number)

    @contextmanager
    def _parted(self, aside: Path, stretches: list[_Stretch]) -> Iterator[list[str]]:
        """Where the delivered rows of each stretch are read: all from the delivery, or each from its part of it."""
        if len(stretches) < BUCKETS_FROM:
            yield ["delivered"] * len(stretches)
            return
        folder = aside.with_name(f"{aside.name}.parted")
        bucket = self._bucket([str(one.high) for one in stretches[:-1]])
        try:
            self.engine.execute(
                f"COPY (SELECT *, {bucket} AS _bucket FROM delivered) TO {text(folder)}"
                " (FORMAT parquet, COMPRESSION snappy, PARTITION_BY (_bucket))"
            )
            files = [sorted((folder / f"_bucket={place}").glob("*.parquet")) for place in range(len(stretches))]
            yield [
                f"read_parquet({paths(one)}, hive_partitioning = false)" if one else "(SELECT * FROM delivered LIMIT 0)"
                for one in files
            ]
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    # Counting -----------------------------------------------------------------------------------------------

    def _counted(self, files: Sequence[Part | Entry], touched: list[Entry]) -> Counts:
        """Raises `Misconfigured` where rows got lost on the way, which must not be shown to anybody."""
        parts = [one for one in files if isinstance(one, Part)]
        carried = sum(one["rows"] for one in files if not isinstance(one, Part))
        rows = carried + sum(part.entry["rows"] for part in parts)
        fresh = sum(part.fresh for part in parts)
        changed = self._changed([part.path for part in parts if part.fresh], touched) if fresh and touched else 0
        counts = Counts(rows, fresh - changed, changed, self.standing - (rows - (fresh - changed)))
        is_whole = rows == self.rows if self.replaces else counts.removed == 0
        if not is_whole or min(counts.removed, counts.added) < 0:
            raise Misconfigured(f"写出的行数与应有的不符，已撤销：{counts}")
        return counts

    def _changed(self, written: list[Path], touched: list[Entry]) -> int:
        fresh = f"(SELECT {names(self.keys)} FROM read_parquet({paths(written)}) WHERE {SINCE} = {self.number})"
        standing = f"read_parquet({paths(layout.file_path(one['path']) for one in touched)})"
        if not self.has_same_shape:
            standing = self._standing(touched)
        return int(
            one_row(
                self.engine, f"SELECT count(*) FROM {fresh} n SEMI JOIN {standing} s ON {same(self.keys, 'n', 's')}"
            )[0]
        )


def write_sorted(engine: DuckDBPyConnection, query: str, keys: Sequence[str], path: Path, hashing: str) -> None:
    """Write the rows of a query sorted by key. The file itself names its `hashing`.

    Never let DuckDB cut a sorted result into several files: then it writes with several threads and loses the order.
    """
    engine.execute(
        f"COPY (SELECT * FROM ({query}) ORDER BY {names(keys)}) TO {text(path)} (FORMAT parquet, COMPRESSION zstd,"
        f" ROW_GROUP_SIZE {ROW_GROUP}, KV_METADATA {{{HASHING}: {text(hashing)}}})"
    )


def describe(engine: DuckDBPyConnection, written: list[Path], keys: Sequence[str], number: int) -> list[Part]:
    """Read written files once more: rows, keys, sums of hashes.

    Raises `KeyUnusable` where a key stands twice, `Misconfigured` where the order is wrong.
    """
    key = quoted(keys[0])
    order = key if len(keys) == 1 else f"row({names(keys)})"
    found = engine.execute(
        f"SELECT file, count(*), CAST(sum({HASH}) AS VARCHAR), CAST(min({key}) AS VARCHAR), CAST(max({key}) AS VARCHAR),"
        f" count(*) FILTER ({SINCE} = {int(number)}), count(*) FILTER (own = before), count(*) FILTER (own < before)"
        f" FROM (SELECT filename AS file, {key}, {HASH}, {SINCE}, {order} AS own, lag({order}) OVER () AS before"
        f" FROM read_parquet({paths(written)}, filename = true)) GROUP BY file"
    ).fetchall()
    if any(one[6] for one in found):
        raise KeyUnusable
    if any(one[7] for one in found):
        raise Misconfigured("写出的文件没有按主键排序，已撤销。")
    facts = {one[0]: one[1:6] for one in found}
    parts = []
    for path in written:
        rows, hash_sum, low, high, fresh = facts.get(str(path), (0, "0", None, None, 0))
        entry = {"rows": rows, "key_min": low, "key_max": high, "hash_sum": hash_sum}
        parts.append(Part(path, entry, fresh))
    return parts


def _without_empty(files: Sequence[Part | Entry]) -> tuple[Part | Entry, ...]:
    """A last stretch may hold no key, where the first key column repeats; a version has at least one file."""
    empty = [one for one in files if isinstance(one, Part) and not one.entry["rows"]]
    if len(empty) == len(files):
        empty = empty[1:]
    for part in empty:
        part.path.unlink()
    return tuple(one for one in files if not any(one is part for part in empty))
