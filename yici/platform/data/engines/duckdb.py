"""DuckDB on one machine: a connection per job, in memory, that spills into the data home and never loads extensions."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
from django.conf import settings

from yici.platform.data.errors import DiskFull

__all__ = ["connect", "is_disk_full", "quoted"]

_FULL = ("no space left on device", "file too large", "out of disk space", "max_temp_directory_size", "disk quota exceeded")


@contextlib.contextmanager
def connect(*, memory: str = "", threads: int = 0) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory connection with the limits of the settings (`memory` like "2GB" and `threads` override them).

    Nothing is shared between two connections. Spilled data lies in a folder of its own under DATA_HOME/work, gone
    at the end. Raises `DiskFull` where DuckDB found no room.
    """
    work = Path(settings.DATA_HOME) / "work"
    try:
        work.mkdir(parents=True, exist_ok=True)
        spill = Path(tempfile.mkdtemp(prefix="duckdb-", dir=work))
    except OSError as error:
        if is_disk_full(error):
            raise DiskFull from error
        raise
    config = {
        "memory_limit": memory or settings.DATA_MEMORY,
        "threads": str(threads or settings.DATA_THREADS),
        "temp_directory": str(spill),
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "allow_community_extensions": "false",
    }
    try:
        connection = duckdb.connect(":memory:", config=config)
        try:
            # A timestamp in the lake is local time as the source wrote it: no zone may move it.
            connection.execute("SET TimeZone = 'UTC'")
            yield connection
        finally:
            connection.close()
    except (duckdb.Error, OSError) as error:
        if is_disk_full(error):
            raise DiskFull from error
        raise
    finally:
        shutil.rmtree(spill, ignore_errors=True)


def quoted(name: str) -> str:
    """An SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def is_disk_full(error: Exception) -> bool:
    text = str(error).lower()
    return any(words in text for words in _FULL)
