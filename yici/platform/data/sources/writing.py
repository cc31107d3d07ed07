"""Rows of text to a file, batch by batch, and a digest of rows that does not depend on their order.

CSV: UTF-8, every value quoted, NULL as nothing between the commas and empty text as `""`. Parquet: all text, NULL
as null. Never holds more than one batch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

Row = tuple[str | None, ...]

_MODULUS = 1 << 128


class Digest:
    """The sum of the rows' hashes: equal for equal rows in any order, a row twice counts twice."""

    def __init__(self, value: str = "0:0") -> None:
        rows, _, total = value.partition(":")
        self.rows, self._sum = int(rows), int(total, 16)

    def add(self, row: Sequence[object]) -> None:
        self.rows += 1
        hashed = hashlib.blake2b(repr(tuple(row)).encode("utf-8", "surrogatepass"), digest_size=16).digest()
        self._sum = (self._sum + int.from_bytes(hashed, "big")) % _MODULUS

    @property
    def value(self) -> str:
        return f"{self.rows}:{self._sum:032x}"


def short_digest(value: Any) -> str:
    """Sixteen digits that change when the value does, as JSON has it; cursors keep them."""
    return hashlib.sha256(json.dumps(value, ensure_ascii=False).encode()).hexdigest()[:16]


class TableWriter:
    """Writes to `path`; use as a context. A file that was not closed properly is not whole.

    `after`: go on behind that many bytes of a CSV begun earlier (see `size`); what follows them is cut off.
    """

    def __init__(self, path: Path, names: Sequence[str], format_: Literal["csv", "parquet"], after: int = 0) -> None:
        self._schema = pa.schema([(name, pa.string()) for name in names])
        self._file = path.open("r+b" if after else "wb")
        if after:
            self._file.truncate(after)
            self._file.seek(after)
        self._writer: Any
        if format_ == "csv":
            options = pyarrow.csv.WriteOptions(quoting_style="needed", include_header=not after)
            self._writer = pyarrow.csv.CSVWriter(self._file, self._schema, write_options=options)
        else:
            self._writer = pyarrow.parquet.ParquetWriter(self._file, self._schema, compression="zstd")

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._writer.close()
        finally:
            self._file.close()

    def size(self) -> int:
        """Bytes that hold all rows of a CSV written so far; they are handed to the system."""
        self._file.flush()
        return self._file.tell()

    def write(self, rows: Sequence[Row]) -> None:
        width = len(self._schema)
        arrays = [pa.array([row[i] for row in rows], pa.string()) for i in range(width)]
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))
