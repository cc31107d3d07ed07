"""What was answered, what proves it, and what a joint application keeps for its parts is sealed."""

from django.db import migrations

from yici.base.encrypted import SealedJSONField
from yici.base.seal_existing import sealed_instead


class Migration(migrations.Migration):
    dependencies = [("hall", "0006_joint")]

    operations = [
        *sealed_instead(
            "hall",
            "application",
            {
                "answers": SealedJSONField(help_text="field id → value, as submitted or last corrected"),
                "provenance": SealedJSONField(
                    help_text="field id → {value, source, source_organisation, as_of} of what prefill held"
                ),
                "situation": SealedJSONField(default=dict, help_text="answers to the situation tree"),
            },
        ),
        *sealed_instead(
            "hall",
            "materialinstance",
            {
                "proof": SealedJSONField(default=dict, help_text="which records or certificate, with source and date"),
            },
        ),
        *sealed_instead(
            "hall",
            "jointapplication",
            {
                "answers": SealedJSONField(help_text="field id of the united form → value"),
                "provenance": SealedJSONField(help_text="as Application.provenance, by ids of the united form"),
                "situation": SealedJSONField(default=dict),
                "charges": SealedJSONField(
                    default=list, help_text="[{fee, quantity, of, facts, item}] of the combined order"
                ),
            },
        ),
        *sealed_instead(
            "hall",
            "jointpart",
            {
                "materials": SealedJSONField(
                    default=list, help_text="rows of MaterialInstance, kept until it becomes a case"
                ),
            },
        ),
    ]
