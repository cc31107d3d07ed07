"""A frozen value can be superseded by a later cutoff, never changed or removed."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION metrics_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a frozen metric value is never changed';
END
$$;
CREATE TRIGGER metrics_snapshot_stays BEFORE UPDATE OR DELETE ON metrics_snapshot
  FOR EACH ROW EXECUTE FUNCTION metrics_refuse_change();
"""

ALLOW = """
DROP TRIGGER metrics_snapshot_stays ON metrics_snapshot;
DROP FUNCTION metrics_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("metrics", "0001_initial")]
    operations = [migrations.RunSQL(REFUSE, ALLOW)]
