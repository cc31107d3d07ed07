"""The departments' PostgreSQL: a second database in the embedded server, a schema per department.

The embedded server trusts everybody who reaches its socket; for this database it is told to ask for passwords.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg
from psycopg import sql

from yici.platform.data.sandbox.accounts import accounts, announce

DATABASE = "departments"
_MARK = "# the departments' demo databases"
_RULES = f'{_MARK}\nlocal "/^departments" postgres trust\nlocal "/^departments" all scram-sha-256\n'


def start(home: Path, url: str | None = None, database: str = DATABASE) -> None:
    """Make database, schemas and accounts where they are missing, and announce the address. Safe to repeat.

    `url`: of a database on the server, of a user who may create databases and roles; default `DATABASE_URL`.
    """
    url = url or os.environ["DATABASE_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
        if os.environ.get("YICI_EMBEDDED"):
            _ask_for_passwords(connection)
    address = _address(url)
    with psycopg.connect(url_of(address, database), autocommit=True) as connection:
        connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        for account in accounts("postgres", home):
            _admit(connection, account.user, account.password, account.unit)
    announce(home, "postgres", {**address, "database": database})


def url_of(address: dict[str, Any], database: str) -> str:
    """A connection string of the administrator."""
    return psycopg.conninfo.make_conninfo(
        host=address["host"], port=address["port"], user=address["user"], password=address["password"], dbname=database
    )


def _admit(connection: psycopg.Connection[Any], user: str, password: str, schema: str) -> None:
    role, place = sql.Identifier(user), sql.Identifier(schema)
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (user,)).fetchone():
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
    connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, sql.Literal(password)))
    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(place))
    connection.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(place, role))
    connection.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA {} TO {}").format(place, role))
    connection.execute(
        sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA {} GRANT SELECT ON TABLES TO {}").format(place, role)
    )


def _ask_for_passwords(connection: psycopg.Connection[Any]) -> None:
    """Before the embedded server's own rules, as the first that fits counts."""
    row = connection.execute("SHOW hba_file").fetchone()
    assert row is not None
    path = Path(row[0])
    text = path.read_text("utf-8")
    if _MARK not in text:
        path.write_text(_RULES + text, "utf-8")
        connection.execute("SELECT pg_reload_conf()")


def _address(url: str) -> dict[str, Any]:
    """Host (a folder for sockets), port and administrator of a PostgreSQL address."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    return {
        "host": query.get("host", [parts.hostname or "127.0.0.1"])[0],
        "port": int(query.get("port", [parts.port or 5432])[0]),
        "user": unquote(parts.username or "postgres"),
        "password": unquote(parts.password or ""),
    }
