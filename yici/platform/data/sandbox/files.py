"""Files as departments make them: CSV in GB18030 with checksum and marker, or a spreadsheet."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING

import openpyxl
import pyarrow as pa
import pyarrow.csv

if TYPE_CHECKING:
    from yici.platform.data.sandbox.filling import Delivery

ENCODING = "gb18030"
_LARGEST_SHEET = 50_000  # rows; more takes minutes to write and to read


def write(delivery: Delivery, folder: Path, *, spreadsheet: bool) -> str:
    """Write the delivery into the folder, visible under its name only when whole. Returns the file's name."""
    folder.mkdir(parents=True, exist_ok=True)
    pattern = str(delivery.options.get("pattern", "*"))
    as_sheet = pattern.endswith(".xlsx") or (
        spreadsheet and not pattern.endswith(".csv") and delivery.rows <= _LARGEST_SHEET
    )
    name = _name(delivery, pattern, ".xlsx" if as_sheet else ".csv")
    draft = folder / f".{name}.writing"
    (_write_sheet if as_sheet else _write_csv)(delivery, draft)
    marker = folder / (name + str(delivery.options.get("marker", ".ok")))
    marker.unlink(missing_ok=True)  # of an earlier upload; would vouch for this one
    digest = _sha256(draft)
    draft.replace(folder / name)
    if not spreadsheet:
        (folder / f"{name}.sha256").write_text(f"{digest}  {name}\n", "utf-8")
        marker.touch()
    return name


def _name(delivery: Delivery, pattern: str, suffix: str) -> str:
    """As the pattern has it, with the day in the place of its first star."""
    subject = delivery.definition.id.rpartition(".")[2]
    if pattern == "*":
        return f"{subject}_{delivery.day}{suffix}"
    name = pattern.replace("*", delivery.day, 1).replace("*", "").replace("?", "0")
    return name if name.endswith((".csv", ".xlsx", ".txt")) else name + suffix


def _write_csv(delivery: Delivery, path: Path) -> None:
    with path.open("wb") as target:
        for number, batch in enumerate(delivery.batches()):
            text = io.BytesIO()
            options = pyarrow.csv.WriteOptions(include_header=number == 0, quoting_style="needed")
            pyarrow.csv.write_csv(pa.Table.from_batches([batch]), text, options)
            target.write(text.getvalue().decode("utf-8").encode(ENCODING))


def _write_sheet(delivery: Delivery, path: Path) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Sheet1")
    for number, batch in enumerate(delivery.batches()):
        if number == 0:
            sheet.append(batch.schema.names)
        for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            sheet.append(row)
    with path.open("wb") as target:
        book.save(target)


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
