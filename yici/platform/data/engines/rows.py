"""Small deliveries, judged row by row by the reference: a plan for an engine costs more than a few hundred rows do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from yici.base.sql import quoted
from yici.platform.data.disk import disk_full_is_told, written_whole
from yici.platform.data.engines.base import Progress, Screened, Screening, accepted_schema, quarantined_schema
from yici.platform.data.engines.duckdb import connect, read_files
from yici.platform.data.rules import reference
from yici.platform.data.rules.language import Outcome
from yici.platform.data.rules.primitives import ExistsIn

__all__ = ["RowsEngine"]


class RowsEngine:
    """Holds every row in memory. Raises `DiskFull`."""

    name = "rows"

    def screen(self, job: Screening, progress: Progress | None = None) -> Screened:
        with disk_full_is_told(), written_whole(job.accepted, job.quarantined) as targets:
            return _screen(job, *targets)


def _screen(job: Screening, accepted: Path, quarantined: Path) -> Screened:
    rows = _landed(job)
    judged = reference.screen(job.definition, job.rules, rows, job.today, lambda *asked: _known(job, *asked))
    holding = {rule.id for rule in job.rules if rule.severity == "quarantine"}
    sound: list[dict[str, Any]] = []
    held: list[dict[str, Any]] = []
    for row, one in zip(rows, judged, strict=True):
        failed = [rule_id for rule_id, fails in one.verdicts.items() if fails]
        if holding.intersection(failed):
            held.append({**row, "_reasons": failed})
        else:
            sound.append({**one.values, "_row": row["_row"]})
    pq.write_table(pa.Table.from_pylist(sound, accepted_schema(job.definition)), accepted, compression="snappy")
    pq.write_table(pa.Table.from_pylist(held, quarantined_schema(job.definition)), quarantined, compression="zstd")
    verdicts = [[one.verdicts[rule.id] for one in judged] for rule in job.rules]
    outcomes = tuple(
        Outcome(rule, sum(one is not None for one in column), sum(map(bool, column)))
        for rule, column in zip(job.rules, verdicts, strict=True)
    )
    return Screened(len(rows), len(sound), len(held), outcomes)


def _landed(job: Screening) -> list[dict[str, Any]]:
    """All rows in the order of their numbers; columns that did not come are null."""

    def tables() -> Iterator[dict[str, Any]]:
        for path in job.landed:
            with pq.ParquetFile(path) as file:
                found = job.found_as(file.schema_arrow.names)
                landed = file.read(columns=[*found.values(), "_row"], use_threads=False)
                yield from landed.select([*found.values(), "_row"]).rename_columns([*found, "_row"]).to_pylist()

    return sorted(tables(), key=lambda row: row["_row"])


def _known(job: Screening, parameters: ExistsIn, values: set[reference.Value]) -> set[reference.Value]:
    """Those of the values that the class referred to has; all where it is not there yet, as it proves nothing."""
    files = job.references.get(parameters.data_class)
    if not files or not values:
        return values
    column = quoted(parameters.column)
    with connect() as connection:
        found = connection.execute(
            f"SELECT DISTINCT {column} FROM {read_files(files)} WHERE {column} IN (SELECT unnest(?))",  # noqa: S608
            [sorted(values)],  # type: ignore[type-var]
        )
        return {value for (value,) in found.fetchall()}
