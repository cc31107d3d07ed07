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

__all__ = ["disk_full_is_told", "force_to_disk", "is_full", "move_into_place", "sha256_of", "written_whole"]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_DATABASE_FULL = "53100"  # SQLSTATE disk_full: PostgreSQL may stand on the same disk


@contextmanager
def disk_full_is_told() -> Iterator[None]:
    """A full disk, a quota or a file limit becomes `DiskFull`, the database's too."""
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise DiskFull from error
        raise
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", "") == _DATABASE_FULL:
            raise DiskFull from error
        raise


def is_full(error: BaseException) -> bool:
    """Whether the operating system refused for want of room."""
    return isinstance(error, OSError) and error.errno in _FULL


def sha256_of(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


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


@contextmanager
def written_whole(*targets: Path) -> Iterator[list[Path]]:
    """Names to write to; they take the place of the targets together at the end, and nothing is left after a failure."""
    drafts = [target.with_name(f".{target.name}.draft") for target in targets]
    try:
        yield drafts
        for draft in drafts:
            force_to_disk(draft)
        for draft, target in zip(drafts, targets, strict=True):
            draft.replace(target)
    finally:
        for draft in drafts:
            draft.unlink(missing_ok=True)
