"""Upkeep of the tallies that the database adds up from the cases (decision 0027)."""

# ruff: noqa: S608 - names of columns and our own SQL

from __future__ import annotations

from django.db import connection, transaction

from yici.core.cases.models import Tally

__all__ = ["merge_tallies", "rebuild_tallies", "verify_tallies"]

_KEYS = "day, organisation_id, division_id, system"
_NAMES = ", ".join(Tally.COUNTS)
_SUMS = ", ".join(f"sum({name})" for name in Tally.COUNTS)
_ZEROS = ", ".join("0" for _ in Tally.COUNTS)
_SUMMED = f"GROUP BY {_KEYS} HAVING ({_SUMS}) IS DISTINCT FROM ({_ZEROS})"
_LIVE = """SELECT k.* FROM cases_case AS c, LATERAL cases_contributions(
  c, 1, EXISTS (SELECT FROM cases_correction AS n WHERE n.case_id = c.id)::int) AS k"""
_LOCK = "SELECT pg_advisory_xact_lock(341605)"
_MERGE = f"""
WITH fresh AS (SELECT DISTINCT {_KEYS} FROM cases_tally WHERE NOT is_merged),
gone AS (
  DELETE FROM cases_tally AS t USING fresh AS f
  WHERE (t.day, t.organisation_id, t.division_id, t.system) = (f.day, f.organisation_id, f.division_id, f.system)
  RETURNING t.*
)
INSERT INTO cases_tally ({_KEYS}, is_merged, {_NAMES})
SELECT {_KEYS}, TRUE, {_SUMS} FROM gone {_SUMMED}"""
_REBUILD = f"""
INSERT INTO cases_tally ({_KEYS}, is_merged, {_NAMES})
SELECT {_KEYS}, TRUE, {_SUMS} FROM ({_LIVE}) AS one {_SUMMED}"""
_DIFFERENCES = f"""
SELECT count(*) FROM (
  SELECT {_KEYS} FROM (
    SELECT {_KEYS}, {_NAMES} FROM ({_LIVE}) AS one
    UNION ALL SELECT {_KEYS}, {", ".join(f"-{name}" for name in Tally.COUNTS)} FROM cases_tally
  ) AS both_ {_SUMMED}
) AS different"""


@transaction.atomic
def merge_tallies() -> int:
    """One row instead of several of a key; what is counted stays the same at every moment. Returns the rows written.

    Rows that are added meanwhile are left for the next time; nobody waits but another merge.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)
        cursor.execute(_MERGE)
        return cursor.rowcount


@transaction.atomic
def rebuild_tallies() -> int:
    """Count every case anew; cases cannot be changed meanwhile. Returns the rows written."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)
        cursor.execute("LOCK TABLE cases_case, cases_correction IN SHARE MODE")
        cursor.execute("DELETE FROM cases_tally")
        cursor.execute(_REBUILD)
        return cursor.rowcount


def verify_tallies() -> int:
    """How many keys say something else than the cases do, all counted anew; reads only."""
    with connection.cursor() as cursor:
        cursor.execute(_DIFFERENCES)
        return int(cursor.fetchone()[0])
