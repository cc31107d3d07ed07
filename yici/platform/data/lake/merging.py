"""What is delivered and what stands become the files of a new version, sorted by key, in one DuckDB connection.

A full delivery replaces all rows. An increment is put in by key, and only the files whose stretch of keys it touches are
written anew; the others are carried over by name. Everything that was written is read once more and counted.
"""

# ruff: noqa: S608 - SQL is what this module makes; names and texts are quoted by `composing`

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from yici.base.errors import Misconfigured
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
    name,
    names,
    paths,
    same,
    text,
    typed,
)
from yici.platform.data.lake.errors import KeyUnusable, LayoutChanged
from yici.platform.data.models import Snapshot

__all__ = ["PART_ROWS", "ROW_GROUP", "Counts", "Delivery", "Merged", "Part", "describe", "write_sorted"]

PART_ROWS = 2_000_000  # a file holds about that many rows at most
ROW_GROUP = 122_880  # a point look-up decodes one group; DuckDB's own block
_VECTOR = 2_048  # DuckDB cuts row groups at multiples of this

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
class _Region:
    """Neighbouring files and the stretch of first keys that only they can hold: `low` excluded, `high` included, None open."""

    files: tuple[Entry, ...]
    low: str | None = None
    high: str | None = None

    @property
    def rows(self) -> int:
        return sum(one["rows"] for one in self.files)


@dataclass
class _Stretch:
    """Touched regions side by side, written anew together, and how many rows were delivered into them."""

    regions: list[_Region] = field(default_factory=list)
    delivered: int = 0


class Delivery:
    """Accepted rows against the version that stands. Raises `KeyUnusable` for rows without their key."""

    def __init__(
        self,
        engine: DuckDBPyConnection,
        definition: ClassDefinition,
        accepted: Sequence[Path],
        current: Snapshot | None,
        mode: str,
        number: int,
    ) -> None:
        self.engine = engine
        self.current = current if current is not None and current.row_count else None
        self.replaces = mode == Snapshot.Mode.FULL
        self.number = number
        self.shape = columns_of(definition)
        self.columns = [one["name"] for one in self.shape]
        self.keys = key_of(self.shape)
        self.key = name(self.keys[0])
        self.key_type = next(one["type"] for one in self.shape if one["name"] == self.keys[0])
        self.hashing = hashing_of(engine, self.shape)
        self.has_same_shape = current is not None and current.columns == self.shape and self._hashes_alike(current)
        self._open(accepted)
        self.rows, self.hash_sum = self._tally()

    def _hashes_alike(self, current: Snapshot) -> bool:
        return all(hashing_of_file(layout.file_path(one["path"])) == self.hashing for one in current.files[:1])

    def _open(self, accepted: Sequence[Path]) -> None:
        if accepted:
            source = f"SELECT {names(self.columns)} FROM read_parquet({paths(accepted)})"
        else:
            empty = ", ".join(f"NULL::{one['type']} AS {name(one['name'])}" for one in self.shape)
            source = f"SELECT {empty} WHERE false"
        self.engine.execute(
            f"CREATE VIEW delivered AS SELECT *, {hash_expression(self.columns)} AS {HASH} FROM ({source})"
        )

    def _tally(self) -> tuple[int, int]:
        """Rows, and the sum of their hashes where there is something to compare it with."""
        total = f"coalesce(sum({HASH}), 0)" if self.current and self.replaces else "0"
        missing = " OR ".join(f"{name(key)} IS NULL" for key in self.keys)
        rows, hash_sum, without = self._one(f"SELECT count(*), {total}, count(*) FILTER ({missing}) FROM delivered")
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
        known = self._one(f"SELECT count(*) FROM delivered n SEMI JOIN {standing} s ON {agree}")[0]
        return bool(self.rows == known)

    # Writing ------------------------------------------------------------------------------------------------

    def write(self, aside: Path) -> Merged:
        """Write the files into the folder `aside`, and count. Raises `KeyUnusable`, `LayoutChanged`."""
        try:
            files, touched = self._patched(aside) if self._can_carry_over() else self._whole(aside)
        except duckdb.ConversionException as error:
            raise LayoutChanged from error
        return Merged(files, self._counted(files, touched))

    def _can_carry_over(self) -> bool:
        return self.current is not None and not self.replaces and self.has_same_shape

    def _whole(self, aside: Path) -> tuple[tuple[Part | Entry, ...], list[Entry]]:
        files = list(self.current.files) if self.current else []
        rows = self.rows if self.replaces else self.rows + self.standing
        return tuple(self._written(aside, self._merge(files, "true"), rows)), files

    def _patched(self, aside: Path) -> tuple[tuple[Part | Entry, ...], list[Entry]]:
        assert self.current is not None
        files: list[Part | Entry] = []
        touched: list[Entry] = []
        for stretch in self._stretches(_regions(self.current.files, self.key_type)):
            held = [one for region in stretch.regions for one in region.files]
            if not stretch.delivered:
                files += held
                continue
            condition = self._within(stretch.regions[0].low, stretch.regions[-1].high)
            rows = stretch.delivered + sum(one["rows"] for one in held)
            files += self._written(aside, self._merge(held, condition), rows)
            touched += held
        return tuple(files), touched

    def _stretches(self, regions: list[_Region]) -> Iterator[_Stretch]:
        """Regions in order; those that something is delivered into are joined with their neighbours that are, too."""
        delivered = self._delivered_by_region(regions)
        for is_touched, places in groupby(range(len(regions)), key=lambda place: bool(delivered.get(place))):
            found = _Stretch()
            for place in places:
                found.regions.append(regions[place])
                found.delivered += delivered.get(place, 0) if is_touched else 0
            yield found

    def _delivered_by_region(self, regions: list[_Region]) -> dict[int, int]:
        if len(regions) == 1:
            return {0: self.rows}
        highs = [str(one.high) for one in regions[:-1]]
        bounds = ", ".join(f"({place}, {self._literal(high)})" for place, high in enumerate(highs))
        found = self.engine.execute(
            f"SELECT coalesce(b.place, {len(regions) - 1}), count(*) FROM delivered n"
            f" ASOF LEFT JOIN (VALUES {bounds}) b(place, high) ON n.{self.key} <= b.high GROUP BY 1"
        ).fetchall()
        return {int(place): int(rows) for place, rows in found}

    def _within(self, low: str | None, high: str | None) -> str:
        bounds = [f"{self.key} > {self._literal(low)}"] if low is not None else []
        bounds += [f"{self.key} <= {self._literal(high)}"] if high is not None else []
        return " AND ".join(bounds) or "true"

    def _literal(self, value: str) -> str:
        return f"CAST({text(value)} AS {self.key_type})"

    def _merge(self, files: list[Entry], condition: str) -> str:
        """Rows of the new version that lie within the condition on the first key; unchanged ones keep their `_since`."""
        new = f"(SELECT * FROM delivered WHERE {condition})"
        if not files:
            return f"SELECT *, {self.number}::INTEGER AS {SINCE} FROM {new}"
        standing = self._standing(files)
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
            f"{cast}({name(one['name']) if one['name'] in held else 'NULL'} AS {one['type']}) AS {name(one['name'])}"
            for one in self.shape
        )
        inner = f"SELECT {own}, {SINCE} FROM {source}"
        return f"(SELECT {names(self.columns)}, {hash_expression(self.columns)} AS {HASH}, {SINCE} FROM ({inner}))"

    def _written(self, aside: Path, query: str, rows: int) -> list[Part]:
        written = write_sorted(self.engine, query, self.keys, rows, aside, self.hashing)
        return describe(self.engine, written, self.keys, self.number)

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
            self._one(f"SELECT count(*) FROM {fresh} n SEMI JOIN {standing} s ON {same(self.keys, 'n', 's')}")[0]
        )

    def _one(self, sql: str) -> tuple[Any, ...]:
        found = self.engine.execute(sql).fetchone()
        assert found is not None
        return tuple(found)


def write_sorted(
    engine: DuckDBPyConnection, query: str, keys: Sequence[str], rows: int, aside: Path, hashing: str
) -> list[Path]:
    """Write the rows of a query sorted by key into files of even size, named on from those in `aside`. Never none.

    `rows`: about how many there are; more is better than fewer. Each file names its `hashing` itself.
    """
    first = len(list(aside.iterdir()))
    folder = aside / "writing"
    parts = max(1, -(-rows // PART_ROWS))
    group = max(_VECTOR, min(ROW_GROUP, PART_ROWS) // _VECTOR * _VECTOR)
    groups = max(1, -(-rows // (parts * group)))
    engine.execute(
        f"COPY (SELECT * FROM ({query}) ORDER BY {names(keys)}) TO {text(str(folder))} (FORMAT parquet, COMPRESSION zstd,"
        f" ROW_GROUP_SIZE {group}, ROW_GROUPS_PER_FILE {groups}, FILENAME_PATTERN '{{i}}',"
        f" KV_METADATA {{{HASHING}: {text(hashing)}}})"
    )
    written = []
    for place, path in enumerate(sorted(folder.iterdir(), key=lambda one: int(one.stem))):
        target = aside / f"part-{first + place:04d}.parquet"
        path.rename(target)
        written.append(target)
    shutil.rmtree(folder)
    return written


def describe(engine: DuckDBPyConnection, written: list[Path], keys: Sequence[str], number: int) -> list[Part]:
    """Read written files once more: rows, keys, sums of hashes. Empty ones are deleted, but for the last.

    Raises `KeyUnusable` where a key stands twice, `Misconfigured` where the order is wrong.
    """
    key = name(keys[0])
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
    facts = {one[0]: one for one in found}
    parts: list[Part] = []
    for path in written:
        rows, hash_sum, low, high, fresh = facts.get(str(path), ("", 0, "0", None, None, 0))[1:6]
        if not rows and (parts or path != written[-1]):
            path.unlink()
            continue
        entry = {"rows": rows, "key_min": low, "key_max": high, "hash_sum": hash_sum}
        parts.append(Part(path, entry, fresh))
    return parts


def _regions(files: Sequence[Entry], key_type: str) -> list[_Region]:
    """Files side by side that share a first key, as keys of several columns may, belong together."""
    groups: list[list[Entry]] = []
    for one in files:
        if groups and typed(groups[-1][-1]["key_max"], key_type) == typed(one["key_min"], key_type):
            groups[-1].append(one)
        else:
            groups.append([one])
    bounds = [None, *(group[-1]["key_max"] for group in groups[:-1]), None]
    return [_Region(tuple(group), bounds[place], bounds[place + 1]) for place, group in enumerate(groups)]
