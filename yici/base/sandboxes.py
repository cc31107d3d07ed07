"""What the partners' sandboxes share: a quiet HTTP handler with limits, and faults that are ordered for the next requests.

Standard library only. Each sandbox speaks its own partner's protocol on top.
"""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler
from typing import Any

__all__ = ["Faults", "SandboxHandler"]


class Faults:
    """What shall go wrong next: (mode, seconds) for so many requests. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ordered: list[tuple[str, float]] = []

    def order(self, mode: str, count: int, seconds: float, after: int = 0) -> None:
        """From the next request but `after` on. Replaces what was ordered before; an empty mode takes it back."""
        with self._lock:
            self._ordered = [("", 0.0)] * after + [(mode, seconds)] * count if mode else []

    def next(self) -> tuple[str, float]:
        """The fault of this request; an empty mode where none is due."""
        with self._lock:
            return self._ordered.pop(0) if self._ordered else ("", 0.0)


class SandboxHandler(BaseHTTPRequestHandler):
    """Bodies up to a limit, whole answers, no log: what partners are sent is personal."""

    protocol_version = "HTTP/1.1"

    def body(self, limit: int) -> bytes | None:
        """The body of the request; None where it is larger than `limit` bytes, which is answered here."""
        length = int(self.headers.get("Content-Length") or 0)
        if length <= limit:
            return self.rfile.read(length)
        self.close_connection = True
        self.answer(413, b"too large", {"Content-Type": "text/plain"})
        return None

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        try:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the caller has given up waiting

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""
