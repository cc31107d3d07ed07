"""JSON Lines and Parquet, as interfaces and exchanges deliver: every value as text, the order of keys as first met."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.utils.translation import gettext as _

from yici.platform.data.landing.errors import Damaged, HeaderOnly, TooManyColumns, TooManyWrongLines
from yici.platform.data.landing.headers import MOST_COLUMNS
from yici.platform.data.landing.sniffing import encoding_of
from yici.platform.data.landing.tables import LONGEST_LINE_KEPT, WRONG_SHARE, Table, column_names, write_rejected
from yici.platform.data.landing.transcoding import to_utf8
from yici.platform.data.landing.unpacking import Limits

__all__ = ["land_jsonl", "land_parquet"]

_BATCH = 50_000
Progress = Callable[..., None]


def land_parquet(raw: Path, target: Path) -> Table:
    """Raises `Damaged` for a cut file, `TooManyColumns`, `HeaderOnly`."""
    try:
        source = pq.ParquetFile(raw)
        names = source.schema_arrow.names
        if len(names) > MOST_COLUMNS:
            raise TooManyColumns
        columns = column_names(tuple(names))
        rows = source.metadata.num_rows
        if not rows:
            raise HeaderOnly
        schema = pa.schema([(column, pa.string()) for column in columns])
        with pq.ParquetWriter(target, schema, compression="zstd") as writer:
            for batch in source.iter_batches(_BATCH):
                writer.write_batch(pa.record_batch([_as_text(array) for array in batch.columns], schema=schema))
    except (pa.ArrowInvalid, OSError) as error:
        if isinstance(error, OSError) and error.errno:
            raise
        raise Damaged from error
    return Table(tuple(names), columns, rows, 1, (), "utf-8")


def _as_text(array: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array if pa.types.is_string(array.type) else pc.cast(array, pa.string())


def land_jsonl(raw: Path, target: Path, rejected: Path, scratch: Path, progress: Progress | None) -> Table:
    """One object a line. Raises `TooManyWrongLines`, `HeaderOnly`, `TooManyColumns`."""
    copied = to_utf8(raw, scratch / "utf8", encoding_of(raw), Limits.line, progress)
    names: dict[str, None] = {}
    with copied.path.open(encoding="utf-8") as lines:
        for line in lines:
            names |= dict.fromkeys(_object(line) or {})
            if len(names) > MOST_COLUMNS:
                raise TooManyColumns
    if not names:
        raise HeaderOnly
    headers = tuple(names)
    columns = column_names(headers)
    schema = pa.schema([(column, pa.string()) for column in columns])
    wrong: list[tuple[int, str]] = []
    rows = 0
    with copied.path.open(encoding="utf-8") as lines, pq.ParquetWriter(target, schema, compression="zstd") as writer:
        kept: list[dict[str, object]] = []
        for number, line in enumerate(lines, start=1):
            found = _object(line)
            if found is None:
                if line.strip():
                    wrong.append((number, line[:LONGEST_LINE_KEPT]))
                continue
            kept.append(found)
            rows += 1
            if len(kept) == _BATCH:
                writer.write_batch(_batch(kept, headers, schema))
                kept = []
        if kept:
            writer.write_batch(_batch(kept, headers, schema))
    if not rows:
        raise HeaderOnly
    if len(wrong) > max(WRONG_SHARE * (rows + len(wrong)), 5):
        raise TooManyWrongLines
    write_rejected(rejected, wrong)
    warnings = (_("有 {count} 行不是有效的 JSON，已隔离。").format(count=len(wrong)),) if wrong else ()
    return Table(headers, columns, rows, 1, warnings, "utf-8", rejected_rows=len(wrong))


def _object(line: str) -> dict[str, object] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _batch(rows: list[dict[str, object]], headers: tuple[str, ...], schema: pa.Schema) -> pa.RecordBatch:
    return pa.record_batch(
        [pa.array([_text(row.get(header)) for row in rows], pa.string()) for header in headers], schema=schema
    )


def _text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
