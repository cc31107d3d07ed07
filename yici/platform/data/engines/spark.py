"""Apache Spark: the same screening on as many machines as there are, by one setting (YICI_SPARK_MASTER).

Without that setting Spark runs inside this process. On a cluster every worker must see the data home under the
same path. Files end up as one each, as DuckDB writes them.
"""

# ruff: noqa: S608 - SQL is what this module makes; names and texts are quoted by the dialect

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from yici.platform.data.disk import written_whole
from yici.platform.data.engines.base import Progress, Screened, Screening, accepted_schema, quarantined_schema
from yici.platform.data.engines.duckdb import is_disk_full
from yici.platform.data.errors import DiskFull
from yici.platform.data.rules.language import Outcome, Rule
from yici.platform.data.rules.primitives import PRIMITIVES, SET_PRIMITIVES
from yici.platform.data.rules.templates.spark import SparkTemplates
from yici.platform.data.rules.templates.sql import FAILED, STANDARD, WORD

__all__ = ["SparkEngine", "job_session", "merge", "read", "session", "working_folder"]

_SETTINGS = {
    # Times are local times as the source wrote them; a cast that fails gives null and never ends a job.
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "false",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.parquet.compression.codec": "snappy",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
# Compiling the rules of one class takes half a minute; interpreting them costs that from about so many rows on.
COMPILED_FROM = 500_000
_lock = threading.Lock()


def session() -> SparkSession:
    """The session of this process, started on first use. YICI_SPARK_MASTER, YICI_SPARK_PARTITIONS (of a shuffle) and
    YICI_SPARK_MEMORY (of the driver) say where and how; by default all cores of this machine and the memory of DuckDB."""
    master = os.environ.get("YICI_SPARK_MASTER", "local[*]")
    partitions = os.environ.get("YICI_SPARK_PARTITIONS") or str(2 * settings.DATA_THREADS)
    memory = os.environ.get("YICI_SPARK_MEMORY") or settings.DATA_MEMORY.lower().removesuffix("b")
    with _lock:
        builder = SparkSession.builder.master(master).appName("yici")
        for key, value in _SETTINGS.items():
            builder = builder.config(key, value)
        builder = builder.config("spark.sql.shuffle.partitions", partitions).config("spark.driver.memory", memory)
        if master.startswith("local"):
            builder = builder.config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1")
        found: SparkSession = builder.getOrCreate()
        found.sparkContext.setLogLevel("ERROR")
        return found


def job_session(rows: int = COMPILED_FROM) -> SparkSession:
    """A session for one job: its views are its own. Few `rows` are not worth compiling Java for."""
    own = session().newSession()
    if rows < COMPILED_FROM:
        own.conf.set("spark.sql.codegen.wholeStage", "false")
        own.conf.set("spark.sql.codegen.factoryMode", "NO_CODEGEN")
    return own


def read(spark: SparkSession, paths: Sequence[Path]) -> DataFrame:
    """Parquet files with their columns united by name."""
    return spark.read.option("mergeSchema", "true").parquet(*(str(path) for path in paths))


def merge(parts: Path, target: Path, schema: pa.Schema) -> None:
    """One file of what Spark wrote as many, in the order of their names."""
    with pq.ParquetWriter(target, schema, compression="snappy") as writer:
        for part in sorted(parts.glob("part-*.parquet")):
            with pq.ParquetFile(part) as file:
                for batch in file.iter_batches(1 << 17):
                    writer.write_table(pa.Table.from_batches([batch]).select(schema.names).cast(schema))


@contextlib.contextmanager
def working_folder(beside: Path) -> Iterator[Path]:
    """A folder for what Spark writes on the way, gone at the end. Raises `DiskFull` where Spark found no room."""
    folder = beside.parent / f".spark-{uuid.uuid4().hex}"
    try:
        folder.mkdir()
        yield folder
    except (Py4JJavaError, PySparkException, OSError) as error:
        if is_disk_full(error):
            raise DiskFull from error
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class SparkEngine:
    """Screens where YICI_SPARK_MASTER says. Raises `DiskFull`."""

    name = "spark"

    def screen(self, job: Screening, progress: Progress | None = None) -> Screened:
        with written_whole(job.accepted, job.quarantined) as targets, working_folder(job.accepted) as folder:
            accepted, quarantined = targets
            return _Screening(job, folder).carry_out(accepted, quarantined, progress)


class _Screening:
    """One screening. Every row is judged once into a staged folder; the two files are what it holds, parted."""

    def __init__(self, job: Screening, folder: Path) -> None:
        self.rows = sum(pq.read_metadata(path).num_rows for path in job.landed)
        self.spark = job_session(self.rows)
        self.job = job
        self.folder = folder
        self.templates = SparkTemplates(job.definition, job.today)
        self.name = self.templates.name
        self.rules = list(job.rules)
        self.columns = [column.name for column in job.definition.columns]

    def carry_out(self, accepted: Path, quarantined: Path, progress: Progress | None) -> Screened:
        self._open()
        self._stage()
        if progress:
            progress(self.rows)
        outcomes, held = self._count()
        self._write_accepted(accepted)
        self._write_quarantined(quarantined)
        return Screened(self.rows, self.rows - held, held, outcomes)

    def _open(self) -> None:
        frame = read(self.spark, self.job.landed)
        found = self.job.found_as(frame.columns)
        columns = [f"{found.get(one, 'CAST(NULL AS STRING)')} AS {one}" for one in self.columns]
        frame.selectExpr("_row", *columns).createOrReplaceTempView("landed")

    def _set_rules(self) -> list[Rule]:
        return [rule for rule in self.rules if rule.primitive in SET_PRIMITIVES]

    def _stage(self) -> None:
        """Raw text, standard values and masks of every row, written once: all that follows only reads it."""
        templates = self.templates
        query = templates.standardised("landed", self.columns, raw=True)
        frame = self.spark.sql(query)
        for rule in self._set_rules():
            frame = self._repeated(frame, rule) if rule.primitive == "unique" else self._referred(frame, rule)
        frame.createOrReplaceTempView("judged")
        query = templates.with_identities("SELECT * FROM judged", self.rules)
        masks = [f"CAST({mask} AS BIGINT) AS m{place}" for place, mask in enumerate(templates.masks(self.rules))]
        applies = [f"{condition} AS a{place}" for place, condition in enumerate(self._applies())]
        kept = ["_row", *map(self.name, self.columns), *(self.name(STANDARD + column) for column in self.columns)]
        staged = self.spark.sql(f"SELECT {', '.join(kept + masks + applies)} FROM ({query})")
        staged.write.parquet(str(self.folder / "staged"))

    def _repeated(self, frame: DataFrame, rule: Rule) -> DataFrame:
        """Adds whether others have the row's key; where all of them say the same, the first is spared."""
        columns = PRIMITIVES["unique"].read(rule.parameters).columns_used()
        keys = [self.name(STANDARD + column) for column in columns]
        present = " AND ".join(f"{key} IS NOT NULL" for key in keys)
        content = ", ".join(self.name(STANDARD + column) for column in self.columns)
        groups = frame.where(present).selectExpr("_row", *keys, f"struct({content}) AS content")
        key = ", ".join(keys)
        view = "keys"
        groups.createOrReplaceTempView(view)
        repeated = self.spark.sql(
            f"SELECT {key}, count(DISTINCT content) > 1 AS differ, min(_row) AS first FROM {view}"
            f" GROUP BY {key} HAVING count(*) > 1"
        )
        self.spark.catalog.dropTempView(view)
        bad = f"coalesce(differ OR _row <> first, FALSE) AS {self.name(FAILED + rule.id)}"
        joined = frame.join(repeated, [STANDARD + column for column in columns], "left")
        return joined.selectExpr(*(self.name(name) for name in frame.columns), bad)

    def _referred(self, frame: DataFrame, rule: Rule) -> DataFrame:
        """Adds whether the value is in no row of the class referred to; false where that class is not there yet."""
        mark = self.name(FAILED + rule.id)
        files = self.job.references.get(str(rule.parameters["class"]))
        if not files:
            return frame.selectExpr("*", f"FALSE AS {mark}")
        other = self.name(str(rule.parameters["column"]))
        known = read(self.spark, files).selectExpr(f"{other} AS known").where("known IS NOT NULL").distinct()
        own = self.name(STANDARD + rule.column)
        joined = frame.join(known, frame[STANDARD + rule.column] == known["known"], "left")
        return joined.selectExpr(*map(self.name, frame.columns), f"({own} IS NOT NULL AND known IS NULL) AS {mark}")

    def _applies(self) -> list[str]:
        return list(dict.fromkeys(self.templates.template(rule).applies for rule in self.rules))

    def _staged(self) -> DataFrame:
        return self.spark.read.parquet(str(self.folder / "staged"))

    def _masks(self) -> list[str]:
        return [f"m{place}" for place in range(len(self.templates.masks(self.rules)))]

    def _held(self) -> str:
        parts = []
        for number, mask in enumerate(self._masks()):
            word = self.rules[number * WORD : (number + 1) * WORD]
            bits = sum(1 << place for place, rule in enumerate(word) if rule.severity == "quarantine")
            parts.append(f"({mask} & {bits}) <> 0")
        return " OR ".join(parts)

    def _count(self) -> tuple[tuple[Outcome, ...], int]:
        applies = self._applies()
        wanted = [f"count_if(a{place}) AS a{place}" for place in range(len(applies))]
        wanted += [
            f"count_if((m{place // WORD} & {1 << place % WORD}) <> 0) AS f{place}" for place in range(len(self.rules))
        ]
        counts: Any = self._staged().selectExpr(f"count_if({self._held()}) AS held", *wanted).first()
        places = {condition: place for place, condition in enumerate(applies)}
        return tuple(
            Outcome(rule, counts[f"a{places[self.templates.template(rule).applies]}"], counts[f"f{place}"])
            for place, rule in enumerate(self.rules)
        ), counts["held"]

    def _write_accepted(self, target: Path) -> None:
        columns = [f"{self.name(STANDARD + name)} AS {self.name(name)}" for name in self.columns]
        sound = self._staged().where(f"NOT ({self._held()})").selectExpr(*columns, "_row")
        sound.orderBy("_row").write.parquet(str(self.folder / "accepted"))
        merge(self.folder / "accepted", target, accepted_schema(self.job.definition))

    def _write_quarantined(self, target: Path) -> None:
        failed = ", ".join(
            f"CASE WHEN (m{place // WORD} & {1 << place % WORD}) <> 0 THEN {self.templates.text(rule.id)} END"
            for place, rule in enumerate(self.rules)
        )
        reasons = f"filter(array({failed}), one -> one IS NOT NULL) AS _reasons"
        held = self._staged().where(self._held()).selectExpr(*map(self.name, self.columns), "_row", reasons)
        held.orderBy("_row").write.parquet(str(self.folder / "quarantined"))
        merge(self.folder / "quarantined", target, quarantined_schema(self.job.definition))
