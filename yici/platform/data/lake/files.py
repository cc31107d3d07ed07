"""Files that are whole or not there: written aside, forced to disk, hashed, moved into place."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import OperationalError

from yici.platform.data.errors import DiskFull

__all__ = ["disk_full_is_told", "force_to_disk", "move_into_place", "sha256_of"]

_CHUNK = 1 << 20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_DATABASE_FULL = "53100"  # SQLSTATE disk_full: PostgreSQL may stand on the same disk


@contextmanager
def disk_full_is_told() -> Iterator[None]:
    """A full disk, a quota or a file limit becomes `DiskFull`, the database's too."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull from error
        raise
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") == _DATABASE_FULL:
            raise DiskFull from error
        raise


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while chunk := handle.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def force_to_disk(path: Path) -> None:
    """What was written to the file, or the names in the folder, survive a power cut from here on."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def move_into_place(aside: Path, target: Path) -> None:
    """Force a folder and all its files to disk and give it its final name, at once and lastingly."""
    for path in sorted(aside.iterdir()):
        force_to_disk(path)
    force_to_disk(aside)
    is_new = not target.parent.exists()
    target.parent.mkdir(parents=True, exist_ok=True)
    if is_new:
        force_to_disk(target.parent.parent)
    aside.rename(target)
    force_to_disk(target.parent)
