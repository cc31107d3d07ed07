"""The file drop channel against real FTP and FTPS servers."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import DTPHandler, FTPHandler
from pyftpdlib.servers import FTPServer

from yici.platform.data.errors import SourceUnavailable
from yici.platform.data.sandbox.ftps import Server, certificate_for
from yici.platform.data.sources.base import Pull
from yici.platform.data.sources.file_drop.source import FileDrop

OPTIONS: dict[str, Any] = {"connection": "ftp", "folder": "resident", "settle_seconds": 0.01}


class _CutData(DTPHandler):
    """Closes the data connection after so many bytes, once."""

    limit = 0

    def send(self, data: bytes) -> int:
        if type(self).limit and self.get_transmitted_bytes() + len(data) > type(self).limit:
            type(self).limit = 0
            self.close()
            self.cmd_channel.close()
            return 0
        return int(super().send(data))


class FtpDepartment:
    """A server in a thread; `folder` is what the account sees."""

    def __init__(self, folder: Path, handler: type[FTPHandler], mlsd: bool = True) -> None:
        self.folder = folder
        authorizer = DummyAuthorizer()
        authorizer.add_user("police", "right", str(folder), perm="elradfmw")
        commands = {key: value for key, value in handler.proto_cmds.items() if mlsd or key not in ("MLSD", "MLST")}
        bound = type(
            "Bound",
            (handler,),
            {"authorizer": authorizer, "proto_cmds": commands, "use_sendfile": False, "auth_failed_timeout": 0},
        )
        self.server = FTPServer(("127.0.0.1", 0), bound)
        self.port = self.server.address[1]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._stop.is_set():
            self.server.serve_forever(timeout=0.02, blocking=False)

    def close(self) -> None:
        self._stop.set()
        self._thread.join(5)
        self.server.close_all()


@pytest.fixture
def serve(
    tmp_path: Path, connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Path]]:
    """`serve(handler, **connection)` starts a server and its connection `ftp`; gives the drop folder."""
    monkeypatch.setenv("YICI_SOURCE_FTP", "right")
    monkeypatch.setattr("pyftpdlib.log.LEVEL", 50)
    running: list[FtpDepartment] = []

    def start(handler: type[FTPHandler] = FTPHandler, mlsd: bool = True, **entry: Any) -> Path:
        folder = tmp_path / "served"
        (folder / "resident").mkdir(parents=True)
        department = FtpDepartment(folder, handler, mlsd)
        running.append(department)
        usual = {"kind": "ftp", "port": department.port, "user": "police", "secret": "FTP", "host": "127.0.0.1"}
        connect("ftp", **{**usual, "timeouts": {"connect": 5, "read": 3, "total": 60}, **entry})
        return folder / "resident"

    yield start
    for one in running:
        one.close()


def pull(into: Path, cursor: dict[str, Any] | None = None, **options: Any) -> Pull:
    return FileDrop().pull({**OPTIONS, **options}, cursor or {}, into)


@pytest.mark.parametrize("mlsd", [True, False])
def test_a_file_is_fetched_once_with_and_without_the_newer_listing(
    serve: Callable[..., Path], tmp_path: Path, mlsd: bool
) -> None:
    folder = serve(mlsd=mlsd)
    (folder / "居民.csv").write_bytes(b"a,b\r\n1,2\r\n")
    (folder / "sub").mkdir()
    first = pull(tmp_path / "into")
    assert [one.name for one in first.objects] == ["居民.csv"]
    assert first.objects[0].path.read_bytes() == b"a,b\r\n1,2\r\n"
    assert pull(tmp_path / "into", first.cursor).objects == []


def test_a_download_that_was_cut_goes_on_where_it_stopped(serve: Callable[..., Path], tmp_path: Path) -> None:
    cut = type("Cut", (_CutData,), {"limit": 1 << 20})
    folder = serve(type("Handler", (FTPHandler,), {"dtp_handler": cut}))
    content = os.urandom(2 << 20)
    (folder / "a.csv").write_bytes(content)
    with pytest.raises(SourceUnavailable):
        pull(tmp_path / "into")
    (partial,) = (tmp_path / "into").glob("*.part")
    assert 0 < partial.stat().st_size < len(content)
    assert pull(tmp_path / "into").objects[0].path.read_bytes() == content


def test_taken_files_move_to_done(serve: Callable[..., Path], tmp_path: Path) -> None:
    folder = serve()
    (folder / "a.csv").write_bytes(b"a")
    first = pull(tmp_path / "into", done="done")
    pull(tmp_path / "into", first.cursor, done="done")
    assert (folder / "done" / "a.csv").exists()
    assert not (folder / "a.csv").exists()


def test_the_check_tells_password_folder_and_open_password(
    serve: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    serve()
    (warning,) = FileDrop().check_config(OPTIONS)
    assert (warning.code, warning.level) == ("open-password", "warning")
    assert FileDrop().check_config({**OPTIONS, "folder": "nowhere"})[0].code == "unknown-folder"
    monkeypatch.setenv("YICI_SOURCE_FTP", "wrong")
    assert FileDrop().check_config(OPTIONS)[0].code == "wrong-password"


def test_a_server_that_accepts_and_says_nothing_is_given_up(
    connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import socket

    monkeypatch.setenv("YICI_SOURCE_FTP", "right")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connect(
            "ftp", kind="ftp", port=silent.getsockname()[1], user="police", secret="FTP",
            timeouts={"connect": 0.3, "read": 0.3, "total": 5},
        )  # fmt: skip
        with pytest.raises(SourceUnavailable, match="没有应答"):
            pull(tmp_path)


@pytest.mark.parametrize("implicit", [False, True])
def test_ftps_encrypts_both_connections_and_checks_the_certificate(
    tmp_path: Path, connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch, implicit: bool
) -> None:
    monkeypatch.setenv("YICI_SOURCE_FTP", "right")
    (tmp_path / "served" / "police" / "resident").mkdir(parents=True)
    (tmp_path / "served" / "police" / "resident" / "a.csv").write_bytes(b"secret")
    certificate, ca = certificate_for(tmp_path)
    server = Server(tmp_path / "served", {"police": "right"}, certificate, implicit=implicit)
    entry = {"kind": "ftps", "port": server.port, "user": "police", "secret": "FTP"}
    connect("ftp", **entry, tls={"ca": str(ca), "implicit": implicit})
    assert pull(tmp_path / "into").objects[0].path.read_bytes() == b"secret"
    assert FileDrop().check_config(OPTIONS) == []
    connect("ftp", **entry, tls={"implicit": implicit})
    assert [one.code for one in FileDrop().check_config(OPTIONS)] == ["untrusted-certificate"]
    server.stop()
