"""For migrations: columns that held their values in clear are sealed, with the rows that stand there, in one transaction."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.db import migrations, models

from yici.base.encrypted import Sealed, SealedJSONField
from yici.base.sql import quoted

__all__ = ["sealed_instead"]

CHUNK = 1000


def sealed_instead(app: str, model: str, fields: Mapping[str, Sealed]) -> list[Any]:
    """Operations that turn fields of a model (name → the sealed field it becomes) into sealed ones.

    The plain columns go at the end; a migration that holds these is all or nothing.
    """
    return [
        *(migrations.RenameField(model, name, f"{name}_plain") for name in fields),
        *(migrations.AddField(model, name, type(field)(null=True)) for name, field in fields.items()),
        migrations.RunPython(_filling(app, model, list(fields)), migrations.RunPython.noop),
        *(migrations.AlterField(model, name, field) for name, field in fields.items()),
        *(migrations.RemoveField(model, f"{name}_plain") for name in fields),
    ]


def _filling(app: str, model: str, names: list[str]) -> Callable[[Any, Any], None]:
    def fill(apps: Any, schema_editor: Any) -> None:
        found = apps.get_model(app, model)
        table = quoted(found._meta.db_table)
        columns = ", ".join(f"{quoted(name + '_plain')}" for name in names)
        settings = ", ".join(f"{quoted(name)} = %s" for name in names)
        last = 0
        while True:
            with schema_editor.connection.cursor() as cursor:
                cursor.execute(f"SELECT id, {columns} FROM {table} WHERE id > %s ORDER BY id LIMIT {CHUNK}", [last])  # noqa: S608 - names of models
                rows = cursor.fetchall()
                fresh = [
                    (
                        *(
                            _sealed(found._meta.get_field(name), value)
                            for name, value in zip(names, row[1:], strict=True)
                        ),
                        row[0],
                    )
                    for row in rows
                ]
                cursor.executemany(f"UPDATE {table} SET {settings} WHERE id = %s", fresh)  # noqa: S608
            if not rows:
                return
            last = rows[-1][0]

    return fill


def _sealed(field: models.Field[Any, Any], value: Any) -> Any:
    if isinstance(field, SealedJSONField) and isinstance(value, str):  # Django reads jsonb as text
        value = json.loads(value)
    return field.get_prep_value(value)
