"""D8: what a small delivery costs end to end: a file of 100 rows, two of them new, from upload to published version, every described class.

Processor seconds of this process; the database's own work comes beside it in the note. The first load of a class is
left out, as a process pays its imports and plans once.
"""

from __future__ import annotations

import shutil
import statistics
import time
from collections import Counter
from pathlib import Path

from bench import site
from bench.data_scale import SEED
from bench.results import Result

ROWS = 100
LOADS = 4
NEW = 2  # rows that a delivery has and the one before had not
PERSONS = 6_000


def run() -> list[Result]:
    site.prepare(residents=2_000)
    from django.conf import settings
    from django.db import transaction

    home = site.HOME / "small"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    kept, settings.DATA_HOME = settings.DATA_HOME, home / "data"
    try:
        with transaction.atomic():
            results = _measure(home)
            transaction.set_rollback(True)
            return results
    finally:
        settings.DATA_HOME = kept
        shutil.rmtree(home, ignore_errors=True)


def _measure(home: Path) -> list[Result]:
    from yici.platform.data import generating
    from yici.platform.data.catalogue import reading
    from yici.platform.data.models import DataClass, Run

    generating.generate(PERSONS, SEED, home / "city")
    DataClass.objects.update(current=None)
    taken: dict[str, list[float]] = {}
    phases: Counter[str] = Counter()
    for name, definition in reading.definitions().items():
        files = sorted((home / "city" / "departments" / name).glob("*.parquet"))
        for turn in range(LOADS):
            path = home / f"{turn}.csv"
            if not _write(definition, files, turn, path):
                break
            began = time.process_time()
            ended = _load(name, path)
            seconds = time.process_time() - began
            assert ended.state == Run.State.PUBLISHED, (name, ended.state, ended.message)
            if turn:
                taken.setdefault(name, []).append(seconds)
                phases.update(ended.detail["seconds"])
    each = [statistics.median(seconds) for seconds in taken.values()]
    slowest = max(taken, key=lambda name: statistics.median(taken[name]))
    count = sum(map(len, taken.values()))
    told = ", ".join(f"{phase} {seconds / count:.3f}" for phase, seconds in phases.most_common())
    note = f"{len(each)} classes; wall s: {told}; slowest {slowest} {max(each):.3f}"
    return [
        Result(
            f"D8 a delivery of {ROWS} rows end to end, processor", statistics.median(each), "s", 0.1, note=note
        ).told()
    ]


def _write(definition: object, files: list[Path], turn: int, path: Path) -> bool:
    """100 rows as the department writes them; False where the class has fewer than the loads need."""
    from yici.base.sql import paths, quoted, text
    from yici.platform.data.engines.duckdb import connect
    from yici.platform.data.generating.delivering import headers_of

    named = zip(definition.columns, headers_of(definition), strict=True)  # type: ignore[attr-defined]
    own = ", ".join(f"{quoted(column.name)} AS {quoted(header)}" for column, header in named)
    with connect() as engine:
        engine.execute(
            f"COPY (SELECT {own} FROM read_parquet({paths(files)}) LIMIT {ROWS} OFFSET {NEW * turn}) TO {text(path)} (HEADER)"
        )
        return len(path.read_bytes().splitlines()) > ROWS // 2


def _load(name: str, path: Path) -> object:
    from yici.platform.data.models import DataClass
    from yici.platform.data.runs import starting
    from yici.platform.data.runs.carrying_out import load

    run = starting.upload(DataClass.objects.get(slug=name), path, path.name, None)
    starting.decide(run, {}, None)
    load(run.pk)
    run.refresh_from_db()
    return run
