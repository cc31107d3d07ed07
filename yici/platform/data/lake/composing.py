"""The SQL of a version: what the new rows are, how they differ from those that stand, and how they are cut into files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from yici.platform.data.catalogue.definition import ClassDefinition

__all__ = ["HASH", "SINCE", "Counts", "Span", "columns_of", "name", "paths", "text"]

HASH = "_hash"
SINCE = "_since"


def name(column: str) -> str:
    """A column as a SQL identifier."""
    return '"' + column.replace('"', '""') + '"'


def text(value: str) -> str:
    """A string as a SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def paths(files: Iterable[Path]) -> str:
    """Files as a SQL list, for read_parquet."""
    return "[" + ", ".join(text(str(path)) for path in files) + "]"


def columns_of(definition: ClassDefinition) -> list[dict[str, str]]:
    """Columns of a version, without the two of the lake's own."""
    return [{"name": column.name, "type": column.lake_type} for column in definition.columns]


@dataclass(frozen=True)
class Counts:
    """How a delivery differs from the version that stands. `kept`: rows of it that stay though not delivered."""

    delivered: int
    added: int
    changed: int
    removed: int
    standing: int

    @property
    def is_nothing(self) -> bool:
        return not (self.added or self.changed or self.removed)


@dataclass(frozen=True)
class Span:
    """A stretch of keys, the bounds of a file: `low` excluded, `high` included, None is open. By the first key column."""

    low: Any = None
    high: Any = None

    def condition(self, column: str) -> str:
        bounds = [f"{column} > {_literal(self.low)}"] if self.low is not None else []
        bounds += [f"{column} <= {_literal(self.high)}"] if self.high is not None else []
        return " AND ".join(bounds) or "true"


def spans_of(connection: DuckDBPyConnection, source: str, key: str, rows: int, size: int) -> list[Span]:
    """Stretches of about `size` rows each over a source of `rows` rows."""
    parts = max(1, -(-rows // size))
    if parts == 1:
        return [Span()]
    shares = [part / parts for part in range(1, parts)]
    found = connection.execute(f"SELECT quantile_disc({key}, {shares}) FROM {source}").fetchone()  # noqa: S608
    bounds = sorted(set(found[0] if found and found[0] else []))
    return [Span(low, high) for low, high in zip([None, *bounds], [*bounds, None], strict=True)]


def hash_expression(columns: Sequence[str]) -> str:
    """A signed 64-bit hash over the columns in their order; equal rows have equal hashes in every version."""
    return f"CAST(hash({', '.join(name(column) for column in columns)}) >> 1 AS BIGINT)"


def _literal(value: Any) -> str:
    if isinstance(value, int | float):
        return repr(value)
    return text(str(value))
