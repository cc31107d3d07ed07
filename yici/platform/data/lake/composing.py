"""The words of SQL that the lake writes with: names, literals, keys in order, and the hash of a row."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
from duckdb import DuckDBPyConnection

from yici.base.sql import quoted
from yici.platform.data.catalogue.definition import ClassDefinition

__all__ = [
    "HASH",
    "HASHING",
    "SINCE",
    "columns_of",
    "hash_expression",
    "hash_of",
    "hashing_of",
    "hashing_of_file",
    "key_of",
    "names",
    "one_row",
    "same",
    "typed",
]

HASH = "_hash"  # of the row's values, key included
SINCE = "_since"  # number of the version that last changed the row
HASHING = "yici_hashing"  # in each file's own metadata: how its hashes were made
_PROBE = (
    "hash('一次', 1, NULL, DATE '2017-06-01', 1.5::DECIMAL(18,6), TIMESTAMP '2017-06-01 08:30:00', 34160000::BIGINT)"
)


def names(columns: Iterable[str], alias: str = "") -> str:
    """Columns as a SQL list, each of the table `alias`."""
    return ", ".join(f"{alias}.{quoted(column)}" if alias else quoted(column) for column in columns)


def same(columns: Iterable[str], left: str, right: str) -> str:
    """Two tables agree in these columns."""
    return " AND ".join(f"{left}.{quoted(column)} = {right}.{quoted(column)}" for column in columns)


def columns_of(definition: ClassDefinition) -> list[dict[str, Any]]:
    """Columns of a version without the two of the lake's own: {name, type}, with its place from 1 where it is of the key."""
    place = {column: number for number, column in enumerate(definition.key, 1)}
    return [
        {"name": column.name, "type": column.lake_type}
        | ({"key": place[column.name]} if column.name in place else {})
        for column in definition.columns
    ]  # fmt: skip


def key_of(columns: Sequence[Mapping[str, Any]]) -> list[str]:
    """The key of a version from its columns, in the order it is sorted by."""
    return [one["name"] for one in sorted((one for one in columns if "key" in one), key=lambda one: one["key"])]


def typed(value: Any, lake_type: str) -> Any:
    """A value as Python orders it the way the files are sorted. Raises `ValueError` for what is none of the type."""
    if lake_type == "VARCHAR":
        return str(value)  # by code points, which is the order of UTF-8 bytes
    if lake_type == "BIGINT":
        return int(value)
    if lake_type == "DATE":
        return dt.date.fromisoformat(str(value))
    if lake_type == "TIMESTAMP":
        return dt.datetime.fromisoformat(str(value))
    try:
        return Decimal(str(value))
    except ArithmeticError as error:
        raise ValueError(value) from error


def hash_expression(columns: Sequence[str]) -> str:
    """A hash of 63 bits over the columns in their order; equal rows have equal hashes in every version."""
    return hash_of(names(columns))


def hash_of(values: str) -> str:
    """The same over a SQL list of values."""
    return f"CAST(hash({values}) >> 1 AS BIGINT)"


def one_row(engine: DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    """The row of a query that always gives one."""
    found = engine.execute(sql).fetchone()
    assert found is not None
    return tuple(found)


def hashing_of(engine: DuckDBPyConnection, columns: Sequence[Mapping[str, Any]]) -> str:
    """Two files with the same answer have hashes that may be compared: same columns, same function.

    DuckDB may hash otherwise in a later release; a probe tells, and hashes are then made anew for the comparison.
    """
    spelled = json.dumps([_probed(engine), [[one["name"], one["type"]] for one in columns]])
    return hashlib.sha256(spelled.encode()).hexdigest()[:16]


_probes: dict[str, str] = {}  # by release of the engine: what its hash makes of the probe


def _probed(engine: DuckDBPyConnection) -> str:
    if duckdb.__version__ not in _probes:
        _probes[duckdb.__version__] = str(one_row(engine, f"SELECT {_PROBE}")[0])
    return _probes[duckdb.__version__]


def hashing_of_file(path: Path) -> str:
    """How the hashes in a file were made; empty where it does not say."""
    found = (pq.read_metadata(path).metadata or {}).get(HASHING.encode(), b"")
    return str(found.decode())
