"""Sealed columns beside the plain ones: of persons, accounts and sign-in codes. Filled by 0004, settled by 0005."""

from django.db import migrations

from yici.base.encrypted import BlindIndexField, SealedTextField


class Migration(migrations.Migration):
    dependencies = [("people", "0002_one_duty")]

    operations = [
        # Codes live ten minutes; those on their way are asked for again.
        migrations.RunSQL("DELETE FROM people_signincode", migrations.RunSQL.noop),
        migrations.RemoveIndex("signincode", "people_code_phone"),
        migrations.RemoveIndex("signincode", "people_code_id_number"),
        *(
            migrations.RenameField(model, name, f"{name}_plain")
            for model, name in (("person", "id_number"), ("person", "phone"), ("account", "phone"))
        ),
        *(
            migrations.AddField(model, name, SealedTextField(null=True))
            for model, name in (("person", "id_number"), ("person", "phone"), ("account", "phone"))
        ),
        migrations.AddField(
            "person",
            "id_number_index",
            BlindIndexField(null=True, of="id_number", place="person.id_number", unique=True),
        ),
        *(migrations.RemoveField("signincode", name) for name in ("name", "id_number", "phone")),
    ]
