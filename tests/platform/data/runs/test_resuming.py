"""A run over the exchange channel that is cut on its way, and the one that follows by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from tests.platform.data.factories import make_class, make_definition, make_run
from tests.platform.data.sandbox.fixtures import TAG, Departments, at_departments, connect, departments, postgresql
from tests.platform.data.sources.proxy import Relay
from yici.platform.data.models import Run
from yici.platform.data.runs.carrying_out import load

__all__ = ["at_departments", "connect", "departments", "postgresql"]

ROWS = 900


def test_a_run_that_was_cut_is_followed_by_one_that_brings_the_rest(
    db: None,
    postgresql: str,
    at_departments: Departments,
    connect: Callable[..., None],
    settings: Any,
    tmp_path: Path,
) -> None:
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("CREATE TABLE land.parcel (证号 text, 坐落 text, 更新时间 timestamptz)")
        connection.cursor().executemany(
            "INSERT INTO land.parcel VALUES (%s, repeat('长', 500), timestamptz '2026-11-01' + %s * interval '1 minute')",
            [(f"证{number}", number) for number in range(ROWS)],
        )
        connection.execute(f'GRANT SELECT ON land.parcel TO "land_{TAG}"')
    address = at_departments.address("postgres")
    options = {
        "connection": "relay", "table": "land.parcel", "columns": ["证号", "坐落"], "watermark": "更新时间", "overlap": 60,
        "resumable_rows": 100, "batch_rows": 50,
    }  # fmt: skip
    definition = make_definition(
        "land.parcel",
        key=["number"],
        columns=[
            {"name": "number", "headers": ["证号"], "type": "text", "sensitivity": "internal", "required": True},
            {"name": "place", "headers": ["坐落"], "type": "text", "sensitivity": "internal"},
        ],
        channels=[{"kind": "exchange", "unit": "land", "options": options}],
    )
    data_class = make_class(definition, "bz.land")
    settings.DATA_HOME = tmp_path / "data"
    settings.DATA_HOME.mkdir()
    (settings.DATA_HOME / "secrets.json").symlink_to(at_departments.home / "secrets.json")
    with Relay(address["host"], address["port"], 700_000) as relay:
        connect(
            "relay", kind="postgresql", host="127.0.0.1", port=relay.port, database=address["database"], user=f"land_{TAG}",
            secret="LAND_EXCHANGE", tls={"mode": "off"},
        )  # fmt: skip
        first = make_run(data_class, state=Run.State.QUEUED)
        assert load(first.pk) == Run.State.FAILED
        second = Run.objects.get(retry_of=first)
        state = load(second.pk)
    second.refresh_from_db()
    assert state == Run.State.PUBLISHED, second.message
    assert second.rows_accepted == ROWS
    assert "断点" in second.detail["notes"][0]
