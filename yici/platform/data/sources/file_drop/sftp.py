"""A folder on an SFTP server. The server's key is pinned: whoever shows another one is not talked to."""

from __future__ import annotations

import asyncio
import contextlib
import posixpath
import stat
from collections.abc import Awaitable
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import asyncssh
from django.utils.translation import gettext as _

from yici.platform.data.sources.base import Pace, SourceAccessDenied, SourceMisconfigured
from yici.platform.data.sources.connections import Connection, secret
from yici.platform.data.sources.dropping import Entry
from yici.platform.data.sources.failures import (
    failure,
    network_failure,
    no_permission,
    unknown_folder,
    wrong_password,
)

_BLOCK = 1 << 20  # bytes; asyncssh asks for its parts in parallel
Answer = TypeVar("Answer")


class SftpFolder:
    """Implements `Remote`. Use as a context; each call has the connection's time-outs."""

    same_clock = False

    def __init__(self, at: Connection, folder: str) -> None:
        self._at = at
        self._folder = posixpath.join(at.path or ".", folder)
        self._runner = asyncio.Runner()
        # One failed part of a parallel read is raised; that the other parts failed too is no news.
        self._runner.get_loop().set_exception_handler(lambda loop, context: None)
        self._ssh: Any = None
        self._sftp: Any = None

    def __enter__(self) -> SftpFolder:
        try:
            self._run(self._connect(), self._at.timeouts.connect)
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def entries(self) -> list[Entry]:
        listed = self._run(self._sftp.readdir(self._folder), self._at.timeouts.read)
        return [
            Entry(str(one.filename), one.attrs.size or 0, int(one.attrs.mtime or 0))
            for one in listed
            if one.attrs.permissions is None or stat.S_ISREG(one.attrs.permissions)
        ]

    def read(self, name: str, limit: int) -> bytes:
        async def whole() -> bytes:
            async with self._sftp.open(self._path(name), "rb") as handle:
                return bytes(await handle.read(limit))

        return self._run(whole(), self._at.timeouts.read)

    def download(self, name: str, target: Path, offset: int, pace: Pace) -> None:
        seconds = self._at.timeouts.read
        source = self._run(self._sftp.open(self._path(name), "rb"), seconds)
        with target.open("ab") as handle:
            while block := self._run(source.read(_BLOCK, offset), seconds):
                handle.write(block)
                offset += len(block)
                pace.advance(len(block))
        self._run(source.close(), seconds)

    def move(self, name: str, folder: str) -> None:
        target = posixpath.join(self._folder, folder)

        async def moved() -> None:
            await self._sftp.makedirs(target, exist_ok=True)
            if await self._sftp.exists(posixpath.join(target, name)):
                await self._sftp.remove(posixpath.join(target, name))
            await self._sftp.rename(self._path(name), posixpath.join(target, name))

        self._run(moved(), self._at.timeouts.read)

    def _path(self, name: str) -> str:
        return posixpath.join(self._folder, name)

    async def _connect(self) -> None:
        if not self._at.host_key:
            raise await self._unpinned()
        password = secret(self._at.secret)
        key = secret(self._at.key_secret)
        self._ssh = await asyncssh.connect(
            self._at.host,
            self._at.port,
            username=self._at.user,
            password=password or None,
            client_keys=[asyncssh.import_private_key(key)] if key else [],
            known_hosts=([asyncssh.import_public_key(self._at.host_key)], [], []),
            config=None,
            agent_path=None,
            gss_host=None,
        )
        self._sftp = await self._ssh.start_sftp_client()

    async def _unpinned(self) -> SourceMisconfigured:
        """Says which key the server shows now, so that somebody can compare it with the department and enter it."""
        shown = await asyncssh.get_server_host_key(self._at.host, self._at.port, config=None)
        line = shown.export_public_key().decode().strip() if shown else ""
        return failure(
            SourceMisconfigured,
            "host-key-missing",
            _("连接“%(id)s”没有登记服务器公钥（host_key）。") % {"id": self._at.id},
            _("服务器现在出示的是：%(line)s。请与提供单位核对后写入 sources.yaml。") % {"line": line},
        )

    def _run(self, work: Awaitable[Answer], seconds: float) -> Answer:
        async def in_time() -> Answer:
            return await asyncio.wait_for(work, seconds)

        try:
            return self._runner.run(in_time())
        except asyncssh.PermissionDenied:
            raise wrong_password(self._at) from None
        except asyncssh.HostKeyNotVerifiable:
            raise self._other_key() from None
        except asyncssh.SFTPNoSuchFile:
            raise unknown_folder(self._folder) from None
        except asyncssh.SFTPPermissionDenied:
            raise no_permission(self._folder) from None
        except (asyncssh.Error, OSError) as error:
            raise network_failure(error, self._at) from error

    def _other_key(self) -> SourceAccessDenied:
        return failure(
            SourceAccessDenied,
            "host-key-changed",
            _("%(host)s 出示的公钥与登记的不同，可能被人冒充，已拒绝连接。") % {"host": self._at.host},
            _("请与提供单位核对；确属更换后，修改 sources.yaml 中的 host_key。"),
        )

    def _close(self) -> None:
        """At once: after a failure nobody answers any more, and after a success nothing is open."""

        async def closing() -> None:
            self._ssh.abort()
            await asyncio.wait_for(self._ssh.wait_closed(), 1)

        if self._ssh is not None:
            with contextlib.suppress(asyncssh.Error, OSError):
                self._runner.run(closing())
        self._runner.close()
