"""Rows of text → the landed Parquet: a column for each header, `_row` as a person counts, `_hash`, no blank row, no total at the end.

Streams from DuckDB, which reads on all its threads while this one writes: memory does not grow with the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from duckdb import DuckDBPyConnection

from yici.platform.data.disk import disk_full_is_told
from yici.platform.data.landing.headers import is_total

__all__ = ["HASH", "ROW", "Draft", "column_names", "drop_blank", "renumber", "write_draft"]

ROW, HASH = "_row", "_hash"
_BATCH = 122_880
_MOST_TOTALS = 5
_FIRST, _LATER, _MOST_BATCHES = 1_000, 100, 20  # rows of the sample, from the first batch and from others
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Draft:
    """`rows` written, `blank` of them without any value (see `drop_blank`); `totals`: lines of sums at the end that were
    left out; `sample`: rows from all over the file.
    """

    rows: int
    totals: int = 0
    blank: int = 0
    sample: pa.Table | None = None


def column_names(headers: Sequence[str]) -> tuple[str, ...]:
    """c0001, c0002 …: headers are the source's words and no identifiers."""
    return tuple(f"c{place:04d}" for place in range(1, len(headers) + 1))


def write_draft(
    connection: DuckDBPyConnection,
    source: str,
    columns: Sequence[str],
    target: Path,
    first_row: int,
    told: Callable[[int], None] | None = None,
) -> Draft:
    """Write what the SQL `source` gives under `columns`, its rows numbered from `first_row`. `told`: rows so far.

    Raises what DuckDB raises while it reads, and `DiskFull`.
    """
    names = ", ".join(columns)
    # The engine's own 64-bit hash: it compares rows within one landed file and is not kept beyond the run.
    reader = connection.execute(f"SELECT {names}, hash({names}) AS {HASH} FROM {source}").to_arrow_reader(_BATCH)  # noqa: S608
    rows, blank, waiting, sample = 0, 0, None, _Sample()
    with disk_full_is_told(), _writer(target, columns) as writer:
        for batch in reader:
            if not batch.num_rows:
                continue
            sample.add(batch)
            if waiting is not None:
                writer.write_batch(waiting)
                blank += _blank(waiting, len(columns))
            waiting = _numbered(batch, np.arange(rows, rows + batch.num_rows, dtype=np.int64) + first_row)
            rows += batch.num_rows
            if told:
                told(rows)
        if waiting is None:
            return Draft(0)
        kept, totals = _without_end(waiting, len(columns))
        if kept:
            writer.write_batch(waiting.slice(0, kept))
            blank += _blank(waiting.slice(0, kept), len(columns))
    return Draft(rows - waiting.num_rows + kept, totals, blank, sample.table())


class _Sample:
    """The first rows, and later ones at distances that double, so that few are kept however long the file is."""

    def __init__(self) -> None:
        self._kept: list[pa.RecordBatch] = []
        self._seen, self._step = 0, 1

    def add(self, batch: pa.RecordBatch) -> None:
        if not self._kept:
            self._kept.append(batch.slice(0, _FIRST))
        elif self._seen % self._step == 0:
            self._kept.append(batch.slice(batch.num_rows // 2, _LATER))
            if len(self._kept) > _MOST_BATCHES:
                self._kept = [self._kept[0], *self._kept[1::2]]
                self._step *= 2
        self._seen += 1

    def table(self) -> pa.Table:
        return pa.Table.from_batches(self._kept)


def renumber(target: Path, columns: Sequence[str], first_row: int, gaps: Numbers) -> None:
    """Number the rows anew past `gaps`: numbers, ascending, of rows of the source that are not in the file."""
    # Kept row k stands behind every gap that has at most k kept rows before it.
    bounds = gaps - first_row - np.arange(len(gaps))
    draft = target.with_suffix(".numbered")
    done = 0
    with disk_full_is_told(), pq.ParquetFile(target) as source, _writer(draft, columns) as writer:
        for batch in source.iter_batches(_BATCH):
            place = np.arange(done, done + batch.num_rows, dtype=np.int64)
            numbers = place + first_row + np.searchsorted(bounds, place, side="right")
            writer.write_batch(_numbered(batch.drop_columns([ROW]), numbers))
            done += batch.num_rows
    draft.replace(target)


def drop_blank(target: Path, columns: Sequence[str]) -> None:
    """Write the file anew without rows that hold nothing: lines left free between others, or of a format alone."""
    draft = target.with_suffix(".filled")
    with disk_full_is_told(), pq.ParquetFile(target) as source, _writer(draft, columns) as writer:
        for batch in source.iter_batches(_BATCH):
            writer.write_batch(batch.filter(pc.invert(_is_blank(batch, len(columns)))))
    draft.replace(target)


def _blank(batch: pa.RecordBatch, width: int) -> int:
    """How many rows hold nothing. Of a single column, a blank line is a row."""
    if width < 2 or not all(batch.column(place).null_count for place in range(width)):
        return 0  # as nearly always
    return int(pc.sum(_is_blank(batch, width)).as_py())


def _is_blank(batch: pa.RecordBatch, width: int) -> pa.Array:
    found = batch.column(0).is_null()
    for place in range(1, width):
        found = pc.and_(found, batch.column(place).is_null())
    return found


def _schema(columns: Sequence[str]) -> pa.Schema:
    return pa.schema([*((name, pa.string()) for name in columns), (ROW, pa.int64()), (HASH, pa.uint64())])


def _writer(path: Path, columns: Sequence[str]) -> pq.ParquetWriter:
    return pq.ParquetWriter(
        path,
        _schema(columns),
        compression="zstd",
        use_dictionary=list(columns),
        column_encoding={ROW: "DELTA_BINARY_PACKED", HASH: "PLAIN"},
        write_statistics=[ROW],
    )


def _numbered(batch: pa.RecordBatch, numbers: Numbers) -> pa.RecordBatch:
    names = [name for name in batch.schema.names if name != HASH]
    arrays = [*(batch.column(name) for name in names), pa.array(numbers), batch.column(HASH)]
    return pa.RecordBatch.from_arrays(arrays, schema=_schema(names))


def _without_end(batch: pa.RecordBatch, width: int) -> tuple[int, int]:
    """How many rows stay, and how many of the others are totals: totals and blank rows at the end go."""
    kept = batch.num_rows
    totals = 0
    while kept and totals < _MOST_TOTALS:
        last = [batch.column(place)[kept - 1].as_py() for place in range(width)]
        if any(cell and cell.strip() for cell in last):
            if not is_total(last):
                break
            totals += 1
        kept -= 1
    return kept, totals
