"""The exchange channel against a real PostgreSQL and a real MariaDB: both keep the same promises."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from tests.platform.data.sandbox.fixtures import TAG, Departments
from tests.platform.data.sources.proxy import Relay
from yici.platform.data.errors import DiskFull, SourceInconsistent, SourceUnavailable
from yici.platform.data.sandbox import mysql
from yici.platform.data.sources.base import Pull, PullStopped, SourceMisconfigured
from yici.platform.data.sources.exchange.mysql import MysqlSession
from yici.platform.data.sources.exchange.source import Exchange


@dataclass
class Database:
    """A department's table `房屋`, to be changed by the test. `run` executes as the department's administrator."""

    kind: str
    connection: str
    secret: str
    run: Callable[..., None]
    time_type: str
    kill: Callable[[], None]

    def create(self, name: str = "house", columns: str = "") -> None:
        usual = f"证号 VARCHAR(60), 姓名 TEXT, 面积 NUMERIC(10,2), 更新时间 {self.time_type}"
        self.run(f"CREATE TABLE {name} ({columns or usual})")

    def insert(self, *rows: tuple[Any, ...], table: str = "house") -> None:
        for row in rows:
            self.run(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(row))})", row)


@pytest.fixture
def land(postgresql: str, at_departments: Departments) -> Iterator[Database]:
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("SET search_path TO land")

        def run(statement: str, parameters: tuple[Any, ...] = ()) -> None:
            connection.execute(statement.encode(), parameters or None)

        def kill() -> None:
            run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'land_{TAG}'")

        connection.execute("DROP SCHEMA land CASCADE; CREATE SCHEMA land")
        connection.execute(f'GRANT USAGE ON SCHEMA land TO "land_{TAG}"')
        connection.execute(f'ALTER DEFAULT PRIVILEGES IN SCHEMA land GRANT SELECT ON TABLES TO "land_{TAG}"')
        yield Database("postgresql", "land_exchange", "LAND_EXCHANGE", run, "timestamptz", kill)


@pytest.fixture
def health(mariadb: mysql.Server, at_departments: Departments) -> Iterator[Database]:
    with mysql.admin(mariadb.socket, "health") as connection, connection.cursor() as cursor:

        def run(statement: str, parameters: tuple[Any, ...] = ()) -> None:
            cursor.execute(statement, parameters)

        def kill() -> None:
            cursor.execute("SELECT id FROM information_schema.processlist WHERE user = 'health_reader'")
            for (number,) in cursor.fetchall():
                cursor.execute(f"KILL {number}")

        cursor.execute("DROP DATABASE health")
        cursor.execute("CREATE DATABASE health")
        cursor.execute("USE health")
        yield Database("mysql", "health_exchange", "HEALTH_EXCHANGE", run, "DATETIME(6)", kill)


@pytest.fixture(params=["land", pytest.param("health", marks=pytest.mark.xdist_group("mariadb"))])
def database(request: pytest.FixtureRequest) -> Database:
    found: Database = request.getfixturevalue(request.param)
    return found


def pull(database: Database, into: Path, cursor: dict[str, Any] | None = None, **options: Any) -> Pull:
    usual = {"connection": database.connection} | ({} if "query" in options else {"table": "house"})
    return Exchange().pull({**usual, **options}, cursor or {}, into)


def rows_of(found: Pull) -> list[tuple[Any, ...]]:
    """What the CSV says, NULL and empty text apart."""
    (one,) = found.objects
    sql = "SELECT * FROM read_csv($1, all_varchar = true, header = true, nullstr = '', allow_quoted_nulls = false)"
    with duckdb.connect() as connection:
        return sorted(connection.execute(sql, [str(one.path)]).fetchall(), key=str)


def names_in(found: Pull) -> list[str]:
    return sorted(row[1] for row in rows_of(found))


A = ("证1", "张三", 89.5, "2026-11-01 08:00:00")
B = ("证2", "李四", 120, "2026-11-02 08:00:00")
C = ("证3", "王五", 60, "2026-11-03 08:00:00")


def test_a_table_without_a_watermark_is_read_whole_and_compared(database: Database, tmp_path: Path) -> None:
    database.create()
    database.insert(A, B)
    first = pull(database, tmp_path)
    assert names_in(first) == ["张三", "李四"]
    assert first.complete
    assert first.total == 2
    again = pull(database, tmp_path, first.cursor)
    assert again.objects == []
    database.run("UPDATE house SET 姓名 = '李四四' WHERE 证号 = '证2'")
    changed = pull(database, tmp_path, again.cursor)
    assert names_in(changed) == ["张三", "李四四"]
    assert changed.complete
    database.run("DELETE FROM house WHERE 证号 = '证2'")
    assert names_in(pull(database, tmp_path, changed.cursor)) == ["张三"]


def test_the_order_in_which_rows_come_is_no_news(database: Database, tmp_path: Path) -> None:
    database.create()
    database.insert(A, B)
    first = pull(database, tmp_path)
    database.run("DELETE FROM house WHERE 证号 = '证1'")
    database.insert(A)
    assert pull(database, tmp_path, first.cursor).objects == []


def test_null_empty_quotes_and_line_breaks_come_as_they_are(database: Database, tmp_path: Path) -> None:
    database.create()
    odd = 'a "b", c\nd 𠮷\\'
    database.insert(("1", None, None, None), ("2", "", 1, None), ("3", odd, 2, None), ("4", "NULL", 3, None))
    found = {row[0]: row[1] for row in rows_of(pull(database, tmp_path))}
    assert found == {"1": None, "2": "", "3": odd, "4": "NULL"}


def test_parquet_says_the_same_as_csv(database: Database, tmp_path: Path) -> None:
    database.create()
    database.insert(("1", None, 1.5, None), ("2", "", 2, "2026-11-01 08:00:00"))
    csv = rows_of(pull(database, tmp_path))
    (one,) = pull(database, tmp_path, format="parquet").objects
    with duckdb.connect() as connection:
        parquet = connection.execute("SELECT * FROM read_parquet($1)", [str(one.path)]).fetchall()
    assert sorted(parquet, key=str) == csv
    assert one.name == "house.parquet"


def test_with_a_watermark_only_what_changed_is_brought(database: Database, tmp_path: Path) -> None:
    database.create()
    database.insert(A, B)
    first = pull(database, tmp_path, watermark="更新时间")
    assert names_in(first) == ["张三", "李四"]
    assert first.complete
    again = pull(database, tmp_path, first.cursor, watermark="更新时间")
    assert again.objects == []
    database.insert(C)
    third = pull(database, tmp_path, again.cursor, watermark="更新时间")
    assert names_in(third) == ["李四", "王五"]
    assert not third.complete
    assert pull(database, tmp_path, third.cursor, watermark="更新时间").objects == []


def test_a_row_that_ties_with_the_watermark_is_not_lost(database: Database, tmp_path: Path) -> None:
    database.create()
    database.insert(A, B)
    first = pull(database, tmp_path, watermark="更新时间", overlap=0)
    database.insert(("证9", "赵六", 1, B[3]))
    assert names_in(pull(database, tmp_path, first.cursor, watermark="更新时间", overlap=0)) == ["李四", "赵六"]


def test_a_commit_that_came_late_is_found_within_the_overlap(database: Database, tmp_path: Path) -> None:
    database.create()
    database.insert(A, B)
    first = pull(database, tmp_path, watermark="更新时间", overlap=3600)
    database.insert(("证9", "赵六", 1, "2026-11-02 07:30:00"))
    assert "赵六" in names_in(pull(database, tmp_path, first.cursor, watermark="更新时间", overlap=3600))


def test_a_watermark_in_the_future_is_noted_and_hides_nothing(database: Database, tmp_path: Path) -> None:
    database.create()
    database.insert(A, ("证8", "未来", 1, "2099-01-01 00:00:00"))
    first = pull(database, tmp_path, watermark="更新时间")
    assert names_in(first) == ["张三", "未来"]
    assert "晚于" in first.notes[0]
    assert "2099" in first.notes[0]
    assert first.cursor["watermark"].startswith("2026-11-01")
    assert pull(database, tmp_path, first.cursor, watermark="更新时间").objects == []
    database.insert(B)
    assert "李四" in names_in(pull(database, tmp_path, first.cursor, watermark="更新时间"))


def test_rows_whose_watermark_is_null_are_never_left_out(database: Database, tmp_path: Path) -> None:
    database.create()
    database.insert(A)
    first = pull(database, tmp_path, watermark="更新时间")
    database.insert(("证9", "无时间", 1, None))
    second = pull(database, tmp_path, first.cursor, watermark="更新时间")
    assert "无时间" in names_in(second)
    assert pull(database, tmp_path, second.cursor, watermark="更新时间").objects == []


def test_a_number_serves_as_a_watermark(database: Database, tmp_path: Path) -> None:
    database.create(columns="序号 BIGINT, 姓名 TEXT")
    database.insert((1, "a"), (2, "b"))
    first = pull(database, tmp_path, watermark="序号", overlap=0)
    database.insert((3, "c"))
    assert names_in(pull(database, tmp_path, first.cursor, watermark="序号", overlap=0)) == ["b", "c"]


def test_a_date_serves_as_a_watermark(database: Database, tmp_path: Path) -> None:
    database.create(columns="日期 DATE, 姓名 TEXT")
    database.insert(("2026-11-01", "a"), ("2026-11-02", "b"))
    first = pull(database, tmp_path, watermark="日期")
    database.insert(("2026-11-02", "c"))
    second = pull(database, tmp_path, first.cursor, watermark="日期")
    assert names_in(second) == ["b", "c"]
    assert pull(database, tmp_path, second.cursor, watermark="日期").objects == []


def test_a_restored_backup_is_noticed_and_read_whole(database: Database, tmp_path: Path) -> None:
    database.create()
    database.insert(A, B, C)
    first = pull(database, tmp_path, watermark="更新时间")
    database.run("DELETE FROM house WHERE 证号 IN ('证2', '证3')")
    second = pull(database, tmp_path, first.cursor, watermark="更新时间")
    assert names_in(second) == ["张三"]
    assert second.complete
    assert "备份" in second.notes[0]


def test_a_column_more_is_delivered_and_the_table_read_whole(database: Database, tmp_path: Path) -> None:
    database.create()
    database.insert(A, B)
    first = pull(database, tmp_path, watermark="更新时间")
    database.run("ALTER TABLE house ADD COLUMN 备注 TEXT")
    second = pull(database, tmp_path, first.cursor, watermark="更新时间")
    assert second.complete
    assert len(rows_of(second)[0]) == 5


def test_a_key_that_another_person_uses_now_is_delivered_as_it_stands(database: Database, tmp_path: Path) -> None:
    database.create()
    database.insert(A)
    first = pull(database, tmp_path, watermark="更新时间")
    database.run("UPDATE house SET 姓名 = '李四', 更新时间 = '2026-11-05 08:00:00' WHERE 证号 = '证1'")
    database.insert(("证1", "王五", 1, "2026-11-05 09:00:00"))
    found = pull(database, tmp_path, first.cursor, watermark="更新时间")
    assert [(row[0], row[1]) for row in rows_of(found)] == [("证1", "李四"), ("证1", "王五")]


def test_a_query_is_read_like_a_table(database: Database, tmp_path: Path) -> None:
    database.create()
    database.insert(A, B)
    query = "SELECT 证号, 姓名, 更新时间 FROM house WHERE 姓名 LIKE '张%'"
    first = pull(database, tmp_path, query=query, watermark="更新时间")
    assert names_in(first) == ["张三"]
    assert pull(database, tmp_path, first.cursor, query=query, watermark="更新时间").objects == []


def test_only_the_columns_asked_for_are_read(database: Database, tmp_path: Path) -> None:
    database.create()
    database.insert(A)
    assert rows_of(pull(database, tmp_path, columns=["姓名", "证号"])) == [("张三", "证1")]


def test_many_batches_are_one_whole_file(database: Database, tmp_path: Path) -> None:
    database.create(columns="序号 BIGINT, 姓名 TEXT")
    values = ", ".join(f"({number}, 'n{number}')" for number in range(5000))
    database.run(f"INSERT INTO house VALUES {values}")
    seen: list[tuple[int, int | None]] = []
    options = {"connection": database.connection, "table": "house", "batch_rows": 700}
    found = Exchange().pull(options, {}, tmp_path, progress=lambda done, total=None, /: seen.append((done, total)))
    assert len(rows_of(found)) == 5000
    assert seen[-1] == (5000, 5000)
    assert len(seen) >= 8


def test_rows_that_change_during_the_pull_are_not_half_seen(database: Database, tmp_path: Path) -> None:
    database.create(columns="序号 BIGINT, 姓名 TEXT")
    database.run(f"INSERT INTO house VALUES {', '.join(f'({n}, 1)' for n in range(3000))}")
    touched: list[bool] = []

    def change(done: int, total: int | None = None, /) -> None:
        if not touched:
            touched.append(True)
            database.run("UPDATE house SET 姓名 = 2")
            database.run("DELETE FROM house WHERE 序号 < 10")

    options = {"connection": database.connection, "table": "house", "batch_rows": 100}
    found = Exchange().pull(options, {}, tmp_path, progress=change)
    assert touched
    assert {row[1] for row in rows_of(found)} == {"1"}
    assert len(rows_of(found)) == 3000


def test_a_stop_ends_the_pull_and_the_next_one_begins_anew(database: Database, tmp_path: Path) -> None:
    database.create(columns="序号 BIGINT, 姓名 TEXT")
    database.run(f"INSERT INTO house VALUES {', '.join(f'({n}, 1)' for n in range(3000))}")
    options = {"connection": database.connection, "table": "house", "batch_rows": 100}
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 3

    with pytest.raises(PullStopped):
        Exchange().pull(options, {}, tmp_path, stop=stop)
    assert len(rows_of(Exchange().pull(options, {}, tmp_path))) == 3000


def test_the_session_cannot_write(database: Database, tmp_path: Path) -> None:
    database.create()
    for statement in (
        "SELECT 1; DROP TABLE house",
        "DELETE FROM house",
        "WITH x AS (DELETE FROM house RETURNING 1) SELECT * FROM x",
    ):
        with pytest.raises((SourceMisconfigured, SourceUnavailable)):
            pull(database, tmp_path, query=statement)
    pull(database, tmp_path)


@pytest.mark.parametrize(
    "options",
    [
        {"table": "house; DROP TABLE house"}, {"table": 'ho"use'}, {"table": "a.b.c"}, {"table": "house", "query": "SELECT 1"},
        {"columns": ["a`b"]}, {"watermark": "now()"}, {"table": ""},
    ],
)  # fmt: skip
def test_names_that_are_no_names_never_reach_the_database(
    options: dict[str, Any], at_departments: Departments, tmp_path: Path
) -> None:
    with pytest.raises(SourceMisconfigured):
        Exchange().pull({"connection": "land_exchange", "table": "house", **options}, {}, tmp_path)


def check(database: Database, **options: Any) -> list[str]:
    return [
        one.code for one in Exchange().check_config({"connection": database.connection, "table": "house", **options})
    ]


def test_the_check_says_what_is_wrong_with_the_table(database: Database) -> None:
    database.create()
    assert check(database) == []
    assert check(database, table="nowhere") == ["unknown-table"]
    assert check(database, key=["证号", "身份证号"], watermark="修改时间") == ["missing-watermark", "missing-key"]
    assert check(database, watermark="姓名") == ["watermark-type"]
    assert check(database, columns=["别的"]) == ["missing-column"]


def test_the_check_tells_a_wrong_password(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    database.create()
    monkeypatch.setenv(f"YICI_SOURCE_{database.secret}", "wrong")
    assert check(database) == ["wrong-password"]


def test_the_check_tells_a_missing_permission(land: Database) -> None:
    land.create()
    land.run(f'REVOKE SELECT ON house FROM "land_{TAG}"')
    assert check(land) == ["no-permission"]


@pytest.mark.xdist_group("mariadb")
def test_the_check_tells_a_database_that_is_not_ours(
    health: Database, connect: Callable[..., None], at_departments: Departments
) -> None:
    address = at_departments.address("mysql")
    entry = {"kind": "mysql", "port": address["port"], "user": "health_reader", "secret": "HEALTH_EXCHANGE"}
    connect("other", **entry, database="mysql", tls={"mode": "off"})
    assert check(health, connection="other") == ["no-permission"]


def test_the_check_tells_an_unknown_database_and_host(
    land: Database, connect: Callable[..., None], at_departments: Departments
) -> None:
    entry = {"kind": "postgresql", "user": f"land_{TAG}", "secret": "LAND_EXCHANGE", "tls": {"mode": "off"}}
    address = at_departments.address("postgres")
    connect("other", **entry, host=address["host"], port=address["port"], database=f"departments_none_{TAG}")
    assert check(land, connection="other") == ["unknown-database"]
    connect("other", **entry, host="no-such-host.invalid", port=5432, database="x")
    assert check(land, connection="other") == ["unknown-host"]
    connect("other", **entry, host="127.0.0.1", port=1, database="x")
    assert check(land, connection="other") == ["connection-refused"]


@pytest.mark.xdist_group("mariadb")
def test_the_check_tells_an_unknown_host_of_mysql(health: Database, connect: Callable[..., None]) -> None:
    entry = {"kind": "mysql", "user": "x", "secret": "HEALTH_EXCHANGE", "tls": {"mode": "off"}, "database": "x"}
    connect("other", **entry, host="no-such-host.invalid", port=3306)
    assert check(health, connection="other") == ["unknown-host"]
    connect("other", **entry, host="127.0.0.1", port=1)
    assert check(health, connection="other") == ["connection-refused"]


def test_the_check_notices_a_clock_that_is_wrong(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    database.create()
    real = dt.datetime.now(dt.UTC).timestamp()
    monkeypatch.setattr("yici.platform.data.sources.exchange.source.time.time", lambda: real - 3600)
    assert check(database) == ["clock-skew"]


@pytest.mark.xdist_group("mariadb")
def test_a_mysql_that_falls_silent_is_given_up_in_time(
    health: Database, connect: Callable[..., None], at_departments: Departments, tmp_path: Path
) -> None:
    health.create(columns="序号 BIGINT, 姓名 TEXT")
    health.run(f"INSERT INTO house VALUES {', '.join(f'({n}, REPEAT(1, 200))' for n in range(5000))}")
    with Relay("127.0.0.1", at_departments.address("mysql")["port"], 200_000, silent=True) as relay:
        connect(
            "relay", kind="mysql", port=relay.port, user="health_reader", secret="HEALTH_EXCHANGE", database="health",
            tls={"mode": "off"}, timeouts={"connect": 2, "read": 1, "total": 60},
        )  # fmt: skip
        with pytest.raises(SourceUnavailable, match="没有应答"):
            pull(health, tmp_path, connection="relay")


def test_a_postgresql_that_hangs_is_given_up_in_time(
    land: Database, connect: Callable[..., None], at_departments: Departments, tmp_path: Path
) -> None:
    address = at_departments.address("postgres")
    connect(
        "hanging", kind="postgresql", host=address["host"], port=address["port"], user=f"land_{TAG}", database=address["database"],
        secret="LAND_EXCHANGE", timeouts={"connect": 5, "read": 0.5, "total": 60},
    )  # fmt: skip
    with pytest.raises(SourceUnavailable, match="没有应答"):
        pull(land, tmp_path, connection="hanging", query="SELECT pg_sleep(600)::text AS x")


@pytest.mark.xdist_group("mariadb")
def test_a_table_without_transactions_that_changes_is_refused(health: Database, tmp_path: Path) -> None:
    health.run("CREATE TABLE house (序号 BIGINT, 姓名 TEXT) ENGINE = MyISAM")
    health.run(f"INSERT INTO house VALUES {', '.join(f'({n}, 1)' for n in range(1000))}")
    options = {"connection": "health_exchange", "table": "house"}
    pulled = Exchange().pull(options, {}, tmp_path)
    assert pulled.total == 1000

    stream = MysqlSession.stream

    def late(session: MysqlSession, *arguments: Any) -> Any:
        health.run("DELETE FROM house WHERE 序号 < 5")
        return stream(session, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MysqlSession, "stream", late)
        with pytest.raises(SourceInconsistent, match="1000"):
            Exchange().pull(options, {}, tmp_path)


def test_a_connection_that_breaks_in_the_middle_leaves_nothing_and_the_next_pull_is_whole(
    database: Database, tmp_path: Path
) -> None:
    database.create(columns="序号 BIGINT, 姓名 TEXT")
    values = ", ".join(f"({number}, REPEAT('n', 2000))" for number in range(8_000))
    database.run(f"INSERT INTO house VALUES {values}")
    options = {"connection": database.connection, "table": "house", "batch_rows": 50}
    killed: list[bool] = []

    def kill(done: int, total: int | None = None, /) -> None:
        if done and not killed:
            killed.append(True)
            database.kill()

    with pytest.raises(SourceUnavailable):
        Exchange().pull(options, {}, tmp_path, progress=kill)
    assert not list(tmp_path.glob("*.csv"))
    assert len(rows_of(Exchange().pull(options, {}, tmp_path))) == 8_000


@dataclass
class Cut:
    """A pull over thousands of rows that is stopped after `after` of them, and what the next one does."""

    database: Database
    into: Path
    rows: int = 5000
    after: int = 3000

    def __post_init__(self) -> None:
        self.options = {
            "connection": self.database.connection, "table": "house", "watermark": "更新时间", "resumable_rows": 1000, "batch_rows": 100,
        }  # fmt: skip
        self.database.create()
        self.fill(range(self.rows))

    def fill(self, numbers: range) -> None:
        """One row a minute from 1 November on."""
        began = dt.datetime(2026, 11, 1)
        values = [f"('证{n}', '姓{n}', {n}, '{began + dt.timedelta(minutes=n)}')" for n in numbers]
        self.database.run(f"INSERT INTO house VALUES {', '.join(values)}")

    def stop(self, cursor: dict[str, Any] | None = None) -> None:
        came: list[int] = [0]

        def progress(done: int, total: int | None = None, /) -> None:
            came[0] = done

        with pytest.raises(PullStopped):
            Exchange().pull(
                self.options, cursor or {}, self.into, progress=progress, stop=lambda: came[0] >= self.after
            )
        assert not list(self.into.glob("*.csv"))

    def go_on(self, cursor: dict[str, Any] | None = None) -> tuple[Pull, int]:
        """What came in the end, and how many rows were there already: told in one step, longer than a batch."""
        seen: list[int] = [0]

        def progress(done: int, total: int | None = None, /) -> None:
            seen.append(done)

        found = Exchange().pull(self.options, cursor or {}, self.into, progress=progress)
        assert [one.name for one in self.into.iterdir()] == ["house.csv"]
        step = max(after - before for before, after in pairwise(seen))
        return found, step if step > 100 else 0


def test_a_long_pull_that_was_cut_goes_on_where_it_stopped(database: Database, tmp_path: Path) -> None:
    cut = Cut(database, tmp_path)
    cut.stop()
    found, before = cut.go_on()
    assert 2800 <= before < 3000
    assert "断点" in found.notes[0]
    assert found.total == 5000
    assert sorted(int(row[0][1:]) for row in rows_of(found)) == list(range(5000))
    assert found.complete
    assert Exchange().pull(cut.options, found.cursor, tmp_path).objects == []


def test_a_pull_is_cut_twice_and_says_the_same_as_one_that_was_not(database: Database, tmp_path: Path) -> None:
    cut = Cut(database, tmp_path / "cut", after=2000)
    database.insert(("无", "无时间", 1, None), ("晚", "未来", 1, "2099-01-01 00:00:00"))
    cut.stop()
    cut.after = 4000
    cut.stop()
    found, before = cut.go_on()
    assert before > 3800
    whole = Exchange().pull(cut.options, {}, tmp_path / "whole")
    assert rows_of(found) == rows_of(whole)
    assert found.cursor == whole.cursor


def test_rows_that_come_meanwhile_are_in_what_goes_on(database: Database, tmp_path: Path) -> None:
    cut = Cut(database, tmp_path)
    cut.stop()
    cut.fill(range(5000, 5500))
    database.run("UPDATE house SET 姓名 = '改', 更新时间 = '2026-11-08 00:00:00' WHERE 证号 = '证4500'")
    found, before = cut.go_on()
    assert before > 2800
    names = {row[0]: row[1] for row in rows_of(found)}
    assert len(names) == found.total == 5500
    assert names["证4500"] == "改"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE house SET 姓名 = '改', 更新时间 = '2026-11-08 00:00:00' WHERE 证号 = '证10'",
        "DELETE FROM house WHERE 证号 = '证10'",
        "UPDATE house SET 更新时间 = '2026-11-01 08:00:01' WHERE 证号 = '证10'",
        "INSERT INTO house VALUES ('证9', '晚到', 1, '2026-11-01 00:00:30')",
    ],
    ids=["changed", "deleted", "moved", "late"],
)
def test_what_changed_among_rows_that_came_makes_the_pull_begin_again(
    database: Database, tmp_path: Path, change: str
) -> None:
    cut = Cut(database, tmp_path)
    cut.stop()
    database.run(change)
    found, before = cut.go_on()
    assert before == 0
    assert "从头" in found.notes[0]
    assert rows_of(found) == rows_of(Exchange().pull(cut.options, {}, tmp_path / "whole"))


def test_an_increment_that_was_cut_goes_on_too(database: Database, tmp_path: Path) -> None:
    cut = Cut(database, tmp_path, rows=1200)
    first, _ = cut.go_on()
    (tmp_path / "house.csv").unlink()
    cut.fill(range(1200, 6000))
    cut.stop(first.cursor)
    found, before = cut.go_on(first.cursor)
    assert before > 2800
    assert not found.complete
    assert {int(row[0][1:]) for row in rows_of(found)} == set(range(1189, 6000))


def test_a_draft_that_is_shorter_than_what_was_noted_is_not_trusted(database: Database, tmp_path: Path) -> None:
    cut = Cut(database, tmp_path)
    cut.stop()
    draft = tmp_path / "house.csv.part"
    draft.write_bytes(draft.read_bytes()[:5000])
    found, before = cut.go_on()
    assert before == 0
    assert len(rows_of(found)) == 5000


def test_rows_of_one_moment_and_tables_without_a_watermark_begin_again(database: Database, tmp_path: Path) -> None:
    cut = Cut(database, tmp_path / "moment")
    database.run("UPDATE house SET 更新时间 = '2026-11-02 00:00:00'")
    cut.stop()
    assert cut.go_on()[1] == 0
    cut.into, cut.options = tmp_path / "none", {**cut.options, "watermark": ""}
    cut.stop()
    found, before = cut.go_on()
    assert before == 0
    assert found.notes == []


def test_a_number_with_decimals_marks_a_cut_as_well(database: Database, tmp_path: Path) -> None:
    cut = Cut(database, tmp_path)
    cut.options["watermark"] = "面积"
    database.run("UPDATE house SET 面积 = 面积 + 0.25")
    cut.stop()
    found, before = cut.go_on()
    assert before > 2800
    assert len({row[0] for row in rows_of(found)}) == found.total == 5000


@pytest.mark.parametrize("format_", ["csv", "parquet"])
def test_a_full_disk_is_said_and_nothing_is_left(land: Database, tmp_path: Path, format_: str) -> None:
    land.create(columns="序号 BIGINT, 姓名 TEXT")
    land.run("INSERT INTO house SELECT n, md5(n::text) FROM generate_series(1, 20000) n")
    (tmp_path / f"house.{format_}.part").symlink_to("/dev/full")
    with pytest.raises(DiskFull):
        pull(land, tmp_path, format=format_)
    assert list(tmp_path.iterdir()) == []
