"""Names and strings of SQL, as PostgreSQL and DuckDB read them, and names as MySQL and Spark do. For a value, prefer a parameter of the query."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

__all__ = ["backquoted", "paths", "quoted", "text"]


def quoted(name: str) -> str:
    """A name as an identifier."""
    return '"' + name.replace('"', '""') + '"'


def backquoted(name: str) -> str:
    """A name as an identifier of MySQL or Spark."""
    return "`" + name.replace("`", "``") + "`"


def text(value: str | Path) -> str:
    """A string or a path as a literal."""
    return "'" + str(value).replace("'", "''") + "'"


def paths(files: Iterable[Path]) -> str:
    """Files as DuckDB's list, for read_parquet."""
    return "[" + ", ".join(text(path) for path in files) + "]"
