"""JSON Lines and Parquet, as interfaces and exchanges deliver: every value as text, the order of keys as first met."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from django.utils.translation import gettext as _

from yici.base.sql import quoted, text
from yici.platform.data.engines.duckdb import connect
from yici.platform.data.landing.drafting import column_names, renumber, write_draft
from yici.platform.data.landing.errors import Damaged, Empty, HeaderOnly, TooManyColumns, TooManyWrongLines
from yici.platform.data.landing.limits import Limits
from yici.platform.data.landing.rejecting import write_rejected
from yici.platform.data.landing.sniffing import encoding_of
from yici.platform.data.landing.tables import Table
from yici.platform.data.landing.transcoding import Progress, as_utf8

__all__ = ["land_jsonl", "land_parquet"]

_BATCH = 50_000


def land_parquet(raw: Path, target: Path, limits: Limits, progress: Progress | None) -> Table:
    """Raises `Damaged` for a cut file, `TooManyColumns`, `HeaderOnly`."""
    try:
        with pq.ParquetFile(raw) as source:
            names, rows = tuple(source.schema_arrow.names), source.metadata.num_rows
    except (pa.ArrowInvalid, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise Damaged from error
    if len(names) > limits.columns:
        raise TooManyColumns
    if len(set(names)) < len(names):  # no reader can tell such columns apart
        raise Damaged
    if not rows or not names:
        raise HeaderOnly
    columns = column_names(names)
    chosen = ", ".join(
        f"CAST({quoted(name)} AS VARCHAR) AS {column}" for name, column in zip(names, columns, strict=True)
    )
    told = (lambda done: progress(done, rows)) if progress else None
    with connect() as connection:
        try:
            source = f"(SELECT {chosen} FROM read_parquet({text(raw)}))"  # noqa: S608 - quoted
            draft = write_draft(connection, source, columns, target, 1, told)
        except (duckdb.InvalidInputException, duckdb.IOException, duckdb.SerializationException) as error:
            raise Damaged from error
    return Table(names, columns, draft.rows, 1, (), "utf-8", sample=draft.sample)


def land_jsonl(
    raw: Path, target: Path, rejected: Path, scratch: Path, limits: Limits, progress: Progress | None
) -> Table:
    """One object a line. Raises `TooManyWrongLines`, `HeaderOnly`, `TooManyColumns`, `LineTooLong`."""
    path = as_utf8(raw, scratch / "utf8", encoding_of(raw), limits.line, progress).path
    headers, wrong, gaps = _keys(path, limits)
    if not headers:
        raise Empty
    columns = column_names(headers)
    schema = pa.schema([(column, pa.string()) for column in columns])
    with connect() as connection:
        connection.register("records", pa.RecordBatchReader.from_batches(schema, _batches(path, headers, schema)))
        draft = write_draft(connection, "records", columns, target, 1)
    if len(gaps):
        renumber(target, columns, 1, np.array(gaps, dtype=np.int64))
    write_rejected(rejected, wrong)
    warnings = (_("有 {count} 行不是有效的 JSON，按隔离处理。").format(count=len(wrong)),) if wrong else ()
    return Table(headers, columns, draft.rows, 1, warnings, "utf-8", rejected_rows=len(wrong), sample=draft.sample)


def _keys(path: Path, limits: Limits) -> tuple[tuple[str, ...], list[tuple[int, str]], list[int]]:
    """Keys as first met, wrong lines, and the numbers of all lines that are no record."""
    names: dict[str, None] = {}
    wrong: list[tuple[int, str]] = []
    gaps: list[int] = []
    rows = 0
    for number, line, found in _records(path):
        if found is None:
            gaps.append(number)
            if line.strip():
                wrong.append((number, line[:2_000]))
            if len(wrong) >= limits.wrong_lines:
                raise TooManyWrongLines
            continue
        rows += 1
        names |= dict.fromkeys(found)
        if len(names) > limits.columns:
            raise TooManyColumns
    if len(wrong) > max(limits.wrong_share * (rows + len(wrong)), 5):
        raise TooManyWrongLines
    return tuple(names), wrong, gaps


def _records(path: Path) -> Iterator[tuple[int, str, dict[str, object] | None]]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="\n") as lines:
        for number, line in enumerate(lines, start=1):
            yield number, line, _object(line)


class _AsWritten(float):
    """A number that remembers how it was written: 1.10 is no 1.1 in a column of text."""

    text: str


def _number(text: str) -> _AsWritten:
    found = _AsWritten(text)
    found.text = text
    return found


def _object(line: str) -> dict[str, object] | None:
    try:
        found = json.loads(line, parse_float=_number)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _batches(path: Path, headers: tuple[str, ...], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    kept: list[dict[str, object]] = []
    for _place, _line, found in _records(path):
        if found is None:
            continue
        kept.append(found)
        if len(kept) == _BATCH:
            yield _batch(kept, headers, schema)
            kept = []
    if kept:
        yield _batch(kept, headers, schema)


def _batch(rows: list[dict[str, object]], headers: tuple[str, ...], schema: pa.Schema) -> pa.RecordBatch:
    columns = [pa.array([_text(row.get(header)) for row in rows], pa.string()) for header in headers]
    return pa.record_batch(columns, schema=schema)


def _text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, _AsWritten):
        return value.text
    return value.replace("\x00", "") if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
