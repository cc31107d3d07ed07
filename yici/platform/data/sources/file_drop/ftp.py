"""A folder on an FTP or FTPS server (explicit TLS as in RFC 4217, or implicit). Plain FTP sends the password open: see the check."""

from __future__ import annotations

import ftplib
import io
import posixpath
import socket
import ssl
from calendar import timegm
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import strptime
from types import TracebackType
from typing import Any

from yici.platform.data.sources.base import Pace
from yici.platform.data.sources.connections import Connection, secret
from yici.platform.data.sources.dropping import Entry
from yici.platform.data.sources.failures import network_failure, no_permission, unknown_folder, wrong_password

_BLOCK = 1 << 18  # bytes


class _Ftps(ftplib.FTP_TLS):
    """Data connections go on with the session of the control connection, as many servers demand."""

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321 - FTP_TLS itself calls it
        if self._prot_p:  # type: ignore[attr-defined] # no public way to ask
            session = self.sock.session if isinstance(self.sock, ssl.SSLSocket) else None
            connection = self.context.wrap_socket(connection, server_hostname=self.host, session=session)
        return connection, size


class _ImplicitFtps(_Ftps):
    """Speaks TLS before the server says its first word."""

    _encrypted: ssl.SSLSocket | None = None

    @property
    def sock(self) -> ssl.SSLSocket | None:
        return self._encrypted

    @sock.setter
    def sock(self, opened: socket.socket | None) -> None:
        if opened is not None and not isinstance(opened, ssl.SSLSocket):
            opened = self.context.wrap_socket(opened, server_hostname=self.host)
        self._encrypted = opened


class FtpFolder:
    """Implements `Remote`. Use as a context; the socket's time-out is the one between two signs of life."""

    same_clock = False

    def __init__(self, at: Connection, folder: str) -> None:
        self._at = at
        self._folder = posixpath.join(at.path, folder) if at.path or folder else ""
        self._ftp: ftplib.FTP = self._client()

    def _client(self) -> ftplib.FTP:
        if self._at.kind == "ftp":
            return ftplib.FTP(encoding=self._at.encoding)  # noqa: S321 - what the department offers
        context = ssl.create_default_context(cafile=self._at.tls.ca or None)
        if self._at.tls.mode == "off":
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        speaking = _ImplicitFtps if self._at.tls.implicit else _Ftps
        return speaking(context=context, encoding=self._at.encoding)

    def __enter__(self) -> FtpFolder:
        try:
            with self._said():
                self._ftp.connect(self._at.host, self._at.port, timeout=self._at.timeouts.connect)
                self._log_in()
                self._wait_for(self._at.timeouts.read)
            if self._folder:
                with self._said(unknown_folder(self._folder)):
                    self._ftp.cwd(self._folder)
        except BaseException:
            self._ftp.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError, EOFError, ftplib.Error):
            self._wait_for(2)
            if error is None:
                self._ftp.quit()
        self._ftp.close()

    def _wait_for(self, seconds: float) -> None:
        self._ftp.timeout = seconds  # of data connections to come
        if self._ftp.sock is not None:
            self._ftp.sock.settimeout(seconds)

    def _log_in(self) -> None:
        try:
            self._ftp.login(self._at.user, secret(self._at.secret))
        except ftplib.error_perm as error:
            if str(error)[:3] in ("530", "331", "332", "430"):
                raise wrong_password(self._at) from None
            raise
        if isinstance(self._ftp, ftplib.FTP_TLS):
            self._ftp.prot_p()

    def entries(self) -> list[Entry]:
        with self._said():
            try:
                listed = list(self._ftp.mlsd(facts=["type", "size", "modify"]))
            except ftplib.error_perm:  # a server from before RFC 3659
                return list(self._listed_by_name())
        return [
            Entry(name, int(facts["size"]), _seconds(facts.get("modify", "")))
            for name, facts in listed
            if facts.get("type") == "file" and "size" in facts
        ]

    def _listed_by_name(self) -> Iterator[Entry]:
        listed = self._ftp.nlst()
        self._ftp.voidcmd("TYPE I")  # only then does SIZE count bytes
        for name in listed:
            plain = posixpath.basename(name)
            try:
                size = self._ftp.size(plain)
                modified = self._ftp.sendcmd(f"MDTM {plain}")[4:]
            except ftplib.error_perm:
                continue  # a folder
            if size is not None:
                yield Entry(plain, size, _seconds(modified))

    def read(self, name: str, limit: int) -> bytes:
        found = io.BytesIO()
        with self._said():
            self._ftp.retrbinary(f"RETR {name}", found.write)
        return found.getvalue()[:limit]

    def download(self, name: str, target: Path, offset: int, pace: Pace) -> None:
        with target.open("ab") as handle, self._said(no_permission(name, "pattern")):

            def keep(block: bytes) -> Any:
                handle.write(block)
                pace.advance(len(block))

            self._ftp.retrbinary(f"RETR {name}", keep, blocksize=_BLOCK, rest=offset or None)

    def move(self, name: str, folder: str) -> None:
        with suppress(ftplib.error_perm):  # it is there already
            self._ftp.mkd(folder)
        with self._said(no_permission(folder, "done")):
            with suppress(ftplib.error_perm):
                self._ftp.delete(f"{folder}/{name}")
            self._ftp.rename(name, f"{folder}/{name}")

    @contextmanager
    def _said(self, refusal: Exception | None = None) -> Iterator[None]:
        """Errors of the protocol in words; `refusal` is what a 5xx answer means here."""
        try:
            yield
        except ftplib.error_perm as error:
            raise (refusal or no_permission(self._folder or "/")) from error
        except (ftplib.Error, EOFError, OSError) as error:
            raise network_failure(error, self._at) from error


def _seconds(stamp: str) -> int:
    """`YYYYMMDDHHMMSS[.sss]` in UTC (RFC 3659) as seconds since 1970; 0 where the server gives none."""
    return timegm(strptime(stamp[:14], "%Y%m%d%H%M%S")) if len(stamp) >= 14 else 0
