"""Files as departments drop them: CSV in GB18030, with a checksum and a marker beside it."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.csv

from yici.platform.data.disk import sha256_of

if TYPE_CHECKING:
    from yici.platform.data.sandbox.filling import Delivery

ENCODING = "gb18030"


def write(delivery: Delivery, folder: Path) -> str:
    """Write the delivery into the folder, visible under its name only when whole. Returns the file's name."""
    folder.mkdir(parents=True, exist_ok=True)
    name = _name(delivery)
    draft = folder / f".{name}.writing"
    write_csv(delivery.batches(), draft)
    marker = folder / (name + str(delivery.options.get("marker", ".ok")))
    marker.unlink(missing_ok=True)  # of an earlier upload; would vouch for this one
    digest = sha256_of(draft)
    draft.replace(folder / name)
    (folder / f"{name}.sha256").write_text(f"{digest}  {name}\n", "utf-8")
    marker.touch()
    return name


def _name(delivery: Delivery) -> str:
    """As the pattern has it, with the day in the place of its first star."""
    pattern = str(delivery.options.get("pattern", "*"))
    if pattern == "*":
        return f"{delivery.definition.id.rpartition('.')[2]}_{delivery.day}.csv"
    name = pattern.replace("*", delivery.day, 1).replace("*", "").replace("?", "0")
    return name if name.endswith((".csv", ".txt")) else f"{name}.csv"


def write_csv(batches: Iterable[pa.RecordBatch], path: Path) -> None:
    """CSV in GB18030; NULL as nothing between the commas."""
    with path.open("wb") as target:
        for number, batch in enumerate(batches):
            text = io.BytesIO()
            options = pyarrow.csv.WriteOptions(include_header=number == 0, quoting_style="needed")
            pyarrow.csv.write_csv(pa.Table.from_batches([batch]), text, options)
            target.write(text.getvalue().decode("utf-8").encode(ENCODING))
