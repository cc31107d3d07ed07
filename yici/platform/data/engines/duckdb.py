"""DuckDB on one machine: one engine a process, a connection a job, that spills into the data home and never loads extensions."""

# ruff: noqa: S608 - SQL is what this module makes; names and texts are quoted by the dialect

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings

from yici.base.sql import paths, quoted, text
from yici.platform.data.disk import written_whole
from yici.platform.data.engines.base import Progress, Screened, Screening
from yici.platform.data.errors import DiskFull
from yici.platform.data.rules.language import Outcome, Rule
from yici.platform.data.rules.primitives import PRIMITIVES, SET_PRIMITIVES
from yici.platform.data.rules.templates.duckdb import DuckDBTemplates
from yici.platform.data.rules.templates.sql import FAILED, STANDARD, WORD

__all__ = ["DuckDBEngine", "connect", "is_disk_full", "read_files"]

_FULL = (
    "no space left on device",
    "file too large",
    "out of disk space",
    "max_temp_directory_size",
    "disk quota exceeded",
)


_instances: dict[tuple[int, str, str, int], duckdb.DuckDBPyConnection] = {}
_making = threading.Lock()
_numbers = itertools.count(1)


@contextlib.contextmanager
def connect(
    *, memory: str = "", threads: int = 0, with_database: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for one job, with the limits of the settings (`memory` like "2GB" and `threads` override them).

    Jobs of a process share one engine, and so its limit of memory, as a new one costs more than a small load; nothing
    that a job makes is seen by another, as long as it makes only what is TEMP, which is gone at the end. A job that
    needs schemas or macros of its own asks for an empty database besides (`with_database`). Spilled data lies under
    DATA_HOME/work. Raises `DiskFull` where DuckDB found no room.
    """
    try:
        connection = _instance(memory or settings.DATA_MEMORY, threads or settings.DATA_THREADS).cursor()
        try:
            with _own_database(connection) if with_database else contextlib.nullcontext():
                yield connection
        finally:
            connection.close()
    except (duckdb.Error, OSError) as error:
        if is_disk_full(error):
            raise DiskFull from error
        raise


@contextlib.contextmanager
def _own_database(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    own = f"job_{next(_numbers)}"
    connection.execute(f"ATTACH ':memory:' AS {own}")
    try:
        connection.execute(f"USE {own}")
        yield
    finally:
        with contextlib.suppress(duckdb.Error):  # a job that was interrupted may have left a transaction
            connection.execute("USE memory")
            connection.execute(f"DETACH {own}")


def _instance(memory: str, threads: int) -> duckdb.DuckDBPyConnection:
    """The engine of this process; a child of a fork gets one of its own."""
    work = Path(settings.DATA_HOME) / "work"
    key = (os.getpid(), str(work), memory, threads)
    with _making:
        if key not in _instances:
            for other in [one for one in _instances if one[1:3] != key[1:3] and one[0] == key[0]]:
                del _instances[other]
            work.mkdir(parents=True, exist_ok=True)
            config = {
                "memory_limit": memory,
                "threads": str(threads),
                "temp_directory": str(work / f"duckdb-{os.getpid()}"),
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "allow_community_extensions": "false",
                # It serves the old content of a file that is written again under its name.
                "enable_external_file_cache": "false",
            }
            made = duckdb.connect(":memory:", config=config)
            # A timestamp in the lake is local time as the source wrote it: no zone may move it.
            made.execute("SET GLOBAL TimeZone = 'UTC'")
            _instances[key] = made
        return _instances[key]


def is_disk_full(error: Exception) -> bool:
    text = str(error).lower()
    return any(words in text for words in _FULL)


def read_files(files: Sequence[Path]) -> str:
    """The rows of all these files, each column by its name."""
    return f"read_parquet({paths(files)}, union_by_name = true)"


class DuckDBEngine:
    """Screens on this machine. Raises `DiskFull`; `progress` may raise, which stops the query."""

    name = "duckdb"

    def screen(self, job: Screening, progress: Progress | None = None) -> Screened:
        with connect() as connection, written_whole(job.accepted, job.quarantined) as targets:
            return _Screening(connection, job, progress).carry_out(*targets)

    def judge(self, job: Screening) -> Screened:
        """The counts of a screening without its files."""
        with connect() as connection:
            return _Screening(connection, job, None).count()


class _Screening:
    """One screening. Rules that need other rows come first, each over its own columns alone; then one pass judges every
    row, one writes what is accepted and one, small, what is held."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, job: Screening, progress: Progress | None) -> None:
        self.connection = connection
        self.job = job
        self.progress = progress
        self.templates = DuckDBTemplates(job.definition, job.today)
        self.rules = list(job.rules)
        self.columns = [column.name for column in job.definition.columns]
        self.rows = sum(pq.read_metadata(path).num_rows for path in job.landed)

    def carry_out(self, accepted: Path, quarantined: Path) -> Screened:
        screened = self.count()
        self._write_accepted(accepted)
        self._write_quarantined(quarantined)
        return screened

    def count(self) -> Screened:
        self._open()
        self._judge_by_other_rows()
        outcomes, held = self._judge()
        return Screened(self.rows, self.rows - held, held, outcomes)

    def _run(self, query: str) -> None:
        """Run to the end while telling how far it is; the query is stopped where `progress` raises."""
        if self.progress is None:
            self.connection.execute(query)
            return
        failed: list[BaseException] = []

        def work() -> None:
            try:
                self.connection.execute(query)
            except BaseException as error:
                failed.append(error)

        worker = threading.Thread(target=work, name="screening")
        worker.start()
        try:
            while worker.is_alive():
                worker.join(0.5)
                done = self.connection.query_progress()
                self.progress(int(self.rows * max(done, 0.0) / 100) if worker.is_alive() else self.rows)
        except BaseException:
            self.connection.interrupt()
            raise
        finally:
            worker.join()
        if failed:
            raise failed[0]

    def _open(self) -> None:
        """A view of the landed rows in which every column of the class is there."""
        landed = read_files(self.job.landed)
        names = {name for path in self.job.landed for name in pq.read_schema(path).names}
        columns = [quoted(name) if name in names else f"NULL::VARCHAR AS {quoted(name)}" for name in self.columns]
        self.connection.execute(f"CREATE TEMP VIEW landed AS SELECT _row, {', '.join(columns)} FROM {landed}")

    # Rules that need other rows -----------------------------------------------------------------------------

    def _judge_by_other_rows(self) -> None:
        """Fills `failing`: the rows that fail such rules, one boolean column for each rule."""
        found = []
        for number, rule in enumerate(self._set_rules()):
            if rule.primitive == "unique":
                found.append(self._repeated(rule, number))
            else:
                found.append(self._without_reference(rule))
        if not found:
            return
        marks = ", ".join(
            f"bool_or(rule = {number}) AS {quoted(FAILED + rule.id)}" for number, rule in enumerate(self._set_rules())
        )
        each = " UNION ALL ".join(f"SELECT _row, {number} AS rule FROM ({query})" for number, query in enumerate(found))
        self._run(f"CREATE TEMP TABLE failing AS SELECT _row, {marks} FROM ({each}) GROUP BY _row")

    def _set_rules(self) -> list[Rule]:
        return [rule for rule in self.rules if rule.primitive in SET_PRIMITIVES]

    def _without_reference(self, rule: Rule) -> str:
        """Rows whose value is in no row of the class referred to; none where that class is not there yet."""
        files = self.job.references.get(str(rule.parameters["class"]))
        if not files:
            return "SELECT NULL::BIGINT AS _row WHERE FALSE"
        query = self.templates.standardised("landed", [rule.column])
        own, other = quoted(STANDARD + rule.column), quoted(str(rule.parameters["column"]))
        return (
            f"SELECT _row FROM ({query}) AS own WHERE {own} IS NOT NULL AND NOT EXISTS"
            f" (SELECT 1 FROM {read_files(files)} AS known WHERE known.{other} = own.{own})"
        )

    def _repeated(self, rule: Rule, number: int) -> str:
        """Rows whose key others have. Hashes find the few that may, and only those are compared in full."""
        columns = PRIMITIVES["unique"].read(rule.parameters).columns_used()
        keys = [quoted(STANDARD + column) for column in columns]
        present = " AND ".join(f"{key} IS NOT NULL" for key in keys)
        narrow = self.templates.standardised("landed", columns)
        self._run(
            f"CREATE TEMP TABLE hashes_{number} AS SELECT _row, hash({', '.join(keys)}) AS h FROM ({narrow}) WHERE {present}"
        )
        self._run(
            f"CREATE TEMP TABLE suspects_{number} AS SELECT _row FROM hashes_{number} WHERE h IN"
            f" (SELECT h FROM hashes_{number} GROUP BY h HAVING count(*) > 1)"
        )
        self.connection.execute(f"DROP TABLE hashes_{number}")
        suspects = f"(SELECT landed.* FROM landed SEMI JOIN suspects_{number} USING (_row)) AS suspects"
        whole = self.templates.standardised(suspects, self.columns)
        content = ", ".join(f"'{column}': {quoted(STANDARD + column)}" for column in self.columns)
        key = ", ".join(keys)
        self._run(
            f"CREATE TEMP TABLE suspected_{number} AS SELECT _row, {key}, {{{content}}} AS content FROM ({whole})"
        )
        groups = (
            f"SELECT {key}, count(DISTINCT content) > 1 AS differ, min(_row) AS first FROM suspected_{number}"
            f" GROUP BY {key} HAVING count(*) > 1"
        )
        return f"SELECT _row FROM suspected_{number} JOIN ({groups}) USING ({key}) WHERE differ OR _row <> first"

    # Every row ----------------------------------------------------------------------------------------------

    def _judge(self) -> tuple[tuple[Outcome, ...], int]:
        """Counts what every rule found, and keeps the rows that are held with the rules they fail."""
        templates = self.templates
        query = templates.standardised("landed", templates.columns_of(self.rules))
        if self._set_rules():
            marks = ", ".join(f"failing.{quoted(FAILED + rule.id)}" for rule in self._set_rules())
            query = f"SELECT standard.*, {marks} FROM ({query}) AS standard LEFT JOIN failing USING (_row)"
        query = templates.with_identities(query, self.rules)
        applies = list(dict.fromkeys(templates.template(rule).applies for rule in self.rules))
        words = templates.masks(self.rules)
        masks = [f"m{place}" for place in range(len(words))]
        judged = ", ".join(
            [f"{mask} AS {name}" for mask, name in zip(words, masks, strict=True)]
            + [f"{condition} AS a{place}" for place, condition in enumerate(applies)]
        )
        holding = [rule.severity == "quarantine" for rule in self.rules]
        held = " OR ".join(
            f"{name} & {sum(1 << place for place, holds in enumerate(holding[start : start + WORD]) if holds)} <> 0"
            for name, start in zip(masks, range(0, len(masks) * WORD, WORD), strict=True)
        )
        counts = ", ".join(f"count_if(a{place}) AS a{place}" for place in range(len(applies)))
        self._run(
            f"CREATE TEMP TABLE verdicts AS SELECT {', '.join(masks)}, count(*) AS n,"
            f" list(_row) FILTER ({held}) AS held, {counts or '0 AS a0'}"
            f" FROM (SELECT _row, {judged} FROM ({query})) GROUP BY {', '.join(masks)}"
        )
        return self._counted(masks, applies)

    def _counted(self, masks: list[str], applies: list[str]) -> tuple[tuple[Outcome, ...], int]:
        combinations = self.connection.execute(
            f"SELECT {', '.join(masks)}, n, coalesce(len(held), 0) AS held,"
            f" {', '.join(f'a{place}' for place in range(max(len(applies), 1)))}, rowid FROM verdicts"
        ).fetchall()
        checked, failed, held = [0] * len(applies), [0] * len(self.rules), 0
        reasons: dict[int, list[str]] = {}
        for combination in combinations:
            fails = [bool(combination[place // WORD] >> place % WORD & 1) for place in range(len(self.rules))]
            count, holding, *applied = combination[len(masks) : -1]
            held += holding
            for place, number in enumerate(applied[: len(applies)]):
                checked[place] += number
            for place, fails_it in enumerate(fails):
                failed[place] += count * fails_it
            if holding:
                reasons[combination[-1]] = [rule.id for rule, bad in zip(self.rules, fails, strict=True) if bad]
        self._keep_reasons(reasons)
        places = {condition: place for place, condition in enumerate(applies)}
        return tuple(
            Outcome(rule, checked[places[self.templates.template(rule).applies]], failed[place])
            for place, rule in enumerate(self.rules)
        ), held

    def _keep_reasons(self, reasons: dict[int, list[str]]) -> None:
        table = pa.table(
            {
                "combination": pa.array(list(reasons), pa.int64()),
                "_reasons": pa.array(list(reasons.values()), pa.list_(pa.string())),
            }
        )
        self.connection.register("reasons", table)
        self.connection.execute(
            "CREATE TEMP TABLE held AS SELECT unnest(held) AS _row, rowid AS combination FROM verdicts WHERE len(held) > 0"
        )

    # Files --------------------------------------------------------------------------------------------------

    def _write_accepted(self, target: Path) -> None:
        sound = "(SELECT landed.* FROM landed ANTI JOIN held USING (_row)) AS sound"
        query = self.templates.standardised(sound, self.columns)
        columns = ", ".join(f"{quoted(STANDARD + name)} AS {quoted(name)}" for name in self.columns)
        self._run(
            f"COPY (SELECT {columns}, _row FROM ({query}) ORDER BY _row) TO {text(target)}"
            " (FORMAT parquet, COMPRESSION snappy)"
        )

    def _write_quarantined(self, target: Path) -> None:
        columns = ", ".join(f"landed.{quoted(name)}" for name in self.columns)
        self._run(
            f"COPY (SELECT {columns}, held._row, _reasons FROM landed JOIN held USING (_row)"
            f" JOIN reasons USING (combination) ORDER BY held._row) TO {text(target)} (FORMAT parquet, COMPRESSION zstd)"
        )
