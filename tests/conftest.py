"""One template database for every test: migrated, with the demo city loaded; each process clones it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from django.db import connections
from django.test import Client
from hypothesis import settings as hypothesis_settings
from psycopg import sql

from tests.environment import ROOT

# Speed is measured in bench/, never here; the same examples every time keep a failure repeatable.
hypothesis_settings.register_profile("yici", deadline=None, derandomize=True)
hypothesis_settings.load_profile("yici")

SERVER = os.environ["YICI_TEST_SERVER"]
KEEP_TEMPLATES = 2


def _fingerprint() -> str:
    """Changes when anything that shapes the template changes: code that loads or migrates, and the city."""
    digest = hashlib.sha256()
    shaping = ("migrations", "loading", "models", "services", "rules", "register", "definitions", "wiring", "settings")
    own = [ROOT / "tests" / "environment.py", ROOT / "tests" / "template.py"]
    for path in sorted([*(ROOT / "yici").rglob("*.py"), *(ROOT / "cities").rglob("*"), *own]):
        if path.is_file() and (path in own or "cities" in path.parts or any(word in str(path) for word in shaping)):
            digest.update(f"{path.relative_to(ROOT)}".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _admin() -> psycopg.Connection[Any]:
    return psycopg.connect(SERVER, autocommit=True)


def _exists(connection: psycopg.Connection[Any], name: str) -> bool:
    return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone() is not None


def _drop(connection: psycopg.Connection[Any], name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _build(name: str) -> None:
    """Migrate and load the demo city into a new database, in a process of its own."""
    environment = {**os.environ, "DATABASE_URL": SERVER.replace("/yici?", f"/{name}?")}
    result = subprocess.run(
        [sys.executable, "-m", "tests.template"], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise RuntimeError(f"the template database could not be built:\n{result.stdout}\n{result.stderr}")


def _template() -> str:
    name = f"yici_template_{_fingerprint()}"
    with (Path(os.environ["YICI_TEST_HOME"]) / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with _admin() as connection:
            if not _exists(connection, name):
                draft = f"{name}_draft"
                _drop(connection, draft)
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(draft)))
                _build(draft)
                connection.execute(
                    sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(draft), sql.Identifier(name))
                )
                _remove_old(connection, name)
    return name


def _remove_old(connection: psycopg.Connection[Any], newest: str) -> None:
    rows = connection.execute(
        "SELECT datname FROM pg_database WHERE datname LIKE 'yici_template_%' ORDER BY oid"
    ).fetchall()
    for (name,) in rows[:-KEEP_TEMPLATES]:
        if name != newest:
            _drop(connection, name)


@contextlib.contextmanager
def cloned_city(name: str) -> Iterator[str]:
    """A database of that name, cloned from the template and dropped at the end."""
    template = _template()
    with _admin() as connection:
        _drop(connection, name)
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
    try:
        yield name
    finally:
        with _admin() as connection:
            _drop(connection, name)


@pytest.fixture(scope="session")
def django_db_setup(request: pytest.FixtureRequest, django_db_blocker: Any) -> Iterator[None]:
    """Clone the template for this process, point Django at the clone, and drop it at the end."""
    with cloned_city(os.environ["YICI_TEST_DATABASE"]) as clone:
        connections["default"].settings_dict["NAME"] = clone
        yield
        with django_db_blocker.unblock():
            connections.close_all()
    shutil.rmtree(os.environ["YICI_HOME"], ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def _static_files() -> None:
    """WhiteNoise warns of a missing folder, and warnings are errors here."""
    from django.conf import settings

    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


@pytest.fixture(autouse=True)
def _fresh_caches() -> Iterator[None]:
    from django.core.cache import cache

    cache.clear()
    yield


@pytest.fixture(scope="session")
def city() -> Path:
    from yici.base.cityfolder import city_folder

    return city_folder()


class Demo:
    """The demo people, by what they are in the story. Read afresh at each use."""

    STAFF = {
        "clerk": "clerk", "reviewer": "reviewer", "approver": "approver", "supervisor": "supervisor",
        "admin": "admin", "data_officer": "data_officer", "data_engineer": "data_engineer", "outsider": "outsider", "auditor": "auditor", "security": "security",
    }  # fmt: skip

    def __init__(self) -> None:
        from yici.base.cityfolder import city_folder, read_yaml

        self.file = read_yaml(city_folder() / "demo.yaml")
        self.password: str = self.file["password"]
        self.totp_secret: str = self.file["totp_secret"]

    def staff(self, key: str) -> Any:
        from yici.core.people.models import Account

        entry = next(entry for entry in self.file["staff"] if entry["key"] == key)
        return Account.objects.get(username=entry["username"])

    def citizen(self, key: str) -> Any:
        from yici.core.people.models import Account

        entry = next(entry for entry in self.file["citizens"] if entry["key"] == key)
        return Account.objects.select_related("person").get(person__id_number=entry["id_number"])

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.staff(name) if name in self.STAFF else self.citizen(name)


@pytest.fixture
def demo(db: None) -> Demo:
    return Demo()


@pytest.fixture
def sign_in() -> Callable[..., Client]:
    """`sign_in(client, account, assurance=1)`: a signed-in session as the sign-in pages would leave it."""

    def _sign_in(client: Client, account: Any, assurance: int = 1) -> Client:
        client.force_login(account, backend="django.contrib.auth.backends.ModelBackend")
        session = client.session
        session["assurance"] = assurance
        session["second_factor"] = account.kind == "staff"
        session.save()
        return client

    return _sign_in


@pytest.fixture(scope="session")
def pictures() -> Path:
    """`obama.jpg`, `obama2.jpg`, `obama3.jpg` (far away), `obama_partial_face.jpg`, `biden.jpg`."""
    folder = ROOT / "var" / "pictures"
    if not (folder / "obama.jpg").exists():
        subprocess.run(["sh", "scripts/ensure-pictures.sh"], cwd=ROOT, check=True, capture_output=True)
    return folder


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], Any], seconds: float = 15.0) -> Any:
    """Poll until the condition gives something true; fail loudly when it never does."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := condition():
            return result
        time.sleep(0.05)
    raise AssertionError(f"condition not met within {seconds} s")


@pytest.fixture
def own_city(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A database of this test's own, for what must be committed: cloned before, dropped after, nothing to clean up."""
    settings_dict = connections["default"].settings_dict
    usual = settings_dict["NAME"]
    with django_db_blocker.unblock(), cloned_city(f"{usual}_own") as clone:
        connections.close_all()
        settings_dict["NAME"] = clone
        try:
            yield
        finally:
            connections.close_all()
            settings_dict["NAME"] = usual


class SmsSandbox:
    """The gateway and what it took, from its `first` message on."""

    def __init__(self, url: str, first: int = 0) -> None:
        self.url, self.first = url, first

    def messages(self, phone: str = "") -> list[dict[str, Any]]:
        taken = httpx.get(f"{self.url}/messages.json", timeout=5).json()[self.first :]
        return [message for message in taken if not phone or message["mobiles"] == phone]


@pytest.fixture(scope="session")
def sms_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmsSandbox]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "yici.core.messages.sandbox", "--port", str(port), "--store", str(tmp_path_factory.mktemp("sms"))],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    sandbox = SmsSandbox(f"http://127.0.0.1:{port}")

    def up() -> bool:
        try:
            return httpx.get(f"{sandbox.url}/messages.json", timeout=1).status_code == 200
        except httpx.HTTPError:
            return False

    wait_until(up)
    yield sandbox
    process.terminate()
    process.wait(5)


@pytest.fixture
def sms(sms_server: SmsSandbox, settings: Any) -> SmsSandbox:
    """What this test sends: numbers of cases come again after a roll-back, so earlier messages would be taken for its own."""
    settings.SMS_ENDPOINT = sms_server.url
    return SmsSandbox(sms_server.url, len(sms_server.messages()))
