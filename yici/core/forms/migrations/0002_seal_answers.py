"""What people answered is sealed, and what the city's records had."""

from django.db import migrations, models

from yici.base.encrypted import SealedJSONField
from yici.base.seal_existing import sealed_instead


class Migration(migrations.Migration):
    dependencies = [("forms", "0001_initial")]

    operations = [
        *sealed_instead(
            "forms",
            "draft",
            {
                "answers": SealedJSONField(default=dict),
                "prefill": SealedJSONField(default=dict),
                "situation": SealedJSONField(default=dict),
                "context": SealedJSONField(default=dict, help_text="the owner system's own: channel, delegation …"),
            },
        ),
        migrations.AddField(
            "draft", "emptied_at", models.DateTimeField(null=True, help_text="its answers are gone; it only says so")
        ),
    ]
