"""The static channel: files in the unit's folder of the data home."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from yici.platform.data.errors import SourceUnavailable
from yici.platform.data.sources.static.source import Static

OPTIONS: dict[str, Any] = {"folder": "disabled_federation/disability", "pattern": "*.xlsx"}


@pytest.fixture
def unit(tmp_path: Path, settings: Any) -> Path:
    settings.DATA_HOME = tmp_path / "data"
    folder = tmp_path / "data" / "static" / "disabled_federation" / "disability"
    folder.mkdir(parents=True)
    return folder


def put(folder: Path, name: str, content: bytes, age: float = 60) -> None:
    (folder / name).write_bytes(content)
    moment = time.time() - age
    os.utime(folder / name, (moment, moment))


def test_a_spreadsheet_is_taken_once(unit: Path, tmp_path: Path) -> None:
    put(unit, "残疾人.xlsx", b"PK")
    (unit / "~$残疾人.xlsx").write_bytes(b"lock file of an office program")
    first = Static().pull(OPTIONS, {}, tmp_path / "into")
    assert [one.path.read_bytes() for one in first.objects] == [b"PK"]
    assert first.objects[0].name == "残疾人.xlsx"
    assert Static().pull(OPTIONS, first.cursor, tmp_path / "into").objects == []
    assert (unit / "残疾人.xlsx").exists()


def test_a_folder_that_is_not_there_is_said(unit: Path, tmp_path: Path) -> None:
    wrong = {**OPTIONS, "folder": "nobody"}
    assert [one.code for one in Static().check_config(wrong)] == ["unknown-folder"]
    with pytest.raises(SourceUnavailable, match="nobody"):
        Static().pull(wrong, {}, tmp_path / "into")
    assert Static().check_config(OPTIONS) == []


def test_a_link_out_of_the_static_folder_is_not_followed(unit: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.xlsx").write_bytes(b"secret")
    (unit / "link.xlsx").symlink_to(outside / "secret.xlsx")
    assert Static().pull(OPTIONS, {}, tmp_path / "into").objects == []
    unit.with_name("out").symlink_to(outside)
    assert Static().check_config({**OPTIONS, "folder": "disabled_federation/out"})[0].code == "unknown-folder"


def test_a_file_just_written_is_looked_at_twice_and_an_old_one_is_not(unit: Path, tmp_path: Path) -> None:
    waited: list[bool] = []

    def changed(done: int, total: int | None = None, /) -> None:
        if not waited:
            waited.append(True)
            put(unit, "new.xlsx", b"written on", 0)

    put(unit, "old.xlsx", b"old")
    put(unit, "new.xlsx", b"new", 0)
    options = {**OPTIONS, "take": "all", "settle_seconds": 0.05}
    found = Static().pull(options, {}, tmp_path / "into", progress=changed)
    assert waited
    assert [one.name for one in found.objects] == ["old.xlsx"]
