"""What two versions differ in, found by key and hash: counts, and a few rows with the columns that changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yici.platform.data.engines.duckdb import connect
from yici.platform.data.lake.composing import HASH, name, paths

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
    """Compare two lists of files of the lake. `limit`: how many rows of each kind are shown, with `columns`."""
    keys = [name(column) for column in key]
    same = " AND ".join(f"o.{one} = n.{one}" for one in keys)
    with connect() as connection:
        for view, files in (("old", old), ("new", new)):
            connection.execute(f"CREATE VIEW {view} AS SELECT * FROM read_parquet({paths(files)})")  # noqa: S608
        totals = connection.execute(
            f"SELECT (SELECT count(*) FROM old), (SELECT count(*) FROM new), count(*), "  # noqa: S608
            f"count(*) FILTER (o.{HASH} <> n.{HASH}) FROM old o JOIN new n ON {same}"
        ).fetchone()
        assert totals is not None
        before, after, matched, changed = totals
        samples: list[Change] = []
        if limit:
            samples += _one_sided(connection, "added", "new", "old", keys, columns, limit)
            samples += _changed(connection, keys, columns, same, limit)
            samples += _one_sided(connection, "removed", "old", "new", keys, columns, limit)
    return Difference(after - matched, changed, before - matched, tuple(samples))


def _one_sided(
    connection: Any, kind: str, here: str, there: str, keys: list[str], columns: Sequence[str], limit: int
) -> list[Change]:
    same = " AND ".join(f"h.{one} = t.{one}" for one in keys)
    own = ", ".join([*(f"h.{one}" for one in keys), *(f"h.{name(column)}" for column in columns)])
    found = connection.execute(
        f"SELECT {own} FROM {here} h ANTI JOIN {there} t ON {same} ORDER BY ALL LIMIT {int(limit)}"  # noqa: S608
    ).fetchall()
    shown = [dict(zip(columns, row[len(keys) :], strict=True)) for row in found]
    return [
        Change(kind, tuple(row[: len(keys)]), *((values, {}) if kind == "removed" else ({}, values)))
        for row, values in zip(found, shown, strict=True)
    ]


def _changed(connection: Any, keys: list[str], columns: Sequence[str], same: str, limit: int) -> list[Change]:
    own = [f"n.{one}" for one in keys]
    own += [f"{side}.{name(column)}" for side in ("o", "n") for column in columns]
    found = connection.execute(
        f"SELECT {', '.join(own)} FROM old o JOIN new n ON {same} WHERE o.{HASH} <> n.{HASH} "  # noqa: S608
        f"ORDER BY ALL LIMIT {int(limit)}"
    ).fetchall()
    changes = []
    for row in found:
        key, values = row[: len(keys)], row[len(keys) :]
        pairs = zip(columns, values[: len(columns)], values[len(columns) :], strict=True)
        differing = [(column, was, now) for column, was, now in pairs if was != now]
        changes.append(
            Change(
                "changed",
                tuple(key),
                {column: was for column, was, _now in differing},
                {column: now for column, _was, now in differing},
            )
        )
    return changes
