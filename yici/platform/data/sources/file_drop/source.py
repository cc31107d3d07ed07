"""The file drop channel: what a department puts on an FTP, FTPS or SFTP server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yici.base.errors import YiciError
from yici.platform.data.sources import base
from yici.platform.data.sources.base import Pace, Problem, Progress, Pull, Stop, read_options
from yici.platform.data.sources.connections import Connection, connection
from yici.platform.data.sources.defaults import completed
from yici.platform.data.sources.dropping import Dropping
from yici.platform.data.sources.failures import problem_of
from yici.platform.data.sources.file_drop.ftp import FtpFolder
from yici.platform.data.sources.file_drop.options import FileDropOptions
from yici.platform.data.sources.file_drop.sftp import SftpFolder

if TYPE_CHECKING:
    from yici.platform.data.catalogue.definition import ClassDefinition


class FileDrop:
    """Implements `Source`."""

    kind = "file_drop"
    label: str | Promise = gettext_lazy("FTP 动态对接")
    Options: type[base.Options] = FileDropOptions

    def check_config(self, options: dict[str, Any], *, definition: ClassDefinition | None = None) -> list[Problem]:
        try:
            chosen = read_options(FileDropOptions, completed(self.kind, options, definition))
            at = connection(chosen.connection, ("sftp", "ftp", "ftps"))
            with _folder(at, chosen.folder) as folder:
                folder.entries()
        except YiciError as error:
            return [problem_of(error)]
        return [_open_password(at)] if at.kind == "ftp" else []

    def pull(
        self,
        options: dict[str, Any],
        cursor: dict[str, Any],
        into: Path,
        *,
        definition: ClassDefinition | None = None,
        progress: Progress | None = None,
        stop: Stop | None = None,
    ) -> Pull:
        chosen = read_options(FileDropOptions, completed(self.kind, options, definition))
        at = connection(chosen.connection, ("sftp", "ftp", "ftps"))
        pace = Pace(progress, stop, at.timeouts.total)
        into.mkdir(parents=True, exist_ok=True)
        with _folder(at, chosen.folder) as folder:
            return Dropping(folder, chosen, cursor, pace).pull(into, definition)


def _folder(at: Connection, folder: str) -> SftpFolder | FtpFolder:
    return SftpFolder(at, folder) if at.kind == "sftp" else FtpFolder(at, folder)


def _open_password(at: Connection) -> Problem:
    return Problem(
        "open-password",
        _("连接“%(id)s”使用普通 FTP，密码和数据都是明文传输。") % {"id": at.id},
        _("请与提供单位商定改用 SFTP 或 FTPS。"),
        "connection",
        "warning",
    )
