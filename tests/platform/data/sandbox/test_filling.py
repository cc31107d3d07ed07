"""What the generator hands to a demo department is what the platform's channel brings back, row for row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet
import pytest

from tests.platform.data.sandbox.fixtures import Departments
from yici.base.errors import Misconfigured
from yici.platform.data.catalogue.definition import ClassDefinition
from yici.platform.data.sandbox.filling import fill
from yici.platform.data.sources.base import Pull
from yici.platform.data.sources.registry import source

MOMENT = dt.datetime(2026, 11, 25, 16, 30, tzinfo=dt.UTC)
ROWS = [
    {"number": "证1", "owner": "张三", "note": None},
    {"number": "证2", "owner": "", "note": '带\t制表、\\反斜线\n和“引号"'},
    {"number": "证3", "owner": "𠮷田", "note": "NULL"},
]


def definition(channel: dict[str, Any], load: str = "full") -> ClassDefinition:
    return ClassDefinition.model_validate(
        {
            "id": "land.house", "name": "房屋", "department": "land", "category": "base", "code": "1", "summary": "房屋",
            "share": {"type": "none"}, "cycle": "daily", "published": "2026-01-01", "key": ["number"], "load": load,
            "columns": [
                {"name": "number", "headers": ["证号", "证书号"]}, {"name": "owner", "headers": ["权利人"]},
                {"name": "note", "headers": ["备注"]},
            ],
            "channels": [channel],
        }
    )  # fmt: skip


@pytest.fixture
def parquet(tmp_path: Path) -> Callable[[list[dict[str, Any]]], Path]:
    def write(rows: list[dict[str, Any]]) -> Path:
        path = tmp_path / "generated.parquet"
        schema = pa.schema([(name, pa.string()) for name in ROWS[0]])
        pyarrow.parquet.write_table(pa.Table.from_pylist(rows, schema), path)
        return path

    return write


def pull(defined: ClassDefinition, into: Path, cursor: dict[str, Any] | None = None) -> Pull:
    (entry,) = defined.channels
    channel = source(entry.kind)
    assert channel.check_config(entry.options, definition=defined) == []
    return channel.pull(entry.options, cursor or {}, into, definition=defined)


def rows_of(found: Pull) -> list[tuple[Any, ...]]:
    (one,) = found.objects
    text = one.path.read_bytes()
    path = one.path
    if b"\xd6\xa4" in text:  # 证 in GB18030
        path = one.path.with_suffix(".utf8")
        path.write_text(text.decode("gb18030"), "utf-8")
    sql = "SELECT 证号, 权利人, 备注 FROM read_csv($1, all_varchar = true, header = true, nullstr = '', allow_quoted_nulls = false)"
    with duckdb.connect() as connection:
        return sorted(connection.execute(sql, [str(path)]).fetchall(), key=str)


EXPECTED = sorted((tuple(row.values()) for row in ROWS), key=str)
CHANNELS: list[Any] = [
    pytest.param("sftp_server", {"kind": "file_drop", "unit": "land", "options": {
        "connection": "police_files", "folder": "filled", "settle": "marker", "checksum": "required"}}, id="file_drop"),
    pytest.param("postgresql", {"kind": "exchange", "unit": "land", "options": {"watermark": "更新时间"}}, id="postgresql"),
    pytest.param("mariadb", {"kind": "exchange", "unit": "land", "options": {
        "connection": "health_exchange", "watermark": "更新时间"}}, id="mysql", marks=pytest.mark.xdist_group("mariadb")),
    pytest.param("rest_server", {"kind": "interface", "unit": "land", "options": {
        "connection": "market_interface", "since_parameter": "since"}}, id="interface"),
]  # fmt: skip


@pytest.mark.parametrize(("server", "channel"), CHANNELS)
def test_rows_come_back_as_they_were_handed_over_and_changes_after_them(
    server: str, channel: dict[str, Any], request: pytest.FixtureRequest, at_departments: Departments,
    parquet: Callable[[list[dict[str, Any]]], Path], tmp_path: Path,
) -> None:  # fmt: skip
    request.getfixturevalue(server)
    defined = definition(channel, "increment")
    home = at_departments.home
    assert fill("land", defined, [parquet(ROWS)], home=home, moment=MOMENT)
    first = pull(defined, tmp_path / "a")
    assert rows_of(first) == EXPECTED
    assert pull(defined, tmp_path / "b", first.cursor).objects == []
    fill("land", defined, [parquet([])], home=home, moment=dt.datetime.now(dt.UTC), mode="change")
    assert pull(defined, tmp_path / "n", first.cursor).objects == []
    changed = [{"number": "证2", "owner": "李四", "note": None}, {"number": "证9", "owner": "新", "note": None}]
    fill("land", defined, [parquet(changed)], home=home, moment=dt.datetime.now(dt.UTC), mode="change")
    found = {row[0]: row[1] for row in rows_of(pull(defined, tmp_path / "c", first.cursor))}
    assert (found["证2"], found["证9"]) == ("李四", "新")


def test_an_upload_takes_the_old_marker_away_first(
    sftp_server: Path, at_departments: Departments, parquet: Callable[[list[dict[str, Any]]], Path]
) -> None:
    options = {"connection": "police_files", "folder": "pattern", "pattern": "房屋_*.csv"}
    defined = definition({"kind": "file_drop", "unit": "land", "options": options})
    for _ in range(2):
        assert fill("land", defined, [parquet(ROWS)], home=at_departments.home, moment=MOMENT) == ["房屋_20261126.csv"]
    names = {one.name for one in (sftp_server / "pattern").iterdir()}
    assert names == {"房屋_20261126.csv", "房屋_20261126.csv.ok", "房屋_20261126.csv.sha256"}


def test_only_a_demo_server_is_ever_written_to(
    at_departments: Departments, connect: Callable[..., None], parquet: Callable[[list[dict[str, Any]]], Path]
) -> None:
    connect("real", kind="postgresql", host="10.0.0.1", database="x", user="x")
    defined = definition({"kind": "exchange", "unit": "land", "options": {"connection": "real"}})
    with pytest.raises(Misconfigured, match="real"):
        fill("land", defined, [parquet(ROWS)], home=at_departments.home, moment=MOMENT)


def test_a_unit_whose_servers_do_not_have_the_class_is_said(
    at_departments: Departments, parquet: Callable[[list[dict[str, Any]]], Path]
) -> None:
    defined = definition({"kind": "static", "unit": "land"})
    with pytest.raises(Misconfigured, match="land"):
        fill("land", defined, [parquet(ROWS)], home=at_departments.home, moment=MOMENT)
