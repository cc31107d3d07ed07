"""Publishing by several at once and through kills: what stands is always one whole version. Needs real commits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import DatabaseError, connection, connections, transaction

from tests.conftest import SERVER, cloned_city
from tests.environment import ROOT
from tests.platform.data.factories import make_definition, person
from tests.platform.data.lake.conftest import Lake
from yici.platform.data.errors import LoadInProgress
from yici.platform.data.lake import layout, reading, upkeep, writing
from yici.platform.data.models import Snapshot
from yici.platform.data.runs.scheduling import look_after


@pytest.fixture(scope="module")
def own_database(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """A clone of the demo city that may be committed to; gives its address."""
    usual = connections["default"].settings_dict["NAME"]
    with django_db_blocker.unblock(), cloned_city(f"yici_lake_{os.getpid()}") as clone:
        connections.close_all()
        connections["default"].settings_dict["NAME"] = clone
        try:
            yield SERVER.replace("/yici?", f"/{clone}?")
        finally:
            connections.close_all()
            connections["default"].settings_dict["NAME"] = usual


@pytest.fixture
def committed(own_database: str, tmp_path: Path, settings: Any, request: pytest.FixtureRequest) -> Lake:
    """A lake whose changes are committed, with a class of the test's own."""
    settings.DATA_HOME = tmp_path / "data"
    name = "".join(letter for letter in request.node.name if letter.isalnum())[-40:].lower()
    return Lake(tmp_path, make_definition(f"crash.{name}"))


def beside(work: Callable[[], object]) -> threading.Thread:
    """Do it in a thread with a database connection of its own."""

    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_of_two_publishers_at_once_one_is_refused_and_nothing_is_mixed(committed: Lake) -> None:
    begun, go_on = threading.Event(), threading.Event()
    committed.put([person(3)])

    def wait(snapshot: Snapshot) -> None:
        begun.set()
        assert go_on.wait(20)

    first = beside(lambda: committed.put([person(1)], within=wait))
    assert begun.wait(20)
    for attempt in (
        lambda: committed.put([person(2)]),
        lambda: upkeep.compact(committed.data_class),
        lambda: upkeep.expire(committed.data_class, keep=1),
        lambda: upkeep.roll_back(committed.data_class, 1, None, "同时回退"),
    ):
        with pytest.raises(LoadInProgress):
            attempt()
    assert look_after()["expired"] == 0  # the night's work passes by a class that is busy
    upkeep.sweep(older_than=0)  # leaves the files of a version that is about to be shown
    go_on.set()
    first.join()
    assert committed.values("name") == ["王1"] and upkeep.verify(committed.data_class) == []
    committed.put([person(2)])
    assert committed.values("name") == ["王2"]


def test_readers_see_one_whole_version_while_others_are_published(committed: Lake) -> None:
    people, stop = 500, threading.Event()

    def publish(turn: int) -> None:
        committed.put([person(number, address=str(turn)) for number in range(people)])

    def publish_on() -> None:
        for turn in range(1, 12):
            publish(turn)
        stop.set()

    publish(0)
    publisher = beside(publish_on)
    seen = set()
    while not stop.is_set() and publisher.is_alive():
        found = [row["address"] for row in reading.rows(committed.data_class, limit=2 * people)]
        assert len(found) == people and len(set(found)) == 1
        seen.add(found[0])
    publisher.join()
    assert stop.is_set() and len(seen) > 1


def test_a_failure_after_the_commit_leaves_the_files_of_the_version_shown(committed: Lake) -> None:
    """The transaction may be through although an error comes back: then its files are somebody's already."""

    def fail_later(snapshot: Snapshot) -> None:
        def fail() -> None:
            raise RuntimeError("after the commit")

        transaction.on_commit(fail)

    committed.put([person(1)])
    with pytest.raises(RuntimeError, match="after the commit"):
        committed.put([person(1), person(2)], within=fail_later)
    assert len(committed.values()) == 2 and upkeep.verify(committed.data_class) == []
    committed.put([person(3)])
    assert committed.values("name") == ["王3"]


def test_a_connection_cut_before_the_commit_shows_nothing_and_frees_the_class(
    committed: Lake, own_database: str
) -> None:
    def cut(snapshot: Snapshot) -> None:
        with connection.cursor() as cursor, psycopg.connect(own_database, autocommit=True) as other:
            pid = cursor.execute("SELECT pg_backend_pid()").fetchone()[0]
            other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))

    committed.put([person(1)])
    with pytest.raises(DatabaseError):
        committed.put([person(1), person(2)], within=cut)
    assert committed.values("name") == ["王1"]
    upkeep.sweep(older_than=0)
    assert committed.on_disk() == committed.named() and upkeep.verify(committed.data_class) == []
    assert committed.put([person(1), person(2)]).number == 2


def test_remains_of_a_crash_do_not_stand_in_the_way(committed: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files in place, the process gone before the transaction: the next attempt has the same number."""
    with monkeypatch.context() as patch:
        patch.setattr(writing, "show", lambda *rest: (_ for _ in ()).throw(KeyboardInterrupt))
        patch.setattr("shutil.rmtree", lambda *rest, **options: None)
        with pytest.raises(KeyboardInterrupt):
            committed.put([person(1)], run=None)
    assert len(committed.on_disk()) == 1 and committed.named() == set()
    assert committed.put([person(1)]).number == 1
    upkeep.sweep(older_than=0)
    assert committed.on_disk() == committed.named() and list(layout.work_root().iterdir()) == []


@pytest.mark.slow
def test_an_engine_killed_fifty_times_leaves_the_last_whole_version(
    own_database: str, tmp_path: Path, settings: Any
) -> None:
    """SIGKILL at random moments while it publishes; what readers see is one delivery, whole, after each."""
    settings.DATA_HOME = tmp_path / "data"
    environment = {
        **os.environ,
        "DATABASE_URL": own_database,
        "YICI_HOME": str(django_settings.HOME),
        "YICI_DATA_HOME": str(django_settings.DATA_HOME),
        "YICI_DATA_THREADS": "1",
    }
    ended = subprocess.run(
        [sys.executable, "-m", "tests.platform.data.lake.killing", str(tmp_path)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout.strip().splitlines()[-1])
    assert told["faults"][:5] == [] and told["versions"] > 17
    assert layout.lake_root().exists()
