"""Putting generated rows where the departments' servers have them: folders, tables, interfaces.

`fill` reads the class's channel options, so the data stands where the channel will look for it. Rows are given by
lake name; what the department shows is the first header of each column. Never holds more than a batch of rows.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from django.conf import settings

from yici.base.errors import Misconfigured
from yici.platform.data.catalogue.definition import ChannelEntry, ClassDefinition
from yici.platform.data.sandbox import files, tables
from yici.platform.data.sandbox.accounts import folder
from yici.platform.data.sandbox.rest import Store, store_path
from yici.platform.data.sources.connections import Connection, connections
from yici.platform.data.sources.defaults import completed

Mode = Literal["replace", "change"]
_BATCH_ROWS = 50_000
_SPREAD = dt.timedelta(days=30)  # over which rows that came before are told to have changed


@dataclass(frozen=True)
class Delivery:
    """Rows of one class for one department's server.

    `files`: Parquet or UTF-8 CSV whose columns are lake names (others keep their name). `mode`: the whole class, or
    rows that are new or changed by key (a file drop then gets a file of just these). `moment`: when
    the department wrote them; the rows of a whole class are spread over the month before, as one moment for all
    would make every pull begin at the start.
    """

    definition: ClassDefinition
    entry: ChannelEntry
    options: dict[str, Any]
    files: tuple[Path, ...]
    mode: Mode
    moment: dt.datetime

    @property
    def key(self) -> list[str]:
        return [self.definition.by_name[name].headers[0] for name in self.definition.key]

    @property
    def rows(self) -> int:
        return sum(_count(path) for path in self.files)

    @property
    def day(self) -> str:
        """YYYYMMDD, by the city's clock."""
        return f"{self.moment.astimezone(ZoneInfo(settings.TIME_ZONE)):%Y%m%d}"

    def batches(self) -> Iterator[pa.RecordBatch]:
        """All text, under the department's headers; one batch at least, so that columns are known without rows."""
        for path in self.files:
            for batch in _read(path):
                names = [self._header(name) for name in batch.schema.names]
                yield pa.record_batch([column.cast(pa.string()) for column in batch.columns], names=names)

    def moments(self) -> Iterator[dt.datetime]:
        """When each row was written, by the city's clock; the last at the moment itself."""
        count = max(self.rows, 1)
        step = (_SPREAD if self.mode == "replace" else dt.timedelta(0)) / count
        latest = self.moment.astimezone(ZoneInfo(settings.TIME_ZONE))
        return (latest - step * (count - number) for number in range(1, count + 1))

    def _header(self, name: str) -> str:
        column = self.definition.by_name.get(name)
        return column.headers[0] if column else name


def fill(
    unit: str,
    definition: ClassDefinition,
    files: Sequence[Path],
    *,
    home: Path,
    moment: dt.datetime,
    mode: Mode = "replace",
) -> list[str]:
    """Hand the rows to every server from which the class comes from `unit`; says where they went.

    What is handed in by a person (static) comes from no server. Raises `Misconfigured` where a server does not run,
    or the class comes from none of the unit's.
    """
    entries = [entry for entry in definition.channels if entry.unit == unit and entry.kind in _BY_KIND]
    if not entries:
        raise Misconfigured(f"数据类 {definition.id} 没有来自“{unit}”服务器的对接方式。")
    said = []
    for entry in entries:
        options = completed(entry.kind, entry.options, definition)
        delivery = Delivery(definition, entry, options, tuple(files), mode, moment)
        said.append(_BY_KIND[entry.kind](delivery, home))
    return [one for one in said if one]


def _drop(delivery: Delivery, home: Path) -> str:
    at = _at(delivery)
    target = folder(home, at.sandbox) / at.user / at.path.strip("/") / str(delivery.options["folder"])
    if delivery.mode == "change" and not delivery.rows:
        return ""  # who has nothing new drops no file
    return files.write(delivery, target)


def _exchange(delivery: Delivery, home: Path) -> str:
    at = _at(delivery)
    return (
        tables.write_postgresql(delivery, at, home)
        if at.kind == "postgresql"
        else tables.write_mysql(delivery, at, home)
    )


def _serve(delivery: Delivery, home: Path) -> str:
    at = _at(delivery)
    path = str(delivery.options["path"])
    store = Store(store_path(home, at.unit))
    stamps = delivery.moments()

    def rows() -> Iterator[tuple[str, str, dict[str, Any]]]:
        for batch in delivery.batches():
            for row in batch.to_pylist():
                key = "\x1f".join(str(row.get(name)) for name in delivery.key)
                yield key, f"{next(stamps).astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}", row

    (store.replace if delivery.mode == "replace" else store.change)(path, rows())
    return f"{at.path}{path}"


def _at(delivery: Delivery) -> Connection:
    name = str(delivery.options["connection"])
    found = connections().get(name)
    if found is None or not found.sandbox:
        raise Misconfigured(f"连接“{name}”不是演示用的部门服务器，不能写入。")
    return found


def _read(path: Path) -> Iterator[pa.RecordBatch]:
    if path.suffix == ".parquet":
        file = pyarrow.parquet.ParquetFile(path)
        yield from file.iter_batches(_BATCH_ROWS)
        if not file.metadata.num_rows:
            yield pa.RecordBatch.from_pylist([], file.schema_arrow)
        return
    with path.open("rb") as handle:
        names = pyarrow.csv.open_csv(handle).schema.names
    types = pyarrow.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, quoted_strings_can_be_null=False,
        null_values=[""],
    )  # fmt: skip
    yield from pyarrow.csv.open_csv(path, convert_options=types)


def _count(path: Path) -> int:
    if path.suffix == ".parquet":
        return int(pyarrow.parquet.read_metadata(path).num_rows)
    return sum(batch.num_rows for batch in _read(path))


_BY_KIND: dict[str, Callable[[Delivery, Path], str]] = {
    "file_drop": _drop,
    "exchange": _exchange,
    "interface": _serve,
}
