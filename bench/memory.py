"""Memory of `yici run` at rest: the proportional set size of every process it started, and its start-up time."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

from bench import site
from bench.results import Result

REST_SECONDS = 8


def run() -> list[Result]:
    site.prepare()  # so that this is a second start
    port = site._free_port()
    environment = {**os.environ, "YICI_PORT": str(port)}
    environment.pop("DATABASE_URL", None)
    from yici.web import database

    os.environ.pop("DATABASE_URL", None)
    database.stop(site.HOME)
    begun = time.monotonic()
    process = subprocess.Popen([sys.executable, "-m", "yici", "run"], env=environment, cwd=site.ROOT,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        site._wait(f"http://127.0.0.1:{port}")
        started = time.monotonic() - begun
        for path in ("/", "/items/gaoling-jintie/", "/search/?q=gljt", "/login/"):
            subprocess.run(["curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{port}{path}"], check=True)
        time.sleep(REST_SECONDS)
        family = {process.pid, site.postmaster().pid}
        for root in list(family):
            family |= {child.pid for child in psutil.Process(root).children(recursive=True)}
        total = sum(_proportional(pid) for pid in family)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
    return [
        Result("memory of `make run` at rest", total / 1024, "MB", 600, note=f"{len(family)} processes"),
        Result("second start", started, "s", 10),
    ]


def _proportional(pid: int) -> int:
    """KiB, shared pages divided among those who share them."""
    match = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return int(match.group(1)) if match else 0
