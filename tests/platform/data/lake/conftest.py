"""A class in a lake of its own, and deliveries to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.platform.data.factories import make_class, make_definition, make_run, write_accepted
from yici.platform.data.catalogue.definition import ClassDefinition
from yici.platform.data.engines.duckdb import connect
from yici.platform.data.lake import layout, merging, reading, writing
from yici.platform.data.models import Snapshot

DAY = dt.date(2026, 11, 1)


class Lake:
    """One class. `put` publishes rows of it as one delivery."""

    def __init__(self, folder: Path, definition: ClassDefinition | None = None) -> None:
        self.folder = folder
        self.definition = definition or make_definition()
        self.data_class = make_class(self.definition)

    def put(self, rows: Sequence[dict[str, Any]], mode: str = "full", **options: Any) -> Snapshot:
        path = write_accepted(self.folder / "accepted.parquet", self.definition, rows)
        run = options.pop("run", None) or make_run(self.data_class, state="published")
        return writing.publish(
            self.data_class, [path], definition=self.definition, mode=mode, run=run, data_date=DAY, **options
        )

    def values(self, column: str = "id_number", **which: Any) -> list[Any]:
        """A column of a version, in the order of its files."""
        files = [str(path) for path in reading.files_of(self.data_class, **which)]
        with connect() as engine:
            return [row[0] for row in engine.execute(f'SELECT "{column}" FROM read_parquet(?)', [files]).fetchall()]

    def on_disk(self) -> set[str]:
        return {str(path.relative_to(layout.lake_root())) for path in layout.lake_root().rglob("*.parquet")}

    def named(self) -> set[str]:
        """Files that kept versions name."""
        kept = self.data_class.snapshots.exclude(state="expired")
        return {one["path"] for snapshot in kept for one in snapshot.files}


@pytest.fixture
def lake(db: None, tmp_path: Path, settings: Any) -> Lake:
    settings.DATA_HOME = tmp_path / "data"
    return Lake(tmp_path)


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of a thousand rows."""
    monkeypatch.setattr(merging, "PART_ROWS", 1000)
