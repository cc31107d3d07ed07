"""A database as an older version left it, for tests of migrations."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest

from tests.environment import ROOT


@pytest.fixture
def old_city() -> Iterator[str]:
    """A database of the time before, as an address."""
    server, name = os.environ["YICI_TEST_SERVER"], f"yici_old_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
    yield server.replace("/yici?", f"/{name}?")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def migrate(address: str, *target: str) -> None:
    """Bring an app of it to a migration, or to the newest."""
    command = [sys.executable, "-W", "ignore", "-m", "yici.cli", "manage", "--", "migrate", *target]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "DATABASE_URL": address}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
