"""Serial numbers of certificates: one sequence for the city, so that two issuers never draw the same."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("trust", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE trust_certificate_serial AS bigint",
            "DROP SEQUENCE trust_certificate_serial",
        ),
    ]
