"""The database keeps the tallies itself, whoever writes the cases: pages, jobs, imports or a repair by hand."""

# ruff: noqa: S608 - names of columns and our own SQL

from django.conf import settings
from django.db import migrations

_COUNTS = (
    "opened", "self_filed", "corrected", "accepted", "accepted_self_filed", "closed", "closed_normally", "timed", "on_time",
    "used_days",
)  # fmt: skip
_KEYS = "day, organisation_id, division_id, system"
_NAMES = ", ".join(_COUNTS)
_SUMS = ", ".join(f"sum(one.{name})" for name in _COUNTS)
_ZEROS = ", ".join("0" for _ in _COUNTS)
_TYPED = ", ".join(f"{name} {'numeric' if name == 'used_days' else 'integer'}" for name in _COUNTS)
# A change of any other column moves no count.
_COUNTED = (
    "type_id", "organisation_id", "division_id", "is_self_filed", "is_simulated", "opened_at", "accepted_at", "closed_at",
    "outcome", "closed_on_time", "used_days",
)  # fmt: skip
_HAS_CORRECTION = "EXISTS (SELECT FROM cases_correction AS n WHERE n.case_id = {0}.id)::int"


def _added(contributions: str) -> str:
    """Keys whose counts cancel out are left out."""
    return f"""
  INSERT INTO cases_tally ({_KEYS}, is_merged, {_NAMES})
  SELECT {_KEYS}, FALSE, {_SUMS} FROM ({contributions}) AS one
  GROUP BY {_KEYS} HAVING ({_SUMS}) IS DISTINCT FROM ({_ZEROS});"""


def _row(record: str, sign: int) -> str:
    return f"SELECT * FROM cases_contributions({record}, {sign}, {_HAS_CORRECTION.format(record)})"


def _corrected(sign: int) -> str:
    """Of cases whose only corrections are those that were written or removed by this statement."""
    others = "SELECT FROM cases_correction AS n WHERE n.case_id = c.id AND n.id NOT IN (SELECT id FROM moved)"
    counts = ", ".join(f"k.{name}" if name == "corrected" else f"0 AS {name}" for name in _COUNTS)
    return f"""SELECT k.day, k.organisation_id, k.division_id, k.system, {counts}
    FROM cases_case AS c, LATERAL cases_contributions(c, {sign}, 1) AS k
    WHERE c.id IN (SELECT case_id FROM moved) AND NOT EXISTS ({others})"""


FORWARD = f"""
CREATE FUNCTION cases_contributions(c cases_case, sign integer, corrections integer)
RETURNS TABLE (day date, organisation_id bigint, division_id varchar, system varchar, {_TYPED})
LANGUAGE sql STABLE AS $$
  SELECT (s.moment AT TIME ZONE '{
    settings.TIME_ZONE
}')::date, c.organisation_id, left(c.division_id, 6) || '000000', t.system,
    {", ".join(f"sign * s.{name}" for name in _COUNTS)}
  FROM cases_casetype AS t
  CROSS JOIN LATERAL (
    SELECT c.outcome IN ('approved', 'approved_tolerant', 'denied', 'recalled', 'revoked') AS is_decided
  ) AS d
  CROSS JOIN LATERAL (SELECT d.is_decided AND c.closed_on_time IS NOT NULL AS is_timed) AS w
  CROSS JOIN LATERAL (VALUES
    (c.opened_at, 1, c.is_self_filed::int, corrections, 0, 0, 0, 0, 0, 0, 0::numeric),
    (c.accepted_at, 0, 0, 0, 1, c.is_self_filed::int, 0, 0, 0, 0, 0),
    (c.closed_at, 0, 0, 0, 0, 0, 1, d.is_decided::int, w.is_timed::int, (w.is_timed AND c.closed_on_time)::int,
      CASE WHEN w.is_timed THEN coalesce(c.used_days, 0) ELSE 0 END)
  ) AS s (moment, {_NAMES})
  WHERE t.id = c.type_id AND s.moment IS NOT NULL AND NOT c.is_simulated
$$;

CREATE FUNCTION cases_tally_opened() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN{_added("SELECT k.* FROM opened_ AS o JOIN cases_case AS c USING (id), LATERAL cases_contributions(c, 1, 0) AS k")}
  RETURN NULL;
END $$;
CREATE TRIGGER cases_tally_opened AFTER INSERT ON cases_case REFERENCING NEW TABLE AS opened_
  FOR EACH STATEMENT EXECUTE FUNCTION cases_tally_opened();

CREATE FUNCTION cases_tally_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN{_added(f"{_row('OLD', -1)} UNION ALL {_row('NEW', 1)}")}
  RETURN NULL;
END $$;
CREATE TRIGGER cases_tally_changed AFTER UPDATE ON cases_case FOR EACH ROW
  WHEN (({", ".join(f"OLD.{name}" for name in _COUNTED)}) IS DISTINCT FROM ({
    ", ".join(f"NEW.{name}" for name in _COUNTED)
}))
  EXECUTE FUNCTION cases_tally_changed();

CREATE FUNCTION cases_tally_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN{_added(_row("OLD", -1))}
  RETURN NULL;
END $$;
CREATE TRIGGER cases_tally_removed AFTER DELETE ON cases_case FOR EACH ROW EXECUTE FUNCTION cases_tally_removed();

-- A case counts as corrected once, however often: with its first correction.
CREATE FUNCTION cases_tally_corrected() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN{_added(_corrected(1))}
  RETURN NULL;
END $$;
CREATE TRIGGER cases_tally_corrected AFTER INSERT ON cases_correction REFERENCING NEW TABLE AS moved
  FOR EACH STATEMENT EXECUTE FUNCTION cases_tally_corrected();

CREATE FUNCTION cases_tally_uncorrected() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN{_added(_corrected(-1))}
  RETURN NULL;
END $$;
CREATE TRIGGER cases_tally_uncorrected AFTER DELETE ON cases_correction REFERENCING OLD TABLE AS moved
  FOR EACH STATEMENT EXECUTE FUNCTION cases_tally_uncorrected();

{_added(f"SELECT k.* FROM cases_case AS c, LATERAL cases_contributions(c, 1, {_HAS_CORRECTION.format('c')}) AS k")}
"""

BACKWARD = """
DROP TRIGGER cases_tally_uncorrected ON cases_correction;
DROP TRIGGER cases_tally_corrected ON cases_correction;
DROP TRIGGER cases_tally_removed ON cases_case;
DROP TRIGGER cases_tally_changed ON cases_case;
DROP TRIGGER cases_tally_opened ON cases_case;
DROP FUNCTION cases_tally_uncorrected();
DROP FUNCTION cases_tally_corrected();
DROP FUNCTION cases_tally_removed();
DROP FUNCTION cases_tally_changed();
DROP FUNCTION cases_tally_opened();
DROP FUNCTION cases_contributions(cases_case, integer, integer);
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0005_tallies")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
