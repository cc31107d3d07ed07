"""三员分立: the database refuses to give one account two of the duties system, security and audit at a time."""

from __future__ import annotations

from django.db import migrations, models

TRIGGER = """
CREATE FUNCTION people_one_duty() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.duty = '' THEN
    RETURN NEW;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('people duty ' || NEW.account_id, 3));
  IF EXISTS (
    SELECT 1 FROM people_rolegrant other
    WHERE other.account_id = NEW.account_id AND other.id <> NEW.id AND other.duty NOT IN ('', NEW.duty)
      AND COALESCE(other.valid_to, 'infinity') >= other.valid_from
      AND COALESCE(other.valid_to, 'infinity') >= NEW.valid_from
      AND COALESCE(NEW.valid_to, 'infinity') >= other.valid_from
      AND COALESCE(NEW.valid_to, 'infinity') >= NEW.valid_from
  ) THEN
    RAISE EXCEPTION 'one account cannot hold two of the duties system, security and audit'
      USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'people_one_duty';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER people_one_duty BEFORE INSERT OR UPDATE ON people_rolegrant
  FOR EACH ROW EXECUTE FUNCTION people_one_duty();
"""


class Migration(migrations.Migration):
    dependencies = [("people", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="rolegrant",
            name="duty",
            field=models.CharField(
                blank=True,
                default="",
                help_text="of the three administrators; a trigger lets an account have one",
                max_length=10,
            ),
        ),
        migrations.RunSQL(
            TRIGGER, "DROP TRIGGER people_one_duty ON people_rolegrant; DROP FUNCTION people_one_duty();"
        ),
    ]
