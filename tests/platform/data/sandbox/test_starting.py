"""The one command that starts every demo server, and their doors."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.environment import ROOT
from tests.platform.data.sandbox.fixtures import DATABASE, ENTRIES, Departments, write_city
from yici.platform.data.sources.connections import read_sandbox, secret


@pytest.mark.xdist_group("mariadb")
def test_one_command_starts_every_server_and_takes_them_down_again(tmp_path: Path) -> None:
    entries = {name: entry for name, entry in ENTRIES.items() if entry["kind"] != "postgresql"}
    environment = {**os.environ, "YICI_CITY": str(write_city(tmp_path / "city", entries)), "YICI_HOME": str(tmp_path)}
    home = tmp_path / "data"
    process = subprocess.Popen(
        [sys.executable, "-m", "yici.platform.data.sandbox", "--home", str(home), "--only", "sftp,ftps,rest,mysql"],
        env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout
    with process.stdout:
        assert process.stdout.readline() == "ready\n"
        servers = read_sandbox(home)
        assert set(servers) == {"sftp", "ftps", "rest", "mysql"}
        assert servers["sftp"]["host_key"].startswith("ssh-ed25519 ")
        assert len({server["port"] for server in servers.values()}) == 4
        assert len(secret("POLICE_FILES", home)) >= 20
        assert (home / "secrets.json").stat().st_mode & 0o777 == 0o600
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert not (home / "sandbox.json").exists()
    assert set(json.loads((home / "secrets.json").read_text())) == {entry["secret"] for entry in entries.values()}


def test_the_embedded_server_asks_for_a_password_in_the_departments_database(
    postgresql: str, at_departments: Departments
) -> None:
    user = ENTRIES["land_exchange"]["user"]
    parameters = psycopg.conninfo.conninfo_to_dict(postgresql)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(**{**parameters, "user": user, "password": "", "dbname": DATABASE})  # type: ignore[arg-type]
    right = secret("LAND_EXCHANGE")
    with (
        psycopg.connect(**{**parameters, "user": user, "password": right, "dbname": DATABASE}) as connection,  # type: ignore[arg-type]
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("CREATE TABLE land.mine (x int)")
