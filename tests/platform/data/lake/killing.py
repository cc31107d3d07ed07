"""Publishes in a child process and kills it, again and again; prints how many versions came to be, and what was wrong.

Run by `test_crashes.py` in a process of its own: `python -m tests.platform.data.lake.killing FOLDER`.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from yici.web.database import set_up_django

set_up_django()

from django.db import connection  # noqa: E402

from tests.platform.data.factories import make_class, make_definition, make_run, person, write_accepted  # noqa: E402
from tests.platform.data.lake.conftest import DAY  # noqa: E402
from yici.platform.data.errors import LoadInProgress  # noqa: E402
from yici.platform.data.lake import layout, merging, reading, upkeep, writing  # noqa: E402
from yici.platform.data.models import DataClass, Snapshot  # noqa: E402

T = TypeVar("T")
KILLS, ROWS = 50, 3000
merging.PART_ROWS = 1500  # two files a version


def deliveries(folder: Path) -> Iterator[Snapshot]:
    """Every version of one address; each third an increment that leaves the second file alone; old ones expire now and then."""
    definition = make_definition()
    data_class = DataClass.objects.get(pk=definition.id)
    turn = 0
    while True:
        turn += 1
        is_full = turn % 3 != 0
        stamp = f"{os.getpid()}-{turn}"
        rows = [
            person(number, address=stamp if is_full else f"{number}|{stamp}")
            for number in range(ROWS if is_full else 5)
        ]
        path = write_accepted(folder / "accepted.parquet", definition, rows)
        yield until_free(
            lambda path=path, is_full=is_full: writing.publish(  # type: ignore[misc]
                data_class, [path], definition=definition, mode="full" if is_full else "increment",
                run=make_run(data_class, state="published"), data_date=DAY,
            )
        )  # fmt: skip
        if turn % 4 == 0:
            until_free(lambda: upkeep.expire(data_class, keep=3, still_read=0))


def until_free(work: Callable[[], T]) -> T:
    """The server lets go of a killed process's lock when it notices; until then the class is being loaded."""
    while True:
        try:
            return work()
        except LoadInProgress:
            time.sleep(0.002)


def child(folder: Path, told: int) -> None:
    for _snapshot in deliveries(folder):
        os.write(told, b".")


def faults_in(data_class: DataClass, kill: int) -> list[str]:
    """What readers see after a kill: one whole delivery, and on it at most one whole increment."""
    found = reading.rows(data_class, limit=2 * ROWS, columns=["id_number", "address"])
    current = reading.snapshot_of(data_class)
    whole = {row["address"] for row in found[5:]}
    first = {row["address"].split("|")[-1] for row in found[:5]}
    faults = []
    if not len(found) == ROWS == current.row_count or len(whole) != 1 or len(first) != 1:
        faults.append(f"after kill {kill}: {len(found)} rows, {current.row_count} counted, of {len(whole)} deliveries")
    return faults + [str(one) for one in upkeep.verify(data_class)]


def main(folder: Path) -> None:
    make_class(make_definition())
    began = time.monotonic()
    next(deliveries(folder))
    usual = time.monotonic() - began
    draw, faults = random.Random(341600), []
    data_class = DataClass.objects.get(pk=make_definition().id)
    for kill in range(KILLS):
        connection.close()
        hear, tell = os.pipe()
        pid = os.fork()
        if pid == 0:
            child(folder, tell)
        os.close(tell)
        if kill % 3 == 0:  # every third kill comes after a publication at the earliest
            os.read(hear, 1)
        time.sleep(draw.uniform(0, 1.5 * usual))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(hear)
        faults += faults_in(data_class, kill)
    until_free(lambda: upkeep.expire(data_class, keep=2, still_read=0))
    upkeep.sweep(older_than=0)
    faults += faults_in(data_class, KILLS)
    named = {one["path"] for one_version in data_class.snapshots.exclude(state="expired") for one in one_version.files}
    there = {str(path.relative_to(layout.lake_root())) for path in layout.lake_root().rglob("*.parquet")}
    if there != named or list(layout.work_root().iterdir()):
        faults.append(f"after sweeping {len(there - named)} orphans are left, {len(named - there)} files are missing")
    print(json.dumps({"versions": data_class.snapshots.count(), "faults": faults}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
