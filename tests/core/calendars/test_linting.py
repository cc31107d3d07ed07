"""Office hours that cannot be right are named by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from yici.base.errors import Misconfigured
from yici.core.calendars.linting import lint
from yici.core.calendars.loading import read_hours

HOURS = """\
hours:
  - valid_from: 2004-01-01
    morning: ["09:00", "12:00"]
    afternoon: ["14:00", "17:30"]
  - valid_from: 2027-06-01
    morning: ["08:00", "12:00"]
    afternoon: ["15:00", "18:00"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "calendars").mkdir()
    return tmp_path


def write(folder: Path, text: str) -> Path:
    (folder / "calendars" / "hours.yaml").write_text(text, "utf-8")
    return folder


def test_the_city_folder_is_clean(city: Path) -> None:
    assert list(lint(city)) == []


def test_summer_hours_are_read(folder: Path) -> None:
    write(folder, HOURS)
    assert list(lint(folder)) == []
    assert [hours.afternoon_end.hour for hours in read_hours(folder / "calendars" / "hours.yaml")] == [17, 18]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (HOURS.replace('"12:00"]\n    afternoon: ["15', '"16:00"]\n    afternoon: ["15'), 5),
        (HOURS.replace("2027-06-01", "2003-06-01"), 5),
        (HOURS.replace('["08:00", "12:00"]', '["08:00"]'), 5),
        (HOURS.replace('"08:00"', '"8 Uhr"'), 5),
        ("hours: []\n", 1),
    ],
)
def test_a_fault_is_found_where_it_is(folder: Path, text: str, line: int) -> None:
    findings = list(lint(write(folder, text)))
    assert [(finding.path, finding.line) for finding in findings] == [("calendars/hours.yaml", line)]
    assert findings[0].remedy


def test_missing_file_is_a_finding_and_an_error(folder: Path) -> None:
    assert [finding.rule for finding in lint(folder)] == ["calendars.missing"]
    with pytest.raises(Misconfigured):
        read_hours(folder / "calendars" / "hours.yaml")
