"""A way to a server that can be cut or fall silent in the middle: a TCP relay under the test's control."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType


class Relay:
    """Forwards to `host` and `port` (a PostgreSQL's folder of sockets serves as a host); after `limit` bytes from the server it cuts the connection, or falls silent.

    `limit` None: never. `count`: only so many connections are spoiled, the rest pass.
    """

    def __init__(self, host: str, port: int, limit: int | None, *, silent: bool = False, count: int = 1) -> None:
        self._target, self._limit, self._silent, self._left = (host, port), limit, silent, count
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Relay:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in [self._listener, *self._open]:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                server = self._reach()
                self._open += [client, server]
                limit = self._limit if self._left > 0 else None
                self._left -= 1
                threading.Thread(target=self._forward, args=(client, server, None), daemon=True).start()
                threading.Thread(target=self._forward, args=(server, client, limit), daemon=True).start()

    def _reach(self) -> socket.socket:
        host, port = self._target
        if host.startswith("/"):
            server = socket.socket(socket.AF_UNIX)
            server.connect(f"{host}/.s.PGSQL.{port}")
            return server
        server = socket.create_connection(self._target)
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return server

    def _forward(self, source: socket.socket, target: socket.socket, limit: int | None) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while block := source.recv(16384):
                if limit is not None and passed + len(block) > limit:
                    if self._silent:
                        return
                    break
                target.sendall(block)
                passed += len(block)
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
