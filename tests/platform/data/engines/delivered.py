"""Deliveries of a generated city as landed files: what mapping would hand to screening."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from yici.platform.data.catalogue import reading
from yici.platform.data.generating import generate

CLASSES = ("public_security.household", "public_security.resident")


def landed(folder: Path, population: int, parts: int = 1) -> dict[str, list[Path]]:
    """Class → its landed rows in `parts` files, under lake names."""
    generate(population, 7, folder / "city", classes=CLASSES)
    return {name: _landed(folder, name, parts) for name in CLASSES}


def _landed(folder: Path, class_id: str, parts: int) -> list[Path]:
    (delivery,) = (folder / "city" / "departments" / class_id).glob("*.parquet")
    table = pq.read_table(delivery)
    definition = reading.definition(class_id)
    headers = {header: column.name for column in definition.columns for header in (column.name, *column.headers)}
    table = table.rename_columns([headers[name] for name in table.column_names]).select(list(definition.by_name))
    table = table.append_column("_row", pa.array(range(1, table.num_rows + 1), pa.int64()))
    size = -(-table.num_rows // parts)
    paths = [folder / f"{class_id}.{part}.parquet" for part in range(parts)]
    for part, path in enumerate(paths):
        pq.write_table(table.slice(part * size, size), path)
    return paths
