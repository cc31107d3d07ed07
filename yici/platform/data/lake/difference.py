"""What two versions differ in, found by key and hash: counts, and a few rows with the columns that changed."""

# ruff: noqa: S608 - SQL is what this module makes; names and texts are quoted by `composing`

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from duckdb import DuckDBPyConnection

from yici.base.sql import paths, quoted
from yici.platform.data.engines.duckdb import connect
from yici.platform.data.lake.composing import HASH, SINCE, hash_of, hashing_of_file, names, one_row, same

__all__ = ["Change", "Difference", "difference"]


@dataclass(frozen=True)
class Change:
    """One row that differs. `kind`: added, changed, removed; `before`, `after`: column → value, only what differs."""

    kind: str
    key: tuple[Any, ...]
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Difference:
    added: int
    changed: int
    removed: int
    samples: tuple[Change, ...] = ()


def difference(
    old: Sequence[Path], new: Sequence[Path], key: Sequence[str], columns: Sequence[str] = (), limit: int = 0
) -> Difference:
    """Compare two lists of files of the lake, either of which may be empty. `limit`: rows of each kind to show, with `columns`.

    Files that are in both versions are not opened: their rows are the same, and no other file holds their keys.
    Versions with different columns are compared by those they share.
    """
    shared = set(old) & set(new)
    was, now = ([path for path in side if path not in shared] for side in (old, new))
    if not was and not now:
        return Difference(0, 0, 0)
    agree = same(key, "o", "n")
    with connect() as engine:
        _open(engine, was, now)
        before, after, matched, changed = one_row(
            engine,
            f"SELECT (SELECT count(*) FROM old), (SELECT count(*) FROM new), count(*),"
            f" count(*) FILTER (o.{HASH} <> n.{HASH}) FROM old o JOIN new n ON {agree}",
        )
        samples: list[Change] = []
        if limit and after > matched:
            samples += _one_sided(engine, "added", "new", "old", key, _held(columns, now), limit)
        if limit and changed:
            samples += _changed(engine, key, columns, was, now, limit)
        if limit and before > matched:
            samples += _one_sided(engine, "removed", "old", "new", key, _held(columns, was), limit)
    return Difference(after - matched, changed, before - matched, tuple(samples))


def _held(columns: Sequence[str], files: Sequence[Path]) -> list[str]:
    present = pq.read_schema(files[0]).names if files else []
    return [column for column in columns if column in present]


def _open(engine: DuckDBPyConnection, was: Sequence[Path], now: Sequence[Path]) -> None:
    """Views `old` and `new`. Hashes that were made in different ways are made anew, over what both have, as text."""
    sides = {"old": was, "new": now}
    present = {view: pq.read_schema(files[0]).names for view, files in sides.items() if files}
    hashings = {hashing_of_file(path) for path in (*was, *now)}
    common = [one for one in next(iter(present.values())) if all(one in held for held in present.values())]
    own = [one for one in common if one not in (HASH, SINCE)]
    anew = ", ".join(f"CAST({quoted(one)} AS VARCHAR)" for one in own)
    for view, files in sides.items():
        source = f"read_parquet({paths(files or was or now)})" + ("" if files else " WHERE false")
        if len(hashings) > 1:
            source = f"(SELECT * EXCLUDE ({HASH}), {hash_of(anew)} AS {HASH} FROM {source})"
        engine.execute(f"CREATE TEMP VIEW {view} AS SELECT * FROM {source}")


def _one_sided(
    engine: DuckDBPyConnection, kind: str, here: str, there: str, key: Sequence[str], columns: Sequence[str], limit: int
) -> list[Change]:
    own = names([*key, *columns], "h")
    found = engine.execute(
        f"SELECT {own} FROM {here} h ANTI JOIN {there} t ON {same(key, 'h', 't')}"
        f" ORDER BY {names(key, 'h')} LIMIT {int(limit)}"
    ).fetchall()
    changes = []
    for row in found:
        values = dict(zip(columns, row[len(key) :], strict=True))
        sides = (values, {}) if kind == "removed" else ({}, values)
        changes.append(Change(kind, tuple(row[: len(key)]), *sides))
    return changes


def _changed(
    engine: DuckDBPyConnection,
    key: Sequence[str],
    columns: Sequence[str],
    was: Sequence[Path],
    now: Sequence[Path],
    limit: int,
) -> list[Change]:
    both = _held(_held(columns, was), now)
    own = ", ".join(part for part in (names(key, "n"), names(both, "o"), names(both, "n")) if part)
    found = engine.execute(
        f"SELECT {own} FROM old o JOIN new n ON {same(key, 'o', 'n')} WHERE o.{HASH} <> n.{HASH}"
        f" ORDER BY {names(key, 'n')} LIMIT {int(limit)}"
    ).fetchall()
    changes = []
    for row in found:
        values = row[len(key) :]
        pairs = zip(both, values[: len(both)], values[len(both) :], strict=True)
        differing = [(column, before, after) for column, before, after in pairs if before != after]
        changes.append(
            Change(
                "changed",
                tuple(row[: len(key)]),
                {column: before for column, before, _after in differing},
                {column: after for column, _before, after in differing},
            )
        )
    return changes
