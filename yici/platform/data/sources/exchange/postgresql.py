"""Reading a PostgreSQL of a department."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any

import psycopg
from django.conf import settings
from django.utils.translation import gettext as _
from psycopg import sql

from yici.base.errors import YiciError
from yici.platform.data.errors import SourceUnavailable
from yici.platform.data.sources.base import SourceMisconfigured
from yici.platform.data.sources.connections import Connection, secret
from yici.platform.data.sources.exchange.options import ExchangeOptions
from yici.platform.data.sources.exchange.session import ColumnKind, SourceColumn
from yici.platform.data.sources.failures import failure, network_failure, no_permission, wrong_password
from yici.platform.data.sources.writing import Row

# Types by object identifier (pg_type): how they serve as a watermark, and their SQL name.
_TYPES: dict[int, tuple[ColumnKind, str]] = {
    1114: ("time", "timestamp"),
    1184: ("time", "timestamptz"),
    1082: ("date", "date"),
    20: ("number", "numeric"),
    21: ("number", "numeric"),
    23: ("number", "numeric"),
    1700: ("number", "numeric"),
}
_NOW = {"timestamp": "localtimestamp", "timestamptz": "now()", "date": "current_date"}


class _Watch:
    """Cuts a connection that shows no sign of life: libpq itself would wait for ever."""

    def __init__(self, seconds: float, cut: Callable[[], None]) -> None:
        self._seconds, self._cut = seconds, cut
        self.has_cut = False

    @contextlib.contextmanager
    def over(self) -> Iterator[None]:
        timer = threading.Timer(self._seconds, self._act)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _act(self) -> None:
        self.has_cut = True
        self._cut()


class PostgresqlSession:
    """Implements `Session`."""

    def __init__(self, at: Connection) -> None:
        self._at = at
        self._connection: psycopg.Connection[Any]
        self._watch = _Watch(at.timeouts.read, self._cut)

    def __enter__(self) -> PostgresqlSession:
        at = self._at
        schema = [f"-c search_path={_search_path(at.path)}"] if at.path else []
        limits = [f"-c statement_timeout={int(at.timeouts.total * 1000)}", "-c lock_timeout=10000"]
        fixed = [f"-c timezone={settings.TIME_ZONE}", "-c datestyle=ISO", "-c default_transaction_read_only=on"]
        try:
            self._connection = psycopg.connect(
                host=at.host,
                port=at.port,
                dbname=at.database,
                user=at.user,
                password=secret(at.secret),
                connect_timeout=max(2, round(at.timeouts.connect)),
                client_encoding="UTF8",
                options=" ".join([*schema, *limits, *fixed]),
                **_tls(at),  # type: ignore[arg-type]
            )
        except psycopg.OperationalError as error:
            raise self._not_connected(error) from error
        self._connection.read_only = True
        self._connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def quote(self, name: str) -> str:
        return sql.Identifier(name).as_string().replace("%", "%%")

    def relation(self, options: ExchangeOptions) -> str:
        if options.query:
            return f"({options.query.replace('%', '%%')}) AS source"
        return sql.Identifier(*options.table.split(".")).as_string()

    def as_text(self, expression: str) -> str:
        return f"({expression})::text"

    def columns(self, relation: str) -> list[SourceColumn]:
        with self._said(), self._connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {relation} LIMIT 0".encode(), [])  # noqa: S608 - quoted by `relation`
            kinds = [(one.name, *_TYPES.get(one.type_code, ("text", "text"))) for one in cursor.description or []]
        return [SourceColumn(name, kind, type_) for name, kind, type_ in kinds]

    def one(self, sql: str, parameters: Sequence[str] = ()) -> Row:
        with self._said(), self._connection.cursor() as cursor:
            row = cursor.execute(sql.encode(), list(parameters)).fetchone()
        assert row is not None
        return tuple(None if value is None else str(value) for value in row)

    def stream(self, sql: str, parameters: Sequence[str], batch: int) -> Iterator[list[Row]]:
        cursor = self._connection.cursor(name="pull")
        with self._said():
            cursor.execute(sql.encode(), list(parameters))
        while True:
            with self._said():
                rows = cursor.fetchmany(batch)
            if not rows:
                break
            yield rows
        with self._said():
            cursor.close()

    def now(self, column: SourceColumn) -> str:
        return _NOW[column.sql_type]

    def behind(self, column: SourceColumn, overlap: int) -> str:
        value = f"%s::{column.sql_type}"
        return f"{value} - interval '{overlap} seconds'" if column.kind != "number" else f"{value} - {overlap}"

    def seconds(self) -> float:
        return float(self.one("SELECT extract(epoch FROM clock_timestamp())::text")[0] or 0)

    def _cut(self) -> None:
        with contextlib.suppress(OSError, psycopg.Error):
            socket.socket(fileno=os.dup(self._connection.fileno())).shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def _said(self) -> Iterator[None]:
        try:
            with self._watch.over():
                yield
        except psycopg.Error as error:
            raise (
                network_failure(TimeoutError(), self._at) if self._watch.has_cut else _said(error, self._at)
            ) from error

    def _not_connected(self, error: psycopg.OperationalError) -> YiciError:
        text = str(error)
        if isinstance(error, psycopg.errors.ConnectionTimeout):
            return network_failure(TimeoutError(), self._at)
        if re.search(r"password|28P01|28000|no pg_hba|pg_hba", text):
            return wrong_password(self._at)
        if re.search(rf'"{re.escape(self._at.database)}"', text):
            return unknown_database(self._at)
        return _reach(self._at) or failure(
            SourceUnavailable,
            "not-connected",
            _("无法连接数据库：%(error)s。") % {"error": text.strip().splitlines()[0]},
            _("请核对 sources.yaml 中的连接，并请提供单位检查数据库。"),
        )


def unknown_database(at: Connection) -> SourceMisconfigured:
    return failure(
        SourceMisconfigured,
        "unknown-database",
        _("数据源上没有名为“%(name)s”的数据库。") % {"name": at.database},
        _("请核对 sources.yaml 中的 database。"),
    )


def unknown_table(what: str, field: str = "table") -> SourceMisconfigured:
    return failure(
        SourceMisconfigured,
        "unknown-table",
        _("数据源中没有对接参数所写的表：%(what)s。") % {"what": what},
        _("请核对参数 table（模式名.表名），或请提供单位确认表名。"),
        field,
    )


def failed_statement(text: str) -> SourceMisconfigured:
    return failure(
        SourceMisconfigured,
        "failed-statement",
        _("数据库不能执行取数语句：%(text)s。") % {"text": text},
        _("请核对对接参数。"),
        "query",
    )


def _said(error: psycopg.Error, at: Connection) -> YiciError:
    """Only the first line of what the server says: the lines after it may quote values."""
    text = (error.diag.message_primary or str(error)).strip().splitlines()[0]
    if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.InvalidSchemaName):
        return unknown_table(text)
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return no_permission(text, "table")
    if isinstance(error, psycopg.errors.QueryCanceled | psycopg.errors.LockNotAvailable):
        return network_failure(TimeoutError(), at)
    if isinstance(error, psycopg.ProgrammingError | psycopg.errors.ReadOnlySqlTransaction):
        return failed_statement(text)
    return network_failure(error, at)


def _reach(at: Connection) -> SourceUnavailable | None:
    """Whether it is the way that is broken: libpq's own words tell it in the language of the machine."""
    if at.host.startswith("/"):
        return None
    try:
        socket.create_connection((at.host, at.port), at.timeouts.connect).close()
    except OSError as error:
        return network_failure(error, at)
    return None


def _search_path(schema: str) -> str:
    return sql.Identifier(schema).as_string().replace(" ", "\\ ")


def _tls(at: Connection) -> dict[str, str]:
    if at.tls.mode == "off" or at.host.startswith("/"):
        return {"sslmode": "disable"}
    return {"sslmode": "verify-full", "sslrootcert": at.tls.ca or "system"}
