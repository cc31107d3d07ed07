"""Which key versions the database's sealed values stand under, and bringing them to the newest. Safe to stop and repeat."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.apps import apps
from django.db import connection, transaction

from yici.base.encrypted import Sealed
from yici.base.sealing import keyring
from yici.base.sql import quoted

__all__ = ["SealedColumn", "count_by_version", "rewrap", "sealed_columns"]

CHUNK = 1000  # rows of one transaction


@dataclass(frozen=True)
class SealedColumn:
    """A column of sealed values; `place` is what they are bound to."""

    table: str
    key: str
    column: str
    place: str

    @property
    def name(self) -> str:
        return f"{self.table}.{self.column}"


def sealed_columns(others: Iterable[SealedColumn] = ()) -> list[SealedColumn]:
    """Every sealed field of every model, and `others` that are sealed by hand."""
    found = [
        SealedColumn(model._meta.db_table, str(model._meta.pk.column), str(field.column), field.place)
        for model in apps.get_models()
        for field in model._meta.local_fields
        if isinstance(field, Sealed)
    ]
    return [*found, *others]


def count_by_version(column: SealedColumn) -> dict[int, int]:
    """Key version → number of values; 128 and above: the SM profile."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT get_byte({quoted(column.column)}, 0), count(*) FROM {quoted(column.table)} "  # noqa: S608 - names of models
            f"WHERE {quoted(column.column)} IS NOT NULL GROUP BY 1 ORDER BY 1"
        )
        return dict(cursor.fetchall())


def rewrap(column: SealedColumn) -> Iterator[int]:
    """Bring every value under the newest key, a thousand rows a transaction; gives how many rows each did."""
    ring = keyring()
    table, key, name = quoted(column.table), quoted(column.key), quoted(column.column)
    last: list[str | int] = []  # key of the row done last
    while True:
        beyond = f"AND {key} > %s" if last else ""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {key}, {name} FROM {table} WHERE get_byte({name}, 0) <> %s {beyond} "  # noqa: S608
                f"ORDER BY {key} LIMIT {CHUNK} FOR UPDATE",
                [ring.mark, *last],
            )
            rows = cursor.fetchall()
            fresh = [(ring.rewrap(value, column.place), pk) for pk, value in rows]
            cursor.executemany(f"UPDATE {table} SET {name} = %s WHERE {key} = %s", fresh)  # noqa: S608
        if not rows:
            return
        last = [rows[-1][0]]
        yield len(rows)
