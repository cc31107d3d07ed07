"""A published version of an item never changes: the database itself refuses."""

from django.db import migrations

_CREATE = """
CREATE FUNCTION hall_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a published version of a service item is frozen' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER hall_version_frozen BEFORE UPDATE OR DELETE ON hall_serviceitemversion
    FOR EACH ROW EXECUTE FUNCTION hall_refuse_change();
"""
_DROP = """
DROP TRIGGER hall_version_frozen ON hall_serviceitemversion;
DROP FUNCTION hall_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("hall", "0001_initial")]
    operations = [migrations.RunSQL(_CREATE, _DROP)]
