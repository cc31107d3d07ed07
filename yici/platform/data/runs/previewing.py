"""What a waiting run holds and how its columns would map: shown to a person before anything is loaded."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from yici.platform.data.catalogue import reading
from yici.platform.data.engines.duckdb import connect
from yici.platform.data.landing.drift import Drift, compare
from yici.platform.data.landing.landing import Landed, land
from yici.platform.data.landing.mapping import Proposal, propose
from yici.platform.data.models import ColumnDecision, Run

__all__ = ["ROWS", "Preview", "decisions_of", "preview"]

ROWS = 20


@dataclass(frozen=True)
class Preview:
    """`rows`: the first rows, header → raw text. `problems`: sentences for people, worst first."""

    landed: Landed
    drift: Drift
    proposals: Sequence[Proposal]
    rows: Sequence[Mapping[str, str | None]]
    problems: Sequence[str]


def decisions_of(class_id: str) -> dict[str, str]:
    """Header → column (empty: left out), as decided so far."""
    standing = ColumnDecision.objects.filter(data_class_id=class_id, replaced_at=None)
    return dict(standing.values_list("header", "column"))


def preview(run: Run) -> Preview:
    """Land the run's bytes in a work folder of its own and propose a mapping. Raises landing's `Refused`.

    Reads every row, so a wrong line far down is known before the person confirms.
    """
    if run.raw is None:
        raise ValueError("a run without bytes has nothing to preview")
    definition = reading.definition_of(run.data_class)
    decisions = decisions_of(run.data_class_id)
    work = Path(settings.DATA_HOME) / "work"
    work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=work, prefix="preview-") as folder:
        target = Path(folder) / "landed.parquet"
        landed = land(Path(settings.DATA_HOME) / "raw" / run.raw.path, target, name=run.raw.name)
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
