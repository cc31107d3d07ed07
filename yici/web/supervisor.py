"""`yici run`: sets up, starts the parts as child processes, watches them, and stops them all cleanly.

The parts: embedded PostgreSQL, the web server, the background worker, and the sandboxes of outside partners.
Never holds state: whatever was confirmed to a user is in PostgreSQL before the answer is sent.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from yici.base.errors import Misconfigured
from yici.base.processes import die_with_parent
from yici.web import database

STOP_SECONDS = 10.0


@dataclass
class Part:
    """A child process that is started again when it dies, at most once every two seconds."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = field(default=0.0)

    def start(self, log: Path) -> None:
        self.started = time.monotonic()
        with (log / f"{self.name}.log").open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )

    def stop(self) -> None:
        if self.process and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGTERM)

    def wait(self, deadline: float) -> None:
        if not self.process:
            return
        try:
            self.process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)


def serve(console: Console, workers: int = 2) -> int:
    """Set up and serve until a signal arrives. Returns the exit code."""
    begun = time.monotonic()
    home = database.data_home()
    _take_lock(home)
    embedded = not os.environ.get("DATABASE_URL")
    stopping = _stop_flag()
    log = home / "log"
    log.mkdir(exist_ok=True)
    parts: list[Part] = []
    try:
        _set_up(console)
        from django.conf import settings

        parts = _parts(settings.PORT, home, workers)
        for part in parts:
            part.start(log)
        if not _wait_until_up(settings.PORT, parts, stopping):
            return 0 if stopping else _did_not_start(console, log)
        _welcome(console, settings.PORT, time.monotonic() - begun)
        _fill_demo()
        _watch(parts, log, stopping, console)
        return 0
    finally:
        for part in parts:
            part.stop()
        deadline = time.monotonic() + STOP_SECONDS
        for part in parts:
            part.wait(deadline)
        if embedded:
            os.environ.pop("DATABASE_URL", None)
            database.stop(home)
        console.print("已停止。")


def _take_lock(home: Path) -> None:
    """One `yici run` a data folder: the lock is held by an open file and goes with the process."""
    import fcntl

    handle = (home / "run.lock").open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Misconfigured(f"数据目录 {home} 已有一个 yici run 在运行；请先停止它，或另设 YICI_HOME。") from None
    os.set_inheritable(handle.fileno(), False)
    globals()["_lock_handle"] = handle  # kept open for the life of the process


def _stop_flag() -> list[int]:
    flag: list[int] = []

    def note(signum: int, frame: FrameType | None) -> None:
        flag.append(signum)

    signal.signal(signal.SIGINT, note)
    signal.signal(signal.SIGTERM, note)
    return flag


def _set_up(console: Console) -> None:
    """Database, migrations, static files and the city folder, each only when something changed."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=False) as progress:
        task = progress.add_task("启动数据库", total=4)
        database.ensure_running()
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yici.web.settings")
        import django

        django.setup()
        from yici.web import setup

        progress.update(task, advance=1, description="更新数据表")
        setup.migrate()
        progress.update(task, advance=1, description="准备页面文件")
        setup.collect_static()
        progress.update(task, advance=1, description="载入城市目录")
        setup.load_city(lambda line: progress.update(task, description=line))
        progress.update(task, advance=1, description="准备就绪")


def _parts(port: int, home: Path, workers: int) -> list[Part]:
    python = sys.executable
    sandbox = [python, "-m", "yici.core.messages.sandbox", "--port", str(port + 1), "--store", str(home / "sandbox")]
    paying = [
        python,
        "-m",
        "yici.platform.pay.sandbox",
        "--port",
        str(port + 4),
        "--store",
        str(home / "pay-sandbox"),
        "--keys",
        str(home / "pay"),
    ]
    police = [
        python, "-m", "yici.platform.trust.identity.sandbox", "--port", str(port + 3),
        "--store", str(home / "sandbox" / "police"), "--client", str(home / "trust" / "police-client.pub"),
    ]  # fmt: skip
    return [
        *([Part("pay-sandbox", paying)] if uses_pay_sandbox() else []),
        *([] if os.environ.get("YICI_POLICE_ENDPOINT") else [Part("police-sandbox", police)]),
        *([] if os.environ.get("YICI_SMS_ENDPOINT") else [Part("sms-sandbox", sandbox)]),  # a real gateway needs none
        # Departments' servers of the demo; nobody waits for them, pulls fail and come again until they are up.
        *([] if os.environ.get("YICI_DEMO") == "0" else [Part("data-sandbox", [python, "-m", "yici.platform.data.sandbox"])]),
        Part("worker", [python, "-m", "yici", "worker", "--queue", "default"]),
        Part("data-worker", [python, "-m", "yici", "worker", "--queue", "data"]),
        Part(
            "web",
            [
                python, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
                "--workers", str(workers), "--blocking-threads", "4", "--backpressure", "64", "--no-ws", "--log-level", "warning",
                "--respawn-failed-workers", "yici.web.wsgi:application",
            ],
        ),
    ]  # fmt: skip


def uses_pay_sandbox() -> bool:
    """Whether any provider of payments is the sandbox; a city with keys of its own is never served by it."""
    from django.conf import settings

    return not os.environ.get("YICI_PAY_KEYS") and settings.PAY_SANDBOX in settings.PAY_ENDPOINTS.values()


def _wait_until_up(port: int, parts: list[Part], stopping: list[int]) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not stopping:
        if any(part.process and part.process.poll() is not None for part in parts):
            return False
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health/", timeout=2) as answer,
        ):
            if answer.status == 200:
                return True
        time.sleep(0.1)
    return False


def _watch(parts: list[Part], log: Path, stopping: list[int], console: Console) -> None:
    while not stopping:
        time.sleep(0.5)
        for part in parts:
            if (
                part.process
                and part.process.poll() is not None
                and time.monotonic() - part.started > 2
                and not stopping
            ):
                console.print(
                    f"[yellow]{part.name} 已退出（{part.process.returncode}），正在重新启动；日志：{log / part.name}.log[/yellow]"
                )
                part.start(log)


def _did_not_start(console: Console, log: Path) -> int:
    console.print(f"[red]没有启动成功，请查看 {log} 中的日志。端口可能被占用：可用 YICI_PORT 换一个。[/red]")
    return 1


def _welcome(console: Console, port: int, seconds: float) -> None:
    from yici.web.setup import demo_accounts

    console.print(f"\n[bold green]亳州一次办已启动[/bold green]（用时 {seconds:.1f} 秒）  http://127.0.0.1:{port}")
    if not os.environ.get("YICI_SMS_ENDPOINT"):
        console.print(f"短信沙箱（验证码在这里看）       http://127.0.0.1:{port + 1}")
    if uses_pay_sandbox():
        console.print(f"支付沙箱（在这里扫码付款）       http://127.0.0.1:{port + 4}")
    if not os.environ.get("YICI_POLICE_ENDPOINT"):
        console.print(f"公安身份服务沙箱（登记照片）     http://127.0.0.1:{port + 3}")
    console.print(f"接口文档                       http://127.0.0.1:{port}/api/v1/docs\n")
    for line in demo_accounts():
        console.print(line, highlight=False)
    console.print("\n按 Ctrl-C 停止。")


def _fill_demo() -> None:
    """After the start, the worker fills an empty demo city with applications."""
    from yici.web import demo

    demo.begin()


def run_worker(queues: list[str] | None = None) -> None:
    """The background worker: deliveries, lights, certificates, retention, loads of data. Django must be set up.

    `queues`: only these. Loads are in the queue `data`, so that one long load never delays a certificate.
    """
    from procrastinate.contrib.django import app

    app.with_connector(app.connector.get_worker_connector()).run_worker(  # type: ignore[attr-defined]
        queues=queues, concurrency=2, name="yici", install_signal_handlers=True, listen_notify=True
    )
