"""What the database itself refuses: to change or remove an event, or a published version."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION cases_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER cases_event_append_only BEFORE UPDATE OR DELETE ON cases_caseevent
  FOR EACH ROW EXECUTE FUNCTION cases_refuse_change();
CREATE TRIGGER cases_event_no_truncate BEFORE TRUNCATE ON cases_caseevent
  FOR EACH STATEMENT EXECUTE FUNCTION cases_refuse_change();
CREATE TRIGGER cases_version_frozen BEFORE UPDATE OR DELETE ON cases_casetypeversion
  FOR EACH ROW WHEN (OLD.published_at IS NOT NULL) EXECUTE FUNCTION cases_refuse_change();
"""

BACKWARD = """
DROP TRIGGER cases_version_frozen ON cases_casetypeversion;
DROP TRIGGER cases_event_no_truncate ON cases_caseevent;
DROP TRIGGER cases_event_append_only ON cases_caseevent;
DROP FUNCTION cases_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("cases", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
