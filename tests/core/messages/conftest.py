"""A gateway, a mail server and a webhook receiver, all over real sockets."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from yici.core.messages import sandbox


class LiveGateway:
    """The sandbox in a thread, so that each test has an empty one."""

    def __init__(self, store: Path) -> None:
        self.gateway = sandbox.Gateway(store, "sandbox-only", "亳州一次办")
        self.server = sandbox.serve("127.0.0.1", 0, self.gateway)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def messages(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = httpx.get(f"{self.url}/messages.json", trust_env=False).json()
        return rows

    def spoil(self, mode: str, count: int = 1, seconds: float = 30) -> None:
        wish = {"mode": mode, "count": count, "seconds": seconds}
        httpx.post(f"{self.url}/control", json=wish, trust_env=False).raise_for_status()

    def stop(self) -> None:
        self.gateway.stopping.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def gateway(tmp_path: Path, settings: Any) -> Iterator[LiveGateway]:
    live = LiveGateway(tmp_path / "sms")
    settings.SMS_ENDPOINT = live.url
    yield live
    live.stop()


@dataclass
class Received:
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    status: int = 200
    location: str = ""
    url: str = ""


@pytest.fixture
def receiver() -> Iterator[Received]:
    """A program that listens to our webhooks."""
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.calls.append((dict(self.headers), body))
            self.send_response(received.status)
            if received.location:
                self.send_header("Location", received.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    received.url = f"http://127.0.0.1:{server.server_address[1]}/hook?city=bozhou"
    yield received
    server.shutdown()
    server.server_close()
    thread.join()


class _SmtpSession(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a client needs to hand in one message."""

    def handle(self) -> None:
        self.wfile.write(b"220 test\r\n")
        while line := self.rfile.readline():
            verb = line.strip().upper()
            if verb.startswith(b"RCPT") and b"NOBODY@" in verb:
                self.wfile.write(b"550 no such user\r\n")
            elif verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                body = b""
                while not body.endswith(b"\r\n.\r\n"):
                    body += self.rfile.readline()
                self.server.mails.append(body)  # type: ignore[attr-defined]
                self.wfile.write(b"250 kept\r\n")
            elif verb == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 ok\r\n")


@pytest.fixture
def mail_server(settings: Any) -> Iterator[list[bytes]]:
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _SmtpSession)
    server.mails = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.server_address[1]
    yield server.mails  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()
    thread.join()
