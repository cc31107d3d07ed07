"""A landed file under the class's own column names, with the number of each row in the source."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow.parquet as pq

from yici.platform.data.catalogue.definition import ClassDefinition
from yici.platform.data.engines.duckdb import connect, quoted
from yici.platform.data.landing.landing import Landed

__all__ = ["apply_mapping"]


def apply_mapping(
    landed_file: Path, landed: Landed, mapping: Mapping[str, str], target: Path, definition: ClassDefinition
) -> Path:
    """Write Parquet of every column of the class as text (null where no header gives it) and `_row`; returns `target`.

    `mapping`: header → column, empty for a header that is left out. `_row` counts as the source does: rows that were
    set aside keep their number, so those after them do not move up.
    """
    place = dict(zip(landed.headers, landed.columns, strict=True))
    source = {column: place[header] for header, column in mapping.items() if column and header in place}
    chosen = ", ".join(
        f"{source[column.name]} AS {quoted(column.name)}"
        if column.name in source
        else f"CAST(NULL AS VARCHAR) AS {quoted(column.name)}"
        for column in definition.columns
    )
    rows = f"file_row_number + {landed.first_row}"
    if landed.rejected is not None:
        rows = _past_rejected(landed, rows)
    with connect() as connection:
        connection.execute(
            f"COPY (SELECT {chosen}, CAST({rows} AS BIGINT) AS _row FROM "  # noqa: S608
            f"read_parquet({_text(landed_file)}, file_row_number = true)) "
            f"TO {_text(target)} (FORMAT parquet, COMPRESSION zstd)"
        )
    return target


def _past_rejected(landed: Landed, rows: str) -> str:
    """How many rows set aside stand before the n-th kept one: a row at position p has p - (i) kept rows before it."""
    assert landed.rejected is not None
    numbers = sorted(pq.read_table(landed.rejected, columns=["_row"])["_row"].to_pylist())
    bounds = [number - landed.first_row - before for before, number in enumerate(numbers)]
    return f"{rows} + len(list_filter({bounds}, bound -> bound <= file_row_number))"


def _text(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
