"""Making a city's data: the truth once, then what each department delivers on a day. Writes only under `into`."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import duckdb
from django.utils.translation import gettext as _

from yici.base.cityfolder import city_folder
from yici.base.errors import Invalid
from yici.base.sql import paths, text
from yici.platform.data.catalogue import reading
from yici.platform.data.engines.duckdb import connect
from yici.platform.data.generating import dirt, subjects, truth, views
from yici.platform.data.generating.places import read_city
from yici.platform.data.register import TAKEN_ON

MANIFEST = "manifest.json"
_HORIZON = dt.timedelta(days=364)
Progress = Callable[[int, int], None]


@dataclass
class Report:
    """`rows` by class, `faults` by class and kind, `truth` by table; `living` people on the day of the register."""

    population: int
    seed: int
    day: str
    living: int = 0
    truth: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    faults: dict[str, dict[str, int]] = field(default_factory=dict)

    def __str__(self) -> str:
        faults = sum(sum(kinds.values()) for kinds in self.faults.values())
        words = _("{people:,} 人，{classes} 类数据共 {rows:,} 行，其中记入真值账的差错 {faults:,} 处")
        return words.format(people=self.living, classes=len(self.rows), rows=sum(self.rows.values()), faults=faults)


def generate(
    population: int,
    seed: int,
    into: Path,
    *,
    classes: Sequence[str] | None = None,
    progress: Progress | None = None,
    chunk: int = truth.CHUNK,
) -> Report:
    """The truth of a city of `population` living people, and the first delivery of each class (all described ones).

    Under `into`: truth/*.parquet, departments/<class>/<yyyymmdd>.parquet, manifest.json. Raises `Invalid` for a
    population below one, `NotFound` for an unknown class.
    """
    if population < 1:
        raise Invalid(_("人口数至少为 1。"))
    definitions = [reading.definition(name) for name in classes] if classes else list(reading.definitions().values())
    _forget_deliveries(into)
    steps = len(definitions) * 2  # the truth counts as half the work
    made = truth.write(
        population, seed, read_city(city_folder()), into / "truth", chunk=chunk,
        progress=(lambda done, of: progress(done * len(definitions) // of, steps)) if progress else None,
    )  # fmt: skip
    report = Report(population, seed, TAKEN_ON.isoformat(), made.living, made.rows)
    _deliver_all(report, into, definitions, TAKEN_ON, progress)
    _write(report, into, [TAKEN_ON.isoformat()])
    return report


def _forget_deliveries(into: Path) -> None:
    """What an earlier city left in the folder, so that the two do not mix."""
    for path in [*into.glob("departments/*/*.parquet"), *into.glob("truth/*.parquet")]:
        path.unlink()


def next_day(
    into: Path, day: dt.date, *, classes: Sequence[str] | None = None, progress: Progress | None = None
) -> Report:
    """A later delivery: births, deaths, moves, faults mended and new ones. Raises `Invalid` for a day out of reach.

    A class that is delivered whole is delivered whole again; of an incremental one come the rows that are new or
    differ from its delivery before.
    """
    manifest = read_manifest(into)
    last = dt.date.fromisoformat(manifest["days"][-1])
    if not last < day <= TAKEN_ON + _HORIZON:
        raise Invalid(_("日期应在 {after} 之后、不晚于 {until}。").format(after=last, until=TAKEN_ON + _HORIZON))
    names = classes or sorted(path.name for path in (into / "departments").iterdir())
    report = Report(manifest["population"], manifest["seed"], day.isoformat(), manifest["living"], manifest["truth"])
    _deliver_all(report, into, [reading.definition(name) for name in names], day, progress)
    _write(report, into, [*manifest["days"], day.isoformat()])
    return report


def read_manifest(into: Path) -> dict:  # type: ignore[type-arg]
    """What the last delivery wrote down. Raises `Invalid` where nothing was generated."""
    path = into / MANIFEST
    if not path.is_file():
        raise Invalid(_("{folder} 中没有生成过的数据，请先运行 yici data generate。").format(folder=into))
    found: dict = json.loads(path.read_text("utf-8"))  # type: ignore[type-arg]
    return found


def _write(report: Report, into: Path, days: list[str]) -> None:
    body = {**asdict(report), "days": days}
    (into / MANIFEST).write_text(json.dumps(body, ensure_ascii=False, indent=1, sort_keys=True), "utf-8")


def _deliver_all(
    report: Report, into: Path, definitions: Sequence[reading.ClassDefinition], day: dt.date, progress: Progress | None
) -> None:
    ledger_name = "dirt.parquet" if day == TAKEN_ON else f"dirt_{day:%Y%m%d}.parquet"
    with connect(with_database=True) as connection:
        connection.execute("SET preserve_insertion_order = true")
        office = _Office(connection, into, report.seed)
        ledger = _Ledger(connection, into / "truth" / ledger_name)
        for place, definition in enumerate(definitions):
            report.rows[definition.id] = office.deliver(definition, day)
            found = ledger.enter(definition.id, views.view_of(definition, day, report.seed).ledger)
            report.faults[definition.id] = found
            if progress:
                progress(len(definitions) + place + 1, len(definitions) * 2)
        ledger.close()


def delivered_on(into: Path, name: str) -> list[dt.date]:
    """The days a class was delivered on, in order."""
    stamps = sorted(path.stem for path in (into / "departments" / name).glob("*.parquet"))
    return [dt.datetime.strptime(stamp, "%Y%m%d").date() for stamp in stamps]


class _Office:
    """Writes what the departments deliver. The subjects of each day stand in a schema of their own."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, into: Path, seed: int) -> None:
        self._connection, self._into, self._seed = connection, into, seed
        self._days: set[dt.date] = set()

    def open(self, day: dt.date) -> None:
        """Make that day's subjects the current ones."""
        schema = f"on_{day:%Y%m%d}"
        if day not in self._days:
            subject_views = subjects.views(self._into / "truth", day, self._seed)
            self._connection.execute(f"CREATE SCHEMA {schema}; USE {schema}; {dirt.MACROS} {subject_views}")
            self._days.add(day)
        self._connection.execute(f"USE {schema}")

    def deliver(self, definition: reading.ClassDefinition, day: dt.date) -> int:
        """Write one class; returns its rows."""
        folder = self._into / "departments" / definition.id
        folder.mkdir(parents=True, exist_ok=True)
        before = [done for done in delivered_on(self._into, definition.id) if done < day]
        query = views.view_of(definition, day, self._seed).rows
        if before and definition.load == "increment":
            query = self._changes(definition, query, before[-1], day)
        self.open(day)
        written = _copy(self._connection, query, folder / f"{day:%Y%m%d}.parquet")
        self._connection.execute("DROP TABLE IF EXISTS temp.delivered_before")
        return written

    def _changes(self, definition: reading.ClassDefinition, query: str, before: dt.date, day: dt.date) -> str:
        """SQL of the rows that were not delivered like that before; they were touched today."""
        names = ", ".join(f'"{column.name}"' for column in definition.columns)
        earlier = views.view_of(definition, before, self._seed).rows
        self.open(before)
        self._connection.execute(
            f"CREATE TEMP TABLE delivered_before AS SELECT DISTINCT hash({names}) AS h FROM ({earlier})"  # noqa: S608
        )
        touched = ", ".join(
            f"'{day} 08:30:00' AS \"{column.name}\"" for column in definition.columns if dirt.watermark(column)
        )
        replace = f"REPLACE ({touched})" if touched else ""
        hashed = f"SELECT *, hash({names}) AS h FROM ({query})"  # noqa: S608
        return f"SELECT * EXCLUDE (h) {replace} FROM ({hashed}) ANTI JOIN temp.delivered_before USING (h)"  # noqa: S608


class _Ledger:
    """The faults of all classes of one delivery: a part for each, put together at the end.

    Nothing streams through Python: with a streamed result of this size DuckDB's threads came to wait for each other.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path) -> None:
        self._connection, self._path = connection, path
        self._parts = path.with_suffix(".parts")
        shutil.rmtree(self._parts, ignore_errors=True)
        self._parts.mkdir()

    def enter(self, name: str, query: str) -> dict[str, int]:
        """Keep what the query gives; returns how many of each kind."""
        part = self._parts / f"{name}.parquet"
        _copy(self._connection, query, part)
        counted = "SELECT kind, count(*) FROM read_parquet(?) GROUP BY kind ORDER BY kind"
        return dict(self._connection.execute(counted, [str(part)]).fetchall())

    def close(self) -> None:
        parts = paths(sorted(self._parts.iterdir()))
        _copy(self._connection, f"SELECT * FROM read_parquet({parts})", self._path)  # noqa: S608
        shutil.rmtree(self._parts)


def _copy(connection: duckdb.DuckDBPyConnection, query: str, target: Path) -> int:
    """Write what a query gives; returns its rows."""
    copied = connection.execute(f"COPY ({query}) TO {text(target)} (FORMAT parquet, COMPRESSION zstd)").fetchone()
    return int(copied[0]) if copied else 0
