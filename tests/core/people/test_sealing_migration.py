"""A city that was there before its persons were sealed: nothing is lost, nothing stays in the clear."""

from __future__ import annotations

import os
import subprocess
import sys

import psycopg
import pytest

from tests.environment import ROOT
from yici.base.encrypted import index_of
from yici.base.sealing import keyring

ROWS = 1203  # more than one batch


@pytest.fixture
def old_city() -> str:
    """A database of the time before, as an address."""
    server, name = os.environ["YICI_TEST_SERVER"], f"yici_old_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name}")
    yield server.replace("/yici?", f"/{name}?")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def migrate(address: str, *target: str) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "yici.cli", "manage", "--", "migrate", "people", *target]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "DATABASE_URL": address}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_persons_of_before_are_sealed_in_batches_and_found(old_city: str) -> None:
    migrate(old_city, "0002_one_duty")
    with psycopg.connect(old_city, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO people_person (name, id_number, birth_date, sex, phone, created_at) "
            "SELECT '王' || n, '34160219900101' || lpad(n::text, 4, '0'), '1990-01-01', '1', "
            f"CASE WHEN n % 7 = 0 THEN '' ELSE '1390000' || lpad(n::text, 4, '0') END, now() FROM generate_series(1, {ROWS}) n"
        )
    migrate(old_city)
    with psycopg.connect(old_city) as connection:
        rows = connection.execute(
            "SELECT name, id_number, id_number_index, phone FROM people_person ORDER BY id"
        ).fetchall()
    assert len(rows) == ROWS
    for position, (name, number, index, phone) in enumerate(rows, 1):
        plain = f"34160219900101{position:04d}"
        assert name == f"王{position}"
        assert keyring().unseal(number, "people_person.id_number").decode() == plain
        assert bytes(index) == index_of(plain, "person.id_number")
        assert keyring().unseal(phone, "people_person.phone").decode() == (
            "" if position % 7 == 0 else f"1390000{position:04d}"
        )
