"""An FTPS server (RFC 959, 3659, 4217) with a folder per department: each account sees its own folder and nothing else.

Nobody is logged in, and nothing sent, over a connection that is not encrypted. Knows what a client needs that fetches: lists, files, going on
where a download was cut, moving what was taken; it takes nothing in.
"""

from __future__ import annotations

import datetime as dt
import hmac
import ipaddress
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from yici.platform.data.sandbox.accounts import accounts, announce, folder

_SECONDS = 60  # until a silent client is given up
_BLOCK = 1 << 16
_YEARS = 20


class Server:
    """Runs in threads until `stop`. `root`: a folder for each account. `implicit`: TLS before the first word."""

    def __init__(self, root: Path, passwords: Mapping[str, str], certificate: Path, *, implicit: bool = False) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.root, self.passwords, self.context, self.implicit = root.resolve(), dict(passwords), context, implicit
        server = self

        class Talk(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with suppress(OSError, ValueError):
                    conversation = _Conversation(self.request, server)
                    with closing(conversation):
                        conversation.run()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Talk)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, name="sandbox-ftps", daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def start(home: Path) -> Server:
    """Serve the city's accounts and announce address and authority."""
    root = folder(home, "ftps")
    passwords = {one.user: one.password for one in accounts("ftps", home)}
    for user in passwords:
        (root / user).mkdir(exist_ok=True)
    certificate, authority = certificate_for(root)
    server = Server(root, passwords, certificate)
    announce(home, "ftps", {"host": "127.0.0.1", "port": server.port, "ca": str(authority)})
    return server


def certificate_for(root: Path) -> tuple[Path, Path]:
    """Certificate with its key, and the certificate alone, which clients trust; made once for a folder."""
    private, public = root / "server.pem", root / "authority.pem"
    if not private.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "departments' file server")])
        now = dt.datetime.now(dt.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=365 * _YEARS))
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
            )
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        ).public_bytes(serialization.Encoding.PEM)
        form = serialization.PrivateFormat.PKCS8
        secret = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        public.write_bytes(made)
        private.touch(0o600)
        private.write_bytes(secret + made)
    return private, public


class _Refused(Exception):
    """An answer of 4xx or 5xx."""


class _Conversation:
    """One control connection. A method `on_<command>` for each command it knows."""

    def __init__(self, client: socket.socket, server: Server) -> None:
        client.settimeout(_SECONDS)
        self.server = server
        self.client = server.context.wrap_socket(client, server_side=True) if server.implicit else client
        self.lines = self.client.makefile("rb")
        self.is_encrypted, self.is_protected = server.implicit, False
        self.user = ""
        self.home: Path | None = None
        self.at = Path()
        self.passive: socket.socket | None = None
        self.offset = 0
        self.renamed: Path | None = None

    def close(self) -> None:
        if self.passive is not None:
            self.passive.close()
        self.client.close()

    def say(self, text: str) -> None:
        self.client.sendall(text.encode() + b"\r\n")

    def run(self) -> None:
        self.say("220 ready")
        while line := self.lines.readline(4096):
            command, _, argument = line.decode("utf-8", "replace").strip().partition(" ")
            if command.upper() == "QUIT":
                self.say("221 bye")
                return
            action: Callable[[str], None] | None = getattr(self, f"on_{command.lower()}", None)
            is_open = command.upper() in ("AUTH", "USER", "PASS", "PBSZ", "PROT", "FEAT", "OPTS", "NOOP")
            try:
                if action is None:
                    raise _Refused("502 unknown")
                if self.home is None and not is_open:
                    raise _Refused("530 log in first")
                action(argument)
            except _Refused as refused:
                self.say(str(refused))
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError, FileExistsError, PermissionError):
                self.say("550 no such file")

    # Who -----------------------------------------------------------------------------------------------------

    def on_auth(self, argument: str) -> None:
        if argument.upper() != "TLS" or self.is_encrypted:
            raise _Refused("504 only TLS, and once")
        self.say("234 go on")
        self.client = self.server.context.wrap_socket(self.client, server_side=True)
        self.lines = self.client.makefile("rb")
        self.is_encrypted = True

    def on_user(self, argument: str) -> None:
        if not self.is_encrypted:
            raise _Refused("530 not in the open")
        self.user, self.home = argument, None
        self.say("331 password")

    def on_pass(self, argument: str) -> None:
        expected = self.server.passwords.get(self.user, "")
        if not self.is_encrypted or not expected or not hmac.compare_digest(expected.encode(), argument.encode()):
            raise _Refused("530 wrong")
        self.home = self.at = (self.server.root / self.user).resolve()
        self.say("230 welcome")

    def on_pbsz(self, argument: str) -> None:
        self.say("200 ok")

    on_type = on_opts = on_noop = on_pbsz

    def on_prot(self, argument: str) -> None:
        self.is_protected = self.is_encrypted and argument.upper() == "P"
        self.say("200 ok" if self.is_protected else "536 only P")

    def on_feat(self, argument: str) -> None:
        self.say("211-features\r\n MLSD\r\n REST STREAM\r\n SIZE\r\n UTF8\r\n211 end")

    # Where ---------------------------------------------------------------------------------------------------

    def _path(self, argument: str) -> Path:
        """The path within the account's folder. Raises `_Refused` for one that leaves it."""
        assert self.home is not None
        whole = (self.home / argument.lstrip("/") if argument.startswith("/") else self.at / argument).resolve()
        if whole != self.home and self.home not in whole.parents:
            raise _Refused("550 no such file")
        return whole

    def on_cwd(self, argument: str) -> None:
        found = self._path(argument)
        if not found.is_dir():
            raise _Refused("550 no such folder")
        self.at = found
        self.say("250 ok")

    def on_pwd(self, argument: str) -> None:
        assert self.home is not None
        self.say(f'257 "/{self.at.relative_to(self.home).as_posix().removeprefix(".")}"')

    def on_size(self, argument: str) -> None:
        self.say(f"213 {self._path(argument).stat().st_size}")

    def on_mkd(self, argument: str) -> None:
        self._path(argument).mkdir()
        self.say("257 made")

    def on_dele(self, argument: str) -> None:
        self._path(argument).unlink()
        self.say("250 gone")

    def on_rnfr(self, argument: str) -> None:
        self.renamed = self._path(argument)
        self.say("350 to what")

    def on_rnto(self, argument: str) -> None:
        if self.renamed is None:
            raise _Refused("503 what")
        self.renamed.rename(self._path(argument))
        self.renamed = None
        self.say("250 ok")

    # What ----------------------------------------------------------------------------------------------------

    def on_pasv(self, argument: str) -> None:
        if self.passive is not None:
            self.passive.close()
        self.passive = socket.create_server(("127.0.0.1", 0))
        self.passive.settimeout(_SECONDS)
        high, low = divmod(self.passive.getsockname()[1], 256)
        self.say(f"227 entering (127,0,0,1,{high},{low})")

    def on_rest(self, argument: str) -> None:
        self.offset = int(argument) if argument.isdigit() else 0
        self.say("350 from there")

    def on_mlsd(self, argument: str) -> None:
        lines = []
        for one in sorted(self._path(argument).iterdir() if argument else self.at.iterdir()):
            facts = one.stat()
            kind = "dir" if one.is_dir() else "file"
            changed = dt.datetime.fromtimestamp(facts.st_mtime, dt.UTC)
            lines.append(f"type={kind};size={facts.st_size};modify={changed:%Y%m%d%H%M%S}; {one.name}\r\n")
        self._send(iter(["".join(lines).encode()]))

    def on_retr(self, argument: str) -> None:
        offset, self.offset = self.offset, 0
        with self._path(argument).open("rb") as handle:
            handle.seek(offset)
            self._send(iter(lambda: handle.read(_BLOCK), b""))

    def _send(self, blocks: Any) -> None:
        if not self.is_protected:
            raise _Refused("521 not in the open")
        if self.passive is None:
            raise _Refused("425 where to")
        passive, self.passive = self.passive, None
        self.say("150 coming")
        with passive:
            data, _address = passive.accept()
        data.settimeout(_SECONDS)
        with self.server.context.wrap_socket(data, server_side=True) as secure:
            for block in blocks:
                secure.sendall(block)
            with suppress(OSError):
                secure.unwrap()
        self.say("226 done")
