"""Rows that were not accepted: one Parquet file a run, read page by page, never changed.

Columns as they came, under their lake names, with `_row` (the row's number in the source) and `_reasons` (ids of
the rules it fails). Lines that could not be read into columns stand there too, whole, under one of `LINE_FAULTS`.
"""

from __future__ import annotations

import contextlib
import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yici.base import clock
from yici.base.errors import NotFound
from yici.base.sql import quoted, text
from yici.platform.data.catalogue.definition import ClassDefinition
from yici.platform.data.engines.duckdb import connect
from yici.platform.data.models import Run
from yici.platform.data.rules.language import Rule
from yici.platform.data.rules.templates.duckdb import DuckDBTemplates
from yici.platform.data.rules.templates.sql import STANDARD

__all__ = [
    "LINE_FAULTS",
    "HeldRow",
    "add_misshapen",
    "count_by_reason",
    "file_of",
    "held_row",
    "held_rows",
    "message_of",
    "read",
    "samples",
    "values_of",
    "write_keys",
]

# Why a line could not be read into columns, by what landing tells.
LINE_FAULTS = {
    "row.fields": gettext_lazy("列数与表头不一致"),
    "row.encoding": gettext_lazy("含有无法识别的字符"),
    "row.quotes": gettext_lazy("引号不成对"),
}
RAW_LINE = "_line"
_BATCH = 10_000


@dataclass(frozen=True)
class HeldRow:
    """One row: `values` lake column → raw text; `line` the whole line where its fields could not be told apart."""

    row: int
    reasons: tuple[str, ...]
    values: Mapping[str, str | None]
    line: str = ""


def file_of(run: Run) -> Path | None:
    """The run's quarantine file; None where every row was accepted."""
    if not run.quarantine:
        return None
    root = Path(settings.DATA_HOME).resolve()
    path = (root / run.quarantine).resolve()
    return path if path.is_relative_to(root) and path.exists() else None


def held_rows(
    run: Run, reason: str = "", offset: int = 0, limit: int = 50, rows: list[int] | None = None
) -> list[HeldRow]:
    """Rows in the order of the source. `reason`: only those that fail this rule. `rows`: only these numbers."""
    path = file_of(run)
    return [] if path is None else read(path, reason, offset, limit, rows)


def read(
    path: Path, reason: str = "", offset: int = 0, limit: int = 50, rows: list[int] | None = None
) -> list[HeldRow]:
    """The same of a file that is not published yet; empty where there is none."""
    if not path.exists():
        return []
    conditions: list[str] = []
    values: list[Any] = [str(path)]
    if reason:
        conditions.append("list_contains(_reasons, ?)")
        values.append(reason)
    if rows is not None:
        conditions.append("list_contains(?, _row)")
        values.append(rows)
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    query = f"SELECT * FROM read_parquet(?) {where} ORDER BY _row LIMIT {int(limit)} OFFSET {int(offset)}"  # noqa: S608
    return [_held(record) for record in _records(query, values)]


def samples(run: Run, limit: int) -> dict[str, list[HeldRow]]:
    """Reason → its first rows in the order of the source, of all reasons at once."""
    path = file_of(run)
    if path is None:
        return {}
    found: dict[str, list[HeldRow]] = {}
    with pq.ParquetFile(path) as file:  # its rows stand in the order of the source
        for batch in file.iter_batches(_BATCH):
            for place, reasons in enumerate(batch.column("_reasons").to_pylist()):
                wanting = [one for one in reasons if len(found.get(one, ())) < limit]
                if wanting:
                    row = _held(batch.slice(place, 1).to_pylist()[0])
                    for reason in wanting:
                        found.setdefault(reason, []).append(row)
    return found


def _records(query: str, values: list[Any]) -> list[dict[str, Any]]:
    with connect() as connection:
        found = connection.execute(query, values)
        names = [entry[0] for entry in found.description]
        return [dict(zip(names, one, strict=True)) for one in found.fetchall()]


def held_row(run: Run, row: int) -> HeldRow:
    """Raises `NotFound` for a row that is not held."""
    found = held_rows(run, rows=[row], limit=1)
    if not found:
        raise NotFound(_("这一行不在隔离区，可能已经清理。"))
    return found[0]


def write_keys(path: Path, definition: ClassDefinition, target: Path) -> Path:
    """The keys of held rows in standard form, one row each; null where they cannot be read."""
    query = DuckDBTemplates(definition, clock.today()).standardised(f"read_parquet({text(path)})", list(definition.key))
    keys = ", ".join(f"{quoted(STANDARD + name)} AS {quoted(name)}" for name in definition.key)
    with connect() as connection:
        connection.execute(f"COPY (SELECT {keys} FROM ({query})) TO {text(target)} (FORMAT parquet)")  # noqa: S608
    return target


def add_misshapen(path: Path, rejected: Path) -> None:
    """Add the lines that could not be read into columns (Parquet of `_row`, `_line`, `_reason`) to a quarantine file."""
    whole = path.with_suffix(".whole")
    with connect() as connection:
        connection.execute(
            f"""
            COPY (
                SELECT * FROM read_parquet({text(path)})
                UNION ALL BY NAME
                SELECT _row, ['row.' || _reason] AS _reasons, _line FROM read_parquet({text(rejected)})
                ORDER BY _row
            ) TO {text(whole)} (FORMAT parquet, COMPRESSION zstd)
            """  # noqa: S608 - our own paths
        )
    whole.replace(path)


def count_by_reason(run: Run) -> Counter[str]:
    """Reason → rows. A row with two reasons counts under both."""
    path = file_of(run)
    if path is None:
        return Counter()
    with connect() as connection:
        counted = connection.execute(
            "SELECT reason, count(*) FROM (SELECT unnest(_reasons) AS reason FROM read_parquet(?)) GROUP BY reason",
            [str(path)],
        )
        return Counter(dict(counted.fetchall()))


def message_of(rule_id: str, rules: Mapping[str, Rule]) -> str:
    """The reason in words; the bare id for a rule the class no longer has."""
    if rule_id in LINE_FAULTS:
        return str(LINE_FAULTS[rule_id])
    rule = rules.get(rule_id)
    return str(rule.message) if rule and str(rule.message) else rule_id


def values_of(run: Run, held: HeldRow) -> dict[str, str | None]:
    """Lake column → raw text. A line whose fields could not be told apart is cut at its delimiters, for a person to put right."""
    if not held.line:
        return dict(held.values)
    landing, mapping = run.detail.get("landing", {}), run.detail.get("drift", {}).get("mapping", {})
    delimiter = landing.get("delimiter")
    if not delimiter:
        return {}
    cells = held.line.split(delimiter)
    if len(delimiter) == 1:
        with contextlib.suppress(csv.Error):
            cells = next(csv.reader([held.line], delimiter=delimiter), [])
    cut = dict(zip(landing.get("headers", []), cells, strict=False))
    return {column: cut[header] for header, column in mapping.items() if column and header in cut}


def _held(record: dict[str, Any]) -> HeldRow:
    row, reasons, line = record.pop("_row"), record.pop("_reasons"), record.pop(RAW_LINE, None)
    record.pop("_hash", None)
    return HeldRow(int(row), tuple(reasons or ()), record, line or "")
