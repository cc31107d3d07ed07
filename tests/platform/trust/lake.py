"""A class of households in the lake that certificates can be made from, and the fixture that stands it there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from yici.platform.trust import definitions, ports
from yici.platform.trust.ports import LakeClass

TYPE = "household_register"
COLUMNS = {
    "number": "household.number",
    "id_number": "person.id_number",
    "name": "person.name",
    "address": "household.address",
    "since": "",
}


def write_rows(path: Path, count: int, moved: int = 0, owner: str = "") -> Path:
    """`moved`: so many of the first rows have another address than before; `owner`: whose the first row is."""
    pq.write_table(
        pa.table(
            {
                "number": [f"3416{place:08d}" for place in range(count)],
                "id_number": [owner if owner and not place else f"34160219800101{place:04d}" for place in range(count)],
                "name": [f"王{place}" for place in range(count)],
                "address": [f"涡阳县{'新' if place < moved else ''}某村{place}号" for place in range(count)],
                "since": [dt.date(2015, 1, 1)] * count,
            }
        ),
        path,
    )
    return path


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """`lake(version, count, …)`: the class stands in that version now."""

    def stand(version: int, count: int, **changes: Any) -> None:
        path = write_rows(tmp_path / f"v{version}.parquet", count, **changes)
        found = LakeClass(f"test.household v{version}", [path], COLUMNS, pq.read_metadata(path).num_rows)
        ports.register_lake(lambda class_id: found)

    real = definitions.certificate_type
    kind = real(TYPE)
    made_from = definitions.MadeFrom.model_validate(
        {"class": "test.household", "number": "number", "holder": "id_number", "valid_from": "since"}
    )
    changed = kind.model_copy(update={"made_from": made_from})
    monkeypatch.setattr(definitions, "certificate_type", lambda slug: changed if slug == TYPE else real(slug))
    kept = ports._lake
    yield stand
    ports._lake = kept
