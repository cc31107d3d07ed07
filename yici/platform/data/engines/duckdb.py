"""DuckDB on one machine: one engine a process, a connection a job, that spills into the data home and never loads extensions."""

# ruff: noqa: S608 - SQL is what this module makes; names and texts are quoted by the dialect

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
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
from yici.platform.data.rules.templates.sql import FAILED, KNOWN, PLAIN, STANDARD, WORD

__all__ = ["DuckDBEngine", "connect", "is_disk_full", "read_files"]

_FULL = (
    "no space left on device",
    "file too large",
    "out of disk space",
    "max_temp_directory_size",
    "disk quota exceeded",
)
_SORTED_AT_ONCE = 16_000_000  # hashes, of eight bytes
_FEW = 0.05  # of the rows


_instances: dict[tuple[int, str, str, int], duckdb.DuckDBPyConnection] = {}
_making = threading.Lock()
_numbers = itertools.count(1)


@contextlib.contextmanager
def connect(*, memory: str = "", threads: int = 0, with_database: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
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
    work.mkdir(parents=True, exist_ok=True)  # always: an engine spills there long after it was made
    key = (os.getpid(), str(work), memory, threads)
    with _making:
        if key not in _instances:
            for other in [one for one in _instances if one[1:3] != key[1:3] and one[0] == key[0]]:
                del _instances[other]
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


@dataclass(frozen=True)
class _Combination:
    """Rules that `rows` rows fail together. `masks`: as `judged` has them; `holds`: such rows are held back."""

    masks: tuple[int, ...]
    rows: int
    holds: bool
    reasons: list[str]


class _Screening:
    """One screening. One pass judges every row by itself and keeps its verdict and the hashes of its keys; the few whose
    keys others may have are then read and compared in full; one pass writes what is accepted, and what is held is written
    from those few.

    Tables: `judged` (of every row, its masks `m…`, to which rules apply `a…`, hashes `h…`, in which columns
    it is not plain `o…`), `failing` (masks of rules that need other rows), `aside` (raw text of rows that are held or may
    be repeated), `held`.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, job: Screening, progress: Progress | None) -> None:
        self.connection = connection
        self.job = job
        self.progress = progress
        self.templates = DuckDBTemplates(job.definition, job.today)
        self.rules = list(job.rules)
        self.columns = [column.name for column in job.definition.columns]
        self.rows = sum(pq.read_metadata(path).num_rows for path in job.landed)
        self.masks = {f"m{number}": mask for number, mask in enumerate(self.templates.masks(self.rules))}
        self.applies = list(dict.fromkeys(self.templates.template(rule).applies for rule in self.rules))
        self.unique = [rule for rule in self.rules if rule.primitive == "unique"]
        self.verdicts = "judged"
        self.is_written = False

    def carry_out(self, accepted: Path, quarantined: Path) -> Screened:
        self.is_written = True
        self._judge()
        outcomes, combinations = self._counted()
        self._hold(combinations)
        self._write_accepted(accepted)
        self._write_quarantined(quarantined)
        return self._screened(outcomes, combinations)

    def count(self) -> Screened:
        self._judge()
        return self._screened(*self._counted())

    def _screened(self, outcomes: tuple[Outcome, ...], combinations: list[_Combination]) -> Screened:
        held = sum(one.rows for one in combinations if one.holds)
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

    # Verdicts -----------------------------------------------------------------------------------------------

    def _judge(self) -> None:
        """Fills `judged`, `aside` and `failing`."""
        self._open()
        self._judge_by_themselves()
        suspected = [number for number in range(len(self.unique)) if self._find_suspects(number)]
        wanted = [f"SELECT _row FROM suspects_{number}" for number in suspected]
        if self.is_written and (held := self._held()):
            wanted.append(f"SELECT _row FROM judged WHERE {held}")
        self._run(
            "CREATE TEMP TABLE aside AS SELECT landed.* FROM landed"
            + (f" SEMI JOIN ({' UNION '.join(wanted)}) AS wanted USING (_row)" if wanted else " LIMIT 0")
        )
        self._judge_by_other_rows(suspected)

    def _open(self) -> None:
        """A view of the landed rows in which every column of the class is there."""
        landed = read_files(self.job.landed)
        names = {name for path in self.job.landed for name in pq.read_schema(path).names}
        found = self.job.found_as(names)
        columns = [
            f"{quoted(found[one]) if one in found else 'NULL::VARCHAR'} AS {quoted(one)}" for one in self.columns
        ]
        self.connection.execute(f"CREATE TEMP VIEW landed AS SELECT _row, {', '.join(columns)} FROM {landed}")

    def _judge_by_themselves(self) -> None:
        templates = self.templates
        columns = self.columns if self.is_written else templates.columns_of(self.rules)
        query = templates.standardised("landed", columns)
        marks = [
            f"{self._is_unknown(rule) if rule.primitive == 'exists_in' else 'FALSE'} AS {quoted(FAILED + rule.id)}"
            for rule in self.rules
            if rule.primitive in SET_PRIMITIVES
        ]
        query = f"SELECT {', '.join(['standard.*', *marks])} FROM ({query}) AS standard"
        query = templates.with_identities(query, self.rules)
        judged = [
            "_row",
            *(f"CAST({mask} AS BIGINT) AS {name}" for name, mask in self.masks.items()),
            *(f"{condition} AS a{place}" for place, condition in enumerate(self.applies)),
            *(f"{self._hash_of_key(rule)} AS h{number}" for number, rule in enumerate(self.unique)),
        ]
        if self.is_written:
            judged += [f"{quoted(KNOWN + name)} IS FALSE AS o{place}" for place, name in enumerate(self.columns)]
        self._run(f"CREATE TEMP TABLE judged AS SELECT {', '.join(judged)} FROM ({query})")

    def _is_unknown(self, rule: Rule) -> str:
        """Whether the value is in no row of the class referred to; false where that class is not there yet."""
        files = self.job.references.get(str(rule.parameters["class"]))
        if not files:
            return "FALSE"
        own, other = quoted(STANDARD + rule.column), quoted(str(rule.parameters["column"]))
        return f"{own} NOT IN (SELECT {other} FROM {read_files(files)} WHERE {other} IS NOT NULL)"

    def _hash_of_key(self, rule: Rule) -> str:
        """Of the standard values of the columns that must be unique together; null where one is not there."""
        keys = self._keys(rule)
        return f"CASE WHEN {self.templates.template(rule).applies} THEN hash({keys}) END"

    def _keys(self, rule: Rule) -> str:
        return ", ".join(
            quoted(STANDARD + column) for column in PRIMITIVES["unique"].read(rule.parameters).columns_used()
        )

    # Rules that need other rows -----------------------------------------------------------------------------

    def _find_suspects(self, number: int) -> bool:
        """Fills `suspects_…` with the rows whose key has a hash that others have too; false where there are none."""
        found = np.concatenate([self._repeated_hashes(number, part) for part in range(self._parts)])
        if not len(found):
            return False
        self.connection.register(f"repeated_{number}", pa.table({"h": found}))
        self._run(
            f"CREATE TEMP TABLE suspects_{number} AS SELECT _row FROM judged"
            f" SEMI JOIN repeated_{number} ON h{number} = repeated_{number}.h"
        )
        return True

    @property
    def _parts(self) -> int:
        """In how many parts hashes are looked through, so that memory does not grow with the rows."""
        return self.rows // _SORTED_AT_ONCE + 1

    def _repeated_hashes(self, number: int, part: int) -> npt.NDArray[np.uint64]:
        """Sorting numbers in memory costs a third of grouping them in the engine."""
        own = f" AND h{number} % {self._parts} = {part}" if self._parts > 1 else ""
        found = self.connection.execute(f"SELECT h{number} AS h FROM judged WHERE h{number} IS NOT NULL{own}")
        hashes = np.sort(np.asarray(found.fetchnumpy()["h"], dtype=np.uint64))
        return np.unique(hashes[1:][hashes[1:] == hashes[:-1]])

    def _judge_by_other_rows(self, suspected: list[int]) -> None:
        """Fills `failing` from the rows that are suspected of having the key of others."""
        found = []
        for number in suspected:
            rule = self.unique[number]
            source = f"(SELECT aside.* FROM aside SEMI JOIN suspects_{number} USING (_row)) AS suspects"
            content = ", ".join(f"'{column}': {quoted(STANDARD + column)}" for column in self.columns)
            keys = self._keys(rule)
            self._run(
                f"CREATE TEMP TABLE suspected_{number} AS SELECT _row, {keys}, {{{content}}} AS content"
                f" FROM ({self.templates.standardised(source, self.columns)})"
            )
            groups = (
                f"SELECT {keys}, count(DISTINCT content) > 1 AS differ, min(_row) AS first FROM suspected_{number}"
                f" GROUP BY {keys} HAVING count(*) > 1"
            )
            word, bit = divmod(self.rules.index(rule), WORD)
            masks = ", ".join(
                f"{1 << bit if place == word else 0}::BIGINT AS {mask}" for place, mask in enumerate(self.masks)
            )
            found.append(
                f"SELECT _row, {masks} FROM suspected_{number} JOIN ({groups}) USING ({keys}) WHERE differ OR _row <> first"
            )
        if not found:
            return
        masks = ", ".join(f"bit_or({mask}) AS {mask}" for mask in self.masks)
        self._run(f"CREATE TEMP TABLE failing AS SELECT _row, {masks} FROM ({' UNION ALL '.join(found)}) GROUP BY _row")
        masks = ", ".join(f"judged.{mask} | coalesce(failing.{mask}, 0) AS {mask}" for mask in self.masks)
        self.verdicts = f"(SELECT judged.* REPLACE ({masks}) FROM judged LEFT JOIN failing USING (_row))"

    # Counts -------------------------------------------------------------------------------------------------

    def _counted(self) -> tuple[tuple[Outcome, ...], list[_Combination]]:
        """What every rule found, and each combination of rules that rows fail together."""
        masks = ", ".join(self.masks)
        counts = "".join(f", count_if(a{place})" for place in range(len(self.applies)))
        combinations, checked, failed = [], Counter[str](), [0] * len(self.rules)
        found = self.connection.execute(f"SELECT {masks}, count(*){counts} FROM {self.verdicts} GROUP BY {masks}")
        for row in found.fetchall():
            words, rows, applied = row[: len(self.masks)], row[len(self.masks)], row[len(self.masks) + 1 :]
            checked.update(dict(zip(self.applies, applied, strict=True)))
            places = [place for place in range(len(self.rules)) if words[place // WORD] >> place % WORD & 1]
            for place in places:
                failed[place] += rows
            rules = [self.rules[place] for place in places]
            holds = any(rule.severity == "quarantine" for rule in rules)
            combinations.append(_Combination(words, rows, holds, [rule.id for rule in rules]))
        return tuple(
            Outcome(rule, checked[self.templates.template(rule).applies], count)
            for rule, count in zip(self.rules, failed, strict=True)
        ), combinations

    def _held(self) -> str:
        """A condition on masks: a rule that holds a row back is failed. Empty where there is no such rule."""
        parts = []
        for start, mask in zip(range(0, len(self.rules), WORD), self.masks, strict=False):
            word = self.rules[start : start + WORD]
            bits = sum(1 << place for place, rule in enumerate(word) if rule.severity == "quarantine")
            if bits:
                parts.append(f"{mask} & {bits} <> 0")
        return " OR ".join(parts)

    # Files --------------------------------------------------------------------------------------------------

    def _hold(self, combinations: list[_Combination]) -> None:
        """Fills `held`: rows that are held back, with their reasons."""
        held = [one for one in combinations if one.holds]
        columns = {
            mask: pa.array([one.masks[place] for one in held], pa.int64()) for place, mask in enumerate(self.masks)
        }
        columns["_reasons"] = pa.array([one.reasons for one in held], pa.list_(pa.string()))
        self.connection.register("reasons", pa.table(columns))
        self._run(
            f"CREATE TEMP TABLE held AS SELECT _row, _reasons FROM {self.verdicts} AS verdicts"
            f" JOIN reasons USING ({', '.join(self.masks)})"
        )

    def _write_accepted(self, target: Path) -> None:
        plain, odd = self._mostly_plain()
        self._run(
            f"CREATE TEMP TABLE marked AS SELECT _row, bool_or(is_held) AS is_held FROM"
            f" (SELECT _row, TRUE AS is_held FROM held UNION ALL SELECT _row, FALSE FROM ({odd})) GROUP BY _row"
        )
        sound = (
            f"(SELECT landed.*, marked._row IS NULL AS {quoted(PLAIN)} FROM landed LEFT JOIN marked USING (_row)"
            " WHERE is_held IS NOT TRUE) AS sound"
        )
        query = self.templates.standardised(sound, self.columns, plain=plain)
        columns = ", ".join(f"{quoted(STANDARD + name)} AS {quoted(name)}" for name in self.columns)
        # A left join tells what it found before what it did not, chunk by chunk: rows have to be sorted.
        self._run(
            f"COPY (SELECT {columns}, _row FROM ({query}) ORDER BY _row) TO {text(target)}"
            " (FORMAT parquet, COMPRESSION snappy)"
        )

    def _mostly_plain(self) -> tuple[list[str], str]:
        """Columns that are plain in nearly every row, and a query of the rows in which one of them is not.

        What was seen while judging is not looked for again, but in these few rows.
        """
        counts = ", ".join(f"count(*) FILTER (o{place})" for place in range(len(self.columns)))
        found = self.connection.execute(f"SELECT {counts} FROM judged").fetchone() or ()
        places = [place for place, count in enumerate(found) if count <= self.rows * _FEW]
        some = " OR ".join(f"o{place}" for place in places if found[place]) or "FALSE"
        return [self.columns[place] for place in places], f"SELECT _row FROM judged WHERE {some}"

    def _write_quarantined(self, target: Path) -> None:
        columns = ", ".join(f"aside.{quoted(name)}" for name in self.columns)
        self._run(
            f"COPY (SELECT {columns}, _row, _reasons FROM aside JOIN held USING (_row) ORDER BY _row)"
            f" TO {text(target)} (FORMAT parquet, COMPRESSION zstd)"
        )
