"""Whether a later load proves that the rows of an issue were mended. Reads the lake, never writes.

A full delivery without failing rows is proof by itself. An increment carries only what changed: that none of its rows
fails says nothing about rows that failed before, unless just those came again, or the unit says that it mended them.
"""

# ruff: noqa: S608 - names are quoted by the lake, numbers are ours, texts are parameters

from __future__ import annotations

from pathlib import Path

from django.db.models import Q

from yici.base.sql import paths, quoted
from yici.platform.data.engines.duckdb import connect
from yici.platform.data.lake import reading as lake
from yici.platform.data.lake.composing import SINCE
from yici.platform.data.models import Issue, Run, Snapshot
from yici.platform.data.runs.quarantine import file_of

__all__ = ["came_again", "is_proof"]


def is_proof(issue: Issue, snapshot: Snapshot, key: list[str], *, reported: bool) -> bool:
    """For a load in which the rule held for every row it applied to. `reported`: the unit said before that it mended."""
    return snapshot.mode == Snapshot.Mode.FULL or reported or came_again(issue, snapshot, key)


def came_again(issue: Issue, snapshot: Snapshot, key: list[str]) -> bool:
    """Whether every row held back for the issue has been taken in since, by its key.

    False where that cannot be known: the rule holds nothing back, a row has no key or was mended in its key, or the
    quarantine was cleaned up.
    """
    held = _held(issue)
    files = lake.files_of(snapshot.data_class, number=snapshot.number) if snapshot.files else []
    if not held or not files:
        return False
    # Held rows are raw text: what their standard form differs in beyond blanks and case is not found, and not proof.
    columns = ", ".join(f"upper(trim({quoted(one)})) AS k{place}" for place, one in enumerate(key))
    keys = ", ".join(f"k{place}" for place in range(len(key)))
    failing = " UNION ALL ".join(
        f"SELECT {columns}, {int(number)} AS failed_in FROM read_parquet({paths([path])})"
        " WHERE list_contains(_reasons, $rule)"
        for path, number in held
    )
    same = " AND ".join(f"upper(CAST(c.{quoted(one)} AS VARCHAR)) = f.k{place}" for place, one in enumerate(key))
    with connect() as connection:
        found = connection.execute(
            f"WITH f AS (SELECT {keys}, max(failed_in) AS failed_in FROM ({failing}) GROUP BY ALL)"
            f" SELECT count(*), count(*) FILTER (EXISTS (SELECT 1 FROM read_parquet({paths(files)}) c"
            f" WHERE {same} AND c.{SINCE} > f.failed_in)) FROM f",
            {"rule": issue.rule},
        ).fetchone()
    rows, again = found or (0, 0)
    return bool(rows and rows == again)


def _held(issue: Issue) -> list[tuple[Path, int]]:
    """Quarantine files of the issue's failing runs, each with the version that stood after it; empty if one is gone."""
    runs = Run.objects.filter(
        data_class_id=issue.data_class_id, pk__gte=issue.opened_run_id, pk__lte=issue.latest_run_id
    ).exclude(trigger=Run.Trigger.REPLAY)
    runs = runs.filter(Q(channel__unit=issue.unit_id) | Q(channel=None))
    found = []
    for run in runs.only("pk", "quarantine", "detail").order_by("pk"):
        if not (run.detail.get("failed") or {}).get(issue.rule):
            continue
        path = file_of(run)
        if path is None or "snapshot" not in run.detail:
            return []
        found.append((path, int(run.detail["snapshot"])))
    return found
