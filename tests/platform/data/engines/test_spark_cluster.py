"""A real Spark cluster on this machine, one of whose two workers is killed in the middle of a screening."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pyspark
import pytest

from tests.conftest import free_port, wait_until
from tests.platform.data.engines import delivered
from tests.platform.data.engines.test_spark import QUICK_JAVA
from tests.platform.data.rules.tables import screen, screening
from yici.platform.data.catalogue import reading
from yici.platform.data.engines import engine
from yici.platform.data.engines.spark import session

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("spark")]
SPARK_CLASS = Path(pyspark.__file__).parent / "bin" / "spark-class"


@contextmanager
def _daemon(folder: Path, name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A Spark daemon in a process group of its own, so that its executors die with it as with a machine."""
    environment = {
        **os.environ,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "JAVA_TOOL_OPTIONS": QUICK_JAVA,
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_WORKER_DIR": str(folder / name),
        "PYSPARK_PYTHON": sys.executable,
    }
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [str(SPARK_CLASS), *arguments], env=environment, stdout=log, stderr=log, start_new_session=True, cwd=folder
        )
        try:
            yield process
        finally:
            _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait(10)


@pytest.fixture
def workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[bytes]]]:
    """A master and two workers of one core each, and the session of this process bound to them."""
    port, log = free_port(), tmp_path / "master.log"
    master = f"spark://127.0.0.1:{port}"
    listening = ["--host", "127.0.0.1", "--webui-port", str(free_port())]
    with ExitStack() as stack:
        stack.enter_context(
            _daemon(tmp_path, "master", "org.apache.spark.deploy.master.Master", *listening, "--port", str(port))
        )
        wait_until(lambda: log.exists() and b"I have been elected leader" in log.read_bytes(), 60)
        found = [
            stack.enter_context(
                _daemon(
                    tmp_path, f"worker-{number}", "org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1",
                    "--webui-port", str(free_port()), "--cores", "1", "--memory", "1g", master,
                )
            )
            for number in (1, 2)
        ]  # fmt: skip
        wait_until(lambda: log.read_bytes().count(b"Registering worker") == 2, 60)
        for name, value in {"MASTER": master, "PARTITIONS": "4", "MEMORY": "1g"}.items():
            monkeypatch.setenv(f"YICI_SPARK_{name}", value)
        monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        monkeypatch.setenv("JAVA_TOOL_OPTIONS", QUICK_JAVA)
        session()
        try:
            yield found
        finally:
            session().stop()


def _executors_at_work() -> int:
    """Executors (the driver is not one) that are running a task right now."""
    context: Any = session().sparkContext
    driver = context.getConf().get("spark.driver.port")
    known = context._jsc.sc().statusTracker().getExecutorInfos()
    return sum(1 for one in known if str(one.port()) != driver and one.numRunningTasks() > 0)


def _executors() -> int:
    return len(session().sparkContext._jsc.sc().statusTracker().getExecutorInfos()) - 1  # type: ignore[union-attr]


def test_a_worker_killed_in_the_middle_changes_nothing(workers: list[subprocess.Popen[bytes]], tmp_path: Path) -> None:
    files = delivered.landed(tmp_path, 20_000, parts=8)
    residents = reading.definition("public_security.resident")
    expected = screen(engine("duckdb"), screening(residents, files[residents.id], tmp_path / "duckdb"))
    wait_until(lambda: _executors() == 2, 120)
    found: list[Any] = []

    job = screening(residents, files[residents.id], tmp_path / "spark")
    running = threading.Thread(target=lambda: found.append(screen(engine("spark"), job)))
    running.start()
    wait_until(lambda: _executors_at_work() == 2, 120)
    _kill(workers[0])
    assert running.is_alive()
    running.join()

    assert _executors() == 1
    assert found == [expected]
    assert not list((tmp_path / "spark").glob(".*"))
