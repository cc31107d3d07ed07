"""Certificates made in bulk: per CPU-second from lake files to the library (PostgreSQL's share included), and look-ups.

`YICI_BENCH_CERTIFICATES` sets how many (default 1,000,000; the noted run has 10 million). Against the bare hash tree
in the same run, which is the limit. Then a fifth as many that three or four persons hold together, as households do.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import time
from pathlib import Path
from typing import Any

import psutil

from bench import site
from bench.results import Result

COUNT = int(os.environ.get("YICI_BENCH_CERTIFICATES", "1000000"))
LOOKS = 2000
TYPE = "household_register"


def run() -> list[Result]:
    site.prepare(2000)
    folder = site.HOME / "making"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        return _measured(_rows(folder / "rows.parquet"), _people(folder / "people.parquet"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _rows(path: Path) -> Path:
    """Households with six printed columns, as a class of the lake holds them."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(
            f"""COPY (SELECT printf('3416%09d', i) AS number, printf('34160219800101%09d', i) AS id_number,
                '王' || i AS name, printf('安徽省亳州市涡阳县高炉镇某某村%d组%d号', i % 12, i % 160) AS address,
                DATE '2015-01-01' + CAST(i % 3000 AS INTEGER) AS since, CAST(1 + i % 6 AS VARCHAR) AS size
                FROM range({COUNT}) t(i)) TO '{path}' (FORMAT parquet, COMPRESSION zstd)"""
        )
    return path


def _people(path: Path) -> Path:
    """Three or four persons of every fifth household of `_rows`, its head among them."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(
            f"""COPY (SELECT CASE k WHEN 0 THEN printf('34160219800101%09d', i)
                ELSE printf('341602200001%02d%09d', k, i) END AS id_number, printf('3416%09d', i) AS household
                FROM range(0, {COUNT}, 5) t(i), range(4) u(k) WHERE k < 3 + i % 2)
                TO '{path}' (FORMAT parquet, COMPRESSION zstd)"""
        )
    return path


def _measured(path: Path, people: Path) -> list[Result]:
    from django.db import connection

    from yici.platform.trust import definitions, ports
    from yici.platform.trust.making import reading, running
    from yici.platform.trust.models import MadeCertificate

    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE trust_madecertificate, trust_furtherholder, trust_madebatch, trust_makingrun, trust_madecount CASCADE"
        )
    columns = {"number": "household.number", "id_number": "person.id_number", "name": "person.name",
               "address": "household.address", "since": "", "size": "household.size"}  # fmt: skip
    classes = {
        "bench.household": ports.LakeClass("bench v1", [path], columns, COUNT),
        "bench.people": ports.LakeClass("people v1", [people], {"id_number": "", "household": ""}, COUNT),
    }
    ports.register_lake(classes.__getitem__)
    made_from = definitions.MadeFrom.model_validate(
        {"class": "bench.household", "number": "number", "holder": "id_number", "valid_from": "since"}
    )
    kind = definitions.certificate_type(TYPE)
    kind = kind.model_copy(update={"made_from": made_from, "face": tuple(filter(None, columns.values()))})
    definitions.certificate_type = lambda slug: kind  # type: ignore[assignment]
    postmaster = site.postmaster()
    here = psutil.Process()
    # The backend of this connection must live on, so that its time is seen among the postmaster's children.
    before = site.cpu_of(here) + site.cpu_of(postmaster)
    began = time.perf_counter()
    made = running.make(TYPE).made
    wall = time.perf_counter() - began
    cpu = site.cpu_of(here) + site.cpu_of(postmaster) - before
    assert made == COUNT, made
    bare = _bare_tree()
    rate = made / cpu
    results = [
        Result("certificates made, lake to library", rate, "/CPU-s", 20_000, True,
               f"{made:,} in {wall:.0f} s of wall, {made / wall:,.0f}/s; PostgreSQL included").told(),
        Result("of a bare SM3 tree over the same records", rate / bare, "×", None, True, f"bare: {bare:,.0f}/CPU-s").told(),
        Result("28.82 million at that rate", 28_820_000 / rate / 3600, "CPU-hours", 8.0, False, "one night of one core").told(),
    ]  # fmt: skip
    results += _together(kind, made_from, here, postmaster)
    draw = random.Random(1)
    with connection.cursor() as cursor:  # pages from all over the table, as people ask
        share = min(100.0, 100 * 50_000 / COUNT)
        cursor.execute(f"SELECT identifier FROM trust_madecertificate TABLESAMPLE SYSTEM ({share}) REPEATABLE (1)")
        some = [row[0] for row in cursor.fetchall()]
    for label, ask in (
        ("identifier", lambda: reading.find(draw.choice(some))),
        ("holder", lambda: reading.holdings_of(f"34160219800101{draw.randrange(COUNT):09d}")),
        ("further holder", lambda: reading.holdings_of(f"34160220000101{draw.randrange(COUNT // 5) * 5:09d}")),
    ):
        waits = []
        for _look in range(LOOKS):
            began = time.perf_counter()
            ask()
            waits.append((time.perf_counter() - began) * 1000)
        waits.sort()
        results.append(
            Result(f"look-up by {label}, p99", waits[int(LOOKS * 0.99)], "ms", 5.0, False,
                   f"p50 {waits[LOOKS // 2]:.2f} ms, {MadeCertificate.objects.count():,} rows").told()
        )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size('trust_madecertificate')")
        size = cursor.fetchone()[0]
    results.append(
        Result("library, with indexes", size / COUNT, "B per certificate", None, False, f"{size / 1e9:.1f} GB").told()
    )
    return results


def _together(kind: Any, made_from: Any, here: psutil.Process, postmaster: psutil.Process) -> list[Result]:
    """A fifth of the households again, under another type, with everybody who lives there as a holder."""
    from yici.platform.trust import definitions
    from yici.platform.trust.making import running
    from yici.platform.trust.models import FurtherHolder

    members = definitions.Members.model_validate({"class": "bench.people", "by": "household", "holder": "id_number"})
    made_from = made_from.model_copy(
        update={"members": members, "condition": "CAST(right(number, 9) AS BIGINT) % 5 = 0"}
    )
    several = kind.model_copy(update={"slug": "bench_together", "made_from": made_from})
    definitions.certificate_type = lambda slug: several  # type: ignore[assignment]
    before = site.cpu_of(here) + site.cpu_of(postmaster)
    made = running.make("bench_together").made
    cpu = site.cpu_of(here) + site.cpu_of(postmaster) - before
    assert made == COUNT // 5, made
    further = FurtherHolder.objects.count()
    return [
        Result("certificates made that several hold", made / cpu, "/CPU-s", None, True,
               f"{made:,} with {further / made:.1f} further holders each").told()
    ]  # fmt: skip


def _bare_tree(count: int = 200_000) -> float:
    """Leaf hashes and trees alone over records of the same length, per CPU-second."""
    from yici.platform.trust.making import tree

    records = [hashlib.sha256(str(place).encode()).hexdigest().encode() * 7 for place in range(count)]
    began = time.process_time()
    leaves = [tree.leaf_hash(record) for record in records]
    for place in range(0, count, tree.BATCH):
        tree.root_of(leaves[place : place + tree.BATCH])
    return count / (time.process_time() - began)
