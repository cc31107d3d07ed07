"""The faces of certificates issued in cases and the names of their holders are sealed."""

from django.db import migrations

from yici.base.encrypted import SealedJSONField, SealedTextField
from yici.base.seal_existing import sealed_instead


class Migration(migrations.Migration):
    dependencies = [("trust", "0014_further_holders")]

    operations = [
        *sealed_instead(
            "trust",
            "certificate",
            {
                "face": SealedJSONField(help_text="element id → value, as printed"),
                "holder_name": SealedTextField(),
            },
        ),
    ]
