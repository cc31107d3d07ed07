"""What a waiting run holds and how its columns would map: shown to a person before anything is loaded."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from yici.platform.data.catalogue import reading
from yici.platform.data.engines.duckdb import connect
from yici.platform.data.errors import Refused
from yici.platform.data.lake.layout import work_root
from yici.platform.data.landing import archive
from yici.platform.data.landing.counting import counted
from yici.platform.data.landing.drift import Drift, compare
from yici.platform.data.landing.landing import Landed, land
from yici.platform.data.landing.mapping import Proposal, propose
from yici.platform.data.models import Run
from yici.platform.data.runs import starting

__all__ = ["ROWS", "Preview", "preview", "preview_or_refuse"]

ROWS = 20


@dataclass(frozen=True)
class Preview:
    """`rows`: the first rows, header → raw text. `problems`: sentences for people, worst first."""

    landed: Landed
    drift: Drift
    proposals: Sequence[Proposal]
    rows: Sequence[Mapping[str, str | None]]
    problems: Sequence[str]


def preview_or_refuse(run: Run) -> Preview:
    """`preview` of a waiting run; bytes that cannot be used end it. Raises what ended it."""
    try:
        return preview(run)
    except Refused as refused:
        starting.refuse(run, refused)
        raise


def preview(run: Run) -> Preview:
    """Land the run's bytes in a work folder of its own and propose a mapping. Raises landing's `Refused`.

    Reads every row, so a wrong line far down is known before the person confirms.
    """
    if run.raw is None:
        raise ValueError("a run without bytes has nothing to preview")
    definition = reading.definition_of(run.data_class)
    decisions = starting.decisions_of(run.data_class_id)
    with tempfile.TemporaryDirectory(dir=work_root(), prefix="preview-") as folder:
        target = Path(folder) / "landed.parquet"
        landed = land(archive.path_of(run.raw), target, name=run.file_name)
        landed = counted(landed, target, definition, decisions)
        drift = compare(landed, definition, decisions, [])
        proposals = propose(landed, definition, decisions)
        rows = _first_rows(target, landed)
    problems = [*map(str, drift.explanations), *map(str, landed.warnings)]
    return Preview(landed, drift, proposals, rows, problems)


def _first_rows(landed_file: Path, landed: Landed) -> list[dict[str, str | None]]:
    with connect() as connection:
        own = ", ".join(landed.columns)
        found = connection.execute(f"SELECT {own} FROM read_parquet(?) LIMIT {ROWS}", [str(landed_file)]).fetchall()  # noqa: S608
    return [dict(zip(landed.headers, row, strict=True)) for row in found]
