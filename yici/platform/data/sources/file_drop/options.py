"""Options of the file drop channel."""

from __future__ import annotations

from yici.platform.data.sources.dropping import FolderOptions


class FileDropOptions(FolderOptions):
    """`connection` of kind sftp, ftp or ftps; `folder` is below the connection's `path`."""

    connection: str
