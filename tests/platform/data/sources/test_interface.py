"""The interface channel against the sandbox's REST server, over real HTTP with real signatures."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest

from tests.platform.data.sandbox.fixtures import Departments
from tests.platform.data.sources.proxy import Relay
from yici.platform.data.errors import SourceInconsistent, SourceUnavailable
from yici.platform.data.sandbox import rest
from yici.platform.data.sources.base import Pull, PullStopped, SourceAccessDenied, SourceMisconfigured
from yici.platform.data.sources.interface.source import Interface

OPTIONS: dict[str, Any] = {
    "connection": "market_interface", "path": "/v1/company", "size": 10, "retry_pause": 0.01, "attempts": 3,
}  # fmt: skip


def company(number: int, **values: Any) -> tuple[str, str, dict[str, Any]]:
    row = {"统一社会信用代码": f"9134{number:014d}", "名称": f"企业{number}", **values}
    return row["统一社会信用代码"], "2026-11-01T00:00:00Z", row


@pytest.fixture
def store(rest_server: rest.Server, at_departments: Departments) -> Iterator[rest.Store]:
    found = rest_server.interfaces.store("market")
    # The account's unit is `market`: the store of its interfaces.
    found.replace("/v1/company", [company(number) for number in range(25)])
    yield found
    rest_server.interfaces.faults.order("", 0, 0)


@pytest.fixture
def spoil(at_departments: Departments, store: rest.Store) -> Callable[..., None]:
    """The next answers go wrong, as told over HTTP."""
    port = at_departments.address("rest")["port"]

    def wish(mode: str, count: int = 1, seconds: float = 0, after: int = 0) -> None:
        httpx.post(
            f"http://127.0.0.1:{port}/control", json={"mode": mode, "count": count, "seconds": seconds, "after": after}
        )

    return wish


def pull(into: Path, cursor: dict[str, Any] | None = None, **options: Any) -> Pull:
    return Interface().pull({**OPTIONS, **options}, cursor or {}, into)


def rows_of(found: Pull) -> list[dict[str, Any]]:
    (one,) = found.objects
    if one.name.endswith(".jsonl"):
        return [json.loads(line) for line in one.path.read_text("utf-8").splitlines()]
    sql = "SELECT * FROM read_csv($1, all_varchar = true, header = true, nullstr = '', allow_quoted_nulls = false)"
    with duckdb.connect() as connection:
        table = connection.execute(sql, [str(one.path)])
        names = [column[0] for column in table.description]
        return [dict(zip(names, row, strict=True)) for row in table.fetchall()]


@pytest.mark.parametrize("paging", ["page", "cursor"])
@pytest.mark.parametrize("format_", ["csv", "jsonl"])
def test_every_page_is_fetched_once_and_then_there_is_nothing_new(
    store: rest.Store, tmp_path: Path, paging: str, format_: str
) -> None:
    first = pull(tmp_path, paging=paging, format=format_)
    assert [row["名称"] for row in rows_of(first)] == [f"企业{number}" for number in range(25)]
    assert (first.total, first.complete) == (25, True)
    assert pull(tmp_path, first.cursor, paging=paging, format=format_).objects == []
    store.change("/v1/company", [company(3, 名称="改名")])
    assert rows_of(pull(tmp_path, first.cursor, paging=paging, format=format_))[3]["名称"] == "改名"


@pytest.mark.parametrize("count", [0, 1, 10, 20])
def test_a_last_page_that_is_full_or_empty_ends_the_pull(store: rest.Store, tmp_path: Path, count: int) -> None:
    store.replace("/v1/company", [company(number) for number in range(count)] or [company(1)])
    expected = max(count, 1)
    assert pull(tmp_path).total == expected
    assert len(rows_of(pull(tmp_path))) == expected


def test_values_come_as_they_were_written(store: rest.Store, tmp_path: Path) -> None:
    odd = {"a": None, "b": "", "c": 341602199001011234, "d": 1.0, "e": True, "f": ["x", {"y": None}], "g": 'q"\n'}
    store.replace("/v1/company", [company(1, **odd), company(2, h="more")])
    first, second = rows_of(pull(tmp_path))
    assert [first[name] for name in "abcdefg"] == [
        None,
        "",
        "341602199001011234",
        "1.0",
        "true",
        '["x", {"y": null}]',
        'q"\n',
    ]
    assert (first["h"], second["h"], second["a"]) == (None, "more", None)


def test_only_what_changed_since_is_asked_for(store: rest.Store, tmp_path: Path) -> None:
    first = pull(tmp_path, since_parameter="since")
    assert first.complete
    again = pull(tmp_path, first.cursor, since_parameter="since")
    assert again.objects == []
    store.change("/v1/company", [("new", "2999-01-01T00:00:00Z", {"名称": "新企业"})])
    changed = pull(tmp_path, again.cursor, since_parameter="since")
    assert [row["名称"] for row in rows_of(changed)] == ["新企业"]
    assert not changed.complete
    assert pull(tmp_path, changed.cursor, since_parameter="since").objects == []


def test_totals_that_differ_between_pages_are_refused(
    store: rest.Store, tmp_path: Path, spoil: Callable[..., None]
) -> None:
    spoil("total", after=1)
    with pytest.raises(SourceInconsistent, match="25 和 26"):
        pull(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert len(rows_of(pull(tmp_path))) == 25


def test_a_page_that_comes_twice_is_refused(store: rest.Store, tmp_path: Path, spoil: Callable[..., None]) -> None:
    spoil("duplicate", after=1)
    with pytest.raises(SourceInconsistent, match="两次"):
        pull(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_fewer_rows_than_stated_are_refused(store: rest.Store, tmp_path: Path, spoil: Callable[..., None]) -> None:
    spoil("total", count=4)
    with pytest.raises(SourceInconsistent, match="26"):
        pull(tmp_path)


@pytest.mark.parametrize("mode", ["error", "busy"])
def test_passing_errors_are_tried_again(
    store: rest.Store, tmp_path: Path, spoil: Callable[..., None], mode: str
) -> None:
    spoil(mode, count=2, after=1)
    assert len(rows_of(pull(tmp_path))) == 25


def test_lasting_errors_are_given_up_and_say_so(store: rest.Store, tmp_path: Path, spoil: Callable[..., None]) -> None:
    spoil("error", count=3)
    with pytest.raises(SourceUnavailable, match=r"3 次.*500"):
        pull(tmp_path)


def test_a_pull_that_was_cut_goes_on_after_the_last_whole_page(
    store: rest.Store, tmp_path: Path, spoil: Callable[..., None]
) -> None:
    spoil("error", count=3, after=2)
    with pytest.raises(SourceUnavailable):
        pull(tmp_path)
    seen: list[int] = []
    found = Interface().pull(OPTIONS, {}, tmp_path, progress=lambda done, total=None, /: seen.append(done))
    assert seen[0] == 20
    assert [row["名称"] for row in rows_of(found)] == [f"企业{number}" for number in range(25)]


def test_a_cut_pull_that_no_longer_fits_begins_anew(
    store: rest.Store, tmp_path: Path, spoil: Callable[..., None]
) -> None:
    spoil("error", count=3, after=2)
    with pytest.raises(SourceUnavailable):
        pull(tmp_path)
    store.replace("/v1/company", [company(number) for number in range(30)])
    with pytest.raises(SourceInconsistent):
        pull(tmp_path)
    assert len(rows_of(pull(tmp_path))) == 30


def test_half_an_answer_is_tried_again(store: rest.Store, tmp_path: Path, spoil: Callable[..., None]) -> None:
    spoil("truncated", after=1)
    assert len(rows_of(pull(tmp_path))) == 25


def market(connect: Callable[..., None], port: int, **entry: Any) -> None:
    usual = {"kind": "rest", "port": port, "user": "market", "secret": "MARKET_INTERFACE", "path": "/market"}
    connect("other", **{**usual, "tls": {"mode": "off"}, "timeouts": {"connect": 2, "read": 0.3, "total": 30}, **entry})


def test_an_interface_that_hangs_is_given_up_in_time(
    store: rest.Store,
    tmp_path: Path,
    connect: Callable[..., None],
    spoil: Callable[..., None],
    at_departments: Departments,
) -> None:
    market(connect, at_departments.address("rest")["port"])
    spoil("hang", count=2)
    with pytest.raises(SourceUnavailable, match="没有应答"):
        pull(tmp_path, connection="other")


def test_an_interface_that_drips_is_given_up_in_all(
    store: rest.Store,
    tmp_path: Path,
    connect: Callable[..., None],
    spoil: Callable[..., None],
    at_departments: Departments,
) -> None:
    market(connect, at_departments.address("rest")["port"], timeouts={"connect": 2, "read": 5, "total": 0.5})
    spoil("slow")
    with pytest.raises(SourceUnavailable, match="仍未完成"):
        pull(tmp_path, connection="other")


def test_a_connection_that_breaks_once_is_made_again(
    store: rest.Store, tmp_path: Path, connect: Callable[..., None], at_departments: Departments
) -> None:
    with Relay("127.0.0.1", at_departments.address("rest")["port"], 300) as relay:
        market(connect, relay.port, timeouts={"connect": 2, "read": 5, "total": 30})
        assert len(rows_of(pull(tmp_path, connection="other"))) == 25


def test_a_stop_ends_the_pull(store: rest.Store, tmp_path: Path) -> None:
    stopped = threading.Event()
    stopped.set()
    with pytest.raises(PullStopped):
        Interface().pull(OPTIONS, {}, tmp_path, stop=stopped.is_set)


def check(**options: Any) -> list[str]:
    return [one.code for one in Interface().check_config({**OPTIONS, **options})]


def test_the_check_says_what_is_wrong(store: rest.Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check() == []
    assert check(path="/v1/nothing") == ["unknown-path"]
    assert check(rows="data.rows") == ["no-rows"]
    assert check(total="count") == ["no-total"]
    assert check(connection="nobody") == ["source-misconfigured"]
    assert check(path="v1") == ["source-misconfigured"]
    monkeypatch.setenv("YICI_SOURCE_MARKET_INTERFACE", "wrong")
    assert check() == ["wrong-password"]


def test_a_wrong_key_ends_the_pull_at_once(store: rest.Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YICI_SOURCE_MARKET_INTERFACE", "wrong")
    with pytest.raises(SourceAccessDenied, match="MARKET_INTERFACE"):
        pull(tmp_path)


def test_the_check_tells_unknown_host_closed_port_and_wrong_clock(
    store: rest.Store, connect: Callable[..., None], spoil: Callable[..., None], at_departments: Departments
) -> None:
    market(connect, 1)
    assert check(connection="other") == ["connection-refused"]
    market(connect, 80, host="no-such-host.invalid")
    assert check(connection="other") == ["unknown-host"]
    market(connect, at_departments.address("rest")["port"], timeouts={"connect": 2, "read": 5, "total": 30})
    spoil("skew", seconds=120)
    assert check(connection="other") == ["clock-skew"]
    spoil("skew", seconds=3600)
    problems = Interface().check_config({**OPTIONS, "connection": "other"})
    assert [(one.code, one.level) for one in problems] == [("clock-skew", "error")]


def test_a_server_that_speaks_no_http_is_given_up(
    connect: Callable[..., None], tmp_path: Path, store: rest.Store
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        market(connect, silent.getsockname()[1])
        with pytest.raises(SourceUnavailable):
            pull(tmp_path, connection="other")


def test_without_as_of_nothing_incremental_is_believed(store: rest.Store, tmp_path: Path) -> None:
    with pytest.raises(SourceMisconfigured, match="as_of_of_theirs"):
        pull(tmp_path, since_parameter="since", as_of="as_of_of_theirs")
