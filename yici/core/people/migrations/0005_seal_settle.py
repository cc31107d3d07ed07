"""The plain columns go; the sealed ones must be filled."""

from django.db import migrations, models

from yici.base.encrypted import BlindIndexField, SealedTextField


class Migration(migrations.Migration):
    dependencies = [("people", "0004_seal_fill")]

    operations = [
        migrations.AlterField("person", "id_number", SealedTextField()),
        migrations.AlterField(
            "person", "id_number_index", BlindIndexField(of="id_number", place="person.id_number", unique=True)
        ),
        migrations.AlterField("person", "phone", SealedTextField(blank=True, default="")),
        migrations.AlterField("account", "phone", SealedTextField(blank=True, default="")),
        migrations.RemoveField("person", "id_number_plain"),
        migrations.RemoveField("person", "phone_plain"),
        migrations.RemoveField("account", "phone_plain"),
        *(
            migrations.AddField("signincode", name, SealedTextField(default=""), preserve_default=False)
            for name in ("name", "id_number", "phone")
        ),
        migrations.AddField(
            "signincode",
            "id_number_index",
            BlindIndexField(of="id_number", place="person.id_number", default=b""),
            preserve_default=False,
        ),
        migrations.AddField(
            "signincode",
            "phone_index",
            BlindIndexField(of="phone", place="person.phone", default=b""),
            preserve_default=False,
        ),
        migrations.AddIndex("signincode", models.Index(fields=["phone_index", "created_at"], name="people_code_phone")),
        migrations.AddIndex(
            "signincode", models.Index(fields=["id_number_index", "created_at"], name="people_code_id_number")
        ),
    ]
