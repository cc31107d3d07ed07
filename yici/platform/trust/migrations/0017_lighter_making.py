"""What every row of making paid for and nobody used: a check of its batch, and an index for LIKE on identifiers."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("trust", "0016_limits_and_retention")]

    operations = [
        migrations.AlterField(
            "madecertificate",
            "batch",
            models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="trust.madebatch",
            ),
        ),
        # Django makes it beside a key of text; under the collation C the key's own index answers LIKE.
        migrations.RunSQL(
            "DROP INDEX IF EXISTS trust_madecertificate_identifier_bb0c2086_like", migrations.RunSQL.noop
        ),
    ]
