"""Reading a MySQL or MariaDB of a department."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any
from zoneinfo import ZoneInfo

import pymysql
from django.conf import settings
from django.utils.translation import gettext as _
from pymysql.constants import CR, ER, FIELD_TYPE
from pymysql.converters import conversions

from yici.base.errors import YiciError
from yici.base.sql import backquoted
from yici.platform.data.errors import SourceUnavailable
from yici.platform.data.sources.connections import Connection, secret
from yici.platform.data.sources.exchange.options import ExchangeOptions
from yici.platform.data.sources.exchange.postgresql import (
    failed_statement,
    unknown_database,
    unknown_table,
)
from yici.platform.data.sources.exchange.session import ColumnKind, SourceColumn
from yici.platform.data.sources.failures import failure, network_failure, no_permission, wrong_password
from yici.platform.data.sources.writing import Row

_TIME: tuple[ColumnKind, str] = ("time", "DATETIME(6)")
_NUMBER: tuple[ColumnKind, str] = ("number", "DECIMAL(65,0)")
_TYPES: dict[int, tuple[ColumnKind, str]] = {
    FIELD_TYPE.DATETIME: _TIME,
    FIELD_TYPE.TIMESTAMP: _TIME,
    FIELD_TYPE.DATE: ("date", "DATE"),
    **dict.fromkeys(
        (FIELD_TYPE.TINY, FIELD_TYPE.SHORT, FIELD_TYPE.INT24, FIELD_TYPE.LONG, FIELD_TYPE.LONGLONG), _NUMBER
    ),
    FIELD_TYPE.NEWDECIMAL: ("number", "DECIMAL(65,10)"),
}
# Parameters are escaped as ever; values come as the server writes them, no conversion: 0000-00-00 stays what it is.
_AS_TEXT = {key: encode for key, encode in conversions.items() if not isinstance(key, int)}
_TIMED_OUT = (ER.LOCK_WAIT_TIMEOUT, 1969, 3024)  # statement time of MariaDB and of MySQL
_LOST = (CR.CR_SERVER_LOST, CR.CR_SERVER_GONE_ERROR)


class MysqlSession:
    """Implements `Session`. Tables of engines without transactions have no snapshot: their rows are counted."""

    def __init__(self, at: Connection) -> None:
        self._at = at
        self._connection: Any = None

    def __enter__(self) -> MysqlSession:
        at = self._at
        verified = {"ssl_ca": at.tls.ca or None, "ssl_verify_cert": True, "ssl_verify_identity": True}
        try:
            self._connection = pymysql.connect(
                host=at.host,
                port=at.port,
                user=at.user,
                password=secret(at.secret),
                database=at.database,
                charset="utf8mb4",
                conv=_AS_TEXT,
                connect_timeout=max(1, round(at.timeouts.connect)),
                read_timeout=at.timeouts.read,
                write_timeout=at.timeouts.read,
                autocommit=False,
                **({"ssl_disabled": True} if at.tls.mode == "off" else verified),
            )
        except pymysql.MySQLError as error:
            raise _said(error, at) from error
        with self._said(), self._connection.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("SET SESSION time_zone = %s", (_offset(),))
            cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(pymysql.MySQLError):
            self._connection.close()

    def quote(self, name: str) -> str:
        return backquoted(name).replace("%", "%%")

    def relation(self, options: ExchangeOptions) -> str:
        if options.query:
            return f"({options.query.replace('%', '%%')}) AS source"
        return ".".join(self.quote(part) for part in options.table.split("."))

    def as_text(self, expression: str) -> str:
        return expression

    def columns(self, relation: str) -> list[SourceColumn]:
        with self._said(), self._connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {relation} LIMIT 0", ())  # noqa: S608 - quoted by `relation`
            kinds = [(one[0], *_TYPES.get(one[1], ("text", "CHAR"))) for one in cursor.description or []]
        return [SourceColumn(name, kind, type_) for name, kind, type_ in kinds]

    def one(self, sql: str, parameters: Sequence[str] = ()) -> Row:
        with self._said(), self._connection.cursor() as cursor:
            cursor.execute(sql, tuple(parameters))
            return _as_text(cursor.fetchone())

    def stream(self, sql: str, parameters: Sequence[str], batch: int) -> Iterator[list[Row]]:
        cursor = self._connection.cursor(pymysql.cursors.SSCursor)
        try:
            with self._said():
                cursor.execute(sql, tuple(parameters))
            while True:
                with self._said():
                    rows = cursor.fetchmany(batch)
                if not rows:
                    break
                yield [_as_text(row) for row in rows]
        except BaseException:
            # Closing the cursor alone would first read everything that is still to come.
            with contextlib.suppress(pymysql.MySQLError):
                self._connection.close()
            raise
        finally:
            with contextlib.suppress(pymysql.MySQLError, AttributeError, OSError):
                cursor.close()

    def now(self, column: SourceColumn) -> str:
        return "CURRENT_DATE" if column.kind == "date" else "NOW(6)"

    def behind(self, column: SourceColumn, overlap: int) -> str:
        value = f"CAST(%s AS {column.sql_type})"
        return f"{value} - INTERVAL {overlap} SECOND" if column.kind != "number" else f"{value} - {overlap}"

    def seconds(self) -> float:
        return float(self.one("SELECT UNIX_TIMESTAMP(SYSDATE(6))")[0] or 0)

    @contextlib.contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except pymysql.MySQLError as error:
            raise _said(error, self._at) from error


def _as_text(row: tuple[Any, ...]) -> Row:
    """Bytes (BLOB, BIT, BINARY) as hexadecimal digits, as PostgreSQL writes them."""
    return tuple("\\x" + value.hex() if isinstance(value, bytes) else value for value in row)


def _offset() -> str:
    """The city's distance from UTC: many servers have no table of time zone names."""
    text = dt.datetime.now(ZoneInfo(settings.TIME_ZONE)).strftime("%z")
    return f"{text[:3]}:{text[3:]}"


def _said(error: pymysql.MySQLError, at: Connection) -> YiciError:
    code = error.args[0] if error.args else 0
    text = str(error.args[1] if len(error.args) > 1 else error).splitlines()[0]
    if code == ER.ACCESS_DENIED_ERROR:
        return wrong_password(at)
    if code == ER.BAD_DB_ERROR:
        return unknown_database(at)
    if code in (ER.DBACCESS_DENIED_ERROR, ER.TABLEACCESS_DENIED_ERROR, ER.COLUMNACCESS_DENIED_ERROR):
        return no_permission(text, "table")
    if code in (ER.NO_SUCH_TABLE, ER.BAD_TABLE_ERROR):
        return unknown_table(text)
    if code in _TIMED_OUT or "timed out" in text:
        return network_failure(TimeoutError(), at)
    if code == CR.CR_CONN_HOST_ERROR:
        return network_failure(getattr(error, "original_exception", None) or error, at)
    if code in _LOST or isinstance(error, pymysql.InterfaceError):
        return network_failure(error, at)
    if isinstance(error, pymysql.ProgrammingError | pymysql.OperationalError | pymysql.NotSupportedError):
        return failed_statement(text)
    return failure(
        SourceUnavailable,
        "database-error",
        _("数据库报错：%(text)s。") % {"text": text},
        _("稍后会自动重试；若一直如此，请联系提供单位。"),
    )
