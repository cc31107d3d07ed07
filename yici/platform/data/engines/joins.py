"""Two jobs over several classes, compiled for both engines: a means test of families, and matching across departments.

Both only propose: an officer decides. Results are one Parquet file, sorted, equal to the row on every engine.
"""

# ruff: noqa: S608 - SQL is what this module makes; every name in it is quoted or its own

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings

from yici.base.sql import backquoted, quoted, text
from yici.platform.data.catalogue.definition import LAKE_TYPES, NUMBER_PLACES
from yici.platform.data.disk import written_whole
from yici.platform.data.engines.duckdb import connect, read_files

__all__ = ["Matching", "MeansTest", "Thresholds", "match", "test_means"]

_MONTH = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Thresholds:
    """What a family may have at most. Income is per head and month, in fen; values in fen; areas in square metres."""

    income_per_head: int
    vehicles: int = 0
    vehicle_value: int = 0
    houses: int = 1
    area_per_head: int = 30


@dataclass(frozen=True)
class MeansTest:
    """Files of the lake: residents with `household_number` and `id_number` (their key), wages (`id_number`, `month`, `employer`,
    `net`), vehicles (`owner_id_number`, `plate_number`, `declared_price`, `state`), rights to houses
    (`owner_id_number`, `certificate_number`, `floor_area`, `right_state`).

    Wages count from `first_month` to `last_month` (2026-01); vehicles and rights in `gone` states do not count.
    """

    members: Sequence[Path]
    wages: Sequence[Path]
    vehicles: Sequence[Path]
    houses: Sequence[Path]
    into: Path
    first_month: str
    last_month: str
    thresholds: Thresholds
    vehicles_gone: tuple[str, ...] = ("B", "E", "M", "P")
    houses_gone: tuple[str, ...] = ("2", "3")

    @property
    def months(self) -> int:
        """Raises `ValueError` where the months are not written as 2026-01 or in the wrong order."""
        if not _MONTH.fullmatch(self.first_month) or not _MONTH.fullmatch(self.last_month):
            raise ValueError("a month is written as 2026-01")
        (first_year, first), (last_year, last) = (
            map(int, month.split("-")) for month in (self.first_month, self.last_month)
        )
        count = (last_year - first_year) * 12 + last - first + 1
        if count < 1:
            raise ValueError("the first month is after the last")
        return count


@dataclass(frozen=True)
class Matching:
    """Two classes of persons with `id_number`, `name`, `sex` and `birth_date`; blanks and dots in names are overlooked.

    Found are `other_name` (one identity number, two names), `same_person` (name, sex and birth date alike, and one
    side has no number) and `other_number` (alike, with two numbers). `left_key` and `right_key` are the columns that
    name a row of each; they come out as text.
    """

    left: Sequence[Path]
    right: Sequence[Path]
    into: Path
    left_key: str = "id"
    right_key: str = "id"


MEANS_SCHEMA = pa.schema(
    [
        ("household_number", pa.string()),
        ("members", pa.int64()),
        ("income", pa.int64()),
        ("income_per_head", pa.int64()),
        ("vehicles", pa.int64()),
        ("vehicle_value", pa.int64()),
        ("houses", pa.int64()),
        ("area", pa.decimal128(18, NUMBER_PLACES)),
        ("verdict", pa.string()),
        ("reasons", pa.list_(pa.string())),
        ("evidence", pa.list_(pa.string())),
    ]
)
MATCH_SCHEMA = pa.schema(
    [
        ("kind", pa.string()),
        ("left_key", pa.string()),
        ("right_key", pa.string()),
        ("left_id_number", pa.string()),
        ("right_id_number", pa.string()),
        ("left_name", pa.string()),
        ("right_name", pa.string()),
    ]
)


class _Target(ABC):
    """What the two engines say differently in these jobs."""

    @abstractmethod
    def open(self, name: str, paths: Sequence[Path]) -> None:
        """Make files readable as a relation of that name."""

    @abstractmethod
    def name(self, name: str) -> str:
        """An identifier."""

    @abstractmethod
    def write(self, query: str, order: str, schema: pa.Schema, target: Path) -> None: ...

    @abstractmethod
    def sorted_list(self, value: str) -> str:
        """An aggregate: the values of a group, none of them null, sorted by their bytes."""

    @abstractmethod
    def without_nulls(self, values: Sequence[str]) -> str: ...

    @abstractmethod
    def size(self, values: str) -> str: ...

    @abstractmethod
    def joined(self, lists: Sequence[str]) -> str: ...

    @abstractmethod
    def divided(self, value: str, by: str) -> str: ...

    @abstractmethod
    def squeezed(self, value: str, without: str) -> str: ...


class _DuckDB(_Target):
    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def open(self, name: str, paths: Sequence[Path]) -> None:
        self.connection.execute(f"CREATE TEMP VIEW {quoted(name)} AS SELECT * FROM {read_files(paths)}")

    def name(self, name: str) -> str:
        return quoted(name)

    def write(self, query: str, order: str, schema: pa.Schema, target: Path) -> None:
        self.connection.execute(
            f"COPY (SELECT * FROM ({query}) ORDER BY {order}) TO {text(target)} (FORMAT parquet, COMPRESSION zstd)"
        )

    def sorted_list(self, value: str) -> str:
        return f"list_sort(list({value}))"

    def without_nulls(self, values: Sequence[str]) -> str:
        return f"list_filter([{', '.join(values)}], lambda one: one IS NOT NULL)"

    def size(self, values: str) -> str:
        return f"len({values})"

    def joined(self, lists: Sequence[str]) -> str:
        return " || ".join(f"coalesce({one}, []::VARCHAR[])" for one in lists)

    def divided(self, value: str, by: str) -> str:
        return f"({value} // {by})"

    def squeezed(self, value: str, without: str) -> str:
        return f"translate({value}, {text(without)}, '')"


class _Spark(_Target):
    def __init__(self, spark: Any, folder: Path) -> None:
        self.spark = spark
        self.folder = folder

    def open(self, name: str, paths: Sequence[Path]) -> None:
        from yici.platform.data.engines.spark import read

        read(self.spark, paths).createOrReplaceTempView(name)

    def name(self, name: str) -> str:
        return backquoted(name)

    def write(self, query: str, order: str, schema: pa.Schema, target: Path) -> None:
        from yici.platform.data.engines.spark import merge

        self.spark.sql(f"SELECT * FROM ({query}) ORDER BY {order}").write.parquet(str(self.folder / "result"))
        merge(self.folder / "result", target, schema)

    def sorted_list(self, value: str) -> str:
        return f"sort_array(collect_list({value}))"

    def without_nulls(self, values: Sequence[str]) -> str:
        return f"filter(array({', '.join(values)}), one -> one IS NOT NULL)"

    def size(self, values: str) -> str:
        return f"size({values})"

    def joined(self, lists: Sequence[str]) -> str:
        return f"concat({', '.join(f'coalesce({one}, CAST(array() AS ARRAY<STRING>))' for one in lists)})"

    def divided(self, value: str, by: str) -> str:
        return f"({value} DIV {by})"

    def squeezed(self, value: str, without: str) -> str:
        return f"translate({value}, '{without}', '')"


def test_means(job: MeansTest, engine: str = "") -> int:
    """Judge every family; returns how many. Columns: `MEANS_SCHEMA`, by household number. Raises `DiskFull`."""
    return _carry_out(engine, job.into, MEANS_SCHEMA, "household_number", lambda target: _means(job, target))


test_means.__test__ = False  # type: ignore[attr-defined]  # a means test, not one of ours


def match(job: Matching, engine: str = "") -> int:
    """Find who is the same in two classes; returns how many pairs. Columns: `MATCH_SCHEMA`. Raises `DiskFull`."""
    return _carry_out(
        engine, job.into, MATCH_SCHEMA, "kind, left_key, right_key", lambda target: _matching(job, target)
    )


def _carry_out(engine: str, into: Path, schema: pa.Schema, order: str, compiled: Callable[[_Target], str]) -> int:
    with written_whole(into) as (draft,), _target(engine or settings.DATA_ENGINE, into) as target:
        target.write(compiled(target), order, schema, draft)
    return int(pq.read_metadata(into).num_rows)


@contextmanager
def _target(engine: str, beside: Path) -> Iterator[_Target]:
    if engine == "duckdb":
        with connect() as connection:
            yield _DuckDB(connection)
        return
    from yici.platform.data.engines.spark import job_session, working_folder

    with working_folder(beside) as folder:
        yield _Spark(job_session(), folder)


def _means(job: MeansTest, target: _Target) -> str:
    """Each kind of means is first summed per person's family, so that no join multiplies another's rows."""
    for name in ("members", "wages", "vehicles", "houses"):
        target.open(name, getattr(job, name))
    limits = job.thresholds
    per_head = target.divided("income", f"({job.months} * members)")
    reasons = target.without_nulls(
        [
            f"CASE WHEN {per_head} > {limits.income_per_head} THEN 'income' END",
            f"CASE WHEN vehicles > {limits.vehicles} THEN 'vehicles' END",
            f"CASE WHEN vehicle_value > {limits.vehicle_value} THEN 'vehicle_value' END",
            f"CASE WHEN houses > {limits.houses} THEN 'houses' END",
            f"CASE WHEN area > {limits.area_per_head} * members THEN 'area' END",
        ]
    )
    evidence = target.joined(["wage_evidence", "vehicle_evidence", "house_evidence"])
    return f"""
        WITH people AS (SELECT household_number, id_number FROM members
            WHERE household_number IS NOT NULL AND id_number IS NOT NULL),
        families AS (SELECT household_number, count(*) AS members FROM people GROUP BY household_number),
        earned AS ({_wages_of_families(job, target)}),
        driven AS ({_vehicles_of_families(job, target)}),
        owned AS ({_houses_of_families(job, target)}),
        whole AS (SELECT families.household_number, members, coalesce(income, 0) AS income,
                coalesce(vehicles, 0) AS vehicles, coalesce(vehicle_value, 0) AS vehicle_value,
                coalesce(houses, 0) AS houses, CAST(coalesce(area, 0) AS {LAKE_TYPES["number"]}) AS area,
                {evidence} AS evidence
            FROM families LEFT JOIN earned ON earned.household_number = families.household_number
                LEFT JOIN driven ON driven.household_number = families.household_number
                LEFT JOIN owned ON owned.household_number = families.household_number),
        judged AS (SELECT *, {per_head} AS income_per_head, {reasons} AS reasons FROM whole)
        SELECT household_number, members, income, income_per_head, vehicles, vehicle_value, houses, area,
            CASE WHEN {target.size("reasons")} = 0 THEN 'within' ELSE 'above' END AS verdict, reasons, evidence
        FROM judged"""


def _wages_of_families(job: MeansTest, target: _Target) -> str:
    """One line of evidence for each person and employer: months, how many payments, their sum."""
    told = (
        "'wage ' || paid.id_number || ' ' || since || '..' || until || ' ' || CAST(payments AS STRING) || ' '"
        " || coalesce(employer, '') || ' ' || CAST(paid.income AS STRING)"
    )
    return f"""SELECT household_number, CAST(sum(paid.income) AS BIGINT) AS income, {target.sorted_list(f"({told})")} AS wage_evidence
        FROM (SELECT id_number, employer, min(month) AS since, max(month) AS until, count(*) AS payments,
                CAST(sum(net) AS BIGINT) AS income FROM wages
            WHERE net IS NOT NULL AND month BETWEEN '{job.first_month}' AND '{job.last_month}'
            GROUP BY id_number, employer) AS paid JOIN people ON people.id_number = paid.id_number
        GROUP BY household_number"""


def _vehicles_of_families(job: MeansTest, target: _Target) -> str:
    told = "'vehicle ' || owner_id_number || ' ' || plate_number || ' ' || coalesce(CAST(declared_price AS STRING), '')"
    return f"""SELECT household_number, count(*) AS vehicles, CAST(sum(coalesce(declared_price, 0)) AS BIGINT) AS vehicle_value,
            {target.sorted_list(f"({told})")} AS vehicle_evidence
        FROM vehicles JOIN people ON people.id_number = owner_id_number
        WHERE coalesce(state, '') NOT IN ({_listed(job.vehicles_gone)}) GROUP BY household_number"""


def _houses_of_families(job: MeansTest, target: _Target) -> str:
    """A house that two of the family own is one house."""
    told = "'house ' || certificate_number || ' ' || coalesce(CAST(floor_area AS STRING), '')"
    return f"""SELECT household_number, count(*) AS houses, CAST(sum(coalesce(floor_area, 0)) AS {LAKE_TYPES["number"]}) AS area,
            {target.sorted_list(f"({told})")} AS house_evidence
        FROM (SELECT household_number, certificate_number, max(floor_area) AS floor_area
            FROM houses JOIN people ON people.id_number = owner_id_number
            WHERE coalesce(right_state, '') NOT IN ({_listed(job.houses_gone)})
            GROUP BY household_number, certificate_number) AS single GROUP BY household_number"""


def _listed(codes: Sequence[str]) -> str:
    if not all(re.fullmatch("[0-9A-Za-z]{1,10}", code) for code in codes):
        raise ValueError("a state is a code of letters and digits")
    return ", ".join(f"'{code}'" for code in codes) or "NULL"


def _matching(job: Matching, target: _Target) -> str:
    target.open("left_class", job.left)
    target.open("right_class", job.right)
    plain = target.squeezed("name", " \u3000·•.-")
    side = f"id_number, name, sex, birth_date, {plain} AS plain FROM"
    keys = {name: f"CAST({target.name(name)} AS STRING) AS own_key" for name in (job.left_key, job.right_key)}
    pair = (
        "a.own_key AS left_key, b.own_key AS right_key, a.id_number AS left_id_number, b.id_number AS right_id_number,"
        " a.name AS left_name, b.name AS right_name"
    )
    alike = "a.plain = b.plain AND a.birth_date = b.birth_date AND a.sex = b.sex"
    return f"""
        WITH a AS (SELECT {keys[job.left_key]}, {side} left_class),
            b AS (SELECT {keys[job.right_key]}, {side} right_class)
        SELECT 'other_name' AS kind, {pair} FROM a JOIN b ON a.id_number = b.id_number WHERE a.plain <> b.plain
        UNION ALL
        SELECT CASE WHEN a.id_number IS NULL OR b.id_number IS NULL THEN 'same_person' ELSE 'other_number' END AS kind, {pair}
        FROM a JOIN b ON {alike} WHERE a.id_number IS NULL OR b.id_number IS NULL OR a.id_number <> b.id_number"""
