"""A site of its own to measure: embedded PostgreSQL with a database named here, and the web server in front of it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
HOME = Path(os.environ.get("YICI_BENCH_HOME", ROOT / "var" / "bench"))


@dataclass
class Site:
    url: str
    server: psutil.Process
    postmaster: psutil.Process

    def cpu_seconds(self) -> tuple[float, float]:
        """(application, database) CPU seconds so far, children included."""
        return cpu_of(self.server), cpu_of(self.postmaster)


def cpu_of(process: psutil.Process) -> float:
    """CPU seconds so far of a process and of everything it started."""
    total = 0.0
    for one in [process, *process.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            total += times.user + times.system
    times = process.cpu_times()
    return total + times.children_user + times.children_system


def postmaster() -> psutil.Process:
    """PostgreSQL's first process; all others of it are its children."""
    return psutil.Process(int((HOME / "postgres" / "postmaster.pid").read_text().splitlines()[0]))


def prepare(residents: int = 100_000) -> None:
    """Point this process at the bench database, migrated and with the demo city; sets Django up."""
    HOME.mkdir(parents=True, exist_ok=True)
    os.environ["YICI_HOME"] = str(HOME)
    os.environ["YICI_RESIDENTS"] = str(residents)
    os.environ["YICI_DEMO_CASES"] = "0"
    os.environ.pop("DATABASE_URL", None)
    from yici.web.database import ensure_running

    ensure_running(HOME)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yici.web.settings")
    import django

    django.setup()
    from yici.web import setup

    setup.migrate()
    setup.collect_static()
    setup.load_city()


@contextlib.contextmanager
def serving(workers: int = 1) -> Iterator[Site]:
    """The web server over the bench database; `prepare()` must have run."""
    port = _free_port()
    environment = {**os.environ, "YICI_PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers",
         str(workers), "--blocking-threads", "2", "--no-ws", "--log-level", "warning", "yici.web.wsgi:application"],
        env=environment, start_new_session=True, cwd=ROOT,
    )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url)
        yield Site(url, psutil.Process(process.pid), postmaster())
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/health/", timeout=2):
            return
        time.sleep(0.1)
    raise RuntimeError("the web server did not start")


def session_for(account: object, assurance: int = 1) -> str:
    """A session cookie as the sign-in pages would leave it."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore()
    session[SESSION_KEY] = str(account.pk)  # type: ignore[attr-defined]
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = account.get_session_auth_hash()  # type: ignore[attr-defined]
    session["assurance"] = assurance
    session["second_factor"] = account.kind == "staff"  # type: ignore[attr-defined]
    session.save()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"
