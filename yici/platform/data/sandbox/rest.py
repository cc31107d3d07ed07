"""A department's data interface: signed requests, pages, and faults on demand.

GET /<unit>/v1/<subject>?page=1&size=500[&since=…] answers {"total", "rows", "next", "as_of"}; with `cursor` in place
of `page` it answers the next cursor. POST /control {"mode": …, "count": n, "seconds": s, "after": m} spoils n answers
after the next m:
`hang`, `error` (500), `busy` (429), `total` (one too many), `duplicate` (the first page again), `truncated` (half the
body, then the connection is closed), `slow` (a byte at a time), `skew` (its clock is s seconds ahead).
"""

from __future__ import annotations

import email.utils
import json
import sqlite3
import threading
import time
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from yici.base.sandboxes import Faults, SandboxHandler
from yici.platform.data.sandbox.accounts import accounts, announce, folder
from yici.platform.data.sources.interface.signing import WINDOW_SECONDS, PushRefused, verify_push

BODY_LIMIT = 64 * 1024  # bytes
LARGEST_SIZE = 100_000  # rows of a page


class Store:
    """Rows of a department's interfaces in SQLite, numbered from 1 within each path. Opened per call: threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._open() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS row (path TEXT, number INTEGER, key TEXT, updated TEXT, content TEXT,"
                " PRIMARY KEY (path, number)) WITHOUT ROWID"
            )
            connection.execute("CREATE INDEX IF NOT EXISTS row_updated ON row (path, updated)")
            connection.execute("CREATE INDEX IF NOT EXISTS row_key ON row (path, key)")

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=30)

    def replace(self, path: str, rows: Iterable[tuple[str, str, dict[str, Any]]]) -> None:
        """All rows of a path anew: (key, updated, content)."""
        with self._open() as connection:
            connection.execute("DELETE FROM row WHERE path = ?", (path,))
            connection.executemany(
                "INSERT INTO row VALUES (?, ?, ?, ?, ?)",
                (
                    (path, number, key, updated, json.dumps(content, ensure_ascii=False))
                    for number, (key, updated, content) in enumerate(rows, 1)
                ),
            )

    def change(self, path: str, rows: Iterable[tuple[str, str, dict[str, Any]]]) -> None:
        """Rows with a known key are replaced where they stand, others added at the end."""
        with self._open() as connection:
            (last,) = connection.execute("SELECT coalesce(max(number), 0) FROM row WHERE path = ?", (path,)).fetchone()
            for key, updated, content in rows:
                text = json.dumps(content, ensure_ascii=False)
                sql = "UPDATE row SET updated = ?, content = ? WHERE path = ? AND key = ?"
                if not connection.execute(sql, (updated, text, path, key)).rowcount:
                    last += 1
                    connection.execute("INSERT INTO row VALUES (?, ?, ?, ?, ?)", (path, last, key, updated, text))

    def page(self, path: str, begin: int, size: int, since: str) -> tuple[int, list[str]]:
        """The total, and `size` rows after the first `begin`."""
        with self._open() as connection:
            if since:
                where = "FROM row WHERE path = ? AND updated >= ?"
                (total,) = connection.execute(f"SELECT count(*) {where}", (path, since)).fetchone()
                sql = f"SELECT content {where} ORDER BY number LIMIT ? OFFSET ?"
                return total, [row[0] for row in connection.execute(sql, (path, since, size, begin))]
            (total,) = connection.execute("SELECT coalesce(max(number), 0) FROM row WHERE path = ?", (path,)).fetchone()
            sql = "SELECT content FROM row WHERE path = ? AND number > ? AND number <= ? ORDER BY number"
            return total, [row[0] for row in connection.execute(sql, (path, begin, begin + size))]

    def knows(self, path: str) -> bool:
        with self._open() as connection:
            return connection.execute("SELECT 1 FROM row WHERE path = ? LIMIT 1", (path,)).fetchone() is not None


class Interfaces:
    """What the server knows: accounts, stores, faults to come. Safe to use from several threads."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.users = {one.user: one for one in accounts("rest", home)}
        self.stopping = threading.Event()
        self.faults = Faults()
        self._lock = threading.Lock()
        self._nonces: dict[str, float] = {}

    def store(self, unit: str) -> Store:
        return Store(store_path(self.home, unit))

    def admit(self, headers: dict[str, str], path: str, query: str, now: float) -> str:
        """The unit of the account that signed. Raises `PushRefused`."""
        account = self.users.get(headers.get("X-Yici-App", ""))
        secret = account.password if account else ""
        with self._lock:
            signed = verify_push(headers, b"", secret, now, self._nonces, path=path, query=query, method="GET")
            self._nonces = {nonce: until for nonce, until in self._nonces.items() if until > now - WINDOW_SECONDS}
            self._nonces[signed.nonce] = signed.forget_at
        assert account is not None
        return account.unit


def store_path(home: Path, unit: str) -> Path:
    return folder(home, "rest") / f"{unit}.sqlite"


class Handler(SandboxHandler, BaseHTTPRequestHandler):
    server_version = "Department-sandbox"
    sys_version = ""
    interfaces: Interfaces
    ahead = 0.0

    def do_GET(self) -> None:
        mode, seconds = self.interfaces.faults.next()
        self.ahead = seconds if mode == "skew" else 0.0
        parts = urlsplit(self.path)
        if mode in ("error", "busy"):
            self._answer(500 if mode == "error" else 429, {"error": mode}, {"Retry-After": "0"})
            return
        if mode == "hang":
            self.interfaces.stopping.wait(seconds or 600)
            self.close_connection = True
            return
        try:
            unit = self.interfaces.admit(dict(self.headers), parts.path, parts.query, time.time() + self.ahead)
        except PushRefused as refused:
            self._answer(401, {"error": refused.extra["code"]})
            return
        store = self.interfaces.store(unit)
        path = parts.path.removeprefix(f"/{unit}")
        if path == parts.path or not store.knows(path):
            self._answer(404, {"error": "unknown path"})
            return
        self._page(store, path, {name: values[-1] for name, values in parse_qs(parts.query).items()}, mode)

    def _page(self, store: Store, path: str, query: dict[str, str], mode: str) -> None:
        try:
            size = min(int(query.get("size", "500")), LARGEST_SIZE)
            begin = int(query["cursor"]) if "cursor" in query else (int(query.get("page", "1")) - 1) * size
        except ValueError:
            self._answer(400, {"error": "page, size and cursor are numbers"})
            return
        if mode == "duplicate":
            begin = 0
        as_of = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        total, rows = store.page(path, max(begin, 0), max(size, 1), query.get("since", ""))
        following = str(begin + len(rows)) if rows and begin + len(rows) < total else ""
        answer = {
            "total": total + (mode == "total"),
            "rows": [json.loads(row) for row in rows],
            "next": following,
            "as_of": as_of,
        }
        self._answer(200, answer, mode=mode)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if self.path != "/control" or length > BODY_LIMIT:
            self.close_connection = True
            self._answer(404, {"error": "unknown path"})
            return
        wish = json.loads(self.rfile.read(length) or b"{}")
        count, after = int(wish.get("count", 1)), int(wish.get("after", 0))
        self.interfaces.faults.order(str(wish.get("mode", "")), count, float(wish.get("seconds", 0)), after)
        self._answer(200, {"ok": True})

    def _answer(
        self, status: int, content: dict[str, Any], headers: dict[str, str] | None = None, mode: str = ""
    ) -> None:
        body = json.dumps(content, ensure_ascii=False).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json; charset=utf-8", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if mode == "truncated":
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
        elif mode == "slow":
            for i in range(len(body)):
                if self.interfaces.stopping.wait(0.1):
                    return
                self.wfile.write(body[i : i + 1])
                self.wfile.flush()
        else:
            self.wfile.write(body)

    def date_time_string(self, timestamp: float | None = None) -> str:
        return email.utils.formatdate((timestamp or time.time()) + self.ahead, usegmt=True)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, home: Path, port: int = 0) -> None:
        self.interfaces = Interfaces(home)
        handler = type("BoundHandler", (Handler,), {"interfaces": self.interfaces})
        super().__init__(("127.0.0.1", port), handler)
        announce(home, "rest", {"host": "127.0.0.1", "port": self.server_address[1]})

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no error of ours."""

    def stop(self) -> None:
        self.interfaces.stopping.set()
        self.shutdown()
        self.server_close()


def start(home: Path, port: int = 0) -> Server:
    """Serve in a thread; `stop()` ends it."""
    server = Server(home, port)
    threading.Thread(target=server.serve_forever, name="rest-sandbox", daemon=True).start()
    return server
