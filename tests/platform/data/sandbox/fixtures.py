"""Departments' servers for tests: started once a process, in a data home and a city of their own."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from yici.platform.data.sandbox import ftps, mysql, postgres, rest, sftp
from yici.platform.data.sources.connections import connections, read_sandbox, secret

# Roles and databases of the test server are shared by every process that tests.
TAG = f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
DATABASE = f"departments_{TAG}"
ENTRIES: dict[str, dict[str, Any]] = {
    "police_files": {"kind": "sftp", "sandbox": "sftp", "user": "police", "secret": "POLICE_FILES", "unit": "public_security"},
    "grid_files": {"kind": "ftps", "sandbox": "ftps", "user": "grid", "secret": "GRID_FILES", "unit": "electricity"},
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


_running: dict[str, Any] = {}


def _once(request: pytest.FixtureRequest, name: str, start: Callable[[], tuple[Any, Callable[[], None]]]) -> Any:
    """Started once a process, however many folders of tests ask; stopped when the process ends."""
    if name not in _running:
        _running[name], stop = start()
        request.addfinalizer(stop)
    return _running[name]


@pytest.fixture(scope="session")
def departments(request: pytest.FixtureRequest) -> Departments:
    def make() -> tuple[Departments, Callable[[], None]]:
        root = Path(tempfile.mkdtemp(prefix="departments-", dir=os.environ["YICI_TEST_HOME"]))
        made = Departments(root / "data", write_city(root / "city", ENTRIES))
        return made, lambda: shutil.rmtree(root)

    found: Departments = _once(request, "departments", make)
    return found


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
    """While a server starts, it reads its accounts from the city."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("YICI_CITY", str(departments.city))
        return start()


@pytest.fixture(scope="session")
def sftp_server(request: pytest.FixtureRequest, departments: Departments) -> Path:
    """Runs in a thread; gives the folder of the department's account."""

    def serve() -> tuple[None, Callable[[], None]]:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        begun = asyncio.run_coroutine_threadsafe(sftp.start(departments.home), loop).result(30)

        def stop() -> None:
            loop.call_soon_threadsafe(begun.close)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)

        return None, stop

    _started(departments, lambda: _once(request, "sftp", serve))
    return sftp.department_folder(departments.home, "police")


@pytest.fixture(scope="session")
def ftps_server(request: pytest.FixtureRequest, departments: Departments) -> Path:
    """Gives the folder of the department's account."""

    def serve() -> tuple[None, Callable[[], None]]:
        return None, ftps.start(departments.home).stop

    _started(departments, lambda: _once(request, "ftps", serve))
    return departments.home / "sandbox" / "ftps" / "grid"


@pytest.fixture(scope="session")
def rest_server(request: pytest.FixtureRequest, departments: Departments) -> rest.Server:
    def serve() -> tuple[rest.Server, Callable[[], None]]:
        server = rest.start(departments.home)
        return server, server.stop

    found: rest.Server = _started(departments, lambda: _once(request, "rest", serve))
    return found


@pytest.fixture(scope="session")
def mariadb(request: pytest.FixtureRequest, departments: Departments) -> mysql.Server:
    """Tests that use it are in the group `mariadb`, so that only one process starts it."""

    def serve() -> tuple[mysql.Server, Callable[[], None]]:
        server = mysql.Server(departments.home)
        return server, server.stop

    found: mysql.Server = _started(departments, lambda: _once(request, "mysql", serve))
    return found


@pytest.fixture(scope="session")
def postgresql(request: pytest.FixtureRequest, departments: Departments) -> str:
    """The departments' database in the embedded test server; gives the administrator's address."""
    url = os.environ["YICI_TEST_SERVER"]

    def serve() -> tuple[str, Callable[[], None]]:
        postgres.start(departments.home, url, DATABASE)
        return postgres.url_of(read_sandbox(departments.home)["postgres"], DATABASE), drop

    def drop() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{DATABASE}" WITH (FORCE)')
            connection.execute(f'DROP ROLE "land_{TAG}"')

    found: str = _started(departments, lambda: _once(request, "postgresql", serve))
    return found


def password_of(departments: Departments, name: str) -> str:
    return secret(name, departments.home)
