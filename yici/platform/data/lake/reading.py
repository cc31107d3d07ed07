"""Reading classes: the files of a version, a view over them, single rows by key, pages of rows.

A reader takes its list of files once and is never disturbed: published files do not change, and versions that are
still read are kept by retention for a while.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from yici.base.errors import NotFound
from yici.platform.data.engines.duckdb import connect
from yici.platform.data.lake import layout
from yici.platform.data.lake.composing import name, paths
from yici.platform.data.models import DataClass, Snapshot

__all__ = ["create_view", "current_of", "files_of", "files_of_class", "look_up", "rows", "snapshot_of"]


def current_of(class_id: str) -> Snapshot | None:
    """What readers see now, read afresh; None for a class that is unknown or was never loaded."""
    return Snapshot.objects.filter(pk__in=DataClass.objects.filter(pk=class_id).values("current_id")).first()


def snapshot_of(data_class: DataClass, as_of: dt.datetime | None = None, number: int | None = None) -> Snapshot:
    """The current version, the one that stood at a moment, or the one with a number.

    Raises `NotFound` where there is none, or its files were cleaned up.
    """
    if number is not None:
        found = data_class.snapshots.filter(number=number).first()
    elif as_of is not None:
        found = data_class.snapshots.filter(published_at__lte=as_of).order_by("-number").first()
    else:
        found = current_of(data_class.pk)
    if found is None or found.state == Snapshot.State.EXPIRED:
        raise NotFound
    return found


def files_of(data_class: DataClass, as_of: dt.datetime | None = None, number: int | None = None) -> list[Path]:
    """Files of a version in the order of keys. Raises `NotFound`."""
    return _files(snapshot_of(data_class, as_of, number))


def files_of_class(class_id: str) -> list[Path]:
    """Files of the current version; empty for a class that is unknown or has none."""
    current = current_of(class_id)
    return _files(current) if current else []


def _files(snapshot: Snapshot) -> list[Path]:
    return [layout.file_path(one["path"]) for one in snapshot.files]


def create_view(
    connection: DuckDBPyConnection,
    data_class: DataClass,
    view: str,
    as_of: dt.datetime | None = None,
    number: int | None = None,
) -> None:
    """A view of the class with its own columns only. Raises `NotFound`."""
    snapshot = snapshot_of(data_class, as_of, number)
    own = ", ".join(name(one["name"]) for one in snapshot.columns)
    connection.execute(f"CREATE VIEW {name(view)} AS SELECT {own} FROM read_parquet({paths(_files(snapshot))})")  # noqa: S608


def look_up(data_class: DataClass, key: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows with these values in key columns. Opens only files whose stretch of keys can hold them."""
    snapshot = snapshot_of(data_class)
    first = next(iter(data_class.definition["key"]), "")
    wanted = key.get(first)
    files = [
        layout.file_path(one["path"])
        for one in snapshot.files
        if wanted is None or (one["key_min"] is not None and one["key_min"] <= str(wanted) <= one["key_max"])
    ]
    if not files:
        return []
    own = ", ".join(name(one["name"]) for one in snapshot.columns)
    where = " AND ".join(f"{name(column)} = ?" for column in key)
    with connect() as connection:
        found = connection.execute(f"SELECT {own} FROM read_parquet({paths(files)}) WHERE {where}", list(key.values()))  # noqa: S608
        return _records(found)


def rows(
    data_class: DataClass,
    *,
    offset: int = 0,
    limit: int = 50,
    columns: Sequence[str] = (),
    number: int | None = None,
) -> list[dict[str, Any]]:
    """A page of rows in the order of keys. `columns`: some of the class's; empty: all."""
    snapshot = snapshot_of(data_class, number=number)
    held = [one["name"] for one in snapshot.columns]
    own = ", ".join(name(column) for column in (columns or held) if column in held)
    files, skip = _from_row(snapshot, offset)
    if not files or not own:
        return []
    with connect() as connection:
        found = connection.execute(
            f"SELECT {own} FROM read_parquet({paths(files)}) LIMIT {int(limit)} OFFSET {int(skip)}"  # noqa: S608
        )
        return _records(found)


def _from_row(snapshot: Snapshot, offset: int) -> tuple[list[Path], int]:
    """Files from the one that holds the row on, and how many rows of it to pass over."""
    for place, one in enumerate(snapshot.files):
        if offset < one["rows"]:
            return [layout.file_path(entry["path"]) for entry in snapshot.files[place:]], offset
        offset -= one["rows"]
    return [], 0


def _records(found: DuckDBPyConnection) -> list[dict[str, Any]]:
    names = [entry[0] for entry in found.description]
    return [dict(zip(names, one, strict=True)) for one in found.fetchall()]
