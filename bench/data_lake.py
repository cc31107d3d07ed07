"""The lake against raw DuckDB in the same run: differences, publishing, single rows, increments.

Needs `YICI_BENCH_LAKE_ROWS` rows (10 million) of disk twice over, some 2 GB.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import resource
import shutil
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import site
from bench.results import Result

if TYPE_CHECKING:
    from yici.platform.data.models import DataClass, Snapshot

ROWS = int(os.environ.get("YICI_BENCH_LAKE_ROWS", 10_000_000))
PUBLISHED = min(3_000_000, ROWS)
LOOK_UPS = 200
DAY = dt.date(2026, 11, 1)
SMALL_LOADS = 15


def run() -> list[Result]:
    site.prepare()
    from django.conf import settings
    from django.db import transaction

    folder = site.HOME / "lake-bench"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    kept, settings.DATA_HOME = settings.DATA_HOME, folder / "data"
    try:
        with transaction.atomic():
            results = [*_publishing(folder), *_large(folder), _small_loads(folder), _memory()]
            transaction.set_rollback(True)
            return results
    finally:
        settings.DATA_HOME = kept
        shutil.rmtree(folder, ignore_errors=True)


def _publishing(folder: Path) -> list[Result]:
    """A first full delivery, and one that changes 2 % of it, against sorting the same rows into one file."""
    lake = _Lake(folder, "bench.publish")
    first, second = (
        _accepted(folder / f"{name}.parquet", PUBLISHED, share) for name, share in (("a", 0.0), ("b", 0.02))
    )
    raw = _processor(lambda: _sorted_copy(first, folder / "raw.parquet"))
    full = _processor(lambda: lake.put(first))
    again = _processor(lambda: lake.put(second))
    same = _processor(lambda: lake.put(second))
    note = f"{PUBLISHED:,} rows; raw {raw:.1f} s of processor = {PUBLISHED / raw / 1e6:.2f} M rows/s"
    return [
        Result("lake: first full delivery, in raw sorted copies", full / raw, "×", 1.5, note=note).told(),
        Result("lake: full delivery with 2 % changed, in raw sorted copies", again / raw, "×", 2.0, note=f"{again:.1f} s").told(),
        Result("lake: the same full delivery again, in raw sorted copies", same / raw, "×", 0.3, note=f"{same:.2f} s").told(),
    ]  # fmt: skip


def _large(folder: Path) -> list[Result]:
    from yici.platform.data.lake import difference, reading

    lake = _Lake(folder, "bench.large")
    first, second = (_accepted(folder / f"{name}.parquet", ROWS, share) for name, share in (("a", 0.0), ("b", 0.02)))
    whole = _processor(lambda: lake.put(first))
    point = _look_ups(lake)
    lake.put(second)
    old, new = (reading.files_of(lake.data_class, number=number) for number in (1, 2))
    found = difference.difference(old, new, ("id_number",))
    assert found.added == found.removed == 0 and found.changed > ROWS * 0.015, found
    taken = _seconds(lambda: difference.difference(old, new, ("id_number",)))
    ours = _processor(lambda: difference.difference(old, new, ("id_number",)))
    raw = _processor(lambda: _raw_difference(old, new))
    note = f"processor {ours:.1f} s, a full outer join by hand {raw:.1f} s; {found.changed:,} changed"
    results = [
        Result(f"D6 difference of {ROWS:,} × {ROWS:,} rows", taken, "s", 7 * ROWS / 1e7, note=note).told(),
        Result("lake: difference, in full outer joins by hand", ours / raw, "×", 1.25).told(),
        *point,
    ]
    for name, condition in (
        ("scattered", "abs(hash(_row)) % 100 = 0"),
        ("new keys at one end", f"id_number >= '{_key(ROWS)}'"),
    ):
        some = _increment(second, folder / "some.parquet", condition)
        seconds = _processor(lambda some=some: lake.put(some, "increment"))  # type: ignore[misc]
        note = f"{seconds:.1f} s against {whole:.1f} s"
        results.append(
            Result(f"lake: 1 % increment, {name}, in first full deliveries", seconds / whole, "×", note=note).told()
        )
    return results


def _look_ups(lake: _Lake) -> list[Result]:
    """One row by its key, over everything a request does: manifest from PostgreSQL, a new connection, one file."""
    from yici.platform.data.lake import reading

    draw = random.Random(341600)
    taken = []
    for _ in range(LOOK_UPS):
        key = _key(draw.randrange(ROWS))
        started = time.perf_counter()
        assert len(reading.look_up(lake.data_class, {"id_number": key})) == 1
        taken.append((time.perf_counter() - started) * 1000)
    p50, p99 = statistics.median(taken), statistics.quantiles(taken, n=100)[98]
    note = f"{ROWS:,} rows, {LOOK_UPS} keys"
    return [
        Result("lake: one row by key, p50", p50, "ms", 100, note=note).told(),
        Result("lake: one row by key, p99", p99, "ms", 250, note=note).told(),
    ]


def _small_loads(folder: Path) -> Result:
    """D8 wants 100 rows through the whole chain in 0.1 s; this is what publishing takes of it."""
    lake = _Lake(folder, "bench.small")
    files = [_accepted(folder / f"small-{turn}.parquet", 100, 0.02 * turn) for turn in range(SMALL_LOADS)]
    taken = [_seconds(lambda path=path: lake.put(path)) * 1000 for path in files]  # type: ignore[misc]
    return Result("lake: publishing 100 rows (of D8)", statistics.median(taken), "ms", 100).told()


def _memory() -> Result:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    return Result("D10 most memory of the lake's work", peak, "GB", 4).told()


@dataclass
class _Lake:
    folder: Path
    slug: str

    def __post_init__(self) -> None:
        self.definition = _definition(self.slug)
        self.data_class = _class(self.definition)

    def put(self, accepted: Path, mode: str = "full") -> Snapshot:
        from yici.platform.data.lake import writing

        return writing.publish(
            self.data_class, [accepted], definition=self.definition, mode=mode, run=None, data_date=DAY
        )


def _definition(slug: str) -> Any:
    from yici.platform.data.catalogue.definition import ClassDefinition

    texts = [
        {"name": name, "headers": [name], "type": "text"} for name in ("id_number", "name", "address", "sex", "phone")
    ]
    others = [("birth_date", "date"), ("amount", "money"), ("score", "number")]
    return ClassDefinition.model_validate(
        {
            "id": slug,
            "name": {"zh": "测量"},
            "department": "public_security",
            "category": "base.population",
            "code": slug,
            "summary": {"zh": "测量"},
            "share": {"type": "none"},
            "cycle": "daily",
            "published": "2026-01-01",
            "key": ["id_number"],
            "channels": [{"kind": "static", "unit": "public_security"}],
            "columns": [*texts, *({"name": name, "headers": [name], "type": kind} for name, kind in others)],
        }
    )


def _class(definition: Any) -> DataClass:
    from yici.core.people.models import Organisation
    from yici.platform.data.models import DataClass

    return DataClass.objects.create(
        slug=definition.id,
        code=definition.code,
        name=definition.name.zh,
        department=Organisation.objects.get(slug="bz.public_security"),
        category=definition.category,
        cycle=definition.cycle,
        share_type=definition.share.type,
        sensitivity=definition.sensitivity,
        definition=definition.model_dump(mode="json", by_alias=True),
    )


def _key(row: int) -> str:
    return str(340000000000000000 + row * 1_000_003)


def _accepted(path: Path, rows: int, changed: float) -> Path:
    """Residents in no order, as screening leaves them; a share of them has another address."""
    with _raw() as engine:
        engine.execute(
            f"""COPY (SELECT (340000000000000000 + i * 1000003)::VARCHAR AS id_number, '王' || (hash(i) % 100000) AS name,
            '安徽省亳州市谯城区某某街道' || (hash(i + 2) % 3000) || '号' || if(hash(i + 9) % 1000 < {changed * 1000}, '新', '')
            AS address, (hash(i + 4) % 2 + 1)::VARCHAR AS sex, '1' || (3000000000 + hash(i + 5) % 6999999999) AS phone,
            DATE '1940-01-01' + (hash(i + 1) % 30000)::INTEGER AS birth_date, (hash(i + 3) % 1000000)::BIGINT AS amount,
            (hash(i + 6) % 9999)::DECIMAL(18,6) AS score, i AS _row
            FROM (SELECT (i * 7368787) % {rows} AS i FROM range({rows}) t(i))) TO '{path}' (FORMAT parquet)"""
        )
    return path


def _increment(source: Path, path: Path, condition: str) -> Path:
    """Some of the rows, changed; and as many that have keys behind the last."""
    behind = f"(340000000000000000 + (_row + {ROWS}) * 1000003)::VARCHAR"
    with _raw() as engine:
        engine.execute(
            f"""COPY (SELECT * FROM (SELECT * REPLACE (name || '改' AS name) FROM '{source}' UNION ALL
            SELECT * REPLACE ({behind} AS id_number) FROM '{source}' WHERE _row < {ROWS // 100})
            WHERE {condition}) TO '{path}' (FORMAT parquet)"""
        )
    return path


def _sorted_copy(accepted: Path, target: Path) -> None:
    with _raw() as engine:
        engine.execute(
            f"COPY (SELECT * EXCLUDE (_row) FROM '{accepted}' ORDER BY id_number) TO '{target}' "
            "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)"
        )


def _raw_difference(old: list[Path], new: list[Path]) -> None:
    with _raw() as engine:
        engine.execute(
            """SELECT count(*) FILTER (o.id_number IS NULL), count(*) FILTER (n.id_number IS NULL),
            count(*) FILTER (o._hash <> n._hash) FROM read_parquet(?) o FULL OUTER JOIN read_parquet(?) n USING (id_number)""",
            [[str(path) for path in old], [str(path) for path in new]],
        ).fetchall()


def _raw() -> Any:
    from yici.platform.data.engines.duckdb import connect

    return connect()


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _processor(work: Callable[[], object]) -> float:
    """Processor seconds of all threads: who else works on the machine does not matter to a ratio of these."""
    started = time.process_time()
    work()
    return time.process_time() - started
