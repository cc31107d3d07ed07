"""Files handed in by hand look as offices make them and hold what was generated."""

from __future__ import annotations

import asyncio
import csv
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest

from tests.platform.data.generating.conftest import DAY, Made
from yici.base.errors import Misconfigured
from yici.platform.data.catalogue import reading
from yici.platform.data.generating import delivering
from yici.platform.data.sandbox import rest, sftp
from yici.platform.data.sources.registry import source

BY_HAND = sorted(
    name for name, each in reading.definitions().items() if all(channel.kind == "static" for channel in each.channels)
)


@pytest.fixture
def home(tmp_path: Path, settings: Any) -> Path:
    settings.DATA_HOME = tmp_path
    return tmp_path


def test_sheets_have_titles_and_merged_headers_and_all_rows(city: Made, home: Path) -> None:
    done = delivering.deliver(city.into, classes=BY_HAND)
    assert set(done.static) == set(BY_HAND) and not done.filled
    titled = grouped = 0
    for name, path in done.static.items():
        definition = reading.definition(name)
        assert path.is_relative_to(home / "static" / definition.channels[0].unit)
        sheet = openpyxl.load_workbook(path).active
        assert sheet is not None
        rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
        headers = delivering.headers_of(definition)
        top = rows.index(headers)
        titled += top == 1
        grouped += top == 2
        assert len(sheet.merged_cells.ranges) == (0, 1, 3)[top]
        delivered = pq.read_table(city.into / "departments" / name / f"{DAY}.parquet").to_pylist()
        assert [tuple(row) for row in rows[top + 1 :]] == [tuple(row.values()) for row in delivered]
    assert titled and grouped


def test_some_classes_come_with_other_names_for_their_columns() -> None:
    usual = {name: [column.headers[0] for column in reading.definition(name).columns] for name in BY_HAND}
    same = [delivering.headers_of(reading.definition(name)) == usual[name] for name in BY_HAND]
    assert any(same) and not all(same)


def test_what_is_too_long_for_a_sheet_comes_as_csv_in_gb18030(
    city: Made, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "disease_control.vaccination"
    monkeypatch.setattr(delivering, "LARGEST_SHEET", 100)
    path = delivering.deliver(city.into, classes=[name]).static[name]
    with path.open(encoding="gb18030", newline="") as handle:
        rows = list(csv.reader(handle))
    assert rows[0] == delivering.headers_of(reading.definition(name))
    assert len(rows) - 1 == city.report.rows[name]


def test_delivering_twice_leaves_one_file(city: Made, home: Path) -> None:
    first = delivering.deliver(city.into, classes=BY_HAND[:1]).static[BY_HAND[0]]
    again = delivering.deliver(city.into, classes=BY_HAND[:1]).static[BY_HAND[0]]
    assert first == again and [path.name for path in first.parent.iterdir()] == [first.name]


@pytest.fixture
def file_server(home: Path) -> Iterator[None]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(sftp.start(home), loop).result(30)
    yield
    loop.call_soon_threadsafe(server.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


@pytest.fixture
def interface_server(home: Path) -> Iterator[None]:
    server = rest.start(home)
    yield
    server.stop()


def pulled(name: str, into: Path) -> int:
    """Rows the class's channel brings from the department's server."""
    definition = reading.definition(name)
    (entry,) = definition.channels
    pull = source(entry.kind).pull(entry.options, {}, into, definition=definition)
    encoding = "utf-8" if entry.kind == "interface" else "gb18030"
    rows = 0
    for item in pull.objects:
        with item.path.open(encoding=encoding, newline="") as text:
            rows += sum(1 for _ in csv.reader(text)) - 1
    return rows


def test_a_file_drop_class_lies_where_its_channel_looks(city: Made, home: Path, file_server: None) -> None:
    name = "provident_fund.account"
    done = delivering.deliver(city.into, classes=[name])
    assert done.filled[name] and not done.static
    (home / "pulled").mkdir()
    assert pulled(name, home / "pulled") == city.report.rows[name]


def test_an_interface_class_is_served_by_its_department(city: Made, home: Path, interface_server: None) -> None:
    name = "court.dishonest_person"
    delivering.deliver(city.into, classes=[name])
    (home / "pulled").mkdir()
    keys = city.sql(f'SELECT count(DISTINCT (case_number, code)) FROM d."{name}"')[0][0]  # it keeps one row of a key
    assert pulled(name, home / "pulled") == keys


def test_a_server_that_does_not_run_is_named(city: Made, home: Path) -> None:
    with pytest.raises(Misconfigured):
        delivering.deliver(city.into, classes=["land.house_right"])
