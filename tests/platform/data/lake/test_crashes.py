"""Publishing by several at once and through kills: what stands is always one whole version. Needs real commits."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connections

from tests.conftest import SERVER, cloned_city
from tests.environment import ROOT
from tests.platform.data.factories import make_class, make_definition, make_run, person, write_accepted
from yici.platform.data.errors import LoadInProgress
from yici.platform.data.lake import layout, reading, upkeep, writing
from yici.platform.data.models import Snapshot


@pytest.fixture
def own_database(django_db_setup: None, django_db_blocker: Any, settings: Any, tmp_path: Path) -> Iterator[str]:
    """A clone of the demo city that may be committed to; gives its address."""
    settings.DATA_HOME = tmp_path / "data"
    usual = connections["default"].settings_dict["NAME"]
    with django_db_blocker.unblock(), cloned_city(f"yici_lake_{os.getpid()}") as clone:
        connections.close_all()
        connections["default"].settings_dict["NAME"] = clone
        try:
            yield SERVER.replace("/yici?", f"/{clone}?")
        finally:
            connections.close_all()
            connections["default"].settings_dict["NAME"] = usual


def test_of_two_publishers_at_once_one_is_refused_and_nothing_is_mixed(own_database: str, tmp_path: Path) -> None:
    definition = make_definition()
    data_class = make_class(definition)
    begun, go_on = threading.Event(), threading.Event()

    def publish(name: str, number: int, **options: Any) -> Snapshot:
        path = write_accepted(tmp_path / name, definition, [person(number)])
        run = make_run(data_class, state="published")
        return writing.publish(
            data_class, [path], definition=definition, mode="full", run=run, data_date=dt.date(2026, 11, 1), **options
        )

    def wait(snapshot: Snapshot) -> None:
        begun.set()
        assert go_on.wait(20)

    def first() -> None:
        try:
            publish("first.parquet", 1, within=wait)
        finally:
            connections.close_all()

    thread = threading.Thread(target=first)
    thread.start()
    assert begun.wait(20)
    with pytest.raises(LoadInProgress):
        publish("second.parquet", 2)
    go_on.set()
    thread.join()
    assert reading.rows(data_class, columns=["name"]) == [{"name": "王1"}]
    publish("second.parquet", 2)
    assert reading.rows(data_class, columns=["name"]) == [{"name": "王2"}]


_KILLER = """
import datetime as dt, os, random, signal, sys, time
from pathlib import Path
from yici.web.database import set_up_django
set_up_django()
from tests.platform.data.factories import make_class, make_definition, make_run, person, write_accepted
from yici.platform.data.lake import layout, reading, upkeep, writing
from yici.platform.data.models import DataClass
from django.db import connection
writing.PART_ROWS = 200
definition = make_definition()
make_class(definition)
work = Path(sys.argv[1])
ROWS = 600

def publish_for_ever():
    data_class = DataClass.objects.get(pk=definition.id)
    for turn in range(os.getpid() * 1000, os.getpid() * 1000 + 1000):
        rows = [person(number, address=f"turn {turn}") for number in range(ROWS)]
        path = write_accepted(work / "accepted.parquet", definition, rows)
        run = make_run(data_class, state="published")
        writing.publish(data_class, [path], definition=definition, mode="full", run=run, data_date=dt.date(2026, 11, 1))
        data_class.refresh_from_db()

draw, faults, versions = random.Random(341600), [], 0
for kill in range(50):
    connection.close()
    child = os.fork()
    if child == 0:
        publish_for_ever()
        os._exit(0)
    time.sleep(draw.uniform(0.01, 0.2))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    data_class = DataClass.objects.get(pk=definition.id)
    if data_class.current_id is None:
        continue
    found = reading.rows(data_class, limit=2 * ROWS, columns=["address"])
    turns = {row["address"] for row in found}
    if len(found) != ROWS or len(turns) != 1:
        faults.append(f"after kill {kill}: {len(found)} rows of {len(turns)} deliveries")
    faults += map(str, upkeep.verify())
versions = data_class.snapshots.count()
upkeep.sweep(older_than=0)
named = {one["path"] for snapshot in data_class.snapshots.all() for one in snapshot.files}
there = {str(path.relative_to(layout.lake_root())) for path in layout.lake_root().rglob("*.parquet")}
if there != named:
    faults.append(f"{len(there - named)} orphans left, {len(named - there)} files missing")
faults += map(str, upkeep.verify())
print(versions, faults)
"""


@pytest.mark.slow
def test_an_engine_killed_fifty_times_leaves_the_last_whole_version(own_database: str, tmp_path: Path) -> None:
    """SIGKILL at random moments while it publishes; what readers see is one delivery, whole, after each."""
    environment = {
        **os.environ,
        "DATABASE_URL": own_database,
        "YICI_HOME": str(django_settings.HOME),
        "YICI_DATA_HOME": str(django_settings.DATA_HOME),
        "YICI_DATA_THREADS": "1",
    }
    ended = subprocess.run(
        [sys.executable, "-c", _KILLER, str(tmp_path)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    versions, _blank, faults = ended.stdout.strip().partition(" ")
    assert faults == "[]", ended.stderr or faults
    assert int(versions) > 10
    assert upkeep.verify() == [] and layout.lake_root().exists()
