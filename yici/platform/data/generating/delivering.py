"""Putting generated classes where their departments keep them, each in the form of its channel.

Databases, interfaces and file servers are filled by the sandbox. What is handed in by hand (static) is made here as
offices make it: sheets with titles and merged headers, headers by their other names, long ones as CSV in GB18030.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from django.conf import settings
from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from yici.platform.data.catalogue import reading
from yici.platform.data.catalogue.definition import ChannelEntry, ClassDefinition
from yici.platform.data.generating.generating import delivered_on, read_manifest
from yici.platform.data.sandbox import files
from yici.platform.data.sandbox.filling import Mode, fill
from yici.platform.data.sources.defaults import completed

LARGEST_SHEET = 50_000  # rows; what is longer comes as CSV
_BATCH = 50_000
_ALIAS_SHARE = 3  # one class in three bears the second names of its columns, where they have one
_CLOSING = dt.time(18, 0)  # when departments write what they deliver
Progress = Callable[[int, int], None]


@dataclass
class Delivered:
    """`static`: files handed in, by class; `filled`: where the sandbox put the others, by class."""

    day: str
    static: dict[str, Path] = field(default_factory=dict)
    filled: dict[str, list[str]] = field(default_factory=dict)

    def __str__(self) -> str:
        words = _("{day}：{static} 类交来文件，{filled} 类写入各部门的数据库、接口和前置机")
        return words.format(day=self.day, static=len(self.static), filled=len(self.filled))


def deliver(into: Path, *, classes: Sequence[str] | None = None, progress: Progress | None = None) -> Delivered:
    """Deliver what was generated last under `into` to DATA_HOME and its demo servers.

    A first delivery replaces what is there; later ones bring changes for incremental classes. Doing it twice does no
    harm. Raises `Invalid` where nothing was generated, `Misconfigured` where a demo server does not run.
    """
    manifest = read_manifest(into)
    day = dt.date.fromisoformat(manifest["days"][-1])
    home = Path(settings.DATA_HOME)
    moment = dt.datetime.combine(day, _CLOSING, ZoneInfo(settings.TIME_ZONE))
    names = classes or list(manifest["rows"])
    done = Delivered(day.isoformat())
    for place, name in enumerate(names):
        definition = reading.definition(name)
        source = into / "departments" / name / f"{day:%Y%m%d}.parquet"
        first = delivered_on(into, name)[0] == day
        mode: Mode = "replace" if first or definition.load == "full" else "change"
        # The sandbox serves all channels of a unit at once.
        for unit in {entry.unit: None for entry in definition.channels if entry.kind != "static"}:
            done.filled.setdefault(name, []).extend(
                fill(unit, definition, [source], home=home, moment=moment, mode=mode)
            )
        for entry in definition.channels:
            if entry.kind == "static":
                done.static[name] = _hand_in(definition, entry, source, day, home / "static")
        if progress:
            progress(place + 1, len(names))
    return done


def _hand_in(definition: ClassDefinition, entry: ChannelEntry, source: Path, day: dt.date, root: Path) -> Path:
    options = completed("static", entry.options, definition)
    folder = root / str(options["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    pattern = str(options.get("pattern", "*"))
    subject = definition.id.rpartition(".")[2]
    stem = f"{subject}_*" if pattern == "*" else pattern.rpartition(".")[0] or pattern
    target = folder / stem.replace("*", f"{day:%Y%m%d}", 1).replace("*", "")
    headers = headers_of(definition)
    if pattern.endswith(".csv") or pq.read_metadata(source).num_rows > LARGEST_SHEET:
        return _write_csv(headers, source, target.with_suffix(".csv"))
    return _write_sheet(definition, headers, source, target.with_suffix(".xlsx"))


def headers_of(definition: ClassDefinition) -> list[str]:
    """The names the columns bear in a file handed in by hand."""
    alias = _number(definition.id) // 7 % _ALIAS_SHARE == 0
    return [column.headers[1 if alias and len(column.headers) > 1 else 0] for column in definition.columns]


def _number(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=4).digest(), "big")


def _batches(source: Path, headers: list[str]) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(source) as file:
        for batch in file.iter_batches(_BATCH):
            yield batch.rename_columns(headers)


def _write_csv(headers: list[str], source: Path, target: Path) -> Path:
    """The name is given once the file is whole."""
    part = target.with_suffix(".part")
    files.write_csv(_batches(source, headers), part)
    part.replace(target)
    return target


def _write_sheet(definition: ClassDefinition, headers: list[str], source: Path, target: Path) -> Path:
    """A sheet as offices make them: plain, under a merged title, or under a title and a row of merged groups."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(definition.name.zh[:31])
    bold, width, style = Font(bold=True), len(headers), _number(definition.id) % 3

    def row(*values: str | None) -> list[WriteOnlyCell]:
        cells = [WriteOnlyCell(sheet, value) for value in values]
        for cell in cells:
            cell.font = bold
        return cells

    if style >= 1:
        sheet.merged_cells.add(f"A1:{_letters(width)}1")
        sheet.append(row(f"亳州市{definition.name.zh}表"))
    if style == 2 and width > 4:
        half = width // 2
        sheet.merged_cells.add(f"A2:{_letters(half)}2")
        sheet.merged_cells.add(f"{_letters(half + 1)}2:{_letters(width)}2")
        sheet.append(row("基本信息", *[None] * (half - 1), "业务信息"))
    sheet.append(row(*headers))
    for batch in _batches(source, headers):
        for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            sheet.append(values)
    part = target.with_suffix(".part")
    book.save(part)
    part.replace(target)
    return target


def _letters(number: int) -> str:
    """The letters of a sheet's column, counted from one."""
    text = ""
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(65 + rest) + text
    return text
