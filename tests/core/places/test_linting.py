"""A broken places folder is named by file, line, rule and remedy."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from yici.base.cityfolder import Finding
from yici.core.places.linting import lint


@pytest.fixture
def folder(city: Path, tmp_path: Path) -> Path:
    shutil.copytree(city / "places", tmp_path / "places")
    return tmp_path


Mend = Callable[[str], str]


def broken(folder: Path, name: str, mend: Mend) -> list[Finding]:
    path = folder / "places" / name
    path.write_text(mend(path.read_text("utf-8")), "utf-8")
    return list(lint(folder))


def test_the_city_folder_is_clean(city: Path) -> None:
    assert list(lint(city)) == []


@pytest.mark.parametrize(
    ("name", "mend", "rule", "line"),
    [
        ("divisions.csv", lambda text: text.replace("341602001000,花戏楼街道", "341602009000,花戏楼街道"), "places.parent", 5),
        ("divisions.csv", lambda text: text.replace("谯城区,county,区,341600000000", "谯城区,county,区,341700000000"), "places.nesting", 3),
        ("divisions.csv", lambda text: text.replace("谯城区,county", "谯城区,township"), "places.level", 3),
        ("divisions.csv", lambda text: text.replace("341602001001,", "34160200100,"), "places.code", 5),
        ("divisions.csv", lambda text: text.replace("341602001002,", "341602001001,"), "places.duplicate", 6),
        ("divisions.csv", lambda text: "\n".join(text.splitlines()[:-1]) + "\n", "places.count", 0),
        ("historic_codes.csv", lambda text: text.replace("342124,341621000000", "342124,341629000000"), "places.historic", 3),
        ("historic_codes.csv", lambda text: text.replace(",1995-12-31", ",", 1).replace("342102", "34210"), "places.historic", 2),
        ("zones.yaml", lambda text: text.replace('["341602403000"]', '["341602499000"]'), "places.zone", 13),
        ("zones.yaml", lambda text: text.replace("kind: 园区", "kind: 园", 1), "places.zone", 34),
    ],
)  # fmt: skip
def test_a_fault_is_found_where_it_is(folder: Path, name: str, mend: Mend, rule: str, line: int) -> None:
    findings = [finding for finding in broken(folder, name, mend) if finding.rule == rule]
    assert findings, f"{rule} not found"
    assert findings[0].path == f"places/{name}"
    assert findings[0].line == line
    assert findings[0].message
    assert findings[0].remedy


def test_a_missing_file_is_a_finding(folder: Path) -> None:
    (folder / "places" / "zones.yaml").unlink()
    assert [finding.rule for finding in lint(folder)] == ["places.missing"]
