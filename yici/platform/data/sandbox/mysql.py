"""A MariaDB of the departments: a database each, readable by the department's own account of the platform.

Debian's mariadbd with a data folder of its own. The administrator is the account of the operating system, over the
socket file; everybody else has a password.
"""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import pymysql

from yici.base.errors import Misconfigured
from yici.base.processes import die_with_parent
from yici.base.sql import backquoted
from yici.platform.data.sandbox.accounts import accounts, announce, folder
from yici.platform.data.sources.connections import read_sandbox

_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_LONGEST_SOCKET = 100  # a path of a socket has 107 bytes at most


class Server:
    """A running mariadbd; `stop()` ends it cleanly. It ends by itself when this process is killed."""

    def __init__(self, home: Path, port: int = 0) -> None:
        self.home = home
        self.data = folder(home, "mysql") / "data"
        self._short: str | None = None
        self.socket = self._socket_path()
        self.port = port or _free_port()
        if not (self.data / "mysql").exists():
            _install(self.data)
        self.process = self._start()
        try:
            self._wait_until_up()
            self._admit()
        except BaseException:
            self.stop()
            raise
        announce(home, "mysql", {"host": "127.0.0.1", "port": self.port, "socket": str(self.socket)})

    def _socket_path(self) -> Path:
        usual = folder(self.home, "mysql") / "mysql.sock"
        if len(str(usual).encode()) <= _LONGEST_SOCKET:
            return usual
        self._short = tempfile.mkdtemp(prefix="yici-mysql-")
        return Path(self._short) / "mysql.sock"

    def _start(self) -> subprocess.Popen[bytes]:
        with (folder(self.home, "mysql") / "mysql.log").open("ab") as log:
            return subprocess.Popen(
                [
                    _program("mariadbd"), "--no-defaults", f"--datadir={self.data}", f"--socket={self.socket}",
                    f"--pid-file={self.data / 'mysql.pid'}", f"--port={self.port}", "--bind-address=127.0.0.1",
                    "--skip-name-resolve", "--skip-log-bin", "--performance-schema=OFF", "--local-infile=1",
                    "--character-set-server=utf8mb4", "--collation-server=utf8mb4_bin", "--default-time-zone=+08:00",
                    "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=32M", "--innodb-flush-log-at-trx-commit=2",
                    "--key-buffer-size=1M", "--aria-pagecache-buffer-size=8M", "--max-connections=40",
                    *(["--user=root"] if os.geteuid() == 0 else []),
                ],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, preexec_fn=die_with_parent,
            )  # fmt: skip

    def _wait_until_up(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                admin(self.socket).close()
                return
            except pymysql.MySQLError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    log = folder(self.home, "mysql") / "mysql.log"
                    raise Misconfigured(f"演示用的 MariaDB 没有启动成功，请查看 {log}。") from error
                time.sleep(0.05)

    def _admit(self) -> None:
        with admin(self.socket) as connection, connection.cursor() as cursor:
            for account in accounts("mysql", self.home):
                database = backquoted(account.connection.database)
                cursor.execute(f"CREATE DATABASE IF NOT EXISTS {database}")
                cursor.execute(
                    "CREATE OR REPLACE USER %s@'127.0.0.1' IDENTIFIED BY %s", (account.user, account.password)
                )
                cursor.execute(f"GRANT SELECT ON {database}.* TO %s@'127.0.0.1'", (account.user,))

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self._short:
            shutil.rmtree(self._short, ignore_errors=True)


def admin(path: Path | str, database: str | None = None) -> Any:
    """A connection of the administrator."""
    return pymysql.connect(
        unix_socket=str(path),
        user=getpass.getuser(),
        database=database,
        charset="utf8mb4",
        local_infile=True,
        autocommit=True,
    )


def admin_of(home: Path, database: str) -> Any:
    """The administrator of the demo server of a data home. Raises `Misconfigured` where it does not run."""
    server = read_sandbox(home).get("mysql")
    if server is None:
        raise Misconfigured("演示用的 MariaDB 没有启动，请先启动演示环境（yici run）。")
    return admin(server["socket"], database)


def is_installed() -> bool:
    return bool(_found("mariadbd") and _found("mariadb-install-db"))


def _found(name: str) -> str | None:
    """Servers stand in sbin, which an ordinary user's path does not name."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/bin")


def _program(name: str) -> str:
    if found := _found(name):
        return found
    raise Misconfigured(f"没有找到 {name}。请安装 mariadb-server（Debian：apt-get install mariadb-server）。")


def _install(data: Path) -> None:
    """Make the data folder whole or not at all: a folder half made would never start."""
    draft = data.with_name("data.draft")
    shutil.rmtree(draft, ignore_errors=True)
    account = getpass.getuser()
    done = subprocess.run(
        [
            _program("mariadb-install-db"), "--no-defaults", f"--datadir={draft}", "--skip-test-db",
            "--auth-root-authentication-method=socket", f"--auth-root-socket-user={account}", f"--user={account}",
            "--innodb-log-file-size=32M",
        ],
        capture_output=True, check=False, text=True,
    )  # fmt: skip
    if done.returncode:
        raise Misconfigured(f"演示用的 MariaDB 没有初始化成功：{done.stdout[-500:]}{done.stderr[-500:]}")
    draft.replace(data)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
