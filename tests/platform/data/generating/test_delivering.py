"""Files handed in by hand look as offices make them and hold what was generated."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest

from tests.platform.data.generating.conftest import DAY, Made
from yici.platform.data.catalogue import reading
from yici.platform.data.generating import delivering

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
