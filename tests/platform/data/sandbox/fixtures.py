"""Departments' servers for tests: started once a process, in a data home and a city of their own."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from yici.platform.data.sandbox import mysql, postgres, rest, sftp
from yici.platform.data.sources.connections import connections, read_sandbox, secret

# Roles and databases of the test server are shared by every process that tests.
TAG = f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
DATABASE = f"departments_{TAG}"
ENTRIES: dict[str, dict[str, Any]] = {
    "police_files": {"kind": "sftp", "sandbox": "sftp", "user": "police", "secret": "POLICE_FILES", "unit": "public_security"},
    "land_exchange": {
        "kind": "postgresql", "sandbox": "postgres", "database": DATABASE, "path": "land", "unit": "land",
        "user": f"land_{TAG}", "secret": "LAND_EXCHANGE",
    },
    "health_exchange": {
        "kind": "mysql", "sandbox": "mysql", "database": "health", "unit": "health", "user": "health_reader",
        "secret": "HEALTH_EXCHANGE",
    },
    "market_interface": {
        "kind": "rest", "sandbox": "rest", "path": "/market", "unit": "market", "user": "market",
        "secret": "MARKET_INTERFACE",
    },
}  # fmt: skip


def write_city(folder: Path, entries: dict[str, dict[str, Any]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    whole = {name: {"label": name, **entry} for name, entry in entries.items()}
    (folder / "sources.yaml").write_text(yaml.safe_dump({"connections": whole}, allow_unicode=True), "utf-8")
    return folder


@dataclass
class Departments:
    """`home` is the data home of the servers, `city` the folder whose `sources.yaml` names them."""

    home: Path
    city: Path

    def address(self, server: str) -> dict[str, Any]:
        return read_sandbox(self.home)[server]


@pytest.fixture(scope="session")
def departments(tmp_path_factory: pytest.TempPathFactory) -> Departments:
    root = tmp_path_factory.mktemp("departments")
    return Departments(root / "data", write_city(root / "city", ENTRIES))


@pytest.fixture
def at_departments(departments: Departments, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Departments:
    """The data home and the city of this test are those of the departments."""
    monkeypatch.setenv("YICI_CITY", str(departments.city))
    departments.home.mkdir(exist_ok=True)
    settings.DATA_HOME = departments.home
    return departments


@pytest.fixture
def connect(at_departments: Departments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`connect(name, **entry)` adds a connection for this test only."""
    entries = dict(ENTRIES)

    def add(name: str, **entry: Any) -> None:
        entries[name] = entry
        monkeypatch.setenv("YICI_CITY", str(write_city(tmp_path / "city", entries)))
        connections()

    return add


def _started(departments: Departments, start: Callable[[], Any]) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("YICI_CITY", str(departments.city))
        return start()


@pytest.fixture(scope="session")
def sftp_server(departments: Departments) -> Iterator[Path]:
    """Runs in a thread; gives the folder of the department's account."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    begun = _started(
        departments, lambda: asyncio.run_coroutine_threadsafe(sftp.start(departments.home), loop).result(30)
    )
    yield sftp.department_folder(departments.home, "police")
    loop.call_soon_threadsafe(begun.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)


@pytest.fixture(scope="session")
def rest_server(departments: Departments) -> Iterator[rest.Server]:
    server = _started(departments, lambda: rest.start(departments.home))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def mariadb(departments: Departments) -> Iterator[mysql.Server]:
    """One for a process: tests that use it are in the group `mariadb`, so that only one process starts it."""
    server = _started(departments, lambda: mysql.Server(departments.home))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgresql(departments: Departments) -> Iterator[str]:
    """The departments' database in the embedded test server; gives the administrator's address."""
    url = os.environ["YICI_TEST_SERVER"]
    _started(departments, lambda: postgres.start(departments.home, url, DATABASE))
    yield postgres.url_of(read_sandbox(departments.home)["postgres"], DATABASE)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{DATABASE}" WITH (FORCE)')
        connection.execute(f'DROP ROLE "land_{TAG}"')


def password_of(departments: Departments, name: str) -> str:
    return secret(name, departments.home)
