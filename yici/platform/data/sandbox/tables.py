"""Tables as departments have them: all text but the column that says when a row was written."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from django.conf import settings
from psycopg import sql

from yici.base.errors import Misconfigured
from yici.base.sql import backquoted
from yici.platform.data.sandbox import mysql
from yici.platform.data.sandbox.postgres import url_of
from yici.platform.data.sources.connections import Connection, read_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yici.platform.data.sandbox.filling import Delivery

_INDEXED = 190  # characters of a key column: what fits into an index of utf8mb4


def write_postgresql(delivery: Delivery, at: Connection, home: Path) -> str:
    """Load by COPY into a draft table, then swap it in or change by key, in one transaction."""
    address = read_sandbox(home).get("postgres")
    if address is None:
        raise Misconfigured("演示用的 PostgreSQL 没有启动，请先启动演示环境（yici run）。")
    schema, table = _split(delivery, at.path or "public")
    draft, target = sql.Identifier(schema, f"{table}_draft"), sql.Identifier(schema, table)
    with psycopg.connect(url_of(address, at.database)) as connection:
        connection.execute(sql.SQL("SET timezone TO {}").format(sql.Literal(settings.TIME_ZONE)))
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(draft))
        columns = _copy(connection, delivery, draft)
        if delivery.mode == "replace":
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(target))
            connection.execute(sql.SQL("ALTER TABLE {} RENAME TO {}").format(draft, sql.Identifier(table)))
            for indexed in filter(None, (delivery.key, _watermark(delivery))):
                parts = sql.SQL(", ").join(map(sql.Identifier, indexed))
                connection.execute(sql.SQL("CREATE INDEX ON {} ({})").format(target, parts))
        else:
            key = sql.SQL(", ").join(map(sql.Identifier, delivery.key))
            every = sql.SQL(", ").join(map(sql.Identifier, columns))
            connection.execute(
                sql.SQL("DELETE FROM {} WHERE ({}) IN (SELECT {} FROM {})").format(target, key, key, draft)
            )
            connection.execute(sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}").format(target, every, every, draft))
            connection.execute(sql.SQL("DROP TABLE {}").format(draft))
    return f"{schema}.{table}"


def _copy(connection: psycopg.Connection[Any], delivery: Delivery, draft: sql.Identifier) -> list[str]:
    names: list[str] = []
    for batch in _stamped(delivery):
        if not names:
            names = list(batch.schema.names)
            typed = [
                sql.SQL("{} {}").format(
                    sql.Identifier(name), sql.SQL("timestamptz" if name in _watermark(delivery) else "text")
                )
                for name in names
            ]
            connection.execute(sql.SQL("CREATE TABLE {} ({})").format(draft, sql.SQL(", ").join(typed)))
        text = io.BytesIO()
        options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
        pyarrow.csv.write_csv(pa.Table.from_batches([batch]), text, options)
        with (
            connection.cursor() as cursor,
            cursor.copy(sql.SQL("COPY {} FROM STDIN WITH (FORMAT csv)").format(draft)) as copy,
        ):
            copy.write(text.getvalue())
    return names


def write_mysql(delivery: Delivery, at: Connection, home: Path) -> str:
    """Load by LOAD DATA into a draft table, then swap it in or change by key."""
    _schema, table = _split(delivery, "")
    draft = backquoted(f"{table}_draft")
    with mysql.admin_of(home, at.database) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {draft}")
        names = _load(cursor, delivery, draft, home)
        columns = ", ".join(map(backquoted, names))
        if delivery.mode == "replace":
            old = backquoted(f"{table}_old")
            cursor.execute(f"DROP TABLE IF EXISTS {old}")
            cursor.execute(f"CREATE TABLE IF NOT EXISTS {backquoted(table)} LIKE {draft}")
            cursor.execute(f"RENAME TABLE {backquoted(table)} TO {old}, {draft} TO {backquoted(table)}")
            cursor.execute(f"DROP TABLE {old}")
        else:
            same = " AND ".join(f"t.{backquoted(name)} <=> d.{backquoted(name)}" for name in delivery.key)
            cursor.execute("START TRANSACTION")
            cursor.execute(f"DELETE t FROM {backquoted(table)} t JOIN {draft} d ON {same}")
            cursor.execute(f"INSERT INTO {backquoted(table)} ({columns}) SELECT {columns} FROM {draft}")  # noqa: S608
            cursor.execute("COMMIT")
            cursor.execute(f"DROP TABLE {draft}")
    return f"{at.database}.{table}"


def _load(cursor: Any, delivery: Delivery, draft: str, home: Path) -> list[str]:
    names: list[str] = []
    path = home / "sandbox" / "mysql" / "load.tsv"
    for batch in _stamped(delivery):
        if not names:
            names = list(batch.schema.names)
            cursor.execute(_create(draft, names, delivery))
        path.write_bytes(_tab_separated(batch))
        cursor.execute(f"LOAD DATA LOCAL INFILE %s INTO TABLE {draft} CHARACTER SET utf8mb4", (str(path),))
    path.unlink(missing_ok=True)
    return names


def _create(table: str, names: list[str], delivery: Delivery) -> str:
    watermark = _watermark(delivery)
    typed = dict.fromkeys(names, "TEXT")
    typed |= {name: f"VARCHAR({_INDEXED})" for name in delivery.key if name in typed}
    typed |= dict.fromkeys(watermark, "DATETIME(6)")
    indexed = [names for names in (delivery.key, watermark) if names and set(names) <= set(typed)]
    indices = [f"INDEX ({', '.join(map(backquoted, part))})" for part in indexed]
    return f"CREATE TABLE {table} ({', '.join([*(f'{backquoted(name)} {kind}' for name, kind in typed.items()), *indices])})"


def _tab_separated(batch: pa.RecordBatch) -> bytes:
    """The default format of LOAD DATA: backslash, tab and line feed escaped, NULL as \\N."""
    columns = []
    for column in batch.columns:
        text = column
        for sign, escaped in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n")):
            text = pc.replace_substring(text, sign, escaped)
        columns.append(pc.fill_null(text, "\\N"))
    lines = pc.binary_join_element_wise(*columns, "\t")
    return "".join(f"{line}\n" for line in lines.to_pylist()).encode()


def _stamped(delivery: Delivery) -> Iterator[pa.RecordBatch]:
    """The rows with the column that says when each was written, where the channel goes by one."""
    stamps = delivery.moments()
    for batch in delivery.batches():
        for name in _watermark(delivery):
            if name in batch.schema.names:
                batch = batch.drop_columns([name])
            moments = [f"{next(stamps):%Y-%m-%d %H:%M:%S.%f}" for _ in range(batch.num_rows)]
            batch = batch.append_column(name, pa.array(moments, pa.string()))
        yield batch


def _watermark(delivery: Delivery) -> list[str]:
    name = str(delivery.options.get("watermark", ""))
    return [name] if name else []


def _split(delivery: Delivery, schema: str) -> tuple[str, str]:
    if "table" not in delivery.options:
        raise Misconfigured(f"数据类 {delivery.definition.id} 按语句取数，演示环境不知道应写入哪张表。")
    before, _, table = str(delivery.options["table"]).rpartition(".")
    return before or schema, table
