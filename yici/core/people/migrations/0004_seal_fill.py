"""Seal what is there, a thousand rows at a time, each batch for itself: a run that was killed goes on where it stopped."""

from django.db import migrations, transaction

CHUNK = 1000


def seal(apps, schema_editor):
    Person, Account = apps.get_model("people", "Person"), apps.get_model("people", "Account")
    _in_batches(Person, {"id_number": "id_number_plain", "phone": "phone_plain"}, ["id_number_index"])
    _in_batches(Account, {"phone": "phone_plain"}, [])


def _in_batches(model, columns, indexes):
    from yici.base.encrypted import index_of

    while True:
        with transaction.atomic():
            rows = list(model.objects.select_for_update().filter(phone__isnull=True).order_by("pk")[:CHUNK])
            for row in rows:
                for sealed, plain in columns.items():
                    setattr(row, sealed, getattr(row, plain))
                for name in indexes:
                    index = model._meta.get_field(name)
                    setattr(row, name, index_of(getattr(row, index.of), index.place))
            model.objects.bulk_update(rows, [*columns, *indexes])
        if len(rows) < CHUNK:
            return


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("people", "0003_seal_beside")]

    operations = [migrations.RunPython(seal, migrations.RunPython.noop)]
