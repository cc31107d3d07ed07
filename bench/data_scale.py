"""How cost grows with the city: sixty classes of 45 thousand, 450 thousand and 4.5 million rows, landed, screened, published.

    python -m bench.data_scale --rows 2700000 27000000

Not part of `make bench`, as it takes long. Each delivery is a CSV of eight columns with one row in twenty wrong; it is
deleted once it is loaded, so that the disk holds the lake and one delivery. Prints seconds of CPU and of wall a million
rows for each step, bytes a row, and the peak of memory.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import resource
import shutil
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import site

CLASSES = 60
_COLUMNS: list[dict[str, Any]] = [
    {"name": "id_number", "headers": ["公民身份号码"], "element": "person.id_number", "required": True},
    {"name": "name", "headers": ["姓名"], "element": "person.name", "required": True},
    {"name": "sex", "headers": ["性别"], "element": "person.sex"},
    {"name": "birth_date", "headers": ["出生日期"], "element": "person.birth_date"},
    {"name": "ethnicity", "headers": ["民族"], "element": "person.ethnicity"},
    {"name": "address", "headers": ["住址"], "type": "text", "sensitivity": "personal"},
    {"name": "phone", "headers": ["电话"], "element": "person.phone"},
    {"name": "amount", "headers": ["金额"], "type": "money", "unit_in_source": "yuan"},
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[2_700_000, 27_000_000])
    wanted = parser.parse_args().rows
    site.prepare(2000)
    from django.conf import settings

    settings.DATA_HOME = site.HOME / "scale"
    for rows in wanted:
        shutil.rmtree(settings.DATA_HOME, ignore_errors=True)
        _measure(rows // CLASSES)
    shutil.rmtree(settings.DATA_HOME, ignore_errors=True)


def _measure(rows: int) -> None:
    """Load sixty classes of so many rows each, and print what it took."""
    from django.conf import settings

    spent: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    work = Path(settings.DATA_HOME) / "work"
    work.mkdir(parents=True)
    began = time.perf_counter()
    held = 0
    for number in range(CLASSES):
        held += _load(number, rows, work, spent)
    total = rows * CLASSES
    size = sum(path.stat().st_size for path in (Path(settings.DATA_HOME) / "lake").rglob("*.parquet"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    steps = {name: pair for name, pair in spent.items() if name != "generate"}
    cpu, wall = (sum(pair[place] for pair in steps.values()) for place in (0, 1))
    print(
        f"{total:,} rows over {CLASSES} classes: {wall:,.0f} s ({cpu:,.0f} CPU-s), {total / wall:,.0f} rows/s, "
        f"{cpu / total * 1e6:.2f} CPU-s and {wall / total * 1e6:.2f} s a million; {held:,} held back; "
        f"lake {size / 1e9:.2f} GB, {size / total:.1f} B a row; peak {peak:.2f} GB; all {time.perf_counter() - began:,.0f} s"
    )
    for name, (c, w) in steps.items():
        print(f"    {name:8} {c / total * 1e6:6.2f} CPU-s  {w / total * 1e6:6.2f} s a million rows", flush=True)


def _load(number: int, rows: int, work: Path, spent: dict[str, list[float]]) -> int:
    from yici.platform.data.engines import engine
    from yici.platform.data.engines.base import Screening
    from yici.platform.data.lake.writing import publish
    from yici.platform.data.landing.applying import apply_mapping
    from yici.platform.data.landing.landing import land
    from yici.platform.data.landing.mapping import exact_mapping
    from yici.platform.data.rules.deriving import rules_of

    definition, data_class = _class(number)
    raw, landed_file, mapped = work / "raw.csv", work / "landed.parquet", work / "mapped.parquet"
    _timed(spent, "generate", lambda: _generate(raw, number, rows))
    landed = _timed(spent, "land", lambda: land(raw, landed_file, name="raw.csv"))
    raw.unlink()
    mapping = exact_mapping(landed.headers, definition, {})
    _timed(spent, "map", lambda: apply_mapping(landed_file, landed, mapping, mapped, definition))
    landed_file.unlink()
    job = Screening(
        definition,
        rules_of(definition),
        [mapped],
        work / "accepted.parquet",
        work / "held.parquet",
        dt.date(2026, 11, 26),
    )
    screened = _timed(spent, "screen", lambda: engine().screen(job))
    mapped.unlink()
    _timed(
        spent, "publish",
        lambda: publish(data_class, [job.accepted], definition=definition, mode="full", run=None, data_date=dt.date(2026, 11, 1)),
    )  # fmt: skip
    for path in (job.accepted, job.quarantined):
        path.unlink(missing_ok=True)
    return screened.quarantined


def _timed(spent: dict[str, list[float]], name: str, work: Callable[[], Any]) -> Any:
    cpu, wall = time.process_time(), time.perf_counter()
    try:
        return work()
    finally:
        spent[name][0] += time.process_time() - cpu
        spent[name][1] += time.perf_counter() - wall


def _class(number: int) -> tuple[Any, Any]:
    from yici.core.people.models import Organisation
    from yici.platform.data.catalogue.definition import ClassDefinition
    from yici.platform.data.models import DataClass, Snapshot

    definition = ClassDefinition.model_validate(
        {
            "id": f"bench.scale_{number:02d}", "name": {"zh": "规模测试"}, "department": "public_security",
            "category": "base.population", "code": f"bench/{number}", "summary": {"zh": "规模测试"}, "cycle": "daily",
            "share": {"type": "none"}, "published": "2017-06-01", "key": ["id_number"], "columns": _COLUMNS,
            "channels": [{"kind": "static", "unit": "public_security"}],
        }
    )  # fmt: skip
    DataClass.objects.filter(pk=definition.id).update(current=None)
    Snapshot.objects.filter(data_class=definition.id).delete()
    department = Organisation.objects.get(slug="bz.public_security")
    data_class, _new = DataClass.objects.update_or_create(
        slug=definition.id,
        defaults={
            "code": definition.code, "name": "规模测试", "department": department, "category": definition.category,
            "cycle": "daily", "share_type": "none", "sensitivity": "sensitive", "is_described": True,
            "definition": definition.model_dump(mode="json", by_alias=True),
        },
    )  # fmt: skip
    return definition, data_class


_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def _generate(path: Path, number: int, rows: int) -> None:
    """A CSV of people with right check digits, and one in twenty with something wrong."""
    import duckdb

    body = (
        "printf('341602%04d%02d%02d%03d', 1930 + i // 336000 % 88, 1 + i // 28000 % 12, 1 + i // 1000 % 28, i % 1000)"
    )
    weights = " + ".join(f"{weight} * CAST(body[{place}] AS INTEGER)" for place, weight in enumerate(_WEIGHTS, start=1))
    with duckdb.connect(config={"threads": os.cpu_count() or 2}) as connection:
        connection.execute(f"""
            COPY (
                SELECT CASE WHEN i % 167 = 1 THEN body || 'Q' ELSE body || '10X98765432'[1 + ({weights}) % 11] END AS "公民身份号码",
                    CASE WHEN i % 89 = 2 THEN '' ELSE '王' || chr(CAST(19968 + i % 2000 AS INTEGER)) END AS "姓名",
                    CASE WHEN i % 1000 % 2 = 1 THEN '男' ELSE '女' END AS "性别",
                    CASE WHEN i % 113 = 3 THEN '1990-02-30' ELSE body[7:10] || '-' || body[11:12] || '-' || body[13:14] END AS "出生日期",
                    '汉族' AS "民族", '涡阳县高炉镇某某村' || (i % 160) || '号' AS "住址",
                    CASE WHEN i % 71 = 4 THEN '1390' ELSE '139' || lpad(CAST(i % 100000000 AS VARCHAR), 8, '0') END AS "电话",
                    (i % 100000) || '.50' AS "金额"
                FROM (SELECT i, {body} AS body FROM range({rows}) t(i))
            ) TO '{path}' (FORMAT csv, HEADER)
        """)


if __name__ == "__main__":
    main()
