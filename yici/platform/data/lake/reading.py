"""Reading classes: the files of a version, a view over them, single rows by key, pages of rows.

A reader takes its list of files once and is never disturbed: published files do not change, and versions that were
shown until a moment ago are kept for a while.
"""

# ruff: noqa: S608 - SQL is what this module makes; names and texts are quoted by `composing`

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from duckdb import DuckDBPyConnection

from yici.base.errors import Invalid, NotFound
from yici.base.sql import paths, quoted
from yici.platform.data.engines.duckdb import connect
from yici.platform.data.lake import layout
from yici.platform.data.lake.composing import key_of, names, typed
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
    if found is None:
        raise NotFound(_("这一类数据还没有这个版本。"))
    if found.state == Snapshot.State.EXPIRED:
        raise NotFound(_("这个版本已按保留期清理，不能再查看。"))
    return found


def files_of(data_class: DataClass, as_of: dt.datetime | None = None, number: int | None = None) -> list[Path]:
    """Files of a version in the order of keys; never none. Raises `NotFound`."""
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
    own = names(one["name"] for one in snapshot.columns)
    connection.execute(f"CREATE TEMP VIEW {quoted(view)} AS SELECT {own} FROM read_parquet({paths(_files(snapshot))})")


def look_up(
    data_class: DataClass, key: Mapping[str, Any], as_of: dt.datetime | None = None, number: int | None = None
) -> list[dict[str, Any]]:
    """Rows with these values in these columns, now or in a version. With the first column of the key it opens one file.

    Raises `NotFound`, `Invalid` for a column that the class does not have.
    """
    snapshot = snapshot_of(data_class, as_of, number)
    types = {one["name"]: one["type"] for one in snapshot.columns}
    if not key or not key.keys() <= types.keys():
        raise Invalid(_("查询用的列不在这一类数据中。"))
    try:
        wanted = {column: typed(value, types[column]) for column, value in key.items()}
    except ValueError:
        return []  # no row holds what its column cannot
    files = _files_that_may_hold(snapshot, wanted)
    if not files:
        return []
    where = " AND ".join(f"{quoted(column)} = ?" for column in wanted)
    with connect() as connection:
        found = connection.execute(
            f"SELECT {names(types)} FROM read_parquet({paths(files)}) WHERE {where}", list(wanted.values())
        )
        return _records(found)


def _files_that_may_hold(snapshot: Snapshot, wanted: Mapping[str, Any]) -> list[Path]:
    first = key_of(snapshot.columns)[0]
    if first not in wanted:
        return _files(snapshot)
    kind = next(one["type"] for one in snapshot.columns if one["name"] == first)
    return [
        layout.file_path(one["path"])
        for one in snapshot.files
        if one["rows"] and typed(one["key_min"], kind) <= wanted[first] <= typed(one["key_max"], kind)
    ]


def rows(
    data_class: DataClass,
    *,
    offset: int = 0,
    limit: int = 50,
    columns: Sequence[str] = (),
    number: int | None = None,
) -> list[dict[str, Any]]:
    """A page of rows in the order of keys. `columns`: some of the class's; empty: all. Raises `NotFound`."""
    snapshot = snapshot_of(data_class, number=number)
    held = [one["name"] for one in snapshot.columns]
    own = names(column for column in (columns or held) if column in held)
    files, skip = _from_row(snapshot, max(offset, 0))
    if not files or not own:
        return []
    with connect() as connection:
        found = connection.execute(
            f"SELECT {own} FROM read_parquet({paths(files)}) LIMIT {max(int(limit), 0)} OFFSET {int(skip)}"
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
    held = [entry[0] for entry in found.description]
    return [dict(zip(held, one, strict=True)) for one in found.fetchall()]
