"""D11: land, screen and publish a whole city's classes at growing sizes; what a row costs, and how that grows.

Run by hand: `python -m bench.data_scale --rows 2700000 --rows 27000000 --rows 270000000 --home FOLDER --report FILE`.
A city is generated for each size, its classes are written as CSV one by one, loaded by the doors that runs use, and every
file is deleted as soon as the next step has what it needs. Room needed under `--home`: some 140 bytes a row.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import site
from bench.results import Result

if TYPE_CHECKING:
    from yici.platform.data.catalogue.definition import ClassDefinition

SEED = 341600
ROWS_A_PERSON = 14.13  # of the sixty described classes, measured on the generated city
PHASES = ("land", "map", "screen", "publish")
GROWTH = 1.15  # D11: a row may cost that much more in a city ten times as large
PEAK = 4.0  # D10, GB


@dataclass
class Load:
    """One class: rows delivered and kept, seconds (wall and processor) of each phase, bytes, most memory in GB."""

    data_class: str
    rows: int = 0
    accepted: int = 0
    files: int = 0
    raw_bytes: int = 0
    lake_bytes: int = 0
    peak_gb: float = 0.0
    wall: dict[str, float] = field(default_factory=dict)
    processor: dict[str, float] = field(default_factory=dict)

    def timed(self, phase: str, work: Callable[[], Any]) -> Any:
        wall, processor = time.perf_counter(), time.process_time()
        found = work()
        self.wall[phase] = time.perf_counter() - wall
        self.processor[phase] = time.process_time() - processor
        return found


@dataclass
class Size:
    """All classes of a city of one size. `work_bytes`: most that stood on disk beside the lake, generated city included."""

    loads: list[Load] = field(default_factory=list)
    generated_seconds: float = 0.0
    generated_bytes: int = 0
    work_bytes: int = 0

    @property
    def rows(self) -> int:
        return sum(load.rows for load in self.loads)

    def per_million(self, of: str, phase: str = "") -> float:
        """Seconds for a million rows: `of` is wall or processor; one phase or all."""
        return (
            sum(getattr(load, of)[name] for load in self.loads for name in ([phase] if phase else PHASES))
            / self.rows
            * 1e6
        )

    def results(self, before: Size | None) -> list[Result]:
        name = f"{self.rows / 1e6:,.1f} M rows, {len(self.loads)} classes"
        phases = ", ".join(f"{phase} {self.per_million('processor', phase):.2f}" for phase in PHASES)
        lake, raw = (sum(getattr(load, kind) for load in self.loads) for kind in ("lake_bytes", "raw_bytes"))
        wall = sum(sum(load.wall.values()) for load in self.loads)
        peak = max(self.loads, key=lambda load: load.peak_gb)
        kept = sum(load.accepted for load in self.loads) / self.rows
        found = [
            Result(f"{name}: processor seconds a million rows", self.per_million("processor"), "s", note=phases),
            Result(f"{name}: wall seconds a million rows", self.per_million("wall"), "s", note=f"{wall:,.0f} s in all"),
            Result(f"{name}: bytes a row in the lake", lake / self.rows, "", note=f"{lake / 1e9:.2f} GB of {raw / 1e9:.2f} GB CSV"),
            Result(f"{name}: most work on disk", self.work_bytes / 1e9, "GB", note=f"the generated city {self.generated_bytes / 1e9:.1f} GB"),
            Result(f"{name}: most memory (D10)", peak.peak_gb, "GB", PEAK, note=f"{peak.data_class}, {peak.rows:,} rows"),
            Result(f"{name}: accepted", kept * 100, "%", note=f"generated in {self.generated_seconds:,.0f} s"),
        ]  # fmt: skip
        if before is not None:
            for of in ("processor", "wall"):
                grown = self.per_million(of) / before.per_million(of)
                found.append(
                    Result(f"{name}: {of} a row, against {before.rows / 1e6:,.1f} M (D11)", grown, "×", GROWTH)
                )
        return found


def measure(rows: int, home: Path) -> Size:
    """Generate and load a city with about that many rows; the lake is deleted at the end."""
    from django.conf import settings
    from django.db import transaction

    from yici.platform.data import generating
    from yici.platform.data.catalogue import reading

    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    kept, settings.DATA_HOME = settings.DATA_HOME, home / "data"
    size, city = Size(), home / "city"
    try:
        began = time.perf_counter()
        generating.generate(max(1, round(rows / ROWS_A_PERSON)), SEED, city)
        shutil.rmtree(city / "truth")
        size.generated_seconds, size.generated_bytes = time.perf_counter() - began, _bytes(city)
        with transaction.atomic():
            for name, definition in reading.definitions().items():
                delivered = sorted((city / "departments" / name).glob("*.parquet"))
                load = _Loading(definition, delivered, home / "work", city, size).carry_out()
                size.loads.append(load)
                print(json.dumps(asdict(load)), file=sys.stderr, flush=True)
            transaction.set_rollback(True)
        return size
    finally:
        settings.DATA_HOME = kept
        shutil.rmtree(home, ignore_errors=True)


class _Loading:
    """One class from its generated rows to the lake."""

    def __init__(self, definition: ClassDefinition, delivered: list[Path], work: Path, city: Path, size: Size) -> None:
        self.definition, self.delivered, self.work, self.city, self.size = definition, delivered, work, city, size
        self.load = Load(definition.id)
        work.mkdir(exist_ok=True)

    def carry_out(self) -> Load:
        raw = self._as_csv()
        _forget_peak()
        landed = self.load.timed("land", lambda: self._land(raw))
        self._let_go(raw)
        mapped = self.load.timed("map", lambda: self._map(landed))
        accepted = self.load.timed("screen", lambda: self._screen(mapped))
        self._let_go(self.work / "landed.parquet", mapped.file, self.work / "quarantined.parquet")
        self.load.timed("publish", lambda: self._publish(accepted))
        self._let_go(accepted)
        self.load.peak_gb = _peak()
        return self.load

    def _as_csv(self) -> Path:
        """What the department would hand in, headers as it writes them."""
        from yici.base.sql import quoted
        from yici.platform.data.engines.duckdb import connect
        from yici.platform.data.generating.delivering import headers_of

        raw = self.work / "raw.csv"
        named = zip(self.definition.columns, headers_of(self.definition), strict=True)
        own = ", ".join(f"{quoted(column.name)} AS {quoted(header)}" for column, header in named)
        files = ", ".join(f"'{path}'" for path in self.delivered)
        with connect() as engine:
            engine.execute(f"COPY (SELECT {own} FROM read_parquet([{files}])) TO '{raw}' (FORMAT csv, HEADER)")
        self._let_go(*self.delivered)
        self.load.raw_bytes = raw.stat().st_size
        return raw

    def _land(self, raw: Path) -> Any:
        from yici.platform.data.landing.landing import land
        from yici.platform.data.landing.limits import Limits

        landed = land(raw, self.work / "landed.parquet", name=raw.name, limits=Limits(unpacked=64 * 1024**3))
        self.load.rows = landed.rows
        return landed

    def _map(self, landed: Any) -> Any:
        from yici.platform.data.landing.applying import apply_mapping
        from yici.platform.data.landing.drift import compare

        drift = compare(landed, self.definition, {}, [])
        assert not drift.is_blocking, (self.definition.id, drift.explanations)
        return apply_mapping(
            self.work / "landed.parquet", landed, drift.mapping, self.work / "mapped.parquet", self.definition
        )

    def _screen(self, mapped: Any) -> Path:
        from yici.base import clock
        from yici.platform.data.engines import engine
        from yici.platform.data.engines.base import Screening
        from yici.platform.data.lake.reading import files_of_class
        from yici.platform.data.rules.deriving import rules_of

        rules = rules_of(self.definition)
        wanted = {str(rule.parameters["class"]) for rule in rules if "class" in rule.parameters}
        references = {name: files for name in sorted(wanted) if (files := files_of_class(name))}
        job = Screening(
            definition=self.definition,
            rules=[rule for rule in rules if str(rule.parameters.get("class", "")) in {"", *references}],
            landed=[mapped.file],
            names=mapped.names,
            accepted=self.work / "accepted.parquet",
            quarantined=self.work / "quarantined.parquet",
            today=clock.today(),
            references=references,
        )
        self.load.accepted = engine().screen(job).accepted
        return job.accepted

    def _publish(self, accepted: Path) -> None:
        from yici.base import clock
        from yici.platform.data.lake.writing import publish
        from yici.platform.data.models import Snapshot

        snapshot = publish(
            _stored(self.definition), [accepted], definition=self.definition, mode=Snapshot.Mode.FULL, run=None,
            data_date=clock.today(),
        )  # fmt: skip
        assert snapshot.row_count == self.load.accepted
        self.load.lake_bytes, self.load.files = snapshot.byte_count, len(snapshot.files)

    def _let_go(self, *files: Path) -> None:
        self.size.work_bytes = max(self.size.work_bytes, _bytes(self.work) + _bytes(self.city))
        for path in files:
            path.unlink(missing_ok=True)


def _stored(definition: ClassDefinition) -> Any:
    """The class as a row, of whichever organisation: nothing here asks."""
    from yici.core.people.models import Organisation
    from yici.platform.data.models import DataClass

    stored, _is_new = DataClass.objects.update_or_create(
        slug=definition.id,
        defaults={"current": None, "definition": definition.model_dump(mode="json", by_alias=True)},
        create_defaults={
            "code": definition.code,
            "name": definition.name.zh,
            "department": Organisation.objects.order_by("pk")[0],
            "category": definition.category,
            "cycle": definition.cycle,
            "share_type": definition.share.type,
            "sensitivity": definition.sensitivity,
            "definition": definition.model_dump(mode="json", by_alias=True),
        },
    )
    return stored


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _forget_peak() -> None:
    """The kernel begins to count the most memory of this process anew."""
    Path("/proc/self/clear_refs").write_text("5")


def _peak() -> float:
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / 1e9


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, action="append", required=True, help="of a size; give it once for each")
    parser.add_argument("--home", type=Path, default=site.HOME / "scale", help="folder to work in; emptied")
    parser.add_argument("--report", type=Path, help="where every load is written as JSON, too")
    options = parser.parse_args(arguments)
    os.environ["YICI_DATA_HOME"] = str(options.home / "data")
    site.prepare(residents=2_000)
    sizes: list[Size] = []
    is_met = True
    for rows in options.rows:
        size = measure(rows, options.home)
        for result in size.results(sizes[-1] if sizes else None):
            result.told()
            is_met = is_met and result.is_met is not False
        sizes.append(size)
        if options.report:
            options.report.write_text(json.dumps([asdict(one) for one in sizes], indent=1), "utf-8")
    return 0 if is_met else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
