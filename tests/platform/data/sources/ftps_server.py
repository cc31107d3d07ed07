"""A small FTPS server (RFC 4217) over a folder: the test packages have one for plain FTP only."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path


class FtpsServer:
    """Refuses to log anybody in, or to send anything, over a connection that is not encrypted."""

    def __init__(self, folder: Path, certificate: Path, password: str, *, implicit: bool = False) -> None:
        self._folder, self._password, self._implicit = folder, password, implicit
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self._implicit:
                client = self._context.wrap_socket(client, server_side=True)
            conversation = _Conversation(client, self._folder, self._context, self._password)
            conversation.encrypted = self._implicit
            conversation.run()
        client.close()


class _Conversation:
    def __init__(self, client: socket.socket, folder: Path, context: ssl.SSLContext, password: str) -> None:
        self.client, self.folder, self.context, self.password = client, folder, context, password
        self.lines = client.makefile("rb")
        self.encrypted = self.protected = self.known = False
        self.passive: socket.socket | None = None

    def say(self, text: str) -> None:
        self.client.sendall(text.encode() + b"\r\n")

    def run(self) -> None:
        self.say("220 ready")
        while line := self.lines.readline():
            command, _, argument = line.decode().strip().partition(" ")
            action: Callable[[str], None] | None = getattr(self, f"on_{command.lower()}", None)
            if command == "QUIT":
                self.say("221 bye")
                return
            action(argument) if action else self.say("502 unknown")

    def on_auth(self, argument: str) -> None:
        self.say("234 go on")
        self.client = self.context.wrap_socket(self.client, server_side=True)
        self.lines = self.client.makefile("rb")
        self.encrypted = True

    def on_user(self, argument: str) -> None:
        self.say("331 password" if self.encrypted else "530 not in the open")

    def on_pass(self, argument: str) -> None:
        self.known = argument == self.password
        self.say("230 welcome" if self.known else "530 wrong")

    def on_pbsz(self, argument: str) -> None:
        self.say("200 ok")

    def on_prot(self, argument: str) -> None:
        self.protected = argument == "P"
        self.say("200 ok")

    def on_type(self, argument: str) -> None:
        self.say("200 ok")

    def on_opts(self, argument: str) -> None:
        self.say("200 ok")

    def on_cwd(self, argument: str) -> None:
        self.folder = self.folder / argument
        self.say("250 ok" if self.folder.is_dir() else "550 no such folder")

    def on_pasv(self, argument: str) -> None:
        self.passive = socket.create_server(("127.0.0.1", 0))
        high, low = divmod(self.passive.getsockname()[1], 256)
        self.say(f"227 entering (127,0,0,1,{high},{low})")

    def on_mlsd(self, argument: str) -> None:
        lines = [
            f"type=file;size={one.stat().st_size};modify=20261126010203; {one.name}" for one in self.folder.iterdir()
        ]
        self._send("".join(f"{line}\r\n" for line in lines).encode())

    def on_retr(self, argument: str) -> None:
        self._send((self.folder / argument).read_bytes())

    def _send(self, content: bytes) -> None:
        if not (self.known and self.protected and self.passive):
            self.say("521 not in the open")
            return
        self.say("150 coming")
        data, _ = self.passive.accept()
        self.passive.close()
        with self.context.wrap_socket(data, server_side=True) as secure:
            secure.sendall(content)
            with contextlib.suppress(OSError):
                secure.unwrap()
        self.say("226 done")
